"""Version markers, type by type: what both sides say, and what one side alone says."""

from __future__ import annotations

from collections import Counter
from functools import partial
from typing import NamedTuple

import numpy as np
from rapidfuzz import fuzz

from catalog.numbers import agreement_of
from catalog.versions import SAME_MASTER, MarkerType
from matching.columns import Column, Flags
from matching.features.feature import Feature, FeatureGroup
from matching.fuzzy import similarities
from matching.pairs import Pairs
from matching.prepared import Prepared

# In names of those who play other people's repertoire.
_IMITATION_WORDS = frozenset({"karaoke", "tribute", "tributo", "hommage", "covers", "coverband", "lullaby"})
# Of these each number is another piece.
_COUNTED = frozenset({MarkerType.PART, MarkerType.VOLUME})
_TYPES = tuple(kind for kind in MarkerType if kind not in SAME_MASTER)
_COLUMNS = {kind: column for column, kind in enumerate(_TYPES)}
_BITS = (1 << np.arange(len(_TYPES)))[:, None]


class _Marked(NamedTuple):
    """Whether a side, and whether both, are marked with a type; each of shape (n_types, n_pairs)."""

    either: Flags
    both: Flags

    @classmethod
    def of(cls, pairs: Pairs) -> _Marked:
        said = pairs.table.integers(_said)
        q, m = said.take(pairs.q), said.take(pairs.m)
        return cls((q | m) & _BITS > 0, (q & m) & _BITS > 0)


def _marked_by(pairs: Pairs, column: int) -> Column:
    marked = pairs.once("marked", lambda: _Marked.of(pairs))
    return np.where(marked.both[column], 1.0, np.where(marked.either[column], 0.0, np.nan))


def _agreement(pairs: Pairs) -> Column:
    marked = pairs.once("marked", lambda: _Marked.of(pairs))
    n_either = marked.either.sum(axis=0)
    agreement: Column = marked.both.sum(axis=0) / np.where(n_either, n_either, np.nan)
    return agreement


def _said(prepared: Prepared) -> int:
    """Write the types that a recording is marked with as bits."""
    return sum(1 << _COLUMNS[kind] for kind in _kinds(prepared))


def _kinds(prepared: Prepared) -> set[MarkerType]:
    """Find what the title says, and whom the artists' names say they imitate."""
    kinds = {marker.type for marker in prepared.title.markers if marker.type in _COLUMNS} if prepared.title else set()
    for name in prepared.artists:
        if not _IMITATION_WORDS.isdisjoint(name.split()):
            kinds.add(MarkerType.KARAOKE if "karaoke" in name else MarkerType.COVER)
    return kinds


def _details(pairs: Pairs) -> Column:
    """Compare what markers of the same type say more: live where, remixed by whom, which part."""
    told = pairs.distinct(_told)
    if not len(told):
        return told.spread(np.zeros(0))
    details = [(dict(one), dict(other)) for one, other in zip(told.q, told.m, strict=True)]
    rows = [row for row, (one, other) in enumerate(details) for _ in one.keys() & other.keys()]
    kinds = [kind for one, other in details for kind in one.keys() & other.keys()]
    result = np.full(len(details), np.nan)
    ours, theirs = ([details[row][side][kind] for row, kind in zip(rows, kinds, strict=True)] for side in (0, 1))
    alike = similarities(ours, theirs, fuzz.token_set_ratio)
    for place, kind in enumerate(kinds):
        if kind in _COUNTED:
            alike[place] = _same_count(ours[place].split(), theirs[place].split())
    np.fmin.at(result, rows, alike)
    return told.spread(result)


def _same_count(ours: list[str], theirs: list[str]) -> float:
    one, other = Counter(ours), Counter(theirs)
    if one == other:
        return 1.0
    return 0.5 if one < other or other < one else 0.0


def _told(prepared: Prepared) -> tuple[tuple[MarkerType, str], ...]:
    """Join what several markers of a type say."""
    if not prepared.title or not prepared.title.markers:
        return ()
    told: dict[MarkerType, str] = {}
    for marker in prepared.title.markers:
        if marker.detail and marker.type in _COLUMNS:
            told[marker.type] = f"{told[marker.type]} {marker.detail}" if marker.type in told else marker.detail
    return tuple(told.items())


def _numbers(pairs: Pairs) -> Column:
    numbered, sides = pairs.either(pairs.table.flags(_has_numbers)), pairs.distinct(_numbers_of)
    if not len(sides):
        return np.where(numbered, sides.spread(np.zeros(0)), np.nan)
    answers = np.array([agreement_of(one, other) for (one,), (other,) in zip(sides.q, sides.m, strict=True)])
    return np.where(numbered, sides.spread(answers), np.nan)


def _numbers_of(prepared: Prepared) -> tuple[frozenset[str]]:
    """Put the numbers into brackets: having none is not missing where the other side has one."""
    return (prepared.title.numbers if prepared.title else frozenset(),)


def _has_numbers(prepared: Prepared) -> bool:
    return bool(prepared.title and prepared.title.numbers)


def _marked(kind: MarkerType) -> Feature:
    words = kind.value.replace("_", " ")
    meaning = f"1 if both sides are marked {words}, 0 if one is; NaN if neither is."
    return Feature(f"version_{kind.value}", "version", meaning, f"both {words}", f"{words} against not {words}")


VERSIONS = FeatureGroup(
    "versions",
    (
        *map(_marked, _TYPES),
        Feature(
            "version_agreement",
            "version",
            "Share of the marked types that both titles have, those of the same master aside; NaN without any.",
            "same version types",
            "other version types",
        ),
        Feature(
            "version_detail",
            "version",
            "Least similarity of what markers of one type say more (live where, remixed by whom, which part: other "
            "numbers are not alike at all); NaN without any.",
            "same version details",
            "other version details",
        ),
        Feature(
            "numbers",
            "numbers",
            "1 for the same numbers in both titles, 0.5 if one has further ones, 0 if each has one that the other "
            "lacks, or if they count the same thing otherwise (parts, works, the key); NaN without any.",
            "same numbers in the titles",
            "other numbers in the titles",
        ),
    ),
    (*(partial(_marked_by, column=column) for column in range(len(_TYPES))), _agreement, _details, _numbers),
)
