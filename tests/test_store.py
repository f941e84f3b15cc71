"""The catalogue: real SQLite files of every kind that people have."""

import hashlib
import shutil
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.errors import CatalogError, UnknownRecordingError
from catalog.ids import problem_as_it_is, problem_in_table
from catalog.recording import Recording
from catalog.sample import write_sample
from catalog.store import COLUMNS, FIELDS, Catalog, write_catalog

SEED = "CREATE TABLE soundrecording (sr_id TEXT{}, title TEXT, artists TEXT, isrcs TEXT, contributors TEXT)"
UNTYPED = SEED.replace("sr_id TEXT{}", "sr_id {} PRIMARY KEY")
YESTERDAY = ("123", "Yesterday", "Beatles The", "GBAYE0601477", "John Lennon|Paul McCartney")
COVER = ("789", "Yesterday", "Elvis Presley", None, "None")


def make(path, *statements, rows=(YESTERDAY, COVER)):
    """Write a SQLite file as somebody else would; `rows` go into the first table."""
    with closing(sqlite3.connect(path)) as connection:
        for statement in statements:
            connection.execute(statement)
        if rows:
            marks = ",".join("?" * len(rows[0]))
            connection.executemany(f"INSERT INTO soundrecording VALUES ({marks})", rows)
        connection.commit()
    return path


def state(folder):
    """Everything that a reader could have changed."""
    return {
        path.name: (hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_mtime_ns) for path in folder.iterdir()
    }


@pytest.fixture
def user(tmp_path):
    folder = tmp_path / "user"
    folder.mkdir()
    return folder


@pytest.fixture
def copies(tmp_path):
    return tmp_path / "copies"


def databases(copies):
    return sorted(copies.glob("*.db")) if copies.is_dir() else []


def test_what_is_written_is_read(tmp_path, copies):
    row = {
        "sr_id": "123", "title": "Yesterday", "artists": ("Beatles, The",), "isrcs": "GBAYE0601477|GBAYE6500521",
        "contributors": ["John Lennon", "Paul McCartney"], "album": "Help!", "duration_ms": 125_000,
        "release_year": 1965, "label": "Parlophone", "language": "en",
    }  # fmt: skip
    path = tmp_path / "new" / "catalog.db"
    assert write_catalog(path, iter([row, {"sr_id": "9"}])) == 2
    with Catalog.open(path, copies) as catalog:
        assert catalog.get("123") == Recording(
            "123", "Yesterday", ("Beatles, The",), ("GBAYE0601477", "GBAYE6500521"), ("John Lennon", "Paul McCartney"),
            "Help!", 125_000, 1965, "Parlophone", "en",
        )  # fmt: skip
        assert catalog.get("9") == Recording("9")
        assert catalog.row("123")["contributors"] == "John Lennon|Paul McCartney"
        assert list(catalog.row("123")) == list(COLUMNS)
    assert not copies.exists()
    assert [child.name for child in path.parent.iterdir()] == ["catalog.db"]


@pytest.mark.parametrize(
    "rows",
    [
        [{"sr_id": "1"}, {"sr_id": "1"}],
        [{"sr_id": "1"}, {"title": "no id"}],
        [{"sr_id": "1", "title": object()}],
        [{"sr_id": " 1"}],
        [{"sr_id": "nan"}],
        [{"sr_id": 1}],
        [{"sr_id": "1", "release_year": 10**30}],
    ],
)
def test_a_failed_write_leaves_the_previous_catalogue(tmp_path, copies, rows):
    path = tmp_path / "catalog.db"
    write_catalog(path, [{"sr_id": "old"}])
    with pytest.raises(CatalogError):
        write_catalog(path, rows)
    with Catalog.open(path, copies) as catalog:
        assert [recording.sr_id for recording in catalog] == ["old"]
    assert [child.name for child in tmp_path.iterdir()] == ["catalog.db"]


def test_writing_to_a_folder_is_refused(tmp_path):
    with pytest.raises(CatalogError, match="is a folder"):
        write_catalog(tmp_path, [])


