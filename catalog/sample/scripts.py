"""Which script a text is written in."""

from __future__ import annotations

from unicodedata import normalize

_LAST_LATIN = 0x24F
_LATIN_ADDITIONS = range(0x1E00, 0x1F00)
_MOST = 0.6


def script_of(text: str) -> str:
    """Tell Latin from other scripts.

    Parameters
    ----------
    text : str
        Any; digits and punctuation do not count, full-width letters are Latin.

    Returns
    -------
    str
        ``latin`` if no letter is of another script, ``native`` if most are, else ``both``.
    """
    if text.isascii():
        return "latin"
    letters = [ord(letter) for letter in normalize("NFKC", text) if letter.isalpha()]
    others = sum(letter > _LAST_LATIN and letter not in _LATIN_ADDITIONS for letter in letters)
    if not others:
        return "latin"
    return "native" if others > _MOST * len(letters) else "both"
