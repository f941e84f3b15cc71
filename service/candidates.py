"""Which recordings are likely the same master as a given one."""

from __future__ import annotations

from fastapi import APIRouter, Depends

from service.errors import NOT_READY, UNKNOWN_RECORDING, WRONG_PARAMETER
from service.parameters import CandidateCount, QuerySrId, each_parameter_once
from service.schemas import CandidatesAnswer, candidates_answer
from service.state import MatcherInCharge

router = APIRouter(tags=["candidates"])


@router.get(
    "/candidates",
    responses={**UNKNOWN_RECORDING, **WRONG_PARAMETER, **NOT_READY},
    dependencies=[Depends(each_parameter_once)],
)
def candidates(sr_id: QuerySrId, matcher: MatcherInCharge, k: CandidateCount = 10) -> CandidatesAnswer:
    """List the likeliest duplicates of a recording, most probable first; empty without text and ISRC to go by."""
    return candidates_answer(sr_id, matcher.candidates(sr_id, k))
