"""Recordings that are kept ready are compared as those that are read anew, whoever asks, in whatever order."""

import asyncio
import shutil
import sqlite3
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import numpy as np
import pytest
from fastapi.testclient import TestClient
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.errors import UnknownRecordingError
from catalog.paths import DataFolder
from catalog.recording import Recording
from embeddings.encoder import Encoder
from index.exact import pair_cosines
from matching import kept, wordbags
from matching.columns import GrowingColumn, Numbered, NumberedSets
from matching.features import NAMES, pair_features
from matching.kept import KeptRecordings
from matching.prepared import prepare
from matching.rarity import BUCKETS, Rarity
from matching.table import RecordingTable
from matching.upkeep import Delivery, add
from matching.wordbags import WordBags
from service import warming
from service.app import create_app
from service.settings import Settings
from training.pairs import read_groundtruth


@pytest.fixture(scope="module")
def pairs(matcher, sample_folder):
    found = read_groundtruth(sample_folder.groundtruth, matcher.catalog)
    return [(q.sr_id, m.sr_id) for q, m in zip(found.q[:300], found.m[:300], strict=True)]


def computed_anew(matcher, pairs):
    q, m = ([matcher.catalog.get(pair[side]) for pair in pairs] for side in (0, 1))
    vectors = [matcher.snapshot.vectors_of(matcher.snapshot.rows_of([each.sr_id for each in side])) for side in (q, m)]
    return pair_features(q, m, pair_cosines(*vectors), matcher.model.rarity, matcher.model.classifier.features)


@pytest.mark.parametrize("step", [1, 7, 150])
def test_a_table_that_grows_gives_the_features_of_one_made_at_once(matcher, pairs, step):
    expected = computed_anew(matcher, pairs)
    matcher.recordings = KeptRecordings(matcher.catalog, matcher.snapshot, matcher.model.rarity)
    found = [matcher.features(pairs[start : start + step]) for start in range(0, len(pairs), step)]
    np.testing.assert_array_equal(np.concatenate(found), expected)
    np.testing.assert_array_equal(matcher.features(pairs[::-1])[::-1], expected)


def test_what_a_classifier_never_looks_at_changes_nothing(matcher, pairs):
    classifier = matcher.model.classifier
    assert classifier.looked_at < set(NAMES)
    features = computed_anew(matcher, pairs)
    np.testing.assert_array_equal(matcher.judge(pairs).probabilities, classifier.match_probabilities(features))
    unseen = [place for place, name in enumerate(classifier.features) if name not in classifier.looked_at]
    features[:, unseen] = np.random.default_rng(1).random((len(pairs), len(unseen)))
    np.testing.assert_array_equal(matcher.judge(pairs).probabilities, classifier.match_probabilities(features))
    assert (classifier.contributions(features)[:, unseen] == 0).all()


def test_when_there_are_too_many_all_but_those_asked_about_go(matcher, pairs, monkeypatch):
    expected = matcher.judge(pairs).probabilities
    monkeypatch.setattr(kept, "MOST_KEPT", 20)
    matcher.recordings = KeptRecordings(matcher.catalog, matcher.snapshot, matcher.model.rarity)
    found = []
    for start in range(0, len(pairs), 5):
        found.append(matcher.judge(pairs[start : start + 5]).probabilities)
        assert len(matcher.recordings) <= 20
    np.testing.assert_array_equal(np.concatenate(found), expected)
    np.testing.assert_array_equal(matcher.judge(pairs).probabilities, expected)  # more than there is room for
    of_all = {sr_id for pair in pairs for sr_id in pair}
    assert len(matcher.recordings) == len(of_all) > 20
    others = [sr_id for sr_id in matcher.snapshot.ids_of(np.arange(200)) if sr_id not in of_all][:3]
    matcher.judge([(others[0], pairs[0][0]), (others[1], others[2])])
    assert len(matcher.recordings) == 4


def test_what_is_unknown_makes_no_room(matcher, pairs, monkeypatch):
    monkeypatch.setattr(kept, "MOST_KEPT", 20)
    matcher.recordings = KeptRecordings(matcher.catalog, matcher.snapshot, matcher.model.rarity)
    known = list(dict.fromkeys(sr_id for pair in pairs for sr_id in pair))[:20]
    matcher.recordings.take(known)
    with pytest.raises(UnknownRecordingError):
        matcher.recordings.take([known[0], "nobody"])
    assert len(matcher.recordings) == 20
    held = matcher.recordings.take(known)
    assert held.recordings() == [matcher.catalog.get(sr_id) for sr_id in known]
    assert len(held.table) == 21  # and the one that all columns were made with


