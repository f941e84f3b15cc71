"""Every command that README and docs print is run, page by page, as a reader would who types one after the other.

Each page has a checkout of its own, in which the default model is a small one, the sample was written, trained and
indexed, and where the reader's files lie. Where a page does not begin with them, the reader's data are in ``work``.
"""

from __future__ import annotations

import argparse
import csv
import importlib.util
import re
import shlex
import shutil
import sqlite3
from contextlib import closing

import foreign_commands
import page_commands
import pytest
import tiny
from page_commands import NOT_COMMANDS, NOTED, ROOT, RUN, Checkout, blocks, chains, commands, fault, pages

from catalog.paths import DataFolder
from catalog.sample import write_sample
from catalog.store import Catalog
from catalog.writer import CatalogWriter
from command_line import parser
from embeddings.encoder import Encoder
from index.rebuild import rebuild
from onemaster import COMMANDS, main
from training.further import further_lessons
from training.holdout import TrainingData
from training.train import TrainOptions, train

TEXTS = {str(path.relative_to(ROOT)): path.read_text(encoding="utf-8") for path in pages()}
FROM_THE_BEGINNING = {"README.md", "docs/tutorial.md"}
# The ids that pages ask about.
ASKED = ("A", "B", "YOUR_ID")
# What a command in a sentence begins with.
PROGRAMS = {*RUN, *NOTED, "eval", "pip", "pip-audit", "source"}
# Commands that only look, so that those which stand in sentences can be run, too.
ONLY_LOOK = {"candidates", "classify", "doctor", "evaluate", "profile"}
_SPAN = re.compile(r"`(?:[A-Z_]+=\S+ )*([^`\s]+ [^`]+)`")


@pytest.fixture(scope="module")
def prepared(tiny_data, tmp_path_factory):
    """What stands in a checkout in use: ``data`` of the sample, ``work`` of the reader, and the reader's files."""
    root = tmp_path_factory.mktemp("prepared")
    sample = DataFolder.at(root / "data")
    write_sample(sample.root, 600, 300, 20)
    with Catalog.open(sample.catalog, sample.copies) as catalog:
        data = TrainingData(catalog, sample.groundtruth, sample.root)
        model = train(data, None, sample.models, TrainOptions(further=further_lessons(50))).model
        rebuild(catalog, Encoder.load(model.encoder_folder), model.version, sample.index)
    shutil.copytree(tiny_data.root, root / "work")
    with closing(sqlite3.connect(root / "work" / "catalog.db")) as connection, connection:  # as an import leaves it
        CatalogWriter(connection).remember([{"sr_id": "id", "title": "Song_Name"}])
    write_files(root)
    return root


