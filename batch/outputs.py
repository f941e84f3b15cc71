"""What a run leaves behind: clusters, representatives, pairs, and a page that sums it up."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from batch.candidates import BY_CODE, BY_KEYS, BY_TEXT
from batch.scoring import Scores
from catalog.artefacts import write_aside
from catalog.clusters import write_clusters
from catalog.errors import InputError
from catalog.paths import CLUSTERS_CSV, CLUSTERS_DB
from index.kinds import ISRC, KEYS
from matching.classifier import INVALID, VALID, PairClassifier
from matching.clusters import Stopped

PAIRS_FILE = "pairs.parquet"
REPRESENTATIVES_FILE = "representatives.csv"
SUMMARY_FILE = "summary.html"

_COLUMNS = ["sr_id", "cluster_id"]
_SOURCES = {BY_KEYS: KEYS, BY_CODE: ISRC, BY_TEXT: "text"}
_IN_THE_CLUSTER = "cluster"


@dataclass(frozen=True, eq=False)
class Clustered:
    """A clustered catalogue.

    Attributes
    ----------
    sr_ids : sequence of str
        Ids of all recordings, in the order of rows.
    labels : numpy.ndarray
        Shape (n,), int64, from 0: the cluster of each.
    names : sequence of str
        The cluster_id of each cluster.
    representatives : numpy.ndarray
        Shape (n_clusters,), int64, the row that stands for each.
    scores : Scores
        Judged pairs.
    stopped : list of Stopped
        What was too large.
    """

    sr_ids: Sequence[str]
    labels: npt.NDArray[np.int64]
    names: Sequence[str]
    representatives: npt.NDArray[np.int64]
    scores: Scores
    stopped: list[Stopped]


def read_earlier_names(folder: Path) -> dict[str, str]:
    """Read the clusters of an earlier run.

    Parameters
    ----------
    folder : Path
        Where it wrote them.

    Returns
    -------
    dict
        sr_id to cluster_id; empty if there was no run.

    Raises
    ------
    InputError
        If the file is not one of ours.
    """
    path = folder / CLUSTERS_CSV
    if not path.exists():
        return {}
    try:
        with path.open(encoding="utf-8", newline="") as stream:
            rows = csv.reader(stream)
            if next(rows, None) != _COLUMNS:
                raise InputError(f"expected {','.join(_COLUMNS)} in line 1 of {path}: move it away, or give --out")
            return dict(rows)
    except (ValueError, csv.Error) as error:
        raise InputError(f"expected two columns in UTF-8 in {path}: move it away, or give --out ({error})") from error


def write_outputs(folder: Path, found: Clustered, classifier: PairClassifier, summary: str) -> None:
    """Write all files of a run, each aside first.

    Parameters
    ----------
    folder : Path
        Where to.
    found : Clustered
        The clustered catalogue.
    classifier : PairClassifier
        That judged.
    summary : str
        The page that sums the run up.
    """
    named = [found.names[label] for label in found.labels.tolist()]
    stands = np.zeros(len(named), dtype=np.bool_)
    stands[found.representatives] = True
    write_clusters(folder / CLUSTERS_DB, zip(found.sr_ids, named, stands.tolist(), strict=True))
    _write_csv(folder / REPRESENTATIVES_FILE, ["cluster_id", "sr_id", "size"], _representatives(found))
    _write_pairs(folder / PAIRS_FILE, found, classifier)
    with write_aside(folder / SUMMARY_FILE) as aside:
        aside.write_text(summary, encoding="utf-8")
    _write_csv(folder / CLUSTERS_CSV, _COLUMNS, zip(found.sr_ids, named, strict=True))


def _representatives(found: Clustered) -> Iterator[tuple[str, str, int]]:
    sizes = np.bincount(found.labels)
    for name, row, size in zip(found.names, found.representatives.tolist(), sizes.tolist(), strict=True):
        yield name, found.sr_ids[row], size


def _write_csv(path: Path, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    with write_aside(path) as aside, aside.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(rows)


def _write_pairs(path: Path, found: Clustered, classifier: PairClassifier) -> None:
    """List the pairs that are valid, that a person should look at, or that stand in one cluster."""
    scores = found.scores
    valid = scores.probability >= classifier.threshold
    review = (scores.probability > classifier.review_low) & (scores.probability < classifier.review_high)
    together = found.labels[scores.q] == found.labels[scores.m]
    listed = np.flatnonzero(valid | review | together)
    ids = pa.array(found.sr_ids, pa.large_string())
    sources = pa.array([_source(number) for number in range(2 * max(_SOURCES))])
    columns = {
        "q_sr_id": ids.take(scores.q[listed]),
        "m_sr_id": ids.take(scores.m[listed]),
        "match_probability": scores.probability[listed],
        "class": np.where(valid[listed], VALID, INVALID),
        "needs_review": review[listed],
        "same_cluster": together[listed],
        "cosine": scores.cosine[listed],
        "source": sources.take(scores.source[listed]),
    }
    with write_aside(path) as aside:
        pq.write_table(pa.table(columns), aside, compression="zstd")


def _source(number: int) -> str:
    """Say where a pair comes from: in words, joined by plus signs; a pair that nobody proposed is from its cluster."""
    return "+".join(words for flag, words in _SOURCES.items() if number & flag) or _IN_THE_CLUSTER
