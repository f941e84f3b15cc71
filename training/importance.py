"""What a classifier looks at: how much each topic, group and feature weighs, and how a feature's value matters."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from matching.classifier import PairClassifier
from matching.features import FEATURES, GROUPS, Feature, Features

_MOST_POINTS = 12
_BY_NAME = {feature.name: feature for feature in FEATURES}
_GROUP_OF = {feature.name: group.name for group in GROUPS.values() for feature in group.features}

Numbers = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Weight:
    """How much something weighs in decisions.

    Attributes
    ----------
    name : str
        A topic or a feature group.
    n_features : int
        Of the classifier's features, how many belong to it.
    weight : float
        Mean over the pairs of the absolute sum of what its features add, in log-odds.
    """

    name: str
    n_features: int
    weight: float


@dataclass(frozen=True)
class ShapePoint:
    """What a feature adds around one of its values.

    Attributes
    ----------
    value : float or None
        Mean of the feature; ``None`` is missing.
    n_pairs : int
        Pairs with about this value, at least 1.
    mean, low, high : float
        Mean of what it adds to their log-odds, and where a tenth of them lie below and above: what a feature adds
        also depends on a second one.
    """

    value: float | None
    n_pairs: int
    mean: float
    low: float
    high: float


@dataclass(frozen=True)
class FeatureShape:
    """What a feature adds, by its value.

    Attributes
    ----------
    feature : Feature
        With its meaning.
    weight : float
        Mean absolute contribution over the pairs, in log-odds.
    points : tuple of ShapePoint
        By value, missing first; at most thirteen.
    """

    feature: Feature
    weight: float
    points: tuple[ShapePoint, ...]


def topic_weights(classifier: PairClassifier, explained: Numbers) -> list[Weight]:
    """Weigh the topics of explanations.

    Parameters
    ----------
    classifier : PairClassifier
        That judged the pairs.
    explained : numpy.ndarray
        Shape (n_pairs, n_features + 1), float64, its contributions; at least one pair.

    Returns
    -------
    list of Weight
        The weightiest first.
    """
    return _weights(classifier, explained, lambda name: _BY_NAME[name].topic)


def group_weights(classifier: PairClassifier, explained: Numbers) -> list[Weight]:
    """Weigh the groups that features are switched off by.

    Parameters
    ----------
    classifier : PairClassifier
        That judged the pairs.
    explained : numpy.ndarray
        Shape (n_pairs, n_features + 1), float64, its contributions; at least one pair.

    Returns
    -------
    list of Weight
        The weightiest first.
    """
    return _weights(classifier, explained, lambda name: _GROUP_OF[name])


def shapes(classifier: PairClassifier, features: Features, explained: Numbers, count: int = 10) -> list[FeatureShape]:
    """Show how the values of the weightiest features matter.

    Parameters
    ----------
    classifier : PairClassifier
        That judged the pairs.
    features : numpy.ndarray
        Shape (n_pairs, n_features), float32; at least one pair.
    explained : numpy.ndarray
        Shape (n_pairs, n_features + 1), float64, its contributions.
    count : int
        How many at most.

    Returns
    -------
    list of FeatureShape
        The weightiest first; features that add nothing anywhere are left out.
    """
    weights = np.abs(explained[:, :-1]).mean(axis=0)
    columns = [int(column) for column in np.argsort(-weights, kind="stable")[:count] if weights[column] > 0]
    return [
        FeatureShape(
            _BY_NAME[classifier.features[column]],
            float(weights[column]),
            _points(features[:, column].astype(np.float64), explained[:, column]),
        )
        for column in columns
    ]


def _weights(classifier: PairClassifier, explained: Numbers, key: Callable[[str], str]) -> list[Weight]:
    columns: dict[str, list[int]] = {}
    for column, name in enumerate(classifier.features):
        columns.setdefault(key(name), []).append(column)
    weights = [
        Weight(name, len(own), float(np.abs(explained[:, own].sum(axis=1)).mean())) for name, own in columns.items()
    ]
    return sorted(weights, key=lambda each: -each.weight)


def _points(values: Numbers, parts: Numbers) -> tuple[ShapePoint, ...]:
    missing = np.isnan(values)
    points = [_point(None, parts[missing])] if missing.any() else []
    known, own = values[~missing], parts[~missing]
    if len(known):
        steps = np.unique(known)
        if len(steps) > _MOST_POINTS:
            steps = np.unique(np.quantile(known, np.linspace(0, 1, _MOST_POINTS + 1)[:-1]))
        bins = np.searchsorted(steps, known, side="right") - 1
        points += [_point(float(known[bins == place].mean()), own[bins == place]) for place in np.unique(bins)]
    return tuple(points)


def _point(value: float | None, parts: Numbers) -> ShapePoint:
    low, high = np.quantile(parts, (0.1, 0.9))
    return ShapePoint(value, len(parts), float(parts.mean()), float(low), float(high))
