"""Pair completeness: how many true pairs survive candidate generation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from index.exact import nearest_of_all
from index.live import LiveIndex
from index.vectors import Rows

_SEARCH_BATCH = 1_024


@dataclass(frozen=True)
class PairCompleteness:
    """How many true pairs survive candidate generation.

    Attributes
    ----------
    k : int
        Candidates per recording.
    value : float or None
        Share of the valid pairs of which one side is among the other's k nearest; ``None`` without valid pairs.
    n_valid : int
        Valid pairs looked at.
    """

    k: int
    value: float | None
    n_valid: int


def pair_completeness(
    index: LiveIndex, q_sr_ids: Sequence[str], m_sr_ids: Sequence[str], k: int = 20, *, exact: bool = False
) -> PairCompleteness:
    """Measure candidate generation on valid pairs.

    Parameters
    ----------
    index : LiveIndex
        The index to ask.
    q_sr_ids : sequence of str
        One side of the valid pairs.
    m_sr_ids : sequence of str
        The other side.
    k : int
        Candidates per recording; a recording is never its own candidate.
    exact : bool
        Compare with every vector of the snapshot, whatever the index proposes.

    Returns
    -------
    PairCompleteness
        A pair survives if either side proposes the other, as a whole-catalogue search would find it.
    """
    if not q_sr_ids:
        return PairCompleteness(k, None, 0)
    q_rows, m_rows = index.rows_of(q_sr_ids), index.rows_of(m_sr_ids)
    asked, places = np.unique(np.concatenate((q_rows, m_rows)), return_inverse=True)
    batches = np.split(asked, range(_SEARCH_BATCH, len(asked), _SEARCH_BATCH))
    neighbours = np.concatenate([_nearest(index, rows, k, exact=exact) for rows in batches])
    q_finds = (neighbours[places[: len(q_rows)]] == m_rows[:, None]).any(axis=1)
    m_finds = (neighbours[places[len(q_rows) :]] == q_rows[:, None]).any(axis=1)
    return PairCompleteness(k, float((q_finds | m_finds).mean()), len(q_rows))


def _nearest(index: LiveIndex, rows: Rows, k: int, *, exact: bool) -> Rows:
    queries = index.vectors_of(rows).astype(np.float32)
    if exact:
        return nearest_of_all(index.snapshot.vectors, queries, min(k, len(index) - 1), rows)
    return index.nearest(queries, k, own_rows=rows).rows
