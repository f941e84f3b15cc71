"""A whole catalogue de-duplicated, from import to clusters.csv: quality, time by stage and memory, at growing sizes.

Music-20 without any label of it, and in two folds by cluster: learnt from the pairs of one half, measured on the
recordings of the other, with every error in which one of these takes part. The sample's generator at several sizes,
with its hidden truth. Every step is a process of its own, as a user would start it. Every row is saved once it is
measured, with its commit; rows not measured anew stay.
"""

from __future__ import annotations

import hashlib
import json
import math
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

import pandas as pd

from benchmarks.record import ROOT, arguments, earlier_rows, save, when
from catalog.manifest import sha256_file
from training.cluster_measures import evaluate_clusters, measure_clusters
from training.default import default_model

SIZES = (60_000, 250_000, 1_000_000)

_NAME = "dedupe"
_MUSIC20_COLUMNS = ("--column", "length=duration", "--column", "year=release_year")
_FOLDS = 2

Figures = dict[str, object]


def main() -> None:
    """Measure every catalogue and save the figures."""
    given = arguments(__doc__ or "", sizes=SIZES)
    default_model(ROOT / "data")  # made once in a checkout, and no part of what is timed
    rows: dict[str, Figures] = {str(row["name"]): row for row in earlier_rows(_NAME)}
    for row in _measured(given.music20, given.sizes):
        rows[str(row["name"])] = {**row, **when()}
        in_order = sorted(rows.values(), key=lambda each: int(str(each["records"])))
        command = "python -m benchmarks.dedupe [--music20 DIR] [--sizes N ...]"
        save(_NAME, command, {"rows": in_order, "growth": growth(in_order)})


def _measured(source: Path | None, sizes: Sequence[int]) -> Iterator[Figures]:
    with tempfile.TemporaryDirectory() as scratch:
        if source:
            yield from measure_music20(source, Path(scratch))
        for size in sizes:
            yield measure_sample(size, Path(scratch) / str(size))


def measure_music20(source: Path, scratch: Path) -> Iterator[Figures]:
    """De-duplicate Music-20, zero-shot and learnt in two folds.

    Parameters
    ----------
    source : Path
        Its folder.
    scratch : Path
        For the work.

    Yields
    ------
    dict
        A row for each.
    """
    digests = {name: sha256_file(source / name) for name in ("catalog.csv", "clusters.csv")}
    yield {"name": "Music-20, zero-shot", "digests": digests, **measure_zero_shot(source, scratch / "zero-shot")}
    truth = pd.read_csv(source / "clusters.csv", dtype=str)
    folds = truth["cluster_id"].map(lambda name: hashlib.sha256(name.encode()).digest()[0] % _FOLDS)
    for fold in range(_FOLDS):
        data, learnt = scratch / f"fold-{fold}", scratch / f"pairs-{fold}.csv"
        _write_pairs_within(source, set(truth["sr_id"][folds != fold]), learnt)
        steps = {"import": _onemaster("import", source / "catalog.csv", "--data", data, *_MUSIC20_COLUMNS)}
        steps["train"] = _onemaster("train", "--data", data, "--groundtruth", learnt)
        row = _dedupe(data, source / "clusters.csv", steps)
        # All recordings are de-duplicated; pairs and clusters of which one recording is held out count.
        found = pd.read_csv(data / "dedupe" / "clusters.csv", dtype=str).set_index("sr_id")["cluster_id"]
        labels = [pd.factorize(each)[0] for each in (found[truth["sr_id"]], truth["cluster_id"])]
        quality = measure_clusters(*labels, (folds == fold).to_numpy())
        row["quality"] = {name: each.to_json() for name, each in quality.items()}
        yield {"name": f"Music-20, held out in fold {fold}", "digests": digests, **row}


def measure_zero_shot(source: Path, data: Path) -> Figures:
    """De-duplicate Music-20, none of whose labels is learnt from.

    Parameters
    ----------
    source : Path
        Its folder.
    data : Path
        For the work.

    Returns
    -------
    dict
        Counts, seconds and quality.
    """
    steps = {"import": _onemaster("import", source / "catalog.csv", "--data", data, *_MUSIC20_COLUMNS)}
    return _dedupe(data, source / "clusters.csv", steps)


def measure_sample(size: int, data: Path) -> Figures:
    """De-duplicate the generator's catalogue of one size.

    Parameters
    ----------
    size : int
        Recordings.
    data : Path
        For the work.

    Returns
    -------
    dict
        A row.
    """
    _onemaster("sample", "--data", data, "--records", str(size), "--pairs", "1000", "--seed", "22")
    return {"name": f"sample of {size:,}", **_dedupe(data, data / "truth.csv", {})}


def growth(rows: Sequence[Figures]) -> dict[str, float]:
    """Say with which power of the size the time grows.

    Parameters
    ----------
    rows : sequence of dict
        Of all catalogues.

    Returns
    -------
    dict
        From one size of the sample to the next.
    """
    sizes = [row for row in rows if str(row["name"]).startswith("sample")]
    found = {}
    for one, other in pairwise(sizes):
        size, time_ = (float(str(other[key])) / float(str(one[key])) for key in ("records", "seconds"))
        found[f"{one['records']} to {other['records']}"] = round(math.log(time_) / math.log(size), 3)
    return found


def _dedupe(data: Path, truth: Path, steps: dict[str, float]) -> Figures:
    began = time.monotonic()
    run = subprocess.run(  # noqa: S603 - our own command
        _command("dedupe", "--data", data, "--json"), cwd=ROOT, capture_output=True, text=True, check=True
    )
    steps = {**steps, "dedupe": round(time.monotonic() - began, 2)}
    report = json.loads(run.stdout)
    return {
        **{name: report[name] for name in ("records", "candidate_pairs", "judged_pairs", "matched_pairs", "clusters")},
        "seconds": round(sum(spent for step, spent in steps.items() if step != "train"), 2),
        "steps": steps,
        "parts": report["seconds"],
        "stages": report["stages"],
        "memory_mb": report["memory_mb"],
        "peak_memory_mb": report["peak_memory_mb"],
        "quality": evaluate_clusters(data / "dedupe" / "clusters.csv", truth),
    }


def _onemaster(*words: str | Path) -> float:
    began = time.monotonic()
    subprocess.run(_command(*words), cwd=ROOT, capture_output=True, check=True)  # noqa: S603 - our own command
    return round(time.monotonic() - began, 2)


def _command(*words: str | Path) -> list[str]:
    return [sys.executable, "-m", "onemaster", *map(str, words)]


def _write_pairs_within(source: Path, sr_ids: set[str], path: Path) -> None:
    pairs = pd.concat([pd.read_csv(source / name, dtype=str) for name in ("pairs-train.csv", "pairs-test.csv")])
    pairs[pairs["q_source_id"].isin(sr_ids) & pairs["m_source_id"].isin(sr_ids)].to_csv(path, index=False)


if __name__ == "__main__":
    main()
