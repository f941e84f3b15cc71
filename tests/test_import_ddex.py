"""Imports of DDEX messages. Every message is made up after the public schemas of ERN 4.1 to 4.3."""

import csv
import subprocess
import sys
import tracemalloc
from pathlib import Path
from xml.sax.saxutils import escape

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.errors import CatalogError
from catalog.importers import import_catalog
from catalog.store import Catalog

ROOT = Path(__file__).parents[1]
PARTIES = {"PBand": "The Lamplighters", "PGuest": "Ada Møller", "PWriter": "Eve | Sons", "PLabel": "Pier Records"}
RELEASE = (
    "<Release><ReleaseReference>R0</ReleaseReference><ReleaseType>Album</ReleaseType>"
    "<DisplayTitleText>Harbour Songs</DisplayTitleText>"
    "<ReleaseLabelReference>PLabel</ReleaseLabelReference>"
    '<ReleaseDate IsDefault="true">2019-04-05</ReleaseDate><OriginalReleaseDate>1987-11-02</OriginalReleaseDate>'
    "<ResourceGroup><ResourceGroup><ResourceGroupContentItem><SequenceNumber>1</SequenceNumber>"
    "<ReleaseResourceReference>A1</ReleaseResourceReference></ResourceGroupContentItem></ResourceGroup></ResourceGroup>"
    "</Release>"
)
PEOPLE = (
    "<DisplayArtistName>The Lamplighters feat. Ada Møller</DisplayArtistName>"
    '<DisplayArtist SequenceNumber="2"><ArtistPartyReference>PGuest</ArtistPartyReference>'
    "<DisplayArtistRole>FeaturedArtist</DisplayArtistRole></DisplayArtist>"
    '<DisplayArtist SequenceNumber="1"><ArtistPartyReference>PBand</ArtistPartyReference>'
    "<DisplayArtistRole>MainArtist</DisplayArtistRole></DisplayArtist>"
    '<Contributor SequenceNumber="1"><ContributorPartyReference>PWriter</ContributorPartyReference>'
    "<Role>Composer</Role><Role>Lyricist</Role></Contributor>"
    '<Contributor SequenceNumber="2"><ContributorPartyReference>PGuest</ContributorPartyReference>'
    "<Role>AssociatedPerformer</Role></Contributor>"
)
TITLE = "<DisplayTitleText>Harbour Lights</DisplayTitleText>"
AS_41 = "<ResourceId><ISRC>DEA628700001</ISRC></ResourceId>"
AS_43 = (
    "<SoundRecordingEdition><Type>NonImmersiveEdition</Type><ResourceId><ISRC>DEA628700001</ISRC></ResourceId>"
    "<PLine><Year>1986</Year><PLineText>(P) 1986 Pier</PLineText></PLine></SoundRecordingEdition>"
)


def sound(*parts, reference="A1", codes=AS_43):
    named = f"<ResourceReference>{reference}</ResourceReference>" if reference else ""
    content = "".join(parts)
    return f"<SoundRecording>{named}<Type>MusicalWorkSoundRecording</Type>{codes}{content}</SoundRecording>"


def message(*sounds, version="43", releases=RELEASE, message_id="M1", prefix="ern:", parties=None):
    listed = "".join(
        f"<Party><PartyReference>{reference}</PartyReference><PartyName><FullName>{escape(name)}</FullName></PartyName>"
        f"<PartyName LanguageAndScriptCode='ja'><FullName>港</FullName></PartyName></Party>"
        for reference, name in (PARTIES if parties is None else parties).items()
    )
    space = f"xmlns{':ern' if prefix else ''}='http://ddex.net/xml/ern/{version}'"
    header = f"<MessageId>{message_id}</MessageId>" if message_id else ""
    return (
        f"<?xml version='1.0' encoding='UTF-8'?>\n<{prefix}NewReleaseMessage {space} AvsVersionId='5'>\n"
        f"<MessageHeader>{header}<MessageSender><PartyId>P0</PartyId></MessageSender></MessageHeader>\n"
        f"<PartyList>{listed}</PartyList>\n<ResourceList>\n" + "\n".join(sounds) + "\n<Image><ResourceReference>A9"
        f"</ResourceReference></Image></ResourceList>\n<ReleaseList>{releases}</ReleaseList>\n"
        f"<DealList><ReleaseDeal><DealReleaseReference>R0</DealReleaseReference></ReleaseDeal></DealList>\n"
        f"</{prefix}NewReleaseMessage>\n"
    )


@pytest.fixture
def target(tmp_path):
    return tmp_path / "work" / "catalog.db"


