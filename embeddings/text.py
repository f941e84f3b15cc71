"""The one place where a recording becomes a line of text."""

from __future__ import annotations

import re
from dataclasses import dataclass

from catalog.normalize import normalize
from catalog.recording import Recording
from catalog.sound import likely_readings

TEMPLATE_VERSION = "2"

_BETWEEN, _READ_AS = " ; ", " = "
_LENGTH = re.compile(r" ; (\d+):([0-5]\d)$")


@dataclass(frozen=True)
class ReadText:
    """A line of text, taken apart.

    Attributes
    ----------
    words : str
        The Latin form where the line carries one, else what is written there.
    seconds : int or None
        Length of the recording at the end of the line.
    """

    words: str
    seconds: int | None


def recording_text(recording: Recording) -> str:
    """Write a recording's metadata as one line, for any sentence-transformer.

    Parameters
    ----------
    recording : Recording
        Any recording.

    Returns
    -------
    str
        Title, artists, contributors, album and year, in this order, joined by " ; ", names by ", ". If letters of
        another script are among them, " = " and all of it as it is read in Latin letters follow. The length comes
        last, as "4:05". Missing fields leave no trace; a recording without title, names and album gives "". ISRCs are
        left out: they are compared exactly, as a feature, and one different character of a code is no evidence of
        likeness.
    """
    written = (
        recording.title,
        ", ".join(recording.artists),
        ", ".join(recording.contributors),
        recording.album,
    )
    fields = [field for field in written if field]
    if not fields:
        return ""
    if recording.release_year is not None:
        fields.append(str(recording.release_year))
    text = _BETWEEN.join(fields)
    if not text.isascii() and not normalize(text).isascii():
        text += _READ_AS + _latin_form(recording)
    if recording.duration_ms is not None:
        minutes, seconds = divmod(round(recording.duration_ms / 1000), 60)
        text += f"{_BETWEEN}{minutes}:{seconds:02}"
    return text


def read_text(text: str) -> ReadText:
    """Take a line apart that `recording_text` wrote.

    Parameters
    ----------
    text : str
        Any text; another one is taken for the words of a recording of unknown length.

    Returns
    -------
    ReadText
        What is to be compared.
    """
    length = _LENGTH.search(text)
    words = text[: length.start()] if length else text
    if not words.isascii():
        written, _, read = words.rpartition(_READ_AS)
        words = read if written and read.isascii() and not normalize(written).isascii() else words
    return ReadText(words, int(length[1]) * 60 + int(length[2]) if length else None)


def _latin_form(recording: Recording) -> str:
    parts = (recording.title, *recording.artists, *recording.contributors, recording.album)
    year = [] if recording.release_year is None else [str(recording.release_year)]
    return " ".join([*likely_readings([part for part in parts if part]), *year])
