"""Measuring clusters against the truth: by pairs, by recordings (B-cubed), and by whole clusters."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from catalog.columns import fold
from catalog.delimited import open_csv
from catalog.errors import CatalogError, GroundTruthError

Labels = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Quality:
    """How good clusters are in one way of counting, each figure 0 to 1.

    Attributes
    ----------
    precision, recall : float
        1 where there is nothing to be wrong about, or to be found.
    """

    precision: float
    recall: float

    @property
    def f1(self) -> float:
        """Harmonic mean of both; 0 if both are."""
        total = self.precision + self.recall
        return 2 * self.precision * self.recall / total if total else 0.0

    def to_json(self) -> dict[str, float]:
        """Write the figures as JSON values.

        Returns
        -------
        dict
            Name to value, rounded to six digits.
        """
        figures = {"precision": self.precision, "recall": self.recall, "f1": self.f1}
        return {name: round(value, 6) for name, value in figures.items()}


def measure_clusters(found: Labels, truth: Labels, counted: npt.NDArray[np.bool_] | None = None) -> dict[str, Quality]:
    """Compare two ways of putting the same recordings into clusters.

    Parameters
    ----------
    found : numpy.ndarray
        Shape (n,), int64, from 0: the cluster of each recording.
    truth : numpy.ndarray
        Shape (n,), int64, from 0: the true one.
    counted : numpy.ndarray, optional
        Shape (n,), bool: recordings that are measured, all by default. Pairs and clusters of which one is count.

    Returns
    -------
    dict
        ``pairwise``: pairs of one cluster. ``b_cubed``: for each recording the share of its cluster that is right, and
        of its true cluster that is there (Bagga and Baldwin 1998). ``exact``: clusters of two recordings or more that
        are right as a whole.
    """
    counted = np.ones(len(found), dtype=np.bool_) if counted is None else counted
    sizes, true_sizes = np.bincount(found), np.bincount(truth)
    cells, cell, shared = np.unique(np.column_stack((found, truth)), axis=0, return_inverse=True, return_counts=True)
    cell = cell.ravel()
    together = shared[cell][counted]
    same = (shared == sizes[cells[:, 0]]) & (shared == true_sizes[cells[:, 1]]) & (shared > 1)
    right = int((same & _any_counted(cell, counted)).sum())
    pairs = _pairs(cell, counted)
    return {
        "pairwise": Quality(_share(pairs, _pairs(found, counted)), _share(pairs, _pairs(truth, counted))),
        "b_cubed": Quality(
            _share(float((together / sizes[found[counted]]).sum()), int(counted.sum())),
            _share(float((together / true_sizes[truth[counted]]).sum()), int(counted.sum())),
        ),
        "exact": Quality(
            _share(right, int(((sizes > 1) & _any_counted(found, counted)).sum())),
            _share(right, int(((true_sizes > 1) & _any_counted(truth, counted)).sum())),
        ),
    }


def evaluate_clusters(found: Path, truth: Path) -> dict[str, object]:
    """Measure a file of clusters against a file of true ones.

    Parameters
    ----------
    found : Path
        CSV file with sr_id and cluster_id, as of a de-duplication.
    truth : Path
        CSV file with sr_id and one more column; its recordings count.

    Returns
    -------
    dict
        JSON values: counts, and precision, recall and F1 in each way of counting. ``unknown`` recordings are not in
        `truth`: nothing says whether they are where they belong, so pairs with them count neither way.

    Raises
    ------
    GroundTruthError
        If a file cannot be used, or true recordings have no cluster.
    """
    ours, theirs = _read(found), _read(truth)
    missing = theirs.index.difference(ours.index)
    if len(missing):
        raise GroundTruthError(
            f"expected a cluster for every recording of {truth} in {found}, {len(missing)} have none, {missing[0]!r} "
            "for one: run onemaster dedupe on the same catalogue"
        )
    if not len(theirs):
        raise GroundTruthError(f"expected at least one recording in {truth}, found none")
    found_labels, _ = pd.factorize(ours.reindex(theirs.index))
    true_labels, _ = pd.factorize(theirs)
    measured = measure_clusters(found_labels.astype(np.int64), true_labels.astype(np.int64))
    counts = {
        "records": len(theirs),
        "unknown": len(ours) - len(theirs),
        "clusters": int(found_labels.max()) + 1,
        "true_clusters": int(true_labels.max()) + 1,
    }
    return counts | {name: quality.to_json() for name, quality in measured.items()}


def _read(path: Path) -> pd.Series[str]:
    seen: dict[str, str] = {}
    try:
        source = open_csv(path, None, frozenset(("sr_id", "cluster_id")))
        names = list(map(fold, source.columns))
        if "sr_id" not in names or len(names) != 2:
            raise GroundTruthError(
                f"expected the columns sr_id and cluster_id in line 1 of {path}, got "
                + ", ".join(repr(name[:80]) for name in source.columns[:50])
            )
        place = names.index("sr_id")
        for row in source.rows((place, 1 - place)):
            if row.problem:
                raise GroundTruthError(
                    f"expected sr_id and cluster_id in every line of {path}, line {row.line}: {row.problem}"
                )
            sr_id, cluster = map(str, row.cells)
            if sr_id in seen:
                raise GroundTruthError(f"expected every sr_id once in {path}, line {row.line} repeats {sr_id!r}")
            seen[sr_id] = cluster
    except FileNotFoundError as error:
        raise GroundTruthError(f"expected a CSV file of clusters in {path}, found none: check the path") from error
    except (OSError, CatalogError) as error:
        raise GroundTruthError(f"expected a CSV file of clusters in {path}, got: {error}") from error
    return pd.Series(seen, dtype=str)


def _pairs(labels: Labels, counted: npt.NDArray[np.bool_]) -> int:
    """Count the pairs within groups of which one recording at least counts."""
    sizes, others = np.bincount(labels), np.bincount(labels[~counted])
    return int((sizes * (sizes - 1) // 2).sum() - (others * (others - 1) // 2).sum())


def _any_counted(labels: Labels, counted: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    return np.bincount(labels, weights=counted) > 0


def _share(part: float, whole: float) -> float:
    return part / whole if whole else 1.0
