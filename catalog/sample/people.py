"""Who plays and who writes: persons, bands, stage names, tributes, ensembles; all invented."""

from __future__ import annotations

import random
from dataclasses import dataclass

from catalog.sample.lexicon import Language, Term, Weighted, compose, load_data, load_languages, weighted_patterns

_KINDS = Weighted(["person", "stage", "band"], [44.0, 20.0, 36.0])
_COMPOSED_NAME = 0.7  # first names put together from two syllables, in the languages that do so
_NATIVE_STAGE = 0.6  # stage names in the script of the language
_NEW_WRITER = 0.4  # share of credits that go to somebody who has no other credit yet


@dataclass(frozen=True, slots=True)
class Person:
    """A writer or a musician.

    Attributes
    ----------
    first, last : Term
        Given name and family name.
    name : Term
        The whole name, in the order of its language.
    """

    first: Term
    last: Term
    name: Term


@dataclass(frozen=True, slots=True, eq=False)
class Artist:
    """Whoever a recording is credited to.

    Attributes
    ----------
    number : int
        Identity: homonyms share a name but no number.
    name : Term
        As the artist is billed.
    language : Language
        Of the repertoire.
    kind : str
        ``person``, ``stage``, ``band``, ``tribute``, ``karaoke``, ``ensemble`` or ``library``.
    members : tuple of Person
        The leader first; the persons behind the name.
    """

    number: int
    name: Term
    language: Language
    kind: str
    members: tuple[Person, ...]


class Casting:
    """Invents artists and writers; popular ones are drawn again.

    Parameters
    ----------
    rng : random.Random
        The only source of chance.
    """

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._languages = load_languages()
        self._stage = load_data("stage_names")
        self._stage_patterns = weighted_patterns(self._stage["patterns"])
        self._tribute_patterns = weighted_patterns(self._stage["tribute"])
        self._english = next(language for language in self._languages.items if language.code == "en")
        self._writers: dict[str, list[Person]] = {}
        self._companies: dict[str, Artist] = {}
        self._count = 0

    def artist(self) -> Artist:
        """Invent a person, a stage name or a band, in a language drawn by its share."""
        language = self._languages.draw(self._rng)
        kind = _KINDS.draw(self._rng)
        if kind == "band":
            members = tuple(self.person(language) for _ in range(self._rng.choice((2, 3, 4, 4, 5))))
            return self._artist(self._band_name(language, members), language, kind, members)
        person = self.person(language)
        return self._artist(person.name if kind == "person" else self._stage_name(language), language, kind, (person,))

    def namesake(self, artist: Artist) -> Artist:
        """Invent somebody else with the same name."""
        return self._artist(artist.name, artist.language, artist.kind, (self.person(artist.language),))

    def tribute(self, artist: Artist) -> Artist:
        """Invent a band that plays this artist's repertoire and says so in its name."""
        pattern = self._tribute_patterns.draw(self._rng)
        name = compose(pattern, lambda _: Term(artist.name.latin, artist.name.latin))
        return self._artist(name, artist.language, "tribute", (self.person(self._english),))

    def company(self, kind: str, names: list[str]) -> Artist:
        """Draw one of a few standing performers, such as karaoke producers.

        Parameters
        ----------
        kind : str
            Stored with the artist.
        names : list of str
            Who there is.

        Returns
        -------
        Artist
            The same one for the same name.
        """
        name = self._rng.choice(names)
        if name not in self._companies:
            self._companies[name] = self._artist(Term(name, name), self._english, kind, (self.person(self._english),))
        return self._companies[name]

    def person(self, language: Language) -> Person:
        """Invent a person."""
        first, last = self._first_name(language), language.slots["l"].draw(self._rng)
        if language.code in {"ko", "zh"}:
            return Person(first, last, Term(last.native + first.native, f"{last.latin} {first.latin}"))
        if language.code == "ja":
            return Person(first, last, Term(last.native + first.native, f"{first.latin} {last.latin}"))
        return Person(first, last, Term(f"{first.native} {last.native}", f"{first.latin} {last.latin}"))

    def writer(self, language: Language) -> Person:
        """Draw a writer; who has written much writes again."""
        known = self._writers.setdefault(language.code, [])
        writer = self._rng.choice(known) if known and self._rng.random() > _NEW_WRITER else self.person(language)
        known.append(writer)
        return writer

    def _artist(self, name: Term, language: Language, kind: str, members: tuple[Person, ...]) -> Artist:
        self._count += 1
        return Artist(self._count, name, language, kind, members)

    def _band_name(self, language: Language, members: tuple[Person, ...]) -> Term:
        leader = members[0]
        fixed = {"f": leader.first, "l": leader.last}

        def draw(slot: str) -> Term:
            if slot in fixed:
                return fixed[slot]
            if slot == "X":
                return language.slots["a"].draw(self._rng)
            word = language.slots[slot.lower()].draw(self._rng)
            return word.map(title_case) if slot.isupper() else word

        return compose(language.bands.draw(self._rng), draw)

    def _first_name(self, language: Language) -> Term:
        if "h" not in language.slots or self._rng.random() >= _COMPOSED_NAME:
            return language.slots["f"].draw(self._rng)
        one, other = language.slots["h"].draw(self._rng), language.slots["h"].draw(self._rng)
        joiner = "-" if language.code == "ko" else ""  # Seo-yeon, but Xiaowen
        return Term(one.native + other.native, f"{one.latin}{joiner}{other.latin.lower()}")

    def _stage_name(self, language: Language) -> Term:
        if "k" in language.slots and self._rng.random() < _NATIVE_STAGE:
            parts = [language.slots["k"].draw(self._rng) for _ in range(self._rng.choice((2, 2, 3)))]
            native = "".join(part.native for part in parts)
            return Term(native[:1].upper() + native[1:], "".join(part.latin for part in parts).capitalize())

        def draw(_: str) -> Term:
            parts = self._rng.choices(self._stage["syllables"], k=self._rng.choice((2, 2, 2, 3)))
            word = "".join(parts)
            return Term(word.capitalize(), word.capitalize())

        name = compose(self._stage_patterns.draw(self._rng), draw)
        return name.map(str.upper) if self._rng.random() < 0.12 else name


def title_case(text: str) -> str:
    """Capitalise every word and leave the rest of it alone."""
    return " ".join(word[:1].upper() + word[1:] for word in text.split(" "))
