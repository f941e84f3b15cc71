"""Imports of CSV files in another encoding than UTF-8: they are refused, instead of losing most of their rows."""

import csv
import re

import pytest

from catalog.errors import CatalogError
from catalog.importers import import_catalog
from catalog.plans import plan_import
from catalog.store import Catalog
from onemaster import main

HEADER = "sr_id,title\n"


@pytest.fixture
def delivered(tmp_path):
    """Write a CSV file of so many rows, some of which hold bytes that are not UTF-8."""

    def write(rows, bad, title=b"Caf\xe9"):
        path = tmp_path / "delivered.csv"
        lines = [b"%d,%b" % (n, title if n < bad else b"Plain") for n in range(rows)]
        path.write_bytes(HEADER.encode() + b"\n".join(lines) + b"\n")
        return path

    return write


def test_what_excel_saves_is_refused_by_the_import_and_by_the_dry_run(delivered, tmp_path, capsys):
    path, work = delivered(800, 766), tmp_path / "work"
    for dry in ([], ["--dry-run"]):
        assert main(["import", str(path), "--data", str(work), *dry]) == 1
        told = capsys.readouterr()
        assert told.out == ""
        assert "766 of its first 801 lines are not" in told.err
        assert re.search(r"--encoding cp1252, .* how line 2 should read: '0,Café';", told.err)
        assert not work.exists()
    assert main(["import", str(path), "--data", str(work), "--encoding", "cp1252"]) == 0
    with Catalog.open(work / "catalog.db", work / "copies") as catalog:
        assert (len(catalog), catalog.get("765").title) == (800, "Café")


def test_recordings_to_add_are_refused_as_well(delivered, tmp_path, capsys):
    data = ["--data", str(tmp_path / "work")]
    assert main(["import", str(delivered(5, 0)), *data]) == 0
    assert main(["add", str(delivered(5, 5)), *data]) == 1
    assert "--encoding cp1252" in capsys.readouterr().err


def test_who_names_utf_8_has_such_rows_left_out(delivered, tmp_path):
    report = import_catalog([delivered(10, 4)], tmp_path / "c.db", encoding="utf-8")
    assert (report.records, dict(report.reasons)) == (6, {"undecodable bytes": 4})


@pytest.mark.parametrize(("rows", "bad", "read"), [(999, 9, True), (899, 9, False), (9_999, 20, True)])
def test_a_few_damaged_lines_among_many_are_left_out(delivered, tmp_path, rows, bad, read):
    path = delivered(rows, bad)
    if not read:
        with pytest.raises(CatalogError, match=f"{bad} of its first {rows + 1} lines"):
            plan_import([path])
        return
    assert import_catalog([path], tmp_path / "c.db").rejected == bad


def test_a_header_that_is_not_utf_8_is_no_mere_damage(tmp_path):
    path = tmp_path / "f.csv"
    path.write_bytes(b"sr_id,title,K\xfcnstler\n" + b"".join(b"%d,Plain,Plain\n" % n for n in range(500)))
    with pytest.raises(CatalogError, match=r"1 of its first 501 lines .* line 1 should read: 'sr_id,title,Künstler'"):
        plan_import([path])


def test_many_damaged_lines_are_refused_however_many_there_are(delivered):
    with pytest.raises(CatalogError, match="21 of its first 10,000 lines"):
        plan_import([delivered(9_999, 21)])


def test_bytes_that_are_not_cp1252_either_are_not_called_so(delivered):
    with pytest.raises(CatalogError, match="cp932 or mac_roman, say; line 2, the first, is no cp1252") as refused:
        plan_import([delivered(10, 10, "【東京】".encode("cp932"))])
    assert "Excel" not in str(refused.value)


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf_16_without_a_mark_is_recognised_and_can_be_read(tmp_path, encoding):
    path = tmp_path / "f.csv"
    path.write_bytes((HEADER + "1,Où\n").encode(encoding))
    with pytest.raises(CatalogError, match=f"repeat this with --encoding {encoding}$"):
        plan_import([path])
    assert import_catalog([path], tmp_path / "c.db", encoding=encoding).records == 1


def test_old_line_ends_count_as_lines(tmp_path):
    path = tmp_path / "f.csv"
    path.write_bytes(b"sr_id,title\r1,Caf\xe9\r2,Plain\r")
    with pytest.raises(CatalogError, match=r"1 of its first 3 lines are not.* line 2 should read: '1,Café'"):
        plan_import([path])


def test_rejected_bytes_can_be_read(delivered, tmp_path):
    report = import_catalog([delivered(500, 1, b"Bj\xf6rk \xed")], tmp_path / "c.db")
    with report.rejected_file.open(encoding="utf-8", newline="") as stream:
        (found,) = csv.DictReader(stream)
    assert (found["line"], found["reason"], found["row"]) == ("2", "undecodable bytes", r"0,Bj\xf6rk \xed")
