"""A whole catalogue de-duplicated: in one process, in several, cut off, and on a cluster that loses a node."""

import contextlib
import csv
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
import warnings
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from fastapi.testclient import TestClient
from fsspec.implementations.local import LocalFileSystem
from ray_cluster import OTHER, RayCluster

from batch import dealing, scoring
from batch.dedupe import DedupeOptions, dedupe
from batch.local import LocalEngine
from batch.plan import Plan
from batch.storage import Storage
from batch.tasks import STAGES, run_task
from catalog.artefacts import current_version
from catalog.clusters import Origin, find_cluster, read_origin
from catalog.errors import InputError, UnknownRecordingError, WorkerError
from catalog.paths import DataFolder
from catalog.store import Catalog, write_catalog
from matching import screen
from matching.model import Model
from onemaster import main
from service.app import create_app
from service.settings import Settings
from training.cluster_measures import evaluate_clusters

# So that a catalogue of three thousand has shards, groups and blocks to go round.
SMALL = 250
FILES = ("clusters.csv", "representatives.csv", "clusters.db")


def run(folder, out, engine=None, **options):
    """De-duplicate a data folder."""
    with Catalog.open(folder.catalog, folder.copies) as catalog, engine or LocalEngine(1) as running:
        model = Model.load(current_version(folder.models))
        return dedupe(catalog, model, out, running, DedupeOptions(**{"shard_size": SMALL, **options}))


def clusters_of(out):
    with (out / "clusters.csv").open(encoding="utf-8", newline="") as stream:
        return dict(list(csv.reader(stream))[1:])


@pytest.fixture(scope="module")
def done(sample_folder, tmp_path_factory):
    """The sample, de-duplicated in this process."""
    out = tmp_path_factory.mktemp("dedupe")
    return out, run(sample_folder, out)


def test_every_recording_has_one_cluster_and_most_are_right(sample_folder, done):
    out, report = done
    with Catalog.open(sample_folder.catalog, sample_folder.copies) as catalog:
        assert list(clusters_of(out)) == [recording.sr_id for recording in catalog]
    measured = evaluate_clusters(out / "clusters.csv", sample_folder.root / "truth.csv")
    assert measured["pairwise"]["f1"] > 0.9
    assert report.clusters == len(set(clusters_of(out).values()))
    assert report.matched_pairs <= report.candidate_pairs
    assert report.memory.peaks_mb.keys() == report.seconds.keys()
    assert min(report.memory.peaks_mb.values()) > 0
    assert set(report.seconds) == {"read", "encode", "index", "search", "deal", "order", "score", "cluster"}


def test_hopeless_candidates_are_left_out_where_there_are_many_and_next_to_nothing_is_lost(
    sample_folder, done, tmp_path, monkeypatch
):
    monkeypatch.setattr(dealing, "_PAIRS_IN_A_PART", 5_000)
    monkeypatch.setattr(scoring, "_SAMPLE", 4_000)
    monkeypatch.setattr(screen, "_FEWEST", 50)
    report = run(sample_folder, tmp_path / "one")
    assert report.candidate_pairs == done[1].candidate_pairs == done[1].judged_pairs
    assert report.judged_pairs < 0.9 * report.candidate_pairs
    truth = sample_folder.root / "truth.csv"
    folders = tmp_path / "one", done[0]
    found, whole = (evaluate_clusters(out / "clusters.csv", truth)["pairwise"]["f1"] for out in folders)
    assert abs(found - whole) < 0.005
    other = run(sample_folder, tmp_path / "other", shard_size=700)
    assert other.judged_pairs == report.judged_pairs
    assert (tmp_path / "other/clusters.csv").read_bytes() == (tmp_path / "one/clusters.csv").read_bytes()


