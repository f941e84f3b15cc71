"""Right and wrong decisions counted, and the figures that follow from the counts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.float64]
Labels = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Counts:
    """Right and wrong decisions, of one set of pairs or of many at once.

    Attributes
    ----------
    true_valid, false_valid, false_invalid, true_invalid : numpy.ndarray
        float64, all of one shape: pairs decided valid rightly and wrongly, invalid wrongly and rightly.
    """

    true_valid: Numbers
    false_valid: Numbers
    false_invalid: Numbers
    true_invalid: Numbers

    @classmethod
    def of(cls, decided: Labels, valid: Labels) -> Counts:
        """Count each pair by itself.

        Parameters
        ----------
        decided : numpy.ndarray
            Shape (n_pairs,), bool.
        valid : numpy.ndarray
            Shape (n_pairs,), bool.

        Returns
        -------
        Counts
            Arrays of shape (n_pairs,) that hold 0 and 1.
        """
        outcomes = (decided & valid, decided & ~valid, ~decided & valid, ~decided & ~valid)
        return cls(*(outcome.astype(np.float64) for outcome in outcomes))

    @property
    def columns(self) -> Numbers:
        """The four arrays beside each other, shape (..., 4)."""
        return np.stack((self.true_valid, self.false_valid, self.false_invalid, self.true_invalid), axis=-1)


CountMetric = Callable[[Counts], Numbers]


def accuracy(counts: Counts) -> Numbers:
    """Share of the decisions that are right.

    Parameters
    ----------
    counts : Counts
        Of any shape.

    Returns
    -------
    numpy.ndarray
        Same shape, 0 to 1; 0 without pairs.
    """
    wrong = counts.false_valid + counts.false_invalid
    right = counts.true_valid + counts.true_invalid
    return _share(right, right + wrong)


def precision(counts: Counts) -> Numbers:
    """Share of the pairs decided valid that are.

    Parameters
    ----------
    counts : Counts
        Of any shape.

    Returns
    -------
    numpy.ndarray
        Same shape, 0 to 1; 0 where nothing is decided valid.
    """
    return _share(counts.true_valid, counts.true_valid + counts.false_valid)


def recall(counts: Counts) -> Numbers:
    """Share of the valid pairs that are decided so.

    Parameters
    ----------
    counts : Counts
        Of any shape.

    Returns
    -------
    numpy.ndarray
        Same shape, 0 to 1; 0 without valid pairs.
    """
    return _share(counts.true_valid, counts.true_valid + counts.false_invalid)


def f1(counts: Counts) -> Numbers:
    """Harmonic mean of precision and recall.

    Parameters
    ----------
    counts : Counts
        Of any shape.

    Returns
    -------
    numpy.ndarray
        Same shape, 0 to 1; 0 where no pair is valid or decided so.
    """
    return _share(2 * counts.true_valid, 2 * counts.true_valid + counts.false_valid + counts.false_invalid)


def _share(part: Numbers, whole: Numbers) -> Numbers:
    shares: Numbers = np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)
    return shares
