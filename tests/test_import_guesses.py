"""Imports of tables whose columns have other names: what is guessed, what is asked, and what stays as it was."""

import csv
import os
import re
import shlex
import subprocess
import sys
import tracemalloc
from itertools import pairwise
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.artefacts import one_at_a_time
from catalog.columns import NAMES, REQUIRED, feed_from
from catalog.errors import CatalogError
from catalog.importers import carry_out, import_catalog
from catalog.plans import describe, plan_import
from catalog.store import Catalog
from catalog.usual_names import _LINES, USUAL, meaning
from catalog.writer import write_catalog
from onemaster import main

MUSIC20 = Path(os.environ.get("ONEMASTER_MUSIC20", "absent"))
WORDS = ["Amber", "Birch", "Cedar", "Dune", "Ember", "Fjord", "Grove", "Heath", "Inlet", "Jetty", "Knoll", "Lagoon"]
VALUES = {
    "sr_id": lambda n: f"r{n:05}x",
    "title": lambda n: f"{WORDS[n % 12]} {WORDS[n // 12 % 12]}",
    "artists": lambda n: f"The {WORDS[n % 5]}s",
    "isrcs": lambda n: f"DEA6220{n:05}",
    "contributors": lambda n: f"{WORDS[n % 7]} Smith",
    "album": lambda n: f"{WORDS[n % 4]} Songs",
    "duration": lambda n: f"{2 + n % 4}:{n % 60:02}",
    "duration_ms": lambda n: str(150_000 + 1_000 * n),
    "release_year": lambda n: f"{1960 + n % 50}-03-01",
    "year": lambda n: str(1960 + n % 50),
    "label": lambda n: f"{WORDS[n % 3]} Records",
    "language": lambda _: "en",
    "anything": lambda n: f"note {n % 3}",
    "numbers": lambda n: str(n * n),
    "years": lambda n: str(1960 + n % 7),
    "few years": lambda n: str(2024 + n % 2),
    "track": lambda n: str(1 + n % 12),
    "price": lambda n: f"{n % 3}.99",
    "popularity": lambda n: str(n * 7 % 101),
    "catalogue number": lambda n: str(1900 + n * 37 % 200),
    "ids like years": lambda n: str(1931 + n * 7 % 41),
    "tempo": lambda n: f"{60 + n}",
    "rows": lambda n: str(n + 1),
    "empty": lambda _: "",
}


@pytest.fixture
def table(tmp_path):
    """Write a CSV file out of names of columns and what they hold."""

    def write(columns, rows=40):
        path = tmp_path / "delivered.csv"
        with path.open("w", encoding="utf-8", newline="") as stream:
            writer = csv.writer(stream)
            writer.writerow(columns)
            writer.writerows([VALUES[kind](n) for kind in columns.values()] for n in range(rows))
        return path

    return write


def used(path, *requests):
    (delivery,) = plan_import([path], requests, guess=True)
    return delivery.used


def test_usual_names_are_recognised(table):
    path = table(
        {
            "Recording ID": "sr_id", "Song_Name": "title", "artist_name": "artists", "isrc_code": "isrcs",
            "Composers": "contributors", "albumTitle": "album", "LENGTH": "duration", "release-date": "release_year",
            "Record Label": "label", "lang": "language", "comment": "anything",
        }
    )  # fmt: skip
    (delivery,) = plan_import([path], guess=True)
    assert delivery.used == {
        "sr_id": "Recording ID", "title": "Song_Name", "artists": "artist_name", "isrcs": "isrc_code",
        "contributors": "Composers", "album": "albumTitle", "duration_ms": "LENGTH", "release_year": "release-date",
        "label": "Record Label", "language": "lang",
    }  # fmt: skip
    assert delivery.guessed
    assert delivery.unused == ["comment"]


