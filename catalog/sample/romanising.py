"""The spellings that Latin forms of other scripts come in."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from catalog.sample.lexicon import load_data


@cache
def _ways(language: str) -> Sequence[Sequence[tuple[str, str]]]:
    return [[(old, new) for old, new in way] for way in load_data("romanisations").get(language, [])]


def respelled(language: str, way: int, text: str) -> str:
    """Spell a romanised text in another usual way.

    Parameters
    ----------
    language : str
        ISO 639-1 code.
    way : int
        Which of the usual ways; any number from 0.
    text : str
        As in the word lists.

    Returns
    -------
    str
        The same text for languages that need no romanising, and where this way changes nothing.
    """
    ways = _ways(language)
    for old, new in ways[way % len(ways)] if ways else ():
        text = text.replace(old, new).replace(old.capitalize(), new.capitalize())
    return text
