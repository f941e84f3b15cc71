"""What a run leaves behind: clusters, representatives, pairs, and a page that sums it up."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from batch.candidates import BY_CODE, BY_KEYS, BY_TEXT
from batch.scoring import Scores
from catalog.aside import write_aside
from catalog.clusters import Origin, write_clusters
from catalog.errors import InputError
from catalog.paths import CLUSTERS_CSV, CLUSTERS_DB, SUMMARY_HTML
from index.kinds import ISRC, KEYS
from matching.classifier import INVALID, VALID, PairClassifier
from matching.clusters import Stopped

PAIRS_FILE = "pairs.parquet"
REPRESENTATIVES_FILE = "representatives.csv"

_COLUMNS = ["sr_id", "cluster_id"]
_SOURCES = {BY_KEYS: KEYS, BY_CODE: ISRC, BY_TEXT: "text"}
_IN_THE_CLUSTER = "cluster"
_ROWS_AT_ONCE = 65_536


@dataclass(frozen=True, eq=False)
class Clustered:
    """A clustered catalogue.

    Attributes
    ----------
    sr_ids : pyarrow.LargeStringArray
        Ids of all recordings, in the order of rows.
    labels : numpy.ndarray
        Shape (n,), int64, from 0: the cluster of each.
    names : pyarrow.LargeStringArray
        The cluster_id of each cluster.
    representatives : numpy.ndarray
        Shape (n_clusters,), int64, the row that stands for each.
    scores : Scores
        Judged pairs.
    stopped : list of Stopped
        What was too large.
    """

    sr_ids: pa.LargeStringArray
    labels: npt.NDArray[np.int64]
    names: pa.LargeStringArray
    representatives: npt.NDArray[np.int64]
    scores: Scores
    stopped: list[Stopped]


def read_earlier_names(folder: Path) -> pa.Table:
    """Read the clusters of an earlier run.

    Parameters
    ----------
    folder : Path
        Where it wrote them.

    Returns
    -------
    pyarrow.Table
        ``sr_id`` and ``cluster_id``, large strings; no rows if there was no run.

    Raises
    ------
    InputError
        If the file is not one of ours.
    """
    path, schema = folder / CLUSTERS_CSV, pa.schema([(name, pa.large_string()) for name in _COLUMNS])
    if not path.exists():
        return schema.empty_table()
    try:
        read = pa_csv.read_csv(
            path,
            parse_options=pa_csv.ParseOptions(newlines_in_values=True),
            convert_options=pa_csv.ConvertOptions(column_types=schema),
        )
    except pa.ArrowInvalid as error:
        raise InputError(f"expected two columns in UTF-8 in {path}: move it away, or give --out ({error})") from error
    if read.column_names != _COLUMNS:
        raise InputError(f"expected {','.join(_COLUMNS)} in line 1 of {path}: move it away, or give --out")
    if pc.count_distinct(read["sr_id"]).as_py() < len(read) or pc.any(pc.equal(read["cluster_id"], "")).as_py():
        raise InputError(f"expected every sr_id once in {path}, and a cluster_id: move it away, or give --out")
    return read


def write_outputs(
    folder: Path, found: Clustered, classifier: PairClassifier, summary: str, origin: Origin | None = None
) -> None:
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
    origin : Origin, optional
        What the clusters were made from.
    """
    stands = np.zeros(len(found.labels), dtype=np.bool_)
    stands[found.representatives] = True
    members = pa.table({"sr_id": found.sr_ids, "cluster_id": found.names.take(found.labels), "stands": stands})
    write_clusters(folder / CLUSTERS_DB, _rows(members), origin)
    sizes = np.bincount(found.labels)
    chosen = {"cluster_id": found.names, "sr_id": found.sr_ids.take(found.representatives), "size": sizes}
    _write_csv(folder / REPRESENTATIVES_FILE, pa.table(chosen))
    _write_pairs(folder / PAIRS_FILE, found, classifier)
    with write_aside(folder / SUMMARY_HTML) as aside:
        aside.write_text(summary, encoding="utf-8")
    _write_csv(folder / CLUSTERS_CSV, members.select(_COLUMNS))


def _write_csv(path: Path, table: pa.Table) -> None:
    with write_aside(path) as aside, aside.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(table.column_names)
        writer.writerows(_rows(table))


def _rows(table: pa.Table) -> Iterator[tuple[Any, ...]]:
    """Go through a table row by row, few of which are Python values at a time."""
    for batch in table.to_batches(_ROWS_AT_ONCE):
        yield from zip(*(column.to_pylist() for column in batch.columns), strict=True)


def _write_pairs(path: Path, found: Clustered, classifier: PairClassifier) -> None:
    """List the pairs that are valid, that a person should look at, or that stand in one cluster."""
    scores = found.scores
    valid = scores.probability >= classifier.threshold
    review = (scores.probability > classifier.review_low) & (scores.probability < classifier.review_high)
    together = found.labels[scores.q] == found.labels[scores.m]
    listed = np.flatnonzero(valid | review | together)
    sources = pa.array([_source(number) for number in range(2 * max(_SOURCES))], pa.large_string())
    columns = {
        "q_sr_id": found.sr_ids.take(scores.q[listed]),
        "m_sr_id": found.sr_ids.take(scores.m[listed]),
        "match_probability": scores.probability[listed],
        "class": pa.array([INVALID, VALID], pa.large_string()).take(valid[listed].astype(np.int8)),
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
