"""Whether two recordings are one master: ``GET /`` says so, ``GET /pairs`` says why."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from urllib.parse import parse_qsl

from fastapi import APIRouter, Depends, HTTPException, Request, Response
from starlette.responses import RedirectResponse
from starlette.types import Scope

from catalog.errors import UnknownRecordingError
from catalog.importers import LONGEST_ID
from matching.classifier import INVALID, VALID
from matching.decision import Judged
from matching.model import BASELINE, SIAMESE
from service.errors import NOT_READY, UNKNOWN_RECORDING, WRONG_PARAMETER
from service.limits import short_body
from service.noted import judge_noted
from service.parameters import EXPECTED, Judge, QuerySrId, each_parameter_once, is_usable_id, shown
from service.questions import PairsQuestion
from service.schemas import ClassAnswer, ErrorAnswer, Features, PairAnswer, PairsAnswer, pair_answer
from service.sent import reads_pages, sent_header
from service.state import MatcherInCharge, in_charge_for

router = APIRouter(tags=["pairs"])

WRONG_FORMAT = "Incorrect request format. Please use q_sr_id= & m_sr_id="
_Q, _M = "q_sr_id", "m_sr_id"
# Two ids, each of their characters at its longest: a surrogate pair of JSON escapes.
_LONGEST_BODY = 16_384
# Nearly all questions look so, and reading them as any query takes five times as long.
_PLAIN = re.compile(rb"q_sr_id=([\w.~-]{1,%d})&m_sr_id=([\w.~-]{1,%d})" % (LONGEST_ID, LONGEST_ID), re.ASCII)
PATH = "/"
ANSWERS = {VALID: b'{"class":"valid"}', INVALID: b'{"class":"invalid"}'}
"""Of ``GET /``, by what was decided."""


@router.get(
    PATH,
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
    if _is_opened_in_a_browser(request.scope):
        return RedirectResponse("explore", 307)
    pair = await _asked(request)
    in_charge_for(request)  # errors, too, name what they come from
    judged = await request.app.state.batching.judge(PATH, pair)
    request.state.answered_by = judged.opened
    return Response(ANSWERS[judged.decided], media_type="application/json")


@router.get(
    "/pairs",
    responses={**UNKNOWN_RECORDING, **WRONG_PARAMETER, **NOT_READY},
    dependencies=[Depends(each_parameter_once)],
)
def explain(
    request: Request, q_sr_id: QuerySrId, m_sr_id: QuerySrId, matcher: MatcherInCharge, model: Judge = SIAMESE
) -> PairAnswer:
    """Decide whether two recordings are one master, and say why.

    The baseline does not go by the five features: they are shown, and add nothing.
    """
    decision = matcher.explain(judge_noted(request, request.state.answered_by, [(q_sr_id, m_sr_id)], model))[0]
    if model == BASELINE:
        by_ours = matcher.classify(q_sr_id, m_sr_id).features
        five = {name: by_ours[name] for name in Features.model_fields}
        contributions = dict.fromkeys(five, 0.0) | decision.contributions
        decision = replace(decision, features=five | decision.features, contributions=contributions)
    return pair_answer(decision, matcher.model.version)


@router.post(
    "/pairs",
    responses={200: {"model": PairsAnswer}, **WRONG_PARAMETER, **NOT_READY},
    dependencies=[Depends(each_parameter_once)],
)
def judge(request: Request, question: PairsQuestion, matcher: MatcherInCharge, model: Judge = SIAMESE) -> Response:
    """Decide on many pairs, in the order in which they come; a bad one is answered with its error."""
    pairs = [_ids(item) for item in question.pairs]
    unknown = matcher.recordings.unknown(sr_id for pair in pairs if pair for sr_id in pair)
    judged = _judged(request, pairs, unknown, model)
    probabilities = iter(judged.probabilities.tolist())
    classifier = matcher.model.judge(model)
    answers: list[dict[str, object]] = []
    for item, pair in zip(question.pairs, pairs, strict=True):
        if pair and unknown.isdisjoint(pair):
            probability = next(probabilities)
            decision = {
                "class": classifier.decide(probability),
                "match_probability": probability,
                "needs_review": classifier.needs_review(probability),
            }
        else:
            decision = {"error": _problem(item, unknown)}
        answers.append({**_named(item), **decision})
    # Thousands of answers: checking each against its model would take longer than judging it.
    content = json.dumps({"pairs": answers, "model": matcher.model.version})
    return Response(content, media_type="application/json")


def _judged(request: Request, pairs: list[tuple[str, str] | None], unknown: set[str], by: str) -> Judged:
    """Judge the pairs whose recordings are known; note those of which one has gone since the index was built."""
    while True:
        known = [pair for pair in pairs if pair and unknown.isdisjoint(pair)]
        try:
            return judge_noted(request, request.state.answered_by, known, by)
        except UnknownRecordingError as error:
            unknown.add(error.sr_id)


def _ids(item: object) -> tuple[str, str] | None:
    """Read the ids of a pair, if they can be read."""
    if not isinstance(item, dict):
        return None
    q, m = item.get(_Q), item.get(_M)
    if isinstance(q, str) and isinstance(m, str) and is_usable_id(q) and is_usable_id(m):
        return q, m
    return None


def _named(item: object) -> dict[str, object]:
    ids = item if isinstance(item, dict) else {}
    return {name: ids[name] if isinstance(ids.get(name), str) else None for name in (_Q, _M)}


def _problem(item: object, unknown: set[str]) -> str:
    pair = _ids(item)
    if pair:
        return f"unknown sr_id: {shown(next(sr_id for sr_id in pair if sr_id in unknown))}"
    return f"expected {_Q} and {_M}, each {EXPECTED[_Q]}, got {shown(item)}"


def pair_in(query: bytes) -> tuple[str, str] | None:
    """Find the ids of both sides of a pair in a query string.

    Parameters
    ----------
    query : bytes
        As it was sent.

    Returns
    -------
    (str, str) or None
        ``None`` unless each is there once and could be one.
    """
    if plain := _PLAIN.fullmatch(query):
        return plain[1].decode(), plain[2].decode()
    return _ids_in(_parameters_of(query))


def _parameters_of(query: bytes) -> list[tuple[str, str]]:
    return parse_qsl(query.decode("latin-1"), keep_blank_values=True)


def _ids_in(parameters: list[tuple[str, str]]) -> tuple[str, str] | None:
    asked = [(name, value) for name, value in parameters if name in (_Q, _M)]
    ids = dict(asked)
    if len(asked) != 2 or len(ids) != 2 or not (is_usable_id(ids[_Q]) and is_usable_id(ids[_M])):
        return None
    return ids[_Q], ids[_M]


async def _asked(request: Request) -> tuple[str, str]:
    parameters = _parameters_of(request.scope["query_string"])
    if not any(name in (_Q, _M) for name, _ in parameters):
        parameters = _parameters_in(await short_body(request, _LONGEST_BODY))
    if pair := _ids_in(parameters):
        return pair
    raise HTTPException(422, WRONG_FORMAT)


def _is_opened_in_a_browser(scope: Scope) -> bool:
    """Tell whether somebody opens it to see something: without parameters, in the query string or in a body."""
    has_body = sent_header(scope, b"content-length") not in {"", "0"} or sent_header(scope, b"transfer-encoding")
    return not scope["query_string"] and not has_body and reads_pages(scope)


def _parameters_in(body: bytes) -> list[tuple[str, str]]:
    try:
        content = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise HTTPException(422, WRONG_FORMAT) from error
    return parse_qsl(content, keep_blank_values=True) if isinstance(content, str) else []
