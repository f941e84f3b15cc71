"""Recordings added, changed and removed: at every moment the index answers as one that was built anew."""

import functools
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing

import numpy as np
import pytest
import tiny
from fastapi.testclient import TestClient
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from catalog.artefacts import current_version
from catalog.changes import changing, next_catalog
from catalog.errors import (
    CatalogError,
    DamagedArtefactError,
    InputError,
    MismatchedArtefactError,
    MissingArtefactError,
    UnknownRecordingError,
)
from catalog.paths import DataFolder
from catalog.store import Catalog, write_catalog
from embeddings.encoder import Encoder
from index.codes import CodeIndex, Codes
from index.delta import ROW_DIGESTS_FILE, deltas_beside
from index.kinds import FLAT, HNSW
from index.live import LiveIndex
from index.rebuild import RebuildOptions, rebuild
from index.refresh import refresh as refresh_index
from index.snapshot import Snapshot, rank
from index.vectors import VectorIndex
from matching.matcher import Matcher
from matching.model import Model
from matching.upkeep import Delivery, add, compact, refresh, remove
from onemaster import main
from service.app import create_app
from service.settings import Settings

load = functools.cache(Encoder.load)
EXPLAINED = "sr_id,title,artists,isrcs,contributors"


@pytest.fixture
def folder(tiny_data, tmp_path):
    """A data folder of its own, with catalogue, model and index."""
    shutil.copytree(tiny_data.root, tmp_path / "data")
    return DataFolder.at(tmp_path / "data")


def delivery(folder, rows, name="delivered.csv"):
    path = folder.root.parent / name
    path.write_text("\n".join([EXPLAINED, *rows]) + "\n", encoding="utf-8")
    return Delivery([path])


def recordings(folder):
    with Catalog.open(folder.catalog, folder.copies) as catalog:
        return {recording.sr_id: recording for recording in catalog}


def built_anew(folder, shelf):
    """What a full rebuild with the model in charge and a flat index would be."""
    model = Model.load(current_version(folder.models))
    with Catalog.open(folder.catalog, folder.copies) as catalog:
        return Snapshot.load(rebuild(catalog, load(model.encoder_folder), model.version, shelf).folder)


def in_memory(folder):
    """The same, without its files."""
    model = Model.load(current_version(folder.models))
    with Catalog.open(folder.catalog, folder.copies) as catalog:
        encoded = list(catalog)
    ids = np.array([recording.sr_id.encode() for recording in encoded], dtype=np.bytes_)
    vectors = load(model.encoder_folder).encode(encoded).astype(np.float16)
    codes = CodeIndex.build([Codes.of(recording.isrcs for recording in encoded)])
    return Snapshot("in memory", ids, vectors, VectorIndex.build(FLAT, vectors, np.arange(len(ids))), 1, {}, codes)


