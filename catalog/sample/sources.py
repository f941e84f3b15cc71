"""Who writes recordings down: the feeds of a catalogue, each with its habits and its way of numbering."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from catalog.sample.lexicon import Weighted, load_data, load_languages
from catalog.sample.masters import Master

_BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_QUIRKS = ("", "", "typing", "typing", "slipped", "slipped", "", "sentinels", "store")  # of small feeds
_CONTRIBUTOR_STYLES = ("full", "surnames", "initials", "surname_first")


@dataclass(frozen=True, slots=True)
class Source:
    """A feed and its habits; numbers are probabilities between 0 and 1 unless said otherwise.

    Attributes
    ----------
    name : str
        In front of ``__`` in an id.
    share : float
        Per cent of all ids.
    id : str
        Style of local ids.
    isrc_missing, isrc_hyphens : float
    upper, ascii, full_width : float
        Whole rows in upper case, without diacritics, in full-width forms.
    the : str
        ``first``, ``last`` or ``last_comma``: where the article of a band stands.
    join : float
        Several artists written as one name with a joining word.
    feat : str
        ``artists``, ``title`` or ``both``: where guests are named.
    contributors : str
        ``full``, ``surnames``, ``initials`` or ``surname_first``.
    contributors_missing, album_missing : float
    notes : str
        ``round``, ``square`` or ``dash``: how a title bears a note.
    explicit : float
        Explicit titles marked as such.
    script : tuple of float
        Weights of native script, Latin script, and both.
    slips : float
        Factor on the rates of typing errors and the like.
    typing, slipped : float
        Whole rows typed badly; fields that stand in other fields.
    sentinels : float
        Missing texts written as "unknown" or the like.
    store : float
        Albums with a store's note such as "(Deluxe Edition)".
    label_style : float
        Labels with a line about rights, or without their last word.
    lengths : str
        ``exact``, ``seconds``, ``hundredths`` or ``tenths`` of a minute.
    length_off, length_missing, year_off : float
    artist_in_title, album_in_title, track_prefix, truncate : float
    languages : tuple of str
        The only languages it covers; empty for all.
    """

    name: str
    share: float
    id: str
    isrc_missing: float = 0.1
    isrc_hyphens: float = 0.01
    upper: float = 0.002
    ascii: float = 0.03
    full_width: float = 0.0
    the: str = "first"
    join: float = 0.08
    feat: str = "artists"
    contributors: str = "full"
    contributors_missing: float = 0.3
    album_missing: float = 0.1
    notes: str = "round"
    explicit: float = 0.05
    script: tuple[float, ...] = (0.45, 0.45, 0.1)
    slips: float = 1.0
    typing: float = 0.0
    slipped: float = 0.002
    sentinels: float = 0.1
    store: float = 0.06
    label_style: float = 0.12
    lengths: str = "exact"
    length_off: float = 0.12
    length_missing: float = 0.08
    year_off: float = 0.07
    artist_in_title: float = 0.003
    album_in_title: float = 0.004
    track_prefix: float = 0.002
    truncate: float = 0.0
    languages: tuple[str, ...] = ()


@cache
def load_sources() -> tuple[Source, ...]:
    """Read the named feeds and give the small ones habits drawn from their names.

    Returns
    -------
    tuple of Source
    """
    data = load_data("sources")
    sources = [_source(entry) for entry in data["sources"]]
    left = 100.0 - sum(source.share for source in sources)
    tail = [1 / (rank + 6) for rank in range(len(data["small_feeds"]))]
    for name, weight in zip(data["small_feeds"], tail, strict=True):
        sources.append(_small_feed(name, left * weight / sum(tail)))
    return tuple(sources)


@cache
def sources_of(language: str) -> Weighted[Source]:
    """Weigh the feeds that cover a language, so that every feed keeps its share of the whole catalogue.

    Parameters
    ----------
    language : str
        ISO 639-1 code of one of the sample's languages.

    Returns
    -------
    Weighted of Source
    """
    share = {entry.code: weight for entry, weight in load_languages().weighted()}
    covering = [source for source in load_sources() if not source.languages or language in source.languages]
    special = {
        source.name: source.share * sum(share.values()) / sum(share[code] for code in source.languages)
        for source in covering
        if source.languages
    }
    rest = 100.0 - sum(special.values())
    general = sum(source.share for source in covering if not source.languages)
    return Weighted(covering, [special.get(source.name, source.share * rest / general) for source in covering])


def local_id(rng: random.Random, source: Source, master: Master) -> str:
    """Make an id in the style of a feed.

    Parameters
    ----------
    rng : random.Random
        The only source of chance.
    source : Source
        Decides the style.
    master : Master
        Some ids embed its ISRC.

    Returns
    -------
    str
        Not necessarily new.
    """
    return _ID_STYLES[source.id](rng, master)


def _barcode(rng: random.Random) -> str:
    return f"{rng.randrange(10**13):013d}"


_ID_STYLES: dict[str, Callable[[random.Random, Master], str]] = {
    "base62": lambda rng, _: "".join(rng.choices(_BASE62, k=22)),
    "asset": lambda rng, _: f"A{rng.randrange(10**15):015d}",
    "asin": lambda rng, _: "B0" + "".join(rng.choices(_BASE62[:36], k=8)),
    "isrc": lambda rng, master: f"{master.isrcs[0]}_{rng.randrange(100, 1000)}",
    "barcode_isrc": lambda rng, master: f"{_barcode(rng)}_{master.isrcs[0]}",
    "barcode_track": lambda rng, _: f"{_barcode(rng)}_{rng.randrange(1, 3)}_{rng.randrange(1, 19)}",
    "digits": lambda rng, _: str(rng.randrange(10**7, 10**10)),
}


def _source(entry: Mapping[str, Any]) -> Source:
    habits: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in entry.items()}
    return Source(**habits)


def _small_feed(name: str, share: float) -> Source:
    habits = random.Random(name)
    shouting = habits.random() < 0.03
    quirk = habits.choice(_QUIRKS)
    return Source(
        name,
        share,
        habits.choice(("digits", "digits", "barcode_track", "isrc", "barcode_isrc")),
        isrc_missing=habits.choice((0.02, 0.05, 0.1, 0.4, 1.0)),
        isrc_hyphens=habits.choice((0.01, 0.01, 0.01, 0.9)),
        upper=0.9 if shouting else 0.003,
        ascii=habits.choice((0.0, 0.0, 0.1, 0.9)),
        the=habits.choice(("first", "first", "first", "last", "last_comma")),
        join=habits.choice((0.0, 0.1, 0.5, 1.0)),
        feat=habits.choice(("artists", "artists", "title", "both")),
        contributors=habits.choice(_CONTRIBUTOR_STYLES),
        contributors_missing=habits.choice((0.05, 0.1, 0.4, 1.0)),
        album_missing=habits.choice((0.0, 0.2, 1.0)),
        notes=habits.choice(("round", "round", "dash", "square")),
        script=habits.choice(((0.9, 0.05, 0.05), (0.1, 0.85, 0.05), (0.4, 0.4, 0.2))),
        slips=habits.choice((0.5, 1.0, 1.0, 3.0)),
        truncate=habits.choice((0.0, 0.0, 0.0, 0.9)),
        typing=0.6 if quirk == "typing" else 0.0,
        slipped=0.5 if quirk == "slipped" else 0.002,
        sentinels=0.9 if quirk == "sentinels" else 0.1,
        store=0.6 if quirk == "store" else 0.06,
        label_style=habits.choice((0.0, 0.1, 0.9)),
        lengths=habits.choice(("exact", "seconds", "seconds", "hundredths", "tenths")),
        length_off=habits.choice((0.05, 0.1, 0.7)),
        length_missing=habits.choice((0.0, 0.1, 1.0)),
        year_off=habits.choice((0.02, 0.1, 0.4)),
    )
