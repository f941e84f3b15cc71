"""Log lines that belong together by the request that they are about; as JSON where a machine reads them."""

from __future__ import annotations

import json
import logging
import re
import sys
import time
import uuid
from contextvars import ContextVar
from datetime import UTC, datetime

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

logger = logging.getLogger(__name__)

_request_id: ContextVar[str | None] = ContextVar("request_id", default=None)
_USABLE = re.compile(r"[A-Za-z0-9._-]{1,64}")
_FIELDS = ("method", "route", "status", "milliseconds", "caller", "model", "index")


class JsonLines(logging.Formatter):
    """Writes a record as one line of JSON."""

    def format(self, record: logging.LogRecord) -> str:
        """Write a record.

        Parameters
        ----------
        record : logging.LogRecord
            Any.

        Returns
        -------
        str
            ``at``, ``level``, ``logger``, ``message``; ``request_id`` where a request is being answered, what the line
            is about, and the traceback of an error.
        """
        line: dict[str, object] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if request_id := _request_id.get():
            line["request_id"] = request_id
        line |= {name: getattr(record, name) for name in _FIELDS if getattr(record, name, None) is not None}
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=True, default=str)


def log_as_json() -> None:
    """Have every logger of this process write lines of JSON to standard error; uvicorn's access log is left out."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.INFO)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        theirs = logging.getLogger(name)
        theirs.handlers.clear()
        theirs.propagate = name != "uvicorn.access"


class Traced:
    """Gives every request an id, the caller's own if it is usable, and notes how it was answered.

    Parameters
    ----------
    app : ASGIApp
        The application.
    as_json : bool
        Whether a line is logged for every request; otherwise that is left to uvicorn.
    """

    def __init__(self, app: ASGIApp, as_json: bool) -> None:
        self._app = app
        self._as_json = as_json

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, as the protocol wants it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        sent = Headers(scope=scope).get("x-request-id", "")
        request_id = sent if _USABLE.fullmatch(sent) else uuid.uuid4().hex
        _request_id.set(request_id)
        began, status = time.perf_counter(), 500

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], (b"x-request-id", request_id.encode())]
            await send(message)

        try:
            await self._app(scope, receive, send_with_id)
        finally:
            if self._as_json:
                self._note(scope, status, (time.perf_counter() - began) * 1e3)

    @staticmethod
    def _note(scope: Scope, status: int, milliseconds: float) -> None:
        state = scope.get("state", {})
        opened = state.get("answered_by")
        about = {
            "method": scope["method"],
            "route": getattr(scope.get("route"), "path", None),
            "status": status,
            "milliseconds": round(milliseconds, 3),
            "caller": state.get("caller"),
            "model": opened.matcher.model.version if opened else None,
            "index": opened.matcher.snapshot.version if opened else None,
        }
        logger.info("answered", extra=about)
