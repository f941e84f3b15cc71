"""``/review``: pairs to be judged by a person, one at a time, those first whose verdict would teach most."""

from __future__ import annotations

import threading
import weakref
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, NamedTuple
from urllib.parse import parse_qsl, urlencode

from fastapi import APIRouter, Depends, HTTPException, Query, Request, Response
from fastapi.responses import RedirectResponse

from catalog.paths import DataFolder
from matching.agreement import most_disputed, standing
from matching.decision import Decision
from matching.labels import TAGS, Label, Verdict, append_label, read_labels
from matching.matcher import Matcher
from matching.questions import PAIRS_FILE, questions
from matching.reviewing import (
    KINDS,
    UNSURE,
    Pair,
    blind_labels,
    has_judged,
    said_last,
    say_unsure,
    undo,
    unsure_pairs,
)
from service.limits import short_body
from service.pages.differences import differences
from service.pages.drawings import waterfall
from service.pages.rendering import PageRoute, page
from service.parameters import is_usable_id
from service.state import FolderInUse, MatcherInCharge

router = APIRouter(route_class=PageRoute, include_in_schema=False)

_UNDO = "undo"
_LONGEST_NAME, _LONGEST_FORM, _MOST_FIELDS = 64, 16_384, 20
# Questions that are chosen together, and verdicts after which others are chosen.
_AT_ONCE, _CHOSEN_ANEW = 40, 10
# Among so many pairs one is of those that others have judged: so one learns whether people agree.
_JUDGED_BY_OTHERS = 5

Name = Annotated[str, Query(max_length=_LONGEST_NAME)]
Switch = Annotated[str, Query(max_length=3)]


class Questions:
    """The pairs to be asked about next, chosen together, so that a page that is opened again asks the same."""

    def __init__(self) -> None:
        self._choosing = threading.Lock()
        self._chosen_for: tuple[object, ...] = ()
        self._decisions: list[Decision] = []

    def first(self, matcher: Matcher, pairs: Path, judged: set[Pair], labels: int) -> Decision | None:
        """Give the first question that has no answer.

        Parameters
        ----------
        matcher : Matcher
            Whose model is to be taught.
        pairs : Path
            Judged pairs of the last de-duplication.
        judged : set of (str, str)
            Pairs that have a verdict, or that who asks cannot tell; the smaller id first.
        labels : int
            Verdicts so far: after some of them others are chosen.

        Returns
        -------
        Decision or None
            ``None`` if there is nothing to ask about.
        """
        wanted = (weakref.ref(matcher), labels // _CHOSEN_ANEW)
        with self._choosing:
            if self._chosen_for == wanted and (found := self._unanswered(judged)):
                return found
            chosen = questions(matcher, pairs, judged, _AT_ONCE, seed=len(judged))
            self._chosen_for, self._decisions = wanted, [question.decision for question in chosen]
            return self._unanswered(judged)

    def _unanswered(self, judged: set[Pair]) -> Decision | None:
        return next((each for each in self._decisions if _ids_of(each) not in judged), None)


class _Form(NamedTuple):
    """What the page sends back."""

    said: str
    pair: Pair
    undone: tuple[str, int]
    then: dict[str, str]

    @property
    def reviewer(self) -> str:
        return self.then["reviewer"]


async def _form(request: Request) -> _Form:
    body = await short_body(request, _LONGEST_FORM)
    try:
        fields = dict(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=_MOST_FIELDS))
        kind, _, number = fields.get("undone", "label:0").partition(":")
        undone = (kind, int(number[:18]))
    except ValueError as error:
        raise HTTPException(422, "The form cannot be read: open /review again.") from error
    pair = _pair(fields.get("q_sr_id", ""), fields.get("m_sr_id", ""))
    said, reviewer = fields.get("said", ""), _name(request, fields.get("reviewer", ""))
    if said not in (*TAGS, UNSURE, _UNDO) or not reviewer or len(reviewer) > _LONGEST_NAME or kind not in KINDS:
        raise HTTPException(422, "The form lacks what was said, or by whom: open /review again.")
    if said != _UNDO and (pair[0] == pair[1] or not all(map(is_usable_id, pair))):
        raise HTTPException(422, "The form lacks the two recordings that it is about: open /review again.")
    switched = {name: fields[name] for name, value in (("blind", "on"), ("keys", "off")) if fields.get(name) == value}
    return _Form(said, pair, undone, {"reviewer": reviewer, **switched})


