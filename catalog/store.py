"""The catalogue that everything downstream reads: recordings by id, in order, and their digest."""

from __future__ import annotations

import hashlib
import json
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from operator import attrgetter
from pathlib import Path
from types import TracebackType
from typing import Self

from catalog.columns import COLUMNS, FIELDS, Feed, match_columns
from catalog.copies import indexed_copy
from catalog.errors import CatalogError, UnknownRecordingError
from catalog.recording import Recording
from catalog.tables import (
    TABLE,
    columns_of,
    connect_readonly,
    has_unique_index,
    main_table,
    marks,
    quoted,
    sqlite_errors,
    uses_wal,
)
from catalog.writer import write_catalog

__all__ = ["COLUMNS", "FIELDS", "TABLE", "Catalog", "write_catalog"]

_CHUNK = 900  # below the 999 variables that every build of SQLite allows
_CACHE_KIB = 64 << 10
_BLANKS = " \t\n\v\f\r"


@dataclass(frozen=True, slots=True)
class _Layout:
    """How to ask a table for recordings; `obstacle` says why it cannot be used as it is, if so."""

    table: str
    sr_id: str
    feeds: tuple[Feed, ...]
    obstacle: str

    @property
    def selected(self) -> str:
        return ", ".join(quoted(feed.column) for feed in self.feeds)

    @property
    def usable(self) -> str:
        blanks = " || ".join(f"char({ord(blank)})" for blank in _BLANKS)
        return f"typeof({self.sr_id}) = 'text' AND trim({self.sr_id}, {blanks}) <> ''"


