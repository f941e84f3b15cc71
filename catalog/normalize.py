"""The one way in which text is made comparable.

Everything that compares or encodes text goes through `normalize`; models and indexes record `NORMALIZER_VERSION`, so
that text of two versions never meets.
"""

from __future__ import annotations

import html
import unicodedata

import regex
from anyascii import anyascii
from ftfy import fix_encoding
from ftfy.badness import is_bad

NORMALIZER_VERSION = "2"

_MAX_CHARACTERS = 4_096
_MAX_PASSES = 8

# Marks that are written or dropped at will. Others are letters: Indic vowel signs, Japanese voicing marks.
_OPTIONAL_MARK = regex.compile(
    "[\u0300-\u036f\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0640\u064b-\u065f\u0670]"
)
_SHORT_I = "\u0439"  # a Cyrillic letter of its own, though it decomposes into a marked i
_LETTER = regex.compile(r"[\p{L}\p{M}\p{N}]")
_APOSTROPHES = "'`\u00b4\u02bc\u2018\u2019\u2032"
# Letters that Unicode does not decompose, with the ASCII spelling in which catalogues carry them.
_SPELT = dict(zip("øđłıæœþðħŧŋ", ("o", "d", "l", "i", "ae", "oe", "th", "d", "h", "t", "ng"), strict=True))
# What every mojibake has some of: the second bytes of UTF-8 as Windows-1252, -1251 or code page 437 show them. Texts
# without any are spared the look for mojibake, which costs more than all the rest.
_SUSPECT = regex.compile(
    "[\u0080-\u00bf\u00c2\u00c3\u0152\u0153\u0160\u0161\u0178\u017d\u017e\u0192\u02c6\u02dc\u0402-\u040f\u0451-\u045f"
    "\u0490\u0491\u2010-\u203a\u20ac\u2116\u2122\u2500-\u259f\ufffd]"
)
# The signs of keys, and letters that are written as signs: C♯, Bb major, Ke$ha, P!nk.
_MEANT = regex.compile(
    r"(?<![\p{L}\p{N}])([A-Ga-g]|(?i:do|re|mi|fa|sol|la|si))\s?(?:([♯#])|♭)(?![\p{L}\p{N}])"
    r"|(?<![\p{L}\p{N}])([A-G])b(?=[ -](?i:maj(?:or)?|min(?:or)?|dur|moll)\b)"
    r"|(?<=\p{L})(\$)(?=\p{L})|(?<=(?<!\p{L})\p{L})!(?=\p{Ll})"
)
_ASCII = {code: (chr(code).lower() if chr(code).isalnum() else " ") for code in range(128)}
_ASCII.update({ord("'"): "", ord("`"): "", ord("&"): " and "})


def normalize(text: str) -> str:
    """Write a text in its comparable form.

    Mojibake and HTML entities are repaired; the signs of sharp and flat keys become words, ``$`` and ``!`` within a
    word letters; width, case and ligatures are folded (NFKC, casefold); diacritics of Latin, Greek and Cyrillic
    letters, Hebrew points and Arabic vowel marks are dropped; ``&`` becomes "and"; apostrophes vanish; every other run
    of punctuation and blanks becomes one blank. Idempotent.

    Parameters
    ----------
    text : str
        Any text; only the first 4,096 characters count.

    Returns
    -------
    str
        Words and numbers separated by single blanks. A text made of signs only ("!!!", "÷") keeps its signs,
        so that a name made of them stays a name; blank text gives "".
    """
    text = text[:_MAX_CHARACTERS]
    if text.isascii() and "&" not in text:
        text = _MEANT.sub(_in_letters, text) if _may_mean(text) else text
        return " ".join(text.translate(_ASCII).split()) or _signs(text)
    if text.isspace():  # U+0085, too, which in damaged text would be an ellipsis
        return ""
    for _ in range(_MAX_PASSES):
        folded = _fold(text)
        if folded == text or folded.isascii():
            return folded
        text = folded
    return text


def romanize(text: str) -> str:
    """Write a text in Latin letters: the second form of names and titles in other scripts.

    Parameters
    ----------
    text : str
        Any text.

    Returns
    -------
    str
        Normalised ASCII, letter by letter after the tables of anyascii; equal to ``normalize(text)`` where that is
        ASCII already. Chinese characters get their Mandarin reading, also in Japanese names.
    """
    folded = normalize(text)
    return folded if folded.isascii() else normalize(anyascii(folded))


def _may_mean(text: str) -> bool:
    """Tell quickly, in steps of C, that there are no such signs."""
    if "#" in text or "!" in text or "$" in text or "b m" in text or "b-" in text or "b M" in text or "b d" in text:
        return True
    return not text.isascii() and ("♯" in text or "♭" in text)


def _in_letters(match: regex.Match[str]) -> str:
    note = match[1] or match[3]
    if note:
        return f"{note} {'sharp' if match[2] else 'flat'} "
    return "s" if match[4] else "i"


def _fold(text: str) -> str:
    while (unescaped := html.unescape(text)) != text:  # entities are often escaped twice
        text = unescaped
    text = fix_encoding(text) if _SUSPECT.search(text) and is_bad(text) else text
    text = unicodedata.normalize("NFKC", text)
    text = _MEANT.sub(_in_letters, text) if _may_mean(text) else text
    text = unicodedata.normalize("NFKC", text.casefold())
    return " ".join(text.translate(_FOLDED).split()) or _signs(text)


def _signs(text: str) -> str:
    return "".join(text.casefold().split())


class _Folding(dict[int, str]):
    """What each character becomes, found out when it first occurs."""

    def __missing__(self, code: int) -> str:
        sign = chr(code)
        plain = sign if sign == _SHORT_I else _OPTIONAL_MARK.sub("", unicodedata.normalize("NFD", sign))
        folded = "".join(map(_folded_sign, unicodedata.normalize("NFC", plain)))
        self[code] = folded
        return folded


def _folded_sign(sign: str) -> str:
    if sign == "&":
        return " and "
    if sign in _APOSTROPHES:
        return ""
    return _SPELT.get(sign, sign) if _LETTER.match(sign) else " "


_FOLDED = _Folding()
