"""What candidates by rare keys cost or gain: the same whole-catalogue run with the 20 nearest of an exact search.

Everything but the stage `search` is the same. Exact search compares a vector with every other one: the 64 nearest by
numbers of two bytes, and of these the 20 nearest exactly. Of a large catalogue it is asked for the recordings of some
masters only, drawn by a hash of their names, and what counts in both runs are the pairs of these recordings.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from zlib import crc32

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch

from batch.candidates import BY_KEYS, FOUND_BY_KEYS, VECTORS, Candidates, cosines_of, write_candidates
from batch.dedupe import DedupeOptions, dedupe
from batch.local import LocalEngine
from batch.plan import Plan, numbered
from batch.records import Rows
from batch.stages import nearest_by_keys
from benchmarks.record import ROOT, arguments, earlier_rows, save, when
from catalog.paths import CLUSTERS_CSV, DataFolder
from catalog.sample import TRUTH_FILE
from catalog.store import Catalog
from training.cluster_measures import measure_clusters
from training.default import default_model, model_to_index_with

SIZES = (60_000, 250_000, 1_000_000)

_NAME = "beside_exact"
_SEED = "22"
_LOOKED_AT = 64
_MOST_ASKED = 60_000
_QUERIES, _AT_ONCE = 1_024, 65_536

Figures = dict[str, object]


class ExactSearch(LocalEngine):
    """Runs all stages as ever, but for the search: some recordings are compared with every other one.

    Parameters
    ----------
    asked : numpy.ndarray
        Shape (n,), bool, by row: recordings whose nearest are found so; those of the others by rare keys.
    """

    def __init__(self, asked: npt.NDArray[np.bool_]) -> None:
        super().__init__()
        self._asked = asked

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
            rows = first + np.flatnonzero(self._asked[first : first + plan.shard_size])
            found = [_nearest(plan, vectors, rows)]
            if len(rows) < min(plan.shard_size, plan.recordings - first):
                by_keys = nearest_by_keys(plan, shard)
                found.append(by_keys.take(~self._asked[by_keys.q]))
            write_candidates(plan, FOUND_BY_KEYS, shard, Candidates.joined(found).in_order())
            yield shard


def _nearest(plan: Plan, vectors: torch.Tensor, rows: Rows) -> Candidates:
    q, m = np.repeat(rows, _LOOKED_AT), _near(vectors, rows).ravel()
    q, m = q[q != m], m[q != m]
    cosines = cosines_of(plan, q, m)
    best = _largest(q, cosines, plan.neighbours)
    nothing, source = np.zeros(len(best), dtype=np.float32), np.full(len(best), BY_KEYS, dtype=np.uint8)
    return Candidates(q[best], m[best], cosines[best], nothing, source)


def _near(vectors: torch.Tensor, rows: Rows) -> Rows:
    """Find, for some rows, those whose cosines are largest to two or three digits, themselves among them."""
    found = [np.zeros((0, _LOOKED_AT), dtype=np.int64)]
    for some in np.array_split(rows, max(1, -(-len(rows) // _QUERIES))):
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
    masters = _masters(folder.root / TRUTH_FILE)
    share = min(1.0, _MOST_ASKED / size)
    asked = np.array([crc32(name.encode()) < share * (1 << 32) for name in masters])
    ways: dict[str, Figures] = {}
    with Catalog.open(folder.catalog, folder.copies) as catalog:
        with model_to_index_with(folder, catalog, ROOT / "data") as made:
            model = made.publish()
        for way, engine in (("rare_keys", LocalEngine()), ("exact_search", ExactSearch(asked))):
            with engine:
                report = dedupe(catalog, model, folder.root / way, engine, DedupeOptions())
            found = pd.read_csv(folder.root / way / CLUSTERS_CSV, dtype=str).set_index("sr_id")["cluster_id"]
            labels = [pd.factorize(each)[0] for each in (found[masters.index], masters)]
            quality = measure_clusters(*labels, asked)["pairwise"]
            ways[way] = {**quality.to_json(), "candidate_pairs": report.candidate_pairs}
    f1 = [float(str(way["f1"])) for way in ways.values()]
    return {"records": size, "asked": int(asked.sum()), **ways, "f1_more_than_exact": round(f1[0] - f1[1], 6)}


def _masters(truth: Path) -> pd.Series[str]:
    """Read the master of each recording, in the order of rows: that of the ids' bytes."""
    table = pd.read_csv(truth, dtype=str).set_index("sr_id")["master_id"]
    return table.iloc[np.argsort(np.array([sr_id.encode() for sr_id in table.index]), kind="stable")]


if __name__ == "__main__":
    main()
