"""Comparing names and titles that are written in two scripts: by how they sound.

A text is first read out in Latin letters (`readings`), several ways where its script leaves that open, and then folded
(`sound_key`) so that the spellings in use for one sound are one. Two texts sound alike when their keys are alike, with
the blanks left out and with the words sorted: names come in either order, and words are cut in various places.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

import regex
from anyascii import anyascii

from catalog.japanese import read_japanese
from catalog.normalize import normalize, romanize

_CACHED = 1 << 16
_LONGEST = 200  # characters: names and titles that are longer are not told by their sound

_HAN = regex.compile(r"\p{Han}")
_KANA = regex.compile(r"[\p{Hiragana}\p{Katakana}ー]")
_HANGUL = re.compile(r"[가-힣]+")
_ABJAD = regex.compile(r"[\p{Hebrew}\p{Arabic}]")


def readings(text: str) -> tuple[str, ...]:
    """Read a text out in Latin letters.

    Parameters
    ----------
    text : str
        A name or title; of longer ones the first 200 characters count.

    Returns
    -------
    tuple of str
        Normalised ASCII, words separated by single blanks, the likeliest first and no two the same. Latin text reads
        as itself. Text with kana has up to four Japanese readings; text of Han characters those and the Mandarin one,
        less those of a language whose character sets lack one of the characters. Hebrew and Arabic are read without
        the vowels that they do not write. Signs that have no sound stay. Empty for blank text only.
    """
    folded = normalize(text[:_LONGEST])
    return _read(folded) if folded else ()


def likely_readings(texts: Sequence[str]) -> list[str]:
    """Read the fields of one row out, each in its likeliest way only.

    Parameters
    ----------
    texts : sequence of str
        Names and titles of one recording; of longer ones the first 200 characters count.

    Returns
    -------
    list of str
        Normalised ASCII, of each text that is not blank. Han characters are read in Mandarin if any of them, in any of
        the texts, is none that Japan uses and no kana is there, else in Japanese.
    """
    folded = [each for each in (normalize(text[:_LONGEST]) for text in texts) if each]
    whole = "".join(folded)
    chinese = not _KANA.search(whole) and not _encodable("".join(_HAN.findall(whole)), "cp932")
    return [_likeliest(each, chinese) for each in folded]


@lru_cache(maxsize=_CACHED)
def _likeliest(folded: str, chinese: bool) -> str:
    if chinese and _HAN.search(folded):
        return romanize(_mandarin(folded)[0])
    return _read(folded)[0]


@lru_cache(maxsize=_CACHED)
def leaves_vowels_out(text: str) -> bool:
    """Tell whether a text is in a script that writes few vowels, so that only skeletons compare.

    Parameters
    ----------
    text : str
        As written.

    Returns
    -------
    bool
        True where there are Hebrew or Arabic letters.
    """
    return not text.isascii() and _ABJAD.search(text) is not None


@lru_cache(maxsize=_CACHED)
def _read(folded: str) -> tuple[str, ...]:
    if folded.isascii():
        return (folded,)
    found: list[str] = []
    kana, han = _KANA.search(folded), _HAN.search(folded)
    if kana or (han and _encodable(folded, "cp932")):
        found += read_japanese(folded)
    if han and not kana and (not found or _encodable(folded, "gb2312") or _encodable(folded, "big5")):
        found += _mandarin(folded)
    if not found:
        found += _letter_by_letter(folded)
    return tuple(dict.fromkeys(filter(None, map(romanize, found)))) or (folded,)


def _encodable(text: str, charset: str) -> bool:
    """Tell whether a national character set has the characters of a text: those of Japan and China differ."""
    try:
        text.encode(charset)
    except UnicodeEncodeError:
        return False
    return True


# ---------------------------------------------------------------------------------------- Chinese and Korean

_LONG_SURNAME = re.compile("欧阳|歐陽|司马|司馬|上官|诸葛|諸葛|司徒|东方|東方|皇甫|夏侯|慕容|令狐")
_SURNAME_READINGS = {"曾": "zeng", "单": "shan", "仇": "qiu", "解": "xie", "任": "ren", "乐": "yue", "长": "chang"}
_PINYIN_C = re.compile(r"(?<![a-z])c(?!h)")


def _mandarin(text: str) -> list[str]:
    """Read in Pinyin; where that has a bare c, which nobody outside of it reads as ts, with ts, too."""
    pinyin = " ".join(map(_pinyin, text.split()))
    return [pinyin, _PINYIN_C.sub("ts", pinyin)]


def _pinyin(word: str) -> str:
    if not all(map(_HAN.match, word)):
        return anyascii(word)
    syllables = [anyascii(sign).lower() for sign in word]
    syllables[0] = _SURNAME_READINGS.get(word[0], syllables[0])
    surname = 2 if _LONG_SURNAME.match(word) else 1
    if surname < len(word) <= surname + 2:  # the length of a person's name, whose given names are written as one
        return f"{''.join(syllables[:surname])} {''.join(syllables[surname:])}"
    return " ".join(syllables)


# How Koreans with these family names write them, which no table of letters gives.
_KOREAN_SURNAME_LIST = """
    김=kim 이=lee 박=park 최=choi 정=jung 강=kang 조=cho 윤=yoon 장=jang 임=lim 한=han 오=oh 서=seo 신=shin
    권=kwon 황=hwang 안=ahn 송=song 류=ryu 홍=hong 유=yoo 전=jun 고=ko 문=moon 양=yang 손=son 배=bae 백=baek
    허=heo 남=nam 심=shim 노=noh 하=ha 곽=kwak 성=sung 차=cha 주=joo 우=woo 구=koo 민=min 진=jin 엄=uhm
