"""Decisions in words: topics that sum to the log-odds, in words that do not contradict the sum."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.recording import Recording
from matching.classifier import PairClassifier
from matching.decision import BIAS, Decision, decide
from matching.explain import reasons
from matching.features import FEATURES, NAMES, pair_features
from matching.rarity import Rarity
from training.fitting import Setting, fit_setting
from training.lessons import Lessons

TOPIC = {feature.name: feature.topic for feature in FEATURES}
TOPICS = set(TOPIC.values())
LEAST = 0.05


def decision(**given_parts):
    """A decision out of feature=(value, contribution)."""
    values = {name: value for name, (value, _) in given_parts.items()}
    parts = {name: part for name, (_, part) in given_parts.items()} | {BIAS: -1.0}
    log_odds = sum(parts.values())
    return Decision(Recording("1"), Recording("2"), values, parts, 1 / (1 + np.exp(-log_odds)), "valid", False)


def in_words(**given_parts):
    return [str(reason) for reason in reasons(decision(**given_parts))]


def test_reasons_come_by_topic_the_weightiest_first():
    found = in_words(isrc=(1.0, 3.14), title=(1.0, -0.5), title_base=(0.25, -1.5), artists=(0.9, 0.75))
    assert found == ["same ISRC +3.1", "other base title (0.25) -2.0", "same artists (0.90) +0.8"]


def test_the_words_are_of_the_feature_that_pulled_with_the_sum():
    assert in_words(title=(1.0, 1.0), title_base=(0.25, -0.75)) == ["same title +0.2"]
    assert in_words(title=(1.0, 0.5), title_base=(0.25, -0.75)) == ["other base title (0.25) -0.2"]


def test_what_is_missing_is_said_to_be_and_what_weighs_nothing_is_not():
    assert in_words(contributors=(None, -0.3)) == ["no contributors to compare -0.3"]
    assert in_words(isrc=(1.0, 0.019), year=(0.5, -0.06), cosine=(0.7, 0.0)) == [
        "same or near year of release (0.50) -0.1"
    ]
    assert in_words() == []


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("version_live", 0.0, "live against not live"),
        ("version_live", 1.0, "both live"),
        ("version_radio_edit", 0.0, "radio edit against not radio edit"),
        ("isrc", 0.0, "conflicting ISRCs"),
        ("duration", 1.0, "durations close"),
        ("duration_exact", 0.8, "durations very close (0.80)"),
        ("year", 1.0, "same or near year of release"),
        ("year", 0.9, "same or near year of release (0.90)"),
        ("numbers", 0.0, "other numbers in the titles"),
        ("artist_sound", 0.94, "artists sound alike (0.94)"),
        ("title_rarity", 0.1, "a common title (0.10)"),
    ],
)
def test_words(name, value, words):
    assert [(each.words, each.log_odds) for each in reasons(decision(**{name: (value, 2.0)}))] == [(words, 2.0)]


def test_nothing_that_may_differ_is_called_the_same():
    """Up to 2 s apart, durations are as good as equal, and their words have no value that would tell."""
    q, m = (
        Recording("1", duration_ms=162_000, release_year=2009),
        Recording("2", duration_ms=164_000, release_year=2010),
    )
    names = ("duration", "duration_exact", "year")
    (values,) = pair_features([q], [m], np.array([np.nan], np.float32), Rarity.fit([q, m]), names).tolist()
    assert values == pytest.approx([1.0, 0.8, 0.9])
    for name, value in zip(names, values, strict=True):
        (said,) = reasons(decision(**{name: (value, 2.18)}))
        assert not said.words.startswith("same ") or "near" in said.words
        assert "exactly" not in said.words


def test_a_model_with_features_that_this_version_lacks_is_explained_without_them():
    parts = {"isrc": (1.0, 1.0), "shoe size": (0.5, 2.0)}
    assert [reason.words for reason in reasons(decision(**parts))] == ["same ISRC"]


PARTS = st.dictionaries(
    st.sampled_from(NAMES), st.tuples(st.none() | st.floats(0, 1), st.floats(-5, 5)), min_size=1, max_size=30
)


@settings(max_examples=300)
@given(PARTS)
def test_reasons_with_the_bias_sum_to_the_log_odds_but_for_topics_that_add_next_to_nothing(parts):
    explained = decision(**parts)
    found = reasons(explained)
    topics = {TOPIC[name] for name in parts}
    rest = sum(explained.contributions.values()) - explained.contributions[BIAS] - sum(each.log_odds for each in found)
    assert abs(rest) <= LEAST * (len(topics) - len(found)) + 1e-9
    sizes = [abs(reason.log_odds) for reason in found]
    assert sizes == sorted(sizes, reverse=True)
    assert all(size >= LEAST for size in sizes)


@pytest.fixture(scope="module")
def classifier() -> PairClassifier:
    """A classifier in earnest, over all features of pairs whose titles are a word apart or not."""
    q = [Recording(f"q{n}", f"Song {n}", (f"Band {n % 7}",), duration_ms=180_000) for n in range(80)]
    same = [Recording(f"m{n}", f"Song {n} (Album Version)", (f"Band {n % 7}",), duration_ms=180_400) for n in range(80)]
    other = [Recording(f"l{n}", f"Song {n} (Live)", (f"Band {n % 7}",), duration_ms=199_000) for n in range(80)]
    features = pair_features(q * 2, same + other, np.ones(160, dtype=np.float32), Rarity.fit(q))
    valid = np.arange(160) < 80
    lessons = Lessons(features, valid, np.linspace(0, 0.99, 160), np.ones(160, dtype=bool))
    return fit_setting(lessons, NAMES, Setting(4, 30), None)


def test_a_real_decision_is_explained_by_what_sets_the_pair_apart(classifier):
    q = Recording("q", "Help", ("The Beatles",), duration_ms=140_000)
    m = Recording("m", "Help (Live at Shea Stadium)", ("The Beatles",), duration_ms=171_000)
    features = pair_features([q], [m], np.ones(1, dtype=np.float32), Rarity.fit([q, m]))
    (explained,) = decide(classifier, [q], [m], features)
    found = reasons(explained)
    assert explained.decided == "invalid"
    log_odds = np.log(explained.match_probability / (1 - explained.match_probability))
    told = explained.contributions[BIAS] + sum(reason.log_odds for reason in found)
    assert abs(told - log_odds) <= LEAST * (len(TOPICS) - len(found)) + 1e-9
    assert found[0].log_odds < -1
    assert found[0].words in {
        "live against not live",
        "other version types",
        "other durations",
        "durations seconds apart",
    }