@pytest.mark.parametrize(
    "statements",
    [
        [SEED.format(" PRIMARY KEY")],
        [SEED.format(" PRIMARY KEY") + " WITHOUT ROWID"],
        [SEED.format(" UNIQUE")],
        [SEED.format(""), "CREATE UNIQUE INDEX i ON soundrecording (sr_id)"],
        [SEED.format("").replace("TEXT", "VARCHAR(80)"), "CREATE UNIQUE INDEX i ON soundrecording (sr_id DESC)"],
        [SEED.format(" PRIMARY KEY").upper()],
        ["CREATE TABLE other (x)", SEED.format(" PRIMARY KEY")],
    ],
)
@pytest.mark.parametrize("name", ["catalog.db", "a b?c#d%20e&mode=rwc.db", "каталог 'x'\".sqlite", "noending"])
def test_an_indexed_file_is_read_in_place_and_stays_as_it_is(user, copies, statements, name):
    path = make(user / name, *statements)
    before = state(user)
    with Catalog.open(path, copies) as catalog:
        assert len(catalog) == 2
        assert catalog.get("123").contributors == ("John Lennon", "Paul McCartney")
        assert catalog.get("789") == Recording("789", "Yesterday", ("Elvis Presley",))
        assert [recording.sr_id for recording in catalog] == ["123", "789"]
        assert {key.lower(): value for key, value in catalog.row("789").items()}["contributors"] == "None"
        assert state(user) == before
    assert state(user) == before
    assert databases(copies) == []


def test_writing_is_impossible(user, copies):
    path = make(user / "c.db", SEED.format(" PRIMARY KEY"))
    with Catalog.open(path, copies) as catalog, pytest.raises(sqlite3.OperationalError, match="readonly"):
        catalog._connection.execute("DELETE FROM soundrecording")


@pytest.mark.parametrize(
    ("statements", "rows", "reason"),
    [
        ([SEED.format("")], (YESTERDAY, COVER), "no index"),
        ([SEED.format(""), "CREATE INDEX i ON soundrecording (sr_id)"], (YESTERDAY, COVER), "index is not unique"),
        (
            [SEED.format(""), "CREATE UNIQUE INDEX i ON soundrecording (sr_id) WHERE title <> 'x'"],
            (YESTERDAY, COVER),
            "partial index",
        ),
        (
            [SEED.format(""), "CREATE UNIQUE INDEX i ON soundrecording (sr_id, title)"],
            (YESTERDAY, COVER),
            "index over two columns",
        ),
        (
            [SEED.format(""), "CREATE UNIQUE INDEX i ON soundrecording (upper(sr_id))"],
            (YESTERDAY, COVER),
            "index over an expression",
        ),
        ([SEED.format(" COLLATE NOCASE PRIMARY KEY")], (YESTERDAY, COVER), "ids that differ in case would collide"),
        ([UNTYPED.format("INTEGER")], ((123, *YESTERDAY[1:]), (789, *COVER[1:])), "numbers"),
        ([UNTYPED.format("")], ((123.0, *YESTERDAY[1:]), (b"789", *COVER[1:])), "no type"),
        (
            [SEED.format("").replace("(sr_id", "(id INTEGER PRIMARY KEY, sr_id")],
            ((1, *YESTERDAY), (2, *COVER)),
            "an id of its own",
        ),
        ([SEED.format("")], (YESTERDAY, YESTERDAY, COVER, (None, *COVER[1:]), ("  ", *COVER[1:])), "dirt"),
    ],
)  # fmt: skip
def test_every_other_file_is_copied(user, copies, statements, rows, reason):
    path = make(user / "catalog.db", *statements, rows=rows)
    before = state(user)
    with Catalog.open(path, copies) as catalog:
        assert [recording.sr_id for recording in catalog] == ["123", "789"], reason
        assert catalog.get("123").contributors == ("John Lennon", "Paul McCartney")
        assert catalog.get("789").contributors == ()
    assert state(user) == before
    assert len(databases(copies)) == 1