def test_what_is_guessed_is_imported_as_if_it_had_been_typed(table, tmp_path):
    path = table({"id": "sr_id", "track_title": "title", "runtime": "duration", "release_date": "release_year"})
    (delivery,) = plan_import([path], guess=True)
    guessed, typed = tmp_path / "guessed.db", tmp_path / "typed.db"
    carry_out([delivery], guessed)
    words = shlex.split(describe(delivery)[-1])
    requests = [after for word, after in pairwise(words) if word == "--column"]
    assert requests == ["sr_id=id", "title=track_title", "duration=runtime", "release_year=release_date"]
    import_catalog([path], typed, requests)
    with Catalog.open(guessed, tmp_path) as one, Catalog.open(typed, tmp_path) as other:
        assert list(one) == list(other)
        assert one.get("r00001x").duration_ms == 181_000
        assert one.get("r00001x").release_year == 1961


def test_every_guess_is_shown_with_its_reason_an_example_and_what_to_type(table):
    (delivery,) = plan_import([table({"ref": "sr_id", "title": "title", "Track ISRC": "isrcs"})], guess=True)
    lines = describe(delivery)
    assert re.fullmatch(r" +sr_id +ref +guessed: sr_id \(40 rows, and as many different codes; 'r00000x'\)", lines[1])
    assert re.fullmatch(r" +title +title +its name", lines[2])
    assert re.fullmatch(r" +isrcs +Track ISRC +guessed: isrcs \(its name is usual for it; 'DEA622000000'\)", lines[3])
    assert lines[4].endswith("--column sr_id=ref --column 'isrcs=Track ISRC'")


@pytest.mark.parametrize(
    ("columns", "found"),
    [
        ({"sr_id": "sr_id", "title": "title", "length": "duration", "artist": "artists"}, ("sr_id", "title")),
        ({"sr_id": "sr_id", "title": "title", "x": "isrcs", "y": "duration"}, ("sr_id", "title")),
        ({"SR_ID": "sr_id", " Title ": "title", "year": "year", "song": "title"}, ("sr_id", "title", "release_year")),
    ],
)
def test_a_file_that_has_what_is_needed_is_read_as_it_always_was_and_the_rest_is_told(table, columns, found):
    path = table(columns)
    (plain,), (delivery,) = plan_import([path]), plan_import([path], guess=True)
    assert delivery.feeds == plain.feeds
    assert tuple(delivery.used) == found
    assert not delivery.guessed
    for guess in delivery.guesses.found:
        (line,) = [line for line in describe(delivery) if line.endswith(guess.typed)]
        assert f"{guess.column} is not used" in line


def test_who_has_said_all_that_is_needed_is_taken_at_their_word(table):
    path = table({"number": "sr_id", "name": "title", "artist": "artists", "length": "duration"})
    assert used(path, "sr_id=number", "title=name") == {"sr_id": "number", "title": "name"}


def test_what_is_said_goes_before_what_would_be_guessed(table):
    path = table({"id": "sr_id", "track_title": "title", "headline": "title", "isrc": "isrcs", "code": "isrcs"})
    assert used(path, "title=headline", "isrcs=code") == {"sr_id": "id", "title": "headline", "isrcs": "code"}
    assert used(path, "title=headline", "album=isrc")["album"] == "isrc"


@pytest.mark.parametrize(
    ("columns", "field", "column"),
    [
        ({"a": "sr_id", "song": "title"}, "sr_id", "a"),
        ({"id": "sr_id", "song": "title", "b": "isrcs"}, "isrcs", "b"),
        ({"id": "sr_id", "song": "title", "c": "duration"}, "duration_ms", "c"),
        ({"id": "sr_id", "song": "title", "Pub. Year": "years"}, "release_year", "Pub. Year"),
        ({"id": "sr_id", "song": "title", "Len": "duration"}, "duration_ms", "Len"),
        ({"id": "sr_id", "song": "title", "Dur.": "duration"}, "duration_ms", "Dur."),
        ({"id": "sr_id", "song": "title", "P-Year": "year"}, "release_year", "P-Year"),
        ({"id": "sr_id", "song": "title", "(P) Year": "year"}, "release_year", "(P) Year"),
        ({"id": "sr_id", "song": "title", "Rel. Year": "year"}, "release_year", "Rel. Year"),
    ],
)
def test_values_tell_where_the_name_says_nothing(table, columns, field, column):
    path = table(columns)
    assert used(path)[field] == column


