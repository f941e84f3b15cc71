"""Imports: every kind of file, every kind of dirt, and death in the middle."""

import csv
import os
import signal
import sqlite3
import subprocess
import sys
import time
import tracemalloc
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.columns import NAMES
from catalog.durations import parse_duration
from catalog.errors import CatalogError
from catalog.importers import import_catalog
from catalog.store import Catalog, write_catalog

ROOT = Path(__file__).parents[1]
LENGTH_AND_YEAR = {"duration_ms": "length", "release_year": "year"}
HEADER = "sr_id,title,artists\n"


@pytest.fixture
def target(tmp_path):
    return tmp_path / "work" / "catalog.db"


@pytest.fixture
def load(tmp_path, target):
    """Import texts or bytes as CSV files; give the report."""

    def run(*contents, **options):
        files = []
        for number, content in enumerate(contents):
            files.append(tmp_path / f"{number}.csv")
            files[-1].write_bytes(content if isinstance(content, bytes) else content.encode())
        return import_catalog(files, target, **options)

    return run


def recordings(target):
    with Catalog.open(target, target.parent / "copies") as catalog:
        return list(catalog)


def row(target, sr_id):
    with Catalog.open(target, target.parent / "copies") as catalog:
        return catalog.row(sr_id)


def rejected(report):
    with report.rejected_file.open(encoding="utf-8", newline="") as stream:
        return [
            (Path(found["file"]).name, int(found["line"]), found["reason"], found["row"])
            for found in csv.DictReader(stream)
        ]


def ids(target):
    return [recording.sr_id for recording in recordings(target)]


def test_values_are_stored_as_they_are_but_durations_and_years(load, target):
    report = load(
        "sr_id,title,artists,isrcs,contributors,album,duration,release_year,label,language\n"
        '123, Yesterday ,"Beatles, The|None",gb-aye-06-01477,None,Help!,2:05,\'65,Parlophone,en\n'
    )
    assert row(target, "123") == {
        "sr_id": "123", "title": " Yesterday ", "artists": "Beatles, The|None", "isrcs": "gb-aye-06-01477",
        "contributors": "None", "album": "Help!", "duration_ms": 125_000, "release_year": 1965, "label": "Parlophone",
        "language": "en",
    }  # fmt: skip
    assert (report.records, report.rejected, report.rejected_file, dict(report.reasons)) == (1, 0, None, {})
    assert report.target == target
    assert [child.name for child in target.parent.iterdir()] == ["catalog.db"]
    (recording,) = recordings(target)
    assert recording.artists == ("Beatles, The",)


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_delimiters_line_ends_and_byte_order_marks(load, target, delimiter, ending, encoding):
    lines = (("sr_id", "title", "artists"), ("1", "Où, là; ça", "A|B|C|D"), ("2", "日本", "E|F"))
    text = ending.join(delimiter.join(f'"{cell}"' for cell in line) for line in lines) + ending
    assert load(text.encode(encoding)).records == 2
    assert [(recording.title, recording.artists[0]) for recording in recordings(target)] == [
        ("Où, là; ça", "A"),
        ("日本", "E"),
    ]


def test_the_delimiter_is_the_one_that_finds_the_columns(load, target):
    assert load("sr_id;a,b,c,d;title\n1;x;y\n").columns[str(target.parents[1] / "0.csv")] == {
        "sr_id": "sr_id",
        "title": "title",
    }


@pytest.mark.parametrize("first", ["sep=;", '"sep=;"', "SEP=;", "\nsep=;", "sep=|", "sep=\t", "\ufeffsep=;"])
def test_the_delimiter_that_excel_is_told_is_honoured(load, target, first):
    mark = first.strip('"')[-1]
    report = load(f"{first}\r\n\r\n{mark.join(('sr_id', 'title', 'a,b'))}\r\n{mark.join('1xy')}\r\n2\r\n")
    assert recordings(target)[0].title == "x"
    assert rejected(report)[0][1:] == (5 + first.count("\n"), "wrong number of cells: 3 expected, 1 found", "2")


def test_many_blank_lines_before_the_header(load, target):
    load("\n" * (5 << 20) + "sr_id,title\n1,a\n")
    assert ids(target) == ["1"]


