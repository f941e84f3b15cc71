"""Fitting the pair classifier and the baseline with scikit-learn, and writing them down as plain trees."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.ensemble import GradientBoostingClassifier, HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import precision_recall_curve
from threadpoolctl import threadpool_limits

from catalog.errors import GroundTruthError
from matching.baseline import BASELINE_FEATURES
from matching.classifier import PairClassifier, probability
from matching.features import FEATURES, Features
from matching.trees import TreeEnsemble

logger = logging.getLogger(__name__)

# A person looks at pairs that are not at least nine to one, either way.
REVIEW_BAND = (0.1, 0.9)
# Columns that whole catalogues lack.
_LACKING = (("contributors",), ("isrc",), ("contributors", "isrc"))
_BASELINE_STUMPS, _BASELINE_RATE = 300, 0.4
_ROUNDS, _RATE, _LEAVES, _LEAF_PAIRS = 150, 0.1, 8, 20

Labels = npt.NDArray[np.bool_]


def fit_classifier(
    features: Features, valid: Labels, validation_features: Features, validation_valid: Labels, seed: int
) -> PairClassifier:
    """Fit the classifier on the five features: monotone, calibrated, with its threshold.

    Parameters
    ----------
    features : numpy.ndarray
        Shape (n_pairs, 5), float32, of the pairs to learn from; NaN is missing.
    valid : numpy.ndarray
        Shape (n_pairs,), bool.
    validation_features : numpy.ndarray
        Shape (n_validation, 5), float32, of pairs held out for calibration and threshold.
    validation_valid : numpy.ndarray
        Shape (n_validation,), bool.
    seed : int
        Of scikit-learn's generator.

    Returns
    -------
    PairClassifier
        No similarity ever lowers its probability.

    Raises
    ------
    GroundTruthError
        If the pairs to learn from are all valid or all invalid, or have nothing to compare.
    """
    _require_both(valid)
    seen = np.flatnonzero(~np.isnan(features).all(axis=0))  # a column that is missing throughout teaches nothing
    if not len(seen):
        raise GroundTruthError("expected pairs with something to compare, got only recordings without any metadata")
    boosting = HistGradientBoostingClassifier(
        max_iter=_ROUNDS,
        learning_rate=_RATE,
        max_leaf_nodes=_LEAVES,
        min_samples_leaf=max(1, min(_LEAF_PAIRS, len(valid) // 20)),
        monotonic_cst=[1] * len(seen),
        early_stopping=False,
        random_state=seed,
    )
    # One thread: on a busy machine several wait for each other far longer than the whole fit takes alone.
    with threadpool_limits(1):
        boosting.fit(*_with_columns_missing(features, valid, seen))
    trees = _histogram_trees(boosting, seen)
    _require_equal(trees, features, boosting.decision_function(features[:, seen]))
    if len(np.unique(validation_valid)) < 2:
        logger.warning("the validation pairs are too few to hold both tags: calibrating on the pairs learnt from")
        validation_features, validation_valid = features, valid
    return calibrated(_uncalibrated(FEATURES, trees), validation_features, validation_valid)


def _with_columns_missing(features: Features, valid: Labels, seen: npt.NDArray[np.int64]) -> tuple[Features, Labels]:
    """Add copies of the pairs in which columns that whole catalogues lack are missing, labels unchanged.

    Otherwise the habits of the catalogue at hand (contributors left out more often in invalid pairs, say) would pass
    for evidence, and a catalogue without contributors or ISRCs would have hardly a valid pair.
    """
    copies = [features]
    for names in _LACKING:
        copy = features.copy()
        copy[:, [FEATURES.index(name) for name in names]] = np.nan
        copies.append(copy)
    return np.concatenate(copies)[:, seen], np.tile(valid, len(copies))


def fit_baseline(features: Features, valid: Labels, seed: int) -> PairClassifier:
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
    _require_both(valid)
    boosting = GradientBoostingClassifier(
        n_estimators=_BASELINE_STUMPS, learning_rate=_BASELINE_RATE, max_depth=1, random_state=seed
    )
    boosting.fit(features, valid)
    trees = _classic_trees(boosting)
    _require_equal(trees, features, boosting.decision_function(features))
    return _uncalibrated(BASELINE_FEATURES, trees)


def calibrated(classifier: PairClassifier, features: Features, valid: Labels) -> PairClassifier:
    """Calibrate a classifier's probabilities on held-out pairs (Platt 1999) and choose its threshold by best F1.

    Parameters
    ----------
    classifier : PairClassifier
        Not calibrated yet.
    features : numpy.ndarray
        Shape (n_pairs, n_features), float32.
    valid : numpy.ndarray
        Shape (n_pairs,), bool, both kinds.

    Returns
    -------
    PairClassifier
        With slope, intercept and threshold. A slope that would turn the order of pairs around is not taken.
    """
    log_odds = classifier.trees.contributions(features).sum(axis=1)
    # The least of regularisation keeps the slope finite where the pairs are perfectly separable.
    platt = LogisticRegression(C=1e3).fit(log_odds[:, None], valid)
    slope, intercept = float(platt.coef_[0, 0]), float(platt.intercept_[0])
    if slope <= 0:
        slope, intercept = 1.0, 0.0
    probabilities = probability(slope * log_odds + intercept)
    return replace(classifier, slope=slope, intercept=intercept, threshold=_best_f1_threshold(probabilities, valid))


def _best_f1_threshold(probabilities: npt.NDArray[np.float64], valid: Labels) -> float:
    """Choose the middle of the widest gap between two probabilities among those with the best F1."""
    precision, recall, _ = precision_recall_curve(valid, probabilities)
    steps = np.unique(probabilities)
    f1 = 2 * precision[:-1] * recall[:-1] / np.maximum(precision[:-1] + recall[:-1], 1e-12)
    below = np.concatenate(([0.0], steps[:-1]))
    gaps = np.where(f1 >= f1.max() - 1e-12, steps - below, -1)
    best = int(gaps.argmax())
    return float((steps[best] + below[best]) / 2)


def _uncalibrated(names: tuple[str, ...], trees: TreeEnsemble) -> PairClassifier:
    low, high = REVIEW_BAND
    return PairClassifier(names, trees, slope=1.0, intercept=0.0, threshold=0.5, review_low=low, review_high=high)


def _require_both(valid: Labels) -> None:
    if len(np.unique(valid)) < 2:
        raise GroundTruthError(
            f"expected both valid and invalid pairs to learn from, got {int(valid.sum())} valid and "
            f"{int((~valid).sum())} invalid: add pairs of the other kind"
        )


def _require_equal(trees: TreeEnsemble, features: Features, expected: npt.NDArray[np.float64]) -> None:
    """Hold our evaluation of the trees against scikit-learn's own; its inner format is not a public interface."""
    found = trees.contributions(features).sum(axis=1)
    if not np.allclose(found, expected, rtol=1e-9, atol=1e-9):
        raise RuntimeError(
            f"the exported trees differ from scikit-learn's by up to {np.abs(found - expected).max():.3g}: "
            "this version of scikit-learn keeps its trees in another way"
        )


