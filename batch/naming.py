"""Clusters with names that last: an arrival may join or merge clusters, and renumbers none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain, count

import numpy as np
import numpy.typing as npt

Labels = npt.NDArray[np.int64]


def name_clusters(labels: Labels, sr_ids: Sequence[str], earlier: Mapping[str, str]) -> list[str]:
    """Name clusters after those of an earlier run.

    Every earlier name goes to the cluster that has most of the recordings that had it; every cluster takes the name
    that most of its recordings had, of those it may have. A cluster without any is named after its first recording
    whose id is no other cluster's name.

    Parameters
    ----------
    labels : numpy.ndarray
        Shape (n,), int64, from 0: clusters.
    sr_ids : sequence of str
        Ids of the recordings, ascending.
    earlier : mapping
        Id of a recording to the name of its cluster in the earlier run; empty if there was none.

    Returns
    -------
    list of str
        A name for each cluster; the same whatever the order of `earlier`.
    """
    names = _inherited(labels, sr_ids, earlier)
    taken = {*names.values(), *earlier.values()}
    members = np.split(np.argsort(labels, kind="stable"), np.cumsum(np.bincount(labels))[:-1]) if len(labels) else []
    for label, rows in enumerate(members):
        if label not in names:
            ids = [sr_ids[row] for row in rows]
            numbered = (f"{ids[0]}~{number}" for number in count(2))
            names[label] = next(name for name in chain(ids, numbered) if name not in taken)
            taken.add(names[label])
    return [names[label] for label in range(len(members))]


def _inherited(labels: Labels, sr_ids: Sequence[str], earlier: Mapping[str, str]) -> dict[int, str]:
    shared: dict[tuple[str, int], int] = {}
    for sr_id, label in zip(sr_ids, labels.tolist(), strict=True):
        if name := earlier.get(sr_id):
            shared[name, label] = shared.get((name, label), 0) + 1
    names: dict[int, str] = {}
    given: set[str] = set()
    for (name, label), _ in sorted(shared.items(), key=lambda item: (-item[1], item[0])):
        if label not in names and name not in given:
            names[label] = name
            given.add(name)
    return names
