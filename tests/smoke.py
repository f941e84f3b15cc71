"""Run the README's requests against the real service and compare the answers (`make smoke`, not part of pytest).

The service is started the way a user starts it, with `make serve`, on a free port and on a sample of its own under
``build/smoke``. From README.md come the fenced ``console`` blocks: a line ``$ curl ...`` and under it the answer.
Answers are compared as JSON; of an answer about candidates only the nearest one, because its figures may move, and of
one that explains a pair only what the README prints.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DATA = Path("build") / "smoke"
LOG = ROOT / "build" / "smoke.log"
LEAST_EXAMPLES = 3
SETUP_SECONDS = 1800.0  # the first start writes the sample, trains and builds the index
REQUEST_SECONDS = 30.0
README_HOST = re.compile(r"(?:127\.0\.0\.1|localhost):8002")
CONSOLE_BLOCK = re.compile(r"^```console\n(.*?)^```", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True)
class Example:
    """One request of the README: the command line and the answer printed under it."""

    command: str
    answer: str

    @property
    def about_candidates(self) -> bool:
        """Whether only the nearest candidate is compared."""
        return "/candidates" in self.command

    @property
    def about_reasons(self) -> bool:
        """Whether only what the README prints is compared."""
        return "/pairs" in self.command


@dataclass(frozen=True)
class Outcome:
    """What an example should have answered and what it did."""

    example: Example
    expected: object
    found: object

    @property
    def passed(self) -> bool:
        """Whether both are equal."""
        return self.expected == self.found


def read_examples(readme: str) -> list[Example]:
    """Collect the curl commands, and the answers under them, from the console blocks of a README."""
    examples = []
    for block in CONSOLE_BLOCK.findall(readme):
        for part in re.split(r"^\$ ", block.replace("\\\n", " "), flags=re.MULTILINE)[1:]:
            command, _, answer = part.partition("\n")
            if command.startswith("curl ") and answer.strip():
                examples.append(Example(command.strip(), answer.strip()))
    return examples


def nearest(answer: str) -> object:
    """Name the first candidate of an answer, which may be cut short for the reader."""
    _, _, candidates = answer.partition("[")
    match = re.search(r'"sr_id":\s*("(?:[^"\\]|\\.)*")', candidates)
    return json.loads(match.group(1)) if match else f"no candidate in: {answer[:200]}"


def meaning(answer: str, example: Example) -> object:
    """Reduce an answer to what is compared."""
    if example.about_candidates:
        return nearest(answer)
    try:
        content = json.loads(answer)
        return part_of(content, json.loads(example.answer)) if example.about_reasons else content
    except json.JSONDecodeError:
        return f"not JSON: {answer[:200]}"


def part_of(content: object, printed: object) -> object:
    """Keep of nested objects what another one has, too."""
    if not isinstance(content, dict) or not isinstance(printed, dict):
        return content
    return {name: part_of(content[name], printed[name]) for name in printed if name in content}


def run_example(example: Example, port: int) -> Outcome:
    """Send one request with curl, exactly as the README writes it but for the port."""
    arguments = shlex.split(README_HOST.sub(f"127.0.0.1:{port}", example.command))
    arguments[1:1] = ["--silent", "--show-error", "--max-time", str(REQUEST_SECONDS)]
    done = subprocess.run(arguments, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    found = done.stdout if done.returncode == 0 else done.stderr
    return Outcome(example, meaning(example.answer, example), meaning(found.strip(), example))


@contextmanager
def service(port: int) -> Iterator[None]:
    """Run ``make serve`` until the block is left; its output goes to ``build/smoke.log``."""
    LOG.parent.mkdir(exist_ok=True)
    with LOG.open("wb") as log:
        process = subprocess.Popen(
            ["make", "serve", f"PORT={port}", "HOST=127.0.0.1", f"DATA={DATA}"],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            wait_until_ready(process, port)
            yield
        finally:
            stop(process)


def wait_until_ready(process: subprocess.Popen[bytes], port: int) -> None:
    """Wait for ``/ready``; give up when the service has ended or the time is over."""
    deadline = time.monotonic() + SETUP_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            sys.exit(f"the service ended with status {process.returncode} before it was ready:\n{log_end()}")
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/ready", timeout=REQUEST_SECONDS):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.5)
    sys.exit(f"the service was not ready within {SETUP_SECONDS:.0f} s:\n{log_end()}")


def stop(process: subprocess.Popen[bytes]) -> None:
    """End make and the service under it, first politely."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        if process.poll() is None:
            os.killpg(process.pid, number)
            try:
                process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                continue


def log_end() -> str:
    """Quote the end of the service's output."""
    return "\n".join(LOG.read_text(errors="replace").splitlines()[-30:])


def free_port() -> int:
    """Ask the system for a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def print_table(outcomes: list[Outcome]) -> None:
    """Show every request with its verdict, and both answers where they differ."""
    for outcome in outcomes:
        print(f"{'same' if outcome.passed else 'DIFFERS':<8}{outcome.example.command}")
        if not outcome.passed:
            print(f"        expected {json.dumps(outcome.expected, ensure_ascii=False)}")
            print(f"        found    {json.dumps(outcome.found, ensure_ascii=False)}")


def main() -> int:
    """Run every example of the README; 0 when all answers are as printed there."""
    examples = read_examples((ROOT / "README.md").read_text(encoding="utf-8"))
    if len(examples) < LEAST_EXAMPLES:
        print(f"expected at least {LEAST_EXAMPLES} curl examples with answers in README.md, found {len(examples)}")
        return 1
    port = free_port()
    started = time.monotonic()
    with service(port):
        print(f"service ready after {time.monotonic() - started:.0f} s; log: {LOG.relative_to(ROOT)}")
        outcomes = [run_example(example, port) for example in examples]
    print_table(outcomes)
    failures = sum(not outcome.passed for outcome in outcomes)
    print(f"{len(outcomes)} examples, {failures} differ")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
