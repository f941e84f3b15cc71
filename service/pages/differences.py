"""Two recordings field by field, with what differs inside each."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher

from catalog.recording import Recording

# Words, and what stands between them sign by sign.
_PIECE = re.compile(r"\w+|\s+|[^\w\s]")
# Comparing takes time with the square of the pieces; no field of a reviewer's is that long.
_MOST_PIECES = 150


@dataclass(frozen=True)
class Piece:
    """A part of a text.

    Attributes
    ----------
    text : str
        As written.
    differs : bool
        Whether the other side has not got it there.
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
    """Compare two recordings word by word; case does not matter.

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
    if not q or not m:  # what is missing is no difference
        return tuple(_whole(q)), tuple(_whole(m))
    q_pieces, m_pieces = _PIECE.findall(q), _PIECE.findall(m)
    if max(len(q_pieces), len(m_pieces)) > _MOST_PIECES:
        return tuple(_whole(q, differs=q != m)), tuple(_whole(m, differs=q != m))
    q_folded, m_folded = ([each.casefold() for each in pieces] for pieces in (q_pieces, m_pieces))
    matcher = SequenceMatcher(None, q_folded, m_folded, autojunk=False)
    q_found: list[Piece] = []
    m_found: list[Piece] = []
    for operation, q_from, q_to, m_from, m_to in matcher.get_opcodes():
        differs = operation != "equal"
        q_found.extend(_whole("".join(q_pieces[q_from:q_to]), differs=differs))
        m_found.extend(_whole("".join(m_pieces[m_from:m_to]), differs=differs))
    return _joined(q_found), _joined(m_found)


def _joined(pieces: list[Piece]) -> tuple[Piece, ...]:
    """Take words that differ, and have nothing but blanks between them, as one piece."""
    joined: list[Piece] = []
    for piece in pieces:
        if len(joined) > 1 and piece.differs and joined[-1].text.isspace() and joined[-2].differs:
            joined[-2:] = [Piece(joined[-2].text + joined[-1].text + piece.text, differs=True)]
        else:
            joined.append(piece)
    return tuple(joined)


def _whole(text: str, *, differs: bool = False) -> Iterator[Piece]:
    if text:
        yield Piece(text, differs and not text.isspace())


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