@pytest.mark.parametrize("most", [40, 65_536])
def test_many_threads_get_the_same_answers(matcher, pairs, monkeypatch, most):
    expected = dict(zip(pairs, matcher.judge(pairs).probabilities.tolist(), strict=True))
    monkeypatch.setattr(kept, "MOST_KEPT", most)
    matcher.recordings = KeptRecordings(matcher.catalog, matcher.snapshot, matcher.model.rarity)
    begin = threading.Barrier(8)

    def ask(seed):
        order = np.random.default_rng(seed).permutation(len(pairs)).tolist()
        begin.wait()
        for start in range(0, len(order), 10):
            some = [pairs[place] for place in order[start : start + 10]]
            assert matcher.judge(some).probabilities.tolist() == [expected[pair] for pair in some]

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(ask, range(8)))
    assert len(matcher.recordings) <= most
    held = matcher.recordings.take([pairs[0][0]])
    assert len(held.table) == len(matcher.recordings) + 1, "nothing is held twice"


def test_unknown_recordings_are_named_and_nothing_is_kept_of_them(matcher, pairs):
    recordings = KeptRecordings(matcher.catalog, matcher.snapshot, matcher.model.rarity)
    known = pairs[0][0]
    assert recordings.unknown([known, "nobody", known, ""]) == {"nobody", ""}
    with pytest.raises(UnknownRecordingError) as error:
        recordings.take([known, "nobody", "no one"])
    assert error.value.sr_id == "nobody"
    assert len(recordings) == 0
    assert recordings.take([known, known]).recordings() == [matcher.catalog.get(known)] * 2
    assert len(recordings) == 1
    assert len(recordings.take([]).rows) == 0


def test_a_table_whose_column_cannot_be_read_stays_as_it_was_and_takes_no_more():
    table = RecordingTable([Recording("a", "One")], Rarity.of_counts(np.zeros(BUCKETS, dtype=np.uint32), 1))

    def length(prepared):
        return len(prepared.recording.title)

    def letters(prepared):
        return tuple(prepared.recording.sr_id)

    assert table.sets(letters).values == ["a"]
    assert table.integers(length).tolist() == [3]
    with pytest.raises(TypeError):
        table.add([prepare(Recording("b"))])
    with pytest.raises(RuntimeError):
        table.add([prepare(Recording("c", "Three"))])
    assert len(table) == 1
    assert table.integers(length)[0] == 3


def test_a_recording_that_cannot_be_read_leaves_the_others_usable(matcher, pairs, monkeypatch):
    expected = matcher.judge(pairs).probabilities
    matcher.recordings = KeptRecordings(matcher.catalog, matcher.snapshot, matcher.model.rarity)
    matcher.judge(pairs[:10])
    read, broken = WordBags.add, []

    def add(self, words):
        if not broken:
            broken.append(True)
            raise MemoryError
        read(self, words)

    monkeypatch.setattr(WordBags, "add", add)
    with pytest.raises(MemoryError):
        matcher.judge(pairs)
    np.testing.assert_array_equal(matcher.judge(pairs).probabilities, expected)


def test_many_shared_words_are_weighed_part_by_part(matcher, pairs, monkeypatch):
    expected = matcher.features(pairs)
    monkeypatch.setattr(wordbags, "_MOST_CELLS", 500)
    np.testing.assert_array_equal(matcher.features(pairs), expected)


@given(st.lists(st.lists(st.text(max_size=2), max_size=3), max_size=12))
def test_values_keep_their_numbers_when_others_come(batches):
    grown = Numbered()
    for batch in batches:
        before = grown.rows
        copied = before.copy()
        grown.add(batch)
        np.testing.assert_array_equal(before, copied)
    column = [value for batch in batches for value in batch]
    at_once = Numbered(column)
    assert grown.values == at_once.values == list(dict.fromkeys(filter(None, column)))
    assert grown.rows.tolist() == at_once.rows.tolist()
    assert [grown.values[row] if row >= 0 else "" for row in grown.rows] == column


@given(st.lists(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), max_size=4), max_size=8))
def test_sets_keep_their_numbers_when_others_come(batches):
    grown, at_once = NumberedSets(), NumberedSets([each for batch in batches for each in batch])
    for batch in batches:
        grown.add(batch)
    assert (grown.values, len(grown)) == (at_once.values, len(at_once))
    for name in ("members", "starts", "counts"):
        np.testing.assert_array_equal(getattr(grown, name), getattr(at_once, name))
    for start, count, expected in zip(
        grown.starts, grown.counts, [each for batch in batches for each in batch], strict=True
    ):
        assert [grown.values[place] for place in grown.members[start : start + count]] == list(expected)


@settings(max_examples=25)
@given(st.lists(st.integers(0, 200), max_size=6), st.sampled_from([None, 1, 3]))
def test_arrays_that_were_read_stay_as_they_are(sizes, width):
    grown, expected = GrowingColumn(np.int64, width), np.zeros((0,) if width is None else (0, width), dtype=np.int64)
    for size in sizes:
        before, copied = grown.array, grown.array.copy()
        more = np.arange(size * (width or 1)).reshape((size,) if width is None else (size, width))
        grown.add(more)
        expected = np.concatenate((expected, more))
        np.testing.assert_array_equal(grown.array, expected)
        np.testing.assert_array_equal(before, copied)


def kept_after(client, condition=lambda matcher: len(matcher.recordings) == len(matcher.snapshot)):
    matcher = client.app.state.matcher_source.opened.matcher
    deadline = time.monotonic() + 20
    while not condition(matcher) and time.monotonic() < deadline:
        time.sleep(0.05)
    return len(matcher.recordings)


