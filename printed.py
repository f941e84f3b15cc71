"""How answers are printed at the command line."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from typing import Any

NO_SOURCE = "ids without a source"
"""What stands for the source of recordings whose ids do not name one before ``__``."""


def print_json(content: Mapping[str, object]) -> None:
    """Print a JSON object.

    Parameters
    ----------
    content : mapping
        JSON values.
    """
    takes_any_sign = (getattr(sys.stdout, "encoding", None) or "utf-8").lower().startswith("utf")
    print(json.dumps(content, indent=2, ensure_ascii=not takes_any_sign))


def print_table(columns: Mapping[str, Mapping[str, object]]) -> None:
    """Print figures side by side.

    Parameters
    ----------
    columns : mapping
        Heading to its figures, by name; all have those of the first.
    """
    widths = {name: max(15, len(name) + 2) for name in columns}
    print(f"{'':20}" + "".join(f"{name:>{width}}" for name, width in widths.items()))
    for row in next(iter(columns.values())):
        print(f"{row:20}" + "".join(f"{column.get(row)!s:>{widths[name]}}" for name, column in columns.items()))


def print_clusters(measured: Mapping[str, object], as_json: bool) -> None:
    """Print how good clusters are.

    Parameters
    ----------
    measured : mapping
        Counts, and figures by way of counting.
    as_json : bool
        Whether to print JSON.
    """
    if as_json:
        print_json(measured)
        return
    ways = {name: value for name, value in measured.items() if isinstance(value, Mapping)}
    print(", ".join(f"{value} {name.replace('_', ' ')}" for name, value in measured.items() if name not in ways))
    if measured["unknown"]:
        print("what is wrong with unknown recordings in clusters is not seen: precision may look too good")
    print_table(ways)


def print_counts(counts: Mapping[str, object]) -> None:
    """Print counts, and figures by part, each on a line.

    Parameters
    ----------
    counts : mapping
        Name to value; a mapping stands for figures by part.
    """
    for name, value in counts.items():
        if isinstance(value, Mapping):
            value = ", ".join(f"{part} {figure}" for part, figure in value.items())  # noqa: PLW2901
        print(f"{name.replace('_', ' '):20} {value}")


def print_profile(found: Mapping[str, Any]) -> None:
    """Print a profile of a catalogue.

    Parameters
    ----------
    found : mapping
        From `catalog.profile.Profile.to_json`.
    """
    recordings = found["recordings"]
    print(f"{recordings} recordings")
    sources = f"sources, {len(found['sources'])} of {found['all_sources']}"
    for heading, name in (("missing", "missing"), ("ISRCs", "isrc_states"), (sources, "sources")):
        print(f"{heading}:")
        for each, count in found[name].items():
            print(f"  {each or NO_SOURCE:24}{count:>12}{count / max(recordings, 1):>8.1%}")
    print(f"ISRCs on recordings whose titles are not alike: {found['suspicious_codes']}")
    for code in found["reused_codes"][:5]:
        titles = " | ".join(title for _, title in code["examples"])
        print(f"  {code['code']} on {code['recordings']} recordings: {titles}")
    if found["duplicates"]:
        listed = found["duplicates"][:10]
        print(f"duplicates by pairs of sources, {len(listed)} of {found['all_duplicates']}:")
        for one, other, count in listed:
            print(f"  {one or NO_SOURCE} and {other or NO_SOURCE}: {count}")
