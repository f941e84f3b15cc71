"""What the slim image does, without torch: everything with stored ids, and everything with the default encoder."""

import http.client
import json
import os
import re
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
import smoke
import tiny
from test_embeddings import tiny_transformer
from test_service_process import ROOT, end

from catalog.artefacts import current_version
from catalog.store import Catalog
from embeddings.encoder import TORCH_AND_ITS_KIN, Encoder
from training.holdout import TrainingData
from training.train import train


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    """All that is installed but torch and its kin, as links; with ``python -S`` nothing else is found."""
    folders = [ROOT]
    for place in (place for place in map(Path, sys.path) if place.name == "site-packages" and place.is_dir()):
        folders.append(tmp_path_factory.mktemp("slim"))
        for entry in place.iterdir():
            if re.split(r"[-.]", entry.name)[0].lower() not in TORCH_AND_ITS_KIN:
                (folders[-1] / entry.name).symlink_to(entry)
    return os.environ | {"PYTHONPATH": os.pathsep.join(map(str, folders))}


@pytest.fixture(scope="module")
def transformer_data(tmp_path_factory):
    """A data folder whose model has a transformer for its encoder, made where torch is installed."""
    folder = tiny.write_data(tmp_path_factory.mktemp("transformer"))
    encoder = Encoder.load(tiny_transformer(tmp_path_factory.mktemp("encoder")))
    with Catalog.open(folder.catalog, folder.copies) as catalog:
        train(TrainingData(catalog, folder.groundtruth, folder.root), encoder, folder.models)
    tiny.publish_index(folder)
    return folder


@contextmanager
def serving(folder, environment, log):
    port = smoke.free_port()
    with log.open("wb") as output:
        words = [sys.executable, "-S", "-m", "onemaster", "serve", "--data", str(folder.root), "--port", str(port)]
        process = subprocess.Popen(words, cwd=ROOT, env=environment, stdout=output, stderr=subprocess.STDOUT)
    try:
        deadline = time.monotonic() + 60
        while not is_ready(port):
            assert process.poll() is None, log.read_text(errors="replace")
            assert time.monotonic() < deadline, log.read_text(errors="replace")
            time.sleep(0.05)
        yield port
    finally:
        end(process)
    assert "Traceback" not in log.read_text()


def is_ready(port):
    try:
        return ask(port, "/ready")[0] == 200
    except OSError:
        return False


def ask(port, path, body=None):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        headers = {"Content-Type": "application/json"} if body else {}
        connection.request("POST" if body else "GET", path, json.dumps(body) if body else None, headers)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


def run(environment, *words):
    command = [sys.executable, "-S", "-m", "onemaster", *map(str, words)]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


def test_the_environment_has_none_of_them(environment):
    code = (
        "import sys, importlib.util, importlib.metadata as m; names = sys.argv[1:]; "
        "print([n for n in names if importlib.util.find_spec(n)], "
        "[d.name for d in m.distributions() if d.name.lower().replace('-', '_') in names])"
    )
    words = [sys.executable, "-S", "-c", code, *TORCH_AND_ITS_KIN]
    assert subprocess.run(words, env=environment, capture_output=True, text=True, check=True).stdout == "[] []\n"


@pytest.fixture(scope="module")
def port(transformer_data, environment, tmp_path_factory):
    with serving(transformer_data, environment, tmp_path_factory.mktemp("serving") / "log") as found:
        yield found


def test_stored_ids_are_served_whatever_the_encoder(port):
    assert ask(port, "/?q_sr_id=123&m_sr_id=456") == (200, {"class": "valid"})
    assert ask(port, "/?q_sr_id=123&m_sr_id=789") == (200, {"class": "invalid"})
    status, answer = ask(port, "/candidates?sr_id=123&k=5")
    assert (status, answer["candidates"][0]["sr_id"]) == (200, "456")
    status, answer = ask(port, "/pairs", {"pairs": [{"q_sr_id": "123", "m_sr_id": "456"}]})
    assert (status, answer["pairs"][0]["class"]) == (200, "valid")
    libraries = ask(port, "/version")[1]["libraries"]
    assert "numpy" in libraries
    assert "torch" not in libraries


def test_what_needs_another_encoder_is_refused_and_said_why(port):
    status, answer = ask(port, "/candidates", {"title": "Yesterday", "artists": ["Beatles"]})
    assert status == 503
    assert re.search(r"expected torch .*/encoder, got: No module named .*take the full image", answer["error"])
    assert ask(port, "/ready")[0] == 200


def test_the_default_encoder_is_served_in_full(tiny_data, environment, tmp_path):
    with serving(tiny_data, environment, tmp_path / "log") as port:
        status, answer = ask(port, "/candidates", {"title": "Yesterday", "artists": ["Beatles"]})
        assert (status, {each["sr_id"] for each in answer["candidates"][:2]}) == (200, {"123", "456"})


def test_a_model_is_trained_and_an_index_built(environment, tmp_path):
    folder = tiny.write_data(tmp_path)
    for command in (["train", "--alone"], ["rebuild"]):
        done = run(environment, *command, "--data", folder.root)
        assert done.returncode == 0, done.stderr
    card = json.loads((current_version(folder.models) / "model.json").read_text())
    assert "torch" not in card["versions"]
    assert current_version(folder.index).is_dir()


def test_another_encoder_and_fine_tuning_are_refused_with_what_is_missing(environment):
    code = """
from catalog.errors import InputError
from embeddings.encoder import Encoder
from training.encoder_choice import _finetuned
for attempt in (lambda: Encoder.load("some/encoder"), lambda: _finetuned(None, None, 0)):
    try:
        attempt()
    except InputError as error:
        print(error)
"""
    words = [sys.executable, "-S", "-c", code]
    done = subprocess.run(words, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    wanted = ["the encoder some/encoder", "fine-tuning"]
    for line, what in zip(done.stdout.splitlines(), wanted, strict=True):
        assert line.startswith(f"expected torch and sentence-transformers for {what}, got: No module named ")
        assert line.endswith("take the full image; the default encoder does without them")
