"""Pair validation: the five features against the baseline, on the sample over several seeds and on Music-20."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import numpy as np

from benchmarks.datasets import Dataset, music20, sample
from benchmarks.record import arguments, save
from catalog.artefacts import current_version
from catalog.paths import DataFolder
from catalog.store import Catalog
from embeddings.encoder import Encoder
from index.rebuild import rebuild
from matching.matcher import Matcher
from matching.model import Model
from training.default import adapted
from training.evaluate import evaluate_matcher
from training.pairs import read_groundtruth
from training.train import TrainingData, train


def main() -> None:
    """Train and measure on every dataset, and save the figures."""
    given = arguments(__doc__ or "", seeds=True)
    with tempfile.TemporaryDirectory() as scratch:
        datasets = [sample(Path(scratch) / f"sample-{seed}", seed) for seed in given.seeds]
        if given.music20:
            datasets.append(music20(given.music20, Path(scratch) / "music20"))
        rows = [measure(dataset) for dataset in datasets]
        unseen = [zero_shot(datasets[0], dataset) for dataset in datasets if dataset.test_pairs]
    figures = {"datasets": rows, "sample": _summary(rows), "zero_shot": unseen}
    save("pairs", "python -m benchmarks.pairs [--music20 DIR]", figures)


def measure(dataset: Dataset) -> dict[str, object]:
    """Train on a dataset, and measure both classifiers on the same test pairs.

    Parameters
    ----------
    dataset : Dataset
        Catalogue and labelled pairs.

    Returns
    -------
    dict
        Figures of the five features and of the baseline, errors as a ratio, pair completeness, pairs judged per
        second, and seconds.
    """
    folder = dataset.folder
    with Catalog.open(folder.catalog, folder.copies) as catalog:
        began = time.perf_counter()
        report = train(TrainingData(catalog, dataset.train_pairs, folder.root, dataset.test_pairs), None, folder.models)
        trained = time.perf_counter()
        rebuild(catalog, Encoder.load(report.model.encoder_folder), report.model.version, folder.index)
        rebuilt = time.perf_counter()
        pairs = read_groundtruth(dataset.test_pairs or dataset.train_pairs, catalog)
    with Matcher.open(folder) as matcher:
        asked = time.perf_counter()
        served = evaluate_matcher(matcher, pairs)
        seconds = {"train": trained - began, "rebuild": rebuilt - trained, "judge": time.perf_counter() - asked}
    return {
        "name": dataset.name,
        "digests": dataset.digests,
        "five_features": report.evaluation.to_json(),
        "baseline": report.baseline.to_json(),
        "error_ratio": round((1 - report.evaluation.accuracy) / (1 - report.baseline.accuracy), 4),
        "pair_completeness_at_20": served["pair_completeness"],
        "seconds": {name: round(value, 2) for name, value in seconds.items()},
    }


def zero_shot(home: Dataset, dataset: Dataset) -> dict[str, object]:
    """Measure the classifier trained on one dataset on another, of which nothing was seen but the catalogue.

    Parameters
    ----------
    home : Dataset
        Trained on already, by `measure`.
    dataset : Dataset
        With test pairs.

    Returns
    -------
    dict
        Figures on the test pairs.
    """
    default = Model.load(current_version(home.folder.models))
    folder = DataFolder.at(dataset.folder.root / "unseen", catalog=dataset.folder.catalog)
    with Catalog.open(folder.catalog, folder.copies) as catalog, adapted(default, catalog, folder.models) as new:
        rebuild(catalog, new.encoder, new.version, folder.index, None, new.publish)
    with Matcher.open(folder) as matcher:
        pairs = read_groundtruth(dataset.test_pairs or dataset.train_pairs, matcher.catalog)
        return {"trained_on": home.name, "name": dataset.name, **evaluate_matcher(matcher, pairs)}


def _summary(rows: list[dict[str, object]]) -> dict[str, object]:
    """Mean and range of the error ratio over the sample's seeds."""
    ratios = [float(str(row["error_ratio"])) for row in rows if str(row["name"]).startswith("sample")]
    return {"error_ratio_mean": round(float(np.mean(ratios)), 4), "error_ratio_range": [min(ratios), max(ratios)]}


if __name__ == "__main__":
    main()
