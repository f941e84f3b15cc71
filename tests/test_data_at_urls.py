"""Data folders at URLs: an S3 server that keeps conditional writes, and folders of this machine by file://."""

import contextlib
import http.client
import json
import os
import shutil
import subprocess
import sys
import time
import uuid
from pathlib import Path

import fsspec
import object_store
import pytest
import smoke
from fastapi.testclient import TestClient
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.errors import ConflictError, DamagedArtefactError, InputError
from catalog.paths import COPY_RECORD, DataFolder
from catalog.remote import Content, RemoteFolder, State
from catalog.working_copy import WorkingCopy, copy_folder
from data_at_urls import Follower
from matching.label_file import merge_labels
from matching.labels import Verdict, agreed_tags, append_label, read_labels
from matching.matcher import Matcher
from matching.reviewing import say_unsure, undo
from onemaster import main
from service.app import create_app
from service.settings import Settings

PAIR = "/?q_sr_id=123&m_sr_id=456"
ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def store():
    with object_store.running() as running:
        running.make_bucket("tests")
        yield running


@pytest.fixture(params=["s3", "file"])
def url(request, tmp_path):
    """A URL where nothing is yet."""
    if request.param == "file":
        return f"file://{tmp_path}/bucket"
    request.getfixturevalue("store")
    return f"s3://tests/{uuid.uuid4().hex}"


