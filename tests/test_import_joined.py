"""Lists that an export parts into several columns: composer and lyricist, main artist and guests."""

import sqlite3
from contextlib import closing

import pandas as pd
import pytest

from catalog.errors import CatalogError
from catalog.importers import import_catalog
from catalog.store import Catalog
from onemaster import main

HEADER = "sr_id,title,composer,lyricist,artists"
ROWS = ["a,Yesterday,John Lennon|Paul McCartney,Paul McCartney,The Beatles", "b,Help!,N/A,,", "c,Alone,,Bob,"]
REQUEST = "contributors=composer+lyricist"


@pytest.fixture
def target(tmp_path):
    return tmp_path / "catalog.db"


def delivered(tmp_path, *more, header=HEADER):
    path = tmp_path / "writers.csv"
    path.write_text("\n".join((header, *ROWS, *more)), encoding="utf-8")
    return path


def stored(target, field):
    with Catalog.open(target, target.parent) as catalog:
        return {recording.sr_id: "|".join(getattr(recording, field)) for recording in catalog}


@pytest.mark.parametrize(
    "request_", [REQUEST, "composer+lyricist = Contributors", "contributors= Composer + LYRICIST", f"{REQUEST}+artists"]
)
def test_several_columns_are_read_as_one(tmp_path, target, request_):
    report = import_catalog([delivered(tmp_path)], target, [request_])
    expected = {"a": "John Lennon|Paul McCartney", "b": "", "c": "Bob"}
    if "artists" in request_:
        expected["a"] += "|The Beatles"
    assert stored(target, "contributors") == expected
    assert stored(target, "artists")["a"] == "The Beatles"
    assert list(report.unused.values()) == [[]]


def test_of_codes_each_entry_counts(tmp_path, target):
    path = tmp_path / "codes.csv"
    path.write_text("sr_id,title,ISRC 1,ISRC 2\na,X,GBAYE6500521,unknown\nb,Y,,GB-AYE-65-00521|USRC17607839\n")
    import_catalog([path], target, ["isrcs=ISRC 1+ISRC 2"])
    assert stored(target, "isrcs") == {"a": "GBAYE6500521", "b": "GB-AYE-65-00521|USRC17607839"}


def test_tables_of_other_kinds(tmp_path, target):
    table = pd.read_csv(delivered(tmp_path), keep_default_na=False)
    table.to_parquet(tmp_path / "writers.parquet")
    with closing(sqlite3.connect(tmp_path / "writers.db")) as connection:
        table.to_sql("writers", connection, index=False)
    for name in ("writers.parquet", "writers.db"):
        import_catalog([tmp_path / name], target, [REQUEST, "artists=composer+artists"])
        assert stored(target, "contributors")["a"] == "John Lennon|Paul McCartney"
        assert stored(target, "artists") == {"a": "John Lennon|Paul McCartney|The Beatles", "b": "", "c": ""}


def test_a_column_that_has_a_plus_in_its_name_is_one(tmp_path, target):
    path = delivered(tmp_path, header="sr_id,title,composer+lyricist,lyricist,composer")
    report = import_catalog([path], target, [REQUEST])
    assert stored(target, "contributors") == {"a": "John Lennon|Paul McCartney", "b": "", "c": ""}
    assert list(report.unused.values()) == [["lyricist", "composer"]]


@pytest.mark.parametrize(
    ("requests", "message"),
    [
        (["title=composer+lyricist"], r"there is no column 'composer\+lyricist'"),
        (["contributors=composer+writer"], r"there is no column 'composer\+writer'"),
        (["contributors=composer", "contributors=lyricist"], r"got two by --column .*: a list takes a\+b"),
    ],
)
def test_what_is_there_is_joined_to_lists_only(tmp_path, target, requests, message):
    with pytest.raises(CatalogError, match=message):
        import_catalog([delivered(tmp_path)], target, requests)


def test_none_of_them_may_stand_twice(tmp_path, target):
    path = delivered(tmp_path, header="sr_id,title,composer,lyricist,composer")
    with pytest.raises(CatalogError, match="expected one column composer, found it twice"):
        import_catalog([path], target, [REQUEST])


def test_rows_that_are_left_out_are_told_as_they_stand(tmp_path, target):
    report = import_catalog([delivered(tmp_path, "a,Again,x,y,", ",None,x,y,", "d")], target, [REQUEST])
    assert (report.records, report.rejected) == (3, 3)
    assert "a,Again,x,y" in report.rejected_file.read_text()


def test_what_is_added_later_is_read_alike(tmp_path, target, capsys):
    assert main(["import", str(delivered(tmp_path)), "--data", str(tmp_path), "--column", REQUEST]) == 0
    path = delivered(tmp_path, "d,New,Ann,Ben,")
    assert main(["add", str(path), "--data", str(tmp_path)]) == 0
    assert "1 added, 0 updated, 3 unchanged" in capsys.readouterr().out
    assert stored(target, "contributors")["d"] == "Ann|Ben"
