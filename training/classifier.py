"""Fitting the pair classifier and the baseline."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from matching.baseline import BASELINE_FEATURES
from matching.classifier import PairClassifier, probability
from matching.features.feature import Features
from training.calibration import calibrate
from training.fitting import Start, fit_setting, require_both, uncalibrated
from training.lessons import Lessons
from training.policy import Policy
from training.selection import Selection, select
from training.trees import boost_stumps

logger = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Fitted:
    """A classifier and how it came about.

    Attributes
    ----------
    classifier : PairClassifier
        Calibrated, with its threshold and review band.
    selection : Selection
        What cross-validation chose it by.
    probabilities : numpy.ndarray
        Shape (n,), calibrated match probabilities of the pairs as they are, each by a fit that had not seen it.
    valid : numpy.ndarray
        Shape (n,), bool, their labels.
    """

    classifier: PairClassifier
    selection: Selection
    probabilities: npt.NDArray[np.float64]
    valid: npt.NDArray[np.bool_]


def fit_classifier(lessons: Lessons, names: tuple[str, ...], start: Start | None, policy: Policy) -> Fitted:
    """Fit the classifier: chosen by cross-validation, monotone, calibrated, with thresholds after a policy.

    Parameters
    ----------
    lessons : Lessons
        All columns.
    names : tuple of str
        Features to use.
    start : Start or None
        The default model, to start from it if that does better; ``None`` learns from the lessons alone.
    policy : Policy
        What the owner wants of the decisions.

    Returns
    -------
    Fitted
        No feature that is said to rise ever lowers its probability.

    Raises
    ------
    GroundTruthError
        If the lessons are all valid or all invalid, have nothing to compare, or cannot promise the wanted precision.
    """
    require_both(lessons.valid[lessons.as_it_is])  # pairs are told, each of which gives several lessons
    selection = select(lessons, names, start)
    classifier = fit_setting(lessons, names, selection.setting, start)
    # The default model is calibrated over all views, for catalogues not seen yet; every other for its own catalogue.
    default = start is not None and start.classifier is None
    rows = np.ones(len(lessons), dtype=np.bool_) if default else lessons.as_it_is
    line = calibrate(selection.log_odds[rows], lessons.valid[rows])
    probabilities = probability(line.slope * selection.log_odds + line.intercept)[lessons.as_it_is]
    valid = lessons.valid[lessons.as_it_is]
    chosen = policy.thresholds(probabilities, valid)
    calibrated = replace(
        classifier,
        slope=line.slope * classifier.slope,
        intercept=line.slope * classifier.intercept + line.intercept,
        threshold=chosen.threshold,
        review_low=chosen.review.low,
        review_high=chosen.review.high,
    )
    return Fitted(calibrated, selection, probabilities, valid)


def fit_baseline(features: Features, valid: npt.NDArray[np.bool_], seed: int) -> PairClassifier:
    """Fit the baseline as published: 300 boosted stumps on nineteen features, decided at one half.

    Parameters
    ----------
    features : numpy.ndarray
        Shape (n_pairs, 19), float32.
    valid : numpy.ndarray
        Shape (n_pairs,), bool.
    seed : int
        Of scikit-learn's generator.

    Returns
    -------
    PairClassifier
        Uncalibrated, threshold 0.5.

    Raises
    ------
    GroundTruthError
        If the pairs are all valid or all invalid.
    """
    require_both(valid)
    return uncalibrated(BASELINE_FEATURES, boost_stumps(features, valid, seed))
