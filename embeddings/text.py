"""The one place where a recording becomes a line of text."""

from __future__ import annotations

from catalog.normalize import normalize, romanize
from catalog.recording import Recording

TEMPLATE_VERSION = "1"


def recording_text(recording: Recording) -> str:
    """Write a recording's metadata as one line, for any sentence-transformer.

    Parameters
    ----------
    recording : Recording
        Any recording.

    Returns
    -------
    str
        Title, artists, contributors and album, in this order, joined by " ; ", names by ", ". Missing fields leave no
        trace; a recording without any of them gives "". ISRCs are left out: they are compared exactly, as a feature,
        and one different character of a code is no evidence of likeness.
    """
    fields = (
        recording.title,
        ", ".join(recording.artists),
        ", ".join(recording.contributors),
        recording.album,
    )
    return " ; ".join(field for field in fields if field)


def comparable(text: str) -> str:
    """Write a text as its n-grams are taken: normalised, its Latin form behind it if it is in another script.

    Parameters
    ----------
    text : str
        Any text.

    Returns
    -------
    str
        With a blank at either end, so that the first and the last word have n-grams of their own.
    """
    folded = normalize(text)
    return f" {folded} " if folded.isascii() else f" {folded} {romanize(text)} "
