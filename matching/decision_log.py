"""Decisions that were given, kept in Parquet files of which the oldest make room for new ones."""

from __future__ import annotations

import json
import logging
import os
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from catalog.aside import remove_remains, write_aside
from matching.features import Features

logger = logging.getLogger(__name__)

MOST_BYTES = 1 << 30
"""Of all files together."""

_ENDING = ".parquet"
_PATTERN, _ASIDE = f"2*{_ENDING}", f".2*{_ENDING}-*"
_TIME = "%Y%m%dT%H%M%S%fZ"
_NAMES = b"onemaster.features"
_SCHEMA = {
    "decided_at": pa.timestamp("ms", "UTC"),
    "route": pa.string(),
    "q_sr_id": pa.large_string(),
    "m_sr_id": pa.large_string(),
    "match_probability": pa.float64(),
    "class": pa.string(),
    "judge": pa.string(),
    "model": pa.string(),
    "index": pa.string(),
    "delta": pa.string(),
    "milliseconds": pa.float32(),
    "candidate": pa.string(),
    "candidate_probability": pa.float64(),
    "features": pa.list_(pa.float32()),
}


@dataclass(frozen=True, eq=False)
class Decided:
    """Pairs that one request asked about, and what was answered.

    Attributes
    ----------
    pairs : sequence of (str, str)
        Ids of both sides, n_pairs long.
    probabilities : numpy.ndarray
        Shape (n_pairs,), float64.
    features : numpy.ndarray
        Shape (n_pairs, n_features), float32.
    decided : sequence of str
        ``valid`` or ``invalid``, n_pairs long.
    about : mapping
        The same for all of them: ``decided_at``, ``route``, ``judge``, ``model``, ``index``, ``delta``,
        ``milliseconds``.
    names : tuple of str
        Of the features.
    """

    pairs: Sequence[tuple[str, str]]
    probabilities: npt.NDArray[np.float64]
    features: Features
    decided: Sequence[str]
    about: dict[str, object]
    names: tuple[str, ...]


def write_decisions(
    folder: Path,
    decided: Sequence[Decided],
    candidate: str | None = None,
    candidate_probabilities: Sequence[npt.NDArray[np.float64] | None] = (),
) -> Path:
    """Keep decisions, and remove the oldest files if they grow too large.

    Parameters
    ----------
    folder : Path
        Of the files; made if it is not there, but not the one that it is in.
    decided : sequence of Decided
        On the same features; one at least.
    candidate : str, optional
        Version of a model that judged the same pairs in the background.
    candidate_probabilities : sequence of numpy.ndarray or None
        What it said, one for each of `decided`; ``None`` where it did not.

    Returns
    -------
    Path
        The file that was written.
    """
    columns: dict[str, list[object]] = {name: [] for name in _SCHEMA}
    said = candidate_probabilities or [None] * len(decided)
    for each, by_candidate in zip(decided, said, strict=True):
        count = len(each.pairs)
        for name, value in each.about.items():
            columns[name].extend([value] * count)
        columns["q_sr_id"].extend(q for q, _ in each.pairs)
        columns["m_sr_id"].extend(m for _, m in each.pairs)
        columns["match_probability"].extend(each.probabilities.tolist())
        columns["class"].extend(each.decided)
        columns["candidate"].extend([candidate if by_candidate is not None else None] * count)
        columns["candidate_probability"].extend([None] * count if by_candidate is None else by_candidate.tolist())
        columns["features"].extend(each.features.tolist())
    schema = pa.schema(list(_SCHEMA.items()), metadata={_NAMES: json.dumps(decided[0].names)})
    folder.mkdir(exist_ok=True)
    path = folder / f"{_next_time(folder)}-{os.getpid()}-{secrets.token_hex(2)}.parquet"
    for killed in folder.glob(_ASIDE):
        remove_remains(folder, killed.name[: killed.name.index(_ENDING) + len(_ENDING)] + "-")
    with write_aside(path) as aside:
        pq.write_table(pa.table(columns, schema), aside, compression="zstd")
    _make_room(folder)
    return path


def read_decisions(folder: Path, most: int) -> pa.Table:
    """Read the newest decisions, without their features.

    Parameters
    ----------
    folder : Path
        Of the files.
    most : int
        Rows wanted, about: the file that reaches it is read as a whole.

    Returns
    -------
    pyarrow.Table
        The newest files first; no rows if there are none. A file that cannot be read, cut off as a crash of the machine
        leaves it, is passed over with a warning.
    """
    columns = [name for name in _SCHEMA if name != "features"]
    tables, rows = [pa.schema([(name, _SCHEMA[name]) for name in columns]).empty_table()], 0
    for path in sorted(folder.glob(_PATTERN), reverse=True):
        if rows >= most:
            break
        try:
            tables.append(pq.read_table(path, columns=columns))
        except FileNotFoundError:  # it has just made room
            continue
        except (pa.ArrowException, OSError) as error:
            logger.warning("expected decisions in %s, got: %s; passed over: delete it", path, error)
            continue
        rows += len(tables[-1])
    return pa.concat_tables(tables)


def _next_time(folder: Path) -> str:
    """Name the time, or that behind the newest file if the clock was put back: names ascend as files are written."""
    now = f"{datetime.now(UTC):{_TIME}}"
    newest = max((path.name for path in folder.glob(_PATTERN)), default="").partition("-")[0]
    if newest < now:
        return now
    try:
        return f"{datetime.strptime(newest, _TIME) + timedelta(microseconds=1):{_TIME}}"
    except ValueError:  # somebody else's file
        return now


def _make_room(folder: Path) -> None:
    left = MOST_BYTES
    both = [*folder.glob(_PATTERN), *folder.glob(_ASIDE)]  # what is written aside takes room, too
    for path in sorted(both, key=lambda path: path.name.removeprefix("."), reverse=True):
        try:
            left -= path.stat().st_size
            if left < 0:
                path.unlink()
        except FileNotFoundError:  # another process was quicker
            continue