@pytest.mark.parametrize("encoding", ["UTF-16le", "UTF-16be"])
def test_a_file_in_another_encoding_is_copied_for_the_order_of_its_ids(user, copies, encoding, caplog):
    ids = ["b", "B", "9", "ä", "日", "｡", "😀", "Ā"]
    rows = [(sr_id, "x", None, None, None) for sr_id in ids]
    path = make(user / "c.db", f"PRAGMA encoding='{encoding}'", SEED.format(" PRIMARY KEY"), rows=rows)
    write_catalog(user / "utf8.db", ({"sr_id": sr_id, "title": "x"} for sr_id in ids))
    with caplog.at_level("INFO"), Catalog.open(path, copies) as catalog:
        assert [recording.sr_id for recording in catalog] == sorted(ids, key=str.encode)
        assert catalog.digest() == digest_of(user / "utf8.db", copies)
    assert f"because its texts are stored as {encoding}" in caplog.text


@pytest.mark.parametrize(
    ("sr_id", "reason", "usable"),
    [
        ("a\0b", "control character in sr_id", None),
        ("a\nb", "control character in sr_id", None),
        ("a\x7f", "control character in sr_id", None),
        ("é\x85é", "control character in sr_id", None),
        ("a\ufffd", "undecodable bytes", None),
        (b"a\xffb", "undecodable bytes", None),
        (b"a\xc3", "undecodable bytes", None),
        ("x" * 257, "sr_id too long", None),
        ("日" * 257, "sr_id too long", None),
        (" a", "blanks around sr_id", "a"),
        ("a\u3000", "blanks around sr_id", "a"),
        ("None", "missing sr_id", None),
        ("NULL", "missing sr_id", None),
        ("nan", "missing sr_id", None),
        ("<NA>", "missing sr_id", None),
        ("", "missing sr_id", None),
        ("\u2003", "missing sr_id", None),
    ],
)
def test_a_file_with_an_unusable_id_is_copied(user, copies, caplog, sr_id, reason, usable):
    path = make(user / "c.db", SEED.format(" PRIMARY KEY"))
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("INSERT INTO soundrecording (sr_id, title) VALUES (CAST(? AS TEXT), 'x')", (sr_id,))
        connection.commit()
    with caplog.at_level("INFO"), Catalog.open(path, copies) as catalog:
        assert [recording.sr_id for recording in catalog] == ["123", "789", *([usable] if usable else [])]
        assert len(catalog) == 2 + bool(usable)
    assert f"because it holds ids that cannot be used as they are: {reason}" in caplog.text


@pytest.mark.parametrize("sr_id", [None, b"123", b""])
def test_a_file_with_an_id_that_is_no_text_is_copied(user, copies, caplog, sr_id):
    path = make(user / "c.db", SEED.format(" PRIMARY KEY"), rows=(YESTERDAY, COVER, (sr_id, *COVER[1:])))
    with caplog.at_level("INFO"), Catalog.open(path, copies) as catalog:
        assert [recording.sr_id for recording in catalog] == ["123", "789"]
    assert "because it holds ids that cannot be used as they are" in caplog.text


def test_unusual_ids_that_are_usable_are_read_in_place(user, copies):
    ids = ["a b", "é", "日" * 256, "x" * 256, "a\u200db", "none1", "😀", "~!", "a\u00a0b"]
    path = make(user / "c.db", SEED.format(" PRIMARY KEY"), rows=[(sr_id, "x", None, None, None) for sr_id in ids])
    with Catalog.open(path, copies) as catalog:
        assert [recording.sr_id for recording in catalog] == sorted(ids, key=str.encode)
        assert all(sr_id in catalog for sr_id in ids)
    assert databases(copies) == []


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=6) | st.text("naNoeulL<>A \0\x7f\ufffd", max_size=5) | st.binary(max_size=4))
def test_the_query_for_unusable_ids_agrees_with_the_importer(value):
    raw = value.encode("utf-8", "surrogatepass") if isinstance(value, str) else value
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.text_factory = lambda found: found.decode("utf-8", "replace")
        connection.execute("CREATE TABLE t (a)")
        connection.execute("INSERT INTO t VALUES (CAST(? AS TEXT))", (raw,))
        expected = problem_as_it_is(raw.decode("utf-8", "replace"))
        assert problem_in_table(connection, '"t"', '"a"') == expected


