"""Pairs of rows worth labelling: of one master, or of two that a rough search by title would bring together."""

from __future__ import annotations

import random
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, combinations

from catalog.sample.lexicon import Weighted
from catalog.sample.masters import Master
from catalog.sample.writing import WrittenRow

_COPIES = frozenset({"karaoke", "tribute"})
_OTHER_CODE = frozenset({"isrc_missing", "isrc_reissued", "isrc_malformed", "isrc_mistyped"})
_WORD = re.compile(r"\w{4,}")
_LARGEST_FAMILY = 40  # masters of one work among which every pair is listed
_TRIES = 8
_ROUNDS = 4  # through a list, with other rows each time
_ATTEMPTS_PER_ROW = 20


@dataclass(frozen=True, slots=True, eq=False)
class Proposal:
    """Two rows of different masters, and why somebody could confuse them."""

    first: WrittenRow
    second: WrittenRow
    phenomenon: str
    wanted_across_scripts: bool = False


class Lookalikes:
    """Proposes pairs of rows of different masters, by phenomenon.

    Parameters
    ----------
    rows : sequence of WrittenRow
        The whole catalogue.
    rng : random.Random
        The only source of chance.
    uses : Counter
        How many pairs an id stands in so far; rows that stand in none are proposed first.
    """

    def __init__(self, rows: Sequence[WrittenRow], rng: random.Random, uses: Counter[str]) -> None:
        self._rng = rng
        self._uses = uses
        self._rows = rows
        self._attempts = _ATTEMPTS_PER_ROW * len(rows)
        self._written: dict[int, list[WrittenRow]] = defaultdict(list)
        for row in rows:
            self._written[row.master.number].append(row)
        self._masters = [group[0].master for group in self._written.values()]
        self._listed: dict[str, list[tuple[Master, Master]]] = defaultdict(list)
        self._families = [group for group in self._groups(lambda m: m.work.number).values() if len(group) > 1]
        self._list_families()
        self._list_relatives()
        self._titles = self._groups(lambda master: master.work.title.latin.casefold())
        self._title_groups = [group for group in self._titles.values() if len({m.work.number for m in group}) > 1]

    def propose(self, phenomenon: str) -> Iterator[Proposal]:
        """Propose pairs that show a phenomenon, at random.

        Parameters
        ----------
        phenomenon : str
            A name of `phenomena.INVALID_PHENOMENA`, or ``cross_script`` for pairs of various such phenomena.

        Returns
        -------
        iterator of Proposal
            Finitely many; perhaps none.
        """
        drawn: dict[str, Callable[[], Iterator[Proposal]]] = {
            "same_title": self._same_title,
            "cover": self._cover,
            "cross_script": self._cross_script,
            "same_title_no_artist": self._no_artist,
            "similar_title": self._similar_title,
            "wrong_isrc": self._wrong_isrc,
            "far_away": self._far_away,
        }
        return drawn[phenomenon]() if phenomenon in drawn else self._from_list(phenomenon)

    def _groups(self, key: Callable[[Master], Hashable]) -> dict[Hashable, list[Master]]:
        groups: dict[Hashable, list[Master]] = defaultdict(list)
        for master in self._masters:
            groups[key(master)].append(master)
        return groups

    def _list_families(self) -> None:
        """Masters of one work: its versions, and what others made of it."""
        for family in self._families:
            shown = family if len(family) <= _LARGEST_FAMILY else self._rng.sample(family, _LARGEST_FAMILY)
            for one, other in combinations(shown, 2):
                self._listed[_relation(one, other)].append((one, other))

    def _list_relatives(self) -> None:
        """Masters of works that belong together."""
        for family in self._groups(lambda master: master.release.number).values():
            for one, other in combinations(family, 2):
                if one.work is not other.work and one.work.kind != "part":
                    self._listed["same_album_track"].append((one, other))
        parts = self._groups(lambda master: master.work.parents if master.work.kind == "part" else ())
        parts.pop((), None)
        for family in parts.values():
            self._list_all("part_number", family, lambda one, other: one.work is not other.work)
        interludes = self._groups(lambda m: m.work.title.latin if m.work.kind == "interlude" else "")
        interludes.pop("", None)
        for family in interludes.values():
            self._list_all("intro_outro", family[:_LARGEST_FAMILY], lambda one, other: one.work is not other.work)
        names = self._groups(lambda m: (m.artists[0].name.latin, m.work.title.latin))
        for family in names.values():
            self._list_all("homonymous_artist", family, lambda one, other: one.artists[0] is not other.artists[0])
        works = self._groups(lambda master: master.work.number)
        for medley in (master for master in self._masters if master.work.kind == "medley"):
            for parent in medley.work.parents:
                self._listed["medley"].extend((medley, master) for master in works.get(parent, ()))

    def _list_all(self, phenomenon: str, family: Sequence[Master], fits: Callable[[Master, Master], bool]) -> None:
        self._listed[phenomenon].extend(pair for pair in combinations(family, 2) if fits(*pair))

    def _from_list(self, phenomenon: str) -> Iterator[Proposal]:
        pairs = self._listed[phenomenon]
        for one, other in chain.from_iterable(self._rng.sample(pairs, len(pairs)) for _ in range(_ROUNDS)):
            first, second = self._row_of(one), self._row_of(other)
            if "wrong_isrc" not in first.marks | second.marks:
                yield Proposal(first, second, phenomenon)

    def _row_of(self, master: Master) -> WrittenRow:
        rows = self._written[master.number]
        fewest = min(self._uses[row.sr_id] for row in rows)
        return self._rng.choice([row for row in rows if self._uses[row.sr_id] == fewest])

    def _same_title(self) -> Iterator[Proposal]:
        for first, second in self._matched(self._title_groups):
            one, other = first.master, second.master
            if one.work is not other.work and not _share_artists(one, other):
                yield Proposal(first, second, "same_title")

    def _cover(self) -> Iterator[Proposal]:
        for first, second in self._matched(self._families):
            if first.master is not second.master and _relation(first.master, second.master) == "cover":
                yield Proposal(first, second, "cover")

    def _matched(self, groups: Sequence[Sequence[Master]]) -> Iterator[tuple[WrittenRow, WrittenRow]]:
        """Match the rows of every group at random, those that stand in no pair with each other."""
        for _ in range(_ROUNDS):
            pairs: list[tuple[WrittenRow, WrittenRow]] = []
            for group in groups:
                rows = [row for master in group for row in self._written[master.number]]
                self._rng.shuffle(rows)
                rows.sort(key=lambda row: self._uses[row.sr_id])
                pairs.extend(zip(rows[::2], rows[1::2], strict=False))
            self._rng.shuffle(pairs)
            yield from pairs

    def _cross_script(self) -> Iterator[Proposal]:
        """Pairs of different scripts: one title, one album, or one artist's work by another."""
        releases = [group for group in self._groups(lambda m: m.release.number).values() if len(group) > 1]
        for group in self._rng.sample(chains := [*self._title_groups, *self._families, *releases], len(chains)):
            rows = [row for master in group for row in self._written[master.number]]
            native, latin = ([row for row in rows if row.script == script] for script in ("native", "latin"))
            if native and latin:
                first, second = self._rng.choice(native), self._rng.choice(latin)
                if phenomenon := _kinship(first.master, second.master):
                    yield Proposal(first, second, phenomenon, wanted_across_scripts=True)

    def _no_artist(self) -> Iterator[Proposal]:
        nameless = [row for row in self._rows if "artist_missing" in row.marks]
        for row in chain.from_iterable(self._rng.sample(nameless, len(nameless)) for _ in range(_ROUNDS)):
            others = self._titles[row.master.work.title.latin.casefold()]
            other = self._rng.choice(others)
            if other.work is not row.master.work and not _share_artists(row.master, other):
                yield Proposal(row, self._row_of(other), "same_title_no_artist")

    def _similar_title(self) -> Iterator[Proposal]:
        words: dict[str, list[Master]] = defaultdict(list)
        for master in self._masters:
            for word in _words(master):
                words[word].append(master)
        shared = [group for _, group in sorted(words.items()) if len({m.work.title.latin for m in group}) > 1]
        if not shared:
            return
        groups = Weighted(shared, [len(group) for group in shared])
        for _ in range(self._attempts):
            group = groups.draw(self._rng)
            one = self._rng.choice(group)
            tried = self._rng.choices(group, k=_TRIES)
            others = [other for other in tried if other.work.title.latin != one.work.title.latin]
            if others:
                other = max(others, key=lambda master: _overlap(one, master))
                if not _share_artists(one, other):
                    yield Proposal(self._row_of(one), self._row_of(other), "similar_title")

    def _wrong_isrc(self) -> Iterator[Proposal]:
        wrong = [row for row in self._rows if "wrong_isrc" in row.marks and "version_note_lost" not in row.marks]
        originals = self._groups(lambda master: master.isrcs[0])
        for bearer in self._rng.sample(wrong, len(wrong)):
            for original in originals.get(bearer.master.parent_isrc, ()):
                rows = [row for row in self._written[original.number] if not row.marks & _OTHER_CODE]
                if rows:
                    yield Proposal(bearer, self._rng.choice(rows), "wrong_isrc")

    def _far_away(self) -> Iterator[Proposal]:
        for _ in range(self._attempts):
            one, other = self._rng.choice(self._rows), self._rng.choice(self._rows)
            if one.master.work is not other.master.work and not _share_artists(one.master, other.master):
                yield Proposal(one, other, "far_away")


