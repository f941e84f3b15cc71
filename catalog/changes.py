"""Changing a catalogue of ours: its next state is written aside, and put in place in one step.

A program that has the catalogue open keeps reading the state that it opened, with the index that belongs to it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from itertools import islice
from pathlib import Path

from catalog.aside import write_aside
from catalog.columns import COLUMNS
from catalog.errors import CatalogError
from catalog.tables import TABLE, connect_readonly, marks, sqlite_errors
from catalog.writer import CREATE, CREATE_USED, CatalogWriter, clear_place

_CHUNK = 900  # below the 999 variables that every build of SQLite allows
_REPLACE = f"REPLACE INTO {TABLE} VALUES ({marks(len(COLUMNS))})"  # noqa: S608 - our own constants
# The file is not in place before it is complete and synced, so a journal would protect nothing.
_SETTINGS = ("journal_mode=OFF", "synchronous=OFF", "cache_size=-65536")


class CatalogChanges(CatalogWriter):
    """Changes on their way into a catalogue; see `changing`.

    Parameters
    ----------
    connection : sqlite3.Connection
        To the catalogue.

    Attributes
    ----------
    added, updated, unchanged : int
        Rows given that were new, that differed from the row they replaced, and that did not.
    """

    adds = True

    def __init__(self, connection: sqlite3.Connection) -> None:
        super().__init__(connection)
        self._connection = connection
        self._given: set[str] = set()
        self.added = self.updated = self.unchanged = 0

    def known(self, sr_ids: Sequence[str]) -> set[str]:
        """Find which of some ids were given already.

        Parameters
        ----------
        sr_ids : sequence of str
            Any ids.

        Returns
        -------
        set of str
            Those given in this change; that the catalogue held others before does not count.
        """
        return self._given.intersection(sr_ids)

    def add(self, rows: Sequence[Sequence[object]], delivered: Collection[str] = COLUMNS) -> None:
        """Write rows; one whose id is there replaces what that row says of the delivered fields.

        Parameters
        ----------
        rows : sequence of sequence
            At most a thousand, values in the order of `COLUMNS`; ids that were not given yet.
        delivered : collection of str
            The fields that the file of the rows has columns for; what is known of the others stays.

        Raises
        ------
        CatalogError
            If SQLite cannot hold a value.
        """
        before = self._rows([str(row[0]) for row in rows])
        kept = [place for place, field in enumerate(COLUMNS) if field not in delivered]
        rows = [_with_kept(row, before.get(str(row[0])), kept) for row in rows]
        try:
            self._connection.executemany(_REPLACE, rows)
        except (OverflowError, UnicodeEncodeError) as error:
            raise CatalogError(f"expected text and 64-bit numbers, got a value that is neither: {error}") from error
        for row in rows:
            sr_id = str(row[0])
            self._given.add(sr_id)
            if sr_id not in before:
                self.added += 1
            elif before[sr_id] == tuple(row):
                self.unchanged += 1
            else:
                self.updated += 1

    def remember(self, used: Sequence[Mapping[str, str]]) -> None:
        """Leave it at the columns of the import.

        Parameters
        ----------
        used : sequence of mapping
            What fed the fields of what is added.
        """

    def remove(self, sr_ids: Sequence[str]) -> list[str]:
        """Take rows out.

        Parameters
        ----------
        sr_ids : sequence of str
            Their ids, repetitions allowed.

        Returns
        -------
        list of str
            Those of the ids that the catalogue did not hold.
        """
        unknown, wanted = [], iter(dict.fromkeys(sr_ids))
        while chunk := list(islice(wanted, _CHUNK)):
            held = self._rows(chunk)
            unknown += [sr_id for sr_id in chunk if sr_id not in held]
            query = f"DELETE FROM {TABLE} WHERE sr_id = ?"  # noqa: S608 - our own constant
            self._connection.executemany(query, [(sr_id,) for sr_id in held])
        return unknown

    def leave_nothing(self) -> bool:
        """Tell whether no recording would be left.

        Returns
        -------
        bool
            As things stand now.
        """
        return not self._connection.execute(f"SELECT 1 FROM {TABLE} LIMIT 1").fetchall()  # noqa: S608 - our own constant

    def _rows(self, sr_ids: Sequence[str]) -> dict[str, tuple[object, ...]]:
        found: dict[str, tuple[object, ...]] = {}
        wanted = iter(sr_ids)
        while chunk := tuple(islice(wanted, _CHUNK)):
            query = f"SELECT * FROM {TABLE} WHERE sr_id IN ({marks(len(chunk))})"  # noqa: S608 - only question marks
            found |= {str(row[0]): row for row in self._connection.execute(query, chunk)}
        return found


@contextmanager
def next_catalog(path: Path) -> Iterator[Path]:
    """Copy a catalogue aside, where it can be changed and looked at, and put the copy in place at the end.

    Parameters
    ----------
    path : Path
        A catalogue that onemaster wrote.

    Yields
    ------
    Path
        The copy, in the same folder. If the block raises, it is removed and the catalogue stays as it was.

    Raises
    ------
    CatalogError
        If the catalogue is absent or somebody else's, or was changed by others meanwhile.
    """
    require_ours(path)
    before = _state(path)
    with write_aside(path) as aside:
        with sqlite_errors(path), closing(connect_readonly(path)) as old, closing(sqlite3.connect(aside)) as new:
            _set(new)
            old.backup(new)
            new.execute("PRAGMA journal_mode=DELETE").fetchall()  # the copy of a file with a log would keep one, too
        yield aside
        if _state(path) != before:
            raise CatalogError(f"{path} was changed by another program meanwhile, nothing was done: run this again")
        clear_place(path)


@contextmanager
def changing(aside: Path) -> Iterator[CatalogChanges]:
    """Change a catalogue that is not in place yet.

    Parameters
    ----------
    aside : Path
        As from `next_catalog`.

    Yields
    ------
    CatalogChanges
        Takes the changes, all of which are in the file when the block has ended.

    Raises
    ------
    CatalogError
        If the file cannot be written.
    """
    try:
        with closing(sqlite3.connect(aside, isolation_level=None)) as connection:
            _set(connection)
            connection.execute("BEGIN")
            yield CatalogChanges(connection)
            connection.execute("COMMIT")
    except (OSError, sqlite3.Error) as error:
        raise CatalogError(f"could not write the catalogue {aside}: {error}; check the folder and its space") from error


def require_ours(path: Path) -> None:
    """Refuse a catalogue that onemaster did not write: it is its owner's to change.

    Parameters
    ----------
    path : Path
        The catalogue.

    Raises
    ------
    CatalogError
        If it is absent, unreadable or somebody else's.
    """
    if not path.exists():
        raise CatalogError(f"expected a catalogue to change in {path}, there is none: run onemaster import FILE first")
    with closing(connect_readonly(path)) as connection, sqlite_errors(path):
        tables = [sql for (sql,) in connection.execute("SELECT sql FROM sqlite_schema WHERE type <> 'index'")]
    if tables not in ([CREATE], [CREATE, CREATE_USED]):
        raise CatalogError(
            f"expected a catalogue that onemaster import wrote, {path} is another program's file, which onemaster only "
            "reads: change it with that program and then run onemaster refresh, or import it into a data folder first"
        )


def _with_kept(row: Sequence[object], before: Sequence[object] | None, kept: Sequence[int]) -> tuple[object, ...]:
    if before is None:
        return tuple(row)
    return tuple(before[place] if place in kept else value for place, value in enumerate(row))


def _set(connection: sqlite3.Connection) -> None:
    for setting in _SETTINGS:
        connection.execute(f"PRAGMA {setting}").fetchall()


def _state(path: Path) -> tuple[int, ...]:
    state = path.stat()
    return state.st_ino, state.st_size, state.st_mtime_ns
