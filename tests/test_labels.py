"""Verdicts are appended, whoever agrees; the pairs that nobody is sure of are asked about."""

import multiprocessing
import shutil
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import numpy as np
import pytest
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import save
from test_service_exchange import wait_for

import service.labels
from catalog.errors import DamagedArtefactError, InputError, MissingArtefactError
from catalog.paths import DataFolder
from catalog.store import Catalog
from matching import label_file
from matching.held_out import HeldOut
from matching.label_file import merge_labels
from matching.labels import Label, Verdict, agreed_tags, append_label, read_labels, require_labels
from matching.matcher import Matcher
from matching.questions import questions
from matching.reviewing import blind_labels, has_judged, said_last, unsure_pairs
from service.access import Access
from service.app import create_app
from service.keys import WRITE, new_key
from service.settings import Settings
from training.holdout import TrainingData, hold_out

SAID = {"q_sr_id": "123", "m_sr_id": "789", "tag": "invalid"}


def verdict(tag, reviewer="r", q="1", m="2", **further):
    return Verdict(q, m, tag, reviewer, "2026-11-28T10:00:00.000+00:00", **further)


def labels(*verdicts):
    return [Label(number, each) for number, each in enumerate(verdicts, 1)]


def test_a_label_is_kept_as_it_was_said(tmp_path):
    path = tmp_path / "labels.db"
    first = append_label(path, verdict("valid", note="same master, I was there", match_probability=0.4, model="m"))
    second = append_label(path, verdict("invalid", reviewer="其他"))
    assert read_labels(path) == [first, second]
    assert read_labels(path) == [first, second]
    assert first.number < second.number < 1 << 53  # which every program reads exactly


def test_no_labels_are_no_error_unless_they_are_wanted(tmp_path):
    assert read_labels(tmp_path / "labels.db") == []
    with pytest.raises(MissingArtefactError, match="POST /labels"):
        require_labels(tmp_path / "labels.db")


@pytest.mark.parametrize("tag", ["", "maybe", "VALID", None])
def test_another_tag_is_refused(tmp_path, tag):
    with pytest.raises(InputError, match="expected the tag valid or invalid"):
        append_label(tmp_path / "labels.db", verdict(tag))
    assert not (tmp_path / "labels.db").exists()


@pytest.mark.parametrize("statement", ["UPDATE label SET tag = 'valid'", "DELETE FROM label"])
def test_what_is_kept_cannot_be_changed(tmp_path, statement):
    kept = append_label(tmp_path / "labels.db", verdict("invalid"))
    connection = sqlite3.connect(tmp_path / "labels.db")
    with pytest.raises(sqlite3.IntegrityError, match="appended"):
        connection.execute(statement)
    connection.close()
    assert read_labels(tmp_path / "labels.db") == [kept]


@pytest.mark.parametrize("content", [b"no database", b"SQLite format 3\0" + b"\0" * 100])
def test_a_damaged_file_is_named_and_stays(tmp_path, content):
    path = tmp_path / "labels.db"
    path.write_bytes(content)
    for do in (lambda: read_labels(path), lambda: append_label(path, verdict("valid"))):
        with pytest.raises(InputError, match=r"labels\.db"):
            do()
    assert path.read_bytes() == content


@pytest.mark.parametrize("pages", [0, 1])
def test_a_file_that_was_only_begun_says_nothing_yet(tmp_path, pages):
    path = tmp_path / "labels.db"
    path.touch()  # as a full disk leaves it
    if pages:
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("PRAGMA user_version = 1")
    assert read_labels(path) == []
    assert said_last(path, "r") is None
    assert unsure_pairs(path, "r") == blind_labels(path) == set()
    assert not has_judged(path, ("1", "2"), "r")
    assert merge_labels(path, tmp_path / "other.db") == 0
    kept = append_label(path, verdict("valid"))
    assert read_labels(path) == [kept]


def _append_some(path, reviewer):
    for _ in range(25):
        append_label(path, verdict("valid", reviewer))