@pytest.fixture
def s3(store, tmp_path, monkeypatch):
    """An S3 URL where nothing is yet; this machine's copies lie in the test's own folder."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "caches"))
    return f"s3://tests/{uuid.uuid4().hex}"


def copied(url, folder):
    copy = WorkingCopy(RemoteFolder(url), folder)
    copy.pull(strict=True)
    return copy


def files_in(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name != COPY_RECORD
    }


def test_what_one_copy_publishes_another_one_gets(url, tmp_path):
    one = copied(url, tmp_path / "one")
    (one.folder / "models" / "20260101T0-aa").mkdir(parents=True)
    (one.folder / "models" / "20260101T0-aa" / "model.json").write_text("{}")
    (one.folder / "models" / "CURRENT").write_text("20260101T0-aa\n")
    (one.folder / "catalog.db").write_bytes(b"rows")
    (one.folder / "copies").mkdir()
    (one.folder / "copies" / "mine").write_text("of this machine")
    assert one.push().number == 1
    assert one.push() is None  # nothing has changed
    other = copied(url, tmp_path / "other")
    assert files_in(other.folder) == {name: data for name, data in files_in(one.folder).items() if "copies" not in name}
    (other.folder / "catalog.db").unlink()
    (other.folder / "groundtruth.csv").write_text("labels")
    assert other.push().number == 2
    one.pull(strict=True)
    assert sorted(files_in(one.folder)) == sorted({*files_in(other.folder), "copies/mine"})


def test_of_two_who_publish_upon_one_state_one_is_told(url, tmp_path):
    one, other = (copied(url, tmp_path / name) for name in ("one", "other"))
    (one.folder / "catalog.db").write_bytes(b"first")
    (other.folder / "catalog.db").write_bytes(b"second")
    one.push()
    with pytest.raises(ConflictError, match="run the command again"):
        other.push()
    other.pull(strict=True)
    assert files_in(other.folder) == {"catalog.db": b"first"}


def test_verdicts_that_come_meanwhile_stop_nobody_who_publishes(url, tmp_path):
    one = copied(url, tmp_path / "one")
    (one.folder / "catalog.db").write_bytes(b"first")
    one.push()
    service = copied(url, tmp_path / "service")
    for number in range(2):  # the second time labels.db is a file that the first copy holds
        one.pull(strict=True)
        append_label(service.folder / "labels.db", verdict("valid", f"2026-01-0{number + 1}T00:00:00+00:00"))
        Follower(service).exchange()
        (one.folder / "catalog.db").write_bytes(b"later" * (number + 1))
        one.push()
        look = copied(url, tmp_path / "look")
        assert len(read_labels(look.folder / "labels.db")) == number + 1
        assert (look.folder / "catalog.db").read_bytes() == b"later" * (number + 1)


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from([0, 1]), st.sampled_from("abc"), st.sampled_from([None, b"x", b"y"])), max_size=8
    )
)
def test_two_copies_and_a_dict_agree_whatever_is_written_and_removed(tmp_path_factory, steps):
    """An oracle: a dict is changed in step with whichever copy is, and both copies follow."""
    folder, expected = tmp_path_factory.mktemp("oracle"), {}
    copies = [WorkingCopy(RemoteFolder(f"file://{folder}/bucket"), folder / str(name)) for name in range(2)]
    for who, name, content in steps:
        copies[who].pull(strict=True)
        assert files_in(copies[who].folder) == expected
        if content is None:
            (copies[who].folder / name).unlink(missing_ok=True)
            expected.pop(name, None)
        else:
            (copies[who].folder / name).write_bytes(content)
            expected[name] = content
        copies[who].push()
    for copy in copies:
        copy.pull(strict=True)
        assert files_in(copy.folder) == expected


@pytest.mark.parametrize("missing", ["everything", "the last state"])
def test_a_url_that_has_less_than_it_had_changes_nothing(tmp_path, missing):
    """A share that is not mounted looks as if nothing had ever been published."""
    url = f"file://{tmp_path}/bucket"
    copy = copied(url, tmp_path / "copy")
    for content in (b"first", b"second"):
        (copy.folder / "catalog.db").write_bytes(content)
        copy.push()
    append_label(copy.folder / "labels.db", verdict("valid", "2026-01-01T00:00:00+00:00"))
    states = tmp_path / "bucket" / "states"
    (states if missing == "everything" else states / "00000" / "00000002.json").rename(tmp_path / "elsewhere")
    with pytest.raises(DamagedArtefactError, match="mounted"):
        Follower(copy).exchange()
    with pytest.raises(DamagedArtefactError, match="mounted"):
        copied(url, tmp_path / "copy")
    assert (copy.folder / "catalog.db").read_bytes() == b"second"
    assert len(read_labels(copy.folder / "labels.db")) == 1
    assert len(list((tmp_path / "bucket").rglob("*.json"))) == (0 if missing == "everything" else 1)


def test_an_answer_that_was_lost_on_its_way_is_no_conflict(url, tmp_path, monkeypatch):
    """The state was written, and the driver asks again: there is one of that number by now, which is ours."""
    copy = copied(url, tmp_path / "copy")
    (copy.folder / "catalog.db").write_bytes(b"first")
    create = RemoteFolder._create

    def twice(self, target, text):
        create(self, target, text)
        create(self, target, text)

    monkeypatch.setattr(RemoteFolder, "_create", twice)
    assert copy.push().number == 1
    monkeypatch.setattr(RemoteFolder, "_create", lambda *_: (_ for _ in ()).throw(PermissionError("not yours")))
    (copy.folder / "catalog.db").write_bytes(b"second")
    with pytest.raises(PermissionError):
        copy.push()


def test_killed_between_objects_and_state_nothing_has_happened(url, tmp_path, monkeypatch):
    copy = copied(url, tmp_path / "copy")
    (copy.folder / "catalog.db").write_bytes(b"first")
    copy.push()
    monkeypatch.setattr(RemoteFolder, "_create", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    (copy.folder / "catalog.db").write_bytes(b"second")
    with pytest.raises(KeyboardInterrupt):
        copy.push()
    monkeypatch.undo()
    assert files_in(copied(url, tmp_path / "copy").folder) == {"catalog.db": b"first"}


def test_thousands_of_states_are_looked_through_by_folders(tmp_path):
    remote, state = RemoteFolder(f"file://{tmp_path}/bucket"), State()
    (tmp_path / "file").write_text("content")
    content = Content.of(tmp_path / "file")
    state = remote.publish({"file": content}, {"file": tmp_path / "file"}, State(998))
    for _ in range(3):
        stale, state = state, remote.publish({"file": content, str(state.number): content}, {}, state)
    assert remote.newest() == state
    assert state.number == 1_002
    with pytest.raises(ConflictError):
        remote.publish({"file": content}, {}, stale)
    assert sorted(path.name for path in (tmp_path / "bucket" / "states").iterdir()) == ["00000", "00001"]
    (tmp_path / "bucket" / "states" / "00002").mkdir()  # who made it was killed before there was a state in it
    assert remote.newest() == state


def test_files_that_go_from_a_copy_go_from_no_state_by_looking(published, capsys):
    """A temporary folder is cleaned by somebody."""
    assert main(["classify", "123", "456", "--data", published]) == 0
    (copy_folder(published, "commands") / "groundtruth.csv").unlink()
    assert main(["classify", "123", "456", "--data", published]) == 0
    assert "groundtruth.csv" in RemoteFolder(published).newest().files
    assert RemoteFolder(published).newest().number == 1
    assert main(["rebuild", "--index", "elsewhere", "--data", published]) == 1
    assert "--index" in capsys.readouterr().err


def test_what_a_command_left_that_was_cut_off_is_gone_before_the_next(url, tmp_path):
    copy = copied(url, tmp_path / "copy")
    (copy.folder / "catalog.db").write_bytes(b"published")
    copy.push()
    (copy.folder / "catalog.db").write_bytes(b"half done")
    (copy.folder / "index" / "20260101T0-aa").mkdir(parents=True)
    (copy.folder / "index" / "20260101T0-aa" / "ids.npy").write_bytes(b"half")
    again = copied(url, tmp_path / "copy")
    assert files_in(again.folder) == {"catalog.db": b"published"}
    assert again.push() is None


def test_indexes_that_were_in_charge_long_ago_are_named_no_more(url, tmp_path):
    """Six rebuilds: a copy has the index in charge and the one before, a state the last five, and every model."""
    copy, versions = copied(url, tmp_path / "copy"), [f"2026010{day}T0-aa" for day in range(6)]
    for number, version in enumerate(versions):
        for shelf in ("models", "index"):
            (copy.folder / shelf / version).mkdir(parents=True)
            (copy.folder / shelf / version / "file").write_text(version)
            (copy.folder / shelf / "CURRENT").write_text(version)
            (copy.folder / shelf / "HISTORY").write_text("\n".join(versions[: number + 1]))
        copy.push()
        copy.pull(strict=True)
        there = sorted(path.name for path in (copy.folder / "index").iterdir() if path.is_dir())
        assert there == versions[max(0, number - 1) : number + 1]
    assert {path.split("/")[1] for path in copy.state.files if path.endswith("/file")} == {*versions}
    indexes = sorted(path.split("/")[1] for path in copy.state.files if path.startswith("index/2"))
    assert indexes == versions[1:]
    copy.pull(every_model=True, strict=True)
    assert len([path for path in (copy.folder / "models").iterdir() if path.is_dir()]) == 6


def test_an_altered_or_absent_object_is_refused_and_the_copy_stays(url, tmp_path):
    one = copied(url, tmp_path / "one")
    (one.folder / "catalog.db").write_bytes(b"first")
    one.push()
    other = copied(url, tmp_path / "other")
    (one.folder / "catalog.db").write_bytes(b"later")
    state = one.push()
    system, root = fsspec.core.url_to_fs(url)
    stored = f"{root}/objects/catalog.db/{state.files['catalog.db'].sha256}"
    for damage in (lambda: system.pipe_file(stored, b"other"), lambda: system.rm(stored)):
        damage()
        with pytest.raises(DamagedArtefactError, match="from a backup"):
            other.pull()
        assert files_in(other.folder) == {"catalog.db": b"first"}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        '{"format": 2, "files": {}}',
        '{"format": 1, "files": {"../escaped": ["aa", 1]}}',
        '{"format": 1, "files": {"/etc/escaped": ["aa", 1]}}',
        '{"format": 1, "files": {"a": 1}}',
    ],
)
def test_a_state_that_is_none_of_ours_is_refused(tmp_path, text):
    (tmp_path / "bucket" / "states" / "00000").mkdir(parents=True)
    (tmp_path / "bucket" / "states" / "00000" / "00000001.json").write_text(text)
    with pytest.raises(DamagedArtefactError, match="moved away"):
        copied(f"file://{tmp_path}/bucket", tmp_path / "copy")
    assert files_in(tmp_path / "copy") == {}


def test_a_url_that_nothing_is_installed_for_says_so(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert main(["rebuild", "--data", "nowhere://bucket/prefix"]) == 1
    assert "nowhere" in capsys.readouterr().err
    with pytest.raises(InputError, match="pip install"):
        RemoteFolder("gs://bucket").newest()


@pytest.fixture
def published(tiny_data, s3):
    """The tiny data folder at a URL."""
    copy = copied(s3, copy_folder(s3, "commands"))
    shutil.copytree(tiny_data.root, copy.folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("copies"))
    copy.push()
    return s3


def test_nothing_is_served_where_nothing_is(s3, capsys):
    assert main(["serve", "--data", s3]) == 1
    assert f"onemaster import --data {s3}" in capsys.readouterr().err


def test_commands_work_at_a_url_and_name_it(published, capsys):
    assert main(["sample", "--records", "300", "--pairs", "150", "--data", f"{published}-further"]) == 0
    assert main(["dedupe", "--workers", "1", "--data", published]) == 0
    assert f"wrote {published}/dedupe/clusters.csv" in capsys.readouterr().out
    assert main(["classify", "123", "456", "--json", "--data", f"{published}/"]) == 0
    assert json.loads(capsys.readouterr().out)["class"] == "valid"
    assert main(["classify", "123", "nobody", "--data", published]) == 1
    assert RemoteFolder(published).newest().number == 2
    system, root = fsspec.core.url_to_fs(published)
    assert {Path(each).name for each in system.ls(root)} == {"objects", "states"}  # nothing of the run is left
    copy = copy_folder(published, "commands")
    assert main(["classify", "123", "456", "--data", str(copy)]) == 1
    assert f"use --data {published}" in capsys.readouterr().err


# What a command first writes when it is killed, and whether the store still does it. Each run finds what the one before
# left. The file plan.json says whose a run of dedupe is, and when it is written once more, that it is being removed.
KILLS = {
    "rebuild": [
        ("/objects/index/.+/codes", False),
        ("/objects/index/CURRENT/", True),
        ("/states/", False),
        ("/states/", True),
    ],
    "dedupe": [
        ("/plan.json$", True),
        ("/records/done$", True),
        ("/scores/", False),
        ("/plan.json$", True),
        ("/states/", True),
    ],
}


@pytest.mark.parametrize("command", [("rebuild",), ("dedupe", "--workers", "1", "--shard-size", "80")])
def test_killed_at_any_request_the_folder_at_the_url_is_healthy(published, store, tiny_data, tmp_path, command):
    words = [sys.executable, "-m", "onemaster", *command, "--data", published]
    in_charge = RemoteFolder(published).newest()
    for number, (path, after) in enumerate(KILLS[command[0]]):
        store.run_killed(words, path, after)
        copy = copied(published, tmp_path / f"fresh{number}")
        with Matcher.open(DataFolder.at(copy.folder)) as matcher:
            assert matcher.classify("123", "456").decided == "valid"
        assert (copy.state == in_charge) is not (path == "/states/" and after), "the state says what has happened"
    if command[0] == "dedupe":  # the last one had done everything
        local = shutil.copytree(tiny_data.root, tmp_path / "local")
        assert main([*command, "--data", str(local)]) == 0
        for name in ("clusters.csv", "pairs.parquet"):
            assert (copy.folder / "dedupe" / name).read_bytes() == (local / "dedupe" / name).read_bytes()
    else:
        assert main([*command, "--data", published]) == 0
    assert RemoteFolder(published).newest().number == copy.state.number + (command[0] == "rebuild")
    system, root = fsspec.core.url_to_fs(published)
    assert {Path(each).name for each in system.ls(root)} == {"objects", "states"}


@contextlib.contextmanager
def served(url, caches, log):
    """A service at a URL with a copy of its own, and how to ask it."""
    port = smoke.free_port()
    words = [sys.executable, "-m", "onemaster", "serve", "--data", url, "--port", str(port)]
    with log.open("wb") as output:
        process = subprocess.Popen(
            words, cwd=ROOT, env=os.environ | {"XDG_CACHE_HOME": str(caches)}, stdout=output, stderr=output
        )
    try:
        wait_for(lambda: process.poll() is not None or answers(port, "/ready"))
        assert process.poll() is None, log.read_text()
        yield port
    finally:
        process.terminate()
        assert process.wait(30) == 0


def answers(port, path, body=None):
    """Ask; None where there is no answer, or one that is an error."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        data, method = (json.dumps(body), "POST") if body else (None, "GET")
        connection.request(method, path, data, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        content = json.loads(answer.read())
    except OSError:
        return None
    finally:
        connection.close()
    return content if answer.status < 300 else None


def wait_for(condition):
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if condition():
            return
        time.sleep(0.1)
    raise AssertionError("it did not happen")


def test_services_at_a_url_follow_it_and_share_verdicts(published, tmp_path):
    with contextlib.ExitStack() as ending:
        ports = [ending.enter_context(served(published, tmp_path / name, tmp_path / f"{name}.log")) for name in "ab"]
        assert [answers(port, PAIR) for port in ports] == [{"class": "valid"}] * 2
        assert answers(ports[0], "/labels", {"q_sr_id": "123", "m_sr_id": "789", "tag": "invalid", "reviewer": "ada"})
        assert main(["rebuild", "--data", published]) == 0
        index = copied(published, tmp_path / "look").text("index/CURRENT").strip()
        for port in ports:
            wait_for(lambda port=port: answers(port, "/version")["index"] == index)
        wait_for(lambda: any(len(read_labels(each)) == 1 for each in (tmp_path / "b").rglob("labels.db")))
        assert answers(ports[1], "/labels", {"q_sr_id": "456", "m_sr_id": "789", "tag": "invalid", "reviewer": "bob"})
    look = copied(published, tmp_path / "look")
    # Bob's verdict was the last thing before the services were stopped.
    assert [each.verdict.reviewer for each in read_labels(look.folder / "labels.db")] == ["ada", "bob"]


def verdict(tag, at, reviewer="ada"):
    return Verdict("a", "b", tag, reviewer, at)


def test_a_verdict_that_comes_while_others_are_exchanged_is_not_missed(url, tmp_path, monkeypatch):
    copy = copied(url, tmp_path / "copy")
    (copy.folder / "catalog.db").write_bytes(b"rows")
    copy.push()
    append_label(copy.folder / "labels.db", verdict("valid", "2026-01-01T00:00:00+00:00"))
    follower, publish = Follower(copy), RemoteFolder.publish

    def slowly(self, *given):
        append_label(copy.folder / "labels.db", verdict("invalid", "2026-01-02T00:00:00+00:00", "bob"))
        monkeypatch.undo()
        return publish(self, *given)

    monkeypatch.setattr(RemoteFolder, "publish", slowly)
    follower.exchange()
    follower.exchange()
    assert len(read_labels(copied(url, tmp_path / "look").folder / "labels.db")) == 2


def test_a_service_that_is_started_again_has_the_verdicts_that_it_had(published, tmp_path):
    """It was killed before it could bring them to the URL, where others' had come meanwhile."""
    one, other = (copied(published, tmp_path / name) for name in ("one", "other"))
    for copy, reviewer in ((one, "ada"), (other, "bob")):
        append_label(copy.folder / "labels.db", verdict("valid", "2026-01-01T00:00:00+00:00", reviewer))
    Follower(other).exchange()
    again = WorkingCopy(RemoteFolder(published), tmp_path / "one")
    with Follower(again).following():
        assert {each.verdict.reviewer for each in read_labels(again.folder / "labels.db")} == {"ada", "bob"}
    assert len(read_labels(copied(published, tmp_path / "look").folder / "labels.db")) == 2


def test_a_service_is_started_from_its_copy_while_the_url_is_away(tmp_path, monkeypatch):
    url = f"file://{tmp_path}/bucket"
    copy = copied(url, tmp_path / "copy")
    (copy.folder / "catalog.db").write_bytes(b"rows")
    copy.push()
    (tmp_path / "bucket").rename(tmp_path / "elsewhere")
    with Follower(WorkingCopy(RemoteFolder(url), copy.folder)).following():
        assert (copy.folder / "catalog.db").read_bytes() == b"rows"


def test_clusters_of_a_url_are_brought_to_this_machine(published, tmp_path, capsys):
    assert main(["dedupe", "--data", published, "--out", str(tmp_path / "here")]) == 0
    assert (tmp_path / "here" / "clusters.csv").read_text().startswith("sr_id,cluster_id\n")
    assert f"wrote {tmp_path / 'here' / 'clusters.csv'}" in capsys.readouterr().out


def test_a_plain_folder_at_a_url_is_told_to_be_one(tiny_data, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "caches"))
    url = f"file://{shutil.copytree(tiny_data.root, tmp_path / 'data')}"
    for command in ("rebuild", "doctor"):
        assert main([command, "--data", url]) == 1
        assert "holds a data folder as it lies on a disk" in capsys.readouterr().err
    assert main(["import", str(tmp_path / "data" / "catalog.db"), "--data", url]) == 0
    assert main(["doctor", "--data", url]) == 0


