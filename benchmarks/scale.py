"""What a catalogue of any size would take: the run's stages, played through task by task with measured constants.

Reads `benchmarks/results/dedupe.json` and `ten_times.json` and measures nothing itself. A stage costs so many
core-seconds a recording at the largest size measured, which grow with the power of the size that the two largest sizes
show, never slower than in proportion; its tasks run in waves over all cores, and the next stage waits for the last of
them. The two steps that one process does for all recordings are taken from `ten_times.json`, from its largest size.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Mapping
from typing import Any, Self

from batch.dedupe import NEIGHBOURS, SHARD_SIZE
from batch.plan import Plan
from batch.scoring import SAMPLES
from batch.tasks import STAGES
from benchmarks.record import result, save
from index.rare_keys import KeyCounts
from matching.clusters import LARGEST

# On-demand price of a machine of 16 virtual cores and 64 GiB in dollars an hour, as listed when this was written.
PRICE, CORES = 0.768, 16
# Recordings, and machines to spread them over; the first are ten times the largest size that is run.
_TARGETS = ((30_000_000, 1), (30_000_000, 4), (100_000_000, 4), (100_000_000, 8), (100_000_000, 32))
_ALONE = ("order", "cluster")
_SUMS, _CONSTANT = ("sum counts", "sum pairs"), "judge sample"

Row = Mapping[str, Any]


def main() -> None:
    """Work the plans out and save them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--price", type=float, default=PRICE, help=f"dollars an hour of a machine of {CORES} cores")
    price = parser.parse_args().price
    model = Model.measured()
    plans = [model.plan(recordings, machines, price) for recordings, machines in _TARGETS]
    constants = {"stages": model.stages, "alone": model.alone}
    save("scale", "python -m benchmarks.scale [--price DOLLARS]", {**constants, "plans": plans})


