"""What the classifier sees of a pair: symmetric, bounded, missing where a side is missing, and right on examples."""

from copy import deepcopy
from operator import attrgetter

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from catalog.errors import InputError
from catalog.isrc import IsrcState, compare_isrcs
from catalog.names import names_of
from catalog.recording import Recording
from catalog.versions import SAME_MASTER, MarkerType
from matching.baseline import BASELINE_FEATURES, baseline_features
from matching.features import FEATURES, GROUPS, NAMES, names_without, pair_features
from matching.names import ARTIST_SCORERS, CONTRIBUTOR_SCORERS
from matching.pairs import Pairs
from matching.prepared import FIELDS, prepare
from matching.rarity import Rarity

NAME = st.text(alphabet="abcABCéøßñЖשがカ大谷 &,.-'()|/", max_size=12) | st.sampled_from(
    ["The Beatles", "Beatles, The", "x", "Various Artists", "大谷智哉", "Tomoya Ohtani", "עידן רייכל", "Paul McCartney"]
)
TITLE = NAME | st.sampled_from(
    [
        "Yesterday (Live at Massey Hall) [2009 Remaster]",
        "Yesterday - Radio Edit",
        "Symphony No. 5: II. Andante",
        "03. Yesterday (feat. Drake)",
        "The Beatles - Yesterday, Pt. 2",
        "ライブ",
    ]
)
ANYTHING = st.text(max_size=30)
ISRC = st.sampled_from(
    ["GBAYE6500521", "gb-aye-65-00521", "GBAYE6500512", "USRC16901355", "GBAYE65005", "unknown", "no code", ""]
)
RECORDING = st.builds(
    Recording,
    sr_id=st.sampled_from(["1", "x_GBAYE6500521", "USRC16901355"]),
    title=st.none() | TITLE | ANYTHING,
    artists=st.lists(NAME | ANYTHING, max_size=3).map(tuple),
    contributors=st.lists(NAME | ANYTHING, max_size=3).map(tuple),
    isrcs=st.lists(ISRC | ANYTHING, max_size=2).map(tuple),
    album=st.none() | TITLE | ANYTHING,
    label=st.none() | NAME | ANYTHING,
    duration_ms=st.none() | st.integers(1, 2**31),
    release_year=st.none() | st.integers(1, 9_999),
)
CATALOGUE = Rarity.fit(
    [Recording(str(number), "Intro", ("Band",)) for number in range(200)]
    + [Recording("b", "Xylophone Heresy", ("Quillfeather",)), Recording("y", "Yesterday", ("The Beatles",))]
)
SAME = np.ones(1, dtype=np.float32)
IMITATIONS = {"karaoke", "tribute", "tributo", "hommage", "covers", "coverband", "lullaby"}
FLAGS = {f"version_{kind.value}": kind for kind in MarkerType if kind not in SAME_MASTER}
# Of these more than agreement is asked: rarity, and an artist who is a contributor, too.
MORE_THAN_AGREEMENT = {*(feature.name for feature in GROUPS["rarity"].features), "artist_contributes"}


def compared(name, q, m):
    """One feature of one pair."""
    return float(pair_features([q], [m], SAME, CATALOGUE, (name,))[0, 0])


def titles(name, q, m):
    return compared(name, Recording("1", q), Recording("2", m))


def overlap(q, m, scorers):
    pairs = Pairs.of([Recording("1", artists=q)], [Recording("2", artists=m)], SAME, CATALOGUE)
    return float(pairs.names(attrgetter("artists"), scorers).overlap[0])


def artists(q, m):
    return overlap(q, m, ARTIST_SCORERS)


def contributors(q, m):
    return overlap(q, m, CONTRIBUTOR_SCORERS)


