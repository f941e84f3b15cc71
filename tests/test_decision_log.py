"""Decisions are kept beside the answers, and never in their way."""

import os
import shutil
import subprocess
import threading
import time

import numpy as np
import pyarrow.parquet as pq
import pytest
from fastapi.testclient import TestClient
from test_promotion import altered
from test_service_exchange import wait_for

from catalog.artefacts import CANDIDATE, current_version, put_in_charge
from catalog.errors import InputError
from catalog.paths import DataFolder
from matching import decision_log
from matching.decision_log import Decided, read_decisions, write_decisions
from matching.model import Model
from service import decisions
from service.app import create_app
from service.settings import Settings

PAIRS = [{"q_sr_id": "123", "m_sr_id": sr_id} for sr_id in ("456", "789", "q1", "m1")]


@pytest.fixture
def folder(tiny_data, tmp_path):
    return DataFolder.at(shutil.copytree(tiny_data.root, tmp_path / "data"))


def kept(folder, **settings):
    """What is kept of three requests, read after the service has stopped."""
    with TestClient(create_app(Settings(folder, **settings))) as client:
        assert client.post("/pairs", json={"pairs": PAIRS}).status_code == 200
        probability = client.get("/pairs", params=PAIRS[0]).json()["match_probability"]
        client.get("/pairs", params=PAIRS[0] | {"model": "baseline"})
        client.get("/", params=PAIRS[0])
    rows = read_decisions(folder.decisions, 1_000).to_pylist()
    return probability, sorted(rows, key=lambda row: row["decided_at"])


def test_nothing_is_kept_unless_wanted(folder):
    assert kept(folder)[1] == []
    assert not folder.decisions.exists()


def test_a_decision_is_kept_with_all_that_it_rests_on(folder):
    probability, rows = kept(folder, log_share=1.0)
    assert [row["route"] for row in rows] == ["/pairs"] * 6 + ["/"]
    assert [row["judge"] for row in rows] == ["siamese"] * 5 + ["baseline", "siamese"]
    first = rows[0]
    assert (first["q_sr_id"], first["m_sr_id"], first["class"]) == ("123", "456", "valid")
    assert first["match_probability"] == pytest.approx(probability, abs=1e-9)
    assert (first["model"], first["index"]) == tuple(
        current_version(each).name for each in (folder.models, folder.index)
    )
    assert first["milliseconds"] > 0
    assert first["candidate_probability"] is None
    tables = [pq.read_table(path) for path in folder.decisions.glob("*.parquet")]
    widths = {len(row["features"]): row["judge"] for table in tables for row in table.to_pylist()}
    assert widths[19] == "baseline"
    assert len(widths) == 2


def test_a_share_is_drawn_by_the_pair(folder):
    rows = [kept(folder, log_share=0.5)[1] for _ in range(2)]
    found = [{(row["q_sr_id"], row["m_sr_id"]) for row in each} for each in rows]
    assert found[0] == found[1]
    assert len(found[0]) < len(PAIRS)


def test_the_candidate_judges_in_the_background(folder):
    model = Model.load(current_version(folder.models))
    shadow = altered(folder, model, "20990101T000000Z-00000000", {"intercept": model.classifier.intercept - 2})
    put_in_charge(folder.models, shadow, pointer=CANDIDATE)
    _, rows = kept(folder, log_share=1.0, shadow=True)
    for row in rows:
        if row["judge"] == "baseline":
            assert row["candidate"] is None
        else:
            assert row["candidate"] == shadow
            log_odds = [np.log(p / (1 - p)) for p in (row["match_probability"], row["candidate_probability"])]
            assert log_odds[0] - log_odds[1] == pytest.approx(2, abs=1e-6)


def test_a_candidate_that_cannot_judge_is_left_out(folder):
    (folder.models / CANDIDATE).write_text("none\n")
    assert all(row["candidate"] is None for row in kept(folder, log_share=1.0, shadow=True)[1])


def test_a_disk_that_takes_nothing_does_not_stop_answers(folder):
    folder.decisions.write_text("no folder")
    with TestClient(create_app(Settings(folder, log_share=1.0))) as client:
        assert client.get("/", params=PAIRS[0]).status_code == 200
    assert folder.decisions.read_text() == "no folder"


