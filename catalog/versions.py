"""Version markers: what a title says about which version of a recording it is, as types.

The types follow the version types of the DDEX standard (https://ddex.net, allowed value set VersionType) and the notes
that are frequent in titles of streaming services. A marker is looked for in notes: in brackets, and after a dash with
blanks around it. Outside of notes only phrases count that are no ordinary words: "Live and Let Die" is no live version.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from unicodedata import normalize

_LONGEST_NOTE = 200
_OPENING, _CLOSING = "([{<（［【「『〔《", ")]}>）］】」』〕》"
_DASH = re.compile(r"\s+[-–—~]\s+")
_CREDIT = re.compile(r"(?:feat|ft|featuring|with|from|prod|produced|avec|con|mit|из)\b", re.IGNORECASE)


class MarkerType(Enum):
    """Kinds of versions, and of pieces that are numbered or named by their place."""

    LIVE = "live"
    REMIX = "remix"
    ACOUSTIC = "acoustic"
    INSTRUMENTAL = "instrumental"
    KARAOKE = "karaoke"
    DEMO = "demo"
    RADIO_EDIT = "radio_edit"
    EDIT = "edit"
    EXTENDED = "extended"
    CLEAN = "clean"
    EXPLICIT = "explicit"
    REMASTER = "remaster"
    MONO = "mono"
    STEREO = "stereo"
    SPED_UP = "sped_up"
    SLOWED = "slowed"
    RE_RECORDING = "re_recording"
    COVER = "cover"
    ALBUM_VERSION = "album_version"
    SINGLE_VERSION = "single_version"
    ORIGINAL_MIX = "original_mix"
    MEDLEY = "medley"
    INTRO = "intro"
    OUTRO = "outro"
    INTERLUDE = "interlude"
    REPRISE = "reprise"
    PART = "part"


@dataclass(frozen=True, slots=True)
class Marker:
    """A version marker.

    Attributes
    ----------
    type : MarkerType
        What kind.
    text : str
        The note as written.
    """

    type: MarkerType
    text: str


# What may follow a marker without making it an ordinary word: "live at", "acoustic version", "mono 2009".
_AFTER = (
    r"(?:version|versión|versão|versione|ver|vers|edit|edition|mix|remix|take|takes|recording|session|sessions|"
    r"performance|track|cut|bonus|medley|video|audio|single|album|remaster|remastered|mono|stereo|demo|acoustic|"
    r"instrumental|live|digital|unplugged|concert|tour|tv|radio|bbc|mtv|at|in|im|from|on|by|of|at|@|à|au|aux|dans|en|"
    r"no|na|desde|dal|bei|aus|auf|feat|ft|'?\d+|версия|バージョン|ver\.)"
)
_END = rf"(?=$|[\s,;:/&+.\-–—]+{_AFTER}(?!\w)|\s*[,;/&+])"
_NOT_VERB = (
    r"(?<!\bi )(?<!\bwe )(?<!\bto )(?<!\byou )(?<!\bthey )(?<!\bwho )(?<!\bthat )(?<!\blet )(?<!\blong )(?<!\bpeople )"
    r"(?<!\band )(?<!\bcan )(?<!\bgonna )(?<!\bmust )(?<!\bwould )(?<!\bhow )(?<!\bnot )(?<!\bcan't )(?<!\bdon't )"
)
_LONG = r"(?:version|mix|edit|remix|take|cut|mezcla|versión|version longue)"


def _whole(words: str) -> str:
    """Match words that begin a note or end it, with nothing but what may follow a marker behind them."""
    return rf"(?<!\w)(?:{words}){_END}"


def _anywhere(words: str) -> str:
    return rf"(?<!\w)(?:{words})(?!\w)"


_PATTERNS: dict[MarkerType, str] = {
    MarkerType.LIVE: "|".join(
        (
            _NOT_VERB + _whole("live"),
            _anywhere(r"en vivo|ao vivo|en directo|en direct|al vivo|dal vivo|in concert|en concierto|en concert"),
            _anywhere(r"na żywo|naživo|canlı|вживую|живьём|концертная версия|концерт"),
            r"ライブ|ライヴ|라이브|现场|現場",
        )
    ),
    MarkerType.REMIX: "|".join(
        (
            _whole(r"re-?mix(?:es|ed)?|rmx|refix|rework|bootleg|dub|vip mix|ремикс"),
            r"(?<!\boriginal )(?<!\bradio )(?<!\bextended )(?<!\bsingle )(?<!\balbum )(?<!\bmono )(?<!\bstereo )"
            r"(?<!\bfull )(?<!\blp )" + _whole("mix"),
            r"リミックス|리믹스|混音",
        )
    ),
    MarkerType.ACOUSTIC: "|".join(
        (
            _whole(r"acoustic|acústic[oa]|acustic[oa]|acoustique|akustik|akustisch|unplugged|акустика"),
            _anywhere(r"акустическая|unplugged"),
            r"アコースティック|어쿠스틱|不插电|不插電",
        )
    ),
    MarkerType.INSTRUMENTAL: "|".join(
        (
            _anywhere(r"instrumental(?:e|es|is)?|instrumentál\w*|инструментал\w*|off[ -]?vocals?|no vocals?"),
            r"^inst\.?$|インスト|伴奏|연주",
        )
    ),
    MarkerType.KARAOKE: _anywhere("karaoke|karaokê|караоке|backing track|playback") + "|カラオケ|노래방|卡拉ok",
    MarkerType.DEMO: _whole("demos?|демо|maqueta") + "|デモ|데모",
    MarkerType.RADIO_EDIT: _anywhere(rf"radio[ -]{_LONG}|радио ?версия"),
    MarkerType.EDIT: r"(?<!\bradio )(?<!\bradio-)(?<!\bsingle )(?<!\balbum )" + _whole("edit|edited"),
    MarkerType.EXTENDED: _anywhere(rf"extended|ext\.? {_LONG}|long {_LONG}|12(?:\"|″|''|”| ?inch) {_LONG}|extendida"),
    MarkerType.CLEAN: _whole("clean|censored|bleeped"),
    MarkerType.EXPLICIT: _whole("explicit|uncensored") + "|" + _anywhere(f"dirty {_LONG}"),
    MarkerType.REMASTER: _anywhere(r"re-?master(?:ed|izad[oa]|is[ée]e?|isiert|iert)?|ремастер\w*")
    + "|リマスター|리마스터",
    MarkerType.MONO: _whole("mono"),
    MarkerType.STEREO: _whole("stereo"),
    MarkerType.SPED_UP: _anywhere(r"sped[ -]?up|speed[ -]?up|nightcore"),
    MarkerType.SLOWED: _anywhere(r"slowed(?: down)?"),
    MarkerType.RE_RECORDING: _anywhere(
        r"re-?record(?:ed|ing)|new(?:ly)? record(?:ed|ing)|taylor['’]s version|neuaufnahme|regrabad[oa]|regravação"
    ),
    MarkerType.COVER: "|".join(
        (
            _whole("cover"),
            _anywhere(r"cover version|tribute|tributo|hommage|originally performed by|in the style of"),
            _anywhere(r"made (?:famous|popular) by|кавер"),
            r"カバー|カヴァー|커버|翻唱",
        )
    ),
    MarkerType.ALBUM_VERSION: _anywhere(rf"(?:album|lp)[ -]{_LONG}|version album|versión (?:del )?álbum")
    + "|アルバム・?バ",
    MarkerType.SINGLE_VERSION: _anywhere(rf"single[ -]{_LONG}|7(?:\"|″|''|”| ?inch) {_LONG}|version single"),
    MarkerType.ORIGINAL_MIX: _anywhere(rf"original {_LONG}|versión original|version originale") + r"|^original$",
    MarkerType.MEDLEY: _anywhere("medley|potpourri|popurrí|попурри") + "|メドレー|메들리",
    MarkerType.INTRO: _whole("intro|introduction"),
    MarkerType.OUTRO: _whole("outro"),
    MarkerType.INTERLUDE: _whole("interlude|interludio|interlúdio"),
    MarkerType.REPRISE: _whole("reprise|réprise"),
}
_NOTES = {kind: re.compile(pattern) for kind, pattern in _PATTERNS.items()}
_KIND = r"(?:live|acoustic|instrumental|karaoke|demo|album|lp|single|radio|extended|original|explicit|clean|club|piano)"
_BARE_END = re.compile(
    rf"(?<!\w)(?:{_KIND} (?:version|edit|mix|remix)|live in concert|(?:\d{{4}} )?(?:digital )?remaster(?:ed version)?|"
    r"en vivo|ao vivo|en directo|dal vivo|sped up)$"
)
_BARE_WHOLE = re.compile(r"(?:intro|outro|interlude|interludio|reprise|medley)(?: (?:\d+|[ivx]+))?")
# A numeral in letters must end the phrase: "The Part I Love" has no parts.
_NUMERAL = (
    r"(?:\d{1,3}(?!\w)|(?:[ivx]{1,5}|one|two|three|four|five|six|seven|eight|nine|ten)"
    r"(?=\s*(?:$|[^\w\s'’])))"
)
_PART = re.compile(
    rf"(?<!\w)(?:part|pt|parts|pts|parte|partie|teil|volume|vol|volumen|часть|ч)(?:\.\s*|\s+|(?=\d)){_NUMERAL}|"
    r"第\s*[0-9一二三四五六七八九十]+\s*[部章]|パート\s*[0-9]+",
    re.IGNORECASE,
)


def parse_markers(title: str | None) -> tuple[Marker, ...]:
    """Find the version markers of a title; the title itself stays as it is.

    Parameters
    ----------
    title : str or None
        As delivered.

    Returns
    -------
    tuple of Marker
        In the order of the notes; no two are the same. Empty for titles without markers and for missing ones. Notes
        that credit somebody ("feat. ...", "from ...") and those of more than 200 characters hold none.
    """
    if not title:
        return ()
    base, notes = _split(title)
    found = [Marker(kind, note) for note in notes for kind in _kinds(note)]
    found += _bare(base)
    found += [Marker(MarkerType.PART, match[0]) for match in _PART.finditer(title)]
    return tuple(dict.fromkeys(found))


def _split(title: str) -> tuple[str, list[str]]:
    """Separate what stands outside of brackets and before the first dash from the notes."""
    outside: list[str] = []
    notes: list[str] = []
    depth, start = 0, 0
    for position, character in enumerate(f"{title})"):
        if character in _OPENING or character in _CLOSING:
            (notes if depth else outside).append(title[start:position])
            depth = depth + 1 if character in _OPENING else max(0, depth - 1)
            start = position + 1
    parts = [part for piece in outside for part in _DASH.split(piece)[1:]]
    base = _DASH.split(outside[0])[0] if outside else ""
    return base.strip(), [note.strip() for note in (*parts, *notes) if note.strip()]


def _kinds(note: str) -> list[MarkerType]:
    key = _key(note)
    if len(key) > _LONGEST_NOTE or _CREDIT.match(key):
        return []
    return [kind for kind, pattern in _NOTES.items() if pattern.search(key)]


def _bare(base: str) -> list[Marker]:
    key = _key(base)
    match = _BARE_WHOLE.fullmatch(key) or _BARE_END.search(key[-_LONGEST_NOTE:])
    if not match:
        return []
    phrase = match[0]
    written = base[-len(phrase) :] if len(base) == len(key) else phrase
    return [Marker(kind, written) for kind, pattern in _NOTES.items() if pattern.search(phrase)]


def _key(text: str) -> str:
    return " ".join(normalize("NFKC", text).casefold().split())
