"""ISRCs in detail: nearly equal, of one registrant, hidden in an id."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import partial

import numpy as np
from rapidfuzz import process
from rapidfuzz.distance import OSA

from catalog.isrc import parse_isrc, parse_isrcs
from matching.columns import Column, Flags, GrowingColumn
from matching.crossed import Crossed
from matching.features.feature import Feature, FeatureGroup
from matching.pairs import Pairs
from matching.prepared import Prepared
from matching.table import RecordingTable

_REGISTRANT = 5  # characters of the prefix code of ISO 3901
_IN_ID = re.compile(r"(?<![A-Z0-9])[A-Z]{2}[A-Z0-9]{3}[0-9]{7}(?![A-Z0-9])")
_DIGITS = re.compile("[0-9]{7}")
_LEAST_FRAGMENT = 7
_MOST_CODES = 8
_CODE_LENGTH = 12
_NONE: frozenset[str] = frozenset()


def _beside(pairs: Pairs) -> tuple[Column, Column]:
    """Compare codes hidden in ids, and what is left of malformed ones."""
    table = pairs.table
    further = table.objects(_further)
    in_id, damaged = np.full(len(pairs.q), np.nan), np.full(len(pairs.q), np.nan)
    for row in np.flatnonzero(pairs.either(_are_there(further, table))).tolist():
        one, other = pairs.q[row], pairs.m[row]
        (q_hidden, q_parts), (m_hidden, m_parts) = further[one], further[other]
        q_known, m_known = table.rows[one].codes | q_hidden, table.rows[other].codes | m_hidden
        if (q_hidden or m_hidden) and q_known and m_known:
            in_id[row] = not q_known.isdisjoint(m_known)
        if q_parts or m_parts:
            damaged[row] = _fragment_of(q_parts, m_known, m_parts, q_known)
    return in_id, damaged


def _conflicts(pairs: Pairs) -> list[Column]:
    return pairs.compare_sets(_few_codes, _conflict, 2, pairs.same_isrc() == 0)


def _conflicting(pairs: Pairs, column: int) -> Column:
    return pairs.once("conflicts of codes", lambda: _conflicts(pairs))[column]


def _besides(pairs: Pairs, column: int) -> Column:
    return pairs.once("codes beside", lambda: _beside(pairs))[column]


def _conflict(codes: Crossed[str]) -> list[Column]:
    """Compare conflicting codes, each of one side with each of the other."""
    near = process.cpdist(codes.q, codes.m, scorer=OSA.distance, score_cutoff=1, dtype=np.int32) <= 1
    registrant = [one[:_REGISTRANT] == other[:_REGISTRANT] for one, other in zip(codes.q, codes.m, strict=True)]
    return [codes.best(np.array(column, dtype=np.float64)) for column in (near, registrant)]


def _few_codes(prepared: Prepared) -> tuple[str, ...]:
    return tuple(sorted(prepared.codes)[:_MOST_CODES])


def _hidden(prepared: Prepared) -> frozenset[str]:
    sr_id = prepared.recording.sr_id
    if len(sr_id) < _CODE_LENGTH or not _DIGITS.search(sr_id):  # most of them, told quickly
        return _NONE
    return frozenset(_IN_ID.findall(sr_id.upper().replace("_", " ")))


def _further(prepared: Prepared) -> tuple[frozenset[str], frozenset[str]]:
    """Find codes beside the well-formed ones: hidden in the id, and what is left of malformed ones."""
    return _hidden(prepared), _fragments(prepared)


def _are_there(further: Sequence[tuple[frozenset[str], frozenset[str]]], table: RecordingTable) -> Flags:
    flags = table.column(
        "further codes",
        lambda: GrowingColumn(np.bool_),
        lambda column, _: column.add([bool(one or other) for one, other in further[len(column.array) :]]),
    )
    return flags.array


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
    tuple(partial(compute, column=column) for compute in (_conflicting, _besides) for column in (0, 1)),
)
