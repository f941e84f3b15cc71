"""What every benchmark result carries: where, when and on what it was measured."""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from catalog.aside import write_aside

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results"
_LIBRARIES = ("faiss-cpu", "numpy", "rapidfuzz", "scikit-learn", "sentence-transformers", "torch")


def arguments(
    purpose: str, *, seeds: bool = False, records: int | None = None, sizes: Sequence[int] = ()
) -> argparse.Namespace:
    """Read what every benchmark may be told.

    Parameters
    ----------
    purpose : str
        For ``--help``.
    seeds : bool
        Whether the benchmark runs over several seeds.
    records : int, optional
        Rows of the sample by default, if they may be chosen.
    sizes : sequence of int
        Sizes of the sample by default, if the benchmark runs over several.

    Returns
    -------
    argparse.Namespace
        ``music20`` (folder of the public benchmark, or ``None``) and, if wanted, ``seeds``, ``records`` and ``sizes``.
    """
    parser = argparse.ArgumentParser(description=purpose)
    known = os.environ.get("ONEMASTER_MUSIC20")
    parser.add_argument(
        "--music20", type=Path, default=Path(known) if known else None, metavar="DIR", help="folder of Music-20"
    )
    if seeds:
        parser.add_argument("--seeds", type=int, nargs="+", default=[20, 21, 22], help="of the sample (default: 3)")
    if records:
        parser.add_argument("--records", type=int, default=records, help=f"of the sample (default: {records})")
    if sizes:
        parser.add_argument("--sizes", type=int, nargs="*", default=list(sizes), help="of the sample, in recordings")
    return parser.parse_args()


def save(name: str, command: str, figures: Mapping[str, object]) -> None:
    """Write a result beside the earlier ones and print it.

    Parameters
    ----------
    name : str
        Of the result file.
    command : str
        That gives the figures.
    figures : mapping
        JSON values.
    """
    result = {
        "command": command,
        **when(),
        "machine": {"processor": _processor(), "cores": os.cpu_count(), "python": platform.python_version()},
        "libraries": {library: version(library) for library in _LIBRARIES},
        **figures,
    }
    text = json.dumps(result, indent=2, ensure_ascii=False) + "\n"
    with write_aside(RESULTS / f"{name}.json") as aside:
        aside.write_text(text, encoding="utf-8")
    print(text)


def result(name: str) -> Any:  # noqa: ANN401 - JSON of many forms
    """Read a committed result.

    Parameters
    ----------
    name : str
        Of the result file.

    Returns
    -------
    JSON value
        As `save` wrote it.
    """
    return json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))


def earlier_rows(name: str) -> list[dict[str, Any]]:
    """Read the rows of a result, to which a run adds those that it measures.

    Parameters
    ----------
    name : str
        Of the result file.

    Returns
    -------
    list of dict
        None if there is no result yet.
    """
    rows: list[dict[str, Any]] = result(name)["rows"] if (RESULTS / f"{name}.json").exists() else []
    return rows


def when() -> dict[str, str]:
    """Say when something was measured, and on which state of the code.

    Returns
    -------
    dict
        ``measured_at`` and ``commit``.
    """
    return {"measured_at": datetime.now(UTC).isoformat(timespec="seconds"), "commit": _commit()}


def _commit() -> str:
    changed = _git("status", "--porcelain", "--", "*.py", "pyproject.toml", "constraints.txt")
    return _git("rev-parse", "--short=12", "HEAD") + ("-dirty" if changed else "")


def _git(*words: str) -> str:
    command = ["git", *words]  # whichever git the machine has
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603 - our own words
    return done.stdout.strip()


def _processor() -> str:
    for line in (
        Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines() if Path("/proc/cpuinfo").exists() else ()
    ):
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor()