def test_a_service_names_the_url_and_not_its_copy(published, tmp_path):
    copy = copied(published, tmp_path / "copy")
    folder = DataFolder.at(copy.folder)
    assert (folder.named, DataFolder.at(tmp_path).named) == (published, str(tmp_path))
    with TestClient(create_app(Settings(folder))) as client:
        assert f"onemaster dedupe --data {published}" in client.get("/catalog").text
        assert f"onemaster dedupe --data {published}" in client.get("/clusters?sr_id=123").json()["error"]
    shutil.rmtree(folder.index)
    with TestClient(create_app(Settings(folder))) as client:
        assert f"onemaster rebuild --data {published}" in client.get("/ready").text
        assert f"onemaster rebuild --data {published}" in client.get("/recordings/123").json()["error"]


def test_of_verdicts_that_meet_the_last_is_last_and_is_taken_back_anywhere(tmp_path):
    """Ada changed her mind at another service, which was cut off from this one."""
    one, other = tmp_path / "one.db", tmp_path / "other.db"
    append_label(other, verdict("invalid", "2026-01-01T00:00:00.000+00:00"))
    later = append_label(one, verdict("valid", "2026-01-02T00:00:00.000+00:00"))
    merge_labels(other, one)
    merge_labels(one, other)
    assert read_labels(one) == read_labels(other)
    assert [each.tag for each in agreed_tags(read_labels(one))] == ["valid"]
    undo(other, ("label", later.number), "ada", "2026-01-03T00:00:00+00:00")
    merge_labels(other, one)
    assert [each.tag for each in agreed_tags(read_labels(one))] == ["invalid"]


