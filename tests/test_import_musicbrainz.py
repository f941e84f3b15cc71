"""Imports of MusicBrainz dumps: lines of JSON, packed or not. Every line is made up after the public description."""

import csv
import gzip
import io
import json
import lzma
import tarfile
import tracemalloc
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.errors import CatalogError
from catalog.importers import import_catalog
from catalog.recording import noted
from catalog.store import Catalog
from catalog.versions import parse_markers
from onemaster import main

MBID = "00000000-0000-4000-8000-{:012}"


def credit(name, joined="", of=None):
    return {"name": name, "joinphrase": joined, "artist": {"id": MBID.format(9), "name": of or name, "sort-name": name}}


def relation(kind, target, content, credited=""):
    return {"type": kind, "target-type": target, "target-credit": credited, "direction": "backward", target: content}


def recording(number, **content):
    return {
        "id": MBID.format(number), "title": f"Title {number}", "length": 200_000 + number, "video": False, "isrcs": [],
        "disambiguation": "", "artist-credit": [credit("Somebody")], "relations": [], "tags": [], **content,
    }  # fmt: skip


WHOLE = recording(
    1,
    title="Harbour Lights",
    disambiguation="live, 1987-06-05: Town Hall",
    length=252_000,
    isrcs=["DEA628700001", "DEA628700002"],
    **{
        "artist-credit": [credit("The Lamplighters", " feat. ", of="Lamplighters"), credit("Ada | Eve")],
        "first-release-date": "1987-11",
        "relations": [
            relation("producer", "artist", {"id": MBID.format(7), "name": "Konrad Meyer"}, credited="K. Meyer"),
            relation("vocal", "artist", {"id": MBID.format(8), "name": "Ada"}),
            relation("mix", "artist", {"id": MBID.format(7), "name": "Konrad Meyer"}, credited="K. Meyer"),
            relation("performance", "work", {"id": MBID.format(5), "title": "Harbour Lights", "language": "eng"}),
            relation("purchase for download", "url", {"resource": "urn:x"}),
        ],
    },
)

NO_RECORDING = "no recording of MusicBrainz: neither length nor video nor isrcs"


@pytest.fixture
def target(tmp_path):
    return tmp_path / "work" / "catalog.db"


def lines(*contents):
    return b"".join(
        (content if isinstance(content, bytes) else json.dumps(content, ensure_ascii=False).encode()) + b"\n"
        for content in contents
    )


def archive(path, **members):
    with tarfile.open(path, "w:xz") as packed:
        for name, content in members.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            packed.addfile(entry, io.BytesIO(content))
    return path


def row(target, number=1):
    with Catalog.open(target, target.parent) as catalog:
        return catalog.row(MBID.format(number))


def rejected(report):
    return rejected_in(report.target)


def rejected_in(target):
    with target.with_name(f"{target.stem}.rejected.csv").open(encoding="utf-8", newline="") as stream:
        return [(int(found["line"]), found["reason"]) for found in csv.DictReader(stream)]


@pytest.mark.parametrize(
    "name", ["recording", "recording.jsonl", "recording.json", "recording.txt", "recording.tar.xz"]
)
def test_a_recording_in_our_columns(tmp_path, target, name):
    content = lines(WHOLE)
    path = tmp_path / name
    if name.endswith(".xz"):
        archive(path, **{"TIMESTAMP": b"2026-01-01\n", "README": b"...", "mbdump/recording": content})
    else:
        path.write_bytes(content)
    report = import_catalog([path], target)
    assert row(target) == {
        "sr_id": MBID.format(1), "title": "Harbour Lights (live, 1987-06-05: Town Hall)",
        "artists": "The Lamplighters|Ada / Eve", "isrcs": "DEA628700001|DEA628700002", "contributors": "K. Meyer|Ada",
        "album": None, "duration_ms": 252_000, "release_year": 1987, "label": None, "language": "eng",
    }  # fmt: skip
    assert (report.records, report.rejected, report.unreadable, report.columns) == (1, 0, {}, {})


def test_what_is_missing_stays_missing(tmp_path, target):
    path = tmp_path / "recording"
    path.write_bytes(lines(recording(1, length=None), {"id": MBID.format(2), "title": "Alone", "length": None}))
    import_catalog([path], target)
    assert row(target, 1)["duration_ms"] is None
    assert row(target, 2) == dict.fromkeys(row(target, 2)) | {"sr_id": MBID.format(2), "title": "Alone"}


