"""Which recordings are likely the same master as a given one."""

from __future__ import annotations

from fastapi import APIRouter, Depends

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
    responses={**UNKNOWN_RECORDING, **WRONG_PARAMETER, **NOT_READY},
    dependencies=[Depends(each_parameter_once)],
)
def candidates(sr_id: QuerySrId, matcher: MatcherInCharge, k: CandidateCount = DEFAULT_CANDIDATES) -> CandidatesAnswer:
    """List the likeliest duplicates of a recording, most probable first; empty without text and ISRC to go by."""
    return candidates_answer(sr_id, matcher.candidates(sr_id, k))


@router.post(
    "/candidates",
    responses={**WRONG_PARAMETER, **NOT_READY},
    dependencies=[Depends(each_parameter_once)],
)
def candidates_of(
    question: RecordingQuestion, matcher: MatcherInCharge, k: OptionalCandidateCount = None
) -> CandidatesAnswer:
    """List the likeliest duplicates of a recording that the catalogue does not hold, most probable first.

    The number `k` may stand in the query string, which counts, or in the body.
    """
    found = matcher.candidates_of(question.recording(), k or question.k or DEFAULT_CANDIDATES)
    return candidates_answer(question.sr_id, found)