def test_processes_that_write_at_once_lose_nothing(tmp_path):
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=_append_some, args=(tmp_path / "labels.db", str(each))) for each in range(3)]
    for each in writers:
        each.start()
    for each in writers:
        each.join()
    kept = read_labels(tmp_path / "labels.db")
    assert len(kept) == len({each.number for each in kept}) == 75


@pytest.mark.parametrize(
    ("said", "tag", "votes", "against"),
    [
        ([("valid", "a")], "valid", 1, 0),
        ([("valid", "a"), ("invalid", "b"), ("valid", "c")], "valid", 2, 1),
        ([("valid", "a"), ("invalid", "b")], "invalid", 1, 1),
        ([("invalid", "b"), ("valid", "a")], "valid", 1, 1),
        ([("valid", "a"), ("valid", "a"), ("valid", "a"), ("invalid", "b"), ("invalid", "c")], "invalid", 2, 1),
        ([("valid", "a"), ("invalid", "b"), ("invalid", "a")], "invalid", 2, 0),
        ([("valid", "a"), ("invalid", "b"), ("valid", "a")], "valid", 1, 1),
    ],
)
def test_most_reviewers_decide_then_the_newest(said, tag, votes, against):
    [agreed] = agreed_tags(labels(*(verdict(*each) for each in said)))
    assert (agreed.tag, agreed.votes, agreed.against, agreed.number) == (tag, votes, against, len(said))


def test_the_order_of_a_pair_does_not_matter():
    agreed = agreed_tags(labels(verdict("valid", "a", "x", "y"), verdict("valid", "b", "y", "x"), verdict("invalid")))
    assert [(each.pair, each.votes) for each in agreed] == [(("x", "y"), 2), (("1", "2"), 1)]


@given(
    st.lists(
        st.tuples(st.sampled_from(["valid", "invalid"]), st.sampled_from("abc"), st.sampled_from("xy")), max_size=12
    )
)
def test_agreement_counts_every_reviewer_once(said):
    kept = labels(*(verdict(tag, reviewer, q, "z") for tag, reviewer, q in said))
    for agreed in agreed_tags(kept):
        last = {each.verdict.reviewer: each.verdict.tag for each in kept if each.verdict.pair == agreed.pair}
        assert agreed.votes + agreed.against == len(last)
        assert agreed.votes == list(last.values()).count(agreed.tag)
        assert agreed.votes >= agreed.against


@pytest.fixture
def folder(tiny_data, tmp_path):
    return DataFolder.at(shutil.copytree(tiny_data.root, tmp_path / "data"))


@pytest.fixture
def client(folder):
    with TestClient(create_app(Settings(folder)), base_url="http://localhost", client=("127.0.0.1", 50_000)) as started:
        yield started


def test_a_verdict_is_kept_with_what_the_model_said(client, folder):
    answer = client.post("/labels", json=SAID | {"reviewer": "ada", "note": "another song"})
    assert answer.status_code == 201
    pair = client.get("/pairs", params={name: SAID[name] for name in ("q_sr_id", "m_sr_id")}).json()
    said = answer.json()
    assert said == SAID | {
        "number": read_labels(folder.labels)[0].number,
        "reviewer": "ada",
        "note": "another song",
        "labelled_at": said["labelled_at"],
        "match_probability": pair["match_probability"],
        "model": pair["model"],
    }
    client.post("/labels", json=SAID | {"tag": "Valid"})
    kept = [each.verdict for each in read_labels(folder.labels)]
    assert [(each.tag, each.reviewer) for each in kept] == [("invalid", "ada"), ("valid", "anonymous")]


def test_a_name_may_be_a_word_that_says_nothing_in_a_catalogue(client):
    answer = client.post("/labels", json=SAID | {"reviewer": " Null ", "note": "N/A"}).json()
    assert (answer["reviewer"], answer["note"]) == ("Null", "N/A")
    assert client.post("/labels", json=SAID | {"reviewer": "  "}).json()["reviewer"] == "anonymous"


