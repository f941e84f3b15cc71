"""Trees as tables: the same function as scikit-learn's, monotone, explained without remainder, refused when damaged."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.ensemble import GradientBoostingClassifier, HistGradientBoostingClassifier
from threadpoolctl import threadpool_limits

from catalog.errors import DamagedArtefactError
from matching.additive import AdditiveTables
from matching.trees import TreeEnsemble, mean_of
from training.trees import _classic_trees, _histogram_trees, boost, boost_stumps

N_FEATURES = 5
ALL_RISE = np.ones(N_FEATURES, dtype=bool)


def drawn(n_pairs, seed, missing=0.3):
    """Pairs whose label depends on all features and on two of them together."""
    generator = np.random.default_rng(seed)
    features = generator.random((n_pairs, N_FEATURES)).astype(np.float32)
    features[:, 4] = features[:, 4] > 0.5
    valid = features.sum(axis=1) + features[:, 0] * features[:, 1] + generator.normal(0, 0.3, n_pairs) > 2.9
    features[generator.random(features.shape) < missing] = np.nan
    return features, valid


@pytest.fixture(scope="module")
def trees():
    features, valid = drawn(2_000, 1)
    return boost(features, valid, np.ones(len(valid)), ALL_RISE, (8, 60))


@pytest.fixture(scope="module")
def tables(trees):
    return AdditiveTables.of(trees, N_FEATURES)


def walked(trees, row):
    """Add up the leaves that a row falls into, tree by tree, as the trees' own definition says."""
    total = trees.bias
    for tree in range(len(trees.left)):
        node = 0
        while trees.left[tree, node] != node:
            value = float(row[trees.feature[tree, node]])
            goes_left = trees.missing_left[tree, node] if np.isnan(value) else value <= trees.threshold[tree, node]
            node = int((trees.left if goes_left else trees.right)[tree, node])
        total += trees.value[tree, node]
    return total


@pytest.mark.parametrize("leaves", [2, 3, 4, 8, 16, 31])
def test_tables_are_the_function_that_scikit_learn_fitted(leaves):
    features, valid = drawn(1_500, leaves)
    boosting = HistGradientBoostingClassifier(
        max_iter=40, max_leaf_nodes=leaves, interaction_cst="pairwise", early_stopping=False, random_state=0
    )
    with threadpool_limits(1):
        boosting.fit(features, valid)
    fresh = np.concatenate((features, drawn(6_000, 100 + leaves)[0], np.full((1, N_FEATURES), np.nan, np.float32)))
    fresh = np.concatenate((fresh, _on_the_thresholds(boosting)))
    tables = AdditiveTables.of(_histogram_trees(boosting, np.arange(N_FEATURES)), N_FEATURES)
    np.testing.assert_allclose(tables.contributions(fresh).sum(axis=1), boosting.decision_function(fresh), atol=1e-9)
    np.testing.assert_allclose(tables.sums(fresh), boosting.decision_function(fresh), atol=1e-9)


def _on_the_thresholds(boosting):
    """Rows on the splits themselves and next to them, where an off-by-one would show."""
    cuts = np.concatenate([iteration[0].nodes["num_threshold"] for iteration in boosting._predictors])
    exact = np.unique(cuts[np.isfinite(cuts)]).astype(np.float32)
    values = np.concatenate((exact, np.nextafter(exact, np.float32(2)), np.nextafter(exact, np.float32(-2))))
    return np.repeat(values[:, None], N_FEATURES, axis=1)


def test_stumps_without_missing_values_are_the_function_that_scikit_learn_fitted():
    features, valid = drawn(500, 3, missing=0)
    boosting = GradientBoostingClassifier(n_estimators=50, max_depth=1, random_state=20).fit(features, valid)
    tables = AdditiveTables.of(_classic_trees(boosting), N_FEATURES)
    fresh, _ = drawn(1_000, 4, missing=0)
    np.testing.assert_allclose(tables.contributions(fresh).sum(axis=1), boosting.decision_function(fresh), atol=1e-9)
    np.testing.assert_allclose(tables.sums(fresh), boosting.decision_function(fresh), atol=1e-9)
    assert boost_stumps(features, valid, 20).feature.shape == (300, 3)


def test_tables_add_up_the_leaves_that_a_row_falls_into(trees, tables):
    features, _ = drawn(100, 5)
    found = tables.contributions(features).sum(axis=1)
    np.testing.assert_allclose(found, [walked(trees, row) for row in features], atol=1e-9)


