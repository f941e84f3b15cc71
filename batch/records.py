"""Recordings in shards: consecutive rows of the catalogue, in the order of their ids.

Shards are mapped, not read: who wants a few recordings of each reads little more than these.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import fields
from itertools import islice

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from batch.plan import Plan, numbered
from batch.storage import Storage
from catalog.recording import Recording

Rows = npt.NDArray[np.int64]

_TYPES = {
    "artists": pa.list_(pa.string()),
    "isrcs": pa.list_(pa.string()),
    "contributors": pa.list_(pa.string()),
    "duration_ms": pa.int64(),
    "release_year": pa.int64(),
}
_SCHEMA = pa.schema([(field.name, _TYPES.get(field.name, pa.string())) for field in fields(Recording)])
_LISTS = frozenset(name for name, kind in _TYPES.items() if pa.types.is_list(kind))


def write_shards(storage: Storage, recordings: Iterable[Recording], shard_size: int) -> int:
    """Cut a catalogue into shards, in bounded memory.

    Parameters
    ----------
    storage : Storage
        Where to; shards that are there already are not written again.
    recordings : iterable of Recording
        In the order of their ids.
    shard_size : int
        Recordings in a shard; the last has fewer.

    Returns
    -------
    int
        Recordings.
    """
    remaining = iter(recordings)
    shard = total = 0
    while batch := list(islice(remaining, shard_size)):
        if not storage.holds(numbered("records", shard)):
            columns = [
                pa.array([getattr(recording, field.name) for recording in batch], type=field.type) for field in _SCHEMA
            ]
            with (
                storage.writing(numbered("records", shard)) as path,
                pa.OSFile(str(path), "wb") as stream,
                pa.ipc.new_file(stream, _SCHEMA) as writer,
            ):
                writer.write_table(pa.Table.from_arrays(columns, schema=_SCHEMA))
        shard += 1
        total += len(batch)
    return total


def read_shard(storage: Storage, shard: int) -> list[Recording]:
    """Read the recordings of a shard.

    Parameters
    ----------
    storage : Storage
        Where they are.
    shard : int
        Its number.

    Returns
    -------
    list of Recording
        In the order of their ids.
    """
    return _recordings(_mapped(storage, shard))


def read_column(storage: Storage, shard: int, column: str) -> pa.Array:
    """Read one column of a shard.

    Parameters
    ----------
    storage : Storage
        Where it is.
    shard : int
        Its number.
    column : str
        A field of `Recording`.

    Returns
    -------
    pyarrow.Array
        A value for each recording.
    """
    return _mapped(storage, shard)[column].combine_chunks()


def read_numbers(plan: Plan, column: str, rows: Rows) -> npt.NDArray[np.float32]:
    """Read a number of some recordings.

    Parameters
    ----------
    plan : Plan
        Of the run.
    column : str
        A field of `Recording` that holds one.
    rows : numpy.ndarray
        Shape (n,), int64, of the catalogue.

    Returns
    -------
    numpy.ndarray
        Shape (n,), float32; NaN where it is missing.
    """
    numbers = np.empty(len(rows), dtype=np.float32)
    for shard, places in by_shard(rows, plan.shard_size):
        known = read_column(plan.storage, shard, column).cast(pa.float32(), safe=False)
        numbers[places] = known.to_numpy(zero_copy_only=False)[rows[places] - shard * plan.shard_size]
    return numbers


def by_shard(rows: Rows, shard_size: int) -> Iterator[tuple[int, Rows]]:
    """Say which shards rows stand in.

    Parameters
    ----------
    rows : numpy.ndarray
        Shape (n,), int64, of the catalogue.
    shard_size : int
        Recordings in a shard.

    Yields
    ------
    (int, numpy.ndarray)
        A shard, ascending, and the places in `rows` of those that it holds, ascending.
    """
    shards = rows // shard_size
    order = np.argsort(shards, kind="stable")
    found, starts = np.unique(shards[order], return_index=True)
    yield from zip(found.tolist(), np.split(order, starts[1:]), strict=False)


def read_rows(storage: Storage, rows: Rows, shard_size: int) -> list[Recording]:
    """Read recordings out of many shards.

    Parameters
    ----------
    storage : Storage
        Where they are.
    rows : numpy.ndarray
        Shape (n,), int64, ascending rows of the catalogue.
    shard_size : int
        As they were written.

    Returns
    -------
    list of Recording
        In the order of `rows`.
    """
    found: list[Recording] = []
    for shard, places in by_shard(rows, shard_size):
        found += _recordings(_mapped(storage, shard).take(rows[places] - shard * shard_size))
    return found


def read_ids(plan: Plan) -> pa.LargeStringArray:
    """Read the ids of all recordings.

    Parameters
    ----------
    plan : Plan
        Of the run.

    Returns
    -------
    pyarrow.LargeStringArray
        In the order of rows.
    """
    columns = [read_column(plan.storage, shard, "sr_id") for shard in range(plan.shards)]
    return pa.concat_arrays([column.cast(pa.large_string()) for column in columns])


def fullness(plan: Plan) -> Rows:
    """Count what is known of every recording.

    Parameters
    ----------
    plan : Plan
        Of the run.

    Returns
    -------
    numpy.ndarray
        Shape (recordings,), int64: fields that are not missing.
    """
    tables = (_mapped(plan.storage, shard) for shard in range(plan.shards))
    return np.concatenate([sum(_known(table[name]) for name in table.column_names) for table in tables])


def _mapped(storage: Storage, shard: int) -> pa.Table:
    with pa.memory_map(str(storage.local(numbered("records", shard)))) as stream:
        return pa.ipc.open_file(stream).read_all()


def _known(column: pa.ChunkedArray) -> Rows:
    if pa.types.is_list(column.type):
        column = pc.if_else(pc.equal(pc.list_value_length(column), 0), None, pc.list_value_length(column))
    known: Rows = pc.is_valid(column).to_numpy().astype(np.int64)
    return known


def _recordings(table: pa.Table) -> list[Recording]:
    columns = [_values(table, name) for name in _SCHEMA.names]
    return [Recording(*values) for values in zip(*columns, strict=True)]


def _values(table: pa.Table, name: str) -> Sequence[object]:
    values = table[name].to_pylist()
    return [tuple(each) for each in values] if name in _LISTS else values
