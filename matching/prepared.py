"""What comparing needs of a recording, computed once however many pairs it stands in."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from catalog.isrc import isrcs_in, parse_isrcs
from catalog.names import MOST_NAMES, names_of
from catalog.normalize import normalize
from catalog.recording import Recording
from catalog.titles import TitleParts, parse_title
from catalog.versions import SAME_MASTER
from matching.fuzzy import solid
from matching.rarity import bucket_of

LATIN, OTHER = 1, 2

# Where a word of a recording stands, as bits: in one of these fields, in several, or anywhere.
FIELDS = {"title": 1, "artists": 2, "contributors": 4, "notes": 8, "others": 16, "all": 31}

_MAY_HOLD_CODE = re.compile(r"\d{5}")
_NO_CODES: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Prepared:
    """A recording in comparable form; empty means missing throughout.

    Attributes
    ----------
    recording : Recording
        As the catalogue has it.
    title : TitleParts or None
        Taken apart.
    artists : tuple of str
        Comparable names of the artists field, without those that name nobody ("Various Artists").
    credits : tuple of str
        Artists, and those whom the title features.
    contributors : tuple of str
        Comparable names.
    album, label : str
        Normalised.
    codes : frozenset of str
        Well-formed ISRCs; of a recording that has none, those that slipped into its title.
    words : mapping of int to int
        Buckets of the words of all texts, each with the `FIELDS` that it stands in, as bits: ``title`` (its base),
        ``artists``, ``contributors``, the title's ``notes`` (but for those that name the same master), and ``others``
        (the album, and all of the title).
    scripts : mapping of field to int
        Which scripts the words of ``title``, ``artists``, ``contributors`` and ``all`` are in: 1 Latin, 2 others, 3
        both, 0 for no words.
    """

    recording: Recording
    title: TitleParts | None
    artists: tuple[str, ...]
    credits: tuple[str, ...]
    contributors: tuple[str, ...]
    album: str
    label: str
    codes: frozenset[str]
    words: dict[int, int]
    scripts: dict[str, int]


@lru_cache(maxsize=1 << 15)
def prepare(recording: Recording) -> Prepared:
    """Bring a recording into comparable form.

    Parameters
    ----------
    recording : Recording
        As the catalogue has it.

    Returns
    -------
    Prepared
        Ready to be compared.
    """
    title = parse_title(recording.title)
    artists, contributors = names_of(recording.artists), names_of(recording.contributors)
    credited = (
        tuple(sorted({*artists, *names_of(title.featured)})[:MOST_NAMES]) if title and title.featured else artists
    )
    album, label = normalize(recording.album or ""), normalize(recording.label or "")
    base = title.base if title else ""
    texts = {"artists": artists, "contributors": contributors, "others": (album,)}
    if title:
        texts |= {"title": (base,), "notes": _note_words(title), "others": (album, title.full)}
    scripts = {"title": _scripts(base), "artists": _scripts(*artists), "contributors": _scripts(*contributors)}
    scripts["all"] = scripts["title"] | scripts["artists"] | scripts["contributors"] | _scripts(album)
    codes = parse_isrcs(recording.isrcs) if recording.isrcs else _in_title(recording.title or "")
    return Prepared(recording, title, artists, credited, contributors, album, label, codes, _words(texts), scripts)


def _in_title(title: str) -> frozenset[str]:
    return isrcs_in(title) if _MAY_HOLD_CODE.search(title) else _NO_CODES


def solid_title(prepared: Prepared) -> str:
    """Write all of a title without blanks.

    Parameters
    ----------
    prepared : Prepared
        A recording.

    Returns
    -------
    str
        Empty without a title.
    """
    return solid(prepared.title.full) if prepared.title else ""


def _words(texts: Mapping[str, tuple[str, ...]]) -> dict[int, int]:
    words: dict[int, int] = {}
    for field, column in texts.items():
        bit = FIELDS[field]
        for bucket in map(bucket_of, " ".join(column).split()):
            words[bucket] = words.get(bucket, 0) | bit
    return words


def _note_words(title: TitleParts) -> tuple[str, ...]:
    """Find the words of a title's notes that do not merely say that it is the master as it is."""
    if len(title.pieces) == 1:
        return ()
    same = {normalize(marker.text) for marker in title.markers if marker.type in SAME_MASTER}
    notes = [piece for piece in title.pieces[1:] if piece not in same and piece not in title.base]
    # A note made of signs only is no part of the normalised title.
    return tuple({word for note in notes for word in note.split()}.intersection(title.full.split()))


def _scripts(*texts: str) -> int:
    found = 0
    for text in texts:
        if text.isascii():
            found |= LATIN if text else 0
        else:
            for word in text.split():
                found |= LATIN if word.isascii() else OTHER
    return found
