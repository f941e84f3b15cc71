"""The index against exact search, its snapshots, and rebuilds that are killed."""

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing, suppress
from pathlib import Path

import numpy as np
import pytest

import index.measure
import index.rebuild
from catalog.artefacts import current_version
from catalog.errors import (
    DamagedArtefactError,
    InputError,
    MismatchedArtefactError,
    RejectedBuildError,
    UnknownRecordingError,
)
from catalog.paths import DataFolder
from catalog.store import Catalog, write_catalog
from embeddings.encoder import Encoder
from index import kinds
from index.delta import ROW_DIGESTS_FILE
from index.exact import pair_cosines
from index.halves import widened
from index.kinds import FLAT, FLAT_LIMIT, HNSW, IVFPQ, KEYS, kinds_to_try
from index.mapped import bound_pages, mapped_arrays
from index.rebuild import RebuildOptions, rebuild
from index.snapshot import FAISS_FILE, MANIFEST_FILE, Snapshot, published_files
from matching.matcher import Matcher
from matching.model import Model
from training.default import model_to_index_with


@pytest.fixture(scope="module")
def snapshot(sample_folder):
    return Snapshot.load(current_version(sample_folder.index))


@pytest.fixture
def copied(sample_folder, tmp_path):
    """A data folder of its own, for tests that change it."""
    shutil.copytree(sample_folder.root, tmp_path / "data")
    return DataFolder.at(tmp_path / "data")


def rebuilt(folder, options=None):
    model = Model.load(current_version(folder.models))
    with Catalog.open(folder.catalog, folder.copies) as catalog:
        return rebuild(catalog, Encoder.load(model.encoder_folder), model.version, folder.index, options)


def test_the_index_holds_every_recording_once_in_the_order_of_ids(snapshot, sample_folder):
    with Catalog.open(sample_folder.catalog, sample_folder.copies) as catalog:
        ids = [recording.sr_id for recording in catalog]
    assert snapshot.ids_of(np.arange(len(snapshot))) == ids
    assert snapshot.rows_of(ids[::-7]).tolist() == list(range(len(ids)))[::-7]


@pytest.mark.parametrize("unknown", ["", "no such id", "~~~~", "\N{PILE OF POO}", "a" * 10_000])
def test_unknown_ids_are_named(snapshot, unknown):
    with pytest.raises(UnknownRecordingError) as raised:
        snapshot.rows_of(["123", unknown])
    assert raised.value.sr_id == unknown


def test_neighbours_agree_with_comparing_everything(snapshot):
    rows = np.arange(0, len(snapshot), 37)
    vectors = snapshot.vectors.astype(np.float32)
    found = snapshot.nearest(vectors[rows], 10, own_rows=rows)
    everything = vectors[rows] @ vectors.T
    everything[np.arange(len(rows)), rows] = -2
    everything = np.minimum(everything, 1)  # float16 rows are of length 1 to four digits
    expected = -np.sort(-everything, axis=1)[:, :10]
    np.testing.assert_allclose(found.cosines, expected, atol=1e-6)
    assert not (found.rows == rows[:, None]).any()
    taken = np.take_along_axis(everything, found.rows, axis=1)
    np.testing.assert_allclose(taken, found.cosines, atol=1e-6)


def in_memory(file):
    """Bytes of a mapped file that this process has in memory."""
    lines = Path("/proc/self/smaps").read_text().splitlines()
    places = [place for place, line in enumerate(lines) if line.endswith(str(file))]
    return sum(
        int(next(line for line in lines[place:] if line.startswith("Rss:")).split()[1]) << 10 for place in places
    )


@pytest.mark.parametrize("kind", [FLAT, KEYS])
def test_pages_of_an_index_are_given_back_and_read_anew(copied, kind):
    folder = rebuilt(copied, RebuildOptions(kind)).folder
    opened = Snapshot.load(folder)
    files = [name for name in published_files(kind) if name != FAISS_FILE]
    query = np.float32(opened.vectors[:3])
    before = opened.nearest(query, 5, np.arange(3))
    everything = opened.vectors.copy()
    for array in mapped_arrays(opened):
        array.tobytes()
    assert in_memory(folder / "vectors.npy") > 1 << 20
    assert all(in_memory(folder / name) for name in files)
    assert not bound_pages(opened, most=1 << 60)
    assert bound_pages(opened, most=0)
    assert [in_memory(folder / name) for name in files] == [0] * len(files)
    assert np.array_equal(opened.vectors, everything)
    assert np.array_equal(opened.nearest(query, 5, np.arange(3)).rows, before.rows)


