"""What one SoundRecording of a DDEX message says, in our columns.

Names of elements are those of the schemas of ERN 4.1 to 4.3 (https://ern.ddex.net): ISRCs and the P line stand in the
recording up to 4.2, in its editions from 4.3 on; parties are named once, in the PartyList, and referred to.
"""

from __future__ import annotations

import re

from lxml import etree

from catalog.ddex_frame import Frame, Release, codes_of
from catalog.ddex_wording import Title, all_of, default_text, of_one_territory, territory, text_of, title_of
from catalog.recording import clean, listed, noted
from catalog.rows import RawRow
from catalog.versions import MarkerType, parse_markers

COLUMNS = (
    *("sr_id", "title", "artists", "isrcs", "contributors"),
    *("album", "duration", "release_year", "label", "language"),
)
_WORDS_OF_A_NAME = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_TELL_NOTHING = frozenset({"AlbumVersion", "StereoVersion"})  # what a recording is that nobody says anything of
_CENSORED = "ExplicitContentEdited"
_WRITES = frozenset({"Composer"})  # the display artists who are credited for the work, not for the recording
# Roles of those who neither wrote nor perform nor produce, out of the hundreds of allowed values of ContributorRole.
_TECHNICAL = re.compile(
    "Engineer|Mastering|Mixer|Recordist|Editor|Encoder|Operator|Tonmeister|StudioPersonnel|Technic|Publish|Copyright|"
    "RightsController|Company|Administrator|Coordinator|Manager|Manufacturer|Sponsor|Video|Photograph|Design|ArtDirector|"
    "Graphic|Illustrator|AccompanyingMaterial"
)
_YEAR = re.compile(r"(?<![0-9])(?:18|19|20)[0-9]{2}(?![0-9])")

_UNKNOWN_ARTIST = "artists written as DisplayArtistName, since a DisplayArtist refers to no party with a name"
_LOST_ARTIST = "artist left out who refers to no party with a name, without a DisplayArtistName"
_LOST_CONTRIBUTOR = "contributor left out who refers to no party with a name"
_OTHER_TITLE = "title for another territory or language left out"
_OTHER_ARTISTS = "artists for another territory left out"


def recording_row(element: etree._Element, frame: Frame) -> RawRow:
    """Read a recording.

    Parameters
    ----------
    element : etree._Element
        ``SoundRecording``.
    frame : Frame
        Of its message.

    Returns
    -------
    RawRow
        Its cells in the order of `COLUMNS`; a problem if it has no reference, by which releases name it.
    """
    line = element.sourceline or 0
    reference = text_of(element, "ResourceReference")
    if reference is None:
        return RawRow(line, (), "no ResourceReference")
    title = title_of(element)
    remarks = [_OTHER_TITLE] * title.others
    artists, writers = _display_artists(element, frame, title.territory, remarks)
    release = frame.releases.get(reference, Release())
    languages = {clean(each.text) for each in all_of(element, "LanguageOfPerformance")} - {None}
    cells = [
        frame.recording_id(element, reference),
        _with_notes(title, element),
        listed(artists) or default_text(element, "DisplayArtistName", title.territory),
        listed(codes_of(element)),
        listed([*writers, *_contributors(element, frame, remarks)]),
        release.album,
        text_of(element, "Duration"),
        release.date or default_text(element, "FirstPublicationDate") or _year(element),
        frame.label(reference),
        languages.pop() if len(languages) == 1 else None,
    ]
    return RawRow(line, cells, remarks=tuple(remarks))


def _with_notes(title: Title, element: etree._Element) -> str | None:
    """Write behind a title what it lacks of the kinds of version, and that it is the clean one."""
    text = title.text
    for version in all_of(element, "VersionType"):
        kind = clean(version.text)
        if kind == "UserDefined":
            text = noted(text, version.get("UserDefinedValue"))
        elif kind and kind not in _TELL_NOTHING:
            text = noted(text, _WORDS_OF_A_NAME.sub(" ", kind))
    censored = default_text(element, "ParentalWarningType", title.territory) == _CENSORED
    if censored and not any(marker.type is MarkerType.CLEAN for marker in parse_markers(text)):
        text = noted(text, "Clean")
    return text


def _display_artists(
    element: etree._Element, frame: Frame, near: str, remarks: list[str]
) -> tuple[list[str | None], list[str | None]]:
    """Name the artists, and apart from them those who only wrote the work."""
    found = all_of(element, "DisplayArtist")
    chosen = of_one_territory(found, near)
    remarks += [_OTHER_ARTISTS] * (len({territory(each) for each in found}) - 1)
    artists: list[str | None] = []
    writers: list[str | None] = []
    for artist in _in_sequence(chosen):
        roles = {clean(role.text) for role in all_of(artist, "DisplayArtistRole")}
        name = frame.parties.get(text_of(artist, "ArtistPartyReference") or "")
        (writers if roles and roles <= _WRITES else artists).append(name)
    remarks += [_LOST_CONTRIBUTOR] * writers.count(None)
    if None in artists:
        displayed = default_text(element, "DisplayArtistName", near)
        remarks += [_UNKNOWN_ARTIST] if displayed else [_LOST_ARTIST] * artists.count(None)
        artists = [displayed] if displayed else artists
    return artists, writers


def _contributors(element: etree._Element, frame: Frame, remarks: list[str]) -> list[str | None]:
    names = []
    for path in ("Contributor", "SoundRecordingEdition/EditionContributor"):
        for contributor in _in_sequence(all_of(element, path)):
            roles = [f"{role.text} {role.get('UserDefinedValue')}" for role in all_of(contributor, "Role")]
            if roles and all(map(_TECHNICAL.search, roles)):
                continue
            names.append(frame.parties.get(text_of(contributor, "ContributorPartyReference") or ""))
    remarks += [_LOST_CONTRIBUTOR] * names.count(None)
    return names


def _in_sequence(found: list[etree._Element]) -> list[etree._Element]:
    """Order elements by their SequenceNumber, those without one behind, as the message has them."""
    numbers = [number if (number := each.get("SequenceNumber", "")).isdecimal() else "" for each in found]
    order = sorted(range(len(found)), key=lambda place: (not numbers[place], numbers[place].zfill(20), place))
    return [found[place] for place in order]


def _year(element: etree._Element) -> str | None:
    """Read the year of a P line; where it has none of its own, that of its text if it names one only."""
    lines = [*all_of(element, "PLine"), *all_of(element, "SoundRecordingEdition/PLine")]
    if year := next(filter(None, (text_of(line, "Year") for line in lines)), None):
        return year
    named = {year for line in lines for year in _YEAR.findall(text_of(line, "PLineText") or "")}
    return named.pop() if len(named) == 1 else None
