"""The one record type that everything downstream works on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from catalog.normalize import normalize
from catalog.version_words import GENERIC
from catalog.versions import Place, cut_title, parse_markers

LIST_SEPARATOR = "|"
_MISSING = frozenset({"", "none", "null", "nan", "<na>"})


@dataclass(frozen=True, slots=True)
class Recording:
    """One sound recording, as a catalogue describes it.

    Texts are kept as the catalogue writes them; comparing them is the business of `catalog.normalize` and `matching`.
    ``None`` and the empty tuple mean missing.

    Attributes
    ----------
    sr_id : str
        Unique id within the catalogue.
    title : str or None
        Title as delivered, version notes included.
    artists, isrcs, contributors : tuple of str
        Names and codes as delivered, in the delivered order.
    album : str or None
        Title of the release.
    duration_ms : int or None
        Length in milliseconds, positive.
    release_year : int or None
        Four digits.
    label, language : str or None
        As delivered.
    """

    sr_id: str
    title: str | None = None
    artists: tuple[str, ...] = ()
    isrcs: tuple[str, ...] = ()
    contributors: tuple[str, ...] = ()
    album: str | None = None
    duration_ms: int | None = None
    release_year: int | None = None
    label: str | None = None
    language: str | None = None

    @classmethod
    def from_row(cls, row: Mapping[str, object]) -> Recording:
        """Make a recording from a stored row.

        Parameters
        ----------
        row : mapping
            Column name to value; ``sr_id`` is required, every other column may be absent, ``None``, a number or text.

        Returns
        -------
        Recording
            With missing values recognised and list fields split at ``|``.
        """
        return cls(
            sr_id=str(row["sr_id"]),
            title=clean(row.get("title")),
            artists=split_list(row.get("artists")),
            isrcs=split_list(row.get("isrcs")),
            contributors=split_list(row.get("contributors")),
            album=clean(row.get("album")),
            duration_ms=_positive(row.get("duration_ms")),
            release_year=_positive(row.get("release_year")),
            label=clean(row.get("label")),
            language=clean(row.get("language")),
        )


def clean(value: object) -> str | None:
    """Strip a raw value and recognise the ways in which catalogues write "missing".

    Parameters
    ----------
    value : object
        A cell as read from a file or a table.

    Returns
    -------
    str or None
        ``None`` for absent, blank, ``None``, ``null`` and ``nan`` in any case; else the stripped text.
    """
    if value is None:
        return None
    text = str(value).strip()
    return None if text.casefold() in _MISSING else text


def split_list(value: object) -> tuple[str, ...]:
    """Split a list field at ``|`` and drop missing and repeated entries.

    Parameters
    ----------
    value : object
        A cell such as ``"John Lennon|Paul McCartney"``.

    Returns
    -------
    tuple of str
        Entries in their order; empty if the field is missing.
    """
    text = clean(value)
    if text is None:
        return ()
    if LIST_SEPARATOR not in text:
        return (text,)
    parts = (clean(part) for part in text.split(LIST_SEPARATOR))
    return tuple(dict.fromkeys(part for part in parts if part is not None))


def listed(entries: Iterable[str | None]) -> str | None:
    """Write a list field.

    Parameters
    ----------
    entries : iterable of str or None
        As delivered; a ``|`` within one is written as ``/``, since it would part it.

    Returns
    -------
    str or None
        The entries that are not missing, each once, with ``|`` between them; ``None`` if none is left.
    """
    found = (clean(entry) for entry in entries)
    kept = dict.fromkeys(entry.replace(LIST_SEPARATOR, "/") for entry in found if entry is not None)
    return LIST_SEPARATOR.join(kept) or None


def noted(title: str | None, note: str | None) -> str | None:
    """Write a note on a version behind a title, in brackets as titles of catalogues have it.

    Parameters
    ----------
    title : str or None
        As delivered.
    note : str or None
        As delivered.

    Returns
    -------
    str or None
        The title alone if there is no note, or if the title has it already: as a note, or as version markers beyond
        which the note says nothing. ``None`` without a title.
    """
    title, note = clean(title), clean(note)
    if title is None or note is None:
        return title
    whole = f"{title} ({note})"
    return title if _stands_in(note, title) or _adds_nothing(note, title, whole) else whole


def _stands_in(note: str, title: str) -> bool:
    note, title = note.casefold(), title.casefold()
    before = title.removesuffix(note).rstrip()  # of a colon, behind which subtitles stand, but no version markers
    subtitle = before != title and before.endswith(":") and not parse_markers(f"({note})")
    pieces = (piece for place, piece in cut_title(title) if place is not Place.OUTSIDE)
    return subtitle or title.endswith(f"({note})") or note in pieces


def _adds_nothing(note: str, title: str, whole: str) -> bool:
    """Tell whether a note only names kinds of versions that the title has; other words tell two of a kind apart."""
    if not parse_markers(f"({note})") or not GENERIC.issuperset(normalize(note).split()):
        return False
    return {marker.type for marker in parse_markers(title)} == {marker.type for marker in parse_markers(whole)}


def _positive(value: object) -> int | None:
    if isinstance(value, int) and value > 0:
        return value
    return None