def test_a_small_catalogue_is_read_before_anybody_asks(tiny_data):
    with TestClient(create_app(Settings(tiny_data))) as client:
        assert kept_after(client) == client.get("/ready").json()["recordings"]


def test_of_a_large_catalogue_only_what_is_asked_about_is_kept(tiny_data, monkeypatch):
    monkeypatch.setattr(warming, "MOST_KEPT", 3)
    with TestClient(create_app(Settings(tiny_data))) as client:
        assert client.get("/?q_sr_id=123&m_sr_id=456").status_code == 200
        time.sleep(0.5)
        assert kept_after(client, bool) <= 3


def test_what_cannot_be_read_in_advance_is_passed_over(tiny_data, monkeypatch, caplog):
    monkeypatch.setattr(warming, "_AT_ONCE", 1)
    read = KeptRecordings.read_ahead

    def read_ahead(self, start, stop):
        if start == 2:
            raise ValueError("not this one")
        read(self, start, stop)

    monkeypatch.setattr(KeptRecordings, "read_ahead", read_ahead)
    with TestClient(create_app(Settings(tiny_data))) as client:
        n_rows = client.get("/ready").json()["recordings"]
        assert kept_after(client, lambda matcher: len(matcher.recordings) == n_rows - 1) == n_rows - 1
    assert "not this one" in caplog.text


def test_what_was_added_since_the_rebuild_is_read_in_advance_too(tiny_data, tmp_path):
    folder = DataFolder.at(shutil.copytree(tiny_data.root, tmp_path / "data"))
    delivered = tmp_path / "more.csv"
    delivered.write_text("sr_id,title,artists\nnew,Something New,Somebody\n123,Yesterday,Beatles\n")
    add(folder, Delivery([delivered]), Encoder.load)
    with TestClient(create_app(Settings(folder))) as client:
        assert kept_after(client) == client.get("/ready").json()["recordings"]
        assert client.app.state.matcher_source.opened.matcher.recordings.unknown(["new"]) == set()


def test_a_lock_on_the_catalogue_stops_only_who_asks_for_what_is_not_kept(tiny_data, tmp_path, monkeypatch):
    monkeypatch.setattr(warming, "MOST_KEPT", 3)
    folder = DataFolder.at(shutil.copytree(tiny_data.root, tmp_path / "data"))
    kept, cold = (
        "/?q_sr_id=123&m_sr_id=456",
        ("/?q_sr_id=q1&m_sr_id=m1", "/pairs?q_sr_id=q2&m_sr_id=m2", "/recordings/q3"),
    )
    with TestClient(create_app(Settings(folder))) as client, ThreadPoolExecutor(len(cold)) as threads:
        expected = client.get(kept).json()
        with closing(sqlite3.connect(folder.catalog, isolation_level=None)) as owner:
            owner.execute("BEGIN EXCLUSIVE")
            waiting = [threads.submit(client.get, path) for path in cold]
            time.sleep(0.5)
            assert client.get("/live").status_code == 200
            assert client.get(kept).json() == expected
            assert not any(each.done() for each in waiting)
            owner.execute("COMMIT")
        assert [each.result().status_code for each in waiting] == [200, 200, 200]


def test_one_that_has_gone_since_spoils_no_other(tiny_data, tmp_path, monkeypatch):
    monkeypatch.setattr(warming, "MOST_KEPT", 3)
    folder = DataFolder.at(shutil.copytree(tiny_data.root, tmp_path / "data"))
    with TestClient(create_app(Settings(folder))) as client, ThreadPoolExecutor(2) as threads:
        read = KeptRecordings._stored

        def stored(self, sr_ids):
            if "q1" in sr_ids:
                raise UnknownRecordingError("q1")
            return read(self, sr_ids)

        monkeypatch.setattr(KeptRecordings, "_stored", stored)
        asked = [threads.submit(client.get, f"/?q_sr_id=q{number}&m_sr_id=m{number}") for number in (1, 2)]
        assert [each.result().status_code for each in asked] == [404, 200]


def test_who_hangs_up_while_their_recording_is_read_disturbs_nothing(tiny_data, tmp_path, monkeypatch):
    monkeypatch.setattr(warming, "MOST_KEPT", 3)
    folder = DataFolder.at(shutil.copytree(tiny_data.root, tmp_path / "data"))

    def stored(*_):
        time.sleep(0.3)
        raise UnknownRecordingError("q1")

    async def hung_up(batching):
        asking = asyncio.create_task(batching.judge("/", ("q1", "m1")))
        while not batching._reading:
            await asyncio.sleep(0.01)
        reading = list(batching._reading)
        asking.cancel()
        return await asyncio.gather(*reading, return_exceptions=True)

    with TestClient(create_app(Settings(folder))) as client:
        client.get("/?q_sr_id=123&m_sr_id=456")
        with monkeypatch.context() as patched:
            patched.setattr(KeptRecordings, "_stored", stored)
            assert client.portal.call(hung_up, client.app.state.batching) == [None]
        assert client.app.state.matcher_source.opened.users == 0
