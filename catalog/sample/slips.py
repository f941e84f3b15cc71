"""What happens to text on its way through many hands: each function damages a text in one way."""

from __future__ import annotations

import random
import re
import unicodedata
from functools import lru_cache

from catalog.recording import LIST_SEPARATOR

_LATIN = re.compile(r"[\u0000-\u024f\u1e00-\u1eff’]*")
_FULL_WIDTH = {code: code + 0xFEE0 for code in range(0x21, 0x7F) if code != ord(LIST_SEPARATOR)} | {0x20: 0x3000}
_DAMAGE = 0.25  # chance of each kind in a badly typed text
_UNDECOMPOSED = str.maketrans("øØłŁđĐıæÆßœŒ", "oOlLdDiaAsoO")


def mojibake(text: str) -> str:
    """Read UTF-8 as if it were Windows-1252, or Latin-1 where that has no character."""
    raw = text.encode("utf-8")
    try:
        return raw.decode("cp1252")
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def html_entities(text: str) -> str:
    """Leave markup escapes in place."""
    return text.replace("&", "&amp;").replace("'", "&#39;").replace('"', "&quot;")


def full_width(text: str) -> str:
    """Write ASCII in the full-width forms of Japanese systems; what separates the entries of a list stays."""
    return text.translate(_FULL_WIDTH)


def smart_quotes(text: str) -> str:
    """Write typographic quotes."""
    return text.replace("'", "’").replace(' "', " “").replace('"', "”")


@lru_cache(maxsize=4096)
def without_diacritics(text: str) -> str:
    """Drop the marks of Latin letters; other scripts stay as they are."""
    if text.isascii() or not _LATIN.fullmatch(text):
        return text
    plain = unicodedata.normalize("NFKD", text.translate(_UNDECOMPOSED))
    return "".join(char for char in plain if not unicodedata.combining(char))


def typing_error(rng: random.Random, text: str) -> str:
    """Drop, double, swap or replace one letter that is not the first."""
    places = [place for place in range(1, len(text) - 1) if text[place].isalpha()]
    if not places:
        return text
    place = rng.choice(places)
    before, letter, after = text[:place], text[place], text[place + 1 :]
    return rng.choice(
        (
            before + after,
            before + letter + letter + after,
            before + after[0] + letter + after[1:],
            before + rng.choice("aeiorstn") + after,
        )
    )


def swapped_words(rng: random.Random, text: str) -> str:
    """Swap two neighbouring words."""
    words = text.split(" ")
    if len(words) < 2:
        return text
    place = rng.randrange(len(words) - 1)
    words[place], words[place + 1] = words[place + 1], words[place]
    return " ".join(words)


def lost_space(rng: random.Random, text: str) -> str:
    """Run two neighbouring words together."""
    places = [place for place, character in enumerate(text) if character == " "]
    if not places:
        return text
    place = rng.choice(places)
    return text[:place] + text[place + 1 :]


def dropped_word(rng: random.Random, text: str) -> str:
    """Leave a word out, unless there are only two."""
    words = text.split(" ")
    if len(words) > 2:
        words.pop(rng.randrange(len(words)))
    return " ".join(words)


def abbreviated(rng: random.Random, text: str) -> str:
    """Shorten a long word to its beginning and a full stop."""
    words = text.split(" ")
    long = [place for place, word in enumerate(words) if len(word) > 4 and word.isalpha()]
    if long:
        place = rng.choice(long)
        words[place] = f"{words[place][: rng.randrange(1, 5)]}."
    return " ".join(words)


def badly_typed(rng: random.Random, text: str) -> str:
    """Do what hurried hands do: several letter errors, and perhaps words lost, swapped, joined or shortened."""
    for _ in range(1 + len(text) // 12):
        text = typing_error(rng, text)
    for damage in (swapped_words, lost_space, dropped_word, abbreviated):
        if rng.random() < _DAMAGE:
            text = damage(rng, text)
    return text