"""
_KOREAN_SURNAMES = {pair[0]: pair[2:] for pair in _KOREAN_SURNAME_LIST.split()} | {
    "남궁": "namgung",
    "선우": "sunwoo",
    "황보": "hwangbo",
    "제갈": "jegal",
}
_FINAL_LETTERS = "|k|k|k|n|n|n|t|l|k|m|l|l|l|p|l|m|p|p|t|t|ng|t|t|k|t|p|"  # in the order of Unicode
_FINALS = _FINAL_LETTERS.split("|")
_SYLLABLES, _FIRST_SYLLABLE, _SILENT, _UI, _R = 28, 0xAC00, 11, 19, 5


def _korean(match: re.Match[str]) -> str:
    word = match[0]
    surname = word[:2] if word[:2] in _KOREAN_SURNAMES else word[0]
    if surname in _KOREAN_SURNAMES and len(word) == len(surname) + 2:  # the length of a person's name
        return f"{_KOREAN_SURNAMES[surname]} {_hangul(word[len(surname) :])}"
    return _hangul(word)


def _hangul(word: str) -> str:
    """Spell syllables as they sound: a final s or ch is a t unless a vowel follows."""
    spelt = []
    for sign, following in zip(word, f"{word[1:]} ", strict=True):
        open_code, final = divmod(ord(sign) - _FIRST_SYLLABLE, _SYLLABLES)
        initial, vowel = divmod(open_code, 21)
        sound = anyascii(chr(_FIRST_SYLLABLE + open_code * _SYLLABLES)).lower()
        sound = sound.replace("l", "r", 1) if initial == _R else sound
        sound = sound.replace("ui", "i") if vowel == _UI else sound
        linked = final and following != " " and (ord(following) - _FIRST_SYLLABLE) // 588 == _SILENT
        spelt.append(sound + (anyascii(sign).lower()[len(sound) :] if linked else _FINALS[final]))
    return "".join(spelt)


# ---------------------------------------------------------------------------------------------------- others

# Groups of Greek letters that sound otherwise than letter by letter (ELOT 743), Hebrew and Arabic as in names.
_GROUPS = (("ου", "u"), ("αυ", "av"), ("ευ", "ev"), ("γγ", "ng"), ("γκ", "g"), ("μπ", "b"), ("ντ", "d"), ("χ", "ch"))
_HEBREW = str.maketrans(dict(zip("חכךפףצץוק", ("ch", "k", "ch", "p", "f", "tz", "tz", "o", "k"), strict=True)))
_ARABIC = str.maketrans({"ج": "dj", "ة": "a"})
_ABJAD_GROUPS = tuple(
    (re.compile(pattern), sound)
    for pattern, sound in (
        (r"\bב", "b"),
        (r"ב", "v"),
        (r"\bכ", "k"),
        (r"ה\b", "a"),
        (r"\bו|וו", "v"),
        (r"\bال", "al "),
        (r"\bو", "w"),
        (r"و", "o"),
    )
)


def _letter_by_letter(text: str) -> list[str]:
    """Read letters; those that are written as "ch" by some and as "h" by others are read both ways."""
    for group, sound in _GROUPS:
        text = text.replace(group, sound)
    if _ABJAD.search(text):
        for pattern, sound in _ABJAD_GROUPS:
            text = pattern.sub(sound, text)
        text = text.translate(_HEBREW).translate(_ARABIC)
    latin = anyascii(_HANGUL.sub(_korean, text))
    return [latin, latin.replace("ch", "h")] if "ch" in text else [latin]


# ----------------------------------------------------------------------------------------------------- folding

_FOLDS = tuple(
    (re.compile(pattern), new)
    for pattern, new in (
        (r"\b(?:lee|rhee)\b", "li"),
        (r"\bpark\b", "pak"),
        (r"\bchoi\b", "choe"),
        (r"eo|eu|[ou]{2,}|oh(?![aeiou])", "o"),
        (r"ee|ea", "i"),
        (r"tsch|tch", "C"),
        (r"shch|sch|sh|sz|hs(?=[iu])|x|ks", "s"),
        (r"t?ch(?![rln])|tj|dj|zh|cz|j(?=[aeiou])", "C"),
        (r"j", "i"),
        (r"[td]?[sz]|c(?=[eiy])", "s"),
        (r"ph", "f"),
        (r"kh", "h"),
        (r"[ckqg]+h?", "k"),
        (r"th", "t"),
        (r"m(?=[bpf])", "n"),
        (r"(?<=[aeiou])h(?![aeiou])|(?<=[^aeiou ])h", ""),
    )
)
_FOLDED_LETTERS = str.maketrans("bdgquvwyC", "ptkkovvic")


def sound_key(reading: str) -> str:
    """Fold the spellings that are in use for one sound.

    Long and short vowels, o and u, voiced and voiceless consonants, hissing sounds and doubled letters are one each;
    ph is f, ck and q are k, w is v, y is i, and an h that nobody hears is gone. What is left is no spelling of any
    language, and only to be compared with other keys.

    Parameters
    ----------
    reading : str
        As from `readings`, or from `normalize` for Latin text.

    Returns
    -------
    str
        Small letters, digits and whatever else the reading held, the words in their order. Measured on word lists of
        seven languages (tests/test_sound.py), the similarity of keys tells true pairs from others best as the larger
        of two: with the blanks left out, and with the words sorted before that.
    """
    return " ".join(map(_word_key, reading.split()))


@lru_cache(maxsize=_CACHED)
def _word_key(word: str) -> str:
    for pattern, new in _FOLDS:
        word = pattern.sub(new, word)
    return _DOUBLED.sub(r"\1", word.translate(_FOLDED_LETTERS))


@lru_cache(maxsize=_CACHED)
def skeleton(key: str) -> str:
    """Keep the consonants of a sound key: what Hebrew and Arabic write.

    Parameters
    ----------
    key : str
        As from `sound_key`.

    Returns
    -------
    str
        Words without vowels, and without h inside of them; "" where nothing is left.
    """
    return " ".join(_VOWELS.sub("", key).translate(_SKELETON_LETTERS).split())


_DOUBLED = re.compile(r"(.)\1+")
_VOWELS = re.compile(r"[aeio]|(?<=[^ ])h")
_SKELETON_LETTERS = str.maketrans("cf", "kp")
