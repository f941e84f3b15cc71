"""Version markers: what a title says about which version of a recording it is, as types.

A marker is looked for in notes: in brackets, and after a dash with blanks around it. Outside of notes only phrases
count that are no ordinary words: "Live and Let Die" is no live version.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import IntEnum
from functools import lru_cache
from unicodedata import normalize as unicode_form

from catalog.normalize import normalize
from catalog.numbers import PART, VOLUME, number_of
from catalog.version_words import (
    BARE_CREDIT,
    BARE_END,
    BARE_WHOLE,
    BARE_WORDS,
    GENERIC,
    NOTES,
    SAME_MASTER,
    TRIGGER,
    MarkerType,
)

__all__ = ["SAME_MASTER", "Marker", "MarkerType", "Place", "bare_note", "cut_title", "parse_markers"]

_LONGEST_TITLE = 4_096
_LONGEST_NOTE = 200
_CACHED = 1 << 15
_OPENING = "([{<（［【「『〔《"
_BRACKET = re.compile(r"[(\[{（［【「『〔《)\]}>）］】」』〕》]|<(?!3)")  # <3 is a heart
_DASH = re.compile(r"\s[-–—―－~〜～]\s|(?<=\w)[—―](?=\w)")
_CUT = re.compile(f"{_BRACKET.pattern}|{_DASH.pattern}")
_SIGN = re.compile(rf"{_CUT.pattern}|\d|第|パート|\s[-~〜～/|*]|:\s")
_LENGTH_AT_END = re.compile(r"\d(?:[ -]?s\w*| \w+)?$")
_NUMBERED = re.compile(
    r"\b(?:[pP]|[vV][oO]|[tTkKfFdD][eEaAoO]|[cC][zZhHaA]|[eE][pP]|[bB][öÖ]|[чЧтТгГсС]|ال)|\d\s*[^\W\d_]|\d\.\s|第|パ"
)
_WRAPPED = re.compile(r"(?<=\s)[-~〜～]([^\s\-~〜～][^\-~〜～]*)[-~〜～]\s*$")  # as in Japan: "Title -Live ver.-"
# A note that other signs set off, at the end: "Title / Live", "Title: Acoustic Version", "Title *Live*".
_IN_WORKS = frozenset({MarkerType.ORCHESTRAL, MarkerType.PIANO})
_SETS_OFF = re.compile("[/|:*]")
_SET_OFF = re.compile(r"(?<=\S)(?:\s+[/|]\s+|:\s+|\s+(?=\*))\*?([^/|:*]{2,60}?)\*?\s*$")
_CREDIT = re.compile(
    r"(?:feat|ft|featuring|from|prod|produced|из)\b|(?:with|avec|con|mit)\b(?! (?:orchest|orquest|banda$|mariachi$))"
)
_SIDE = re.compile(r"[/;]")
_SECONDS = re.compile(r"(?:(\d+):)?(\d+)")


class Place(IntEnum):
    """Where a piece of a title stands."""

    OUTSIDE = 0
    DASHED = 1
    BRACKETED = 2


@dataclass(frozen=True, slots=True)
class Marker:
    """A version marker.

    Attributes
    ----------
    type : MarkerType
        What kind.
    text : str
        The note as written.
    detail : str
        What the note says beyond its kind, normalised: the place of a live recording, who remixed, the year of a
        remaster, the number of a part or volume, the seconds of a cut. Follows from the text, and is not compared; ""
        where it says no more.
    """

    type: MarkerType
    text: str
    detail: str = field(default="", compare=False)


def parse_markers(title: str | None) -> tuple[Marker, ...]:
    """Find the version markers of a title; the title itself stays as it is.

    Parameters
    ----------
    title : str or None
        As delivered; the first 4,096 characters count.

    Returns
    -------
    tuple of Marker
        Those after dashes, in brackets, at the bare end, parts and volumes; no two are the same. Empty for titles
        without markers and for missing ones. Notes that credit somebody ("feat. ...", "from ...") and those of more
        than 200 characters hold none.
    """
    if not title or not may_hold_markers(title, normalize(title)):
        return ()
    return find_markers(title[:_LONGEST_TITLE], cut_title(title[:_LONGEST_TITLE]))


def find_markers(title: str, pieces: list[tuple[Place, str]]) -> tuple[Marker, ...]:
    """Find the markers of a title that is cut already.

    Parameters
    ----------
    title : str
        At most 4,096 characters of it.
    pieces : list of (Place, str)
        As from `cut_title`.

    Returns
    -------
    tuple of Marker
        As from `parse_markers`.
    """
    found = [
        marker
        for place in (Place.DASHED, Place.BRACKETED)
        for at, note in pieces
        if at is place
        for marker in note_markers(note)
    ]
    if pieces and pieces[0][0] is Place.OUTSIDE and (bare := bare_note(BARE_CREDIT.sub("", pieces[0][1]))):
        found += _markers_of(bare, bare)
    if _NUMBERED.search(title):
        for kind, pattern in ((MarkerType.PART, PART), (MarkerType.VOLUME, VOLUME)):
            numerals = ((match[0], match[match.lastindex or 0]) for match in pattern.finditer(title))
            found += [Marker(kind, text, number_of(numeral)) for text, numeral in numerals]
    return tuple(dict.fromkeys(found))


def may_hold_markers(title: str, normalised: str) -> bool:
    """Tell quickly that a title holds no markers.

    Parameters
    ----------
    title : str
        As delivered.
    normalised : str
        The same, normalised.

    Returns
    -------
    bool
        False where there is neither a note nor a word nor a sign of the markers outside of notes.
    """
    return _SIGN.search(title) is not None or not BARE_WORDS.isdisjoint(normalised.split())


def cut_title(title: str) -> list[tuple[Place, str]]:
    """Cut a title at its brackets and dashes.

    Parameters
    ----------
    title : str
        As delivered. Brackets need not be balanced.

    Returns
    -------
    list of (Place, str)
        The pieces in their order, without blanks around them, and none of them empty. What follows a bracket stands
        where stood what was in front of it.
    """
    if _SETS_OFF.search(title) and (set_off := _SET_OFF.search(title)) and _is_note(set_off[1]):
        title = f"{title[: set_off.start()]} - {set_off[1]}"
    if not _CUT.search(title) and title[-1:] not in "-~〜～":
        stripped = title.strip()
        return [(Place.OUTSIDE, stripped)] if stripped else []
    title = _WRAPPED.sub(r"- \1", title)
    pieces: list[tuple[Place, str]] = []
    outside, depth, start = Place.OUTSIDE, 0, 0
    for position, bracket in [*((match.start(), match[0]) for match in _BRACKET.finditer(title)), (len(title), ")")]:
        text = title[start:position]
        if depth:
            pieces.append((Place.BRACKETED, text.strip()))
        else:
            first, *dashed = _DASH.split(text)
            pieces.append((outside, first.strip()))
            if dashed:
                outside = Place.DASHED
                pieces += [(outside, piece.strip(" ~〜～")) for piece in dashed]
        depth = depth + 1 if bracket in _OPENING else max(0, depth - 1)
        start = position + 1
    return [piece for piece in pieces if piece[1]]


def _is_note(text: str) -> bool:
    """Tell whether a text is a note from its beginning, and not a work with such a word in it: "Adagio for Strings"."""
    key, kinds = _key(text), {marker.type for marker in note_markers(text)} - _IN_WORKS
    return bool(kinds) and (BARE_END.fullmatch(key) is not None or any(NOTES[kind].match(key) for kind in kinds))


@lru_cache(maxsize=_CACHED)
def note_markers(note: str) -> tuple[Marker, ...]:
    """Find the markers of a note.

    Parameters
    ----------
    note : str
        What stands in brackets or after a dash.

    Returns
    -------
    tuple of Marker
    """
    key = _key(note)
    if len(key) > _LONGEST_NOTE or _CREDIT.match(key) or not TRIGGER.search(key):
        return ()
    return tuple(_markers_of(note, key))


def bare_note(base: str) -> str:
    """Find a note that nothing sets off: "Yesterday Acoustic Version".

    Parameters
    ----------
    base : str
        What stands outside of brackets and in front of the first dash.

    Returns
    -------
    str
        The note as written where that has the length of what was found, else in small letters; "" without one.
    """
    base = base.strip()
    key = _key(base)
    if BARE_WORDS.isdisjoint(normalize(base).split()) and not _LENGTH_AT_END.search(base):
        return ""
    match = BARE_WHOLE.fullmatch(key) or BARE_END.search(key[-_LONGEST_NOTE:])
    if not match:
        return ""
    return base[-len(match[0]) :] if len(base) == len(key) else match[0]


def _markers_of(note: str, key: str) -> list[Marker]:
    key = _key(key)
    return [Marker(kind, note, _detail(kind, pattern, key)) for kind, pattern in NOTES.items() if pattern.search(key)]


def _detail(kind: MarkerType, pattern: re.Pattern[str], key: str) -> str:
    if kind is MarkerType.CUT and (match := _SECONDS.search(key)):
        return str(60 * int(match[1] or 0) + int(match[2]))
    sides = [side for side in _SIDE.split(key) if pattern.search(side.strip())] or [key]
    if kind is MarkerType.STEM:
        return normalize(sides[0])
    return " ".join(word for word in normalize(sides[0]).split() if word not in GENERIC)


def _key(text: str) -> str:
    return " ".join(unicode_form("NFKC", text).casefold().split())
