"""HTTP as uvicorn reads it, but for callers who never come to the end of their question, or never read the answer."""

from __future__ import annotations

import asyncio

from uvicorn._types import ASGI3Application
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

SECONDS, LONGEST_HEAD = 10.0, 64 << 10
MESSAGE_SECONDS, LONGEST_MESSAGE = 60.0, 20 << 20
# Between two looks at what an answer has left to be read: in use, and when the service is to end.
ANSWER_SECONDS, LAST_SECONDS = 30.0, 5.0
STOP_SECONDS = 20
"""That requests under way have when the service is to end. What ends with it has its own time after that."""


class PatientProtocol(HttpToolsProtocol):
    """Closes a connection on which a request does not come to an end.

    Its head has ten seconds and 64 KiB, all of it a minute and 20 MiB, whether or not somebody wants its body; and an
    answer of which nothing is read between two looks, half a minute apart, is given up. uvicorn alone waits for ever,
    and reads for ever.
    """

    _waiting: asyncio.TimerHandle | None = None
    _read = 0
    # Within how many seconds what is being read has to come to an end, and whether that is being waited for.
    _within: float | None = None
    _is_armed = False
    _steps = 0
    # Bytes of a head, however many of them came at once.
    _head = 0
    _head_is_complete = False
    # What is left of the answers, as of the last look, and the next one.
    _left = 0
    _looking: asyncio.TimerHandle | None = None
    # What is being answered: uvicorn's own `cycle` is the request that came last, behind which others may wait.
    _answering: RequestResponseCycle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Wait for the first request."""
        super().connection_made(transport)
        self._reads(SECONDS)
        self._wait()
        self._look_in(ANSWER_SECONDS)

    def data_received(self, data: bytes) -> None:
        """Read on, if it is not too much; most requests are complete at once, and need no waiting."""
        self._read += len(data)
        before = self._steps
        super().data_received(data)
        if self._within is None and self._steps == before:  # between two requests, and no part of one
            self._reads(SECONDS)
        if self._within and self._read > (LONGEST_MESSAGE if self._head_is_complete else LONGEST_HEAD):
            self._give_up()
        elif not self._is_armed:
            self._wait()

    def on_message_begin(self) -> None:
        """Wait for the rest of a request."""
        super().on_message_begin()
        self._read, self._head, self._head_is_complete = 0, 0, False
        self._reads(SECONDS)

    def on_url(self, url: bytes) -> None:
        """Take a part of the address."""
        self._count(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header; what comes behind a body is passed over."""
        if not self._head_is_complete:
            self._count(len(name) + len(value) + len(": \r\n"))
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Wait for the body, if there is one."""
        self._head_is_complete = True
        self._reads(MESSAGE_SECONDS)
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Wait no longer."""
        self._reads(None)
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """Go on to the next request; what is left now is of another answer."""
        self._left = 0
        super().on_response_complete()

    def shutdown(self) -> None:
        """End with the answers that are under way, and wait less long for who does not read them."""
        super().shutdown()
        self._look_in(LAST_SECONDS)

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no longer."""
        self._reads(None)
        self._wait()
        if self._looking:
            self._looking.cancel()
        if self._answering and not self._answering.response_complete:
            self._answering.disconnected = True
            self._answering.message_event.set()
        super().connection_lost(exc)

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        self._answering = cycle
        super()._start_asgi_task(cycle, app)

    def _count(self, length: int) -> None:
        self._head += length
        if self._head > LONGEST_HEAD:
            raise ValueError(f"expected a head of at most {LONGEST_HEAD} bytes, got more")  # uvicorn answers 400

    def _reads(self, within: float | None) -> None:
        self._within, self._is_armed = within, False
        self._steps += 1

    def _wait(self) -> None:
        if self._waiting:
            self._waiting.cancel()
        self._is_armed, self._waiting = True, None
        if self._within:
            self._waiting = asyncio.get_running_loop().call_later(self._within, self._give_up)

    def _give_up(self) -> None:
        self._reads(None)
        self._wait()
        self.transport.close()

    def _look_in(self, seconds: float) -> None:
        if self._looking:
            self._looking.cancel()
        self._looking = asyncio.get_running_loop().call_later(seconds, self._look, seconds)

    def _look(self, seconds: float) -> None:
        left = self.transport.get_write_buffer_size()
        if left and left == self._left:
            self.transport.abort()  # to close it would be to wait until all is read
            return
        self._left = left
        self._look_in(seconds)