def test_more_neighbours_than_there_are_recordings(snapshot):
    found = snapshot.nearest(snapshot.vectors[:2].astype(np.float32), len(snapshot) + 50, own_rows=np.array([0, 1]))
    assert (found.rows >= 0).sum() == 2 * (len(snapshot) - 1)
    assert np.isnan(found.cosines[found.rows < 0]).all()


def test_cosines_of_pairs_are_symmetric_exact_and_missing_without_text():
    vectors = np.array([[1, 0], [0.6, 0.8], [0, 0]], dtype=np.float16)
    q, m = np.array([0, 1, 0, 2, 1]), np.array([1, 0, 0, 1, 2])
    np.testing.assert_allclose(
        pair_cosines(vectors[q], vectors[m]), [0.6, 0.6, 1, np.nan, np.nan], atol=1e-3, equal_nan=True
    )


def test_every_finite_half_is_widened_exactly():
    halves = np.arange(1 << 16, dtype=np.uint16).view(np.float16)
    halves = halves[np.isfinite(halves)]
    for shaped in (halves, halves[: 1 << 15].reshape(-1, 64)[:, ::2]):
        singles, expected = widened(shaped), shaped.astype(np.float32)
        assert (singles.view(np.int32) == expected.view(np.int32)).all()


@pytest.mark.parametrize("kind", [HNSW, IVFPQ])
def test_an_inexact_index_reaches_the_wanted_recall_with_exact_cosines(copied, kind):
    report = rebuilt(copied, RebuildOptions(kind=kind, min_recall=0.95))
    assert report.manifest["kind"] == kind
    assert report.manifest["recall"]["value"] >= 0.95
    snapshot = Snapshot.load(report.folder)
    rows = np.arange(0, len(snapshot), 41)
    vectors = snapshot.vectors.astype(np.float32)
    found = snapshot.nearest(vectors[rows], 20, own_rows=rows)
    np.testing.assert_allclose(
        found.cosines, np.minimum(np.einsum("qd,qkd->qk", vectors[rows], vectors[found.rows]), 1), atol=1e-6
    )
    everything = vectors[rows] @ vectors.T
    everything[np.arange(len(rows)), rows] = -2
    kth = -np.sort(-everything, axis=1)[:, 19]
    assert (found.cosines >= kth[:, None] - 1e-4).mean() >= 0.95


def test_a_build_below_the_wanted_recall_is_refused_and_the_old_one_stays(copied):
    before = current_version(copied.index)
    with pytest.raises(RejectedBuildError, match="nothing was published"):
        rebuilt(copied, RebuildOptions(kind=IVFPQ, min_recall=1.01))
    assert current_version(copied.index) == before
    assert sorted(path.name for path in copied.index.iterdir()) == sorted([before.name, "CURRENT", "HISTORY"])


def test_a_dry_run_measures_and_publishes_nothing(copied):
    before = current_version(copied.index)
    report = rebuilt(copied, RebuildOptions(dry_run=True))
    assert report.folder is None
    assert report.manifest["recall"]["value"] == 1.0
    assert current_version(copied.index) == before


@pytest.mark.parametrize(
    ("kind", "count", "memory_mb", "tried"),
    [
        ("auto", FLAT_LIMIT, 1, (FLAT,)),
        ("auto", FLAT_LIMIT + 1, 1_000, (KEYS, IVFPQ, FLAT)),
        ("auto", 10**8, 100_000, (IVFPQ,)),
        ("auto", 10**8, 1_000, (IVFPQ,)),
        ("auto", 10**8, 160_000, (IVFPQ, FLAT)),
        ("auto", 10**8, 1_000_000, (KEYS, IVFPQ, FLAT)),
        ("ivfpq", 10, 1, (IVFPQ,)),
        ("auto", 10, 0, (FLAT,)),
        ("flat", 10**9, 1, (FLAT,)),
    ],
)
def test_auto_chooses_by_size_and_memory(kind, count, memory_mb, tried):
    assert kinds_to_try(kind, count, 256, memory_mb) == tried


def test_auto_takes_flat_where_nothing_smaller_finds_enough(copied, monkeypatch):
    monkeypatch.setattr(index.rebuild, "kinds_to_try", lambda *_: (IVFPQ, FLAT))
    monkeypatch.setattr(index.measure, "_WIDENINGS", (1,))  # a thirty-second of the lists
    report = rebuilt(copied, RebuildOptions(min_recall=1.0))
    assert [each["kind"] for each in report.manifest["tried"]] == [IVFPQ, FLAT]
    assert (report.manifest["kind"], report.warning) == (FLAT, None)
    assert Snapshot.load(report.folder).kind == FLAT


