"""What an id of a recording has to be, wherever the recording comes from."""

from __future__ import annotations

import sqlite3
from unicodedata import category

from catalog.recording import clean

LONGEST_ID = 256
_REPLACEMENT = "\ufffd"
# SQLite's own comparisons pass a million plain ids in a second; what they stop at is looked at one by one. Bytes beyond
# ASCII and everything behind a NUL make the two lengths differ, GLOB finds blanks, control characters and broken bytes.
_SUSPECTS = (  # quoted names and our own constants
    "SELECT {0} FROM {1} WHERE typeof({0}) <> 'text' OR length({0}) <> length(CAST({0} AS BLOB)) "  # noqa: S608
    f"OR length({{0}}) NOT BETWEEN 1 AND {LONGEST_ID} OR {{0}} GLOB '*[^!-~]*' "
    "OR (length({0}) < 5 AND lower({0}) IN ('none', 'null', 'nan', '<na>'))"
)


def checked_id(value: object) -> tuple[str, str]:
    """Check an id and strip it.

    Parameters
    ----------
    value : object
        A cell as read from a file.

    Returns
    -------
    tuple of str
        What is wrong with the id, empty if nothing is; the id without the blanks around it, empty if something is
        wrong. Missing ids (blank, ``None``, ``nan`` ...), more than 256 characters, control characters and replaced or
        undecodable bytes are wrong.
    """
    sr_id = clean(value)
    if sr_id is None:
        return "missing sr_id", ""
    if len(sr_id) > LONGEST_ID:
        return f"sr_id too long: more than {LONGEST_ID} characters", ""
    if _REPLACEMENT in sr_id:
        return "undecodable bytes", ""
    if not sr_id.isprintable():
        if any(category(character) == "Cc" for character in sr_id):
            return "control character in sr_id", ""
        if any(category(character) == "Cs" for character in sr_id):
            return "undecodable bytes", ""
    return "", sr_id


def problem_as_it_is(value: object) -> str:
    """Tell why a value cannot be an id without being changed.

    Parameters
    ----------
    value : object
        As stored.

    Returns
    -------
    str
        Empty if it can.
    """
    problem, sr_id = checked_id(value)
    if problem:
        return problem
    if not isinstance(value, str):
        return "sr_id that is no text"
    return "blanks around sr_id" if sr_id != value else ""


def problem_in_table(connection: sqlite3.Connection, table: str, column: str) -> str:
    """Tell why some id of a table cannot be used as it is.

    Parameters
    ----------
    connection : sqlite3.Connection
        To a file in UTF-8, undecodable bytes being replaced.
    table : str
        Its quoted name.
    column : str
        The quoted name of the column that holds the ids.

    Returns
    -------
    str
        The problem of one such id; empty if every id can be used.
    """
    suspects = connection.execute(_SUSPECTS.format(column, table))
    return next(filter(None, (problem_as_it_is(value) for (value,) in suspects)), "")