def write_files(root):
    rows = [*tiny.rows(), *({**row, "sr_id": asked} for row, asked in zip(tiny.rows(), ASKED, strict=False))]
    with (root / "catalog.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "Song_Name", "artists", "contributors", "isrcs"])
        writer.writerows([row["sr_id"], *list(row.values())[1:]] for row in rows)
    write_csv(root / "new.csv", ["id", "Song_Name", "artists"], [["new", "A New Song", "Somebody"]])
    pairs = list(tiny.labelled())
    head = ["q_source_id", "m_source_id", "tag"]
    write_csv(root / "pairs-train.csv", head, pairs[30:])
    write_csv(root / "pairs-test.csv", head, pairs[:30])
    truth = [(sr_id, number) for number in range(tiny.MASTERS) for sr_id in (f"q{number}", f"m{number}")]
    write_csv(root / "true-clusters.csv", ["sr_id", "cluster"], truth)


def write_csv(path, head, rows):
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([head, *rows])


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
@pytest.mark.parametrize("chain", chains(), ids=lambda chain: chain[-1].stem)
def test_every_command_of_the_page_runs_and_prints_what_the_page_says(chain, prepared, tmp_path):
    names = [str(path.relative_to(ROOT)) for path in chain]
    checkout = Checkout(tmp_path / "checkout")
    for source in prepared.iterdir():
        if source.is_file():
            shutil.copy(source, checkout.root)
        elif source.name != "work" or names[0] not in FROM_THE_BEGINNING:
            shutil.copytree(source, checkout.root / source.name)
    typed = [(page, command) for page in names for command in commands(TEXTS[page])]
    for page, command in typed:
        unknown = checkout.unknown(command.script)
        assert not unknown, f"{page}:{command.line}: {unknown} is in neither RUN nor NOTED: nothing was run"
    try:
        for page, command in typed:
            wrong = fault(command, checkout.run(command.script))
            assert not wrong, f"{page}:{command.line}\n{command.script}\n{wrong}"
    finally:
        checkout.stop()
    for words in checkout.noted():
        assert missing_files(words) == [], shlex.join(words)
        assert words[0] == "aws" or foreign_commands.fault(words) == "", shlex.join(words)


def test_every_page_with_commands_is_in_one_chain():
    with_commands = [name for name, text in TEXTS.items() if any(commands(text))]
    assert sorted(str(path.relative_to(ROOT)) for chain in chains() for path in chain) == sorted(with_commands)
    assert "README.md" in with_commands


def missing_files(words):
    """Name the files of the checkout that a command speaks of, or is, and that are not there."""
    files = [word.partition("=")[2] or word for word in words[1:] if re.search(r"\.(json|py|toml|txt|ya?ml)$", word)]
    files += words[:1] if words[0].startswith("deploy/") else []
    return [file for file in files if "://" not in file and not (ROOT / file).is_file()]


@pytest.mark.parametrize("page", list(TEXTS))
def test_every_block_is_commands_or_says_what_else_it_is(page):
    assert {block.language for block in blocks(TEXTS[page])} <= {*NOT_COMMANDS, page_commands.CONSOLE, "", "sh"}


def within_sentences(text):
    """Take the commands out of a page's sentences, each as its words; a program that is only named is none."""
    for block in blocks(text):
        text = text.replace(block.text, "")
    for span in _SPAN.findall(text.replace("\n", " ")):
        if span.split()[0] in PROGRAMS:
            words = [span] if span.startswith("eval ") else shlex.split(span)
            while "&&" in words:
                yield words[: words.index("&&")]
                words = words[words.index("&&") + 1 :]
            yield words


@pytest.mark.parametrize("page", list(TEXTS))
def test_every_command_within_a_sentence_could_be_typed(page):
    known = {"onemaster": known_to_onemaster, "make": known_to_make, "python": known_to_python}
    for words in within_sentences(TEXTS[page]):
        program, *rest = words
        if program in known:
            assert known[program](rest), f"{page}: {shlex.join(words)}"
        elif not program.startswith(("eval ", ".venv/bin/pip")) and words != ["source", ".venv/bin/activate"]:
            assert missing_files(words) == [], f"{page}: {shlex.join(words)}"
            assert foreign_commands.fault(words) == "", f"{page}: {shlex.join(words)}"


def test_commands_within_sentences_that_only_look_are_run(prepared, tmp_path, monkeypatch, capsys):
    shutil.copytree(prepared, tmp_path / "checkout")
    monkeypatch.chdir(tmp_path / "checkout")
    typed = [words[1:] for text in TEXTS.values() for words in within_sentences(text) if words[0] == "onemaster"]
    looking = {tuple(words) for words in typed if words[0] in ONLY_LOOK}
    assert {command for command, *_ in looking} == ONLY_LOOK
    for words in sorted(looking):
        assert main([*words]) == 0, f"{shlex.join(words)}\n{capsys.readouterr().err}"


def test_what_a_sentence_has_pip_install_can_be_installed(tmp_path):
    checkout = Checkout(tmp_path / "checkout")
    typed = [words for text in TEXTS.values() for words in within_sentences(text) if words[0] == ".venv/bin/pip"]
    assert typed
    for words in typed:
        command = page_commands.Command(shlex.join(words), "", 1)
        assert fault(command, checkout.run(command.script)) == "", command.script


def test_the_shell_completes_after_what_the_readme_has_it_evaluate(tmp_path):
    (evaluated,) = [words[0] for words in within_sentences(TEXTS["README.md"]) if words[0].startswith("eval ")]
    asked = """
        told=$(complete -p onemaster)
        told=${told##*-F }
        COMP_WORDS=(onemaster reb) COMP_CWORD=1
        ${told%% *} onemaster reb onemaster
        echo "${COMPREPLY[@]}"
    """
    done = Checkout(tmp_path / "checkout").run(f"{evaluated}\nset +eu\n{asked}")
    assert (done.stdout, done.returncode) == ("rebuild\n", 0), done.stderr


def known_to_onemaster(words):
    name, options = words[0], [word.partition("=")[0] for word in words if word.startswith("-")]
    whole = parser(COMMANDS)
    of_commands = next(each for each in whole._actions if isinstance(each, argparse._SubParsersAction))
    if name == "COMMAND" or name.startswith("--"):
        return set(options) <= set(whole._option_string_actions)
    return name in of_commands.choices and set(options) <= set(of_commands.choices[name]._option_string_actions)


def known_to_make(words):
    targets = re.findall(r"^([a-z0-9-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    return words[0] in targets


def known_to_python(words):
    module = words[1] if words[0] == "-m" else words[0]
    return importlib.util.find_spec(module) is not None


@pytest.mark.parametrize(
    ("typed", "wrong"),
    [
        ("docker build --build-arg VARIANT=slim -t onemaster .", ""),
        ("docker build --build-arg VARIANTS=slim -t onemaster .", "VARIANTS"),
        ("docker build --build-arg VARIANT=thin -t onemaster .", "thin"),
        ("docker build --build-arg EXTRAS=s4 -t onemaster .", "s4"),
        ("docker build --labels=a -t onemaster .", "--labels"),
        ("docker run -p 8003:8003 onemaster", "8003"),
        ("docker start onemaster", "docker"),
        ("docker compose run --rm rebuilt now", "rebuilt"),
        ("kubectl apply --kustomize deploy/kubernetes", ""),
        ("kubectl apply --kustomize deploy/aws", "deploy/aws"),
        ("kubectl apply", "wanted"),
        ("aws ecs update-service --cluster A --service B", "aws"),  # in a sentence it would not be run
    ],
)
def test_what_is_wrong_with_a_command_that_is_not_run_is_found_out(typed, wrong):
    found = foreign_commands.fault(shlex.split(typed))
    assert wrong in found
    assert bool(found) == bool(wrong)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("```\nonemaster doctor\n```\n", [("onemaster doctor\n", "", 2)]),
        ("```text\nno command\n```\n```sh\nmake test\n```\n", [("make test\n", "", 5)]),
        ("```console\n$ one \\\n  more\nsaid\n$ two\n```\n", [("one \\\n  more\n", "said", 2), ("two\n", "", 5)]),
        (
            "```console\n$ cat > a <<'END'\n1\nEND\n$ b\n2\n```\n",
            [("cat > a <<'END'\n1\nEND\n", "", 2), ("b\n", "2", 5)],
        ),
        ("1. Point\n\n    ```sh\n    make lint\n    ```\n", [("make lint\n", "", 4)]),
    ],
)
def test_commands_are_taken_out_of_a_page(text, expected):
    assert [(each.script, each.printed, each.line) for each in commands(text)] == expected