def test_a_key_says_who_the_reviewer_is(folder):
    made = new_key("grace", WRITE)
    settings = Settings(folder, access=Access((made.key,), write_is_open=False))
    with TestClient(create_app(settings), client=("10.1.2.3", 50_000)) as client:
        assert client.post("/labels", json=SAID).status_code == 401
        said = client.post(
            "/labels", json=SAID | {"reviewer": "ada"}, headers={"Authorization": f"Bearer {made.secret}"}
        )
        assert said.json()["reviewer"] == "grace"
    assert len(read_labels(folder.labels)) == 1


@pytest.mark.parametrize(
    ("changed", "status", "message"),
    [
        ({"m_sr_id": "none"}, 404, "unknown sr_id"),
        ({"m_sr_id": "123"}, 422, "two recordings"),
        ({"m_sr_id": ""}, 422, "m_sr_id"),
        ({"tag": "maybe"}, 422, "tag to be valid or invalid"),
        ({"tag": None}, 422, "tag"),
        ({"note": "x" * 10_001}, 422, "note"),
        ({"anything": 1}, 422, "no field 'anything'"),
    ],
)
def test_what_is_no_verdict_is_not_kept(client, folder, changed, status, message):
    answer = client.post("/labels", json=SAID | changed)
    assert answer.status_code == status
    assert message in answer.json()["error"]
    assert read_labels(folder.labels) == []


def test_a_file_of_labels_that_cannot_be_written_is_no_500(client, folder):
    folder.labels.write_bytes(b"no database")
    answer = client.post("/labels", json=SAID)
    assert answer.status_code == 503
    assert "labels.db" in answer.json()["error"]


def test_the_queue_asks_about_what_is_not_certain_and_not_answered(client, folder):
    first = client.get("/labels/queue?n=5").json()
    assert 0 < len(first["pairs"]) <= 5
    ids = [sr_id for pair in first["pairs"] for sr_id in (pair["q_sr_id"], pair["m_sr_id"])]
    assert len(set(ids)) == len(ids), "no recording twice"
    assert all(0.02 < pair["match_probability"] < 0.98 for pair in first["pairs"])
    assert client.get("/labels/queue?n=5").json() == first
    asked = first["pairs"][0]
    client.post("/labels", json={"q_sr_id": asked["q_sr_id"], "m_sr_id": asked["m_sr_id"], "tag": "valid"})
    then = client.get("/labels/queue?n=100").json()
    assert then["labels"] == 1
    assert (asked["q_sr_id"], asked["m_sr_id"]) not in {(each["q_sr_id"], each["m_sr_id"]) for each in then["pairs"]}
    assert client.get("/labels/queue?n=0").status_code == 422
    assert client.get("/labels/queue?n=101").status_code == 422


def test_questions_of_every_sort_come_in_turn_the_most_telling_first(sample_folder, tmp_path):
    with Matcher.open(sample_folder) as matcher:
        found = questions(matcher, tmp_path / "none", (), 30, seed=1)
        assert found == questions(matcher, tmp_path / "none", (), 30, seed=1)
        other = questions(matcher, tmp_path / "none", (), 30, seed=2)
    pairs = [(each.decision.q.sr_id, each.decision.m.sr_id) for each in found]
    assert pairs != [(each.decision.q.sr_id, each.decision.m.sr_id) for each in other]
    topics = [each.topic for each in found]
    assert len(set(topics[: len(set(topics))])) == len(set(topics)), "every topic once before one comes again"
    by_topic = {topic: [each.worth for each in found if each.topic == topic] for topic in topics}
    assert all(worths == sorted(worths, reverse=True) for worths in by_topic.values())