@pytest.mark.parametrize(
    "kind",
    [
        *("numbers", "year", "years", "track", "price", "popularity", "catalogue number", "tempo", "rows"),
        *("duration_ms", "anything", "language", "empty"),
    ],
)
def test_values_that_could_be_anything_are_not_guessed(table, kind):
    assert used(table({"id": "sr_id", "song": "title", "b": kind})) == {"sr_id": "id", "title": "song"}


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        *(("Birth Year", "years"), ("year added", "years"), ("chart year", "years"), ("Year No.", "catalogue number")),
        *(("Fiscal Year", "few years"), ("Yearly", "ids like years"), ("Plays a Year", "popularity")),
    ],
)
def test_what_is_called_a_year_and_is_something_else_is_not_guessed(table, name, kind):
    assert "release_year" not in used(table({"id": "sr_id", "song": "title", name: kind}))


def test_two_columns_of_years_are_left_out_and_told(table):
    path = table({"id": "sr_id", "song": "title", "Pub. Year": "years", "Mix Year": "years"})
    (delivery,) = plan_import([path], guess=True)
    assert "release_year" not in delivery.used
    (line,) = [line for line in describe(delivery) if "release_year is left out" in line]
    assert "'Pub. Year' and 'Mix Year' fit it equally well" in line


def test_what_stands_for_missing_does_not_hide_what_a_column_is(tmp_path):
    path = tmp_path / "f.csv"
    cells = ["-,-" if n % 12 == 7 else f"4:{n:02},{1970 + n % 5}" for n in range(40)]
    path.write_text("id,song,a,Mastering Year\n" + "".join(f"r{n}x,Song {n},{each}\n" for n, each in enumerate(cells)))
    assert used(path) == {"sr_id": "id", "title": "song", "duration_ms": "a", "release_year": "Mastering Year"}


@pytest.mark.parametrize("needed", [("id", "song"), ("sr_id", "title")])
def test_a_dry_run_lists_what_is_not_used(table, tmp_path, capsys, needed):
    path = table({needed[0]: "sr_id", needed[1]: "title", "Shelf": "label", "artist": "artists", "Mood": "anything"})
    assert main(["import", str(path), "--data", str(tmp_path / "work"), "--dry-run"]) == 0
    told = " not used: Shelf, Mood (--column OURS=THEIRS has one used)"
    assert told in capsys.readouterr().out


def test_few_values_tell_nothing(table):
    assert "isrcs" not in used(table({"id": "sr_id", "song": "title", "b": "isrcs"}, rows=9))
    assert "isrcs" in used(table({"id": "sr_id", "song": "title", "b": "isrcs"}, rows=10))


@pytest.mark.parametrize("name", ["at", "time", "Start Time", "length", "runtime"])
@pytest.mark.parametrize("seconds", ["", ":00"])
def test_times_of_the_day_are_no_durations(tmp_path, name, seconds):
    path = tmp_path / "times.csv"
    times = [f"{8 + n % 12:02}:{n:02}{seconds}" for n in range(40)]
    path.write_text(f"id,song,{name}\n" + "".join(f"r{n}x,Song {WORDS[n % 12]},{at}\n" for n, at in enumerate(times)))
    assert "duration_ms" not in used(path)


def test_times_of_a_night_are_no_durations_and_its_date_is_no_year_of_release(tmp_path):
    path = tmp_path / "played.csv"
    rows = [f"r{n}x,Song {WORDS[n % 12]},2026-11-{n % 3 + 1:02},{n % 5:02}:{n:02}\n" for n in range(40)]
    path.write_text("id,song,date,time\n" + "".join(rows))
    assert used(path) == {"sr_id": "id", "title": "song"}


def test_a_length_that_is_too_long_for_one_is_told_and_taken_if_it_is_said(tmp_path):
    path = tmp_path / "books.csv"
    path.write_text("id,song,length\n" + "".join(f"r{n}x,Song {WORDS[n % 12]},1:{n:02}:00\n" for n in range(40)))
    (delivery,) = plan_import([path], guess=True)
    assert any("length is not taken for duration: most recordings are shorter" in line for line in describe(delivery))
    assert used(path, "duration=length")["duration_ms"] == "length"
    path.write_text(path.read_text().replace("length", "duration"))
    assert used(path)["duration_ms"] == "duration"