def same_master(rows: Sequence[WrittenRow]) -> Iterable[tuple[WrittenRow, WrittenRow]]:
    """List every pair of rows that one master was written down as.

    Parameters
    ----------
    rows : sequence of WrittenRow
        The whole catalogue.

    Returns
    -------
    iterable of pairs of WrittenRow
        In the order of the catalogue.
    """
    written: dict[int, list[WrittenRow]] = defaultdict(list)
    for row in rows:
        written[row.master.number].append(row)
    return (pair for group in written.values() for pair in combinations(group, 2))


def _relation(one: Master, other: Master) -> str:
    kinds = {one.version.kind, other.version.kind, one.artists[0].kind, other.artists[0].kind}
    if one.artists[0] is other.artists[0]:
        if "studio" not in {one.version.kind, other.version.kind} and one.work.kind != "library":
            return "two_of_a_kind" if one.version.kind == other.version.kind else "two_versions"
        return other.version.kind if other.version.kind != "studio" else one.version.kind
    if "karaoke" in kinds:
        return "karaoke"
    return "tribute" if kinds & _COPIES else "cover"


def _kinship(one: Master, other: Master) -> str:
    """Name the relation of two masters that share a title, a work or a release; empty if it has no name."""
    if one is other or one.work.kind in {"part", "interlude"}:
        return ""
    if one.work is other.work:
        return _relation(one, other)
    if one.release.number == other.release.number:
        return "same_album_track"
    return "" if _share_artists(one, other) else "same_title"


def _share_artists(one: Master, other: Master) -> bool:
    names = {artist.name.latin for artist in (*one.artists, *one.featured)}
    return any(artist.name.latin in names for artist in (*other.artists, *other.featured))


def _words(master: Master) -> list[str]:
    return list(dict.fromkeys(_WORD.findall(master.work.title.latin.casefold())))


def _overlap(one: Master, other: Master) -> float:
    first, second = _words(one), _words(other)
    return sum(word in second for word in first) / max(len(first), len(second))
