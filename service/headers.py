"""Headers of every answer: what decided it, and what browsers must not do with it."""

from __future__ import annotations

from starlette.types import ASGIApp, Message, Receive, Scope, Send

_ALWAYS = [
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-store"),
]


class AnswerHeaders:
    """Adds headers to whatever an application answers.

    Parameters
    ----------
    app : ASGIApp
        The application.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, as the protocol wants it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                opened = scope.get("state", {}).get("answered_by")
                message["headers"] = [*message["headers"], *_ALWAYS, *(opened.headers if opened else ())]
            await send(message)

        await self._app(scope, receive, send_with_headers)
