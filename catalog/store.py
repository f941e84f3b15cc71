"""The catalogue that everything downstream reads: recordings by id, in order, and their digest."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from hashlib import blake2b
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Self

from catalog.columns import COLUMNS, FIELDS, Feed
from catalog.copies import indexed_copy
from catalog.digests import Digested
from catalog.errors import UnknownRecordingError
from catalog.layout import BLANKS, find_obstacle, read_layout
from catalog.recording import Recording
from catalog.remembered import file_state, remembered_digest
from catalog.tables import TABLE, connect_readonly, marks, sqlite_errors
from catalog.writer import kept_row, write_catalog

__all__ = ["COLUMNS", "FIELDS", "TABLE", "Catalog", "write_catalog"]

_CHUNK = 900  # below the 999 variables that every build of SQLite allows
_CACHE_KIB = 64 << 10


class Catalog:
    """Recordings of a SQLite file, which is only ever read; threads may share one catalogue.

    Rows whose id is NULL, blank or no text do not count.

    Parameters
    ----------
    path : Path
        A file that `Catalog.open` found usable; call that instead.
    copied : bool
        Whether it is our copy of somebody's file and keeps the rows of that.
    notes : Path, optional
        Folder in which the digest is remembered.
    """

    def __init__(self, path: Path, copied: bool = False, notes: Path | None = None) -> None:
        self.path = path
        self._copied = copied
        self._notes = notes
        self._opened = file_state(path)
        self._lock = threading.Lock()
        self._connection = connect_readonly(path)
        try:
            self._connection.execute(f"PRAGMA cache_size=-{_CACHE_KIB}")
            self._connection.create_function("id_hash", 1, _id_hash, deterministic=True)
            self._layout = read_layout(self._connection, path)
        except BaseException:
            self._connection.close()
            raise
        self._recording = _reader(self._layout.feeds)

    @classmethod
    def open(cls, path: Path, copies: Path) -> Self:
        """Open a catalogue.

        A file in UTF-8 without a write-ahead log, whose table has usable ids of type TEXT under a unique index, is read
        in place. Of every other one, an indexed copy is made and used, and made anew when the file has changed.

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
        obstacle = find_obstacle(path)
        read = indexed_copy(path, copies, obstacle) if obstacle else path
        return cls(read, copied=bool(obstacle), notes=copies)

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
        return self._read()

    def drawn(self, most: int) -> Iterator[Recording]:
        """Draw recordings by a hash of their ids, so that whoever is drawn once is drawn again.

        Parameters
        ----------
        most : int
            About how many.

        Returns
        -------
        iterator of Recording
            In the order of their ids; all of them if there are no more.
        """
        count = len(self)
        if count <= most:
            return self._read()
        return self._read(f"AND id_hash({self._layout.sr_id}) < ?", ((most << 32) // count,))

    def _read(self, condition: str = "", parameters: tuple[int, ...] = ()) -> Iterator[Recording]:
        layout = self._layout
        query = (
            f"SELECT {layout.selected} FROM {layout.table} WHERE {layout.usable} {condition} "  # noqa: S608 - quoted names
            f"ORDER BY {layout.sr_id} COLLATE BINARY"
        )
        with self._lock, sqlite_errors(self.path):
            cursor = self._connection.execute(query, parameters)
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
            Column to value, every column of the original table; undecodable bytes are replaced, so the values are text,
            numbers and ``None``.

        Raises
        ------
        UnknownRecordingError
            If the catalogue does not hold it.
        """
        with self._lock, sqlite_errors(self.path):
            row = self._row(sr_id) if _can_exist(sr_id) else None
        if row is None:
            raise UnknownRecordingError(sr_id)
        return row

    def digest(self) -> str:
        """Digest the content: ids and all `FIELDS`, in the order of the ids.

        Returns
        -------
        str
            SHA-256, hexadecimal. The order in which rows were written, further columns and the spelling of missing
            values do not change it. Remembered from one opening to the next as long as the file does not change.
        """
        return remembered_digest(self.path, self._opened, self._notes, self._digest) if self._notes else self._digest()

    def _digest(self) -> str:
        digested = Digested(self)
        deque(digested, maxlen=0)
        return digested.hexdigest()

    def _row(self, sr_id: str) -> dict[str, object] | None:
        if self._copied:
            return kept_row(self._connection, sr_id)
        layout = self._layout
        query = f"SELECT * FROM {layout.table} WHERE {layout.sr_id} COLLATE BINARY = ?"  # noqa: S608 - quoted names
        cursor = self._connection.execute(query, (sr_id,))
        names = [column[0] for column in cursor.description]
        values = cursor.fetchone()
        if values is None:
            return None
        return {
            name: value.decode("utf-8", "replace") if isinstance(value, bytes) else value
            for name, value in zip(names, values, strict=True)
        }

    def _fetch(self, query: str, values: Sequence[str]) -> list[tuple[object, ...]]:
        with self._lock, sqlite_errors(self.path):
            return self._connection.execute(query, values).fetchall()


def _id_hash(sr_id: str) -> int:
    return int.from_bytes(blake2b(sr_id.encode(), digest_size=4).digest())


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
    if not sr_id.strip(BLANKS):
        return False
    try:
        sr_id.encode()
    except UnicodeEncodeError:  # a lone surrogate, which JSON can carry and SQLite cannot hold
        return False
    return True
