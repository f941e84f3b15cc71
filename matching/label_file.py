"""The SQLite file that reviewers' verdicts are appended to: nothing in it is ever changed or removed."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path
from zlib import crc32

from catalog.errors import InputError

_WAIT_SECONDS = 10.0
_TABLE = """
CREATE TABLE IF NOT EXISTS label (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    q_sr_id TEXT NOT NULL,
    m_sr_id TEXT NOT NULL,
    tag TEXT NOT NULL CHECK (tag IN ('valid', 'invalid')),
    reviewer TEXT NOT NULL,
    labelled_at TEXT NOT NULL,
    note TEXT,
    match_probability REAL,
    model TEXT
);
CREATE INDEX IF NOT EXISTS label_pair ON label (q_sr_id, m_sr_id);
CREATE TABLE IF NOT EXISTS unsure (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    q_sr_id TEXT NOT NULL,
    m_sr_id TEXT NOT NULL,
    reviewer TEXT NOT NULL,
    said_at TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS undone (
    said TEXT NOT NULL CHECK (said IN ('label', 'unsure')),
    number INTEGER NOT NULL,
    undone_at TEXT NOT NULL,
    PRIMARY KEY (said, number)
);
CREATE TABLE IF NOT EXISTS blind (number INTEGER PRIMARY KEY);
"""
_TRIGGER = """
CREATE TRIGGER IF NOT EXISTS {table}_no_{change} BEFORE {change} ON {table}
BEGIN SELECT RAISE(ABORT, 'labels are appended, never {done}'); END;
"""
_OF_DOUBTS = ("unsure", "undone")
_TABLES = ("label", *_OF_DOUBTS, "blind")
_EVERYTHING = "SELECT * FROM {table} ORDER BY 1"
_SAME = "SELECT id FROM {table} WHERE {same}"
_ADDED = "INSERT INTO {table} (id, {columns}) VALUES (?, {places})"
_TAKEN = "SELECT 1 FROM {table} WHERE id = ?"
_HIGHEST = "SELECT coalesce(max(id), 0) FROM {table}"
_ANYTHING = "SELECT 1 FROM sqlite_master"
_SCHEMA = _TABLE + "".join(
    _TRIGGER.format(table=table, change=change, done=done)
    for table in _TABLES
    for change, done in (("update", "changed"), ("delete", "removed"))
)


@contextmanager
def writing_labels(path: Path) -> Iterator[sqlite3.Connection]:
    """Open a file of labels to add to it, alone and all or nothing.

    Parameters
    ----------
    path : Path
        SQLite file; made if it is not there, but not its folder.

    Yields
    ------
    sqlite3.Connection
        Within a transaction, which is on the disk when the block ends.

    Raises
    ------
    InputError
        If it cannot be written.
    """
    with opened_labels(path) as connection, connection:
        connection.executescript(_SCHEMA)
        connection.execute("BEGIN IMMEDIATE")
        yield connection


def merge_labels(source: Path, into: Path) -> int:
    """Add what one file of labels has and another has not.

    Parameters
    ----------
    source : Path
        SQLite file; only read.
    into : Path
        SQLite file; made if it is not there. What it has keeps its numbers.

    Returns
    -------
    int
        How many verdicts, doubts, undoings and notes of blind verdicts were added.

    Raises
    ------
    InputError
        If one of them cannot be used.
    """
    with reading_labels(source) as connection:
        connection.execute("BEGIN")  # all tables as they are at one moment
        there = [table for table in _TABLES if is_complete(connection, (table,))]
        said = {table: connection.execute(_EVERYTHING.format(table=table)).fetchall() for table in there}
    with writing_labels(into) as connection:
        before, numbers = connection.total_changes, {}
        for table in ("label", "unsure"):
            for number, *row in said.get(table, []):
                numbers[table, number] = _number_of(connection, table, number, row)
        undone = [(table, numbers[table, number], at) for table, number, at in said.get("undone", [])]
        connection.executemany("INSERT OR IGNORE INTO undone VALUES (?, ?, ?)", undone)
        blind = [(numbers["label", number],) for (number,) in said.get("blind", [])]
        connection.executemany("INSERT OR IGNORE INTO blind VALUES (?)", blind)
        return connection.total_changes - before


def next_number(connection: sqlite3.Connection, table: str, at: str, said: str) -> int:
    """Give what is said next a number: ascending in time, also among services.

    Parameters
    ----------
    connection : sqlite3.Connection
        From `writing_labels`.
    table : str
        ``label`` or ``unsure``.
    at : str
        When it was said, ISO 8601.
    said : str
        Of whom and what, so that two services seldom give one number.

    Returns
    -------
    int
        The millisecond and three digits, or the one behind the highest that is there, if that is higher. Programs in
        JavaScript read it exactly.
    """
    ((highest,),) = connection.execute(_HIGHEST.format(table=table))
    try:
        millisecond = int(datetime.fromisoformat(at).timestamp() * 1_000)
    except ValueError:  # an older program has said when in words of its own
        millisecond = 0
    return max(millisecond * 1_000 + crc32(said.encode("utf-8", "replace")) % 1_000, int(highest) + 1)


def _number_of(connection: sqlite3.Connection, table: str, number: int, row: Sequence[object]) -> int:
    """Find a row by all that it says, or add it, by its own number if that is free."""
    names = [name for (_, name, *_) in connection.execute(f"PRAGMA table_info({table})")][1:]
    same = " AND ".join(f"{name} IS ?" for name in names)
    found = connection.execute(_SAME.format(table=table, same=same), row).fetchone()
    if found:
        return int(found[0])
    if connection.execute(_TAKEN.format(table=table), (number,)).fetchone():
        ((number,),) = connection.execute(_HIGHEST.format(table=table))
        number += 1
    columns, places = ", ".join(names), ", ".join("?" for _ in names)
    connection.execute(_ADDED.format(table=table, columns=columns, places=places), (number, *row))
    return number


def is_complete(connection: sqlite3.Connection, tables: Collection[str] = _OF_DOUBTS) -> bool:
    """Tell whether a file knows of doubts and of what was undone; older ones do when they are next added to.

    Parameters
    ----------
    connection : sqlite3.Connection
        From `reading_labels`.
    tables : collection of str
        That have to be there.

    Returns
    -------
    bool
        Whether they are.
    """
    found = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    return {name for (name,) in found}.issuperset(tables)


@contextmanager
def reading_labels(path: Path) -> Iterator[sqlite3.Connection]:
    """Open a file of labels to read it.

    Parameters
    ----------
    path : Path
        SQLite file. Where it is not there, or has no tables, as a full disk leaves it, nothing has been said yet.

    Yields
    ------
    sqlite3.Connection
        Closed when the block ends.

    Raises
    ------
    InputError
        If it cannot be used.
    """
    if path.is_file():
        with opened_labels(path) as connection:
            if connection.execute(_ANYTHING).fetchone():
                yield connection
                return
    with closing(sqlite3.connect(":memory:")) as nothing:
        nothing.executescript(_SCHEMA)
        yield nothing


@contextmanager
def opened_labels(path: Path) -> Iterator[sqlite3.Connection]:
    """Open a file of labels.

    Parameters
    ----------
    path : Path
        SQLite file.

    Yields
    ------
    sqlite3.Connection
        Closed when the block ends.

    Raises
    ------
    InputError
        If it cannot be used.
    """
    try:
        with closing(sqlite3.connect(path, timeout=_WAIT_SECONDS)) as connection:
            connection.execute("PRAGMA synchronous=FULL")
            yield connection
    except sqlite3.Error as error:
        raise InputError(
            f"expected a SQLite file of labels in {path} that can be used, got: {error}; nothing was written: "
            "try again, or move the file away"
        ) from error
