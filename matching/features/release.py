"""Album, label, year and duration."""

from __future__ import annotations

from operator import attrgetter

import numpy as np
from rapidfuzz import fuzz

from matching.columns import Column
from matching.features.feature import Feature, FeatureGroup
from matching.fuzzy import solid
from matching.pairs import Pairs
from matching.prepared import Prepared

# Sources measure silence at the ends differently: up to 2 s say nothing, from 10 s on they are two recordings.
_SOFT_S, _GRACE_S = 2.0, 10.0
_YEARS_APART = 10.0  # apart, from which years are simply different

_album, _label = attrgetter("album"), attrgetter("label")


def _years(pairs: Pairs) -> Column:
    years = pairs.table.numbers(_year)
    return 1 - np.minimum(np.abs(years.take(pairs.q) - years.take(pairs.m)), _YEARS_APART) / _YEARS_APART


def _durations(pairs: Pairs) -> tuple[Column, Column]:
    seconds = pairs.table.numbers(_seconds)
    q, m = seconds.take(pairs.q), seconds.take(pairs.m)
    return np.minimum(q, m), np.maximum(q, m)


def _apart(pairs: Pairs) -> Column:
    shorter, longer = pairs.once("durations", lambda: _durations(pairs))
    return longer - shorter


def _near(pairs: Pairs) -> Column:
    return 1 - np.clip((_apart(pairs) - _SOFT_S) / (_GRACE_S - _SOFT_S), 0, 1)


def _ratio(pairs: Pairs) -> Column:
    shorter, longer = pairs.once("durations", lambda: _durations(pairs))
    return shorter / longer


def _exact(pairs: Pairs) -> Column:
    return 1 - np.minimum(_apart(pairs), _GRACE_S) / _GRACE_S


def _albums(pairs: Pairs) -> Column:
    return pairs.similar(_solid_album)


def _album_words(pairs: Pairs) -> Column:
    return pairs.similar(_album, fuzz.token_set_ratio)


def _labels(pairs: Pairs) -> Column:
    return pairs.similar(_label, fuzz.token_set_ratio)


def _solid_album(prepared: Prepared) -> str:
    return solid(prepared.album)


def _seconds(prepared: Prepared) -> float:
    milliseconds = prepared.recording.duration_ms
    return np.nan if milliseconds is None else milliseconds / 1e3


def _year(prepared: Prepared) -> float:
    year = prepared.recording.release_year
    return np.nan if year is None else float(year)


RELEASE = FeatureGroup(
    "release",
    (
        Feature("album", "album", "Edit similarity of the albums; NaN without one.", "same album", "other albums"),
        Feature(
            "album_words",
            "album",
            "Similarity of the albums as sets of words; NaN without one.",
            "same album words",
            "other album words",
        ),
        Feature(
            "label",
            "label",
            "Similarity of the labels as sets of words; NaN without one.",
            "same label",
            "other labels",
        ),
        Feature(
            "year",
            "year",
            "1 for the same year of release, 0 from ten years apart; NaN without one.",
            "same or near year of release",
            "other years of release",
        ),
        Feature(
            "duration",
            "duration",
            "1 up to 2 s apart, 0 from 10 s apart; NaN without one.",
            "durations close",
            "other durations",
        ),
        Feature(
            "duration_ratio",
            "duration",
            "The shorter duration as a share of the longer; NaN without one.",
            "near durations",
            "durations far apart",
        ),
        Feature(
            "duration_exact",
            "duration",
            "1 for the same duration, 0 from 10 s apart; NaN without one.",
            "durations very close",
            "durations seconds apart",
        ),
    ),
    (_albums, _album_words, _labels, _years, _near, _ratio, _exact),
)
