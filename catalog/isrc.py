"""International Standard Recording Codes after ISO 3901:2019.

A code has twelve characters: a prefix code of five (two letters, then three letters or digits, allotted as a whole to
a registrant; the letters were a country once), two digits for the year of reference and five for the designation. It is
written ``AA6Q72000047`` or ``AA-6Q7-20-00047``, sometimes after the word ISRC
(https://isrc.ifpi.org/downloads/ISRC_Handbook.pdf).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import Enum
from unicodedata import normalize as unicode_form

_SEPARATORS = re.compile(r"[\s:.\-‐‑‒–—−_/\u200b-\u200d\u2060\ufeff]+")
_LENGTH = 12
_CODE = re.compile(r"[A-Z]{2}[A-Z0-9]{3}[0-9]{7}", re.ASCII)
_BETWEEN = re.compile(r"[|;,]")
# One of several in a text, or one that spreadsheets and lists have put signs around.
_AMONG_OTHERS = re.compile(
    r"(?<![A-Z0-9])([A-Z]{2})([-.]?)([A-Z0-9]{3})\2([0-9]{2})\2([0-9]{5})(?![A-Z0-9]|[-.][A-Z0-9])", re.ASCII
)


class IsrcState(Enum):
    """What the codes of two recordings say about each other."""

    ABSENT = "absent"
    MALFORMED = "malformed"
    EQUAL = "equal"
    CONFLICTING = "conflicting"


def parse_isrc(text: str | None) -> str | None:
    """Bring a code into its canonical form.

    Parameters
    ----------
    text : str or None
        A code as delivered, with or without hyphens, blanks, lower case and the word ISRC.

    Returns
    -------
    str or None
        Twelve characters, or ``None`` if it is no well-formed code.
    """
    if text is None:
        return None
    if _CODE.fullmatch(text):
        return text
    code = _SEPARATORS.sub("", text).upper()
    for candidate in (code, code.removeprefix("ISRC")):  # Icelandic codes may themselves begin with ISRC
        if _CODE.fullmatch(candidate):
            return candidate
    return None


def parse_isrcs(codes: Sequence[str]) -> frozenset[str]:
    """Find the well-formed codes of a recording.

    Parameters
    ----------
    codes : sequence of str
        As delivered; an entry may hold several.

    Returns
    -------
    frozenset of str
        Canonical codes; empty if there is none.
    """
    found: set[str] = set()
    for part in (part for code in codes for part in _BETWEEN.split(code)):
        if code := parse_isrc(part):
            found.add(code)
        elif len(part) >= _LENGTH:
            found |= isrcs_in(part)
    return frozenset(found)


def isrcs_in(text: str) -> frozenset[str]:
    """Find the codes in a text that says other things, too.

    Parameters
    ----------
    text : str
        A title, say.

    Returns
    -------
    frozenset of str
        Canonical codes of those that stand apart from other letters and digits.
    """
    found = _AMONG_OTHERS.findall(unicode_form("NFKC", text).upper())
    return frozenset(f"{country}{registrant}{year}{number}" for country, _, registrant, year, number in found)


def compare_isrcs(q: Sequence[str], m: Sequence[str]) -> IsrcState:
    """Compare the codes of two recordings; the order of the two does not matter.

    Parameters
    ----------
    q : sequence of str
        Codes of the query as delivered; empty means missing.
    m : sequence of str
        Codes of the candidate.

    Returns
    -------
    IsrcState
        ``ABSENT`` if a side has no code, ``MALFORMED`` if a side has only codes that are none, ``EQUAL`` if the sides
        share a code, else ``CONFLICTING``.
    """
    q, m = _present(q), _present(m)
    if not q or not m:
        return IsrcState.ABSENT
    q_codes, m_codes = parse_isrcs(q), parse_isrcs(m)
    if not q_codes or not m_codes:
        return IsrcState.MALFORMED
    return IsrcState.EQUAL if q_codes & m_codes else IsrcState.CONFLICTING


def _present(codes: Sequence[str]) -> list[str]:
    return [code for code in codes if code.strip()]
