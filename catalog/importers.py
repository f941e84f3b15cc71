"""Making a catalogue out of the files in which recordings are delivered."""

from __future__ import annotations

import json
import logging
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from tqdm import tqdm

from catalog.columns import COLUMNS
from catalog.delimited import LONGEST_CELL
from catalog.errors import CatalogError
from catalog.ids import LONGEST_ID, checked_id
from catalog.plans import Delivery, plan_import
from catalog.rejects import Rejects, check_target, quote
from catalog.rows import RawRow, as_text, delivered_codes, delivered_text, says_nothing
from catalog.writer import CatalogWriter, new_catalog

__all__ = ["LONGEST_ID", "ImportReport", "carry_out", "import_catalog"]

logger = logging.getLogger(__name__)

_CHUNK = 1_000
_EXAMPLES = 3


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What an import did.

    Attributes
    ----------
    target : Path
        The catalogue that was written.
    records : int
        Rows that were written to it.
    rejected : int
        Rows that were left out.
    rejected_file : Path or None
        Where they stand with file, line and reason; ``None`` if there are none.
    reasons : mapping
        Reason to number of rejected rows.
    columns : mapping
        File to the columns used: ours to theirs. Files whose format has no columns of its own are not among them.
    unused : mapping
        File to the columns that feed nothing.
    unreadable : mapping
        ``duration_ms`` and ``release_year`` to the number of values that are there and could not be read; they are
        stored as missing.
    examples : mapping
        The same fields to a few of those values.
    remarks : mapping
        What a reader left out of rows or read otherwise, to how often.
    """

    target: Path
    records: int
    rejected: int
    rejected_file: Path | None
    reasons: Mapping[str, int]
    columns: Mapping[str, Mapping[str, str]]
    unused: Mapping[str, Sequence[str]]
    unreadable: Mapping[str, int]
    examples: Mapping[str, Sequence[str]]
    remarks: Mapping[str, int]


class _Unreadable:
    """Counts values that could not be read, and keeps a few of each field."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.examples: dict[str, list[str]] = {}

    def add(self, field: str, value: str) -> None:
        self.counts[field] += 1
        kept = self.examples.setdefault(field, [])
        if len(kept) < _EXAMPLES and quote(value) not in kept:
            kept.append(quote(value))


def import_catalog(
    files: Sequence[Path],
    target: Path,
    columns: Sequence[str] = (),
    encoding: str | None = None,
    keep_rows: bool = False,
) -> ImportReport:
    """Make one catalogue out of CSV, Parquet and SQLite files, MusicBrainz dumps and DDEX messages; nothing is guessed.

    Values are stored as they are, but for durations (milliseconds), years (four digits), blanks around ids, and what
    says that there is none (`catalog.rows`). Of rows with the same id the first one stands. A million rows pass through
    in bounded memory; the catalogue is written aside and put in place at the end, so an import that is interrupted
    leaves the previous one.

    Parameters
    ----------
    files : sequence of Path
        At least one; a folder is one of DDEX messages. A SQLite file must hold a table ``soundrecording`` or one
        table only.
    target : Path
        The catalogue to write, none of the files; rejected rows go to ``<its stem>.rejected.csv`` beside it.
    columns : sequence of str
        ``ours=theirs`` or ``theirs=ours``, such as ``title=Song_Name`` or ``length=duration``; each has to fit at
        least one of the files.
    encoding : str, optional
        Of CSV files without a byte order mark; if none is named it is UTF-8, and files that are not in it are refused.
    keep_rows : bool
        Whether to keep every row as its file has it, too, with the columns that are not ours.

    Returns
    -------
    ImportReport
        Counts, reasons and the columns used.

    Raises
    ------
    CatalogError
        If a file or a column cannot be used, the target is one of the files, no row is left, or the catalogue cannot be
        written; the previous catalogue stays.
    """
    return carry_out(plan_import(files, columns, encoding), target, keep_rows)


def carry_out(
    deliveries: Sequence[Delivery],
    target: Path,
    keep_rows: bool = False,
    writing: Callable[[Path, bool], AbstractContextManager[CatalogWriter]] = new_catalog,
) -> ImportReport:
    """Import what was planned.

    Parameters
    ----------
    deliveries : sequence of Delivery
        As from `catalog.plans.plan_import`.
    target : Path
        As for `import_catalog`.
    keep_rows : bool
        As for `import_catalog`.
    writing : callable
        What to write to, out of `target` and `keep_rows`: a new catalogue, unless something else is given.

    Returns
    -------
    ImportReport
        Counts, reasons and the columns used.

    Raises
    ------
    CatalogError
        If a file cannot be read, the target is one of the files, no row is left, or the catalogue cannot be written;
        the previous catalogue stays.
    """
    started = time.perf_counter()
    check_target([delivery.source.path for delivery in deliveries], target)
    unreadable, remarks = _Unreadable(), Counter[str]()
    records = 0
    with writing(target, keep_rows) as writer, Rejects(target, are_added=writer.adds) as rejects:
        with tqdm(unit=" rows", disable=None, desc="import") as progress:
            for delivery in deliveries:
                rows = _rows(delivery, unreadable, remarks, keep_rows)
                while chunk := list(islice(rows, _CHUNK)):
                    records += _store(chunk, writer, delivery, rejects, keep_rows)
                    progress.update(len(chunk))
        if not records:
            raise _nothing_left(deliveries, rejects)
        if not keep_rows:
            writer.remember([{feed.name: feed.column for feed in each.feeds} for each in _tables(deliveries)])
    if not rejects.reasons:
        rejects.discard()
    report = ImportReport(
        target=target,
        records=records,
        rejected=rejects.reasons.total(),
        rejected_file=rejects.path if rejects.reasons else None,
        reasons=dict(rejects.reasons.most_common()),
        columns={str(each.source.path): each.used for each in _tables(deliveries)},
        unused={} if keep_rows else {str(each.source.path): each.unused for each in _tables(deliveries)},
        unreadable=dict(unreadable.counts),
        examples=unreadable.examples,
        remarks=dict(remarks),
    )
    _log(report, time.perf_counter() - started)
    return report