WIDE = "CREATE TABLE soundrecording (id INTEGER{}, Sr_Id {}, title TEXT, duration TEXT, upc, score REAL, cover BLOB)"
WIDE_ROW = (7, "123", "Yesterday", "04:18", "0123", 0.5, b"A\xffB")


@pytest.mark.parametrize(
    "statements",
    [
        [WIDE.format("", "TEXT PRIMARY KEY")],
        [WIDE.format(" PRIMARY KEY", "TEXT")],
        [WIDE.format(" PRIMARY KEY", "TEXT") + " WITHOUT ROWID"],
        ["PRAGMA journal_mode=WAL", WIDE.format(" PRIMARY KEY", "TEXT")],
        ["PRAGMA encoding='UTF-16le'", WIDE.format("", "TEXT PRIMARY KEY")],
        [WIDE.format("", "INTEGER")],
        [WIDE.format("", "TEXT").replace("upc", "row_as_stored")],
    ],
)
def test_a_row_is_given_as_it_is_stored_whether_or_not_the_file_is_copied(user, copies, statements):
    with Catalog.open(make(user / "c.db", *statements, rows=(WIDE_ROW,)), copies) as catalog:
        sr_id = 123 if "Sr_Id INTEGER" in statements[-1] else "123"
        upc = "row_as_stored" if "row_as_stored" in statements[-1] else "upc"
        assert list(catalog.row("123").items()) == [
            ("id", 7), ("Sr_Id", sr_id), ("title", "Yesterday"), ("duration", "04:18"), (upc, "0123"), ("score", 0.5),
            ("cover", "A\ufffdB"),
        ]  # fmt: skip
        assert catalog.get("123").duration_ms == 258_000
        with pytest.raises(UnknownRecordingError):
            catalog.row("7")


def test_a_view_is_copied(user, copies):
    statements = ("CREATE TABLE t (a TEXT PRIMARY KEY, b TEXT)", "INSERT INTO t VALUES ('123', 'Yesterday')")
    path = make(
        user / "c.db", *statements, "CREATE VIEW soundrecording AS SELECT a AS sr_id, b AS title FROM t", rows=()
    )
    with Catalog.open(path, copies) as catalog:
        assert catalog.get("123").title == "Yesterday"
        assert catalog.row("123") == {"sr_id": "123", "title": "Yesterday"}


def test_of_duplicates_the_first_row_stands_and_the_log_counts_them(user, copies, caplog):
    rows = (YESTERDAY, ("123", "Other", None, None, None), (None, "x", None, None, None), COVER)
    path = make(user / "c.db", SEED.format(""), rows=rows)
    with caplog.at_level("WARNING"), Catalog.open(path, copies) as catalog:
        assert catalog.get("123").title == "Yesterday"
    assert "1 rows rejected: duplicate sr_id" in caplog.text
    assert "1 rows rejected: missing sr_id" in caplog.text


def test_a_copy_is_used_again_until_the_file_changes(user, copies):
    path, other = make(user / "c.db", SEED.format("")), make(user / "other.db", SEED.format(""))
    Catalog.open(other, copies).close()
    (of_other,) = databases(copies)
    Catalog.open(path, copies).close()
    before = state(copies)
    Catalog.open(path, copies).close()
    assert state(copies) == before
    make(path, rows=(("456", "Yesterday", "The Beatles", None, None),))
    with Catalog.open(path, copies) as catalog:
        assert "456" in catalog
    assert len(databases(copies)) == 2
    assert of_other in databases(copies)


def test_a_file_with_a_write_ahead_log_is_read_and_left_alone(user, copies):
    path = make(user / "c.db", "PRAGMA journal_mode=WAL", SEED.format(" PRIMARY KEY"))
    before = state(user)
    assert list(before) == ["c.db"]
    with Catalog.open(path, copies) as catalog:
        assert len(catalog) == 2
    assert state(user) == before


