"""How a SQLite table is asked for recordings, and what keeps it from being read in place."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from catalog.columns import Feed, match_columns
from catalog.errors import CatalogError
from catalog.ids import problem_in_table
from catalog.tables import (
    columns_of,
    connect_readonly,
    has_unique_index,
    main_table,
    quoted,
    sqlite_errors,
    uses_wal,
)

BLANKS = " \t\n\v\f\r"


@dataclass(frozen=True, slots=True)
class Layout:
    """Where the recordings of a file stand; the names are quoted for SQL.

    Attributes
    ----------
    table : str
        The table or view.
    sr_id : str
        Its column of ids.
    feeds : tuple of Feed
        Which column feeds which field, the ids first.
    """

    table: str
    sr_id: str
    feeds: tuple[Feed, ...]

    @property
    def selected(self) -> str:
        """The columns to ask for, in the order of `feeds`."""
        return ", ".join(quoted(feed.column) for feed in self.feeds)

    @property
    def usable(self) -> str:
        """The condition that a row has an id."""
        blanks = " || ".join(f"char({ord(blank)})" for blank in BLANKS)
        return f"typeof({self.sr_id}) = 'text' AND trim({self.sr_id}, {blanks}) <> ''"


def read_layout(connection: sqlite3.Connection, path: Path) -> Layout:
    """Find the recordings of a file.

    Parameters
    ----------
    connection : sqlite3.Connection
        To the file.
    path : Path
        The file, for messages.

    Returns
    -------
    Layout
        Of its table ``soundrecording``.

    Raises
    ------
    CatalogError
        If there is no such table or it lacks a column.
    """
    with sqlite_errors(path):
        table = main_table(connection, path, any_name=False)
        try:
            feeds = match_columns([column.name for column in columns_of(connection, table)])
        except CatalogError as error:
            raise CatalogError(f"{path}, table {table}: {error}") from error
    return Layout(quoted(table), quoted(feeds[0].column), feeds)


def find_obstacle(path: Path) -> str:
    """Tell why a file cannot be read in place.

    Parameters
    ----------
    path : Path
        A SQLite file with a table ``soundrecording``.

    Returns
    -------
    str
        The reason, to stand behind "because"; empty if there is none.

    Raises
    ------
    CatalogError
        If the file cannot be used at all.
    """
    with closing(connect_readonly(path)) as connection, sqlite_errors(path):
        layout = read_layout(connection, path)
        table = main_table(connection, path, any_name=False)
        ids = columns_of(connection, table)[layout.feeds[0].position]
        if not ids.is_text:
            return "sr_id is not of type TEXT"
        if not has_unique_index(connection, table, ids.name):
            return "sr_id has no unique index"
        if uses_wal(path):
            return "it keeps a write-ahead log"
        ((encoding,),) = connection.execute("PRAGMA encoding").fetchall()
        if encoding != "UTF-8":
            return f"its texts are stored as {encoding}, which sorts ids otherwise than UTF-8"
        problem = problem_in_table(connection, layout.table, layout.sr_id)
        return f"it holds ids that cannot be used as they are: {problem}" if problem else ""
