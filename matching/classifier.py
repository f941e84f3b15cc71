"""From pair features to a calibrated match probability, a class and an explanation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from catalog.errors import DamagedArtefactError, MismatchedArtefactError
from matching.trees import Numbers, TreeEnsemble

VALID, INVALID = "valid", "invalid"
FORMAT = 1


@dataclass(frozen=True)
class PairClassifier:
    """Boosted trees, a calibration and a threshold; all of it learnt in `training`.

    The probability is ``1 / (1 + exp(-(slope * trees + intercept)))``: the calibration (Platt 1999) keeps the
    explanation additive.

    Attributes
    ----------
    features : tuple of str
        Names of the columns it was trained on, in order.
    trees : TreeEnsemble
        Over those columns.
    slope, intercept : float
        Calibration, slope positive.
    threshold : float
        Pairs with at least this match probability are valid, 0 to 1.
    review_low, review_high : float
        Between these match probabilities a person should look, 0 to 1.
    """

    features: tuple[str, ...]
    trees: TreeEnsemble
    slope: float
    intercept: float
    threshold: float
    review_low: float
    review_high: float

    def contributions(self, features: npt.NDArray[np.float32]) -> Numbers:
        """Explain match probabilities.

        Parameters
        ----------
        features : numpy.ndarray
            Shape (n_pairs, n_features), float32; NaN is missing.

        Returns
        -------
        numpy.ndarray
            Shape (n_pairs, n_features + 1), float64, in log-odds; the last column is the bias. A row's sum is the
            log-odds of the pair's match probability.
        """
        explained = self.slope * self.trees.contributions(features)
        explained[:, -1] += self.intercept
        return explained

    def match_probabilities(self, features: npt.NDArray[np.float32]) -> Numbers:
        """Judge pairs.

        Parameters
        ----------
        features : numpy.ndarray
            Shape (n_pairs, n_features), float32; NaN is missing.

        Returns
        -------
        numpy.ndarray
            Shape (n_pairs,), float64, in [0, 1].
        """
        return probability(self.contributions(features).sum(axis=1))

    def to_json(self) -> dict[str, object]:
        """Write the classifier as JSON values.

        Returns
        -------
        dict
            Everything it needs.
        """
        numbers = {name: getattr(self, name) for name in _NUMBERS}
        return {"format": FORMAT, "features": list(self.features), **numbers, "trees": self.trees.to_json()}

    @classmethod
    def from_json(cls, content: Mapping[str, object], features: tuple[str, ...]) -> PairClassifier:
        """Read what `to_json` wrote.

        Parameters
        ----------
        content : mapping
            JSON values.
        features : tuple of str
            The features that this version of onemaster computes.

        Returns
        -------
        PairClassifier
            Giving the same probabilities as the written one.

        Raises
        ------
        DamagedArtefactError
            If anything is absent or of another form.
        MismatchedArtefactError
            If it was trained on other features.
        """
        listed, trees = content.get("features"), content.get("trees")
        if content.get("format") != FORMAT or not isinstance(listed, list) or not isinstance(trees, dict):
            raise DamagedArtefactError(
                f"expected a classifier of format {FORMAT}, found format {content.get('format')!r}: run onemaster train"
            )
        if tuple(listed) != features:
            raise MismatchedArtefactError(
                f"expected a classifier on the features {', '.join(features)}, found one on "
                f"{', '.join(map(str, listed))}: run onemaster train"
            )
        try:
            numbers = {name: float(str(content[name])) for name in _NUMBERS}
        except (KeyError, ValueError) as error:
            raise DamagedArtefactError(f"expected the numbers {', '.join(_NUMBERS)}, got: {error!r}") from error
        return cls(features=features, trees=TreeEnsemble.from_json(trees, len(features)), **numbers)


def probability(log_odds: Numbers) -> Numbers:
    """Turn log-odds into probabilities.

    Parameters
    ----------
    log_odds : numpy.ndarray
        Any shape.

    Returns
    -------
    numpy.ndarray
        Same shape, in [0, 1].
    """
    return 1 / (1 + np.exp(-np.clip(log_odds, -500, 500)))


_NUMBERS = ("slope", "intercept", "threshold", "review_low", "review_high")
