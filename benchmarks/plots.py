"""The pictures of docs/scale.md, drawn from the committed results: time and memory against size."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.record import ROOT, earlier_rows
from catalog.aside import write_aside

PICTURE = ROOT / "docs" / "scale.svg"

_WIDTH, _HEIGHT = 11.0, 4.2
# The same picture has the same ids, whenever it is drawn, and texts stay texts.
_STYLE: dict[Any, Any] = {"svg.hashsalt": "onemaster", "svg.fonttype": "none", "axes.grid": True, "grid.alpha": 0.3}
_NO_METADATA = dict.fromkeys(("Creator", "Date", "Format", "Type"))

Row = Mapping[str, Any]


def main() -> None:
    """Draw them."""
    rows = [row for row in earlier_rows("dedupe") if str(row["name"]).startswith("sample")]
    with rc_context(_STYLE):
        figure = Figure(figsize=(_WIDTH, _HEIGHT))
        seconds, memory = figure.subplots(1, 2)
        _lines(seconds, rows, "parts", 1, "seconds")
        _in_proportion(seconds, rows)
        _lines(memory, rows, "memory_mb", 1024, "GiB of all processes together")
        seconds.set_title("Time of a whole-catalogue run on two cores")
        memory.set_title("Most memory in each part of it")
        figure.tight_layout()
        with write_aside(PICTURE) as aside:
            figure.savefig(aside, format="svg", metadata=_NO_METADATA)


def _lines(axes: Axes, rows: Sequence[Row], what: str, unit: float, label: str) -> None:
    sizes = [row["records"] for row in rows]
    for part in rows[-1][what]:
        style = {"color": "black", "linewidth": 2.5} if part == "total" else {}
        axes.plot(sizes, [row[what].get(part, float("nan")) / unit for row in rows], marker="o", label=part, **style)
    axes.set_xscale("log")
    axes.set_yscale("log" if what == "parts" else "linear")
    axes.set_ylim(bottom=None if what == "parts" else 0)
    axes.set_xticks(sizes, [f"{size:,}" for size in sizes], fontsize="small")
    axes.minorticks_off()
    axes.set_xlabel("recordings")
    axes.set_ylabel(label)
    axes.legend(fontsize="x-small", ncols=2)


def _in_proportion(axes: Axes, rows: Sequence[Row]) -> None:
    """Draw how the time would grow in proportion to the size, from the smallest on."""
    sizes = [row["records"] for row in rows]
    axes.plot(sizes, [rows[0]["parts"]["total"] * size / sizes[0] for size in sizes], ":", color="grey")


if __name__ == "__main__":
    main()
