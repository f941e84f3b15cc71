"""How sources write whole rows."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from catalog.sample import slips
from catalog.sample.draft import Draft
from catalog.sample.lexicon import Weighted
from catalog.sample.masters import Master
from catalog.sample.sources import local_id, sources_of
from catalog.sample.written_codes import write_isrcs
from catalog.sample.written_credits import write_artists, write_contributors
from catalog.sample.written_titles import write_title

_TIMES_WRITTEN = Weighted([1, 2, 3, 4, 5], [34.0, 38.0, 16.0, 8.0, 4.0])
_SCRIPTS = ("native", "latin", "both")
_TEXTS = ("title", "artists", "contributors", "album", "label")
_MISSING_WORDS = ("", "None", "null", "NULL")
_MISSING_WORD = 0.06


@dataclass(frozen=True, slots=True, eq=False)
class WrittenRow:
    """A row of the catalogue with what is known about it.

    Attributes
    ----------
    values : mapping of str to object
        ``sr_id`` and every field of the catalogue.
    master : Master
        What it was derived from.
    marks : frozenset of str
        Phenomena that the row shows, among them ``wrong_isrc``.
    """

    values: Mapping[str, object]
    master: Master
    marks: frozenset[str]

    @property
    def sr_id(self) -> str:
        """Id of the row."""
        return str(self.values["sr_id"])


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
        draft = Draft(self._rng, source, master, self._rng.choices(_SCRIPTS, source.script)[0])
        values: dict[str, str | None] = {
            "title": write_title(draft),
            "artists": write_artists(draft),
            "isrcs": write_isrcs(draft),
            "contributors": write_contributors(draft),
            "album": None if draft.chance(source.album_missing) else master.release.title,
            "label": None if draft.chance(source.album_missing + 0.25) else master.release.label,
        }
        _whole_row(draft, values)
        row: dict[str, object] = {"sr_id": self._new_id(draft)}
        row |= {key: self._stored(text) for key, text in values.items()}
        row |= self._numbers(draft)
        return WrittenRow(row, master, frozenset(draft.marks))

    def _numbers(self, draft: Draft) -> dict[str, object]:
        master, gaps = draft.master, draft.source.album_missing + 0.05
        remastered = "remaster_note" in draft.marks and draft.chance(0.6)
        year = master.remaster_year if remastered else master.release.year
        length = master.duration_ms + int(draft.rng.gauss(0, 900))
        if draft.chance(0.4):
            length = length // 1000 * 1000
        return {
            "duration_ms": None if draft.chance(gaps) else max(1000, length),
            "release_year": None if draft.chance(gaps + 0.1) else year,
            "language": None if draft.chance(0.7) else master.work.language.code,
        }

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
    if draft.chance(source.ascii):
        _change_all(draft, values, "diacritics_dropped", slips.without_diacritics)
    if draft.chance(source.upper):
        _change_all(draft, values, "upper_case", str.upper)
    if draft.chance(source.full_width):
        _change_all(draft, values, "full_width", slips.full_width)
    if draft.chance(0.012 * source.slips):
        _change_all(draft, values, "mojibake", slips.mojibake)


def _change_all(draft: Draft, values: dict[str, str | None], phenomenon: str, change: Callable[[str], str]) -> None:
    for column in _TEXTS:
        text = values[column]
        if text is not None and (after := change(text)) != text:
            values[column] = after
            draft.marks.append(phenomenon)
