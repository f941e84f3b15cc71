"""Looking into somebody's SQLite file without changing anything in its folder."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from catalog.errors import CatalogError

TABLE = "soundrecording"
_WAL_VERSION = b"\x02"


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table.

    Attributes
    ----------
    name : str
        As the file spells it.
    declared : str
        Its declared type, possibly empty.
    """

    name: str
    declared: str

    @property
    def is_text(self) -> bool:
        """Whether SQLite stores whatever is put there as text (https://sqlite.org/datatype3.html, section 3.1)."""
        declared = self.declared.upper()
        return "INT" not in declared and any(word in declared for word in ("CHAR", "CLOB", "TEXT"))


def connect_readonly(path: Path) -> sqlite3.Connection:
    """Open somebody's SQLite file so that neither it nor its folder changes.

    Parameters
    ----------
    path : Path
        The file, whatever characters its name holds.

    Returns
    -------
    sqlite3.Connection
        Read-only, usable from any thread by one at a time; undecodable bytes in texts are replaced.

    Raises
    ------
    CatalogError
        If there is no such file, it is not a database, or another program left it half written.
    """
    check_file(path)
    options = "mode=ro"
    log, shared = path.with_name(f"{path.name}-wal"), path.with_name(f"{path.name}-shm")
    logs, has_log = uses_wal(path), log.is_file()
    if not has_log or log.stat().st_size == 0:
        if logs or has_log:
            options = "mode=ro&immutable=1"  # without this, reading would leave -wal and -shm beside the file
    elif not logs:
        raise CatalogError(
            f"{path} keeps no write-ahead log, but {log.name} lies beside it: it is what another database left there, "
            "and SQLite would mix the two; move it away"
        )
    elif not shared.is_file():
        raise CatalogError(
            f"{path} has unfinished changes in {log.name}; close the program that writes it, or run: "
            f"sqlite3 {path.name} 'PRAGMA wal_checkpoint(TRUNCATE)'"
        )
    with sqlite_errors(path):
        connection = sqlite3.connect(f"{path.resolve().as_uri()}?{options}", uri=True, check_same_thread=False)
        try:
            connection.text_factory = _decode
            connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        except BaseException:
            connection.close()
            raise
    return connection


@contextmanager
def sqlite_errors(path: Path) -> Iterator[None]:
    """Turn what SQLite raises about a file into an error that says what to do.

    Parameters
    ----------
    path : Path
        The file that is being read.

    Yields
    ------
    None

    Raises
    ------
    CatalogError
        For every error of SQLite within the block.
    """
    try:
        yield
    except sqlite3.Error as error:
        raise CatalogError(
            f"expected a readable SQLite database in {path}, got: {error}; check that the file is complete, "
            "or convert it with: onemaster import FILE"
        ) from error


def check_file(path: Path) -> None:
    """Check that a path names a file that has a content.

    Parameters
    ----------
    path : Path
        The file.

    Raises
    ------
    CatalogError
        If it is absent, a folder, empty or unreadable.
    """
    try:
        if path.is_dir():
            raise CatalogError(f"expected a file, {path} is a folder; name the file in it")
        with path.open("rb") as stream:
            if not stream.read(1):
                raise CatalogError(f"expected a catalogue in {path}, the file is empty; deliver it again")
    except FileNotFoundError as error:
        raise CatalogError(f"expected a file {path}, found none: check the path") from error
    except (OSError, ValueError) as error:
        raise CatalogError(f"expected a readable file {path}, got: {error}; check the path") from error


def uses_wal(path: Path) -> bool:
    """Tell whether a database keeps a write-ahead log.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    bool
        After the format version in its header (https://sqlite.org/fileformat.html, section 1.3.3).
    """
    with path.open("rb") as stream:
        return stream.read(20)[18:] == _WAL_VERSION * 2


def main_table(connection: sqlite3.Connection, path: Path, any_name: bool) -> str:
    """Find the table that describes the recordings.

    Parameters
    ----------
    connection : sqlite3.Connection
        To the file.
    path : Path
        The file, for messages.
    any_name : bool
        Whether the only table of a file may have another name than ``soundrecording``.

    Returns
    -------
    str
        Name of the table or view, as the file spells it.

    Raises
    ------
    CatalogError
        If there is no such table.
    """
    query = "SELECT name FROM sqlite_schema WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
    found = [str(name) for (name,) in connection.execute(query)]
    named = [name for name in found if name.casefold() == TABLE]
    if named or (any_name and len(found) == 1):
        return (named or found)[0]
    raise CatalogError(
        f"expected a table {TABLE} in {path}, found the tables: {', '.join(sorted(found)) or 'none'}; "
        f"rename the table that holds the recordings, or export it and run: onemaster import FILE"
    )


def columns_of(connection: sqlite3.Connection, table: str) -> list[Column]:
    """List the columns of a table.

    Parameters
    ----------
    connection : sqlite3.Connection
        To the file.
    table : str
        Its name.

    Returns
    -------
    list of Column
        In the order of the table; generated ones included.
    """
    query = "SELECT name, type FROM pragma_table_xinfo(?) WHERE hidden <> 1"
    return [Column(name, declared) for name, declared in connection.execute(query, (table,))]


def has_unique_index(connection: sqlite3.Connection, table: str, column: str) -> bool:
    """Tell whether SQLite itself keeps the values of a column apart, byte by byte.

    Parameters
    ----------
    connection : sqlite3.Connection
        To the file.
    table : str
        Its name.
    column : str
        Its name as the file spells it.

    Returns
    -------
    bool
        Whether there is a unique index, not partial, on this column alone, with the collation BINARY; that of a primary
        key counts.
    """
    indexes = connection.execute('SELECT name FROM pragma_index_list(?) WHERE "unique" AND NOT partial', (table,))
    keys = 'SELECT name, coll FROM pragma_index_xinfo(?) WHERE "key"'
    return any(connection.execute(keys, index).fetchall() == [(column, "BINARY")] for index in indexes.fetchall())


def quoted(name: str) -> str:
    """Quote the name of a table or column for SQL.

    Parameters
    ----------
    name : str
        As the file spells it.

    Returns
    -------
    str
        In double quotes, those inside doubled.
    """
    return '"' + name.replace('"', '""') + '"'


def marks(count: int) -> str:
    """Write placeholders for bound parameters.

    Parameters
    ----------
    count : int
        How many.

    Returns
    -------
    str
        Question marks with commas.
    """
    return ",".join("?" * count)


def _decode(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")