def test_no_question_touches_the_test_pairs(sample_folder, matcher, tmp_path, monkeypatch):
    with Catalog.open(sample_folder.catalog, sample_folder.copies) as catalog:
        test = hold_out(TrainingData(catalog, sample_folder.groundtruth, sample_folder.root), 20).test
    of_the_test = {each.sr_id for each in (*test.q, *test.m)}
    assert all(map(matcher.model.held_out.holds, of_the_test))
    assert len(matcher.model.held_out.hashes) == len(of_the_test)
    found = questions(matcher, tmp_path / "none", (), 100, seed=1)
    assert found
    assert of_the_test.isdisjoint(each.sr_id for found in found for each in (found.decision.q, found.decision.m))
    monkeypatch.setitem(vars(matcher.model), "held_out", HeldOut.of(()))
    without = questions(matcher, tmp_path / "none", (), 100, seed=1)
    assert not of_the_test.isdisjoint(each.sr_id for found in without for each in (found.decision.q, found.decision.m))


def test_a_model_of_before_holds_nothing_out_and_a_damaged_file_is_refused(tmp_path):
    assert not HeldOut.load(tmp_path / "none").holds("123")
    HeldOut.of(["a", "b", "a"]).write(tmp_path / "some")
    again = HeldOut.load(tmp_path / "some")
    assert [again.holds(each) for each in ("a", "b", "c", "")] == [True, True, False, False]
    for content in (b"", b"x" * 40, save({"recordings": np.zeros(3)}), save({"others": np.zeros(3, np.uint64)})):
        (tmp_path / "some").write_bytes(content)
        with pytest.raises(DamagedArtefactError):
            HeldOut.load(tmp_path / "some")


@pytest.mark.parametrize("remains", ["nothing", "an empty folder"])
def test_nothing_is_kept_where_the_data_folder_is_gone(folder, remains):
    away, pair = folder.root.with_name("away"), {"q_sr_id": "123", "m_sr_id": "789"}
    settings = Settings(folder, log_share=1.0)
    with TestClient(create_app(settings), base_url="http://localhost", client=("127.0.0.1", 50_000)) as client:
        assert client.post("/labels", json=SAID).status_code == 201
        folder.root.rename(away)
        if remains == "an empty folder":  # as a volume leaves it that is no longer mounted
            folder.root.mkdir()
        for answer in (
            client.post("/labels", json=SAID),
            client.get("/labels/queue"),
            client.post("/review", data=pair | {"said": "unsure", "reviewer": "ann"}),
            client.get("/review", params={"reviewer": "ann"}),
        ):
            assert answer.status_code == 503
            assert "put it back or mount it again" in answer.text
        assert client.get("/", params=pair).status_code == 200, "the rest is answered"
    # Decisions are written when the service ends, at the latest.
    assert folder.root.exists() == (remains == "an empty folder")
    assert not list(folder.root.parent.glob("data/*"))
    assert len(read_labels(away / "labels.db")) == 1


def test_a_lock_on_the_labels_holds_up_nothing_else(tiny_data, tmp_path, monkeypatch):
    """More want to write than there are threads for all routes; those without a turn are told to try again."""
    monkeypatch.setattr(label_file, "_WAIT_SECONDS", 120.0)
    monkeypatch.setattr(service.labels, "_SECONDS", 0.5)
    folder = DataFolder.at(shutil.copytree(tiny_data.root, tmp_path / "data"))
    with TestClient(create_app(Settings(folder))) as client, ThreadPoolExecutor(51) as callers:
        assert client.post("/labels", json=SAID).status_code == 201
        with closing(sqlite3.connect(folder.labels)) as connection:
            connection.execute("BEGIN EXCLUSIVE")
            said = [callers.submit(client.post, "/labels", json=SAID) for _ in range(50)]
            wait_for(client.app.state.turns.locked)
            assert callers.submit(client.get, "/ready").result(timeout=60).status_code == 200
            wait_for(lambda: sum(each.done() for each in said) == 50 - service.labels.AT_ONCE)
        statuses = [each.result().status_code for each in said]
        assert (statuses.count(201), statuses.count(503)) == (service.labels.AT_ONCE, 50 - service.labels.AT_ONCE)
        assert client.get("/labels/queue").status_code == 200
