"""Album, label, year and duration."""

from __future__ import annotations

import numpy as np
from rapidfuzz import fuzz

from matching.features.feature import Column, Feature, FeatureGroup
from matching.prepared import Pairs

# Sources measure silence at the ends differently: up to 2 s say nothing, from 10 s on they are two recordings.
_SOFT_S, _GRACE_S = 2.0, 10.0
_YEARS = 10.0  # apart, from which years are simply different


def _compute(pairs: Pairs) -> list[Column]:
    q, m = pairs.q, pairs.m
    albums, labels = ([getattr(each, name) for each in pairs.recordings] for name in ("album", "label"))
    recordings = [each.recording for each in pairs.recordings]
    seconds = np.array([np.nan if each.duration_ms is None else each.duration_ms / 1e3 for each in recordings])
    years = np.array([np.nan if each.release_year is None else float(each.release_year) for each in recordings])
    apart = np.abs(seconds[q] - seconds[m])
    return [
        pairs.similar([album.replace(" ", "") for album in albums]),
        pairs.similar(albums, fuzz.token_set_ratio),
        pairs.similar(labels, fuzz.token_set_ratio),
        1 - np.minimum(np.abs(years[q] - years[m]), _YEARS) / _YEARS,
        1 - np.clip((apart - _SOFT_S) / (_GRACE_S - _SOFT_S), 0, 1),
        np.minimum(seconds[q], seconds[m]) / np.maximum(seconds[q], seconds[m]),
        1 - np.minimum(apart, _GRACE_S) / _GRACE_S,
    ]


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
            "near years of release",
            "other years of release",
        ),
        Feature(
            "duration",
            "duration",
            "1 up to 2 s apart, 0 from 10 s apart; NaN without one.",
            "same duration",
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
            "exactly the same duration",
            "durations seconds apart",
        ),
    ),
    _compute,
)
