"""Durations and years in every unit and spelling."""

import csv
import math
import os
from collections import defaultdict
from datetime import date, time, timedelta
from decimal import Decimal
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.durations import LONGEST_MS, parse_duration, parse_milliseconds, parse_year

FOUR_EIGHTEEN = 258_000
MUSIC20 = Path(os.environ.get("ONEMASTER_MUSIC20", "absent"))


@pytest.mark.parametrize(
    "value",
    [
        258,
        258.0,
        258_000,
        258_000.0,
        4.3,
        Decimal("4.3"),
        np.int64(258),
        np.float64(258.0),
        np.float32(258.0),
        timedelta(minutes=4, seconds=18),
        pd.Timedelta(minutes=4, seconds=18),
        "258",
        " 258 ",
        "258.0",
        "258000",
        "258 000",
        "258000.0",
        "4.3",
        "4,3",
        "4.300",
        "04:18",
        "4:18",
        "00:04:18",
        "0:04:18.0",
        "4 : 18",
        "O4:18",
        "0418",
        "4m 18sec",
        "4m18s",
        "4M 18SEC",
        "4m  18sec",
        "4m-18sec",
        "4 m 18 s ec",
        "4 min 18 s",
        "4 minutes, 18 seconds",
        "4'18\"",
        "4’18”",
        "4′18″",
        "258 s",
        "258sec",
        "258000 ms",
        "258000ms",
        "4.3 min",
        "4.3 minutes",
        "PT4M18S",
        "PT258S",
        "PT0H4M18S",
        "P0DT4M18S",
        "P0Y0M0DT0H4M18S",
        "P0Y0M0W0DT0H4M18S",
        "pt4m18.0s",
        "2 58000",
        "0 4:18",
        "4'18",
        "4m18",
        "4 mn 18 s",
        "4:18 min",
        "0 days 00:04:18",
        "4 мин 18 сек",
        "4分18秒",
        "4분 18초",
        "0 days 00:04:18.000000",
    ],
)
def test_every_spelling_of_four_minutes_eighteen(value):
    assert parse_duration(value) == FOUR_EIGHTEEN


@pytest.mark.parametrize(
    ("value", "milliseconds", "reason"),
    [
        (3599, 3_599_000, "a whole number below an hour is seconds"),
        (3600, 3_600, "and milliseconds from there"),
        ("3599", 3_599_000, "the same for text"),
        ("9000", 9_000, "Music-20 writes 00:09 so"),
        (59.9, 3_594_000, "decimals below 60 are minutes"),
        (60.5, 60_500, "and seconds from there"),
        (1, 1_000, "a second"),
        ("4m", 240_000, "minutes alone"),
        ("1h 2m 3s", 3_723_000, "hours"),
        ("1:02:03", 3_723_000, "a clock with hours"),
        ("72:10", 4_330_000, "minutes beyond the hour"),
        ("PT1H", 3_600_000, "ISO 8601 with hours alone"),
        ("4:18.5", 258_500, "fractions of a second"),
        ("1500 ms", 1_500, "the unit goes before the size"),
        ("4200 s", 4_200_000, "the unit goes before the size"),
        ("0348", 228_000, "a clock that lost its colon: Music-20 has 55 of them"),
        ("2 18000", 218_000, "a stray blank"),
        ("0 3:24", 204_000, "a stray blank"),
        ("4 .872", 292_320, "a stray blank"),
        ("4m  36sec", 276_000, "two blanks"),
        ("4m-37sec", 277_000, "a hyphen for a blank"),
        (".75", 45_000, "no digit before the point"),
    ],
)
def test_units(value, milliseconds, reason):
    assert parse_duration(value) == milliseconds, reason


@pytest.mark.parametrize(
    "value",
    [
        "3'99", "90m99", "1h75",
        None, "", "  ", "None", "null", "nu ll", "nan", "unk.", "unknown", "n.a.", "m sec", ".", ",", ":", "00:00", "0",
        0, 0.0, -1, -258.0, "-258", "-04:18", True, False, math.nan, math.inf, -math.inf, Decimal("NaN"), pd.NA, pd.NaT,
        np.float64("nan"), "4:60", "1:60:00", "4:1", "4:18:", "03:1G", "3.g83", "4.3.2", "1e5", "٤:١٨", "²", "PT", "P",
        "PTS", "258 apples", "Svart Snö", "023-Tango sudiste", "WoM14979634", "9" * 400, 10**400, 1e300, "99999999999",
        timedelta(days=2), timedelta(0), date(2011, 5, 1), time(0, 4, 18), b"258", [258], object(),
    ],
)  # fmt: skip
def test_no_durations(value):
    assert parse_duration(value) is None