# ------------------------------------------------------------------------------------------- of all features


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(RECORDING, RECORDING), min_size=1, max_size=5))
def test_features_are_symmetric_bounded_pure_and_independent_of_the_batch(pairs):
    q, m = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    cosines = np.linspace(-1, 1, len(pairs), dtype=np.float32)
    given_before = deepcopy((q, m, cosines, CATALOGUE.counts))
    features = pair_features(q, m, cosines, CATALOGUE)
    np.testing.assert_equal((q, m, cosines, CATALOGUE.counts), given_before)
    assert features.shape == (len(pairs), len(FEATURES))
    assert features.dtype == np.float32
    np.testing.assert_array_equal(features, pair_features(q, m, cosines, CATALOGUE))
    np.testing.assert_array_equal(features, pair_features(m, q, cosines, CATALOGUE))
    present = features[:, 1:][~np.isnan(features[:, 1:])]
    assert ((present >= 0) & (present <= 1)).all()
    one_by_one = [pair_features([a], [b], cosines[row : row + 1], CATALOGUE) for row, (a, b) in enumerate(pairs)]
    np.testing.assert_array_equal(features, np.concatenate(one_by_one))


@settings(max_examples=300, deadline=None)
@given(RECORDING)
def test_a_recording_is_like_itself_wherever_it_says_something(recording):
    features = pair_features([recording], [recording], SAME, CATALOGUE)[0]
    unlike = {
        feature.name: float(value)
        for feature, value in zip(FEATURES, features, strict=True)
        if feature.name not in MORE_THAN_AGREEMENT and not (np.isnan(value) or np.isclose(value, 1, atol=1e-6))
    }
    assert unlike == {}


def field(name):
    return lambda side: getattr(side, name)


def of_recording(name):
    return lambda side: getattr(side.recording, name)


def marked(*wanted):
    """What a title says, and an artist's name that says whom it imitates."""

    def said(side):
        kinds = {marker.type for marker in side.title.markers} if side.title else set()
        imitating = [name for name in side.artists if IMITATIONS & set(name.split())]
        return (kinds | {MarkerType.KARAOKE if "karaoke" in name else MarkerType.COVER for name in imitating}) & set(
            wanted
        )

    return said


def all_words(side):
    return side.words


def notes_words(side):
    return [word for word, fields in side.words.items() if fields & FIELDS["notes"]]


# What presence on the two sides says of a feature: ``True`` is there, ``False`` is missing, ``None`` may be either.
def on_both(q, m):
    return q and m


def on_either(q, m):
    return q or m


def at_least_on_both(q, m):
    return None if q and m else False


def at_least_on_one(q, m):
    return None if q or m else False


def one_direction(q, m):
    return True if q and m else None if q or m else False


PRESENT = {
    **{feature.name: (on_both, field("title")) for feature in GROUPS["titles"].features},
    **dict.fromkeys(("title", "title_rarity", "title_evidence"), (on_both, field("title"))),
    **dict.fromkeys(("artists", "artist_evidence"), (on_both, field("artists"))),
    **dict.fromkeys(("contributors", "contributor_words", "contributor_contained"), (on_both, field("contributors"))),
    **dict.fromkeys(("credits", "artist_best"), (on_both, field("credits"))),
    **{name: (on_either, marked(kind)) for name, kind in FLAGS.items()},
    "version_agreement": (on_either, marked(*FLAGS.values())),
    "version_detail": (at_least_on_both, marked(*FLAGS.values())),
    "numbers": (on_either, lambda side: side.title and side.title.numbers),
    "contributor_initials": (at_least_on_both, field("contributors")),
    "artist_contributes": (at_least_on_one, field("artists")),
    **dict.fromkeys(("all_words", "all_contained", "all_evidence"), (on_both, all_words)),
    "notes_found": (at_least_on_one, notes_words),
    **dict.fromkeys(("title_found", "titles_found", "title_inside"), (one_direction, field("title"))),
    **dict.fromkeys(("artist_found", "artists_found", "artist_inside"), (one_direction, field("artists"))),
    **dict.fromkeys(("album", "album_words"), (on_both, field("album"))),
    "label": (on_both, field("label")),
    "year": (on_both, of_recording("release_year")),
    **dict.fromkeys(("duration", "duration_ratio", "duration_exact"), (on_both, of_recording("duration_ms"))),
    "isrc": (on_both, field("codes")),
    **dict.fromkeys(("isrc_near", "isrc_registrant"), (at_least_on_both, field("codes"))),
    "isrc_in_id": (at_least_on_one, of_recording("sr_id")),
    "isrc_fragment": (at_least_on_one, of_recording("isrcs")),
    **dict.fromkeys(("title_sound", "title_consonants"), (at_least_on_both, field("title"))),
    **dict.fromkeys(("artist_sound", "artist_consonants"), (at_least_on_both, field("credits"))),
    "contributor_sound": (at_least_on_both, field("contributors")),
}


