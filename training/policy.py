"""Where valid begins: by best F1, or by the precision that an owner wants."""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from scipy.special import betaincinv, expit, logit

from catalog.errors import GroundTruthError, InputError
from training.calibration import calibrate
from training.review import ReviewBand, ReviewCosts, review_band

logger = logging.getLogger(__name__)

Numbers = npt.NDArray[np.float64]
Labels = npt.NDArray[np.bool_]

# How sure a promised precision is (one-sided).
_CONFIDENCE = 0.95
_NEARLY_NEVER = 1e-12


@dataclass(frozen=True)
class Thresholds:
    """Where a model decides.

    Attributes
    ----------
    threshold : float
        Pairs with at least this match probability are valid, 0 to 1.
    review : ReviewBand
        Pairs to look at.
    """

    threshold: float
    review: ReviewBand


@dataclass(frozen=True)
class Policy:
    """What an owner wants of a model's decisions.

    Attributes
    ----------
    min_precision : float or None
        Precision of the class ``valid`` that new data should have, between 0 and 1; ``None`` wants the best F1.
    costs : ReviewCosts
        For the review band.

    Raises
    ------
    InputError
        If the precision is not between 0 and 1.
    """

    min_precision: float | None = None
    costs: ReviewCosts = field(default_factory=ReviewCosts)

    def __post_init__(self) -> None:
        if self.min_precision is not None:
            _require_precision(self.min_precision)

    def thresholds(self, probabilities: Numbers, valid: Labels) -> Thresholds:
        """Choose where to decide, on held-out pairs.

        Parameters
        ----------
        probabilities : numpy.ndarray
            Shape (n_pairs,), float64, calibrated.
        valid : numpy.ndarray
            Shape (n_pairs,), bool.

        Returns
        -------
        Thresholds
            By the best F1 to be expected if that keeps the wanted precision, or none is wanted; else the lowest that
            keeps it.

        Raises
        ------
        GroundTruthError
            If no pair is valid, or the wanted precision cannot be promised.
        """
        threshold = best_f1_threshold(probabilities, valid)
        if self.min_precision is not None:
            decided = probabilities >= threshold
            promised = promised_precision(int((decided & valid).sum()), int(decided.sum()))
            best = promised >= self.min_precision
            if not best:
                threshold = min_precision_threshold(probabilities, valid, self.min_precision)
            where = "where F1 is best, too" if best else "the lowest threshold that does"
            logger.info("a precision of %g is promised from %.4f on, %s", self.min_precision, threshold, where)
        return Thresholds(threshold, review_band(threshold, self.costs))


def best_f1_threshold(probabilities: Numbers, valid: Labels) -> float:
    """Choose the threshold with the best F1 to be expected: half of that F1 (Lipton, Elkan and Narayanaswamy 2014).

    It goes by probabilities, calibrated on these very pairs, and not by which threshold would have been best for their
    tags: that one rests on a few pairs, and with 300 labels of a messy catalogue it was another one for the next 300
    (docs/decisions/0017-few-labels.md).

    Parameters
    ----------
    probabilities : numpy.ndarray
        Shape (n_pairs,), float64, of held-out pairs; calibrated on more than these, perhaps.
    valid : numpy.ndarray
        Shape (n_pairs,), bool.

    Returns
    -------
    float
        Pairs with at least this probability are valid; between 0 and 1.

    Raises
    ------
    GroundTruthError
        If no pair is valid.
    """
    _require_valid(valid)
    log_odds = logit(np.clip(probabilities, _NEARLY_NEVER, 1 - _NEARLY_NEVER))
    line = calibrate(log_odds, valid)
    falling = np.sort(expit(line.slope * log_odds + line.intercept))[::-1]
    half_f1 = (falling.cumsum() / (np.arange(1, len(falling) + 1) + falling.sum())).max()
    threshold = float(expit((logit(half_f1) - line.intercept) / line.slope))
    # Nothing is known of what lies below all pairs: where probabilities say next to nothing, the line leads far away.
    return max(threshold, float(probabilities.min()))


def promised_precision(right: int, decided: int) -> float:
    """Say which precision new data will hardly fall short of: the lower bound of Clopper and Pearson (1934).

    Parameters
    ----------
    right : int
        Pairs decided valid that are.
    decided : int
        Pairs decided valid.

    Returns
    -------
    float
        0 to 1, with 95 % confidence, one-sided; 0 if nothing was right.
    """
    return float(_lower_bounds(np.array([right]), np.array([decided]))[0])


def min_precision_threshold(probabilities: Numbers, valid: Labels, min_precision: float) -> float:
    """Choose the lowest threshold that keeps a precision on new data.

    Whoever asks for 0.99 wants it of pairs that nobody has labelled yet. There the plain share of right decisions on
    the held-out pairs would fall short of it every other time. So a threshold counts only if the one-sided 95 % lower
    bound of Clopper and Pearson reaches the precision. The price is pairs: 299 without a mistake for 0.99, 59 for
    0.95. All of this takes new pairs to be alike; those of another catalogue may do worse.

    Parameters
    ----------
    probabilities : numpy.ndarray
        Shape (n_pairs,), float64, of held-out pairs.
    valid : numpy.ndarray
        Shape (n_pairs,), bool.
    min_precision : float
        Between 0 and 1, neither.

    Returns
    -------
    float
        The least probability that is seen among the pairs then decided valid: nothing is promised of what lies below.

    Raises
    ------
    GroundTruthError
        If no threshold can promise the precision.
    InputError
        If the precision is not between 0 and 1.
    """
    _require_precision(min_precision)
    _require_valid(valid)
    steps, places = np.unique(probabilities, return_inverse=True)
    decided = np.bincount(places)[::-1].cumsum()[::-1]
    right = np.bincount(places, valid).astype(np.int64)[::-1].cumsum()[::-1]
    promised = _lower_bounds(right, decided)
    kept = np.flatnonzero(promised >= min_precision)
    if len(kept):
        return float(steps[kept[0]])
    best = int(promised.argmax())
    raise GroundTruthError(
        f"expected held-out pairs that can promise a precision of {min_precision:g}; these promise at most "
        f"{math.floor(promised[best] * 1e4) / 1e4:g}, from {decided[best]} pairs decided valid of which "
        f"{decided[best] - right[best]} are wrong (at least {_pairs_needed(min_precision)} pairs without a mistake are "
        "needed): label more pairs, or ask for less"
    )


def _lower_bounds(right: npt.NDArray[np.int64], decided: npt.NDArray[np.int64]) -> Numbers:
    bounds: Numbers = np.where(right > 0, betaincinv(np.maximum(right, 1), decided - right + 1, 1 - _CONFIDENCE), 0.0)
    return bounds


def _pairs_needed(min_precision: float) -> int:
    return math.ceil(math.log(1 - _CONFIDENCE) / math.log(min_precision))


def _require_precision(min_precision: float) -> None:
    if not 0 < min_precision < 1:
        raise InputError(f"expected a precision between 0 and 1, such as 0.99, got {min_precision:g}: give another")


def _require_valid(valid: Labels) -> None:
    if not valid.any():
        raise GroundTruthError(
            f"expected valid pairs to choose a threshold on, got {len(valid)} pairs, none of them valid"
        )
