"""Wrong questions, and a service that is not ready: always JSON, never a 500."""

import json
import shutil
import time

import pytest
import tiny
from fastapi.testclient import TestClient

from catalog.paths import DataFolder
from service import warming
from service.app import create_app
from service.settings import Settings

WRONG_FORMAT = {"error": "Incorrect request format. Please use q_sr_id= & m_sr_id="}
QUESTIONS = ["/?q_sr_id=123&m_sr_id=456", "/pairs?q_sr_id=123&m_sr_id=456", "/candidates?sr_id=123", "/recordings/123"]


def outcome(answer):
    assert answer.headers["content-type"] == "application/json"
    return answer.status_code, answer.json()


@pytest.mark.parametrize(
    "query",
    [
        "",
        "?",
        "?q_sr_id=123",
        "?m_sr_id=456",
        "?q_sr_id=&m_sr_id=456",
        "?q_sr_id=123&m_sr_id=",
        "?q_sr_id=123&m_sr_id=%20%09",
        "?q_sr_id=123&q_sr_id=123&m_sr_id=456",
        "?q_sr_id=123&m_sr_id=456&m_sr_id=789",
        "?Q_SR_ID=123&M_SR_ID=456",
        "?q_sr_id=123;m_sr_id=456",
        f"?q_sr_id={'1' * 257}&m_sr_id=456",
        f"?q_sr_id=123&m_sr_id={'1' * 10_000}",
    ],
)
def test_root_refuses_wrong_parameters_in_the_contracted_words(client, query):
    assert outcome(client.get(f"/{query}")) == (422, WRONG_FORMAT)


@pytest.mark.parametrize(
    "body",
    [
        b"q_sr_id=123&m_sr_id=456",
        b'"q_sr_id=123"',
        b'"q_sr_id=123&m_sr_id="',
        b'"q_sr_id=123&q_sr_id=456"',
        b'"q_sr_id=123&m_sr_id=456&q_sr_id=789"',
        b'"q_sr_id=123&m_sr_id=456',
        b'""',
        b"null",
        b"12",
        b"NaN",
        b'["q_sr_id=123&m_sr_id=456"]',
        b'{"q_sr_id": "123", "m_sr_id": "456"}',
        b"\xff\xfe",
        b'"\xc3"',
        b"\0",
        b"[" * 16_000,
        b"9" * 16_000,
    ],
)
def test_root_refuses_a_wrong_body_in_the_contracted_words(client, body):
    assert outcome(client.request("GET", "/", content=body)) == (422, WRONG_FORMAT)


@pytest.mark.parametrize(("length", "expected"), [(16_384, 422), (16_385, 413), (1_000_000, 413)])
def test_a_body_that_is_too_long_is_refused(client, length, expected):
    status, answer = outcome(client.request("GET", "/", content=b"x" * length))
    assert status == expected
    assert ("16384 bytes" in answer["error"]) is (expected == 413)


def test_the_longest_ids_fit_into_a_body(client):
    sr_id = "\U0001f3b5" * 256
    answer = client.request("GET", "/", content=json.dumps(f"q_sr_id={sr_id}&m_sr_id={sr_id}").encode())
    assert outcome(answer) == (404, {"error": "unknown sr_id", "sr_id": sr_id})


@pytest.mark.parametrize(
    ("path", "unknown"),
    [
        ("/?q_sr_id=123&m_sr_id=none", "none"),
        ("/?q_sr_id=none&m_sr_id=123", "none"),
        ("/?q_sr_id=%00&m_sr_id=123", "\0"),
        ("/?q_sr_id=123%00&m_sr_id=123", "123\0"),
        ("/?q_sr_id=%FF%FE&m_sr_id=123", "\ufffd\ufffd"),
        ("/?q_sr_id=%ED%A0%80&m_sr_id=123", "\ufffd" * 3),
        (f"/?q_sr_id={'1' * 256}&m_sr_id=123", "1" * 256),
        ("/?q_sr_id=' OR 1=1 --&m_sr_id=123", "' OR 1=1 --"),
        ("/pairs?q_sr_id=123&m_sr_id=none", "none"),
        ("/candidates?sr_id=none", "none"),
        ("/candidates?sr_id=123%00", "123\0"),
        ("/recordings/none", "none"),
        ("/recordings/123/", "123/"),
        ("/recordings/123%00", "123\0"),
        ("/recordings/%FF", "\ufffd"),
        ("/recordings//", "/"),
    ],
)
def test_an_unknown_id_is_named(client, path, unknown):
    assert outcome(client.get(path)) == (404, {"error": "unknown sr_id", "sr_id": unknown})


