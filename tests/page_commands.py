"""The commands that pages print: taken out of them, and run in a checkout of a reader's own.

A fenced block is commands unless its info string names something else (`NOT_COMMANDS`). A block without an info string,
or with ``sh``, is run as one script; of a ``console`` block each ``$ command`` is run and its output compared with what
is printed under it. Three dots stand for whatever may differ. A page that goes on where another one ends says so in a
comment, ``<!-- after: OTHER.md -->``.

A page finds no programs but those of `RUN` and `NOTED`, whatever the machine has, so that none is started by accident.
Those of `NOTED` are stand-ins that write down what they were told.
"""

from __future__ import annotations

import doctest
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import smoke

ROOT = Path(__file__).resolve().parent.parent
NOT_COMMANDS = {"csv", "json", "python", "text", "yaml"}
CONSOLE = "console"
PORTS = ("8002", "8003")
# What is run: ours, as it is or by a stand-in, what only reads, and pip, which only looks what it would install.
RUN = (".venv/bin/pip", "cat", "curl", "make", "onemaster", "python", "sleep")
# What cannot be run with its page, why, and so what is only noted: the words are checked afterwards.
NOTED = {
    "apt-get": "installing wants a network, and changes the machine",
    "aws": "wants an account: run by test_aws.py, against a server that stands in for AWS",
    "buildah": "wants the image that it is to push",
    "deploy/build-image.sh": "wants buildah, and a network for what the image installs",
    "docker": "wants a container engine",
    "kubectl": "wants a cluster",
    "mmdebstrap": "wants a network",
}
_FENCE = re.compile(r"^( *)```(\w*)[^\n]*\n(.*?)^\1```$", re.DOTALL | re.MULTILINE)
_AFTER = re.compile(r"^<!-- after: (\S+) -->$", re.MULTILINE)
_SECONDS = 300.0
_FILES = ("LICENSE", "Makefile", "README.md", "constraints.txt", "pyproject.toml")
BASH = shutil.which("bash") or "/bin/bash"


@dataclass(frozen=True)
class Block:
    """One fenced block of a page, and the line that it begins on."""

    language: str
    text: str
    line: int

    @property
    def holds_commands(self) -> bool:
        """Whether it is to be run."""
        return self.language not in NOT_COMMANDS


@dataclass(frozen=True)
class Command:
    """What is run at once, and what is printed under it; a script prints nothing that is compared."""

    script: str
    printed: str
    line: int