class Catalog:
    """Recordings of a SQLite file, which is only ever read; threads may share one catalogue.

    Rows whose id is NULL, blank or no text do not count.

    Parameters
    ----------
    path : Path
        A file that `Catalog.open` found usable; call that instead.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._connection = connect_readonly(path)
        try:
            self._connection.execute(f"PRAGMA cache_size=-{_CACHE_KIB}")
            self._layout = _layout(self._connection, path)
        except BaseException:
            self._connection.close()
            raise
        self._recording = _reader(self._layout.feeds)

    @classmethod
    def open(cls, path: Path, copies: Path) -> Self:
        """Open a catalogue.

        A file whose table has ids of type TEXT under a unique index is read in place. Of every other one, an indexed
        copy is made and used, and made anew when the file has changed.

        Parameters
        ----------
        path : Path
            SQLite file with a table ``soundrecording``.
        copies : Path
            Folder for our copies; created if needed.

        Returns
        -------
        Catalog
            To be closed, or used in a ``with`` statement.

        Raises
        ------
        CatalogError
            If the file cannot be used.
        """
        original = cls(path)
        if not original._layout.obstacle:
            return original
        original.close()
        return cls(indexed_copy(path, copies, original._layout.obstacle))

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __len__(self) -> int:
        layout = self._layout
        query = f"SELECT count(*) FROM {layout.table} WHERE {layout.usable}"  # noqa: S608 - quoted names
        return int(str(self._fetch(query, ())[0][0]))

    def __contains__(self, sr_id: object) -> bool:
        return isinstance(sr_id, str) and self.get_many([sr_id])[0] is not None

    def __iter__(self) -> Iterator[Recording]:
        layout = self._layout
        query = (
            f"SELECT {layout.selected} FROM {layout.table} WHERE {layout.usable} "  # noqa: S608 - quoted names
            f"ORDER BY {layout.sr_id} COLLATE BINARY"
        )
        with self._lock, sqlite_errors(self.path):
            cursor = self._connection.execute(query)
        while True:
            with self._lock, sqlite_errors(self.path):
                rows = cursor.fetchmany(_CHUNK)
            if not rows:
                return
            yield from map(self._recording, rows)

    def get(self, sr_id: str) -> Recording:
        """Look up a recording.

        Parameters
        ----------
        sr_id : str
            Its id.

        Returns
        -------
        Recording
            As the catalogue describes it.

        Raises
        ------
        UnknownRecordingError
            If the catalogue does not hold it.
        """
        recording = self.get_many([sr_id])[0]
        if recording is None:
            raise UnknownRecordingError(sr_id)
        return recording

    def get_many(self, sr_ids: Sequence[str]) -> list[Recording | None]:
        """Look up many recordings.

        Parameters
        ----------
        sr_ids : sequence of str
            Ids, repetitions allowed.

        Returns
        -------
        list of Recording or None
            In the order of `sr_ids`; ``None`` for those that the catalogue does not hold.
        """
        layout = self._layout
        found: dict[str, Recording] = {}
        wanted = iter(dict.fromkeys(sr_id for sr_id in sr_ids if _can_exist(sr_id)))
        while chunk := tuple(islice(wanted, _CHUNK)):
            query = (
                f"SELECT {layout.selected} FROM {layout.table} "  # noqa: S608 - quoted names and question marks
                f"WHERE {layout.sr_id} COLLATE BINARY IN ({marks(len(chunk))})"
            )
            for row in self._fetch(query, chunk):
                recording = self._recording(row)
                found[recording.sr_id] = recording
        return [found.get(sr_id) for sr_id in sr_ids]

    def row(self, sr_id: str) -> dict[str, object]:
        """Look up a row as it is stored.

        Parameters
        ----------
        sr_id : str
            Its id.

        Returns
        -------
        dict
            Column to value, every column of the table (of our copy, if the original had to be copied); undecodable
            bytes are replaced, so the values are text, numbers and ``None``.

        Raises
        ------
        UnknownRecordingError
            If the catalogue does not hold it.
        """
        layout = self._layout
        query = f"SELECT * FROM {layout.table} WHERE {layout.sr_id} COLLATE BINARY = ?"  # noqa: S608 - quoted names
        with self._lock, sqlite_errors(self.path):
            cursor = self._connection.execute(query, (sr_id,)) if _can_exist(sr_id) else None
            values = cursor.fetchone() if cursor else None
        if cursor is None or values is None:
            raise UnknownRecordingError(sr_id)
        names = [column[0] for column in cursor.description]
        return {
            name: value.decode("utf-8", "replace") if isinstance(value, bytes) else value
            for name, value in zip(names, values, strict=True)
        }

    def digest(self) -> str:
        """Digest the content: ids and all `FIELDS`, in the order of the ids.

        Returns
        -------
        str
            SHA-256, hexadecimal. The order in which rows were written, further columns and the spelling of missing
            values do not change it.
        """
        digest = hashlib.sha256()
        encode = json.JSONEncoder(separators=(",", ":")).encode
        recordings = map(attrgetter(*COLUMNS), self)
        # One JSON array per chunk is a third faster than one per recording; the digest depends on the size of chunks.
        while chunk := list(islice(recordings, _CHUNK)):
            digest.update(encode(chunk).encode("ascii"))
        return digest.hexdigest()

    def _fetch(self, query: str, values: Sequence[str]) -> list[tuple[object, ...]]:
        with self._lock, sqlite_errors(self.path):
            return self._connection.execute(query, values).fetchall()


def _layout(connection: sqlite3.Connection, path: Path) -> _Layout:
    with sqlite_errors(path):
        table = main_table(connection, path, any_name=False)
        columns = columns_of(connection, table)
        try:
            feeds = match_columns([column.name for column in columns])
        except CatalogError as error:
            raise CatalogError(f"{path}, table {table}: {error}") from error
        obstacle = ""
        if not columns[feeds[0].position].is_text:
            obstacle = "sr_id is not of type TEXT"
        elif not has_unique_index(connection, table, feeds[0].column):
            obstacle = "sr_id has no unique index"
        elif uses_wal(path):
            obstacle = "it keeps a write-ahead log"
    return _Layout(quoted(table), quoted(feeds[0].column), feeds, obstacle)


def _reader(feeds: Sequence[Feed]) -> Callable[[Sequence[object]], Recording]:
    names = [feed.field for feed in feeds]
    numbers = [(feed.field, feed.parse) for feed in feeds if feed.parse]

    def recording(values: Sequence[object]) -> Recording:
        row = dict(zip(names, values, strict=True))
        for field, parse in numbers:
            row[field] = parse(row[field])
        return Recording.from_row(row)

    return recording


def _can_exist(sr_id: str) -> bool:
    if not sr_id.strip(_BLANKS):
        return False
    try:
        sr_id.encode()
    except UnicodeEncodeError:  # a lone surrogate, which JSON can carry and SQLite cannot hold
        return False
    return True