def test_one_row_is_exactly_the_same_alone_and_in_a_batch(tables):
    features, _ = drawn(9_000, 6)
    together = tables.contributions(features)
    for row in range(0, 9_000, 89):
        np.testing.assert_array_equal(tables.contributions(features[row : row + 1])[0], together[row])
    assert tables.contributions(features[:0]).shape == (0, N_FEATURES + 1)


VALUES = st.lists(st.just(float("nan")) | st.floats(-2, 2, width=32), min_size=N_FEATURES, max_size=N_FEATURES)


@settings(max_examples=300, deadline=None)
@given(values=VALUES, column=st.integers(0, N_FEATURES - 1), other=st.floats(-2, 2, width=32))
def test_more_of_a_feature_that_rises_never_lowers_the_sum(tables, values, column, other):
    rows = np.array([values, values], dtype=np.float32)
    known = 0 if np.isnan(values[column]) else values[column]
    rows[:, column] = sorted((known, other))
    low, high = tables.contributions(rows).sum(axis=1)
    assert low <= high + 1e-12


def test_only_features_that_rise_are_held_to_it():
    features, valid = drawn(2_000, 7)
    rises = np.array([False, True, True, True, True])
    free = AdditiveTables.of(boost(features, ~valid, np.ones(len(valid)), rises, (4, 30)), N_FEATURES)
    rows = np.full((2, N_FEATURES), 0.5, dtype=np.float32)
    rows[:, 0] = 0.1, 0.9
    low, high = free.contributions(rows).sum(axis=1)
    assert high < low - 0.5
    rows[:, 0], rows[:, 1] = 0.5, (0.1, 0.9)
    low, high = free.contributions(rows).sum(axis=1)
    assert low <= high + 1e-12


def test_the_bias_is_the_same_for_all_and_a_feature_on_no_path_adds_nothing():
    features, valid = drawn(1_000, 8)
    features[:, 2] = np.nan
    tables = AdditiveTables.of(boost(features, valid, np.ones(len(valid)), ALL_RISE, (4, 30)), N_FEATURES)
    found = tables.contributions(drawn(200, 9)[0])
    assert (found[:, 2] == 0).all()
    assert len(np.unique(found[:, -1])) == 1
    assert (found[:, [0, 1, 3, 4]] != 0).any(axis=0).all()


def ensemble(feature, left, right, value, threshold=None):
    shape = (1, len(feature))
    return TreeEnsemble(
        bias=0.5,
        feature=np.array([feature]),
        threshold=np.full(shape, 0.25) if threshold is None else np.array([threshold]),
        missing_left=np.zeros(shape, dtype=bool),
        left=np.array([left]),
        right=np.array([right]),
        value=np.array([value]),
    )


def test_a_split_moves_the_sum_and_the_feature_that_was_looked_at_gets_the_move():
    one = ensemble([1, 0, 0], [1, 1, 2], [2, 1, 2], [0.25, -1.0, 2.0])
    one.missing_left[0, 0] = True
    rows = np.array([[9, 0.25], [9, 0.4], [9, np.nan]], dtype=np.float32)
    expected = [[0, -1.25, 0.75], [0, 1.75, 0.75], [0, -1.25, 0.75]]
    np.testing.assert_allclose(AdditiveTables.of(one, 2).contributions(rows), expected)
    two = ensemble([1, 0, 0, 0, 0], [1, 3, 2, 3, 4], [2, 4, 2, 3, 4], [0.0, -1.0, 2.0, -3.0, 1.0])
    rows = np.array([[0.1, 0.1], [0.9, 0.1], [0.1, 0.9]], dtype=np.float32)
    expected = [[-2, -1, 0.5], [2, -1, 0.5], [0, 2, 0.5]]
    np.testing.assert_allclose(AdditiveTables.of(two, 2).contributions(rows), expected)


