"""Tasks on the cores of this machine."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack, contextmanager
from multiprocessing import get_context, parent_process
from multiprocessing.forkserver import ensure_running
from threading import Thread
from types import TracebackType
from typing import Self

from batch.plan import Plan
from batch.tasks import run_task
from catalog.errors import WorkerError

# So few recordings are done before new processes have started.
_ALONE = 5_000
# Of so few recordings processes hold little memory, and stages are so short that new ones for each would take longer.
_SMALL = 40_000


class LocalEngine:
    """Runs tasks in processes of this machine; a small catalogue's in this very process.

    Parameters
    ----------
    workers : int, optional
        Processes; as many as there are cores by default.
    """

    def __init__(self, workers: int | None = None) -> None:
        self._workers = workers or len(os.sched_getaffinity(0))
        # Threads and open files of this process are not for others. They are copies of one that only knows the code.
        self._context = get_context("forkserver")
        self._context.set_forkserver_preload([run_task.__module__])
        self._kept = ExitStack()
        self._pool: ProcessPoolExecutor | None = None

    def __enter__(self) -> Self:
        """Start the process that the others will be copies of; it reads the code while this one goes on."""
        if self._workers > 1:
            ensure_running()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the processes that are left."""
        self._kept.close()

    def run(self, plan: Plan, stage: str, numbers: Sequence[int]) -> Iterator[int]:
        """Run tasks of one stage.

        Parameters
        ----------
        plan : Plan
            Of the run.
        stage : str
            Name of the stage.
        numbers : sequence of int
            Which tasks.

        Yields
        ------
        int
            Each of them, once it is done.

        Raises
        ------
        WorkerError
            If a process died; what it had finished is kept.
        """
        if self._workers == 1 or plan.recordings <= _ALONE or (plan.recordings <= _SMALL and len(numbers) == 1):
            for number in numbers:
                yield run_task(plan, stage, number)
            return
        with self._processes(plan, len(numbers)) as pool:
            try:
                for future in as_completed([pool.submit(run_task, plan, stage, number) for number in numbers]):
                    yield future.result()
            except BrokenProcessPool as error:
                raise WorkerError(
                    f"a process died during {stage!r}, for want of memory perhaps: what is finished is kept, run the "
                    "same command again to go on, or give it --workers 1"
                ) from error

    @contextmanager
    def _processes(self, plan: Plan, tasks: int) -> Iterator[ProcessPoolExecutor]:
        """Give processes that live as long as their stage and leave no memory behind; of a small catalogue, longer."""
        if plan.recordings <= _SMALL:
            if self._pool is None:
                self._pool = self._kept.enter_context(self._started(self._workers))
            yield self._pool
            return
        with self._started(min(self._workers, tasks)) as pool:
            yield pool

    @contextmanager
    def _started(self, processes: int) -> Iterator[ProcessPoolExecutor]:
        pool = ProcessPoolExecutor(processes, self._context, _end_with_parent)
        try:
            yield pool
        finally:
            pool.shutdown(cancel_futures=True)


def _end_with_parent() -> None:
    """Have this process end when the one that started it is killed or interrupted, and say nothing of it."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    Thread(target=_wait_and_end, daemon=True).start()


def _wait_and_end() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
