"""How rare words are in a catalogue: counted once a recording, falling with the count, the same after a round trip."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import save_file

from catalog.errors import DamagedArtefactError
from catalog.normalize import normalize
from catalog.recording import Recording
from matching.rarity import BUCKETS, Rarity, bucket_of, whole_title

RECORDINGS = [
    Recording("1", "Intro", ("Adele",), contributors=("Paul Jones",), album="Help"),
    Recording("2", "Intro Intro", ("Drake",)),
    Recording("3", "Long Intro", ("Drake", "Adele")),
    Recording("4", "Xylophone Heresy", ("Drake",)),
    Recording("5"),
]


def count_of(rarity, word):
    return int(rarity.counts[bucket_of(word)])


def weight_of(rarity, word):
    return float(rarity.weights[bucket_of(word)])


def test_a_recording_counts_a_word_once_whatever_its_fields():
    rarity = Rarity.fit(iter(RECORDINGS))
    assert rarity.recordings == 5
    words = ("intro", "drake", "adele", "jones", "help", "xylophone", "nowhere")
    assert [count_of(rarity, word) for word in words] == [3, 3, 2, 1, 1, 1, 0]
    assert [count_of(rarity, whole_title(title)) for title in ("intro", "intro intro", "long")] == [1, 1, 0]


def test_rarer_words_weigh_more_between_all_and_nothing():
    rarity = Rarity.fit(RECORDINGS)
    weights = [weight_of(rarity, word) for word in ("intro", "adele", "xylophone")]
    assert weights == sorted(weights)
    assert len(set(weights)) == 3
    assert weights[-1] == 1
    everywhere = Rarity.fit([Recording(str(number), "Intro") for number in range(10_000)])
    assert weight_of(everywhere, "intro") < 0.01
    assert weight_of(everywhere, "nowhere") == 1


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(0, 2**32 - 1), min_size=2, max_size=50), st.integers(1, 2**31))
def test_weights_fall_as_counts_rise_and_stay_between_0_and_1(found, recordings):
    counts = np.zeros(BUCKETS, dtype=np.uint32)
    counts[: len(found)] = sorted(found)
    weights = Rarity.of_counts(counts, recordings).weights
    assert (np.diff(weights[: len(found)]) <= 0).all()
    assert ((weights >= 0) & (weights <= 1)).all()
    assert weights.dtype == np.float32


def test_an_empty_catalogue_says_nothing_about_any_word():
    rarity = Rarity.fit([])
    assert rarity.recordings == 0
    assert len(set(rarity.weights.tolist())) == 1
    assert 0 < weight_of(rarity, "intro") <= 1


def test_many_recordings_are_counted_in_batches():
    rarity = Rarity.fit(Recording(str(number), f"Word{number % 100} Song") for number in range(50_000))
    assert (rarity.recordings, count_of(rarity, "song"), count_of(rarity, "word7")) == (50_000, 50_000, 500)


@given(st.text(max_size=20))
def test_a_whole_title_is_no_word_and_buckets_are_in_range(text):
    words = normalize(text).split()
    assert all(0 <= bucket_of(word) < BUCKETS for word in words)
    assert whole_title(normalize(text)) not in words


def test_a_round_trip_changes_nothing(tmp_path):
    rarity = Rarity.fit(RECORDINGS)
    rarity.save(tmp_path / "rarity.safetensors")
    again = Rarity.load(tmp_path / "rarity.safetensors")
    np.testing.assert_array_equal(again.counts, rarity.counts)
    np.testing.assert_array_equal(again.weights, rarity.weights)
    assert again.recordings == rarity.recordings


@pytest.mark.parametrize(
    "arrays",
    [
        {"counts": np.zeros(BUCKETS, dtype=np.uint32)},
        {"recordings": np.zeros(1, dtype=np.int64)},
        {"counts": np.zeros(7, dtype=np.uint32), "recordings": np.zeros(1, dtype=np.int64)},
        {"counts": np.zeros(BUCKETS, dtype=np.float32), "recordings": np.zeros(1, dtype=np.int64)},
        {"counts": np.zeros(BUCKETS, dtype=np.uint32), "recordings": np.zeros(2, dtype=np.int64)},
    ],
)
def test_a_file_of_another_form_is_refused(tmp_path, arrays):
    save_file(arrays, tmp_path / "rarity.safetensors")
    with pytest.raises(DamagedArtefactError, match=r"rarity\.safetensors.*run onemaster train"):
        Rarity.load(tmp_path / "rarity.safetensors")


@pytest.mark.parametrize("damage", ["absent", "rubbish", "cut"])
def test_a_damaged_file_is_refused(tmp_path, damage):
    path = tmp_path / "rarity.safetensors"
    Rarity.fit(RECORDINGS).save(path)
    if damage == "absent":
        path.unlink()
    else:
        path.write_bytes(b"no counts" if damage == "rubbish" else path.read_bytes()[:1_000])
    with pytest.raises(DamagedArtefactError, match="run onemaster train"):
        Rarity.load(path)