# Features of words, which those of two scripts do not share.
WORDS_OF = {
    **dict.fromkeys(
        ("title_base", "title_words", "title_contained", "title_cut", "title_piece", "title_evidence"), ("title",)
    ),
    **dict.fromkeys(("title_found", "titles_found", "title_inside"), ("title", "all")),
    "artist_evidence": ("artists",),
    **dict.fromkeys(("artist_found", "artists_found", "artist_inside"), ("artists", "all")),
    **dict.fromkeys(("contributor_words", "contributor_contained", "contributor_initials"), ("contributors",)),
    "artist_contributes": ("contributors",),
    **dict.fromkeys(("all_words", "all_contained", "all_evidence"), ("all",)),
}


def test_every_feature_but_the_cosine_says_when_it_is_missing():
    assert {"cosine", *PRESENT} == set(NAMES)
    assert all("NaN" in feature.meaning or "The same" in feature.meaning for feature in FEATURES)


@settings(max_examples=300, deadline=None)
@given(RECORDING, RECORDING)
@example(Recording("1"), Recording("1", artists=("HOMMAGE",)))
def test_features_are_missing_exactly_where_there_is_nothing_to_compare(q, m):
    found = dict(zip(NAMES, pair_features([q], [m], SAME, CATALOGUE)[0].tolist(), strict=True))
    one, other = prepare(q), prepare(m)
    pairs = Pairs.of([q], [m], SAME, CATALOGUE)
    for name, (decide, read) in PRESENT.items():
        if not all(pairs.comparable(words)[0] for words in WORDS_OF.get(name, ())):
            assert np.isnan(found[name]) or name == "title_piece", name
            continue
        expected = decide(bool(read(one)), bool(read(other)))
        assert expected is None or np.isnan(found[name]) != expected, name
    conflict = compare_isrcs(q.isrcs, m.isrcs) is IsrcState.CONFLICTING
    assert np.isnan(found["isrc_near"]) == np.isnan(found["isrc_registrant"]) != conflict
    if all(text.isascii() for side in (one, other) for text in (*side.credits, *side.contributors)):
        assert np.isnan([found["artist_sound"], found["artist_consonants"], found["contributor_sound"]]).all()


def test_a_missing_cosine_stays_missing_and_no_pairs_give_no_rows():
    recording = Recording("1", "Yesterday")
    assert np.isnan(pair_features([recording], [recording], np.array([np.nan], np.float32), CATALOGUE)[0, 0])
    nothing = pair_features([], [], np.zeros(0, dtype=np.float32), CATALOGUE)
    assert (nothing.shape, nothing.dtype) == ((0, len(NAMES)), np.float32)


def test_every_feature_is_described_and_named_once():
    assert len(set(NAMES)) == len(NAMES) == len(FEATURES)
    assert sum(len(group.features) for group in GROUPS.values()) == len(FEATURES)
    for feature in FEATURES:
        words = (feature.topic, feature.meaning, feature.agree, feature.differ)
        assert all(text == text.strip() != "" for text in words), feature
        assert feature.agree != feature.differ, feature
        assert feature.meaning.endswith("."), feature
    assert [feature.name for feature in FEATURES if not feature.rises] == ["artist_contributes", "title_rarity"]