def test_of_vectors_of_odd_dimension_no_ivfpq_is_tried():
    assert kinds_to_try("auto", 50_000, 255, 10_000) == (KEYS, FLAT)
    assert kinds_to_try("auto", 50_000, 255, 0) == (FLAT,)


def test_the_file_of_the_kind_that_is_taken_is_the_one_that_is_published(copied, monkeypatch):
    monkeypatch.setattr(index.rebuild, "kinds_to_try", lambda *_: (IVFPQ, FLAT))
    report = rebuilt(copied, RebuildOptions(min_recall=1.01))  # neither finds that much
    snapshot = Snapshot.load(report.folder)
    assert snapshot.kind == report.manifest["kind"] == IVFPQ
    found = snapshot.nearest(snapshot.vectors[:3].astype(np.float32), 5, own_rows=np.arange(3))
    assert (found.rows >= 0).all()


@pytest.mark.parametrize(
    ("memory_mb", "min_recall", "tried"),
    [
        (100, 0.98, [KEYS]),
        (100, 1.01, [KEYS, IVFPQ, FLAT]),  # nothing finds that much
        (0, 1.0, [IVFPQ]),
        (None, 0.5, [KEYS]),
    ],
)
def test_auto_tries_one_kind_after_the_other_until_one_finds_enough(
    copied, monkeypatch, caplog, memory_mb, min_recall, tried
):
    monkeypatch.setattr(kinds, "FLAT_LIMIT", 100)
    report = rebuilt(copied, RebuildOptions(min_recall=min_recall, memory_mb=memory_mb))
    assert [each["kind"] for each in report.manifest["tried"]] == tried
    snapshot = Snapshot.load(report.folder)
    assert snapshot.kind == report.manifest["kind"] == tried[0]
    written = {path.name for path in report.folder.iterdir()}
    assert written == {MANIFEST_FILE, ROW_DIGESTS_FILE, *published_files(tried[0])}
    assert (report.warning is not None) == (report.manifest["tried"][0]["found"] < min_recall)
    assert ("fits into 0 MiB" in caplog.text) == (memory_mb == 0)


@pytest.mark.parametrize("count", [1, 2, 3])
def test_tiny_catalogues_can_be_indexed(tmp_path, sample_folder, count):
    folder = DataFolder.at(tmp_path, models=sample_folder.models)
    write_catalog(folder.catalog, ({"sr_id": str(number), "title": f"Title {number}"} for number in range(count)))
    rebuilt(folder)
    with Matcher.open(folder) as matcher:
        assert len(matcher.candidates("0", 5)) == count - 1


def test_impossible_builds_say_why(tmp_path, sample_folder):
    folder = DataFolder.at(tmp_path, models=sample_folder.models)
    write_catalog(folder.catalog, [{"sr_id": "1", "title": "Title"}])
    with pytest.raises(InputError, match="use --kind flat"):
        rebuilt(folder, RebuildOptions(kind=IVFPQ))
    with pytest.raises(InputError, match="expected an index kind"):
        rebuilt(folder, RebuildOptions(kind="tree"))
    write_catalog(folder.catalog, [])
    with pytest.raises(InputError, match="catalogue is empty"):
        rebuilt(folder)


@pytest.mark.parametrize(
    ("name", "value", "remedy"),
    [
        ("normalizer_version", "0", "run onemaster rebuild"),
        ("template_version", "0", "run onemaster rebuild"),
        ("format", 99, "run onemaster rebuild"),
        ("files", {}, "run onemaster rebuild"),
        ("dimension", 7, "run onemaster rebuild"),
        ("count", 1, "run onemaster rebuild"),
        ("widening", None, "run onemaster rebuild"),
        ("kind", "tree", "run onemaster rebuild"),
        ("encoder_digest", "0", "run onemaster rebuild"),
        ("catalog_digest", "0", "run onemaster refresh"),
    ],
)
def test_a_manifest_made_for_something_else_is_refused(copied, name, value, remedy):
    path = current_version(copied.index) / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), name: value}))
    with pytest.raises((DamagedArtefactError, MismatchedArtefactError), match=remedy):
        Matcher.open(copied)


@pytest.mark.parametrize(("name", "value"), [("normalizer_version", "0"), ("template_version", "0"), ("files", {})])
def test_a_model_made_for_something_else_is_refused(copied, name, value):
    path = current_version(copied.models) / "model.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), name: value}))
    with pytest.raises((DamagedArtefactError, MismatchedArtefactError), match="run onemaster train"):
        Matcher.open(copied)


class Changing(Catalog):
    """A catalogue that somebody else writes to while it is read."""

    def __iter__(self):
        yield from super().__iter__()
        with closing(sqlite3.connect(self.path)) as connection, connection:
            connection.execute("UPDATE soundrecording SET title = 'Another' WHERE sr_id = '123'")


