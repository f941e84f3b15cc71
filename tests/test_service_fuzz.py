"""Whatever is sent, the answer is JSON and no 5xx; 503 only as long as nothing is published."""

import json
from urllib.parse import quote, quote_from_bytes

import pytest
import tiny
from fastapi.testclient import TestClient
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.paths import DataFolder
from service.app import create_app
from service.settings import Settings

KNOWN = ["123", "456", tiny.SLASHED, tiny.JAPANESE, tiny.WITHOUT_TEXT]
raw = st.binary(max_size=300) | st.text(max_size=300).map(lambda text: text.encode("utf-8", "surrogatepass"))
escaped = (
    st.sampled_from(KNOWN).map(lambda text: quote(text, safe=""))
    | raw.map(lambda value: quote_from_bytes(value, safe=""))
    | st.text(
        alphabet=st.characters(codec="ascii", categories=["L", "N", "P", "S"], exclude_characters="#"), max_size=50
    )
)
numbers = escaped | st.integers().map(str) | st.floats().map(str)
names = st.sampled_from(["q_sr_id", "m_sr_id", "sr_id", "k", "", "Q_SR_ID"])
queries = st.lists(st.tuples(names, numbers), max_size=5).map(
    lambda pairs: "&".join(f"{name}={value}" for name, value in pairs)
)
paths = st.sampled_from(["/", "/pairs", "/candidates", "/live", "/ready", "/version"]) | escaped.map(
    lambda value: f"/recordings/{value}"
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=50),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
strings = st.builds(
    lambda q, m, between: f"q_sr_id={q}{between}m_sr_id={m}",
    st.text(st.characters(), max_size=300) | st.sampled_from(KNOWN),
    st.text(st.characters(), max_size=300) | st.sampled_from(KNOWN),
    st.sampled_from(["&", "&&", ";", ""]),
)
bodies = raw | json_values.map(lambda value: json.dumps(value).encode()) | strings.map(lambda v: json.dumps(v).encode())


@pytest.fixture(scope="module")
def empty_client(tmp_path_factory):
    with TestClient(create_app(Settings(DataFolder.at(tmp_path_factory.mktemp("empty"))))) as started:
        yield started


def check(answer, allowed):
    assert answer.status_code in allowed
    assert answer.headers["content-type"] == "application/json"
    content = answer.json()
    assert isinstance(content, dict)
    if answer.status_code != 200:
        assert isinstance(content["error"], str)
        assert len(answer.content) < 20_000


@settings(max_examples=400, deadline=None)
@given(path=paths, query=queries, body=bodies, method=st.sampled_from(["GET", "GET", "GET", "POST", "DELETE"]))
def test_no_request_is_a_server_error(client, path, query, body, method):
    check(client.request(method, f"{path}?{query}", content=body), {200, 404, 405, 413, 422})


@settings(max_examples=200, deadline=None)
@given(body=bodies)
def test_no_body_is_a_server_error(client, body):
    check(client.request("GET", "/", content=body), {200, 404, 413, 422})


@settings(max_examples=100, deadline=None)
@given(path=paths, query=queries, body=bodies)
def test_without_an_index_every_question_is_a_503_at_worst(empty_client, path, query, body):
    # 404: a line break in a path fits no route
    check(empty_client.request("GET", f"{path}?{query}", content=body), {200, 404, 413, 422, 503})


@settings(max_examples=100, deadline=None)
@given(path=raw)
def test_no_path_is_a_server_error(client, path):
    for prefix in ("/", "/docs/", "/static-offline-docs/"):
        answer = client.get(prefix + quote_from_bytes(path))
        assert answer.status_code < 500


@settings(max_examples=50, deadline=None)
@given(q=st.sampled_from([row["sr_id"] for row in tiny.rows()]), m=st.sampled_from([r["sr_id"] for r in tiny.rows()]))
def test_every_pair_has_the_same_answer_in_both_orders_and_both_forms(client, q, m):
    form = f"q_sr_id={quote(m)}&m_sr_id={quote(q)}"
    there = client.get("/", params={"q_sr_id": q, "m_sr_id": m})
    assert there.status_code == 200
    assert client.request("GET", f"/?{form}").json() == there.json()
    assert client.request("GET", "/", content=json.dumps(form).encode()).json() == there.json()
    explained = client.get("/pairs", params={"q_sr_id": q, "m_sr_id": m}).json()
    assert {"class": explained["class"]} == there.json()