@pytest.mark.parametrize("group", [name for name in GROUPS if name != "core"])
def test_a_group_can_be_switched_off_without_changing_the_rest(group):
    q, m = Recording("1", "Yesterday - Live", ("The Beatles",)), Recording("2", "Yesterday", ("Beatles",))
    left = names_without([group])
    assert set(NAMES) - set(left) == {feature.name for feature in GROUPS[group].features}
    everything = dict(zip(NAMES, pair_features([q], [m], SAME, CATALOGUE)[0].tolist(), strict=True))
    found = pair_features([q], [m], SAME, CATALOGUE, left)[0].tolist()
    np.testing.assert_array_equal(found, [everything[name] for name in left])


def test_columns_come_in_the_order_that_is_asked_for():
    q, m = Recording("1", "Yesterday", ("Adele",)), Recording("2", "Yesterday", ("Drake",))
    there = pair_features([q], [m], SAME, CATALOGUE, ("title", "album", "artists"))[0]
    back = pair_features([q], [m], SAME, CATALOGUE, ("artists", "album", "title"))[0]
    np.testing.assert_array_equal(there, back[::-1])
    assert there[0] == 1 > there[2]


@pytest.mark.parametrize("groups", [("core",), ("sounds",), ("titles", ""), ("Titles",)])
def test_the_core_group_and_unknown_ones_cannot_be_switched_off(groups):
    with pytest.raises(InputError, match="expected feature groups out of titles, versions"):
        names_without(groups)
    assert names_without(()) == NAMES


@settings(max_examples=150, deadline=None)
@given(RECORDING, RECORDING)
def test_baseline_features_are_symmetric_and_bounded(q, m):
    features = baseline_features([q], [m])
    assert features.shape == (1, len(BASELINE_FEATURES)) == (1, 19)
    np.testing.assert_array_equal(features, baseline_features([m], [q]))
    assert ((features >= 0) & (features <= 1)).all()


# ----------------------------------------------------------------------------------------------------- core


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
    assert compared("artists", Recording("1", artists=q), Recording("2", artists=m)) == pytest.approx(1)


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


@pytest.mark.parametrize("nobody", ["Various Artists", "[unknown]", "V/A", "群星", "Varios Intérpretes", "VV.AA."])
def test_various_artists_are_no_name(nobody):
    q, m = Recording("1", "Yesterday", (nobody,), contributors=(nobody,)), Recording("2", "Yesterday", (nobody,))
    assert np.isnan([compared(name, q, m) for name in ("artists", "credits", "contributors", "artist_found")]).all()
    joint = Recording("3", artists=("Adele", nobody))
    assert compared("artists", joint, Recording("4", artists=("Adele",))) == 1


@pytest.mark.parametrize(
    ("entry", "names"),
    [
        ("Rihanna (feat. Drake)", ("drake", "rihanna")),
        ("Drake ft.Rihanna", ("drake", "rihanna")),
        ("Lil Nas X feat. Jack Harlow", ("harlow jack", "lil nas x")),
        ("Lil Nas X & Cardi B", ("b cardi", "lil nas x")),
        ("Calvin Harris x Dua Lipa", ("calvin harris", "dua lipa")),
        ("Simon &amp; Garfunkel", ("garfunkel", "simon")),
        ("Beyonc&eacute;", ("beyonce",)),
        ("John Lennon (Composer)", ("john lennon",)),
        ("Adele＆Bob、Cher", ("adele", "bob", "cher")),
        ("Adele\r\nBob", ("adele", "bob")),
        ("feat. Rihanna", ("rihanna",)),
        ("Author & Punisher", ("author", "punisher")),
        ("Words & Music", ("music", "words")),
    ],
)
def test_names_are_read_however_they_are_joined(entry, names):
    assert names_of((entry,)) == names


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
    assert least <= titles("title", q, m) <= most


@pytest.mark.parametrize(("q", "m"), [(None, "Yesterday"), ("", "Yesterday"), (None, None)])
def test_a_missing_title_is_missing(q, m):
    assert np.isnan(titles("title", q, m))


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
    np.testing.assert_equal(compared("isrc", Recording("1", isrcs=q), Recording("2", isrcs=m)), float(expected))


# --------------------------------------------------------------------------------------- titles and versions


