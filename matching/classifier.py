"""From pair features to a calibrated match probability, a class and an explanation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from catalog.errors import DamagedArtefactError, MismatchedArtefactError
from matching.additive import AdditiveTables
from matching.trees import Numbers, TreeEnsemble

VALID, INVALID = "valid", "invalid"
FORMAT = 2


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

    @cached_property
    def tables(self) -> AdditiveTables:
        """The trees as lookup tables."""
        return AdditiveTables.of(self.trees, len(self.features))

    @cached_property
    def looked_at(self) -> frozenset[str]:
        """Those of the features that the trees ever look at: the others change no match probability."""
        return frozenset(name for name, cuts in zip(self.features, self.tables.thresholds, strict=True) if len(cuts))

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
        explained = self.slope * self.tables.contributions(features)
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
        return probability(self.slope * self.tables.sums(features) + self.intercept)

    def decide(self, match_probability: float) -> str:
        """Say which class a match probability means.

        Parameters
        ----------
        match_probability : float
            0 to 1.

        Returns
        -------
        str
            `VALID` or `INVALID`.
        """
        return VALID if match_probability >= self.threshold else INVALID

    def needs_review(self, match_probability: float) -> bool:
        """Say whether a person should look.

        Parameters
        ----------
        match_probability : float
            0 to 1.

        Returns
        -------
        bool
            Whether it lies in the review band.
        """
        return self.review_low < match_probability < self.review_high

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
    def from_json(cls, content: Mapping[str, object], known: Sequence[str]) -> PairClassifier:
        """Read what `to_json` wrote.

        Parameters
        ----------
        content : mapping
            JSON values.
        known : sequence of str
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
            If it was trained on features that this version does not compute.
        """
        listed, trees = content.get("features"), content.get("trees")
        if content.get("format") != FORMAT or not isinstance(listed, list) or not isinstance(trees, dict):
            raise DamagedArtefactError(
                f"expected a classifier of format {FORMAT}, found format {content.get('format')!r}: run onemaster train"
            )
        features = tuple(map(str, listed))
        if unknown := [name for name in features if name not in known]:
            raise MismatchedArtefactError(
                f"expected a classifier on the features {', '.join(known)}, found one that also wants "
                f"{', '.join(unknown)}: run onemaster train"
            )
        try:
            numbers = {name: float(str(content[name])) for name in _NUMBERS}
        except (KeyError, ValueError) as error:
            raise DamagedArtefactError(f"expected the numbers {', '.join(_NUMBERS)}, got: {error!r}") from error
        classifier = cls(features=features, trees=TreeEnsemble.from_json(trees, len(features)), **numbers)
        if len(classifier.tables.thresholds) != len(features):
            raise DamagedArtefactError(f"expected tables over {len(features)} features: run onemaster train")
        return classifier


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