@pytest.fixture
def load(tmp_path, target):
    def run(content, name="message.xml"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return import_catalog([path], target)

    return run


def row(target, sr_id="M1:A1"):
    with Catalog.open(target, target.parent) as catalog:
        return catalog.row(sr_id)


def rejected(report):
    with report.rejected_file.open(encoding="utf-8", newline="") as stream:
        return [(found["file"], int(found["line"]), found["reason"]) for found in csv.DictReader(stream)]


@pytest.mark.parametrize("prefix", ["ern:", ""])
@pytest.mark.parametrize(
    ("version", "codes"), [("41", AS_41), ("411", AS_41), ("42", AS_41), ("43", AS_43), ("432", AS_43)]
)
def test_a_recording_in_our_columns(load, target, version, codes, prefix):
    parts = (TITLE, PEOPLE, "<Duration>PT0H4M12S</Duration><LanguageOfPerformance>en</LanguageOfPerformance>")
    report = load(message(sound(*parts, codes=codes), version=version, prefix=prefix))
    assert row(target) == {
        "sr_id": "M1:A1", "title": "Harbour Lights", "artists": "The Lamplighters|Ada Møller",
        "isrcs": "DEA628700001", "contributors": "Eve / Sons|Ada Møller", "album": "Harbour Songs",
        "duration_ms": 252_000, "release_year": 1987, "label": "Pier Records", "language": "en",
    }  # fmt: skip
    assert (report.records, report.rejected, report.unreadable, report.columns) == (1, 0, {}, {})


def test_what_is_missing_stays_missing(load, target):
    load(message(sound(codes=""), releases="", parties={}))
    assert row(target) == dict.fromkeys(row(target)) | {"sr_id": "M1:A1"}


def test_without_parties_the_artist_is_the_one_that_is_displayed(load, target):
    load(message(sound(TITLE, PEOPLE), parties={}))
    assert row(target)["artists"] == "The Lamplighters feat. Ada Møller"
    assert row(target)["contributors"] is None


def test_who_is_displayed_as_composer_only_is_a_contributor(load, target):
    composer = (
        "<DisplayArtist><ArtistPartyReference>PWriter</ArtistPartyReference>"
        "<DisplayArtistRole>Composer</DisplayArtistRole></DisplayArtist>"
    )
    load(message(sound(TITLE, composer, PEOPLE.partition("<Contributor ")[0])))
    assert row(target)["artists"] == "The Lamplighters|Ada Møller"
    assert row(target)["contributors"] == "Eve / Sons"


def test_two_editions_give_two_codes_and_their_contributors(load, target):
    other = AS_43.replace("DEA628700001", "DEA628700002").replace(
        "<PLine>",
        "<EditionContributor><ContributorPartyReference>PGuest</ContributorPartyReference></EditionContributor><PLine>",
    )
    load(message(sound(TITLE, codes=AS_43 + other)))
    assert row(target)["isrcs"] == "DEA628700001|DEA628700002"
    assert row(target)["contributors"] == "Ada Møller"


@pytest.mark.parametrize(
    ("parts", "title"),
    [
        (TITLE + "<VersionType>LiveVersion</VersionType>", "Harbour Lights (Live Version)"),
        (TITLE + "<VersionType>AlbumVersion</VersionType>", "Harbour Lights"),
        (TITLE + '<VersionType UserDefinedValue="Attic Take">UserDefined</VersionType>', "Harbour Lights (Attic Take)"),
        (TITLE + "<VersionType>UserDefined</VersionType>", "Harbour Lights"),
        (TITLE + "<VersionType/>", "Harbour Lights"),
        (TITLE.replace("Lights", "Lights (live at home)") + "<VersionType>LiveVersion</VersionType>",
         "Harbour Lights (live at home)"),
        (TITLE.replace("Lights", "Alive") + "<VersionType>LiveVersion</VersionType>", "Harbour Alive (Live Version)"),
        (TITLE.replace("Harbour Lights", "Live Forever") + "<VersionType>LiveVersion</VersionType>",
         "Live Forever (Live Version)"),
        (TITLE.replace("Harbour Lights", "Radio Ga Ga") + "<VersionType>RadioVersion</VersionType>",
         "Radio Ga Ga (Radio Version)"),
        (TITLE.replace("Lights", "Lights - Radio Edit") + "<VersionType>RadioVersion</VersionType>",
         "Harbour Lights - Radio Edit"),
        (TITLE + "<DisplayTitle><TitleText>Harbour Lights</TitleText><SubTitle>Radio Edit</SubTitle></DisplayTitle>",
         "Harbour Lights (Radio Edit)"),
        (TITLE.replace("Lights", "Lights - Radio Edit")
         + "<DisplayTitle><TitleText>Harbour Lights</TitleText><SubTitle>Radio Edit</SubTitle></DisplayTitle>",
         "Harbour Lights - Radio Edit"),
        ("<DisplayTitle><TitleText>Harbour Lights</TitleText></DisplayTitle>", "Harbour Lights"),
        ("<DisplayTitleText>Hafenlichter</DisplayTitleText><DisplayTitleText IsDefault='true'>Harbour Lights"
         "</DisplayTitleText>", "Harbour Lights"),
        ("<DisplayTitleText>Harbour <!-- no --> &amp; <![CDATA[<Lights>]]></DisplayTitleText>", "Harbour  & <Lights>"),
        ("<VersionType>LiveVersion</VersionType>", None),
    ],
)  # fmt: skip
def test_titles_hold_subtitles_and_versions(load, target, parts, title):
    load(message(sound(parts)))
    assert row(target)["title"] == title


@pytest.mark.parametrize(
    ("releases", "parts", "year"),
    [
        (RELEASE, "", 1987),
        (RELEASE.replace("<OriginalReleaseDate>1987-11-02</OriginalReleaseDate>", ""), "", 2019),
        ("", "<FirstPublicationDate>1988-01</FirstPublicationDate>", 1988),
        ("", "", 1986),
    ],
)
def test_the_year_is_that_of_the_release_or_else_of_the_recording(load, target, releases, parts, year):
    load(message(sound(TITLE, parts), releases=releases))
    assert row(target)["release_year"] == year


def test_the_label_of_a_track_goes_before_that_of_its_release(load, target):
    track = (
        "<TrackRelease><ReleaseReference>R1</ReleaseReference><ReleaseResourceReference>A1</ReleaseResourceReference>"
        "<ReleaseLabelReference>PBand</ReleaseLabelReference></TrackRelease>"
    )
    load(message(sound(TITLE), releases=RELEASE + track))
    assert row(target)["label"] == "The Lamplighters"
    assert row(target)["album"] == "Harbour Songs"


def test_a_folder_of_messages_with_what_is_wrong_in_it(tmp_path, target):
    folder = tmp_path / "batch"
    (folder / "0123").mkdir(parents=True)
    contents = {
        "0123/good.xml": message(
            sound(TITLE), sound(TITLE, reference=""), sound(TITLE, reference="A2"), message_id="G"
        ),
        "again.XML": message(sound(TITLE), message_id="G"),
        "broken.xml": message(sound(TITLE), message_id="B").replace("</ResourceList>", ""),
        "doctype.xml": message(sound(TITLE), message_id="D").replace("?>\n", "?>\n<!DOCTYPE x>\n", 1),
        "manifest.xml": "<ManifestMessage xmlns='http://ddex.net/xml/ern-c/16'/>",
        "nameless.xml": message(sound(TITLE), message_id=""),
        "old.xml": message(sound(TITLE), message_id="O", version="382"),
        "readme.txt": "none of it",
    }
    for name, content in contents.items():
        (folder / name).write_text(content, encoding="utf-8")
    report = import_catalog([folder], target)
    with Catalog.open(target, tmp_path) as catalog:
        assert [recording.sr_id for recording in catalog] == ["G:A1", "G:A2"]
    found = {(file.removeprefix(f"{folder}/"), line): reason for file, line, reason in rejected(report)}
    assert list(found) == [
        ("0123/good.xml", 7), ("again.XML", 6), ("broken.xml", 10), ("doctype.xml", 3), ("manifest.xml", 1),
        ("nameless.xml", 1), ("old.xml", 2),
    ]  # fmt: skip
    reasons = list(found.values())
    assert reasons[:2] == ["no ResourceReference", "duplicate sr_id"]
    for reason, part in zip(
        reasons[2:], ["not well-formed", "document type", "ManifestMessage", "no MessageId", "before 4"], strict=True
    ):
        assert reason.startswith("unusable message: ")
        assert part in reason
    assert report.reasons == {"unusable message": 5, "no ResourceReference": 1, "duplicate sr_id": 1}


def test_a_message_is_read_whole_or_not_at_all(tmp_path, target):
    folder = tmp_path / "batch"
    folder.mkdir()
    sounds = [sound(TITLE, PEOPLE, reference=f"A{number}") for number in range(400)]
    (folder / "cut.xml").write_text(message(*sounds)[:-400], encoding="utf-8")
    (folder / "good.xml").write_text(message(sound(TITLE), message_id="G"), encoding="utf-8")
    report = import_catalog([folder], target)
    assert (report.records, report.rejected) == (1, 1)


def test_a_folder_without_messages_is_refused(tmp_path, target):
    with pytest.raises(CatalogError, match=r"DDEX messages in the folder .* found no file named \.xml"):
        import_catalog([tmp_path], target)


LAUGHS = "".join(f"<!ENTITY l{n} '{f'&l{n - 1};' * 10}'>" for n in range(1, 10))


@pytest.mark.parametrize(
    ("doctype", "title"),
    [
        (f"<!DOCTYPE x [<!ENTITY l0 'lol'>{LAUGHS}]>", "&l9;"),
        ("<!DOCTYPE x [<!ENTITY f SYSTEM 'file:///etc/hostname'>]>", "&f;"),
        ("<!DOCTYPE x [<!ENTITY % p SYSTEM 'http://127.0.0.1:9/x.dtd'> %p;]>", "x"),
        ("<!DOCTYPE x SYSTEM 'http://127.0.0.1:9/x.dtd'>", "x"),
        ("<!DOCTYPE x>", "x"),
    ],
)
@pytest.mark.parametrize("name", ["message.xml", "message.txt"])
def test_document_types_and_entities_are_refused_before_anything_of_them_is_read(load, target, doctype, title, name):
    content = message(sound(f"<DisplayTitleText>{title}</DisplayTitleText>")).replace("?>\n", f"?>\n{doctype}\n", 1)
    tracemalloc.start()
    with pytest.raises(CatalogError, match=r"found a document type \(<!DOCTYPE\).*remove it"):
        load(content, name)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 4 << 20
    assert not target.exists()


def test_entities_in_attributes_do_not_grow(load):
    doctype = f"<!DOCTYPE x [<!ENTITY l0 'lol'>{LAUGHS}]>"
    content = message(sound(TITLE)).replace("?>\n", f"?>\n{doctype}\n", 1).replace("AvsVersionId='5'", "a='&l9;'")
    with pytest.raises(CatalogError, match=r"not well-formed|document type"):
        load(content)


@pytest.mark.parametrize(
    ("content", "message_"),
    [
        ("<a/>", "found the element a; versions before 4"),
        (message(sound(TITLE), version="382"), r"found the element \{http://ddex.net/xml/ern/382\}NewReleaseMessage"),
        ("<?xml version='1.0'?>", "not well-formed"),
        ("<?xml version='1.0' encoding='klingon'?><a/>", "not well-formed"),
        ("<", "not well-formed"),
        (message(), r"no usable row is left: no rows; check that they are recordings as MusicBrainz dumps"),
        (
            message(sound(TITLE))[:-30],
            r"unusable message \(1\); the first is .*message\.xml, line 9: .* not well-formed",
        ),
    ],
)
def test_what_is_no_message_is_refused(load, target, content, message_):
    with pytest.raises(CatalogError, match=message_):
        load(content)
    assert not target.exists()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "iso-8859-1"])
