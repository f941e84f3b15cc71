"""``GET /`` is asked most of all: what is well asked is answered before routes are looked for."""

from __future__ import annotations

from starlette.types import ASGIApp, Receive, Scope, Send

from service.batching import Batching, JudgedAlone
from service.pairs import ANSWERS, PATH, classify, pair_in

_METHOD = "GET"


class _Asked:
    """What requests are counted and logged as: the route that would have answered them."""

    path, methods, endpoint = PATH, frozenset({_METHOD}), classify


class AskedMost:
    """Answers what names two recordings in the query string of ``GET /``.

    Everything else, errors included, goes on to the application and its documented route.

    Parameters
    ----------
    app : ASGIApp
        The application.
    batching : Batching
        Judges pairs.
    """

    def __init__(self, app: ASGIApp, batching: Batching) -> None:
        self._app = app
        self._batching = batching

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, as the protocol wants it."""
        judged = await self._judged(scope) if _is_it(scope) else None
        if judged is None:
            await self._app(scope, receive, send)
            return
        answer = ANSWERS[judged.decided]
        scope["route"] = _Asked
        scope.setdefault("state", {})["answered_by"] = judged.opened
        headers = [(b"content-length", b"%d" % len(answer)), (b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": answer})

    async def _judged(self, scope: Scope) -> JudgedAlone | None:
        pair = pair_in(scope["query_string"])
        try:
            return await self._batching.judge(PATH, pair) if pair else None
        except Exception:  # noqa: BLE001 - its route meets it again, and answers it
            return None


def _is_it(scope: Scope) -> bool:
    if scope["type"] != "http" or scope["method"] != _METHOD:
        return False
    return bool(scope["path"] == scope.get("root_path", "") + PATH)