@pytest.mark.parametrize(
    ("title", "note", "whole"),
    [
        ("Sea", "radio edit", "Sea (radio edit)"),
        ("Sea (Radio Edit)", "radio edit", "Sea (Radio Edit)"),
        ("Sea - Radio Edit", "radio edit", "Sea - Radio Edit"),
        ("Sea - Radio Edit", "radio version", "Sea - Radio Edit"),
        ("Sea Acoustic Version", "acoustic", "Sea Acoustic Version"),
        ("Sea", "", "Sea"),
        ("Sea", None, "Sea"),
        (None, "demo", None),
        # Words of the title that only look like the note.
        ("Alive", "live", "Alive (live)"),
        ("Oliver", "live", "Oliver (live)"),
        ("Edition", "edit", "Edition (edit)"),
        ("Live Forever", "live", "Live Forever (live)"),
        ("Radio Ga Ga", "radio", "Radio Ga Ga (radio)"),
        ("Paris, Texas", "Paris", "Paris, Texas (Paris)"),
        # The kind of version stands there, but not which one of them.
        ("Sea (live)", "live, 1987: Town Hall", "Sea (live) (live, 1987: Town Hall)"),
        ("Sea (live at home)", "live", "Sea (live at home)"),
        ("Sea (Ada remix)", "Eve remix", "Sea (Ada remix) (Eve remix)"),
        ("Sea (live)", "acoustic, live", "Sea (live) (acoustic, live)"),
        # What stands behind a colon is there, whether it is a subtitle or a version.
        ("Harbour: A Night Out", "a night out", "Harbour: A Night Out"),
        ("Harbour: Live", "live", "Harbour: Live"),
    ],
)
def test_a_disambiguation_stands_behind_the_title_unless_it_is_there(tmp_path, target, title, note, whole):
    (tmp_path / "recording").write_bytes(lines(recording(1, title=title, disambiguation=note)))
    import_catalog([tmp_path / "recording"], target)
    assert row(target)["title"] == whole


WORDS = ["live", "Alive", "Edit", "radio", "(", ")", " - ", ":", "[live]", "part 2", "at home", "Sea", "remix"]


@given(
    title=st.lists(st.sampled_from(WORDS), min_size=1, max_size=5).map(" ".join),
    note=st.lists(st.sampled_from(WORDS), min_size=1, max_size=4).map(" ".join),
)
def test_a_note_loses_no_kind_of_version_and_is_written_once(title, note):
    whole = noted(title, note)
    assert kinds(whole) == kinds(f"{title.strip()} ({note.strip()})")
    assert noted(whole, note) == whole


def kinds(title):
    return {marker.type for marker in parse_markers(title)}


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b'{"id": "x", "title"', "no JSON object on the line"),
        (b"[1, 2]", "no JSON object on the line"),
        (b"\xff\xfe", "no JSON object on the line"),
        (b"[" * 100_000, "no JSON object on the line"),
        (b'{"length": ' + b"9" * 5_000 + b"}", "no JSON object on the line"),
        ({"id": MBID.format(5), "title": "A release", "media": []}, NO_RECORDING),
        (recording(5, id=None), "missing sr_id"),
        (recording(5, id=5), "not as MusicBrainz writes it: id"),
        (recording(5, title=["x"]), "not as MusicBrainz writes it: title"),
        (recording(5, length={"ms": 5}), "not as MusicBrainz writes it: length"),
        (recording(5, isrcs=[{"id": "x"}]), "not as MusicBrainz writes it: isrcs"),
        (recording(5, isrcs="DEA628700001"), "not as MusicBrainz writes it: isrcs"),
        (recording(5, relations=["x"]), "not as MusicBrainz writes it: relations"),
        (recording(5, relations=[{"artist": "x"}]), "not as MusicBrainz writes it: artist"),
        (recording(5, relations=[{"work": {"languages": "x"}}]), "not as MusicBrainz writes it: languages"),
        (recording(5, relations=[{"work": {"relations": "x"}}]), "not as MusicBrainz writes it: relations"),
        (recording(5, **{"artist-credit": [{"name": 1}]}), "not as MusicBrainz writes it: name"),
        (recording(5, title="a\0b"), "NUL character"),
        (rb'{"id": "x", "title": "\ud83d", "length": null}', "half of a surrogate pair"),
        (recording(1), "duplicate sr_id"),
        (b" " * (16 << 20) + b"{}", "line too long: more than 16 MiB"),
        (recording(5, title="x" * (1 << 20) + "x"), "cell too long: more than 1 MiB"),
    ],
)  # fmt: skip
def test_lines_that_cannot_be_used_are_reported(tmp_path, target, line, reason):
    path = tmp_path / "recording"
    path.write_bytes(lines(recording(1), b"", line, recording(2)))
    report = import_catalog([path], target)
    assert rejected(report) == [(3, reason)]
    assert report.records == 2


