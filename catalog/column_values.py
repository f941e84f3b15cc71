"""What the values of a column can be, as far as the beginning of a file shows it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice, pairwise
from statistics import median

from catalog.columns import REQUIRED
from catalog.durations import parse_duration, parse_milliseconds, parse_year
from catalog.errors import CatalogError
from catalog.ids import checked_id
from catalog.isrc import parse_isrcs
from catalog.recording import clean, split_list
from catalog.rows import Source, as_text

_ROWS = 1_000  # looked at in the beginning of a file
_LEAST_VALUES = 10  # below them, values that are all different or all alike are no evidence
_MOSTLY, _NEARLY_ALL = 0.5, 0.9  # of the values: what a name is contradicted below, what values must show alone
# Medians of columns of durations. Times of a whole day, read as hours or as minutes, lie beyond them.
_SHORTEST_MS, _LONGEST_MS = 20_000, 10 * 60_000
_LONGEST_LOOK = 1_000  # characters of a cell, which may have a million
_LONGEST_EXAMPLE = 40
_CODE = re.compile(r"(?=.*[0-9])(?=.*[^\W\d_])[\w.:-]+")
_UNIT = re.compile(r"[^\W\d_]|:")
_DIGIT = re.compile("[0-9]")
_FULL_YEAR = re.compile("19[0-9]{2}|20[0-2][0-9]|2030")
_FEWEST_YEARS = 3  # different ones: when rows were entered or exported spreads over fewer
_OTHER_YEARS = re.compile("added|birth|born|chart|compos|creat|death|died|enter|found|modif|play|updat|writ")


@dataclass(frozen=True, slots=True)
class ColumnValues:
    """A column, and what it holds in the first rows.

    Attributes
    ----------
    name : str
        As the file spells it.
    position : int
        Of the column, from 0.
    rows : int
        That were looked at.
    values : list
        Those that are not missing.
    """

    name: str
    position: int
    rows: int
    values: list[object]

    @property
    def texts(self) -> list[str]:
        """The values as text."""
        return [text for value in self.values if (text := clean(as_text(value)))]

    @property
    def example(self) -> str:
        """The first value, shortened; empty if there is none."""
        text = " ".join(self.texts[0].split()) if self.values else ""
        return text if len(text) <= _LONGEST_EXAMPLE else f"{text[: _LONGEST_EXAMPLE - 1]}…"

    @property
    def are_words(self) -> bool:
        """Whether nearly all values are one word each, and do not count the rows: another export counts anew."""
        return self.share(_is_word) >= _NEARLY_ALL and not self._counts_rows()

    @property
    def are_recordings_long(self) -> bool:
        """Whether the values are durations, of which half lie where those of recordings do."""
        return _plausible([length for value in self.values if (length := parse_duration(value)) is not None])

    def share(self, holds: Callable[[object], bool]) -> float:
        """Compute of which share of the values something holds."""
        return sum(map(holds, self.values)) / max(len(self.values), 1)

    def contradiction(self, field: str) -> str:
        """Say why the values cannot be those of a field; empty if they can."""
        if not self.values:
            return "it has no values" if field in REQUIRED else ""
        if field == "sr_id":
            return self._no_ids()
        holds = {"isrcs": _is_isrc, "duration_ms": _is_duration, "release_year": _is_year}.get(field, _is_words)
        return "" if self.share(holds) >= _MOSTLY else "most of its values are something else"

    def _no_ids(self) -> str:
        texts = self.texts
        if len(texts) < _NEARLY_ALL * self.rows:
            return "it is often empty"
        if len(set(texts)) < _NEARLY_ALL * len(texts):
            return "its values repeat"
        if any(checked_id(text)[0] for text in texts) or self.share(_is_isrc) >= _MOSTLY:
            return "its values are ISRCs, or no ids"
        return ""

    def _counts_rows(self) -> bool:
        texts = self.texts
        if not all(text.isdecimal() and len(text) < 16 for text in texts):
            return False
        return all(int(after) == int(before) + 1 for before, after in pairwise(texts))

    def looks_like_ids(self) -> str:
        """Say why the values alone must be ids; empty if they need not be."""
        texts = self.texts
        enough = len(texts) >= _LEAST_VALUES and len(texts) == self.rows == len(set(texts))
        if not enough or not all(map(_CODE.fullmatch, texts)) or self._no_ids() or self.share(_is_duration) >= _MOSTLY:
            return ""
        return f"{len(texts):,} rows, and as many different codes"

    def looks_like_isrcs(self) -> str:
        """Say why the values alone must be ISRCs; empty if they need not be."""
        return self._counted(sum(map(_is_isrc, self.values)), "ISRCs")

    def looks_like_durations(self) -> str:
        """Say why the values alone must be durations: with a unit or a colon, since a number alone may be anything."""
        with_unit = [value for value in self.values if _has_unit(value)]
        durations = [length for value in with_unit if (length := parse_duration(value)) is not None]
        if "time" in self.name.casefold() or not _plausible(durations):
            return ""  # what is called so may be that of the day
        return self._counted(len(durations), "durations")

    def looks_like_years(self) -> str:
        """Say why a column that is called a year must hold those of release; empty if it need not.

        Whatever has a digit is a year, and years come again. Without a word for it in the name, or with one for another
        event, nothing in a year says whose it is.
        """
        numbers, name = [text for text in self.texts if _DIGIT.search(text)], self.name.casefold()
        if "year" not in name or _OTHER_YEARS.search(name) or not all(map(_FULL_YEAR.fullmatch, numbers)):
            return ""
        return self._counted(len(numbers), "years") if _FEWEST_YEARS <= len(set(numbers)) < len(numbers) else ""

    def _counted(self, count: int, what: str) -> str:
        enough = count >= max(_LEAST_VALUES, _NEARLY_ALL * len(self.values))
        return f"{count:,} of {len(self.values):,} values are {what}" if enough else ""


JUDGES: Mapping[str, Callable[[ColumnValues], str]] = {
    "isrcs": ColumnValues.looks_like_isrcs,
    "duration": ColumnValues.looks_like_durations,
    "year": ColumnValues.looks_like_years,
    "sr_id": ColumnValues.looks_like_ids,
}
"""One of `catalog.columns.NAMES` to what says why values alone must be that; in the order of asking."""


def look(source: Source, positions: Sequence[int]) -> list[ColumnValues]:
    """Look at the first rows of some columns, all of them at once if that can be done.

    Parameters
    ----------
    source : Source
        The file, whose first 1,000 rows are looked at.
    positions : sequence of int
        Of the columns.

    Returns
    -------
    list of ColumnValues
        In the order of `positions`.
    """
    try:
        rows = [tuple(map(_cut, row.cells)) for row in islice(source.rows(positions), _ROWS) if not row.problem]
    except CatalogError:  # for a column of structures, say, which is told where the file is read
        if len(positions) > 1:
            return [column for position in positions for column in look(source, [position])]
        rows = []
    looked = []
    for place, position in enumerate(positions):
        values = [row[place] for row in rows if clean(as_text(row[place])) is not None]
        looked.append(ColumnValues(source.columns[position], position, len(rows), values))
    return looked


def _cut(cell: object) -> object:
    return cell[:_LONGEST_LOOK] if isinstance(cell, str | bytes) else cell


def _plausible(durations: Sequence[int]) -> bool:
    return bool(durations) and _SHORTEST_MS <= median(durations) <= _LONGEST_MS


def _has_unit(value: object) -> bool:
    return not isinstance(value, int | float) and _UNIT.search(as_text(value) or "") is not None


def _is_isrc(value: object) -> bool:
    return bool(parse_isrcs(split_list(as_text(value))))


def _is_duration(value: object) -> bool:
    return parse_duration(value) is not None or parse_milliseconds(value) is not None


def _is_year(value: object) -> bool:
    return parse_year(value) is not None


def _is_word(value: object) -> bool:
    return len((as_text(value) or "").split()) == 1


def _is_words(value: object) -> bool:
    return any(map(str.isalpha, as_text(value) or "")) and not _is_isrc(value)