def test_notes_of_a_version_do_not_make_another_base_title():
    assert titles("title_base", "Yesterday (Live) [2009 Remaster]", "Yesterday") == 1
    assert titles("title_base", "Yesterday", "Tomorrow") < 0.7
    assert titles("title_words", "The Long and Winding Road", "Road, the Winding and Long") == 1
    assert titles("title_contained", "Symphony in Blue", "Symphony") == 1
    assert titles("title_cut", "Every Story Is a Love Story", "Every Story Is a Lo") == 1
    assert titles("title_cut", "Every Story Is a Love Story", "Suspicious Minds") < 0.5
    assert titles("title_piece", "The Beatles - Yesterday", "Yesterday") == 1


def test_a_rare_title_word_in_common_weighs_more_than_a_frequent_one():
    rare = titles("title_words", "Intro Xylophone", "Outro Xylophone")
    frequent = titles("title_words", "Intro Xylophone", "Intro Heresy")
    assert rare > frequent + 0.2


@pytest.mark.parametrize(
    ("q", "m", "name", "expected"),
    [
        ("Yesterday (Live)", "Yesterday", "version_live", 0),
        ("Yesterday (Live)", "Yesterday - Live", "version_live", 1),
        ("Yesterday", "Yesterday", "version_live", np.nan),
        ("Yesterday (Remix)", "Yesterday - Live", "version_remix", 0),
        ("Yesterday (Remix)", "Yesterday - Live", "version_agreement", 0),
        ("Yesterday (Karaoke Version)", "Yesterday (Karaoke)", "version_agreement", 1),
        ("Yesterday (Live) [Acoustic]", "Yesterday (Live)", "version_agreement", 0.5),
        ("Yesterday (2009 Remaster)", "Yesterday", "version_agreement", np.nan),
        ("Yesterday (Remastered 2009)", "Yesterday - Album Version", "version_agreement", np.nan),
        ("Yesterday (Live at Massey Hall)", "Yesterday (Live at Massey Hall)", "version_detail", 1),
        ("Yesterday (Live)", "Yesterday (Live)", "version_detail", np.nan),
    ],
)
def test_version_markers(q, m, name, expected):
    np.testing.assert_equal(titles(name, q, m), float(expected))


def test_the_same_kind_of_version_may_be_another_one():
    assert titles("version_detail", "Yesterday (Live at Massey Hall)", "Yesterday (Live at Wembley Stadium)") < 0.7
    assert titles("version_detail", "Yesterday (Avicii Remix)", "Yesterday (Tiesto Remix)") < 0.7
    assert titles("version_detail", "Yesterday (Avicii Remix)", "Yesterday - Avicii Remix") == 1


@pytest.mark.parametrize(
    ("q", "m", "expected"),
    [
        ("Symphony No. 5", "Symphony No. 7", 0),
        ("Symphony No. 5", "Symphony no 5", 1),
        ("Rocky, Pt. II", "Rocky, Part 2", 1),
        ("Rocky, Pt. 2", "Rocky", 0.5),
        ("Sonata No. 5 Op. 24", "Sonata No. 5 Op. 30", 0),
        ("Yesterday", "Tomorrow", np.nan),
        ("Yesterday (2009 Remaster)", "Yesterday", np.nan),
        ("03. Yesterday", "Yesterday", np.nan),
    ],
)
def test_numbers_tell_pieces_apart(q, m, expected):
    assert titles("numbers", q, m) == pytest.approx(float(expected), nan_ok=True)


# ------------------------------------------------------------------------------------------- people and fields


@pytest.mark.parametrize(
    "other",
    [
        Recording("2", "Hello", ("Adele", "Drake")),
        Recording("2", "Hello", ("Adele feat. Drake",)),
        Recording("2", "Hello (feat. Drake)", ("Adele",)),
        Recording("2", "Hello ft. Drake", ("Adele",)),
        Recording("2", "Hello [featuring Drake]", ("Adele",)),
    ],
)
def test_featured_artists_count_wherever_they_stand(other):
    assert compared("credits", Recording("1", "Hello", ("Drake", "Adele")), other) == 1
    assert compared("credits", Recording("1", "Hello", ("Rihanna", "Adele")), other) < 0.9


