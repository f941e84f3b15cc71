"""What is published while the service runs takes its place at once, or is refused; nobody notices."""

import http.client
import json
import shutil
import threading
import time

import pytest
import tiny
from fastapi.testclient import TestClient
from test_service_process import end, start

from catalog.artefacts import CANDIDATE, CURRENT, build_aside, current_version, new_version, publish, put_in_charge
from catalog.errors import CatalogError
from catalog.paths import DataFolder
from catalog.store import Catalog
from embeddings.encoder import Encoder
from index.rebuild import rebuild
from matching.model import Model
from service import state
from service.app import create_app
from service.settings import Settings

PAIR = "/pairs?q_sr_id=123&m_sr_id=456"


@pytest.fixture
def folder(tiny_data, tmp_path):
    return DataFolder.at(shutil.copytree(tiny_data.root, tmp_path / "data"))


@pytest.fixture
def client(folder):
    with TestClient(create_app(Settings(folder, look_every=0.02))) as started:
        yield started


def new_index(folder):
    model = Model.load(current_version(folder.models))
    with Catalog.open(folder.catalog, folder.copies) as catalog:
        rebuild(catalog, Encoder.load(model.encoder_folder), model.version, folder.index)
    return current_version(folder.index).name


def new_model(folder, digest="0" * 8):
    with build_aside(folder.models) as building:
        shutil.copytree(current_version(folder.models), building, dirs_exist_ok=True)
        return publish(building, folder.models, new_version(digest)).name


def wait_for(condition):
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        if condition():
            return
        time.sleep(0.02)
    raise AssertionError("it did not happen")


def origin(answer):
    return answer.headers["x-onemaster-model"], answer.headers["x-onemaster-index"]


def test_answers_name_the_model_and_the_index_that_gave_them(client, folder):
    expected = (current_version(folder.models).name, current_version(folder.index).name)
    for path in ("/?q_sr_id=123&m_sr_id=456", PAIR, "/candidates?sr_id=123", "/recordings/123", "/ready"):
        assert origin(client.get(path)) == expected
    assert origin(client.post("/candidates", json={"title": "Yesterday"})) == expected
    assert origin(client.get("/pairs?q_sr_id=123&m_sr_id=none")) == expected
    assert "x-onemaster-model" not in client.get("/live").headers


def test_what_is_published_is_served_and_what_was_served_is_closed(client, folder):
    source = client.app.state.matcher_source
    before, first = source.opened, origin(client.get(PAIR))
    index, model = new_index(folder), new_model(folder)
    wait_for(lambda: origin(client.get(PAIR)) == (model, index))
    assert client.get(PAIR).json()["model"] == model != first[0]
    wait_for(lambda: before.retired and not before.users)
    with pytest.raises(CatalogError, match="closed database"):
        before.matcher.catalog.get("123")


@pytest.mark.parametrize("damage", ["no such version", "altered", "another format"])
def test_a_bad_build_is_refused_and_the_present_one_goes_on(client, folder, damage):
    served = origin(client.get(PAIR))
    if damage == "no such version":
        (folder.index / CURRENT).write_text("20990101T000000Z-00000000\n")
    else:
        bad = shutil.copytree(current_version(folder.index), folder.index / "20990101T000000Z-00000000")
        changed = bad / ("vectors.npy" if damage == "altered" else "manifest.json")
        assert changed.is_file()
        changed.write_bytes(changed.read_bytes()[:-1] if damage == "altered" else b'{"format": 0}')
        (folder.index / CURRENT).write_text(bad.name + "\n")
    wait_for(lambda: client.get("/ready").json()["refused"])
    ready = client.get("/ready")
    assert ready.status_code == 200
    assert "20990101" in ready.json()["refused"]
    assert origin(client.get(PAIR)) == served
    index = new_index(folder)
    wait_for(lambda: origin(client.get(PAIR))[1] == index)
    assert client.get("/ready").json()["refused"] is None


def test_a_model_that_waits_for_a_rebuild_is_named(client, folder, tmp_path):
    served = origin(client.get(PAIR))
    newer = tiny.publish_with_another_encoder(folder, tmp_path)
    wait_for(lambda: client.get("/ready").json()["waiting"] == newer)
    ready = client.get("/ready").json()
    assert (ready["model"], ready["refused"]) == (served[0], None)
    assert origin(client.get(PAIR)) == served
    new_model(folder)
    wait_for(lambda: client.get("/ready").json()["waiting"] is not None)
    put_in_charge(folder.models, served[0])
    wait_for(lambda: client.get("/ready").json()["waiting"] is None)