def test_two_services_verdicts_meet_and_none_is_counted_twice(url, tmp_path):
    first = copied(url, tmp_path / "first")
    (first.folder / "catalog.db").write_bytes(b"rows")
    first.push()
    one, other = (copied(url, tmp_path / name) for name in ("one", "other"))
    append_label(one.folder / "labels.db", verdict("valid", "2026-01-01T00:00:00+00:00"))
    say_unsure(one.folder / "labels.db", ("a", "b"), "ada", "2026-01-01T00:00:01+00:00")  # takes it back
    append_label(other.folder / "labels.db", verdict("invalid", "2026-01-01T00:00:02+00:00", "bob"))
    followers = Follower(one), Follower(other)
    for follower in followers * 2:
        follower.exchange()
    number = RemoteFolder(url).newest().number
    for copy in (one, other):
        labels = read_labels(copy.folder / "labels.db")
        assert [(each.verdict.reviewer, each.verdict.tag) for each in labels] == [("bob", "invalid")]
    for follower in followers:
        follower.exchange()
    assert RemoteFolder(url).newest().number == number  # once all is everywhere nothing more is published


said = st.tuples(st.sampled_from(["valid", "invalid"]), st.integers(0, 3), st.sampled_from(["ada", "bob"]))


@settings(max_examples=25, deadline=None)
@given(st.lists(said, max_size=6), st.lists(said, max_size=6))
def test_merging_labels_is_the_union_whatever_was_said(tmp_path_factory, ours, theirs):
    folder = tmp_path_factory.mktemp("labels")
    for name, verdicts in (("ours", ours), ("theirs", theirs)):
        for tag, second, reviewer in dict.fromkeys(verdicts):
            append_label(folder / name, verdict(tag, f"2026-01-01T00:00:0{second}+00:00", reviewer))
    if theirs:
        before = len(read_labels(folder / "ours"))
        assert merge_labels(folder / "theirs", folder / "ours") == len({*ours, *theirs}) - before
        assert merge_labels(folder / "theirs", folder / "ours") == 0
    found = [
        (each.verdict.tag, each.verdict.labelled_at, each.verdict.reviewer) for each in read_labels(folder / "ours")
    ]
    assert len(found) == len({*found}) == len({*ours, *theirs})


