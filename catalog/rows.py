"""What every reader of a file gives: its columns, and its rows one by one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple


class RawRow(NamedTuple):
    """A row as a file delivers it.

    Attributes
    ----------
    line : int
        The line on which it starts (CSV, the header being line 1) or its number (Parquet and SQLite), from 1.
    cells : sequence
        Values of the columns that were asked for; empty where there is a problem.
    problem : str
        Why the row cannot be used; empty if it can.
    text : str
        The row as it stands in the file, where there is a problem or the row is to be kept.
    """

    line: int
    cells: Sequence[object]
    problem: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True)
class Source:
    """A file that delivers rows.

    Attributes
    ----------
    path : Path
        The file.
    columns : tuple of str
        As it spells them.
    rows : callable
        From positions of columns to an iterator of `RawRow`, which opens the file and closes it.
    """

    path: Path
    columns: tuple[str, ...]
    rows: Callable[[Sequence[int]], Iterator[RawRow]]
