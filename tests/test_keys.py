"""Rare keys and ISRCs in the published index: against comparing everything, and against the whole-catalogue run."""

import csv
import shutil

import numpy as np
import pytest
import tiny
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from catalog.artefacts import current_version
from catalog.errors import DamagedArtefactError, MismatchedArtefactError, RejectedBuildError
from catalog.manifest import read_json, sha256_file, write_json
from catalog.paths import DataFolder
from catalog.store import Catalog, write_catalog
from embeddings.encoder import Encoder
from embeddings.text import recording_text
from index import key_build, key_index, kinds
from index.codes import MOST_WITH_A_CODE, CodeIndex, Codes
from index.completeness import pair_completeness
from index.key_build import build_keys
from index.key_index import KeyBlock, most_alike
from index.key_search import KEY_FILES, KeyIndex
from index.key_weights import BUDGET, information, squared_lengths
from index.kinds import FLAT, HNSW, IVFPQ, KEYS
from index.live import LiveIndex
from index.postings import GrowingArray
from index.rare_keys import Keys
from index.rebuild import RebuildOptions, rebuild
from index.snapshot import Snapshot
from matching.matcher import Matcher
from matching.model import Model
from training.pairs import some_valid_pairs

WORDS = st.sampled_from(["yesterday", "love", "rain", "the", "夜の歌", "ночь", "a", "live", "song", "№5", "ii", ""])
TEXTS = st.lists(st.lists(WORDS, max_size=5).map(" ".join), min_size=1, max_size=12)


def rebuilt(folder, kind=KEYS, min_recall=0.5):
    model = Model.load(current_version(folder.models))
    with Catalog.open(folder.catalog, folder.copies) as catalog:
        encoder = Encoder.load(model.encoder_folder)
        return rebuild(catalog, encoder, model.version, folder.index, RebuildOptions(kind, min_recall))


@pytest.fixture(scope="module")
def keyed_folder(sample_folder, tmp_path_factory):
    """The sample with an index of rare keys; tests only read it."""
    folder = DataFolder.at(tmp_path_factory.mktemp("keyed"), catalog=sample_folder.catalog, models=sample_folder.models)
    rebuilt(folder, min_recall=0.98)
    return folder


@pytest.fixture(scope="module")
def snapshot(keyed_folder):
    return Snapshot.load(current_version(keyed_folder.index))


@pytest.fixture(scope="module")
def texts(keyed_folder):
    with Catalog.open(keyed_folder.catalog, keyed_folder.copies) as catalog:
        return list(map(recording_text, catalog))


@pytest.fixture
def copied(sample_folder, tmp_path):
    shutil.copytree(sample_folder.root, tmp_path / "data")
    return DataFolder.at(tmp_path / "data")


def small_catalogue(tmp_path, sample_folder, rows):
    folder = DataFolder.at(tmp_path, models=sample_folder.models)
    write_catalog(folder.catalog, rows)
    return folder


def similarity_by_sets(index, q, m):
    """The cosine of two recordings' keys, those left out that neither shares with anybody."""
    q, m = (dict(zip(keys.hashes.tolist(), information(keys, len(index)), strict=True)) for keys in (q, m))
    frequencies = dict(zip(index.keys.hashes.tolist(), index.keys.frequencies.tolist(), strict=True))
    shared = q.keys() & m.keys()
    lengths = [sum(w**2 for key, w in side.items() if key in shared or frequencies[key] > 1) for side in (q, m)]
    return sum(q[key] ** 2 for key in shared) / np.sqrt(lengths[0] * lengths[1])


