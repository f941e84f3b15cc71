"""Which recordings are likely the same master as a given one."""

from __future__ import annotations

from fastapi import APIRouter, Depends, Response

from service.errors import NOT_READY, UNKNOWN_RECORDING, WRONG_PARAMETER
from service.parameters import (
    DEFAULT_CANDIDATES,
    CandidateCount,
    OptionalCandidateCount,
    QuerySrId,
    each_parameter_once,
)
from service.questions import RecordingQuestion
from service.schemas import CandidatesAnswer, candidates_answer
from service.state import MatcherInCharge

router = APIRouter(tags=["candidates"])


@router.get(
    "/candidates",
    responses={200: {"model": CandidatesAnswer}, **UNKNOWN_RECORDING, **WRONG_PARAMETER, **NOT_READY},
    dependencies=[Depends(each_parameter_once)],
)
def candidates(sr_id: QuerySrId, matcher: MatcherInCharge, k: CandidateCount = DEFAULT_CANDIDATES) -> Response:
    """List the likeliest duplicates of a recording, most probable first; empty without text and ISRC to go by."""
    return _as_json(candidates_answer(sr_id, matcher.candidates(sr_id, k)))


@router.post(
    "/candidates",
    responses={200: {"model": CandidatesAnswer}, **WRONG_PARAMETER, **NOT_READY},
    dependencies=[Depends(each_parameter_once)],
)
def candidates_of(question: RecordingQuestion, matcher: MatcherInCharge, k: OptionalCandidateCount = None) -> Response:
    """List the likeliest duplicates of a recording that the catalogue does not hold, most probable first.

    The number `k` may stand in the query string, which counts, or in the body.
    """
    found = matcher.candidates_of(question.recording(), k or question.k or DEFAULT_CANDIDATES)
    return _as_json(candidates_answer(question.sr_id, found))


def _as_json(answer: CandidatesAnswer) -> Response:
    """Write an answer that has been checked; FastAPI would check it again."""
    return Response(answer.model_dump_json(by_alias=True), media_type="application/json")
