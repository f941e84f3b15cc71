"""What titles are made of."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.normalize import normalize
from catalog.numbers import agreement_of
from catalog.titles import TitleParts, parse_title
from catalog.versions import MarkerType, parse_markers

TITLES = st.one_of(
    st.text(max_size=80),
    st.text(alphabet="Yesterday (Live)[feat. Bob] - 0123IVX（）～", max_size=60),
    st.lists(
        st.sampled_from(
            ["Love", "(Live)", " - ", "feat. Bob", "[Remix]", "Pt. 2", "012-", "(", ")", "II", "ライブ", "30s"]
        ),
        max_size=8,
    ).map(" ".join),
)


@pytest.mark.parametrize("title", [None, "", "   ", "\t\n"])
def test_no_title_has_no_parts(title):
    assert parse_title(title) is None


@pytest.mark.parametrize(
    ("title", "base"),
    [
        ("Yesterday", "yesterday"),
        ("Yesterday - 2011 Remaster", "yesterday"),
        ("Yesterday (Live at Wembley", "yesterday"),
        ("Yesterday Live at Wembley", "yesterday"),
        ("Yesterday Radio Edit ft. Bob", "yesterday"),
        ("Ignition Remix", "ignition"),
        ("012-Yesterday", "yesterday"),
        ("03. Yesterday", "yesterday"),
        ("1-05 Yesterday", "yesterday"),
        ("7 - Yesterday", "yesterday"),
        ("01 - Intro", "intro"),
        ("22 - Live", "22"),
        ("99 Luftballons", "99 luftballons"),
        ("1999 - Remastered 2010", "1999"),
        ("24-7", "24 7"),
        ("(I Can't Get No) Satisfaction", "i cant get no satisfaction"),
        ("Escape (The Piña Colada Song)", "escape"),
        ("(Intro)", "intro"),
        ("[Live]", "live"),
        ("(feat. Bob)", "feat bob"),
        ("((((", "(((("),
        ("Song（Live）", "song"),
        ("夜に駆ける -Live ver.-", "夜に駆ける"),
        ('Love Theme (From "The Godfather")', "love theme"),
        ("The Beatles - Yesterday", "the beatles yesterday"),
        ("Action Theme 30s", "action theme"),
        ("Action Theme - No Drums", "action theme"),
        ("Song (prod. by Bob)", "song"),
        ("I <3 U", "i 3 u"),
    ],
)
def test_base(title, base):
    assert parse_title(title).base == base


@pytest.mark.parametrize(
    ("title", "featured"),
    [
        ("Song (feat. Bob & Al)", ("Bob & Al",)),
        ("Song feat. Bob", ("Bob",)),
        ("Song ft Bob (Remix)", ("Bob",)),
        ("Song [with Bob Dylan]", ("Bob Dylan",)),
        ("曲（feat. 初音ミク）[Remix]", ("初音ミク",)),
        ("Song (Remix feat. Bob)", ("Bob",)),
        ("Song (ft. Ann) [feat. Bob]", ("Ann", "Bob")),
        ("Stay With Me", ()),
        ("Stay (With Me)", ()),
        ("Left Behind", ()),
        ("Six Ft Under", ()),
        ("20 ft High", ()),
        ("A Feat of Strength", ()),
        ("Defeat the Giant", ()),
    ],
)
def test_featured(title, featured):
    assert parse_title(title).featured == featured


@pytest.mark.parametrize(
    ("title", "numbers"),
    [
        ("Another Brick in the Wall, Pt. 2", {"2", "part 2"}),
        ("Another Brick in the Wall, Part II", {"2", "part 2"}),
        ("Another Brick in the Wall (Part Two)", {"2", "part 2"}),
        ("Rocky IV", {"4"}),
        ("Symphony No. 5 in C minor, Op. 67: I. Allegro", {"5", "67", "1", "no 5", "op 67", "key c minor"}),
        ("Track 01", {"1", "track 1"}),
        ("Interlude 02", {"2", "interlude 2"}),
        ("99 Luftballons", {"99"}),
        ("Song - 2011 Remaster", set()),
        ("Song (Mono 2009)", set()),
        ("Song (Live 1985)", {"1985"}),
        ("012-Song", set()),
        ("03. Song", set()),
        ("You and I", set()),
        ("Malcolm X", set()),
        ("R2D2", set()),
        ("The Mix", set()),
        ("The Part I Love", set()),
        ("No One Knows", set()),
        ("2-Part Invention No. 1", {"2", "1", "no 1"}),
        ("7. Minute by Minute", set()),
        ("As Major Tom Said", set()),
        ("Do Major Things", set()),
        ("Kapitel 2 - Teil 1", {"1", "2", "chapter 2", "part 1"}),
        ("2. Kapitel", {"2", "chapter 2"}),
        ("2e partie", {"2", "part 2"}),
        ("1ª parte", {"1", "part 1"}),
        ("Capítulo 3º", {"3", "chapter 3"}),
        ("3. Adagio", {"3"}),
        ("5. Sinfonie", {"5", "symphony 5"}),
        ("2nd Movement", {"2", "movement 2"}),
        ("제3부", {"3"}),
        ("第二楽章", {"2"}),
        ("HWV56", {"56", "hwv 56"}),
        ("BWV 1007", {"1007", "bwv 1007"}),
        ("Blink182", {"182"}),
        ("S01E05 Pilot", {"1", "5", "season 1", "episode 5"}),
        ("Prelude in C♯ Minor", {"key c sharp minor"}),
        ("Präludium cis-Moll", {"key c sharp minor"}),
        ("Étude en mi bémol majeur", {"key e flat major"}),
        ("Sonate B-Dur", {"key b flat major"}),
        ("Sonata in B Major", {"key b major"}),
    ],
)
def test_numbers(title, numbers):
    assert parse_title(title).numbers == numbers


@pytest.mark.parametrize(
    ("one", "other", "agreement"),
    [
        ("Kapitel 2", "2. Kapitel", 1.0),
        ("Symphony No. 5", "Symphony 5", 1.0),
        ("Prélude in C minor", "Präludium c-Moll", 1.0),
        ("Op. 9 No. 2", "No. 2", 0.5),
        ("Nocturne No. 2 in E-flat major", "Nocturne No. 2", 1.0),
        ("Nocturne No. 2 in E-flat major", "Nocturne No. 2 in E major", 0.0),
        ("Op. 9 No. 2", "Op. 2 No. 9", 0.0),
        ("Kapitel 1 - Teil 1", "Kapitel 2 - Teil 1", 0.0),
        ("S01E05", "S02E05", 0.0),
        ("Vol. 1", "Vol. 11", 0.0),
        ("Faust, Teil 2, Kapitel 1", "Faust, Kapitel 1, Teil 2", 1.0),
        ("Prélude in C minor", "Prélude", 0.5),
    ],
)
def test_numbers_are_compared_with_what_they_count(one, other, agreement):
    ours, theirs = parse_title(one).numbers, parse_title(other).numbers
    assert agreement_of(ours, theirs) == agreement_of(theirs, ours) == agreement


@pytest.mark.parametrize(
    "title",
    [
        "Time to Say Goodbye (Con te partirò)",
        "Song (With or Without You)",
        "Andante - Con moto",
        "Song - F.R.I.E.N.D.S",
    ],
)
def test_words_that_are_no_credit(title):
    assert parse_title(title).featured == ()


@pytest.mark.parametrize("name", ["La Roux", "Los Tigres del Norte", "Les Nubians", "The Roots"])
def test_who_has_an_article_in_front_is_credited(name):
    assert parse_title(f"Song (with {name})").featured == (name,)


@pytest.mark.parametrize(
    "title",
    ["Barber: Adagio for Strings", "Bartók: Concerto for Orchestra", "Bach: Air on the G String", "Prince: Kiss Edit",
     "Sun / Moon"],
)  # fmt: skip
def test_works_behind_a_colon_are_no_notes(title):
    assert parse_title(title).base == normalize(title)


def test_notes_in_entities_are_notes():
    assert parse_title("Song &#40;Live&#41;").base == "song"


def test_pieces_hold_artist_and_title_but_no_credits():
    parts = parse_title("03. The Beatles - Yesterday (Live) [feat. Bob]")
    assert parts.pieces == ("the beatles yesterday", "the beatles", "yesterday", "live")
    assert parts.full == "03 the beatles yesterday live feat bob"
    assert [marker.type for marker in parts.markers] == [MarkerType.LIVE]


@given(TITLES)
def test_parts_of_any_title_are_normalised(title):
    parts = parse_title(title)
    if parts is None:
        assert normalize(title) == ""
        return
    assert isinstance(parts, TitleParts)
    assert parts.full == normalize(title)
    assert parts.base
    assert parts.pieces[0] == parts.base
    assert all(piece and normalize(piece) == piece for piece in parts.pieces)
    assert len(set(parts.pieces)) == len(parts.pieces)
    assert all(name and name in title for name in parts.featured)
    counted = [number.rpartition(" ")[2] for number in parts.numbers if not number.startswith("key ")]
    assert all(number.isascii() and str(int(number)) == number for number in counted)
    assert set(counted) <= parts.numbers


@given(st.lists(st.sampled_from(["love", "stay", "moon", "river", "blue"]), min_size=1, max_size=4).map(" ".join))
def test_a_plain_title_is_its_own_base_with_any_note(plain):
    assert parse_title(plain) == TitleParts(plain, plain, (plain,), (), frozenset(), ())
    for noted in (f"{plain} (Live)", f"{plain} [feat. Bob]", f"{plain} - 2011 Remaster", f"05. {plain}"):
        assert parse_title(noted).base == plain


@given(TITLES)
def test_markers_are_those_of_the_title_behind_a_track_number(title):
    parts = parse_title(f"x{title}")
    assert parts.markers == parse_markers(f"x{title}")


@pytest.mark.parametrize(
    "unit",
    ["(", ")", " - ", " ", "a ", "ft. ", " -a", "live ", "(live) ", "part ", "1", "ii ", "live at ", "ス", "feat. a "],
)
def test_long_titles_take_bounded_time(unit):
    title = unit * (4_096 // len(unit))
    started = time.process_time()
    parse_title(title)
    assert time.process_time() - started < 2
