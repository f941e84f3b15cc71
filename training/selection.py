"""Choosing how to fit: grouped cross-validation over a small declared grid."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from sklearn.metrics import f1_score, log_loss
from threadpoolctl import threadpool_limits

from matching.classifier import probability
from training.calibration import calibrate
from training.fitting import ALONE, AS_IT_IS, MOSTLY_OWN, Setting, Start, fit_setting, parts_of
from training.lessons import Lessons

logger = logging.getLogger(__name__)

_FOLDS = 5
_FITS_AT_ONCE = 2
# By which another setting must do better than a blended one: docs/decisions/0017-few-labels.md.
_STANDARD_ERRORS = 3

Numbers = npt.NDArray[np.float64]


_WITH_OTHERS = (Setting(4, 150, 0.5), Setting(8, 100, 0.5))
_FROM_DEFAULT = (*ALONE, *MOSTLY_OWN, Setting(8, 100, 1.0), AS_IT_IS, Setting(8, 100, 1.0, blended=True))


@dataclass(frozen=True)
class FoldFigures:
    """How a setting did on pairs that it did not learn from.

    Attributes
    ----------
    leaves, rounds, start_weight, blended
        Of the `Setting`.
    fold : int
        From 0.
    n_pairs : int
        Pairs of the fold.
    log_loss : float
        Of its match probabilities, lower is better.
    f1 : float
        At one half.
    """

    leaves: int
    rounds: int
    start_weight: float
    blended: bool
    fold: int
    n_pairs: int
    log_loss: float
    f1: float


@dataclass(frozen=True, eq=False)
class Selection:
    """What cross-validation chose.

    Attributes
    ----------
    setting : Setting
        The blended one, unless another has clearly less log loss; without a blended one that with the least.
    log_odds : numpy.ndarray
        Shape (n,), float64, what it gave each lesson while not learning from it; not calibrated.
    folds : list of FoldFigures
        Of all settings.
    """

    setting: Setting
    log_odds: Numbers
    folds: list[FoldFigures]


def select(lessons: Lessons, names: tuple[str, ...], start: Start | None) -> Selection:
    """Try every setting of the grid by cross-validation and keep the best.

    Parameters
    ----------
    lessons : Lessons
        All columns; lessons with one position stay in one fold.
    names : tuple of str
        Features to use.
    start : Start or None
        ``None`` learns from these lessons alone.

    Returns
    -------
    Selection
        Judged by the log loss of calibrated probabilities over the pairs as they are.
    """
    folds = _folds(lessons)
    grid = [setting for setting in _grid(start) if _is_possible(setting, names, start)]
    figures: list[FoldFigures] = []
    tried: dict[Setting, _Tried] = {}
    for setting in grid:
        if start and setting.blended:  # its parts stand before it
            parts = parts_of(setting, names, start)
            log_odds: Numbers = np.mean([tried[part].log_odds for part in parts], axis=0)
        else:
            log_odds = _out_of_fold(lessons, folds, names, setting, start)
        calibration = calibrate(log_odds[lessons.as_it_is], lessons.valid[lessons.as_it_is])
        calibrated = calibration.slope * log_odds + calibration.intercept
        figures += _figures(setting, probability(calibrated), folds, lessons)
        tried[setting] = _Tried(log_odds, _losses(calibrated, lessons))
        logger.info("%s: log loss %.5f in cross-validation", setting, tried[setting].losses.mean())
    setting = _chosen(tried, lessons.positions[lessons.as_it_is])
    return Selection(setting, tried[setting].log_odds, figures)


def _grid(start: Start | None) -> tuple[Setting, ...]:
    if start is None:
        return ALONE
    return _FROM_DEFAULT if start.classifier else _WITH_OTHERS


def _is_possible(setting: Setting, names: tuple[str, ...], start: Start | None) -> bool:
    """Whether the default model can be taken as it is: not when it looks at features that are switched off."""
    default = start.classifier if start else None
    return bool(setting.leaves) or (default is not None and set(default.features) <= set(names))


def _folds(lessons: Lessons) -> npt.NDArray[np.int64]:
    """Cut the lessons into folds of about one size; those of one position stay together."""
    _, groups, counts = np.unique(lessons.positions, return_inverse=True, return_counts=True)
    middles = np.cumsum(counts) - counts / 2
    cut: npt.NDArray[np.int64] = (middles * _FOLDS / len(lessons)).astype(np.int64)
    return cut[groups]


def _out_of_fold(
    lessons: Lessons, folds: npt.NDArray[np.int64], names: tuple[str, ...], setting: Setting, start: Start | None
) -> Numbers:
    log_odds = np.zeros(len(lessons))

    def judge(fold: int) -> None:
        held = folds == fold
        taught = lessons.take(~held)
        if len(np.unique(taught.valid)) < 2:  # too few to hold any back: judged by what learnt from them
            taught = lessons
        classifier = fit_setting(taught, names, setting, start)
        features = lessons.take(held).columns(classifier.features).features
        log_odds[held] = classifier.contributions(features).sum(axis=1)

    # A fit of one thread each: boosting lets other threads run, and gains little from threads of its own.
    with threadpool_limits(1), ThreadPoolExecutor(_FITS_AT_ONCE) as pool:
        list(pool.map(judge, np.unique(folds).tolist()))
    return log_odds


class _Tried(NamedTuple):
    """A setting's log-odds of all lessons, and its log loss on each pair as it is."""

    log_odds: Numbers
    losses: Numbers


def _losses(log_odds: Numbers, lessons: Lessons) -> Numbers:
    """Take the log loss of each pair as it is: how unlikely its label was thought."""
    against = np.where(lessons.valid, -log_odds, log_odds)[lessons.as_it_is]
    losses: Numbers = np.logaddexp(0, against)
    return losses


def _chosen(tried: Mapping[Setting, _Tried], positions: Numbers) -> Setting:
    """Take the setting with the least log loss, or the blended one where the difference may be chance.

    That is a rule of standard errors (Breiman et al. 1984), of pairs that are linked taken together: what is least
    among a few hundred pairs is often not least on the next, and a mean of fits errs less far.
    """
    least = min(tried, key=lambda setting: tried[setting].losses.mean())
    groups = np.unique(positions, return_inverse=True)[1]
    count = len(np.unique(groups))
    for setting in tried:
        if setting.blended:
            gains = tried[setting].losses - tried[least].losses
            variance = (np.bincount(groups, gains - gains.mean()) ** 2).sum() * count / max(count - 1, 1)
            if count < _FOLDS or gains.sum() <= _STANDARD_ERRORS * np.sqrt(variance):
                return setting
    return least


def _figures(
    setting: Setting, probabilities: Numbers, folds: npt.NDArray[np.int64], lessons: Lessons
) -> list[FoldFigures]:
    figures = []
    for fold in np.unique(folds).tolist():
        rows = (folds == fold) & lessons.as_it_is
        valid, given = lessons.valid[rows], probabilities[rows]
        loss = float(log_loss(valid, given, labels=[False, True])) if len(valid) else 0.0
        f1 = float(f1_score(valid, given >= 0.5, zero_division=0)) if len(valid) else 0.0
        figures.append(FoldFigures(**asdict(setting), fold=fold, n_pairs=int(rows.sum()), log_loss=loss, f1=f1))
    return figures
