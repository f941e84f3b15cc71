"""Every answer on its way out: what decided it, what browsers must not do with it; and it is counted and logged."""

from __future__ import annotations

import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.logs import begin_request, note_answer
from service.metrics import observe_request
from service.state import release_what_was_in_use

_ALWAYS = [
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"same-origin"),  # without any, browsers would not say that forms are of this service
    (b"cache-control", b"no-store"),
]
# Scripts and styles may be kept, and are asked about.
_OF_PAGES = [*_ALWAYS[:-1], (b"cache-control", b"no-cache")]


class Answered:
    """Adds headers to whatever an application answers, and takes note of it.

    Parameters
    ----------
    app : ASGIApp
        The application.
    logged : bool
        Whether a line is logged for every request; otherwise that is left to uvicorn.
    """

    def __init__(self, app: ASGIApp, logged: bool) -> None:
        self._app = app
        self._logged = logged

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, as the protocol wants it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id, began, status = begin_request(scope), time.perf_counter(), 500

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                opened = scope.get("state", {}).get("answered_by")
                origin = opened.headers if opened else ()
                always = _OF_PAGES if scope["path"].startswith("/static/") else _ALWAYS
                message["headers"] = [*message["headers"], *always, *origin, (b"x-request-id", request_id.encode())]
            await send(message)

        try:
            await self._app(scope, receive, send_with_headers)
        finally:
            release_what_was_in_use(scope)
            seconds = time.perf_counter() - began
            observe_request(scope, status, seconds)
            if self._logged:
                note_answer(scope, status, seconds)
