"""The one way in which the service judges pairs: what it says is counted, and kept if that is wanted."""

from __future__ import annotations

import time
from collections.abc import Sequence

from fastapi import Request

from matching.decision import Judged
from service.metrics import observe_decisions
from service.state import Opened


def judge_noted(request: Request, opened: Opened, pairs: Sequence[tuple[str, str]], by: str) -> Judged:
    """Judge pairs for a request.

    Parameters
    ----------
    request : Request
        Being answered.
    opened : Opened
        What answers it.
    pairs : sequence of (str, str)
        Ids of both sides.
    by : str
        ``siamese`` or ``baseline``.

    Returns
    -------
    Judged
        In the order of `pairs`.
    """
    began = time.perf_counter()
    judged = opened.matcher.judge(pairs, by)
    observe_decisions(judged.probabilities.tolist(), opened.matcher.model, by)
    request.app.state.decisions.note(judged, opened.matcher, opened.shadow, request.scope["route"].path, began)
    return judged
