"""Which column of somebody's table feeds which field of ours."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from catalog.durations import parse_duration, parse_milliseconds, parse_year
from catalog.errors import CatalogError

FIELDS = ("title", "artists", "isrcs", "contributors", "album", "duration_ms", "release_year", "label", "language")
COLUMNS = ("sr_id", *FIELDS)
REQUIRED = ("sr_id", "title")
_NUMBERS: dict[str, tuple[str, Callable[[object], int | None]]] = {
    "duration_ms": ("duration_ms", parse_milliseconds),
    "duration": ("duration_ms", parse_duration),
    "release_year": ("release_year", parse_year),
    "year": ("release_year", parse_year),
}
NAMES = tuple(dict.fromkeys((*COLUMNS, *_NUMBERS)))
_ALSO = {field: [name for name, (fed, _) in _NUMBERS.items() if fed == field and name != field] for field in COLUMNS}
_FIELDS_LISTED = ", ".join(" or ".join((name, *_ALSO[name])) for name in COLUMNS)


@dataclass(frozen=True, slots=True)
class Feed:
    """One column that feeds one field.

    Attributes
    ----------
    field : str
        One of `COLUMNS`.
    column : str
        As the file spells it.
    position : int
        Of the column in the file, from 0.
    parse : callable or None
        Reads a number out of a cell; ``None`` where the field is text.
    """

    field: str
    column: str
    position: int
    parse: Callable[[object], int | None] | None

    @property
    def name(self) -> str:
        """The one of `NAMES` that stands for the field and for how it is read."""
        return next((name for name, fed in _NUMBERS.items() if fed == (self.field, self.parse)), self.field)


def match_columns(found: Sequence[str], requests: Sequence[str] = ()) -> tuple[Feed, ...]:
    """Decide which column feeds which field.

    Names match whatever their case and surrounding blanks. ``duration`` (any unit) and ``year`` feed ``duration_ms``
    and ``release_year`` unless the table has those themselves. A request goes before a column's own name.

    Parameters
    ----------
    found : sequence of str
        The columns of the file.
    requests : sequence of str
        ``ours=theirs`` or ``theirs=ours``, such as ``title=Song_Name`` or ``length=duration``; where both readings
        are possible, the first.

    Returns
    -------
    tuple of Feed
        In the order of `COLUMNS`; at least one per name of `REQUIRED`.

    Raises
    ------
    CatalogError
        If a request names no such field or column, two requests name one field, a column that is needed is absent
        or stands twice.
    """
    feeds = own_columns(found, requests)
    missing = [name for name in REQUIRED if name not in feeds]
    if missing:
        raise missing_columns(missing, found, f"name the column that holds it, for example --column {missing[0]}=NAME")
    return in_order(feeds)


def own_columns(found: Sequence[str], requests: Sequence[str] = ()) -> dict[str, Feed]:
    """Find the columns that have our names or are requested, whether or not that is enough.

    Parameters
    ----------
    found : sequence of str
        The columns of the file.
    requests : sequence of str
        As for `match_columns`.

    Returns
    -------
    dict
        Field to what feeds it.

    Raises
    ------
    CatalogError
        If a request names no such field or column, two requests name one field, or a column stands twice.
    """
    spelled = [fold(name) for name in found]
    feeds = requested_columns(found, requests)
    taken = {feed.position for feed in feeds.values()}
    for name in NAMES:
        if name in spelled and spelled.index(name) not in taken:
            feed = _feed(name, name, found, spelled)
            feeds.setdefault(feed.field, feed)
    return feeds


def requested_columns(found: Sequence[str], requests: Sequence[str]) -> dict[str, Feed]:
    """Find the columns that were asked for.

    Parameters
    ----------
    found : sequence of str
        The columns of the file.
    requests : sequence of str
        As for `match_columns`.

    Returns
    -------
    dict
        Field to what feeds it.

    Raises
    ------
    CatalogError
        If a request names no such field or column, two requests name one field, or a column stands twice.
    """
    asked: dict[str, Feed] = {}
    for request in requests:
        feed = _requested(request, found, [fold(name) for name in found])
        if feed.field in asked:
            raise CatalogError(f"expected one column for {feed.field}, got two by --column {request}: a list takes a+b")
        asked[feed.field] = feed
    return asked


def in_order(feeds: Mapping[str, Feed]) -> tuple[Feed, ...]:
    """Sort what feeds fields.

    Parameters
    ----------
    feeds : mapping
        Field to what feeds it.

    Returns
    -------
    tuple of Feed
        In the order of `COLUMNS`.
    """
    return tuple(feeds[name] for name in COLUMNS if name in feeds)


def missing_columns(missing: Sequence[str], found: Sequence[str], advice: str) -> CatalogError:
    """Say which columns a file lacks.

    Parameters
    ----------
    missing : sequence of str
        Those of `REQUIRED` that nothing feeds.
    found : sequence of str
        The columns of the file.
    advice : str
        What to do about it.

    Returns
    -------
    CatalogError
        To be raised.
    """
    return CatalogError(
        f"expected the columns {' and '.join(REQUIRED)}, found no {' and no '.join(missing)} among: "
        f"{_listed(found)}; {advice}"
    )


def feed_from(ours: str, position: int, found: Sequence[str]) -> Feed:
    """Let a column feed the field of a name.

    Parameters
    ----------
    ours : str
        One of `NAMES`.
    position : int
        Of the column, from 0.
    found : sequence of str
        The columns of the file.

    Returns
    -------
    Feed
        With the parser that belongs to the name.
    """
    field, parse = _NUMBERS.get(ours, (ours, None))
    return Feed(field, found[position], position, parse)


def applies(request: str, found: Sequence[str]) -> bool:
    """Tell whether a request can be met with these columns.

    Parameters
    ----------
    request : str
        ``ours=theirs`` or ``theirs=ours``.
    found : sequence of str
        The columns of the file.

    Returns
    -------
    bool
        ``False`` also for a request that is none.
    """
    return _sides(request, [fold(name) for name in found]) is not None


def fold(name: str) -> str:
    """Bring the name of a column into the form in which names are compared.

    Parameters
    ----------
    name : str
        As the file or the command line spells it.

    Returns
    -------
    str
        Stripped and case-folded.
    """
    return name.strip().casefold()


def refusal(request: str, found: Sequence[str]) -> CatalogError:
    """Say why a request cannot be met.

    Parameters
    ----------
    request : str
        As typed after ``--column``.
    found : sequence of str
        The columns of the file or files.

    Returns
    -------
    CatalogError
        To be raised.
    """
    left, equals, right = (part.strip() for part in request.partition("="))
    spelled = {fold(name): name for name in found}
    fields, columns = f"the fields are: {_FIELDS_LISTED}", f"the columns found are: {_listed(found)}"
    for ours, theirs in ((left, right), (right, left)) if equals else ():
        if fold(ours) in NAMES:
            wrong = f"there is no column {theirs!r}{_nearest(theirs, spelled)}; {columns}"
            break
        if fold(theirs) in spelled:
            wrong = f"there is no field {ours!r}{_nearest(ours, {name: name for name in NAMES})}; {fields}"
            break
    else:
        wrong = f"that has neither; {fields}; {columns}"
    return CatalogError(
        f"expected --column FIELD=COLUMN, a field of ours and a column of the file, got {request!r}: {wrong}"
    )


def _nearest(name: str, choices: Mapping[str, str]) -> str:
    near = get_close_matches(fold(name), choices, n=1)
    return f", the nearest is {choices[near[0]]!r}" if near else ""


def _requested(request: str, found: Sequence[str], spelled: Sequence[str]) -> Feed:
    sides = _sides(request, spelled)
    if sides is None:
        raise refusal(request, found)
    ours, theirs = sides
    return _feed(ours, theirs, found, spelled)


def _sides(request: str, spelled: Sequence[str]) -> tuple[str, str] | None:
    left, equals, right = (fold(part) for part in request.partition("="))
    if equals:
        for ours, theirs in ((left, right), (right, left)):
            if ours in NAMES and theirs in spelled:
                return ours, theirs
    return None


def _feed(ours: str, theirs: str, found: Sequence[str], spelled: Sequence[str]) -> Feed:
    if spelled.count(theirs) > 1:
        raise CatalogError(f"expected one column {theirs}, found it twice among: {_listed(found)}; rename one of them")
    return feed_from(ours, spelled.index(theirs), found)


def _listed(found: Sequence[str]) -> str:
    return ", ".join(repr(name[:80]) for name in found[:50]) or "none"
