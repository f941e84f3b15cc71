"""What stands around the recordings of a DDEX message: who is who, the releases, and what the ids are made of."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from lxml import etree

from catalog.ddex_wording import all_of, default_text, preferred, text_of, title_of
from catalog.isrc import parse_isrc
from catalog.recording import clean

# Up to ERN 4.2 a recording has its ids itself, from 4.3 on its editions have them; early messages name them otherwise.
_IDS = ("ResourceId", "SoundRecordingEdition/ResourceId", "SoundRecordingId")
_PARTS_OF_A_NAME = ("NamesBeforeKeyName", "KeyName", "NamesAfterKeyName")
_FORMS = ("FullNameAsciiTranscribed", "FullNameIndexed", "AbbreviatedName")


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
    code : str or None
        Its ICPN (UPC, EAN), or else its GRid.
    """

    album: str | None = None
    date: str | None = None
    label: str | None = None
    code: str | None = None


class Frame:
    """What stands around the recordings of a message.

    Attributes
    ----------
    message_id : str or None
        Given by the sender.
    sender : str or None
        Id of the sender.
    parties : dict
        Reference to name.
    releases : dict
        Reference of a resource to the first release that holds it.
    """

    def __init__(self) -> None:
        self.message_id: str | None = None
        self.sender: str | None = None
        self.parties: dict[str, str] = {}
        self.releases: dict[str, Release] = {}
        self._labels: dict[str, str] = {}
        self._bearers: Counter[str] = Counter()  # how many recordings bear an id or a code

    def add(self, parent: str, element: etree._Element) -> None:
        """Take up an element.

        Parameters
        ----------
        parent : str
            Name of what it stands in.
        element : etree._Element
            Any; what has nothing to say is passed over.
        """
        match parent, local(element):
            case "MessageHeader", "MessageId":
                self.message_id = clean(element.text)
            case "MessageHeader", "MessageSender":
                self.sender = text_of(element, "PartyId")
            case "PartyList", "Party":
                reference, name = text_of(element, "PartyReference"), _name(element)
                if reference and name:
                    self.parties.setdefault(reference, name)
            case "ResourceList", "SoundRecording":
                self._bearers.update({*_proprietary_ids(element), *_isrcs(element)})
            case "ReleaseList", "Release":
                self._add_release(element)
            case "ReleaseList", "TrackRelease":
                reference = text_of(element, "ReleaseResourceReference")
                label = default_text(element, "ReleaseLabelReference")
                if reference and label:
                    self._labels.setdefault(reference, label)

    def _add_release(self, element: etree._Element) -> None:
        release = Release(
            title_of(element).text,
            default_text(element, "OriginalReleaseDate") or default_text(element, "ReleaseDate"),
            default_text(element, "ReleaseLabelReference"),
            text_of(element, "ReleaseId/ICPN") or text_of(element, "ReleaseId/GRid"),
        )
        for item in element.iterfind(".//{*}ReleaseResourceReference"):
            self.releases.setdefault(clean(item.text) or "", release)

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
        release = self.releases.get(reference, Release())
        return self.parties.get(self._labels.get(reference) or release.label or "")

    def recording_id(self, element: etree._Element, reference: str) -> str:
        """Give a recording an id that its next message has as well, as far as this message allows it.

        Parameters
        ----------
        element : etree._Element
            ``SoundRecording``.
        reference : str
            Of the resource.

        Returns
        -------
        str
            The sender's own id with its namespace; else sender, release and ISRC; each only if no other recording of
            the message bears the same. Else the ids of the message and of the resource in it, which hold for this
            message alone.
        """
        own = [each for each in _proprietary_ids(element) if self._bearers[each] == 1]
        own.sort(key=lambda each: self.sender is None or self.sender not in each)
        if own:
            return own[0]
        release = self.releases.get(reference, Release()).code
        isrc = next((each for each in _isrcs(element) if self._bearers[each] == 1), None)
        if self.sender and release and isrc:
            return f"{self.sender}:{release}:{isrc}"
        return f"{self.message_id}:{reference}"


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


def codes_of(element: etree._Element) -> list[str | None]:
    """Find the ISRCs of a recording.

    Parameters
    ----------
    element : etree._Element
        ``SoundRecording``.

    Returns
    -------
    list of str or None
        As delivered.
    """
    return [each.text for path in _IDS for each in all_of(element, f"{path}/ISRC")]


def _isrcs(element: etree._Element) -> Iterator[str]:
    return (code for text in codes_of(element) if (code := parse_isrc(text)))


def _proprietary_ids(element: etree._Element) -> list[str]:
    found = (each for path in _IDS for each in all_of(element, f"{path}/ProprietaryId"))
    named = ((clean(each.get("Namespace")), clean(each.text)) for each in found)
    return [f"{namespace}:{value}" for namespace, value in named if namespace and value]


def _name(party: etree._Element) -> str | None:
    """Name a party: in full, else by the parts of its name, else in the form that there is."""
    for name in preferred(all_of(party, "PartyName")):
        parts = " ".join(filter(None, (text_of(name, part) for part in _PARTS_OF_A_NAME)))
        written = (
            text_of(name, "FullName") or parts or next(filter(None, (text_of(name, form) for form in _FORMS)), None)
        )
        if written:
            return written
    return None