def test_an_encoding_can_be_named(load, target):
    load("sr_id,title\n1,Où\n".encode("cp1252"), encoding="cp1252")
    assert recordings(target)[0].title == "Où"


@pytest.mark.parametrize("encoding", ["klingon", "base64", ""])
def test_an_unknown_encoding_is_refused(load, encoding):
    with pytest.raises(CatalogError, match="name of an encoding"):
        load(HEADER, encoding=encoding)


@pytest.mark.parametrize(
    ("header", "columns", "used"),
    [
        ("sr_id,title,length,year", ("length=duration", "year=release_year"), LENGTH_AND_YEAR),
        ("sr_id,title,length,year", ("duration=length", "release_year=year"), LENGTH_AND_YEAR),
        ("sr_id,title,length,year", (), {"release_year": "year"}),
        ("ID,Song_Name", ("sr_id=ID", "title=Song_Name"), {"sr_id": "ID", "title": "Song_Name"}),
        ("ID,Song_Name", ("id=SR_ID", "song_name=Title"), {"sr_id": "ID", "title": "Song_Name"}),
        (" SR_ID , Title ", (), {"sr_id": "SR_ID", "title": "Title"}),
        ("sr_id,title,name", ("title=name",), {"title": "name"}),
        ("sr_id,title,name", (" title = NAME ",), {"title": "name"}),
        ("sr_id,title,album", ("title=album",), {"title": "album"}),
        ("sr_id,title,duration,duration_ms", (), {"duration_ms": "duration_ms"}),
        ("sr_id,title,ms", ("duration_ms=ms",), {"duration_ms": "ms"}),
        ("sr_id,title,duration_ms,len", ("len=duration",), {"duration_ms": "len"}),
    ],
)  # fmt: skip
def test_columns(load, header, columns, used):
    report = load(f"{header}\n{','.join('1' * len(header.split(',')))}\n", columns=columns)
    (found,) = report.columns.values()
    assert found == {"sr_id": found["sr_id"], "title": found["title"], **used}


def test_milliseconds_are_not_guessed(load, target):
    load("sr_id,title,a\n1,x,258\n", columns=["duration_ms=a"])
    assert recordings(target)[0].duration_ms == 258
    load("sr_id,title,a\n1,x,258\n", columns=["duration=a"])
    assert recordings(target)[0].duration_ms == 258_000


@pytest.mark.parametrize(
    ("header", "columns", "message"),
    [
        ("sr_id,name", (), "found no title among: 'sr_id', 'name'"),
        ("a,b", (), "found no sr_id and no title"),
        ("sr_id,title", ("title=absent",), "no column 'absent'; the columns found are: 'sr_id', 'title'$"),
        (
            "sr_id,TrackTitle",
            ("title=TrackTitel",),
            "no column 'TrackTitel', the nearest is 'TrackTitle'; the columns ",
        ),
        (
            "sr_id,TrackTitle",
            ("TrackTitel=title",),
            "no column 'TrackTitel', the nearest is 'TrackTitle'; the columns ",
        ),
        ("sr_id,Song", ("Titel=Song",), "no field 'Titel', the nearest is 'title'; the fields are: sr_id, title, "),
        ("sr_id,title", ("tempo=bpm",), "neither; the fields are: sr_id, .*; the columns found are: 'sr_id', 'title'$"),
        ("sr_id,title", ("x=title",), "duration_ms or duration, release_year or year, label, language$"),
        ("sr_id,title", ("title",), "column of the file, got 'title'"),
        ("sr_id,title", ("",), "column of the file, got ''"),
        ("sr_id,title", ("=",), "column of the file, got '='"),
        ("sr_id,title,a,b", ("a=b",), "column of the file, got 'a=b'"),
        ("sr_id,title,a,b", ("album=a", "album=b"), "one column for album"),
        ("sr_id,title,Title", (), "one column title, found it twice"),
    ],
)
def test_columns_that_cannot_be_used(load, target, header, columns, message):
    with pytest.raises(CatalogError, match=message):
        load(f"{header}\n1,2\n", columns=columns)
    assert not target.exists()


