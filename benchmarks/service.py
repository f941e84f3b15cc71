"""The service under load, the server on one core and the callers on another, beside an empty route and a plain service.

All routes are asked in turn within one run, first by few callers, then by more. Memory is that of the server's process
when all is done.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlencode

import numpy as np
import pandas as pd

from benchmarks.load import Load, get, load, post
from benchmarks.record import ROOT, earlier_rows, save, when
from training.default import default_model

_NAME = "service"
_SEED = "24"
_CALLERS, _SECONDS, _ROUNDS = (8, 32, 64, 128), 4.0, 3
_PAIRS, _QUERIES = 10_000, 2_000
_SERVER_CORE, *_, _CALLERS_CORE = sorted(os.sched_getaffinity(0))

Figures = dict[str, object]


def main() -> None:
    """Measure every size and save the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[50_000, 1_000_000], help="of the sample")
    given = parser.parse_args()
    default_model(ROOT / "data")
    rows: dict[int, Figures] = {int(row["records"]): row for row in earlier_rows(_NAME)}
    for size in given.sizes:
        with tempfile.TemporaryDirectory() as scratch:
            rows[size] = {**measure(size, Path(scratch)), **when()}
        save(_NAME, "python -m benchmarks.service [--sizes N ...]", {"rows": [rows[each] for each in sorted(rows)]})


def measure(size: int, data: Path) -> Figures:
    """Measure the service over the generator's catalogue of one size.

    Parameters
    ----------
    size : int
        Recordings.
    data : Path
        For the work.

    Returns
    -------
    dict
        Figures.
    """
    asked = _built(size, data)
    queries = [urlencode({"sr_id": pair["q_sr_id"], "k": 10}) for pair in asked[:_QUERIES]]
    routes = {
        "bare": [get("/bare")],
        "empty": [get("/empty")],
        "pair": [get(f"/?{urlencode(pair)}") for pair in asked[:_QUERIES]],
        "candidates": [get(f"/candidates?{query}") for query in queries],
    }
    with _served("with_empty_route", data) as served, _served("plain", data) as plain:
        port = served.port
        first = load(port, routes["candidates"], 1, _SECONDS)
        for requests in routes.values():
            load(port, requests, max(_CALLERS), _SECONDS)  # everybody has been asked once
        asked_of = {name: (port, requests) for name, requests in routes.items()}
        asked_of["plain"] = (plain.port, routes["pair"])
        found = {callers: _in_turn(asked_of, callers) for callers in _CALLERS}
        again = load(port, routes["candidates"], 1, _SECONDS)
        posted = [[_posted(port, asked[start : start + _PAIRS]) for start in (0, _PAIRS)] for _ in range(2)]
        time.sleep(3)  # it looks once a second whether it maps too much
        memory = _memory(served.pid)
    figures: dict[str, Any] = {
        "records": size,
        "seconds_to_ready": served.seconds_to_ready,
        "memory_mb": memory,
        "candidates_first_p50_ms": round(first.percentile(0.5), 2),
        "candidates_again_p50_ms": round(again.percentile(0.5), 2),
        "posted_pairs_per_second": {"first": posted[0], "again": posted[1]},
    }
    figures |= {f"{callers}_callers": _side_by_side(loads) for callers, loads in found.items()}
    for callers, loads in found.items():
        figures[f"{callers}_callers"]["pair_to_plain"] = round(_rate(loads["pair"]) / _rate(loads["plain"]), 1)
    return figures


def _side_by_side(loads: dict[str, list[Load]]) -> Figures:
    beside = {
        f"pair_to_{route}": {
            "requests_per_second": round(_rate(loads["pair"]) / _rate(loads[route]), 3),
            "p99": round(_p99(loads["pair"]) / _p99(loads[route]), 2),
        }
        for route in ("empty", "bare")
    }
    return {name: _figures(each) for name, each in loads.items()} | beside


def _built(size: int, data: Path) -> list[dict[str, str]]:
    """Write a catalogue, index it, and list its labelled pairs."""
    for words in (["sample", "--records", str(size), "--pairs", str(2 * _PAIRS), "--seed", _SEED], ["rebuild"]):
        command = [sys.executable, "-m", "onemaster", words[0], "--data", str(data), *words[1:]]
        subprocess.run(command, cwd=ROOT, capture_output=True, check=True)  # noqa: S603 - our own command
    pairs = pd.read_csv(data / "groundtruth.csv", dtype=str)[["q_source_id", "m_source_id"]]
    return [{"q_sr_id": q, "m_sr_id": m} for q, m in pairs.itertuples(index=False)]


def _memory(pid: int) -> dict[str, int]:
    """Read how much memory a process has of its own, and how much it maps from files, which others may map, too."""
    told = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:])
    return {kind: int(told[f"Pss_{name}"].split()[0]) // 1024 for kind, name in (("own", "Anon"), ("mapped", "File"))}


def _in_turn(asked_of: dict[str, tuple[int, list[bytes]]], callers: int) -> dict[str, list[Load]]:
    """Ask a port for each of several things in turn, so that what slows the machine down slows all of them down."""
    found: dict[str, list[Load]] = {name: [] for name in asked_of}
    for _ in range(_ROUNDS):
        for name, (port, requests) in asked_of.items():
            found[name].append(load(port, requests, callers, _SECONDS))
    return found


def _posted(port: int, pairs: Sequence[dict[str, str]]) -> int:
    """Ask for ten thousand pairs at once, some of which were never asked about."""
    request = post("/pairs", json.dumps({"pairs": pairs}).encode())
    once = load(port, [request], 1, 0.001)
    return round(len(pairs) / once.latencies[0])


def _rate(loads: Sequence[Load]) -> float:
    return float(np.median([each.requests_per_second for each in loads]))


def _p99(loads: Sequence[Load]) -> float:
    return float(np.median([each.percentile(0.99) for each in loads]))


def _figures(loads: Sequence[Load]) -> dict[str, float]:
    return {
        "requests_per_second": round(_rate(loads), 1),
        "p50_ms": round(float(np.median([each.percentile(0.5) for each in loads])), 3),
        "p99_ms": round(_p99(loads), 3),
        "failures": sum(each.failures for each in loads),
    }


class _Served(NamedTuple):
    port: int
    pid: int
    seconds_to_ready: float


@contextmanager
def _served(application: str, data: Path) -> Iterator[_Served]:
    """Serve on one core; this process keeps to another."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port = listening.getsockname()[1]
    code = (
        "import uvicorn; from service.patience import PatientProtocol; "
        f"uvicorn.run('benchmarks.served:{application}', factory=True, http=PatientProtocol, port={port}, "
        "log_level='warning', access_log=False)"
    )
    before = os.sched_getaffinity(0)
    began = time.monotonic()
    os.sched_setaffinity(0, {_SERVER_CORE})  # the server inherits it
    environment = os.environ | {"ONEMASTER_DATA": str(data)}
    process = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, env=environment)  # noqa: S603 - our own code
    os.sched_setaffinity(0, {_CALLERS_CORE})
    try:
        _wait_for(f"http://127.0.0.1:{port}{'/docs' if application == 'plain' else '/ready'}", process)
        yield _Served(port, process.pid, round(time.monotonic() - began, 2))
    finally:
        process.terminate()
        process.wait()
        os.sched_setaffinity(0, before)


def _wait_for(url: str, process: subprocess.Popen[bytes]) -> None:
    while True:
        try:
            urllib.request.urlopen(url, timeout=10).close()  # noqa: S310 - our own server
        except OSError:
            if process.poll() is not None:
                raise
            time.sleep(0.02)
        else:
            return


if __name__ == "__main__":
    main()
