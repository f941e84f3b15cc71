"""How sources write whole rows."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from catalog.sample import slips
from catalog.sample.draft import Draft
from catalog.sample.lexicon import Weighted
from catalog.sample.masters import Master
from catalog.sample.scripts import script_of
from catalog.sample.slipped import slip_fields, write_sentinels
from catalog.sample.sources import local_id, sources_of
from catalog.sample.written_codes import write_isrcs
from catalog.sample.written_credits import write_artists, write_contributors
from catalog.sample.written_details import write_album, write_label, write_length, write_year
from catalog.sample.written_titles import write_title

_TIMES_WRITTEN = Weighted([1, 2, 3, 4, 5], [34.0, 38.0, 16.0, 8.0, 4.0])
_SCRIPTS = ("native", "latin", "both")
_TEXTS = ("title", "artists", "contributors", "album", "label")
_MISSING_WORDS = ("", "None", "null", "NULL")
_MISSING_WORD = 0.06
_TYPED = ("title", "artists", "album")
_LANGUAGE_MISSING = 0.7
_RESPELLED = 0.4  # rows that romanise otherwise than the word lists
_MOST_WAYS = 60


@dataclass(frozen=True, slots=True, eq=False)
class WrittenRow:
    """A row of the catalogue with what is known about it.

    Attributes
    ----------
    sr_id : str
        Its id.
    values : mapping of str to object
        ``sr_id`` and every field of the catalogue.
    master : Master
        What it was derived from.
    marks : frozenset of str
        Phenomena that the row shows, among them ``wrong_isrc``.
    script : str
        Of the title: ``native``, ``latin`` or ``both``.
    """

    sr_id: str
    values: Mapping[str, object]
    master: Master
    marks: frozenset[str]
    script: str


class Scribe:
    """Writes masters down, one to five times each, never using an id twice.

    Parameters
    ----------
    rng : random.Random
        The only source of chance.
    """

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._ids: set[str] = set()

    def write_down(self, master: Master) -> list[WrittenRow]:
        """Write a master down as often as chance has it.

        Parameters
        ----------
        master : Master

        Returns
        -------
        list of WrittenRow
            One to five, mostly of different sources.
        """
        return [self._row(master) for _ in range(_TIMES_WRITTEN.draw(self._rng))]

    def _row(self, master: Master) -> WrittenRow:
        source = sources_of(master.work.language.code).draw(self._rng)
        script = self._rng.choices(_SCRIPTS, source.script)[0]
        way = self._rng.randrange(_MOST_WAYS) if self._rng.random() < _RESPELLED else None
        draft = Draft(self._rng, source, master, script, way)
        values: dict[str, str | None] = {
            "title": write_title(draft),
            "artists": write_artists(draft),
            "isrcs": write_isrcs(draft),
            "contributors": write_contributors(draft),
            "album": write_album(draft),
            "label": write_label(draft),
        }
        _whole_row(draft, values)
        sr_id = self._new_id(draft)
        row: dict[str, object] = {"sr_id": sr_id}
        row |= {key: self._stored(text) for key, text in values.items()}
        row |= {
            "duration_ms": write_length(draft),
            "release_year": write_year(draft),
            "language": None if draft.chance(_LANGUAGE_MISSING) else master.work.language.code,
        }
        if "isrc_missing" in draft.marks and master.isrcs[0] in sr_id:
            draft.mark("isrc_in_id")
        # What went through a wrong code page is in no script.
        script = "both" if "mojibake" in draft.marks else script_of(str(values["title"]))
        return WrittenRow(sr_id, row, master, frozenset(draft.marks), script)

    def _new_id(self, draft: Draft) -> str:
        while (sr_id := f"{draft.source.name}__{local_id(draft.rng, draft.source, draft.master)}") in self._ids:
            pass
        self._ids.add(sr_id)
        return sr_id

    def _stored(self, text: str | None) -> str | None:
        if text is None and self._rng.random() < _MISSING_WORD:
            return self._rng.choice(_MISSING_WORDS)
        return text


def _whole_row(draft: Draft, values: dict[str, str | None]) -> None:
    """Apply what a source does to every text of a row alike."""
    source = draft.source
    slip_fields(draft, values)
    if draft.chance(source.typing):
        for column in _TYPED:
            values[column] = _typed(draft, values[column])
    if draft.chance(source.ascii):
        _change_all(draft, values, "diacritics_dropped", slips.without_diacritics)
    if draft.chance(source.upper):
        _change_all(draft, values, "upper_case", str.upper)
    if draft.chance(source.full_width):
        _change_all(draft, values, "full_width", slips.full_width)
    if draft.chance(0.012 * source.slips):
        _change_all(draft, values, "mojibake", slips.mojibake)
    write_sentinels(draft, values)


def _typed(draft: Draft, text: str | None) -> str | None:
    return text and draft.changed("heavy_typing", text, lambda t: slips.badly_typed(draft.rng, t))


def _change_all(draft: Draft, values: dict[str, str | None], phenomenon: str, change: Callable[[str], str]) -> None:
    for column in _TEXTS:
        text = values[column]
        if text is not None and (after := change(text)) != text:
            values[column] = after
            draft.marks.append(phenomenon)