@router.get("/review")
def review(
    request: Request,
    matcher: MatcherInCharge,
    folder: FolderInUse,
    reviewer: Name = "",
    blind: Switch = "",
    keys: Switch = "",
) -> Response:
    """Show the next pair; the same one until something is said of it."""
    name, is_blind = _name(request, reviewer), blind == "on"
    if not name:
        return page("reviewer.html.j2")
    labels = read_labels(folder.labels)
    decide = matcher.model.classifier.decide
    decision = _next(request.app.state.questions, matcher, folder, labels, name)
    return page(
        "review.html.j2",
        reviewer=name,
        is_named=request.state.caller is not None,
        may_write=request.state.may_write,
        blind=is_blind,
        was_seen=decision is not None and has_judged(folder.labels, _ids_of(decision), name),
        keys=keys != "off",
        decision=decision,
        fields=differences(decision.q, decision.m) if decision else (),
        waterfall=waterfall(decision) if decision and not is_blind else None,
        last=said_last(folder.labels, name),
        standing=standing(labels, name, decide, blind_labels(folder.labels)),
        decide=decide,
        command=f"onemaster train --labels --data {folder.root}",
    )


@router.post("/review")
def say(form: Annotated[_Form, Depends(_form)], matcher: MatcherInCharge, folder: FolderInUse) -> Response:
    """Keep what a reviewer says, once however often it is sent, and go on to the next pair."""
    at = datetime.now(UTC).isoformat(timespec="milliseconds")
    if form.said == _UNDO:
        undo(folder.labels, form.undone, form.reviewer, at)
    else:
        probability = float(matcher.judge([form.pair]).probabilities[0])  # which knows both recordings, or says so
        if form.said == UNSURE:
            say_unsure(folder.labels, form.pair, form.reviewer, at)
        else:
            verdict = Verdict(
                *form.pair,
                tag=form.said,
                reviewer=form.reviewer,
                labelled_at=at,
                match_probability=probability,
                model=matcher.model.version,
            )
            append_label(folder.labels, verdict, once=True, blind="blind" in form.then)
    return RedirectResponse(f"review?{urlencode(form.then)}", 303)


def _name(request: Request, given: str) -> str:
    """Name the reviewer: by the key, if one was sent."""
    return request.state.caller or given.strip()


def _pair(q_sr_id: str, m_sr_id: str) -> Pair:
    return min(q_sr_id, m_sr_id), max(q_sr_id, m_sr_id)


def _ids_of(decision: Decision) -> Pair:
    return _pair(decision.q.sr_id, decision.m.sr_id)


def _next(
    asked: Questions, matcher: Matcher, folder: DataFolder, labels: list[Label], reviewer: str
) -> Decision | None:
    own = {label.verdict.pair for label in labels if label.verdict.reviewer == reviewer}
    passed = unsure_pairs(folder.labels, reviewer)
    if len(own) % _JUDGED_BY_OTHERS == _JUDGED_BY_OTHERS - 1:
        by_others = [pair for pair in most_disputed(labels) if pair not in own | passed]
        gone = matcher.recordings.unknown(sr_id for pair in by_others for sr_id in pair)
        if pair := next((pair for pair in by_others if gone.isdisjoint(pair)), None):
            return matcher.classify(*pair)
    judged = passed | {label.verdict.pair for label in labels}
    return asked.first(matcher, folder.dedupe / PAIRS_FILE, judged, len(labels))
