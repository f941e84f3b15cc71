"""The one command, run as people and programs run it."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from dataclasses import astuple
from pathlib import Path

import pytest

from catalog.store import Catalog
from command_line import parser
from matching.features import NAMES
from matching.model import RARITY_FILE
from onemaster import COMMANDS as RUNS
from onemaster import main
from training.policy import Policy
from training.review import ReviewCosts
from training_commands import _policy

ROOT = Path(__file__).resolve().parent.parent
COMMANDS = (
    *("sample", "import", "train", "rebuild", "add", "remove", "refresh", "compact", "serve", "key"),
    *("classify", "candidates", "evaluate", "compare", "promote", "rollback", "dedupe", "profile", "doctor", "fetch"),
)


def onemaster(*arguments):
    command = [sys.executable, "-m", "onemaster", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)


def answer(*arguments):
    done = onemaster(*arguments)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_every_command_is_tested_here():
    assert tuple(RUNS) == COMMANDS


@pytest.mark.parametrize("command", [(), *((command,) for command in COMMANDS)])
def test_help_says_what_the_command_is_for(command):
    done = onemaster(*command, "--help")
    assert done.returncode == 0
    assert done.stdout.startswith("usage: onemaster")
    assert "DIR" in done.stdout or not command


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("unknown",),
        ("classify", "123"),
        ("candidates", "123", "-k", "0"),
        ("candidates", "123", "-k", "many"),
        ("rebuild", "--kind", "tree"),
        ("rebuild", "--min-recall", "2"),
        ("import",),
        ("add",),
        ("remove",),
        ("remove", "123", "--file", "ids.txt"),
        ("train", "--seed", "-1"),
        ("train", "--min-precision", "99"),
        ("train", "--review-cost", "-1"),
        ("train", "--wrong-valid-cost", "dear"),
        ("train", "--without"),
        ("compare", "current"),
        ("serve", "--port", "99999"),
    ],
)
def test_wrong_usage_exits_with_2(arguments):
    done = onemaster(*arguments)
    assert done.returncode == 2
    assert "usage:" in done.stderr


@pytest.mark.parametrize(
    "arguments", [("dedupe", "--out", "s3://bucket/clusters"), ("import", "s3://bucket/catalog.csv")]
)
def test_a_url_is_no_folder_of_this_machine(arguments, tmp_path):
    done = onemaster(*arguments, "--data", str(tmp_path))
    assert done.returncode == 2
    assert f"expected a path on this machine, got {arguments[-1]}: only --data takes a URL" in done.stderr
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("classify", "123", "456"), "run onemaster import"),
        (("candidates", "123"), "run onemaster import"),
        (("evaluate",), "run onemaster import"),
        (("refresh",), "run onemaster rebuild"),
        (("compact",), "run onemaster rebuild"),
        (("add", "absent.csv"), "run onemaster import"),
        (("remove", "123"), "run onemaster import"),
        *(
            ((command,), "nothing/catalog.db, found none: check the path, or run onemaster import FILE --data ")
            for command in ("train", "rebuild", "dedupe", "promote", "profile")
        ),
        (("compare", "baseline", "current"), "run onemaster train first"),
        (("compare", "yesterdays", "current"), "got 'yesterdays'"),
        (("import", "absent.csv"), "absent.csv"),
        (("sample", "--records", "10", "--pairs", "1000"), "10"),
    ],
)
def test_a_run_that_cannot_succeed_exits_with_1_and_says_what_to_do(tmp_path, arguments, message):
    done = onemaster(*arguments, "--data", tmp_path / "nothing")
    assert done.returncode == 1
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "nothing").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("evaluate", "--groundtruth", "pairs.csv", "--clusters", "true.csv"), "got both"),
        (("sample", "--records", "-5"), "expected a number from 1"),
        (("sample", "--pairs", "-1"), "expected a number from 0"),
    ],
)
def test_wrong_usage_says_what_was_expected(tmp_path, arguments, message):
    done = onemaster(*arguments, "--data", tmp_path / "nothing")
    assert done.returncode == 2
    assert message in done.stderr


@pytest.mark.parametrize("url", ["s3://", "file:///"])
def test_a_url_of_nothing_is_refused(url):
    done = onemaster("dedupe", "--data", url)
    assert done.returncode == 1
    assert "such as s3://bucket/prefix" in done.stderr


def test_a_terminal_without_the_letters_is_given_them_spelled_out(sample_folder):
    def printed(encoding, *asked):
        command = [sys.executable, "-m", "onemaster", "candidates", sr_id, "--data", sample_folder.root, *asked]
        environment = {**os.environ, "PYTHONIOENCODING": encoding}
        return subprocess.run(command, capture_output=True, env=environment, check=True).stdout

    with Catalog.open(sample_folder.catalog, sample_folder.copies) as catalog:
        sr_id = next(each.sr_id for each in catalog if each.title and "ا" in each.title)
    assert "ا" in printed("utf-8").decode("utf-8")
    assert b"\\u0627" in printed("ascii")
    assert json.loads(printed("ascii", "--json")) == json.loads(printed("utf-8", "--json"))


def test_classify_and_candidates(sample_folder):
    pair = answer("classify", "123", "456", "--data", sample_folder.root, "--json")
    assert pair["class"] == "valid"
    assert list(pair["features"]) == list(NAMES)
    found = answer("candidates", "123", "-k", "3", "--data", sample_folder.root, "--json")
    assert found["candidates"][0]["sr_id"] == "456"
    assert len(found["candidates"]) == 3
    refused = answer("classify", "123", "789", "--data", sample_folder.root, "--json")
    in_words = onemaster("classify", "123", "789", "--data", sample_folder.root)
    assert in_words.stdout.startswith("invalid, match probability 0.")
    lines = [line for line in in_words.stdout.splitlines()[1:] if line != "a person should look"]
    assert ("a person should look" in in_words.stdout) == refused["needs_review"]
    assert all(re.fullmatch(r" +[+-]\d+\.\d\d  \S.*", line) for line in lines)
    assert lines[-1].endswith("before anything is compared")
    told = [(f"{reason['log_odds']:+.2f}", reason["words"]) for reason in refused["reasons"]]
    assert lines[-2].endswith("all the rest")
    assert [tuple(line.strip().split("  ", 1)) for line in lines[:-2]] == told
    listed = onemaster("candidates", "123", "-k", "1", "--data", sample_folder.root)
    assert "456" in listed.stdout


def test_an_unknown_id_exits_with_1(sample_folder):
    done = onemaster("classify", "123", "nobody", "--data", sample_folder.root)
    assert (done.returncode, done.stdout) == (1, "")
    assert "unknown sr_id 'nobody'" in done.stderr


CATALOGUE = """id,Song_Name,artists,isrcs,contributors,length,year,note
{rows}
"""


def test_somebody_elses_data_in_four_commands(tmp_path, sample_folder):
    """Import with mapped columns, train on a ground truth with a bad line, rebuild, ask."""
    rows = "\n".join(
        f"{side}{n},Tune {n * n} of {n},{'The ' * (side == 'q')}Band {n},,,{180 + n},{1960 + n % 60},x"
        for n in range(200)
        for side in "qm"
    )
    (tmp_path / "catalog.csv").write_text(CATALOGUE.format(rows=rows))
    labels = [f"q{n},m{n},valid" for n in range(150)] + [f"q{n},m{(n + 1) % 150},invalid" for n in range(150)]
    for name, part in (("train", labels[::2]), ("test", labels[1::2])):
        (tmp_path / f"{name}.csv").write_text("\n".join(["q_source_id,m_source_id,tag", *part, "q1,nobody,valid"]))
    work = tmp_path / "work"
    columns = ("--column", "sr_id=id", "--column", "title=Song_Name", "--column", "length=duration")
    imported = onemaster("import", tmp_path / "catalog.csv", "--data", work, *columns, "--column", "year=release_year")
    assert imported.returncode == 0, imported.stderr
    assert "wrote 400 recordings" in imported.stdout
    assert "not used: note" in imported.stderr
    files = ("--groundtruth", tmp_path / "train.csv", "--test-groundtruth", tmp_path / "test.csv")
    trained = answer("train", "--alone", "--data", work, *files, "--json")
    needed = "n_pairs n_valid accuracy precision recall f1 roc_auc average_precision brier threshold model index"
    assert set(needed.split()) <= set(trained)
    assert trained["n_pairs"] == 150
    assert trained["accuracy"] > 0.9
    assert "nobody" in (work / "groundtruth.rejected.csv").read_text()
    assert answer("rebuild", "--data", work, "--json")["count"] == 400
    evaluated = answer("evaluate", "--data", work, "--groundtruth", tmp_path / "test.csv", "--json")
    assert set(needed.split()) <= set(evaluated)
    assert {key: evaluated[key] for key in ("accuracy", "f1", "brier")} == {
        key: trained[key] for key in ("accuracy", "f1", "brier")
    }
    assert answer("candidates", "q7", "-k", "1", "--data", work, "--json")["candidates"][0]["sr_id"] == "m7"


def test_two_models_are_compared_in_words_and_for_programs(sample_folder, tmp_path, capsys):
    listed = tmp_path / "disagreements.csv"
    asked = ("compare", "baseline", "current", "--data", sample_folder.root, "--disagreements", listed)
    found = answer(*asked, "--json")
    assert found["figures"]["a"]["n_pairs"] == found["figures"]["b"]["n_pairs"]
    assert found["learnt_from"] == {"a": True, "b": True}
    assert found["mcnemar"]["only_a"] + found["mcnemar"]["only_b"] == found["disagreements"] > 0
    assert found["f1_difference"]["low"] < found["f1_difference"]["value"] < found["f1_difference"]["high"]
    assert len(listed.read_text(encoding="utf-8").splitlines()) == found["disagreements"] + 1
    listed.unlink()
    assert main([*map(str, asked)]) == 0
    shown = capsys.readouterr().out
    assert f"A: {found['a']}\nB: {found['b']}\n" in shown
    for name in (*found["figures"]["a"], "learnt from this file", "McNemar's exact test", "95% interval"):
        assert name in shown
    assert f"wrote {found['disagreements']} disagreements to {listed}" in shown
    assert listed.is_file()


def test_what_is_typed_becomes_the_policy():
    def policy(*typed):
        return _policy(parser(RUNS).parse_args(["train", *typed]))

    assert policy() == Policy()
    costs = ("--wrong-valid-cost", "20", "--wrong-invalid-cost", "5", "--review-cost", "0.5")
    assert policy("--min-precision", "0.99", *costs) == Policy(0.99, ReviewCosts(20, 5, 0.5))
    assert policy("--review-cost", "0").costs == ReviewCosts(review=0)
    assert parser(RUNS).parse_args(["train", "--without", "a", "--without", "b"]).without == ["a", "b"]
    told = onemaster("train", "--help").stdout
    stated = [float(cost) for cost in re.findall(r"COST[^(]+\(default:\s+(\d+)\)", told)]
    assert stated == list(astuple(ReviewCosts()))


def test_help_answers_at_once():
    def seconds():
        began = time.monotonic()
        assert onemaster("--help").returncode == 0
        return time.monotonic() - began

    assert min(seconds() for _ in range(3)) < 1


def test_a_killed_training_leaves_the_model_in_charge(sample_folder, tmp_path):
    shelf = tmp_path / "models"
    command = [sys.executable, "-m", "onemaster", "train", "--alone", "--data", str(sample_folder.root)]
    command += ["--models", str(shelf)]
    shutil.copytree(sample_folder.models, shelf)
    before = (shelf / "CURRENT").read_text()
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while not list(shelf.glob(".building-*")):
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert (shelf / "CURRENT").read_text() == before
    asked = ("classify", "123", "456", "--data", sample_folder.root, "--models", shelf)
    assert onemaster(*asked).returncode == 0


def test_an_interrupted_command_says_so_and_leaves_nothing_behind(sample_folder, tmp_path, interruptible):
    shelf = tmp_path / "models"
    command = [sys.executable, "-m", "onemaster", "train", "--alone", "--data", str(sample_folder.root)]
    command += ["--models", str(shelf)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    # By then the build is under way, and most of it still to come.
    while not list(shelf.glob(f".building-*/{RARITY_FILE}")):
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    errors = process.communicate()[1]
    assert process.returncode == 1
    assert "what was published before stays in charge" in errors
    assert "Traceback" not in errors
    assert list(shelf.iterdir()) == []


def test_without_a_command_the_help_is_printed():
    done = onemaster()
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == onemaster("--help").stdout


def test_a_port_that_is_taken_is_named(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = onemaster("serve", "--port", port, "--data", tmp_path)
    assert done.returncode == 1
    assert "choose another --host or --port (for make: PORT=8003)" in done.stderr
    assert done.stderr.count(str(port)) == 1


def test_the_sample_goes_where_it_is_told(tmp_path):
    done = onemaster("sample", "--records", "300", "--pairs", "100", "--seed", "3", "--out", tmp_path / "made")
    assert done.returncode == 0, done.stderr
    made = sorted(path.name for path in (tmp_path / "made").iterdir())
    assert {"catalog.db", "groundtruth.csv"} <= set(made)
    assert str(tmp_path / "made") in done.stdout


def test_any_sentence_transformer_can_be_the_encoder(sample_folder, tmp_path):
    from test_embeddings import tiny_transformer

    encoder = tiny_transformer(tmp_path)
    (tmp_path / "work").mkdir()
    # Some of the pairs: a transformer takes its time.
    some = sample_folder.groundtruth.read_text().splitlines()[:301]
    (tmp_path / "some.csv").write_text("\n".join(some))
    folder = ("--data", tmp_path / "work", "--catalog", sample_folder.catalog)
    trained = answer(
        "train", "--alone", *folder, "--groundtruth", tmp_path / "some.csv", "--encoder", encoder, "--json"
    )
    assert trained["accuracy"] > 0.8
    manifest = answer("rebuild", *folder, "--json")
    assert manifest["dimension"] == 32
    assert answer("classify", "123", "456", *folder, "--json")["class"] in ("valid", "invalid")


def test_a_folder_that_is_not_there_is_not_served(tmp_path):
    done = onemaster("serve", "--data", str(tmp_path / "no such folder"))
    assert done.returncode == 1
    assert "run onemaster import" in done.stderr
