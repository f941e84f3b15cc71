"""The sample as a whole: hidden truth, written rows, labelled pairs, all from one seed."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Mapping
from dataclasses import dataclass

from catalog.columns import FIELDS
from catalog.errors import InputError
from catalog.sample.book import LabelledPair
from catalog.sample.labelling import label_pairs
from catalog.sample.truth import Studio
from catalog.sample.writing import Scribe, WrittenRow

_LOG = logging.getLogger(__name__)
FEWEST_RECORDS = 50
MOST_PAIRS_PER_RECORD = 0.6
_COLUMNS = ("sr_id", *FIELDS)
_EXAMPLE = (
    ("M_YESTERDAY_1", ("123", "Yesterday", "Beatles The", None, "Lennon|McCartney")),
    ("M_YESTERDAY_1", ("456", "Yesterday", "The Beatles", "GBAYE6500521", "John Lennon|Paul McCartney")),
    ("M_YESTERDAY_2", ("789", "Yesterday", "Elvis Presley", "USRC17208142", "John Lennon|Paul McCartney")),
)


@dataclass(frozen=True, slots=True)
class Sample:
    """A catalogue with everything that is known about it.

    Attributes
    ----------
    rows : list of dict
        As sources would write them: list fields joined with ``|``; missing is None, now and then ``""``, ``"None"`` or
        ``"null"``.
    pairs : list of LabelledPair
        The ground truth.
    masters : mapping of str to str
        ``sr_id`` to the id of the true master.
    """

    rows: list[dict[str, object]]
    pairs: list[LabelledPair]
    masters: Mapping[str, str]


def generate(records: int = 60_000, pairs: int = 28_000, seed: int = 20) -> Sample:
    """Make a sample catalogue of invented recordings; the same arguments make the same sample on any machine.

    Parameters
    ----------
    records : int
        Rows of the catalogue, the three of the "Yesterday" example included; at least 50.
    pairs : int
        Labelled pairs, 36 % of them valid; at most 0.6 for each record. The example is in none of them.
    seed : int
        Any integer.

    Returns
    -------
    Sample

    Raises
    ------
    InputError
        If so many records or pairs cannot be made.
    """
    _check(records, pairs)
    started = time.perf_counter()
    rng = random.Random(seed)
    written = _write_rows(rng, records - len(_EXAMPLE))
    labelled = label_pairs(written, pairs, rng)
    if len(labelled) < pairs:
        raise InputError(
            f"expected {pairs} pairs, found {len(labelled)} in {records} records: ask for fewer pairs or more records"
        )
    rows = [dict(zip(_COLUMNS, (*values, *[None] * 5), strict=True)) for _, values in _EXAMPLE]
    rows.extend({name: row.values[name] for name in _COLUMNS} for row in written)
    masters = {values[0]: master for master, values in _EXAMPLE}
    masters |= {row.sr_id: f"M{row.master.number:07d}" for row in written}
    _LOG.info("sample: %d records, %d pairs, %.1f s", records, pairs, time.perf_counter() - started)
    return Sample(rows, labelled, masters)


def _check(records: int, pairs: int) -> None:
    if records < FEWEST_RECORDS:
        raise InputError(f"expected at least {FEWEST_RECORDS} records, got {records}: ask for more")
    most = int(records * MOST_PAIRS_PER_RECORD)
    if not 0 <= pairs <= most:
        raise InputError(
            f"expected 0 to {most} pairs for {records} records, got {pairs}: ask for fewer pairs or more records"
        )


def _write_rows(rng: random.Random, count: int) -> list[WrittenRow]:
    studio, scribe = Studio(rng), Scribe(rng)
    written: list[WrittenRow] = []
    while len(written) < count:
        for master in studio.release():
            written.extend(scribe.write_down(master))
    return written[:count]
