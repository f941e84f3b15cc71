"""Tasks on a Ray cluster, whose nodes share the storage and have onemaster installed."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import Self

import ray

from batch.plan import Plan
from batch.tasks import run_task
from catalog.errors import WorkerError

logger = logging.getLogger(__name__)

# Times that a task is begun anew because its node died.
_RETRIES = 10


class RayEngine:
    """Runs every task on a core of the cluster; those of a node that dies are run again elsewhere.

    Parameters
    ----------
    address : str, optional
        Of a running cluster, such as ``10.0.0.1:6379`` or ``auto``; without one a cluster is started on this machine
        and stopped in the end.
    """

    def __init__(self, address: str | None = None) -> None:
        self._started = not ray.is_initialized()
        if self._started:
            ray.init(address=address, include_dashboard=False, log_to_driver=False, configure_logging=False)
        logger.info("ray: %d nodes", _nodes())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._started:
            ray.shutdown()

    def run(self, plan: Plan, stage: str, numbers: Sequence[int]) -> Iterator[int]:
        """Run tasks of one stage.

        Parameters
        ----------
        plan : Plan
            Of the run; its storage is to be seen from all nodes.
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
            If a task failed, or its node died again and again; what is finished is kept.
        """
        remote = ray.remote(num_cpus=1, max_retries=_RETRIES)(run_task)
        pending = [remote.remote(plan, stage, number) for number in numbers]
        while pending:
            done, pending = ray.wait(pending, num_returns=1)
            try:
                number: int = ray.get(done[0])
            except ray.exceptions.RayError as error:
                raise WorkerError(
                    f"a task of {stage!r} failed on the cluster: {error}; what is finished is kept, run the same "
                    "command again to go on"
                ) from error
            yield number


def _nodes() -> int:
    return sum(bool(node["Alive"]) for node in ray.nodes())  # type: ignore[no-untyped-call]
