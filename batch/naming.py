"""Clusters with names that last: an arrival may join or merge clusters, and renumbers none."""

from __future__ import annotations

from itertools import count
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Labels = npt.NDArray[np.int64]

_NONE = -1


def name_clusters(labels: Labels, sr_ids: pa.LargeStringArray, earlier: pa.Table) -> pa.LargeStringArray:
    """Name clusters after those of an earlier run.

    Every earlier name goes to the cluster that has most of the recordings that had it; every cluster takes the name
    that most of its recordings had, of those it may have. A cluster without any is named after its first recording
    whose id is no earlier name.

    Parameters
    ----------
    labels : numpy.ndarray
        Shape (n,), int64, from 0, each at least once: clusters.
    sr_ids : pyarrow.LargeStringArray
        Shape (n,), ids of the recordings, ascending.
    earlier : pyarrow.Table
        ``sr_id`` and ``cluster_id`` of the earlier run, in any order; no rows if there was none.

    Returns
    -------
    pyarrow.LargeStringArray
        A name for each cluster; the same whatever the order of `earlier`.
    """
    taken = pc.unique(earlier["cluster_id"])
    taken = taken.take(pc.sort_indices(taken))
    clusters = int(labels.max(initial=_NONE)) + 1
    inherited = _inherited(labels, _names_before(sr_ids, earlier, taken), clusters)

    # Where each name stands: among those taken, or behind them among the ids.
    places = inherited.copy()
    free = np.flatnonzero((inherited[labels] == _NONE) & _numpy(pc.invert(pc.is_in(sr_ids, taken))))
    unnamed, first = np.unique(labels[free], return_index=True)
    places[unnamed] = len(taken) + free[first]

    nameless = np.flatnonzero(places == _NONE)
    places[nameless] = len(taken) + len(sr_ids) + np.arange(len(nameless))
    first = np.unique(labels, return_index=True)[1] if len(nameless) else nameless
    made = _numbered(sr_ids.take(first[nameless]), (taken, sr_ids))
    return pa.concat_arrays([taken.cast(pa.large_string()), sr_ids, made]).take(places)


def _names_before(sr_ids: pa.LargeStringArray, earlier: pa.Table, names: pa.Array) -> Labels:
    """Say which name each recording's cluster had: its place among the names, or -1."""
    rows = pc.index_in(sr_ids, earlier["sr_id"].combine_chunks())
    return _numpy(pc.index_in(earlier["cluster_id"], names).take(rows).fill_null(_NONE)).astype(np.int64)


def _inherited(labels: Labels, before: Labels, clusters: int) -> Labels:
    """Say which earlier name each cluster takes: its place among the names, or -1."""
    had = np.flatnonzero(before != _NONE)
    shared, recordings = np.unique(before[had] * clusters + labels[had], return_counts=True)
    names, takers = shared // max(clusters, 1), shared % max(clusters, 1)
    chosen = np.full(clusters, _NONE)
    plain = (np.bincount(names)[names] == 1) & (np.bincount(takers)[takers] == 1)
    chosen[takers[plain]] = names[plain]

    contested = np.flatnonzero(~plain)
    given: set[int] = set()
    for each in contested[np.argsort(-recordings[contested], kind="stable")].tolist():
        if chosen[takers[each]] == _NONE and names[each] not in given:
            chosen[takers[each]] = names[each]
            given.add(int(names[each]))
    return chosen


def _numbered(ids: pa.LargeStringArray, others: tuple[pa.Array, ...]) -> pa.LargeStringArray:
    """Add a number to each id, so that it is a name that nothing else has."""
    names = ids.to_pylist()
    remaining = list(range(len(names)))
    for number in count(2):
        tried = pa.array([f"{ids[place]}~{number}" for place in remaining], pa.large_string())
        for place, name in zip(remaining, tried.to_pylist(), strict=True):
            names[place] = name
        in_use = np.any([_numpy(pc.is_in(tried, each)) for each in others], axis=0)
        remaining = [place for place, used in zip(remaining, in_use, strict=True) if used]
        if not remaining:
            break
    return pa.array(names, pa.large_string())


def _numpy(values: pa.Array | pa.ChunkedArray) -> npt.NDArray[Any]:
    array = values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values
    found: npt.NDArray[Any] = array.to_numpy(zero_copy_only=False)
    return found
