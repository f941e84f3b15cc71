"""How many pairs a second are judged, from recordings in memory to match probabilities, on one process and on two.

The pairs are those of a search for duplicates: every recording with its 20 nearest, in batches; and labelled ones, of
which nearly every recording stands in one pair. What is kept from one call to the next is thrown away before each run.
All batches of a run share one table of recordings (`matching/table.py`); making it is part of what is timed.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import numpy.typing as npt

from benchmarks.datasets import Dataset, music20, sample
from benchmarks.record import arguments, save
from benchmarks.workload import NEIGHBOURS, Work, forget, judge_all_features, judge_by_baseline, prepare_work
from matching.distinct import Column
from matching.features import BLOCK, GROUPS, NAMES
from matching.pairs import Pairs
from matching.table import RecordingTable

BATCHES = (8_192, 65_536)
PROCESSES = 2
JUDGES: dict[str, Callable[[Work, int], Iterator[npt.NDArray[np.float64]]]] = {
    "onemaster": judge_all_features,
    "baseline": judge_by_baseline,
}

_RECORDS = 20_000
_REPEATS = 3
_WARM = 200

Figures = dict[str, object]
_kept: list[Work] = []


def main() -> None:
    """Measure every dataset and save the figures."""
    given = arguments(__doc__ or "", records=_RECORDS)
    with tempfile.TemporaryDirectory() as scratch:
        datasets = [sample(Path(scratch) / "sample", 20, given.records)]
        if given.music20:
            datasets.append(music20(given.music20, Path(scratch) / "music20"))
        rows = [measure(dataset) for dataset in datasets]
    figures = {"features": len(NAMES), "neighbours": NEIGHBOURS, "repeats": _REPEATS, "datasets": rows}
    save("throughput", "python -m benchmarks.throughput [--music20 DIR]", figures)


def measure(dataset: Dataset) -> Figures:
    """Measure on one catalogue.

    Parameters
    ----------
    dataset : Dataset
        With labelled pairs.

    Returns
    -------
    dict
        JSON values.
    """
    near, labelled = prepare_work(dataset)
    return {
        "name": dataset.name,
        "digests": dataset.digests,
        "recordings": len(near.recordings),
        "nearest": speeds(near, BATCHES[-1], list(JUDGES)),
        "nearest_in_small_batches": speeds(near, BATCHES[0], ["onemaster"]),
        "labelled": speeds(labelled, BATCHES[0], list(JUDGES)),
        "microseconds_a_pair": {
            "nearest": stages(near),
            "labelled": stages(labelled),
        },
    }


def speeds(work: Work, batch: int, judges: Sequence[str]) -> Figures:
    """Measure pairs per second on one process and on two.

    Parameters
    ----------
    work : Work
        The pairs.
    batch : int
        Pairs at once.
    judges : sequence of str
        Names of `JUDGES`.

    Returns
    -------
    dict
        Medians of three runs, and ours divided by the baseline's if both are asked for.
    """
    middle = len(work.q) // 2
    halves = [work.take(slice(None, middle)).alone(), work.take(slice(middle, None)).alone()]
    figures: dict[str, dict[str, float]] = {}
    with ProcessPoolExecutor(PROCESSES, get_context("spawn"), _keep, (halves,)) as pool:
        for name in judges:
            _judge_halves(pool, name, batch, _WARM)  # modules are imported, tables worked out
            seconds = {
                "one_process": _median(partial(_judge_all, work, name, batch)),
                "two_processes": _median(partial(_judge_halves, pool, name, batch, None)),
            }
            figures[name] = {way: round(len(work.q) / spent) for way, spent in seconds.items()}
    ratio = {}
    if len(figures) == len(JUDGES):
        ratio = {way: round(speed / figures["baseline"][way], 4) for way, speed in figures["onemaster"].items()}
    return {"pairs": len(work.q), "batch": batch, "pairs_per_second": figures, "of_the_baselines": ratio}


def stages(work: Work) -> dict[str, float]:
    """Measure what every stage takes, on one process.

    Parameters
    ----------
    work : Work
        The pairs.

    Returns
    -------
    dict
        Stage to microseconds a pair, the median of three runs.
    """
    runs = [_stages_once(work) for _ in range(_REPEATS)]
    return {stage: round(float(np.median([run[stage] for run in runs])) / len(work.q) * 1e6, 3) for stage in runs[0]}


def _keep(halves: Sequence[Work]) -> None:
    """Receive the pairs in a new process, before anything is timed."""
    _kept[:] = halves


def _judge_half(half: int, name: str, batch: int, stop: int | None) -> int:
    return _judge_all(_kept[half] if stop is None else _kept[half].take(slice(stop)).alone(), name, batch)


def _judge_halves(pool: ProcessPoolExecutor, name: str, batch: int, stop: int | None) -> int:
    halves = [pool.submit(_judge_half, half, name, batch, stop) for half in range(PROCESSES)]
    return sum(half.result() for half in halves)


def _judge_all(work: Work, name: str, batch: int) -> int:
    forget()
    return sum(map(len, JUDGES[name](work, batch)))


def _median(run: Callable[[], object]) -> float:
    seconds = []
    for _ in range(_REPEATS):
        began = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - began)
    return float(np.median(seconds))


def _stages_once(work: Work) -> dict[str, float]:
    forget()
    totals: dict[str, float] = {}
    clock = time.perf_counter()
    pairs = Pairs(RecordingTable(work.recordings, work.rarity), work.q, work.m, work.cosines)
    clock = _book(totals, "prepare", clock)
    for start in range(0, len(work.q), BLOCK):
        block = pairs.block(start, start + BLOCK)
        columns: list[Column] = []
        for name, group in GROUPS.items():
            columns += [compute(block) for compute in group.columns]
            clock = _book(totals, name, clock)
        features = np.column_stack(columns).astype(np.float32)
        clock = _book(totals, "columns", clock)
        work.classifier.match_probabilities(features)
        clock = _book(totals, "probability", clock)
    return totals


def _book(totals: dict[str, float], stage: str, began: float) -> float:
    now = time.perf_counter()
    totals[stage] = totals.get(stage, 0.0) + now - began
    return now


if __name__ == "__main__":
    main()
