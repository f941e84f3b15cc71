"""The SQLite file that reviewers' verdicts are appended to: nothing in it is ever changed or removed."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

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
        SQLite file; made if it is not there.

    Yields
    ------
    sqlite3.Connection
        Within a transaction, which is on the disk when the block ends.

    Raises
    ------
    InputError
        If it cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with opened_labels(path) as connection, connection:
        connection.executescript(_SCHEMA)
        connection.execute("BEGIN IMMEDIATE")
        yield connection


def is_complete(connection: sqlite3.Connection, tables: Collection[str] = _OF_DOUBTS) -> bool:
    """Tell whether a file knows of doubts and of what was undone; older ones do when they are next added to.

    Parameters
    ----------
    connection : sqlite3.Connection
        From `opened_labels`.
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
