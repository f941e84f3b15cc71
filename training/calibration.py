"""From sums of trees to probabilities that keep their word."""

from __future__ import annotations

import logging
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

logger = logging.getLogger(__name__)

CALIBRATION_BINS = 10
FINE_BINS = 200

Numbers = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Calibration:
    """Straight line from a sum of trees to log-odds (Platt 1999).

    Attributes
    ----------
    slope, intercept : float
        Slope positive.
    """

    slope: float
    intercept: float


def calibrate(log_odds: Numbers, valid: npt.NDArray[np.bool_]) -> Calibration:
    """Fit a calibration.

    Parameters
    ----------
    log_odds : numpy.ndarray
        Shape (n,), float64, of pairs that were not learnt from.
    valid : numpy.ndarray
        Shape (n,), bool.

    Returns
    -------
    Calibration
        One that would turn the order of pairs around, or that has one kind of pairs to go by, is not taken.
    """
    if len(np.unique(valid)) < 2:
        logger.warning("the pairs to calibrate on are too few to hold both tags: the log-odds stay as they are")
        return Calibration(1.0, 0.0)
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415 - a second, which only training needs

    # Platt's targets: as if one more pair of the other kind had been seen, so that the slope stays modest on few pairs.
    n_valid, n_invalid = int(valid.sum()), int((~valid).sum())
    targets = np.where(valid, (n_valid + 1) / (n_valid + 2), 1 / (n_invalid + 2))
    twice, tags = np.tile(log_odds, 2)[:, None], np.repeat((True, False), len(valid))
    platt = LogisticRegression(C=1e3).fit(twice, tags, sample_weight=np.concatenate((targets, 1 - targets)))
    slope = float(platt.coef_[0, 0])
    return Calibration(slope, float(platt.intercept_[0])) if slope > 0 else Calibration(1.0, 0.0)


def calibration_error(probabilities: Numbers, valid: npt.NDArray[np.bool_], _threshold: float) -> float:
    """Work out the expected calibration error over ten equal bins (Naeini et al. 2015).

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
    surplus = np.bincount(calibration_bins(probabilities), probabilities - valid, CALIBRATION_BINS)
    return float(np.abs(surplus).sum() / len(valid))


def probability_histogram(probabilities: Numbers) -> list[int]:
    """Count match probabilities in ten equal bins.

    Parameters
    ----------
    probabilities : numpy.ndarray
        Shape (n_pairs,), float64, in [0, 1].

    Returns
    -------
    list of int
        Ten counts.
    """
    counts: list[int] = np.bincount(calibration_bins(probabilities), minlength=CALIBRATION_BINS).tolist()
    return counts


def counts_by_probability(probabilities: Numbers, valid: npt.NDArray[np.bool_]) -> dict[str, list[int]]:
    """Count valid and invalid pairs by match probability, finely enough to choose a threshold by.

    Parameters
    ----------
    probabilities : numpy.ndarray
        Shape (n_pairs,), float64, in [0, 1].
    valid : numpy.ndarray
        Shape (n_pairs,), bool, what the pairs are.

    Returns
    -------
    dict
        ``valid`` and ``invalid``, 200 counts each: of the pairs whose probability is n / 200 or more and below the
        next.
    """
    edges = np.arange(1, FINE_BINS) / FINE_BINS  # as a threshold is compared, whatever multiplying would round to
    bins = np.searchsorted(edges, probabilities, side="right")
    return {
        tag: np.bincount(bins[valid == is_valid], minlength=FINE_BINS).tolist()
        for tag, is_valid in (("valid", True), ("invalid", False))
    }


def calibration_bins(probabilities: Numbers) -> npt.NDArray[np.int64]:
    """Put match probabilities into ten equal bins.

    Parameters
    ----------
    probabilities : numpy.ndarray
        Shape (n_pairs,), float64, in [0, 1].

    Returns
    -------
    numpy.ndarray
        Shape (n_pairs,), int64, 0 to 9; the last one holds 1, too.
    """
    bins: npt.NDArray[np.int64] = np.minimum((probabilities * CALIBRATION_BINS).astype(np.int64), CALIBRATION_BINS - 1)
    return bins