def test_a_candidate_that_cannot_judge_is_named_and_logged_once(folder, tmp_path, caplog):
    served = current_version(folder.models).name
    candidate = tiny.publish_with_another_encoder(folder, tmp_path)
    put_in_charge(folder.models, served)
    put_in_charge(folder.models, candidate, pointer=CANDIDATE)
    with TestClient(create_app(Settings(folder, look_every=0.02, shadow=True))) as client:
        assert candidate in client.get("/ready").json()["shadow"]
        for _ in range(2):
            index = new_index(folder)
            wait_for(lambda index=index: client.get("/ready").json()["index"] == index)
        assert sum(candidate in record.getMessage() for record in caplog.records) == 1
        other = new_model(folder)
        put_in_charge(folder.models, served)
        put_in_charge(folder.models, other, pointer=CANDIDATE)
        wait_for(lambda: client.get("/ready").json()["shadow"] is None)


@pytest.mark.parametrize("fails", ["bound_pages", "_published", "observe_in_charge", "_shadow_of"])
def test_whatever_fails_while_looking_is_logged_once_and_the_looking_goes_on(
    client, folder, fails, monkeypatch, caplog
):
    def fail(*_):
        failed.append(time.monotonic())
        raise RuntimeError("the disk is on fire")

    failed, served = [], origin(client.get(PAIR))
    with monkeypatch.context() as patched:
        patched.setattr(state.MatcherSource if fails == "_shadow_of" else state, fails, fail)
        first = new_index(folder)
        wait_for(lambda: len(failed) >= (3 if fails in {"bound_pages", "_published"} else 1))
        if fails in {"_published", "_shadow_of"}:
            assert origin(client.get(PAIR)) == served
    wait_for(lambda: origin(client.get(PAIR))[1] == first)
    second = new_index(folder)
    wait_for(lambda: origin(client.get(PAIR))[1] == second)
    logged = [record for record in caplog.records if record.levelname in {"ERROR", "WARNING"}]
    assert len([record for record in logged if "on fire" in (record.exc_text or record.getMessage())]) == 1


def test_a_request_in_progress_is_answered_by_what_it_began_with(client, folder):
    source = client.app.state.matcher_source
    opened = source.opened
    client.portal.call(lambda: setattr(opened, "users", opened.users + 1))
    index = new_index(folder)
    wait_for(lambda: origin(client.get(PAIR))[1] == index)
    assert opened.matcher.catalog.get("123").title == "Yesterday", "still open"
    client.portal.call(opened.release)
    with pytest.raises(CatalogError, match="closed database"):
        opened.matcher.catalog.get("123")


def test_twenty_exchanges_under_load_fail_nobody_and_mix_nothing(folder, tmp_path):
    process, port = start(folder, tmp_path / "uvicorn.log")
    stop, problems, origins = threading.Event(), [], set()

    def ask_on(path, model_of):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        while not stop.is_set():
            connection.request("GET", path)
            answer = connection.getresponse()
            content = json.loads(answer.read())
            found = (answer.headers["x-onemaster-model"], answer.headers["x-onemaster-index"])
            origins.add(found)
            if answer.status != 200 or model_of(content) not in {None, found[0]}:
                problems.append((answer.status, content, found))
        connection.close()

    asking = [
        threading.Thread(target=ask_on, args=arguments)
        for arguments in (
            (PAIR, lambda content: content["model"]),
            ("/ready", lambda content: content["model"]),
            ("/candidates?sr_id=q1", lambda _: None),
        )
    ]
    try:
        for thread in asking:
            thread.start()
        for turn in range(20):
            model = new_model(folder, f"{turn:08x}") if turn % 2 else current_version(folder.models).name
            published = (model, new_index(folder))
            wait_for(lambda published=published: published in origins)
    finally:
        stop.set()
        for thread in asking:
            thread.join()
        end(process)
    assert not problems
    assert "Traceback" not in (tmp_path / "uvicorn.log").read_text()
