"""The memory that a run takes: of this process and those that it started, shared pages counted once."""

from __future__ import annotations

import contextlib
from threading import Event, Thread
from types import TracebackType
from typing import Self

import psutil

_SECONDS = 0.5


class MemoryWatch:
    """Looks at the memory of this process and its descendants twice a second, while its block runs.

    Attributes
    ----------
    peak_mb : int
        Most that was seen, in MiB: the sum of the proportional set sizes, in which a page that n processes share counts
        an n-th for each; of resident set sizes where the system does not tell.
    """

    def __init__(self) -> None:
        self.peak_mb = 0
        self._stop = Event()
        self._thread = Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        self._look()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._stop.wait(_SECONDS):
            self._look()

    def _look(self) -> None:
        own = psutil.Process()
        total = 0
        for process in (own, *own.children(recursive=True)):
            with contextlib.suppress(psutil.Error):  # it has just ended
                sizes = process.memory_full_info()
                total += getattr(sizes, "pss", sizes.rss)
        self.peak_mb = max(self.peak_mb, round(total / (1 << 20)))