def test_several_files_make_one_catalogue(load, target):
    report = load(
        "sr_id,title\n1,a\n2,b\n",
        "Title;Artists;SR_ID\nc;C;3\nagain;A;1\n",
        "sr_id,name\n4,d\n",
        columns=["title=name"],
    )
    assert report.records == 4
    assert [(recording.sr_id, recording.title) for recording in recordings(target)] == [
        ("1", "a"), ("2", "b"), ("3", "c"), ("4", "d"),
    ]  # fmt: skip
    assert rejected(report) == [("1.csv", 3, "duplicate sr_id", "again;A;1")]


@pytest.mark.parametrize(
    ("lines", "line", "reason"),
    [
        (b"2,b\n", 3, "wrong number of cells: 3 expected, 2 found"),
        (b"2,b,B,more\n", 3, "wrong number of cells: 3 expected, 4 found"),
        (b",b,B\n", 3, "missing sr_id"),
        (b"  ,b,B\n", 3, "missing sr_id"),
        (b"None,b,B\n", 3, "missing sr_id"),
        (b"1,b,B\n", 3, "duplicate sr_id"),
        (b" 1 ,b,B\n", 3, "duplicate sr_id"),
        (b"2,b\0,B\n", 3, "NUL character"),
        (b"2,\xff\xfe,B\n", 3, "undecodable bytes"),
        (b"2,Motorhead \xf6,B\n", 3, "undecodable bytes"),
        (b"2" * 257 + b",b,B\n", 3, "sr_id too long: more than 256 characters"),
        (b"2\x07,b,B\n", 3, "control character in sr_id"),
        (b'"2\n3",b,B\n', 3, "control character in sr_id"),
        (b"2," + b"b" * (1 << 20) + b"b,B\n", 3, "cell too long: more than 1 MiB"),
        (b"2," + b"b" * (5 << 20) + b",B\n", 3, "cell too long: more than 1 MiB"),
        (b'2,"' + b"b" * (5 << 20) + b'",B\n', 3, "quote that is opened and not closed"),
        (b'2,"b,B\n', 3, "quote that is opened and not closed"),
        (b'2,b,"B\n', 3, "quote that is opened and not closed"),
        (b'\n\n2,"b,B\n', 5, "quote that is opened and not closed"),
        (rb'2,"a \"x\" b" c,B' + b"\n", 3, "backslash before a quote"),
        (rb'2,"C:\new \"x\"",B' + b"\n", 3, "backslash before a quote"),
        (rb'2,a"b\"c,B' + b"\n", 3, "backslash before a quote"),
        (rb'2,"a \"x,B' + b"\n", 3, "backslash before a quote"),
    ],
)
def test_rejected_rows(load, target, lines, line, reason):
    report = load(HEADER.encode() + b"1,a,A\n" + lines + b'8,c,C\n9,"d ""x""",D\n', encoding="utf-8")
    assert ids(target) == ["1", "8", "9"]
    assert recordings(target)[2].title == 'd "x"'
    assert [found[:3] for found in rejected(report)] == [("0.csv", line, reason)]
    assert report.rejected == 1
    assert dict(report.reasons) == {reason.partition(":")[0]: 1}
    assert report.rejected_file == target.with_name("catalog.rejected.csv")
    assert rejected(report)[0][3]


def test_a_rejected_row_stands_as_it_was_delivered_whatever_the_reason(load, target):
    rows = ("3:05,Amber, 1 ,note", "2:46,Again,1,other", '"3:10","No, id",,note', "4:00,Birch")
    report = load("\r\n".join(("length,title,sr_id,comment", *rows)), columns=["duration=length"])
    assert [found[2:] for found in rejected(report)] == [
        ("duplicate sr_id", rows[1]),
        ("missing sr_id", rows[2]),
        ("wrong number of cells: 4 expected, 2 found", rows[3]),
    ]


def test_a_rejected_row_of_a_table_has_its_values_in_the_order_of_the_table(tmp_path, target):
    path = tmp_path / "p.parquet"
    columns = {"length": ["3:05", "2:46", None], "title": ["Amber", "Again", "No id"], "sr_id": ["1", "1", None]}
    pq.write_table(pa.table(columns), path)
    report = import_catalog([path], target, columns=["duration=length"])
    assert [found[2:] for found in rejected(report)] == [
        ("duplicate sr_id", "2:46,Again,1"),
        ("missing sr_id", ",No id"),
    ]