def test_lengths_that_are_none_are_counted(tmp_path, target):
    (tmp_path / "recording").write_bytes(lines(recording(1, length="long"), recording(2, length=-4)))
    assert import_catalog([tmp_path / "recording"], target).unreadable == {"duration_ms": 2}


def test_another_dump_is_refused_by_name(tmp_path, target):
    path = archive(tmp_path / "release.tar.xz", **{"COPYING": b"", "mbdump/release": b"{}\n"})
    with pytest.raises(
        CatalogError, match=r"expected mbdump/recording in .* found COPYING, mbdump/release; .*recording"
    ):
        import_catalog([path], target)


def test_a_damaged_archive_leaves_the_previous_catalogue(tmp_path, target):
    path = archive(tmp_path / "a.tar.xz", **{"mbdump/recording": lines(*(recording(n) for n in range(3_000)))})
    import_catalog([path], target)
    before, content = target.read_bytes(), path.read_bytes()
    for damaged in (
        content[:6],
        content[:40],
        content[: len(content) // 2],
        content[:500] + b"\0" * 400 + content[900:],
    ):
        path.write_bytes(damaged)
        with pytest.raises(CatalogError, match=r"complete archive in .*a\.tar\.xz"):
            import_catalog([path], target)
    assert target.read_bytes() == before


def test_a_json_document_that_is_no_dump_is_refused(tmp_path, target):
    path = tmp_path / "pretty.json"
    path.write_text(json.dumps([recording(1)], indent=2))
    with pytest.raises(CatalogError, match=r"no JSON object on the line .*as MusicBrainz dumps them, one a line"):
        import_catalog([path], target)


def test_a_csv_file_stays_one_whatever_its_name(tmp_path, target):
    path = tmp_path / "catalog.json"
    path.write_text("sr_id,title\n1,a\n")
    assert import_catalog([path], target).records == 1


def test_memory_stays_bounded(tmp_path, target):
    def peak(count):
        path = archive(tmp_path / f"{count}.tar.xz", **{"mbdump/recording": lines(*map(recording, range(count)))})
        tracemalloc.start()
        assert import_catalog([path], target).records == count
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    peak(100)
    assert peak(9_000) < peak(3_000) + (1 << 20)


def entry(name, content=b"", size=None, **about):
    """One entry of an archive as it stands there, whatever it says of itself."""
    header = tarfile.TarInfo(name)
    header.size = len(content) if size is None else size
    for field, value in about.items():
        setattr(header, field, value)
    return header.tobuf(tarfile.GNU_FORMAT) + content + b"\0" * (-len(content) % tarfile.BLOCKSIZE)


def packed(path, *entries):
    path.write_bytes(lzma.compress(b"".join(entries) + bytes(2 * tarfile.BLOCKSIZE), preset=0))
    return path


END = entry("mbdump/recording", lines(recording(1)))


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ([entry("h", bytes(48 << 20), type=tarfile.XHDTYPE), END], "a header of 50331648 bytes"),
        ([entry("h", bytes(48 << 20), type=tarfile.XGLTYPE), END], "a header of 50331648 bytes"),
        ([entry("h", bytes(48 << 20), type=tarfile.GNUTYPE_LONGNAME), END], "a header of 50331648 bytes"),
        ([entry("h", bytes(48 << 20), type=tarfile.GNUTYPE_LONGLINK), END], "a header of 50331648 bytes"),
        ([entry("h", size=-512, type=tarfile.XHDTYPE), END], "a header of -512 bytes"),
        ([entry("a file", size=-512), END], "a size of -512 bytes"),
        ([entry("h", bytes(1 << 20), type=tarfile.GNUTYPE_LONGNAME)] * 48 + [END], ""),
        ([entry("x" * 99)] * 20_000 + [END], "expected mbdump/recording .* found x{99}, x{99}, "),
    ],
)  # fmt: skip
def test_an_archive_takes_no_more_memory_than_it_needs(tmp_path, target, entries, message):
    path = packed(tmp_path / "a.tar.xz", *entries)
    tracemalloc.start()
    if not message:
        assert import_catalog([path], target).records == 1
    else:
        with pytest.raises(CatalogError, match=message):
            import_catalog([path], target)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 8 << 20


