"""What reviewers say of pairs, and which pairs to ask them about."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, HTTPException, Query, Request
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from catalog.errors import InputError
from catalog.paths import DataFolder
from matching.labels import Verdict, append_label, read_labels
from matching.questions import PAIRS_FILE, Question, questions
from service.errors import NOT_READY, UNKNOWN_RECORDING, WRONG_PARAMETER
from service.parameters import MOST_QUESTIONS, UsableId, each_parameter_once
from service.questions import Typed
from service.schemas import Answer, Probability
from service.state import FolderInUse, MatcherInCharge

router = APIRouter(tags=["labels"])

ANYBODY = "anonymous"
AT_ONCE = 20
"""Requests that use the file of labels at the same time: half of the threads, since a lock on it holds up each."""
_SECONDS = 10.0


async def _folder_in_turn(request: Request, folder: FolderInUse) -> AsyncIterator[DataFolder]:
    turns: asyncio.Semaphore = request.app.state.turns
    try:
        async with asyncio.timeout(_SECONDS):
            await turns.acquire()
    except TimeoutError as error:
        raise InputError(
            f"expected a turn at the file of labels within {_SECONDS:g} seconds, but those before take longer; nothing "
            "was written: try again"
        ) from error
    try:
        yield folder
    finally:
        turns.release()


LabelsInUse = Annotated[DataFolder, Depends(_folder_in_turn, scope="function")]
"""For routes that use the file of labels; what the request sends has to be read before."""


def _tag(value: object) -> object:
    return value.strip().casefold() if isinstance(value, str) else value


class LabelQuestion(BaseModel):
    """A reviewer's verdict on a pair."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    q_sr_id: UsableId
    m_sr_id: UsableId
    tag: Annotated[Literal["valid", "invalid"], BeforeValidator(_tag), Field(description="valid: the same master")]
    reviewer: Annotated[Typed, Field(description="Who says so, where no API key does")] = None
    note: Annotated[Typed, Field(description="Why, in their words")] = None


class LabelAnswer(Answer):
    """A verdict as it is kept."""

    number: Annotated[int, Field(description="Ascending in the order of arrival")]
    q_sr_id: str
    m_sr_id: str
    tag: Literal["valid", "invalid"]
    reviewer: str
    labelled_at: str
    note: str | None
    match_probability: Probability
    model: Annotated[str, Field(description="Version of the model that said so")]


class QuestionAnswer(Answer):
    """A pair whose verdict would teach much."""

    q_sr_id: str
    m_sr_id: str
    match_probability: Probability
    baseline_probability: Probability
    topic: Annotated[str, Field(description="What weighed most in the decision")]
    worth: Annotated[float, Field(ge=0, le=2, description="Uncertainty, and disagreement with the baseline")]


class QueueAnswer(Answer):
    """Pairs to ask a reviewer about, none of which has a verdict."""

    pairs: tuple[QuestionAnswer, ...]
    labels: Annotated[int, Field(description="Verdicts so far")]
    model: str


@router.post("/labels", status_code=201, responses={**UNKNOWN_RECORDING, **WRONG_PARAMETER, **NOT_READY})
def label(request: Request, question: LabelQuestion, matcher: MatcherInCharge, folder: LabelsInUse) -> LabelAnswer:
    """Keep a verdict for good: it is appended, and whatever is said later of the same pair stands beside it."""
    if question.q_sr_id == question.m_sr_id:
        raise HTTPException(422, "expected two recordings: a recording and itself are one master, whoever says what")
    probability = float(matcher.judge([(question.q_sr_id, question.m_sr_id)]).probabilities[0])
    verdict = Verdict(
        q_sr_id=question.q_sr_id,
        m_sr_id=question.m_sr_id,
        tag=question.tag,
        reviewer=request.state.caller or question.reviewer or ANYBODY,
        labelled_at=datetime.now(UTC).isoformat(timespec="milliseconds"),
        note=question.note,
        match_probability=probability,
        model=matcher.model.version,
    )
    kept = append_label(folder.labels, verdict)
    return LabelAnswer(number=kept.number, **vars(verdict))


@router.get("/labels/queue", responses={**WRONG_PARAMETER, **NOT_READY}, dependencies=[Depends(each_parameter_once)])
def queue(
    matcher: MatcherInCharge,
    folder: LabelsInUse,
    n: Annotated[int, Query(ge=1, le=MOST_QUESTIONS, description=f"How many pairs, 1 to {MOST_QUESTIONS}")] = 20,
) -> QueueAnswer:
    """List the pairs whose verdicts would teach the model most; with every further verdict, others."""
    labels = read_labels(folder.labels)
    labelled = {each.verdict.pair for each in labels}
    found = questions(matcher, folder.dedupe / PAIRS_FILE, labelled, n, seed=len(labels))
    return QueueAnswer(pairs=tuple(map(_answer, found)), labels=len(labels), model=matcher.model.version)


def _answer(question: Question) -> QuestionAnswer:
    return QuestionAnswer(
        q_sr_id=question.decision.q.sr_id,
        m_sr_id=question.decision.m.sr_id,
        match_probability=question.decision.match_probability,
        baseline_probability=question.baseline_probability,
        topic=question.topic,
        worth=question.worth,
    )
