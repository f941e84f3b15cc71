"""What callers may pass, and how a wrong value is named."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import HTTPException, Path, Query, Request
from pydantic import AfterValidator, Field

from catalog.importers import LONGEST_ID

DEFAULT_CANDIDATES, MOST_CANDIDATES, MOST_PAIRS, MOST_QUESTIONS = 10, 100, 10_000, 100
LONGEST_TEXT, LONGEST_NAMES, MOST_NAMES = 10_000, 50_000, 1_000
_ID = f"an id of 1 to {LONGEST_ID} characters"
EXPECTED = {
    "q_sr_id": _ID,
    "m_sr_id": _ID,
    "sr_id": _ID,
    "k": f"a whole number from 1 to {MOST_CANDIDATES}",
    "n": f"a whole number from 1 to {MOST_QUESTIONS}",
    "model": "siamese or baseline",
    "tag": "valid or invalid",
    "pairs": f'a list of at most {MOST_PAIRS} pairs, each {{"q_sr_id": ..., "m_sr_id": ...}}',
    **dict.fromkeys(
        ("title", "album", "label", "language", "reviewer", "note"),
        f"a text of at most {LONGEST_TEXT} characters, or null",
    ),
    **dict.fromkeys(
        ("artists", "isrcs", "contributors"),
        f"a list of at most {MOST_NAMES} texts of at most {LONGEST_NAMES} characters together",
    ),
    "duration_ms": "a length in milliseconds, or null",
    "duration": 'a length such as 258, 258000 or "04:18", or null',
    **dict.fromkeys(("release_year", "year"), "a year from 1860 to 2100, or null"),
    "body": "a JSON object, with Content-Type: application/json",
}
_IN_QUERIES = ("q_sr_id", "m_sr_id", "sr_id", "k", "n", "model")
_LONGEST_SHOWN = 100


def is_usable_id(sr_id: str) -> bool:
    """Tell whether a catalogue could hold such an id.

    Parameters
    ----------
    sr_id : str
        As the caller sent it.

    Returns
    -------
    bool
        Whether it is neither empty nor blank nor too long.
    """
    return 0 < len(sr_id) <= LONGEST_ID and not sr_id.isspace()


def shown(value: object) -> str:
    """Quote a value that a caller sent.

    Parameters
    ----------
    value : object
        Of any length, of any characters.

    Returns
    -------
    str
        Short and printable.
    """
    text = repr(value)
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}..."


async def each_parameter_once(request: Request) -> None:
    """Refuse a query string that names a parameter twice, since nobody knows which one counts.

    Parameters
    ----------
    request : Request
        Any request.

    Raises
    ------
    HTTPException
        422, if a parameter of ours comes twice.
    """
    names = [name for name, _ in request.query_params.multi_items()]
    for name in names:
        if name in _IN_QUERIES and (times := names.count(name)) > 1:
            raise HTTPException(422, f"expected {name} once, got it {times} times")


def _usable_id(sr_id: str) -> str:
    if not is_usable_id(sr_id):
        raise ValueError(_ID)
    return sr_id


UsableId = Annotated[str, Field(min_length=1, max_length=LONGEST_ID, description=_ID), AfterValidator(_usable_id)]
QuerySrId = Annotated[str, Query(min_length=1, max_length=LONGEST_ID, description=_ID), AfterValidator(_usable_id)]
PathSrId = Annotated[
    str,
    Path(min_length=1, max_length=LONGEST_ID, description=f"{_ID}; may hold slashes"),
    AfterValidator(_usable_id),
]
Judge = Annotated[
    Literal["siamese", "baseline"],
    Query(description="Which classifier judges: that on the pair features, or the one it is compared with"),
]
CandidateCount = Annotated[int, Query(ge=1, le=MOST_CANDIDATES, description=EXPECTED["k"])]
OptionalCandidateCount = Annotated[int | None, Query(ge=1, le=MOST_CANDIDATES, description=EXPECTED["k"])]
