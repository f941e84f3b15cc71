"""The words that tell versions: kinds of version markers, and the patterns that find them in a note.

The kinds follow the version types of the DDEX standard (https://ddex.net, allowed value set VersionType) and the notes
that are frequent in titles of streaming services and of production music.
"""

from __future__ import annotations

import re
from enum import Enum

from catalog.numbers import COUNTING_WORDS


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
    VOLUME = "volume"
    DUB = "dub"
    PIANO = "piano"
    ORCHESTRAL = "orchestral"
    A_CAPPELLA = "a_cappella"
    TV = "tv"
    CUT = "cut"
    STEM = "stem"
    ALTERNATE = "alternate"
    BONUS_TRACK = "bonus_track"
    VIDEO = "video"
    LANGUAGE = "language"
    COMMENTARY = "commentary"


SAME_MASTER = frozenset(
    {
        *(MarkerType.REMASTER, MarkerType.ALBUM_VERSION, MarkerType.SINGLE_VERSION, MarkerType.ORIGINAL_MIX),
        *(MarkerType.EXPLICIT, MarkerType.STEREO, MarkerType.BONUS_TRACK, MarkerType.VIDEO),
    }
)
"""Kinds that do not make another master.

A remaster is the same master, a different edit, mix, performance or length is not (MusicBrainz's rule for recordings);
"Single Version" mostly stands on re-issues of what the single had in the first place, and an edit says so.
"""


# What may follow a marker without making it an ordinary word: "live at", "acoustic version", "mono 2009".
_AFTER = (
    r"(?:version|versión|versão|versione|ver|vers|edit|edition|mix|remix|take|takes|recording|session|sessions|"
    r"performance|track|cut|bonus|medley|video|audio|single|album|remaster|remastered|mono|stereo|demo|acoustic|"
    r"instrumental|live|digital|unplugged|concert|tour|tv|radio|bbc|mtv|at|in|im|from|on|by|of|at|@|à|au|aux|dans|en|"
    r"no|na|desde|dal|bei|aus|auf|feat|ft|'?\d+|версия|バージョン|ver\.)"
)
_END = rf"(?=$|[\s,;:/&+.\-–—]+{_AFTER}(?!\w)|\s*[,;/&+])"
# What follows is looked at first: it is rarer than what must not stand in front.
_NOT_VERB = (
    r"(?=live)(?<!\bi )(?<!\bwe )(?<!\bto )(?<!\byou )(?<!\bthey )(?<!\bwho )(?<!\bthat )(?<!\blet )(?<!\blong )"
    r"(?<!\bpeople )(?<!\band )(?<!\bcan )(?<!\bgonna )(?<!\bmust )(?<!\bwould )(?<!\bhow )(?<!\bnot )"
    r"(?<!\bcan't )(?<!\bdon't )"
)
_LONG = r"(?:version|mix|edit|remix|take|cut|mezcla|versión|version longue)"

_CUT_LENGTH = (
    r"(?<!\w)(?<!the )(?<!of )(?<!in )"
    r"(?:0?:?(?:0?5|6|10|15|20|30|45|60|90|120|180)[ -]?(?:s|secs?|seconds?|sek|sekunden)|0?[0-3]:[0-5]\d)"
    r"(?: (?:version|edit|mix|cut|spot))?(?!\w| (?:to|of) )"
)


def _whole(words: str) -> str:
    """Match words that begin a note or end it, with nothing but what may follow a marker behind them."""
    return rf"(?<!\w)(?:{words}){_END}"


def _anywhere(words: str) -> str:
    return rf"(?<!\w)(?:{words})(?!\w)"


_LANGUAGES = (
    r"(?:english|spanish|french|german|italian|portuguese|japanese|korean|chinese|mandarin|cantonese|russian|arabic|"
    r"hebrew|greek|turkish|hindi|thai|dutch|swedish|polish)"
)
_IN_ITS_OWN = (
    r"(?:inglés|español|castellano|portugués|português|francés|italiano|alemán|japonés|inglês|espanhol|francês|anglais|espagnol|italien|"
    r"allemand|inglese|spagnolo|francese|deutsch(?:e|er)?|englisch(?:e|er)?|französisch(?:e|er)?)"
)
_GENRES = r"(?:salsa|cumbia|bachata|merengue|bolero|mariachi|banda|norteñ[oa]|flamenc[oa]|jazz|rock|lo-?fi|trap|dance)"