def test_names_without_a_sound_are_missing_and_lower_no_mean():
    def compare(q, m):
        return compared("contributor_sound", Recording("1", contributors=q), Recording("2", contributors=m))

    assert np.isnan(compare(("Aoi",), ("عمر",))), "Aoi has no consonants"
    assert compare(("Aoi", "Omar"), ("عمر", "سعاد")) == compare(("Omar",), ("عمر", "سعاد"))


def test_letters_that_nobody_can_read_are_not_the_same():
    assert compared("title", Recording("1", "\u1390"), Recording("2", "\U0001f9b3")) < 0.5


def test_a_repeated_feature_is_given_twice():
    one, isrc, again = pair_features(
        [Recording("1", "Hello")], [Recording("2", "Hallo")], SAME, CATALOGUE, ("title", "isrc", "title")
    )[0]
    assert one == again == pytest.approx(0.8)
    assert np.isnan(isrc)


def test_a_feature_that_there_is_not_is_refused():
    with pytest.raises(InputError, match="got nonsense"):
        compared("nonsense", Recording("1", "Hello"), Recording("2", "Hello"))


def test_one_credited_artist_in_common_is_seen_among_others():
    q, m = Recording("1", artists=("Adele", "Drake", "Rihanna")), Recording("2", artists=("Drake", "Queen"))
    assert compared("artist_best", q, m) == 1
    assert compared("artist_best", q, Recording("3", artists=("Queen", "Muse"))) < 0.6


def test_contributors_are_found_by_surname_and_by_initial():
    full = Recording("1", contributors=("John Lennon", "Paul McCartney"))
    surnames, initials = (Recording("2", contributors=names) for names in (("Lennon",), ("J. Lennon", "P. McCartney")))
    other_initial = Recording("3", contributors=("S. Lennon",))
    assert compared("contributor_contained", full, surnames) == pytest.approx(1)
    assert compared("contributor_initials", full, initials) == pytest.approx(1)
    assert compared("contributor_initials", full, other_initial) == 0
    assert compared("contributor_words", full, surnames) < 0.5
    assert np.isnan(compared("contributor_initials", full, surnames))


def test_an_artist_among_the_contributors_of_the_other_side():
    q = Recording("1", "Angie", ("Mick Jagger",))
    assert compared("artist_contributes", q, Recording("2", contributors=("Mick Jagger", "Keith Richards"))) == 1
    assert compared("artist_contributes", q, Recording("3", contributors=("Adele",))) == 0


@pytest.mark.parametrize(
    "slipped",
    [
        Recording("2", "The Beatles - Yesterday"),
        Recording("2", "Yesterday - The Beatles"),
        Recording("2", "Yesterday The Beatles Help!"),
        Recording("2", album="Yesterday (The Beatles)"),
        Recording("2", artists=("The Beatles - Yesterday",)),
    ],
)
def test_words_that_slipped_into_other_fields_are_found(slipped):
    whole = Recording("1", "Yesterday", ("The Beatles",))
    other = Recording("3", "Tomorrow", ("Muse",))
    for name in ("title_found", "artist_found", "artist_inside", "all_contained"):
        assert compared(name, whole, slipped) == pytest.approx(1), name
        assert compared(name, other, slipped) < 0.75, name


def test_fields_that_run_together_are_found_by_their_letters():
    whole = Recording("1", "Yesterday", ("Beatles",))
    assert compared("artist_found", whole, Recording("2", "beatlesyesterday")) == 0
    assert compared("artist_inside", whole, Recording("2", "beatlesyesterday")) == 1
    assert compared("artist_inside", whole, Recording("2", "Suspicious Minds")) < 0.7


def test_both_titles_have_to_be_found_in_the_worse_direction():
    q, m = Recording("1", "Yesterday"), Recording("2", "Yesterday Once More")
    assert compared("title_found", q, m) == pytest.approx(1)
    assert compared("titles_found", q, m) < 0.7