def test_changes_that_are_still_in_the_log_are_seen(user, copies):
    with closing(sqlite3.connect(user / "c.db")) as writer:
        writer.execute("PRAGMA journal_mode=WAL")
        writer.execute(SEED.format(" PRIMARY KEY"))
        writer.execute("INSERT INTO soundrecording VALUES (?, ?, ?, ?, ?)", YESTERDAY)
        writer.commit()
        with Catalog.open(user / "c.db", copies) as catalog:
            assert "123" in catalog
        writer.execute("INSERT INTO soundrecording VALUES (?, ?, ?, ?, ?)", COVER)
        writer.commit()
        with Catalog.open(user / "c.db", copies) as catalog:
            assert "789" in catalog


def test_a_log_of_another_database_is_not_mixed_in(user, copies):
    with closing(sqlite3.connect(user / "c.db")) as writer:
        writer.execute("PRAGMA journal_mode=WAL")
        writer.execute(SEED.format(" PRIMARY KEY"))
        writer.execute("INSERT INTO soundrecording VALUES (?, ?, ?, ?, ?)", YESTERDAY)
        writer.commit()
        log = (user / "c.db-wal").read_bytes()
    write_catalog(user / "c.db", [{"sr_id": "new"}])
    (user / "c.db-wal").write_bytes(log)
    before = state(user)
    with pytest.raises(CatalogError, match=r"c\.db-wal lies beside it.*move it away"):
        Catalog.open(user / "c.db", copies)
    assert state(user) == before


def test_an_empty_log_is_harmless(user, copies):
    write_catalog(user / "c.db", [{"sr_id": "new"}])
    (user / "c.db-wal").touch()
    before = state(user)
    with Catalog.open(user / "c.db", copies) as catalog:
        assert "new" in catalog
    assert state(user) == before


def test_a_log_left_by_a_crash_is_an_error_that_says_what_to_do(user, tmp_path, copies):
    with closing(sqlite3.connect(user / "c.db")) as writer:
        writer.execute("PRAGMA journal_mode=WAL")
        writer.execute(SEED.format(" PRIMARY KEY"))
        crashed = tmp_path / "crashed"
        crashed.mkdir()
        for name in ("c.db", "c.db-wal"):
            (crashed / name).write_bytes((user / name).read_bytes())
    with pytest.raises(CatalogError, match="wal_checkpoint"):
        Catalog.open(crashed / "c.db", copies)
    assert sorted(child.name for child in crashed.iterdir()) == ["c.db", "c.db-wal"]


@pytest.mark.parametrize(
    ("statements", "message"),
    [
        (["CREATE TABLE songs (sr_id TEXT PRIMARY KEY, title)"], "expected a table soundrecording .* songs"),
        (["CREATE TABLE a (x)", "CREATE TABLE b (x)"], "found the tables: a, b"),
        (["PRAGMA user_version=1"], "found the tables: none"),
        (["CREATE TABLE soundrecording (id, title)"], "found no sr_id among: 'id', 'title'"),
        (["CREATE TABLE soundrecording (sr_id, name)"], "found no title among: 'sr_id', 'name'"),
        (["CREATE TABLE soundrecording (sr_id, title)"], "no usable row is left: there are no rows"),
        (
            ["CREATE TABLE soundrecording (sr_id, title)", "INSERT INTO soundrecording VALUES (NULL, 'x')"],
            r"no usable row is left: missing sr_id \(1\)",
        ),
    ],
)
def test_unusable_tables(user, copies, statements, message):
    path = make(user / "c.db", *statements, rows=())
    with pytest.raises(CatalogError, match=message):
        Catalog.open(path, copies)
    assert databases(copies) == []