def test_a_name_that_the_values_contradict_is_not_taken_and_that_is_told(table):
    path = table({"recording_id": "label", "id": "sr_id", "track": "numbers", "name": "title", "length": "title"})
    (delivery,) = plan_import([path], guess=True)
    assert delivery.used == {"sr_id": "id", "title": "name"}
    assert any("recording_id is not taken for sr_id: its values repeat" in line for line in describe(delivery))
    assert any("length is not taken for duration: most of its" in line for line in describe(delivery))


def test_of_two_usual_names_the_one_that_can_mean_nothing_else_is_taken(table):
    path = table({"id": "numbers", "track_id": "sr_id", "name": "artists", "song_title": "title", "ReleasedOn": "year"})
    assert used(path) == {"sr_id": "track_id", "title": "song_title", "release_year": "ReleasedOn"}


def test_an_empty_column_does_not_stand_in_the_way_of_a_full_one(table):
    path = table({"id": "sr_id", "song": "title", "artist": "empty", "artist_name": "artists", "isrc": "empty"})
    assert used(path) == {"sr_id": "id", "title": "song", "artists": "artist_name", "isrcs": "isrc"}


def test_two_that_fit_equally_well_are_left_out_and_told(table):
    path = table(
        {"id": "sr_id", "song": "title", "artist": "artists", "Artist Name": "artists", "x": "isrcs", "y": "isrcs"}
    )
    (delivery,) = plan_import([path], guess=True)
    assert delivery.used == {"sr_id": "id", "title": "song"}
    text = "\n".join(describe(delivery))
    assert "artists is left out, 'artist' and 'Artist Name' fit it equally well: --column artists=artist or " in text
    assert "--column 'artists=Artist Name' or --column 'artists=artist+Artist Name'" in text
    assert "isrcs is left out, 'x' and 'y' fit it equally well" in text


@pytest.mark.parametrize("guess", [True, False])
@pytest.mark.parametrize(
    ("columns", "messages"),
    [
        (
            {"id": "sr_id", "song": "title", "track_name": "title", "song_title": "title"},
            ("no title among: 'id', 'song', 'track_name', 'song_title'",
             "'track_name' and 'song_title' fit title equally well: type --column title=track_name or --column"),
        ),
        (
            {"id": "sr_id", "foo": "title", "bar": "language"},
            ("the likeliest is 'foo' (40 different values in 40 rows): type --column title=foo if it is",),
        ),
        ({"id": "sr_id", "n": "numbers"}, ("name the column that holds it, for example --column title=NAME",)),
        (
            {"song": "title", "artist": "artists"},
            ("add one that keeps them from export to export", "name the column that holds it"),
        ),
        ({"": "rows", "song": "title"}, ("(the numbers of the rows do not",)),
        ({"id": "label", "song": "title"}, ("'id' is not taken: its values repeat",)),
        ({"song": "title", "quadrat": "numbers"}, ("the likeliest is 'quadrat'",)),
        ({"song": "title", "isrc": "isrcs"}, ("found no sr_id",)),
    ],
)  # fmt: skip
def test_a_needed_column_that_is_not_found_stops_with_what_comes_nearest(table, tmp_path, columns, messages, guess):
    with pytest.raises(CatalogError) as refused:
        plan_import([table(columns)], guess=guess)
    for message in messages:
        assert message in str(refused.value)
    assert "--column sr_id=isrc" not in str(refused.value)


def test_without_guessing_the_error_says_what_would_have_been_guessed(table):
    with pytest.raises(
        CatalogError, match=r"found no sr_id and no title .* type --column sr_id=id .* --column title=song"
    ):
        plan_import([table({"id": "sr_id", "song": "title"})])


