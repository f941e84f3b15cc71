"""``/quality``: how good the model in charge is, what other thresholds would cost, and whether answers drift."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, HTTPException, Query, Request, Response
from fastapi.responses import HTMLResponse
from pydantic import BaseModel, Field

from matching.held_out import LEARNT_FROM
from matching.model import REPORT_FILE
from service.metrics import measured_drift
from service.pages.rendering import PageRoute, page
from service.pages.thresholds import STEPS, Counts
from service.state import FolderInUse, MatcherInCharge, source_of

router = APIRouter(route_class=PageRoute, include_in_schema=False)

_MEASURES = {
    "accuracy": "Accuracy",
    "precision": "Precision",
    "recall": "Recall",
    "f1": "F1",
    "roc_auc": "Area under the ROC curve",
    "average_precision": "Average precision",
    "brier": "Brier score (less is better)",
    "calibration_error": "Calibration error (less is better)",
}
# The report has its styles and pictures in it, and no script.
_POLICY_OF_REPORT = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; frame-ancestors 'none'"
)

Cost = Annotated[float, Field(ge=0, le=1e9)]


class Wanted(BaseModel):
    """A threshold that somebody thinks of, and what mistakes cost them."""

    threshold: Annotated[float | None, Field(ge=0, le=1)] = None
    wrong_valid: Cost = 10.0
    wrong_invalid: Cost = 10.0


@router.get("/quality")
def quality(
    request: Request, matcher: MatcherInCharge, folder: FolderInUse, wanted: Annotated[Wanted, Query()]
) -> Response:
    """Show the evidence that came with the model in charge."""
    from catalog.sample.phenomena import IN_WORDS  # noqa: PLC0415 - comes with the generator, which only this page needs

    model = matcher.model
    ours, baseline = (Counts.of(model.card, judge) for judge in ("onemaster", "baseline"))
    own = model.classifier.threshold
    chosen = own if wanted.threshold is None else wanted.threshold
    outcomes = ours.outcomes() if ours else None
    return page(
        "quality.html.j2",
        model=model.version,
        card=model.card,
        is_measured_elsewhere=model.was_measured_elsewhere(folder.groundtruth),
        at=f"--data {folder.named}",
        learnt_from=LEARNT_FROM,
        measures=_MEASURES,
        in_words=IN_WORDS,
        own=own,
        wanted=wanted,
        steps=STEPS,
        chosen=outcomes[round(chosen * STEPS)] if outcomes else None,
        present=outcomes[round(own * STEPS)] if outcomes else None,
        curves={name: counts for name, counts in (("onemaster", ours), ("baseline", baseline)) if counts},
        drift=measured_drift(model.version, source_of(request.app).expected_probabilities),
    )


@router.get("/quality/report")
def report(matcher: MatcherInCharge) -> Response:
    """Give the report that was written when the model was trained."""
    path = matcher.model.folder / REPORT_FILE
    if not path.is_file():
        raise HTTPException(404, "The model in charge has no report.")
    return HTMLResponse(path.read_bytes(), headers={"Content-Security-Policy": _POLICY_OF_REPORT})