def test_encodings(load, target, encoding):
    declared = "utf-8" if encoding == "utf-8-sig" else encoding
    content = message(sound(TITLE, PEOPLE)).replace("UTF-8", declared).replace("港", "&#28207;")
    load(content.encode(encoding))
    assert row(target)["artists"] == "The Lamplighters|Ada Møller"


def test_a_csv_file_stays_one_whatever_its_name(load):
    assert load("sr_id,title\n1,a\n").records == 1


READ = """
import re, sys
from pathlib import Path
from catalog.ddex import open_ddex

print(sum(1 for _ in open_ddex(Path(sys.argv[1])).rows([0])))
print(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1])
"""


def test_memory_stays_bounded(tmp_path):
    """Measured on the process, since libxml2 takes memory that Python does not see."""

    def peak_kib(count):
        path = tmp_path / f"{count}.xml"
        path.write_text(message(*(sound(TITLE, PEOPLE, reference=f"A{n}") for n in range(count))), encoding="utf-8")
        command = [sys.executable, "-c", READ, path]
        read, peak = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.split()
        assert int(read) == count
        return int(peak)

    assert peak_kib(5_000) < peak_kib(500) + (4 << 10)


WHOLE = message(sound(TITLE, PEOPLE), sound(TITLE, reference="A2"))


@settings(max_examples=100, deadline=None)
@given(
    st.binary(max_size=120)
    | st.text("<>/!?='\"& ax[]", max_size=60).map(str.encode)
    | st.builds(
        lambda start, length, put: (WHOLE[:start] + put + WHOLE[start + length :]).encode("utf-8", "replace"),
        st.integers(0, len(WHOLE)),
        st.integers(0, 40),
        st.text(max_size=4) | st.sampled_from(["<!DOCTYPE a>", "&x;", "<", "</ResourceList>", "\0"]),
    ),
    st.sampled_from([b"", b"<", b"<?xml version='1.0'?>"]),
)
def test_any_bytes_are_imported_or_refused(tmp_path_factory, content, front):
    folder = tmp_path_factory.mktemp("bytes")
    (folder / "f.xml").write_bytes(front + content)
    try:
        report = import_catalog([folder / "f.xml"], folder / "c.db")
    except CatalogError:
        assert not (folder / "c.db").exists()
        return
    assert report.records >= 1
    assert report.rejected == (len(rejected(report)) if report.rejected_file else 0)
