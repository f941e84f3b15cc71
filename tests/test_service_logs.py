"""Log lines know which request they are about."""

import http.client
import json
import logging
import os

import pytest
from fastapi.testclient import TestClient
from test_service_process import end, start

from service.app import create_app
from service.logs import JsonLines
from service.settings import Settings

PAIR = "/?q_sr_id=123&m_sr_id=456"


@pytest.fixture
def client(tiny_data):
    with TestClient(create_app(Settings(tiny_data))) as started:
        yield started


@pytest.mark.parametrize("sent", ["abc-1.2_3", "x" * 64])
def test_a_callers_own_id_comes_back(client, sent):
    assert client.get(PAIR, headers={"X-Request-ID": sent}).headers["x-request-id"] == sent
    assert client.get("/nowhere", headers={"X-Request-ID": sent}).headers["x-request-id"] == sent


@pytest.mark.parametrize("sent", [None, "", "x" * 65, "a b", "<script>", "a\tb"])
def test_other_requests_get_an_id_of_their_own(client, sent):
    headers = {} if sent is None else {"X-Request-ID": sent}
    ids = {client.get(PAIR, headers=headers).headers["x-request-id"] for _ in range(3)}
    assert len(ids) == 3
    assert sent not in ids
    assert all(len(each) == 32 for each in ids)


def test_a_record_is_one_line_of_json():
    try:
        raise ValueError("two\nlines")
    except ValueError:
        import sys

        record = logging.LogRecord("a.b", logging.ERROR, "", 1, "said %s", ("\ud800\n",), sys.exc_info())
    line = JsonLines().format(record)
    assert "\n" not in line
    read = json.loads(line)
    assert (read["level"], read["logger"], read["message"]) == ("ERROR", "a.b", "said \ud800\n")
    assert "ValueError: two" in read["error"]
    assert "request_id" not in read


def test_every_request_has_a_line(tiny_data, tmp_path, monkeypatch):
    monkeypatch.setitem(os.environ, "ONEMASTER_LOG", "json")
    process, port = start(tiny_data, tmp_path / "log", "--log-level", "info")
    try:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        for path in (PAIR, "/recordings/none"):
            connection.request("GET", path, headers={"X-Request-ID": f"mine{len(path)}"})
            answer = connection.getresponse()
            answer.read()
        model = answer.headers["x-onemaster-model"]
        connection.close()
    finally:
        end(process)
    lines = [json.loads(line) for line in (tmp_path / "log").read_text().splitlines()]
    mine = {line["request_id"]: line for line in lines if line.get("request_id", "").startswith("mine")}
    found, unknown = mine[f"mine{len(PAIR)}"], mine["mine16"]
    assert (found["route"], found["status"], found["model"]) == ("/", 200, model)
    assert found["milliseconds"] > 0
    assert (unknown["route"], unknown["status"]) == ("/recordings/{sr_id:anything}", 404)
    assert any("serving" in line["message"] for line in lines)
