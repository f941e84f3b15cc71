"""What the service answers to right questions."""

import base64
import hashlib
import json
import math
import re
import shutil
import sqlite3
from html.parser import HTMLParser
from urllib.parse import urlencode

import numpy as np
import pytest
import tiny
from fastapi.testclient import TestClient
from hypothesis import example, given
from hypothesis import strategies as st

from catalog.ids import LONGEST_ID
from catalog.paths import DataFolder
from matching.features import FEATURES, NAMES
from matching.matcher import Matcher
from service.app import create_app
from service.pairs import pair_in
from service.parameters import is_usable_id
from service.schemas import candidates_answer, pair_answer, recording_answer
from service.settings import Settings

CORE = {"cosine", "title", "artists", "contributors", "isrc"}
EXAMPLE = [("123", "456", "valid"), ("123", "789", "invalid"), ("456", "789", "invalid")]


@pytest.fixture(scope="module")
def tiny_matcher(tiny_data):
    opened = Matcher.open(tiny_data)
    yield opened
    opened.close()


def as_json(answer):
    return answer.model_dump(mode="json", by_alias=True)


def get_with_body(client, body):
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return client.request("GET", "/", content=content, headers={"content-type": "application/x-www-form-urlencoded"})


@pytest.mark.parametrize(("q", "m", "expected"), EXAMPLE)
def test_root_answers_exactly_one_key_in_both_forms_and_both_orders(client, q, m, expected):
    for first, second in ((q, m), (m, q)):
        asked = client.get("/", params={"q_sr_id": first, "m_sr_id": second})
        assert (asked.status_code, asked.json()) == (200, {"class": expected})
        assert asked.headers["content-type"] == "application/json"
        assert get_with_body(client, f"q_sr_id={first}&m_sr_id={second}").json() == {"class": expected}


def test_what_is_asked_in_the_query_string_is_answered_and_counted_as_by_the_documented_route(client):
    by_query = client.get("/", params={"q_sr_id": "123", "m_sr_id": "456"})
    before = counted_at_root(client)
    by_body = get_with_body(client, "q_sr_id=123&m_sr_id=456")
    assert by_query.content == by_body.content
    changing = {"x-request-id", "date"}
    assert {name: value for name, value in by_query.headers.items() if name not in changing} == {
        name: value for name, value in by_body.headers.items() if name not in changing
    }
    client.get("/", params={"q_sr_id": "123", "m_sr_id": "456"})
    assert counted_at_root(client) == before + 2


def counted_at_root(client):
    line = r'onemaster_requests_total\{method="GET",route="/",status="200"\} (\S+)'
    return float(re.search(line, client.get("/metrics").text)[1])


@pytest.mark.parametrize("sr_id", ["123", tiny.WITHOUT_TEXT, tiny.SLASHED, tiny.JAPANESE])
def test_a_recording_and_itself_are_valid(client, sr_id):
    same = {"q_sr_id": sr_id, "m_sr_id": sr_id}
    assert client.get("/", params=same).json() == {"class": "valid"}
    explained = client.get("/pairs", params=same).json()
    assert (explained["class"], explained["match_probability"]) == ("valid", 1.0)


@given(q=st.text(min_size=1, max_size=300), m=st.text("aé%&=+ .~", min_size=1, max_size=300), turned=st.booleans())
@example(q="a" * LONGEST_ID, m="b", turned=False)
@example(q="a" * (LONGEST_ID + 1), m="b", turned=False)
def test_a_pair_in_a_query_string_is_read_whatever_its_ids_are(q, m, turned):
    given = {"q_sr_id": q.encode("utf-8", "replace").decode(), "m_sr_id": m}
    query = urlencode(dict(reversed(given.items())) if turned else given).encode()
    expected = tuple(given.values()) if all(map(is_usable_id, given.values())) else None
    assert pair_in(query) == expected
    assert pair_in(query + b"&q_sr_id=again") is None, "nobody knows which one counts"


def test_the_query_string_wins_over_the_body(client):
    answer = client.request("GET", "/?q_sr_id=123&m_sr_id=456", content=b'"q_sr_id=123&m_sr_id=789"')
    assert answer.json() == {"class": "valid"}
    half = client.request("GET", "/?q_sr_id=123", content=b'"q_sr_id=123&m_sr_id=456"')
    assert half.status_code == 422


