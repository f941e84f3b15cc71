"""Where labelled pairs are cut, so that no recording stands on both sides."""

from __future__ import annotations

import hashlib
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from training.pairs import LabelledPairs

# Drawing invalid pairs at random, as people do, ties most recordings into one component.
_LARGE_COMPONENT = 0.1  # of the pairs
_LAST_POSITION = float(np.nextafter(1, 0))


class Components(NamedTuple):
    """Pairs that share a recording, directly or through others.

    Attributes
    ----------
    of_pairs : numpy.ndarray
        Shape (n_pairs,), int64, the component of each pair, from 0.
    least_ids : list of str
        Of each component, its least id.
    large : numpy.ndarray
        Shape (n_pairs,), bool, whether the pair's component holds more than a tenth of all pairs.
    """

    of_pairs: npt.NDArray[np.int64]
    least_ids: list[str]
    large: npt.NDArray[np.bool_]


def components(pairs: LabelledPairs) -> Components:
    """Find the connected components of labelled pairs.

    Parameters
    ----------
    pairs : LabelledPairs
        n_pairs pairs.

    Returns
    -------
    Components
        The same whatever the order of the file, but for that of the pairs.
    """
    names = sorted(pairs.sr_ids)
    rows = {name: row for row, name in enumerate(names)}
    q, m = ([rows[recording.sr_id] for recording in side] for side in (pairs.q, pairs.m))
    graph = coo_array((np.ones(len(q), dtype=np.int8), (q, m)), shape=(len(names), len(names)))
    _, labels = connected_components(graph, directed=False)
    # Names are sorted, so the first row of a component is its least id.
    _, firsts = np.unique(labels, return_index=True)
    of_pairs = labels[q].astype(np.int64)
    large = np.bincount(of_pairs, minlength=1)[of_pairs] > max(1, _LARGE_COMPONENT * len(of_pairs))
    return Components(of_pairs, [names[first] for first in firsts], large)


def component_positions(pairs: LabelledPairs, seed: int) -> npt.NDArray[np.float64]:
    """Give every pair a position in [0, 1) that all pairs linked to it share, to split by.

    Pairs that share a recording, directly or through others, form one component; its position is a hash of its least
    id. A component of more than a tenth of the pairs stands at the end, wherever its hash would put it: on the side
    that is learnt from. The order of the file does not matter.

    Parameters
    ----------
    pairs : LabelledPairs
        n_pairs pairs.
    seed : int
        Another seed gives another split.

    Returns
    -------
    numpy.ndarray
        Shape (n_pairs,), float64.
    """
    found = components(pairs)
    positions = np.array([_position(name, seed) for name in found.least_ids], dtype=np.float64)[found.of_pairs]
    positions[found.large] = _LAST_POSITION
    return positions


def pair_positions(pairs: LabelledPairs, seed: int) -> npt.NDArray[np.float64]:
    """Give every pair a position in [0, 1) of its own, to split pairs that are too closely linked for anything better.

    Parameters
    ----------
    pairs : LabelledPairs
        n_pairs pairs.
    seed : int
        Another seed gives another split.

    Returns
    -------
    numpy.ndarray
        Shape (n_pairs,), float64, a hash of both ids.
    """
    ids = [sorted((q.sr_id, m.sr_id)) for q, m in zip(pairs.q, pairs.m, strict=True)]
    return np.array([_position(f"{one}\0{other}", seed) for one, other in ids], dtype=np.float64)


def _position(name: str, seed: int) -> float:
    digest = hashlib.blake2b(f"{seed}:{name}".encode(), digest_size=8).digest()
    return int.from_bytes(digest) / 2**64