def test_a_query_agrees_with_the_search_of_the_whole_catalogue(snapshot, monkeypatch):
    monkeypatch.setattr(key_index, "_LEAST_BITS", 25)  # so that few keys share a bucket by chance
    index, rows = snapshot.searcher, np.arange(0, len(snapshot), 31)
    block = KeyBlock.build([Keys(index.keys.starts, index.keys.hashes, index.keys.frequencies)], 0, len(index))
    expected, found = most_alike(index.keys_at(rows), [block], 3_000), index.search(index.keys_at(rows), 3_000)
    ours, theirs = (
        {(q, m): similarity for q, m, similarity in zip(*vars(each).values(), strict=True) if rows[q] != m}
        for each in (found, expected)
    )
    assert ours.keys() <= theirs.keys()
    assert len(theirs) < 1.01 * len(ours)
    assert np.mean([abs(theirs[pair] - ours[pair]) < 1e-5 for pair in ours]) > 0.99


def test_similarities_are_the_cosines_of_keys(snapshot):
    index, rows = snapshot.searcher, np.arange(5, len(snapshot), 301)
    found = index.search(index.keys_at(rows), 1_000)
    asked_by_all = index.keys_at(rows)
    for place, row, similarity in list(zip(found.q, found.rows, found.similarities, strict=True))[::17]:
        q = asked_by_all.part(place, place + 1)
        if (q.frequencies.astype(int) - 1).sum() < BUDGET:
            expected = similarity_by_sets(index, q, index.keys_at(np.array([row])))
            assert similarity == pytest.approx(expected, abs=1e-5)


def test_one_query_or_many_and_a_row_or_its_text_are_the_same(snapshot, texts):
    rows = np.arange(0, len(snapshot), 97)
    queries = snapshot.vectors[rows].astype(np.float32)
    together = snapshot.nearest(queries, 20, own_rows=rows)
    by_text = snapshot.nearest(queries, 20, own_rows=rows, texts=[texts[row] for row in rows])
    np.testing.assert_array_equal(together.rows, by_text.rows)
    for place, row in enumerate(rows):
        alone = snapshot.nearest(queries[[place]], 20, own_rows=np.array([row]))
        np.testing.assert_array_equal(alone.rows[0], together.rows[place])
        np.testing.assert_array_equal(alone.cosines[0], together.cosines[place])
    assert not (together.rows == rows[:, None]).any()
    exact = np.einsum("qd,qkd->qk", queries, snapshot.vectors[together.rows].astype(np.float32))
    present = together.rows >= 0
    np.testing.assert_allclose(together.cosines[present], np.minimum(exact, 1)[present], atol=1e-6)
    assert (np.diff(np.nan_to_num(together.cosines, nan=-2), axis=1) <= 0).all()


def test_a_text_that_the_catalogue_does_not_hold_finds_the_recording_that_alone_has_its_words(snapshot, texts):
    row = next(row for row in range(len(texts)) if "yesterday" not in texts[row].lower() and len(texts[row]) > 60)
    text = f"{texts[row]} zzyzx"
    found = snapshot.nearest(snapshot.vectors[[row]].astype(np.float32), 5, texts=[text])
    assert row in found.rows[0]


def test_without_a_row_and_a_text_every_vector_is_compared(snapshot):
    queries = snapshot.vectors[:40].astype(np.float32)
    everything = np.minimum(queries @ snapshot.vectors.T.astype(np.float32), 1)
    expected = -np.sort(-everything, axis=1)[:, :10]
    np.testing.assert_allclose(snapshot.nearest(queries, 10).cosines, expected, atol=1e-6)
    own = np.where(np.arange(40) % 2, np.arange(40), -1)
    assert not (snapshot.nearest(queries, 10, own_rows=own).rows[1::2] == own[1::2, None]).any()


