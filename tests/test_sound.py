"""Names and titles in two scripts, judged by their sound."""

import json
import random
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rapidfuzz.distance import Indel

from catalog import sound
from catalog.normalize import normalize
from catalog.sound import leaves_vowels_out, readings, skeleton, sound_key

LANGUAGES = Path(__file__).parent.parent / "catalog" / "sample" / "languages"
EAST = {"ja", "ko", "zh"}  # where the family name comes first, without a blank


def alike(native, latin):
    keys = [sound_key(reading) for reading in readings(native)]
    other = sound_key(normalize(latin))
    if leaves_vowels_out(native):
        keys, other = list(map(skeleton, keys)), skeleton(other)
    return max(
        max(
            Indel.normalized_similarity(form(key), form(other))
            for form in (lambda text: text.replace(" ", ""), lambda text: "".join(sorted(text.split())))
        )
        for key in keys
    )


@pytest.mark.parametrize(
    ("native", "latin"),
    [
        ("大谷智哉", "Tomoya Ohtani"),
        ("大谷智哉", "Ohtani Tomoya"),
        ("宇多田ヒカル", "Hikaru Utada"),
        ("坂本龍一", "Ryuichi Sakamoto"),
        ("近藤浩治", "Koji Kondo"),
        ("星野源", "Gen Hoshino"),
        ("ブルームーン", "Buru Mun"),
        ("花は咲く", "Hana wa Saku"),
        ("이선희", "Lee Sun Hee"),
        ("박효신", "Park Hyo Shin"),
        ("봄날", "Bom Nal"),
        ("陈奕迅", "Chen Yixun"),
        ("蔡依林", "Tsai Yi Lin"),
        ("欧阳娜娜", "Nana Ouyang"),
        ("曾轶可", "Zeng Yike"),
        ("Пётр Чайковский", "Pyotr Tchaikovsky"),
        ("Пётр Чайковский", "Tschaikowski, Pjotr"),
        ("Арам Хачатурян", "Aram Khachaturian"),
        ("Юлия Савичева", "Julia Savicheva"),
        ("Χάρις Αλεξίου", "Haris Alexiou"),
        ("Μίκης Θεοδωράκης", "Mikis Theodorakis"),
        ("عمرو دياب", "Amr Diab"),
        ("تامر حسني", "Tamer Hosny"),
        ("עידן רייכל", "Idan Raichel"),
        ("משה פרץ", "Moshe Peretz"),
    ],
)
def test_names_in_two_scripts_sound_alike(native, latin):
    assert alike(native, latin) >= 0.85


@pytest.mark.parametrize(
    ("native", "latin"),
    [
        ("大谷智哉", "Kenji Yamada"),
        ("坂本龍一", "Hikaru Utada"),
        ("박효신", "Lee Sun Hee"),
        ("陈奕迅", "Wang Fei"),
        ("Арам Хачатурян", "Pyotr Tchaikovsky"),
        ("Χάρις Αλεξίου", "Mikis Theodorakis"),
    ],
)
def test_other_names_sound_different(native, latin):
    assert alike(native, latin) < 0.6


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ohtani", "otani"),
        ("shinichi", "sinichi"),
        ("tsuji", "tuji"),
        ("yuuki", "yuki"),
        ("tchaikovsky", "tschaikowski"),
        ("alexander", "aleksander"),
        ("philip", "filip"),
        ("dimitri", "dmitry"),
        ("khaled", "haled"),
        ("park", "bak"),
        ("lee", "li"),
        ("ahmad", "ahmed"),
    ],
)
def test_spellings_of_one_sound_meet(one, other):
    assert Indel.normalized_similarity(sound_key(one), sound_key(other)) >= 0.75


def test_readings_by_script():
    assert readings("Tomoya Ōtani") == ("tomoya otani",)
    assert readings("") == readings("  ") == ()
    assert readings("ライブ") == ("raibu",)
    assert "otani tomoya" in readings("大谷智哉")
    assert "da gu zhi zai" in readings("大谷智哉")
    assert readings("陈奕迅") == ("chen yixun",)  # the first character is not written in Japan
    assert all("ying" not in reading for reading in readings("千本桜"))  # nor the last in China
    assert readings("김민수") == ("kim minsu",)
    assert readings("벚꽃") == ("beotkkot",)
    assert readings("!!!") == ("!!!",)


def test_scripts_without_vowels():
    assert leaves_vowels_out("שלום")
    assert leaves_vowels_out("سلام")
    assert not leaves_vowels_out("Salam")
    assert not leaves_vowels_out("東京")
    assert skeleton(sound_key("mohamed")) == skeleton(sound_key("muhammad"))


def pairs_of(code):
    """Words as they are written in two scripts, and people with their names in either order."""
    words = json.loads((LANGUAGES / f"{code}.json").read_text(encoding="utf-8"))
    rng = random.Random(1)
    pairs = [entry.split("=")[:2] for kind in ("phrases", "nouns", "places") for entry in words[kind]]
    first, last = ([entry.split("=") for entry in words[kind]] for kind in ("first", "last"))
    for _ in range(150):
        one, two = rng.choice(first), rng.choice(last)
        native = two[0] + one[0] if code in EAST else f"{one[0]} {two[0]}"
        pairs.append([native, " ".join(rng.sample([one[1], two[1]], 2))])
    return [pair for pair in pairs if len(pair) == 2 and pair[1] and not pair[0].isascii()]


@pytest.mark.parametrize("code", ["ar", "el", "he", "ja", "ko", "ru", "zh"])
def test_true_pairs_sound_more_alike_than_others(code):
    pairs = pairs_of(code)
    rng = random.Random(2)
    true = [alike(native, latin) for native, latin in pairs]
    drawn = [rng.sample(pairs, 2) for _ in range(len(pairs))]
    other = [alike(one[0], two[1]) for one, two in drawn if one[0] != two[0] and one[1] != two[1]]
    area = sum((t > o) + 0.5 * (t == o) for t in true for o in other) / (len(true) * len(other))
    assert area >= 0.98


@given(st.text(max_size=60))
def test_any_text_has_readings_unless_blank(text):
    found = readings(text)
    assert bool(found) == bool(normalize(text))
    assert len(set(found)) == len(found) <= 6
    for reading in found:
        assert reading == normalize(reading)
        skeleton(sound_key(reading))


@given(st.text(alphabet="あいカキー大谷智哉東京陈王力宏김박서שלםالسيя жё abc12・々", max_size=20))
def test_mixed_scripts_have_readings_unless_blank(text):
    assert bool(readings(text)) == bool(normalize(text))


def test_the_dictionary_is_opened_for_japanese_only():
    code = (
        "from catalog.sound import readings, sound_key; from catalog import japanese\n"
        "sound_key(readings('Yesterday')[0]); readings('Москва'); readings('김민수')\n"
        "assert japanese._tagger.cache_info().currsize == 0\n"
        "readings('東京'); assert japanese._tagger.cache_info().currsize == 1"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@given(st.lists(st.text("abcdefghijklmnopqrstuvwxyz'1", min_size=1, max_size=12), max_size=4))
def test_words_sound_the_same_alone_and_in_a_text(words):
    text = " ".join(words)
    whole = text
    for pattern, new in sound._FOLDS:
        whole = pattern.sub(new, whole)
    assert sound_key(text) == sound._DOUBLED.sub(r"\1", whole.translate(sound._FOLDED_LETTERS))
