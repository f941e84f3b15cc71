"""What every feature group is good for: all groups but one, and the core features with one, on the same test pairs.

Each classifier is fitted once, in one way, and decides at one half; a training would also choose the way and the
threshold, and lose less by a group that is missing.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from benchmarks.datasets import SAMPLE_RECORDS
from benchmarks.measures import RESAMPLING, Figures, differences
from benchmarks.record import arguments, save
from benchmarks.study import Numbers, Study, study_music20, study_sample
from matching.classifier import PairClassifier
from matching.features import GROUPS, NAMES
from training.counts import accuracy, f1
from training.evaluate import evaluate_probabilities
from training.fitting import Setting, Start, fit_setting
from training.further import further_lessons
from training.intervals import count_interval
from training.lessons import Lessons

ALL = "all groups"
# The default model learns from further lessons, too.
ALONE, AS_DEFAULT = Setting(leaves=8, rounds=200), Setting(leaves=8, rounds=200, start_weight=0.5)

_CORE = "core"
_PROCESSES = 2
_SEED = 20
_HALF = 0.5

Classifiers = dict[str, PairClassifier]


def main() -> None:
    """Measure every choice of groups on every dataset, and save the figures."""
    given, began = arguments(__doc__ or "", records=SAMPLE_RECORDS), time.perf_counter()
    with (
        tempfile.TemporaryDirectory() as scratch,
        ProcessPoolExecutor(_PROCESSES, mp_context=get_context("spawn")) as pool,
    ):
        learning = pool.submit(further_lessons)
        waiting = pool.submit(study_sample, Path(scratch), _SEED, given.records)
        public = pool.submit(study_music20, Path(scratch), given.music20) if given.music20 else None
        sample = waiting.result()
        defaults = fit_choices(pool, sample, Start(learning.result()))
        tables = {"sample": compare_choices(sample, defaults)}
        if public:
            tables["music20_trained"] = compare_choices(public.result(), fit_choices(pool, public.result(), None))
            tables["music20_zero_shot"] = compare_choices(public.result(), defaults)
    print_tables(tables)
    figures = {
        "records": given.records,
        "settings": {"sample": asdict(AS_DEFAULT), "music20_trained": asdict(ALONE)},
        "groups": {name: [feature.name for feature in group.features] for name, group in GROUPS.items()},
        "seconds": round(time.perf_counter() - began),
        "tables": tables,
    }
    save("ablation", "python -m benchmarks.ablation [--music20 DIR]", figures)


def choices() -> dict[str, tuple[str, ...]]:
    """List the choices of feature groups.

    Returns
    -------
    dict
        Name of the choice to the names of its features, in the order of the classifier's columns.
    """
    of = {name: {feature.name for feature in group.features} for name, group in GROUPS.items()}
    kept = {ALL: set(NAMES)}
    kept |= {f"without {name}": set(NAMES) - own for name, own in of.items()}
    kept |= {f"{_CORE} and {name}" if name != _CORE else f"{_CORE} alone": of[_CORE] | own for name, own in of.items()}
    return {choice: tuple(name for name in NAMES if name in names) for choice, names in kept.items()}


def fit_choices(pool: ProcessPoolExecutor, study: Study, start: Start | None) -> Classifiers:
    """Fit one classifier for every choice.

    Parameters
    ----------
    pool : concurrent.futures.ProcessPoolExecutor
        Fits.
    study : Study
        With the lessons of all columns.
    start : Start or None
        What is learnt from beside them.

    Returns
    -------
    dict
        Choice to classifier.
    """
    wanted = choices()
    # A chunk takes the lessons to the other process once.
    fits = pool.map(partial(_fit, study.lessons, start), wanted.values(), chunksize=-(-len(wanted) // (2 * _PROCESSES)))
    return dict(zip(wanted, fits, strict=True))


def compare_choices(study: Study, classifiers: Classifiers) -> dict[str, Figures]:
    """Measure the classifiers of all choices on the test pairs of one dataset.

    Parameters
    ----------
    study : Study
        The dataset.
    classifiers : dict
        Choice to classifier, of this dataset or of another.

    Returns
    -------
    dict
        Choice to its figures with intervals, and to what it has more than all groups together.
    """
    judged = {choice: study.judge(classifier) for choice, classifier in classifiers.items()}
    return {
        choice: {"features": len(classifiers[choice].features), **_figures(study, probabilities, judged[ALL])}
        for choice, probabilities in judged.items()
    }


def print_tables(tables: Mapping[str, Mapping[str, Figures]]) -> None:
    """Print one line for every choice.

    Parameters
    ----------
    tables : mapping
        Dataset to choice to figures.
    """
    for name, table in tables.items():
        print(f"\n{name:30} {'features':>8} {'error':>8} {'F1':>8}   F1 more than all groups together")
        for choice, figures in table.items():
            shown = " ".join(f"{figures[column]:8.4f}" for column in ("error", "f1"))
            more = figures["more_than_all"]["f1"]  # type: ignore[index]
            print(
                f"{choice:30} {figures['features']:8} {shown}   "
                f"{more['value']:+.4f} ({more['low']:+.4f} to {more['high']:+.4f})"
            )


def _fit(lessons: Lessons, start: Start | None, names: tuple[str, ...]) -> PairClassifier:
    return fit_setting(lessons, names, AS_DEFAULT if start else ALONE, start)


def _figures(study: Study, probabilities: Numbers, by_all: Numbers) -> Figures:
    decided, valid, units = probabilities >= _HALF, study.valid, study.units
    evaluation = evaluate_probabilities(probabilities, valid, _HALF)
    return {
        "error": round(1 - evaluation.accuracy, 6),
        "accuracy": count_interval(accuracy, decided, valid, units, RESAMPLING).to_json(),
        "f1": round(evaluation.f1, 6),
        "f1_interval": count_interval(f1, decided, valid, units, RESAMPLING).to_json(),
        "average_precision": evaluation.average_precision and round(evaluation.average_precision, 6),
        "errors": int(np.sum(decided != valid)),
        "more_than_all": differences(decided, by_all >= _HALF, valid, units),
    }


if __name__ == "__main__":
    main()