def test_other_parameters_do_not_hide_the_body(client):
    answer = client.request("GET", "/?trace=1", content=b'"q_sr_id=123&m_sr_id=456&tag=unknown"')
    assert answer.json() == {"class": "valid"}


def test_ids_in_the_body_are_escaped_as_in_a_query_string(client):
    assert get_with_body(client, "q_sr_id=nothing%20known&m_sr_id=nothing+known").json() == {"class": "valid"}
    assert get_with_body(client, f"q_sr_id={tiny.JAPANESE}&m_sr_id={tiny.JAPANESE}").json() == {"class": "valid"}
    raw = f'"q_sr_id={tiny.JAPANESE}&m_sr_id={tiny.JAPANESE}"'.encode()
    assert get_with_body(client, raw).json() == {"class": "valid"}


def test_pairs_explains_the_decision(client, tiny_matcher):
    answer = client.get("/pairs", params={"q_sr_id": "123", "m_sr_id": "456"}).json()
    assert answer.keys() == {
        "class",
        "match_probability",
        "needs_review",
        "features",
        "contributions",
        "reasons",
        "version_markers",
        "model",
    }
    assert answer["class"] == "valid"
    assert list(answer["features"]) == list(NAMES)
    assert answer["contributions"].keys() == {*NAMES, "bias"} > CORE
    log_odds = sum(answer["contributions"].values())
    assert answer["match_probability"] == pytest.approx(1 / (1 + math.exp(-log_odds)))
    reasons = [reason["log_odds"] for reason in answer["reasons"]]
    assert sorted(reasons, key=abs, reverse=True) == reasons
    topics = {feature.topic for feature in FEATURES}
    rest = log_odds - answer["contributions"]["bias"] - sum(reasons)
    assert abs(rest) <= 0.02 * (len(topics) - len(reasons)) + 1e-9
    assert all(reason.keys() == {"words", "log_odds"} and reason["words"] for reason in answer["reasons"])
    assert answer["features"]["isrc"] == 1
    assert answer["version_markers"] == {"q": [], "m": [{"type": "remaster", "text": "Remastered 2009"}]}
    assert answer["model"] == tiny_matcher.model.version


def test_reasons_say_in_words_what_sets_a_pair_apart(client):
    def words(q, m):
        answer = client.get("/pairs", params={"q_sr_id": q, "m_sr_id": m}).json()
        return {reason["words"]: reason["log_odds"] for reason in answer["reasons"]}

    same, cover = words("q1", "m1"), words("q1", "c1")
    assert sum(same.values()) > 0 > sum(cover.values())
    assert all(log_odds > 0 for reason, log_odds in same.items() if reason.startswith("same"))
    assert any(log_odds < 0 for reason, log_odds in cover.items() if "artist" in reason or "ISRC" in reason)


def test_pairs_says_null_for_missing(client):
    features = client.get("/pairs", params={"q_sr_id": tiny.WITHOUT_TEXT, "m_sr_id": "123"}).json()["features"]
    assert features == dict.fromkeys(NAMES)


def test_pairs_names_the_markers_of_both_sides(client):
    answer = client.get("/pairs", params={"q_sr_id": tiny.LIVE, "m_sr_id": tiny.STUDIO}).json()
    assert {marker["type"] for marker in answer["version_markers"]["q"]} == {"live", "remaster"}
    assert answer["version_markers"]["m"] == []


def test_the_order_of_a_pair_changes_nothing_but_the_sides_of_the_markers(client):
    for q, m in [("123", "456"), ("123", "789"), (tiny.LIVE, tiny.STUDIO), ("q1", "m1"), (tiny.WITHOUT_TEXT, "q1")]:
        there = client.get("/pairs", params={"q_sr_id": q, "m_sr_id": m}).json()
        back = client.get("/pairs", params={"q_sr_id": m, "m_sr_id": q}).json()
        markers, swapped = there.pop("version_markers"), back.pop("version_markers")
        assert there == back
        assert markers == {"q": swapped["m"], "m": swapped["q"]}


