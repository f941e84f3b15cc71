"""Index kinds: recall, speed, size and build time against exact search, at growing sizes of the sample."""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np

from benchmarks.record import save
from catalog.paths import DataFolder
from catalog.sample import write_sample
from catalog.store import Catalog
from embeddings.encoder import Encoder
from index.rebuild import RebuildOptions, rebuild
from index.snapshot import FAISS_FILE, Snapshot
from index.vectors import FLAT, PQ

_K = 50
_SINGLE, _BATCH = 200, 2_048


def main() -> None:
    """Measure every kind at every size and save the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[20_000, 50_000, 100_000, 200_000])
    rows = [row for size in parser.parse_args().sizes for row in measure(size)]
    save("index", "python -m benchmarks.index", {"k": _K, "rows": rows})


def measure(size: int) -> list[dict[str, object]]:
    """Build every kind over a sample of one size, and ask it.

    Parameters
    ----------
    size : int
        Recordings.

    Returns
    -------
    list of dict
        A row per kind: measured recall, milliseconds a query alone and in a batch, bytes a vector, seconds to build.
    """
    with tempfile.TemporaryDirectory() as scratch:
        folder = DataFolder.at(Path(scratch))
        write_sample(folder.root, size, 1_000, 20)
        with Catalog.open(folder.catalog, folder.copies) as catalog:
            encoder = Encoder.fit(catalog).save(folder.models / "encoder")
            return [_measure_kind(kind, catalog, encoder, folder) for kind in (FLAT, PQ)]


def _measure_kind(kind: str, catalog: Catalog, encoder: Encoder, folder: DataFolder) -> dict[str, object]:
    report = rebuild(catalog, encoder, "benchmark", folder.index, RebuildOptions(kind=kind, min_recall=0.9))
    if report.folder is None:
        raise RuntimeError("a rebuild that is no dry run publishes")
    snapshot = Snapshot.load(report.folder)
    rows = np.linspace(0, len(snapshot) - 1, _BATCH).astype(np.int64)
    queries = snapshot.vectors[rows].astype(np.float32)
    snapshot.nearest(queries[:10], _K, own_rows=rows[:10])
    alone = []
    for place in range(_SINGLE):
        start = time.perf_counter()
        snapshot.nearest(queries[place : place + 1], _K, own_rows=rows[place : place + 1])
        alone.append(time.perf_counter() - start)
    start = time.perf_counter()
    snapshot.nearest(queries, _K, own_rows=rows)
    together = (time.perf_counter() - start) / len(rows)
    return {
        "kind": kind,
        "recordings": len(snapshot),
        "recall": report.manifest["recall"],
        "widening": report.manifest["widening"],
        "milliseconds_alone_median": round(float(np.median(alone)) * 1e3, 3),
        "milliseconds_in_batch": round(together * 1e3, 3),
        "index_bytes_per_vector": round((report.folder / FAISS_FILE).stat().st_size / len(snapshot)),
        "rebuild_seconds": report.manifest["seconds"],
    }


if __name__ == "__main__":
    main()