def test_keys_find_more_true_pairs_than_exact_search(snapshot, sample_folder):
    with (sample_folder.root / "truth.csv").open(encoding="utf-8", newline="") as file:
        masters = {row["sr_id"]: row["master_id"] for row in csv.DictReader(file)}
    of = np.array([masters[sr_id] for sr_id in snapshot.ids_of(np.arange(len(snapshot)))])
    rows = np.arange(len(snapshot))
    exact = Snapshot.load(current_version(sample_folder.index))
    queries = snapshot.vectors.astype(np.float32)
    found = [index.nearest(queries, 20, own_rows=rows).rows for index in (snapshot, exact)]
    by_keys, by_vectors = ((of[each] == of[:, None])[each >= 0].sum() for each in found)
    assert by_keys > by_vectors


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(TEXTS, st.integers(1, 3), st.sampled_from([1 << 24, 7]))
def test_any_catalogue_is_turned_around_and_searched(tmp_path_factory, texts, size, sorted_at_once):
    folder = tmp_path_factory.mktemp("any")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(key_build, "_SORTED_AT_ONCE", sorted_at_once)
        patch.setattr(key_build, "_ROWS_AT_ONCE", 5)
        build_keys(folder, lambda: [texts[start : start + size] for start in range(0, len(texts), size)], len(texts))
    index = KeyIndex.load(folder)
    forward = sorted(zip(index.keys.hashes.tolist(), index.keys.owners.tolist(), strict=True))
    assert forward == list(zip(index.postings.keys.tolist(), index.postings.rows.tolist(), strict=True))
    np.testing.assert_allclose(index.squares, squared_lengths(index.keys, len(texts)), rtol=1e-6)
    own = index.keys_at(np.arange(len(texts)))
    np.testing.assert_array_equal(own.hashes, index.counts.keys(texts).hashes)
    found = index.search(own, len(texts))
    assert ((found.similarities > 0) & (found.similarities <= 1)).all()
    keys = [set(own.part(row, row + 1).hashes.tolist()) for row in range(len(texts))]
    pairs = set(zip(found.q.tolist(), found.rows.tolist(), strict=True))
    assert pairs == {(q, m) for q in range(len(texts)) for m in range(len(texts)) if keys[q] & keys[m]}
    itself = found.q == found.rows
    np.testing.assert_allclose(found.similarities[itself], 1, atol=1e-5)
    for q, m, similarity in zip(found.q, found.rows, found.similarities, strict=True):
        expected = similarity_by_sets(index, own.part(q, q + 1), own.part(m, m + 1))
        assert similarity == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("count", [1, 2, 3])
@pytest.mark.parametrize("kind", [FLAT, KEYS, HNSW])
def test_tiny_catalogues_can_be_indexed(tmp_path, sample_folder, count, kind):
    rows = [{"sr_id": str(number), "title": f"Title {number}"} for number in range(count)]
    folder = small_catalogue(tmp_path, sample_folder, rows)
    rebuilt(folder, kind)
    with Matcher.open(folder) as matcher:
        assert len(matcher.candidates("0", 5)) == count - 1


@pytest.mark.parametrize("kind", [FLAT, KEYS, HNSW])
def test_recordings_without_text_are_found_by_their_codes_only(tmp_path, sample_folder, kind):
    code = "GBAYE6500521"
    silent = [{"sr_id": sr_id, "isrcs": isrcs} for sr_id, isrcs in (("a", code), ("b", "gb-aye-65-00521"), ("c", None))]
    named = [{"sr_id": f"d{number}", "title": f"Title {number}", "isrcs": f"{code}|XX"} for number in range(2)]
    folder = small_catalogue(tmp_path, sample_folder, [*silent, *named])
    rebuilt(folder, kind)
    with Matcher.open(folder) as matcher:
        found = {sr_id: {d.m.sr_id: d.source for d in matcher.candidates(sr_id)} for sr_id in ("a", "c", "d0")}
    assert found["a"] == dict.fromkeys(("b", "d0", "d1"), "isrc")
    assert found["c"] == {}
    both = "keys+isrc" if kind == KEYS else "vectors+isrc"
    assert found["d0"] == {"a": "isrc", "b": "isrc", "d1": both}


def test_a_text_of_which_nothing_is_rare_is_compared_with_everything(tmp_path, sample_folder):
    copies = [{"sr_id": f"copy{number:03}", "title": "Silent Night", "artists": "Choir"} for number in range(70)]
    folder = small_catalogue(
        tmp_path, sample_folder, [*copies, {"sr_id": "other", "title": "Another", "artists": "One"}]
    )
    rebuilt(folder)
    with Matcher.open(folder) as matcher:
        found = matcher.candidates("copy007", 60)
    assert len(found) == 60
    assert all(decision.m.sr_id.startswith("copy") for decision in found)