def assert_as_built_anew(folder, scratch=None, ks=(1, 3, 10, 500)):
    """Compare neighbours and candidates of every recording with those of a full rebuild."""
    if scratch:
        shutil.rmtree(scratch, ignore_errors=True)
    exact = built_anew(folder, scratch) if scratch else in_memory(folder)
    ids = exact.ids_of(np.arange(len(exact)))
    with Matcher.open(folder) as matcher:
        live = matcher.snapshot
        assert len(live) == len(exact)
        rows = live.rows_of(ids)
        assert live.ids_of(rows) == ids
        np.testing.assert_array_equal(live.vectors_of(rows), exact.vectors)
        queries = exact.vectors.astype(np.float32)
        everything = np.tile(np.arange(len(exact)), (len(exact), 1))
        everything[np.arange(len(exact)), np.arange(len(exact))] = -1
        everything[~queries.any(axis=1)] = -1
        for k in ks:
            found, expected = live.nearest(queries, k, own_rows=rows), rank(exact.vectors, queries, everything, k)
            np.testing.assert_array_equal(found.cosines, expected.cosines)
            # Of those that are as near as the last one, exact search may give any.
            settled = expected.cosines > np.nan_to_num(expected.cosines[:, -1:], nan=-2)
            assert live.ids_of(found.rows[settled]) == exact.ids_of(expected.rows[settled])
        fresh = Matcher(matcher.catalog, LiveIndex(exact), matcher.model)
        for sr_id in ids[:: max(1, len(ids) // 12)]:
            if len(ids) < 50:
                assert matcher.candidates(sr_id, 5) == fresh.candidates(sr_id, 5)


# Few, so that many recordings are equally near.
TEXTS = st.sampled_from(
    [
        ("Yesterday", "The Beatles"),
        ("Yesterday (Live)", "The Beatles"),
        ("Harvest Moon", "Neil Young"),
        ("夜の歌", ""),
        ("", ""),
    ]
)
IDS = st.sampled_from([*"abcdefghijk", "a" * 40, "ä"])


class Upkeep(RuleBasedStateMachine):
    """Add, update, remove, refresh and compact in any order; somebody else may write the catalogue, too."""

    data = None  # set by the test

    @initialize(count=st.integers(1, 8))
    def begin(self, count):
        self.root = self.data.root.parent / "machine"
        shutil.rmtree(self.root, ignore_errors=True)
        self.folder = DataFolder.at(self.root, models=self.data.models)
        self.changes = 0
        self.rows = dict.fromkeys("bdfhjlnp"[:count], ("Yesterday", "The Beatles"))
        write_catalog(self.folder.catalog, self._as_rows())
        built_anew(self.folder, self.folder.index)
        self.in_step = True

    def _as_rows(self):
        return [{"sr_id": sr_id, "title": title, "artists": artists} for sr_id, (title, artists) in self.rows.items()]

    @rule(given=st.dictionaries(IDS, TEXTS, min_size=1, max_size=4))
    def adds(self, given):
        rows = [f"{sr_id},{title},{artists},," for sr_id, (title, artists) in given.items()]
        report = add(self.folder, delivery(self.folder, rows), load)
        assert report.added == len(given.keys() - self.rows.keys())
        assert report.added + report.updated + report.unchanged == len(given)
        self.rows |= given
        self.changes += 1
        self.in_step = True

    @rule(data=st.data())
    def removes(self, data):
        chosen = data.draw(st.lists(st.sampled_from(sorted(self.rows)), min_size=1, unique=True))
        if len(chosen) == len(self.rows):
            with pytest.raises(InputError, match="nothing was removed"):
                remove(self.folder, chosen, load)
            return
        remove(self.folder, chosen, load)
        for sr_id in chosen:
            del self.rows[sr_id]
        self.in_step = True

    @rule(sr_id=IDS, row=TEXTS)
    def somebody_else_writes(self, sr_id, row):
        with Catalog.open(self.folder.catalog, self.folder.copies) as catalog:
            before = catalog.digest()
        self.rows[sr_id] = row
        write_catalog(self.folder.catalog, self._as_rows())
        with Catalog.open(self.folder.catalog, self.folder.copies) as catalog:
            self.in_step = self.in_step and catalog.digest() == before
        if not self.in_step:
            self.in_step = self._opens()  # it may be a state that there is a delta for

    def _opens(self):
        try:
            Matcher.open(self.folder).close()
        except MismatchedArtefactError:
            return False
        return True

    @rule()
    def refreshes(self):
        assert refresh(self.folder, load).recordings == len(self.rows)
        assert not refresh(self.folder, load).published
        self.in_step = True

    @precondition(lambda self: self.changes > 2)
    @rule()
    def compacts(self):
        self.changes = 0
        compact(self.folder, load)
        assert refresh(self.folder, load).delta is None
        self.in_step = True

    @invariant()
    def candidates_are_right(self):
        if getattr(self, "in_step", False):
            assert recordings(self.folder).keys() == self.rows.keys()
            assert_as_built_anew(self.folder, ks=(1, 3, 20))


@pytest.fixture
def upkeep(folder):
    Upkeep.data = folder
    yield Upkeep
    Upkeep.data = None


def test_candidates_are_right_at_every_moment(upkeep):
    from hypothesis.stateful import run_state_machine_as_test

    run_state_machine_as_test(
        upkeep, settings=settings(max_examples=25, stateful_step_count=12, deadline=None, derandomize=True)
    )


def test_a_whole_catalogue_changed_in_many_places(folder, tmp_path):
    ids = list(recordings(folder))
    report = remove(folder, ids[::5], load)
    assert report.removed == len(ids[::5])
    assert report.index.gone == len(ids[::5])
    fresh = [f"new{number},Harvest Moon {number},Neil Young,," for number in range(20)]
    changed = [f"{sr_id},Another Title,Somebody,," for sr_id in ids[1::7] if sr_id not in ids[::5]]
    report = add(folder, delivery(folder, [*fresh, *(row for row in changed if "/" not in row)]), load)
    assert (report.added, report.updated) == (20, len(changed) - sum("/" in row for row in changed))
    assert_as_built_anew(folder, tmp_path / "scratch")
    before = current_version(folder.index)
    compact(folder, load)
    assert current_version(folder.index) != before
    assert before.is_dir()
    assert_as_built_anew(folder, tmp_path / "scratch")


def test_a_query_whose_neighbours_are_all_gone_is_given_the_next_ones(folder, tmp_path):
    rows = [f"near{number},Harvest Moon,Neil Young,,Neil Young" for number in range(120)]
    add(folder, delivery(folder, rows), load)
    compact(folder, load)
    remove(folder, [f"near{number}" for number in range(120)], load)
    with Matcher.open(folder) as matcher:
        found = matcher.candidates(tiny.STUDIO, 10)
        assert len(found) == 10
        assert tiny.LIVE in [decision.m.sr_id for decision in found]
    assert_as_built_anew(folder, tmp_path / "scratch")


def test_equally_near_ones_come_in_the_order_of_ids_wherever_they_stand(folder, tmp_path):
    same = [f"{sr_id},Harvest Moon,Neil Young,,Neil Young" for sr_id in ("0", "q0", "zzz")]
    add(folder, delivery(folder, [*same, *(f"same{n},Harvest Moon,Neil Young,,Neil Young" for n in "26")]), load)
    compact(folder, load)
    remove(folder, ["q0"], load)
    add(folder, delivery(folder, [f"same{n},Harvest Moon,Neil Young,,Neil Young" for n in "1347"]), load)
    with Matcher.open(folder) as matcher:
        row = matcher.snapshot.rows_of([tiny.STUDIO])
        found = matcher.snapshot.nearest(matcher.snapshot.vectors_of(row).astype(np.float32), 8, row)
        assert matcher.snapshot.ids_of(found.rows[0]) == ["0", *(f"same{n}" for n in "123467"), "zzz"]
    assert_as_built_anew(folder, tmp_path / "scratch")


def test_an_approximate_snapshot_with_a_delta_keeps_its_recall(sample_folder, tmp_path):
    shutil.copytree(sample_folder.root, tmp_path / "data")
    folder = DataFolder.at(tmp_path / "data")
    model = Model.load(current_version(folder.models))
    with Catalog.open(folder.catalog, folder.copies) as catalog:
        rebuild(catalog, load(model.encoder_folder), model.version, folder.index, RebuildOptions(HNSW, 0.95))
        ids = [recording.sr_id for recording in catalog]
    remove(folder, ids[::12], load)
    rows = [f"new{number},Yesterday {number},The Beatles,," for number in range(100)]
    add(folder, delivery(folder, rows), load)
    exact = built_anew(folder, tmp_path / "scratch")
    queries = exact.vectors[::31].astype(np.float32)
    expected = exact.nearest(queries, 20).cosines
    with Matcher.open(folder) as matcher:
        assert matcher.snapshot.manifest["kind"] == HNSW
        found = matcher.snapshot.nearest(queries, 20).cosines
    assert (found >= expected[:, -1:] - 1e-4).mean() >= 0.95


def test_only_what_is_new_or_changed_is_encoded(folder):
    encoded = []

    class Counting:
        def __init__(self, path):
            self.encoder = load(path)
            self.digest, self.dimension = self.encoder.digest, self.encoder.dimension

        def encode(self, recordings):
            encoded.extend(recording.sr_id for recording in recordings)
            return self.encoder.encode(recordings)

    def nothing_to_encode(path):
        raise AssertionError(path)

    add(folder, delivery(folder, ["new,Harvest Moon,Neil Young,,", "123,Yesterday,Beatles,,"]), Counting)
    assert encoded == ["123", "new"]
    add(folder, delivery(folder, ["newer,Harvest Moon,Neil Young,,"]), Counting)
    assert encoded == ["123", "new", "newer"]
    remove(folder, ["456"], nothing_to_encode)
    refresh(folder, nothing_to_encode)
    compact(folder, nothing_to_encode)
    with Matcher.open(folder) as matcher:
        assert matcher.snapshot.delta is None


def test_what_is_open_stays_as_it_was_opened(folder):
    with Matcher.open(folder) as before:
        expected = before.candidates("123", 5)
        remove(folder, ["456"], load)
        compact(folder, load)
        add(folder, delivery(folder, ["123,Something,Else,,"]), load)
        assert before.candidates("123", 5) == expected
        assert before.classify("123", "456").decided == "valid"
    with Matcher.open(folder) as after, pytest.raises(UnknownRecordingError):
        after.classify("123", "456")


def test_a_foreign_catalogue_is_never_changed_and_its_index_is_refreshed(folder, tmp_path):
    foreign = DataFolder.at(folder.root, catalog=tmp_path / "foreign.db")
    with closing(sqlite3.connect(foreign.catalog)) as connection, connection:
        connection.execute("CREATE TABLE soundrecording (sr_id TEXT PRIMARY KEY, title TEXT, artists TEXT, more TEXT)")
        connection.executemany("INSERT INTO soundrecording VALUES (?, 'Yesterday', 'Beatles', 'x')", [("1",), ("2",)])
    state = foreign.catalog.read_bytes()
    for change in (lambda: remove(foreign, ["1"], load), lambda: add(foreign, delivery(folder, ["3,x,y,,"]), load)):
        with pytest.raises(CatalogError, match="only reads: change it with that program and then run onemaster refr"):
            change()
    report = refresh(foreign, load)
    assert (report.recordings, report.fresh) == (2, 2)
    assert foreign.catalog.read_bytes() == state
    with closing(sqlite3.connect(foreign.catalog)) as connection, connection:
        connection.execute("INSERT INTO soundrecording VALUES ('3', 'Yesterday', 'Beatles', 'x')")
    with pytest.raises(MismatchedArtefactError, match="run onemaster refresh"):
        Matcher.open(foreign)
    refresh(foreign, load)
    with Matcher.open(foreign) as matcher:
        assert [decision.m.sr_id for decision in matcher.candidates("3")] == ["1", "2"]


def test_nothing_is_changed_if_something_is_wrong(folder):
    before, published = folder.catalog.read_bytes(), sorted(folder.index.rglob("*"))
    with pytest.raises(UnknownRecordingError, match="nobody"):
        remove(folder, ["123", "nobody"], load)
    with pytest.raises(CatalogError, match="no usable row"):
        add(folder, delivery(folder, ["None,x,y,,"]), load)
    with pytest.raises(CatalogError, match=r"absent\.csv"):
        add(folder, Delivery([folder.root / "absent.csv"]), load)
    with pytest.raises(CatalogError, match="would be replaced"):
        add(folder, Delivery([folder.catalog]), load)
    with pytest.raises(InputError, match="nothing was removed"):
        remove(folder, list(recordings(folder)), load)
    assert folder.catalog.read_bytes() == before
    assert sorted(folder.index.rglob("*")) == published
    assert remove(folder, ["123", "nobody"], load, ignore_unknown=True).unknown == ["nobody"]
    assert "123" not in recordings(folder)


def test_a_row_that_stands_twice_in_a_delivery_counts_once(folder):
    (folder.root / "catalog.rejected.csv").write_text("of the import")
    report = add(folder, delivery(folder, ["new,First,A,,", "new,Second,A,,", "123,Yesterday,Beatles The,,"]), load)
    assert (report.added, report.updated, report.delivery.rejected) == (1, 1, 1)
    assert "duplicate sr_id" in (folder.root / "catalog.added.rejected.csv").read_text()
    assert (folder.root / "catalog.rejected.csv").read_text() == "of the import"
    with Catalog.open(folder.catalog, folder.copies) as catalog:
        assert catalog.get("new").title == "First"
        assert catalog.get("123").contributors == ()  # the row is replaced as a whole
    again = add(folder, delivery(folder, ["new,First,A,,"]), load)
    assert (again.added, again.updated, again.unchanged, again.index.published) == (0, 0, 1, False)


def test_without_an_index_only_the_catalogue_changes(folder):
    shutil.rmtree(folder.index)
    assert add(folder, delivery(folder, ["new,Title,A,,"]), load).index is None
    assert remove(folder, ["123"], load).index is None
    assert {"new", "456"} <= recordings(folder).keys()
    for command in (refresh, compact):
        with pytest.raises(MissingArtefactError, match="run onemaster rebuild"):
            command(folder, load)
    with pytest.raises(CatalogError, match="run onemaster import FILE first"):
        remove(DataFolder.at(folder.root / "nowhere"), ["1"], load)
    assert not (folder.root / "nowhere").exists()


def test_a_snapshot_without_digests_of_rows_has_to_be_rebuilt_first(folder):
    snapshot = current_version(folder.index)
    (snapshot / ROW_DIGESTS_FILE).unlink()
    manifest = json.loads((snapshot / "manifest.json").read_text())
    del manifest["files"][ROW_DIGESTS_FILE]
    (snapshot / "manifest.json").write_text(json.dumps(manifest))
    before = folder.catalog.read_bytes()
    with pytest.raises(MissingArtefactError, match="run onemaster rebuild"):
        remove(folder, ["123"], load)
    assert folder.catalog.read_bytes() == before
    Matcher.open(folder).close()


def test_a_catalogue_that_changes_while_its_next_state_is_made_is_not_overwritten(folder):
    with pytest.raises(CatalogError, match="changed by another program meanwhile"), next_catalog(folder.catalog):
        write_catalog(folder.catalog, [{"sr_id": "imported"}])
    assert list(recordings(folder)) == ["imported"]


def removed_but_killed(folder, sr_ids):
    snapshot, model = Snapshot.load(current_version(folder.index)), Model.load(current_version(folder.models))
    with next_catalog(folder.catalog) as aside:
        with changing(aside) as changes:
            changes.remove(sr_ids)
        with Catalog(aside) as catalog:
            assert refresh_index(catalog, snapshot, folder.index, lambda: load(model.encoder_folder)).published
        raise KeyboardInterrupt


def test_between_the_delta_and_the_catalogue_the_state_before_is_in_charge(folder, tmp_path):
    """The worst moment to be killed: the delta is published, the catalogue that it is for is not in place."""
    add(folder, delivery(folder, ["new,Harvest Moon,Neil Young,,"]), load)
    with pytest.raises(KeyboardInterrupt):
        removed_but_killed(folder, ["123", "new"])
    assert {"123", "new"} <= recordings(folder).keys()
    assert_as_built_anew(folder, tmp_path / "scratch", ks=(3,))
    remove(folder, ["123", "new"], load)
    assert_as_built_anew(folder, tmp_path / "scratch", ks=(3,))


def test_two_deltas_are_kept_and_the_present_one_always(folder):
    for number in range(4):
        add(folder, delivery(folder, [f"new{number},Title {number},A,,"]), load)
    deltas = deltas_beside(folder.index, current_version(folder.index).name)
    assert len(list(deltas.iterdir())) == 2
    Matcher.open(folder).close()
    remove(folder, [f"new{number}" for number in range(4)], load)  # as the snapshot was built
    with Matcher.open(folder) as matcher:
        assert matcher.snapshot.delta is None


def test_a_large_delta_asks_for_compaction(folder, caplog):
    add(folder, delivery(folder, ["new,Title,A,,"]), load)
    assert "run onemaster compact" not in caplog.text
    add(folder, delivery(folder, [f"new{number},Title,A,," for number in range(30)]), load)
    assert "run onemaster compact" in caplog.text


@pytest.mark.parametrize("name", ["gone.npy", "ids.npy", "vectors.npy", ROW_DIGESTS_FILE, "manifest.json"])
@pytest.mark.parametrize("damage", ["flip", "truncate", "remove"])
def test_a_damaged_delta_is_refused_and_a_refresh_mends_it(folder, name, damage):
    version = add(folder, delivery(folder, ["new,Title,A,,", "123,Another,A,,"]), load).index.delta
    path = deltas_beside(folder.index, current_version(folder.index).name) / version / name
    content = bytearray(path.read_bytes())
    if damage == "remove":
        path.unlink()
    elif damage == "truncate":
        path.write_bytes(content[: len(content) // 2])
    else:
        content[len(content) // 2] ^= 0xFF
        path.write_bytes(content)
    with pytest.raises((DamagedArtefactError, MismatchedArtefactError)):
        Matcher.open(folder)
    assert refresh(folder, load).published
    with Matcher.open(folder) as matcher:
        assert matcher.snapshot.delta_version != version


@pytest.mark.parametrize(
    ("name", "value"),
    [("format", 99), ("template_version", "0"), ("normalizer_version", "0"), ("files", {}), ("snapshot", "another"),
     ("encoder_digest", "0"), ("dimension", 7), ("fresh", 9), ("gone", 9)],
)  # fmt: skip
def test_a_delta_made_for_something_else_is_refused(folder, name, value):
    version = add(folder, delivery(folder, ["new,Title,A,,", "123,Another,A,,"]), load).index.delta
    path = deltas_beside(folder.index, current_version(folder.index).name) / version / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), name: value}))
    with pytest.raises((DamagedArtefactError, MismatchedArtefactError), match="run onemaster refresh"):
        Matcher.open(folder)


def test_the_service_names_the_delta_even_if_the_first_recording_is_gone(folder):
    first = min(recordings(folder), key=str.encode)
    version = remove(folder, [first], load).index.delta
    with TestClient(create_app(Settings(folder))) as client:
        ready = client.get("/ready").json()
        assert (ready["status"], ready["delta"], ready["recordings"]) == ("ready", version, len(recordings(folder)))
        assert client.get("/version").json()["delta"] == version
        assert client.get("/candidates", params={"sr_id": first}).status_code == 404


def test_the_commands(folder, capsys, tmp_path):
    def run(*typed):
        status = main([*typed, "--data", str(folder.root)])
        printed = capsys.readouterr()
        return status, printed.out, printed.err

    (file,) = delivery(folder, ["new,Harvest Moon,Neil Young,,", "123,Yesterday,Beatles,,"]).files
    status, out, _ = run("add", str(file))
    assert (status, out.splitlines()[0]) == (0, f"1 added, 1 updated, 0 unchanged in {folder.catalog}")
    assert "since the build 2 recordings new or changed, 1 gone or replaced" in out
    assert json.loads(run("add", str(file), "--json")[1])["unchanged"] == 2
    (tmp_path / "ids.txt").write_text("new\n\n 789 \nnobody\n")
    status, _, err = run("remove", "--file", str(tmp_path / "ids.txt"))
    assert (status, "unknown sr_id 'nobody'" in err) == (1, True)
    status, out, _ = run("remove", "--file", str(tmp_path / "ids.txt"), "--ignore-unknown")
    assert out.startswith(f"removed 2 recordings from {folder.catalog}\n1 ids were not in it: nobody")
    assert json.loads(run("remove", "456", "--json")[1])["removed"] == 1
    assert json.loads(run("refresh", "--json")[1])["published"] is False
    assert "is for the present catalogue" in run("refresh")[1]
    status, out, _ = run("compact")
    assert (status, "recall" in out, "wrote" in out) == (0, True, True)
    assert json.loads(run("compact", "--dry-run", "--json")[1])["published"] is False
    assert run("candidates", "123")[0] == 0
    for wrong in (["remove"], ["remove", "1", "--file", "x"], ["add"]):
        with pytest.raises(SystemExit, match="2"):
            run(*wrong)


PROGRAM = """
import sys
from pathlib import Path
import test_changes as t
folder = t.DataFolder.at(Path(sys.argv[1]))
print("ready", flush=True)
for number in range(int(sys.argv[2]), int(sys.argv[3])):
    rows = [f"{sys.argv[2]}-{number},Harvest Moon {number},Neil Young,,", f"123,Yesterday {number},Beatles,,"]
    t.add(folder, t.delivery(folder, rows, f"{sys.argv[2]}.csv"), t.load)
    if number % 3 == 2:
        t.remove(folder, [f"{sys.argv[2]}-{number}"], t.load)
    if number % 7 == 6:
        t.compact(folder, t.load)
"""


def changing_process(folder, first, last):
    paths = {**os.environ, "PYTHONPATH": os.pathsep.join((".", "tests", os.environ.get("PYTHONPATH", "")))}
    command = [sys.executable, "-c", PROGRAM, str(folder.root), str(first), str(last)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=paths)
    assert process.stdout.readline() == b"ready\n"
    return process


@pytest.mark.parametrize("delay", [0.1, 0.5, 0.9, 1.7])
def test_a_killed_change_leaves_a_catalogue_and_an_index_that_fit(folder, tmp_path, delay):
    process = changing_process(folder, 0, 10_000)
    time.sleep(delay)
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    assert_as_built_anew(folder, tmp_path / "scratch", ks=(3,))  # Matcher.open refuses what does not fit
    add(folder, delivery(folder, ["new,Harvest Moon,Neil Young,,"]), load)
    assert not [path for path in folder.root.rglob(".*") if ".building-" in path.name or ".catalog.db-" in path.name]
    assert_as_built_anew(folder, tmp_path / "scratch", ks=(3,))


def test_what_a_killed_compaction_had_half_built_is_removed_by_the_next_change(folder):
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    remains = folder.index / f".building-{dead.pid}-00000000"
    remains.mkdir()
    (remains / "vectors.npy").write_bytes(b"half")
    add(folder, delivery(folder, ["new,Harvest Moon,Neil Young,,"]), load)
    assert not remains.exists()


def test_of_two_changes_at_once_none_is_lost(folder):
    processes = [changing_process(folder, first, first + 3) for first in (0, 100)]
    assert [process.wait() for process in processes] == [0, 0]
    for process in processes:
        process.stdout.close()
    assert {"0-0", "0-1", "100-100", "100-102"} - recordings(folder).keys() == {"100-102"} - recordings(folder).keys()
    Matcher.open(folder).close()
