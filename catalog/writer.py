"""Writing a catalogue: aside first, put in place when it is complete."""

from __future__ import annotations

import json
import logging
import sqlite3
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from itertools import islice
from pathlib import Path

from catalog.aside import write_aside
from catalog.columns import COLUMNS, FIELDS
from catalog.errors import CatalogError
from catalog.ids import problem_as_it_is
from catalog.recording import LIST_SEPARATOR
from catalog.tables import TABLE, connect_readonly, marks, sqlite_errors, uses_wal

logger = logging.getLogger(__name__)

_NUMBERS = frozenset({"duration_ms", "release_year"})
_CHUNK = 1_000
CREATE = f"CREATE TABLE {TABLE} (sr_id TEXT PRIMARY KEY NOT NULL, {{}}) WITHOUT ROWID".format(
    ", ".join(f"{field} {'INTEGER' if field in _NUMBERS else 'TEXT'}" for field in FIELDS)
)
_MARKS = ", ".join("?" * len(COLUMNS))
_KEPT = "row_as_stored"
_CREATE_KEPT = f"CREATE TABLE {_KEPT} (sr_id TEXT PRIMARY KEY NOT NULL, content TEXT NOT NULL) WITHOUT ROWID"
CREATE_USED = "CREATE TABLE used_columns (delivery INTEGER NOT NULL, field TEXT NOT NULL, name TEXT NOT NULL)"
_BESIDE = ("-wal", "-shm", "-journal")
_PATIENCE_S = 1.0
_INSERT = f"INSERT INTO {TABLE} VALUES ({_MARKS})"  # noqa: S608 - our own constants


class CatalogWriter:
    """Rows on their way into a new catalogue file; see `new_catalog`.

    Parameters
    ----------
    connection : sqlite3.Connection
        To a file that holds the empty table.
    """

    adds = False
    """Whether there is a catalogue already, to which rows are added."""

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

    def add(self, rows: Sequence[Sequence[object]], delivered: Collection[str] = COLUMNS) -> None:  # noqa: ARG002
        """Write rows.

        Parameters
        ----------
        rows : sequence of sequence
            Values in the order of `COLUMNS`; ids that are new.
        delivered : collection of str
            The fields that the file of the rows has columns for.

        Raises
        ------
        CatalogError
            If SQLite cannot hold a value.
        """
        try:
            self._connection.executemany(_INSERT, rows)
        except (OverflowError, UnicodeEncodeError) as error:
            raise CatalogError(f"expected text and 64-bit numbers, got a value that is neither: {error}") from error

    def keep(self, rows: Sequence[tuple[object, str]]) -> None:
        """Write rows as their files have them.

        Parameters
        ----------
        rows : sequence of tuple
            Ids that are new, each with a JSON object from column to value; read by `kept_row`.
        """
        self._connection.executemany(f"INSERT INTO {_KEPT} VALUES (?, ?)", rows)  # noqa: S608 - our own constant

    def remember(self, used: Sequence[Mapping[str, str]]) -> None:
        """Write down which columns fed which fields, so that later deliveries are read alike.

        Parameters
        ----------
        used : sequence of mapping
            Of each file, ours to theirs; read by `used_columns`.
        """
        self._connection.execute(CREATE_USED)
        rows = [(number, *names) for number, columns in enumerate(used) for names in columns.items()]
        self._connection.executemany("INSERT INTO used_columns VALUES (?, ?, ?)", rows)


def used_columns(path: Path) -> list[dict[str, str]]:
    """Read which columns of the imported files fed which fields.

    Parameters
    ----------
    path : Path
        A catalogue of ours.

    Returns
    -------
    list of dict
        Of each file, one of `catalog.columns.NAMES` to its column; empty for a catalogue from before this was kept.
    """
    used: dict[int, dict[str, str]] = {}
    with closing(connect_readonly(path)) as connection, sqlite_errors(path):
        if connection.execute("SELECT 1 FROM sqlite_schema WHERE name = 'used_columns'").fetchall():
            for delivery, field, name in connection.execute("SELECT delivery, field, name FROM used_columns"):
                used.setdefault(delivery, {})[field] = name
    return list(used.values())


