"""The test pairs and what classifier and baseline made of them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from matching.features import Features
from training.evaluate import Evaluation, evaluate_probabilities
from training.intervals import resampling_units
from training.pairs import LabelledPairs


@dataclass(frozen=True, eq=False)
class Verdicts:
    """What one classifier made of pairs.

    Attributes
    ----------
    probabilities : numpy.ndarray
        Shape (n_pairs,), float64.
    threshold : float
        Pairs with at least this match probability are valid, 0 to 1.
    """

    probabilities: npt.NDArray[np.float64]
    threshold: float

    @cached_property
    def decided(self) -> npt.NDArray[np.bool_]:
        """Whether decided valid, shape (n_pairs,)."""
        return self.probabilities >= self.threshold

    def evaluate(self, valid: npt.NDArray[np.bool_]) -> Evaluation:
        """Measure the verdicts against labels.

        Parameters
        ----------
        valid : numpy.ndarray
            Shape (n_pairs,), bool; at least one pair.

        Returns
        -------
        Evaluation
            All figures.
        """
        return evaluate_probabilities(self.probabilities, valid, self.threshold)


@dataclass(frozen=True, eq=False)
class Judged:
    """Labelled pairs and what classifier and baseline made of them.

    Attributes
    ----------
    pairs : LabelledPairs
        n_pairs pairs.
    features : numpy.ndarray
        Shape (n_pairs, n_features), float32, the classifier's columns.
    onemaster, baseline : Verdicts
        Of the two.
    """

    pairs: LabelledPairs
    features: Features
    onemaster: Verdicts
    baseline: Verdicts

    @cached_property
    def units(self) -> npt.NDArray[np.int64]:
        """Groups of linked pairs, shape (n_pairs,), for intervals."""
        return resampling_units(self.pairs)
