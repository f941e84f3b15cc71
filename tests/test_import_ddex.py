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
from onemaster import main

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


MANIFEST = "<ns1:ManifestMessage xmlns:ns1='http://ddex.net/xml/ern-c/16'/>"


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
        ("<DisplayTitleText>Harbour <!-- no --> &amp; <![CDATA[<Lights>]]></DisplayTitleText>", "Harbour & <Lights>"),
        ("<DisplayTitleText>\n  Harbour\n\tLights\u3000II\n</DisplayTitleText>", "Harbour Lights\u3000II"),
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
        "manifest.xml": MANIFEST,
        "nameless.xml": message(sound(TITLE), message_id=""),
        "old.xml": message(sound(TITLE), message_id="O", version="382"),
        "purge.xml": "<PurgeReleaseMessage xmlns='http://ddex.net/xml/ern/43'/>",
        "readme.txt": "none of it",
    }
    for name, content in contents.items():
        (folder / name).write_text(content, encoding="utf-8")
    report = import_catalog([folder], target)
    with Catalog.open(target, tmp_path) as catalog:
        assert [recording.sr_id for recording in catalog] == ["G:A1", "G:A2"]
    found = {(file.removeprefix(f"{folder}/"), line): reason for file, line, reason in rejected(report)}
    assert list(found) == [
        ("0123/good.xml", 7), ("again.XML", 6), ("broken.xml", 10), ("doctype.xml", 3), ("nameless.xml", 1),
        ("old.xml", 2), ("purge.xml", 1),
    ]  # fmt: skip
    reasons = list(found.values())
    assert reasons[:2] == ["no ResourceReference", "duplicate sr_id"]
    for reason, part in zip(
        reasons[2:],
        ["not well-formed", "document type", "no MessageId", "before 4", "run onemaster remove"],
        strict=True,
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
        ("<a/>", "found the element a; recordings stand in the NewReleaseMessage"),
        (message(sound(TITLE), version="382"), r"\{http://ddex.net/xml/ern/382\}NewReleaseMessage; versions before 4"),
        (MANIFEST, "ManifestMessage; it lists the messages of a delivery .*: name the folder of the messages"),
        ("<?xml version='1.0'?>", "not well-formed"),
        ("<?xml version='1.0' encoding='klingon'?><a/>", "not well-formed"),
        ("<", "not well-formed"),
        (message(), r"no usable row is left: there are no rows; .*check that they are recordings as MusicBrainz dumps"),
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

print(sum(not row.problem for row in open_ddex(Path(sys.argv[1])).rows([0])))
print(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1])
"""


def peak_kib(path, content, records):
    """Measure a whole process, since libxml2 takes memory that Python does not see."""
    path.write_text(content, encoding="utf-8")
    command = [sys.executable, "-c", READ, path]
    read, peak = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.split()
    assert int(read) == records
    return int(peak)


def test_memory_stays_bounded(tmp_path):
    def peak(count):
        sounds = (sound(TITLE, PEOPLE, reference=f"A{n}") for n in range(count))
        return peak_kib(tmp_path / f"{count}.xml", message(*sounds), count)

    assert peak(5_000) < peak(500) + (4 << 10)


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


def artist(reference, number=1, role="MainArtist", about=""):
    return (
        f'<DisplayArtist SequenceNumber="{number}" {about}><ArtistPartyReference>{reference}</ArtistPartyReference>'
        f"<DisplayArtistRole>{role}</DisplayArtistRole></DisplayArtist>"
    )


def contributor(reference, *roles):
    written = "".join(roles)
    return f"<Contributor><ContributorPartyReference>{reference}</ContributorPartyReference>{written}</Contributor>"


def parental(kind, about=""):
    return f"<ParentalWarningType {about}>{kind}</ParentalWarningType>"


@pytest.mark.parametrize(
    ("parts", "title"),
    [
        (TITLE + parental("Explicit"), "Harbour Lights"),
        (TITLE + parental("NotExplicit"), "Harbour Lights"),
        (TITLE + parental("ExplicitContentEdited"), "Harbour Lights (Clean)"),
        (TITLE + "<VersionType>CleanVersion</VersionType>" + parental("ExplicitContentEdited"),
         "Harbour Lights (Clean Version)"),
        (TITLE.replace("Lights", "Lights [clean]") + parental("ExplicitContentEdited"), "Harbour Lights [clean]"),
        (TITLE.replace("Lights", "Lights (Censored)") + parental("ExplicitContentEdited"), "Harbour Lights (Censored)"),
        (TITLE.replace("Harbour Lights", "Clean") + parental("ExplicitContentEdited"), "Clean (Clean)"),
        (TITLE + "<VersionType>RadioVersion</VersionType>" + parental("ExplicitContentEdited"),
         "Harbour Lights (Radio Version) (Clean)"),
        (TITLE + parental("Explicit", "ApplicableTerritoryCode='JP'") + parental("ExplicitContentEdited"),
         "Harbour Lights (Clean)"),
        (parental("ExplicitContentEdited"), None),
        (TITLE + "<VersionType>ACappellaVersion</VersionType>", "Harbour Lights (A Cappella Version)"),
        (TITLE + "<VersionType>TVVersion</VersionType>", "Harbour Lights (TV Version)"),
    ],
)  # fmt: skip
def test_a_censored_recording_says_so_in_its_title(load, target, parts, title):
    load(message(sound(parts)))
    assert row(target)["title"] == title


def test_an_artist_without_a_party_is_not_lost(load, target):
    shown = "<DisplayArtistName>The Lamplighters feat. Somebody</DisplayArtistName>"
    report = load(message(sound(TITLE, shown, artist("PBand"), artist("PNobody", 2))))
    assert row(target)["artists"] == "The Lamplighters feat. Somebody"
    assert report.remarks == {
        "artists written as DisplayArtistName, since a DisplayArtist refers to no party with a name": 1
    }


def test_what_cannot_be_named_is_counted(load, target):
    people = (artist("PBand"), artist("PNobody", 2), artist("PNone", 3), contributor("PNobody"))
    report = load(message(sound(TITLE, *people), sound(TITLE, artist("PNone", role="Composer"), reference="A2")))
    assert row(target)["artists"] == "The Lamplighters"
    assert report.remarks == {
        "artist left out who refers to no party with a name, without a DisplayArtistName": 2,
        "contributor left out who refers to no party with a name": 2,
    }


@pytest.mark.parametrize(
    ("names", "written"),
    [
        ("<PartyName><FullName>Ada Lovelace</FullName><KeyName>Lovelace</KeyName></PartyName>", "Ada Lovelace"),
        ("<PartyName><FullNameIndexed>Lovelace, Ada</FullNameIndexed><NamesBeforeKeyName>Ada</NamesBeforeKeyName>"
         "<KeyName>Lovelace</KeyName></PartyName>", "Ada Lovelace"),
        ("<PartyName><KeyName>Lovelace</KeyName><NamesAfterKeyName>Jr.</NamesAfterKeyName></PartyName>",
         "Lovelace Jr."),
        ("<PartyName><FullName> </FullName><FullNameAsciiTranscribed>Ada</FullNameAsciiTranscribed></PartyName>",
         "Ada"),
        ("<PartyName><FullNameIndexed>Lovelace, Ada</FullNameIndexed></PartyName>", "Lovelace, Ada"),
        ("<PartyName ApplicableTerritoryCode='JP'><FullName>エイダ</FullName></PartyName>"
         "<PartyName><FullName>Ada</FullName></PartyName>", "Ada"),
        ("<PartyName LanguageAndScriptCode='ja'><FullName>エイダ</FullName></PartyName>"
         "<PartyName IsDefault='true'><KeyName>Ada</KeyName></PartyName>", "Ada"),
    ],
)  # fmt: skip
def test_parties_are_named_in_whatever_form_there_is(load, target, names, written):
    parties = f"<PartyList><Party><PartyReference>PAda</PartyReference>{names}</Party></PartyList>"
    load(message(sound(TITLE, artist("PAda")), parties={}).replace("<PartyList></PartyList>", parties))
    assert row(target)["artists"] == written


JP, US = "ApplicableTerritoryCode='JP'", "ApplicableTerritoryCode='US'"
DEFAULT, WORLD = "IsDefault='true'", "ApplicableTerritoryCode='Worldwide'"


@pytest.mark.parametrize(
    ("parts", "title", "artists"),
    [
        ((TITLE, artist("PBand", about=JP), artist("PGuest", about=US)), "Harbour Lights", "The Lamplighters"),
        ((TITLE, artist("PBand", about=JP), artist("PGuest", about=f"{US} {DEFAULT}")), "Harbour Lights", "Ada Møller"),
        ((TITLE, artist("PBand", about=JP), artist("PGuest", about=WORLD)), "Harbour Lights", "Ada Møller"),
        ((TITLE, artist("PBand", about=JP), artist("PGuest")), "Harbour Lights", "Ada Møller"),
        ((TITLE, artist("PBand", about=JP), artist("PGuest", about=WORLD.replace("Worldwide", "2136"))),
         "Harbour Lights", "Ada Møller"),
        ((f"<DisplayTitleText {US}>Lights</DisplayTitleText>", artist("PBand", about=JP), artist("PGuest", about=US)),
         "Lights", "Ada Møller"),
        ((TITLE, artist("PGuest", 2, about=JP), artist("PWriter", about=US), artist("PBand", about=JP)),
         "Harbour Lights", "The Lamplighters|Ada Møller"),
    ],
)  # fmt: skip
def test_artists_are_those_of_one_territory(load, target, parts, title, artists):
    report = load(message(sound(*parts)))
    assert (row(target)["title"], row(target)["artists"]) == (title, artists)
    assert report.remarks == {"artists for another territory left out": 1}


def parted(title, subtitle, about=""):
    return f"<DisplayTitle {about}><TitleText>{title}</TitleText><SubTitle>{subtitle}</SubTitle></DisplayTitle>"


JA, EN = "LanguageAndScriptCode='ja'", "LanguageAndScriptCode='en'"
BOTH = f"<DisplayTitleText {JA} {JP}>港</DisplayTitleText><DisplayTitleText {EN} {US}>Harbour</DisplayTitleText>"


@pytest.mark.parametrize(
    ("parts", "title", "left"),
    [
        (BOTH, "港", 1),
        (BOTH.replace(US, DEFAULT), "Harbour", 1),
        (BOTH.replace(US, WORLD), "Harbour", 1),
        (BOTH.replace(US, DEFAULT) + parted("港", "ライブ", f"{JA} {JP} {DEFAULT}"), "Harbour", 1),
        (BOTH + parted("Harbour", "Demo", f"{EN} {US}") + parted("港", "ライブ", f"{JA} {JP}"), "港 (ライブ)", 1),
        (parted("港", "ライブ", JP) + parted("Harbour", "Live", f"{US} {DEFAULT}"), "Harbour (Live)", 1),
        (TITLE + TITLE.replace("Text>", f"Text {JP}>", 1), "Harbour Lights", 0),
        (BOTH + f"<DisplayTitleText {DEFAULT}/>", "港", 1),
    ],
)
def test_a_title_is_that_of_one_territory_with_its_own_subtitle(load, target, parts, title, left):
    report = load(message(sound(parts)))
    assert row(target)["title"] == title
    assert report.remarks == ({"title for another territory or language left out": left} if left else {})


def test_an_artist_name_goes_with_the_title(load, target):
    names = f"<DisplayArtistName {US}>Lamps</DisplayArtistName><DisplayArtistName {JP}>ランプ</DisplayArtistName>"
    load(message(sound(BOTH, names)))
    assert (row(target)["title"], row(target)["artists"]) == ("港", "ランプ")


def test_a_duration_with_years_and_months_is_read(load, target):
    report = load(message(sound(TITLE, "<Duration>P0Y0M0DT0H3M25S</Duration>")))
    assert (row(target)["duration_ms"], report.unreadable) == (205_000, {})


def test_codes_of_early_messages_are_read(load, target):
    codes = "<SoundRecordingId><ISRC>DEA628700001</ISRC></SoundRecordingId>"
    load(message(sound(TITLE, codes=codes), version="41"))
    assert row(target)["isrcs"] == "DEA628700001"


NUMBERED = RELEASE.replace("<ReleaseType>", "<ReleaseId><ICPN>4006381333931</ICPN></ReleaseId><ReleaseType>").replace(
    "</ReleaseResourceReference>",
    "</ReleaseResourceReference><ReleaseResourceReference>A2</ReleaseResourceReference>"
    "<ReleaseResourceReference>A3</ReleaseResourceReference>",
)


def own(number, space="DPID:P0"):
    return f'<ResourceId><ProprietaryId Namespace="{space}">{number}</ProprietaryId></ResourceId>'


@pytest.mark.parametrize(
    ("codes", "sr_ids"),
    [
        ((own("T7"), own("T8")), ["DPID:P0:T7", "DPID:P0:T8"]),
        ((f"<SoundRecordingEdition>{own('T7')}</SoundRecordingEdition>", ""), ["DPID:P0:T7", "{}:A2"]),
        ((own("X", "of the receiver") + own("T7"), own("T8")), ["DPID:P0:T7", "DPID:P0:T8"]),
        ((AS_43, AS_41.replace("DEA6287", "de-a62-87-")), ["{}:A1", "{}:A2"]),
        ((AS_43, AS_41.replace("DEA62870", "de-a62-87-1")),
         ["P0:4006381333931:DEA628700001", "P0:4006381333931:DEA628710001"]),
        ((own("ALBUM") + AS_41, own("ALBUM")), ["P0:4006381333931:DEA628700001", "{}:A2"]),
    ],
)  # fmt: skip
def test_an_id_stays_when_the_release_is_delivered_again(load, target, codes, sr_ids):
    for message_id in ("M1", "M2"):
        sounds = (sound(TITLE, reference=f"A{number}", codes=each) for number, each in enumerate(codes, 1))
        load(message(*sounds, releases=NUMBERED, message_id=message_id))
        with Catalog.open(target, target.parent) as catalog:
            found = {recording.sr_id for recording in catalog}
        assert found == {sr_id.format(message_id) for sr_id in sr_ids}


def test_a_code_in_a_release_names_the_recording_however_the_resources_are_numbered(load, target):
    before, after = sound(TITLE, codes=AS_41), sound(TITLE, codes=AS_41, reference="A2")
    fresh = sound(TITLE.replace("Lights", "Bells"), codes=AS_41.replace("0001", "0009"))
    load(message(before, releases=NUMBERED))
    first = row(target, "P0:4006381333931:DEA628700001")
    load(message(fresh, after, releases=NUMBERED, message_id="M2"))
    assert row(target, "P0:4006381333931:DEA628700001") == first


def test_a_message_that_updates_an_earlier_one_is_an_update_for_add(tmp_path, target, capsys):
    data = ["--data", str(target.parent)]
    (tmp_path / "1.xml").write_text(message(sound(TITLE, codes=AS_41), releases=NUMBERED, message_id="M1"))
    (tmp_path / "2.xml").write_text(message(sound(TITLE, PEOPLE, codes=AS_41), releases=NUMBERED, message_id="M2"))
    assert main(["import", str(tmp_path / "1.xml"), *data]) == 0
    assert main(["add", str(tmp_path / "2.xml"), *data]) == 0
    assert "0 added, 1 updated, 0 unchanged" in capsys.readouterr().out
    assert row(target, "P0:4006381333931:DEA628700001")["artists"] == "The Lamplighters|Ada Møller"


def test_a_recording_that_a_folder_brings_twice_is_reported(tmp_path, target):
    for name in ("M1", "M2"):
        (tmp_path / f"{name}.xml").write_text(message(sound(TITLE, codes=own("T7")), message_id=name))
    report = import_catalog([tmp_path], target)
    assert (report.records, rejected(report)) == (1, [(str(tmp_path / "M2.xml"), 6, "duplicate sr_id")])


def test_technical_roles_are_no_contributors(load, target):
    def role(name, own=""):
        return f"<Role{f' UserDefinedValue={own!r}' if own else ''}>{name}</Role>"

    people = (
        contributor("PBand", role("MixingEngineer"), role("UserDefined", "Mastering Engineer")),
        contributor("PLabel", role("MusicPublisher")),
        contributor("PLabel", role("CoMixer")),
        contributor("PWho", role("ProductionCompany")),
        contributor("PWriter", role("Composer"), role("RecordingEngineer")),
        contributor("PGuest", role("Remixer")),
        contributor("POther"),
    )
    report = load(message(sound(TITLE, *people), parties=PARTIES | {"POther": "Somebody"}))
    assert row(target)["contributors"] == "Eve / Sons|Ada Møller|Somebody"
    assert report.remarks == {}


@pytest.mark.parametrize(
    ("languages", "language"),
    [(["en"], "en"), (["en", "en"], "en"), (["en", "es"], None), ([""], None), (["", "es"], "es")],
)
def test_the_language_is_the_only_one_that_is_sung(load, target, languages, language):
    written = "".join(f"<LanguageOfPerformance>{each}</LanguageOfPerformance>" for each in languages)
    load(message(sound(TITLE, written)))
    assert row(target)["language"] == language


@pytest.mark.parametrize(
    ("line", "year"),
    [
        ("<PLine><PLineText>℗ 1986 Pier Records</PLineText></PLine>", 1986),
        ("<PLine><PLineText>℗ 1986, 2004 Pier Records</PLineText></PLine>", None),
        ("<PLine><PLineText>℗ 1986 Pier</PLineText></PLine><PLine><Year>2004</Year><PLineText/></PLine>", 2004),
        ("<CLine><Year>1999</Year><CLineText>(C) 1999</CLineText></CLine>", None),
        ("<PLine><PLineText>Catalogue 119861</PLineText></PLine>", None),
    ],
)
def test_the_year_of_a_p_line_may_stand_in_its_text(load, target, line, year):
    load(message(sound(TITLE, line, codes=AS_41), releases=""))
    assert row(target)["release_year"] == year


def test_videos_among_the_resources_are_reported(load, target):
    video = f"<Video><ResourceReference>A2</ResourceReference>{TITLE}</Video>"
    report = load(message(sound(TITLE), video))
    assert (report.records, report.reasons) == (1, {"a video, no sound recording": 1})
    with report.rejected_file.open(encoding="utf-8") as stream:
        assert [found["row"] for found in csv.DictReader(stream)] == ["Harbour Lights"]


def test_the_first_release_that_holds_a_recording_tells_of_it(load, target):
    other = NUMBERED.replace("Harbour Songs", "Best Of").replace(">A1<", ">A4<")
    load(message(*(sound(TITLE, reference=f"A{number}", codes="") for number in (1, 3, 4)), releases=NUMBERED + other))
    albums = [row(target, f"M1:A{number}")["album"] for number in (1, 3, 4)]
    assert albums == ["Harbour Songs", "Harbour Songs", "Best Of"]


def test_the_format_is_named_with_what_was_passed_over(tmp_path, capsys):
    folder = tmp_path / "batch"
    folder.mkdir()
    for name, version in (("a", "43"), ("b", "411"), ("c", "43"), ("d", "382")):
        (folder / f"{name}.xml").write_text(message(sound(TITLE), version=version, message_id=name))
    (folder / "manifest.xml").write_text(MANIFEST)
    (folder / "cut.xml").write_text("<")
    assert main(["import", str(folder), "--data", str(tmp_path / "work"), "--dry-run"]) == 0
    told = capsys.readouterr().out
    assert told.startswith(
        f"{folder}: DDEX ERN 4.1.1 and 4.3, 3 messages; manifests passed over: 1; other files: 2\n"
        "  its first recording, as it will be stored:\n  sr_id         a:A1\n  title         Harbour Lights\n"
    )
    assert "  duration_ms   (missing)\n" in told
    assert not (tmp_path / "work").exists()
    assert main(["import", str(folder / "a.xml"), "--data", str(tmp_path / "work")]) == 0
    assert f"{folder / 'a.xml'}: DDEX ERN 4.3, 1 message\n" in capsys.readouterr().out


def test_a_folder_of_manifests_alone_is_refused(tmp_path, target):
    (tmp_path / "manifest.xml").write_text(MANIFEST)
    with pytest.raises(CatalogError, match=r"found 1 manifests alone; name the folder of them"):
        import_catalog([tmp_path], target)


@pytest.mark.parametrize(
    ("old", "new", "records"),
    [
        ("<Type>", f"{'<a/>' * 300_000}<Type>", 0),
        ("<ResourceList>", f"{'<a/>' * 300_000}<ResourceList>", 1),
        ("<Type>", f"{'<a>' * 300}{'</a>' * 300}<Type>", 0),
        ("<Type>", f"<a>{'x' * (11 << 20)}</a><Type>", 0),
    ],
)
def test_a_message_takes_no_more_memory_than_it_needs(tmp_path, old, new, records):
    plain = peak_kib(tmp_path / "plain.xml", message(sound(TITLE)), 1)
    assert peak_kib(tmp_path / "a.xml", message(sound(TITLE)).replace(old, new, 1), records) < plain + (24 << 10)
