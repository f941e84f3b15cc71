"""Two recordings field by field, with the words of each that the other has not got."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import groupby

import regex

from catalog.normalize import normalize
from catalog.recording import Recording

# Words as `normalize` sees them, "don't" and 3:41 being one, and what stands between them.
_LETTERS = r"[\p{L}\p{M}\p{N}]+"
_WORD = regex.compile(rf"{_LETTERS}(?:['\u2019:]{_LETTERS})*|&")
_PIECE = regex.compile(rf"{_WORD.pattern}|\s+|.", regex.DOTALL)


@dataclass(frozen=True)
class Piece:
    """A part of a text.

    Attributes
    ----------
    text : str
        As written.
    differs : bool
        Whether the other side has not got it anywhere in the field.
    """

    text: str
    differs: bool


@dataclass(frozen=True)
class Field:
    """A field of two recordings.

    Attributes
    ----------
    name : str
        As people call it.
    q, m : tuple of Piece
        What either side says; empty if it says nothing.
    """

    name: str
    q: tuple[Piece, ...]
    m: tuple[Piece, ...]


def fields_of(recording: Recording) -> dict[str, str]:
    """Write a recording down.

    Parameters
    ----------
    recording : Recording
        Any.

    Returns
    -------
    dict
        Name of each field that people look at to what stands in it; empty where nothing does.
    """
    return {name: _written(read(recording)) for name, read in _FIELDS.items()}


def differences(q: Recording, m: Recording) -> list[Field]:
    """Compare two recordings word by word.

    Neither the order of words matters, nor what `normalize` takes away: case, accents, punctuation. A word that stands
    more often on one side differs there as often as it has no partner.

    Parameters
    ----------
    q : Recording
        One side.
    m : Recording
        The other.

    Returns
    -------
    list of Field
        Those that a side says something in.
    """
    ours, theirs = fields_of(q), fields_of(m)
    return [Field(name, *_compared(ours[name], theirs[name])) for name in ours if ours[name] or theirs[name]]


def _compared(q: str, m: str) -> tuple[tuple[Piece, ...], tuple[Piece, ...]]:
    if not q or not m or normalize(q) == normalize(m):  # what is missing is no difference
        return _joined([(q, False)]), _joined([(m, False)])
    return _marked(q, m), _marked(m, q)


def _marked(text: str, other: str) -> tuple[Piece, ...]:
    """Mark the words that have no partner in another text."""
    partners = Counter(word for word, _ in _words(other))
    found: list[tuple[str, bool]] = []
    for word, piece in _words(text):
        found.append((piece, bool(word) and not partners[word]))
        partners[word] -= partners[word] > 0
    return _joined(found)


def _words(text: str) -> Iterator[tuple[str, str]]:
    """Cut a text into pieces; each with the word that it is, which is empty for what stands between words."""
    if not _WORD.search(text):  # a name made of signs is one word
        yield normalize(text), text
        return
    for piece in _PIECE.findall(text):
        yield normalize(piece) if _WORD.match(piece) else "", piece


def _joined(pieces: list[tuple[str, bool]]) -> tuple[Piece, ...]:
    """Put pieces together that differ, blanks between them included, or do not."""
    differing = [differs for _, differs in pieces]
    for place in range(1, len(pieces) - 1):
        is_between = differing[place - 1] and differing[place + 1]
        differing[place] = differing[place] or (is_between and pieces[place][0].isspace())
    runs = groupby(zip(differing, pieces, strict=True), key=lambda each: each[0])
    joined = ((differs, "".join(text for _, (text, _) in run)) for differs, run in runs)
    return tuple(Piece(text, differs) for differs, text in joined if text)


def _written(value: str | int | tuple[str, ...] | None) -> str:
    if isinstance(value, tuple):
        return " | ".join(value)
    return "" if value is None else str(value)


def _length(recording: Recording) -> str | None:
    if recording.duration_ms is None:
        return None
    minutes, seconds = divmod(round(recording.duration_ms / 1000), 60)
    return f"{minutes}:{seconds:02}"


_FIELDS: dict[str, Callable[[Recording], str | int | tuple[str, ...] | None]] = {
    "Title": lambda recording: recording.title,
    "Artists": lambda recording: recording.artists,
    "ISRCs": lambda recording: recording.isrcs,
    "Contributors": lambda recording: recording.contributors,
    "Album": lambda recording: recording.album,
    "Length": _length,
    "Year": lambda recording: recording.release_year,
    "Label": lambda recording: recording.label,
    "Language": lambda recording: recording.language,
}
