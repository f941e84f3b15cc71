"""Dealing out pairs so that those of one neighbourhood are judged together: recordings are read for few parts each."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

Rows = npt.NDArray[np.integer[Any]]
Order = npt.NDArray[np.int32]

_ROUNDS = 12
_PAIRS_AT_ONCE = 1 << 20


def most_alike_first(q: Order, m: Order, unlike: npt.NDArray[np.float32]) -> tuple[Order, Order]:
    """Sort pairs.

    Parameters
    ----------
    q : numpy.ndarray
        Shape (n_pairs,), int32, rows of one side.
    m : numpy.ndarray
        Shape (n_pairs,), int32, rows of the other.
    unlike : numpy.ndarray
        Shape (n_pairs,), float32, less is more alike; not NaN.

    Returns
    -------
    tuple of numpy.ndarray
        Both sides.
    """
    order = np.argsort(unlike, kind="stable")
    return q[order], m[order]


def by_neighbourhood(recordings: int, q: Rows, m: Rows) -> Rows:
    """Order recordings so that those that are alike stand together.

    Every recording is joined with the one that it is most like, every group that comes of it with the group that it
    has the most alike pair with, and so on (Boruvka 1926): groups within groups, of which each keeps together.

    Parameters
    ----------
    recordings : int
        How many there are.
    q : numpy.ndarray
        Shape (n_pairs,), int32 or int64, rows of one side of pairs, those that are most alike first.
    m : numpy.ndarray
        Shape (n_pairs,), of the same type, rows of the other.

    Returns
    -------
    numpy.ndarray
        Shape (recordings,), of that type, the place of each row in that order.
    """
    groups = np.arange(recordings, dtype=q.dtype)
    levels: list[Rows] = []
    for _ in range(_ROUNDS):
        between = groups[q] != groups[m]
        q, m = q[between], m[between]
        if not len(q):
            break
        groups = _joined(groups, q, m)
        levels.append(groups)
    places = np.empty(recordings, dtype=q.dtype)
    places[np.lexsort((np.arange(recordings), *levels))] = np.arange(recordings)
    return places


def places_of_pairs(places: Rows, q: Rows, m: Rows) -> Rows:
    """Say where in that order pairs stand: where the first of their recordings does.

    Parameters
    ----------
    places : numpy.ndarray
        Shape (recordings,), from `by_neighbourhood`.
    q : numpy.ndarray
        Shape (n_pairs,), rows of one side.
    m : numpy.ndarray
        Shape (n_pairs,), rows of the other.

    Returns
    -------
    numpy.ndarray
        Shape (n_pairs,).
    """
    return np.minimum(places[q], places[m])


def _joined(groups: Rows, q: Rows, m: Rows) -> Rows:
    """Join every group with the one that its first pair leads to."""
    count = int(groups.max()) + 1
    nearest = np.arange(count, dtype=groups.dtype)
    # Written from the last pair to the first, so that each group's first one stays.
    for start in reversed(range(0, len(q), _PAIRS_AT_ONCE)):
        some = slice(start, start + _PAIRS_AT_ONCE)
        of_q, of_m = groups[q[some]], groups[m[some]]
        nearest[np.column_stack((of_q, of_m)).ravel()[::-1]] = np.column_stack((of_m, of_q)).ravel()[::-1]
    edges = csr_array((np.ones(count, dtype=np.int8), (np.arange(count), nearest)), shape=(count, count))
    labels: Rows = connected_components(edges, directed=False)[1].astype(groups.dtype)
    return labels[groups]
