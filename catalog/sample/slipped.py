"""Fields that slipped into other fields, and words that stand for nothing."""

from __future__ import annotations

from collections.abc import Callable

from catalog.recording import LIST_SEPARATOR
from catalog.sample.draft import Draft
from catalog.sample.lexicon import Weighted

Row = dict[str, str | None]
_UNKNOWN = ("Unknown", "[unknown]", "unk.", "n/a", "-", "<unknown>")
_SENTINELS = {
    "artists": ("Unknown Artist", "Unknown Artist", "Various", *_UNKNOWN),
    "contributors": ("Unknown", "n/a", "Copyright Control", "[unknown]", "unk."),
    "album": ("Unknown Album", *_UNKNOWN),
    "label": ("Unknown Label", "[no label]", "n/a", "unk.", "Not On Label"),
}
_TRACK = 0.35  # of the titles that hold more than the title, those with a track number in front


def write_sentinels(draft: Draft, values: Row) -> None:
    """Write something for what is missing, if the source does so.

    Parameters
    ----------
    draft : Draft
        Gets a mark if anything is written.
    values : dict
        Field to text; changed in place.
    """
    for column, words in _SENTINELS.items():
        if values[column] is None and draft.chance(draft.source.sentinels):
            values[column] = draft.rng.choice(words)
            draft.mark("sentinel")


def slip_fields(draft: Draft, values: Row) -> None:
    """Let a field slip into another, if the source does so.

    Parameters
    ----------
    draft : Draft
        Gets a mark if anything slipped.
    values : dict
        Field to text, or None for missing; changed in place.
    """
    if not draft.chance(draft.source.slipped):
        return
    before = dict(values)
    _WAYS.draw(draft.rng)(draft, values)
    if values != before:
        draft.mark("slipped_fields")


def _artist_before_title(draft: Draft, values: Row) -> None:
    artists = _spoken(values["artists"])
    if artists:
        values["title"] = _numbered(draft, f"{artists} - {values['title']}")
        values["artists"] = None


def _artist_after_title(draft: Draft, values: Row) -> None:
    artists = _spoken(values["artists"])
    if artists:
        joiner = draft.rng.choice(("{} - {}", "{} by {}", "{} ({})", "{} / {}"))
        values["title"] = joiner.format(values["title"], artists)
        if draft.chance(0.6):
            values["artists"] = None


def _album_after_title(draft: Draft, values: Row) -> None:
    if values["album"]:
        values["title"] = draft.rng.choice(("{} - {}", "{} ({})", "{} [{}]")).format(values["title"], values["album"])
        if draft.chance(0.5):
            values["album"] = None


def _album_before_title(draft: Draft, values: Row) -> None:
    if values["album"]:
        values["title"] = f"{values['album']}: {_numbered(draft, str(values['title']))}"
        values["album"] = None


def _all_in_one(draft: Draft, values: Row) -> None:
    parts = [_spoken(values["artists"]), values["album"], values["title"]]
    if draft.chance(0.5):
        parts = [parts[0], parts[2], parts[1]]
    values["title"] = " - ".join(part for part in parts if part)
    values["artists"] = values["album"] = None


def _album_as_artist(_: Draft, values: Row) -> None:
    if values["album"]:
        values["contributors"] = values["artists"] or values["contributors"]
        values["artists"], values["album"] = values["album"], None


def _artist_as_contributor(draft: Draft, values: Row) -> None:
    values["contributors"] = values["artists"] if draft.chance(0.6) else values["label"] or values["contributors"]


def _artist_among_contributors(_: Draft, values: Row) -> None:
    both = (values["artists"], values["contributors"])
    values["contributors"] = LIST_SEPARATOR.join(text for text in both if text) or None
    values["artists"] = None


def _title_as_album(_: Draft, values: Row) -> None:
    values["album"] = values["title"]


_WAYS: Weighted[Callable[[Draft, Row], None]] = Weighted(
    [
        _artist_before_title,
        _artist_after_title,
        _album_after_title,
        _album_before_title,
        _all_in_one,
        _album_as_artist,
        _artist_as_contributor,
        _artist_among_contributors,
        _title_as_album,
    ],
    [26.0, 14.0, 12.0, 6.0, 12.0, 6.0, 10.0, 6.0, 8.0],
)


def _spoken(names: str | None) -> str:
    return (names or "").replace(LIST_SEPARATOR, ", ")


def _numbered(draft: Draft, title: str) -> str:
    if not draft.chance(_TRACK):
        return title
    return f"{draft.rng.randrange(1, 19):0{draft.rng.choice((1, 2, 3))}d}{draft.rng.choice(('-', ' - ', '. '))}{title}"
