"""Two models on the same pairs, and how far figures could be off."""

import csv
import shutil
from dataclasses import fields, replace

import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from catalog.artefacts import current_version
from catalog.errors import MissingArtefactError
from catalog.manifest import sha256_file
from catalog.recording import Recording
from training.compare import McNemar, compare, write_disagreements
from training.contenders import contender
from training.counts import Counts, accuracy, f1, precision, recall
from training.evaluate import Evaluation, evaluate_matcher, evaluate_probabilities
from training.intervals import (
    Interval,
    Resampling,
    bootstrap_interval,
    count_difference_interval,
    count_interval,
    resampling_units,
)
from training.pairs import LabelledPairs, read_groundtruth

METRICS = {"accuracy": accuracy, "precision": precision, "recall": recall, "f1": f1}


def flags(*runs):
    return np.concatenate([np.full(count, flag) for flag, count in runs])


def f1_by_hand(decided, valid):
    return float(2 * (decided & valid).sum() / (decided.sum() + valid.sum()))


def pairs_of(*ids):
    sides = [[Recording(name) for name in side] for side in zip(*ids, strict=True)]
    return LabelledPairs(*sides, np.ones(len(ids), dtype=np.bool_), [])


@pytest.fixture(scope="module")
def judged():
    """Probabilities of 1,200 independent pairs, some of them wrong."""
    generator = np.random.default_rng(11)
    valid = generator.random(1_200) < 0.4
    return np.clip(valid + generator.normal(0, 0.4, len(valid)), 0, 1), valid


@pytest.fixture(scope="module")
def sample_pairs(sample_folder, matcher):
    return read_groundtruth(sample_folder.groundtruth, matcher.catalog)


@pytest.fixture(scope="module")
def comparison(sample_folder, sample_pairs):
    a, b = (contender(choice, sample_folder.models) for choice in ("baseline", "current"))
    return compare(a, b, sample_pairs, sha256_file(sample_folder.groundtruth), Resampling())


@pytest.mark.parametrize(
    ("only_a", "only_b", "p_value"), [(0, 0, 1.0), (2, 8, 112 / 1024), (8, 2, 112 / 1024), (0, 10, 2 / 1024), (5, 5, 1)]
)
def test_mcnemar_on_known_counts(only_a, only_b, p_value):
    right_a = flags((True, 40), (True, only_a), (False, only_b), (False, 3))
    right_b = flags((True, 40), (False, only_a), (True, only_b), (False, 3))
    test = McNemar.of(right_a, right_b)
    assert (test.both_right, test.only_a, test.only_b, test.both_wrong) == (40, only_a, only_b, 3)
    assert test.p_value == pytest.approx(p_value)


def test_figures_are_those_that_the_service_path_gives(comparison, matcher, sample_pairs):
    measured = evaluate_matcher(matcher, sample_pairs)
    figures = comparison.figures
    assert figures["b"] == {name: measured[name] for name in figures["b"]}
    assert set(figures["difference"]) == {field.name for field in fields(Evaluation)}
    assert figures["difference"]["f1"] == pytest.approx(figures["b"]["f1"] - figures["a"]["f1"], abs=2e-6)


def test_the_test_and_the_interval_agree_with_the_figures(comparison):
    test = comparison.mcnemar
    n_pairs = comparison.evaluation_a.n_pairs
    assert test.both_right + test.only_a + test.only_b + test.both_wrong == n_pairs
    assert comparison.evaluation_a.accuracy == pytest.approx((test.both_right + test.only_a) / n_pairs)
    assert comparison.evaluation_b.accuracy == pytest.approx((test.both_right + test.only_b) / n_pairs)
    interval = comparison.f1_difference
    assert interval.value == pytest.approx(comparison.evaluation_b.f1 - comparison.evaluation_a.f1)
    assert interval.low < interval.value < interval.high


