"""``/review``: pairs to be judged by a person, one at a time, those first whose verdict would teach most."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, NamedTuple
from urllib.parse import parse_qsl, urlencode
from weakref import WeakKeyDictionary

from fastapi import APIRouter, Depends, HTTPException, Query, Request, Response
from fastapi.responses import RedirectResponse

from catalog.paths import DataFolder
from matching.decision import Decision
from matching.labels import TAGS, Label, Verdict, append_label, read_labels
from matching.matcher import Matcher
from matching.questions import PAIRS_FILE, questions
from matching.reviewing import UNSURE, Pair, said_last, say_unsure, standing, undo, unsure_pairs
from service.pages.differences import differences
from service.pages.drawings import waterfall
from service.pages.rendering import PageRoute, page
from service.parameters import is_usable_id
from service.state import FolderInUse, MatcherInCharge

router = APIRouter(route_class=PageRoute, include_in_schema=False)

_UNDO = "undo"
_LONGEST_NAME = 64
# Questions that are chosen together, and verdicts after which others are chosen.
_AT_ONCE, _CHOSEN_ANEW = 40, 10
# Among so many pairs one is of those that others have judged: so one learns whether people agree.
_JUDGED_BY_OTHERS = 5
_MOST_TRIES = 5

_chosen: WeakKeyDictionary[Matcher, dict[int, list[Decision]]] = WeakKeyDictionary()

Name = Annotated[str, Query(max_length=_LONGEST_NAME)]


class _Form(NamedTuple):
    """What the page sends back."""

    said: str
    pair: Pair
    reviewer: str
    blind: bool


async def _form(request: Request) -> _Form:
    fields = dict(parse_qsl((await request.body()).decode("utf-8", "replace"), keep_blank_values=True))
    pair = (fields.get("q_sr_id", ""), fields.get("m_sr_id", ""))
    said, reviewer = fields.get("said", ""), _name(request, fields.get("reviewer", ""))
    if said not in (*TAGS, UNSURE, _UNDO) or not reviewer or len(reviewer) > _LONGEST_NAME:
        raise HTTPException(422, "The form lacks what was said, or by whom: open /review again.")
    if said != _UNDO and (pair[0] == pair[1] or not all(map(is_usable_id, pair))):
        raise HTTPException(422, "The form lacks the two recordings that it is about: open /review again.")
    return _Form(said, pair, reviewer, blind=fields.get("blind") == "on")


@router.get("/review")
def review(
    request: Request, matcher: MatcherInCharge, folder: FolderInUse, reviewer: Name = "", blind: Name = ""
) -> Response:
    """Show the next pair; the same one until something is said of it."""
    name, is_blind = _name(request, reviewer), blind == "on"
    if not name:
        return page("reviewer.html.j2")
    labels = read_labels(folder.labels)
    decision = _next(matcher, folder, labels, name)
    return page(
        "review.html.j2",
        reviewer=name,
        is_named=request.state.caller is not None,
        blind=is_blind,
        decision=decision,
        fields=differences(decision.q, decision.m) if decision else (),
        waterfall=waterfall(decision) if decision and not is_blind else None,
        last=said_last(folder.labels, name) if folder.labels.is_file() else None,
        standing=standing(labels, name, matcher.model.classifier.decide),
        decide=matcher.model.classifier.decide,
    )


@router.post("/review")
def say(form: Annotated[_Form, Depends(_form)], matcher: MatcherInCharge, folder: FolderInUse) -> Response:
    """Keep what a reviewer says, once however often it is sent, and go on to the next pair."""
    at = datetime.now(UTC).isoformat(timespec="milliseconds")
    if form.said == _UNDO:
        undo(folder.labels, form.reviewer, at)
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
            append_label(folder.labels, verdict, once=True)
    then = urlencode({"reviewer": form.reviewer} | ({"blind": "on"} if form.blind else {}))
    return RedirectResponse(f"review?{then}", 303)


def _name(request: Request, given: str) -> str:
    """Name the reviewer: by the key, if one was sent."""
    return request.state.caller or given.strip()


def _next(matcher: Matcher, folder: DataFolder, labels: list[Label], reviewer: str) -> Decision | None:
    own = {label.verdict.pair for label in labels if label.verdict.reviewer == reviewer}
    passed = unsure_pairs(folder.labels, reviewer)
    if len(own) % _JUDGED_BY_OTHERS == _JUDGED_BY_OTHERS - 1:
        by_others = dict.fromkeys(label.verdict.pair for label in labels if label.verdict.pair not in own | passed)
        gone = matcher.recordings.unknown(sr_id for pair in by_others for sr_id in pair)
        if pair := next((pair for pair in by_others if gone.isdisjoint(pair)), None):
            return matcher.classify(*pair)
    judged = passed | {label.verdict.pair for label in labels}
    batch = len(labels) // _CHOSEN_ANEW
    for further in range(_MOST_TRIES):
        for decision in _questions(matcher, folder, judged, batch + further):
            if tuple(sorted((decision.q.sr_id, decision.m.sr_id))) not in judged:
                return decision
    return None


def _questions(matcher: Matcher, folder: DataFolder, judged: set[Pair], batch: int) -> list[Decision]:
    chosen = _chosen.setdefault(matcher, {})
    if batch not in chosen:
        found = questions(matcher, folder.dedupe / PAIRS_FILE, judged, _AT_ONCE, seed=batch)
        chosen[batch] = [question.decision for question in found]
    return chosen[batch]