def test_the_line_is_that_on_which_the_record_begins(load, target):
    report = load('sr_id,title\n1,"a\nb\n\nc"\n\n2\n3,"x\r\ny"\n4\n')
    assert ids(target) == ["1", "3"]
    assert row(target, "1")["title"] == "a\nb\n\nc"
    assert row(target, "3")["title"] == "x\r\ny"
    assert [(line, text) for _, line, _, text in rejected(report)] == [(7, "2"), (10, "4")]


@pytest.mark.parametrize(
    ("line", "title"),
    [
        ('2,12" Mix,B', '12" Mix'),
        ('2,"Heroes" (2017),B', "Heroes (2017)"),
        ('2,"""Heroes""",B', '"Heroes"'),
        ("2,'Heroes',B", "'Heroes'"),
        ("2,b,B,,", "b"),
        (r'2,"a \"x\" b",B', 'a "x" b'),
        (r'2,"\"Heroes\"",B', '"Heroes"'),
        (r'2,"ends with \"x\"",B', 'ends with "x"'),
        (r'2,"begins, \"x","B"', 'begins, "x'),
        (r"2,12\" Mix,B", '12" Mix'),
        (r'2,"12\" Mix",B', '12" Mix'),
        (r'2,"a \\ \"b\"",B', 'a \\ "b"'),
        (r'2,"C:\","B"', "C:\\"),
        (r'2,"say \""x\""",B', r"say \"x\""),
        (r"2,AC\DC,B", r"AC\DC"),
        (r'2,"AC\DC",B', r"AC\DC"),
        ("2," + "b" * 200_000 + ",B", "b" * 200_000),
        ("2," + "b" * (1 << 20) + ",B", "b" * (1 << 20)),
        ("2,\ufeffb\u2028c,B", "\ufeffb\u2028c"),
    ],
)
def test_odd_rows_that_are_usable(load, target, line, title):
    assert load(f"{HEADER}1,a,A\n{line}\n3,c,C\n").rejected == 0
    assert row(target, "2")["title"] == title
    assert ids(target) == ["1", "2", "3"]


def test_a_stray_quote_does_not_swallow_the_rows_below_it(load, target):
    rows = "".join(f'{number},"t{number}",A\n' for number in range(10, 99))
    report = load(f'{HEADER}1,"a,A\n{rows}2,b,"B\n3,c,C\n')
    assert len(ids(target)) == 90
    assert [found[1:3] for found in rejected(report)] == [
        (2, "quote that is opened and not closed"),
        (92, "quote that is opened and not closed"),
    ]


def test_unreadable_durations_are_counted_and_shown(load, target, caplog):
    report = load("sr_id,title,duration,year\n1,a,unk.,2901\n2,b,None,\n3,c,04:18,2011\n")
    assert dict(report.unreadable) == {"duration_ms": 1, "release_year": 1}
    assert report.examples == {"duration_ms": ["unk."], "release_year": ["2901"]}
    assert "is that the column of" not in caplog.text
    assert dict(load("sr_id,title,duration,year\n1,a,-,n.a.\n2,b,N/A,?\n3,c,unknown,NA\n").unreadable) == {}
    load("sr_id,title,year\n1,a,A\n2,b,B\n3,c,B\n4,d,C\n5,e,D\n")
    assert "5 values of release_year could not be read and are stored as missing: A, B, C" in caplog.text
    assert "is that the column of release_year?" in caplog.text
    load("sr_id,title,duration,year\n1,a,unk.,2901\n2,b,None,\n3,c,04:18,2011\n")
    assert [recording.duration_ms for recording in recordings(target)] == [None, None, 258_000]


@pytest.mark.parametrize("value", ["NA", "n.a.", "-", "?", "unknown", "TBA", "N/A", "#N/A", "None"])
def test_a_code_that_says_nothing_is_missing(load, target, value):
    load(f"sr_id,title,isrcs\n1,a,{value}\n2,b,{value}|GBAYE0601477\n3,c,GBAYE06\n")
    assert [found.isrcs for found in recordings(target)] == [(), ("GBAYE0601477",), ("GBAYE06",)]


