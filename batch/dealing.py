"""Dealing out pairs so that those of one neighbourhood are judged together: recordings are read for few parts each."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from batch.records import Rows

_ROUNDS = 12


def by_neighbourhood(recordings: int, q: Rows, m: Rows, alike: npt.NDArray[np.float32]) -> Rows:
    """Order recordings so that those that are alike stand together.

    Every recording is joined with the one that it is most like, every group that comes of it with the group that it
    has the most alike pair with, and so on (Boruvka 1926): groups within groups, of which each keeps together.

    Parameters
    ----------
    recordings : int
        How many there are.
    q : numpy.ndarray
        Shape (n_pairs,), int64, rows of one side.
    m : numpy.ndarray
        Shape (n_pairs,), int64, rows of the other.
    alike : numpy.ndarray
        Shape (n_pairs,), float32, more is more alike; not NaN.

    Returns
    -------
    numpy.ndarray
        Shape (recordings,), int64, the place of each row in that order.
    """
    groups = np.arange(recordings)
    levels: list[Rows] = []
    strongest = np.argsort(-alike, kind="stable")
    q, m = q[strongest], m[strongest]
    for _ in range(_ROUNDS):
        between = groups[q] != groups[m]
        q, m = q[between], m[between]
        if not len(q):
            break
        groups = _joined(groups, q, m)
        levels.append(groups)
    places = np.empty(recordings, dtype=np.int64)
    places[np.lexsort((np.arange(recordings), *levels))] = np.arange(recordings)
    return places


def _joined(groups: Rows, q: Rows, m: Rows) -> Rows:
    """Join every group with the one that its first pair leads to."""
    count = int(groups.max()) + 1
    of_q, of_m = groups[q], groups[m]
    nearest = np.arange(count)
    # Written from the last pair to the first, so that each group's first one stays.
    both, other = np.column_stack((of_q, of_m)).ravel()[::-1], np.column_stack((of_m, of_q)).ravel()[::-1]
    nearest[both] = other
    edges = csr_array((np.ones(count, dtype=np.int8), (np.arange(count), nearest)), shape=(count, count))
    labels: Rows = connected_components(edges, directed=False)[1].astype(np.int64)
    return labels[groups]
