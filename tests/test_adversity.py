"""Kills, damaged files, a disk that is full, a catalogue that somebody else changes: what was published serves on."""

import contextlib
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from fastapi.testclient import TestClient
from test_service_exchange import wait_for
from test_service_process import ROOT, ask, end, start

from catalog.artefacts import current_version
from catalog.errors import OnemasterError
from catalog.paths import DataFolder
from matching.matcher import Matcher
from service.app import create_app
from service.settings import Settings

PAIR = "/?q_sr_id=123&m_sr_id=456"
# CONTRIBUTING.md says how to have a hundred of them.
KILLS = int(os.environ.get("ONEMASTER_KILLS", "6"))


@pytest.fixture
def folder(tiny_data, tmp_path):
    return DataFolder.at(shutil.copytree(tiny_data.root, tmp_path / "data"))


def started(command, folder, *further):
    words = [sys.executable, "-m", "onemaster", command, "--data", str(folder.root), *further]
    return subprocess.Popen(words, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


@pytest.mark.parametrize("command", ["rebuild", "train"])
def test_killed_at_any_moment_what_was_published_is_healthy(folder, command):
    further = ("--alone",) if command == "train" else ()
    began = time.monotonic()
    assert started(command, folder, *further).wait() == 0
    takes, chance = time.monotonic() - began, random.Random(20)
    for _ in range(KILLS):
        process = started(command, folder, *further)
        try:
            process.wait(chance.uniform(0.2, 1.05) * takes)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
        with Matcher.open(folder) as matcher:
            assert matcher.classify("123", "456").decided in {"valid", "invalid"}
    assert started(command, folder, *further).wait() == 0
    assert not list(folder.models.glob(".building-*")) + list(folder.index.glob(".building-*"))


def published_files(folder):
    return [
        path
        for shelf in (folder.models, folder.index)
        for path in sorted(current_version(shelf).rglob("*"))
        if path.is_file()
    ]


def said(folder):
    with Matcher.open(folder) as matcher:
        pairs = [("123", other) for other in ("456", "789", "q1", "m1")]
        return matcher.judge(pairs).probabilities.tolist(), [each.m.sr_id for each in matcher.candidates("123")]


def refused(folder):
    try:
        Matcher.open(folder).close()
    except OnemasterError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("where", ["first", "middle", "last", "cut", "longer", "empty"])
def test_no_damage_to_a_published_file_passes(folder, where):
    before = said(folder)
    for path in published_files(folder):
        whole = path.read_bytes()
        damaged = {"cut": whole[:-1], "longer": whole + b"\0", "empty": b""}.get(where)
        if damaged is None:
            place = {"first": 0, "middle": len(whole) // 2, "last": len(whole) - 1}[where]
            damaged = whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :]
        if damaged == whole:
            continue
        path.write_bytes(damaged)
        refusal = refused(folder)
        if refusal or path.name not in {"manifest.json", "model.json"}:
            assert path.name in refusal or str(path.parent) in refusal
        else:  # blanks and figures that nothing relies on may change; what is served does not
            assert said(folder) == before
        path.write_bytes(whole)
    Matcher.open(folder).close()


@pytest.mark.parametrize("command", ["rebuild", "train"])
def test_a_full_disk_leaves_what_was_published(folder, command):
    before = [current_version(shelf).name for shelf in (folder.models, folder.index)]
    code = (
        "import resource, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); "
        "resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000)); from onemaster import main; sys.exit(main())"
    )
    further = ["--alone"] if command == "train" else []
    words = [sys.executable, "-c", code, command, "--data", str(folder.root), *further]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    assert [current_version(shelf).name for shelf in (folder.models, folder.index)] == before
    Matcher.open(folder).close()


def served(folder):
    return TestClient(create_app(Settings(folder, look_every=0.02)))


def test_a_catalogue_that_is_replaced_is_not_mixed_with_the_index(folder):
    with served(folder) as client:
        other = folder.root / "other.db"
        shutil.copy(folder.catalog, other)
        connection = sqlite3.connect(other)
        connection.execute("UPDATE soundrecording SET title = 'Another song' WHERE sr_id = '456'")
        connection.commit()
        connection.close()
        other.replace(folder.catalog)
        wait_for(lambda: client.get("/ready").json()["refused"])
        assert "run onemaster refresh" in client.get("/ready").json()["refused"]
        assert client.get("/recordings/456").json()["title"] == "Yesterday - Remastered 2009"
        assert client.get(PAIR).json() == {"class": "valid"}


@pytest.mark.parametrize("harm", ["truncated", "overwritten"])
def test_a_catalogue_that_is_damaged_in_place_is_no_500(folder, harm):
    with served(folder) as client:
        size = folder.catalog.stat().st_size
        with folder.catalog.open("r+b") as stream:
            if harm == "truncated":
                stream.truncate(size // 3)
            else:
                stream.write(b"\xff" * size)
        for path in (PAIR, "/recordings/q3", "/candidates?sr_id=q7", "/ready", "/labels/queue"):
            assert client.get(path).status_code in {200, 404, 503}
            assert client.get(path).json()
        assert client.get("/live").status_code == 200


def test_a_catalogue_that_somebody_writes_is_waited_for(folder):
    with served(folder) as client:
        connection = sqlite3.connect(folder.catalog, isolation_level=None)
        connection.execute("BEGIN EXCLUSIVE")
        answer = client.get("/recordings/123")
        assert answer.status_code == 503
        assert "locked" in answer.json()["error"]
        connection.execute("ROLLBACK")
        connection.close()
        assert client.get(PAIR).json() == {"class": "valid"}


def workers(process):
    found = []
    for child in psutil.Process(process.pid).children():
        with contextlib.suppress(psutil.Error):  # it has just ended
            if "spawn_main" in " ".join(child.cmdline()):
                found.append(child)
    return found


def test_a_worker_that_is_killed_is_replaced(folder, tmp_path):
    process, port = start(folder, tmp_path / "log", "--workers", "2")
    try:
        killed, _ = workers(process)
        killed.kill()
        failed, deadline = 0, time.monotonic() + 20
        while time.monotonic() < deadline and (killed in workers(process) or len(workers(process)) < 2):
            try:
                assert ask(port, PAIR) == (200, {"class": "valid"})
            except OSError:  # what the killed one had begun to answer
                failed += 1
            time.sleep(0.1)
        assert len(workers(process)) == 2
        assert failed <= 2
        assert all(ask(port, PAIR)[0] == 200 for _ in range(20))
    finally:
        end(process)


@pytest.mark.parametrize(
    "text",
    ["' OR 1=1 --", "'; DROP TABLE soundrecording; --", "../../etc/passwd", "{{7*7}}", "${7*7}", "<script>", "%00"],
)
def test_what_looks_like_code_is_text(folder, text):
    before = Path(folder.catalog).read_bytes()
    with served(folder) as client:
        for answer in (
            client.get("/", params={"q_sr_id": text, "m_sr_id": "123"}),
            client.get("/pairs", params={"q_sr_id": "123", "m_sr_id": text}),
            client.get("/candidates", params={"sr_id": text}),
            client.get("/clusters", params={"sr_id": text}),
            client.get("/pairs", params={"q_sr_id": "123", "m_sr_id": "456", "model": text}),
            client.post("/labels", json={"q_sr_id": text, "m_sr_id": "123", "tag": "valid"}),
            client.post("/labels", json={"q_sr_id": "123", "m_sr_id": "456", "tag": text}),
        ):
            assert answer.status_code in {404, 422, 503}
            assert "49" not in answer.text
        kept = {"q_sr_id": "123", "m_sr_id": "456", "tag": "valid", "reviewer": text, "note": text}
        assert client.post("/labels", json=kept).json()["note"] == text
        assert client.post("/candidates", json={"title": text, "artists": [text]}).status_code == 200
        [answered] = client.post("/pairs", json={"pairs": [{"q_sr_id": text, "m_sr_id": "1"}]}).json()["pairs"]
        assert answered["error"].startswith("unknown sr_id")
    assert Path(folder.catalog).read_bytes() == before
