"""The memory that a run takes: of this process and those that it started, shared pages counted once."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from threading import Event, Thread
from types import TracebackType
from typing import Self

import psutil

_SECONDS = 0.5


class MemoryWatch:
    """Looks at the memory of this process and its descendants twice a second, while its block runs.

    Attributes
    ----------
    peaks_mb : dict
        Part of the run to the most that was seen in it, in MiB: the sum of the proportional set sizes, in which a page
        that n processes share counts an n-th for each; of resident set sizes where the system does not tell.
    """

    def __init__(self) -> None:
        self.peaks_mb: dict[str, int] = {}
        self._part = ""
        self._stop = Event()
        self._thread = Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()

    @contextlib.contextmanager
    def during(self, part: str) -> Iterator[None]:
        """Book what is seen while a block runs under a part of the run.

        Parameters
        ----------
        part : str
            Its name; parts do not overlap.

        Yields
        ------
        None
            Once.
        """
        self._part = part
        try:
            yield
        finally:
            self._look()
            self._part = ""

    def _watch(self) -> None:
        while not self._stop.wait(_SECONDS):
            self._look()

    def _look(self) -> None:
        part = self._part
        own = psutil.Process()
        total = 0
        for process in (own, *own.children(recursive=True)):
            with contextlib.suppress(psutil.Error):  # it has just ended
                sizes = process.memory_full_info()
                total += getattr(sizes, "pss", sizes.rss)
        if part:
            self.peaks_mb[part] = max(self.peaks_mb.get(part, 0), round(total / (1 << 20)))
