"""Fitting the classifier in one way: on one's own lessons, with those of other catalogues, or as a mean of both."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from catalog.errors import GroundTruthError
from matching.classifier import PairClassifier
from matching.features import FEATURES
from matching.trees import TreeEnsemble, mean_of
from training.lessons import Lessons
from training.trees import boost

_RISES = {feature.name: feature.rises for feature in FEATURES}
# Of other catalogues' lessons, which are weighed as a whole: more would only take longer.
_MOST_OTHERS = 40_000


@dataclass(frozen=True)
class Setting:
    """A way of fitting the classifier.

    Attributes
    ----------
    leaves : int
        Of a tree; 0 takes the trees of the default model as they are.
    rounds : int
        Number of trees.
    start_weight : float
        What all lessons of other catalogues together weigh, in relation to all lessons of one's own; 0 leaves them
        out.
    blended : bool
        Whether to take the mean of this fit, of those in `MOSTLY_OWN`, and of the default model as it is: its errors
        vary less than any one's.
    """

    leaves: int
    rounds: int
    start_weight: float = 0.0
    blended: bool = False


ALONE = (Setting(4, 150), Setting(8, 100))
# Where one's own pairs are silent, other catalogues' lessons speak: docs/decisions/0026-verdicts-and-sure-pairs.md.
MOSTLY_OWN = (Setting(4, 150, 0.1), Setting(8, 100, 0.1))
AS_IT_IS = Setting(0, 0)


@dataclass(frozen=True)
class Start:
    """What to start from: lessons of other catalogues, and the default model where they are its own.

    Attributes
    ----------
    lessons : Lessons
        All columns; learnt from, never judged by.
    classifier : PairClassifier or None
        Of the default model; ``None`` while that is being trained.
    """

    lessons: Lessons
    classifier: PairClassifier | None = None


def parts_of(blended: Setting, names: tuple[str, ...], start: Start) -> tuple[Setting, ...]:
    """Name the fits that a blended setting is the mean of.

    Parameters
    ----------
    blended : Setting
        A blended one.
    names : tuple of str
        Features to use.
    start : Start
        Lessons of other catalogues.

    Returns
    -------
    tuple of Setting
        `MOSTLY_OWN`, the same with other lessons weighing more, and the default model if it looks at these features.
    """
    default = (AS_IT_IS,) if start.classifier and start.classifier.features == names else ()
    return (*MOSTLY_OWN, replace(blended, blended=False), *default)


def fit_setting(lessons: Lessons, names: tuple[str, ...], setting: Setting, start: Start | None) -> PairClassifier:
    """Fit the classifier in one way.

    Parameters
    ----------
    lessons : Lessons
        All columns.
    names : tuple of str
        Features to use.
    setting : Setting
        How.
    start : Start or None
        Needed by settings that learn from other catalogues.

    Returns
    -------
    PairClassifier
        Neither calibrated nor with a threshold.

    Raises
    ------
    GroundTruthError
        If the lessons are all valid or all invalid, or have nothing to compare.
    """
    if start and start.classifier and not setting.leaves:
        return start.classifier
    if start and setting.blended:
        parts = (fit_setting(lessons, names, part, start) for part in parts_of(setting, names, start))
        return uncalibrated(names, mean_of(*(part.trees.rescaled(part.slope, part.intercept) for part in parts)))
    require_both(lessons.valid)
    features, valid, weights = lessons.columns(names).features, lessons.valid, np.ones(len(lessons))
    if np.isnan(features).all():
        raise GroundTruthError("expected pairs with something to compare, got only recordings without any metadata")
    if start and setting.start_weight:
        others = start.lessons.every(-(-len(start.lessons) // _MOST_OTHERS)) if start.classifier else start.lessons
        features = np.concatenate((features, others.columns(names).features))
        valid = np.concatenate((valid, others.valid))
        # The sum of all weights stays the number of rows, which the regularisation is set to.
        own, other = 1 / (1 + setting.start_weight), setting.start_weight / (1 + setting.start_weight)
        total = len(valid)
        shares = (total * own / len(lessons), total * other / len(others))
        weights = np.repeat(shares, (len(lessons), len(others)))
    rises = np.array([_RISES[name] for name in names])
    trees = boost(features, valid, weights, rises, (setting.leaves, setting.rounds))
    return uncalibrated(names, trees)


def require_both(valid: npt.NDArray[np.bool_]) -> None:
    """Refuse to learn from pairs of one kind.

    Parameters
    ----------
    valid : numpy.ndarray
        Shape (n,), bool.

    Raises
    ------
    GroundTruthError
        If they are all valid or all invalid.
    """
    if len(np.unique(valid)) < 2:
        raise GroundTruthError(
            f"expected both valid and invalid pairs to learn from, got {int(valid.sum())} valid and "
            f"{int((~valid).sum())} invalid: add pairs of the other kind"
        )


def uncalibrated(names: tuple[str, ...], trees: TreeEnsemble) -> PairClassifier:
    """Make a classifier of trees as they are.

    Parameters
    ----------
    names : tuple of str
        Of the features.
    trees : TreeEnsemble
        Over those.

    Returns
    -------
    PairClassifier
        Decides at one half, and wants nothing reviewed.
    """
    return PairClassifier(names, trees, slope=1.0, intercept=0.0, threshold=0.5, review_low=0.5, review_high=0.5)