def test_parquet_with_lists_numbers_and_structures(tmp_path):
    path = tmp_path / "p.parquet"
    structures = pa.array([{"x": n} for n in range(20)])
    columns = {
        "track_id": list(range(100, 120)),
        "song": [f"A {word}" for word in WORDS[:10]] * 2,
        "artist": [["A", "B"]] * 20,
    }
    pq.write_table(pa.table({**columns, "composer": structures, "isrc": [["DEA622000001"]] * 20}), path)
    with pytest.raises(CatalogError, match=r"column composer of .*struct"):
        carry_out(plan_import([path], guess=True), tmp_path / "c.db")
    assert used(path, "contributors=artist") == {
        "sr_id": "track_id", "title": "song", "isrcs": "isrc", "contributors": "artist",
    }  # fmt: skip


@pytest.mark.parametrize("names", [("id", "song"), ("sr_id", "title")])
def test_parquet_with_a_name_that_stands_twice(tmp_path, names):
    columns = [["r1x", "r2x"], ["Amber", "Birch"], ["a", "b"], ["c", "d"]]
    path = tmp_path / "p.parquet"
    pq.write_table(pa.Table.from_arrays([*map(pa.array, columns)], names=[*names, "x", "x"]), path)
    assert used(path) == dict(zip(("sr_id", "title"), names, strict=True))
    assert carry_out(plan_import([path], guess=True), tmp_path / "c.db").records == 2
    with pytest.raises(CatalogError, match="expected one column x, found it twice"):
        plan_import([path], ["album=x"], guess=True)


def test_long_cells_and_many_columns_are_looked_at_in_little_memory(tmp_path):
    path = tmp_path / "wide.csv"
    with path.open("w") as stream:
        stream.write("id,song," + ",".join(f"c{n}" for n in range(20)) + "\n")
        for number in range(50):
            stream.write(f"r{number}x,Amber {number}," + ",".join(["x" * 20_000] * 20) + "\n")
    tracemalloc.start()
    assert used(path) == {"sr_id": "id", "title": "song"}
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 8 << 20  # the file has 20 MB


def test_names_that_cannot_be_printed_are_quoted(tmp_path):
    path = tmp_path / "f.csv"
    path.write_text("id,\x1bsong,\x07isrc,isrc,length\n1,Amber,,,\n")
    text = "\n".join(describe(plan_import([path], guess=True)[0]))
    assert "\x1b" not in text
    assert "\x07" not in text
    assert r"--column $'title=\x1bsong'" in text
    assert r"--column $'isrcs=\x07isrc' or --column isrcs=isrc" in text


def test_each_of_several_files_is_guessed_by_itself(table, tmp_path):
    other = tmp_path / "other.csv"
    other.write_text("sr_id,title,length\n7,Seven,3:33\n")
    first, second = plan_import([table({"id": "sr_id", "song": "title"}), other], guess=True)
    assert (first.guessed, second.guessed) == (True, False)
    report = carry_out([first, second], tmp_path / "c.db")
    assert (report.records, report.rejected) == (41, 0)


def test_no_name_stands_for_two_fields_and_every_one_is_found_again():
    listed = [name for _, names in _LINES for name in names.split()]
    assert len(listed) == len(set(listed))
    for ours, names in _LINES:
        assert ours in NAMES
        for name in names.split():
            assert meaning(f" {name.upper()[:3]}_{name[3:]} ").ours == ours
    assert all(meaning(name).ours == name for name in NAMES)
    assert len(USUAL) == len(listed) + len(NAMES)


CELLS = st.sampled_from(["", "None", "DEA622000001", "3:45", "1999", "x1", "y2", "Song", "é", "1.5", "\u202e", "|"])