@pytest.mark.parametrize("damage", ["missing", "folder", "empty", "text", "short", "truncated", "overwritten", "nul"])
def test_unusable_files(user, copies, damage):
    rows = [(f"id{number}", "x" * 500, None, None, None) for number in range(500)]
    path = make(user / "c.db", SEED.format(" PRIMARY KEY"), rows=rows)
    content = path.read_bytes()
    if damage == "missing":
        path.unlink()
    elif damage == "folder":
        path.unlink()
        path.mkdir()
    elif damage == "nul":
        path = user / "a\0b"
    else:
        path.write_bytes({
            "empty": b"", "text": b"sr_id,title\n1,x\n", "short": content[:50],
            "truncated": content[: len(content) // 2],
            "overwritten": content[:4096] + b"\xff" * (len(content) - 4096),
        }[damage])  # fmt: skip
    with pytest.raises(CatalogError), Catalog.open(path, copies) as catalog:
        list(catalog)


def test_undecodable_bytes_are_replaced(user, copies):
    statements = [
        SEED.format(" PRIMARY KEY"),
        "INSERT INTO soundrecording (sr_id, title) VALUES ('1', CAST(x'41ff42' AS TEXT))",
    ]
    path = make(
        user / "c.db", *statements, "INSERT INTO soundrecording (sr_id, title) VALUES ('2', x'41ff42')", rows=()
    )
    with Catalog.open(path, copies) as catalog:
        assert catalog.get("1").title == "A\ufffdB"
        assert catalog.row("2")["title"] == "A\ufffdB"
        assert len(catalog.digest()) == 64


@pytest.mark.parametrize("key", [" PRIMARY KEY", ""])
@pytest.mark.parametrize(
    ("columns", "values", "expected"),
    [
        ("duration, year", ("04:18", "'98"), (258_000, 1998)),
        ("duration, release_year", (258, 2011.0), (258_000, 2011)),
        ("Duration_MS, Release_Year", ("900", "2011-05-01"), (900, 2011)),
        ("duration, duration_ms, year, release_year", (1, 900, 1, 1965), (900, 1965)),
        ("duration, year", ("unknown", "unk."), (None, None)),
    ],
)
def test_durations_and_years_of_any_spelling(user, copies, key, columns, values, expected):
    path = make(
        user / "c.db", f"CREATE TABLE soundrecording (sr_id TEXT{key}, title, {columns})", rows=(("1", "x", *values),)
    )
    with Catalog.open(path, copies) as catalog:
        assert catalog.get("1") == Recording("1", "x", duration_ms=expected[0], release_year=expected[1])


def test_rows_without_a_usable_id_do_not_count(user, copies):
    rows = [(sr_id, "x", None, None, None) for sr_id in (None, None, "", "  ", "\t\n", b"1", "1")]
    path = make(user / "c.db", SEED.format(" PRIMARY KEY"), rows=rows)
    with Catalog.open(path, copies) as catalog:
        assert len(catalog) == 1
        assert [recording.sr_id for recording in catalog] == ["1"]
        assert "" not in catalog
        assert "  " not in catalog
        assert None not in catalog


def test_missing_values_of_every_spelling(user, copies):
    rows = [
        (str(number), value, value, value, value)
        for number, value in enumerate(("None", "null", "NULL", "nan", "", " "))
    ]
    with Catalog.open(make(user / "c.db", SEED.format(" UNIQUE"), rows=rows), copies) as catalog:
        assert all(recording == Recording(recording.sr_id) for recording in catalog)


def test_lookups(user, copies):
    rows = [(f"id{number}", f"title {number}", None, None, None) for number in range(2_500)]
    with Catalog.open(make(user / "c.db", SEED.format(" PRIMARY KEY"), rows=rows), copies) as catalog:
        wanted = [
            "id7",
            "absent",
            "id7",
            *(f"id{number}" for number in range(2_499, -1, -1)),
            "ID7",
            " id7",
            "id7\0",
            "\ud800",
        ]
        found = catalog.get_many(wanted)
        known = {row[0] for row in rows}
        assert [recording and recording.sr_id for recording in found] == [
            sr_id if sr_id in known else None for sr_id in wanted
        ]
        assert catalog.get_many([]) == []
        for absent in ("absent", "' OR '1'='1", "id7'; DROP TABLE soundrecording; --", "", "\ud800", "ID7", "id7\0"):
            assert absent not in catalog
            with pytest.raises(UnknownRecordingError):
                catalog.get(absent)
            with pytest.raises(UnknownRecordingError):
                catalog.row(absent)
        assert len(catalog) == 2_500


def test_order_is_that_of_bytes(tmp_path, copies):
    ids = ["b", "B", "10", "9", "ä", "z", "日", "😀", "｡"]
    write_catalog(tmp_path / "c.db", ({"sr_id": sr_id} for sr_id in ids))
    with Catalog.open(tmp_path / "c.db", copies) as catalog:
        assert [recording.sr_id for recording in catalog] == sorted(ids, key=str.encode)


def test_threads_may_share_a_catalogue(tmp_path, copies):
    write_catalog(tmp_path / "c.db", ({"sr_id": f"{number}", "title": f"t{number}"} for number in range(3_000)))
    with Catalog.open(tmp_path / "c.db", copies) as catalog, ThreadPoolExecutor(8) as pool:

        def work(start):
            looked_up = [catalog.get(f"{number}").title for number in range(start, 3_000, 16)]
            return looked_up, sum(1 for _ in catalog), catalog.row(f"{start}")["title"]

        for start, result in enumerate(pool.map(work, range(16))):
            assert result == ([f"t{number}" for number in range(start, 3_000, 16)], 3_000, f"t{start}")


def digest_of(path, copies):
    with Catalog.open(path, copies) as catalog:
        return catalog.digest()


def test_the_digest_is_that_of_the_content(user, copies):
    rows = [(f"id{number}", f"title {number}", "A|B", "None", "") for number in range(2_000)]
    reference = digest_of(make(user / "a.db", SEED.format(" PRIMARY KEY"), rows=rows), copies)
    shuffled = make(user / "b.db", SEED.format(""), rows=rows[::-1])
    extended = make(
        user / "c.db", SEED.format(" UNIQUE"), "ALTER TABLE soundrecording ADD COLUMN note DEFAULT 'x'", rows=()
    )
    with closing(sqlite3.connect(extended)) as connection:
        connection.executemany(
            "INSERT INTO soundrecording VALUES (?, ?, ?, null, null, 'n')", [row[:3] for row in rows]
        )
        connection.execute("DELETE FROM soundrecording WHERE sr_id = 'id5'")
        connection.commit()
        assert digest_of(extended, copies) != reference
        connection.execute("INSERT INTO soundrecording VALUES ('id5', 'title 5', 'A|B', 'nan', ' ', 'n')")
        connection.commit()
        connection.execute("VACUUM")
    assert digest_of(shuffled, copies) == digest_of(extended, copies) == reference


@pytest.mark.parametrize("field", FIELDS)
def test_every_field_is_in_the_digest(tmp_path, copies, field):
    row = {"sr_id": "1", **dict.fromkeys(FIELDS, "x"), "duration_ms": 1_000, "release_year": 1965}
    write_catalog(tmp_path / "a.db", [row])
    write_catalog(tmp_path / "b.db", [{**row, field: 1999 if field in {"duration_ms", "release_year"} else "y"}])
    assert digest_of(tmp_path / "a.db", copies) != digest_of(tmp_path / "b.db", copies)


def test_the_digest_keeps_fields_and_lists_apart(tmp_path, copies):
    contents = [
        {"title": "a", "album": "b"}, {"title": "b", "album": "a"}, {"title": "ab"}, {"artists": "a|b"},
        {"artists": "a", "contributors": "b"}, {"artists": "a,b"}, {"artists": 'a","b'},
    ]  # fmt: skip
    digests = set()
    for number, content in enumerate(contents):
        write_catalog(tmp_path / f"{number}.db", [{"sr_id": "1", **content}])
        digests.add(digest_of(tmp_path / f"{number}.db", copies))
    assert len(digests) == len(contents)


TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20)
IDS = TEXTS.filter(lambda text: not problem_as_it_is(text))