def test_an_id_that_no_file_can_hold_is_unknown_too(client):
    body = json.dumps("q_sr_id=\ud800&m_sr_id=123").encode()
    assert outcome(client.request("GET", "/", content=body)) == (404, {"error": "unknown sr_id", "sr_id": "\ud800"})


@pytest.mark.parametrize(
    ("path", "expected", "found"),
    [
        ("/pairs", "q_sr_id to be an id of 1 to 256 characters", "got nothing"),
        ("/pairs?q_sr_id=123", "m_sr_id to be an id of 1 to 256 characters", "got nothing"),
        ("/pairs?q_sr_id=123&m_sr_id=", "m_sr_id to be an id of 1 to 256 characters", "got ''"),
        ("/pairs?q_sr_id=123&m_sr_id=%20", "m_sr_id to be an id of 1 to 256 characters", "got ' '"),
        ("/pairs?q_sr_id=1&q_sr_id=2&m_sr_id=3", "q_sr_id once", "got it 2 times"),
        ("/candidates", "sr_id to be an id of 1 to 256 characters", "got nothing"),
        (f"/candidates?sr_id={'1' * 10_000}", "sr_id to be an id of 1 to 256 characters", "got '1111"),
        ("/candidates?sr_id=123&sr_id=123", "sr_id once", "got it 2 times"),
        ("/candidates?sr_id=123&k=5&k=6", "k once", "got it 2 times"),
        ("/candidates?sr_id=123&k=0", "k to be a whole number from 1 to 100", "got '0'"),
        ("/candidates?sr_id=123&k=-1", "k to be a whole number from 1 to 100", "got '-1'"),
        ("/candidates?sr_id=123&k=101", "k to be a whole number from 1 to 100", "got '101'"),
        ("/candidates?sr_id=123&k=2.5", "k to be a whole number from 1 to 100", "got '2.5'"),
        ("/candidates?sr_id=123&k=abc", "k to be a whole number from 1 to 100", "got 'abc'"),
        ("/candidates?sr_id=123&k=", "k to be a whole number from 1 to 100", "got ''"),
        ("/candidates?sr_id=123&k=1e999", "k to be a whole number from 1 to 100", "got '1e999'"),
        (f"/candidates?sr_id=123&k={'9' * 5_000}", "k to be a whole number from 1 to 100", "got '9999"),
        ("/recordings/", "sr_id to be an id of 1 to 256 characters", "got ''"),
        (f"/recordings/{'a/' * 200}", "sr_id to be an id of 1 to 256 characters", "got 'a/a/"),
    ],
)
def test_other_routes_say_what_they_expected_and_what_came(client, path, expected, found):
    status, answer = outcome(client.get(path))
    assert status == 422
    assert answer.keys() == {"error"}
    assert f"expected {expected}" in answer["error"]
    assert found in answer["error"]
    assert len(answer["error"]) < 400


@pytest.mark.parametrize(
    "path", ["/nowhere", "/pairs/", "/recordings", "/live/", "/live//", "/static-offline-docs/x%00"]
)
def test_an_unknown_path_is_a_404(client, path):
    status, answer = outcome(client.get(path))
    assert status == 404
    assert "unknown path" in answer["error"]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        (method, path)
        for method in ("POST", "PUT", "DELETE", "PATCH", "OPTIONS")
        for path in ("/", "/pairs", "/candidates", "/recordings/123", "/live", "/ready", "/version")
        if (method, path) not in {("POST", "/pairs"), ("POST", "/candidates")}
    ],
)
def test_a_wrong_method_is_a_405(client, method, path):
    answer = client.request(method, path)
    assert outcome(answer)[0] == 405
    assert "wrong method" in answer.json()["error"]
    assert answer.headers["allow"] == "GET"


@pytest.fixture
def unpublished(tiny_data, tmp_path):
    """A data folder whose model is trained and whose index is not built."""
    return DataFolder.at(shutil.copytree(tiny_data.root, tmp_path / "data", ignore=shutil.ignore_patterns("index")))


def test_an_empty_data_folder_says_what_to_run(tmp_path):
    with TestClient(create_app(Settings(DataFolder.at(tmp_path)))) as client:
        for path in [*QUESTIONS, "/ready"]:
            status, answer = outcome(client.get(path))
            assert status == 503
            assert f"run onemaster import FILE --data {tmp_path}" in answer["error"]
        assert client.get("/").status_code == 422
        assert client.get("/live").status_code == 200
        version = client.get("/version").json()
        assert version["model"] is version["index"] is None
        assert client.get("/docs").status_code == 200


