"""``/review``: pairs to be judged by a person, one at a time, those first whose verdict would teach most."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, NamedTuple
from urllib.parse import parse_qsl, urlencode

from fastapi import APIRouter, Depends, HTTPException, Query, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import BaseModel, Field

from catalog.paths import DataFolder
from matching.agreement import most_disputed, standing
from matching.decision import Decision
from matching.labels import TAGS, Label, Verdict, append_label, read_labels
from matching.matcher import Matcher
from matching.questions import PAIRS_FILE, count_uncertain, questions
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
from service.labels import LabelsInUse
from service.limits import short_body
from service.pages.differences import differences
from service.pages.drawings import waterfall
from service.pages.rendering import PageRoute, page
from service.parameters import LONGEST_TEXT, is_usable_id
from service.state import MatcherInCharge

router = APIRouter(route_class=PageRoute, include_in_schema=False)

_UNDO = "undo"
_LONGEST_NAME, _LONGEST_FORM, _MOST_FIELDS = 64, 16_384, 20
# Questions that are chosen together, and verdicts after which others are chosen.
_AT_ONCE, _CHOSEN_ANEW = 40, 10
# Among so many pairs one is of those that others have judged: so one learns whether people agree.
_JUDGED_BY_OTHERS = 5
# Who reviews and how, so that they need not say it again when they come back from another page.
_COOKIE = "onemaster-review"
_SWITCHES = {"blind": "on", "keys": "off"}

_Switch = Annotated[str, Field(max_length=3)]
_Id = Annotated[str, Field(max_length=LONGEST_TEXT)]


class Asked(BaseModel):
    """What the address of the page says: who reviews and how, and a pair if it is to be judged before the others."""

    reviewer: Annotated[str, Field(max_length=_LONGEST_NAME)] | None = None
    blind: _Switch = ""
    keys: _Switch = ""
    q_sr_id: _Id = ""
    m_sr_id: _Id = ""

    @property
    def pair(self) -> dict[str, str]:
        """The pair, as the address has it; empty if there is none."""
        ids = {"q_sr_id": self.q_sr_id, "m_sr_id": self.m_sr_id}
        return ids if any(ids.values()) else {}


class Questions:
    """The pairs to be asked about next, chosen together, so that a page that is opened again asks the same.

    Attributes
    ----------
    uncertain : int or None
        Pairs that the last de-duplication had left uncertain when the questions were chosen, if there has been one.
    """

    def __init__(self) -> None:
        self.uncertain: int | None = None
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
            self.uncertain = count_uncertain(pairs)
            self._chosen_for, self._decisions = wanted, [question.decision for question in chosen]
            return self._unanswered(judged)

    def _unanswered(self, judged: set[Pair]) -> Decision | None:
        return next((each for each in self._decisions if _ids_of(each) not in judged), None)


class _Form(NamedTuple):
    """What the page sends back."""

    said: str
    pair: Pair
    undone: tuple[str, int]
    was_shown: bool
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
    if said != _UNDO:
        _require_two(pair)
    return _Form(said, pair, undone, fields.get("shown") == "on", _settings(fields, reviewer))


@router.get("/review")
def review(
    request: Request, matcher: MatcherInCharge, folder: LabelsInUse, asked: Annotated[Asked, Query()]
) -> Response:
    """Show the next pair, the same one until something is said of it; or first the one that the address names."""
    if asked.reviewer is None and (kept := _kept(request)):
        return RedirectResponse(f"review?{urlencode(kept | asked.model_dump(exclude_defaults=True))}", 303)
    name, is_blind = _name(request, asked.reviewer or ""), asked.blind == "on"
    if not name:
        return _keep(page("reviewer.html.j2", pair=asked.pair), request, {})
    labels = read_labels(folder.labels)
    decide = matcher.model.classifier.decide
    queue: Questions = request.app.state.questions
    decision = _named(matcher, asked) or _next(queue, matcher, folder, labels, name)
    pair = _ids_of(decision) if decision else None
    own = [label.verdict.tag for label in labels if (label.verdict.pair, label.verdict.reviewer) == (pair, name)]
    answer = page(
        "review.html.j2",
        reviewer=name,
        is_named=request.state.caller is not None,
        may_write=request.state.may_write,
        has_keys=request.state.has_keys,
        blind=is_blind,
        pair=asked.pair,
        said_before=own[-1] if own else None,
        was_seen=bool(asked.pair) or (pair is not None and has_judged(folder.labels, pair, name)),
        keys=asked.keys != "off",
        decision=decision,
        fields=differences(decision.q, decision.m) if decision else (),
        waterfall=waterfall(decision) if decision and not is_blind else None,
        last=said_last(folder.labels, name),
        standing=standing(labels, name, decide, blind_labels(folder.labels)),
        uncertain=queue.uncertain,
        decide=decide,
        threshold=matcher.model.classifier.threshold,
        command=f"onemaster train --labels --data {folder.named}",
    )
    return _keep(answer, request, _settings(asked.model_dump(), name))


@router.post("/review")
def say(form: Annotated[_Form, Depends(_form)], matcher: MatcherInCharge, folder: LabelsInUse) -> Response:
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
            append_label(folder.labels, verdict, once=True, blind="blind" in form.then and not form.was_shown)
    return RedirectResponse(f"review?{urlencode(form.then)}", 303)


def _name(request: Request, given: str) -> str:
    """Name the reviewer: by the key, if one was sent."""
    return request.state.caller or given.strip()


def _settings(fields: Mapping[str, str], reviewer: str) -> dict[str, str]:
    """Collect who reviews and how, as the address of the page has it."""
    switched = {name: value for name, value in _SWITCHES.items() if fields.get(name) == value}
    return {"reviewer": reviewer, **switched}


def _kept(request: Request) -> dict[str, str]:
    """Read who reviewed last in this browser, and how; empty if nobody did."""
    fields = dict(parse_qsl(request.cookies.get(_COOKIE, "")))
    name = fields.get("reviewer", "").strip()
    return _settings(fields, name) if 0 < len(name) <= _LONGEST_NAME else {}


def _keep(answer: Response, request: Request, settings: dict[str, str]) -> Response:
    """Have the browser remember who reviews, or forget it, until it is closed.

    Without a path the cookie is for this page and those beside it, wherever a proxy has put them.
    """
    answer.set_cookie(
        _COOKIE,
        urlencode(settings),
        max_age=None if settings else 0,
        path=None,
        secure=request.url.scheme == "https",
        httponly=True,
        samesite="strict",
    )
    return answer


def _require_two(pair: Pair) -> None:
    if pair[0] == pair[1] or not all(map(is_usable_id, pair)):
        raise HTTPException(422, "It takes two recordings, q_sr_id and m_sr_id, to be judged: open /review again.")


def _named(matcher: Matcher, asked: Asked) -> Decision | None:
    """Judge the pair that the address names, if it names one."""
    if not asked.pair:
        return None
    _require_two(_pair(**asked.pair))
    return matcher.classify(**asked.pair)


def _pair(q_sr_id: str, m_sr_id: str) -> Pair:
    return min(q_sr_id, m_sr_id), max(q_sr_id, m_sr_id)


def _ids_of(decision: Decision) -> Pair:
    return _pair(decision.q.sr_id, decision.m.sr_id)


def _next(
    asked: Questions, matcher: Matcher, folder: DataFolder, labels: list[Label], reviewer: str
) -> Decision | None:
    own = {label.verdict.pair for label in labels if label.verdict.reviewer == reviewer}
    passed = unsure_pairs(folder.labels, reviewer)

    def judged_by_others() -> Decision | None:
        wanted = [pair for pair in most_disputed(labels) if pair not in own | passed]
        gone = matcher.recordings.unknown(sr_id for pair in wanted for sr_id in pair)
        pair = next((pair for pair in wanted if gone.isdisjoint(pair)), None)
        return matcher.classify(*pair) if pair else None

    if len(own) % _JUDGED_BY_OTHERS == _JUDGED_BY_OTHERS - 1 and (found := judged_by_others()):
        return found
    judged = passed | {label.verdict.pair for label in labels}
    return asked.first(matcher, folder.dedupe / PAIRS_FILE, judged, len(labels)) or judged_by_others()
