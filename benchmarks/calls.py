"""How long judging a few pairs takes in one process, beside the baseline; a row for each commit that it was run on.

The same file runs in a checkout of an earlier commit, so that two versions are measured one after the other.
"""

from __future__ import annotations

import gc
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pandas as pd

from benchmarks.record import ROOT, earlier_rows, save, when
from catalog.paths import DataFolder
from matching.matcher import Matcher
from matching.model import BASELINE, SIAMESE
from training.default import default_model

_NAME = "calls"
_SIZE, _PAIRS, _SEED = 20_000, 960, "24"
_AT_ONCE = (1, 8, 32, 960)
_REPEATS = 7


def main() -> None:
    """Measure and save the figures."""
    default_model(ROOT / "data")
    with tempfile.TemporaryDirectory() as scratch:
        figures = {**measure(Path(scratch)), **when()}
    rows = [row for row in earlier_rows(_NAME) if row["commit"] != figures["commit"]]
    save(_NAME, "python -m benchmarks.calls", {"rows": [*rows, figures]})


def measure(data: Path) -> dict[str, object]:
    """Judge labelled pairs of the generator's catalogue, so many at once.

    Parameters
    ----------
    data : Path
        For the work.

    Returns
    -------
    dict
        Milliseconds of processor time of a call, the least of several runs over all pairs, each recording having been
        asked about before.
    """
    for words in (["sample", "--records", str(_SIZE), "--pairs", str(_PAIRS), "--seed", _SEED], ["rebuild"]):
        command = [sys.executable, "-m", "onemaster", words[0], "--data", str(data), *words[1:]]
        subprocess.run(command, cwd=ROOT, capture_output=True, check=True)  # noqa: S603 - our own command
    listed = pd.read_csv(data / "groundtruth.csv", dtype=str)
    pairs = list(zip(listed["q_source_id"], listed["m_source_id"], strict=True))[:_PAIRS]
    with Matcher.open(DataFolder.at(data)) as matcher:
        return {
            "records": _SIZE,
            "milliseconds_a_call": {
                judge: {str(n): _milliseconds(matcher, pairs, n, judge) for n in _AT_ONCE}
                for judge in (SIAMESE, BASELINE)
            },
        }


def _milliseconds(matcher: Matcher, pairs: list[tuple[str, str]], at_once: int, judge: str) -> float:
    batches = [pairs[start : start + at_once] for start in range(0, len(pairs), at_once)]
    taken = []
    for _ in range(1 + _REPEATS):
        gc.collect()
        began = time.process_time()
        for batch in batches:
            matcher.judge(batch, judge)
        taken.append(time.process_time() - began)
    return round(min(taken[1:]) / len(batches) * 1e3, 3)


if __name__ == "__main__":
    main()