def test_candidates_come_most_probable_first_with_what_one_wants_to_see(client):
    answer = client.get("/candidates", params={"sr_id": "123", "k": 5}).json()
    assert answer["sr_id"] == "123"
    first, *rest = answer["candidates"]
    assert len(rest) == 4
    assert first == {
        "sr_id": "456",
        "cosine": first["cosine"],
        "match_probability": first["match_probability"],
        "class": "valid",
        "title": "Yesterday - Remastered 2009",
        "artists": ["The Beatles"],
        "isrcs": ["GBAYE6500521"],
        "source": "vectors+isrc",
    }
    probabilities = [candidate["match_probability"] for candidate in answer["candidates"]]
    assert probabilities == sorted(probabilities, reverse=True)
    assert "123" not in [candidate["sr_id"] for candidate in answer["candidates"]]


def test_candidates_have_exact_cosines_and_the_probabilities_of_pairs(client, tiny_matcher):
    for candidate in client.get("/candidates", params={"sr_id": "q7", "k": 20}).json()["candidates"]:
        rows = tiny_matcher.snapshot.rows_of(["q7", candidate["sr_id"]])
        q, m = tiny_matcher.snapshot.vectors_of(rows).astype(np.float64)
        assert candidate["cosine"] == pytest.approx(q @ m, abs=1e-6)
        pair = client.get("/pairs", params={"q_sr_id": "q7", "m_sr_id": candidate["sr_id"]}).json()
        assert candidate["match_probability"] == pytest.approx(pair["match_probability"], abs=1e-9)
        assert candidate["class"] == pair["class"]


@pytest.mark.parametrize(("k", "expected"), [(None, 10), (1, 1), (100, 100)])
def test_candidates_are_as_many_as_asked(client, k, expected):
    parameters = {"sr_id": "q3"} | ({} if k is None else {"k": k})
    assert len(client.get("/candidates", params=parameters).json()["candidates"]) == expected


def test_a_recording_without_text_has_no_candidates(client):
    answer = client.get("/candidates", params={"sr_id": tiny.WITHOUT_TEXT})
    assert (answer.status_code, answer.json()) == (200, {"sr_id": tiny.WITHOUT_TEXT, "candidates": []})


@pytest.mark.parametrize("path", [tiny.SLASHED, tiny.SLASHED.replace("/", "%2F"), tiny.JAPANESE, "nothing%20known"])
def test_recordings_are_found_whatever_their_ids_hold(client, path):
    answer = client.get(f"/recordings/{path}")
    assert answer.status_code == 200
    assert answer.json()["sr_id"] == path.replace("%2F", "/").replace("%20", " ")


def test_recordings_gives_the_row_as_stored(client):
    assert client.get("/recordings/123").json() == {
        "sr_id": "123",
        "title": "Yesterday",
        "artists": "Beatles The",
        "isrcs": "GBAYE6500521",
        "contributors": "John Lennon|Paul McCartney",
        **dict.fromkeys(("album", "duration_ms", "release_year", "label", "language")),
    }


def test_recordings_writes_every_value_that_sqlite_can_hold(tiny_data, tmp_path):
    folder = DataFolder.at(shutil.copytree(tiny_data.root, tmp_path / "data"))
    with sqlite3.connect(folder.catalog) as connection:
        connection.execute("ALTER TABLE soundrecording ADD COLUMN anything")
        odd = {"123": 9e999, "456": -9e999, "789": b"\xff\x00", tiny.LIVE: 2**63 - 1, tiny.STUDIO: 0.5}
        for sr_id, value in odd.items():
            connection.execute("UPDATE soundrecording SET anything = ? WHERE sr_id = ?", (value, sr_id))
    connection.close()
    with TestClient(create_app(Settings(folder))) as client:
        found = {sr_id: client.get(f"/recordings/{sr_id}").json()["anything"] for sr_id in odd}
    assert found == {"123": "inf", "456": "-inf", "789": "\ufffd\0", tiny.LIVE: 2**63 - 1, tiny.STUDIO: 0.5}


def test_the_command_line_can_print_what_http_answers(client, tiny_matcher):
    decision = tiny_matcher.classify("123", "789")
    pair = {"q_sr_id": "123", "m_sr_id": "789"}
    assert {"class": decision.decided} == client.get("/", params=pair).json()
    assert as_json(pair_answer(decision, tiny_matcher.model.version)) == client.get("/pairs", params=pair).json()
    candidates = as_json(candidates_answer("123", tiny_matcher.candidates("123", 3)))
    assert candidates == client.get("/candidates", params={"sr_id": "123", "k": 3}).json()
    assert recording_answer(tiny_matcher.catalog.row("123")) == client.get("/recordings/123").json()


