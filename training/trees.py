"""Boosting with scikit-learn, written down as plain trees."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.ensemble import GradientBoostingClassifier, HistGradientBoostingClassifier
from threadpoolctl import threadpool_limits

from matching.additive import AdditiveTables
from matching.features.feature import Features
from matching.trees import TreeEnsemble

_LEAF_PAIRS = 20
_RATE = 0.2
_SHRINKAGE = 1.0  # of leaf values, as if every leaf held one more pair without a label
_MOST_BINS = 63  # similarities need no finer steps, and the tables stay small
_STUMPS, _STUMP_RATE = 300, 0.4

Labels = npt.NDArray[np.bool_]
Numbers = npt.NDArray[np.float64]


def boost(features: Features, valid: Labels, weights: Numbers, rises: Labels, shape: tuple[int, int]) -> TreeEnsemble:
    """Fit boosted trees of which every path looks at two features at most.

    Parameters
    ----------
    features : numpy.ndarray
        Shape (n, n_features), float32; NaN is missing.
    valid : numpy.ndarray
        Shape (n,), bool, both kinds.
    weights : numpy.ndarray
        Shape (n,), float64, of each row.
    rises : numpy.ndarray
        Shape (n_features,), bool; more of such a feature never lowers the sum.
    shape : (int, int)
        Leaves of a tree, and number of trees.

    Returns
    -------
    TreeEnsemble
        The same on every machine.
    """
    leaves, rounds = shape
    seen = np.flatnonzero(~np.isnan(features).all(axis=0))  # a column that is missing throughout teaches nothing
    boosting = HistGradientBoostingClassifier(
        max_iter=rounds,
        learning_rate=_RATE,
        max_leaf_nodes=leaves,
        min_samples_leaf=max(1, min(_LEAF_PAIRS, len(valid) // 20)),
        l2_regularization=_SHRINKAGE,
        max_bins=_MOST_BINS,
        monotonic_cst=rises[seen].astype(np.int64),
        interaction_cst="pairwise",
        early_stopping=False,
        random_state=0,  # nothing is drawn: no early stopping, no sampling of columns
    )
    # One thread: on a busy machine several wait for each other far longer than the whole fit takes alone.
    with threadpool_limits(1):
        boosting.fit(features[:, seen], valid, sample_weight=weights)
    trees = _histogram_trees(boosting, seen)
    some = features[:_CHECKED]
    _require_equal(trees, some, boosting.decision_function(some[:, seen]))
    return trees


def boost_stumps(features: Features, valid: Labels, seed: int) -> TreeEnsemble:
    """Fit 300 boosted stumps, as the published baseline does.

    Parameters
    ----------
    features : numpy.ndarray
        Shape (n, n_features), float32, without NaN.
    valid : numpy.ndarray
        Shape (n,), bool, both kinds.
    seed : int
        Of scikit-learn's generator.

    Returns
    -------
    TreeEnsemble
        Of trees with two leaves.
    """
    boosting = GradientBoostingClassifier(
        n_estimators=_STUMPS, learning_rate=_STUMP_RATE, max_depth=1, random_state=seed
    )
    boosting.fit(features, valid)
    trees = _classic_trees(boosting)
    some = features[:_CHECKED]
    _require_equal(trees, some, boosting.decision_function(some))
    return trees


_CHECKED = 4_096


def _require_equal(trees: TreeEnsemble, features: Features, expected: Numbers) -> None:
    """Hold our evaluation of the trees against scikit-learn's own; its inner format is not a public interface."""
    found = AdditiveTables.of(trees, features.shape[1]).contributions(features).sum(axis=1)
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
