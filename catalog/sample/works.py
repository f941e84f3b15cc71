"""What is played: songs, classical works, library music, interludes, parts and medleys; all invented."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field

from catalog.sample.lexicon import Language, Term, Weighted, compose, load_data, weighted_patterns
from catalog.sample.people import Artist, Casting, Person, title_case

_BORROWED_TITLE = 0.42  # titles that another work of the language bears already
_WHOLE_PHRASE = 0.3
_WRITERS = Weighted([1, 2, 3, 4, 6], [34.0, 38.0, 17.0, 8.0, 3.0])
_SMALL_WORDS = frozenset(
    (
        "a",
        "an",
        "and",
        "at",
        "but",
        "by",
        "for",
        "from",
        "in",
        "into",
        "like",
        "of",
        "off",
        "on",
        "or",
        "the",
        "to",
        "up",
        "with",
    )
)


@dataclass(frozen=True, slots=True, eq=False)
class Work:
    """A composition.

    Attributes
    ----------
    number : int
        Identity: works may share a title.
    title : Term
        Without notes.
    language : Language
    writers : tuple of Person
    publisher : str
    kind : str
        ``song``, ``classical``, ``library``, ``interlude``, ``part`` or ``medley``.
    details : mapping of str to str
        ``film`` of a soundtrack; ``part`` of a part; ``work``, ``key``, ``key_de``, ``opus``, ``movement``,
        ``movement_number`` and ``composer`` of a classical work.
    parents : tuple of int
        The works a medley is made of; for a part, the number that its siblings share.
    """

    number: int
    title: Term
    language: Language
    writers: tuple[Person, ...]
    publisher: str
    kind: str
    details: Mapping[str, str] = field(default_factory=dict)
    parents: tuple[int, ...] = ()


class Songbook:
    """Invents works; common titles are borne by many of them.

    Parameters
    ----------
    rng : random.Random
        The only source of chance.
    casting : Casting
        Where writers come from.
    """

    def __init__(self, rng: random.Random, casting: Casting) -> None:
        self._rng = rng
        self._casting = casting
        self._publishers = load_data("labels")["publishers"]
        self._classical = load_data("classical")
        self._forms = weighted_patterns(self._classical["forms"])
        self._library = load_data("library")["titles"]
        stage = load_data("stage_names")
        self._interludes = weighted_patterns(stage["interludes"])
        self._films = stage["films"]
        self._titles: dict[str, list[Term]] = {}
        self._count = 0

    def song(self, artist: Artist) -> Work:
        """Write a song for an artist."""
        details = {"film": self._rng.choice(self._films)} if self._rng.random() < 0.04 else {}
        return self._work(self.title(artist.language), artist, "song", details)

    def interlude(self, artist: Artist) -> Work:
        """Write one of the little pieces that every album calls the same."""
        return self._work(self._interludes.draw(self._rng), artist, "interlude")

    def library(self, artist: Artist) -> Work:
        """Write a piece of library music."""
        title = self._rng.choice(self._library)
        if self._rng.random() < 0.4:
            title = f"{title} {self._rng.randrange(1, 9)}"
        return self._work(Term(title, title), artist, "library")

    def parts(self, artist: Artist) -> list[Work]:
        """Write a piece in two or three parts."""
        title, shared = self.title(artist.language), self._count + 1
        numbers = range(1, self._rng.choice((2, 2, 2, 3)) + 1)
        return [self._work(title, artist, "part", {"part": str(number)}, (shared,)) for number in numbers]

    def medley(self, artist: Artist, works: list[Work]) -> Work:
        """Join two works into a medley."""
        joiner = self._rng.choice((" / ", " / ", " & ", "/"))
        both = Term(
            *(joiner.join(form) for form in zip(*((w.title.native, w.title.latin) for w in works), strict=True))
        )
        ending = self._rng.choice(("", " (Medley)", " Medley"))
        return self._work(both.map(lambda t: t + ending), artist, "medley", parents=tuple(w.number for w in works))

    def movements(self, artist: Artist) -> list[Work]:
        """Write a classical work, movement by movement."""
        composer = self._rng.choice(self._classical["composers"])
        form = self._forms.draw(self._rng).latin.replace("{i}", str(self._rng.randrange(1, 13)))
        major, german, _ = self._rng.choice(self._classical["keys"])
        opus = f"Op. {self._rng.randrange(2, 130)}"
        names = self._rng.sample(self._classical["movements"], self._rng.choice((1, 2, 3, 4)))
        first, _, last = composer.rpartition(" ")
        writer = Person(Term(first, first), Term(last, last), Term(composer, composer))
        works = []
        for number, movement in enumerate(names, start=1):
            details = {
                "work": form,
                "key": major,
                "key_de": german,
                "opus": opus,
                "movement": movement,
                "movement_number": str(number),
                "composer": composer,
            }
            title = f"{form} in {major}, {opus}: {roman(number)}. {movement}"
            self._count += 1
            works.append(Work(self._count, Term(title, title), artist.language, (writer,), "", "classical", details))
        return works

    def title(self, language: Language) -> Term:
        """Draw a title, often one that is borne already."""
        borne = self._titles.setdefault(language.code, list(language.phrases.items))
        if self._rng.random() < _BORROWED_TITLE:
            title = self._rng.choice(borne)
        elif self._rng.random() < _WHOLE_PHRASE:
            title = language.phrases.draw(self._rng)
        else:
            raw = compose(language.patterns.draw(self._rng), lambda slot: language.slots[slot].draw(self._rng))
            title = raw.map(english_case if language.code == "en" else _sentence_case)
        borne.append(title)
        return title

    def _work(
        self,
        title: Term,
        artist: Artist,
        kind: str,
        details: Mapping[str, str] | None = None,
        parents: tuple[int, ...] = (),
    ) -> Work:
        self._count += 1
        own = [member for member in artist.members[:2] if self._rng.random() < 0.55]
        wanted = _WRITERS.draw(self._rng)
        while len(own) < wanted:
            own.append(self._casting.writer(artist.language))
        writers = tuple(dict.fromkeys(own))
        publisher = self._rng.choice(self._publishers)
        return Work(self._count, title, artist.language, writers, publisher, kind, details or {}, parents)


def roman(number: int) -> str:
    """Write a number from 1 to 9 in Roman numerals."""
    return ("I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX")[number - 1]


def english_case(text: str) -> str:
    """Capitalise an English title, small words excepted."""
    words = title_case(text).split(" ")
    return " ".join([words[0], *(w.lower() if w.lower() in _SMALL_WORDS else w for w in words[1:])])


def _sentence_case(text: str) -> str:
    return text[:1].upper() + text[1:]
