"""The classifier: monotone, calibrated, explained, equal to scikit-learn's, and the same after a round trip."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.errors import DamagedArtefactError, GroundTruthError, MismatchedArtefactError
from matching.baseline import BASELINE_FEATURES
from matching.classifier import PairClassifier
from matching.features import NAMES
from training.classifier import fit_baseline, fit_classifier
from training.evaluate import evaluate_probabilities
from training.fitting import Setting, fit_setting
from training.lessons import Lessons
from training.policy import Policy

USED = ("cosine", "title", "artists", "contributors", "isrc")
PLACES = [NAMES.index(name) for name in USED]


def labelled(n_pairs, seed):
    """Pairs whose label depends on all five features, a third of the values missing."""
    generator = np.random.default_rng(seed)
    features = generator.random((n_pairs, 5)).astype(np.float32)
    features[:, 4] = features[:, 4] > 0.5
    valid = features.sum(axis=1) + generator.normal(0, 0.3, n_pairs) > 2.6
    features[generator.random((n_pairs, 5)) < 0.3] = np.nan
    return features, valid


def as_lessons(features, valid):
    """Lessons of five features, each of a pair of its own, all other features missing."""
    everything = np.full((len(valid), len(NAMES)), np.nan, dtype=np.float32)
    everything[:, PLACES] = features
    positions = np.random.default_rng(20).permutation(len(valid)) / max(1, len(valid))
    return Lessons(everything, valid, positions, np.ones(len(valid), dtype=bool))


@pytest.fixture(scope="module")
def fitted():
    return fit_classifier(as_lessons(*labelled(2_000, 1)), USED, None, Policy())


@pytest.fixture(scope="module")
def classifier(fitted):
    return fitted.classifier


VALUE = st.none() | st.floats(0, 1, width=32)


@settings(max_examples=300, deadline=None)
@given(st.lists(VALUE, min_size=5, max_size=5), st.integers(0, 4), st.floats(0, 1, width=32))
def test_more_similarity_never_lowers_the_probability(classifier, values, column, other):
    row = np.array([np.nan if value is None else value for value in values], dtype=np.float32)
    low, high = row.copy(), row.copy()
    if np.isnan(row[column]):
        return
    low[column], high[column] = sorted((row[column], other))
    below, above = classifier.match_probabilities(np.stack((low, high)))
    assert below <= above + 1e-12


def test_contributions_sum_to_the_log_odds(classifier):
    features, _ = labelled(500, 3)
    probabilities = classifier.match_probabilities(features)
    log_odds = classifier.contributions(features).sum(axis=1)
    np.testing.assert_allclose(np.log(probabilities / (1 - probabilities)), log_odds, atol=1e-9)


def test_the_bias_is_the_same_for_all_and_an_unused_feature_adds_nothing():
    features, valid = labelled(1_000, 4)
    features[:, 2] = np.nan
    classifier = fit_setting(as_lessons(features, valid), USED, Setting(4, 40), None)
    contributions = classifier.contributions(labelled(200, 6)[0])
    assert (contributions[:, 2] == 0).all()
    assert len(np.unique(contributions[:, -1])) == 1
    assert (contributions[:, :2] != 0).any()


def test_one_by_one_is_the_same_as_together(classifier):
    features, _ = labelled(5_000, 7)
    together = classifier.match_probabilities(features)
    alone = [classifier.match_probabilities(features[row : row + 1])[0] for row in range(0, 5_000, 101)]
    np.testing.assert_array_equal(together[::101], alone)
    assert classifier.match_probabilities(features[:0]).shape == (0,)


def test_probabilities_are_calibrated_on_fresh_pairs(classifier):
    features, valid = labelled(4_000, 8)
    evaluation = evaluate_probabilities(classifier.match_probabilities(features), valid, classifier.threshold)
    assert evaluation.calibration_error < 0.03
    assert evaluation.roc_auc > 0.85
    assert evaluation.brier < 0.16


def test_a_round_trip_through_json_changes_nothing(classifier):
    features, _ = labelled(500, 9)
    again = PairClassifier.from_json(json.loads(json.dumps(classifier.to_json(), allow_nan=False)), NAMES)
    np.testing.assert_array_equal(again.match_probabilities(features), classifier.match_probabilities(features))
    decided_at = (classifier.threshold, classifier.review_low, classifier.review_high)
    assert (again.threshold, again.review_low, again.review_high) == decided_at
    assert again.features == USED


def test_a_classifier_on_other_features_is_refused(classifier):
    with pytest.raises(MismatchedArtefactError, match="run onemaster train"):
        PairClassifier.from_json(classifier.to_json(), ("cosine", "title"))


def damaged(content, path, value):
    content = json.loads(json.dumps(content))
    target = content
    for step in path[:-1]:
        target = target[step]
    if value is None:
        del target[path[-1]]
    else:
        target[path[-1]] = value
    return content


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("format",), 1),
        (("threshold",), None),
        (("threshold",), "high"),
        (("trees",), []),
        (("trees", "left"), None),
        (("trees", "left", 0, 0), 1_000),
        (("trees", "feature", 0, 0), 5),
        (("trees", "right", 0, 0), -1),
        (("trees", "value"), [[0.0]]),
        (("trees", "left", 0, 0), "left"),
    ],
)
def test_a_damaged_classifier_is_refused(classifier, path, value):
    with pytest.raises(DamagedArtefactError):
        PairClassifier.from_json(damaged(classifier.to_json(), path, value), NAMES)


def test_a_classifier_with_paths_of_three_features_is_refused(classifier):
    content = json.loads(json.dumps(classifier.to_json()))
    leaf, none = [0] * 5, [False] * 5
    content["trees"] = {
        "bias": 0.0,
        "feature": [[0, 1, 2, 0, 0, 0, 0]],
        "threshold": [[*leaf, 0, 0]],
        "missing_left": [[*none, False, False]],
        "left": [[1, 2, 3, 3, 4, 5, 6]],
        "right": [[4, 5, 6, 3, 4, 5, 6]],
        "value": [[*leaf, 0, 0]],
    }
    with pytest.raises(DamagedArtefactError, match="at most two features"):
        PairClassifier.from_json(content, NAMES)


@pytest.mark.parametrize("n_pairs", [2, 5, 20, 60])
def test_few_pairs_still_give_a_classifier(n_pairs):
    features, _ = labelled(n_pairs, 10)
    valid = np.arange(n_pairs) % 2 == 0
    classifier = fit_classifier(as_lessons(features, valid), USED, None, Policy()).classifier
    probabilities = classifier.match_probabilities(features)
    assert ((probabilities >= 0) & (probabilities <= 1)).all()
    assert classifier.slope > 0


def test_what_a_fit_is_judged_by_are_the_pairs_as_they_are():
    features, valid = labelled(400, 11)
    lessons = as_lessons(features, valid)
    as_it_is = np.arange(400) < 250
    fitted = fit_classifier(replace(lessons, as_it_is=as_it_is), USED, None, Policy())
    np.testing.assert_array_equal(fitted.valid, valid[:250])
    assert fitted.probabilities.shape == (250,)
    assert sum(fold.n_pairs for fold in fitted.selection.folds) % 250 == 0


def test_thresholds_follow_the_policy(fitted):
    strict = fit_classifier(as_lessons(*labelled(2_000, 1)), USED, None, Policy(min_precision=0.93)).classifier
    assert strict.threshold > fitted.classifier.threshold
    features, valid = labelled(4_000, 15)
    assert evaluate_probabilities(strict.match_probabilities(features), valid, strict.threshold).precision > 0.91
    assert fitted.classifier.trees.to_json() == strict.trees.to_json()


def test_one_kind_of_pairs_teaches_nothing():
    features, _ = labelled(50, 12)
    with pytest.raises(GroundTruthError, match="got 50 valid and 0 invalid"):
        fit_classifier(as_lessons(features, np.ones(50, dtype=bool)), USED, None, Policy())
    with pytest.raises(GroundTruthError, match="got 0 valid and 50 invalid"):
        fit_baseline(np.zeros((50, 19), dtype=np.float32), np.zeros(50, dtype=bool), seed=20)
    with pytest.raises(GroundTruthError, match="without any metadata"):
        fit_classifier(as_lessons(np.full((50, 5), np.nan), np.arange(50) < 9), USED, None, Policy())


def test_the_baseline_is_three_hundred_stumps():
    generator = np.random.default_rng(13)
    features = generator.random((300, 19)).astype(np.float32)
    baseline = fit_baseline(features, features[:, 0] > 0.5, seed=20)
    assert baseline.trees.feature.shape == (300, 3)
    assert baseline.features == BASELINE_FEATURES
    assert ((baseline.match_probabilities(features) >= 0.5) == (features[:, 0] > 0.5)).mean() > 0.99
