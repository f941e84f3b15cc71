"""All tasks of a run, in their order, and the one way to run one of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from batch import pairs, stages
from batch.plan import Plan, numbered
from index.key_index import ARRAYS


@dataclass(frozen=True)
class Stage:
    """Tasks of one kind, which may run at the same time.

    Attributes
    ----------
    name : str
        Of the stage.
    part_of : str
        What it is booked under: encode, index, search, deal, score or cluster.
    task : callable
        Does one of them; the plan and a number say which.
    output : callable
        Number to the file that is there once the task is done.
    """

    name: str
    part_of: str
    task: Callable[[Plan, int], None]
    output: Callable[[int], str]


class Engine(Protocol):
    """What runs the tasks of a stage."""

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

        Returns
        -------
        iterator of int
            Gives each of them, once it is done.
        """
        ...


def _files(kind: str) -> Callable[[int], str]:
    return lambda number: numbered(kind, number)


_ALL = (
    Stage("encode", "encode", stages.encode, _files("vectors")),
    Stage("count", "index", stages.count_first, _files("counts/first")),
    Stage("sum counts", "index", stages.sum_first, lambda _: stages.FIRST_COUNTS),
    Stage("count pairs", "index", stages.count_pairs, _files("counts/pairs")),
    Stage("sum pairs", "index", stages.sum_pairs, lambda _: stages.KEY_COUNTS),
    Stage("choose keys", "index", stages.choose_keys, _files("keys")),
    Stage("invert", "index", stages.invert, lambda number: f"{numbered('blocks', number)}/{ARRAYS[-1]}"),
    Stage("read codes", "search", stages.read_codes, _files("codes")),
    Stage("search", "search", stages.search, _files("candidates")),
    Stage("gather", "deal", pairs.gather, lambda _: pairs.SAMPLES),
    Stage("judge sample", "score", pairs.judge_sample, _files("judged")),
    Stage("deal", "deal", pairs.deal, lambda _: pairs.PARTS),
    Stage("score", "score", pairs.score, _files("scores")),
)
STAGES = {stage.name: stage for stage in _ALL}


def run_task(plan: Plan, stage: str, number: int) -> int:
    """Do a task, unless it is done.

    Parameters
    ----------
    plan : Plan
        Of the run.
    stage : str
        Name of the stage.
    number : int
        Which task.

    Returns
    -------
    int
        The number.
    """
    if not plan.storage.holds(STAGES[stage].output(number)):
        STAGES[stage].task(plan, number)
    return number
