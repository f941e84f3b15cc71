"""What a title is made of: the title proper, notes, featured credits, numbers and version markers."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass

from catalog.normalize import normalize
from catalog.numbers import numbers_in
from catalog.version_words import BARE_CREDIT
from catalog.versions import (
    SAME_MASTER,
    Marker,
    MarkerType,
    Place,
    bare_note,
    cut_title,
    find_markers,
    may_hold_markers,
    note_markers,
)

_LONGEST = 4_096  # characters
_YEARS_OF_ISSUE = SAME_MASTER | {MarkerType.MONO}
# Who sang or played along. "With" is a credit in brackets only: "Stay With Me" names nobody.
_FEATURED = r"(?:feat\.?|ft\.?|f/|f\.(?!\w\.)|featuring|duet with|w/)"
_NOBODY = (
    r"(?:(?:me|you|u|us|him|them|it|my|your|a|an|no|love|te|ti|si|toi|moi|dir|mir|or without)\b|"
    r"(?:lead vocals?|vocals?|lyrics|moto|brio|fuoco|spirito|anima|amore|orquesta|orchestra|orchester|orchestre|"
    r"mariachi|banda|humor|gesang|text)\s*$|(?:la|el|los|las|le|les)\s+(?-i:[a-z]))"
)
_NOTE_CREDIT = re.compile(
    rf"(?:{_FEATURED}(?:\s+|(?<=[./]))|(?:with|con|avec|mit)\s+(?!{_NOBODY}))(?!{_NOBODY}\s*$)(\S.*)",
    re.IGNORECASE | re.DOTALL,
)
_OTHER_CREDIT = re.compile(r"(?:prod|produced|mixed|written|music|lyrics)(?:\.| by\b)", re.IGNORECASE)
_SOUNDTRACK = re.compile(
    r"(?:from|aus|dal|du film|tiré|de la|из|theme from|soundtrack|ost|original motion)\b", re.IGNORECASE
)
# "012-Title", "03. Title", "1-05 Title", "7 - Title": never a year, nor the 99 of "99 Luftballons".
# In front of a movement or a chapter it is that one's own.
_TRACK = re.compile(
    r"\s*(?:\d-)?(?:0\d{1,2}\s*[-._)]\s*|\d{1,3}[.)]\s+(?!(?i:kapitel|teil|akt|satz|sinfonie|symphonie|symphony|konzert|"
    r"sonate|bölüm|fejezet|część|rozdział|szene|folge|adagio|adagietto|allegro|allegretto|andante|andantino|presto|"
    r"prestissimo|largo|larghetto|lento|menuetto?|minuet|scherzo|rondo|vivace|moderato|grave|finale)\b)|"
    r"\d{1,2}\s+-\s+|0\d\s+)(?=\D)"
)
_MOVEMENT = re.compile(r"[IVX]\.\s")
# Normalised words, one of which every title has that credits or counts without digits, brackets and dashes.
_ROMAN = "ii iii iv vi vii viii ix xi xii xiii xiv xv"
_SPECIAL_WORDS = frozenset({"feat", "ft", "featuring", *_ROMAN.split()})
_NO_NUMBERS: frozenset[str] = frozenset()  # one for all titles: every new one takes memory


@dataclass(frozen=True, slots=True)
class TitleParts:
    """What a title is made of.

    Attributes
    ----------
    full : str
        All of it, normalised.
    base : str
        The title proper, normalised: without notes, credits and a track number in front. Never empty.
    pieces : tuple of str
        What stands between brackets and dashes, normalised, credits left out; the base is the first. One of the pieces
        of "Artist - Title" is the title.
    featured : tuple of str
        Who is credited in the title, as written; several in one credit stay together.
    numbers : frozenset of str
        Numbers and keys that tell pieces apart, as from `catalog.numbers.numbers_in`: of parts, volumes, works and
        movements, and those in the title proper. Without track numbers and the years of remasters.
    markers : tuple of Marker
        As from `catalog.versions.parse_markers`.
    """

    full: str
    base: str
    pieces: tuple[str, ...]
    featured: tuple[str, ...]
    numbers: frozenset[str]
    markers: tuple[Marker, ...]


def parse_title(title: str | None) -> TitleParts | None:
    """Take a title apart.

    Parameters
    ----------
    title : str or None
        As delivered; the first 4,096 characters count.

    Returns
    -------
    TitleParts or None
        None for missing and blank titles.
    """
    if not title or not (full := normalize(title)):
        return None
    if not (may_hold_markers(title, full) or _MOVEMENT.search(title)) and _SPECIAL_WORDS.isdisjoint(full.split()):
        return TitleParts(full, full, (full,), (), _NO_NUMBERS, ())
    title = html.unescape(title[_end_of_track(title) : _LONGEST])
    pieces = cut_title(title)
    markers = find_markers(title, pieces)
    proper, others, counted, featured = _sorted_out(pieces)
    base = normalize(" ".join(proper))
    if not base:
        base = normalize(others[0]) if others else full
    normalised = tuple(dict.fromkeys(filter(None, (base, *map(normalize, proper), *map(normalize, others)))))
    return TitleParts(full, base, normalised, tuple(featured), _numbers(counted), markers)


def _end_of_track(title: str) -> int:
    """Find where a track number in front ends; the number in front of nothing but a note is the title: "22 - Live"."""
    match = _TRACK.match(title)
    if not match or (not match[0].lstrip().startswith("0") and "-" in match[0] and note_markers(title[match.end() :])):
        return 0
    return match.end()


def _sorted_out(pieces: list[tuple[Place, str]]) -> tuple[list[str], list[str], list[str], list[str]]:
    """Tell the title proper from notes and credits."""
    proper: list[str] = []
    others: list[str] = []
    counted: list[str] = []
    featured: list[str] = []
    for number, (place, written) in enumerate(pieces):
        text, names, bare = _uncredited(place, written, first=number == 0)
        featured += names
        if bare:
            others.append(bare)
        if not text:
            continue
        note = () if place is Place.OUTSIDE else note_markers(text)
        is_title = place is Place.OUTSIDE or (place is Place.DASHED and not note and not _SOUNDTRACK.match(text))
        in_front = number == 0 and len(pieces) > 1 and pieces[1][0] is Place.OUTSIDE
        (proper if is_title or (in_front and not note) else others).append(text)
        if not (note and all(marker.type in _YEARS_OF_ISSUE for marker in note)):
            counted.append(text)
    return proper, others, counted, featured


def _uncredited(place: Place, text: str, *, first: bool) -> tuple[str, list[str], str]:
    """Take credits from a piece, and from the first one a note at its bare end, too."""
    if place is not Place.OUTSIDE:
        if credit := _NOTE_CREDIT.match(text):
            return "", [credit[1].strip()], ""
        if _OTHER_CREDIT.match(text):
            return "", [], ""
    credit = BARE_CREDIT.search(text)
    names = [credit[1].strip()] if credit else []
    text = text[: credit.start()].strip() if credit else text
    bare = bare_note(text) if first and place is Place.OUTSIDE else ""
    return (text[: -len(bare)].strip(), names, bare) if bare and len(bare) < len(text) else (text, names, "")


def _numbers(texts: list[str]) -> frozenset[str]:
    found: set[str] = set()
    for text in texts:
        found |= numbers_in(text)
    return frozenset(found) if found else _NO_NUMBERS