def test_an_index_that_is_built_later_is_picked_up(unpublished):
    with TestClient(create_app(Settings(unpublished))) as client:
        assert client.get("/ready").status_code == 503
        tiny.publish_index(unpublished)
        deadline = time.monotonic() + 30
        while client.get("/ready").status_code == 503 and time.monotonic() < deadline:
            time.sleep(0.1)
        assert client.get("/?q_sr_id=123&m_sr_id=456").json() == {"class": "valid"}


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda folder: folder.catalog.unlink(), "catalog.db"),
        (lambda folder: folder.catalog.write_bytes(b"not a database" * 100), "catalog.db"),
        (lambda folder: shutil.rmtree(folder.models), "no model fits the index"),
        (lambda folder: newest(folder.index, "vectors.npy").write_bytes(b"0"), "has changed since it was published"),
        (
            lambda folder: newest(folder.index, "manifest.json").write_text('{"format": 2, "files": {}}'),
            "expected template_version",
        ),
        (lambda folder: newest(folder.models, "classifier.json").write_text("{}"), "has changed since"),
        (lambda folder: newest(folder.models, "model.json").write_text("[]"), "expected a JSON object"),
        (lambda folder: (folder.index / "CURRENT").write_text("../models\n"), "which is no folder"),
    ],
)
def test_damaged_files_are_a_503_that_names_them(tiny_data, tmp_path, damage, reason):
    folder = DataFolder.at(shutil.copytree(tiny_data.root, tmp_path / "data"))
    damage(folder)
    with TestClient(create_app(Settings(folder))) as client:
        for path in [*QUESTIONS, "/ready"]:
            status, answer = outcome(client.get(path))
            assert status == 503
            assert reason in answer["error"]
            assert "Traceback" not in answer["error"]


def newest(shelf, name):
    return shelf / (shelf / "CURRENT").read_text().strip() / name


def test_a_catalogue_of_another_state_than_the_index_is_a_503(tiny_data, tmp_path):
    folder = DataFolder.at(shutil.copytree(tiny_data.root, tmp_path / "data"))
    tiny.write_catalog(folder.catalog, list(tiny.rows())[:-1])
    with TestClient(create_app(Settings(folder))) as client:
        status, answer = outcome(client.get("/ready"))
    assert status == 503
    assert "was built from another state" in answer["error"]


def test_a_catalogue_that_is_destroyed_while_it_is_served_is_a_503(tiny_data, tmp_path, monkeypatch):
    monkeypatch.setattr(warming, "MOST_KEPT", 0)  # nothing is read in advance
    folder = DataFolder.at(shutil.copytree(tiny_data.root, tmp_path / "data"))
    with TestClient(create_app(Settings(folder))) as client:
        assert client.get("/ready").status_code == 200
        folder.catalog.write_bytes(b"")
        for path in [*QUESTIONS, "/ready"]:
            status, answer = outcome(client.get(path))
            assert status == 503
            assert "catalog.db" in answer["error"]
        assert client.get("/live").status_code == 200


def test_a_catalogue_that_is_gone_while_it_is_served_is_a_503_of_the_page_about_it(tiny_data, tmp_path):
    folder = DataFolder.at(shutil.copytree(tiny_data.root, tmp_path / "data"))
    with TestClient(create_app(Settings(folder))) as client:
        assert client.get("/catalog").status_code == 200
        folder.catalog.unlink()
        answer = client.get("/catalog")
        assert answer.status_code == 503
        assert "put it back or mount it again" in answer.text


def test_what_was_asked_about_before_the_catalogue_was_destroyed_is_answered_on(tiny_data, tmp_path, monkeypatch):
    monkeypatch.setattr(warming, "MOST_KEPT", 0)
    folder = DataFolder.at(shutil.copytree(tiny_data.root, tmp_path / "data"))
    with TestClient(create_app(Settings(folder))) as client:
        assert client.get("/?q_sr_id=123&m_sr_id=456").json() == {"class": "valid"}
        folder.catalog.write_bytes(b"")
        assert client.get("/?q_sr_id=456&m_sr_id=123").json() == {"class": "valid"}
        assert client.get("/?q_sr_id=123&m_sr_id=789").status_code == 503


def test_a_catalogue_that_is_removed_while_it_is_served_is_served_on(tiny_data, tmp_path):
    folder = DataFolder.at(shutil.copytree(tiny_data.root, tmp_path / "data"))
    with TestClient(create_app(Settings(folder))) as client:
        folder.catalog.unlink()
        assert client.get("/?q_sr_id=123&m_sr_id=456").json() == {"class": "valid"}


def test_a_defect_is_told_without_its_inside(tiny_data):
    app = create_app(Settings(tiny_data))

    @app.get("/defect")
    async def defect():
        raise KeyError("secret")

    with TestClient(app, raise_server_exceptions=False) as client:
        asked = client.get("/defect")
        status, answer = outcome(asked)
    assert status == 500
    assert {"x-request-id", "x-content-type-options"} <= asked.headers.keys(), "to be found in the log"
    assert "secret" not in json.dumps(answer)
