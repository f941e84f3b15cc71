"""Where labelled pairs are cut, so that no recording stands on both sides."""

from __future__ import annotations

import hashlib

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from training.pairs import LabelledPairs

# Drawing invalid pairs at random, as people do, ties most recordings into one component.
_LARGE_COMPONENT = 0.1
_LAST_POSITION = float(np.nextafter(1, 0))


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
    names = sorted(pairs.sr_ids)
    rows = {name: row for row, name in enumerate(names)}
    q, m = ([rows[recording.sr_id] for recording in side] for side in (pairs.q, pairs.m))
    graph = coo_array((np.ones(len(q), dtype=np.int8), (q, m)), shape=(len(names), len(names)))
    _, labels = connected_components(graph, directed=False)
    # Names are sorted, so the first row of a component is its least id.
    _, firsts = np.unique(labels, return_index=True)
    positions = np.array([_position(names[first], seed) for first in firsts], dtype=np.float64)
    positions[np.bincount(labels[q]) > max(1, _LARGE_COMPONENT * len(pairs))] = _LAST_POSITION
    spread: npt.NDArray[np.float64] = positions[labels[q]]
    return spread


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
