"""What an import is going to read: which files, which columns of them, and what was guessed of these."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from itertools import chain, islice
from pathlib import Path

from catalog.columns import (
    NAMES,
    REQUIRED,
    Feed,
    applies,
    feed_from,
    fold,
    in_order,
    match_columns,
    missing_columns,
    own_columns,
    refusal,
    requested_columns,
)
from catalog.errors import CatalogError
from catalog.guesses import Guess, Guesses, guess_columns, likeliest
from catalog.joined import JOIN, LISTS, with_joined
from catalog.readers import open_source
from catalog.rows import Source, as_text
from catalog.tables import connect_readonly, main_table, quoted, sqlite_errors

_LONGEST_NAME = 60
_ROWS_TO_SHOW_ONE = 1_000
_NO_ROW_NUMBERS = (
    "without a column of ids add one that keeps them from export to export (the numbers of the rows do not: "
    "one more row in front gives every id to another recording)"
)


@dataclass(frozen=True, slots=True)
class Delivery:
    """A file, and what feeds our fields out of it.

    Attributes
    ----------
    source : Source
        The file.
    feeds : tuple of Feed
        In the order of our columns.
    guesses : Guesses
        What was found out about columns that neither have our names nor were requested.
    guessed : bool
        Whether the guesses are among the feeds; they are only if the file could not be imported without.
    """

    source: Source
    feeds: tuple[Feed, ...]
    guesses: Guesses = field(default_factory=Guesses)
    guessed: bool = False

    @property
    def used(self) -> dict[str, str]:
        """Field to the column that feeds it."""
        return {feed.field: feed.column for feed in self.feeds}

    @property
    def tells_more(self) -> bool:
        """Whether there is more to tell than which columns are used."""
        return bool(self.source.form or self.guesses.found or self.guesses.doubts or self.guesses.refused)

    @property
    def unused(self) -> list[str]:
        """Columns that feed nothing."""
        used = {part for name in self.used.values() for part in (name, *self.source.made_of.get(name, ()))}
        return [name for name in self.source.columns if name not in used and name not in self.source.made_of]


def plan_import(
    files: Sequence[Path],
    columns: Sequence[str] = (),
    encoding: str | None = None,
    guess: bool = False,
    before: Sequence[Mapping[str, str]] = (),
) -> list[Delivery]:
    """Look into files and decide what feeds what.

    Parameters
    ----------
    files : sequence of Path
        At least one; see `catalog.importers.import_catalog`.
    columns : sequence of str
        ``ours=theirs`` or ``theirs=ours``, theirs being several columns as in `catalog.joined.with_joined` or one; each
        has to fit at least one of the files. They go before everything else.
    encoding : str, optional
        Of CSV files without a byte order mark; if none is named it is UTF-8, and files that are not in it are refused.
    guess : bool
        Whether a file that lacks a needed column is read by guesses, instead of being refused. Of files that have what
        is needed nothing is guessed: they are read as they always were, and what else would fit is told.
    before : sequence of mapping
        What fed the fields of files that were read earlier, ours to theirs. A file is read as the one that it has most
        columns of, but for what `columns` say.

    Returns
    -------
    list of Delivery
        One a file.

    Raises
    ------
    CatalogError
        If a file or a column cannot be used, or a needed column is not found; the message says what comes nearest.
    """
    if not files:
        raise CatalogError("expected at least one file to import, got none; name a CSV, Parquet or SQLite file")
    known = frozenset(chain(NAMES, *(map(fold, re.split(r"[=+]", request)) for request in columns)))
    every = [*columns, *(f"{ours}={theirs}" for used in before for ours, theirs in used.items())]
    sources = [with_joined(open_source(path, encoding, known), every) for path in files]
    for request in columns:
        if not any(applies(request, source.columns) for source in sources):
            raise refusal(request, tuple(dict.fromkeys(chain(*(source.columns for source in sources)))))
    deliveries = []
    for source in sources:
        fitting = [request for request in columns if applies(request, source.columns)]
        try:
            known_of_old = [] if source.ours else _as_before(source.columns, fitting, before)
            deliveries.append(_deliver(source, [*fitting, *known_of_old], guess))
        except CatalogError as error:
            raise CatalogError(f"{source.path}: {error}") from error
    return deliveries


def _as_before(found: Sequence[str], requests: Sequence[str], before: Sequence[Mapping[str, str]]) -> list[str]:
    """Ask for the columns that fed the fields of an earlier file, as far as nothing else is asked for."""
    spelled = set(map(fold, found))
    there = [{ours: theirs for ours, theirs in used.items() if fold(theirs) in spelled} for used in before]
    nearest = max(there, key=len, default={})
    asked = requested_columns(found, requests)
    taken = {fold(feed.column) for feed in asked.values()}
    return [
        f"{ours}={theirs}"
        for ours, theirs in nearest.items()
        if fold(theirs) not in taken and feed_from(ours, 0, [theirs]).field not in asked
    ]


def _deliver(source: Source, requests: Sequence[str], guess: bool) -> Delivery:
    feeds = own_columns(source.columns, requests)
    if source.ours or (not guess and all(name in feeds for name in REQUIRED)):
        return Delivery(source, match_columns(source.columns, requests))
    guesses = guess_columns(source, feeds)
    if all(name in feeds for name in REQUIRED):
        return Delivery(source, in_order(feeds), guesses)
    with_guesses = guesses.feeds(source.columns) | feeds
    missing = [name for name in REQUIRED if name not in (with_guesses if guess else feeds)]
    if missing:
        if {"q_source_id", "m_source_id"} <= set(map(fold, source.columns)):
            raise CatalogError(
                "expected recordings, these are labelled pairs: train --groundtruth takes them; import the catalogue "
                "that their ids are from"
            )
        advice = [_advice(name, source, guesses, feeds | with_guesses) for name in missing]
        raise missing_columns(missing, source.columns, "; ".join(advice))
    return Delivery(source, in_order(with_guesses), guesses, guessed=True)


def _advice(needed: str, source: Source, guesses: Guesses, feeds: dict[str, Feed]) -> str:
    """Say what to type for a needed column, or what is in the way."""
    plain = next((guess for guess in guesses.found if guess.ours == needed), None)
    if plain:
        return f"type {plain.typed} ({plain.reason})"
    if needed in guesses.doubts:
        tied = guesses.doubts[needed]
        return f"{_either(tied)} fit {needed} equally well: type {' or '.join(guess.typed for guess in tied)}"
    refused = [f"{guess.column!r} is not taken: {guess.reason}" for guess in guesses.refused if guess.ours == needed]
    nearest = likeliest(source, needed, feeds)
    hint = (
        f"the likeliest is {nearest.column!r} ({nearest.reason}): type {nearest.typed} if it is"
        if nearest
        else f"name the column that holds it, for example --column {needed}=NAME"
    )
    return "; ".join([*refused, hint, *([_NO_ROW_NUMBERS] if needed == "sr_id" else [])])


def describe(delivery: Delivery) -> list[str]:
    """Say in lines what a file is read by, what was guessed and what could be typed, or how its first row will stand.

    Parameters
    ----------
    delivery : Delivery
        Of one file.

    Returns
    -------
    list of str
        To be printed; the first names the file.
    """
    source, guesses = delivery.source, delivery.guesses
    if source.ours:
        return [f"{source.path}: {source.form}", *_first_recording(delivery)]
    by_column = {guess.position: guess for guess in guesses.found} if delivery.guessed else {}
    names = {feed.position: _printable(feed.column) for feed in delivery.feeds}
    width = max(map(len, names.values()))
    lines = [f"{source.path}:"]
    for feed in delivery.feeds:
        guess = by_column.get(feed.position)
        why = f"guessed: {_shown(guess)}" if guess else "its name" if _is_named(feed) else "as you said"
        lines.append(f"  {feed.field:13} {names[feed.position]:{width}}  {why}")
    if by_column:
        typed = " ".join(guess.typed for guess in guesses.found)
        lines.append(f"  the guesses as you would type them, to be changed where they are wrong: {typed}")
    else:
        lines += [
            f"  {_printable(guess.column)} is not used; if it is {_shown(guess)}: {guess.typed}"
            for guess in guesses.found
        ]
    lines += _not_used(delivery)
    for ours, tied in guesses.doubts.items():
        lines.append(f"  {ours} is left out, {_either(tied)} fit it equally well: {_choices(tied)}")
    lines += [
        f"  {_printable(guess.column)} is not taken for {guess.ours}: {guess.reason}" for guess in guesses.refused
    ]
    return lines


def _first_recording(delivery: Delivery) -> list[str]:
    rows = islice(delivery.source.rows([feed.position for feed in delivery.feeds]), _ROWS_TO_SHOW_ONE)
    first = next((row for row in rows if not row.problem), None)
    if first is None:
        return [f"  if that is what it is: none of its first {_ROWS_TO_SHOW_ONE:,} rows can be used"]
    lines = ["  its first recording, as it will be stored:"]
    for feed, cell in zip(delivery.feeds, first.cells, strict=True):
        value = (feed.parse or as_text)(cell)
        lines.append(f"  {feed.field:13} {'(missing)' if value is None else _printable(str(value))}")
    return lines


def to_be_replaced(target: Path) -> str:
    """Say what an import would replace.

    Parameters
    ----------
    target : Path
        The catalogue to write.

    Returns
    -------
    str
        In words, with the number of recordings; empty if nothing is there.
    """
    if not target.exists():
        return ""
    try:
        with closing(connect_readonly(target)) as connection, sqlite_errors(target):
            table = quoted(main_table(connection, target, any_name=False))
            ((count,),) = connection.execute(f"SELECT count(*) FROM {table}")  # noqa: S608 - quoted name
    except CatalogError:
        return f"{target}, which is no catalogue"
    return f"a catalogue of {count:,} recordings in {target}"


def _not_used(delivery: Delivery) -> list[str]:
    """List the columns that feed nothing, but for those of which more is told."""
    guesses = delivery.guesses
    told = {guess.column for guess in (*guesses.found, *guesses.refused, *chain(*guesses.doubts.values()))}
    names = [_printable(name) for name in delivery.unused if name not in told]
    return [f"  not used: {', '.join(names)} (--column OURS=THEIRS has one used)"] if names else []


def _is_named(feed: Feed) -> bool:
    name = fold(feed.column)
    return name in NAMES and feed_from(name, 0, [name]).field == feed.field


def _printable(name: str) -> str:
    return name[:_LONGEST_NAME] if name.isprintable() else repr(name[:_LONGEST_NAME])


def _shown(guess: Guess) -> str:
    return f"{guess.ours} ({guess.reason}{f'; {guess.example!r}' if guess.example else ''})"


def _either(tied: Sequence[Guess]) -> str:
    return " and ".join(repr(guess.column) for guess in tied)


def _choices(tied: Sequence[Guess]) -> str:
    together = [replace(tied[0], column=JOIN.join(guess.column for guess in tied))] if tied[0].ours in LISTS else []
    return " or ".join(guess.typed for guess in (*tied, *together))
