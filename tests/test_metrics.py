"""What Prometheus is told."""

import errno
import http.client
import json
import math
import os
import re
import subprocess
import sys
from dataclasses import replace

import pytest
from fastapi.testclient import TestClient
from prometheus_client.parser import text_string_to_metric_families
from test_service_exchange import wait_for
from test_service_process import ROOT, end, start

from service import metrics
from service.app import create_app
from service.settings import Settings
from service.shared_counts import RoomyCounts


def read(text):
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def value(found, name, **labels):
    return found.get((name, tuple(sorted(labels.items()))), 0.0)


@pytest.fixture
def client(tiny_data):
    with TestClient(create_app(Settings(tiny_data))) as started:
        yield started


def test_requests_and_decisions_are_counted(client):
    before = read(client.get("/metrics").text)
    for path in (
        "/?q_sr_id=123&m_sr_id=456",
        "/?q_sr_id=123&m_sr_id=789",
        "/?q_sr_id=123",
        "/recordings/123",
        "/nowhere",
    ):
        client.get(path)
    client.get("/pairs?q_sr_id=123&m_sr_id=456&model=baseline")
    client.post("/pairs", json={"pairs": [{"q_sr_id": "123", "m_sr_id": "456"}, {"q_sr_id": "123", "m_sr_id": "x"}]})
    answer = client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain")
    after = read(answer.text)

    def more(name, **labels):
        return value(after, name, **labels) - value(before, name, **labels)

    assert more("onemaster_requests_total", route="/", method="GET", status="200") == 2
    assert more("onemaster_requests_total", route="/", method="GET", status="422") == 1
    assert more("onemaster_requests_total", route="/recordings/{sr_id:anything}", method="GET", status="200") == 1
    assert more("onemaster_requests_total", route="none", method="any", status="404") == 1
    assert more("onemaster_request_seconds_count", route="/", method="GET") == 3
    assert more("onemaster_decisions_total", judge="siamese", decided="valid") == 2
    assert more("onemaster_decisions_total", judge="siamese", decided="invalid") == 1
    assert sum(more("onemaster_decisions_total", judge="baseline", decided=each) for each in ("valid", "invalid")) == 1
    assert more("onemaster_match_probability_count", model=client.get("/version").json()["model"]) == 3


def test_what_answers_is_named(client):
    found = read(client.get("/metrics").text)
    ready = client.get("/ready").json()
    for kind in ("model", "index"):
        assert value(found, "onemaster_in_charge", kind=kind, version=ready[kind]) == 1
    assert value(found, "onemaster_recordings") == ready["recordings"]
    assert value(found, "onemaster_refused") == 0


def test_paths_that_callers_invent_make_no_rows(client):
    before = len(client.get("/metrics").text.splitlines())
    for number in range(50):
        client.get(f"/invented/{number}")
        client.request(f"BREW{number}", "/")
    assert len(client.get("/metrics").text.splitlines()) <= before + 8


@pytest.mark.parametrize(
    ("found", "expected", "least", "most"),
    [
        ([5, 0, 5], [50, 0, 50], 0, 0.1),
        ([0, 0, 100], [50, 0, 50], 1, 10),
        ([100, 100, 100], [100, 100, 100], 0, 0),
        ([100, 120, 100], [100, 100, 100], 0, 0.02),
    ],
)
def test_drift_is_none_for_the_same_shares_and_large_for_others(found, expected, least, most):
    assert least <= metrics.drift(found, expected) <= most
    scaled = [each * 7 for each in expected]
    assert metrics.drift(expected, scaled) < 0.05, "shares count, not numbers"


def test_drift_of_nothing_is_unknown(client):
    assert math.isnan(metrics.drift([0, 0], [1, 1]))
    assert math.isnan(metrics.drift([1, 1], [0, 0]))
    client.get("/?q_sr_id=123&m_sr_id=456")
    assert re.search(r"onemaster_probability_drift [0-9.e-]+", client.get("/metrics").text)


def test_drift_is_that_of_the_model_in_charge(tiny_data):
    with TestClient(create_app(Settings(tiny_data))) as client:
        model = client.app.state.matcher_source.opened.matcher.model
        before = metrics._counts(metrics._REGISTRY, model.version)
        metrics.observe_decisions([0.05] * 1_000, replace(model, version="another"), "siamese")
        client.get("/metrics")
        assert metrics._counts(metrics._REGISTRY, model.version) == before
        assert metrics._counts(metrics._REGISTRY, "another")[0] == 1_000