def test_a_log_that_cannot_keep_up_loses_decisions_and_not_time(folder, monkeypatch):
    monkeypatch.setattr(decisions, "_MOST_WAITING", 2)
    monkeypatch.setattr(decisions, "_SECONDS_TO_END", 5.0)
    going = threading.Event()
    monkeypatch.setattr(decisions, "write_decisions", lambda *_: going.wait(20))
    monkeypatch.setattr(decisions, "_SECONDS", 0.0)
    with TestClient(create_app(Settings(folder, log_share=1.0))) as client:
        began = time.monotonic()
        for _ in range(10):
            assert client.get("/", params=PAIRS[0]).status_code == 200
        assert time.monotonic() - began < 10
        text = client.get("/metrics").text
        going.set()
    assert 'onemaster_logged_decisions_total{outcome="lost"}' in text


ONE = Decided(
    pairs=[("1", "2")],
    probabilities=np.array([0.5]),
    features=np.zeros((1, 3), dtype=np.float32),
    decided=["valid"],
    about={
        "decided_at": None,
        "route": "/",
        "judge": "siamese",
        "model": "m",
        "index": "i",
        "delta": None,
        "milliseconds": 1.0,
    },
    names=("a", "b", "c"),
)


def test_the_oldest_files_make_room(tmp_path, monkeypatch):
    paths = [write_decisions(tmp_path, [ONE]) for _ in range(4)]
    monkeypatch.setattr(decision_log, "MOST_BYTES", 2 * paths[0].stat().st_size + 100)
    newest = write_decisions(tmp_path, [ONE])
    assert sorted(tmp_path.iterdir()) == [paths[3], newest]
    assert len(read_decisions(tmp_path, 1)) == 1
    assert len(read_decisions(tmp_path, 10)) == 2


def test_a_clock_that_was_put_back_makes_no_file_the_oldest(tmp_path, monkeypatch):
    first = write_decisions(tmp_path, [ONE])
    later = [first.rename(tmp_path / first.name.replace(first.name[:4], "2998"))]  # written when the clock was ahead
    monkeypatch.setattr(decision_log, "MOST_BYTES", 2 * later[0].stat().st_size + 100)
    later += [write_decisions(tmp_path, [ONE]) for _ in range(3)]
    assert sorted(tmp_path.iterdir()) == later[2:]


@pytest.mark.parametrize("share", [0, 0.5, 0.99])
def test_a_file_that_is_cut_off_is_passed_over_and_named(tmp_path, share, caplog):
    paths = [write_decisions(tmp_path, [ONE]) for _ in range(3)]
    content = paths[1].read_bytes()
    paths[1].write_bytes(content[: int(share * len(content))])
    assert len(read_decisions(tmp_path, 10)) == 2
    (warning,) = caplog.messages
    assert warning.startswith(f"expected decisions in {paths[1]}, got: ")
    paths[1].write_bytes(content)
    damaged = bytearray(content)
    damaged[4:40] = b"\xff" * 36
    paths[1].write_bytes(damaged)
    assert len(read_decisions(tmp_path, 10)) == 2


def test_what_killed_writers_left_is_removed(tmp_path, monkeypatch):
    with subprocess.Popen(["true"]) as killed:
        pass
    first = write_decisions(tmp_path, [ONE])
    first.rename(tmp_path / f".{first.name}-{killed.pid}-0123abcd")
    newest = write_decisions(tmp_path, [ONE])
    assert list(tmp_path.iterdir()) == [newest]
    # Of a process whose number a living one has now, and which may be writing: like files that are finished.
    (tmp_path / f".20260101T000000000000Z-1-0123.parquet-{os.getpid()}-0123abcd").write_bytes(b"0" * 1_000)
    newer = write_decisions(tmp_path, [ONE])
    assert len(list(tmp_path.iterdir())) == 3
    monkeypatch.setattr(decision_log, "MOST_BYTES", 3 * newer.stat().st_size + 100)
    newest_of_all = write_decisions(tmp_path, [ONE])
    assert sorted(tmp_path.iterdir()) == [newest, newer, newest_of_all]


@pytest.mark.parametrize(
    ("name", "value"), [("ONEMASTER_LOG_SHARE", "2"), ("ONEMASTER_LOG_SHARE", "-1"), ("ONEMASTER_SHADOW", "yes")]
)
def test_settings_that_mean_nothing_are_refused(name, value):
    with pytest.raises(InputError, match=name):
        Settings.from_environment({name: value})
    assert Settings.from_environment({"ONEMASTER_LOG_SHARE": "0.5", "ONEMASTER_SHADOW": "on"}).log_share == 0.5


def test_what_is_kept_can_be_read_while_it_is_written(folder):
    with TestClient(create_app(Settings(folder, log_share=1.0))) as client:
        client.get("/", params=PAIRS[0])
        wait_for(lambda: len(read_decisions(folder.decisions, 10)) == 1)
