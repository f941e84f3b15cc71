"""Names that columns usually have in other people's catalogues, best first.

The lists are ours, written down from what exports of distributors, libraries, tag editors and databases call such
columns; English only. A name that may as well mean something else stands in a later line than those that may not;
`time` and `date`, which mostly are those when something was played or entered, stand in none.
"""

from __future__ import annotations

from typing import NamedTuple

from catalog.columns import NAMES

_LINES: tuple[tuple[str, str], ...] = (
    ("sr_id", "soundrecordingid recordingid recordingmbid recordinguuid recordingkey"),
    ("sr_id", "trackid trackmbid trackuuid trackkey songid songkey"),
    ("sr_id", "id uid uuid guid gid identifier uniqueid key"),
    ("title", "recordingtitle soundrecordingtitle recordingname tracktitle trackname songtitle songname displaytitle"),
    ("title", "name song track recording"),
    ("artists", "artist artistname artistnames displayartist displayartists displayartistname mainartist mainartists"),
    ("artists", "trackartist trackartists songartist recordingartist artistcredit artistcreditname"),
    ("artists", "performer performers performername performernames band singer"),
    ("isrcs", "isrc isrccode isrccodes isrclist trackisrc recordingisrc"),
    ("contributors", "contributor contributorname contributornames"),
    ("contributors", "composers composer writers writer songwriters songwriter composername writername authors"),
    ("contributors", "lyricists lyricist author"),
    ("album", "albumtitle albumname releasetitle releasename"),
    ("album", "release"),
    (
        "duration_ms",
        "lengthms trackdurationms tracklengthms durationinms durationmsec durationmilliseconds milliseconds",
    ),
    ("duration", "length tracklength songlength recordinglength trackduration songduration recordingduration runtime"),
    ("duration", "dur trackdur len tracklen"),
    ("duration", "playtime playingtime durations durationsec durationseconds lengths lengthsec lengthseconds"),
    ("release_year", "releasedate releasedon yearofrelease dateofrelease originalreleasedate originalreleaseyear"),
    ("release_year", "releaseyr relyear reldate yearreleased originalyear origyear yr"),
    ("release_year", "pyear phonogramyear cyear copyrightyear"),
    ("label", "labelname recordlabel recordlabelname recordcompany"),
    ("label", "imprint"),
    ("language", "lang languagecode languagename tracklanguage songlanguage languageofperformance"),
)


class Meaning(NamedTuple):
    """What the name of a column usually means.

    Attributes
    ----------
    ours : str
        One of `catalog.columns.NAMES`.
    place : int
        How far down the name stands: of two columns for one field, the one with the smaller number is the likelier.
    """

    ours: str
    place: int


def _squash(name: str) -> str:
    return "".join(sign for sign in name.casefold() if sign.isalnum())


USUAL = {_squash(name): Meaning(name, 0) for name in NAMES} | {
    name: Meaning(ours, place) for place, (ours, names) in enumerate(_LINES, 1) for name in names.split()
}


def meaning(column: str) -> Meaning | None:
    """Tell what the name of a column usually means.

    Parameters
    ----------
    column : str
        As the file spells it; case, blanks and punctuation do not matter.

    Returns
    -------
    Meaning or None
        ``None`` for a name that says nothing.
    """
    return USUAL.get(_squash(column))
