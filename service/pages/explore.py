"""``/explore``: find a recording, see its likely duplicates, and why two recordings are one master or not."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, HTTPException, Query, Response
from pydantic import BaseModel, Field, ValidationError

from catalog.clusters import Cluster, find_cluster
from catalog.errors import MissingArtefactError, UnknownRecordingError
from catalog.paths import DataFolder
from catalog.recording import Recording
from matching.classifier import VALID
from matching.decision import Candidate
from matching.matcher import Matcher
from service.pages.differences import differences, fields_of
from service.pages.drawings import Edge, nodes, pairs_of, waterfall
from service.pages.rendering import PageRoute, page
from service.parameters import DEFAULT_CANDIDATES, LONGEST_TEXT, MOST_CANDIDATES, is_usable_id
from service.questions import RecordingQuestion
from service.state import FolderInUse, MatcherInCharge

router = APIRouter(route_class=PageRoute, include_in_schema=False)

_TEMPLATE = "explore.html.j2"

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
            raise HTTPException(
                422, f"What stands in the field {error.errors()[0]['loc'][0]} cannot be read."
            ) from error


@router.get("/explore")
def explore(matcher: MatcherInCharge, folder: FolderInUse, search: Annotated[Search, Query()]) -> Response:
    """Show a recording by its id, or what is nearest to a description."""
    if search.sr_id.strip():
        return _one(matcher, folder, search)
    described = search.recording()
    found = _split(matcher, matcher.candidates_of(described, search.k)) if described else None
    return page(_TEMPLATE, form=search, q=None, candidates=found, beside=None, cluster=None, fields_of=fields_of)


def _one(matcher: Matcher, folder: DataFolder, search: Search) -> Response:
    sr_id, beside = search.sr_id.strip(), search.beside.strip()
    for each in filter(None, (sr_id, beside)):
        if not is_usable_id(each):
            raise UnknownRecordingError(each)
    return page(
        _TEMPLATE,
        form=search,
        q=matcher.recordings.take([sr_id]).recordings()[0],
        candidates=_split(matcher, matcher.candidates(sr_id, search.k)),
        beside=_compared(matcher, sr_id, beside) if beside else None,
        cluster=_cluster(matcher, folder, sr_id),
        fields_of=fields_of,
    )


def _split(matcher: Matcher, found: list[Candidate]) -> dict[str, list[Candidate]]:
    """Tell candidates that may be duplicates from those that are only the nearest there are.

    The model decides: it takes the former for duplicates, or wants a person to look at them.
    """
    classifier = matcher.model.classifier
    likely = [each for each in found if each.decided == VALID or classifier.needs_review(each.match_probability)]
    return {"likely": likely, "unlike": found[len(likely) :]}


def _compared(matcher: Matcher, q_sr_id: str, m_sr_id: str) -> dict[str, object]:
    decision = matcher.classify(q_sr_id, m_sr_id)
    return {"decision": decision, "fields": differences(decision.q, decision.m), "waterfall": waterfall(decision)}


def _cluster(matcher: Matcher, folder: DataFolder, sr_id: str) -> dict[str, object] | None:
    """Draw the cluster of a recording, if there has been a de-duplication and it was there."""
    try:
        found: Cluster = find_cluster(folder.clusters, sr_id)
    except (MissingArtefactError, UnknownRecordingError):
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
