"""The labelled pairs while they are being collected: which ids they use, and on which side."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass

from catalog.sample.writing import WrittenRow

MOST_PAIRS = 3  # of one id
_LINK = 0.5  # chance that a pair may take one of the few ids that stand on both sides; spreads them over all phenomena
_ALWAYS_TOLD = frozenset({"isrc_missing", "contributors_missing"})
_BOTH_SIDED = frozenset({"two_versions", "two_of_a_kind"})
_MINOR = frozenset({"store_note", "other_album", "label_style", "length_off", "year_off", "sentinel"})


@dataclass(frozen=True, slots=True)
class LabelledPair:
    """Two recordings and whether they are one master.

    Attributes
    ----------
    q_source_id, m_source_id : str
        Ids of the catalogue.
    tag : str
        ``valid`` or ``invalid``.
    phenomenon : str
        What makes the pair worth labelling: a name of `phenomena.PHENOMENA`.
    shown : tuple of str
        Everything that the pair shows, the phenomenon included and first: how the two rows are written differently,
        and of an invalid pair how the two masters are related.
    """

    q_source_id: str
    m_source_id: str
    tag: str
    phenomenon: str
    shown: tuple[str, ...]


class Book:
    """Accepts pairs while every id keeps to one side, save for a few.

    Parameters
    ----------
    rng : random.Random
        The only source of chance.
    both_sides : int
        How many ids may stand on both sides.
    frequency : Counter
        How many rows of the catalogue show a phenomenon.
    """

    def __init__(self, rng: random.Random, both_sides: int, frequency: Counter[str]) -> None:
        self.pairs: list[LabelledPair] = []
        self.uses: Counter[str] = Counter()
        self._rng = rng
        self._left = both_sides
        self._frequency = frequency
        self._sides: dict[str, set[str]] = {}
        self._known: set[tuple[str, str]] = set()

    def add(self, first: WrittenRow, second: WrittenRow, relation: str, most: int = MOST_PAIRS) -> bool:
        """Add a pair, unless it is known or uses up what its ids may do.

        Parameters
        ----------
        first : WrittenRow
            One side.
        second : WrittenRow
            The other side.
        relation : str
            A name of `phenomena.INVALID_PHENOMENA`; empty for a valid pair.
        most : int
            Pairs that one id may stand in.

        Returns
        -------
        bool
            Whether it was added.
        """
        one, other = first.sr_id, second.sr_id
        key = (min(one, other), max(one, other))
        if one == other or key in self._known or max(self.uses[one], self.uses[other]) >= most:
            return False
        if self._rng.random() < 0.5:
            one, other = other, one
        forward, backward = self._cost(one, other), self._cost(other, one)
        if backward < forward:
            one, other = other, one
        cost = min(forward, backward)
        if cost and (cost > self._left or self._rng.random() > _LINK):
            return False
        self._left -= cost
        self._sides.setdefault(one, set()).add("q")
        self._sides.setdefault(other, set()).add("m")
        self.uses.update((one, other))
        self._known.add(key)
        shown = self._shown(first, second, relation)
        self.pairs.append(LabelledPair(one, other, "invalid" if relation else "valid", shown[0], shown))
        return True

    def _cost(self, q: str, m: str) -> int:
        return ("m" in self._sides.get(q, ())) + ("q" in self._sides.get(m, ()))

    def _shown(self, first: WrittenRow, second: WrittenRow, relation: str) -> tuple[str, ...]:
        """List what a pair shows: for invalid pairs the relation first, for valid ones the rarest difference."""
        told = (first.marks ^ second.marks | _ALWAYS_TOLD & first.marks & second.marks) - {"wrong_isrc"}
        ordered = sorted(told, key=lambda mark: (mark in _MINOR, self._frequency[mark], mark))
        if across_scripts(first, second):
            ordered.insert(0, "cross_script")
        kinds = sorted({row.master.version.kind for row in (first, second)} - {"studio", relation})
        if relation:
            return (relation, *(kinds if relation in _BOTH_SIDED else ()), *ordered)
        if kinds:
            ordered.append("same_version")
        return tuple(ordered) or ("identical",)


def across_scripts(first: WrittenRow, second: WrittenRow) -> bool:
    """Tell whether one title is written in Latin script and the other in another one."""
    return {first.script, second.script} == {"latin", "native"}
