"""Labelled pairs: how many of which phenomenon."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from catalog.isrc import parse_isrcs
from catalog.recording import split_list
from catalog.sample.book import MOST_PAIRS, Book, LabelledPair, across_scripts
from catalog.sample.lookalikes import Lookalikes, Proposal, same_master
from catalog.sample.writing import WrittenRow

VALID_SHARE = 0.36  # of the labelled pairs of a real catalogue
_BOTH_SIDES = 635 / 55_549  # ids of that catalogue that stand both as q and as m
_IDS_PER_PAIR = 1.82  # as measured on the result
_PATIENCE = 30  # refused proposals per pair wanted, after which a phenomenon counts as used up
# Shares of the valid pairs by what their ISRCs say, and of the invalid ones by phenomenon. Calibrated by
# benchmarks/sample_realism.py; what a small catalogue lacks of the rare ones is made up by the frequent ones.
_ISRC_SHARES = {"equal": 0.812, "formatted": 0.01, "missing": 0.117, "different": 0.061}
_RARE = {
    "two_of_a_kind": 0.0036,
    "two_versions": 0.0036,
    "live": 0.005,
    "remix": 0.0044,
    "radio_edit": 0.0038,
    "acoustic": 0.0036,
    "instrumental": 0.0036,
    "extended": 0.0036,
    "demo": 0.0036,
    "re_recording": 0.0036,
    "sped_up": 0.0036,
    "slowed": 0.0036,
    "clean": 0.0036,
    "mono": 0.0036,
    "part_number": 0.0038,
    "homonymous_artist": 0.0036,
    "wrong_isrc": 0.0035,
    "library_music": 0.0038,
    "medley": 0.0036,
    "same_album_track": 0.0032,
    "intro_outro": 0.01,
    "same_title_no_artist": 0.012,
    "karaoke": 0.012,
    "tribute": 0.012,
}
_FREQUENT = {"cover": 0.38, "similar_title": 0.06, "far_away": 0.035, "same_title": 0.42}
_CROSS_SCRIPT = {"equal": 0.0265, "missing": 0.018, "different": 0.0085}  # of the valid pairs, those across scripts
_CROSS_SCRIPT_INVALID = 0.022
# People label what they can judge: rows without contributors or codes are rarer in pairs than in the catalogue.
_UNDOCUMENTED = {"contributors_missing": 0.4, "isrc_missing": 0.8}
_TWO_SCRIPTS = 0.2  # a search by title seldom brings two scripts together
_LOOKED_AT_LATER = 0.55  # likewise for valid pairs: those without contributors are looked at later
_HARDLY_JUDGED = 0.6  # so are those with neither artist nor code
_NAMELESS = frozenset({"artist_missing", "various_artists"})
Pair = tuple[WrittenRow, WrittenRow]


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
    frequency = Counter(mark for row in rows for mark in row.marks)
    book = Book(rng, round(_BOTH_SIDES * _IDS_PER_PAIR * count) or 1, frequency)
    valid = round(count * VALID_SHARE)
    invalid = _Invalid(book, Lookalikes(rows, rng, book.uses), rng, count - valid)
    for phenomenon, share in _RARE.items():  # before frequent ones take their rows
        invalid.take_share(phenomenon, share)
    invalid.take_share("cross_script", _CROSS_SCRIPT_INVALID)
    _add_valid(book, rows, valid, rng)
    for phenomenon, share in _FREQUENT.items():
        invalid.take_share(phenomenon, share)
    invalid.fill_up()
    rng.shuffle(book.pairs)
    return book.pairs


class _Invalid:
    """Adds invalid pairs to a book until there are enough."""

    def __init__(self, book: Book, lookalikes: Lookalikes, rng: random.Random, count: int) -> None:
        self._book = book
        self._lookalikes = lookalikes
        self._rng = rng
        self._count = count
        self._left = count

    def take_share(self, phenomenon: str, share: float) -> None:
        """Add the pairs of a phenomenon, those of new ids first."""
        # A share of few pairs is rounded up or down at random, so that small samples keep the proportions.
        wanted = min(int(share * self._count + self._rng.random()), self._left)
        for most in (1, 2, MOST_PAIRS):
            wanted -= self._take(self._lookalikes.propose(phenomenon), wanted, most)

    def fill_up(self) -> None:
        """Make up for what the catalogue lacked."""
        for most in (1, 2, MOST_PAIRS, 2 * MOST_PAIRS, 8 * MOST_PAIRS):
            for phenomenon in ("same_title", "cover", "similar_title", "far_away"):
                self._take(self._lookalikes.propose(phenomenon), self._left, most, picky=False)

    def _take(self, proposals: Iterator[Proposal], wanted: int, most: int, *, picky: bool = True) -> int:
        taken = refused = 0
        while taken < wanted and refused < _PATIENCE * (10 + wanted):
            proposal = next(proposals, None)
            if proposal is None:
                break
            if (not picky or self._telling(proposal)) and self._book.add(
                proposal.first, proposal.second, proposal.phenomenon, most
            ):
                taken += 1
            else:
                refused += 1
        self._left -= taken
        return taken

    def _telling(self, proposal: Proposal) -> bool:
        first, second = proposal.first.marks, proposal.second.marks
        if proposal.wanted_across_scripts:
            return True
        if "transliteration" in first ^ second and self._rng.random() >= _TWO_SCRIPTS:
            return False
        marks = first | second
        return all(mark not in marks or self._rng.random() < kept for mark, kept in _UNDOCUMENTED.items())


def _add_valid(book: Book, rows: Sequence[WrittenRow], count: int, rng: random.Random) -> None:
    pairs = sorted(same_master(rows), key=lambda pair: rng.random() + _doubt(pair))
    across = [pair for pair in pairs if across_scripts(*pair)]
    left = {state: round(share * count) for state, share in _ISRC_SHARES.items()}
    left["equal"] += count - sum(left.values())
    first = {state: min(round(share * count), left[state]) for state, share in _CROSS_SCRIPT.items()}
    for state, wanted in _take_by_state(book, across, first).items():
        left[state] -= first[state] - wanted
    alike = [pair for pair in pairs if not across_scripts(*pair)]
    missing = sum(_take_by_state(book, alike, left).values())
    for most in (1, 2, MOST_PAIRS, 2 * MOST_PAIRS, 8 * MOST_PAIRS):
        for one, other in _repeated(alike + across, 1 if most <= MOST_PAIRS else 20):
            if not missing:
                return
            missing -= book.add(one, other, "", most)


def _take_by_state(book: Book, pairs: Iterable[Pair], wanted: dict[str, int]) -> dict[str, int]:
    """Add pairs of new ids by what their ISRCs say, and tell how many of each kind are still wanted."""
    left = dict(wanted)
    for first, second in pairs:
        state = _isrc_state(first, second)
        if left.get(state) and book.add(first, second, "", 1):
            left[state] -= 1
    return left


def _doubt(pair: Pair) -> float:
    """Tell how much later than others a pair is looked at."""
    marks = pair[0].marks | pair[1].marks
    nameless = marks & _NAMELESS and _isrc_state(*pair) != "equal"
    return _LOOKED_AT_LATER * ("contributors_missing" in marks) + _HARDLY_JUDGED * bool(nameless)


def _repeated(pairs: Sequence[Pair], times: int) -> Iterable[Pair]:
    return (pair for _ in range(times) for pair in pairs)


def _isrc_state(first: WrittenRow, second: WrittenRow) -> str:
    if "isrc_missing" in first.marks | second.marks:
        return "missing"
    if first.values["isrcs"] == second.values["isrcs"]:
        return "equal"
    one, other = (parse_isrcs(split_list(row.values["isrcs"])) for row in (first, second))
    return "formatted" if one & other else "different"