# ------------------------------------------------------------------------------------------------- release


@pytest.mark.parametrize(
    ("apart", "duration", "exact"),
    [(0, 1, 1), (1, 1, 0.9), (2, 1, 0.8), (6, 0.5, 0.4), (10, 0, 0), (60, 0, 0)],
)
def test_durations(apart, duration, exact):
    q, m = Recording("1", duration_ms=180_000), Recording("2", duration_ms=180_000 + apart * 1_000)
    assert compared("duration", q, m) == pytest.approx(duration)
    assert compared("duration_exact", q, m) == pytest.approx(exact)
    assert compared("duration_ratio", q, m) == pytest.approx(180 / (180 + apart))


@pytest.mark.parametrize(("q", "m", "expected"), [(1965, 1965, 1), (1965, 1968, 0.7), (1965, 1975, 0), (1965, 2009, 0)])
def test_years(q, m, expected):
    found = compared("year", Recording("1", release_year=q), Recording("2", release_year=m))
    assert found == pytest.approx(expected)


def test_albums_and_labels():
    help_, deluxe = (
        Recording("1", album="Help!", label="EMI"),
        Recording("2", album="Help (Deluxe)", label="EMI Records"),
    )
    other = Recording("3", album="Rumours", label="Warner")
    assert compared("album", help_, Recording("4", album="HELP")) == 1
    assert 0.3 < compared("album", help_, deluxe) < 1
    assert compared("album_words", help_, deluxe) == compared("label", help_, deluxe) == 1
    assert compared("album_words", help_, other) < 0.5
    assert compared("label", help_, other) < 0.5


# --------------------------------------------------------------------------------------------------- codes


def coded(*isrcs, sr_id="1"):
    return Recording(sr_id, isrcs=isrcs)


@pytest.mark.parametrize(
    ("m", "near", "registrant"),
    [
        ("GBAYE6500522", 1, 1),
        ("GBAYE6500512", 1, 1),
        ("GBAYE6500999", 0, 1),
        ("USRC17001234", 0, 0),
        ("GBAYF6500521", 1, 0),
        ("GBAYE6500521", np.nan, np.nan),
    ],
)
def test_conflicting_isrcs_may_be_near_or_of_one_registrant(m, near, registrant):
    q = coded("GBAYE6500521")
    np.testing.assert_equal(compared("isrc_near", q, coded(m, sr_id="2")), float(near))
    np.testing.assert_equal(compared("isrc_registrant", q, coded(m, sr_id="2")), float(registrant))


def test_a_code_inside_an_id_is_compared_with_the_other_sides_codes():
    hidden = coded(sr_id="label_GBAYE6500521")
    assert compared("isrc_in_id", hidden, coded("GBAYE6500521", sr_id="2")) == 1
    assert compared("isrc_in_id", hidden, coded("USRC17001234", sr_id="2")) == 0
    assert compared("isrc_in_id", hidden, coded(sr_id="gbaye6500521")) == 1
    assert np.isnan(compared("isrc_in_id", hidden, coded(sr_id="2")))
    assert np.isnan(compared("isrc_in_id", coded("GBAYE6500521"), coded("GBAYE6500521", sr_id="2")))


def test_what_is_left_of_a_code_is_compared_with_whole_ones():
    assert compared("isrc_fragment", coded("GBAYE65005"), coded("GBAYE6500521", sr_id="2")) == 1
    assert compared("isrc_fragment", coded("GBAYE65005"), coded("USRC17001234", sr_id="2")) == 0
    assert compared("isrc_fragment", coded("GBAYE65005"), coded("GBAYE65005", sr_id="2")) == 1
    assert np.isnan(compared("isrc_fragment", coded("GBAYE65005"), coded(sr_id="2")))
    assert np.isnan(compared("isrc_fragment", coded("GBAYE6500521"), coded("GBAYE6500521", sr_id="2")))


