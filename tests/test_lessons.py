"""What is learnt from: each pair as other catalogues would hold it, written down and read again."""

from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import load_file, save_file

from catalog.errors import DamagedArtefactError
from catalog.recording import Recording
from embeddings.encoder import Encoder
from index.exact import pair_cosines
from matching.features import NAMES, pair_features
from matching.model import LESSONS_FILE
from matching.rarity import Rarity
from training.lessons import Lessons, labelled_features, lessons_of
from training.pairs import LabelledPairs
from training.views import AS_IT_IS, VIEWS, in_view

BY_NAME = {view.name: view for view in VIEWS}
TEXT = st.text(max_size=12)
RECORDING = st.builds(
    Recording,
    sr_id=st.text(min_size=1, max_size=20),
    title=st.none() | TEXT,
    artists=st.lists(TEXT, max_size=2).map(tuple),
    contributors=st.lists(TEXT, max_size=2).map(tuple),
    isrcs=st.lists(TEXT, max_size=2).map(tuple),
    album=st.none() | TEXT,
    label=st.none() | TEXT,
    duration_ms=st.none() | st.integers(1, 10**7),
    release_year=st.none() | st.integers(1900, 2030),
    language=st.none() | TEXT,
)
FULL = Recording(
    "label_GBAYE6500521",
    "Yesterday",
    ("The Beatles",),
    ("GBAYE6500521",),
    ("John Lennon",),
    "Help!",
    125_000,
    1965,
    "EMI",
)


def recording(number, title="Song"):
    artists, writer = (f"Band {number % 7}",), (f"Writer {number % 5}",)
    return Recording(
        f"{title}{number}", f"{title} {number}", artists, (f"GBAYE65{number:05d}",), writer, "Album", 180_000
    )


@pytest.fixture(scope="module")
def taught():
    """Pairs, what they are encoded and weighed with, and the lessons that they give."""
    q = [recording(number) for number in range(200)]
    m = [recording(number + (number % 2), "Song Nr.") for number in range(200)]
    pairs = LabelledPairs(q, m, np.arange(200) % 2 == 0, [])
    encoder, rarity = Encoder.fit([*q, *m]), Rarity.fit([*q, *m])
    positions = np.linspace(0, 0.99, 200)
    return pairs, encoder, rarity, lessons_of(pairs, positions, encoder, rarity)


# --------------------------------------------------------------------------------------------------- views


@pytest.mark.parametrize("view", VIEWS, ids=[view.name for view in VIEWS])
@settings(max_examples=100)
@given(recording=RECORDING)
def test_a_view_is_pure(view, recording):
    before = replace(recording)
    assert view.change(recording) == view.change(recording)
    assert recording == before


@pytest.mark.parametrize(
    ("name", "missing"),
    [
        (AS_IT_IS, set()),
        ("without_isrcs", {"sr_id", "isrcs"}),
        ("without_contributors", {"contributors"}),
        ("without_release", {"album", "label", "release_year", "duration_ms"}),
        ("texts_only", {"sr_id", "isrcs", "contributors"}),
        (
            "titles_and_artists",
            {"sr_id", "isrcs", "contributors", "album", "label", "release_year", "duration_ms"},
        ),
    ],
)
def test_a_view_leaves_out_what_its_name_says_and_nothing_else(name, missing):
    changed = BY_NAME[name].change(FULL)
    for field in fields(FULL):
        before, after = getattr(FULL, field.name), getattr(changed, field.name)
        assert after in ("", (), None) if field.name in missing else after == before, field.name


def test_where_codes_are_left_out_the_id_that_may_hold_one_is_too():
    for view in VIEWS:
        changed = view.change(FULL)
        assert changed.isrcs or not changed.sr_id, view.name


def test_what_slips_into_other_fields_keeps_its_words():
    slips = set()
    for number in range(200):
        original = replace(FULL, sr_id=f"id{number}")
        changed = BY_NAME["slipped"].change(original)
        assert changed.title or changed.album
        said = " ".join(filter(None, (changed.title, *changed.artists, changed.album)))
        assert "Yesterday" in said
        assert "Help!" in said
        slips.add(("The Beatles" in said, changed.artists == (), changed.title == "Yesterday", changed.album))
        assert not changed.isrcs
        assert not changed.contributors
    assert len(slips) >= 6


@pytest.mark.parametrize("name", ["careless", "slipped_and_careless"])
def test_every_recording_has_its_own_mistakes(name):
    changed = [BY_NAME[name].change(replace(FULL, sr_id=f"id{number}")) for number in range(300)]
    assert len(set(changed)) > 60
    assert len({recording.title for recording in changed}) > 30
    typed = [recording for recording in changed if recording.title == BY_NAME["texts_only"].change(FULL).title]
    assert len(typed) < 300
    assert not any(recording.isrcs or recording.sr_id or recording.contributors for recording in changed)


@settings(max_examples=100)
@given(RECORDING)
def test_slipping_invents_no_field_for_a_recording_without_any(recording):
    empty = Recording(recording.sr_id)
    changed = BY_NAME["slipped"].change(empty)
    assert not changed.artists
    assert len((changed.title or "").split()) <= 1, "a track number at most"