@settings(max_examples=60, deadline=None)
@given(
    names=st.lists(
        st.sampled_from([*USUAL, "a", "b", "", "sr_id", "title"]) | st.text("ab =|'é", max_size=5), max_size=5
    ),
    rows=st.lists(st.lists(CELLS, min_size=5, max_size=5), min_size=1, max_size=12),
)
def test_any_table_is_planned_or_refused(tmp_path_factory, names, rows):
    path = tmp_path_factory.mktemp("any") / "f.csv"
    with path.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows([names or ["x"], *(row[: max(len(names), 1)] for row in rows)])
    try:
        (delivery,) = plan_import([path], guess=True)
    except CatalogError:
        with pytest.raises(CatalogError):
            plan_import([path])
        return
    if delivery.guessed:
        with pytest.raises(CatalogError):
            plan_import([path])
    else:
        assert delivery.feeds == plan_import([path])[0].feeds
    assert set(REQUIRED) <= set(delivery.used)
    assert len({feed.position for feed in delivery.feeds}) == len(delivery.feeds)
    guessed = {feed_from(guess.ours, 0, [""]).field for guess in delivery.guesses.found}
    assert guessed.isdisjoint(delivery.guesses.doubts)
    assert describe(delivery)


def test_the_command_shows_what_it_guessed_and_imports(table, tmp_path, capsys):
    path = table({"id": "sr_id", "song": "title"})
    assert main(["import", str(path), "--data", str(tmp_path / "work"), "--dry-run"]) == 0
    shown = capsys.readouterr().out
    assert "--column sr_id=id --column title=song" in shown
    assert "dry run: nothing was written" in shown
    assert not (tmp_path / "work").exists()
    assert main(["import", str(path), "--data", str(tmp_path / "work")]) == 0
    assert capsys.readouterr().out == shown.replace(
        "dry run: nothing was written", f"wrote 40 recordings to {tmp_path / 'work' / 'catalog.db'}"
    )
    assert [path.name for path in (tmp_path / "work").iterdir()] == ["catalog.db"]


def test_what_an_import_replaces_is_said_before_it_is_written(table, tmp_path, capsys):
    work, path = tmp_path / "work", table({"sr_id": "sr_id", "title": "title"}, rows=1_500)
    told = f"a catalogue of 1,500 recordings in {work / 'catalog.db'}\n"
    assert main(["import", str(path), "--data", str(work)]) == 0
    assert capsys.readouterr().out == f"wrote 1500 recordings to {work / 'catalog.db'}\n"
    path = table({"sr_id": "sr_id", "title": "title"}, rows=8)
    assert main(["import", str(path), "--data", str(work), "--dry-run"]) == 0
    assert f"would replace {told}dry run: nothing was written\n" in capsys.readouterr().out
    assert main(["import", str(path), "--data", str(work)]) == 0
    assert capsys.readouterr().out == f"replaces {told}wrote 8 recordings to {work / 'catalog.db'}\n"
    (work / "catalog.db").write_text("no database")
    assert main(["import", str(path), "--data", str(work)]) == 0
    assert capsys.readouterr().out.startswith(f"replaces {work / 'catalog.db'}, which is no catalogue\n")


def test_the_command_is_silent_about_columns_where_there_is_nothing_to_tell(table, tmp_path, capsys):
    path = table({"sr_id": "sr_id", "title": "title", "note": "anything"})
    assert main(["import", str(path), "--data", str(tmp_path / "work")]) == 0
    assert capsys.readouterr().out == f"wrote 40 recordings to {tmp_path / 'work' / 'catalog.db'}\n"


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        (
            "pairs.csv",
            "q_source_id,m_source_id,tag\n1,2,valid\n",
            "these are labelled pairs: train --groundtruth takes",
        ),
        ("absent.csv", None, "absent.csv, found none: check the path"),
        ("broken.json", '{"id": "1", "title"', "no usable row is left: no JSON object on the line"),
    ],
)
def test_what_is_no_catalogue_is_told_by_its_name(tmp_path, capsys, name, content, said):
    if content:
        (tmp_path / name).write_text(content)
    assert main(["import", str(tmp_path / name), "--data", str(tmp_path / "work")]) == 1
    assert re.search(said, capsys.readouterr().err)


def held(folder):
    with Catalog.open(folder / "catalog.db", folder) as catalog:
        return {each.sr_id: (each.title, each.artists, each.duration_ms, each.album) for each in catalog}


