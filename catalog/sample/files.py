"""The sample on disk."""

from __future__ import annotations

import csv
import time
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from catalog.aside import write_aside
from catalog.errors import InputError
from catalog.sample.datasheet import DATASHEET_FILE, write_datasheet
from catalog.sample.generating import generate
from catalog.store import write_catalog
from catalog.tables import TABLE, connect_readonly, sqlite_errors

# Every folder that a sample was written to has this file, and no other.
TRUTH_FILE = "truth.csv"
PHENOMENA_FILE = "phenomena.csv"


@dataclass(frozen=True, slots=True)
class SampleReport:
    """What was written, and where.

    Attributes
    ----------
    catalog, groundtruth, truth, phenomena : Path
        The four files.
    records, pairs, valid, masters : int
        Counts of rows, labelled pairs, valid ones among them, and true masters.
    seconds : float
        Wall time.
    """

    catalog: Path
    groundtruth: Path
    truth: Path
    phenomena: Path
    records: int
    pairs: int
    valid: int
    masters: int
    seconds: float


def write_sample(out: Path, records: int = 60_000, pairs: int = 28_000, seed: int = 20) -> SampleReport:
    """Make a sample and write it as the files that every other command reads.

    Each file is written aside and renamed, so that an interrupted run leaves the files of the previous one.

    Parameters
    ----------
    out : Path
        Folder; made if it is not there. Gets ``catalog.db``, ``groundtruth.csv``, ``truth.csv``, ``phenomena.csv`` and
        ``DATASHEET.md``.
    records : int
        Rows of the catalogue, as in `generate`.
    pairs : int
        Labelled pairs, as in `generate`.
    seed : int
        Any integer.

    Returns
    -------
    SampleReport

    Raises
    ------
    InputError
        If so many records or pairs cannot be made, or the folder holds a catalogue or a ground truth that no sample
        wrote; nothing is written then.
    """
    started = time.perf_counter()
    catalog, groundtruth, truth = out / "catalog.db", out / "groundtruth.csv", out / TRUTH_FILE
    if (catalog.exists() and not _has_its_recordings(catalog, truth)) or (
        groundtruth.exists() and not holds_its_pairs(out, groundtruth)
    ):
        raise InputError(
            f"expected an empty folder or an earlier sample in {out}, found other data: choose another --out"
        )
    sample = generate(records, pairs, seed)
    out.mkdir(parents=True, exist_ok=True)
    tagged = ((pair.q_source_id, pair.m_source_id, pair.tag) for pair in sample.pairs)
    explained = ((p.q_source_id, p.m_source_id, p.phenomenon, "|".join(p.shown)) for p in sample.pairs)
    # The truth comes first, since it marks the folder as a sample's, and the catalogue last: where it is, all is.
    _write_csv(truth, ("sr_id", "master_id"), sample.masters.items())
    phenomena = _write_csv(out / PHENOMENA_FILE, ("q_source_id", "m_source_id", "phenomenon", "shown"), explained)
    _write_csv(groundtruth, ("q_source_id", "m_source_id", "tag"), tagged)
    counts = {"records": len(sample.masters), "masters": len(set(sample.masters.values())), "seed": seed}
    write_datasheet(out / DATASHEET_FILE, counts, sample.pairs)
    return SampleReport(
        catalog,
        groundtruth,
        truth,
        phenomena,
        records=write_catalog(catalog, sample.rows),
        pairs=len(sample.pairs),
        valid=sum(pair.tag == "valid" for pair in sample.pairs),
        masters=len(set(sample.masters.values())),
        seconds=time.perf_counter() - started,
    )


def holds_its_pairs(folder: Path, groundtruth: Path) -> bool:
    """Tell whether a ground truth is the one that a sample was written with: people keep data of their own beside it.

    Parameters
    ----------
    folder : Path
        Where a sample may have been written to.
    groundtruth : Path
        The file of labelled pairs.

    Returns
    -------
    bool
        Whether the folder holds a sample, and the file has its pairs.
    """
    explained = folder / PHENOMENA_FILE
    if not all(path.is_file() for path in (folder / TRUTH_FILE, explained, groundtruth)):
        return False
    return _pairs_in(groundtruth) == _pairs_in(explained)


def _has_its_recordings(catalog: Path, truth: Path) -> bool:
    if not truth.is_file():
        return False
    with closing(connect_readonly(catalog)) as connection, sqlite_errors(catalog):
        found = {str(sr_id) for (sr_id,) in connection.execute(f"SELECT sr_id FROM {TABLE}")}  # noqa: S608 - our own name
    with truth.open(encoding="utf-8", errors="replace", newline="") as file:
        return found == {row[0] for row in islice(csv.reader(file), 1, None) if row}


def _pairs_in(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8", errors="replace", newline="") as file:
        return [row[:2] for row in csv.reader(file)]


def _write_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[str]]) -> Path:
    with write_aside(path) as aside, aside.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)
    return path
