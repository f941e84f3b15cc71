"""Whether two recordings are one master: ``GET /`` says so, ``GET /pairs`` says why."""

from __future__ import annotations

import json
from urllib.parse import parse_qsl

from fastapi import APIRouter, Depends, HTTPException, Request, Response
from starlette.requests import ClientDisconnect

from catalog.importers import LONGEST_ID
from matching.classifier import INVALID, VALID
from service.errors import NOT_READY, UNKNOWN_RECORDING, WRONG_PARAMETER
from service.parameters import EXPECTED, QuerySrId, each_parameter_once, is_usable_id
from service.schemas import ClassAnswer, ErrorAnswer, PairAnswer, pair_answer
from service.state import MatcherInCharge, source_of

router = APIRouter(tags=["pairs"])

WRONG_FORMAT = "Incorrect request format. Please use q_sr_id= & m_sr_id="
_Q, _M = "q_sr_id", "m_sr_id"
# Two ids, each of their characters at its longest: a surrogate pair of JSON escapes.
_LONGEST_BODY = 16_384
_ANSWERS = {VALID: b'{"class":"valid"}', INVALID: b'{"class":"invalid"}'}


@router.get(
    "/",
    responses={
        200: {"model": ClassAnswer, "description": "Whether they are one master"},
        413: {"model": ErrorAnswer, "description": f"A body of more than {_LONGEST_BODY} bytes"},
        **UNKNOWN_RECORDING,
        **WRONG_PARAMETER,
        **NOT_READY,
    },
    openapi_extra={
        "parameters": [
            {
                "name": name,
                "in": "query",
                "required": True,
                "description": EXPECTED[name],
                "schema": {"type": "string", "minLength": 1, "maxLength": LONGEST_ID},
            }
            for name in (_Q, _M)
        ]
    },
)
async def classify(request: Request) -> Response:
    """Decide whether two recordings are one master; their order does not matter.

    Older callers send the parameters in the body instead, as a JSON string: `"q_sr_id=A&m_sr_id=B"`. The query string
    counts where both are there.
    """
    asked = await _asked(request)
    decision = source_of(request.app).matcher().classify(asked[_Q], asked[_M])
    return Response(_ANSWERS[decision.decided], media_type="application/json")


@router.get(
    "/pairs",
    responses={**UNKNOWN_RECORDING, **WRONG_PARAMETER, **NOT_READY},
    dependencies=[Depends(each_parameter_once)],
)
async def explain(q_sr_id: QuerySrId, m_sr_id: QuerySrId, matcher: MatcherInCharge) -> PairAnswer:
    """Decide whether two recordings are one master, and say why."""
    return pair_answer(matcher.classify(q_sr_id, m_sr_id), matcher.model.version)


async def _asked(request: Request) -> dict[str, str]:
    parameters = request.query_params.multi_items()
    if not any(name in (_Q, _M) for name, _ in parameters):
        parameters = _parameters_in(await _body(request))
    asked = [(name, value) for name, value in parameters if name in (_Q, _M)]
    if sorted(name for name, _ in asked) != [_M, _Q] or not all(is_usable_id(value) for _, value in asked):
        raise HTTPException(422, WRONG_FORMAT)
    return dict(asked)


async def _body(request: Request) -> bytes:
    body = b""
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > _LONGEST_BODY:
                # What is still to come is not worth reading.
                raise HTTPException(
                    413, f"expected a body of at most {_LONGEST_BODY} bytes, got more", {"Connection": "close"}
                )
    except ClientDisconnect as error:
        raise HTTPException(422, WRONG_FORMAT) from error
    return body


def _parameters_in(body: bytes) -> list[tuple[str, str]]:
    try:
        content = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise HTTPException(422, WRONG_FORMAT) from error
    return parse_qsl(content, keep_blank_values=True) if isinstance(content, str) else []
