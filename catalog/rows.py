"""What every reader of a file gives: its columns, and its rows one by one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from catalog.recording import LIST_SEPARATOR


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
        The row as it stands in the file, where that has lines or there is a problem; as JSON if it is to be kept.
    path : Path or None
        The file that holds it, where the source is a folder.
    """

    line: int
    cells: Sequence[object]
    problem: str = ""
    text: str = ""
    path: Path | None = None


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
    ours : bool
        Whether the columns are named by us, because the format has none.
    """

    path: Path
    columns: tuple[str, ...]
    rows: Callable[[Sequence[int]], Iterator[RawRow]]
    ours: bool = False


def as_text(cell: object) -> str | None:
    """Write a cell as text.

    Parameters
    ----------
    cell : object
        As a reader delivers it.

    Returns
    -------
    str or None
        A list is joined with ``|``, a whole number written without decimals; ``None`` if the cell is missing.
    """
    if isinstance(cell, str):
        return cell or None
    if cell is None or cell != cell:  # noqa: PLR0124 - NaN differs from itself
        return None
    if isinstance(cell, bytes):
        return cell.decode("utf-8", "replace")
    if isinstance(cell, list | tuple):
        return LIST_SEPARATOR.join(text for text in map(as_text, cell) if text) or None
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))  # tools that know missing numbers write whole ones as floats
    return str(cell)