def test_an_archive_that_asks_for_four_gigabytes_to_be_unpacked_is_refused(tmp_path, target):
    path = archive(tmp_path / "a.tar.xz", **{"mbdump/recording": lines(WHOLE)})
    content = bytearray(path.read_bytes())
    block = slice(12, 12 + 4 * (content[12] + 1))  # the header behind that of the stream: size, flags, filter ...
    assert content[14:16] == b"\x21\x01"
    content[16] = 40  # ... whose dictionary has 4 GiB
    content[block.stop - 4 : block.stop] = zlib.crc32(content[block][:-4]).to_bytes(4, "little")
    path.write_bytes(content)
    with pytest.raises(CatalogError, match=r"complete archive in .*Memory usage limit exceeded; .* or unpack"):
        import_catalog([path], target)


@pytest.mark.parametrize("parts", [1, 3])
def test_an_archive_that_was_packed_as_small_as_can_be_and_in_parts_is_read(tmp_path, target, parts):
    content = b"".join(
        [entry("mbdump", type=tarfile.DIRTYPE), entry("a link", size=99, type=tarfile.SYMTYPE), entry("x" * 200),
         entry("./mbdump/recording", lines(WHOLE, *map(recording, range(2, 500)))), bytes(10_240)]
    )  # fmt: skip
    step = -(-len(content) // parts)
    pieces = [lzma.compress(content[at : at + step], preset=9) for at in range(0, len(content), step)]
    (tmp_path / "a.tar.xz").write_bytes(bytes(8).join(pieces))
    assert import_catalog([tmp_path / "a.tar.xz"], target).records == 499


def test_a_size_that_stands_in_a_header_of_its_own_is_read(tmp_path, target):
    content = lines(WHOLE, recording(2))
    number = f"size={len(content)}\n".encode()
    about = b"20 comment=size=9999\n" + f"{len(number) + 3} ".encode() + number
    whole = entry("mbdump/recording", content)
    nothing = entry("mbdump/recording")
    packed(tmp_path / "a.tar.xz", entry("h", about, type=tarfile.XHDTYPE), nothing + whole[tarfile.BLOCKSIZE :])
    assert import_catalog([tmp_path / "a.tar.xz"], target).records == 2


def test_a_size_beyond_eight_gigabytes_is_read(tmp_path, target):
    path = packed(tmp_path / "a.tar.xz", entry("mbdump/recording", lines(WHOLE), size=9 << 30))
    with pytest.raises(CatalogError, match=r"complete archive in .*unexpected end of data"):
        import_catalog([path], target)


@settings(max_examples=60, deadline=None)
@given(
    content=st.binary(max_size=200) | st.text('{}[]",:0 \n\\ud', max_size=60).map(str.encode),
    json_in_front=st.sampled_from(
        [b"", b"{", b'{"id": "1", "title": "a", "length": 5}\n', b"\xef\xbb\xbf{", b"\xfd7zXZ\0"]
    ),
    name=st.sampled_from(["f.json", "f.ndjson", "recording"]),
)
def test_any_bytes_are_imported_or_refused(tmp_path_factory, content, json_in_front, name):
    folder = tmp_path_factory.mktemp("bytes")
    (folder / name).write_bytes(json_in_front + content)
    try:
        report = import_catalog([folder / name], folder / "c.db")
    except CatalogError:
        assert not (folder / "c.db").exists()
        return
    assert report.records >= 1
    assert report.rejected == (len(rejected(report)) if report.rejected_file else 0)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 4_000), st.binary(min_size=1, max_size=12))