def test_candidates_of_rare_keys_say_so(keyed_folder, matcher):
    with Matcher.open(keyed_folder) as keyed:
        sources = {decision.m.sr_id: decision.source for decision in keyed.candidates("123", 20)}
        assert sources["456"].startswith("keys")
        assert set(sources.values()) <= {"keys", "isrc", "keys+isrc"}
    assert {decision.source for decision in matcher.candidates("123", 20)} <= {"vectors", "isrc", "vectors+isrc"}


def test_no_more_than_the_nearest_rows_with_a_code_are_candidates():
    isrcs = [["USRC17001234"] for _ in range(100)] + [["USRC17001235", "USRC17001236"]] * 3 + [[]]
    index = CodeIndex.build([Codes.of(isrcs[:40]), Codes.of(isrcs[40:], first_row=40)])
    for row in range(100):
        found = index.rows_with(isrcs[row], row)
        assert len(found) == MOST_WITH_A_CODE
        assert row not in found
        assert np.abs(found - row).max() <= MOST_WITH_A_CODE
    assert index.rows_with(["US-RC1-70-01236"], 101).tolist() == [100, 102]
    assert index.rows_with(["USRC17001235"]).tolist() == [100, 101, 102]
    assert len(index.rows_with(["USRC17001234"])) == MOST_WITH_A_CODE
    assert index.rows_with(["no code"]).tolist() == index.rows_with([], 5).tolist() == []


@pytest.mark.parametrize("count", [1, MOST_WITH_A_CODE, MOST_WITH_A_CODE + 1, MOST_WITH_A_CODE + 2])
def test_a_code_is_cut_off_where_it_is_documented(count):
    index = CodeIndex.build([Codes.of([["USRC17001234"]] * count)])
    assert [len(index.rows_with(["USRC17001234"], row)) for row in range(count)] == [min(count - 1, 20)] * count


def test_auto_takes_keys_beyond_what_can_be_scanned_and_warns_where_they_find_too_little(copied, monkeypatch, caplog):
    monkeypatch.setattr(kinds, "FLAT_LIMIT", 1_000)
    report = rebuilt(copied, "auto", 0.9)
    assert report.manifest["kind"] == KEYS
    assert report.warning is report.manifest["warning"] is None
    near, recall = report.manifest["near_recall"], report.manifest["recall"]
    assert 0.9 <= near["value"] <= 1
    assert recall["value"] < 0.9  # most of a recording's neighbours are no duplicates, and share no rare key
    report = rebuilt(copied, "auto", 1.01)
    assert current_version(copied.index) == report.folder
    assert "--kind flat" in report.warning
    assert report.warning == read_json(report.folder / "manifest.json")["warning"]
    assert report.warning in caplog.text
    with pytest.raises(RejectedBuildError, match=r"cosine from 0.9 .* nothing was published"):
        rebuilt(copied, KEYS, 1.01)
    assert current_version(copied.index) == report.folder


def test_every_build_says_what_it_found_at_which_cost(copied):
    manifest = rebuilt(copied, IVFPQ).manifest
    assert manifest["bytes_per_vector"] > 512
    assert manifest["milliseconds_in_batch"] > 0
    assert manifest["milliseconds_alone"] > 0
    assert manifest["recall"]["queries"] == 300
    assert manifest["near_recall"]["neighbours"] > 0
    assert manifest["pair_completeness"] is None


