"""Labelled pairs: how many of which phenomenon, which side is q, and how pairs are linked."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from catalog.isrc import parse_isrcs
from catalog.recording import split_list
from catalog.sample.lookalikes import Lookalikes, Proposal, same_master
from catalog.sample.writing import WrittenRow

VALID_SHARE = 0.36  # of the labelled pairs of a real catalogue
_BOTH_SIDES = 635 / 55_549  # ids of that catalogue that stand both as q and as m
_IDS_PER_PAIR = 1.15  # as measured on the result
_PATIENCE = 30  # refused proposals per pair wanted, after which a phenomenon counts as used up
_LINK = 0.12  # chance that a pair may take one of its few such ids; spreads them over all phenomena
_MOST_PAIRS = 3  # of one id
# Shares of the valid pairs by what their ISRCs say, and of the invalid ones by phenomenon. Calibrated by
# benchmarks/sample_realism.py; what a small catalogue lacks of the rare ones is made up by the frequent ones.
_ISRC_SHARES = {"equal": 0.81, "formatted": 0.03, "missing": 0.1, "different": 0.06}
_RARE = {
    "live": 0.006,
    "remix": 0.005,
    "radio_edit": 0.005,
    "acoustic": 0.0015,
    "instrumental": 0.001,
    "extended": 0.001,
    "demo": 0.0007,
    "re_recording": 0.001,
    "sped_up": 0.0005,
    "slowed": 0.0004,
    "clean": 0.0004,
    "part_number": 0.002,
    "homonymous_artist": 0.002,
    "wrong_isrc": 0.006,
    "library_music": 0.005,
    "medley": 0.004,
    "same_album_track": 0.004,
    "intro_outro": 0.012,
    "same_title_no_artist": 0.012,
    "karaoke": 0.012,
    "tribute": 0.025,
}
_FREQUENT = {"cover": 0.38, "similar_title": 0.06, "far_away": 0.035, "same_title": 0.42}
# People label what they can judge: rows without contributors or codes are rarer in pairs than in the catalogue.
_UNDOCUMENTED = {"contributors_missing": 0.1, "isrc_missing": 0.12}
_TWO_SCRIPTS = 0.2  # a search by title seldom brings two scripts together
_LOOKED_AT_LATER = 1.1  # likewise for valid pairs: those without contributors are looked at later
_ALWAYS_TOLD = ("isrc_missing", "contributors_missing")


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
    """

    q_source_id: str
    m_source_id: str
    tag: str
    phenomenon: str


def label_pairs(rows: Sequence[WrittenRow], count: int, rng: random.Random) -> list[LabelledPair]:
    """Draw labelled pairs from a catalogue.

    Parameters
    ----------
    rows : sequence of WrittenRow
        The whole catalogue.
    count : int
        Number of pairs.
    rng : random.Random
        The only source of chance.

    Returns
    -------
    list of LabelledPair
        In random order; fewer than asked for only if the catalogue holds no more.
    """
    book = _Book(rng, round(_BOTH_SIDES * _IDS_PER_PAIR * count) or 1)
    valid = round(count * VALID_SHARE)
    lookalikes = Lookalikes(rows, rng)
    left = count - valid
    for phenomenon, share in _RARE.items():  # before frequent ones take their rows
        left -= book.take(lookalikes.propose(phenomenon), _quota(rng, share, count - valid, left))
    _add_valid(book, rows, valid, rng)
    for phenomenon, share in _FREQUENT.items():
        left -= book.take(lookalikes.propose(phenomenon), _quota(rng, share, count - valid, left))
    for phenomenon in ("same_title", "cover", "similar_title", "far_away"):
        left -= book.take(lookalikes.propose(phenomenon), left, picky=False)
    rng.shuffle(book.pairs)
    return book.pairs