@given(st.sampled_from(VIEWS), st.text(max_size=9), st.text(max_size=9), st.floats(0, 1))
def test_a_pair_is_chosen_for_a_view_whatever_its_order(view, q, m, share):
    assert in_view(view, q, m, share) == in_view(view, m, q, share)
    assert in_view(view, q, m, 1)
    assert in_view(view, q, m, 0) == (view.name == AS_IT_IS)


def test_about_the_wanted_share_of_pairs_is_chosen_and_another_one_for_every_view():
    chosen = {
        view.name: [in_view(view, str(number), "x", 0.25) for number in range(4_000)]
        for view in VIEWS
        if view.name != AS_IT_IS
    }
    assert all(0.22 < np.mean(rows) < 0.28 for rows in chosen.values())
    assert len({tuple(rows) for rows in chosen.values()}) == len(chosen)


# -------------------------------------------------------------------------------------------------- lessons


def test_every_pair_is_a_lesson_as_it_is_and_some_in_other_views(taught):
    pairs, _, _, lessons = taught
    assert lessons.as_it_is.sum() == len(pairs)
    expected = len(pairs) * (1 + 0.25 * (len(VIEWS) - 1))
    assert 0.8 * expected < len(lessons) < 1.2 * expected
    np.testing.assert_array_equal(lessons.valid[lessons.as_it_is], pairs.valid)
    assert lessons.features.shape == (len(lessons), len(NAMES))


def test_a_lesson_keeps_the_label_and_the_position_of_its_pair(taught):
    pairs, _, _, lessons = taught
    label_at = dict(zip(np.linspace(0, 0.99, 200), pairs.valid, strict=True))
    assert [label_at[position] for position in lessons.positions] == lessons.valid.tolist()
    assert len(set(lessons.positions[~lessons.as_it_is])) > 100


def test_lessons_of_other_views_have_their_columns_missing(taught):
    lessons = taught[-1]
    isrc, contributors = (lessons.features[:, NAMES.index(name)] for name in ("isrc", "contributors"))
    assert not np.isnan(isrc[lessons.as_it_is]).any()
    assert not np.isnan(contributors[lessons.as_it_is]).any()
    others = ~lessons.as_it_is
    assert 0.3 < np.isnan(isrc[others]).mean() < 0.9
    assert 0.3 < np.isnan(contributors[others]).mean() < 0.9
    assert not np.isnan(lessons.features[others]).all(axis=1).any()


def test_features_of_labelled_pairs_are_those_of_the_service(taught):
    pairs, encoder, rarity, lessons = taught
    vectors = [encoder.encode(side).astype(np.float16) for side in (pairs.q, pairs.m)]
    expected = pair_features(pairs.q, pairs.m, pair_cosines(*vectors), rarity)
    np.testing.assert_array_equal(labelled_features(pairs, encoder, rarity), expected)
    np.testing.assert_array_equal(lessons.features[lessons.as_it_is], expected)
    none = pairs.take(np.zeros(0, dtype=np.int64))
    assert labelled_features(none, encoder, rarity).shape == (0, len(NAMES))


def test_lessons_are_the_same_whenever_they_are_made(taught):
    pairs, encoder, rarity, lessons = taught
    again = lessons_of(pairs, np.linspace(0, 0.99, 200), encoder, rarity)
    for field in fields(Lessons):
        np.testing.assert_array_equal(getattr(again, field.name), getattr(lessons, field.name))


def test_some_rows_and_some_columns(taught):
    lessons = taught[-1]
    rows = lessons.valid & lessons.as_it_is
    kept = lessons.take(rows).columns(("isrc", "title"))
    assert kept.features.shape == (rows.sum(), 2)
    np.testing.assert_array_equal(kept.features[:, 1], lessons.features[rows, NAMES.index("title")])
    assert kept.valid.all()


@pytest.mark.parametrize("order", ["C", "F"])
def test_a_round_trip_changes_nothing(taught, tmp_path, order):
    lessons = replace(taught[-1], features=np.array(taught[-1].features, order=order))
    lessons.save(tmp_path / LESSONS_FILE)
    again = Lessons.load(tmp_path / LESSONS_FILE)
    for field in fields(Lessons):
        found, expected = getattr(again, field.name), getattr(lessons, field.name)
        np.testing.assert_array_equal(found, expected)
        assert found.dtype == expected.dtype


@pytest.mark.parametrize("damage", ["absent", "rubbish", "cut", "lacking", "more", "uneven", "narrow", "other names"])
def test_a_damaged_file_is_refused(taught, tmp_path, damage):
    path = tmp_path / LESSONS_FILE
    taught[-1].save(path)
    arrays, names = load_file(path), "|".join(NAMES)
    if damage == "absent":
        path.unlink()
    elif damage in ("rubbish", "cut"):
        path.write_bytes(b"no lessons" if damage == "rubbish" else path.read_bytes()[:5_000])
    elif damage == "lacking":
        del arrays["valid"]
    elif damage == "more":
        arrays["colour"] = arrays["valid"]
    elif damage == "uneven":
        arrays["valid"] = arrays["valid"][:-1].copy()
    elif damage == "narrow":
        arrays["features"] = arrays["features"][:, :5].copy()
    else:
        names = "|".join(reversed(NAMES))
    if damage not in ("absent", "rubbish", "cut"):
        save_file(arrays, path, {"names": names})
    with pytest.raises(DamagedArtefactError, match=r"lessons\.safetensors.*run onemaster train"):
        Lessons.load(path)
