"""Recordings in shards: consecutive rows of the catalogue, in the order of their ids."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import fields
from itertools import islice

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

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
            with storage.writing(numbered("records", shard)) as path:
                pq.write_table(pa.Table.from_arrays(columns, schema=_SCHEMA), path, compression="zstd")
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
    return _recordings(pq.read_table(storage.local(numbered("records", shard))))


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
    return pq.read_table(storage.local(numbered("records", shard)), columns=[column])[column].combine_chunks()


def read_numbers(plan: Plan, column: str) -> npt.NDArray[np.float32]:
    """Read a number of every recording.

    Parameters
    ----------
    plan : Plan
        Of the run.
    column : str
        A field of `Recording` that holds one.

    Returns
    -------
    numpy.ndarray
        Shape (recordings,), float32; NaN where it is missing.
    """
    columns = [read_column(plan.storage, shard, column) for shard in range(plan.shards)]
    return np.concatenate([each.cast(pa.float32(), safe=False).to_numpy(zero_copy_only=False) for each in columns])


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
    for shard in np.unique(rows // shard_size).tolist():
        inside = rows[rows // shard_size == shard] - shard * shard_size
        found += _recordings(pq.read_table(storage.local(numbered("records", shard))).take(inside))
    return found


def read_ids(plan: Plan) -> list[str]:
    """Read the ids of all recordings.

    Parameters
    ----------
    plan : Plan
        Of the run.

    Returns
    -------
    list of str
        In the order of rows.
    """
    return [sr_id for shard in range(plan.shards) for sr_id in read_column(plan.storage, shard, "sr_id").to_pylist()]


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
    tables = (pq.read_table(plan.storage.local(numbered("records", shard))) for shard in range(plan.shards))
    return np.concatenate([sum(_known(table[name]) for name in table.column_names) for table in tables])


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
