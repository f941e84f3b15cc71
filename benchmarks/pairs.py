"""Pair validation: how often we are wrong beside the baseline and the five features alone, on pairs never learnt from.

On the sample over several seeds, across scripts, and on Music-20 with and without its labels; two processes at once.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from benchmarks.datasets import SAMPLE_RECORDS
from benchmarks.measures import Figures, across_scripts, decision_figures, precise_recall, with_equal_isrc
from benchmarks.record import arguments, save
from benchmarks.study import Study, study_music20, study_sample
from matching.baseline import baseline_features
from matching.classifier import PairClassifier
from matching.features import GROUPS, NAMES, names_without
from training.classifier import Fitted, fit_baseline, fit_classifier
from training.fitting import Start
from training.further import further_lessons
from training.lessons import Lessons
from training.measures import error_ratio
from training.policy import Policy
from training.verdicts import Judged, Verdicts

_PROCESSES = 2
_SEED = 20
_FIVE = names_without([name for name in GROUPS if name != "core"])


@dataclass(frozen=True, eq=False)
class SampleOutcome:
    """What one seed of the sample gave.

    Attributes
    ----------
    figures : dict
        JSON values.
    classifier : PairClassifier
        That users without labels would get.
    """

    figures: Figures
    classifier: PairClassifier


def main() -> None:
    """Train and measure on every dataset, and save the figures."""
    given, began = arguments(__doc__ or "", seeds=True, records=SAMPLE_RECORDS), time.perf_counter()
    with (
        tempfile.TemporaryDirectory() as scratch,
        ProcessPoolExecutor(_PROCESSES, mp_context=get_context("spawn")) as pool,
    ):
        learning = pool.submit(further_lessons)
        waiting = [pool.submit(study_sample, Path(scratch), seed, given.records) for seed in given.seeds]
        public = pool.submit(study_music20, Path(scratch), given.music20) if given.music20 else None
        further, studies = learning.result(), [study.result() for study in waiting]
        outcomes = list(pool.map(partial(measure_sample, further), studies, given.seeds))
        defaults = [outcome.classifier for outcome in outcomes]
        start = Start(studies[0].lessons + further, defaults[0])
        music20 = measure_music20(pool, public.result(), start, defaults) if public else None
    rows = [outcome.figures for outcome in outcomes]
    figures = {
        "records": given.records,
        "seeds": given.seeds,
        "seconds": round(time.perf_counter() - began),
        "summary": summarise(rows),
        "sample": rows,
        "music20": music20,
    }
    save("pairs", "python -m benchmarks.pairs [--music20 DIR]", figures)


def measure_sample(further: Lessons, study: Study, seed: int) -> SampleOutcome:
    """Train on one sample as the default model is trained, and measure on its held-out pairs.

    Parameters
    ----------
    further : Lessons
        What the default model learns beside the sample's labelled pairs.
    study : Study
        The sample.
    seed : int
        Of the baseline.

    Returns
    -------
    SampleOutcome
        With the classifier for those who have no labels.
    """
    fitted = fit(study, NAMES, Start(further))
    probabilities, baseline = study.judge(fitted.classifier), fitted_baseline(study, seed)
    test, valid, across = study.split.test, study.valid, across_scripts(study.split.test)
    unaided = across & ~with_equal_isrc(test)
    by_baseline = baseline.match_probabilities(study.baseline)
    ours = Verdicts(probabilities, fitted.classifier.threshold)
    figures: Figures = {
        **describe(study),
        "setting": asdict(fitted.selection.setting),
        "all_features": _figures(study, fitted.classifier),
        "five_features": _figures(study, fit(study, _FIVE, Start(further)).classifier),
        "baseline": decision_figures(by_baseline, valid, baseline.threshold, study.units),
        "error_ratio": error_ratio(
            Judged(test, study.features, ours, Verdicts(by_baseline, baseline.threshold))
        ).to_json(),
        "across_scripts": {
            name: {
                who: precise_recall(judged[rows], valid[rows], study.units[rows])
                for who, judged in (("all_features", probabilities), ("baseline", by_baseline))
            }
            for name, rows in (("all", across), ("without_equal_isrc", unaided))
        },
    }
    return SampleOutcome(figures, fitted.classifier)


def measure_music20(
    pool: ProcessPoolExecutor, study: Study, start: Start, defaults: Sequence[PairClassifier]
) -> Figures:
    """Measure on Music-20's test pairs: trained on its own, started from the default, and with nothing learnt.

    Parameters
    ----------
    pool : concurrent.futures.ProcessPoolExecutor
        Trains.
    study : Study
        Music-20.
    start : Start
        The default model of the first sample.
    defaults : sequence of PairClassifier
        Of all samples.

    Returns
    -------
    dict
        JSON values.
    """
    started = pool.submit(fit, study, NAMES, start)  # by far the longest comes first
    alone, five = pool.submit(fit, study, NAMES, None), pool.submit(fit, study, _FIVE, None)
    baseline = fitted_baseline(study, _SEED)
    fits = {"trained": alone.result(), "started": started.result(), "five_features": five.result()}
    by_baseline = baseline.match_probabilities(study.baseline)
    return {
        **describe(study),
        "settings": {name: asdict(fitted.selection.setting) for name, fitted in fits.items()},
        **{name: _figures(study, fitted.classifier) for name, fitted in fits.items()},
        "zero_shot": [_figures(study, default) for default in defaults],
        "baseline": decision_figures(by_baseline, study.valid, baseline.threshold, study.units),
    }


def fit(study: Study, names: tuple[str, ...], start: Start | None) -> Fitted:
    """Fit as a training would.

    Parameters
    ----------
    study : Study
        With the lessons.
    names : tuple of str
        Features to use.
    start : Start or None
        What to start from.

    Returns
    -------
    Fitted
        With the thresholds of the default policy.
    """
    return fit_classifier(study.lessons, names, start, Policy())


def fitted_baseline(study: Study, seed: int) -> PairClassifier:
    """Fit the baseline on the pairs to learn from, as they are.

    Parameters
    ----------
    study : Study
        With the pairs.
    seed : int
        Of scikit-learn's generator.

    Returns
    -------
    PairClassifier
        On nineteen features.
    """
    learnt = study.split.learnt
    return fit_baseline(baseline_features(learnt.q, learnt.m), learnt.valid, seed)


def describe(study: Study) -> Figures:
    """Say what was measured on.

    Parameters
    ----------
    study : Study
        A dataset.

    Returns
    -------
    dict
        Name, digests, numbers of pairs, and how many true ones the index proposes.
    """
    return {
        "name": study.name,
        "digests": study.digests,
        "learnt": len(study.split.learnt),
        "tested_on": study.split.tested_on,
        "pair_completeness_at_20": study.completeness.value,
    }


def summarise(rows: Sequence[Mapping[str, object]]) -> Figures:
    """Give mean and range over the seeds of what the project is measured by.

    Parameters
    ----------
    rows : sequence of mapping
        Figures of each seed.

    Returns
    -------
    dict
        Dotted place of a figure to ``mean``, ``least`` and ``most``.
    """
    summary: Figures = {}
    for place in _SUMMARISED:
        values = [value for row in rows if (value := _at(row, place)) is not None]
        if values:
            spread = {"mean": float(np.mean(values)), "least": min(values), "most": max(values)}
            summary[place] = {name: round(value, 6) for name, value in spread.items()}
    return summary


def _figures(study: Study, classifier: PairClassifier) -> Figures:
    return decision_figures(study.judge(classifier), study.valid, classifier.threshold, study.units)


def _at(row: object, place: str) -> float | None:
    for name in place.split("."):
        if not isinstance(row, Mapping):
            return None
        row = row[name]
    return row if isinstance(row, int | float) else None


_SUMMARISED = (
    "error_ratio.value",
    *(f"{who}.{figure}" for who in ("all_features", "five_features", "baseline") for figure in ("accuracy", "f1")),
    "all_features.brier",
    "all_features.calibration_error",
    "across_scripts.all.all_features.recall.value",
    "across_scripts.all.baseline.recall.value",
    "across_scripts.without_equal_isrc.all_features.recall.value",
)


if __name__ == "__main__":
    main()
