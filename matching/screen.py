"""Which of millions of candidates are worth judging: a cheap look, learnt from some that were judged in full.

Most candidates of a whole catalogue are hopeless, and a few numbers that are at hand show it of many. What the look
goes by, and where it draws the line, comes from match probabilities of the same catalogue, not from rules.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

Looks = npt.NDArray[np.float32]
Numbers = npt.NDArray[np.float64]

# Of the pairs with at least this match probability so many may be lost: fewer than chance decides otherwise.
WORTH, LOST = 0.3, 0.0005
# With fewer of them nothing can be said about a share so small.
_FEWEST = 1_000
_BINS = 20
_FOLDS = 5
_AT_ONCE = 1 << 18
_MISSING = -1.0


@dataclass(frozen=True, eq=False)
class Screen:
    """A cheap look at pairs.

    Attributes
    ----------
    model : sklearn.pipeline.Pipeline
        A generalised additive model (Hastie and Tibshirani 1986): logistic regression over twenty bins of each number.
    least : float
        What it has to say of a pair that is worth judging.
    """

    model: Pipeline
    least: float

    @classmethod
    def learn(cls, looks: Looks, probabilities: Numbers, threshold: float = 1.0) -> Screen | None:
        """Learn from pairs that were judged in full.

        Parameters
        ----------
        looks : numpy.ndarray
            Shape (n, n_numbers), float32, from `looks_at`.
        probabilities : numpy.ndarray
            Shape (n,), float64, their match probabilities.
        threshold : float
            From which pairs are valid, if that is less than 0.3.

        Returns
        -------
        Screen or None
            One that loses at most 0.0005 of the pairs with a match probability from 0.3, as counted on pairs held out;
            ``None`` where these, or the others, are too few to tell.
        """
        worth = probabilities >= min(WORTH, threshold)
        if min(worth.sum(), (~worth).sum()) < _FEWEST:
            return None
        from sklearn.linear_model import LogisticRegression  # noqa: PLC0415 - a second, for large catalogues only
        from sklearn.model_selection import cross_val_predict  # noqa: PLC0415
        from sklearn.pipeline import make_pipeline  # noqa: PLC0415
        from sklearn.preprocessing import KBinsDiscretizer  # noqa: PLC0415

        model = make_pipeline(
            KBinsDiscretizer(_BINS, encode="onehot", quantile_method="averaged_inverted_cdf", subsample=None),
            LogisticRegression(max_iter=1_000),
        )
        # Sums over several threads differ in their last digits; numbers of few values have fewer bins.
        with threadpool_limits(1), warnings.catch_warnings():
            warnings.filterwarnings("ignore", category=UserWarning, module="sklearn.preprocessing")
            held_out = cross_val_predict(model, looks, worth, cv=_FOLDS, method="decision_function")
            return cls(model.fit(looks, worth), float(np.quantile(held_out[worth], LOST, method="lower")))

    def worth_judging(self, looks: Looks) -> npt.NDArray[np.bool_]:
        """Look at pairs.

        Parameters
        ----------
        looks : numpy.ndarray
            Shape (n, n_numbers), float32, from `looks_at`.

        Returns
        -------
        numpy.ndarray
            Shape (n,), bool.
        """
        parts = [looks[start : start + _AT_ONCE] for start in range(0, len(looks), _AT_ONCE)]
        said = [cast("Numbers", self.model.decision_function(part)) for part in parts]
        return np.concatenate([np.zeros(0), *said]) >= self.least


def looks_at(cosines: Looks, alike: Looks, apart: tuple[Looks, ...]) -> Looks:
    """Put together what is known of pairs without reading their texts.

    Parameters
    ----------
    cosines : numpy.ndarray
        Shape (n,), float32, of their vectors; NaN where a side has no text.
    alike : numpy.ndarray
        Shape (n,), float32, of their rare keys, in [0, 1].
    apart : tuple of numpy.ndarray
        Each of shape (n,), float32: how far lengths, years or the like are apart, 0 or more; NaN where one is missing.

    Returns
    -------
    numpy.ndarray
        Shape (n, 2 + number of differences), float32, without NaN: what is missing is a value of its own.
    """
    columns = (np.nan_to_num(cosines, nan=_MISSING), alike, *(np.nan_to_num(each, nan=_MISSING) for each in apart))
    return np.column_stack(columns).astype(np.float32)