def test_a_song_can_be_called_so_but_not_what_spreadsheets_write_for_missing(load, target):
    names = ("NA", "Unknown", "-", "?", "N/A", "#n/a")
    load("sr_id,title,artists\n" + "".join(f"{n},{name},{name}\n" for n, name in enumerate(names)))
    assert [found.title for found in recordings(target)] == ["NA", "Unknown", "-", "?", None, None]
    assert [found.artists for found in recordings(target)][2:5] == [("-",), ("?",), ()]


def test_a_clean_import_removes_the_rejects_of_the_one_before(load, target):
    first = load("sr_id,title\n1,a\n2\n")
    assert first.rejected_file.is_file()
    assert load("sr_id,title\n1,a\n").rejected_file is None
    assert [child.name for child in target.parent.iterdir()] == ["catalog.db"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"\n \n\n", "only blanks"),
        (b"sr_id,title\n", "no usable row is left: there are no rows; what is in .*catalog.db stays"),
        (b"sr_id,title\n1\n,x\n", r"wrong number of cells \(1\), missing sr_id \(1\)"),
        (b"\x1f\x8b\x08\x00", "gzip"),
        (b"PK\x03\x04....", "spreadsheet"),
        (b"PAR1 rubbish PAR1", "Parquet"),
        (b"SQLite format 3\0rubbish", "SQLite"),
        (b"SQLite format 3\0", "SQLite"),
        (b"\xff\xfes\0r\0_\0i\0d\0,\0t\0i\0t\0l\0e\0\n\0a", "utf-16|no usable row"),
    ],
)
def test_a_file_without_recordings_leaves_the_previous_catalogue(load, target, content, message):
    load("sr_id,title\nold,a\n2\n")
    before = {child.name: child.read_bytes() for child in target.parent.iterdir()}
    with pytest.raises(CatalogError, match=message):
        load(content)
    assert {child.name: child.read_bytes() for child in target.parent.iterdir()} == before


def test_files_that_are_none(tmp_path, target):
    for files in ([], [tmp_path], [tmp_path / "absent.csv"], [Path("a\0b")]):
        with pytest.raises(CatalogError):
            import_catalog(files, target)
    assert not target.parent.exists()


def test_a_target_that_cannot_be_written(tmp_path, load):
    load("sr_id,title\n1,a\n")
    with pytest.raises(CatalogError, match="is a folder"):
        import_catalog([tmp_path / "0.csv"], tmp_path)
    (tmp_path / "file").write_text("x")
    with pytest.raises(CatalogError, match="could not write"):
        import_catalog([tmp_path / "0.csv"], tmp_path / "file" / "catalog.db")


def parquet(path, **columns):
    pq.write_table(pa.table(columns), path, row_group_size=2)
    return path


def test_parquet(tmp_path, target):
    path = parquet(
        tmp_path / "recordings.bin",
        sr_id=pa.array([1, 2, None, 2, 4]),
        title=pa.array(["a", None, "c", "d", "e"]).dictionary_encode(),
        artists=pa.array([["A", "B"], [], None, ["D"], ["E", None]]),
        duration=pa.array([timedelta(seconds=258), None, None, None, timedelta(milliseconds=900)]),
        release_year=pa.array([2011.0, float("nan"), None, None, 98.0]),
        label=pa.array([b"L\xff", b"M", None, None, b""]),
        album=pa.array([1979.0, 99.5, float("nan"), None, None]),
        ignored=pa.array([{"x": 1}] * 5),
    )
    report = import_catalog([path], target)
    assert row(target, "1") == {
        "sr_id": "1", "title": "a", "artists": "A|B", "isrcs": None, "contributors": None, "album": "1979",
        "duration_ms": 258_000, "release_year": 2011, "label": "L\ufffd", "language": None,
    }  # fmt: skip
    assert row(target, "2")["album"] == "99.5"
    assert row(target, "4")["artists"] == "E"
    assert row(target, "4")["duration_ms"] == 900
    assert row(target, "4")["release_year"] == 1998
    assert [found[1:3] for found in rejected(report)] == [(3, "missing sr_id"), (4, "duplicate sr_id")]
    assert dict(report.unreadable) == {}


STRUCT = pa.struct([("name", pa.string())])


