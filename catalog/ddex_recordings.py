"""What one SoundRecording of a DDEX message says, in our columns.

Names of elements are those of the schemas of ERN 4.1 to 4.3 (https://ern.ddex.net): ISRCs and the P line stand in the
recording up to 4.2, in its editions from 4.3 on; parties are named once, in the PartyList, and referred to.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from lxml import etree

from catalog.recording import clean, listed, noted

COLUMNS = (
    *("sr_id", "title", "artists", "isrcs", "contributors"),
    *("album", "duration", "release_year", "label", "language"),
)
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_TELL_NOTHING = frozenset({"AlbumVersion", "StereoVersion"})  # what a recording is that nobody says anything of
_WRITES = frozenset({"Composer"})  # the display artists who are credited for the work, not for the recording


@dataclass(frozen=True, slots=True)
class Release:
    """What a release says of its recordings; ``None`` is missing.

    Attributes
    ----------
    album : str or None
        Its title.
    date : str or None
        Of its original release, or else of this one.
    label : str or None
        Reference to the party.
    """

    album: str | None
    date: str | None
    label: str | None


class Frame:
    """What stands around the recordings of a message.

    Attributes
    ----------
    message_id : str or None
        Given by the sender.
    parties : dict
        Reference to full name.
    releases : dict
        Reference of a resource to the first release that holds it.
    """

    def __init__(self) -> None:
        self.message_id: str | None = None
        self.parties: dict[str, str] = {}
        self.releases: dict[str, Release] = {}
        self._labels: dict[str, str] = {}

    def add(self, parent: str, element: etree._Element) -> None:
        """Take up an element.

        Parameters
        ----------
        parent : str
            Name of what it stands in.
        element : etree._Element
            Any; what has nothing to say is passed over.
        """
        name = local(element)
        if (parent, name) == ("MessageHeader", "MessageId"):
            self.message_id = clean(element.text)
        elif (parent, name) == ("PartyList", "Party"):
            reference, full = _text(element, "PartyReference"), _text(element, "PartyName/{*}FullName")
            if reference and full:
                self.parties.setdefault(reference, full)
        elif (parent, name) == ("ReleaseList", "Release"):
            date = _default(element, "OriginalReleaseDate") or _default(element, "ReleaseDate")
            release = Release(_title(element), date, _default(element, "ReleaseLabelReference"))
            for item in element.iterfind(".//{*}ReleaseResourceReference"):
                self.releases.setdefault(clean(item.text) or "", release)
        elif (parent, name) == ("ReleaseList", "TrackRelease"):
            reference, label = _text(element, "ReleaseResourceReference"), _default(element, "ReleaseLabelReference")
            if reference and label:
                self._labels.setdefault(reference, label)

    def label(self, reference: str) -> str | None:
        """Name the label of a recording.

        Parameters
        ----------
        reference : str
            Of the resource.

        Returns
        -------
        str or None
            Of the release of the track alone, or else of the release around it.
        """
        release = self.releases.get(reference)
        return self.parties.get(self._labels.get(reference) or (release.label if release else None) or "")


def local(element: etree._Element) -> str:
    """Name an element.

    Parameters
    ----------
    element : etree._Element
        In any namespace, or in none.

    Returns
    -------
    str
        Without the namespace.
    """
    return str(etree.QName(element).localname)


def recording_cells(element: etree._Element, frame: Frame) -> list[object] | None:
    """Read a recording.

    Parameters
    ----------
    element : etree._Element
        ``SoundRecording``.
    frame : Frame
        Of its message.

    Returns
    -------
    list or None
        In the order of `COLUMNS`; ``None`` if it has no reference, which its id is made of.
    """
    reference = _text(element, "ResourceReference")
    if reference is None:
        return None
    release = frame.releases.get(reference, Release(None, None, None))
    dates = (release.date, _default(element, "FirstPublicationDate"), _text(element, "PLine/{*}Year"))
    artists, writers = _display_artists(element, frame)
    codes = (found.text for path in _editions("ResourceId/{*}ISRC") for found in element.iterfind(path))
    return [
        f"{frame.message_id}:{reference}",
        _title(element),
        listed(artists) or _default(element, "DisplayArtistName"),
        listed(codes),
        listed([*writers, *_contributors(element, frame)]),
        release.album,
        _text(element, "Duration"),
        next(filter(None, (*dates, _text(element, "SoundRecordingEdition/{*}PLine/{*}Year"))), None),
        frame.label(reference),
        _text(element, "LanguageOfPerformance"),
    ]


def _title(element: etree._Element) -> str | None:
    """Write the title with what it lacks of subtitles and the kind of version."""
    title = _default(element, "DisplayTitleText") or _text(element, "DisplayTitle/{*}TitleText")
    parts = next(_preferred(element, "DisplayTitle"), None)
    for subtitle in parts.iterfind("{*}SubTitle") if parts is not None else ():
        title = noted(title, subtitle.text)
    for version in element.iterfind("{*}VersionType"):
        title = _with_version(title, version)
    return title


def _with_version(title: str | None, version: etree._Element) -> str | None:
    kind = clean(version.text)
    if kind in _TELL_NOTHING:
        return title
    words = clean(version.get("UserDefinedValue")) if kind == "UserDefined" else _CAMEL.sub(" ", kind or "")
    return noted(title, words)


def _display_artists(element: etree._Element, frame: Frame) -> tuple[list[str | None], list[str | None]]:
    """Name the artists, and apart from them those who only wrote the work."""
    artists: list[str | None] = []
    writers: list[str | None] = []
    for artist in _in_sequence(element, "DisplayArtist"):
        roles = {clean(role.text) for role in artist.iterfind("{*}DisplayArtistRole")}
        name = frame.parties.get(_text(artist, "ArtistPartyReference") or "")
        (writers if roles and roles <= _WRITES else artists).append(name)
    return artists, writers


def _contributors(element: etree._Element, frame: Frame) -> Iterator[str | None]:
    for path in ("Contributor", "SoundRecordingEdition/{*}EditionContributor"):
        for contributor in _in_sequence(element, path):
            yield frame.parties.get(_text(contributor, "ContributorPartyReference") or "")


def _in_sequence(element: etree._Element, path: str) -> list[etree._Element]:
    """Give elements by their SequenceNumber, those without one behind, as the message has them."""
    found = list(element.iterfind(f"{{*}}{path}"))
    numbers = [number if (number := each.get("SequenceNumber", "")).isdecimal() else "" for each in found]
    order = sorted(range(len(found)), key=lambda place: (not numbers[place], numbers[place].zfill(20), place))
    return [found[place] for place in order]


def _editions(path: str) -> tuple[str, str]:
    return f"{{*}}{path}", f"{{*}}SoundRecordingEdition/{{*}}{path}"


def _preferred(element: etree._Element, name: str) -> Iterator[etree._Element]:
    """Give the elements of a name, what the sender calls the default first."""
    found = list(element.iterfind(f"{{*}}{name}"))
    yield from (each for each in found if each.get("IsDefault") == "true")
    yield from (each for each in found if each.get("IsDefault") != "true")


def _default(element: etree._Element, name: str) -> str | None:
    return next((text for each in _preferred(element, name) if (text := clean(each.text))), None)


def _text(element: etree._Element, path: str) -> str | None:
    return clean(element.findtext(f"{{*}}{path}"))