def test_a_run_that_was_killed_while_it_cleaned_up_is_begun_anew(sample_folder, done, tmp_path, monkeypatch):
    """What is half removed is nothing to go on with."""
    removed = []
    original = LocalFileSystem.rm

    def rm(self, path, **options):
        if len(removed) == 2:
            raise WorkerError("the test has cut the run off")
        removed.append(path)
        original(self, path, **options)

    monkeypatch.setattr(LocalFileSystem, "rm", rm)
    with pytest.raises(WorkerError):
        run(sample_folder, tmp_path)
    monkeypatch.setattr(LocalFileSystem, "rm", original)
    run(sample_folder, tmp_path)
    assert (tmp_path / "clusters.csv").read_bytes() == (done[0] / "clusters.csv").read_bytes()


def test_the_seed_example_comes_out_right(done):
    clusters = clusters_of(done[0])
    assert clusters["123"] == clusters["456"] != clusters["789"]


def test_the_files_tell_the_same_story(done):
    out, report = done
    clusters = clusters_of(out)
    with (out / "representatives.csv").open(encoding="utf-8", newline="") as stream:
        representatives = list(csv.DictReader(stream))
    assert {row["cluster_id"] for row in representatives} == set(clusters.values())
    assert all(clusters[row["sr_id"]] == row["cluster_id"] for row in representatives)
    assert sum(int(row["size"]) for row in representatives) == report.records
    pairs = pq.read_table(out / "pairs.parquet").to_pylist()
    assert sum(pair["class"] == "valid" for pair in pairs) == report.matched_pairs
    assert all(pair["same_cluster"] == (clusters[pair["q_sr_id"]] == clusters[pair["m_sr_id"]]) for pair in pairs)
    assert {pair["source"] for pair in pairs} >= {"keys", "keys+isrc"}
    summary = (out / "summary.html").read_text(encoding="utf-8")
    assert "masters" in summary
    assert "Valid pairs are not the pairs in one cluster" in summary
    found = find_cluster(out / "clusters.db", "123")
    assert found.members == [sr_id for sr_id, name in clusters.items() if name == clusters["123"]]
    assert found.representative in found.members
    with pytest.raises(UnknownRecordingError):
        find_cluster(out / "clusters.db", "no such recording")


def test_the_clusters_keep_what_they_were_made_from(sample_folder, done):
    with Catalog.open(sample_folder.catalog, sample_folder.copies) as catalog:
        expected = Origin(current_version(sample_folder.models).name, catalog.digest())
    assert read_origin(done[0] / "clusters.db") == expected


def test_nothing_is_left_of_the_work(done):
    assert sorted(path.name for path in done[0].iterdir()) == sorted([*FILES, "pairs.parquet", "summary.html"])


def test_shards_and_processes_change_nothing(sample_folder, done, tmp_path, monkeypatch):
    monkeypatch.setattr("batch.local._ALONE", 0)
    run(sample_folder, tmp_path, LocalEngine(2), shard_size=1_000)
    assert [(tmp_path / name).read_bytes() for name in FILES] == [(done[0] / name).read_bytes() for name in FILES]


def test_a_storage_that_is_no_folder_of_this_machine_gives_the_same(sample_folder, done, tmp_path):
    run(sample_folder, tmp_path, storage="memory://onemaster-test")
    assert [(tmp_path / name).read_bytes() for name in FILES] == [(done[0] / name).read_bytes() for name in FILES]


class Interrupted(LocalEngine):
    """Dies behind so many tasks, and counts those that it ran."""

    def __init__(self, most):
        super().__init__(1)
        self.most, self.ran = most, []

    def run(self, plan, stage, numbers):
        for number in numbers:
            if len(self.ran) == self.most:
                raise WorkerError("the test has cut the run off")
            self.ran.append((stage, number))
            yield run_task(plan, stage, number)


@pytest.mark.parametrize("most", [5, 30, 50])
def test_a_run_that_was_cut_off_goes_on_where_it_was(sample_folder, done, tmp_path, most):
    first, second = Interrupted(most), Interrupted(10_000)
    with pytest.raises(WorkerError):
        run(sample_folder, tmp_path, first)
    run(sample_folder, tmp_path, second)
    assert not set(first.ran) & set(second.ran)
    assert [(tmp_path / name).read_bytes() for name in FILES] == [(done[0] / name).read_bytes() for name in FILES]


