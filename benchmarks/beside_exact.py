"""What candidates by rare keys cost or gain: the same whole-catalogue run with the 20 nearest of an exact search.

Everything but the stage `search` is the same. Exact search compares every vector with every other one, so its time
grows with the square of the size.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from batch.candidates import BY_KEYS, FOUND_BY_KEYS, VECTORS, Candidates, cosines_of, write_candidates
from batch.dedupe import DedupeOptions, dedupe
from batch.local import LocalEngine
from batch.plan import Plan, numbered
from benchmarks.record import ROOT, arguments, earlier_rows, save, when
from catalog.paths import DataFolder
from catalog.store import Catalog
from index.kinds import FLAT
from index.vectors import VectorIndex
from matching.model import Model
from training.cluster_measures import evaluate_clusters
from training.default import default_model, model_to_index_with

SIZES = (60_000, 250_000)

_NAME = "beside_exact"
_SEED = "22"
_AT_ONCE = 4_096

Figures = dict[str, object]


class ExactSearch(LocalEngine):
    """Runs all stages as ever, but for the search, which compares every vector with every other one."""

    def run(self, plan: Plan, stage: str, numbers: Sequence[int]) -> Iterator[int]:
        """Run tasks of one stage.

        Parameters
        ----------
        plan : Plan
            Of the run.
        stage : str
            Name of the stage.
        numbers : sequence of int
            Which tasks.

        Yields
        ------
        int
            Each of them, once it is done.
        """
        if stage != "search":
            yield from super().run(plan, stage, numbers)
            return
        vectors = np.concatenate([plan.storage.map_array(numbered(VECTORS, each)) for each in range(plan.shards)])
        index = VectorIndex.build(FLAT, vectors, np.arange(0))
        for shard in numbers:
            first = shard * plan.shard_size
            rows = np.arange(first, min(first + plan.shard_size, plan.recordings))
            found = [
                index.propose(vectors[some].astype(np.float32), plan.neighbours + 1)
                for some in np.array_split(rows, -(-len(rows) // _AT_ONCE))
            ]
            q, m = np.repeat(rows, plan.neighbours + 1), np.concatenate(found).ravel()
            others = (q != m) & (m >= 0)
            q, m = np.minimum(q, m)[others], np.maximum(q, m)[others]
            nothing, source = np.zeros(len(q), dtype=np.float32), np.full(len(q), BY_KEYS, dtype=np.uint8)
            write_candidates(plan, FOUND_BY_KEYS, shard, Candidates(q, m, cosines_of(plan, q, m), nothing, source))
            yield shard


def main() -> None:
    """Measure every size both ways and save the figures."""
    given = arguments(__doc__ or "", sizes=SIZES)
    default_model(ROOT / "data")
    rows: dict[int, Figures] = {int(row["records"]): row for row in earlier_rows(_NAME)}
    for size in given.sizes:
        with tempfile.TemporaryDirectory() as scratch:
            rows[size] = {**measure(size, DataFolder.at(Path(scratch))), **when()}
        in_order = [rows[each] for each in sorted(rows)]
        save(_NAME, "python -m benchmarks.beside_exact [--sizes N ...]", {"rows": in_order})


def measure(size: int, folder: DataFolder) -> Figures:
    """De-duplicate the generator's catalogue of one size both ways.

    Parameters
    ----------
    size : int
        Recordings.
    folder : DataFolder
        For the work.

    Returns
    -------
    dict
        Figures of both ways, and ``f1_more_than_exact``.
    """
    words = ("sample", "--data", str(folder.root), "--records", str(size), "--pairs", "1000", "--seed", _SEED)
    subprocess.run([sys.executable, "-m", "onemaster", *words], cwd=ROOT, capture_output=True, check=True)  # noqa: S603
    with Catalog.open(folder.catalog, folder.copies) as catalog:
        with model_to_index_with(folder, catalog, ROOT / "data") as made:
            model = made.publish()
        ways = {
            "rare_keys": _run(catalog, model, folder, LocalEngine()),
            "exact_search": _run(catalog, model, folder, ExactSearch()),
        }
    f1 = [float(str(way["f1"])) for way in ways.values()]
    return {"records": size, **ways, "f1_more_than_exact": round(f1[0] - f1[1], 6)}


def _run(catalog: Catalog, model: Model, folder: DataFolder, engine: LocalEngine) -> Figures:
    out, began = folder.root / type(engine).__name__, time.monotonic()
    with engine:
        report = dedupe(catalog, model, out, engine, DedupeOptions())
    quality = evaluate_clusters(out / "clusters.csv", folder.root / "truth.csv")
    pairwise: dict[str, float] = quality["pairwise"]  # type: ignore[assignment]
    return {
        **pairwise,
        "candidate_pairs": report.candidate_pairs,
        "search_seconds": report.seconds["search"],
        "seconds": round(time.monotonic() - began, 1),
    }


if __name__ == "__main__":
    main()