def test_disagreements_are_listed_by_distance_and_written(comparison, tmp_path):
    listed = comparison.disagreements
    assert len(listed) == comparison.mcnemar.only_a + comparison.mcnemar.only_b > 10
    assert sum(pair.right == "a" for pair in listed) == comparison.mcnemar.only_a
    distances = [abs(pair.probability_a - pair.probability_b) for pair in listed]
    assert distances == sorted(distances, reverse=True)
    write_disagreements(comparison, tmp_path / "new" / "disagreements.csv")
    with (tmp_path / "new" / "disagreements.csv").open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == len(listed)
    names = [f"{model.name} probability" for model in (comparison.a, comparison.b)]
    heads = ["q_source_id", "m_source_id", "tag", *names, "decided_a", "decided_b", "which_is_right"]
    assert list(rows[0]) == heads
    for row in rows:
        assert row["decided_a"] != row["decided_b"]
        assert row["tag"] == row[f"decided_{row['which_is_right']}"]
        assert (float(row[names[1]]) >= comparison.b.threshold) == (row["decided_b"] == "valid")


def test_a_model_that_learnt_from_the_pairs_is_told_on(comparison, sample_pairs):
    assert comparison.to_json()["learnt_from"] == {"a": True, "b": True}
    assert sum("learnt from this file" in line for line in comparison.in_words()) == 2
    fresh = compare(comparison.a, comparison.b, sample_pairs, "digest of another file", Resampling(n_resamples=50))
    assert fresh.to_json()["learnt_from"] == {"a": False, "b": False}
    assert not any("warning" in line for line in fresh.in_words())


def test_a_model_that_calls_everything_invalid_is_told_apart(comparison, sample_pairs):
    blind = replace(comparison.b, threshold=1.1)
    worse = compare(comparison.b, blind, sample_pairs, "", Resampling())
    assert worse.evaluation_b.f1 == 0
    assert worse.f1_difference.high < 0
    assert worse.in_words()[1].endswith("chance alone hardly explains that")


def test_a_model_is_as_good_as_itself(sample_folder, sample_pairs):
    one = contender("current", sample_folder.models)
    itself = contender(str(current_version(sample_folder.models)), sample_folder.models)
    alike = compare(one, itself, sample_pairs.take(np.arange(0, 1_600, 20)), "", Resampling())
    assert alike.disagreements == []
    # Eighty pairs that they decide alike do not promise that they decide all others alike.
    assert alike.f1_difference.value == 0
    assert 0 < alike.f1_difference.high == -alike.f1_difference.low < 0.2
    assert "they decide every pair alike" in alike.in_words()[1]


def test_models_are_found_by_version_path_and_role(tiny_data, tmp_path):
    version = current_version(tiny_data.models).name
    moved = shutil.copytree(tiny_data.models / version, tmp_path / "elsewhere")
    found = {choice: contender(choice, tiny_data.models) for choice in ("current", "baseline", version, str(moved))}
    assert [model.name for model in found.values()] == [version, f"baseline of {version}", version, "elsewhere"]
    assert {model.groundtruth_digests for model in found.values()} == {frozenset({sha256_file(tiny_data.groundtruth)})}
    assert found["baseline"].threshold == 0.5


@pytest.mark.parametrize("choice", ["nothing", "", ".", ".."])
def test_an_unknown_model_is_named_with_those_there_are(tiny_data, choice):
    with pytest.raises(MissingArtefactError, match=current_version(tiny_data.models).name):
        contender(choice, tiny_data.models)


@pytest.mark.parametrize("name", METRICS)
def test_figures_from_counts_are_those_of_the_evaluation(judged, name):
    probabilities, valid = judged
    interval = count_interval(METRICS[name], probabilities >= 0.5, valid, np.arange(len(valid)), Resampling())
    assert interval.value == pytest.approx(getattr(evaluate_probabilities(probabilities, valid, 0.5), name))
    assert interval.low < interval.value < interval.high


def test_figures_that_are_not_defined_are_zero_as_in_the_evaluation():
    nothing = Counts.of(np.zeros(3, dtype=np.bool_), np.zeros(3, dtype=np.bool_))
    assert [metric(nothing).tolist() for metric in (accuracy, precision, recall, f1)] == [[1] * 3, *[[0] * 3] * 3]


