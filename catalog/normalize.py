"""The one way in which text is made comparable.

Everything that compares or encodes text goes through `normalize`; models and indexes record `NORMALIZER_VERSION`, so
that text of two versions never meets.
"""

from __future__ import annotations

import html
import unicodedata
from functools import lru_cache

import regex
from anyascii import anyascii
from ftfy import fix_encoding
from ftfy.badness import is_bad

NORMALIZER_VERSION = "1"

_MAX_CHARACTERS = 4_096
_MAX_PASSES = 8
_CACHE_SIZE = 1 << 16

# Marks that are written or dropped at will. Others are letters: Indic vowel signs, Japanese voicing marks, and the
# Cyrillic short i, a marked i when decomposed.
_OPTIONAL_MARKS = regex.compile(
    "[\u0300-\u0305\u0307-\u036f]|(?<!\u0438)\u0306|[\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0640\u064b-\u065f\u0670]"
)
_NOT_WORD = regex.compile(r"[^\p{L}\p{M}\p{N}]+")
_APOSTROPHES = "'`\u00b4\u02bc\u2018\u2019\u2032"
# Letters that Unicode does not decompose, with the ASCII spelling in which catalogues carry them.
_LETTERS = str.maketrans(
    {"ø": "o", "đ": "d", "ł": "l", "ı": "i", "æ": "ae", "œ": "oe", "þ": "th", "ð": "d", "ħ": "h", "ŧ": "t", "ŋ": "n"}
    | dict.fromkeys(_APOSTROPHES, "")
    | {"&": " and "}
)
_ASCII = {code: (chr(code).lower() if chr(code).isalnum() else " ") for code in range(128)}
_ASCII.update({ord("'"): "", ord("`"): "", ord("&"): " and "})


@lru_cache(maxsize=_CACHE_SIZE)
def normalize(text: str) -> str:
    """Write a text in its comparable form.

    Mojibake and HTML entities are repaired; width, case and ligatures are folded (NFKC, casefold); diacritics of
    Latin, Greek and Cyrillic letters, Hebrew points and Arabic vowel marks are dropped; ``&`` becomes "and";
    apostrophes vanish; every other run of punctuation and blanks becomes one blank. Idempotent.

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
        return " ".join(text.translate(_ASCII).split()) or _signs(text)
    for _ in range(_MAX_PASSES):
        folded = _fold(text)
        if folded == text or folded.isascii():
            return folded
        text = folded
    return text


@lru_cache(maxsize=_CACHE_SIZE)
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


def _fold(text: str) -> str:
    text = html.unescape(text)
    text = fix_encoding(text) if is_bad(text) else text
    text = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    plain = _OPTIONAL_MARKS.sub("", unicodedata.normalize("NFD", text))
    plain = unicodedata.normalize("NFC", plain).translate(_LETTERS)
    return _NOT_WORD.sub(" ", plain).strip() or _signs(text)


def _signs(text: str) -> str:
    return "".join(text.casefold().split())