@pytest.mark.parametrize(
    "type_", [STRUCT, pa.list_(STRUCT), pa.large_list(pa.list_(STRUCT)), pa.map_(pa.string(), pa.string())]
)
def test_parquet_columns_of_structures_are_refused(tmp_path, target, type_):
    path = parquet(tmp_path / "p", sr_id=["1"], title=["a"], artists=pa.array([None], type_))
    with pytest.raises(CatalogError, match=r"column artists of .*(struct|map)<"):
        import_catalog([path], target)
    assert not target.exists()


def test_parquet_dates_and_float_ids(tmp_path, target):
    path = parquet(tmp_path / "p", sr_id=[1.0, None, 1e15], title=["a", "b", "c"], year=[date(2011, 5, 1), None, None])
    import_catalog([path], target)
    assert ids(target) == ["1", "1000000000000000"]
    assert recordings(target)[0].release_year == 2011


def test_damaged_parquet(tmp_path, target):
    path = parquet(tmp_path / "p.parquet", sr_id=[str(number) for number in range(9_000)], title=["x"] * 9_000)
    content = path.read_bytes()
    for damaged in (content[: len(content) // 2], content[:100] + b"\xff" * 5_000 + content[5_100:]):
        path.write_bytes(damaged)
        with pytest.raises(CatalogError, match="Parquet"):
            import_catalog([path], target)
    assert not target.exists()


def sqlite(path, *statements):
    with closing(sqlite3.connect(path)) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.commit()
    return path


def test_sqlite(tmp_path, target):
    path = sqlite(
        tmp_path / 'my "songs"?#.db',
        'CREATE TABLE "my songs" ("Song ""Id""" INTEGER, "Title" TEXT, length)',
        "INSERT INTO \"my songs\" VALUES (2, 'b', 258), (1, 'a', '04:18'), (2, 'again', 1), (NULL, 'c', 4)",
        "INSERT INTO \"my songs\" VALUES (x'33ff', 'd', 4)",
    )
    before = path.read_bytes()
    report = import_catalog([path], target, ['sr_id=Song "Id"', "length=duration"])
    assert [(found.sr_id, found.duration_ms) for found in recordings(target)] == [("1", 258_000), ("2", 258_000)]
    assert [found[1:3] for found in rejected(report)] == [
        (3, "duplicate sr_id"), (4, "missing sr_id"), (5, "undecodable bytes"),
    ]  # fmt: skip
    assert path.read_bytes() == before
    assert {child.name for child in tmp_path.iterdir()} == {path.name, "work"}


def test_sqlite_with_several_tables(tmp_path, target):
    path = sqlite(tmp_path / "a.db", "CREATE TABLE a (sr_id, title)", "CREATE TABLE b (sr_id, title)")
    with pytest.raises(CatalogError, match="found the tables: a, b"):
        import_catalog([path], target)
    sqlite(path, "CREATE TABLE SoundRecording (sr_id, title)", "INSERT INTO soundrecording VALUES (1, 'x')")
    assert import_catalog([path], target).records == 1


@pytest.mark.parametrize("name", ["same", "hard link", "symbolic link", "other path"])
def test_a_file_is_never_replaced_by_its_own_import(tmp_path, name):
    path = sqlite(
        tmp_path / "catalog.db",
        "CREATE TABLE soundrecording (sr_id TEXT PRIMARY KEY, title, upc)",
        "INSERT INTO soundrecording VALUES ('1', 'a', '0123')",
    )
    target = tmp_path / "target.db"
    if name == "hard link":
        target.hardlink_to(path)
    elif name == "symbolic link":
        target.symlink_to(path)
    else:
        target = path if name == "same" else tmp_path / ".." / tmp_path.name / path.name
    before = path.read_bytes()
    with pytest.raises(CatalogError, match="would be replaced and is one of them"):
        import_catalog([path], target)
    assert path.read_bytes() == before
    assert target.samefile(path)


def test_a_corrected_file_of_rejects_is_not_replaced_while_it_is_imported(load, target):
    rejects = load("sr_id,title\n1,a\n2\n").rejected_file
    rejects.write_text("sr_id,title\n2,b\n")
    with pytest.raises(CatalogError, match="would be replaced and is one of them"):
        import_catalog([rejects], target)
    assert rejects.read_text() == "sr_id,title\n2,b\n"


def leftovers(folder, ending):
    """Write a catalogue as a program that was killed left it: the second row stands in what lies beside it."""
    folder.mkdir()
    path = folder / "catalog.db"
    with closing(sqlite3.connect(folder / "live.db", isolation_level=None)) as writer:
        writer.execute(f"PRAGMA journal_mode={'WAL' if ending == '-wal' else 'DELETE'}")
        writer.execute("CREATE TABLE soundrecording (sr_id TEXT PRIMARY KEY, title TEXT)")
        writer.execute("INSERT INTO soundrecording VALUES ('old', 'x')")
        if ending == "-journal":
            writer.execute("PRAGMA cache_size=1")
            writer.execute("BEGIN")
            writer.executemany(
                "INSERT INTO soundrecording VALUES (?, ?)", ((f"{number}", "y" * 900) for number in range(99))
            )
        for file in list(folder.iterdir()):
            path.with_name(file.name.replace("live", "catalog")).write_bytes(file.read_bytes())
    assert path.with_name(path.name + ending).stat().st_size > 0
    for file in folder.glob("live.db*"):
        file.unlink()
    return path


@pytest.mark.parametrize("ending", ["-wal", "-journal"])
@pytest.mark.parametrize("left", ["with its database", "alone", "beside a catalogue of ours", "beside rubbish"])
def test_what_lies_beside_the_target_does_not_override_the_import(tmp_path, load, ending, left):
    target = leftovers(tmp_path / "work", ending)
    beside = {file: file.read_bytes() for file in target.parent.iterdir() if file != target}
    if left == "beside a catalogue of ours":
        for file in beside:
            file.unlink()
        write_catalog(target, [{"sr_id": "previous"}])
        for file, content in beside.items():
            file.write_bytes(content)
    elif left == "beside rubbish":
        target.write_bytes(b"no database")
    elif left == "alone":
        target.unlink()
    load("sr_id,title\nnew,a\n")
    assert [child.name for child in target.parent.iterdir()] == ["catalog.db"]
    assert ids(target) == ["new"]
    with closing(sqlite3.connect(target)) as connection:
        assert connection.execute("SELECT sr_id FROM soundrecording").fetchall() == [("new",)]
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


KILLED_BEFORE_THE_RENAME = """
import os, sys
from pathlib import Path
from catalog.store import write_catalog

Path.replace = lambda *_: os._exit(9)
write_catalog(Path(sys.argv[1]), [{"sr_id": "new"}])
"""


@pytest.mark.parametrize("ending", ["-wal", "-journal"])
def test_the_previous_catalogue_is_whole_if_we_die_before_it_is_replaced(tmp_path, ending):
    target = leftovers(tmp_path / "work", ending)
    done = subprocess.run([sys.executable, "-c", KILLED_BEFORE_THE_RENAME, target], cwd=ROOT, check=False)
    assert done.returncode == 9
    assert ids(target) == ["old"]


def test_a_target_that_another_program_writes_is_not_replaced(tmp_path, load):
    target = tmp_path / "work" / "catalog.db"
    target.parent.mkdir()
    with closing(sqlite3.connect(target, isolation_level=None)) as writer:
        writer.execute("PRAGMA journal_mode=WAL")
        writer.execute("CREATE TABLE soundrecording (sr_id TEXT PRIMARY KEY, title TEXT)")
        with pytest.raises(CatalogError, match=r"locked; close the program that is using it"):
            load("sr_id,title\nnew,a\n")
        writer.execute("INSERT INTO soundrecording VALUES ('old', 'x')")
    assert ids(target) == ["old"]
    assert load("sr_id,title\nnew,a\n").records == 1
    assert ids(target) == ["new"]


CELLS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12)


@settings(max_examples=60, deadline=None)
@given(
    rows=st.dictionaries(
        st.text("bcdXYZ019_-é日", min_size=1, max_size=8),
        st.tuples(CELLS, CELLS),
        min_size=1,
        max_size=6,
    ),
    delimiter=st.sampled_from(",;\t"),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
)  # fmt: skip
def test_whatever_a_csv_writer_writes_comes_back(tmp_path_factory, rows, delimiter, quoting):
    folder = tmp_path_factory.mktemp("any")
    with (folder / "f.csv").open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, delimiter=delimiter, quoting=quoting)
        writer.writerow(("sr_id", "title", "artists"))
        writer.writerows((sr_id, *cells) for sr_id, cells in rows.items())
    assert import_catalog([folder / "f.csv"], folder / "c.db").rejected == 0
    with Catalog.open(folder / "c.db", folder / "copies") as catalog:
        for sr_id, (title, artists) in rows.items():
            assert (catalog.row(sr_id)["title"], catalog.row(sr_id)["artists"]) == (title or None, artists or None)
        assert len(catalog) == len(rows)


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=300) | st.text('ab1",\n\r;\t\0é').map(str.encode))
def test_any_bytes_are_imported_or_refused_and_every_record_is_counted(tmp_path_factory, content):
    folder = tmp_path_factory.mktemp("bytes")
    (folder / "f.csv").write_bytes(b"sr_id,title\n1,a\n" + content)
    report = import_catalog([folder / "f.csv"], folder / "c.db", encoding="utf-8")
    assert report.records >= 1
    assert report.rejected == sum(report.reasons.values()) == (len(rejected(report)) if report.rejected else 0)


