"""ISRCs in detail: nearly equal, of one registrant, hidden in an id."""

from __future__ import annotations

import re

import numpy as np
from rapidfuzz.distance import OSA

from catalog.isrc import parse_isrc, parse_isrcs
from matching.features.feature import Column, Feature, FeatureGroup
from matching.prepared import Pairs, Prepared

_REGISTRANT = 5  # characters of the prefix code of ISO 3901
_IN_ID = re.compile(r"(?<![A-Z0-9])[A-Z]{2}[A-Z0-9]{3}[0-9]{7}(?![A-Z0-9])")
_LEAST_FRAGMENT = 7
_MOST_CODES = 8
_CODE_LENGTH = 12
_NONE: frozenset[str] = frozenset()


def _compute(pairs: Pairs) -> list[Column]:
    codes = [each.codes for each in pairs.recordings]
    hidden = [_hidden(each) for each in pairs.recordings]
    fragments = [_fragments(each) for each in pairs.recordings]
    result = np.full((len(pairs.q), 4), np.nan)
    for row, (one, other) in enumerate(zip(pairs.q.tolist(), pairs.m.tolist(), strict=True)):
        q_codes, m_codes = codes[one], codes[other]
        if q_codes and m_codes and q_codes.isdisjoint(m_codes):
            result[row, :2] = _compare(q_codes, m_codes)
        if not (hidden[one] or hidden[other] or fragments[one] or fragments[other]):
            continue
        q_known, m_known = q_codes | hidden[one], m_codes | hidden[other]
        if (hidden[one] or hidden[other]) and q_known and m_known:
            result[row, 2] = not q_known.isdisjoint(m_known)
        if fragments[one] or fragments[other]:
            result[row, 3] = _fragment_of(fragments[one], m_known, fragments[other], q_known)
    return [result[:, column] for column in range(4)]


def _compare(q_codes: frozenset[str], m_codes: frozenset[str]) -> tuple[float, float]:
    both = [(one, other) for one in sorted(q_codes)[:_MOST_CODES] for other in sorted(m_codes)[:_MOST_CODES]]
    near = any(OSA.distance(one, other, score_cutoff=1) <= 1 for one, other in both)
    return float(near), float(any(one[:_REGISTRANT] == other[:_REGISTRANT] for one, other in both))


def _hidden(prepared: Prepared) -> frozenset[str]:
    if len(prepared.recording.sr_id) < _CODE_LENGTH:
        return _NONE
    return frozenset(_IN_ID.findall(prepared.recording.sr_id.upper().replace("_", " ")))


def _fragments(prepared: Prepared) -> frozenset[str]:
    """Keep what a malformed code has left of a code."""
    if len(prepared.recording.isrcs) == len(prepared.codes):
        return _NONE
    found = ("".join(filter(str.isalnum, code)).upper() for code in prepared.recording.isrcs if not parse_isrc(code))
    few = sorted(each for each in found if _says_something(each) and not parse_isrcs([each]))
    return frozenset(few[:_MOST_CODES])


def _says_something(text: str) -> bool:
    """Tell what is left of a code from "unknown" and "000000000000"."""
    return len(text) >= _LEAST_FRAGMENT and any(map(str.isdigit, text)) and len(set(text)) > 2


def _fragment_of(
    q_parts: frozenset[str], m_codes: frozenset[str], m_parts: frozenset[str], q_codes: frozenset[str]
) -> float:
    whole = not q_parts.isdisjoint(m_parts)
    found = any(part in code or code in part for part in q_parts for code in m_codes)
    found = found or any(part in code or code in part for part in m_parts for code in q_codes)
    return float(whole or found) if (m_codes or m_parts) and (q_codes or q_parts) else np.nan


CODES = FeatureGroup(
    "codes",
    (
        Feature(
            "isrc_near",
            "ISRC",
            "1 if two conflicting ISRCs differ by one character or two swapped ones, else 0; NaN unless they conflict.",
            "ISRCs differ by one character",
            "ISRCs differ by more than one character",
        ),
        Feature(
            "isrc_registrant",
            "ISRC",
            "1 if conflicting ISRCs are of one registrant, else 0; NaN unless they conflict.",
            "ISRCs of one registrant",
            "ISRCs of other registrants",
        ),
        Feature(
            "isrc_in_id",
            "ISRC",
            "1 if a code inside an sr_id is a code of the other side, 0 if not; NaN without one.",
            "the ISRC inside an id is the other's",
            "the ISRC inside an id is not the other's",
        ),
        Feature(
            "isrc_fragment",
            "ISRC",
            "1 if a malformed code is part of a code of the other side, 0 if not; NaN without one.",
            "a damaged ISRC is part of the other's",
            "a damaged ISRC is no part of the other's",
        ),
    ),
    _compute,
)
