"""How long a body may be, and how long a caller may take to send it."""

from __future__ import annotations

import asyncio

from fastapi import HTTPException, Request
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.errors import refusal
from service.sent import sent_header

# Ten thousand pairs of the longest ids that are likely, and some.
LONGEST_BODY = 16 << 20
_SECONDS = 30.0
_CLOSE = {"Connection": "close"}  # what is still to come is not worth reading


async def short_body(request: Request, longest: int) -> bytes:
    """Read a body of which no more than a little is expected.

    Parameters
    ----------
    request : Request
        That has it.
    longest : int
        Bytes.

    Returns
    -------
    bytes
        All of it.

    Raises
    ------
    HTTPException
        413 if there is more, 422 if the caller hangs up within it.
    """
    body = b""
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > longest:
                raise HTTPException(413, f"expected a body of at most {longest} bytes, got more", _CLOSE)
    except ClientDisconnect as error:
        raise HTTPException(422, "expected the whole body, got a part of it") from error
    return body


class BodyLimits:
    """Cuts off bodies that are too long or come too slowly.

    Parameters
    ----------
    app : ASGIApp
        The application.
    longest : int
        Bytes.
    seconds : float
        For all of a body.
    """

    def __init__(self, app: ASGIApp, longest: int = LONGEST_BODY, seconds: float = _SECONDS) -> None:
        self._app = app
        self._longest = longest
        self._seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, as the protocol wants it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        declared = sent_header(scope, b"content-length") or "0"
        if not declared.isdigit() or len(declared) > 18 or int(declared) > self._longest:
            await refusal(scope, 413, self._too_long, _CLOSE)(scope, receive, send)
            return
        read, until, complete = 0, 0.0, False

        async def receive_within_limits() -> Message:
            nonlocal read, until, complete
            if complete:  # what comes now is that the caller hung up
                return await receive()
            now = asyncio.get_running_loop().time()
            until = until or now + self._seconds
            try:
                message = await asyncio.wait_for(receive(), until - now)
            except TimeoutError as error:
                raise HTTPException(
                    408, f"expected the whole body within {self._seconds:g} seconds: send it again", _CLOSE
                ) from error
            read += len(message.get("body", b""))
            complete = not message.get("more_body", False)
            if read > self._longest:
                raise HTTPException(413, self._too_long, _CLOSE)
            return message

        await self._app(scope, receive_within_limits, send)

    @property
    def _too_long(self) -> str:
        return f"expected a body of at most {self._longest} bytes, got more: send it in parts"