@given(st.text(max_size=20), st.text(max_size=20), st.lists(st.text(max_size=8) | st.sampled_from(NAMES), max_size=5))
def test_any_request_is_met_or_refused(left, right, found):
    from catalog.columns import match_columns

    try:
        feeds = match_columns(found, [f"{left}={right}"])
    except CatalogError:
        return
    assert {"sr_id", "title"} <= {feed.field for feed in feeds}
    assert all(found[feed.position] == feed.column for feed in feeds)


def test_memory_stays_bounded(tmp_path, target):
    def peak(records):
        path = tmp_path / f"{records}.csv"
        with path.open("w") as stream:
            stream.write("sr_id,title,artists\n")
            stream.writelines(f"id{number},{'t' * 40} {number},{'a' * 40}\n" for number in range(records))
        tracemalloc.start()
        assert import_catalog([path], target).records == records
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    peak(100)
    assert peak(40_000) < peak(5_000) + (1 << 20)


KILLED = """
import sys
from pathlib import Path
import catalog.plans as plans
from catalog.importers import import_catalog

original = plans.open_source
def open_source(path, *rest):
    source = original(path, *rest)
    def rows(positions):
        for count, row in enumerate(source.rows(positions)):
            if count == 30_000:
                print("half way", flush=True)
                sys.stdin.read()
            yield row
    return type(source)(source.path, source.columns, rows)
plans.open_source = open_source
import_catalog([Path(sys.argv[1])], Path(sys.argv[2]))
"""


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_an_import_that_is_killed_leaves_the_previous_catalogue(tmp_path, target, load, how, interruptible):
    load("sr_id,title\nold,a\nbad\n")
    before = {child.name: child.read_bytes() for child in target.parent.iterdir()}
    big = tmp_path / "big.csv"
    big.write_text("sr_id,title\nbad\n" + "".join(f"id{number},title {number}\n" for number in range(60_000)))
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, big, target], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    with process:
        assert process.stdout.readline() == b"half way\n"
        assert len(list(target.parent.iterdir())) == 4
        process.send_signal(how)
        process.wait(timeout=60)
    assert process.returncode != 0
    after = {child.name: child.read_bytes() for child in target.parent.iterdir()}
    assert {name: after[name] for name in before} == before
    assert ids(target) == ["old"]
    load("sr_id,title\nnew,a\n")
    assert sorted(child.name for child in target.parent.iterdir()) == ["catalog.db"]
    assert ids(target) == ["new"]


MUSIC20 = Path(os.environ.get("ONEMASTER_MUSIC20", "absent"))


@pytest.mark.skipif(not MUSIC20.is_dir(), reason="ONEMASTER_MUSIC20 names no folder of Music-20")
def test_a_real_catalogue(target):
    started = time.process_time()
    report = import_catalog([MUSIC20 / "catalog.csv"], target, ["length=duration", "year=release_year"])
    assert time.process_time() - started < 30
    assert (report.records, report.rejected) == (19_375, 0)
    with (
        (MUSIC20 / "catalog.csv").open(encoding="utf-8", newline="") as stream,
        Catalog.open(target, target) as catalog,
    ):
        for found in csv.DictReader(stream):
            assert catalog.row(found["sr_id"])["title"] == (found["title"] or None)
            assert catalog.get(found["sr_id"]).duration_ms == parse_duration(found["length"])
