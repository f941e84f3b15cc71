"""Word lists of the sample: one file per language, each read once."""

from __future__ import annotations

import json
import random
import re
from bisect import bisect
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate
from pathlib import Path
from typing import Any, Generic, TypeVar

_FOLDER = Path(__file__).parent
_ZIPF_EXPONENT = 0.7  # our own choice: words in titles are spread a little more evenly than Zipf's 1/rank
_ZIPF_OFFSET = 10
_ARTICLE = re.compile(r"(?:(?:el|la|los|las|o|a|os|as|le|les|il|lo|gli|i|der|die|das|de|het) |l')", re.IGNORECASE)
_SLOT_LISTS = {
    "a": "adjectives",
    "g": "gerunds",
    "v": "verbs",
    "p": "places",
    "f": "first",
    "l": "last",
    "s": "members",
    "h": "given",
    "k": "stage",
}
_SLOT = re.compile(r"\{(\w+)\}")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Term:
    """A piece of text in its own script, in Latin script, and sometimes in English.

    Attributes
    ----------
    native, latin : str
        Equal in languages that are written in Latin script.
    english : str
        Translation; empty if the sample has none.
    """

    native: str
    latin: str
    english: str = ""

    @classmethod
    def parse(cls, entry: str) -> Term:
        """Read ``native=latin=english``; an absent Latin form equals the native one."""
        native, latin, english = [*entry.split("="), "", ""][:3]
        return cls(native, latin or native, english)

    @property
    def two_scripts(self) -> bool:
        """Whether the native form differs from the Latin one."""
        return self.native != self.latin

    def map(self, change: Callable[[str], str]) -> Term:
        """Apply one change to both forms; the translation is dropped."""
        native = change(self.native)
        return Term(native, change(self.latin) if self.two_scripts else native)


class Weighted(Generic[T]):
    """Items that are drawn in proportion to their weights.

    Parameters
    ----------
    items : sequence
        What can be drawn; at least one.
    weights : iterable of float
        One positive weight per item.
    """

    def __init__(self, items: Sequence[T], weights: Iterable[float]) -> None:
        self.items = list(items)
        self._weights = list(weights)
        self._cumulative = list(accumulate(self._weights))

    def weighted(self) -> Iterable[tuple[T, float]]:
        """List every item with its weight."""
        return zip(self.items, self._weights, strict=True)

    def draw(self, rng: random.Random) -> T:
        """Draw one item."""
        place = bisect(self._cumulative, rng.random() * self._cumulative[-1])
        return self.items[min(place, len(self.items) - 1)]


@dataclass(frozen=True, slots=True, eq=False)
class Language:
    """What titles and names of one language are made of.

    Attributes
    ----------
    code : str
        ISO 639-1.
    space : str
        What stands between surname and first name in the native script; family names come first where it is empty.
    slots : mapping of str to Weighted of Term
        Words by slot letter: ``n`` noun, ``d`` noun with its article, ``a`` adjective, ``g`` gerund, ``v`` verb,
        ``p`` place, ``f`` first name, ``l`` surname, ``s`` members of a band; in some languages of another script
        also ``h`` syllables of first names and ``k`` syllables of stage names.
    patterns, bands, albums : Weighted of Term
        Patterns over the slots, for titles, bands and albums.
    phrases : Weighted of Term
        Whole titles.
    """

    code: str
    space: str
    slots: Mapping[str, Weighted[Term]]
    patterns: Weighted[Term]
    phrases: Weighted[Term]
    bands: Weighted[Term]
    albums: Weighted[Term]


def load_data(name: str) -> Any:  # noqa: ANN401 - a JSON file holds what it holds
    """Read one data file of this package.

    Parameters
    ----------
    name : str
        File name below the package's folder, without suffix.

    Returns
    -------
    object
        The decoded JSON.
    """
    return json.loads((_FOLDER / f"{name}.json").read_text(encoding="utf-8"))


@lru_cache(maxsize=1)
def load_languages() -> Weighted[Language]:
    """Read every language of the sample, weighted by its share of artists.

    Returns
    -------
    Weighted of Language
        In the order of their codes, so that draws do not depend on the file system.
    """
    data = [load_data(f"languages/{path.stem}") for path in sorted((_FOLDER / "languages").glob("*.json"))]
    return Weighted([_language(entry) for entry in data], [entry["weight"] for entry in data])


def weighted_patterns(entries: Sequence[str]) -> Weighted[Term]:
    """Read patterns such as ``"3 {n} of {n}"``, the weight in front.

    Parameters
    ----------
    entries : sequence of str
        Patterns, each optionally in two scripts.

    Returns
    -------
    Weighted of Term
    """
    pairs = [entry.split(" ", 1) for entry in entries]
    return Weighted([Term.parse(text) for _, text in pairs], [float(weight) for weight, _ in pairs])


def compose(pattern: Term, draw: Callable[[str], Term]) -> Term:
    """Fill the slots of a pattern, the same words in both scripts.

    Parameters
    ----------
    pattern : Term
        Text with slots such as ``{n}``.
    draw : callable
        Slot name to the term that stands there.

    Returns
    -------
    Term
        Without a translation.
    """
    native, latin = pattern.native, pattern.latin
    for slot in _SLOT.findall(native):
        term = draw(slot)
        native = native.replace(f"{{{slot}}}", term.native, 1)
        latin = latin.replace(f"{{{slot}}}", term.latin, 1)
    return Term(native, latin)


def _language(entry: Mapping[str, Any]) -> Language:
    nouns = [Term.parse(text) for text in entry["nouns"]]
    words = {
        "n": [noun.map(lambda text: _ARTICLE.sub("", text, count=1)) for noun in nouns],
        "d": nouns,
        **{slot: [Term.parse(text) for text in entry[name]] for slot, name in _SLOT_LISTS.items() if entry.get(name)},
    }
    return Language(
        entry["code"],
        entry["space"],
        {slot: Weighted(terms, _zipf(len(terms))) for slot, terms in words.items()},
        weighted_patterns(entry["patterns"]),
        _phrases(entry["phrases"]),
        weighted_patterns(entry["bands"]),
        weighted_patterns(entry["albums"]),
    )


def _phrases(entries: Sequence[str]) -> Weighted[Term]:
    return Weighted([Term.parse(entry) for entry in entries], [1.0] * len(entries))


def _zipf(count: int) -> list[float]:
    return [(rank + _ZIPF_OFFSET) ** -_ZIPF_EXPONENT for rank in range(count)]
