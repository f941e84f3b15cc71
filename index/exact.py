"""Cosines as they are: the nearest of all vectors without an index, the oracle of the others, and pair by pair."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from index.halves import widened
from index.vectors import Queries, Rows, Vectors

_BLOCK = 16_384
_COMPARED_AT_ONCE = 16_384  # pairs, each of which takes two kilobytes for a moment


def nearest_of_all(vectors: Vectors, queries: Queries, k: int, own_rows: Rows | None = None) -> Rows:
    """Compare queries with every vector.

    Parameters
    ----------
    vectors : numpy.ndarray
        Shape (n, dim), float16; read in blocks.
    queries : numpy.ndarray
        Shape (n_queries, dim), float32.
    k : int
        Rows per query.
    own_rows : numpy.ndarray, optional
        Shape (n_queries,): the queries' own rows, which are left out.

    Returns
    -------
    numpy.ndarray
        Shape (n_queries, min(k, n)), int64, in no order; -1 where there are fewer.
    """
    rows = np.full((len(queries), 0), -1, dtype=np.int64)
    cosines = np.full((len(queries), 0), -np.inf, dtype=np.float32)
    for start in range(0, len(vectors), _BLOCK):
        block = widened(vectors[start : start + _BLOCK])
        found = queries @ block.T
        if own_rows is not None:
            own = (own_rows >= start) & (own_rows < start + len(block))
            found[np.flatnonzero(own), own_rows[own] - start] = -np.inf
        rows, cosines = _merged(rows, cosines, start, found, k)
    return np.where(np.isinf(cosines), -1, rows)


def _merged(
    rows: Rows, cosines: npt.NDArray[np.float32], start: int, found: npt.NDArray[np.float32], k: int
) -> tuple[Rows, npt.NDArray[np.float32]]:
    further = np.argpartition(-found, min(k, found.shape[1]) - 1, axis=1)[:, :k]
    rows = np.concatenate((rows, further + start), axis=1)
    cosines = np.concatenate((cosines, np.take_along_axis(found, further, axis=1)), axis=1)
    best = np.argpartition(-cosines, min(k, rows.shape[1]) - 1, axis=1)[:, :k]
    return np.take_along_axis(rows, best, axis=1), np.take_along_axis(cosines, best, axis=1)


def row_cosines(queries: Queries, rows: Rows, take: Callable[[Rows], Vectors]) -> npt.NDArray[np.float32]:
    """Compare each query with rows of its own.

    Parameters
    ----------
    queries : numpy.ndarray
        Shape (n_queries, dim), float32.
    rows : numpy.ndarray
        Shape (n_queries, n_rows), int64; -1 for none.
    take : callable
        Rows, each from 0, to their vectors, shape (n, dim), float16.

    Returns
    -------
    numpy.ndarray
        Shape (n_queries, n_rows), float32; minus infinity where there is no row.
    """
    cosines = np.empty(rows.shape, dtype=np.float32)
    step = max(1, _COMPARED_AT_ONCE // max(1, rows.shape[1]))
    for start in range(0, len(rows), step):
        block = rows[start : start + step]
        vectors = widened(take(np.maximum(block, 0).ravel())).reshape(*block.shape, queries.shape[1])
        cosines[start : start + step] = np.einsum("qd,qpd->qp", queries[start : start + step], vectors)
    cosines[rows < 0] = -np.inf
    return cosines


def pair_cosines(q_vectors: Vectors, m_vectors: Vectors) -> npt.NDArray[np.float32]:
    """Compare vectors pair by pair.

    Parameters
    ----------
    q_vectors : numpy.ndarray
        Shape (n_pairs, dim), float16 unit rows of one side.
    m_vectors : numpy.ndarray
        Shape (n_pairs, dim), float16 unit rows of the other.

    Returns
    -------
    numpy.ndarray
        Shape (n_pairs,), float32, cosines in [-1, 1]; NaN where a recording has no text, its vector being zero.
    """
    q, m = widened(q_vectors), widened(m_vectors)
    products = np.clip(np.einsum("nd,nd->n", q, m), -1, 1)
    return np.where(q.any(axis=1) & m.any(axis=1), products, np.nan).astype(np.float32)
