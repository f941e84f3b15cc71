"""How sources write titles."""

from __future__ import annotations

from collections.abc import Mapping

from catalog.sample import slips
from catalog.sample.draft import Draft
from catalog.sample.versions import draw_same_master_note
from catalog.sample.works import roman

_LONGEST = 30  # characters that old delivery formats leave for a title
_NUMBER_WORDS = ("One", "Two", "Three")
_NOTE_LOST = 0.015
_OTHER_WORDING = 0.4
_BARE_NOTE = 0.04  # a note with nothing that sets it off
_TRANSLATED = 0.06


def write_title(draft: Draft) -> str:
    """Write a title as the source of a draft would.

    Parameters
    ----------
    draft : Draft
        Gets a mark for everything unusual.

    Returns
    -------
    str
    """
    text = _base(draft)
    text = _with_guests(draft, text)
    text = _with_version(draft, text)
    text = _with_notes(draft, text)
    text = _with_surroundings(draft, text)
    return _damaged(draft, text)


def noted(draft: Draft, text: str, note: str) -> str:
    """Append a note, mostly in the brackets that the source prefers.

    Parameters
    ----------
    draft : Draft
        Whose source decides.
    text : str
        Title.
    note : str
        What to append.

    Returns
    -------
    str
    """
    style = draft.source.notes if draft.chance(0.85) else draft.rng.choice(("round", "square", "dash"))
    if style == "dash":
        return f"{text} - {note}"
    return f"{text} [{note}]" if style == "square" else f"{text} ({note})"


def _base(draft: Draft) -> str:
    work = draft.master.work
    if work.kind == "classical":
        return _classical(draft, work.details)
    if work.title.english and draft.chance(_TRANSLATED):
        draft.mark("translated_title")
        return work.title.english if draft.chance(0.35) else f"{draft.form(work.title)} ({work.title.english})"
    text = draft.form(work.title)
    return f"{text}{_part(draft, int(work.details['part']))}" if work.kind == "part" else text


def _part(draft: Draft, number: int) -> str:
    word = _NUMBER_WORDS[number - 1]
    styles = (f", Pt. {number}", f" (Part {number})", f" Part {word}", f", Pt. {roman(number)}", f" {roman(number)}")
    chosen = draft.rng.choices(range(len(styles)), (8, 5, 2, 2, 1))[0]
    if chosen:
        draft.mark("part_number_style")
    return styles[chosen]


def _classical(draft: Draft, d: Mapping[str, str]) -> str:
    number = int(d["movement_number"])
    movement = f"{roman(number)}. {d['movement']}"
    styles = (
        f"{d['work']} in {d['key']}, {d['opus']}: {movement}",
        f"{d['composer'].split()[-1]}: {d['work']} in {d['key']}, {d['opus']}: {movement}",
        f"{d['work']} {d['key_de']} {d['opus'].lower()} - {number}. {d['movement']}",
        f"{d['opus']}, {d['work']} in {d['key']}: {d['movement']}",
        f"{movement} ({d['work']} in {d['key']}, {d['opus']})",
    )
    chosen = draft.rng.choices(range(len(styles)), (10, 5, 2, 2, 2))[0]
    if chosen:
        draft.mark("classical_order")
    return styles[chosen]


def _with_guests(draft: Draft, text: str) -> str:
    guests = draft.master.featured
    if not guests or draft.source.feat == "artists":
        return text
    draft.mark("featured_moved")
    word = draft.rng.choices(("feat.", "ft.", "featuring", "with", "Feat."), (10, 3, 2, 2, 2))[0]
    names = " & ".join(draft.form(guest.name) for guest in guests)
    if draft.chance(0.12):
        return f"{text} {word} {names}"
    return f"{text} [{word} {names}]" if draft.source.notes == "square" else f"{text} ({word} {names})"


def _with_version(draft: Draft, text: str) -> str:
    note = draft.master.version.note
    if not note:
        return text
    if draft.chance(_NOTE_LOST):
        draft.mark("version_note_lost")
        return text
    if draft.master.work.kind == "library":
        return draft.rng.choice((f"{text} {note}", f"{text} - {note}", f"{text} ({note})"))
    if draft.chance(_OTHER_WORDING):
        draft.mark("version_note_style")
        note = _reworded(draft, note)
    if draft.chance(_BARE_NOTE):
        draft.mark("version_note_style")
        return f"{text} {note}"
    return noted(draft, text, note)


def _reworded(draft: Draft, note: str) -> str:
    wordings = [text for text in draft.master.version.wordings if text != note]
    if wordings and draft.chance(0.75):
        return draft.rng.choice(wordings)
    year = draft.master.release.year
    return draft.rng.choice((note.upper(), note.lower(), f"{note} - {year}", f"{note} {year}"))


def _with_notes(draft: Draft, text: str) -> str:
    master = draft.master
    if "film" in master.work.details and draft.chance(0.6):
        draft.mark("soundtrack_note")
        text = noted(draft, text, f'From "{master.work.details["film"]}"')
    if master.explicit and draft.chance(draft.source.explicit * 3):
        draft.mark("explicit_note")
        text = f"{text} [Explicit]" if draft.chance(0.7) else f"{text} (Explicit Version)"
    if master.work.kind in {"song", "part"}:
        phenomenon, note = draw_same_master_note(draft.rng, master.work.language, master.remaster_year)
        if note and (master.version.kind == "studio" or note == "Bonus Track" or phenomenon == "remaster_note"):
            draft.mark(phenomenon)
            text = noted(draft, text, note)
    return text


def _with_surroundings(draft: Draft, text: str) -> str:
    master, source = draft.master, draft.source
    if draft.chance(source.artist_in_title):
        draft.mark("artist_in_title")
        text = f"{draft.form(master.artists[0].name)} - {text}"
    if draft.chance(source.album_in_title):
        draft.mark("album_in_title")
        album = draft.form(master.release.title)
        text = f"{text} ({album})" if draft.chance(0.6) else f"{text} - {album}"
    if draft.chance(source.track_prefix):
        draft.mark("track_number_in_front")
        digits, separator = draft.rng.choice((2, 3)), draft.rng.choice(("-", " - ", ". ", " "))
        text = f"{draft.rng.randrange(1, 19):0{digits}d}{separator}{text}"
    return text


def _damaged(draft: Draft, text: str) -> str:
    rng, factor = draft.rng, draft.source.slips
    if draft.chance(0.011 * factor):
        text = draft.changed("typing_error", text, lambda t: slips.typing_error(rng, t))
    if draft.chance(0.003 * factor):
        text = draft.changed("words_swapped", text, lambda t: slips.swapped_words(rng, t))
    if draft.chance(0.003 * factor):
        text = draft.changed("spaces_lost", text, lambda t: t.replace(" ", ""))
    if draft.chance(draft.source.truncate):
        text = draft.changed("truncated_title", text, lambda t: t[:_LONGEST].rstrip())
    if draft.chance(0.06):
        text = draft.changed("smart_quotes", text, slips.smart_quotes)
    if draft.chance(0.02 * factor):
        text = draft.changed("html_entities", text, slips.html_entities)
    # titles come in sentence case and in title case, which nobody would call an error
    return text.title() if "'" not in text and draft.chance(0.04) else text