class Model:
    """What was measured of a run, and what follows from it for another size.

    Parameters
    ----------
    smaller : Row
        Of `benchmarks.dedupe`.
    larger : Row
        Of a larger catalogue.
    cores : int
        Of the machine that they were measured on.
    ten_times : Row
        Result of `benchmarks.ten_times`.

    Attributes
    ----------
    stages : dict
        Stage to ``core_seconds`` at the larger size and the ``exponent`` of their growth.
    alone : dict
        Step that one process does for everything to ``seconds`` and ``bytes_a_recording`` at the largest size that it
        was measured at, that size, and the ``exponent`` of its growth.
    """

    def __init__(self, smaller: Row, larger: Row, cores: int, ten_times: Row) -> None:
        self._larger, self._cores = larger, cores
        self._storage_bytes = float(ten_times["storage_bytes_a_recording"])
        factor = larger["records"] / smaller["records"]
        self.stages = {}
        for name, after in larger["stages"].items():
            if name not in _ALONE:
                before, spent = (_core_seconds(each, cores) for each in (smaller["stages"][name], after))
                exponent = 0.0 if name == _CONSTANT else _exponent(before, spent, factor)
                self.stages[name] = {"core_seconds": round(spent, 2), "exponent": exponent}
        reading = _exponent(smaller["parts"]["read"], larger["parts"]["read"], factor)
        self.stages["read"] = {"core_seconds": larger["parts"]["read"], "exponent": reading}
        self.alone = {}
        for step in _ALONE:
            rows = (row for row in ten_times["rows"] if row["step"] == step)
            *_, one, last = sorted(rows, key=lambda row: row["recordings"])
            exponent = _exponent(one["seconds"], last["seconds"], last["recordings"] / one["recordings"])
            kept = {name: last[name] for name in ("recordings", "seconds", "bytes_a_recording")}
            self.alone[step] = {**kept, "exponent": exponent}

    @classmethod
    def measured(cls) -> Self:
        """Read the committed results.

        Returns
        -------
        Model
            From the two largest sizes of the sample that were run.
        """
        rows = sample_rows()
        return cls(rows[-2], rows[-1], int(result("dedupe")["machine"]["cores"]), result("ten_times"))

    def plan(self, recordings: int, machines: int, price: float, cores: int = CORES) -> dict[str, float]:
        """Play a run through.

        Parameters
        ----------
        recordings : int
            Of the catalogue.
        machines : int
            That the tasks are spread over.
        price : float
            Dollars an hour of one.
        cores : int
            Virtual cores of one.

        Returns
        -------
        dict
            JSON values: hours in all and with one core at work, dollars, gigabytes of memory that tasks take on
            every machine and that the largest step takes on the one that runs it, and gigabytes of storage.
        """
        seconds = self.seconds(recordings, machines, cores)
        alone = sum(spent for name, spent in seconds.items() if self.is_alone(name, recordings))
        hours = sum(seconds.values()) / 3600
        largest_step = max(each["bytes_a_recording"] for each in self.alone.values())
        return {
            "recordings": recordings,
            "machines": machines,
            "hours": round(hours, 2),
            "hours_on_one_core": round(alone / 3600, 2),
            "dollars": round(hours * machines * price, 2),
            "memory_of_tasks_gb": round(cores * self._task_bytes(recordings) / 1e9, 1),
            "memory_of_one_step_gb": round(recordings * largest_step / 1e9, 1),
            "storage_gb": round(recordings * self._storage_bytes / 1e9 + _tables_gb(recordings)),
        }

    def seconds(self, recordings: int, machines: int, cores: int = CORES) -> dict[str, float]:
        """Say how long each stage of a run would take from its first task to its last.

        Parameters
        ----------
        recordings : int
            Of the catalogue.
        machines : int
            That the tasks are spread over.
        cores : int
            Virtual cores of one.

        Returns
        -------
        dict
            Stage, or step that one process does for everything, to seconds.
        """
        factor = recordings / self._larger["records"]
        spent = {
            step: each["seconds"] * (recordings / each["recordings"]) ** each["exponent"]
            for step, each in self.alone.items()
        }
        for name, stage in self.stages.items():
            seconds, tasks = stage["core_seconds"] * factor ** stage["exponent"], self._tasks(name, recordings)
            if name in _SUMS:
                seconds = stage["core_seconds"] * _tables_gb(recordings) / _tables_gb(self._larger["records"])
            spent[name] = math.ceil(tasks / (machines * cores)) * seconds / tasks
        return spent

    def is_alone(self, stage: str, recordings: int) -> bool:
        """Tell whether one process does all of a stage while every other core waits.

        Parameters
        ----------
        stage : str
            As named by `seconds`.
        recordings : int
            Of the catalogue.

        Returns
        -------
        bool
            Whether more machines leave it as long as it is.
        """
        return stage in self.alone or self._tasks(stage, recordings) == 1

    def _tasks(self, stage: str, recordings: int) -> int:
        """Say how many tasks a stage would have."""
        if stage == "read":
            return 1
        if stage == _CONSTANT:
            return SAMPLES
        if stage == "score":
            share = recordings / self._larger["records"]
            return math.ceil(self._larger["stages"]["score"]["tasks"] * share)
        return STAGES[stage].count(Plan("", recordings, SHARD_SIZE, NEIGHBOURS, LARGEST, "", ""))

    def _task_bytes(self, recordings: int) -> float:
        """Say what one task takes at most: as measured, and its table of counts, which grows with the catalogue."""
        memory = self._larger["memory_mb"]
        parts = {
            part: (memory[part] - memory["read"]) * 2.0**20 / self._cores
            for part in memory
            if part not in {"read", *_ALONE}
        }
        parts["index"] += _table_bytes(recordings) - _table_bytes(self._larger["records"])
        return max(parts.values())


def sample_rows() -> list[Row]:
    """Read what whole-catalogue runs of the sample took.

    Returns
    -------
    list of Row
        Of `benchmarks.dedupe`, the smallest size first.
    """
    rows = [row for row in result("dedupe")["rows"] if str(row["name"]).startswith("sample")]
    return sorted(rows, key=lambda row: int(row["records"]))


def _core_seconds(stage: Row, cores: int) -> float:
    """Say what a stage took, if no core had waited while the last tasks ran."""
    return float(stage["seconds"] * stage["tasks"] / math.ceil(stage["tasks"] / cores))


def _tables_gb(recordings: int) -> float:
    """Say how large the tables of counts are that groups leave."""
    return Plan("", recordings, SHARD_SIZE, NEIGHBOURS, LARGEST, "", "").groups * _table_bytes(recordings) / 1e9


def _table_bytes(recordings: int) -> int:
    return KeyCounts.empty(recordings).tables.nbytes  # zeros that nobody looks at take no memory


def _exponent(before: float, after: float, factor: float) -> float:
    return round(max(1.0, math.log(max(after, 0.1) / max(before, 0.1)) / math.log(factor)), 3)


if __name__ == "__main__":
    main()
