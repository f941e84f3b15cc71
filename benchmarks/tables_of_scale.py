"""The tables of what a catalogue takes and how good its clusters and candidates are; see `benchmarks.tables`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from benchmarks.record import result

Row = Sequence[str]


def _dedupe() -> Iterator[Row]:
    yield (
        *("`python -m benchmarks.dedupe`", "recordings", "pairwise: precision", "recall", "F1", "B-cubed F1"),
        *("whole clusters F1", "seconds", "memory, GiB"),
    )
    for row in result("dedupe")["rows"]:
        quality = row["quality"]
        yield (
            *(row["name"], f"{row['records']:,}"),
            *(_digits(quality["pairwise"][name]) for name in ("precision", "recall", "f1")),
            *(_digits(quality[name]["f1"]) for name in ("b_cubed", "exact")),
            *(f"{row['seconds']:.0f}", f"{row['peak_memory_mb'] / 1024:.1f}"),
        )


def _stages() -> Iterator[Row]:
    rows = [row for row in result("dedupe")["rows"] if str(row["name"]).startswith("sample")]
    parts = [part for part in rows[-1]["parts"] if part != "total"]
    yield "seconds; GiB at most", *parts
    for row in rows:
        yield (
            f"{row['records']:,} recordings",
            *(f"{row['parts'][part]:.1f}; {row['memory_mb'][part] / 1024:.1f}" for part in parts),
        )


def _plans() -> Iterator[Row]:
    columns = {
        "machines": "machines",
        "hours": "hours",
        "hours_on_one_core": "of them on one core",
        "dollars": "dollars",
        "storage_gb": "storage, GB",
        "memory_of_tasks_gb": "memory of the tasks of a machine, GB",
        "memory_of_one_step_gb": "of the largest step that one process does, GB",
    }
    yield "recordings", *columns.values()
    for plan in result("scale")["plans"]:
        yield f"{plan['recordings']:,}", *(str(plan[name]) for name in columns)


def _ten_times() -> Iterator[Row]:
    steps = {"order": "ordering recordings", "cluster": "making and naming clusters, writing files"}
    yield "`python -m benchmarks.ten_times`: one process", "recordings", "seconds", "bytes a recording", "GiB at most"
    for row in result("ten_times")["rows"]:
        yield (
            *(steps[row["step"]], f"{row['recordings']:,}", f"{row['seconds']:.0f}", f"{row['bytes_a_recording']:,}"),
            f"{row['peak_memory_mb'] / 1024:.1f}",
        )


def _beside_exact() -> Iterator[Row]:
    yield (
        *("`python -m benchmarks.beside_exact`: recordings", "of which are asked"),
        *("pairwise F1 by rare keys", "by exact search of vectors"),
        *("difference", "candidate pairs by rare keys", "by exact search"),
    )
    for row in result("beside_exact")["rows"]:
        ways = [row["rare_keys"], row["exact_search"]]
        yield (
            *(f"{row[name]:,}" for name in ("records", "asked")),
            *(_digits(way["f1"]) for way in ways),
            f"{row['f1_more_than_exact']:+.4f}",
            *(f"{way['candidate_pairs']:,}" for way in ways),
        )


def _growth() -> Iterator[Row]:
    yield "`python -m benchmarks.dedupe`: from", "to", "the time grows with this power of the size"
    for between, power in result("dedupe")["growth"].items():
        yield (*(f"{int(size):,}" for size in between.split(" to ")), f"{power:.2f}")


def _indexes() -> Iterator[Row]:
    yield (
        *("`python -m benchmarks.index`", "true pairs among the 20 nearest", "recall@20", "of near neighbours"),
        *("ms a query, alone", "in a batch", "bytes a vector", "seconds to build", "GiB to build"),
    )
    for row in result("index")["rows"]:
        name = f"{row['catalogue']}, {row['recordings']:,}: {row['kind']}"
        if "pair_completeness" in row:
            yield (
                *(name, _digits(row["pair_completeness"])),
                *(_digits(row[kind]["value"]) for kind in ("recall", "near_recall")),
                *(f"{row[name]:.2f}" for name in ("milliseconds_alone", "milliseconds_in_batch")),
                *(f"{row['bytes_per_vector']:,}", f"{row['seconds']:.0f}", f"{row['peak_megabytes'] / 1024:.1f}"),
            )


def _digits(value: float) -> str:
    return f"{value:.4f}"


TABLES: dict[str, Callable[[], Iterator[Row]]] = {
    "dedupe": _dedupe,
    "stages": _stages,
    "plans": _plans,
    "growth": _growth,
    "ten_times": _ten_times,
    "beside_exact": _beside_exact,
    "indexes": _indexes,
}
