"""Reviewers' verdicts on pairs: appended to a SQLite file, never changed, and made into one tag for each pair."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path

from catalog.errors import InputError, MissingArtefactError
from matching.classifier import INVALID, VALID
from matching.label_file import is_complete, next_number, reading_labels, writing_labels

TAGS = (VALID, INVALID)


@dataclass(frozen=True)
class Verdict:
    """What a reviewer said of a pair.

    Attributes
    ----------
    q_sr_id, m_sr_id : str
        Ids of two recordings of the catalogue.
    tag : str
        ``valid`` (one master) or ``invalid``.
    reviewer : str
        Who.
    labelled_at : str
        When, ISO 8601 in UTC.
    note : str or None
        Why, in the reviewer's words.
    match_probability : float or None
        What the model in charge said then.
    model : str or None
        Its version.
    """

    q_sr_id: str
    m_sr_id: str
    tag: str
    reviewer: str
    labelled_at: str
    note: str | None = None
    match_probability: float | None = None
    model: str | None = None

    @property
    def pair(self) -> tuple[str, str]:
        """Both ids in one order, whichever was the query."""
        return (min(self.q_sr_id, self.m_sr_id), max(self.q_sr_id, self.m_sr_id))


_COLUMNS = ", ".join(field.name for field in fields(Verdict))
_PLACES = ", ".join("?" for _ in fields(Verdict))
# The newest of what reviewers agreed on is kept for the promotion of a model, which must not have seen it.
_KEPT_SHARE = 0.2
_STANDS = "id NOT IN (SELECT number FROM undone WHERE said = 'label')"


@dataclass(frozen=True)
class Label:
    """A verdict as it is kept.

    Attributes
    ----------
    number : int
        Ascending in the order of arrival.
    verdict : Verdict
        What was said.
    """

    number: int
    verdict: Verdict


@dataclass(frozen=True)
class AgreedTag:
    """What all verdicts on a pair come to.

    Attributes
    ----------
    pair : (str, str)
        Its ids, in order.
    tag : str
        ``valid`` or ``invalid``.
    votes : int
        Reviewers who said so last.
    against : int
        Reviewers who said the opposite last.
    number : int
        Of the newest verdict.
    """

    pair: tuple[str, str]
    tag: str
    votes: int
    against: int
    number: int


def append_label(path: Path, verdict: Verdict, *, once: bool = False, blind: bool = False) -> Label:
    """Keep a verdict for good.

    Parameters
    ----------
    path : Path
        SQLite file; made if it is not there, but not its folder.
    verdict : Verdict
        To be appended.
    once : bool
        Whether to leave it at what is there, if that is the reviewer's last word on the pair already.
    blind : bool
        Whether the reviewer was not shown what the model thinks. It is noted of their first verdict on a pair only:
        after that they have seen it, even if they took the verdict back.

    Returns
    -------
    Label
        Once it is on the disk.

    Raises
    ------
    InputError
        If the tag is none, or the file cannot be written.
    """
    if verdict.tag not in TAGS:
        raise InputError(f"expected the tag {' or '.join(TAGS)}, got {verdict.tag!r}")
    with writing_labels(path) as connection:
        last = last_word(connection, verdict.pair, verdict.reviewer) if once else None
        if last and last.verdict.tag == verdict.tag:
            return last
        is_first = blind and last_word(connection, verdict.pair, verdict.reviewer, undone=True) is None
        said = "\0".join((*verdict.pair, verdict.reviewer))
        number = next_number(connection, "label", verdict.labelled_at, said)
        connection.execute(
            f"INSERT INTO label (id, {_COLUMNS}) VALUES (?, {_PLACES})",  # noqa: S608 - names and question marks of ours
            (number, *astuple(verdict)),
        )
        if is_first:
            connection.execute("INSERT INTO blind (number) VALUES (?)", (number,))
    return Label(number, verdict)


def last_word(
    connection: sqlite3.Connection, pair: tuple[str, str], reviewer: str, *, undone: bool = False
) -> Label | None:
    """Find what a reviewer said last of a pair.

    Parameters
    ----------
    connection : sqlite3.Connection
        From `writing_labels`, or from `reading_labels` if what was taken back counts.
    pair : (str, str)
        Ids of both sides.
    reviewer : str
        Who.
    undone : bool
        Whether what they took back counts, too.

    Returns
    -------
    Label or None
        ``None`` if nothing.
    """
    stands = "" if undone else f"AND {_STANDS}"
    found = connection.execute(
        f"SELECT id, {_COLUMNS} FROM label WHERE reviewer = ? AND (q_sr_id, m_sr_id) IN (VALUES (?, ?), (?, ?)) "  # noqa: S608
        f"{stands} ORDER BY id DESC LIMIT 1",
        (reviewer, *pair, *reversed(pair)),
    ).fetchone()
    return Label(found[0], Verdict(*found[1:])) if found else None


def read_labels(path: Path, *, undone: bool = False) -> list[Label]:
    """Read verdicts.

    Parameters
    ----------
    path : Path
        SQLite file; need not be there.
    undone : bool
        Whether to read those, too, that were taken back.

    Returns
    -------
    list of Label
        In the order of arrival.

    Raises
    ------
    InputError
        If it cannot be read.
    """
    with reading_labels(path) as connection:
        stands = "" if undone or not is_complete(connection) else f"WHERE {_STANDS}"
        query = f"SELECT id, {_COLUMNS} FROM label {stands} ORDER BY id"  # noqa: S608 - names of ours
        return [Label(number, Verdict(*values)) for number, *values in connection.execute(query)]


def require_labels(path: Path) -> list[Label]:
    """Read verdicts that have to be there.

    Parameters
    ----------
    path : Path
        SQLite file.

    Returns
    -------
    list of Label
        One at least.

    Raises
    ------
    MissingArtefactError
        If there are none.
    """
    labels = read_labels(path)
    if not labels:
        raise MissingArtefactError(
            f"expected reviewers' verdicts in {path}, found none: they come by POST /labels of the service"
        )
    return labels


def agreed_tags(labels: Iterable[Label]) -> list[AgreedTag]:
    """Make one tag of all verdicts on a pair: that of most reviewers, of whom each counts with the last word.

    Parameters
    ----------
    labels : iterable of Label
        In the order of arrival.

    Returns
    -------
    list of AgreedTag
        One for each pair, in the order of the newest verdicts. Where as many say the one as the other, the newest
        verdict decides.
    """
    last: dict[tuple[str, str], dict[str, Label]] = {}
    for label in labels:
        by_reviewer = last.setdefault(label.verdict.pair, {})
        by_reviewer.pop(label.verdict.reviewer, None)  # so that the newest stands last
        by_reviewer[label.verdict.reviewer] = label
    agreed = [_agreed(pair, list(by_reviewer.values())) for pair, by_reviewer in last.items()]
    return sorted(agreed, key=lambda each: each.number)


def to_learn_from(agreed: Sequence[AgreedTag]) -> Sequence[AgreedTag]:
    """Leave out the newest fifth, which the promotion of a model is for.

    Parameters
    ----------
    agreed : sequence of AgreedTag
        From `agreed_tags`.

    Returns
    -------
    sequence of AgreedTag
        What a model may learn from.
    """
    return agreed[: len(agreed) - round(_KEPT_SHARE * len(agreed))]


def _agreed(pair: tuple[str, str], labels: list[Label]) -> AgreedTag:
    counts = {tag: sum(label.verdict.tag == tag for label in labels) for tag in TAGS}
    newest = labels[-1]
    tied = counts[VALID] == counts[INVALID]
    tag = newest.verdict.tag if tied else max(TAGS, key=counts.__getitem__)
    return AgreedTag(pair, tag, counts[tag], len(labels) - counts[tag], newest.number)