@settings(max_examples=50, deadline=None)
@given(
    st.dictionaries(
        IDS,
        st.tuples(TEXTS | st.none(), TEXTS, st.integers(-5, 3_000)),
        max_size=8,
    )
)
def test_every_content_comes_back(tmp_path_factory, content):
    folder = tmp_path_factory.mktemp("any")
    rows = [
        dict(zip(("sr_id", "title", "artists", "release_year"), (key, *rest), strict=True))
        for key, rest in content.items()
    ]
    write_catalog(folder / "c.db", rows)
    with Catalog.open(folder / "c.db", folder / "copies") as catalog:
        assert [recording.sr_id for recording in catalog] == sorted(content, key=str.encode)
        assert catalog.get_many(list(content)) == [catalog.get(sr_id) for sr_id in content]
        assert {sr_id: catalog.row(sr_id)["title"] for sr_id in content} == {
            key: value[0] for key, value in content.items()
        }


def test_recordings_are_drawn_by_their_ids_and_all_of_them_from_a_small_catalogue(tmp_path):
    rows = [(str(number), f"Title {number}", None, None, None) for number in range(4_000)]
    path = make(tmp_path / "catalog.db", SEED.format(" PRIMARY KEY"), rows=rows)
    with Catalog.open(path, tmp_path / "copies") as catalog:
        assert list(catalog.drawn(4_000)) == list(catalog)
        drawn = [recording.sr_id for recording in catalog.drawn(1_000)]
        assert 900 < len(drawn) < 1_100
        assert drawn == sorted(drawn)
        assert [recording.sr_id for recording in catalog.drawn(1_000)] == drawn
        assert set(drawn) <= {recording.sr_id for recording in catalog.drawn(2_000)}
        assert list(catalog.drawn(0)) == []


