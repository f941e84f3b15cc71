"""Version markers in titles, and ordinary words that only look like them."""

import pytest
from ftfy.badness import is_bad
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from catalog.normalize import normalize
from catalog.numbers import PART, VOLUME, number_of
from catalog.version_words import BARE_END, NOTES, TRIGGER
from catalog.versions import (
    SAME_MASTER,
    Marker,
    MarkerType,
    Place,
    cut_title,
    find_markers,
    may_hold_markers,
    parse_markers,
)

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
        ("Yesterday / Live", {T.LIVE}),
        ("Yesterday | Live at Wembley", {T.LIVE}),
        ("Yesterday: Acoustic Version", {T.ACOUSTIC}),
        ("Yesterday *Live*", {T.LIVE}),
        ("Yesterday—Live", {T.LIVE}),
        ("Yesterday ~ Live ~", {T.LIVE}),
        ("Volver (Directo)", {T.LIVE}),
        ("أغنية (لايف)", {T.LIVE}),
        ("Song (Ремикс DJ Smash)", {T.REMIX}),
        ("Song (8D Audio)", {T.REMIX}),
        ("Song (Official Audio)", {T.VIDEO}),
        ("Song (Versão em Português)", {T.LANGUAGE}),
        ("Song (En Español)", {T.LANGUAGE}),
        ("Song (Edición Radio)", {T.RADIO_EDIT}),
        ("Song (Nueva Versión)", {T.RE_RECORDING}),
        ("Song (Enstrümantal)", {T.INSTRUMENTAL}),
        ("Song (MR)", {T.INSTRUMENTAL}),
        ("Song (минусовка)", {T.INSTRUMENTAL}),
        ("Song (Stripped)", {T.ACOUSTIC}),
        ("Song (con Mariachi)", {T.ALTERNATE}),
        ("Song (mit Orchester)", {T.ORCHESTRAL}),
        ("Song (Slow Version)", {T.SLOWED}),
        ("Song (Chopped & Screwed)", {T.SLOWED}),
        ("Song [Mixed]", {T.EDIT}),
        ("Song (Versión corta)", {T.CUT}),
        ("Song (Versión larga)", {T.EXTENDED}),
        ("Song (2019 Version)", {T.ALTERNATE}),
        ("Song (Salsa Version)", {T.ALTERNATE}),
        ("2. Kapitel", {T.PART}),
        ("La légende, 2e partie", {T.PART}),
        ("Cap. 4", {T.PART}),
        ("제3부", {T.PART}),
        ("Blue Monday (Club 69 Mix)", {T.REMIX}),
        ("Ignition - Remix", {T.REMIX}),
        ("Angel (Acoustic Remix)", {T.ACOUSTIC, T.REMIX}),
        ("Shave It (Original Mix)", {T.ORIGINAL_MIX}),
        ("Freed From Desire (Radio Mix)", {T.RADIO_EDIT}),
        ("Yesterday (Radio Edit)", {T.RADIO_EDIT}),
        ("Embargo! (Club Edit)", {T.EDIT}),
        ("I Surrender (Single Edit)", {T.EDIT}),
        ("I Surrender (Single Version)", {T.SINGLE_VERSION}),
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
        ("Greatest Hits Volume One", {T.VOLUME}),
        ("Yesterday (Piano Version)", {T.PIANO}),
        ("Yesterday (Orchestral Version)", {T.ORCHESTRAL}),
        ("Yesterday (A Cappella)", {T.A_CAPPELLA}),
        ("Yesterday (Acapella Version)", {T.A_CAPPELLA}),
        ("Yesterday (Dub)", {T.DUB}),
        ("Yesterday (Dub Mix)", {T.DUB, T.REMIX}),
        ("Yesterday (Club Mix)", {T.REMIX}),
        ("Yesterday (Remixed by Bob)", {T.REMIX}),
        ("Yesterday (BBC Session)", {T.LIVE}),
        ("Yesterday (Peel Sessions)", {T.LIVE}),
        ("Yesterday - Recorded Live at Wembley", {T.LIVE}),
        ("Yesterday (Live Paris 1999)", {T.LIVE}),
        ("紅蓮華 (TV Size)", {T.TV}),
        ("Action Theme 30s", {T.CUT}),
        ("Action Theme - 60 sec", {T.CUT}),
        ("Action Theme (0:30 Cut)", {T.CUT}),
        ("Action Theme (Stinger)", {T.CUT}),
        ("Action Theme (Full Mix)", {T.ORIGINAL_MIX}),
        ("Action Theme (No Drums)", {T.STEM}),
        ("Action Theme No Melody", {T.STEM}),
        ("Action Theme (Drums Only)", {T.STEM}),
        ("Action Theme (Underscore)", {T.STEM}),
        ("Action Theme (Alternative Mix)", {T.ALTERNATE}),
        ("Yesterday (Take 2)", {T.ALTERNATE}),
        ("Yesterday (Bonus Track)", {T.BONUS_TRACK}),
        ("Yesterday (Deluxe Edition)", {T.BONUS_TRACK}),
        ("Yesterday (Official Video)", {T.VIDEO}),
        ("Yesterday [Official Audio]", {T.VIDEO}),
        ("Chapter 12", {T.PART}),
        ("第三章", {T.PART}),
        ("Nocturnes, Vol. 2", {T.VOLUME}),
        ("Ignition Remix", {T.REMIX}),
        ("Yesterday Live at Wembley", {T.LIVE}),
        ("Yesterday Radio Edit feat. Bob", {T.RADIO_EDIT}),
        ("曲 -Live ver.-", {T.LIVE}),
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
        "People Who Live at Home",
        "Best of the 60s",
        "Piano Man",
        "Song (Piano Man)",
        "String Theory",
        "No Strings Attached",
        "Underscore",
        "Video Killed the Radio Star",
        "Take Five",
        "The Kill - 30 Seconds to Mars",
        "Gone in 60 Seconds",
        "Чайковский - Концерт № 1",
        "Чайковский - Концерт №1",
        "Song (We're Screwed)",
        "Song (Stripped of My Pride)",
        "Danse macabre - London Symphony Orchestra",
        "Mission: Impossible",
        "Sun / Moon",
        "Loop de Loop",
        "Short Skirt",
        "Dublin (Dubliners)",
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