@given(st.integers(min_value=1, max_value=3_599))
def test_one_duration_in_every_unit(seconds):
    minutes, rest = divmod(seconds, 60)
    spellings = [
        seconds,
        str(seconds),
        f"{seconds} s",
        f"{seconds * 1_000} ms",
        f"{minutes:02}:{rest:02}",
        f"{minutes}m {rest}sec",
        f"PT{minutes}M{rest}S",
        timedelta(seconds=seconds),
        *([seconds * 1_000] if seconds >= 4 else []),
        *([float(seconds)] if seconds >= 60 else []),
    ]
    assert {parse_duration(value) for value in spellings} == {seconds * 1_000}
    assert parse_duration(f"{seconds / 60:.3f}") == pytest.approx(seconds * 1_000, abs=31)


@given(st.text() | st.floats() | st.integers() | st.none() | st.booleans() | st.binary())
def test_every_value_gives_a_length_of_at_most_a_day_or_none(value):
    for parse in (parse_duration, parse_milliseconds):
        milliseconds = parse(value)
        assert milliseconds is None or (type(milliseconds) is int and 1 <= milliseconds <= LONGEST_MS)


@pytest.mark.parametrize(
    ("value", "milliseconds"),
    [
        (258_000, 258_000), (258_000.4, 258_000), ("258000", 258_000), (" 258000.0 ", 258_000), (900, 900),
        ("900", 900),
        (np.int64(900), 900), (0, None), (-5, None), ("04:18", None), ("", None), (".", None), (None, None),
        (True, None), (math.nan, None), (LONGEST_MS, LONGEST_MS), (LONGEST_MS + 1, None), ("9" * 500, None),
    ],
)  # fmt: skip
def test_milliseconds_stay_what_they_are(value, milliseconds):
    assert parse_milliseconds(value) == milliseconds


@given(st.integers(min_value=1, max_value=LONGEST_MS))
def test_reading_milliseconds_is_idempotent(milliseconds):
    assert parse_milliseconds(milliseconds) == parse_milliseconds(str(milliseconds)) == milliseconds


@pytest.mark.parametrize(
    ("value", "year"),
    [
        (2011, 2011), (2011.0, 2011), (np.int64(2011), 2011), (np.float64(2011), 2011), ("2011", 2011),
        (" 2011 ", 2011),
        ("2011.0", 2011), ("2 009", 2009), ("19 98", 1998), ("'98", 1998), ("’98", 1998), ("' 03", 2003), ("98", 1998),
        (98, 1998), ("04", 2004), ("'04", 2004), (4, 2004), ("4", 2004), ("00", 2000),
        (0, None), ("0", None), (0.0, None), ("0000", None), ("'00", 2000),
        (29, 2029), (30, 1930),
        ("2011-05-01", 2011), ("2011-05", 2011), ("2011/05/01", 2011), ("2011-05-01T10:00:00Z", 2011),
        ("20110501", 2011), ("05/2011", 2011), ("May 2011", 2011), ("March 3, 2011", 2011), ("℗ 2011", 2011),
        ("(P) 2011", 2011), ("2011-00-00", 2011), ("2011?", 2011), ("20119901", None),
        ("Mayhem 2012", None), ("99/2012", None), ("12345678", None),
        ("01.05.2011", 2011), (date(2011, 5, 1), 2011), (pd.Timestamp("2011-05-01"), 2011), (1860, 1860), (2100, 2100),
        (1859, None), (2101, None), (2901, None), ("2901", None), ("1007", None), ("0028", None), (-98, None),
        (101, None), ("101", None), ("10809", None), (2011.5, None), (math.nan, None), (None, None), ("", None),
        ("None", None), ("unk.", None), ("n.a.", None), ("unknown", None), ("Tribe", None),
        ("04:02", None), (True, None),
        ("Hooked (1989)", None), ("²", None), ("٢٠١١", None), (pd.NaT, None), (10**400, None), ("2901-05-01", None),
    ],
)  # fmt: skip
def test_years(value, year):
    assert parse_year(value) == year


@given(st.text() | st.floats() | st.integers() | st.dates())
def test_reading_a_year_is_idempotent(value):
    year = parse_year(value)
    assert year is None or (1860 <= year <= 2100 and parse_year(year) == parse_year(str(year)) == year)


@pytest.mark.skipif(not MUSIC20.is_dir(), reason="ONEMASTER_MUSIC20 names no folder of Music-20")
def test_lengths_of_one_real_recording_agree():
    with (MUSIC20 / "catalog.csv").open(encoding="utf-8", newline="") as stream:
        lengths = {row["sr_id"]: parse_duration(row["length"]) for row in csv.DictReader(stream)}
    clusters = defaultdict(list)
    with (MUSIC20 / "clusters.csv").open(encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream):
            clusters[row["cluster_id"]].append(lengths[row["sr_id"]])
    pairs = [pair for cluster in clusters.values() for pair in combinations(filter(None, cluster), 2)]
    assert len(pairs) > 14_000
    assert sum(abs(one - other) <= 3_000 for one, other in pairs) / len(pairs) > 0.98