def test_any_archive_is_imported_or_refused(tmp_path_factory, place, put):
    folder = tmp_path_factory.mktemp("archive")
    archive(folder / "a.tar.xz", TIMESTAMP=b"now", **{"mbdump/recording": lines(WHOLE, recording(2))})
    content = bytearray(lzma.decompress((folder / "a.tar.xz").read_bytes()))
    content[place : place + len(put)] = put
    (folder / "a.tar.xz").write_bytes(lzma.compress(bytes(content)))
    try:
        report = import_catalog([folder / "a.tar.xz"], folder / "c.db")
    except CatalogError:
        assert not (folder / "c.db").exists()
        return
    assert 1 <= report.records <= 2


def test_the_command_says_what_it_will_read(tmp_path, target, capsys):
    path = tmp_path / "recording"
    path.write_bytes(lines(WHOLE, b"{}"))
    assert main(["import", str(path), "--data", str(target.parent), "--dry-run"]) == 0
    told = (
        f"{path}: MusicBrainz dump of recordings\n"
        "  its first recording, as it will be stored:\n"
        f"  sr_id         {MBID.format(1)}\n"
        "  title         Harbour Lights (live, 1987-06-05: Town Hall)\n"
        "  artists       The Lamplighters|Ada / Eve\n"
        "  isrcs         DEA628700001|DEA628700002\n"
        "  contributors  K. Meyer|Ada\n"
        "  duration_ms   252000\n"
        "  release_year  1987\n"
        "  language      eng\n"
    )
    assert capsys.readouterr().out == f"{told}dry run: nothing was written\n"
    assert not target.exists()
    assert main(["import", str(path), "--data", str(target.parent)]) == 0
    assert capsys.readouterr().out.startswith(f"{told}wrote 1 recordings")
    assert rejected_in(target) == [(2, NO_RECORDING)]


def test_a_file_of_which_nothing_can_be_used_has_no_first_recording_to_show(tmp_path, capsys):
    path = tmp_path / "recording"
    path.write_bytes(lines(b"{}"))
    assert main(["import", str(path), "--data", str(tmp_path), "--dry-run"]) == 0
    assert "none of its first 1,000 rows can be used" in capsys.readouterr().out


def people(*kinds):
    return [relation(kind, "artist", {"id": MBID.format(7), "name": f"A {kind}"}) for kind in kinds]


WORK = {"id": MBID.format(5), "title": "Harbour Lights", "relations": people("composer", "publishing", "lyricist")}


@pytest.mark.parametrize(
    ("relations", "contributors"),
    [
        (people("mastering", "engineer", "phonographic copyright", "recording", "mix", "photography"), None),
        (people("vocal", "mastering", "performing orchestra", "producer"),
         "A vocal|A performing orchestra|A producer"),
        (people("conductor", "instrument arranger", "remixer"), "A conductor|A instrument arranger|A remixer"),
        ([*people("instrument"), relation("performance", "work", WORK)], "A instrument|A composer|A lyricist"),
        ([relation("performance", "work", {"title": "Of no one"})], None),
    ],
)  # fmt: skip
def test_who_wrote_or_shaped_a_recording_contributes_and_who_engineered_it_does_not(
    tmp_path, target, relations, contributors
):
    (tmp_path / "recording").write_bytes(lines(recording(1, relations=relations)))
    import_catalog([tmp_path / "recording"], target)
    assert row(target)["contributors"] == contributors


def test_works_of_works_are_not_followed(tmp_path, target):
    medley = {"title": "Medley", "relations": [relation("medley", "work", WORK), *people("composer")]}
    (tmp_path / "recording").write_bytes(lines(recording(1, relations=[relation("performance", "work", medley)])))
    import_catalog([tmp_path / "recording"], target)
    assert row(target)["contributors"] == "A composer"


def performance(*attributes):
    return relation("performance", "work", {"title": "Sea"}) | {"attributes": list(attributes)}


