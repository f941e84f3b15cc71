"""What candidates by rare keys cost or gain: the same whole-catalogue run with the 20 nearest of an exact search.

Everything but the stage `search` is the same. Exact search compares every vector with every other one, so its time
grows with the square of the size: the 64 nearest by numbers of two bytes, and of these the 20 nearest exactly.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from batch.candidates import BY_KEYS, FOUND_BY_KEYS, VECTORS, Candidates, cosines_of, write_candidates
from batch.dedupe import DedupeOptions, dedupe
from batch.local import LocalEngine
from batch.plan import Plan, numbered
from batch.records import Rows
from benchmarks.record import ROOT, arguments, earlier_rows, save, when
from catalog.paths import DataFolder
from catalog.store import Catalog
from matching.model import Model
from training.cluster_measures import evaluate_clusters
from training.default import default_model, model_to_index_with

SIZES = (60_000, 250_000)

_NAME = "beside_exact"
_SEED = "22"
_LOOKED_AT = 64
_QUERIES, _AT_ONCE = 1_024, 65_536

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
        shards = [plan.storage.map_array(numbered(VECTORS, each)) for each in range(plan.shards)]
        vectors = torch.from_numpy(np.concatenate(shards)).to(torch.bfloat16)
        for shard in numbers:
            first = shard * plan.shard_size
            rows = np.arange(first, min(first + plan.shard_size, plan.recordings))
            q, m = np.repeat(rows, _LOOKED_AT), _near(vectors, rows).ravel()
            q, m = q[q != m], m[q != m]
            cosines = cosines_of(plan, q, m)
            nearest = _largest(q, cosines, plan.neighbours)
            q, m, cosines = np.minimum(q, m)[nearest], np.maximum(q, m)[nearest], cosines[nearest]
            nothing, source = np.zeros(len(q), dtype=np.float32), np.full(len(q), BY_KEYS, dtype=np.uint8)
            write_candidates(plan, FOUND_BY_KEYS, shard, Candidates(q, m, cosines, nothing, source))
            yield shard


def _near(vectors: torch.Tensor, rows: Rows) -> Rows:
    """Find, for some rows, those whose cosines are largest to two or three digits, themselves among them."""
    found = []
    for some in np.array_split(rows, -(-len(rows) // _QUERIES)):
        queries = vectors[some]
        values, places = [], []
        for start in range(0, len(vectors), _AT_ONCE):
            cosines = queries @ vectors[start : start + _AT_ONCE].T
            best = cosines.topk(min(_LOOKED_AT, cosines.shape[1]), sorted=False)
            values.append(best.values)
            places.append(best.indices + start)
        chosen = torch.cat(values, 1).topk(_LOOKED_AT, sorted=False).indices
        found.append(torch.cat(places, 1).gather(1, chosen).numpy())
    return np.concatenate(found)


def _largest(q: Rows, cosines: npt.NDArray[np.float32], count: int) -> Rows:
    """Choose so many pairs of each row with the largest cosines; places among the pairs."""
    order = np.lexsort((-np.nan_to_num(cosines, nan=-1), q))
    firsts = np.searchsorted(q[order], q[order])
    chosen: Rows = order[np.arange(len(q)) - firsts < count]
    return chosen


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