def test_health_names_what_is_served(client, tiny_matcher):
    assert client.get("/live").json()["status"] == "live"
    assert client.get("/live").json()["uptime_seconds"] >= 0
    ready = client.get("/ready")
    assert (ready.status_code, ready.json()) == (
        200,
        {
            "status": "ready",
            "model": tiny_matcher.model.version,
            "index": tiny_matcher.snapshot.version,
            "delta": None,
            "recordings": len(list(tiny.rows())),
            "encoder": ready.json()["encoder"],
            "refused": None,
            "waiting": None,
            "shadow": None,
        },
    )
    versions = client.get("/version").json()
    assert (versions["model"], versions["index"]) == (tiny_matcher.model.version, tiny_matcher.snapshot.version)
    assert re.fullmatch(r"\d+\.\d+\.\d+", versions["onemaster"])
    assert {"faiss-cpu", "scikit-learn", "torch"} <= versions["libraries"].keys()


class _Links(HTMLParser):
    def __init__(self):
        super().__init__()
        self.links = []

    def handle_starttag(self, _tag, attrs):
        self.links += [value for name, value in attrs if name in {"src", "href"}]


def test_the_documentation_page_needs_no_other_server(client):
    page = client.get("/docs")
    assert page.status_code == 200
    parser = _Links()
    parser.feed(page.text)
    assert any(link.endswith(".js") for link in parser.links)
    assert any(link.endswith(".css") for link in parser.links)
    for link in parser.links:
        assert link.startswith("/")
        assert client.get(link).status_code == 200
    assert "/openapi.json" in page.text


@pytest.mark.parametrize("root", ["", "/api"])
def test_the_documentation_page_runs_its_own_scripts_alone(tiny_data, root):
    page = TestClient(create_app(Settings(tiny_data)), root_path=root).get("/docs")
    policy = page.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'self' 'sha256-")
    (script,) = re.findall("<script>(.*?)</script>", page.text, re.DOTALL)
    assert f"{root}/openapi.json" in script
    assert base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() in policy
    assert TestClient(create_app(Settings(tiny_data))).get("/docs/oauth2-redirect").status_code == 404


def test_the_documentation_leads_to_the_pages(client):
    links = re.findall(r"\((/\w+)\)", client.get("/openapi.json").json()["info"]["description"])
    assert links == ["/explore", "/review", "/catalog", "/quality"]
    assert all(client.get(link).status_code == 200 for link in links)


def test_openapi_describes_every_route_its_answer_and_its_errors(client):
    document = client.get("/openapi.json").json()
    guarded = {"401", "403", "408", "413", "429"}
    usual, about_one = {"200", "422", "503", *guarded}, {"200", "404", "422", "503", *guarded}
    expected = {
        **{("get", path): about_one for path in ("/", "/pairs", "/candidates", "/clusters", "/recordings/{sr_id}")},
        **{("post", path): usual for path in ("/pairs", "/candidates")},
        ("get", "/labels/queue"): usual,
        ("post", "/labels"): about_one - {"200"} | {"201"},
        ("get", "/metrics"): {"200", *guarded},
        ("get", "/ready"): {"200", "503"},
        ("get", "/version"): {"200", *guarded},
        ("get", "/live"): {"200"},
    }
    found = {
        (method, path): set(what["responses"])
        for path, methods in document["paths"].items()
        for method, what in methods.items()
    }
    assert found == expected
    assert "HTTPValidationError" not in document["components"]["schemas"]
    schemas = document["components"]["schemas"]
    assert {"class", "reasons"} <= set(schemas["PairAnswer"]["properties"])
    assert set(schemas["Features"]["required"]) == CORE
    assert set(schemas["Contributions"]["required"]) == CORE | {"bias"}
    for name, kind in (("Features", {"number", "null"}), ("Contributions", {"number"})):
        further = schemas[name]["additionalProperties"]
        assert {each["type"] for each in further.get("anyOf", [further])} == kind
    named = {p["name"]: p["required"] for p in document["paths"]["/"]["get"]["parameters"]}
    assert named == {"q_sr_id": True, "m_sr_id": True}
    k = next(p for p in document["paths"]["/candidates"]["get"]["parameters"] if p["name"] == "k")["schema"]
    assert (k["minimum"], k["maximum"], k["default"]) == (1, 100, 10)
