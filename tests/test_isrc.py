"""ISRCs after ISO 3901."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.isrc import IsrcState, compare_isrcs, isrcs_in, parse_isrc, parse_isrcs

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
CODES = st.builds(
    "{}{}{}".format,
    st.text(LETTERS, min_size=2, max_size=2),
    st.text(LETTERS + "0123456789", min_size=3, max_size=3),
    st.text("0123456789", min_size=7, max_size=7),
)
SEPARATORS = st.sampled_from(["", "-", " ", "–", "."])


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("GBAYE0601477", "GBAYE0601477"),
        ("GB-AYE-06-01477", "GBAYE0601477"),
        ("gb aye 06 01477", "GBAYE0601477"),
        ("ISRC GB-AYE-06-01477", "GBAYE0601477"),
        ("ISRC:GBAYE0601477", "GBAYE0601477"),
        ("isrcGBAYE0601477", "GBAYE0601477"),
        ("  GBAYE0601477\n", "GBAYE0601477"),
        ("QM6Q72000047", "QM6Q72000047"),  # the prefix is one allocation: QM is no country
        ("ISRC12345678", "ISRC12345678"),  # an Icelandic prefix, ISRC1
        ("ISRC ISRC12345678", "ISRC12345678"),
    ],
)
def test_spellings(text, code):
    assert parse_isrc(text) == code


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (None, "absent"),
        ("", "blank"),
        ("GBAYE060147", "eleven characters"),
        ("GBAYE06014777", "thirteen characters"),
        ("1BAYE0601477", "a digit where the prefix begins"),
        ("GBAYEO601477", "the letter O in the year"),
        ("GBAYE060147X", "a letter in the designation"),
        ("5099749534728", "a barcode"),
        ("GBAYÉ0601477", "a letter outside ASCII"),
        ("GBAYE06０1477", "a full-width digit"),
        ("unknown", "a word"),
        ("GBAYE0601477 GBAYE0601478", "two codes in one"),
    ],
)
def test_malformed(text, reason):
    assert parse_isrc(text) is None, reason


@pytest.mark.parametrize(
    "text",
    [
        "USRC17607839 / GBAYE6500521",
        "USRC17607839 GBAYE6500521",
        "USRC17607839\nGB-AYE-65-00521",
        "['USRC17607839'],[\"GBAYE6500521\"]",
        "ＵＳＲＣ１７６０７８３９ (GBAYE6500521)",
    ],
)
def test_several_codes_in_one_text(text):
    assert parse_isrcs([text]) == {"USRC17607839", "GBAYE6500521"}


@pytest.mark.parametrize("text", ["'USRC17607839", '="USRC17607839"', "\ufeffUSRC17607839", "US−RC1−76−07839"])
def test_codes_as_spreadsheets_and_editors_leave_them(text):
    assert parse_isrcs([text]) == {"USRC17607839"}


@pytest.mark.parametrize("text", ["XUSRC17607839", "USRC176078391", "no code at all", "USRC1 7607", "USRC17607839-01"])
def test_what_is_part_of_something_else_is_no_code(text):
    assert parse_isrcs([text]) == isrcs_in(text) == frozenset()


def test_words_of_a_title_are_no_code():
    assert isrcs_in("In the 12 34567") == frozenset()


@pytest.mark.parametrize(
    ("q", "m", "state"),
    [
        ((), (), IsrcState.ABSENT),
        ((), ("GBAYE0601477",), IsrcState.ABSENT),
        (("  ",), ("GBAYE0601477",), IsrcState.ABSENT),
        ((), ("rubbish",), IsrcState.ABSENT),
        (("rubbish",), ("rubbish",), IsrcState.MALFORMED),
        (("rubbish",), ("GBAYE0601477",), IsrcState.MALFORMED),
        (("GBAYE0601477",), ("gb-aye-06-01477",), IsrcState.EQUAL),
        (("GBAYE0601477", "USRC17607839"), ("US-RC1-76-07839", "rubbish"), IsrcState.EQUAL),
        (("GBAYE0601477,USRC17607839",), ("USRC17607839",), IsrcState.EQUAL),
        (("GBAYE0601477",), ("GBAYE0601478",), IsrcState.CONFLICTING),
    ],
)
def test_compare(q, m, state):
    assert compare_isrcs(q, m) is state
    assert compare_isrcs(m, q) is state


@given(CODES, SEPARATORS, st.booleans(), st.sampled_from(["", "ISRC ", "ISRC: ", "isrc-"]))
def test_every_spelling_of_a_code_gives_the_code(code, separator, lower, word):
    parts = separator.join((code[:2], code[2:5], code[5:7], code[7:]))
    assert parse_isrc(word + (parts.lower() if lower else parts)) == code


@given(st.text())
def test_the_canonical_form_is_stable(text):
    code = parse_isrc(text)
    assert code is None or (len(code) == 12 and parse_isrc(code) == code)


@given(st.lists(CODES | st.text(max_size=12), max_size=4), st.lists(CODES | st.text(max_size=12), max_size=4))
def test_comparison_is_symmetric_and_equal_only_with_a_common_code(q, m):
    state = compare_isrcs(q, m)
    assert state is compare_isrcs(m, q)
    assert (state is IsrcState.EQUAL) == bool(parse_isrcs(q) & parse_isrcs(m))
