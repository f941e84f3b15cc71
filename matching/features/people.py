"""Artists and contributors beyond the sets of names: who is featured, surnames and initials, who stands where."""

from __future__ import annotations

from functools import lru_cache
from operator import attrgetter

import numpy as np

from matching.columns import Column
from matching.features.feature import Feature, FeatureGroup
from matching.names import ARTIST_SCORERS, NameSimilarities
from matching.pairs import Pairs
from matching.prepared import FIELDS, Prepared
from matching.rarity import bucket_of
from matching.wordbags import SharedWords

_credited = attrgetter("credits")
_CONTRIBUTORS = "contributors"
_EVENLY = np.float32(1)


def _credited_alike(pairs: Pairs) -> Column:
    return pairs.once("credits", lambda: _compare_credits(pairs)).overlap


def _best_credited(pairs: Pairs) -> Column:
    return pairs.once("credits", lambda: _compare_credits(pairs)).best


def _words(pairs: Pairs) -> Column:
    return pairs.where_comparable(_CONTRIBUTORS, pairs.shared.overlap(_CONTRIBUTORS)[0])


def _contained(pairs: Pairs) -> Column:
    return pairs.where_comparable(_CONTRIBUTORS, pairs.shared.overlap(_CONTRIBUTORS)[1])


def _by_initials(pairs: Pairs) -> Column:
    evenly = np.broadcast_to(_EVENLY, pairs.table.rarity.weights.shape)
    initials = SharedWords(pairs.table.bags(_initials, evenly), pairs.q, pairs.m, [(_CONTRIBUTORS, _CONTRIBUTORS)])
    return pairs.where_comparable(_CONTRIBUTORS, initials.overlap(_CONTRIBUTORS)[1])


def _contributing(pairs: Pairs) -> Column:
    return pairs.where_comparable(_CONTRIBUTORS, np.fmax(*pairs.shared.found("artists", _CONTRIBUTORS)))


def _compare_credits(pairs: Pairs) -> NameSimilarities:
    """Compare artists and featured artists together; where nobody is featured, the artists have been compared."""
    wanted = pairs.either(pairs.table.flags(_features_somebody))
    credited = pairs.names(_credited, ARTIST_SCORERS, wanted)
    return NameSimilarities(*(np.where(wanted, *columns) for columns in zip(credited, pairs.artists(), strict=True)))


def _features_somebody(prepared: Prepared) -> bool:
    return prepared.credits != prepared.artists


def _initials(prepared: Prepared) -> dict[int, int]:
    return dict.fromkeys(_initialed(prepared.contributors), FIELDS[_CONTRIBUTORS])


_MOST_WORDS = 16  # of a name that is still a person's


@lru_cache(maxsize=1 << 16)
def _initialed(names: tuple[str, ...]) -> frozenset[int]:
    """Write every name as each of its words with the initials of the others: "john lennon" as "lennon j", "john l".

    The buckets of "j lennon" are among those of "john lennon"; names of one word give none.
    """
    keys: set[int] = set()
    for name in names:
        words = name.split()[:_MOST_WORDS]
        for place, word in enumerate(words):
            if len(word) > 1 and len(words) > 1:
                others = "".join(sorted(other[0] for spot, other in enumerate(words) if spot != place))
                keys.add(bucket_of(f"{word} {others}"))
    return frozenset(keys)


PEOPLE = FeatureGroup(
    "people",
    (
        Feature(
            "credits",
            "artists",
            "Similarity of artists and featured artists together as sets; NaN without any.",
            "same credited artists",
            "other credited artists",
        ),
        Feature(
            "artist_best",
            "artists",
            "Best similarity of two credited names; NaN without any.",
            "a credited artist in common",
            "no credited artist in common",
        ),
        Feature(
            "contributor_words",
            "contributors",
            "Weighted Jaccard index of the words of the contributors; NaN without any.",
            "the same contributor words",
            "other contributor words",
        ),
        Feature(
            "contributor_contained",
            "contributors",
            "Share of the fewer contributors' words, by weight, that the other side has; NaN without any.",
            "one side's contributors are all on the other",
            "contributors missing on the other side",
        ),
        Feature(
            "contributor_initials",
            "contributors",
            "Share of contributors in common by surname and initial; NaN without any.",
            "contributors in common by initial",
            "no contributors in common by initial",
        ),
        Feature(
            "artist_contributes",
            "artists",
            "Share of one side's artist words among the other's contributors; NaN without any.",
            "the artist is a contributor of the other",
            "the artist is no contributor of the other",
            rises=False,
        ),
    ),
    (_credited_alike, _best_credited, _words, _contained, _by_initials, _contributing),
)
