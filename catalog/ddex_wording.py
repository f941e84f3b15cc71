"""Which of several wordings stands: a DDEX message may word a field once for each territory and each language.

Such elements bear ``IsDefault``, ``ApplicableTerritoryCode`` and ``LanguageAndScriptCode``; one without a territory, or
with that of the whole world, is meant for all of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache

from lxml import etree

from catalog.recording import clean, noted

_YES = frozenset({"true", "1"})
_EVERYWHERE = frozenset({"Worldwide", "2136"})  # as DDEX writes it, and as CISAC numbers it
_BLANKS = re.compile("[ \t\r\n]+")  # as XML has them; others belong to the text


@dataclass(frozen=True, slots=True)
class Title:
    """A title out of those that a message has for one thing.

    Attributes
    ----------
    text : str or None
        With the subtitles that belong to it; ``None`` if there is none.
    territory : str
        Where it holds; empty for everywhere.
    others : int
        How many other wordings were left.
    """

    text: str | None
    territory: str
    others: int


def written(text: str | None) -> str | None:
    """Read what stands between two tags.

    Parameters
    ----------
    text : str or None
        As it stands there, possibly over several lines.

    Returns
    -------
    str or None
        On one line; ``None`` if it is missing.
    """
    return clean(_BLANKS.sub(" ", text)) if text else None


def text_of(element: etree._Element, path: str) -> str | None:
    """Read an element inside another.

    Parameters
    ----------
    element : etree._Element
        Where to look.
    path : str
        Names with slashes between them, in whatever namespace.

    Returns
    -------
    str or None
        Of the first one; ``None`` if it is absent or empty.
    """
    return written(element.findtext(_path(path)))


def all_of(element: etree._Element, path: str) -> list[etree._Element]:
    """Find elements inside another.

    Parameters
    ----------
    element : etree._Element
        Where to look.
    path : str
        As for `text_of`.

    Returns
    -------
    list of etree._Element
        In the order of the message.
    """
    return list(element.iterfind(_path(path)))


def territory(element: etree._Element) -> str:
    """Say where an element holds.

    Parameters
    ----------
    element : etree._Element
        Any.

    Returns
    -------
    str
        A code, empty for everywhere.
    """
    code = element.get("ApplicableTerritoryCode", "").strip()
    return "" if code in _EVERYWHERE else code


def preferred(elements: Iterable[etree._Element], near: str = "") -> list[etree._Element]:
    """Order wordings of one field.

    Parameters
    ----------
    elements : iterable of etree._Element
        In the order of the message.
    near : str
        A territory that goes before others.

    Returns
    -------
    list of etree._Element
        First what the sender calls the default, then what holds everywhere, then what holds in `near`.
    """

    def rank(element: etree._Element) -> tuple[bool, bool, bool]:
        place = territory(element)
        return element.get("IsDefault", "").strip() not in _YES, place != "", place != near

    return sorted(elements, key=rank)


def of_one_territory(elements: Sequence[etree._Element], near: str) -> list[etree._Element]:
    """Keep what is meant to stand together.

    Parameters
    ----------
    elements : sequence of etree._Element
        Such as all the artists of a recording.
    near : str
        As for `preferred`.

    Returns
    -------
    list of etree._Element
        Those of the territory of the first one by `preferred`, in their order.
    """
    chosen = {territory(each) for each in preferred(elements, near)[:1]}
    return [each for each in elements if territory(each) in chosen]


def default_text(element: etree._Element, name: str, near: str = "") -> str | None:
    """Read a field of which there may be several wordings.

    Parameters
    ----------
    element : etree._Element
        Where to look.
    name : str
        Of the elements.
    near : str
        As for `preferred`.

    Returns
    -------
    str or None
        The first one by `preferred` that is not empty.
    """
    return next((text for each in preferred(all_of(element, name), near) if (text := written(each.text))), None)


def title_of(element: etree._Element) -> Title:
    """Read a title.

    Parameters
    ----------
    element : etree._Element
        Of a recording or a release.

    Returns
    -------
    Title
        ``DisplayTitleText`` or else ``DisplayTitle``, with the subtitles of a ``DisplayTitle`` for the same territory
        and language.
    """
    texts = preferred(each for each in all_of(element, "DisplayTitleText") if written(each.text))
    parted = preferred(each for each in all_of(element, "DisplayTitle") if text_of(each, "TitleText"))
    found = texts or parted
    if not found:
        return Title(None, "", 0)
    words = [written(each.text) if texts else text_of(each, "TitleText") for each in found]
    title = words[0]
    parts = next((each for each in parted if _holds_for(each, found[0])), None)
    for subtitle in all_of(parts, "SubTitle") if parts is not None else ():
        title = noted(title, written(subtitle.text))
    return Title(title, territory(found[0]), len(set(words)) - 1)


def _holds_for(parts: etree._Element, title: etree._Element) -> bool:
    language, other = parts.get("LanguageAndScriptCode"), title.get("LanguageAndScriptCode")
    return territory(parts) in {"", territory(title)} and (language == other or language is None or other is None)


@cache
def _path(path: str) -> str:
    return "/".join(f"{{*}}{name}" for name in path.split("/"))