@pytest.mark.parametrize(
    ("title", "detail"),
    [
        ("Yesterday (Live)", ""),
        ("Yesterday (Live at the Wembley Stadium)", "wembley stadium"),
        ("Yesterday (BBC Session)", "bbc"),
        ("Yesterday (David Guetta Remix)", "david guetta"),
        ("Yesterday (Remixed by David Guetta)", "david guetta"),
        ("Yesterday - Remastered 2009", "2009"),
        ("Yesterday, Pt. II", "2"),
        ("Yesterday (Part Three)", "3"),
        ("Yesterday, Vol. 04", "4"),
        ("第十二章", "12"),
        ("Action Theme 30s", "30"),
        ("Action Theme (1:30)", "90"),
        ("Action Theme (No Drums)", "no drums"),
    ],
)
def test_detail(title, detail):
    assert [marker.detail for marker in parse_markers(title)] == [detail]


def test_sides_of_a_note_have_their_own_details():
    live, remaster = parse_markers("Yesterday - Live at Budokan / 1966 Remaster")
    assert (live.type, live.detail) == (T.LIVE, "budokan")
    assert (remaster.type, remaster.detail) == (T.REMASTER, "1966")


@pytest.mark.parametrize(
    ("numeral", "number"),
    [
        ("02", "2"),
        ("II", "2"),
        ("iv", "4"),
        ("XIV", "14"),
        ("Nine", "9"),
        ("三", "3"),
        ("十", "10"),
        ("二十一", "21"),
        ("foo", ""),
    ],
)
def test_number_of(numeral, number):
    assert number_of(numeral) == number


def test_what_makes_another_master():
    assert {T.REMASTER, T.ALBUM_VERSION, T.ORIGINAL_MIX, T.EXPLICIT, T.STEREO, T.BONUS_TRACK} <= SAME_MASTER
    assert not SAME_MASTER & {T.LIVE, T.REMIX, T.EDIT, T.RADIO_EDIT, T.CLEAN, T.MONO, T.CUT, T.STEM, T.PART, T.VOLUME}


def test_pieces_of_a_title():
    assert cut_title(" (A) B [C (D] E - F （G） H") == [
        (Place.BRACKETED, "A"),
        (Place.OUTSIDE, "B"),
        (Place.BRACKETED, "C"),
        (Place.BRACKETED, "D"),
        (Place.BRACKETED, "E - F"),
        (Place.BRACKETED, "G"),
        (Place.BRACKETED, "H"),
    ]
    assert cut_title("A - B (C) D") == [
        (Place.OUTSIDE, "A"),
        (Place.DASHED, "B"),
        (Place.BRACKETED, "C"),
        (Place.DASHED, "D"),
    ]
    assert cut_title("A ~B~") == [(Place.OUTSIDE, "A"), (Place.DASHED, "B")]
    assert cut_title(" ( ) - ") == []


@pytest.mark.parametrize("kind", NOTES)
def test_the_quick_look_at_a_note_hides_no_marker(kind):
    @settings(max_examples=60, suppress_health_check=list(HealthCheck), deadline=None)
    @given(st.from_regex(NOTES[kind]))
    def holds(text):
        if NOTES[kind].search(text):
            assert TRIGGER.search(text), text

    holds()


@settings(deadline=None, suppress_health_check=list(HealthCheck))
@given(st.one_of(st.from_regex(BARE_END), st.from_regex(PART), st.from_regex(VOLUME)).filter(str.strip))
def test_the_quick_look_at_a_title_hides_no_marker(title):
    title = title.strip()
    assume(not is_bad(title))  # what looks like mojibake reads otherwise once it is repaired
    if find_markers(title, cut_title(title)):
        assert may_hold_markers(title, normalize(title))