def kept_row(connection: sqlite3.Connection, sr_id: str) -> dict[str, object] | None:
    """Read a row as its file had it.

    Parameters
    ----------
    connection : sqlite3.Connection
        To a catalogue that keeps rows.
    sr_id : str
        Its id.

    Returns
    -------
    dict or None
        Column to value; ``None`` if there is no such row.
    """
    query = f"SELECT content FROM {_KEPT} WHERE sr_id = ?"  # noqa: S608 - our own constant
    found = connection.execute(query, (sr_id,)).fetchone()
    return dict(json.loads(found[0])) if found else None


@contextmanager
def new_catalog(path: Path, keep_rows: bool = False) -> Iterator[CatalogWriter]:
    """Write a catalogue file aside and put it in place in one step at the end.

    Parameters
    ----------
    path : Path
        The catalogue to replace.
    keep_rows : bool
        Whether rows can be kept as their files have them, too.

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
        with write_aside(path) as aside:
            with closing(sqlite3.connect(aside, isolation_level=None)) as connection:
                # The file is not in place before it is complete and synced, so a journal would protect nothing.
                for setting in ("journal_mode=OFF", "synchronous=OFF", "locking_mode=EXCLUSIVE", "cache_size=-65536"):
                    connection.execute(f"PRAGMA {setting}")
                connection.execute(CREATE)
                if keep_rows:
                    connection.execute(_CREATE_KEPT)
                connection.execute("BEGIN")
                yield CatalogWriter(connection)
                connection.execute("COMMIT")
            clear_place(path)
    except (OSError, sqlite3.Error) as error:
        raise CatalogError(f"could not write the catalogue {path}: {error}; check the folder and its space") from error


def clear_place(path: Path) -> None:
    """Remove logs and journals beside a catalogue that is to be replaced: SQLite applies them to whatever is there.

    What they hold is first put into that catalogue, so that it is still whole if we die before it is replaced.

    Parameters
    ----------
    path : Path
        The catalogue; need not exist.

    Raises
    ------
    CatalogError
        If another program is using them.
    """
    beside = [path.with_name(f"{path.name}{ending}") for ending in _BESIDE]
    if not any(file.exists() for file in beside):
        return
    if path.is_file() and not path.is_symlink():  # of a link, only the link is replaced
        if not uses_wal(path):
            beside[0].unlink(missing_ok=True)  # of some other database; SQLite would write it into this one
        try:
            _fold(path)
        except sqlite3.OperationalError as error:
            raise CatalogError(
                f"expected to replace {path}, SQLite could not bring in what lies unfinished beside it: {error}; close "
                "the program that is using it and repeat"
            ) from error
        except sqlite3.DatabaseError:
            logger.warning("%s is replaced and was no readable database; what lay beside it is removed", path)
    for file in beside:
        file.unlink(missing_ok=True)


def _fold(path: Path) -> None:
    uri = f"{path.resolve().as_uri()}?mode=rw"
    with closing(sqlite3.connect(uri, uri=True, timeout=_PATIENCE_S, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode=DELETE").fetchall()
        connection.execute("BEGIN EXCLUSIVE")
        connection.execute("COMMIT")


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
        If an id cannot be used as it is or stands twice, or the file cannot be written; a previous catalogue stays.
    """
    count = 0
    with new_catalog(path) as writer:
        values = (tuple(_stored(row.get(column)) for column in COLUMNS) for row in rows)
        while chunk := list(islice(values, _CHUNK)):
            for sr_id, *_ in chunk:
                problem = problem_as_it_is(sr_id)
                if problem:
                    raise CatalogError(f"expected a usable sr_id in every row, got {sr_id!r}: {problem}; leave it out")
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
