"""Load on a server over real sockets: so many callers, each of whom asks again as soon as it is answered."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

_HEAD_END, _LENGTH = b"\r\n\r\n", b"content-length:"


@dataclass
class Load:
    """What came of some seconds of asking.

    Attributes
    ----------
    seconds : float
        From the first question to the last answer.
    latencies : list of float
        Seconds from each question to its answer.
    failures : int
        Answers other than 200.
    """

    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)
    failures: int = 0

    @property
    def requests_per_second(self) -> float:
        """Answers a second."""
        return len(self.latencies) / self.seconds

    def percentile(self, share: float) -> float:
        """Say how long a share of the answers took at most.

        Parameters
        ----------
        share : float
            0 to 1.

        Returns
        -------
        float
            Milliseconds.
        """
        return float(np.quantile(self.latencies, share)) * 1e3


class _Caller(asyncio.Protocol):
    """One connection, kept alive: reads just enough of HTTP to know when it is answered."""

    def __init__(self, requests: Iterator[bytes], until: float, load: Load) -> None:
        self._requests, self._until, self._load = requests, until, load
        self._received, self._asked = b"", 0.0
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._ask()

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, end, body = self._received.partition(_HEAD_END)
        if not end:
            return
        length = next(int(line[len(_LENGTH) :]) for line in head.lower().split(b"\r\n") if line.startswith(_LENGTH))
        if len(body) < length:
            return
        self._load.latencies.append(time.perf_counter() - self._asked)
        self._load.failures += not head.startswith(b"HTTP/1.1 200")
        self._received = b""
        self._ask()

    def connection_lost(self, _: Exception | None) -> None:
        if not self.done.done():
            self._load.failures += 1
            self.done.set_result(None)

    def _ask(self) -> None:
        self._asked = time.perf_counter()
        if self._asked < self._until:
            self._transport.write(next(self._requests))  # type: ignore[attr-defined]
        elif not self.done.done():
            self.done.set_result(None)
            self._transport.close()


def load(port: int, requests: Sequence[bytes], callers: int, seconds: float) -> Load:
    """Ask a server on this machine.

    Parameters
    ----------
    port : int
        Its port.
    requests : sequence of bytes
        Asked in turn, again and again.
    callers : int
        Connections.
    seconds : float
        For so long.

    Returns
    -------
    Load
        What came of it.
    """

    async def run() -> Load:
        found, loop = Load(), asyncio.get_running_loop()
        began = time.perf_counter()
        asked = itertools.cycle(requests)
        made = [
            await loop.create_connection(lambda: _Caller(asked, began + seconds, found), "127.0.0.1", port)
            for _ in range(callers)
        ]
        await asyncio.gather(*(caller.done for _, caller in made))
        found.seconds = time.perf_counter() - began
        if found.failures:
            raise RuntimeError(f"expected answers with status 200, got {found.failures} others")
        return found

    return asyncio.run(run())


def get(path: str) -> bytes:
    """Write a request.

    Parameters
    ----------
    path : str
        With its query string, escaped.

    Returns
    -------
    bytes
        For HTTP/1.1, to be kept alive.
    """
    return f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()


def post(path: str, body: bytes) -> bytes:
    """Write a request with a body of JSON.

    Parameters
    ----------
    path : str
        With its query string, escaped.
    body : bytes
        JSON.

    Returns
    -------
    bytes
        For HTTP/1.1, to be kept alive.
    """
    head = (
        f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    )
    return head.encode() + b"\r\n" + body
