"""Many pairs at once, recordings that are not in the catalogue, and the baseline as the judge."""

import json

import pytest
import tiny

from matching.baseline import BASELINE_FEATURES

YESTERDAY = {"title": "Yesterday", "artists": ["Beatles, The"], "contributors": ["J. Lennon", "P. McCartney"]}


def post(client, path, body, **headers):
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return client.post(path, content=content, headers={"content-type": "application/json"} | headers)


def judged(client, pairs, query=""):
    answer = post(client, f"/pairs{query}", {"pairs": pairs})
    assert answer.status_code == 200
    return answer.json()["pairs"]


def pair(q, m):
    return {"q_sr_id": q, "m_sr_id": m}


@pytest.mark.parametrize("model", [{}, {"model": "siamese"}, {"model": "baseline"}])
def test_many_pairs_are_answered_in_order_as_one_by_one(client, model):
    ids = ["123", "456", "789", "q1", "m1", "c1", tiny.WITHOUT_TEXT, tiny.JAPANESE]
    pairs = [pair(q, m) for q in ids for m in ids]
    query = "?model={model}".format(**model) if model else ""
    for asked, answered in zip(pairs, judged(client, pairs, query), strict=True):
        alone = client.get("/pairs", params=asked | model).json()
        assert answered == asked | {
            "class": alone["class"],
            "match_probability": pytest.approx(alone["match_probability"], abs=1e-9),
            "needs_review": alone["needs_review"],
        }


def test_a_bad_pair_does_not_spoil_the_others(client):
    bad = [
        pair("123", "none"),
        pair("", "123"),
        {"q_sr_id": "123"},
        pair("123", 456),
        pair("x" * 257, "123"),
        pair("\ud800", "123"),
        "123",
        None,
        [],
        12,
    ]
    answers = judged(client, [each for item in bad for each in (item, pair("123", "456"))])
    assert [each["class"] for each in answers[1::2]] == ["valid"] * len(bad)
    for item, answer in zip(bad, answers[::2], strict=True):
        assert "class" not in answer
        assert answer["error"].startswith(("unknown sr_id", "expected q_sr_id and m_sr_id"))
        if isinstance(item, dict):
            assert all(answer[name] == (value if isinstance(value, str) else None) for name, value in item.items())
    assert "'none'" in answers[0]["error"]


def test_no_pairs_have_no_answers(client):
    assert judged(client, []) == []


def test_ten_thousand_pairs_are_taken_and_no_more(client):
    assert len(judged(client, [pair("123", "456")] * 10_000)) == 10_000
    answer = post(client, "/pairs", {"pairs": [pair("123", "456")] * 10_001})
    assert answer.status_code == 422
    assert "expected pairs to be a list of at most 10000 pairs" in answer.json()["error"]


@pytest.mark.parametrize("path", ["/pairs", "/candidates"])
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"12",
        b"[]",
        b'"x"',
        b"{",
        b"\xff",
        b"[" * 100_000,
        b'{"pairs": 3}',
        b'{"title": {}}',
        b"9" * 9_999,
    ],
)
def test_a_body_of_another_form_is_refused(client, path, body):
    answer = post(client, path, body)
    assert answer.status_code == 422
    assert list(answer.json()) == ["error"]


def test_a_body_that_is_no_json_by_its_type_is_refused(client):
    answer = post(client, "/pairs", {"pairs": []}, **{"content-type": "text/plain"})
    assert answer.status_code == 422
    assert "expected body to be a JSON object, with Content-Type: application/json" in answer.json()["error"]


def test_the_baseline_shows_its_own_features_beside_the_five(client):
    answer = client.get("/pairs", params=pair("123", "456") | {"model": "baseline"}).json()
    ours = client.get("/pairs", params=pair("123", "456")).json()
    five = ["cosine", "title", "artists", "contributors", "isrc"]
    assert list(answer["features"]) == [*five, *BASELINE_FEATURES]
    assert {name: answer["features"][name] for name in five} == {name: ours["features"][name] for name in five}
    assert [answer["contributions"][name] for name in five] == [0] * 5
    assert answer["match_probability"] != ours["match_probability"]
    assert client.get("/pairs", params=pair("123", "456") | {"model": "other"}).status_code == 422


def test_a_recording_that_is_not_stored_finds_those_that_are(client):
    answer = post(client, "/candidates?k=3", YESTERDAY).json()
    assert answer["sr_id"] is None
    assert len(answer["candidates"]) == 3
    assert {each["sr_id"] for each in answer["candidates"][:2]} == {"123", "456"}
    assert client.get("/ready").json()["encoder"] == "loaded"


def test_a_stored_recording_and_the_same_one_sent_have_the_same_candidates(client):
    row = client.get("/recordings/q7").json()
    stored = client.get("/candidates", params={"sr_id": "q7", "k": 100}).json()["candidates"]
    sent = post(client, "/candidates?k=100", row | {"sr_id": "new"}).json()
    assert sent["sr_id"] == "new"
    others = [each for each in sent["candidates"] if each["sr_id"] != "q7"]
    assert others[:20] == stored[:20]


@pytest.mark.parametrize(
    "body",
    [
        {"artists": "The Beatles|Nobody", "title": "Yesterday", "duration": "02:05", "year": 1965},
        {"artists": ["The Beatles", None, ""], "title": "Yesterday", "duration_ms": 125_000, "release_year": "1965"},
        {"isrcs": "GB-AYE-65-00521"},
        {"title": "Yesterday \ud800"},
        {"title": "Yesterday", "album": None, "label": "null", "k": 1},
    ],
)
def test_recordings_are_read_as_a_catalogue_is(client, body):
    answer = post(client, "/candidates", body)
    assert answer.status_code == 200
    found = [each["sr_id"] for each in answer.json()["candidates"]]
    assert {"123", "456"} & set(found)
    assert len(found) <= body.get("k", 10)


def test_a_recording_with_nothing_to_be_found_by_has_no_candidates(client):
    assert post(client, "/candidates", {}).json() == {"sr_id": None, "candidates": []}


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"title": 1999}, "title to be a text"),
        ({"title": "x" * 10_001}, "title to be a text of at most 10000 characters"),
        ({"artists": [["x"]]}, "artists to be a list of at most 1000 texts"),
        ({"artists": ["x"] * 1_001}, "artists to be a list of at most 1000 texts"),
        ({"artists": "|".join(map(str, range(1_001)))}, "artists to be a list of at most 1000 texts"),
        ({"artists": ["x" * 9_000 + str(number) for number in range(6)]}, "artists to be a list"),
        ({"duration": "soon"}, "duration to be a length"),
        ({"duration_ms": True}, "duration_ms to be a length in milliseconds"),
        ({"year": 3000}, "year to be a year"),
        ({"artist": "x"}, "no field 'artist'"),
        ({"title": "x", "k": 101}, "k to be a whole number from 1 to 100"),
        ({"title": "x", "k": "5"}, "k to be a whole number from 1 to 100"),
    ],
)
def test_what_cannot_be_read_is_named(client, body, expected):
    answer = post(client, "/candidates", body)
    assert answer.status_code == 422
    assert f"expected {expected}" in answer.json()["error"]


@pytest.mark.parametrize("body", [b"{", b'{"pairs": [{"q_sr_id"', b"nothing"])
def test_what_is_no_json_is_told_to_be_none(client, body):
    answer = client.post("/pairs", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 422
    assert answer.json()["error"].endswith("got what is no JSON")
