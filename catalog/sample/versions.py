"""Version notes and how often titles bear them."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from catalog.sample.lexicon import Language, Weighted, load_data
from catalog.sample.works import Work

_WESTERN_TITLES = 15_000  # the two title lists that the notes of versions.json were counted over
_ASIAN_TITLES = 40_000
_ASIAN_LANGUAGES = frozenset({"ja", "ko", "zh"})
_LIBRARY_CUTS = 0.35
_AGAIN = 0.4  # works with one concert or remix that have another
_SEVERAL = frozenset({"live", "remix"})  # kinds of which one performer makes several of one work


@dataclass(frozen=True, slots=True)
class Version:
    """What sets a master apart from the studio master of its work.

    Attributes
    ----------
    kind : str
        ``studio``, ``live``, ``remix`` ...: a name of `phenomena.INVALID_PHENOMENA` except for ``studio``.
    note : str
        As a title would say it; empty for the studio master.
    length : tuple of float
        Least and greatest length in relation to the studio master.
    wordings : tuple of str
        Other notes that name the same version.
    """

    kind: str
    note: str
    length: tuple[float, float]
    wordings: tuple[str, ...] = ()


STUDIO = Version("studio", "", (1.0, 1.0))
_DATA: Mapping[str, Any] = load_data("versions")
_STAGE: Mapping[str, Any] = load_data("stage_names")
_LIBRARY: Mapping[str, Any] = load_data("library")


def _column(language: Language) -> int:
    return 2 if language.code in _ASIAN_LANGUAGES else 1


def _table(section: str, column: int) -> tuple[Weighted[tuple[str, str]], float]:
    """Read the notes of a section with their kinds, and the share of titles that bear one of them."""
    titles = _WESTERN_TITLES if column == 1 else _ASIAN_TITLES
    notes: dict[tuple[str, str], float] = {}
    for kind, entry in _DATA[section].items():
        learnable = isinstance(entry, dict)
        counts = {note[0]: float(note[column]) for note in (entry["notes"] if learnable else entry) if note[column]}
        least = _DATA["at_least"] * titles / _WESTERN_TITLES if learnable else 0.0
        factor = max(1.0, least / sum(counts.values()))
        notes |= {(kind, note): count * factor for note, count in counts.items()}
    return Weighted(list(notes), notes.values()), sum(notes.values()) / titles


_SECTIONS = ("same_master", "other_master")
_TABLES = {(section, column): _table(section, column) for section in _SECTIONS for column in (1, 2)}


def draw_versions(rng: random.Random, work: Work, language: Language) -> list[Version]:
    """Draw the further versions that a performer made of a work, mostly none.

    Parameters
    ----------
    rng : random.Random
        The only source of chance.
    work : Work
        Library music comes in cuts instead.
    language : Language
        Decides which of the two counted lists applies.

    Returns
    -------
    list of Version
        Each a master of its own.
    """
    if work.kind == "library":
        cuts = [note.split(" ", 1) for note in _LIBRARY["cuts"]]
        table = Weighted([text for _, text in cuts], [float(weight) for weight, _ in cuts])
        drawn = [table.draw(rng) for _ in range(4) if rng.random() < _LIBRARY_CUTS]
        return [Version("library_music", note, (0.2, 1.0)) for note in dict.fromkeys(drawn)]
    if work.kind in {"classical", "interlude"}:
        return []
    notes, share = _TABLES["other_master", _column(language)]
    versions: dict[str, Version] = {}
    while rng.random() < share:
        version = _version(*notes.draw(rng), rng, language)
        # Two radio edits of one song would be one, but two concerts are two.
        versions.setdefault(version.note if version.kind in _SEVERAL else version.kind, version)
    for kind in sorted({version.kind for version in versions.values()} & _SEVERAL):
        if rng.random() < _AGAIN:
            named = [note[0] for note in _DATA["other_master"][kind]["notes"] if "{" in note[0]]
            again = _version(kind, rng.choice(named), rng, language)
            versions.setdefault(again.note, again)
    return list(versions.values())


def draw_same_master_note(rng: random.Random, language: Language, year: int) -> tuple[str, str]:
    """Draw a note that changes nothing about which master it is, such as a remaster note; mostly none.

    Parameters
    ----------
    rng : random.Random
        The only source of chance.
    language : Language
        Decides which of the two counted lists applies.
    year : int
        Of the remaster.

    Returns
    -------
    tuple of str
        Phenomenon and text; both empty for none.
    """
    notes, share = _TABLES["same_master", _column(language)]
    if rng.random() >= share:
        return "", ""
    phenomenon, note = notes.draw(rng)
    return phenomenon, note.replace("{year}", str(year))


def _version(kind: str, note: str, rng: random.Random, language: Language) -> Version:
    entry = _DATA["other_master"][kind]
    filling = {
        "venue": rng.choice(_STAGE["venues"]),
        "place": language.slots["p"].draw(rng).latin,
        "remixer": rng.choice(_STAGE["remixers"]),
        "year": str(rng.randrange(1970, 2024)),
    }
    said = _said(note)
    wordings = [*entry["wordings"], *entry.get("local", {}).get(language.code, ())]
    fitting = tuple(text.format(**filling) for text in wordings if _said(text) == said)
    return Version(kind, note.format(**filling), tuple(entry["length"]), fitting)


def _said(note: str) -> frozenset[str]:
    """Tell which slots of a note decide which version it names; the year of a concert only adds to its place."""
    return frozenset(name for name in ("venue", "place", "remixer") if f"{{{name}}}" in note)
