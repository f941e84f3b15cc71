"""What a master is, and how its codes are issued."""

from __future__ import annotations

import random
from dataclasses import dataclass

from catalog.sample.lexicon import Term
from catalog.sample.people import Artist
from catalog.sample.versions import Version
from catalog.sample.works import Work

LAST_YEAR = 2024
_FIRST_CODED_YEAR = 1989  # ISRCs are issued since then; older masters got theirs when they were re-issued
_SECOND_CODE = 0.22
_THIRD_CODE = 0.05
_COUNTRIES = {
    "en": ("US",) * 9 + ("GB",) * 6 + ("QZ",) * 3 + ("CA", "AU"),
    "es": ("ES", "MX", "AR"),
    "pt": ("BR", "PT", "BX"),
    "fr": ("FR", "BE"),
    "de": ("DE", "AT", "CH"),
    "sv": ("SE", "NO", "FI"),
    "ja": ("JP",),
    "ko": ("KR",),
    "zh": ("TW", "HK", "CN"),
    "el": ("GR",),
    "ar": ("LB", "EG"),
    "he": ("IL",),
}


@dataclass(frozen=True, slots=True)
class Release:
    """An album or a single.

    Attributes
    ----------
    number : int
        Identity.
    title : Term
    label : str
        As printed on it.
    year : int
        Of its first publication.
    """

    number: int
    title: Term
    label: str
    year: int


@dataclass(frozen=True, slots=True, eq=False)
class Master:
    """One recording in truth.

    Attributes
    ----------
    number : int
        Identity.
    work : Work
        What is played.
    artists, featured : tuple of Artist
        Main artists, and guests.
    version : Version
        What sets it apart from the studio master.
    release : Release
        Where it was first published.
    isrcs : tuple of str
        The first code, then those of re-issues; 12 characters each.
    duration_ms : int
        Length in milliseconds.
    remaster_year : int
        When it was remastered, should a source say so.
    explicit : bool
        Whether its words are.
    parent_isrc : str
        Of the studio master that this is a version of; empty for the studio master itself.
    """

    number: int
    work: Work
    artists: tuple[Artist, ...]
    featured: tuple[Artist, ...]
    version: Version
    release: Release
    isrcs: tuple[str, ...]
    duration_ms: int
    remaster_year: int
    explicit: bool = False
    parent_isrc: str = ""


class Registry:
    """Issues ISRCs; those of one registrant and year are numbered in order, as ISO 3901 has it.

    Parameters
    ----------
    rng : random.Random
        The only source of chance.
    """

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._registrants: dict[str, str] = {}
        self._issued: dict[str, int] = {}

    def codes(self, language: str, release: Release) -> tuple[str, ...]:
        """Issue the codes of a master, mostly one.

        Parameters
        ----------
        language : str
            Decides the country.
        release : Release
            Decides the registrant and the year.

        Returns
        -------
        tuple of str
            The first code, then those of re-issues.
        """
        count = 1 + (self._rng.random() < _SECOND_CODE) + (self._rng.random() < _THIRD_CODE)
        return tuple(self._code(language, release, again) for again in range(count))

    def _code(self, language: str, release: Release, again: int) -> str:
        year = max(release.year, _FIRST_CODED_YEAR)
        if again:
            year = min(LAST_YEAR, year + self._rng.randrange(1, 15))
        owner = f"{release.label} {language} {again}"
        if owner not in self._registrants:
            country = self._rng.choice(_COUNTRIES.get(language, (language.upper(),)))
            suffix = "".join(self._rng.choices("ABCDEFGHJKLMNPRSTUVWXYZ0123456789", k=3))
            self._registrants[owner] = country + suffix
        prefix = f"{self._registrants[owner]}{year % 100:02d}"
        number = self._issued.get(prefix, self._rng.randrange(1, 60_000)) + self._rng.choice((1, 1, 1, 7, 20))
        self._issued[prefix] = number
        return f"{prefix}{number % 100_000:05d}"
