"""The figures of classifier and baseline on the same test pairs, each with its interval."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy.stats import rankdata

from training.calibration import CALIBRATION_BINS, calibration_bins, calibration_error
from training.counts import CountMetric, accuracy, f1, precision, recall
from training.intervals import (
    Interval,
    Resampling,
    bootstrap_interval,
    count_difference_interval,
    count_interval,
    unseen_share,
)
from training.verdicts import Judged

# Figures that need every pair anew in each resample take far longer than counts do: fewer of them.
RESAMPLES, PROBABILITY_RESAMPLES = 2_000, 500

Numbers = npt.NDArray[np.float64]
Labels = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Measure:
    """A figure of classifier and baseline.

    Attributes
    ----------
    name : str
        As in `training.evaluate.Evaluation`.
    onemaster, baseline : Interval
        The figure, with its 95 % interval over groups of linked pairs; NaN where it is not defined.
    difference : Interval or None
        Onemaster's figure less the baseline's, over the same resamples; ``None`` for figures of the probabilities.
    """

    name: str
    onemaster: Interval
    baseline: Interval
    difference: Interval | None

    def to_json(self) -> dict[str, object]:
        """Write the measure as JSON values.

        Returns
        -------
        dict
            Classifier, or ``difference``, to interval.
        """
        sides = {"onemaster": self.onemaster, "baseline": self.baseline, "difference": self.difference}
        return {name: side.to_json() if side else None for name, side in sides.items()}


@dataclass(frozen=True)
class ReliabilityBin:
    """Pairs with about one match probability.

    Attributes
    ----------
    n_pairs : int
        At least 1.
    probability : float
        Mean of those given, 0 to 1.
    share : float
        Of the pairs that are valid, 0 to 1; what the probability promises, if it is calibrated.
    """

    n_pairs: int
    probability: float
    share: float


_COUNTED: dict[str, CountMetric] = {"accuracy": accuracy, "precision": precision, "recall": recall, "f1": f1}


def measures(judged: Judged) -> list[Measure]:
    """Measure classifier and baseline.

    Parameters
    ----------
    judged : Judged
        The test pairs.

    Returns
    -------
    list of Measure
        Of the decisions, then of the probabilities.
    """
    ours, baseline, valid, units = judged.onemaster, judged.baseline, judged.pairs.valid, judged.units
    often, seldom = Resampling(RESAMPLES), Resampling(PROBABILITY_RESAMPLES)
    counted = [
        Measure(
            name,
            count_interval(metric, ours.decided, valid, units, often),
            count_interval(metric, baseline.decided, valid, units, often),
            count_difference_interval(metric, baseline.decided, ours.decided, valid, units, often),
        )
        for name, metric in _COUNTED.items()
    ]
    probable = [
        Measure(
            name,
            bootstrap_interval(metric, ours.probabilities, valid, ours.threshold, units, seldom),
            bootstrap_interval(metric, baseline.probabilities, valid, baseline.threshold, units, seldom),
            None,
        )
        for name, metric in _PROBABLE.items()
    ]
    return counted + probable


def error_ratio(judged: Judged) -> Interval:
    """Compare the shares of wrong decisions.

    Parameters
    ----------
    judged : Judged
        The test pairs.

    Returns
    -------
    Interval
        Onemaster's wrong decisions divided by the baseline's; NaN where the baseline makes none. Where Onemaster makes
        none, or both make the same, resamples show no other ratio: the interval then has room for as many errors as
        could have stayed unseen.
    """
    wrong = np.stack([side.decided != judged.pairs.valid for side in (judged.onemaster, judged.baseline)], axis=1)
    found = bootstrap_interval(
        _ratio, wrong.astype(np.float64), judged.pairs.valid, 0.0, judged.units, Resampling(PROBABILITY_RESAMPLES)
    )
    ours, baseline = wrong.T
    if not baseline.any() or (ours.any() and (ours != baseline).any()):
        return found
    off = unseen_share(found.n_units, found.level) / float(baseline.mean())
    return replace(found, low=max(found.value - off, 0.0), high=found.value + off)


def reliability(probabilities: Numbers, valid: Labels) -> list[ReliabilityBin]:
    """Hold match probabilities against what came true, in ten equal bins.

    Parameters
    ----------
    probabilities : numpy.ndarray
        Shape (n_pairs,), float64.
    valid : numpy.ndarray
        Shape (n_pairs,), bool.

    Returns
    -------
    list of ReliabilityBin
        Those that hold pairs, from low to high.
    """
    bins = calibration_bins(probabilities)
    columns = [np.bincount(bins, weights, CALIBRATION_BINS) for weights in (None, probabilities, valid)]
    return [
        ReliabilityBin(int(n_pairs), float(given / n_pairs), float(share / n_pairs))
        for n_pairs, given, share in zip(*columns, strict=True)
        if n_pairs
    ]


def roc_auc(probabilities: Numbers, valid: Labels, _threshold: float) -> float:
    """Work out the area under the receiver operating characteristic from ranks (Mann and Whitney 1947).

    Parameters
    ----------
    probabilities : numpy.ndarray
        Shape (n_pairs,), float64.
    valid : numpy.ndarray
        Shape (n_pairs,), bool.
    _threshold : float
        Does not matter.

    Returns
    -------
    float
        0 to 1; NaN unless there are pairs of both kinds.
    """
    n_valid, n_invalid = int(valid.sum()), int((~valid).sum())
    if not n_valid or not n_invalid:
        return float("nan")
    return float((rankdata(probabilities)[valid].sum() - n_valid * (n_valid + 1) / 2) / (n_valid * n_invalid))


def average_precision(probabilities: Numbers, valid: Labels, _threshold: float) -> float:
    """Work out the mean precision over the steps of recall.

    Parameters
    ----------
    probabilities : numpy.ndarray
        Shape (n_pairs,), float64.
    valid : numpy.ndarray
        Shape (n_pairs,), bool.
    _threshold : float
        Does not matter.

    Returns
    -------
    float
        0 to 1; NaN unless there are pairs of both kinds.
    """
    if valid.all() or not valid.any():
        return float("nan")
    order = np.argsort(-probabilities)
    ends = np.flatnonzero(np.append(np.diff(probabilities[order]) != 0, True))
    right = valid[order].cumsum()[ends]
    return float((np.diff(right, prepend=0) * right / (ends + 1)).sum() / valid.sum())


def brier(probabilities: Numbers, valid: Labels, _threshold: float) -> float:
    """Work out the mean squared error (Brier 1950).

    Parameters
    ----------
    probabilities : numpy.ndarray
        Shape (n_pairs,), float64.
    valid : numpy.ndarray
        Shape (n_pairs,), bool.
    _threshold : float
        Does not matter.

    Returns
    -------
    float
        0 to 1, lower is better.
    """
    return float(np.square(probabilities - valid).mean())


_PROBABLE = {
    "roc_auc": roc_auc,
    "average_precision": average_precision,
    "brier": brier,
    "calibration_error": calibration_error,
}


def _ratio(wrong: Numbers, _valid: Labels, _threshold: float) -> float:
    ours, baseline = wrong.sum(axis=0)
    return float(ours / baseline) if baseline else float("nan")
