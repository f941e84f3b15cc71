"""Writing a catalogue: aside first, put in place when it is complete."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from itertools import islice
from pathlib import Path

from catalog.artefacts import write_aside
from catalog.columns import COLUMNS, FIELDS
from catalog.errors import CatalogError
from catalog.recording import LIST_SEPARATOR
from catalog.tables import TABLE, marks

_NUMBERS = frozenset({"duration_ms", "release_year"})
_CHUNK = 1_000
_CREATE = f"CREATE TABLE {TABLE} (sr_id TEXT PRIMARY KEY NOT NULL, {{}}) WITHOUT ROWID".format(
    ", ".join(f"{field} {'INTEGER' if field in _NUMBERS else 'TEXT'}" for field in FIELDS)
)
_MARKS = ", ".join("?" * len(COLUMNS))
_INSERT = f"INSERT INTO {TABLE} VALUES ({_MARKS})"  # noqa: S608 - our own constants


class CatalogWriter:
    """Rows on their way into a new catalogue file; see `new_catalog`.

    Parameters
    ----------
    connection : sqlite3.Connection
        To a file that holds the empty table.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def known(self, sr_ids: Sequence[str]) -> set[str]:
        """Find which of some ids are written already.

        Parameters
        ----------
        sr_ids : sequence of str
            At most a thousand ids.

        Returns
        -------
        set of str
            Those that the file holds.
        """
        query = f"SELECT sr_id FROM {TABLE} WHERE sr_id IN ({marks(len(sr_ids))})"  # noqa: S608 - only question marks
        return {found for (found,) in self._connection.execute(query, sr_ids)}

    def add(self, rows: Sequence[Sequence[object]]) -> None:
        """Write rows.

        Parameters
        ----------
        rows : sequence of sequence
            Values in the order of `COLUMNS`; ids that are new.

        Raises
        ------
        CatalogError
            If SQLite cannot hold a value.
        """
        try:
            self._connection.executemany(_INSERT, rows)
        except (OverflowError, UnicodeEncodeError) as error:
            raise CatalogError(f"expected text and 64-bit numbers, got a value that is neither: {error}") from error


@contextmanager
def new_catalog(path: Path) -> Iterator[CatalogWriter]:
    """Write a catalogue file aside and put it in place in one step at the end.

    Parameters
    ----------
    path : Path
        The catalogue to replace.

    Yields
    ------
    CatalogWriter
        Takes the rows. If the block raises, the previous catalogue stays.

    Raises
    ------
    CatalogError
        If the file cannot be written.
    """
    if path.is_dir():
        raise CatalogError(f"expected a file name for the catalogue, {path} is a folder; add a name such as catalog.db")
    try:
        with write_aside(path) as aside, closing(sqlite3.connect(aside, isolation_level=None)) as connection:
            # The file is not in place before it is complete and synced, so a journal would protect nothing.
            for setting in ("journal_mode=OFF", "synchronous=OFF", "locking_mode=EXCLUSIVE", "cache_size=-65536"):
                connection.execute(f"PRAGMA {setting}")
            connection.execute(_CREATE)
            connection.execute("BEGIN")
            yield CatalogWriter(connection)
            connection.execute("COMMIT")
    except (OSError, sqlite3.Error) as error:
        raise CatalogError(f"could not write the catalogue {path}: {error}; check the folder and its space") from error


def write_catalog(path: Path, rows: Iterable[Mapping[str, object]]) -> int:
    """Write a catalogue with an index on ``sr_id``.

    Parameters
    ----------
    path : Path
        The catalogue to replace; it is written aside, then renamed.
    rows : iterable of mapping
        ``sr_id`` and any of `FIELDS`, stored as they are; tuples and lists are joined with ``|``.

    Returns
    -------
    int
        Number of rows written.

    Raises
    ------
    CatalogError
        If an id is missing or stands twice, or the file cannot be written; a previous catalogue stays.
    """
    count = 0
    with new_catalog(path) as writer:
        values = (tuple(_stored(row.get(column)) for column in COLUMNS) for row in rows)
        while chunk := list(islice(values, _CHUNK)):
            try:
                writer.add(chunk)
            except sqlite3.IntegrityError as error:
                raise CatalogError(
                    f"expected a new sr_id in every row, rows {count + 1} to {count + len(chunk)} hold one that is "
                    f"missing or repeated ({error}); leave such rows out"
                ) from error
            count += len(chunk)
    return count


def _stored(value: object) -> object:
    if isinstance(value, tuple | list):
        return LIST_SEPARATOR.join(str(part) for part in value) or None
    return value