def test_a_catalogue_that_changes_meanwhile_is_not_published(copied):
    before = current_version(copied.index)
    model = Model.load(current_version(copied.models))
    with Changing.open(copied.catalog, copied.copies) as catalog, pytest.raises(InputError, match="changed while"):
        rebuild(catalog, Encoder.load(model.encoder_folder), model.version, copied.index)
    assert current_version(copied.index) == before


def test_a_dry_run_or_a_refused_build_without_a_model_publishes_no_model_either(tmp_path, sample_folder):
    folder = DataFolder.at(tmp_path, catalog=sample_folder.catalog)
    for options in (RebuildOptions(dry_run=True), RebuildOptions(kind=IVFPQ, min_recall=1.01), RebuildOptions()):
        with (
            Catalog.open(folder.catalog, folder.copies) as catalog,
            model_to_index_with(folder, catalog, sample_folder.root) as model,
            suppress(RejectedBuildError),
        ):
            rebuild(catalog, model.encoder, model.version, folder.index, options, model.publish)
        published = options == RebuildOptions()
        assert (folder.models / "CURRENT").exists() == (folder.index / "CURRENT").exists() == published
    with Matcher.open(folder) as matcher:
        assert matcher.classify("123", "456").decided == "valid"


@pytest.mark.parametrize("name", ["index.faiss", "vectors.npy", "ids.npy", "manifest.json"])
@pytest.mark.parametrize("damage", ["flip", "truncate", "remove"])
def test_a_damaged_snapshot_is_refused(copied, name, damage):
    path = current_version(copied.index) / name
    content = bytearray(path.read_bytes())
    if damage == "remove":
        path.unlink()
    elif damage == "truncate":
        path.write_bytes(content[: len(content) // 2])
    else:
        content[len(content) // 2] ^= 0xFF
        path.write_bytes(content)
    with pytest.raises((DamagedArtefactError, MismatchedArtefactError)):
        Matcher.open(copied)


def test_a_catalogue_that_changed_since_the_build_is_refused(copied):
    with Catalog.open(copied.catalog, copied.copies) as catalog:
        rows = [catalog.row(recording.sr_id) for recording in catalog]
    rows[0]["title"] = "Another title"
    write_catalog(copied.catalog, rows)
    with pytest.raises(MismatchedArtefactError, match=r"another state of .*expected digest .*run onemaster refresh"):
        Matcher.open(copied)
    rebuilt(copied)
    Matcher.open(copied).close()


def test_after_training_the_old_index_serves_on_with_the_model_it_was_built_with(copied, caplog):
    with Matcher.open(copied) as before:
        encoder = Encoder.load(before.model.encoder_folder)
    other = copied.models / "20990101T000000Z-other"
    shutil.copytree(before.model.folder, other)
    card = (other / "model.json").read_text().replace(encoder.digest, "0" * 64)
    (other / "model.json").write_text(card)
    (copied.models / "CURRENT").write_text(other.name)
    with Matcher.open(copied) as matcher:
        assert matcher.model.version == before.model.version
    assert "until onemaster rebuild" in caplog.text
    shutil.rmtree(before.model.folder)
    with pytest.raises(MismatchedArtefactError, match="no model fits the index"):
        Matcher.open(copied)


@pytest.mark.parametrize("delay", [0.05, 0.3, 0.6, 1.0])
def test_a_killed_rebuild_leaves_the_old_index_in_charge(copied, delay):
    before = current_version(copied.index)
    program = (
        "import sys; from pathlib import Path; import tests.test_index as t; "
        "print('ready', flush=True); [t.rebuilt(t.DataFolder.at(Path(sys.argv[1]))) for _ in range(100)]"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program, str(copied.root)], stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": "."}
    )
    assert process.stdout.readline() == b"ready\n"
    time.sleep(delay)
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    with Matcher.open(copied) as matcher:
        assert matcher.candidates("123", 3)
    assert before.is_dir()
    rebuilt(copied)
    assert not list(copied.index.glob(".building-*"))


def test_two_rebuilds_at_once_both_finish(copied):
    program = (
        "import sys; from pathlib import Path; import tests.test_index as t; "
        "t.rebuilt(t.DataFolder.at(Path(sys.argv[1])))"
    )
    command = [sys.executable, "-c", program, str(copied.root)]
    processes = [subprocess.Popen(command, env={**os.environ, "PYTHONPATH": "."}) for _ in range(2)]
    assert [process.wait() for process in processes] == [0, 0]
    Matcher.open(copied).close()
