"""What one reviewer has said: verdicts, doubts, and what of it they took back; and how it compares with others'."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from catalog.errors import InputError
from matching.label_file import is_complete, opened_labels, writing_labels
from matching.labels import Label, agreed_tags

UNSURE = "unsure"
KINDS = ("label", UNSURE)
"""Of what a reviewer says: tables of the file."""

Pair = tuple[str, str]

_VERDICT = """
SELECT 'label' AS kind, id, q_sr_id, m_sr_id, tag AS said, match_probability, labelled_at AS at FROM label
WHERE reviewer = :reviewer
"""
_ACTIONS = f"""
{_VERDICT} AND id NOT IN (SELECT number FROM undone WHERE said = 'label')
UNION ALL
SELECT 'unsure', id, q_sr_id, m_sr_id, 'unsure', NULL, said_at FROM unsure
WHERE reviewer = :reviewer AND id NOT IN (SELECT number FROM undone WHERE said = 'unsure')
ORDER BY at DESC, id DESC LIMIT 1
"""  # noqa: S608 - nothing but what stands here
_VERDICTS = f"{_VERDICT} ORDER BY id DESC LIMIT 1"


@dataclass(frozen=True)
class Said:
    """What a reviewer said last.

    Attributes
    ----------
    kind : str
        ``label`` or ``unsure``.
    number : int
        Of its kind.
    q_sr_id, m_sr_id : str
        Of which pair.
    said : str
        ``valid``, ``invalid`` or ``unsure``.
    match_probability : float or None
        What the model said then; ``None`` for what they were unsure of.
    """

    kind: str
    number: int
    q_sr_id: str
    m_sr_id: str
    said: str
    match_probability: float | None


def say_unsure(path: Path, pair: Pair, reviewer: str, at: str) -> None:
    """Note that a reviewer cannot tell; they are not asked again, and nothing is learnt from it.

    Parameters
    ----------
    path : Path
        Reviewers' verdicts.
    pair : (str, str)
        Ids of both sides. What the reviewer has said of them before is taken back.
    reviewer : str
        Who.
    at : str
        When, ISO 8601 in UTC.

    Raises
    ------
    InputError
        If it cannot be written.
    """
    low, high = sorted(pair)
    with writing_labels(path) as connection:
        connection.execute(
            "INSERT OR IGNORE INTO undone (said, number, undone_at) SELECT 'label', id, ? FROM label "
            "WHERE reviewer = ? AND (q_sr_id, m_sr_id) IN (VALUES (?, ?), (?, ?))",
            (at, reviewer, low, high, high, low),
        )
        if (low, high) not in _unsure(connection, reviewer):
            connection.execute(
                "INSERT INTO unsure (q_sr_id, m_sr_id, reviewer, said_at) VALUES (?, ?, ?, ?)",
                (low, high, reviewer, at),
            )


def undo(path: Path, said: tuple[str, int], reviewer: str, at: str) -> None:
    """Take back what a reviewer said. It stays in the file, and counts no more.

    Parameters
    ----------
    path : Path
        Reviewers' verdicts.
    said : (str, int)
        Kind and number, as in `Said`. What is taken back already, or is not theirs, stays as it is.
    reviewer : str
        Who.
    at : str
        When, ISO 8601 in UTC.

    Raises
    ------
    InputError
        If there is no such kind, or it cannot be written.
    """
    kind, number = said
    if kind not in KINDS:
        raise InputError(f"expected {' or '.join(KINDS)}, got {kind!r}")
    with writing_labels(path) as connection:
        connection.execute(
            f"INSERT OR IGNORE INTO undone (said, number, undone_at) SELECT ?, id, ? FROM {kind} "  # noqa: S608 - ours
            "WHERE id = ? AND reviewer = ?",
            (kind, at, number, reviewer),
        )


def said_last(path: Path, reviewer: str) -> Said | None:
    """Find what a reviewer said last.

    Parameters
    ----------
    path : Path
        Reviewers' verdicts; need not be there.
    reviewer : str
        Who.

    Returns
    -------
    Said or None
        ``None`` if nothing, or all of it was taken back.

    Raises
    ------
    InputError
        If the file cannot be read.
    """
    if not path.is_file():
        return None
    with opened_labels(path) as connection:
        query = _ACTIONS if is_complete(connection) else _VERDICTS
        last = connection.execute(query, {"reviewer": reviewer}).fetchone()
    return Said(*last[:6]) if last else None


def unsure_pairs(path: Path, reviewer: str) -> set[Pair]:
    """List what a reviewer could not tell.

    Parameters
    ----------
    path : Path
        Reviewers' verdicts.
    reviewer : str
        Who.

    Returns
    -------
    set of (str, str)
        Pairs, the smaller id first.
    """
    if not path.is_file():
        return set()
    with opened_labels(path) as connection:
        return _unsure(connection, reviewer) if is_complete(connection) else set()


def _unsure(connection: sqlite3.Connection, reviewer: str) -> set[Pair]:
    found = connection.execute(
        "SELECT q_sr_id, m_sr_id FROM unsure WHERE reviewer = ? "
        "AND id NOT IN (SELECT number FROM undone WHERE said = 'unsure')",
        (reviewer,),
    )
    return set(found.fetchall())


@dataclass(frozen=True)
class Agreement:
    """How often two say the same of the pairs that both judged.

    Attributes
    ----------
    same : int
        Pairs of which they say the same.
    pairs : int
        Pairs that both judged.
    """

    same: int
    pairs: int


@dataclass(frozen=True)
class Standing:
    """Where a reviewer stands.

    Attributes
    ----------
    pairs : int
        That they judged.
    of_all : int
        That anybody judged.
    with_model : Agreement
        With what the model said when each verdict came.
    with_others : Agreement
        With what the other reviewers agreed on.
    """

    pairs: int
    of_all: int
    with_model: Agreement
    with_others: Agreement


def standing(labels: Sequence[Label], reviewer: str, decide: Callable[[float], str]) -> Standing:
    """Sum up what a reviewer said.

    Parameters
    ----------
    labels : sequence of Label
        All that stand, in the order of arrival.
    reviewer : str
        Who.
    decide : callable
        Turns a match probability into ``valid`` or ``invalid``.

    Returns
    -------
    Standing
        Each pair counts once, with the reviewer's last word.
    """
    own = {label.verdict.pair: label.verdict for label in labels if label.verdict.reviewer == reviewer}
    others = {each.pair: each.tag for each in agreed_tags(x for x in labels if x.verdict.reviewer != reviewer)}
    by_model = [
        verdict.tag == decide(verdict.match_probability)
        for verdict in own.values()
        if verdict.match_probability is not None
    ]
    by_others = [verdict.tag == others[pair] for pair, verdict in own.items() if pair in others]
    return Standing(
        pairs=len(own),
        of_all=len(own.keys() | others.keys()),
        with_model=Agreement(sum(by_model), len(by_model)),
        with_others=Agreement(sum(by_others), len(by_others)),
    )
