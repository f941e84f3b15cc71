"""Index kinds at growing sizes of the sample: true pairs found, recall, speed, size, seconds and memory to build.

Every row is saved once it is measured, with its commit; rows not measured anew stay.
"""

from __future__ import annotations

import argparse
import os
import re
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from itertools import pairwise
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from benchmarks.datasets import music20
from benchmarks.record import earlier_rows, save, when
from catalog.errors import RejectedBuildError
from catalog.paths import DataFolder
from catalog.sample import TRUTH_FILE, write_sample
from catalog.store import Catalog
from embeddings.encoder import FITTED_ON, Encoder
from index.kinds import HNSW, KINDS
from index.measure import NEAR, K
from index.rebuild import RebuildOptions, rebuild
from index.snapshot import Snapshot

_NAME = "index"
_QUERIES, _ALONE, _AT_ONCE = 4_000, 300, 1_024
# A graph of more takes longer to build than all the other kinds together.
_MOST_HNSW = 200_000
_SEED = 20
_OF_THE_BUILD = ("recall", "near_recall", "widening", "bytes_per_vector", "seconds")
_BANDS = (-1, 0.5, 0.6, 0.7, 0.8, NEAR, 1.01)

Rows = npt.NDArray[np.int64]


class Truth(NamedTuple):
    """Which recordings are one master.

    Attributes
    ----------
    path : Path
        CSV file with a column ``sr_id``.
    column : str
        The column that names the master.
    """

    path: Path
    column: str


