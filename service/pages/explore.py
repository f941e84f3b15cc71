"""``/explore``: find a recording, see its likely duplicates, and why two recordings are one master or not."""

from __future__ import annotations

from itertools import filterfalse
from typing import Annotated

from fastapi import APIRouter, HTTPException, Query, Response
from pydantic import BaseModel, Field, ValidationError

from catalog.clusters import Cluster, find_cluster
from catalog.errors import ArtefactError, UnknownRecordingError
from catalog.paths import DataFolder
from catalog.recording import Recording
from matching.classifier import VALID
from matching.decision import Candidate
from matching.matcher import Matcher
from service.pages.differences import differences, fields_of
from service.pages.drawings import Edge, nodes, pairs_of, waterfall
from service.pages.rendering import PageRoute, page
from service.parameters import DEFAULT_CANDIDATES, LONGEST_TEXT, MOST_CANDIDATES, MOST_NAMES, is_usable_id, shown
from service.questions import RecordingQuestion
from service.state import FolderInUse, MatcherInCharge

router = APIRouter(route_class=PageRoute, include_in_schema=False)

_TEMPLATE = "explore.html.j2"
# What a description has, as the page calls it.
_FIELDS = {
    "title": "Title",
    "artists": "Artists (with | between them)",
    "isrcs": "ISRCs",
    "contributors": "Contributors",
    "album": "Album",
    "duration": "Length (4:18)",
    "year": "Year",
}
_EXPECTED = {"duration": "a length such as 4:18", "year": "a year from 1860 to 2100"}
_OTHERWISE_EXPECTED = f"at most {MOST_NAMES:,} names"

_Text = Annotated[str, Field(max_length=LONGEST_TEXT)]


class Search(BaseModel):
    """What somebody looks for: a recording by its id, and another beside it, or any by what they know of it."""

    sr_id: _Text = ""
    beside: _Text = ""
    title: _Text = ""
    artists: _Text = ""
    isrcs: _Text = ""
    contributors: _Text = ""
    album: _Text = ""
    duration: _Text = ""
    year: _Text = ""
    k: Annotated[int, Field(ge=1, le=MOST_CANDIDATES)] = DEFAULT_CANDIDATES

    def recording(self) -> Recording | None:
        """Read the description.

        Returns
        -------
        Recording or None
            ``None`` if there is none.

        Raises
        ------
        HTTPException
            422, if a field cannot be read.
        """
        described = self.model_dump(exclude={"sr_id", "beside", "k"})
        asked = {name: text.strip() for name, text in described.items() if text.strip()}
        try:
            return RecordingQuestion.model_validate(asked).recording() if asked else None
        except ValidationError as error:
            name = str(error.errors()[0]["loc"][0])
            label, expected = _FIELDS[name].partition(" (")[0], _EXPECTED.get(name, _OTHERWISE_EXPECTED)
            raise HTTPException(422, f"{label}: expected {expected}, got {shown(asked[name])}.") from error


@router.get("/explore")
def explore(matcher: MatcherInCharge, folder: FolderInUse, search: Annotated[Search, Query()]) -> Response:
    """Show a recording by its id, or what is nearest to a description, or else how to begin."""
    sr_id, beside = search.sr_id.strip(), search.beside.strip()
    for each in filter(None, (sr_id, beside)):
        if not is_usable_id(each):
            raise UnknownRecordingError(each)
    return page(
        _TEMPLATE,
        form=search,
        described_by=_FIELDS,
        recordings=len(matcher.snapshot),
        example=matcher.snapshot.first_id(),
        q=matcher.recordings.take([sr_id]).recordings()[0] if sr_id else None,
        beside=_compared(matcher, sr_id, beside) if sr_id and beside else None,
        candidates=_candidates(matcher, search),
        threshold=matcher.model.classifier.threshold,
        cluster=_cluster(matcher, folder, sr_id) if sr_id else None,
        fields_of=fields_of,
        command=f"onemaster dedupe --data {folder.named}",
    )


def _candidates(matcher: Matcher, search: Search) -> dict[str, list[Candidate]] | None:
    if sr_id := search.sr_id.strip():
        return _split(matcher, matcher.candidates(sr_id, search.k))
    described = search.recording()
    return _split(matcher, matcher.candidates_of(described, search.k)) if described else None


def _split(matcher: Matcher, found: list[Candidate]) -> dict[str, list[Candidate]]:
    """Tell candidates that may be duplicates from those that are only the nearest there are.

    The model decides: it takes the former for duplicates, or wants a person to look at them.
    """
    needs_review = matcher.model.classifier.needs_review

    def is_likely(candidate: Candidate) -> bool:
        return candidate.decided == VALID or needs_review(candidate.match_probability)

    return {"likely": list(filter(is_likely, found)), "unlike": list(filterfalse(is_likely, found))}


def _compared(matcher: Matcher, q_sr_id: str, m_sr_id: str) -> dict[str, object]:
    decision = matcher.classify(q_sr_id, m_sr_id)
    return {"decision": decision, "fields": differences(decision.q, decision.m), "waterfall": waterfall(decision)}


def _cluster(matcher: Matcher, folder: DataFolder, sr_id: str) -> dict[str, object] | None:
    """Draw the cluster of a recording, if there has been a de-duplication and it was there."""
    try:
        found: Cluster = find_cluster(folder.clusters, sr_id)
    except (ArtefactError, UnknownRecordingError):
        return None
    others = [member for member in found.members if member != sr_id]
    gone = matcher.recordings.unknown(others)
    drawn = nodes([sr_id, *(member for member in others if member not in gone)])
    between = pairs_of(drawn)
    judged = matcher.judge([(q.sr_id, m.sr_id) for q, m in between]).probabilities.tolist()
    decide = matcher.model.classifier.decide
    edges = [Edge(q, m, each, decide(each)) for (q, m), each in zip(between, judged, strict=True)]
    recordings = matcher.recordings.take([node.sr_id for node in drawn]).recordings()
    return {
        "found": found,
        "nodes": list(zip(drawn, recordings, strict=True)),
        "edges": edges,
        "left_out": len(found.members) - len(drawn),
    }