def _histogram_trees(boosting: HistGradientBoostingClassifier, columns: npt.NDArray[np.int64]) -> TreeEnsemble:
    tables = [iteration[0].nodes for iteration in boosting._predictors]
    nodes = [
        {
            "feature": columns[np.where(table["is_leaf"], 0, table["feature_idx"])],
            # A split between present and missing has an infinite threshold, which JSON cannot write.
            "threshold": np.where(table["is_leaf"], 0, np.minimum(table["num_threshold"], np.finfo(np.float64).max)),
            "missing_left": table["missing_go_to_left"].astype(bool),
            "left": table["left"],
            "right": table["right"],
            "leaf": table["is_leaf"].astype(bool),
            "count": table["count"],
            "value": table["value"],
        }
        for table in tables
    ]
    return _ensemble(nodes, float(boosting._baseline_prediction.item()), 1.0)


def _classic_trees(boosting: GradientBoostingClassifier) -> TreeEnsemble:
    tables = [estimator.tree_ for estimator in boosting.estimators_[:, 0]]
    nodes = [
        {
            "feature": np.maximum(table.feature, 0),
            "threshold": table.threshold,
            "missing_left": np.zeros(table.node_count, dtype=bool),
            "left": table.children_left,
            "right": table.children_right,
            "leaf": table.children_left < 0,
            "count": table.n_node_samples,
            "value": table.value[:, 0, 0],
        }
        for table in tables
    ]
    prior = boosting.init_.class_prior_[1]
    return _ensemble(nodes, float(np.log(prior / (1 - prior))), boosting.learning_rate)


def _ensemble(trees: list[dict[str, npt.NDArray[np.generic]]], bias: float, scale: float) -> TreeEnsemble:
    width = max(len(tree["left"]) for tree in trees)
    shape = (len(trees), width)
    itself = np.tile(np.arange(width), (len(trees), 1))
    arrays: dict[str, Any] = {
        "feature": np.zeros(shape, dtype=np.int64),
        "threshold": np.zeros(shape),
        "missing_left": np.zeros(shape, dtype=np.bool_),
        "left": itself.copy(),
        "right": itself.copy(),
        "value": np.zeros(shape),
    }
    for row, tree in enumerate(trees):
        size, leaf = len(tree["left"]), tree["leaf"].astype(bool)
        for side in ("left", "right"):
            arrays[side][row, :size] = np.where(leaf, itself[row, :size], tree[side])
        for name in ("feature", "threshold", "missing_left"):
            arrays[name][row, :size] = tree[name]
        arrays["value"][row, :size] = scale * _means(arrays["left"][row], arrays["right"][row], tree)
    return TreeEnsemble(bias=bias, **arrays)


def _means(
    left: npt.NDArray[np.int64], right: npt.NDArray[np.int64], tree: dict[str, npt.NDArray[np.generic]]
) -> npt.NDArray[np.float64]:
    """Give every inner node the mean of the leaves below it, weighted by the pairs that reached them."""
    values = np.where(tree["leaf"], tree["value"], 0).astype(np.float64)
    counts = np.where(tree["leaf"], tree["count"], 0).astype(np.float64)
    # Children stand behind their parents in scikit-learn's tables.
    for node in range(len(values) - 1, -1, -1):
        if left[node] != node:
            children = [left[node], right[node]]
            counts[node] = counts[children].sum()
            values[node] = (values[children] * counts[children]).sum() / max(counts[node], 1.0)
    return values
