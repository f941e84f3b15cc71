"""What one process does for all recordings of a run, at up to ten times the largest size run: time and memory.

Everything else of a run works shard by shard or group by group; only the order of recordings and the making of
clusters see the whole catalogue. What they get of a real run of the sample is laid side by side so many times, and
each is run in a process of its own, as the machine that starts a run would.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from batch.dealing import edges_of
from batch.dedupe import DedupeOptions, dedupe
from batch.local import LocalEngine
from batch.naming import name_clusters
from batch.neighbourhood import by_neighbourhood, most_alike_first
from batch.outputs import Clustered, read_earlier_names, write_outputs
from batch.plan import Plan
from batch.scoring import Scores, read_scores
from benchmarks.record import ROOT, save
from catalog.artefacts import current_version
from catalog.paths import DataFolder
from catalog.store import Catalog
from matching.clusters import Links, average_link, representatives, unlinked_pairs
from matching.model import Model
from matching.prior import estimated_share, link_probabilities
from training.default import default_model, model_to_index_with

BASE, COPIES = 250_000, (4, 12, 120)

_EDGES, _SCORES, _COUNTS = "edges.npz", "scores.npz", "counts.json"

Figures = dict[str, object]


class Keeping(LocalEngine):
    """Runs all stages as ever, and keeps what the steps that see everything are given.

    Parameters
    ----------
    folder : Path
        Where to.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._folder = folder

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
        if stage == "order":
            q, m, unlike = edges_of(plan)
            np.savez(self._folder / _EDGES, q=q, m=m, unlike=unlike)
        yield from super().run(plan, stage, numbers)
        if stage == "score":  # once more for pairs that nobody proposed, whose parts have the next numbers
            np.savez(self._folder / _SCORES, **read_scores(plan, numbers[-1] + 1)._asdict())
            root = Path(plan.url)
            files = [path for path in root.rglob("*") if path.is_file() and path.relative_to(root).parts[0] != "counts"]
            written = sum(path.stat().st_size for path in files)
            (self._folder / _COUNTS).write_text(json.dumps({"storage_bytes_a_recording": written / plan.recordings}))


def main() -> None:
    """Measure both steps at every size and save the figures; or run one step in this process, and print them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--base", type=int, default=BASE, help="recordings of the run that is repeated")
    parser.add_argument("--copies", type=int, nargs="+", default=list(COPIES), help="how often it is laid side by side")
    parser.add_argument("--step", choices=STEPS, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.step:
        print(json.dumps(run_step(given.step, given.folder, given.base, given.copies[0])))
        return
    default_model(ROOT / "data")
    with tempfile.TemporaryDirectory() as scratch:
        folder = DataFolder.at(Path(scratch))
        counts = _run_base(folder, given.base)
        rows = [
            {"step": step, **_in_a_process(step, folder, given.base, copies)}
            for copies in given.copies
            for step in STEPS
        ]
    save(
        "ten_times", "python -m benchmarks.ten_times [--copies N ...]", {"repeated": given.base, **counts, "rows": rows}
    )


def run_step(step: str, folder: Path, base: int, copies: int) -> Figures:
    """Run one step for so many copies of the catalogue.

    Parameters
    ----------
    step : str
        One of `STEPS`.
    folder : Path
        Data folder of the run that is repeated.
    base : int
        Its recordings.
    copies : int
        How often.

    Returns
    -------
    dict
        Recordings, seconds, the most memory that this process ever took, its input included, and what of that each
        recording takes beyond what the process began with.
    """
    before = _peak_memory()
    seconds = STEPS[step](DataFolder.at(folder), base, copies)
    memory = _peak_memory()
    recordings = base * copies
    return {
        "recordings": recordings,
        "seconds": round(seconds, 1),
        "peak_memory_mb": memory >> 20,
        "bytes_a_recording": round((memory - before) / recordings),
    }


def _run_base(folder: DataFolder, records: int) -> dict[str, float]:
    words = ("sample", "--data", str(folder.root), "--records", str(records), "--pairs", "1000", "--seed", "22")
    subprocess.run([sys.executable, "-m", "onemaster", *words], cwd=ROOT, capture_output=True, check=True)  # noqa: S603
    with Catalog.open(folder.catalog, folder.copies) as catalog:
        with model_to_index_with(folder, catalog, ROOT / "data") as made:
            model = made.publish()
        with Keeping(folder.root) as engine:
            dedupe(catalog, model, folder.root / "dedupe", engine, DedupeOptions())
    counts: dict[str, float] = json.loads((folder.root / _COUNTS).read_text(encoding="utf-8"))
    return counts


def _in_a_process(step: str, folder: DataFolder, base: int, copies: int) -> Figures:
    words = ("--step", step, "--folder", str(folder.root), "--base", str(base), "--copies", str(copies))
    run = subprocess.run(  # noqa: S603 - our own command
        [sys.executable, "-m", "benchmarks.ten_times", *words], cwd=ROOT, capture_output=True, text=True, check=True
    )
    figures: Figures = json.loads(run.stdout)
    print(step, figures, flush=True)
    return figures


def _peak_memory() -> int:
    """Read the most memory that this process ever took; resource usage would count that of the one that started it."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(re.findall(r"VmHWM:\s+(\d+) kB", status)[0]) * 1024


def _order(folder: DataFolder, base: int, copies: int) -> float:
    with np.load(folder.root / _EDGES, allow_pickle=False) as kept:
        edges = [_side_by_side(kept[name], base, copies) for name in ("q", "m")]
        unlike = np.tile(kept["unlike"], copies)
    began = time.monotonic()
    by_neighbourhood(base * copies, *most_alike_first(*edges, unlike))
    return time.monotonic() - began


def _cluster(folder: DataFolder, base: int, copies: int) -> float:
    with np.load(folder.root / _SCORES, allow_pickle=False) as kept:
        sides = {name: _side_by_side(kept[name], base, copies) for name in ("q", "m")}
        scores = Scores(**sides, **{name: np.tile(kept[name], copies) for name in ("probability", "cosine", "source")})
    recordings, model = base * copies, Model.load(current_version(folder.models))
    ids = pa.array((f"{row:012}" for row in range(recordings)), pa.large_string())
    out = folder.root / f"clusters-{copies}"
    out.mkdir()
    began = time.monotonic()
    share = estimated_share(scores.probability, 10 * recordings, model.labelled_share)
    links = Links(scores.q, scores.m, link_probabilities(scores.probability, share, model.labelled_share))
    unlinked_pairs(recordings, links, model.classifier.threshold)
    labels, stopped = average_link(recordings, links, model.classifier.threshold)
    names = name_clusters(labels, ids, read_earlier_names(out))
    chosen = representatives(labels, links, np.zeros(recordings, dtype=np.int64))
    write_outputs(out, Clustered(ids, labels, names, chosen, scores, stopped), model.classifier, "")
    return time.monotonic() - began


def _side_by_side(rows: npt.NDArray[np.integer], base: int, copies: int) -> npt.NDArray[np.integer]:
    firsts = np.arange(copies, dtype=rows.dtype) * base
    return (firsts[:, np.newaxis] + rows).ravel()


STEPS = {"order": _order, "cluster": _cluster}


if __name__ == "__main__":
    main()