def test_a_path_may_look_at_two_features_and_at_no_third():
    nodes = [0, 1, 2], [1, 2, 3, 3, 4, 5, 6], [4, 5, 6, 3, 4, 5, 6]
    values = [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0]
    three = ensemble([*nodes[0], 0, 0, 0, 0], nodes[1], nodes[2], values)
    with pytest.raises(DamagedArtefactError, match=r"at most two features, found one of 3: run onemaster train"):
        AdditiveTables.of(three, 3)
    again = ensemble([0, 1, 0, 0, 0, 0, 0], nodes[1], nodes[2], values, [0.5, 0.5, 0.2, 0, 0, 0, 0])
    rows = np.array([[0.1, 0.1], [0.3, 0.1], [0.3, 0.7], [0.7, 0.1]], dtype=np.float32)
    found = AdditiveTables.of(again, 2).contributions(rows).sum(axis=1)
    np.testing.assert_allclose(found, [walked(again, row) for row in rows])
    np.testing.assert_allclose(found, [3.5, 6.5, 5.5, 4.5])


def test_tables_too_large_to_be_ours_are_refused():
    shape = (6_000, 5)
    generator = np.random.default_rng(10)
    tile = np.tile
    many = TreeEnsemble(
        bias=0.0,
        feature=tile([0, 1, 0, 0, 0], (shape[0], 1)),
        threshold=generator.random(shape),
        missing_left=np.zeros(shape, dtype=bool),
        left=tile([1, 2, 2, 3, 4], (shape[0], 1)),
        right=tile([4, 3, 2, 3, 4], (shape[0], 1)),
        value=np.zeros(shape),
    )
    with pytest.raises(DamagedArtefactError, match="cells: run onemaster train"):
        AdditiveTables.of(many, 2)


def damaged_arrays(trees, **changes):
    content = trees.to_json() | changes
    return {name: value for name, value in content.items() if value is not None}


def test_a_round_trip_changes_nothing(trees, tables):
    again = TreeEnsemble.from_json(trees.to_json(), N_FEATURES)
    features, _ = drawn(300, 11)
    found = AdditiveTables.of(again, N_FEATURES).contributions(features)
    np.testing.assert_array_equal(found, tables.contributions(features))


@pytest.mark.parametrize(
    "changes",
    [
        {"bias": None},
        {"bias": "high"},
        {"left": None},
        {"value": [[0.0]]},
        {"feature": [[N_FEATURES, 0, 0]]},
        {"feature": [[-1, 0, 0]]},
        {"left": [[0, 1, 2]]},
        {"left": [[1, 0, 2]]},
        {"right": [[3, 1, 2]]},
        {"left": [["left", 1, 2]]},
        {"left": [1, 1, 2]},
        {name: [[]] for name in ("feature", "threshold", "missing_left", "left", "right", "value")},
    ],
)
def test_damaged_trees_are_refused(changes):
    stump = ensemble([1, 0, 0], [1, 1, 2], [2, 1, 2], [0.25, -1.0, 2.0])
    assert TreeEnsemble.from_json(stump.to_json(), N_FEATURES).bias == 0.5
    with pytest.raises(DamagedArtefactError):
        TreeEnsemble.from_json(damaged_arrays(stump, **changes), N_FEATURES)


@pytest.mark.parametrize("name", ["threshold", "value"])
@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_trees_with_numbers_that_are_none_are_refused(name, number):
    stump = ensemble([1, 0, 0], [1, 1, 2], [2, 1, 2], [0.25, -1.0, 2.0])
    with pytest.raises(DamagedArtefactError):
        TreeEnsemble.from_json(damaged_arrays(stump, **{name: [[number, 0.0, 0.0]]}), N_FEATURES)


def test_nodes_with_two_parents_are_refused_for_the_paths_would_be_countless():
    size = 60
    last = size - 1
    ladder = ensemble([0] * size, [*range(1, size), last], [*range(1, size), last], [0.0] * size)
    with pytest.raises(DamagedArtefactError):
        TreeEnsemble.from_json(ladder.to_json(), N_FEATURES)


def test_the_mean_of_two_ensembles_gives_the_mean_of_their_sums():
    features = np.random.default_rng(7).random((500, 4)).astype(np.float32)
    features[::5, 2] = np.nan
    valid, weights = np.nan_to_num(features[:, 0] + features[:, 2]) > 0.8, np.ones(500)
    ensembles = [boost(features, valid, weights, np.ones(4, dtype=bool), shape) for shape in ((4, 10), (8, 5))]
    one, other = (AdditiveTables.of(each, 4).contributions(features) for each in ensembles)
    both = AdditiveTables.of(mean_of(*ensembles), 4).contributions(features)
    np.testing.assert_allclose(both, (one + other) / 2, atol=1e-12)