@pytest.mark.parametrize(
    ("script", "printed", "right"),
    [
        ("echo one two three", "one ... three", True),
        ("echo one two three", "one three", False),
        ("echo one", "", True),
        ("no-such-command", "", False),
        ("false; true", "", False),
        ("onemaster sample --records 10 --pairs 1000 --data new", "onemaster sample: expected ...", True),
        ("onemaster key ada", "onemaster key: expected ...", False),
        ("docker run --file absent.yaml", "", True),
        (".venv/bin/pip install -c constraints.txt -e '.[s4]'", "", False),
        (".venv/bin/pip install -c absent.txt -e '.[s3]'", "", False),
        ("echo 's3fs==2020.1' > old.txt; .venv/bin/pip install -c old.txt -e '.[s3]'", "", False),
    ],
)
def test_what_is_wrong_with_a_command_is_found_out(script, printed, right, tmp_path):
    command = page_commands.Command(script, printed, 1)
    assert (fault(command, Checkout(tmp_path / "checkout").run(script)) == "") == right


@pytest.mark.parametrize(
    ("script", "unknown"),
    [
        ("onemaster sample > made.txt && apt-get install x | cat", set()),
        ("ls > made.txt; one=$(rm -r x) && A=1 sudo apt-get install x", {"ls", "rm", "sudo"}),
        ("cat > made.sh <<'END'\nreboot\nEND\ncurl -d \"$(whoami)\" x", {"whoami"}),
        ("onemaster false || shutdown now", set()),  # not reached; it would not be found
    ],
)
def test_what_is_unknown_is_told_before_anything_is_run(script, unknown, tmp_path):
    checkout = Checkout(tmp_path / "checkout")
    before = {*checkout.root.rglob("*")}
    assert checkout.unknown(script) == unknown
    assert {*checkout.root.rglob("*")} == before
    assert checkout.noted() == []


@pytest.mark.parametrize("name", ["ls", "apt", "shutdown"])
def test_a_page_finds_no_program_of_the_machine(name, tmp_path):
    done = Checkout(tmp_path / "checkout").run(f"{name} --version")
    assert (done.returncode, "command not found" in done.stderr) == (127, True)


def test_what_is_not_run_is_noted_and_its_files_are_looked_for(tmp_path):
    checkout = Checkout(tmp_path / "checkout")
    for name in NOTED:
        assert checkout.run(f"{name} apply -f 'absent file.yaml' --config=Makefile pyproject.toml").returncode == 0
    assert [words[0] for words in checkout.noted()] == list(NOTED)
    assert [missing_files(words) for words in checkout.noted()] == [["absent file.yaml"]] * len(NOTED)
    assert missing_files(["deploy/absent.sh"]) == ["deploy/absent.sh"]
