"""Version markers in titles, and ordinary words that only look like them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.versions import Marker, MarkerType, parse_markers

T = MarkerType


def kinds(title):
    return {marker.type for marker in parse_markers(title)}


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("Yesterday (Live)", {T.LIVE}),
        ("Yesterday - Live at the Hollywood Bowl / 1965", {T.LIVE}),
        ("Yesterday [MTV Unplugged Live]", {T.LIVE, T.ACOUSTIC}),
        ("Aqua Dementia (Live at Brixton", {T.LIVE}),
        ("Polly (1993-11-18: Sony Studios (Unplugged), New York)", {T.ACOUSTIC}),
        ("Corazón Partío (En Vivo)", {T.LIVE}),
        ("Corazón Partío - en directo", {T.LIVE}),
        ("Evidências (Ao Vivo)", {T.LIVE}),
        ("La vie en rose (live à l'Olympia)", {T.LIVE}),
        ("残酷な天使のテーゼ（ライブ）", {T.LIVE}),
        ("봄날 (라이브)", {T.LIVE}),
        ("Кукушка (акустика)", {T.ACOUSTIC}),
        ("Кукушка (концертная версия)", {T.LIVE}),
        ("Ｙｅｓｔｅｒｄａｙ（Ｌｉｖｅ）", {T.LIVE}),
        ("Blue Monday (Club 69 Mix)", {T.REMIX}),
        ("Ignition - Remix", {T.REMIX}),
        ("Angel (Acoustic Remix)", {T.ACOUSTIC, T.REMIX}),
        ("Shave It (Original Mix)", {T.ORIGINAL_MIX}),
        ("Freed From Desire (Radio Mix)", {T.RADIO_EDIT}),
        ("Yesterday (Radio Edit)", {T.RADIO_EDIT}),
        ("Embargo! (Club Edit)", {T.EDIT}),
        ("I Surrender (Single Edit)", {T.SINGLE_VERSION}),
        ('25 Years (12" Mix)', {T.EXTENDED, T.REMIX}),
        ("Maiden Voyage (Extended Mix)", {T.EXTENDED}),
        ("Yesterday - 2011 Remaster", {T.REMASTER}),
        ("Yesterday (Remastered 2009)", {T.REMASTER}),
        ("Layla (2011 Digital Remaster)", {T.REMASTER}),
        ("Layla (Re-Recorded / Remastered)", {T.RE_RECORDING, T.REMASTER}),
        ("Love Story (Taylor’s Version)", {T.RE_RECORDING}),
        ("Help! - Mono Version", {T.MONO}),
        ("Help! (Stereo 1965)", {T.STEREO}),
        ("Hello (Sped Up)", {T.SPED_UP}),
        ("Hello (Slowed + Reverb)", {T.SLOWED}),
        ("Retox (Clean Edit)", {T.CLEAN, T.EDIT}),
        ("Retox [Explicit]", {T.EXPLICIT}),
        ("Hello (Karaoke Version)", {T.KARAOKE}),
        ("Hello (Originally Performed by Adele) [Instrumental]", {T.COVER, T.INSTRUMENTAL}),
        ("HELLO （オリジナルカラオケ）", {T.KARAOKE}),
        ("Fetishism Ark (Off Vocal)", {T.INSTRUMENTAL}),
        ("Bury Me (demo)", {T.DEMO}),
        ("Ball And Chain (LP Version)", {T.ALBUM_VERSION}),
        ("Hallelujah (Cover)", {T.COVER}),
        ("The Company Way (Reprise)", {T.REPRISE}),
        ("Intro", {T.INTRO}),
        ("Interlude 2", {T.INTERLUDE}),
        ("FeSo - Outro", {T.OUTRO}),
        ("Abba Medley (Medley)", {T.MEDLEY}),
        ("Another Brick in the Wall, Pt. 2", {T.PART}),
        ("Of Glorious Remains pt. I - The Poisoned", {T.PART}),
        ("Johannes-Passion (Teil II)", {T.PART}),
        ("Greatest Hits Volume One", {T.PART}),
        ("Yesterday Acoustic Version", {T.ACOUSTIC}),
        ("Yesterday Live In Concert", {T.LIVE}),
    ],
)
def test_markers(title, expected):
    assert kinds(title) == expected


@pytest.mark.parametrize(
    "title",
    [
        None,
        "",
        "   ",
        "Live and Let Die",
        "Alive",
        "Live Forever",
        "Wings - Live and Let Die",
        "Skyfall (From Live and Let Die)",
        "Man of War (The Way We Live)",
        "Always (As Long As I Live)",
        "Remixed Emotions",
        "The Left Behind",
        "Left",
        "Demolition Man",
        "Coverdale",
        "Undercover of the Night",
        "Clean Up Woman",
        "Mono no Aware",
        "Introducing Myself",
        "Acoustically Yours",
        "Credit",
        "Mixtape",
        "The Part I Love",
        "Partition 2",
        "Spart 2",
        "Song (feat. Live)",
        "Song (with Remix Kings)",
        "Editor's Choice",
        "Originals",
        "Party - Slow Down",
        "((((",
        "))))",
        " - ",
    ],
)
def test_ordinary_words_are_no_markers(title):
    assert parse_markers(title) == ()


def test_the_note_is_kept_as_written():
    assert parse_markers("Yesterday (LIVE  at Budokan) - 2009 Remaster") == (
        Marker(T.REMASTER, "2009 Remaster"),
        Marker(T.LIVE, "LIVE  at Budokan"),
    )
    assert parse_markers("Shine On, Pt. 6") == (Marker(T.PART, "Pt. 6"),)


def test_different_parts_are_different_markers():
    assert parse_markers("Song, Part 1") != parse_markers("Song, Part 2")


def test_a_sentence_in_brackets_holds_no_note():
    assert parse_markers(f"Song ({'la ' * 100}live)") == ()


@given(st.text())
def test_any_text_gives_distinct_markers_out_of_it(title):
    markers = parse_markers(title)
    assert len(set(markers)) == len(markers)


@given(st.text(alphabet="Yesterday LiveRmixPt2()[]-–.", max_size=60))
def test_notes_are_substrings_of_the_title(title):
    assert all(marker.text in title for marker in parse_markers(title))


@given(st.text(alphabet="abc defg", max_size=20), st.sampled_from(["Live", "Remix", "Demo", "Karaoke", "Mono"]))
def test_brackets_and_dashes_say_the_same(base, word):
    assert kinds(f"x{base} ({word})") == kinds(f"x{base} [{word}]") == kinds(f"x{base} - {word}") != set()
