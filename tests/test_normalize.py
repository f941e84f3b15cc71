"""One normaliser: idempotent, and right on the ways in which catalogues write one name."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from catalog.normalize import normalize, romanize

SAME = [
    ("The Beatles", "THE BEATLES", "case"),
    ("Beyoncé", "Beyonce", "diacritics are dropped at will"),
    ("BeyoncÃ©", "Beyoncé", "UTF-8 read as Latin-1"),
    ("ãƒ©ã‚¤ãƒ–", "ライブ", "UTF-8 read as Windows-1252"),
    ("R&amp;B", "R&B", "HTML entity"),
    ("Simon &amp;amp; Garfunkel", "Simon and Garfunkel", "an entity escaped twice, and the sign for and"),
    ("Don’t Stop", "Dont Stop", "typographic apostrophe against none"),
    ("ＡＢＢＡ", "ABBA", "full-width forms"),
    ("ｶﾗｵｹ", "カラオケ", "half-width kana"),
    ("Straße", "STRASSE", "casefold, not lower"),
    ("Mañana", "Man\u0303ana", "composed and decomposed"),
    ("Søren", "Soren", "a letter that Unicode does not decompose"),
    ("عَرَبِيّ", "عربي", "Arabic vowel marks"),
    ("Ёлка", "Елка", "Russian yo is written both ways"),
    ("Hello - World!", "hello world", "punctuation"),
    ("a_b", "a b", "the underscore separates"),
    ("Prelude in C♯ Minor", "Prelude in C-sharp minor", "the sign of a sharp key"),
    ("F# minor", "F sharp minor", "a cross for it"),
    ("C&#9839; minor", "C sharp minor", "an entity for it"),
    ("C＃ minor", "C sharp minor", "a wide cross for it"),
    ("Fa# menor", "Fa sharp menor", "a syllable for it"),
    ("Ab Minister", "ab minister", "no key"),
    ("Étude in B♭", "Etude in B flat", "the sign of a flat key"),
    ("Sonata in Bb Major", "Sonata in B-flat Major", "a letter for it"),
    ("Ke$ha", "Kesha", "a sign for a letter"),
    ("P!nk", "Pink", "a sign for a letter"),
]

DIFFERENT = [
    ("カ", "ガ", "the voicing mark makes another syllable"),
    ("мой", "мои", "the short i is a letter"),
    ("शिव", "शव", "an Indic vowel sign is a letter"),
    ("!!!", "???", "a name of signs stays a name"),
    ("Part 1", "Part 2", "numbers stay"),
    ("C♯ Minor", "C Minor", "a sharp key is another one"),
    ("B♭ Major", "B Major", "a flat key is another one"),
    ("#1", "A sharp 1", "a cross alone is no key"),
]


@pytest.mark.parametrize(("one", "other", "reason"), SAME)
def test_same(one, other, reason):
    assert normalize(one) == normalize(other), reason


@pytest.mark.parametrize(("one", "other", "reason"), DIFFERENT)
def test_different(one, other, reason):
    assert normalize(one) != normalize(other), reason


@pytest.mark.parametrize(
    ("text", "latin"),
    [("Чайковский", "chaykovskiy"), ("ライブ", "raibu"), ("사랑", "salang"), ("Yesterday", "yesterday")],
)
def test_romanize(text, latin):
    assert romanize(text) == latin


# Letters, marks and signs of the scripts that catalogues hold, with what mojibake and entities are made of.
TEXT = st.text() | st.text(alphabet="Ã©¼Ð§ãƒâ€™&amp;#39;!_ -'éñøßİıΣςЙёガｶ가שָعَ大½²ﬁ")


@settings(max_examples=500)
@given(TEXT)
def test_normalize_is_idempotent(text):
    once = normalize(text)
    assert normalize(once) == once


@settings(max_examples=500)
@given(TEXT)
def test_romanize_is_idempotent_and_agrees_with_normalize_on_ascii(text):
    latin = romanize(text)
    assert romanize(latin) == latin
    if normalize(text).isascii():
        assert latin == normalize(text)


@given(TEXT)
@example("\x85")
@example("\x85\xa0")
def test_nothing_that_is_written_vanishes(text):
    assert bool(normalize(text)) == bool(text.split())


def test_only_the_beginning_of_a_very_long_text_counts():
    assert len(normalize("a" * 1_000_000)) == 4_096
