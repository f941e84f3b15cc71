"""Numbers that tell pieces apart, with what they count where a title says so: parts, movements, works, keys."""

from __future__ import annotations

import re

from catalog.normalize import normalize

_LONGEST_NUMBER = 18  # digits; more are no number of anything
_ROMAN = {"i": 1, "v": 5, "x": 10, "l": 50}
_WORDS = dict(
    zip(("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"), range(1, 11), strict=True)
)
_HAN = dict(zip("一二三四五六七八九", range(1, 10), strict=True))

# Normalised words, by what they count.
_COUNTING = {
    "part": "part parts pt pts parte partes partie parties teil deel czesc cz часть ч الجزء",
    "chapter": "chapter chap ch chapitre kapitel kap capitulo cap capitolo глава rozdzial bolum fejezet الفصل",
    "episode": "episode ep episodio folge серия odcinek avsnitt الحلقة",
    "volume": "vol volume volumen том",
    "act": "act akt acte acto atto",
    "scene": "scene szene scena escena",
    "movement": "movement mvt satz movimento mouvement",
    "symphony": "symphony sinfonie symphonie sinfonia симфония",
    "concerto": "concerto konzert концерт",
    "sonata": "sonata sonate соната",
    "book": "book buch livre libro",
    "season": "season staffel temporada saison",
}
_WORKS = {
    "no": "no nr num number numero nummer",
    "op": "op opus",
    "kv": "k kv",
    **{name: name for name in ("bwv", "hob", "rv", "d", "s", "hwv", "wab", "twv", "sz", "woo")},
    **{name: name for name in ("interlude", "skit", "untitled", "track", "take")},
}
_KINDS = {word: kind for kind, words in (_COUNTING | _WORKS).items() for word in words.split()}
_IN_LETTERS = "[ivx]+|one|two|three|four|five|six|seven|eight|nine|ten"
# Of these a number with a point in front is an ordinal; the point is gone in normalised text.
_ORDINAL_BY_POINT = (
    "kapitel teil akt satz sinfonie symphonie sonate konzert szene folge fejezet bolum czesc часть глава"
)
_ORDINAL = "(?:st|nd|rd|th|er|ere|e|eme|o|a)"
_MAY_COUNT = re.compile(r"\d|\b(?:[ivx]+|one|two|three|four|five|six|seven|eight|nine|ten)\b|第")
# In letters it is the last word, or one that counts follows: "The Part I Love" has no parts, "No One Knows" no number.
_COUNTED = re.compile(
    rf"\b({'|'.join(_KINDS)})(?: ?(\d+){_ORDINAL}?\b| (?<!no )({_IN_LETTERS})(?=$| (?:{'|'.join(_KINDS)})\b))"
)
# "2nd movement", "1. Kapitel"; in "Kapitel 1 Teil 2" the number in front is that of another word, and a two-part
# invention has no second part.
_COUNTED_BEFORE = re.compile(
    rf"(?:(?<!\w)(\d+){_ORDINAL}|^(\d+)(?= (?:{'|'.join(_ORDINAL_BY_POINT.split())})\b)) "
    rf"({'|'.join(word for words in _COUNTING.values() for word in words.split())})\b(?! ?\d)"
)
_OF_A_SEASON = re.compile(r"\bs(\d+) ?e(\d+)\b")
_DIGITS = re.compile(rf"(?<!\w)(?:[^\W\d_]+(?=\d{{1,4}}(?!\d)))?(\d+)(?={_ORDINAL}\b|[^\w]|$|[^\x00-\u02ff])")
_ROMAN_AT_END = re.compile(r"(?<!\S)(?:i{2,3}|iv|vi{1,3}|ix|xi{1,3}|xiv|xv)$")
_ROMAN_IN_FRONT = re.compile(r"\s*([IVX]{1,5})\.\s")
_HAN_NUMERAL = re.compile(r"第 ?([一二三四五六七八九十]+)")

_MAJOR, _MINOR = "major maj dur majeur mayor maggiore", "minor min moll mineur menor minore"
_MODES = {word: mode.split()[0] for mode in (_MAJOR, _MINOR) for word in mode.split()}
_SIGNS = dict.fromkeys(("sharp", "sostenido", "diese", "diesis"), " sharp")
_SIGNS |= dict.fromkeys(("flat", "bemol", "bemolle"), " flat")
_SYLLABLES = dict(zip(("do", "re", "mi", "fa", "sol", "la", "si"), "cdefgab", strict=True))
_GERMAN = {f"{tone}is": f"{tone} sharp" for tone in "cdefgab"} | {f"{tone}es": f"{tone} flat" for tone in "cdfg"}
_GERMAN |= {"es": "e flat", "as": "a flat", "b": "b flat", "h": "b", "his": "b sharp"}
# Each way of naming tones with its own modes: "As Major Tom" and "Do Major Things" are no keys.
_KEY = re.compile(
    rf"\b(?:([a-g])(?: ({'|'.join(_SIGNS)}))? ({'|'.join(_MODES)})|({'|'.join(_GERMAN)}) (dur|moll)"
    rf"|({'|'.join(_SYLLABLES)})(?: ({'|'.join(_SIGNS)}))? (majeur|mayor|maggiore|mineur|menor|minore))\b"
)