@pytest.fixture
def remembering(tmp_path, monkeypatch):
    monkeypatch.setattr("catalog.remembered._SETTLED_NS", 0)
    write_sample(tmp_path, 300, 100, 20)
    return tmp_path / "catalog.db", tmp_path / "copies"


def read_rows(monkeypatch):
    counted = []
    whole = Catalog._digest
    monkeypatch.setattr(Catalog, "_digest", lambda self: counted.append(1) or whole(self))
    return counted


def test_a_digest_is_remembered_until_the_file_changes(remembering, monkeypatch):
    path, copies = remembering
    reads = read_rows(monkeypatch)
    digests = []
    for _ in range(3):
        with Catalog.open(path, copies) as catalog:
            digests.append(catalog.digest())
    assert (len(set(digests)), len(reads)) == (1, 1)
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE soundrecording SET title = 'y' WHERE sr_id = '123'")
    connection.close()
    with Catalog.open(path, copies) as catalog:
        changed = catalog.digest()
    assert changed not in digests
    assert len(reads) == 2


def test_what_is_open_has_its_digest_though_its_file_be_gone(remembering):
    path, copies = remembering
    with Catalog.open(path, copies) as catalog:
        digest = catalog.digest()
        path.unlink()
        assert catalog.digest() == digest


def test_what_was_written_just_now_is_read_again(tmp_path, monkeypatch):
    write_sample(tmp_path, 300, 100, 20)
    reads = read_rows(monkeypatch)
    for _ in range(2):
        with Catalog.open(tmp_path / "catalog.db", tmp_path / "copies") as catalog:
            catalog.digest()
    assert len(reads) == 2


def test_a_catalogue_that_is_replaced_while_it_is_open_is_read(remembering):
    path, copies = remembering
    with Catalog.open(path, copies) as catalog:
        before = catalog.digest()
        other = path.with_name("other.db")
        shutil.copy(path, other)
        with sqlite3.connect(other) as connection:
            connection.execute("UPDATE soundrecording SET title = 'y' WHERE sr_id = '123'")
        connection.close()
        other.replace(path)
        assert catalog.digest() == before, "of what is open"
        with Catalog.open(path, copies) as new:
            assert new.digest() != before
        assert catalog.digest() == before


@pytest.mark.parametrize("note", ["", "{", "[]", '{"of": 1}', '{"of": [1, [], []], "digest": "x"}'])
def test_a_note_that_is_none_is_read_over(remembering, note):
    path, copies = remembering
    with Catalog.open(path, copies) as catalog:
        expected = catalog.digest()
    [kept] = copies.glob("digest-*.json")
    kept.write_text(note)
    with Catalog.open(path, copies) as catalog:
        assert catalog.digest() == expected


def test_where_nothing_can_be_kept_the_digest_is_the_same(remembering):
    path, copies = remembering
    copies.write_text("no folder")
    with Catalog.open(path, copies) as catalog:
        assert len(catalog.digest()) == 64