def _tables(deliveries: Sequence[Delivery]) -> list[Delivery]:
    return [delivery for delivery in deliveries if not delivery.source.ours]


def _rows(delivery: Delivery, unreadable: _Unreadable, remarks: Counter[str], keep_rows: bool) -> Iterator[RawRow]:
    """Read rows, their cells in the order of `COLUMNS` and as they are to be stored, or with a problem."""
    source, feeds = delivery.source, delivery.feeds
    asked = range(len(source.columns)) if keep_rows else sorted(feed.position for feed in feeds)
    wanted = [asked.index(feed.position) for feed in feeds]
    places = [COLUMNS.index(feed.field) for feed in feeds]
    plain = {} if keep_rows else {"isrcs": delivered_codes}
    parsers = [feed.parse or plain.get(feed.field, as_text if keep_rows else delivered_text) for feed in feeds]
    numbers = [(index, feed.field) for index, feed in enumerate(feeds) if feed.parse]
    for row in source.rows(asked):
        if row.problem:
            yield row._replace(text=quote(row.text))
            continue
        raw = [row.cells[index] for index in wanted]
        cells = [parse(cell) for parse, cell in zip(parsers, raw, strict=True)]
        problem, cells[0] = _check(cells)
        if problem:
            yield RawRow(row.line, (), problem, quote(row.text or _joined(row.cells)), row.path)
            continue
        if row.remarks:
            remarks.update(row.remarks)
        for index, field in numbers:
            if cells[index] is None and not says_nothing(raw[index]):
                unreadable.add(field, str(raw[index]))
        values: list[object] = [None] * len(COLUMNS)
        for place, cell in zip(places, cells, strict=True):
            values[place] = cell
        text = _kept(source.columns, row.cells) if keep_rows else row.text
        yield RawRow(row.line, values, text=text, path=row.path, delivered=row.cells)


def _kept(columns: Sequence[str], cells: Sequence[object]) -> str:
    return json.dumps(dict(zip(columns, cells, strict=True)), ensure_ascii=False, default=as_text)


def _check(cells: Sequence[object]) -> tuple[str, str]:
    problem, sr_id = checked_id(cells[0])
    if not problem and any(isinstance(cell, str) and len(cell) > LONGEST_CELL for cell in cells):
        return "cell too long: more than 1 MiB", ""
    return problem, sr_id


def _store(
    chunk: Sequence[RawRow], writer: CatalogWriter, delivery: Delivery, rejects: Rejects, keep_rows: bool
) -> int:
    known = writer.known([str(row.cells[0]) for row in chunk if not row.problem])
    fresh = []
    for row in chunk:
        if row.problem:
            rejects.add(delivery.source.path, row)
        elif row.cells[0] in known:
            text = quote(row.text or _joined(row.delivered))
            rejects.add(delivery.source.path, RawRow(row.line, (), "duplicate sr_id", text, row.path))
        else:
            known.add(str(row.cells[0]))
            fresh.append(row)
    writer.add([row.cells for row in fresh], delivery.used)
    if keep_rows:
        writer.keep([(str(row.cells[0]), row.text) for row in fresh])
    return len(fresh)


def _joined(cells: Sequence[object]) -> str:
    return ",".join("" if cell is None else str(cell) for cell in cells).rstrip(",")


def _nothing_left(deliveries: Sequence[Delivery], rejects: Rejects) -> CatalogError:
    why = ", ".join(f"{reason} ({count})" for reason, count in rejects.reasons.items()) or "there are no rows"
    if rejects.first:
        why += f"; the first is {rejects.first}"
    return CatalogError(
        f"expected recordings in {', '.join(str(delivery.source.path) for delivery in deliveries)}, "
        f"no usable row is left: {why}; {f'what is in {rejects.target} stays; ' if rejects.target.exists() else ''}"
        + (
            "check the delimiter, the encoding and the column that holds the ids"
            if _tables(deliveries)
            else "check that they are recordings as MusicBrainz dumps them, one a line, or DDEX messages of ERN 4"
        )
    )


def _log(report: ImportReport, seconds: float) -> None:
    logger.info("import: %d records into %s in %.1f s", report.records, report.target, seconds)
    for file, used in report.columns.items():
        logger.info("import: columns of %s: %s", file, ", ".join(f"{ours}={theirs}" for ours, theirs in used.items()))
    for file, names in report.unused.items():
        if names:
            logger.warning("import: columns of %s not used: %s (--column OURS=THEIRS)", file, ", ".join(names))
    for field, count in report.unreadable.items():
        some = ", ".join(report.examples[field])
        logger.warning("import: %d values of %s could not be read and are stored as missing: %s", count, field, some)
        if count > report.records / 2:
            logger.warning("import: is that the column of %s? Name another with --column", field)
    for remark, count in report.remarks.items():
        logger.warning("import: %d times: %s", count, remark)
    for reason, count in report.reasons.items():
        logger.warning("import: %d rows rejected: %s (see %s)", count, reason, report.rejected_file)
