"""What a catalogue of any size would take: a model of the whole-catalogue run from its measured constants.

Reads `benchmarks/results/dedupe.json` and measures nothing itself. Each part of the run costs so many core-seconds a
recording at the largest size measured, and grows with the power of the size that the two largest sizes show, but never
slower than the size. Reading, dealing and clustering run on one core, everything else on all of them.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass

from benchmarks.record import RESULTS, save

SERIAL = ("read", "deal", "cluster")
# On-demand price of a machine of 16 virtual cores and 32 GiB in dollars an hour, as listed when this was written.
PRICE, CORES = 0.714, 16
# Recordings, and machines to spread them over.
_TARGETS = ((10_000_000, 1), (10_000_000, 4), (100_000_000, 8), (100_000_000, 32))
# Files of an unfinished run, in bytes a recording: see docs/scale.md.
STORAGE_BYTES = 2_400


@dataclass(frozen=True)
class Part:
    """A part of the run.

    Attributes
    ----------
    core_seconds : float
        At the largest size measured.
    exponent : float
        With which power of the size it grows, 1 at least.
    """

    core_seconds: float
    exponent: float

    def at(self, factor: float) -> float:
        """Extrapolate.

        Parameters
        ----------
        factor : float
            Size in units of the largest measured.

        Returns
        -------
        float
            Core-seconds.
        """
        return float(self.core_seconds * factor**self.exponent)


def main() -> None:
    """Work the model out and save it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--price", type=float, default=PRICE, help=f"dollars an hour of a machine of {CORES} cores")
    price = parser.parse_args().price
    measured = json.loads((RESULTS / "dedupe.json").read_text(encoding="utf-8"))
    rows = sorted((r for r in measured["rows"] if str(r["name"]).startswith("sample")), key=lambda r: r["records"])
    model = parts_of(rows[-2], rows[-1], int(measured["machine"]["cores"]))
    size, dealing = int(rows[-1]["records"]), dealing_bytes(rows[-1])
    figures = {
        "measured_at": size,
        "parts": {name: {"core_seconds": part.core_seconds, "exponent": part.exponent} for name, part in model.items()},
        "plans": [plan(model, target / size, target, machines, price, dealing) for target, machines in _TARGETS],
    }
    save("scale", "python -m benchmarks.scale [--price DOLLARS]", figures)


def parts_of(smaller: Mapping[str, object], larger: Mapping[str, object], cores: int) -> dict[str, Part]:
    """Read the model off two measured sizes.

    Parameters
    ----------
    smaller : mapping
        Row of the benchmark.
    larger : mapping
        Row of a larger catalogue.
    cores : int
        Of the machine that they were measured on.

    Returns
    -------
    dict
        Name to part.
    """
    before, after = ({str(k): float(str(v)) for k, v in _mapping(row["parts"]).items()} for row in (smaller, larger))
    factor = float(str(larger["records"])) / float(str(smaller["records"]))
    parts = {}
    for name, seconds in after.items():
        if name != "total":
            exponent = max(1.0, math.log(max(seconds, 1e-3) / max(before[name], 1e-3)) / math.log(factor))
            parts[name] = Part(seconds * (1 if name in SERIAL else cores), round(exponent, 3))
    return parts


def dealing_bytes(measured: Mapping[str, object]) -> float:
    """Say what the machine needs that deals all candidates out: it holds them all.

    Parameters
    ----------
    measured : mapping
        Row of the benchmark.

    Returns
    -------
    float
        Bytes a recording, beyond what the run takes from its beginning.
    """
    memory = _mapping(measured["memory_mb"])
    grown = float(str(memory["deal"])) - float(str(memory["read"]))
    return grown * (1 << 20) / float(str(measured["records"]))


def plan(
    model: Mapping[str, Part], factor: float, recordings: int, machines: int, price: float, dealing: float
) -> dict[str, object]:
    """Say what a catalogue would take on so many machines.

    Parameters
    ----------
    model : mapping
        Name to part.
    factor : float
        Size in units of the largest measured.
    recordings : int
        The size.
    machines : int
        Of 16 virtual cores each.
    price : float
        Dollars an hour of one.
    dealing : float
        From `dealing_bytes`.

    Returns
    -------
    dict
        JSON values.
    """
    serial = sum(part.at(factor) for name, part in model.items() if name in SERIAL)
    shared = sum(part.at(factor) for name, part in model.items() if name not in SERIAL)
    hours = (serial + shared / (machines * CORES)) / 3600
    return {
        "recordings": recordings,
        "machines": machines,
        "hours": round(hours, 2),
        "hours_on_one_core": round(serial / 3600, 2),
        "dollars": round(hours * machines * price, 2),
        "storage_gb": round(recordings * STORAGE_BYTES / 1e9, 1),
        "dealing_memory_gb": round(recordings * dealing / 1e9, 1),
    }


def _mapping(value: object) -> Mapping[str, object]:
    if not isinstance(value, Mapping):
        raise TypeError(f"expected a JSON object, got {value!r}")
    return value


if __name__ == "__main__":
    main()
