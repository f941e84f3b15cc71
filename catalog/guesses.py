"""Guessing which column of somebody's table feeds which field, by its name first and by its values where that fails.

What is not plain is not guessed: two columns that fit a field equally well are a doubt, for a person to decide.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from catalog.column_values import JUDGES, ColumnValues, look
from catalog.columns import COLUMNS, Feed, feed_from
from catalog.rows import Source
from catalog.usual_names import meaning


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
    for ours, judge in JUDGES.items():
        name = feed_from(ours, 0, [""]).field
        if name in open_fields and name not in fitting:
            judged = [(column, judge(column)) for column in free if column.position not in named]
            fitting[name] = [_guess(column, ours, reason) for column, reason in judged if reason]
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
    columns = [column for column in _free(source, taken) if not column.contradiction(needed)]
    if needed == "sr_id":
        columns = [column for column in columns if column.are_words]
    if not columns:
        return None
    best = max(columns, key=lambda column: len(set(column.texts)))
    return _guess(best, needed, f"{len(set(best.texts)):,} different values in {best.rows:,} rows")


def _free(source: Source, taken: Mapping[str, Feed]) -> list[ColumnValues]:
    used = {feed.position for feed in taken.values()}
    free = [position for position in range(len(source.columns)) if position not in used]
    return look(source, free) if free else []


def _by_name(free: Sequence[ColumnValues], fields: Sequence[str]) -> tuple[dict[str, list[Guess]], list[Guess]]:
    """Find the columns with the likeliest names of each field, and those that have such a name and cannot be it."""
    ranked: dict[str, dict[tuple[bool, int], list[Guess]]] = {}
    refused = []
    for column in free:
        usual = meaning(column.name)
        ours = feed_from(usual.ours, 0, [column.name]).field if usual else ""
        if usual is None or ours not in fields:
            continue
        contradiction = column.contradiction(ours)
        if not contradiction and usual.ours == "duration" and usual.place and column.values:  # "length" may be any
            contradiction = "" if column.are_recordings_long else "most recordings are shorter or longer than that"
        if contradiction:
            refused.append(_guess(column, usual.ours, contradiction))
        else:
            guess = _guess(column, usual.ours, "its name is usual for it")
            ranked.setdefault(ours, {}).setdefault((not column.values, usual.place), []).append(guess)
    return {ours: places[min(places)] for ours, places in ranked.items()}, refused


def _guess(column: ColumnValues, ours: str, reason: str) -> Guess:
    return Guess(ours, column.name, column.position, reason, column.example)
