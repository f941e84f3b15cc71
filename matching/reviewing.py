"""What one reviewer has said: verdicts, doubts, and what of it they took back."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from pathlib import Path

from catalog.errors import InputError
from matching.label_file import is_complete, next_number, reading_labels, writing_labels
from matching.labels import last_word

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
            number = next_number(connection, UNSURE, at, "\0".join((low, high, reviewer)))
            connection.execute(
                "INSERT INTO unsure (id, q_sr_id, m_sr_id, reviewer, said_at) VALUES (?, ?, ?, ?, ?)",
                (number, low, high, reviewer, at),
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
    with reading_labels(path) as connection:
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
    with reading_labels(path) as connection:
        return _unsure(connection, reviewer) if is_complete(connection) else set()


def _unsure(connection: sqlite3.Connection, reviewer: str) -> set[Pair]:
    found = connection.execute(
        "SELECT q_sr_id, m_sr_id FROM unsure WHERE reviewer = ? "
        "AND id NOT IN (SELECT number FROM undone WHERE said = 'unsure')",
        (reviewer,),
    )
    return set(found.fetchall())


def blind_labels(path: Path) -> set[int]:
    """List the verdicts of reviewers who did not know what the model thinks.

    Parameters
    ----------
    path : Path
        Reviewers' verdicts.

    Returns
    -------
    set of int
        Numbers of labels.
    """
    with reading_labels(path) as connection:
        if not is_complete(connection, ("blind",)):
            return set()
        return {number for (number,) in connection.execute("SELECT number FROM blind")}


def has_judged(path: Path, pair: Pair, reviewer: str) -> bool:
    """Tell whether a reviewer has judged a pair, even if they took it back: then they know what the model thinks of it.

    Parameters
    ----------
    path : Path
        Reviewers' verdicts.
    pair : (str, str)
        Ids of both sides.
    reviewer : str
        Who.

    Returns
    -------
    bool
        Whether a verdict of theirs is in the file.
    """
    with reading_labels(path) as connection:
        return last_word(connection, pair, reviewer, undone=True) is not None