def main() -> None:
    """Measure every kind at every size and save the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="*", default=[20_000, 100_000, 1_000_000], help="of the sample")
    parser.add_argument("--kinds", nargs="+", default=KINDS, choices=KINDS, help="default: all; flat is exact search")
    parser.add_argument("--min-recall", type=float, default=0.98, help="what a build has to reach (default: 0.98)")
    known = os.environ.get("ONEMASTER_MUSIC20")
    parser.add_argument(
        "--music20", type=Path, default=Path(known) if known else None, metavar="DIR", help="its folder"
    )
    given = parser.parse_args()
    rows = {_name(row): row for row in earlier_rows(_NAME)}
    for row in _measured(given):
        rows[_name(row)] = {**row, "min_recall": given.min_recall, **when()}
        in_order = sorted(rows.values(), key=lambda each: (str(each["catalogue"]), int(str(each["recordings"]))))
        save(_NAME, "python -m benchmarks.index [--music20 DIR] [--sizes N ...]", {"k": K, "rows": in_order})


def _name(row: Mapping[str, object]) -> tuple[object, ...]:
    return row["catalogue"], row["recordings"], row["kind"]


def _measured(given: argparse.Namespace) -> Iterator[dict[str, object]]:
    for size in given.sizes:
        with tempfile.TemporaryDirectory() as scratch:
            folder = DataFolder.at(Path(scratch))
            write_sample(folder.root, size, 1_000, _SEED)
            truth = Truth(folder.root / TRUTH_FILE, "master_id")
            yield from measure(f"sample {_SEED}", folder, truth, given.kinds, given.min_recall)
    if given.music20:
        with tempfile.TemporaryDirectory() as scratch:
            folder = music20(given.music20, Path(scratch)).folder
            truth = Truth(given.music20 / "clusters.csv", "cluster_id")
            yield from measure("Music-20", folder, truth, given.kinds, given.min_recall)


def measure(
    name: str, folder: DataFolder, truth: Truth, kinds: Sequence[str], min_recall: float
) -> Iterator[dict[str, object]]:
    """Build kinds of index over a catalogue, and ask them.

    Parameters
    ----------
    name : str
        Of the catalogue.
    folder : DataFolder
        Where it stands; indexes are put there, too.
    truth : Truth
        Of its recordings.
    kinds : sequence of str
        Out of `KINDS`.
    min_recall : float
        What a build has to reach.

    Yields
    ------
    dict
        A row per kind, each of a process of its own.
    """
    with Catalog.open(folder.catalog, folder.copies) as catalog:
        Encoder.fit(catalog.drawn(FITTED_ON)).save(folder.models / "encoder")
        count = len(catalog)
    for kind in kinds:
        if kind == HNSW and count > _MOST_HNSW:
            continue
        with ProcessPoolExecutor(1, get_context("spawn")) as process:
            found = process.submit(_measure_kind, kind, folder, truth, min_recall).result()
        yield {"catalogue": name, **found}


def _measure_kind(kind: str, folder: DataFolder, truth: Truth, min_recall: float) -> dict[str, object]:
    row: dict[str, object] = {"kind": kind}
    encoder = Encoder.load(folder.models / "encoder")
    before = _peak_megabytes()
    try:
        with Catalog.open(folder.catalog, folder.copies) as catalog:
            row["recordings"] = len(catalog)
            report = rebuild(catalog, encoder, "benchmark", folder.index, RebuildOptions(kind, min_recall))
    except RejectedBuildError as error:
        return {**row, "refused": str(error)}
    if report.folder is None:
        raise RuntimeError("a rebuild that is no dry run publishes")
    row |= {"peak_megabytes": _peak_megabytes(), "peak_megabytes_before": before}
    row |= {name: report.manifest[name] for name in _OF_THE_BUILD}
    return {**row, **_asked(Snapshot.load(report.folder), truth)}


def _asked(snapshot: Snapshot, truth: Truth) -> dict[str, object]:
    """Ask for the other recordings of a few thousand masters, one query at a time and in batches."""
    masters = _masters(snapshot, truth)
    several = np.flatnonzero(np.bincount(masters)[masters] > 1)
    asked = several[:: max(1, len(several) // _QUERIES)]
    alone = []
    for row in asked[:: max(1, len(asked) // _ALONE)][:_ALONE]:
        began = time.perf_counter()
        snapshot.nearest(snapshot.vectors[[row]].astype(np.float32), K, np.array([row]))
        alone.append(time.perf_counter() - began)
    began = time.perf_counter()
    batches = np.split(asked, range(_AT_ONCE, len(asked), _AT_ONCE))
    found = [snapshot.nearest(snapshot.vectors[rows].astype(np.float32), K, rows) for rows in batches]
    together = (time.perf_counter() - began) / len(asked)
    rows, cosines = (np.concatenate([getattr(each, name) for each in found]) for name in ("rows", "cosines"))
    true = (masters[rows] == masters[asked][:, None]) & (rows >= 0)
    true_pairs = int((np.bincount(masters)[masters[asked]] - 1).sum())
    return {
        "queries": len(asked),
        "true_pairs": true_pairs,
        "pair_completeness": round(float(true.sum() / true_pairs), 4),
        "true_share_by_cosine": _by_cosine(cosines, true),
        "milliseconds_alone": round(float(np.median(alone)) * 1e3, 3),
        "milliseconds_alone_p99": round(float(np.quantile(alone, 0.99)) * 1e3, 3),
        "milliseconds_in_batch": round(together * 1e3, 3),
    }


def _masters(snapshot: Snapshot, truth: Truth) -> Rows:
    """Look up the number of each row's master; shape (n,)."""
    table = pd.read_csv(truth.path, dtype=str)
    masters = np.empty(len(snapshot), dtype=np.int64)
    masters[snapshot.rows_of(table["sr_id"].tolist())] = pd.factorize(table[truth.column])[0]
    return masters


def _by_cosine(cosines: npt.NDArray[np.float32], true: npt.NDArray[np.bool_]) -> dict[str, float]:
    """Say of the candidates of each band of cosines how many are duplicates."""
    inside = {f"{low}-{high}": true[(cosines >= low) & (cosines < high)] for low, high in pairwise(_BANDS)}
    return {band: round(float(each.mean()), 4) for band, each in inside.items() if len(each)}


def _peak_megabytes() -> int:
    # What `getrusage` says of a process begins with the size of the one that it was started by.
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return round(int(re.findall(r"VmHWM:\s+(\d+) kB", status)[0]) / 1024)


if __name__ == "__main__":
    main()
