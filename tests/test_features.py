"""The five features: symmetric, bounded, missing where a side is missing, and right on names."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.recording import Recording
from matching.baseline import BASELINE_FEATURES, baseline_features
from matching.features import FEATURES, isrc_coincidence, pair_features, title_similarity
from matching.names import ARTIST_SCORERS, CONTRIBUTOR_SCORERS, names_of, set_similarity

NAME = st.text(alphabet="abcABCéøßñЖשがカ大谷 &,.-'()|/", max_size=12) | st.sampled_from(
    ["The Beatles", "Beatles, The", "x"]
)
LIST = st.lists(NAME, max_size=3).map(tuple)
ISRC = st.sampled_from(["GBAYE6500521", "gb-aye-65-00521", "USRC16901355", "no code", ""])
RECORDING = st.builds(
    Recording,
    sr_id=st.just("1"),
    title=st.none() | NAME,
    artists=LIST,
    contributors=LIST,
    isrcs=st.lists(ISRC, max_size=2).map(tuple),
)


def artists(q, m):
    return float(set_similarity([q], [m], ARTIST_SCORERS)[0])


def contributors(q, m):
    return float(set_similarity([q], [m], CONTRIBUTOR_SCORERS)[0])


@settings(max_examples=300)
@given(st.lists(st.tuples(RECORDING, RECORDING), min_size=1, max_size=5))
def test_features_are_symmetric_bounded_and_independent_of_the_batch(pairs):
    q, m = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    cosines = np.linspace(-1, 1, len(pairs), dtype=np.float32)
    features = pair_features(q, m, cosines)
    assert features.shape == (len(pairs), len(FEATURES))
    assert features.dtype == np.float32
    np.testing.assert_array_equal(features, pair_features(m, q, cosines))
    present = features[:, 1:][~np.isnan(features[:, 1:])]
    assert ((present >= 0) & (present <= 1)).all()
    one_by_one = [pair_features([a], [b], cosines[row : row + 1]) for row, (a, b) in enumerate(pairs)]
    np.testing.assert_array_equal(features, np.concatenate(one_by_one))


@settings(max_examples=200)
@given(RECORDING, RECORDING)
def test_baseline_features_are_symmetric_and_bounded(q, m):
    features = baseline_features([q], [m])
    assert features.shape == (1, len(BASELINE_FEATURES)) == (1, 19)
    np.testing.assert_array_equal(features, baseline_features([m], [q]))
    assert ((features >= 0) & (features <= 1)).all()


@given(RECORDING)
def test_a_recording_is_like_itself_wherever_it_says_something(recording):
    features = pair_features([recording], [recording], np.ones(1, dtype=np.float32))[0]
    assert all(np.isnan(value) or value == 1 for value in features)


@pytest.mark.parametrize(
    ("q", "m"),
    [
        (("The Beatles",), ("Beatles, The",)),
        (("The Beatles",), ("Beatles The",)),
        (("The Beatles",), ("BEATLES",)),
        (("Simon & Garfunkel",), ("Garfunkel", "Simon")),
        (("Simon and Garfunkel",), ("Simon / Garfunkel",)),
        (("Adele feat. Drake",), ("Drake", "Adele")),
        (("Adele x Drake",), ("Adele", "Drake")),
        (("Presley, Elvis",), ("Elvis Presley",)),
        (("Beyoncé", "Jay-Z"), ("JAY Z", "Beyonce")),
        (("大谷智哉 (Ohtani)",), ("Ohtani", "大谷智哉")),
    ],
)
def test_the_same_artists_written_differently(q, m):
    assert artists(q, m) == pytest.approx(1)


@pytest.mark.parametrize(
    ("q", "m", "reason"),
    [
        (("John Smith", "Paul Jones"), ("Paul Smith", "John Jones"), "the same words, but other names"),
        (("The Beatles",), ("Elvis Presley",), "nothing in common"),
        (("Queen",), ("Queen Latifah",), "one name inside another"),
    ],
)
def test_other_artists_are_less_than_the_same(q, m, reason):
    assert artists(q, m) < 0.85, reason


def test_a_featured_artist_on_one_side_lowers_the_similarity_a_little():
    alone, joint, other = ("Adele",), ("Adele", "Drake"), ("Drake",)
    assert 1 > artists(alone, joint) > 0.7
    assert artists(alone, joint) > artists(alone, other) + 0.4


def test_contributors_by_surname_or_initial_are_the_same_people():
    full = ("John Lennon", "Paul McCartney")
    assert contributors(("Lennon", "McCartney"), full) == pytest.approx(1)
    assert contributors(("J. Lennon", "P. McCartney"), full) > 0.8
    assert contributors(("Lennon, John", "McCartney, Paul"), full) == pytest.approx(1)
    assert contributors(("Carole King",), full) < 0.5


def test_names_in_another_script_are_compared_in_latin_letters_too():
    assert artists(("Чайковский",), ("Chaykovskiy",)) == pytest.approx(1)
    assert artists(("Пётр Чайковский",), ("Tchaikovsky",)) > artists(("Пётр Чайковский",), ("Mozart",)) + 0.2


@pytest.mark.parametrize("entries", [(), ("",), ("&",), (" , ", "()")])
def test_nothing_is_no_name(entries):
    assert names_of(entries) == ()
    assert np.isnan(artists(entries, ("Adele",)))


def test_bands_whose_name_is_an_article_keep_it():
    assert names_of(("The The",)) == ("the the",)


@pytest.mark.parametrize(
    ("q", "m", "least", "most"),
    [
        ("Yesterday", "yesterday!", 1, 1),
        ("Yesterday", "Yesterday - 2009 Remaster", 0.6, 0.95),
        ("Every Story Is a Love Story", "EveryStoryIsaLoveStory", 0.7, 1),
        ("Yesterday", "Suspicious Minds", 0, 0.45),
        ("ライブ", "Raibu", 1, 1),
    ],
)
def test_titles(q, m, least, most):
    assert least <= title_similarity([q], [m])[0] <= most


@pytest.mark.parametrize(("q", "m"), [(None, "Yesterday"), ("", "Yesterday"), (None, None)])
def test_a_missing_title_is_missing(q, m):
    assert np.isnan(title_similarity([q], [m])[0])


@pytest.mark.parametrize(
    ("q", "m", "expected"),
    [
        (("GBAYE6500521",), ("gb-aye-65-00521",), 1),
        (("GBAYE6500521", "USRC16901355"), ("USRC16901355",), 1),
        (("GBAYE6500521",), ("USRC16901355",), 0),
        (("GBAYE6500521",), (), np.nan),
        (("GBAYE6500521",), ("unknown",), np.nan),
    ],
)
def test_isrcs(q, m, expected):
    np.testing.assert_equal(isrc_coincidence([q], [m])[0], float(expected))
