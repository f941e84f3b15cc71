"""HTTP as uvicorn reads it, but for callers who never come to the end of their question."""

from __future__ import annotations

import asyncio

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

SECONDS = 10.0
LONGEST_HEAD = 64 << 10


class PatientProtocol(HttpToolsProtocol):
    """Closes a connection on which no head of a request, of 64 KiB at most, is complete within ten seconds.

    uvicorn alone waits for ever, and reads for ever.
    """

    _waiting: asyncio.TimerHandle | None = None
    _read = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Wait for the first request."""
        super().connection_made(transport)
        self._wait()

    def data_received(self, data: bytes) -> None:
        """Read on, if it is not too much."""
        if self._waiting:
            self._read += len(data)
        super().data_received(data)
        if self._waiting and self._read > LONGEST_HEAD:
            self._give_up()

    def on_message_begin(self) -> None:
        """Wait for the rest of a further request."""
        super().on_message_begin()
        if self._waiting is None:
            self._wait()

    def on_headers_complete(self) -> None:
        """Wait no longer: how long a body may be, and take, is decided elsewhere."""
        self._stop_waiting()
        super().on_headers_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no longer."""
        self._stop_waiting()
        super().connection_lost(exc)

    def _wait(self) -> None:
        self._read = 0
        self._waiting = asyncio.get_running_loop().call_later(SECONDS, self._give_up)

    def _stop_waiting(self) -> None:
        if self._waiting:
            self._waiting.cancel()
        self._waiting = None

    def _give_up(self) -> None:
        self._stop_waiting()
        self.transport.close()