def test_a_folder_at_a_url_is_brought_to_this_machine(published, tmp_path, capsys):
    out = tmp_path / "here" / "songs"
    assert main(["fetch", "--data", published, "--out", str(out)]) == 0
    assert f"of {published} stands in {out}" in capsys.readouterr().out
    assert files_in(out) == files_in(copied(published, tmp_path / "copy").folder)
    assert not (out / COPY_RECORD).exists()
    assert [path.name for path in out.parent.iterdir()] == [out.name]
    # It is a folder like any other.
    assert main(["classify", "123", "456", "--data", str(out)]) == 0
    assert main(["remove", "123", "--data", str(out)]) == 0
    assert main(["classify", "123", "456", "--data", published]) == 0


@pytest.mark.parametrize(
    ("data", "out", "message"),
    [
        ("data", "new", "expected the URL of a data folder"),
        ("file:///nowhere/at/all", "new", "expected a data folder at file:///nowhere/at/all, found none"),
        ("file:///nowhere/at/all", ".", "expected a folder that is empty or not there yet"),
        ("file:///nowhere/at/all", "file", "expected a folder that is empty or not there yet"),
    ],
)
def test_what_cannot_be_fetched_leaves_nothing(tmp_path, monkeypatch, capsys, data, out, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("mine")
    assert main(["fetch", "--data", data, "--out", out]) == 1
    assert message in capsys.readouterr().err
    assert files_in(tmp_path) == {"file": b"mine"}
