"""How sources write artists and contributors."""

from __future__ import annotations

from catalog.sample.draft import Draft
from catalog.sample.lexicon import Weighted
from catalog.sample.people import Artist, Person

_JOINERS = Weighted(
    [" & ", ", ", " feat. ", " x ", " and ", " vs. ", " with ", " / ", "; "],
    [10.0, 10.0, 6.0, 2.0, 3.0, 1.0, 2.0, 2.0, 2.0],
)
_LOCAL_AND = {"es": " y ", "de": " und ", "fr": " et ", "it": " e ", "pt": " e "}
_STYLES = ("surnames", "initials", "surname_first")
_ARTIST_MISSING = 0.008
_VARIOUS = 0.004
_LEADER = 0.035
_NATIVE_CREDITS = 0.7
_REORDERED = 0.18
_PARTIAL = 0.25
_ADDED = 0.22


def write_artists(draft: Draft) -> str | None:
    """Write the artists field as the source of a draft would.

    Parameters
    ----------
    draft : Draft
        Gets a mark for everything unusual.

    Returns
    -------
    str or None
        Names joined with ``|``, unless the source joins them in words; None for missing.
    """
    if draft.chance(_ARTIST_MISSING):
        draft.mark("artist_missing")
        return None
    if draft.chance(_VARIOUS):
        draft.mark("various_artists")
        return draft.rng.choice(("Various Artists", "Various", "Varios Artistas", "V.A."))
    names = _names(draft)
    if len(names) == 1:
        return names[0]
    if draft.chance(_REORDERED):
        draft.mark("artists_reordered")
        names = names[::-1]
    if draft.chance(draft.source.join):
        draft.mark("artists_joined")
        return _joiner(draft).join(names)
    return "|".join(names)


def write_contributors(draft: Draft) -> str | None:
    """Write the contributors field as the source of a draft would.

    Parameters
    ----------
    draft : Draft
        Gets a mark for everything unusual.

    Returns
    -------
    str or None
        Names joined with ``|``; None for missing.
    """
    if draft.chance(draft.source.contributors_missing):
        draft.mark("contributors_missing")
        return None
    people = list(draft.master.work.writers)
    if len(people) > 1 and draft.chance(_PARTIAL):
        draft.mark("contributors_partial")
        people.pop(draft.rng.randrange(len(people)))
    if len(people) > 1 and draft.chance(_REORDERED * 2):
        draft.mark("contributors_reordered")
        draft.rng.shuffle(people)
    style = draft.source.contributors if draft.chance(0.72) else draft.rng.choice(_STYLES)
    if style != "full":
        draft.mark(f"contributors_{style}")
    native = draft.script == "native" and draft.chance(_NATIVE_CREDITS)
    names = [_contributor(draft, person, style, native=native) for person in people]
    if draft.chance(_ADDED):
        draft.mark("contributors_added")
        names.append(_addition(draft))
    return "|".join(dict.fromkeys(names))


def _names(draft: Draft) -> list[str]:
    master = draft.master
    if master.work.kind == "classical" and draft.chance(0.25):
        draft.mark("composer_as_artist")
        composer = master.work.details["composer"]
        return [composer] if draft.chance(0.4) else [composer, draft.form(master.artists[0].name)]
    artists = list(master.artists)
    if master.featured and draft.source.feat in {"artists", "both"}:
        artists.extend(master.featured)
    elif master.featured:
        draft.mark("featured_moved")
    return [_name(draft, artist) for artist in artists]


def _name(draft: Draft, artist: Artist) -> str:
    name = draft.form(artist.name)
    if artist.kind == "band" and draft.chance(_LEADER):
        draft.mark("leader_and_band")
        leader = draft.form(artist.members[0].name)
        return f"{leader}|{name}" if draft.chance(0.5) else f"{leader} & {name}"
    return _article_moved(draft, name)


def _article_moved(draft: Draft, name: str) -> str:
    place = draft.source.the if draft.chance(0.97) else "last_comma"
    article, _, rest = name.partition(" ")
    if article != "The" or place == "first" or not rest:
        return name
    draft.mark("the_moved")
    return f"{rest}, The" if place == "last_comma" else f"{rest} The"


def _joiner(draft: Draft) -> str:
    language = draft.master.work.language.code
    if language in _LOCAL_AND and draft.chance(0.25):
        return _LOCAL_AND[language]
    return _JOINERS.draw(draft.rng)


def _contributor(draft: Draft, person: Person, style: str, *, native: bool) -> str:
    # East Asian names are too short in their own script to be abbreviated.
    if style == "full" or (native and not draft.master.work.language.space and style != "surnames"):
        return person.name.native if native else draft.latin(person.name)
    last = person.last.native if native else draft.latin(person.last)
    if style == "surnames":
        return last
    first = person.first.native if native else draft.latin(person.first)
    return f"{last}, {first}" if style == "surname_first" else f"{first[:1]}. {last}"


def _addition(draft: Draft) -> str:
    master = draft.master
    extra = draft.rng.randrange(3)
    if extra == 0 and master.work.publisher:
        return master.work.publisher
    return draft.form(master.artists[0].name) if extra == 1 else master.artists[0].members[-1].name.latin
