"""What is refused is a page for who looks at pages, and JSON, word for word as before, for programs."""

import base64
import html
import shutil

import pytest
from fastapi.testclient import TestClient
from test_pages import IN_A_BROWSER, Page, look

from catalog.paths import DataFolder
from matching.labels import Verdict, append_label, read_labels
from service.access import Access
from service.app import create_app
from service.keys import READ, WRITE, new_key
from service.limits import LONGEST_BODY
from service.settings import Settings

BY_HTMX = {"hx-request": "true"}
READER, WRITER = new_key("rita", READ), new_key("ada", WRITE)
KEYS = (READER.key, WRITER.key)
JUDGED = {"said": "valid", "q_sr_id": "123", "m_sr_id": "456", "reviewer": "ada"}


def by_password(key):
    return {"authorization": "Basic " + base64.b64encode(f"whoever:{key.secret}".encode()).decode()}


def serving(folder, **access):
    return TestClient(create_app(Settings(folder, access=Access(**access))))


def refused(answer, status):
    """Read the page of a refusal: it has its style wherever it is, and says what is wrong and what to do."""
    assert answer.status_code == status
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    page = Page(answer)
    up = "../" * (answer.request.url.raw_path.partition(b"?")[0].count(b"/") - 1)
    assert page.links[0] == f"{up}static/page.css"
    assert f"{up}explore" in page.links
    assert 'role="alert"' in answer.text
    return html.unescape(page.text)


@pytest.mark.parametrize(
    ("method", "path", "status", "error"),
    [
        ("GET", "/nowhere", 404, "unknown path: GET /docs lists what there is"),
        ("GET", "/quality/a/b%2Fc", 404, "unknown path: GET /docs lists what there is"),
        ("GET", "/static/nothing.css", 404, "unknown path: GET /docs lists what there is"),
        ("GET", "/labels", 405, "wrong method for this path: GET /docs lists what there is"),
        ("POST", "/live", 405, "wrong method for this path: GET /docs lists what there is"),
    ],
)
def test_what_no_route_answers_is_a_page_for_a_browser_and_json_for_a_program(client, method, path, status, error):
    for headers in ({}, {"accept": "*/*"}, {"accept": "application/json"}):
        answer = client.request(method, path, headers=headers)
        assert (answer.status_code, answer.json()) == (status, {"error": error})
    for headers in (IN_A_BROWSER, BY_HTMX):
        answer = client.request(method, path, headers=headers)
        assert "choose one of the pages above" in refused(answer, status).lower()
        assert ("allow" in answer.headers) is (status == 405)


def test_a_page_that_is_sent_wrongly_is_refused_by_a_page_whoever_sends_it(client):
    for headers in ({}, IN_A_BROWSER):
        assert "not what this address takes" in refused(client.put("/review", headers=headers), 405)
        assert "field threshold" in refused(client.get("/quality?threshold=2", headers=headers), 422)


@pytest.mark.parametrize(
    ("parameters", "status", "words", "error"),
    [
        ({"q_sr_id": "123"}, 422, "Please use q_sr_id= & m_sr_id=", "Incorrect request format"),
        ({"q_sr_id": "123", "m_sr_id": "nobody"}, 404, "no recording 'nobody'", "unknown sr_id"),
    ],
)
def test_what_somebody_types_without_a_path_is_refused_by_a_page(client, parameters, status, words, error):
    assert words in refused(client.get("/", params=parameters, headers=IN_A_BROWSER), status)
    for headers in ({}, {"accept": "*/*"}, {"accept": "application/json"}):
        answer = client.get("/", params=parameters, headers=headers)
        assert answer.status_code == status
        assert answer.json()["error"].startswith(error)


@pytest.mark.parametrize(("path", "status"), [("/pairs?q_sr_id=1", 422), ("/recordings/nobody", 404)])
def test_a_route_of_programs_answers_json_in_a_browser_too(client, path, status):
    answer = client.get(path, headers=IN_A_BROWSER)
    assert answer.status_code == status
    assert answer.json() == client.get(path).json()


def test_a_body_that_is_too_long_is_refused_in_the_language_of_who_sends_it(client):
    too_long = b"x" * (LONGEST_BODY + 1)
    assert "error" in client.post("/review", content=too_long).json()
    assert "send it in parts" in refused(client.post("/review", content=too_long, headers=IN_A_BROWSER), 413)
    assert refused(client.post("/review", content=b"x" * 20_000), 413)


