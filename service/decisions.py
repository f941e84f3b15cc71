"""Keeps decisions that were given, without anybody having to wait for it; and has the candidate judge them, too."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import groupby
from zlib import crc32

import numpy as np
import numpy.typing as npt

from catalog.errors import OnemasterError
from catalog.paths import DataFolder
from matching.decision import Judged
from matching.decision_log import Decided, write_decisions
from matching.matcher import Matcher
from matching.model import SIAMESE
from service.metrics import observe_logged

logger = logging.getLogger(__name__)

_MOST_WAITING = 100_000  # pairs
_SECONDS_TO_END = 10.0
_ROWS_A_FILE = 20_000
_SECONDS = 5.0
_HASHES = 1 << 32


class DecisionLog:
    """Takes note of decisions; a thread of its own writes them.

    Parameters
    ----------
    folder : DataFolder
        For the files; nothing is kept while it is gone.
    share : float
        Of the pairs, 0 to 1: drawn by a hash of their ids, so that a pair is always kept or never.
    """

    def __init__(self, folder: DataFolder, share: float) -> None:
        self._folder = folder
        self._least = share * _HASHES
        self._waiting: queue.SimpleQueue[tuple[Decided, Matcher | None] | None] = queue.SimpleQueue()
        self._rows = 0
        self._counting = threading.Lock()
        self._writer = threading.Thread(target=self._write, name="decision log", daemon=True)

    @property
    def is_on(self) -> bool:
        """Whether anything is kept."""
        return self._least > 0

    def start(self) -> None:
        """Begin to write."""
        if self.is_on:
            self._writer.start()

    def stop(self) -> None:
        """Write what is left, as far as that takes seconds."""
        if self._writer.is_alive():
            self._waiting.put(None)
            self._writer.join(_SECONDS_TO_END)

    def note(self, judged: Judged, matcher: Matcher, shadow: Matcher | None, route: str, began: float) -> None:
        """Keep the decisions on some pairs; what there is no room for is lost, and counted.

        Parameters
        ----------
        judged : Judged
            Pairs and what was said of them.
        matcher : Matcher
            That judged.
        shadow : Matcher or None
            The same with the candidate model, which is to judge them in the background.
        route : str
            That was asked.
        began : float
            When, by ``time.perf_counter``.
        """
        if not self.is_on:
            return
        drawn = [crc32(f"{q}\0{m}".encode("utf-8", "replace")) < self._least for q, m in judged.pairs]
        if not any(drawn):
            return
        rows = np.flatnonzero(drawn)
        with self._counting:
            fits = self._rows + len(rows) <= _MOST_WAITING
            self._rows += len(rows) if fits else 0
        if not fits:
            observe_logged(len(rows), kept=False)
            return
        try:
            decided = _decided(judged, rows, matcher, route, began)
        except Exception as error:  # noqa: BLE001 - a recording has just gone, say; what was answered is answered
            logger.warning("%d decisions could not be kept: %s", len(rows), error)
            observe_logged(len(rows), kept=False)
            with self._counting:
                self._rows -= len(rows)
            return
        self._waiting.put((decided, shadow if judged.by == SIAMESE else None))

    def _write(self) -> None:
        while True:
            batch, goes_on = self._next_batch()
            for _, several in groupby(sorted(batch, key=_kind), key=_kind):
                self._write_file(list(several))
            if not goes_on:
                return

    def _next_batch(self) -> tuple[list[tuple[Decided, Matcher | None]], bool]:
        """Wait for decisions: until there are many, or the first has waited long enough, or no more will come."""
        batch: list[tuple[Decided, Matcher | None]] = []
        rows, until = 0, float("inf")
        while rows < _ROWS_A_FILE:
            left = until - time.monotonic()
            try:
                taken = self._waiting.get(timeout=None if left == float("inf") else max(left, 0))
            except queue.Empty:
                break
            if taken is None:
                return batch, False
            batch.append(taken)
            rows += len(taken[0].pairs)
            until = min(until, time.monotonic() + _SECONDS)
        return batch, True

    def _write_file(self, batch: Sequence[tuple[Decided, Matcher | None]]) -> None:
        decided, shadow = [each for each, _ in batch], batch[0][1]
        rows = sum(len(each.pairs) for each in decided)
        with self._counting:
            self._rows -= rows
        try:
            said = [_by(shadow, each) for each in decided]
            folder = self._folder.still_there().decisions
            write_decisions(folder, decided, shadow.model.version if shadow else None, said)
        except Exception as error:  # noqa: BLE001 - a full disk, say, is no reason not to answer, nor to stop keeping
            logger.warning("%d decisions could not be kept in %s: %s", rows, self._folder.decisions, error)
            observe_logged(rows, kept=False)
        else:
            observe_logged(rows, kept=True)


def _decided(judged: Judged, rows: npt.NDArray[np.int64], matcher: Matcher, route: str, began: float) -> Decided:
    """Put down what was said of some of the pairs, with all features."""
    pairs = [judged.pairs[row] for row in rows.tolist()]
    classifier, index = matcher.model.judge(judged.by), matcher.snapshot
    return Decided(
        pairs=pairs,
        probabilities=judged.probabilities[rows],
        features=matcher.features(pairs, judged.by),
        decided=[classifier.decide(each) for each in judged.probabilities[rows]],
        about={
            "decided_at": datetime.now(UTC),
            "route": route,
            "judge": judged.by,
            "model": matcher.model.version,
            "index": index.version,
            "delta": index.delta_version,
            "milliseconds": (time.perf_counter() - began) * 1e3,
        },
        names=classifier.features,
    )


def _kind(taken: tuple[Decided, Matcher | None]) -> tuple[tuple[str, ...], str]:
    """Say what goes into a file of its own: decisions on the same features, judged by the same candidate."""
    return taken[0].names, taken[1].model.version if taken[1] else ""


def _by(shadow: Matcher | None, decided: Decided) -> npt.NDArray[np.float64] | None:
    if shadow is None:
        return None
    try:
        return shadow.judge(decided.pairs).probabilities
    except (OnemasterError, ValueError):  # what it was asked about is gone, or it was closed meanwhile
        return None
