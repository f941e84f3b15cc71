"""What every reader of a file gives: its columns, and its rows one by one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from catalog.recording import LIST_SEPARATOR, clean

_NO_VALUE = frozenset({"n/a", "#n/a"})  # each has a slash, as few cells have
# Of codes and numbers only: a title, an artist or a label can have such a name.
_NO_CODE = _NO_VALUE | {"n.a.", "na", "tba", "tbc", "tbd", "unknown"}


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
    remarks : tuple of str
        What was left out of the row or read otherwise, to be counted.
    delivered : sequence
        Where `cells` are as they are to be stored: the cells as they came.
    """

    line: int
    cells: Sequence[object]
    problem: str = ""
    text: str = ""
    path: Path | None = None
    remarks: tuple[str, ...] = ()
    delivered: Sequence[object] = ()


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
    form : str
        Name of a format that has no columns, so that they are named by us; empty for a table.
    made_of : mapping
        Column to the columns of the file that it joins, for those that the file does not have itself.
    """

    path: Path
    columns: tuple[str, ...]
    rows: Callable[[Sequence[int]], Iterator[RawRow]]
    form: str = ""
    made_of: Mapping[str, Sequence[str]] = field(default_factory=dict)

    @property
    def ours(self) -> bool:
        """Whether the columns are named by us, because the format has none."""
        return bool(self.form)


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


def says_nothing(cell: object) -> bool:
    """Tell whether a code or a number is missing, or something that people write in its place.

    Parameters
    ----------
    cell : object
        Of ISRCs, durations or years; of a title, ``-``, ``?``, ``NA`` and ``Unknown`` may be the name.

    Returns
    -------
    bool
        ``True`` without any letter or digit, and for ``NA``, ``n.a.``, ``unknown``, ``tba`` and the like.
    """
    text = clean(cell)
    return text is None or text.casefold() in _NO_CODE or not any(map(str.isalnum, text))


def delivered_text(cell: object) -> str | None:
    """Write a delivered cell as text.

    Parameters
    ----------
    cell : object
        As a reader delivers it.

    Returns
    -------
    str or None
        As from `as_text`; ``None`` for ``N/A`` and ``#N/A``, too.
    """
    text = as_text(cell)
    return None if text and "/" in text and text.strip().casefold() in _NO_VALUE else text


def delivered_codes(cell: object) -> str | None:
    """Write a delivered cell of ISRCs as text.

    Parameters
    ----------
    cell : object
        As a reader delivers it.

    Returns
    -------
    str or None
        Without the entries that say nothing; ``None`` if no other is there.
    """
    entries = (as_text(cell) or "").split(LIST_SEPARATOR)
    return LIST_SEPARATOR.join(entry for entry in entries if not says_nothing(entry)) or None
