"""From sums of trees to probabilities that keep their word."""

from __future__ import annotations

import logging
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LogisticRegression

logger = logging.getLogger(__name__)

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
    # The least of regularisation keeps the slope finite where the pairs are perfectly separable.
    platt = LogisticRegression(C=1e3).fit(log_odds[:, None], valid)
    slope = float(platt.coef_[0, 0])
    return Calibration(slope, float(platt.intercept_[0])) if slope > 0 else Calibration(1.0, 0.0)
