"""Fields that list people, read as names."""

from __future__ import annotations

import html
from functools import lru_cache

import regex

from catalog.normalize import normalize

# How several names are joined into one text; words only where they stand alone between names.
_JOINERS = regex.compile(
    r"\s*[&＆/;+×、،]\s*|\s*[(\[{)\]}]\s*"
    r"|\s+(?:and|y|und|et|e|feat\.?|ft\.?|featuring|with|con|mit|avec|vs\.?|x(?!\s+(?:feat|ft|and|&)))\s+|\s+(?:feat|ft)\.",
    regex.IGNORECASE,
)
_FEATURED = regex.compile(r"^\s*(?:feat\.|ft\.|(?:feat|ft|featuring)\s)\s*", regex.IGNORECASE)
_LINE_END = regex.compile(r"[\r\n]+")
# What somebody did, in brackets behind the name.
_ROLE = regex.compile(
    r"\s*[(\[](?:composer|lyricist|author|writer|songwriter|producer|arranger|conductor|performer|vocals?|guitar|piano|drums|"
    r"bass|violin|trumpet|soloist|remixer|komponist|texter|compositeur|auteur|compositor|autor|compositore|autore|ca?)[)\]]",
    regex.IGNORECASE,
)
_ARTICLE = "the"
# Written where nobody is named; after normalisation.
_NOBODY = frozenset(
    {
        *("various", "various artist", "various artists", "various performers", "v a", "va", "v v a a", "vv aa"),
        *("varios", "varios artistas", "artistas varios", "varios interpretes", "interpretes varios", "aa vv"),
        *("divers", "diverse", "divers artistes", "artistes divers", "artisti vari", "interpreti vari"),
        *("verschiedene", "verschiedene interpreten", "verschiedene kunstler", "diverse interpreten"),
        *("diverse kunstler", "diverse artiesten", "diverse artister", "blandade artister", "cesitli sanatcilar"),
        *("rozni wykonawcy", "ruzni interpreti", "여러 아티스트", "オムニバス"),
        *("interprete desconocido", "artista desconocido", "artista desconhecido"),
        *("сборник", "разные исполнители", "群星", "ヴァリアス アーティスト"),
        *("unknown", "unknown artist", "artist unknown", "unk", "no artist", "anonymous"),
        *("n a", "na", "not available", "none", "null", "tba"),
    }
)
# Every name is compared with every name of the other side; a longer list than this is no credit but an attack or a bug.
MOST_NAMES = 64
_LONGEST_ENTRY = 4_096  # characters, as of a title
_CACHE_SIZE = 1 << 16


def names_of(entries: tuple[str, ...]) -> tuple[str, ...]:
    """Read the names out of a list field.

    Entries that hold several names are cut at their joiners ("A & B", "A feat. B", "A (B)"); "Surname, First" and
    "X, The" are one name; "Various Artists" and the like name nobody. A name's words are normalised and sorted and the
    article is dropped, so that "Beatles, The", "The Beatles" and "BEATLES" are one and the same.

    Parameters
    ----------
    entries : tuple of str
        A list field of a recording, as delivered.

    Returns
    -------
    tuple of str
        Comparable names, sorted, without repetition, the first 64 of them; empty if nobody is named.
    """
    if len(entries) == 1:
        return _names_in(entries[0])
    return tuple(sorted({name for entry in entries for name in _names_in(entry)})[:MOST_NAMES])


@lru_cache(maxsize=_CACHE_SIZE)
def _names_in(entry: str) -> tuple[str, ...]:
    entry = _LINE_END.sub(";", html.unescape(entry[:_LONGEST_ENTRY]).strip())
    entry = _FEATURED.sub("", _ROLE.sub("", entry), 1) or entry
    entry = " ".join(entry.split())  # runs of blanks would be looked through again and again
    if (folded := normalize(entry)) in _NOBODY:
        return ()
    parts = _JOINERS.split(entry)
    if len(parts) == 1 and "," not in entry:
        return (_comparable(folded),) if folded else ()
    names = {_comparable(normalize(_FEATURED.sub("", name, 1))) for part in parts for name in _cut_at_commas(part)}
    return tuple(sorted(names - {""})[:MOST_NAMES])


def _cut_at_commas(text: str) -> list[str]:
    parts = [part.strip() for part in text.split(",")]
    if len(parts) == 2 and any(len(part.split()) == 1 for part in parts):
        return [f"{parts[1]} {parts[0]}"]
    return parts


def _comparable(normalised: str) -> str:
    words = normalised.split()
    return " ".join(sorted(word for word in words if word != _ARTICLE) or words)