def pages() -> list[Path]:
    """List the pages whose commands people type."""
    return [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def chains() -> list[list[Path]]:
    """Put pages that go on where another one ends behind it; pages without commands are left out."""
    with_commands = [path for path in pages() if any(commands(path.read_text(encoding="utf-8")))]
    before = {path: _AFTER.search(path.read_text(encoding="utf-8")) for path in with_commands}
    found = [[path] for path in with_commands if not before[path]]
    for path, other in before.items():
        if other:
            next(chain for chain in found if chain[-1] == path.parent / other[1]).append(path)
    return found


def blocks(text: str) -> list[Block]:
    """Find the fenced blocks of a page."""
    found = []
    for match in _FENCE.finditer(text):
        indent = len(match[1])
        inner = "".join(line[indent:] if line.strip() else line for line in match[3].splitlines(keepends=True))
        found.append(Block(match[2], inner, text.count("\n", 0, match.start()) + 1))
    return found


def commands(text: str) -> Iterator[Command]:
    """Take the commands out of a page, in their order."""
    for block in blocks(text):
        if block.language == CONSOLE:
            line = block.line + 1
            for part in re.split(r"^(?=\$ )", block.text, flags=re.MULTILINE):
                if part.startswith("$ "):
                    typed, printed = _typed(part[2:])
                    yield Command(typed, printed, line)
                line += part.count("\n")
        elif block.holds_commands:
            yield Command(block.text, "", block.line + 1)


def _typed(part: str) -> tuple[str, str]:
    """Cut what is typed, which goes on after a backslash and to the end of a here-document, from what is printed."""
    lines = part.splitlines(keepends=True)
    last = 0
    while lines[last].rstrip("\n").endswith("\\"):
        last += 1
    if here := re.search(r"<<'(\w+)'", lines[last]):
        last = lines.index(f"{here[1]}\n")
    return "".join(lines[: last + 1]), "".join(lines[last + 1 :]).strip("\n")


class Checkout:
    """A checkout of a reader's own: our code, a data folder, and commands that stand in for what takes a network."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.ports = {port: str(smoke.free_port()) for port in PORTS}
        root.mkdir()
        for path in (*ROOT.glob("*.py"), *(ROOT / name for name in _FILES)):
            shutil.copy(path, root)
        for room in ROOT.glob("*/__init__.py"):
            (root / room.parent.name).symlink_to(room.parent)
        (root / "docs").symlink_to(ROOT / "docs")
        self._stand_ins()

    def unknown(self, script: str) -> set[str]:
        """Name the programs that a script would start and that are neither run nor noted, without starting any.

        Bash looks them up where there are none, so each is told to the function that it calls then. What follows a
        failure (``||``) is not reached; `run` does not find it either.
        """
        nowhere = self.root / "nowhere"
        nowhere.mkdir(exist_ok=True)
        told = 'command_not_found_handle() { printf "%s\\n" "$1" >&3; }; exec 3>&1\n'
        done = subprocess.run(
            [BASH, "-c", told + script],
            cwd=nowhere,
            env={"PATH": str(nowhere)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=_SECONDS,
        )
        shutil.rmtree(nowhere)
        return {*done.stdout.splitlines()} - {*RUN, *NOTED}

    def run(self, script: str) -> subprocess.CompletedProcess[str]:
        """Run one script, on ports that are free."""
        for port, free in self.ports.items():
            script = re.sub(rf"\b{port}\b", free, script)
        environment = os.environ | {
            "PATH": str(self.root / "bin"),
            "PYTHONPATH": str(self.root),
            "OMP_NUM_THREADS": "1",  # threads that wait for each other cost more than they save here
        }
        done = subprocess.run(
            [BASH, "-euo", "pipefail", "-c", script],
            cwd=self.root,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=_SECONDS,
        )
        for port, free in self.ports.items():
            done.stdout, done.stderr = (said.replace(free, port) for said in (done.stdout, done.stderr))
        return done

    def noted(self) -> list[list[str]]:
        """Give the commands that were not run, word by word, with the ports that the page has."""
        notes = self.root / "bin" / "noted"
        told = notes.read_text() if notes.is_file() else ""
        for port, free in self.ports.items():
            told = told.replace(free, port)
        return [shlex.split(line) for line in told.splitlines()]

    def stop(self) -> None:
        """End the services that were started."""
        self.run("stop-service")

    def _stand_ins(self) -> None:
        """Write what is found before the commands of the machine."""
        (self.root / "bin").mkdir()
        (self.root / ".venv" / "bin").mkdir(parents=True)
        (self.root / ".venv" / "bin" / "activate").touch()
        (self.root / "deploy").mkdir()
        here, python, curl, make = self.root, sys.executable, shutil.which("curl"), shutil.which("make")
        self._write("bin/onemaster", f'[ "$1" = serve ] || exec {python} -m onemaster "$@"; exec serve-aside "$@"')
        self._write("bin/python", f'exec {python} "$@"')
        for name in ("cat", "sleep"):
            self._write(f"bin/{name}", f'exec {shutil.which(name)} "$@"')
        self._write("bin/curl", f'exec {curl} --silent --show-error --fail --max-time 60 "$@"')
        self._write("bin/make", _MAKE.format(make=make))
        self._write(".venv/bin/pip", _PIP.format(python=python))
        self._write("bin/serve-aside", _SERVE.format(here=here, python=python, curl=curl, port=self.ports["8002"]))
        self._write("bin/stop-service", _STOP.format(here=here))
        for name in NOTED:
            place = name if "/" in name else f"bin/{name}"
            self._write(place, f"printf '%q ' {name} \"$@\" >> {here}/bin/noted; echo >> {here}/bin/noted")

    def _write(self, name: str, script: str) -> None:
        path = self.root / name
        path.write_text(f"#!/bin/bash\nPATH={self.root / 'bin'}:{os.environ['PATH']}\n{script}\n")
        path.chmod(0o755)


# make installs from the network: what it would do is asked for, and the service that it starts is started.
_MAKE = """\
{make} --dry-run "$@" > /dev/null || exit 1
case "$*" in serve*) exec onemaster serve ;; esac"""
# pip takes what is printed, builds our metadata, and looks whether extras, constraints and what is installed agree; it
# fetches nothing. Of an extra that does not exist it only warns.
_PIP = """\
said=$({python} -m pip "$@" --dry-run --no-build-isolation --no-index 2>&1) && status=0 || status=$?
case "$said" in *"does not provide the extra"*) status=1 ;; esac
echo "$said" >&2
exit $status"""
# A service is started in the background instead of the one before it, and waited for.
_SERVE = """\
stop-service
case "$*" in *--port*) port=$(sed 's/.*--port //; s/ .*//' <<< "$*") ;; *) port={port}; set -- "$@" --port $port ;; esac
nohup {python} -m onemaster "$@" > {here}/bin/service.log 2>&1 &
echo $! > {here}/bin/service.pid
while ! {curl} --silent --fail --output /dev/null http://127.0.0.1:$port/ready; do
    kill -0 $! || {{ cat {here}/bin/service.log >&2; exit 1; }}
    sleep 0.1
done"""
_STOP = """\
[ -e {here}/bin/service.pid ] || exit 0
pid=$(cat {here}/bin/service.pid)
rm {here}/bin/service.pid
kill $pid
while kill -0 $pid 2> /dev/null; do sleep 0.05; done"""


def fault(command: Command, done: subprocess.CompletedProcess[str]) -> str:
    """Say what is wrong with what came out of a command, or nothing; a printed error message has to come, too."""
    refused = re.match(r"onemaster \w+: ", command.printed)
    if (done.returncode != 0) != bool(refused):
        return f"exit status {done.returncode}\n{done.stdout}\n{done.stderr[-3_000:]}"
    came = done.stderr.splitlines()[-1] if refused else done.stdout
    if not command.printed or _reads_alike(command, came):
        return ""
    return f"expected\n{command.printed}\ncame\n{came}"


def _reads_alike(command: Command, came: str) -> bool:
    """Compare as the README's requests are compared, else by words, where dots stand for anything."""
    if command.script.startswith("curl ") and "..." not in command.printed:
        example = smoke.Example(command.script, command.printed)
        return smoke.meaning(came, example) == smoke.meaning(command.printed, example)
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    return doctest.OutputChecker().check_output(command.printed + "\n", came.strip("\n") + "\n", flags)
