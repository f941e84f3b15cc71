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
    """

    kind: str
    note: str
    length: tuple[float, float]


STUDIO = Version("studio", "", (1.0, 1.0))
_DATA: Mapping[str, Any] = load_data("versions")
_STAGE: Mapping[str, Any] = load_data("stage_names")
_LIBRARY: Mapping[str, Any] = load_data("library")


def _column(language: Language) -> int:
    return 2 if language.code in _ASIAN_LANGUAGES else 1


def _table(section: str, column: int) -> tuple[Weighted[tuple[str, str]], float]:
    """Read the notes of a section with their kinds, and the share of titles that bear one of them."""
    kinds = _DATA[section]
    notes = {kind: entry["notes"] if isinstance(entry, dict) else entry for kind, entry in kinds.items()}
    flat = [((kind, note[0]), float(note[column])) for kind, entries in notes.items() for note in entries]
    flat = [(item, count) for item, count in flat if count]
    total = sum(count for _, count in flat)
    share = total / (_WESTERN_TITLES if column == 1 else _ASIAN_TITLES)
    return Weighted([item for item, _ in flat], [count for _, count in flat]), share


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
    versions: list[Version] = []
    while rng.random() < share:
        kind, note = notes.draw(rng)
        text = _fill(note, rng, language)
        if all(version.note != text for version in versions):
            versions.append(Version(kind, text, tuple(_DATA["other_master"][kind]["length"])))
    return versions


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


def _fill(note: str, rng: random.Random, language: Language) -> str:
    if "{" not in note:
        return note
    place = language.slots["p"].draw(rng).latin
    remixer = rng.choice(_STAGE["remixers"])
    return note.format(venue=rng.choice(_STAGE["venues"]), place=place, remixer=remixer)