# A numeral in letters must end the phrase: "The Part I Love" has no parts.
_AS_WRITTEN = r"(\d{1,3}(?!\w)|(?:[ivx]{1,5}|one|two|three|four|five|six|seven|eight|nine|ten)(?=\s*(?:$|[^\w\s'’])))"
_AT = rf"(?:\.\s*|\s+|(?=\d)){_AS_WRITTEN}"
_PARTS = (
    r"part|pt|parts|pts|parte|partie|teil|deel|część|cz|часть|ч|chapter|chapitre|kapitel|capítulo|folge|kap|cap|ch|ep|"
    r"episode|episodio|глава|серия|bölüm|fejezet|الحلقة|الجزء|الفصل"
)
# "1. Kapitel", "2e partie"; in "Kapitel 1 Teil 2" the number in front is that of another word.
_AT_FRONT = (
    r"(?<![\w.,])(\d{1,3})(?:\.|st|nd|rd|th|er|e|ère|ème|ª|º|a|o)\s+"
    r"(?:part|parte|partie|teil|deel|część|часть|chapter|chapitre|kapitel|capítulo|folge|глава|bölüm|fejezet)"
    r"(?!\w|\.?\s*\d)"
)
PART = re.compile(
    rf"(?<!\w)(?:{_PARTS}){_AT}|{_AT_FRONT}|第\s*([0-9一二三四五六七八九十]+)\s*[部章話话]|パート\s*([0-9]+)|"
    r"제?\s*([0-9]+)\s*[부장화회](?!\w)",
    re.IGNORECASE,
)
VOLUME = re.compile(
    rf"(?<!\w)(?:volume|vol|volumen|том){_AT}|第\s*([0-9一二三四五六七八九十]+)\s*[集卷巻]", re.IGNORECASE
)

COUNTING_WORDS = frozenset({*_KINDS, *_MODES})
"""Normalised words, one of which every title has that says what its numbers count, or in which key it is."""


def numbers_in(text: str) -> set[str]:
    """Find the numbers of a title or a piece of one.

    Parameters
    ----------
    text : str
        As delivered.

    Returns
    -------
    set of str
        Numbers as decimal digits, whatever they are written in, and again behind what they count where the text says
        it ("part 2", "op 9"); keys as "key c sharp minor".
    """
    key = normalize(text)
    found = {_key_of(match) for match in _KEY.finditer(key)}
    if not _MAY_COUNT.search(key):
        return found
    counted = [(match[1], match[2] or match[3]) for match in _COUNTED.finditer(key)]
    counted += [(match[3], match[1] or match[2]) for match in _COUNTED_BEFORE.finditer(key)]
    for match in _OF_A_SEASON.finditer(key):
        counted += [("season", match[1]), ("episode", match[2])]
    plain = [*_DIGITS.findall(key), *_ROMAN_AT_END.findall(key), *_ROMAN_IN_FRONT.findall(text)]
    plain += [*_HAN_NUMERAL.findall(key), *(numeral for _, numeral in counted)]
    found |= {number for number in map(number_of, plain) if number}
    return found | {f"{_KINDS[word]} {number_of(numeral)}" for word, numeral in counted if number_of(numeral)}


def number_of(numeral: str) -> str:
    """Write a number as decimal digits.

    Parameters
    ----------
    numeral : str
        Digits, a Roman numeral up to l, an English word up to ten, or a Chinese numeral up to 99.

    Returns
    -------
    str
        Without leading zeros; "" for anything else.
    """
    numeral = numeral.casefold()
    if numeral.isdecimal():
        return str(int(numeral[:_LONGEST_NUMBER]))
    if numeral in _WORDS:
        return str(_WORDS[numeral])
    if set(numeral) <= _ROMAN.keys():
        values = [_ROMAN[letter] for letter in numeral]
        return str(sum(-a if a < b else a for a, b in zip(values, [*values[1:], 0], strict=True)))
    tens, ten, ones = numeral.rpartition("十")
    if all(sign in _HAN for sign in tens + ones):
        return str((_HAN.get(tens, 1) if ten else 0) * 10 + _HAN.get(ones, 0))
    return ""


def agreement_of(one: frozenset[str], other: frozenset[str]) -> float:
    """Compare the numbers of two titles.

    Parameters
    ----------
    one : frozenset of str
        As from `numbers_in`.
    other : frozenset of str
        Of the other title; the order of the two does not matter.

    Returns
    -------
    float
        1 for the same numbers, 0.5 if one side has further ones, 0 if each has one that the other lacks, or if the same
        thing is counted otherwise ("Op. 9 No. 2" and "Op. 2 No. 9").
    """
    if one == other:
        return 1.0
    ours, theirs = _by_kind(one), _by_kind(other)
    if any(ours[kind].isdisjoint(theirs[kind]) for kind in ours.keys() & theirs.keys() if kind):
        return 0.0
    plain, others = ours.get("", set()), theirs.get("", set())
    if plain and plain == others:
        return 1.0
    return 0.5 if plain <= others or others <= plain else 0.0


def _by_kind(numbers: frozenset[str]) -> dict[str, set[str]]:
    kinds: dict[str, set[str]] = {}
    for number in numbers:
        kind, _, counted = number.rpartition(" ") if not number.startswith("key ") else number.partition(" ")
        kinds.setdefault(kind, set()).add(counted)
    return kinds


def _key_of(match: re.Match[str]) -> str:
    letter, sign, mode, german, its_mode, syllable, its_sign, last_mode = match.groups()
    if german or (letter == "b" and mode in {"dur", "moll"}):
        return f"key {_GERMAN[german or letter]} {_MODES[its_mode or mode]}"
    tone = letter or _SYLLABLES[syllable]
    return f"key {tone}{_SIGNS.get(sign or its_sign or '', '')} {_MODES[mode or last_mode]}"