class _Book:
    """Accepts pairs while every id keeps to one side, save for a few."""

    def __init__(self, rng: random.Random, both_sides: int) -> None:
        self.pairs: list[LabelledPair] = []
        self._rng = rng
        self._left = both_sides
        self._sides: dict[str, set[str]] = {}
        self._uses: Counter[str] = Counter()
        self._known: set[tuple[str, str]] = set()

    def add(self, first: WrittenRow, second: WrittenRow, tag: str, phenomenon: str, most: int = _MOST_PAIRS) -> bool:
        one, other = first.sr_id, second.sr_id
        key = (min(one, other), max(one, other))
        if one == other or key in self._known or max(self._uses[one], self._uses[other]) >= most:
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
        self._uses.update((one, other))
        self._known.add(key)
        self.pairs.append(LabelledPair(one, other, tag, phenomenon))
        return True

    def take(self, proposals: Iterator[Proposal], wanted: int, *, picky: bool = True) -> int:
        """Add invalid pairs until enough are taken, the proposals end, or too many are refused; count them."""
        taken = refused = 0
        while taken < wanted and refused < _PATIENCE * (10 + wanted):
            proposal = next(proposals, None)
            if proposal is None:
                break
            if (not picky or self._telling(proposal)) and self.add(
                proposal.first, proposal.second, "invalid", proposal.phenomenon
            ):
                taken += 1
            else:
                refused += 1
        return taken

    def _telling(self, proposal: Proposal) -> bool:
        first, second = proposal.first.marks, proposal.second.marks
        if "transliteration" in first ^ second and self._rng.random() >= _TWO_SCRIPTS:
            return False
        marks = first | second
        return all(mark not in marks or self._rng.random() < kept for mark, kept in _UNDOCUMENTED.items())

    def _cost(self, q: str, m: str) -> int:
        return ("m" in self._sides.get(q, ())) + ("q" in self._sides.get(m, ()))


def _quota(rng: random.Random, share: float, count: int, left: int) -> int:
    """Round a share of few pairs up or down at random, so that small samples keep the proportions."""
    return min(int(share * count + rng.random()), left)


def _add_valid(book: _Book, rows: Sequence[WrittenRow], count: int, rng: random.Random) -> None:
    pairs = sorted(same_master(rows), key=lambda pair: rng.random() + _LOOKED_AT_LATER * _undocumented(pair))
    frequency = Counter(mark for row in rows for mark in row.marks)
    left = {state: round(share * count) for state, share in _ISRC_SHARES.items()}
    left["equal"] += count - sum(left.values())
    spare: list[tuple[WrittenRow, WrittenRow]] = []
    for first, second in pairs:
        state = _isrc_state(first, second)
        if left[state] and book.add(first, second, "valid", _difference(first, second, frequency)):
            left[state] -= 1
        else:
            spare.append((first, second))
    missing = sum(left.values())
    for most in (_MOST_PAIRS, 2 * _MOST_PAIRS, 8 * _MOST_PAIRS):
        for first, second in _repeated(spare, 20):
            if not missing:
                return
            missing -= book.add(first, second, "valid", _difference(first, second, frequency), most)


def _undocumented(pair: tuple[WrittenRow, WrittenRow]) -> bool:
    return "contributors_missing" in pair[0].marks | pair[1].marks


def _repeated(pairs: Sequence[tuple[WrittenRow, WrittenRow]], times: int) -> Iterable[tuple[WrittenRow, WrittenRow]]:
    return (pair for _ in range(times) for pair in pairs)


def _isrc_state(first: WrittenRow, second: WrittenRow) -> str:
    if "isrc_missing" in first.marks | second.marks:
        return "missing"
    if first.values["isrcs"] == second.values["isrcs"]:
        return "equal"
    one, other = (parse_isrcs(split_list(row.values["isrcs"])) for row in (first, second))
    return "formatted" if one & other else "different"


def _difference(first: WrittenRow, second: WrittenRow, frequency: Counter[str]) -> str:
    """Name the rarest thing that one of the rows shows and the other does not."""
    told = first.marks ^ second.marks | {mark for mark in _ALWAYS_TOLD if mark in first.marks & second.marks}
    told -= {"wrong_isrc"}
    return min(told, key=lambda mark: (frequency[mark], mark), default="identical")