@pytest.mark.parametrize("nothing", ["unknown", "not available", "000000000000", "N/A"])
def test_what_stands_for_no_code_is_no_fragment_of_one(nothing):
    assert np.isnan(compared("isrc_fragment", coded(nothing), coded(nothing, sr_id="2")))
    assert np.isnan(compared("isrc_fragment", coded(nothing), coded("GBAYE0000000", sr_id="2")))


# --------------------------------------------------------------------------------------------------- sound

RANDOM_NAMES = ("Gustav Mahler", "Elvis Presley", "Miyuki Nakajima", "Cesaria Evora", "Bo Diddley")


@pytest.mark.parametrize(
    ("written", "latin", "name"),
    [
        ("大谷智哉", "Tomoya Ohtani", "artist_sound"),
        ("Пётр Чайковский", "Pyotr Tchaikovsky", "artist_sound"),
        ("방탄소년단", "Bangtan Sonyeondan", "artist_sound"),
        ("周杰倫", "Zhou Jielun", "artist_sound"),
        ("Μίκης Θεοδωράκης", "Mikis Theodorakis", "artist_sound"),
        ("עידן רייכל", "Idan Raichel", "artist_consonants"),
    ],
)
def test_a_name_in_another_script_beats_a_random_one_by_far(written, latin, name):
    q = Recording("1", artists=(written,))
    found = compared(name, q, Recording("2", artists=(latin,)))
    others = [compared(name, q, Recording("3", artists=(other,))) for other in RANDOM_NAMES]
    assert found > 0.75
    assert found > max(others) + 0.2


def test_titles_and_contributors_are_compared_by_sound_too():
    assert titles("title_sound", "ライブ", "Raibu") == 1
    assert titles("title_sound", "ライブ", "Suspicious Minds") < 0.5
    q = Recording("1", contributors=("大谷智哉", "中島みゆき"))
    same, other = (
        Recording("2", contributors=names) for names in (("Tomoya Ohtani", "Miyuki Nakajima"), RANDOM_NAMES[:2])
    )
    assert compared("contributor_sound", q, same) > compared("contributor_sound", q, other) + 0.3


def test_latin_names_are_not_compared_by_sound():
    q, m = Recording("1", "Yesterday", ("Beyoncé",)), Recording("2", "Yesterdei", ("Bejonze",))
    assert np.isnan([compared(feature.name, q, m) for feature in GROUPS["sound"].features]).all()


# -------------------------------------------------------------------------------------------------- rarity


def test_a_rare_title_is_more_evidence_than_a_frequent_one():
    intro, rare = Recording("1", "Intro", ("Band",)), Recording("2", "Xylophone Heresy", ("Quillfeather",))
    for feature in GROUPS["rarity"].features:
        assert compared(feature.name, rare, rare) > compared(feature.name, intro, intro) + 0.3, feature.name
    assert compared("title_rarity", intro, rare) == compared("title_rarity", intro, intro)


def test_what_is_not_shared_is_no_evidence():
    q, m = Recording("1", "Xylophone Heresy", ("Quillfeather",)), Recording("2", "Yesterday", ("The Beatles",))
    assert [compared(name, q, m) for name in ("title_evidence", "artist_evidence", "all_evidence")] == [0, 0, 0]


@pytest.mark.parametrize(
    "hostile",
    [
        {"title": "1 " + "⑩" * 2_200},  # unfolds into more digits than Python reads as a number
        {"title": "ab cd" * 800, "album": "dc ba" * 800},
        {"artists": ("a" + " " * 20_000 + "b",)},
        {"isrcs": tuple(f"X{number:08d}" for number in range(5_000))},
        {"contributors": tuple(f"{'ab ' * 1_300}{number}" for number in range(64))},
    ],
    ids=["digits", "long texts", "blanks", "malformed codes", "many words"],
)
def test_fields_that_nobody_would_write_are_compared_all_the_same(hostile):
    found = pair_features([Recording("1", **hostile)], [Recording("2", "Song", ("Band",))], SAME, CATALOGUE)
    assert found.shape == (1, len(NAMES))
