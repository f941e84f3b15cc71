"""What is measured of every build before it may be published: what it finds, beside exact search, and how fast.

Two figures say what it finds, both on queries held out of everything that is learnt, at `K` candidates each. *Recall*
is the share of all nearest neighbours, however far they are. *Near recall* is the share of those with a cosine of at
least `NEAR`. An index of rare keys is judged by the second: it leaves out neighbours that are far, though none is
nearer, and share no rare key; they hardly ever are duplicates, and others that it finds instead more often are.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from functools import partial

import numpy as np
import numpy.typing as npt

from index.exact import nearest_of_all
from index.kinds import FLAT, KEYS
from index.snapshot import Snapshot, rank
from index.vectors import WIDEST, Queries, Rows, Vectors

K = 20
# Of neighbours at least this near 99 of 100 are duplicates (benchmarks/results/index.json).
NEAR = 0.9

_QUERIES = 1_000
_ALONE = 100
# The cheapest widening that reaches the wanted recall is kept.
_WIDENINGS = (2, 4, 8, 16, WIDEST)
# Two cosines this close are the same to float16 vectors; either neighbour is right.
_TIE = 1e-4


@dataclass(frozen=True)
class Measurement:
    """Figures of an index.

    Attributes
    ----------
    kind : str
        Of the index.
    widening : int
        At which they were measured.
    queries : int
        Held-out queries.
    recall : float
        Share of the `K` nearest neighbours that is found among `K`, 0 to 1; 1 where there are none to find.
    near_recall : float
        The same of those with a cosine of at least `NEAR`.
    near_neighbours : int
        How many these are, over all queries.
    milliseconds_alone, milliseconds_in_batch : float
        A query, asked alone and among all others; medians and means.
    """

    kind: str
    widening: int
    queries: int
    recall: float
    near_recall: float
    near_neighbours: int
    milliseconds_alone: float = 0.0
    milliseconds_in_batch: float = 0.0

    @property
    def decisive(self) -> float:
        """The figure that the build is judged by: near recall for ``keys``, recall for all others."""
        return self.near_recall if self.kind == KEYS else self.recall

    def in_words(self) -> str:
        """Name the figure that the build is judged by.

        Returns
        -------
        str
            With its value.
        """
        near = f" of neighbours with a cosine from {NEAR}" if self.kind == KEYS else ""
        return f"recall@{K}{near} {self.decisive:.4f}"

    def to_json(self) -> dict[str, object]:
        """Write the figures for the manifest.

        Returns
        -------
        dict
            JSON values.
        """
        figures = asdict(self)
        near = {"cosine": NEAR, "value": figures.pop("near_recall"), "neighbours": figures.pop("near_neighbours")}
        recall = {"k": K, "value": figures.pop("recall"), "queries": figures.pop("queries")}
        return {
            **figures,
            "recall": recall,
            "near_recall": near,
            "decisive": "near_recall" if self.kind == KEYS else "recall",
        }


def held_out(ids: npt.NDArray[np.bytes_], vectors: Vectors) -> Rows:
    """Choose the rows that are asked and never learnt from, by hash of their ids: the same in every build.

    Parameters
    ----------
    ids : numpy.ndarray
        Shape (n,), bytes.
    vectors : numpy.ndarray
        Shape (n, dim), float16.

    Returns
    -------
    numpy.ndarray
        Ascending rows, a tenth of all or 1,000, less those without text, which have no neighbours to find.
    """
    wanted = min(_QUERIES, max(1, len(ids) // 10))
    hashes = np.array([int.from_bytes(hashlib.blake2b(key, digest_size=8).digest()) for key in ids.tolist()], np.uint64)
    rows = np.sort(np.argsort(hashes, kind="stable")[:wanted])
    return rows[vectors[rows].any(axis=1)]


def measure(snapshot: Snapshot, rows: Rows, wanted: float) -> Measurement:
    """Compare an index with exact search, at the narrowest widening that reaches what is wanted.

    Parameters
    ----------
    snapshot : Snapshot
        With the index.
    rows : numpy.ndarray
        Shape (n_queries,), int64, from `held_out`.
    wanted : float
        Share to be found, 0 to 1.

    Returns
    -------
    Measurement
        At that widening, or at the widest.
    """
    kind, k = snapshot.kind, min(K, len(snapshot) - 1)
    if k < 1 or not len(rows):
        return Measurement(kind, 1, len(rows), 1.0, 1.0, 0)
    queries = snapshot.vectors[rows].astype(np.float32)
    exact = rank(snapshot.vectors, queries, nearest_of_all(snapshot.vectors, queries, k, rows), k).cosines
    for widening in (1,) if kind in {FLAT, KEYS} else _WIDENINGS:
        widened = replace(snapshot, widening=widening)
        found = np.nan_to_num(widened.nearest(queries, k, rows).cosines, nan=-2)
        hits = (found >= exact[:, -1:] - _TIE).sum()
        near = np.minimum(
            (exact >= NEAR).sum(axis=1), (found >= np.maximum(exact[:, -1:], NEAR) - _TIE).sum(axis=1)
        ).sum()
        all_near = int((exact >= NEAR).sum())
        measured = Measurement(
            kind, widening, len(rows), float(hits / exact.size), float(near / all_near) if all_near else 1.0, all_near
        )
        if measured.decisive >= wanted:
            break
    return _timed(measured, widened, queries, rows)


def _timed(measured: Measurement, snapshot: Snapshot, queries: Queries, rows: Rows) -> Measurement:
    ones = range(min(_ALONE, len(rows)))
    alone = [_milliseconds(partial(snapshot.nearest, queries[[one]], K, rows[[one]])) for one in ones]
    together = _milliseconds(partial(snapshot.nearest, queries, K, rows)) / len(rows)
    return replace(
        measured, milliseconds_alone=round(float(np.median(alone)), 3), milliseconds_in_batch=round(together, 3)
    )


def _milliseconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return (time.perf_counter() - began) * 1e3