@pytest.mark.parametrize(
    ("relations", "about", "title"),
    [
        ([performance("live")], {}, "Sea (live)"),
        ([performance("instrumental", "cover", "partial")], {}, "Sea (instrumental)"),
        ([performance("live", "karaoke")], {}, "Sea (live) (karaoke)"),
        ([performance("live")], {"disambiguation": "live, 1987-06-05: Town Hall"}, "Sea (live, 1987-06-05: Town Hall)"),
        ([performance("instrumental")], {"title": "Sea (Instrumental)"}, "Sea (Instrumental)"),
        ([performance("live"), performance()], {}, "Sea"),
        ([performance("cover")], {}, "Sea"),
        ([relation("vocal", "artist", {"name": "Ada"}) | {"attributes": ["live"]}], {}, "Sea"),
    ],
)
def test_how_a_work_is_performed_stands_behind_the_title_unless_it_is_there(tmp_path, target, relations, about, title):
    (tmp_path / "recording").write_bytes(lines(recording(1, **{"title": "Sea", "relations": relations, **about})))
    import_catalog([tmp_path / "recording"], target)
    assert row(target)["title"] == title


def test_nobody_is_no_artist(tmp_path, target):
    nobody = {"artist-credit": [credit("[unknown]")], "relations": people("composer")}
    nobody["relations"][0]["artist"]["name"] = "[no artist]"
    (tmp_path / "recording").write_bytes(lines(recording(1, **nobody)))
    import_catalog([tmp_path / "recording"], target)
    assert (row(target)["artists"], row(target)["contributors"]) == (None, None)


def test_a_video_is_left_out(tmp_path, target):
    (tmp_path / "recording").write_bytes(lines(recording(1, title="Sea"), recording(2, title="Sea", video=True)))
    report = import_catalog([tmp_path / "recording"], target)
    assert (report.records, report.reasons) == (1, {"a video, no sound recording": 1})
    assert rejected(report) == [(2, "a video, no sound recording")]


@pytest.mark.parametrize(
    ("work", "language"),
    [
        ({"language": None, "languages": ["deu"]}, "deu"),
        ({"language": None, "languages": ["deu", "eng"]}, None),
        ({"language": None, "languages": []}, None),
        ({"language": "eng", "languages": ["eng"]}, "eng"),
    ],
)
def test_the_language_is_the_only_one_of_the_work(tmp_path, target, work, language):
    sung = relation("performance", "work", {"title": "Sea", **work})
    (tmp_path / "recording").write_bytes(lines(recording(1, relations=[sung])))
    import_catalog([tmp_path / "recording"], target)
    assert row(target)["language"] == language


@pytest.mark.parametrize("name", ["recording.jsonl.gz", "recording.json.gz", "recording.gz", "some.download"])
def test_lines_packed_with_gzip_are_read(tmp_path, target, name):
    (tmp_path / name).write_bytes(gzip.compress(lines(WHOLE)) + gzip.compress(lines(recording(2))))
    assert import_catalog([tmp_path / name], target).records == 2
    assert row(target)["title"] == "Harbour Lights (live, 1987-06-05: Town Hall)"


def test_lines_packed_with_gzip_that_break_off_are_refused(tmp_path, target):
    content = gzip.compress(lines(*map(recording, range(3_000))))
    for damaged in (content[:-2_000], content[:9_000] + bytes(400) + content[9_400:]):
        (tmp_path / "recording.jsonl.gz").write_bytes(damaged)
        with pytest.raises(CatalogError, match=r"complete archive in .*recording\.jsonl\.gz"):
            import_catalog([tmp_path / "recording.jsonl.gz"], target)
    assert not target.exists()


def test_what_is_packed_with_gzip_takes_no_more_memory_than_it_needs(tmp_path, target):
    (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress(lines(WHOLE, b"{" * (192 << 20)), 1))
    tracemalloc.start()
    report = import_catalog([tmp_path / "a.jsonl.gz"], target)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert rejected(report) == [(2, "line too long: more than 16 MiB")]
    assert most < 96 << 20


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["name", "artist", "work", "language", "target-credit"]), inner, max_size=3)
    ),
    max_leaves=6,
)


@settings(max_examples=80, deadline=None)
@given(st.dictionaries(st.sampled_from(list(WHOLE)), VALUES, min_size=1))
def test_any_json_is_imported_or_reported(tmp_path_factory, content):
    folder = tmp_path_factory.mktemp("json")
    (folder / "recording").write_text("\n".join(map(json.dumps, [WHOLE, {**WHOLE, "id": "other", **content}])))
    report = import_catalog([folder / "recording"], folder / "c.db")
    assert report.records + report.rejected == 2
