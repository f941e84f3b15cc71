"""What the pages draw, as numbers that a template writes as SVG: a decision as a waterfall, a cluster as a graph."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

from matching.decision import BIAS, Decision
from matching.explain import reasons

_REST = "everything else"
_BEFORE = "before anything is compared"
_WIDTH = 320.0
_RADIUS, _MIDDLE, _SQUARE = 110.0, 150.0, 300.0
MOST_DRAWN = 12
"""Recordings of a cluster that are drawn; lines between more of them could not be told apart."""


@dataclass(frozen=True)
class Bar:
    """A step of a waterfall.

    Attributes
    ----------
    words : str
        What it is about.
    log_odds : float
        What it adds.
    x, width : float
        Where it lies, in units of the drawing.
    """

    words: str
    log_odds: float
    x: float
    width: float


@dataclass(frozen=True)
class Waterfall:
    """How a match probability comes about, step by step.

    Attributes
    ----------
    bars : list of Bar
        From the bias on, the weightiest reason first.
    total : float
        Log-odds that they sum to.
    even : float
        Where log-odds of 0 lie.
    """

    bars: list[Bar]
    total: float
    even: float


def waterfall(decision: Decision) -> Waterfall:
    """Lay the reasons of a decision out.

    Parameters
    ----------
    decision : Decision
        With contributions.

    Returns
    -------
    Waterfall
        320 units wide. Its bars sum to the log-odds, what is not worth a word included.
    """
    found = reasons(decision)
    steps = [(_BEFORE, decision.contributions[BIAS]), *((each.words, each.log_odds) for each in found)]
    total = sum(decision.contributions.values())
    steps.append((_REST, total - sum(part for _, part in steps)))
    ends, so_far = [0.0], 0.0
    for _, part in steps:
        so_far += part
        ends.append(so_far)
    low, high = min(ends), max(ends)
    scale = _WIDTH / ((high - low) or 1.0)
    bars = [
        Bar(
            words=words,
            log_odds=part,
            x=round((min(begin, end) - low) * scale, 1),
            width=round(max(abs(part) * scale, 1.0), 1),
        )
        for (words, part), begin, end in zip(steps, ends, ends[1:], strict=False)
    ]
    return Waterfall(bars, total, even=round(-low * scale, 1))


@dataclass(frozen=True)
class Node:
    """A recording of a cluster.

    Attributes
    ----------
    sr_id : str
        Its id.
    number : int
        From 1, as it is drawn.
    x, y : float
        Where, in a square of 300 units.
    """

    sr_id: str
    number: int
    x: float
    y: float


@dataclass(frozen=True)
class Edge:
    """Two recordings of a cluster, and how sure it is that they are one master.

    Attributes
    ----------
    q, m : Node
        Them.
    match_probability : float
        0 to 1.
    decided : str
        ``valid`` or ``invalid``.
    """

    q: Node
    m: Node
    match_probability: float
    decided: str


def nodes(sr_ids: Sequence[str]) -> list[Node]:
    """Put recordings on a circle.

    Parameters
    ----------
    sr_ids : sequence of str
        Their ids; the first `MOST_DRAWN` are taken.

    Returns
    -------
    list of Node
        Clockwise from above.
    """
    drawn = sr_ids[:MOST_DRAWN]
    angles = [2 * math.pi * place / len(drawn) for place in range(len(drawn))]
    return [
        Node(
            sr_id,
            place + 1,
            round(_MIDDLE + _RADIUS * math.sin(angle), 1),
            round(_MIDDLE - _RADIUS * math.cos(angle), 1),
        )
        for place, (sr_id, angle) in enumerate(zip(drawn, angles, strict=True))
    ]


def pairs_of(found: Sequence[Node]) -> list[tuple[Node, Node]]:
    """List every two recordings.

    Parameters
    ----------
    found : sequence of Node
        Any number of them.

    Returns
    -------
    list of (Node, Node)
        Each two once.
    """
    return list(combinations(found, 2))


@dataclass(frozen=True)
class Point:
    """A point of a diagram, in a square of 300 units.

    Attributes
    ----------
    x, y : float
        Where.
    words : str
        What it says.
    """

    x: float
    y: float
    words: str


@dataclass(frozen=True)
class LogLog:
    """How often things come that are so frequent, on two logarithmic scales.

    Attributes
    ----------
    points : list of Point
        One for each frequency.
    across, up : list of Point
        Powers of ten along either axis.
    """

    points: list[Point]
    across: list[Point]
    up: list[Point]


def log_log(counts: Sequence[Sequence[int]]) -> LogLog:
    """Lay out how many artists have how many recordings.

    Parameters
    ----------
    counts : sequence of (int, int)
        Recordings of an artist, and artists that have so many; both 1 at least.

    Returns
    -------
    LogLog
        In a square of 300 units.
    """
    most_across, most_up = (
        max((math.ceil(math.log10(each[side])) for each in counts), default=1) or 1 for side in (0, 1)
    )
    along, above = _SQUARE / most_across, _SQUARE / most_up
    points = [
        Point(
            round(math.log10(recordings) * along, 1),
            round(_SQUARE - math.log10(artists) * above, 1),
            f"{artists} with {recordings}",
        )
        for recordings, artists in counts
    ]
    across = [Point(round(power * along, 1), _SQUARE, _short(power)) for power in range(most_across + 1)]
    up = [Point(0.0, round(_SQUARE - power * above, 1), _short(power)) for power in range(most_up + 1)]
    return LogLog(points, across, up)


def _short(power: int) -> str:
    """Write a power of ten in as few signs as fit beside each other."""
    thousands, ones = divmod(power, 3)
    return f"{10**ones}{('', 'k', 'M', 'G')[thousands]}"