_PATTERNS: dict[MarkerType, str] = {
    MarkerType.LIVE: "|".join(
        (
            _NOT_VERB + _whole("live"),
            _anywhere(r"en vivo|ao vivo|en directo|en direct|al vivo|dal vivo|in concert|en concierto|en concert"),
            _anywhere(r"recorded live|live recording|(?:bbc|radio|peel|studio|live) sessions?|live aus"),
            r"^live (?:[^\s,;/]+ ){1,4}(?:19|20)\d\d$",
            _anywhere(r"na żywo|naživo|canlı|вживую|живьём|живая версия|концертная (?:версия|запись)|لايف|حفلة"),
            _anywhere(r"концерт(?! (?:no|для|\d))") + "|^(?:en )?directo$",
            r"ライブ|ライヴ|라이브|现场|現場|演唱会|演唱會",
        )
    ),
    MarkerType.REMIX: "|".join(
        (
            _whole(r"re-?mix(?:es|ed)?|rmx|refix|rework|bootleg|vip mix"),
            _anywhere(r"ремикс|remezcla|ريمكس|ريميكس|(?:8|16)d(?: audio)?"),
            r"^vip$",
            r"(?=mix)(?<!\boriginal )(?<!\bradio )(?<!\bextended )(?<!\bsingle )(?<!\balbum )(?<!\bmono )(?<!\bstereo )"
            r"(?<!\bfull )(?<!\blp )(?<!\bmain )(?<!\balternate )(?<!\balternative )(?<!\bsub )" + _whole("mix"),
            _anywhere("remix(?:ed)? by"),
            r"リミックス|리믹스|混音",
        )
    ),
    MarkerType.ACOUSTIC: "|".join(
        (
            _whole(r"acoustic|acústic[oa]|acustic[oa]|acoustique|akustik|akustisch|unplugged|акустика"),
            _anywhere(r"акустическая|unplugged"),
            r"アコースティック|어쿠스틱|不插电|不插電|^stripped(?: (?:down|version))*$",
        )
    ),
    MarkerType.INSTRUMENTAL: "|".join(
        (
            _anywhere(
                r"instrumental(?:e|es|is)?|inst\.? (?:ver|version|mix)|instrumentál\w*|enstrümantal|инструментал\w*|"
                r"минус(?:овка)?|minus one|off[ -]?vocals?|no vocals?"
            ),
            r"^(?:inst\.?|mr)$|インスト|伴奏|연주",
        )
    ),
    MarkerType.KARAOKE: _anywhere("karaoke|karaokê|караоке|كاريوكي|backing track|playback") + "|カラオケ|노래방|卡拉ok",
    MarkerType.DEMO: _whole("demos?|демо|maqueta|maquette") + "|デモ|데모",
    MarkerType.RADIO_EDIT: _anywhere(
        rf"radio[ -]{_LONG}|радио ?версия|(?:version|versión|versão|edición|edição|édition) r[aá]dio|radioversion"
    ),
    MarkerType.EDIT: r"(?=edit)(?<!\bradio )(?<!\bradio-)(?<!\balbum )(?<!\btv )" + _whole("edit|edited") + "|^mixed$",
    MarkerType.EXTENDED: _anywhere(
        rf"extended|ext\.? {_LONG}|long {_LONG}|12(?:\"|″|''|”| ?inch) {_LONG}|extendida|versión larga|versão longa|"
        r"langversion|langfassung"
    ),
    MarkerType.CLEAN: _whole("clean|censored|bleeped"),
    MarkerType.EXPLICIT: _whole("explicit|uncensored") + "|" + _anywhere(f"dirty {_LONG}"),
    MarkerType.REMASTER: _anywhere(r"re-?master(?:ed|izad[oa]|is[ée]e?|isiert|iert)?|ремастер\w*")
    + "|リマスター|리마스터",
    MarkerType.MONO: _whole("(?<!el )(?<!un )mono"),
    MarkerType.STEREO: _whole("stereo"),
    MarkerType.SPED_UP: _anywhere(r"sped[ -]?up|speed[ -]?up|nightcore"),
    MarkerType.SLOWED: _anywhere("slowed(?: down)?|slow version|chopped (?:&|and) screwed") + "|^screwed$",
    MarkerType.RE_RECORDING: _anywhere(
        r"re-?record(?:ed|ing)|new(?:ly)? record(?:ed|ing)|taylor['’]s version|neuaufnahme|regrabad[oa]|regravação|"
        r"(?:new|nueva|nova|nouvelle|neue|nuova) vers(?:ion|ión|ão|ione)"
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
    MarkerType.SINGLE_VERSION: _anywhere(
        rf"single[ -](?:version|mix|versión|remix)|7(?:\"|″|''|”| ?inch) {_LONG}|version single"
    ),
    MarkerType.ORIGINAL_MIX: _anywhere(
        rf"(?:original|full|main|full length) {_LONG}|original recording|full[ -]length|versión original|"
        r"version originale"
    )
    + r"|^original$",
    MarkerType.MEDLEY: _anywhere("medley|potpourri|popurrí|попурри") + "|メドレー|메들리",
    MarkerType.LANGUAGE: "|".join(
        (
            _anywhere(rf"{_LANGUAGES} (?:language )?(?:ver(?:sion|s)?|vers?\.|vocals?)"),
            rf"(?:sung )?in {_LANGUAGES}$",
            _anywhere(rf"vers(?:ión|ão|ion|ione) (?:en |em |in )?{_IN_ITS_OWN}|(?:auf )?{_IN_ITS_OWN}e? version"),
            rf"^(?:en|em|in|auf) {_IN_ITS_OWN}$",
            r"(?:日本語|韓国語|英語|中国語|国语|國語|粤语|粵語|영어|일본어|중국어)(?: ?ver|版|バージョン| ?버전)",
        )
    ),
    MarkerType.COMMENTARY: _whole("commentary|track by track|interview|spoken introduction"),
    MarkerType.INTRO: _whole("intro|introduction"),
    MarkerType.OUTRO: _whole("outro"),
    MarkerType.INTERLUDE: _whole("interlude|interludio|interlúdio"),
    MarkerType.REPRISE: _whole("reprise|réprise"),
    MarkerType.DUB: _whole("dub|dubstrumental") + "|" + _anywhere(f"dub {_LONG}"),
    MarkerType.PIANO: _anywhere(rf"(?:solo )?piano (?:{_LONG}|solo|cover|ver)|piano solo|piano arrangement")
    + "|^piano$|ピアノ・?(?:ver|バ|ソロ)|피아노|钢琴版|鋼琴版",
    MarkerType.ORCHESTRAL: _whole("orchestral|(?<!symphony )(?<!philharmonic )(?<!light )orchestra|symphonic|strings?")
    + "|"
    + _anywhere(rf"string {_LONG}|(?:with|con|mit|avec) (?:orchestra|orchester|orchestre|orquesta)"),
    MarkerType.A_CAPPELLA: _anywhere(r"a[ -]?cap+el+a|vocals? only|acap|بدون موسيقى") + "|アカペラ|아카펠라|清唱",
    MarkerType.TV: _anywhere(rf"(?:tv|anime)[ -]?(?:size|{_LONG}|ver)") + "|テレビサイズ|tvサイズ",
    MarkerType.CUT: "|".join(
        (
            _CUT_LENGTH,
            _anywhere(
                "(?:mix|short|radio) cut|short (?:version|edit|mix|ver|size)|versión corta|"
                "versão curta|version courte|kurzversion|kurzfassung|stinger|sting|bumper|loop"
            )
            + "|^cut$|ショート",
        )
    ),
    MarkerType.STEM: _anywhere(
        r"(?:no|without) (?:drums|melody|bass|percussion|lead|choir|guitars?|strings|beat)|"
        r"(?:drums|bass|beat|percussion)(?: (?:and|&) (?:drums|bass|percussion))? only|under ?score|sub[ -]?mix"
    )
    + "|^(?:music )?bed$",
    MarkerType.ALTERNATE: _anywhere(
        r"alternat(?:e|ive) (?:version|mix|take|edit|cut)|alt\.? (?:version|mix|take)|outtake"
    )
    + r"|^(?:take \d+|alternate|alternative|(?:19|20)\d\d version)$|"
    + _anywhere(rf"vers(?:ion|ión|ão) {_GENRES}|{_GENRES} vers(?:ion|ión|ão)|con (?:banda|mariachi)"),
    MarkerType.BONUS_TRACK: _anywhere(r"bonus(?: (?:track|tracks|song|version))?|hidden track")
    + "|"
    + _anywhere(r"(?:deluxe|expanded|anniversary|special|standard|international) (?:version|edition)"),
    MarkerType.VIDEO: _anywhere(
        r"official (?:music |lyrics? |hd |live )?(?:video|audio|visuali[sz]er|clip)|lyrics? video"
    )
    + "|"
    + _whole(r"music video|(?<!\dd )audio|video|lyrics|visuali[sz]er|video ?clip|full hd|4k|hd|m/?v"),
}
NOTES = {kind: re.compile(pattern) for kind, pattern in _PATTERNS.items()}
_KIND = (
    r"(?:live|acoustic|instrumental|karaoke|demo|album|lp|single|radio|extended|original|explicit|clean|club|piano|mono|"
    r"stereo|orchestral|full|main|dub|short|alternate|alternative|12(?:\"|″|”| ?inch)|re-?recorded|long|tv|edited)"
)
_REMASTER = r"(?:\d{4} )?(?:digital(?:ly)? )?re-?master(?:ed)?(?: version)?(?: \d{4})?"
BARE_END = re.compile(
    rf"(?<!\w)(?:{_KIND} (?:version|edit|mix|remix)|{_REMASTER}|(?:recorded )?{_NOT_VERB}live (?:at|from) \S.*|"
    r"live in concert|en vivo|ao vivo|en directo|dal vivo|sped[ -]up|slowed(?: \+ reverb| down)?|"
    rf"no (?:drums|vocals|melody)|drums only|tv size|(?<=\w )(?:instrumental|karaoke|remix|unplugged|a ?cappella)|"
    rf"{_CUT_LENGTH})$"
)
BARE_WHOLE = re.compile(r"(?:intro|outro|interlude|interludio|reprise|medley)(?: (?:\d+|[ivx]+))?")

# A credit that nothing sets off; six feet and a feat of strength are none.
BARE_CREDIT = re.compile(
    r"(?<=\s)(?<!\d\s)(?<!\bsix\s)(?<!\bten\s)(?:(?:feat|ft|featuring)\s|(?:feat|ft)\.)(?!\s*of\b)\s*(\S.*)",
    re.IGNORECASE | re.DOTALL,
)

TRIGGER = re.compile(
    r"liv[ei]|vivo|direct|conci?er|naży|na ży|naživ|canlı|вжив|живь|конц|mix|rmx|refix|work|bootleg|ремикс|mezcla|"
    r"aco?u?st|acúst|akust|unplug|"
    r"акуст|instr?u?|инструм|vocal|kara|карао|playback|backing|demo|демо|maqueta|edit|radio|радио|exten|long|vers|\bext|12|"
    r"clean|censor|bleep|explicit|dirty|master|ремаст|mono|stereo|sped|speed|nightcore|slowed|record|neuauf|regra|"
    r"taylor|cover|tribut|hommage|perform|in the style|made |кавер|album|álbum|lp|single|7|original|medley|potp|popurr|"
    r"попурри|intro|outro|interl|repri|répri|dub|piano|orchest|symphon|string|cap|tv|anime|\d|cut|short|sting|bumper|loop|"
    r"only|no |without|under ?score|bed|sub[ -]?mix|alt|outtake|take|bonus|hidden|deluxe|edition|official|video|audio|"
    r"lyric|visual|full|4k|hd|m/?v|part|pt|teil|deel|cz|част|ч|chap|kapit|capít|folge|vol|том|session|"
    r"maquette|vip|comment|interview|track by|ver\b|vers\b|edici|ediç|rádi|enstr|минус|mr$|slow|screwed|"
    r"stripped|kurz|lang|minus|orq|banda|mariachi|remez|жив|(?:en|em|in|auf) |[\u0600-\u06ff]|"
    rf"\b{_LANGUAGES}\b|{_IN_ITS_OWN}|"
    r"[\u3000-\u9fff\uac00-\ud7af]"
)
"""What every text with a marker has some of, in small letters: the look for it spares the others the long one."""

_GENERIC = """
    live recorded recording version versión versao versione ver mix mixed remix remixed rmx edit edited edition take
    cut acoustic acustico acustica acoustique akustik unplugged instrumental inst karaoke demo radio extended long
    inch clean explicit remaster remastered remasterizado remasterisiert digital digitally mono stereo sped up
    slowed down rerecorded re album lp single original medley intro outro interlude reprise dub piano orchestral tv
    size bonus track official video audio lyric lyrics at in im on from by of the a an à au en vivo ao directo
    direct dal bei aus auf desde concert concierto session sessions and und style made famous popular performed
    originally cover no without only full main alternate alternative short music deluxe exclusive new newly sur em
"""
GENERIC = frozenset(_GENERIC.split())
"""What a note says by its kind already, and small words, as `catalog.normalize` writes them."""

_BARE_WORDS = """
    version edit mix remix remaster remastered live concert vivo directo sped up slowed drums vocals melody tv
    instrumental karaoke unplugged acappella cappella intro outro interlude interludio reprise medley
"""
BARE_WORDS = frozenset(_BARE_WORDS.split()) | COUNTING_WORDS
"""Normalised words of which a marker outside of notes has one, unless it has a digit, 第 or パート."""
