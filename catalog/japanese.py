"""Reading Japanese out in Latin letters: kanji with a dictionary, kana sign by sign.

The dictionary is IPADIC in MeCab (https://taku910.github.io/mecab), which knows family names and given names as such.
It is opened when the first text with Japanese characters comes, and never otherwise.
"""

from __future__ import annotations

import re
from functools import lru_cache
from threading import Lock

import fugashi
import ipadic
from anyascii import anyascii

_READINGS = 4  # of a name, the right one is among the first four or not known at all
_ANALYSES = 16  # several analyses read alike
_SURNAME = "姓"
_LONGEST_NAME = 6
_PRONUNCIATION = 8  # place of a word's pronunciation among the features of IPADIC; unknown words have fewer

# How characters are mostly read inside of given names, where the dictionary knows them as words or not at all.
_NAME_KANJI_LIST = """
    哉也弥=ヤ 之幸=ユキ 乃=ノ 莉璃里=リ 紗沙=サ 菜奈那=ナ 緒央夫男雄=オ 佑祐裕優悠=ユー 輔介=スケ 亮諒遼=リョー
    颯=ソー 翔=ショー 斗人=ト 音=ネ 玖=ク 瑠=ル 凛=リン 蓮=レン 陽=ヨー 葵=アオイ 琉=リュー 治=ジ 典=ノリ 子=コ
    美=ミ 真=マ 太=タ 平=ヘー 吾=ゴ 花香=カ 衣=イ 希樹貴輝=キ 志史=シ 浩=コー 康=ヤス 弘=ヒロ 健=ケン 隆孝=タカ
    智=トモ 和=カズ 正雅昌=マサ 明=アキ 直=ナオ 秀英=ヒデ 義=ヨシ 俊敏=トシ 哲=テツ 伸信=ノブ 郎朗=ロー 恵江=エ
    代世=ヨ 大=ダイ 拓=タク
"""
_NAME_KANJI = {kanji: kana for pair in _NAME_KANJI_LIST.split() for signs, kana in [pair.split("=")] for kanji in signs}

_SMALL = {"ャ": "ya", "ュ": "yu", "ョ": "yo", "ァ": "a", "ィ": "i", "ゥ": "u", "ェ": "e", "ォ": "o", "ヮ": "wa"}
_SYLLABLE = re.compile(r"(.)([ャュョァィゥェォヮ])")
_TO_KATAKANA = {code: code + 0x60 for code in range(0x3041, 0x3097)} | {ord("ッ"): "", ord("ー"): "", ord("っ"): ""}

_one_at_a_time = Lock()  # the analyses of a tagger are gone as soon as it is asked for the next


def read_japanese(text: str) -> list[str]:
    """Read Japanese in the likeliest ways.

    Parameters
    ----------
    text : str
        Normalised.

    Returns
    -------
    list of str
        Up to four readings in small Latin letters, long vowels written short, words separated by blanks, no two the
        same but for their blanks. What follows a family name is one word, and read as a given name, too. At least one,
        unless the text is blank.
    """
    found: dict[str, str] = {}  # by what they are without their blanks
    with _one_at_a_time:
        for nodes in _tagger().nbestToNodeList(text, _ANALYSES):
            words = [(node.surface, _kana(node.surface, node.feature)) for node in nodes]
            if len(words) > 1 and len(text) <= _LONGEST_NAME and _SURNAME in nodes[0].feature[:4]:
                first, given = words[0][1], words[1:]
                named = "".join(_NAME_KANJI.get(surface, kana) for surface, kana in given)
                ways = [f"{first} {named}", f"{first} {''.join(kana for _, kana in given)}"]
            else:
                ways = [" ".join(kana for _, kana in words)]
            for way in map(_romaji, ways):
                found.setdefault(way.replace(" ", ""), way)
            if len(found) >= _READINGS:
                break
    return list(found.values())[:_READINGS]


@lru_cache(maxsize=1)
def _tagger() -> fugashi.GenericTagger:
    return fugashi.GenericTagger(ipadic.MECAB_ARGS)


def _kana(surface: str, features: tuple[str, ...]) -> str:
    if len(features) > _PRONUNCIATION and features[_PRONUNCIATION] != "*":
        return features[_PRONUNCIATION]
    return "".join(_NAME_KANJI.get(sign, sign) for sign in surface)


@lru_cache(maxsize=1 << 10)  # analyses differ in little
def _romaji(kana: str) -> str:
    return anyascii(_SYLLABLE.sub(_merged, kana.translate(_TO_KATAKANA))).lower()


def _merged(match: re.Match[str]) -> str:
    """Write a large sign and a small one: ki with a small yo is kyo, fu with a small o is fo."""
    first, second = anyascii(match[1]), _SMALL[match[2]]
    if second[0] == "y" and first[-1:] == "i":
        return first[:-1] + (second[1:] if first in {"shi", "chi", "ji"} else second)
    return first.rstrip("aeiou") + second
