"""Figures of decisions on test pairs, each with its interval over groups of linked pairs."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from catalog.isrc import IsrcState, compare_isrcs
from catalog.recording import Recording
from catalog.sample.scripts import script_of
from training.calibration import calibration_error
from training.counts import accuracy, f1
from training.evaluate import evaluate_probabilities
from training.intervals import Resampling, Units, bootstrap_interval, count_difference_interval, count_interval
from training.measures import brier
from training.pairs import LabelledPairs

RESAMPLING = Resampling(n_resamples=1_000)
WANTED_PRECISION = 0.99

Labels = npt.NDArray[np.bool_]
Numbers = npt.NDArray[np.float64]
Figures = dict[str, object]


def decision_figures(probabilities: Numbers, valid: Labels, threshold: float, units: Units) -> Figures:
    """Measure a classifier.

    Parameters
    ----------
    probabilities : numpy.ndarray
        Shape (n_pairs,), float64.
    valid : numpy.ndarray
        Shape (n_pairs,), bool.
    threshold : float
        Pairs with at least this probability are decided valid.
    units : numpy.ndarray
        Shape (n_pairs,), int64, groups of linked pairs.

    Returns
    -------
    dict
        All of `Evaluation`, and intervals of accuracy, F1, Brier score and calibration error. Resampling adds noise to
        every bin, so that the interval of the calibration error lies above its value; its low end is no lower bound.
    """
    decided = probabilities >= threshold
    return {
        **evaluate_probabilities(probabilities, valid, threshold).to_json(),
        "intervals": {
            "accuracy": count_interval(accuracy, decided, valid, units, RESAMPLING).to_json(),
            "f1": count_interval(f1, decided, valid, units, RESAMPLING).to_json(),
            "brier": bootstrap_interval(brier, probabilities, valid, threshold, units, RESAMPLING).to_json(),
            "calibration_error": bootstrap_interval(
                calibration_error, probabilities, valid, threshold, units, RESAMPLING
            ).to_json(),
        },
    }


def differences(decided: Labels, others: Labels, valid: Labels, units: Units) -> Figures:
    """Compare two classifiers on the same pairs.

    Parameters
    ----------
    decided : numpy.ndarray
        Shape (n_pairs,), bool, decisions of the one.
    others : numpy.ndarray
        Shape (n_pairs,), bool, decisions of the one it is compared with.
    valid : numpy.ndarray
        Shape (n_pairs,), bool.
    units : numpy.ndarray
        Shape (n_pairs,), int64, groups of linked pairs.

    Returns
    -------
    dict
        Intervals of what the one has more of accuracy and F1 than the other.
    """
    return {
        metric.__name__: count_difference_interval(metric, others, decided, valid, units, RESAMPLING).to_json()
        for metric in (accuracy, f1)
    }


def precise_recall(probabilities: Numbers, valid: Labels, units: Units) -> Figures:
    """Find the share of valid pairs that can be found at precision 0.99.

    Parameters
    ----------
    probabilities : numpy.ndarray
        Shape (n_pairs,), float64.
    valid : numpy.ndarray
        Shape (n_pairs,), bool.
    units : numpy.ndarray
        Shape (n_pairs,), int64, from `resampling_units` of all pairs or of these.

    Returns
    -------
    dict
        Counts, and the interval of the recall above the lowest threshold that keeps the precision over these pairs;
        every resample has a threshold of its own. ``None`` without valid pairs.
    """
    counts = {"n_valid": int(valid.sum()), "n_invalid": int((~valid).sum())}
    if not valid.any():
        return {**counts, "recall": None}
    own_units = np.unique(units, return_inverse=True)[1].astype(np.int64)
    interval = bootstrap_interval(_precise_recall, probabilities, valid, WANTED_PRECISION, own_units, RESAMPLING)
    return {**counts, "recall": interval.to_json()}


def across_scripts(pairs: LabelledPairs) -> Labels:
    """Find the pairs of which a field is written in two scripts.

    Parameters
    ----------
    pairs : LabelledPairs
        n_pairs pairs.

    Returns
    -------
    numpy.ndarray
        Shape (n_pairs,), bool: title or artists of one side have letters of another script, and those of the other
        side have letters and only Latin ones.
    """
    return np.array([_across_scripts(q, m) for q, m in zip(pairs.q, pairs.m, strict=True)], dtype=np.bool_)


def with_equal_isrc(pairs: LabelledPairs) -> Labels:
    """Find the pairs that have an ISRC in common.

    Parameters
    ----------
    pairs : LabelledPairs
        n_pairs pairs.

    Returns
    -------
    numpy.ndarray
        Shape (n_pairs,), bool.
    """
    states = (compare_isrcs(q.isrcs, m.isrcs) for q, m in zip(pairs.q, pairs.m, strict=True))
    return np.array([state == IsrcState.EQUAL for state in states], dtype=np.bool_)


def _across_scripts(q: Recording, m: Recording) -> bool:
    fields = ((q.title or "", m.title or ""), (" ".join(q.artists), " ".join(m.artists)))
    return any(
        (script_of(one) == "latin") != (script_of(other) == "latin")
        for one, other in fields
        if any(map(str.isalpha, one)) and any(map(str.isalpha, other))
    )


def _precise_recall(probabilities: Numbers, valid: Labels, precision: float) -> float:
    if not valid.any():
        return float("nan")
    order = np.argsort(-probabilities, kind="stable")
    ranked, found = probabilities[order], np.cumsum(valid[order])
    # A threshold takes all pairs of one probability or none.
    ends = np.append(ranked[1:] != ranked[:-1], True)
    precise = ends & (found >= precision * np.arange(1, len(found) + 1))
    return float(found[precise].max(initial=0) / found[-1])
