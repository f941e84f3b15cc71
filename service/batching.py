"""Pairs that are asked about at the same moment are judged together: that takes hardly longer than one of them."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from typing import NamedTuple

from catalog.errors import UnknownRecordingError
from matching.model import SIAMESE
from service.decisions import DecisionLog
from service.metrics import observe_decisions
from service.state import MatcherSource, Opened

_MOST = 256


class JudgedAlone(NamedTuple):
    """What was said of one pair.

    Attributes
    ----------
    opened : Opened
        What said it.
    decided : str
        ``valid`` or ``invalid``.
    """

    opened: Opened
    decided: str


class _Asked(NamedTuple):
    pair: tuple[str, str]
    route: str
    began: float
    answer: asyncio.Future[JudgedAlone]


class Batching:
    """Collects pairs for as long as every turn of the event loop brings more of them, up to 256.

    So batches are as large as the load is high, and one pair alone waits for one turn more.

    Parameters
    ----------
    source : MatcherSource
        Gives what is in charge.
    log : DecisionLog
        Keeps decisions.
    """

    def __init__(self, source: MatcherSource, log: DecisionLog) -> None:
        self._source = source
        self._log = log
        self._asked: list[_Asked] = []
        self._reading: set[asyncio.Task[None]] = set()

    async def judge(self, route: str, pair: tuple[str, str]) -> JudgedAlone:
        """Judge a pair.

        Parameters
        ----------
        route : str
            Path of the route that asks.
        pair : (str, str)
            Ids of both sides.

        Returns
        -------
        JudgedAlone
            All pairs of a batch are judged by the same model and index.

        Raises
        ------
        UnknownRecordingError
            If the catalogue does not hold one of them.
        ArtefactError
            If nothing is in charge yet.
        """
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[JudgedAlone] = loop.create_future()
        if not self._asked:
            loop.call_soon(self._judge_if_all_came, 0)
        self._asked.append(_Asked(pair, route, time.perf_counter(), answer))
        return await answer

    def _judge_if_all_came(self, came: int) -> None:
        """Judge what was asked, unless more came in the last turn of the event loop: then there may be more to come."""
        if came < len(self._asked) < _MOST:
            asyncio.get_running_loop().call_soon(self._judge_if_all_came, len(self._asked))
        else:
            self._judge_all()

    def _judge_all(self) -> None:
        asked, self._asked = self._asked[:_MOST], self._asked[_MOST:]
        if self._asked:
            asyncio.get_running_loop().call_soon(self._judge_all)
        waiting = [each for each in asked if not each.answer.done()]  # who hung up waits no longer
        try:
            opened = self._source.in_charge()
            unknown = opened.matcher.recordings.unknown(sr_id for each in waiting for sr_id in each.pair)
            known = [each for each in waiting if unknown.isdisjoint(each.pair)]
            for each in waiting if unknown else ():
                if not unknown.isdisjoint(each.pair):
                    missing = each.pair[0 if each.pair[0] in unknown else 1]
                    each.answer.set_exception(UnknownRecordingError(missing))
            ready = [each for each in known if opened.matcher.recordings.hold(each.pair)]
            if ready:
                self._judge_or_split(opened, ready)
            if len(ready) < len(known):
                kept = {id(each) for each in ready}
                reading = self._read_and_judge(opened, [each for each in known if id(each) not in kept])
                self._reading.add(task := asyncio.get_running_loop().create_task(reading))
                task.add_done_callback(self._reading.discard)
        except Exception as error:  # noqa: BLE001 - raised again in every request that it concerns
            for each in waiting:
                if not each.answer.done():
                    each.answer.set_exception(error)

    async def _read_and_judge(self, opened: Opened, asked: list[_Asked]) -> None:
        """Have recordings read in a thread: a catalogue that somebody has locked stops nobody else."""
        opened.users += 1
        problem: Exception | None = None
        try:
            with suppress(UnknownRecordingError):  # one has just gone, which the others need not know
                await asyncio.to_thread(
                    opened.matcher.recordings.take, [sr_id for each in asked for sr_id in each.pair]
                )
        except Exception as error:  # noqa: BLE001 - raised again in every request that it concerns
            problem = error
        waiting = [each for each in asked if not each.answer.done()]  # some may have hung up meanwhile
        if problem:
            for each in waiting:
                each.answer.set_exception(problem)
        elif waiting:
            self._judge_or_split(opened, waiting)
        opened.release()

    def _judge_or_split(self, opened: Opened, asked: list[_Asked]) -> None:
        """Judge them together, or one by one where one of them spoils it: its recording has just gone, say."""
        try:
            self._judge(opened, asked)
        except Exception as error:  # noqa: BLE001 - raised again in the request that it concerns
            if len(asked) == 1:
                asked[0].answer.set_exception(error)
                return
            for each in asked:
                self._judge_or_split(opened, [each])

    def _judge(self, opened: Opened, asked: list[_Asked]) -> None:
        judged = opened.matcher.judge([each.pair for each in asked])
        classifier, probabilities = opened.matcher.model.classifier, judged.probabilities.tolist()
        observe_decisions(probabilities, opened.matcher.model, SIAMESE)
        first = asked[0]
        self._log.note(judged, opened.matcher, opened.shadow, first.route, first.began)
        for each, probability in zip(asked, probabilities, strict=True):
            each.answer.set_result(JudgedAlone(opened, classifier.decide(probability)))