def test_who_comes_without_a_key_is_asked_for_it_and_told_what_it_is_about(tiny_data):
    message = {"error": "expected a known key in the header Authorization: Bearer KEY"}
    with serving(tiny_data, keys=KEYS, read_is_open=False, write_is_open=False) as client:
        for path in ("/explore", "/quality/report", "/pairs?q_sr_id=123&m_sr_id=456"):
            answer = client.get(path, headers=IN_A_BROWSER)
            assert "give the key as the password" in refused(answer, 401)
            assert answer.headers["www-authenticate"].startswith("Basic ")
            assert client.get(path).json() == message
            assert client.get(path).headers["www-authenticate"] == "Bearer"
        # What such a page is made of is no secret.
        assert client.get("/static/page.css").status_code == 200
        assert client.get("/static/../app.py").status_code == 401
        assert client.get("/static/%2e%2e/app.py").status_code == 404


def test_who_asks_too_often_sees_when_to_come_back(tiny_data):
    with serving(tiny_data, rate=1) as client:
        assert client.get("/review", headers=IN_A_BROWSER).status_code == 200
        for headers in (IN_A_BROWSER, BY_HTMX):
            answer = client.get("/review", headers=headers)
            assert "Wait a moment" in refused(answer, 429)
            assert answer.headers["retry-after"] == "1"
        assert client.get("/review").json() == {"error": "expected at most 1 requests a second"}


def test_a_service_that_is_not_ready_says_what_to_run_on_every_page(tmp_path):
    with TestClient(create_app(Settings(DataFolder.at(tmp_path)))) as client:
        for path in ("/explore", "/review?reviewer=ada", "/catalog", "/quality"):
            assert f"run onemaster import FILE --data {tmp_path}" in refused(client.get(path), 503)


def test_a_defect_is_told_on_a_page_without_its_inside(tiny_data):
    app = create_app(Settings(tiny_data))
    with TestClient(app, raise_server_exceptions=False) as client:
        app.state.matcher_source = {"in charge": "secret"}  # what is asked for is not there
        shown = refused(client.get("/explore?sr_id=123", headers=IN_A_BROWSER), 500)
        assert "please report it" in shown
        assert "secret" not in shown


@pytest.fixture
def folder(sample_folder, tmp_path):
    return DataFolder.at(shutil.copytree(sample_folder.root, tmp_path / "data"))


def test_a_key_that_may_only_read_sees_the_pair_and_what_it_lacks(folder):
    append_label(folder.labels, Verdict("123", "456", "valid", "rita", "2026-11-28T10:00:00.000+00:00"))
    with serving(folder, keys=KEYS, read_is_open=False, write_is_open=False) as client:
        client.headers.update(by_password(READER))
        page = look(client, "/review")
        assert page.buttons == []  # nor can what was said with another key of this name be taken back
        assert "a pair you need one with the scope write" in page.text
        assert "onemaster key rita --scope write" in page.text
        assert {"q_sr_id", "m_sr_id"} <= page.fields.keys()
        assert "What the model thinks" in page.text
        sent = client.post("/review", data=JUDGED, headers=IN_A_BROWSER)
        assert "scope write, this one has read" in refused(sent, 403)
        client.headers.update(by_password(WRITER))
        page = look(client, "/review")
        assert page.buttons == ["valid", "invalid", "unsure"]
        assert "scope" not in page.text
    assert len(read_labels(folder.labels)) == 1


def test_who_has_given_no_key_yet_can_begin_and_is_told_that_one_will_be_asked_for(folder):
    with serving(folder, keys=KEYS, write_is_open=False) as client:
        page = look(client, "/review", reviewer="ada")
        assert page.buttons == ["valid", "invalid", "unsure"]
        assert "Your browser asks for it" in page.text
        for headers in (IN_A_BROWSER, BY_HTMX):
            asked = client.post("/review", data=JUDGED, headers=headers)
            assert asked.headers["www-authenticate"].startswith("Basic ")
            assert refused(asked, 401)
        client.headers.update(by_password(WRITER))
        assert client.post("/review", data=JUDGED, headers=IN_A_BROWSER).status_code == 200
    (label,) = read_labels(folder.labels)
    assert label.verdict.reviewer == "ada"
