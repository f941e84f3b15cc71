"""All tasks of a run, in their order, and the one way to run one of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Protocol

from batch import dealing, in_common, scoring, stages
from batch.candidates import FOUND_BY_KEYS, IN_COMMON, VECTORS, piece
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
        What it is booked under: encode, index, search, deal, order, score or cluster.
    task : callable
        Does one of them; the plan and a number say which.
    output : callable
        Number to the file that is there once the task is done.
    count : callable
        How many tasks there are, once the stages before it are done.
    """

    name: str
    part_of: str
    task: Callable[[Plan, int], None]
    output: Callable[[int], str]
    count: Callable[[Plan], int]


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


def _pieces(kind: str) -> Callable[[int], str]:
    return lambda number: piece(kind, 0, number)


def _last_array_of_block(block: int) -> str:
    return f"{numbered('blocks', block)}/{ARRAYS[-1]}"


def _one(_: Plan) -> int:
    return 1


_shards, _groups = attrgetter("shards"), attrgetter("groups")
_ALL = (
    Stage("encode", "encode", stages.encode, _files(VECTORS), _shards),
    Stage("count", "index", stages.count_first, _files("counts/first"), _groups),
    Stage("sum counts", "index", stages.sum_first, lambda _: stages.FIRST_COUNTS, _one),
    Stage("count pairs", "index", stages.count_pairs, _files("counts/pairs"), _groups),
    Stage("sum pairs", "index", stages.sum_pairs, lambda _: stages.KEY_COUNTS, _one),
    Stage("choose keys", "index", stages.choose_keys, _files("keys"), _shards),
    Stage(
        "invert",
        "index",
        stages.invert,
        _last_array_of_block,
        attrgetter("blocks"),
    ),
    Stage("search", "search", stages.search, _pieces(FOUND_BY_KEYS), _shards),
    Stage("read codes", "search", in_common.read_codes, _pieces(in_common.CODES), _shards),
    Stage("pair up", "search", in_common.pair_up, _pieces(IN_COMMON), _groups),
    Stage("gather", "deal", dealing.gather, _files(dealing.FOUND), _groups),
    Stage("judge sample", "score", scoring.judge_sample, _files(scoring.JUDGED), dealing.samples),
    Stage("leave out", "deal", dealing.leave_out, _files(dealing.WORTH), _groups),
    Stage("order", "order", dealing.order, lambda _: dealing.DEALT, _one),
    Stage("deal", "deal", dealing.deal, _pieces(scoring.PARTS), _groups),
    Stage("score", "score", scoring.score, _files(scoring.SCORES), lambda plan: dealing.dealt(plan)[0]),
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