def test_pair_completeness_is_measured_beside_exact_search_where_there_are_labels(copied):
    model = Model.load(current_version(copied.models))
    with Catalog.open(copied.catalog, copied.copies) as catalog:
        pairs = some_valid_pairs(copied.groundtruth, catalog, 200)
        options = RebuildOptions(KEYS, 0.9, valid_pairs=pairs)
        report = rebuild(catalog, Encoder.load(model.encoder_folder), model.version, copied.index, options)
        assert some_valid_pairs(copied.root / "none.csv", catalog) == []
        copied.groundtruth.write_text("nothing")
        assert some_valid_pairs(copied.groundtruth, catalog) == []
    found = report.manifest["pair_completeness"]
    exact = pair_completeness(
        LiveIndex(Snapshot.load(before := current_version(copied.index))), *zip(*pairs, strict=True)
    )
    assert found == {"k": 20, "value": exact.value, "exact": found["exact"], "pairs": len(pairs)}
    assert 150 <= len(pairs) <= 200
    assert 0.9 < found["exact"] <= found["value"] <= 1
    assert before == report.folder


@pytest.mark.parametrize("name", [*KEY_FILES, "codes.npy", "codes-rows.npy"])
@pytest.mark.parametrize("damage", ["flip", "truncate", "remove"])
def test_a_damaged_index_of_keys_is_refused(keyed_folder, tmp_path, name, damage):
    folder = shutil.copytree(current_version(keyed_folder.index), tmp_path / "version")
    content = bytearray((folder / name).read_bytes())
    if damage == "remove":
        (folder / name).unlink()
    elif damage == "truncate":
        (folder / name).write_bytes(content[: len(content) // 2])
    else:
        content[len(content) // 2] ^= 0xFF
        (folder / name).write_bytes(content)
    with pytest.raises(DamagedArtefactError, match="publish a new version"):
        Snapshot.load(folder)


@pytest.mark.parametrize("name", [*KEY_FILES[:-1], "codes.npy", "ids.npy", "vectors.npy"])
@pytest.mark.parametrize("how", ["short", "cut"])
def test_files_that_do_not_fit_each_other_are_refused(keyed_folder, tmp_path, name, how):
    folder = shutil.copytree(current_version(keyed_folder.index), tmp_path / "version")
    if how == "short":
        np.save(folder / name, np.load(folder / name)[:-1])
    else:
        (folder / name).write_bytes((folder / name).read_bytes()[:-100])
    manifest = read_json(folder / "manifest.json")
    manifest["files"][name] = sha256_file(folder / name)
    write_json(folder / "manifest.json", manifest)
    with pytest.raises(DamagedArtefactError, match="run onemaster rebuild"):
        Snapshot.load(folder)


@pytest.mark.parametrize("kind", [FLAT, KEYS])
def test_an_index_of_an_earlier_format_is_refused(sample_folder, keyed_folder, tmp_path, kind):
    index = (sample_folder if kind == FLAT else keyed_folder).index
    folder = shutil.copytree(current_version(index), tmp_path / "version")
    write_json(folder / "manifest.json", {**read_json(folder / "manifest.json"), "format": 1})
    with pytest.raises(MismatchedArtefactError, match=r"expected format 2 .* run onemaster rebuild"):
        Snapshot.load(folder)


def test_an_array_grows(tmp_path):
    with GrowingArray(tmp_path / "grown.npy", np.uint32) as grown:
        for piece in (np.arange(3), np.zeros(0), np.arange(100_000, dtype=np.uint64)):
            grown.append(piece)
    found = np.load(tmp_path / "grown.npy", mmap_mode="r")
    np.testing.assert_array_equal(found, np.concatenate((np.arange(3), np.arange(100_000))))
    assert found.dtype == np.uint32


def test_the_tiny_catalogue_answers_the_same_pairs_by_every_kind(tmp_path, tiny_data):
    """The README's three recordings come out the same, whichever index proposes them."""
    for kind in (FLAT, KEYS, HNSW):
        folder = DataFolder.at(tmp_path / kind, catalog=tiny_data.catalog, models=tiny_data.models)
        rebuilt(folder, kind)
        with Matcher.open(folder) as matcher:
            assert matcher.candidates("123", 1)[0].m.sr_id == "456"
            assert matcher.candidates(tiny.WITHOUT_TEXT) == []
