"""Words that slipped into other fields: the artist in the title, everything in one field."""

from __future__ import annotations

from functools import lru_cache, partial
from operator import attrgetter
from typing import NamedTuple

import numpy as np
from rapidfuzz import fuzz

from catalog.normalize import normalize
from matching.columns import Column, GrowingColumn
from matching.features.feature import Feature, FeatureGroup
from matching.fuzzy import similarities, solid
from matching.pairs import Pairs
from matching.prepared import Prepared

_FOUND = 0.999
# Characters of a field that are looked for and looked in: the cost grows with their product.
_LONGEST_PART = 256


def _all_words(pairs: Pairs) -> Column:
    return pairs.where_comparable("all", pairs.shared.overlap("all")[0])


def _all_contained(pairs: Pairs) -> Column:
    return pairs.where_comparable("all", pairs.shared.overlap("all")[1])


def _most(pairs: Pairs, field: str) -> Column:
    """Look for a side's field in all of the other; nothing can be found of what is in another script."""
    found = np.fmax(*pairs.shared.found(field, "all"))
    return pairs.where_comparable("all", pairs.where_comparable(field, found))


def _least(pairs: Pairs, field: str) -> Column:
    found = np.fmin(*pairs.shared.found(field, "all"))
    return found if field == "notes" else pairs.where_comparable("all", pairs.where_comparable(field, found))


class _Texts(NamedTuple):
    """What is looked for letter by letter, and the text in which, without blanks."""

    title: str
    artists: str
    text: str


def _inside(pairs: Pairs, field: str) -> Column:
    """Look for a field inside the other side's text letter by letter, where its words do not show it."""
    found, read, texts = _most(pairs, field), attrgetter(field), pairs.table.values(_texts).values
    lengths = pairs.table.column(
        ("lengths", field),
        lambda: GrowingColumn(np.int64),
        lambda column, _: column.add([len(read(each)) for each in texts[len(column.array) :]]),
    ).array
    unsure = found < _FOUND
    if not unsure.any():
        return found
    sides = pairs.distinct(_texts, wanted=unsure)
    q_length, m_length = lengths.take(sides.q_places), lengths.take(sides.m_places)
    # The shorter part is the one that may stand inside of a longer text; words are looked for both ways.
    forth = np.flatnonzero((q_length > 0) & ((m_length == 0) | (q_length <= m_length)))
    back = np.flatnonzero((m_length > 0) & ((q_length == 0) | (m_length <= q_length)))
    looked_for = np.concatenate((sides.q_places[forth], sides.m_places[back])).tolist()
    looked_in = np.concatenate((sides.m_places[forth], sides.q_places[back])).tolist()
    alike = similarities(
        [read(texts[one]) for one in looked_for], [texts[other].text for other in looked_in], fuzz.partial_ratio
    )
    result = np.full(len(q_length), np.nan)
    np.fmax.at(result, np.concatenate((forth, back)), alike)
    return np.where(unsure, sides.spread(result), found)


def _texts(prepared: Prepared) -> _Texts:
    title, album = prepared.title, _beginning(prepared.album)
    base, full = (_beginning(title.base), _beginning(title.full)) if title else ("", "")
    artists = _artists(prepared.recording.artists) if prepared.artists else ""
    return _Texts(base, artists, full + artists + album)


def _beginning(text: str) -> str:
    return solid(text[:_LONGEST_PART])


@lru_cache(maxsize=1 << 16)
def _artists(names: tuple[str, ...]) -> str:
    """Write the artists in the order of their words, as somebody wrote them down."""
    return _beginning(normalize("".join(names)[:_LONGEST_PART]))


FIELDS = FeatureGroup(
    "fields",
    (
        Feature(
            "all_words",
            "words of all fields",
            "Weighted Jaccard index of all words of all fields; NaN without any.",
            "the same words over all fields",
            "other words over all fields",
        ),
        Feature(
            "all_contained",
            "words of all fields",
            "Share of the poorer side's words, by weight, that the other has in any field; NaN without any.",
            "one side's words are all on the other",
            "words missing on the other side",
        ),
        Feature(
            "title_found",
            "title",
            "Share of a title's words in any field of the other side, the better direction; NaN without a title.",
            "a title stands in the other's fields",
            "no title stands in the other's fields",
        ),
        Feature(
            "titles_found",
            "title",
            "The same in the worse direction.",
            "both titles stand in the other's fields",
            "a title is not in the other's fields",
        ),
        Feature(
            "title_inside",
            "title",
            "Partial similarity of the shorter title's letters within the other side's text; NaN without a title.",
            "a title's letters stand in the other's text",
            "no title's letters stand in the other's text",
        ),
        Feature(
            "artist_found",
            "artists",
            "Share of the artists' words in any field of the other side, the better direction; NaN without artists.",
            "the artist stands in the other's fields",
            "no artist stands in the other's fields",
        ),
        Feature(
            "artists_found",
            "artists",
            "The same in the worse direction.",
            "both artists stand in the other's fields",
            "an artist is not in the other's fields",
        ),
        Feature(
            "artist_inside",
            "artists",
            "Partial similarity of the shorter artists' letters within the other side's text; NaN without artists.",
            "the artist's letters stand in the other's text",
            "the artist's letters are not in the other's text",
        ),
        Feature(
            "notes_found",
            "version",
            "Share of the words of a title's notes that stand in any field of the other side, in the worse direction; "
            "NaN without notes other than those of the same master.",
            "the notes of the titles stand on both sides",
            "a note of a title is not on the other side",
        ),
    ),
    (
        *(_all_words, _all_contained),
        *(partial(compute, field=field) for field in ("title", "artists") for compute in (_most, _least, _inside)),
        partial(_least, field="notes"),
    ),
)
