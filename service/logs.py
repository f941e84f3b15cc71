"""Log lines that belong together by the request that they are about; as JSON where a machine reads them."""

from __future__ import annotations

import json
import logging
import random
import re
import sys
from contextvars import ContextVar
from datetime import UTC, datetime

from starlette.types import Scope

from service.sent import sent_header

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


# Seeded by the system once: asking it for every request takes a tenth of the time of one.
_drawn = random.Random()


def begin_request(scope: Scope) -> str:
    """Give a request an id, which every line that is logged meanwhile has.

    Parameters
    ----------
    scope : Scope
        Of the request.

    Returns
    -------
    str
        The caller's own, if that is 1 to 64 letters, digits, dots, dashes and underscores.
    """
    sent = sent_header(scope, b"x-request-id")
    request_id = sent if _USABLE.fullmatch(sent) else f"{_drawn.getrandbits(128):032x}"
    _request_id.set(request_id)
    return request_id


def note_answer(scope: Scope, status: int, seconds: float) -> None:
    """Log how a request was answered.

    Parameters
    ----------
    scope : Scope
        Of the request.
    status : int
        Of the answer.
    seconds : float
        That it took.
    """
    state = scope.get("state", {})
    opened = state.get("answered_by")
    about = {
        "method": scope["method"],
        "route": getattr(scope.get("route"), "path", None),
        "status": status,
        "milliseconds": round(seconds * 1e3, 3),
        "caller": state.get("caller"),
        "model": opened.matcher.model.version if opened else None,
        "index": opened.matcher.snapshot.version if opened else None,
    }
    logger.info("answered", extra=about)