def test_on_independent_pairs_the_interval_is_that_of_brute_force(judged):
    probabilities, valid = judged
    decided = probabilities >= 0.5
    generator = np.random.default_rng(1)
    draws = [generator.integers(len(valid), size=len(valid)) for _ in range(2_000)]
    low, high = np.quantile([f1_by_hand(decided[rows], valid[rows]) for rows in draws], (0.025, 0.975))
    units = np.arange(len(valid))
    by_counts = count_interval(f1, decided, valid, units, Resampling())
    by_rows = bootstrap_interval(
        lambda p, v, threshold: f1_by_hand(p >= threshold, v), probabilities, valid, 0.5, units, Resampling()
    )
    for interval in (by_counts, by_rows):
        assert (interval.low, interval.high) == pytest.approx((low, high), abs=0.15 * (high - low))
    assert by_counts.value == pytest.approx(by_rows.value)


def test_the_difference_is_paired(judged):
    """Models that err on the same pairs differ for certain, however uncertain each one's figure is."""
    probabilities, valid = judged
    decided = probabilities >= 0.5
    better = decided.copy()
    better[np.flatnonzero(decided != valid)[:20]] ^= True
    units = np.arange(len(valid))
    alone = count_interval(f1, decided, valid, units, Resampling())
    difference = count_difference_interval(f1, decided, better, valid, units, Resampling())
    assert difference.low > 0
    assert difference.high - difference.low < (alone.high - alone.low) / 2
    mirrored = count_difference_interval(f1, better, decided, valid, units, Resampling())
    assert mirrored.value == pytest.approx(-difference.value)


def test_repeating_linked_pairs_does_not_narrow_the_interval(judged):
    probabilities, valid = judged
    decided, units = probabilities >= 0.5, np.arange(len(valid))
    once = count_interval(f1, decided, valid, units, Resampling())
    repeated = [np.repeat(values, 4) for values in (decided, valid, units)]
    assert count_interval(f1, *repeated, Resampling()) == once
    as_if_independent = count_interval(f1, *repeated[:2], np.arange(4 * len(valid)), Resampling())
    assert as_if_independent.high - as_if_independent.low < 0.6 * (once.high - once.low)


def test_a_resample_without_the_figure_does_not_count():
    valid = flags((True, 2), (False, 2))
    probabilities = np.array([0.9, 0.6, 0.7, 0.1])

    def roc_auc(p, v, threshold):
        return float(roc_auc_score(v, p)) if len(np.unique(v)) == 2 else np.nan

    interval = bootstrap_interval(roc_auc, probabilities, valid, 0.5, np.arange(4), Resampling(n_resamples=200))
    assert interval.value == 0.75
    assert 0 <= interval.low < interval.high <= 1
    never = bootstrap_interval(lambda *_: np.nan, probabilities, valid, 0.5, np.arange(4), Resampling(n_resamples=3))
    assert never.to_json() == {"value": None, "low": None, "high": None, "level": 0.95, "n_units": 4}


def test_the_seed_and_the_level_are_heeded(judged):
    probabilities, valid = judged
    measured = (f1, probabilities >= 0.5, valid, np.arange(len(valid)))
    assert count_interval(*measured, Resampling()) == count_interval(*measured, Resampling())
    assert count_interval(*measured, Resampling()) != count_interval(*measured, Resampling(seed=21))
    narrow: Interval = count_interval(*measured, Resampling(level=0.5))
    wide = count_interval(*measured, Resampling())
    assert wide.low < narrow.low < narrow.high < wide.high


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), min_size=1, max_size=40))
def test_units_are_the_connected_components(edges):
    ids = [(f"{q:02}", f"{m:02}") for q, m in edges]
    units = resampling_units(pairs_of(*ids))
    components = list(nx.connected_components(nx.Graph(ids)))
    largest = max(1, 0.1 * len(ids))
    groups = [[row for row, (q, _) in enumerate(ids) if q in component] for component in components]
    expected = {(row,) for group in groups if len(group) > largest for row in group}
    expected |= {tuple(group) for group in groups if len(group) <= largest}
    assert {tuple(np.flatnonzero(units == unit)) for unit in np.unique(units)} == expected
    assert sorted(np.unique(units)) == list(range(len(expected)))


def test_pairs_that_nearly_all_hang_together_stand_alone_and_a_warning_says_so(caplog):
    chain = [(str(number), str(number + 1)) for number in range(50)]
    assert sorted(resampling_units(pairs_of(*chain, ("x", "y")))) == list(range(51))
    assert "50 of 51 pairs hang together" in caplog.text