def test_what_another_model_or_catalogue_left_is_not_gone_on_with(sample_folder, tmp_path):
    with pytest.raises(WorkerError):
        run(sample_folder, tmp_path, Interrupted(20))
    again = Interrupted(10_000)
    run(sample_folder, tmp_path, again, neighbours=5)
    assert ("encode", 0) in again.ran


def test_a_killed_process_leaves_a_run_to_go_on_with(sample_folder, done, tmp_path):
    command = [sys.executable, "-m", "onemaster", "dedupe", "--data", str(sample_folder.root), "--out", str(tmp_path)]
    command += ["--shard-size", str(SMALL), "--workers", "1"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 120
    while not list(tmp_path.glob(".onemaster-run/keys/*")) and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()
    kept = {
        path: path.stat().st_mtime_ns
        for path in tmp_path.glob(".onemaster-run/vectors/*")
        if not path.name.endswith("part")
    }
    assert kept
    again = Interrupted(10_000)
    run(sample_folder, tmp_path, again)
    assert ("encode", 0) not in again.ran
    assert (tmp_path / "clusters.csv").read_bytes() == (done[0] / "clusters.csv").read_bytes()


def test_names_of_clusters_outlast_arrivals(sample_folder, done, tmp_path):
    """New recordings join clusters or make new ones; no old one gets another name."""
    folder = DataFolder.at(tmp_path)
    before = clusters_of(done[0])
    with Catalog.open(sample_folder.catalog, sample_folder.copies) as catalog:
        rows = [catalog.row(recording.sr_id) for recording in catalog]
    again = [{**row, "sr_id": f"!{row['sr_id']}", "title": str(row["title"]).upper()} for row in rows[:40]]
    write_catalog(folder.catalog, [*rows, *again])
    folder.dedupe.mkdir()
    (folder.dedupe / "clusters.csv").write_bytes((done[0] / "clusters.csv").read_bytes())
    with Catalog.open(folder.catalog, folder.copies) as catalog:
        model = Model.load(current_version(sample_folder.models))
        dedupe(catalog, model, folder.dedupe, LocalEngine(1), DedupeOptions(shard_size=SMALL))
    after = clusters_of(folder.dedupe)
    kept = [sr_id for sr_id, name in before.items() if after[sr_id] == name]
    assert len(kept) > 0.98 * len(before)  # an arrival changes how rare words are, and so a few decisions
    joined = [row["sr_id"] for row in again if after[row["sr_id"]] == after[str(row["sr_id"])[1:]]]
    assert len(joined) > 0.9 * len(again)
    assert not {name for name in after.values() if name.startswith("!")} & {after[sr_id] for sr_id in joined}


def test_a_text_that_many_have_word_for_word_is_one_cluster(sample_folder, tmp_path):
    """It has no rare key, and no ISRC helps."""
    folder = DataFolder.at(tmp_path)
    with Catalog.open(sample_folder.catalog, sample_folder.copies) as catalog:
        rows = [catalog.row(recording.sr_id) for recording in catalog][:200]
    hit = {
        "title": "Umbrella of Glass",
        "artists": "The Tin Choir",
        "contributors": "Ada Quill|Ben Ober",
        "isrcs": None,
    }
    write_catalog(folder.catalog, [*rows, *({**hit, "sr_id": f"hit{number:03}"} for number in range(400))])
    with Catalog.open(folder.catalog, folder.copies) as catalog:
        model = Model.load(current_version(sample_folder.models))
        options = DedupeOptions(shard_size=SMALL)
        report = dedupe(catalog, model, folder.dedupe, LocalEngine(1), options)
        clusters = clusters_of(folder.dedupe)
        assert len({clusters[f"hit{number:03}"] for number in range(400)}) == 1
        assert report.added_pairs > 1_000
        assert report.judged_pairs < report.matched_pairs <= report.judged_pairs + report.added_pairs
        assert f"and {report.added_pairs:,} more pairs at the ends of chains" in (
            folder.dedupe / "summary.html"
        ).read_text(encoding="utf-8")
        assert report.cut_components == 0
        cut = dedupe(catalog, model, folder.dedupe, LocalEngine(1), replace(options, largest=100))
        assert cut.cut_components == 1


def test_a_storage_is_used_and_left_as_it_was(sample_folder, tmp_path):
    """Only our own subfolder comes and goes; a folder of that name that is not ours is refused."""
    shared = tmp_path / "shared"
    shared.mkdir()
    (shared / "mine.txt").write_text("mine", encoding="utf-8")
    run(sample_folder, tmp_path / "out", storage=str(shared), neighbours=2)
    assert [path.name for path in shared.iterdir()] == ["mine.txt"]
    (shared / ".onemaster-run").mkdir()
    (shared / ".onemaster-run" / "theirs").write_text("theirs", encoding="utf-8")
    with pytest.raises(InputError, match="remains of a run"):
        run(sample_folder, tmp_path / "out", storage=str(shared), neighbours=2)
    assert (shared / ".onemaster-run" / "theirs").exists()
    with pytest.raises(InputError, match="fsspec"):
        run(sample_folder, tmp_path / "out", storage="nowhere://there")


def test_another_largest_cluster_is_another_run(sample_folder, tmp_path):
    with pytest.raises(WorkerError):
        run(sample_folder, tmp_path, Interrupted(20))
    again = Interrupted(10_000)
    run(sample_folder, tmp_path, again, largest=7)
    assert ("encode", 0) in again.ran


def test_a_cluster_file_of_somebody_else_is_not_overwritten(sample_folder, tmp_path):
    (tmp_path / "clusters.csv").write_text("a,b,c\n1,2,3\n", encoding="utf-8")
    with pytest.raises(InputError, match="line 1"):
        run(sample_folder, tmp_path)
    assert (tmp_path / "clusters.csv").read_text(encoding="utf-8") == "a,b,c\n1,2,3\n"


@pytest.mark.parametrize("rows", ["123,a\n123,b\n", "123,\n"])
def test_earlier_clusters_that_say_nothing_clear_are_refused(sample_folder, tmp_path, rows):
    (tmp_path / "clusters.csv").write_text(f"sr_id,cluster_id\n{rows}", encoding="utf-8")
    with pytest.raises(InputError, match="every sr_id once"):
        run(sample_folder, tmp_path)


def test_the_command_line_prints_counts_and_measures_clusters(sample_folder, done, tmp_path, capsys):
    written = tmp_path / "a-part-of-the-truth.csv"
    written.write_text("sr_id,cluster_id\n123,a\n456,a\n", encoding="utf-8")
    truth = str(sample_folder.root / "truth.csv")
    arguments = ["evaluate", "--data", str(sample_folder.root), "--out", str(done[0]), "--clusters", truth]
    assert main(arguments) == 0
    out = capsys.readouterr().out
    assert "b_cubed" in out
    assert "too good" not in out
    assert main([*arguments[:-1], str(written)]) == 0
    assert "precision may look too good" in capsys.readouterr().out
    assert main([*arguments[:-1], "no such file"]) == 1
    assert "expected a CSV file of clusters" in capsys.readouterr().err


def test_clusters_of_an_earlier_catalogue_are_said_to_be(sample_folder, done, tmp_path, caplog):
    truth = str(sample_folder.root / "truth.csv")
    arguments = ["evaluate", "--data", str(sample_folder.root), "--out", str(done[0]), "--clusters", truth]
    assert main(arguments) == 0
    assert "earlier time" not in caplog.text
    write_catalog(tmp_path / "other.db", [{"sr_id": "1", "title": "Other"}])
    assert main([*arguments, "--catalog", str(tmp_path / "other.db")]) == 0
    assert "these clusters are those of an earlier time: the catalogue has changed since" in caplog.text


def test_the_service_names_the_cluster(tiny_data, tmp_path):
    folder = DataFolder.at(shutil.copytree(tiny_data.root, tmp_path / "data"))
    with TestClient(create_app(Settings(folder))) as client:
        assert client.get("/clusters?sr_id=123").status_code == 503
        assert "onemaster dedupe" in client.get("/clusters?sr_id=123").json()["error"]
        with Catalog.open(folder.catalog, folder.copies) as catalog:
            dedupe(catalog, Model.load(current_version(tiny_data.models)), folder.dedupe, LocalEngine(1))
        answer = client.get("/clusters?sr_id=456").json()
        assert answer["cluster_id"] == client.get("/clusters?sr_id=123").json()["cluster_id"]
        assert answer["members"] == ["123", "456"]
        assert client.get("/clusters?sr_id=nobody").status_code == 404
        with contextlib.closing(sqlite3.connect(folder.clusters)) as connection, connection:
            connection.execute("DELETE FROM member WHERE sr_id = '123'")
            connection.execute("UPDATE member SET cluster_id = 'c' WHERE sr_id = '789'")
            connection.execute("INSERT INTO member VALUES ('gone', 'c', 1)")
        unseen = client.get("/clusters?sr_id=123")
        assert (unseen.status_code, "has not seen '123': run onemaster dedupe" in unseen.json()["error"]) == (503, True)
        assert client.get("/clusters?sr_id=gone").status_code == 404
        left = client.get("/clusters?sr_id=789").json()
        assert (left["members"], left["representative"]) == (["789"], "789")
        folder.clusters.write_bytes(b"no database" * 50)
        damaged = client.get("/clusters?sr_id=456")
        assert (damaged.status_code, "run onemaster dedupe" in damaged.json()["error"]) == (503, True)
        assert client.get("/explore?sr_id=456").status_code == 200
        (folder.dedupe / "pairs.parquet").write_bytes(b"garbage")
        for path in ("/labels/queue", "/review?reviewer=ada"):
            damaged = client.get(path)
            assert (damaged.status_code, "onemaster dedupe" in damaged.text) == (503, True), path
        assert client.get("/clusters").status_code == 422


def test_a_cluster_of_nodes_loses_one_and_no_recording(sample_folder, done, tmp_path):
    """Real Ray, two nodes, one killed in the middle of the run: byte for byte the clusters of one process."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of Ray's own
        from batch.distributed import RayEngine

        class Losing(RayEngine):
            """Kills a node as soon as the keys are being chosen."""

            def run(self, plan, stage, numbers):
                for done_tasks, number in enumerate(super().run(plan, stage, numbers)):
                    if stage == "choose keys" and done_tasks == 2:
                        nodes.kill(OTHER)
                    yield number

        with RayCluster() as nodes, Losing(nodes.address) as engine:
            nodes.wait_until_joined()
            report = run(sample_folder, tmp_path, engine)
    assert report.records == done[1].records
    assert [(tmp_path / name).read_bytes() for name in FILES] == [(done[0] / name).read_bytes() for name in FILES]


def test_every_task_may_be_run_again(sample_folder, tmp_path):
    """A task that was lost after it had written its file is begun anew somewhere else."""
    tasks = Interrupted(10_000)
    kept = []
    original = Storage.clear
    try:
        Storage.clear = lambda self, marker: kept.append(self) if self.holds(marker) else original(self, marker)
        run(sample_folder, tmp_path, tasks)
    finally:
        Storage.clear = original
    storage = kept[-1]
    plan = Plan(
        **{
            name: value
            for name, value in __import__("json").loads(storage.local("plan.json").read_text()).items()
            if name != "format"
        }
    )
    for stage, number in tasks.ran:
        path = Path(storage.local(STAGES[stage].output(number)))
        before = path.read_bytes()
        STAGES[stage].task(plan, number)
        assert path.read_bytes() == before, stage
