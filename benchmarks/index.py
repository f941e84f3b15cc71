"""Index kinds at growing sizes of the sample: true pairs found, recall, speed, size, seconds and memory to build."""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from benchmarks.record import save
from catalog.errors import RejectedBuildError
from catalog.paths import DataFolder
from catalog.sample import TRUTH_FILE, write_sample
from catalog.store import Catalog
from embeddings.encoder import Encoder
from index.kinds import KINDS
from index.measure import K
from index.rebuild import RebuildOptions, rebuild
from index.snapshot import Snapshot

_QUERIES, _ALONE, _AT_ONCE = 4_000, 300, 1_024
_SEED = 20

Rows = npt.NDArray[np.int64]


def main() -> None:
    """Measure every kind at every size and save the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[20_000, 100_000], help="recordings of the sample")
    parser.add_argument("--kinds", nargs="+", default=KINDS, choices=KINDS, help="default: all; flat is exact search")
    parser.add_argument("--min-recall", type=float, default=0.98, help="what a build has to reach (default: 0.98)")
    given = parser.parse_args()
    rows = [row for size in given.sizes for row in measure(size, given.kinds, given.min_recall)]
    save("index", "python -m benchmarks.index", {"k": K, "min_recall": given.min_recall, "rows": rows})


def measure(size: int, kinds: list[str], min_recall: float) -> list[dict[str, object]]:
    """Build kinds over a sample of one size, and ask them.

    Parameters
    ----------
    size : int
        Recordings.
    kinds : list of str
        Out of `KINDS`.
    min_recall : float
        What a build has to reach.

    Returns
    -------
    list of dict
        A row per kind, each of a process of its own.
    """
    with tempfile.TemporaryDirectory() as scratch:
        folder = DataFolder.at(Path(scratch))
        write_sample(folder.root, size, 1_000, _SEED)
        with Catalog.open(folder.catalog, folder.copies) as catalog:
            Encoder.fit(catalog).save(folder.models / "encoder")
        rows = []
        for kind in kinds:
            with ProcessPoolExecutor(1, get_context("spawn")) as process:
                rows.append(process.submit(_measure_kind, kind, folder, min_recall).result())
            print(rows[-1], flush=True)
        return rows


def _measure_kind(kind: str, folder: DataFolder, min_recall: float) -> dict[str, object]:
    row: dict[str, object] = {"kind": kind, "recordings": 0}
    encoder = Encoder.load(folder.models / "encoder")
    at_rest = _peak_megabytes()
    try:
        with Catalog.open(folder.catalog, folder.copies) as catalog:
            row["recordings"] = len(catalog)
            report = rebuild(catalog, encoder, "benchmark", folder.index, RebuildOptions(kind, min_recall))
    except RejectedBuildError as error:
        return {**row, "refused": str(error)}
    if report.folder is None:
        raise RuntimeError("a rebuild that is no dry run publishes")
    measured = ("recall", "near_recall", "widening", "bytes_per_vector", "seconds")
    row |= {"peak_megabytes": _peak_megabytes(), "of_these_before": at_rest}
    row |= {name: report.manifest[name] for name in measured}
    return {**row, **_asked(Snapshot.load(report.folder), folder.root / TRUTH_FILE)}


def _asked(snapshot: Snapshot, truth: Path) -> dict[str, object]:
    """Look for the other recordings of a few thousand masters, one query at a time and in batches."""
    q, m = _true_pairs(snapshot, truth)
    asked = np.unique(q)
    alone = []
    for row in asked[:: max(1, len(asked) // _ALONE)][:_ALONE]:
        began = time.perf_counter()
        snapshot.nearest(snapshot.vectors[[row]].astype(np.float32), K, np.array([row]))
        alone.append(time.perf_counter() - began)
    began = time.perf_counter()
    batches = np.array_split(asked, -(-len(asked) // _AT_ONCE))
    found = np.concatenate(
        [snapshot.nearest(snapshot.vectors[rows].astype(np.float32), K, rows).rows for rows in batches]
    )
    together = (time.perf_counter() - began) / len(asked)
    return {
        "true_pairs": len(q),
        "pair_completeness": round(float((found[np.searchsorted(asked, q)] == m[:, None]).any(axis=1).mean()), 4),
        "milliseconds_alone_median": round(float(np.median(alone)) * 1e3, 3),
        "milliseconds_alone_p99": round(float(np.quantile(alone, 0.99)) * 1e3, 3),
        "milliseconds_in_batch": round(together * 1e3, 3),
    }


def _true_pairs(snapshot: Snapshot, truth: Path) -> tuple[Rows, Rows]:
    """Pair recordings spread over the catalogue with each other one of their masters."""
    table = pd.read_csv(truth, dtype=str)
    rows = pd.Series(snapshot.rows_of(table["sr_id"].tolist()), index=table.index)
    asked = pd.DataFrame({"q": rows, "master_id": table["master_id"]}).sort_values("q")
    others = asked.rename(columns={"q": "m"})
    asked = asked[asked.duplicated("master_id", keep=False)]
    asked = asked.iloc[:: max(1, len(asked) // _QUERIES)]
    pairs = asked.merge(others, on="master_id").query("q != m")
    return pairs["q"].to_numpy(), pairs["m"].to_numpy()


def _peak_megabytes() -> int:
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


if __name__ == "__main__":
    main()
