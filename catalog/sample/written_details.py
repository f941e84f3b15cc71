"""How sources write albums, labels, lengths and years."""

from __future__ import annotations

from catalog.sample.draft import Draft
from catalog.sample.masters import LAST_YEAR

_OTHER_ALBUM = 0.06  # compilations
_COMPILATIONS = ("Greatest Hits", "The Very Best of {a}", "The Collection", "Best of {y}", "Year Hits {y}", "{a}")
_EDITIONS = ("(Deluxe Edition)", "(Deluxe)", "(Expanded Edition)", "[Remastered]", "(Bonus Track Version)", "- EP")
_SINGLES = ("- Single", "- Single", "- EP", "(Single)")
_RIGHTS = ("(P) {y} {x}", "℗ {y} {x}", "{y} {x}", "{x} under exclusive license", "{x} Ltd.", "{x} / Believe")
_BUSINESS = (" Records", " Music", " Recordings", " Entertainment", " Sound", " Digital")
_SILENCE = 0.02
_LONGEST_SILENCE = 10_000  # milliseconds, as the ones below
_SPREAD = 350
_NOTICED = 1_500
_STEPS = {"seconds": 1_000, "hundredths": 600, "tenths": 6_000}
_MISPRINTED = 0.006


def write_album(draft: Draft) -> str | None:
    """Write the album field as the source of a draft would.

    Parameters
    ----------
    draft : Draft
        Gets a mark for everything unusual.

    Returns
    -------
    str or None
        None for missing.
    """
    release, artist = draft.master.release, draft.master.artists[0]
    if draft.chance(draft.source.album_missing):
        return None
    if draft.chance(_OTHER_ALBUM):
        draft.mark("other_album")
        return draft.rng.choice(_COMPILATIONS).format(a=draft.form(artist.name), y=release.year)
    title = draft.form(release.title)
    if draft.chance(draft.source.store):
        draft.mark("store_note")
        single = release.title.native == draft.master.work.title.native
        return f"{title} {draft.rng.choice(_SINGLES if single else _EDITIONS)}"
    return title


def write_label(draft: Draft) -> str | None:
    """Write the label field as the source of a draft would.

    Parameters
    ----------
    draft : Draft
        Gets a mark for everything unusual.

    Returns
    -------
    str or None
        None for missing.
    """
    release = draft.master.release
    if draft.chance(draft.source.album_missing + 0.25):
        return None
    if not draft.chance(draft.source.label_style):
        return release.label
    draft.mark("label_style")
    if draft.chance(0.5):
        word = next((word for word in _BUSINESS if release.label.endswith(word)), "")
        return release.label.removesuffix(word)
    return draft.rng.choice(_RIGHTS).format(y=release.year, x=release.label)


def write_length(draft: Draft) -> int | None:
    """Write the length as the source of a draft would.

    Parameters
    ----------
    draft : Draft
        Gets a mark if the length is off by more than one would overlook.

    Returns
    -------
    int or None
        Milliseconds; None for missing.
    """
    source, true = draft.source, draft.master.duration_ms
    if draft.chance(source.length_missing):
        return None
    length = true + int(draft.rng.gauss(0, _SPREAD))
    if draft.chance(source.length_off):
        length += draft.rng.choice((-1, 1)) * draft.rng.randrange(1_000, 4_000)
    if draft.chance(_SILENCE):
        length += draft.rng.randrange(_LONGEST_SILENCE)
    step = _STEPS.get(source.lengths, 1)
    rounded = length // 1_000 if source.lengths == "seconds" else round(length / step)
    length = max(1_000, rounded * step)
    if abs(length - true) > _NOTICED:
        draft.mark("length_off")
    return length


def write_year(draft: Draft) -> int | None:
    """Write the year as the source of a draft would: of the first release, a re-issue or a remaster, or misprinted.

    Parameters
    ----------
    draft : Draft
        Gets a mark if it is not the year of the first release.

    Returns
    -------
    int or None
        None for missing.
    """
    master = draft.master
    if draft.chance(draft.source.album_missing + 0.12):
        return None
    year = master.release.year
    if "remaster_note" in draft.marks and draft.chance(0.6):
        year = master.remaster_year
    elif draft.chance(draft.source.year_off):
        year = min(LAST_YEAR, year + draft.rng.randrange(1, 25))
    if draft.chance(_MISPRINTED):
        year = min(LAST_YEAR, year // 10 * 10 + draft.rng.randrange(10))
    if year != master.release.year:
        draft.mark("year_off")
    return year