def test_an_addition_is_read_as_the_import_was(table, tmp_path, capsys):
    columns = {"id": "sr_id", "song": "title", "Act": "artists", "playtime": "duration", "album": "album"}
    path, work = table(columns), tmp_path / "work"
    assert main(["import", str(path), "--data", str(work), "--column", "artists=Act"]) == 0
    (new := tmp_path / "new.csv").write_text("song,playtime,Act,id\nAdded,2:05,Nobody,n1\n")
    assert main(["add", str(new), "--data", str(work)]) == 0
    assert held(work)["n1"] == ("Added", ("Nobody",), 125_000, None)
    (other := tmp_path / "other.csv").write_text("title,song,id\nMine,Theirs,n2\n")
    assert main(["add", str(other), "--data", str(work), "--column", "title=title"]) == 0
    assert held(work)["n2"][0] == "Mine"
    (foreign := tmp_path / "foreign.csv").write_text("key,song\nn3,Added\n")
    assert main(["add", str(foreign), "--data", str(work)]) == 1
    assert "type --column sr_id=key" in capsys.readouterr().err
    assert "n3" not in held(work)


def test_of_several_imported_files_the_nearest_says_how_an_addition_is_read(table, tmp_path):
    one = table({"sr_id": "sr_id", "song": "title", "album": "album"})
    (two := tmp_path / "two.csv").write_text("key,song,work,performer\nk1,Left,Right,Somebody\n")
    typed = ["--column", "sr_id=key", "--column", "title=work", "--column", "artists=performer"]
    assert main(["import", str(one), str(two), "--data", str(tmp_path / "work"), *typed]) == 0
    (new := tmp_path / "new.csv").write_text("key,song,work,performer\nk2,Left,Right,Somebody\n")
    assert main(["add", str(new), "--data", str(tmp_path / "work")]) == 0
    assert held(tmp_path / "work")["k2"][:2] == ("Right", ("Somebody",))


def test_what_an_addition_has_no_column_for_stays(table, tmp_path):
    path, work = table({"sr_id": "sr_id", "title": "title", "artists": "artists", "album": "album"}), tmp_path / "work"
    assert main(["import", str(path), "--data", str(work)]) == 0
    sr_id, (_, artists, _, album) = next(iter(held(work).items()))
    (new := tmp_path / "new.csv").write_text(f"sr_id,title,album\n{sr_id},Other,\nn1,New,Songs\n")
    assert main(["add", str(new), "--data", str(work)]) == 0
    assert album
    assert held(work)[sr_id] == ("Other", artists, None, None)
    assert held(work)["n1"] == ("New", (), None, "Songs")


def test_a_catalogue_that_does_not_know_its_columns_takes_additions_with_ours(tmp_path):
    write_catalog(tmp_path / "catalog.db", [{"sr_id": "1", "title": "One"}])
    (new := tmp_path / "new.csv").write_text("sr_id,title\n2,Two\n")
    assert main(["add", str(new), "--data", str(tmp_path)]) == 0
    assert set(held(tmp_path)) == {"1", "2"}


def test_an_import_waits_for_an_addition(tmp_path):
    (new := tmp_path / "new.csv").write_text("sr_id,title\n2,Two\n")
    work = tmp_path / "work"
    command = [sys.executable, "-m", "onemaster", "import", str(new), "--data", str(work)]
    (work / "index").mkdir(parents=True)
    with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True) as process:
        with one_at_a_time(work / "index"):
            assert any("waiting for another command" in line for line in process.stderr)
            assert not (work / "catalog.db").exists()
        assert process.wait(60) == 0
    assert set(held(work)) == {"2"}


@pytest.mark.skipif(not MUSIC20.is_dir(), reason="ONEMASTER_MUSIC20 names no folder of Music-20")
def test_a_real_catalogue_under_other_names(tmp_path):
    with (MUSIC20 / "catalog.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.reader(stream))
    names = ["RecordingId", "Song", "Artist", "ISRC Code", "Writers", "Release Title", "Length", "Release Date", "Lang"]
    path = tmp_path / "f.csv"
    with path.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows([names, *rows[1:]])
    (delivery,) = plan_import([path], guess=True)
    assert list(delivery.used.values()) == names
    assert carry_out([delivery], tmp_path / "c.db").records == 19_375