def test_workers_count_together(tiny_data, tmp_path, monkeypatch):
    monkeypatch.setitem(os.environ, metrics.FOLDER_VARIABLE, str(tmp_path))
    process, port = start(tiny_data, tmp_path / "log", "--workers", "2")

    def get(path):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        connection.request("GET", path)
        answer = connection.getresponse()
        text = answer.read().decode()
        connection.close()
        assert answer.status == 200
        return text

    model = json.loads(get("/version"))["model"]

    def counted():
        found = read(get("/metrics"))
        requests = value(found, "onemaster_requests_total", route="/", method="GET", status="200")
        return requests, value(found, "onemaster_match_probability_count", model=model)

    try:
        for _ in range(40):
            get("/?q_sr_id=123&m_sr_id=456")
        wait_for(lambda: counted() == (40, 40))  # a request is counted once it is answered
        files = list(tmp_path.glob("*.db"))
        assert all(path.stat().st_blocks * 512 >= path.stat().st_size for path in files), "a hole may end a process"
    finally:
        end(process)


def test_what_is_counted_together_has_its_room_on_the_disk(tmp_path):
    counts = RoomyCounts(str(tmp_path / "counter_1.db"))
    for number in range(2_000):
        counts.write_value(f"{number:060}", float(number), 0.0)
    counts.close()
    (path,) = tmp_path.iterdir()
    assert path.stat().st_size > 1 << 16, "it has grown"
    assert path.stat().st_blocks * 512 >= path.stat().st_size, "a hole on a full disk would end the process"
    found = {name: number for name, number, _, _ in RoomyCounts.read_all_values_from_file(path)}
    assert found == {f"{number:060}": number for number in range(2_000)}


def test_where_a_disk_has_no_room_a_process_counts_for_itself(tmp_path, monkeypatch, caplog):
    def is_full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    grown = RoomyCounts(str(tmp_path / "counter_1.db"))
    grown.write_value("first", 1.0, 0.0)
    monkeypatch.setattr(os, "posix_fallocate", is_full)
    begun = RoomyCounts(str(tmp_path / "counter_2.db"))
    for counts in (grown, begun):
        for number in range(3_000):
            counts.write_value(f"{number:060}", float(number), 0.0)
        assert [counts.read_value(f"{number:060}")[0] for number in range(3_000)] == list(range(3_000))
    assert grown.read_value("first")[0] == 1.0
    (path,) = tmp_path.iterdir()
    assert path.name == "counter_1.db"
    assert ("first", 1.0) in {(name, number) for name, number, _, _ in RoomyCounts.read_all_values_from_file(path)}
    assert f"expected room for counts in {path}, got: [Errno 28]" in caplog.text
    assert "make room and start the service again" in caplog.text
    for counts in (grown, begun):
        counts.close()


@pytest.mark.parametrize("several", [False, True])
def test_what_is_no_longer_in_charge_leaves_no_row(tmp_path, several):
    """An index with a change a minute has had a thousand deltas a day."""
    code = (
        "from service import metrics; from prometheus_client import generate_latest\n"
        "for delta in 'abc': metrics.observe_in_charge([('index', 'i'), ('delta', delta)], 1, True)\n"
        "print(generate_latest(metrics._counted_by_all()).decode())"
    )
    environment = os.environ | ({metrics.FOLDER_VARIABLE: str(tmp_path)} if several else {})
    command = [sys.executable, "-W", "error", "-c", code]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    rows = [dict(labels) for name, labels in read(done.stdout) if name == "onemaster_in_charge"]
    assert rows == [{"kind": "index", "version": "i"}, {"kind": "delta", "version": "c"}]


def test_what_a_killed_process_said_of_itself_is_forgotten_and_what_it_counted_stays(tmp_path):
    code = (
        "from service import metrics; metrics._in_charge.labels('model', 'old').set(1); metrics._exchanges.inc();"
        "print(flush=True); import time; time.sleep(60)"
    )
    environment = os.environ | {metrics.FOLDER_VARIABLE: str(tmp_path)}
    with subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, env=environment, stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        metrics._forget_the_dead(tmp_path)
        assert list(tmp_path.glob(f"gauge_live*_{process.pid}.db")), "it is alive"
        process.kill()
    metrics._forget_the_dead(tmp_path)
    assert not list(tmp_path.glob("gauge_live*.db"))
    assert list(tmp_path.glob(f"counter_{process.pid}.db"))


def test_the_dashboard_shows_what_is_counted(client):
    board = json.loads((ROOT / "docs" / "grafana.json").read_text(encoding="utf-8"))
    shown = {
        name
        for panel in board["panels"]
        for target in panel["targets"]
        for name in re.findall(r"\bonemaster_\w+", target["expr"])
    }
    client.get("/?q_sr_id=123&m_sr_id=456")
    metrics._logged.labels("kept").inc(0)
    counted = {name for name, _ in read(client.get("/metrics").text)}
    assert shown <= counted
    assert len(shown) >= 9
