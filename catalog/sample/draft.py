"""A row while it is being written: one source, one master, and what has been done so far."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from catalog.sample.lexicon import Term
from catalog.sample.masters import Master
from catalog.sample.romanising import respelled
from catalog.sample.sources import Source


@dataclass(slots=True)
class Draft:
    """A row in the making.

    Attributes
    ----------
    rng : random.Random
        The only source of chance.
    source : Source
        Who writes.
    master : Master
        What is written down.
    script : str
        ``native``, ``latin`` or ``both``.
    way : int or None
        Which other spelling its romanised words have; None for that of the word lists.
    marks : list of str
        Names of `phenomena.VALID_PHENOMENA` that the row shows so far.
    """

    rng: random.Random
    source: Source
    master: Master
    script: str
    way: int | None = None
    marks: list[str] = field(default_factory=list)

    def chance(self, probability: float) -> bool:
        """Draw whether something of this probability happens."""
        return self.rng.random() < probability

    def mark(self, phenomenon: str) -> None:
        """Remember a phenomenon."""
        self.marks.append(phenomenon)

    def changed(self, phenomenon: str, before: str, change: Callable[[str], str]) -> str:
        """Apply a change, and remember it if it did anything."""
        after = change(before)
        if after != before:
            self.marks.append(phenomenon)
        return after

    def form(self, term: Term) -> str:
        """Write a term in the script of this row."""
        if not term.two_scripts or self.script == "native":
            return term.native
        self.marks.append("transliteration")
        latin = self.latin(term)
        if self.script == "latin":
            return latin
        return f"{term.native} ({latin})" if self.chance(0.7) else f"{latin} ({term.native})"

    def latin(self, term: Term) -> str:
        """Write a term in Latin script, spelt as the row spells."""
        if not term.two_scripts or self.way is None:
            return term.latin
        return self.changed("romanisation", term.latin, partial(respelled, self.master.work.language.code, self.way))
