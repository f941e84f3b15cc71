"""The file of rows that an import left out."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self, TextIO

from catalog.aside import remove_remains, write_aside
from catalog.encodings import spelled_out
from catalog.errors import CatalogError
from catalog.rows import RawRow

_LONGEST_QUOTE = 2_000


class Rejects:
    """Rejected rows, written aside; there is no file if nothing is rejected.

    Parameters
    ----------
    target : Path
        The catalogue that is imported; the file stands beside it.
    are_added : bool
        Whether rows are added to it: those that the import left out are listed still.
    """

    def __init__(self, target: Path, *, are_added: bool = False) -> None:
        self.target, self.path = target, rejects_of(target, are_added=are_added)
        self.reasons: Counter[str] = Counter()
        self.first = ""
        self._stack = ExitStack()
        self._stream: TextIO | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.__exit__(kind, error, trace)

    def add(self, path: Path, row: RawRow) -> None:
        """Write down a row with its problem.

        Parameters
        ----------
        path : Path
            The file or folder that delivered it.
        row : RawRow
            With a problem.
        """
        self.reasons[row.problem.partition(":")[0]] += 1
        self.first = self.first or f"{row.path or path}, line {row.line}: {row.problem}"
        if self._stream is None:
            aside = self._stack.enter_context(write_aside(self.path))
            # JSON can carry lone surrogates, which UTF-8 cannot write.
            self._stream = self._stack.enter_context(
                aside.open("w", encoding="utf-8", errors="backslashreplace", newline="")
            )
            csv.writer(self._stream).writerow(("file", "line", "reason", "row"))
        csv.writer(self._stream).writerow((row.path or path, row.line, row.problem, spelled_out(row.text)))

    def discard(self) -> None:
        """Remove the file of an earlier import, and what one that was killed left of it."""
        self.path.unlink(missing_ok=True)
        remove_remains(self.path.parent, f".{self.path.name}-")


def quote(text: str) -> str:
    """Cut a row to what is worth writing down, before many of them are held in memory.

    Parameters
    ----------
    text : str
        As it stands in the file.

    Returns
    -------
    str
        At most 2,000 characters of it, without its line end; a NUL is spelled out.
    """
    return text[:_LONGEST_QUOTE].rstrip("\r\n").replace("\0", "\\0")


def rejects_of(target: Path, *, are_added: bool = False) -> Path:
    """Name the file of the rows that were left out of a catalogue.

    Parameters
    ----------
    target : Path
        The catalogue.
    are_added : bool
        Whether of those that were added later.

    Returns
    -------
    Path
        ``<its stem>.rejected.csv`` beside it, or ``<its stem>.added.rejected.csv``.
    """
    return target.with_name(f"{target.stem}{'.added' if are_added else ''}.rejected.csv")


def check_target(files: Sequence[Path], target: Path) -> None:
    """Check that an import replaces none of the files that it reads.

    Parameters
    ----------
    files : sequence of Path
        What is read.
    target : Path
        The catalogue to write.

    Raises
    ------
    CatalogError
        If the catalogue or the file of the rows that are left out would replace one of them.
    """
    for written in (target, rejects_of(target)):
        for file in files:
            if written.exists() and file.samefile(written):
                raise CatalogError(
                    f"expected a catalogue beside the files it is made of, {written} would be replaced and is one of "
                    "them; name another file with --catalog, or move this one away first"
                )
