"""Opening a file of rows, whichever kind it is; CSV itself is read by `catalog.delimited`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from catalog.ddex import is_xml, open_ddex
from catalog.delimited import open_csv
from catalog.errors import CatalogError
from catalog.musicbrainz import is_json_lines, open_musicbrainz
from catalog.packed_dumps import XZ
from catalog.rows import RawRow, Source
from catalog.tables import check_file, columns_of, connect_readonly, main_table, quoted, sqlite_errors

_SQLITE, _PARQUET = b"SQLite format 3\0", b"PAR1"
_UNREADABLE = {
    b"\x1f\x8b": "a gzip archive; unpack it first",
    b"PK\x03\x04": "a zip archive or a spreadsheet; unpack it or save it as CSV",
}
_BATCH = 8_192


def open_source(path: Path, encoding: str | None, known: frozenset[str]) -> Source:
    """Look into a file; its content decides what it is, its name only what XML and JSON are too broken to show.

    Parameters
    ----------
    path : Path
        CSV, Parquet, SQLite, a MusicBrainz dump of recordings, a DDEX message, or a folder of these.
    encoding : str or None
        Of a CSV file; ``None`` if nobody named it.
    known : frozenset of str
        Folded names of columns that are likely; they decide the delimiter of a CSV file.

    Returns
    -------
    Source
        Its columns and rows.

    Raises
    ------
    CatalogError
        If the file cannot be read or holds no table.
    """
    if path.is_dir():
        return open_ddex(path)
    check_file(path)
    with path.open("rb") as stream:
        beginning = stream.read(16)
    if beginning == _SQLITE:
        return _open_sqlite(path)
    if beginning.startswith(_PARQUET):
        return _open_parquet(path)
    if beginning.startswith(XZ) or is_json_lines(path):
        return open_musicbrainz(path)
    for magic, kind in _UNREADABLE.items():
        if beginning.startswith(magic):
            raise CatalogError(f"expected CSV, Parquet or SQLite, {path} is {kind}")
    if is_xml(path):
        return open_ddex(path)
    return open_csv(path, encoding, known)


def _open_sqlite(path: Path) -> Source:
    with closing(connect_readonly(path)) as connection, sqlite_errors(path):
        table = main_table(connection, path, any_name=True)
        columns = tuple(column.name for column in columns_of(connection, table))

    def rows(positions: Sequence[int]) -> Iterator[RawRow]:
        wanted = ", ".join(quoted(columns[position]) for position in positions)
        with closing(connect_readonly(path)) as connection, sqlite_errors(path):
            found = connection.execute(f"SELECT {wanted} FROM {quoted(table)}")  # noqa: S608 - quoted names
            for line, cells in enumerate(found, 1):
                yield RawRow(line, cells)

    return Source(path, columns, rows)


def _open_parquet(path: Path) -> Source:
    try:
        with pq.ParquetFile(path) as file:
            schema = file.schema_arrow
    except (pa.ArrowException, OSError) as error:
        raise _damaged(path, error) from error
    columns = tuple(schema.names)

    def rows(positions: Sequence[int]) -> Iterator[RawRow]:
        wanted = [columns[position] for position in positions]
        for position in positions:
            _check_name(path, columns, columns[position])
            _check_type(path, schema.field(position))
        line = 0
        try:
            with pq.ParquetFile(path) as file:
                for batch in file.iter_batches(_BATCH, columns=wanted):
                    cells = [batch.column(name).to_pylist() for name in wanted]
                    for line, values in enumerate(zip(*cells, strict=True), line + 1):  # noqa: B020
                        yield RawRow(line, values)
        except (pa.ArrowException, OSError, ValueError) as error:
            raise _damaged(path, error) from error

    return Source(path, columns, rows)


def _check_name(path: Path, columns: Sequence[str], name: str) -> None:
    if columns.count(name) > 1:
        raise CatalogError(f"expected one column {name} in {path}, found it twice; rename one of them")


def _check_type(path: Path, field: pa.Field) -> None:
    inner = field.type
    while pa.types.is_list(inner) or pa.types.is_large_list(inner) or pa.types.is_fixed_size_list(inner):
        inner = inner.value_type
    if pa.types.is_nested(inner):
        raise CatalogError(
            f"expected text, numbers or lists of them in the column {field.name} of {path}, found {field.type}; "
            "write the part that is wanted as a column of its own"
        )


def _damaged(path: Path, error: Exception) -> CatalogError:
    return CatalogError(f"expected a readable Parquet file in {path}, got: {error}; check that the file is complete")
