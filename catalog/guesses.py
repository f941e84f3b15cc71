"""Guessing which column of somebody's table feeds which field, by its name first and by its values where that fails.

What is not plain is not guessed: two columns that fit a field equally well are a doubt, for a person to decide.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice, pairwise
from statistics import median

from catalog.columns import COLUMNS, REQUIRED, Feed, feed_from
from catalog.durations import parse_duration, parse_milliseconds, parse_year
from catalog.errors import CatalogError
from catalog.ids import checked_id
from catalog.isrc import parse_isrcs
from catalog.recording import clean, split_list
from catalog.rows import Source, as_text
from catalog.usual_names import meaning

_ROWS = 1_000  # looked at in the beginning of a file
_LEAST_VALUES = 10  # below them, values that are all different or all alike are no evidence
_MOSTLY, _NEARLY_ALL = 0.5, 0.9  # of the values: what a name is contradicted below, what values must show alone
# Medians of columns of durations. Times of a whole day, read as hours or as minutes, lie beyond them.
_SHORTEST_MS, _LONGEST_MS = 20_000, 10 * 60_000
_LONGEST_LOOK = 1_000  # characters of a cell, which may have a million
_LONGEST_EXAMPLE = 40
_CODE = re.compile(r"(?=.*[0-9])(?=.*[^\W\d_])[\w.:-]+")
_UNIT = re.compile(r"[^\W\d_]|:")


@dataclass(frozen=True, slots=True)
class Guess:
    """A column that is taken, or could be taken, for a field.

    Attributes
    ----------
    ours : str
        One of `catalog.columns.NAMES`.
    column : str
        As the file spells it.
    position : int
        Of the column, from 0.
    reason : str
        In words.
    example : str
        Its first value, shortened; empty if none was seen.
    """

    ours: str
    column: str
    position: int
    reason: str
    example: str

    @property
    def typed(self) -> str:
        """What to type for it, quoted for a shell."""
        text = f"{self.ours}={self.column}"
        return f"--column {shlex.quote(text) if text.isprintable() else f'${text!r}'}"


@dataclass(frozen=True, slots=True)
class Guesses:
    """What was found out about a file.

    Attributes
    ----------
    found : tuple of Guess
        At most one a field.
    doubts : mapping
        Field to the columns that fit it equally well.
    refused : tuple of Guess
        Columns whose names are usual for a field that their values cannot be, with the reason.
    """

    found: tuple[Guess, ...] = ()
    doubts: Mapping[str, tuple[Guess, ...]] = field(default_factory=dict)
    refused: tuple[Guess, ...] = ()

    def feeds(self, columns: Sequence[str]) -> dict[str, Feed]:
        """Field to what feeds it, for the columns of the file."""
        feeds = (feed_from(guess.ours, guess.position, columns) for guess in self.found)
        return {feed.field: feed for feed in feeds}


@dataclass(frozen=True, slots=True)
class _Column:
    name: str
    position: int
    rows: int
    values: list[object]

    @property
    def texts(self) -> list[str]:
        return [text for value in self.values if (text := clean(as_text(value)))]

    @property
    def example(self) -> str:
        text = " ".join(self.texts[0].split()) if self.values else ""
        return text if len(text) <= _LONGEST_EXAMPLE else f"{text[: _LONGEST_EXAMPLE - 1]}…"

    def share(self, holds: Callable[[object], bool]) -> float:
        return sum(map(holds, self.values)) / max(len(self.values), 1)

    def guess(self, ours: str, reason: str) -> Guess:
        return Guess(ours, self.name, self.position, reason, self.example)


def guess_columns(source: Source, taken: Mapping[str, Feed]) -> Guesses:
    """Guess what feeds the fields that nothing feeds yet.

    Parameters
    ----------
    source : Source
        The file, whose first 1,000 rows are looked at.
    taken : mapping
        Field to what feeds it already; neither these fields nor their columns are guessed.

    Returns
    -------
    Guesses
        In the order of our columns.
    """
    free = _free(source, taken)
    open_fields = [field for field in COLUMNS if field not in taken]
    fitting, refused = _by_name(free, open_fields)
    named = {guess.position for guesses in fitting.values() for guess in guesses}
    for ours, judge in _JUDGES.items():
        if ours in open_fields and ours not in fitting:
            fitting[ours] = [
                guess for column in free if column.position not in named and (guess := judge(column)) is not None
            ]
    found = tuple(fitting[ours][0] for ours in COLUMNS if len(fitting.get(ours, ())) == 1)
    doubts = {ours: tuple(guesses) for ours, guesses in fitting.items() if len(guesses) > 1}
    return Guesses(found, doubts, tuple(refused))


def likeliest(source: Source, needed: str, taken: Mapping[str, Feed]) -> Guess | None:
    """Find the column that comes nearest to a field that is needed, on evidence too weak to go by.

    Parameters
    ----------
    source : Source
        The file.
    needed : str
        One of `catalog.columns.REQUIRED`.
    taken : mapping
        Field to what feeds it already.

    Returns
    -------
    Guess or None
        ``None`` if no column resembles it.
    """
    columns = [column for column in _free(source, taken) if not _contradiction(needed, column)]
    if needed == "sr_id":
        columns = [column for column in columns if column.share(_is_word) >= _NEARLY_ALL and not _counts_rows(column)]
    if not columns:
        return None
    best = max(columns, key=lambda column: len(set(column.texts)))
    return best.guess(needed, f"{len(set(best.texts)):,} different values in {best.rows:,} rows")


def _look(source: Source, positions: Sequence[int]) -> list[_Column]:
    """Look at the first rows of some columns, all of them at once if that can be done."""
    try:
        rows = [tuple(map(_cut, row.cells)) for row in islice(source.rows(positions), _ROWS) if not row.problem]
    except CatalogError:  # for a column of structures, say, which is told where the file is read
        if len(positions) > 1:
            return [column for position in positions for column in _look(source, [position])]
        rows = []
    looked = []
    for place, position in enumerate(positions):
        values = [row[place] for row in rows if clean(as_text(row[place])) is not None]
        looked.append(_Column(source.columns[position], position, len(rows), values))
    return looked


def _free(source: Source, taken: Mapping[str, Feed]) -> list[_Column]:
    used = {feed.position for feed in taken.values()}
    free = [position for position in range(len(source.columns)) if position not in used]
    return _look(source, free) if free else []


def _cut(cell: object) -> object:
    return cell[:_LONGEST_LOOK] if isinstance(cell, str | bytes) else cell


def _by_name(free: Sequence[_Column], fields: Sequence[str]) -> tuple[dict[str, list[Guess]], list[Guess]]:
    """Find the columns with the likeliest names of each field, and those that have such a name and cannot be it."""
    ranked: dict[str, dict[tuple[bool, int], list[Guess]]] = {}
    refused = []
    for column in free:
        usual = meaning(column.name)
        ours = feed_from(usual.ours, 0, [column.name]).field if usual else ""
        if usual is None or ours not in fields:
            continue
        contradiction = _contradiction(ours, column)
        if not contradiction and usual.ours == "duration" and usual.place and column.values:  # "length" may be any
            contradiction = "" if _plausible(_durations(column)) else "most recordings are shorter or longer than that"
        if contradiction:
            refused.append(column.guess(usual.ours, contradiction))
        else:
            guess = column.guess(usual.ours, "its name is usual for it")
            ranked.setdefault(ours, {}).setdefault((not column.values, usual.place), []).append(guess)
    return {ours: places[min(places)] for ours, places in ranked.items()}, refused


def _contradiction(ours: str, column: _Column) -> str:
    """Say why the values cannot be what the name says; empty if they can."""
    if not column.values:
        return "it has no values" if ours in REQUIRED else ""
    if ours == "sr_id":
        return _no_ids(column)
    holds = {"isrcs": _is_isrc, "duration_ms": _is_duration, "release_year": _is_year}.get(ours, _is_words)
    return "" if column.share(holds) >= _MOSTLY else "most of its values are something else"


def _no_ids(column: _Column) -> str:
    texts = column.texts
    if len(texts) < _NEARLY_ALL * column.rows:
        return "it is often empty"
    if len(set(texts)) < _NEARLY_ALL * len(texts):
        return "its values repeat"
    if any(checked_id(text)[0] for text in texts) or column.share(_is_isrc) >= _MOSTLY:
        return "its values are ISRCs, or no ids"
    return ""


def _counts_rows(column: _Column) -> bool:
    """Tell whether the values are the numbers of the rows, which another export would give to other recordings."""
    texts = column.texts
    if not all(text.isdecimal() and len(text) < 16 for text in texts):
        return False
    return all(int(after) == int(before) + 1 for before, after in pairwise(texts))


def _ids_by_values(column: _Column) -> Guess | None:
    texts = column.texts
    enough = len(texts) >= _LEAST_VALUES and len(texts) == column.rows == len(set(texts))
    if not enough or not all(map(_CODE.fullmatch, texts)) or _no_ids(column) or column.share(_is_duration) >= _MOSTLY:
        return None
    return column.guess("sr_id", f"{len(texts):,} rows, and as many different codes")


def _isrcs_by_values(column: _Column) -> Guess | None:
    count = sum(map(_is_isrc, column.values))
    if len(column.values) < _LEAST_VALUES or count < _NEARLY_ALL * len(column.values):
        return None
    return column.guess("isrcs", f"{count:,} of {len(column.values):,} values are ISRCs")


def _durations_by_values(column: _Column) -> Guess | None:
    durations = _durations(column)
    plain = any(isinstance(value, int | float) or not _UNIT.search(as_text(value) or "") for value in column.values)
    if plain or len(durations) < max(_LEAST_VALUES, _NEARLY_ALL * len(column.values)):
        return None  # a number alone may be anything
    if "time" in column.name.casefold() or not _plausible(durations):
        return None  # what is called so may be that of the day
    return column.guess("duration", f"{len(durations):,} of {len(column.values):,} values are durations")


def _durations(column: _Column) -> list[int]:
    return [milliseconds for value in column.values if (milliseconds := parse_duration(value)) is not None]


def _plausible(durations: Sequence[int]) -> bool:
    return bool(durations) and _SHORTEST_MS <= median(durations) <= _LONGEST_MS


_JUDGES: Mapping[str, Callable[[_Column], Guess | None]] = {
    "isrcs": _isrcs_by_values,
    "duration_ms": _durations_by_values,
    "sr_id": _ids_by_values,
}


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
