"""The whole catalogue de-duplicated: encode, index, search, score, cluster; see `batch.tasks` for the steps."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from tqdm import tqdm

from batch.dealing import dealt, found_pairs
from batch.memory import MemoryWatch
from batch.naming import name_clusters
from batch.outputs import Clustered, read_earlier_names, write_outputs
from batch.plan import MODEL_FOLDER, PLAN_FILE, Plan
from batch.records import fullness, read_ids, write_shards
from batch.scoring import Scores, add_part, read_scores
from batch.summary import summary_page
from batch.tasks import STAGES, Engine
from catalog.artefacts import one_at_a_time
from catalog.clusters import Origin
from catalog.errors import InputError
from catalog.store import Catalog
from matching.clusters import LARGEST, Links, average_link, representatives, unlinked_pairs
from matching.model import Model
from matching.prior import estimated_share, link_probabilities

logger = logging.getLogger(__name__)

SHARD_SIZE = 65_536
NEIGHBOURS = 20
_COUNTS = (
    *("records", "candidate_pairs", "judged_pairs", "added_pairs", "matched_pairs"),
    *("clusters", "cut_components"),
)
_SMALLEST_SHARD = 2_048
_PAIRS_IN_AN_ADDED_PART = 400_000
_SECONDS_BETWEEN_LINES = 30.0
# Within the storage: whatever else is there stays untouched.
_RUN_FOLDER = ".onemaster-run"


@dataclass(frozen=True)
class DedupeOptions:
    """What a run may be told.

    Attributes
    ----------
    neighbours : int
        Candidates per recording, beside those with an equal ISRC.
    shard_size : int
        Recordings in a shard.
    largest : int
        Recordings of a cluster, at most.
    storage : str
        Folder or fsspec URL that all workers share, in which a subfolder comes and goes; the output folder if empty.
    """

    neighbours: int = NEIGHBOURS
    shard_size: int = SHARD_SIZE
    largest: int = LARGEST
    storage: str = ""


@dataclass
class DedupeReport:
    """What a run found, and what it took.

    Attributes
    ----------
    folder : Path
        Where the clusters were written.
    records, candidate_pairs, judged_pairs, added_pairs, matched_pairs, clusters, cut_components : int
        Recordings; candidates; those of them that a cheap look did not show to be hopeless; pairs at the ends of chains
        that were judged besides; pairs of both decided valid; clusters, singletons among them; what hung together and
        was cut, being larger than a cluster may be.
    seconds : dict
        Part of the run to seconds.
    stages : dict
        Stage to how many tasks of it were run, and the seconds that all of them together took.
    memory : MemoryWatch
        Of all processes of this machine together, by the same stages; it looks while its block runs.
    """

    folder: Path
    records: int = 0
    candidate_pairs: int = 0
    judged_pairs: int = 0
    added_pairs: int = 0
    matched_pairs: int = 0
    clusters: int = 0
    cut_components: int = 0
    seconds: dict[str, float] = field(default_factory=dict)
    stages: dict[str, dict[str, float]] = field(default_factory=dict)
    memory: MemoryWatch = field(default_factory=MemoryWatch)

    def to_json(self) -> dict[str, object]:
        """Write the report as JSON values.

        Returns
        -------
        dict
            Name to value; seconds and MiB by part of the run and in all, tasks and seconds by stage.
        """
        seconds = {**self.seconds, "total": round(sum(self.seconds.values()), 2)}
        counts = {name: getattr(self, name) for name in _COUNTS}
        peaks = self.memory.peaks_mb
        peak = max(peaks.values(), default=0)
        return {**counts, "seconds": seconds, "stages": self.stages, "memory_mb": peaks, "peak_memory_mb": peak}

    def add_stage(self, stage: str, tasks: int, seconds: float) -> None:
        """Add what a stage took.

        Parameters
        ----------
        stage : str
            Its name.
        tasks : int
            That were run.
        seconds : float
            From the first to the last.
        """
        logger.info("%s: %d tasks in %.1f s", stage, tasks, seconds)
        before = self.stages.get(stage, {"tasks": 0, "seconds": 0.0})
        self.stages[stage] = {"tasks": before["tasks"] + tasks, "seconds": round(before["seconds"] + seconds, 2)}

    @contextmanager
    def booked(self, part: str) -> Iterator[None]:
        """Book the time and memory of a block under a part of the run.

        Parameters
        ----------
        part : str
            Its name.

        Yields
        ------
        None
            Once.
        """
        began = time.monotonic()
        try:
            with self.memory.during(part):
                yield
        finally:
            self.seconds[part] = round(self.seconds.get(part, 0.0) + time.monotonic() - began, 2)


def dedupe(
    catalog: Catalog, model: Model, folder: Path, engine: Engine, options: DedupeOptions | None = None
) -> DedupeReport:
    """Find every duplicate of a catalogue and put recordings into clusters.

    What is finished stays in the storage until the run ends: a run that was cut off goes on where it was, if it is
    started anew with the same catalogue, model and options.

    Parameters
    ----------
    catalog : Catalog
        The recordings.
    model : Model
        Judges pairs; its encoder makes the vectors.
    folder : Path
        For clusters.csv, pairs.parquet, representatives.csv, clusters.db and summary.html.
    engine : Engine
        Runs the tasks.
    options : DedupeOptions, optional
        Defaults as documented there.

    Returns
    -------
    DedupeReport
        Counts and times.

    Raises
    ------
    InputError
        If the catalogue is empty, or the options are out of range.
    WorkerError
        If a worker died; starting again goes on.
    """
    options = options or DedupeOptions()
    report = DedupeReport(folder)
    with one_at_a_time(folder), report.memory:
        _dedupe(catalog, model, engine, options, report)
    return report


def _dedupe(catalog: Catalog, model: Model, engine: Engine, options: DedupeOptions, report: DedupeReport) -> None:
    with report.booked("read"):
        plan = _planned(catalog, model, report.folder, options)
        report.records = plan.recordings
    for name, stage in STAGES.items():
        _run(engine, plan, name, range(stage.count(plan)), report)
    report.candidate_pairs = found_pairs(plan)
    parts, report.judged_pairs = dealt(plan)
    with report.booked("cluster"):
        scores = read_scores(plan, parts)
        share = estimated_share(scores.probability, report.candidate_pairs, model.labelled_share)
        threshold = model.classifier.threshold
        added, report.added_pairs = _add_unlinked(plan, _links(scores, share, model), parts, threshold)
    _run(engine, plan, "score", range(parts, parts + added), report)
    with report.booked("cluster"):
        _finish(plan, read_scores(plan, parts + added), share, model, report)
    plan.storage.clear(PLAN_FILE)


def _planned(catalog: Catalog, model: Model, folder: Path, options: DedupeOptions) -> Plan:
    """Write the catalogue's shards and the model to where workers find them, unless an unfinished run did."""
    recordings = len(catalog)
    if not recordings:
        raise InputError(
            "expected at least one recording to de-duplicate, the catalogue is empty: run onemaster import"
        )
    if options.neighbours < 1 or options.shard_size < 1 or options.largest < 2:
        raise InputError(f"expected positive numbers and clusters of two recordings at least, got {options}")
    read_earlier_names(folder)  # a file that is none of ours is better found out at once
    state = catalog.path.stat()
    plan = Plan(
        url=f"{options.storage.rstrip('/') or folder.resolve()}/{_RUN_FOLDER}",
        recordings=recordings,
        shard_size=min(options.shard_size, max(_SMALLEST_SHARD, -(-recordings // 2))),
        neighbours=options.neighbours,
        largest=options.largest,
        model=model.version,
        catalog=catalog.digest(),
    )
    if "://" in options.storage:  # where other machines may be at other runs
        plan = replace(plan, url=f"{plan.url}/{plan.digest}")
    if not plan.is_of(plan.storage):
        plan.storage.clear(PLAN_FILE)
        plan.save()
    elif plan.storage.holds("records/done"):
        logger.info("going on with the run in %s", plan.url)
        return plan
    plan.storage.put_folder(model.folder, MODEL_FOLDER)
    written = write_shards(plan.storage, catalog, plan.shard_size)
    if written != recordings or catalog.path.stat().st_mtime_ns != state.st_mtime_ns:
        raise InputError("the catalogue changed while it was read, nothing was decided: run onemaster dedupe again")
    plan.storage.write_array("records/done", np.array([written]))
    return plan


def _run(engine: Engine, plan: Plan, stage: str, numbers: Sequence[int], report: DedupeReport) -> None:
    """Run a stage with its progress; tasks that an earlier run finished are not run again."""
    open_tasks = [number for number in numbers if not plan.storage.holds(STAGES[stage].output(number))]
    if not open_tasks:
        return
    began = said = time.monotonic()
    with (
        report.booked(STAGES[stage].part_of),
        tqdm(total=len(open_tasks), desc=stage, unit=" tasks", disable=None) as progress,
    ):
        for done, _ in enumerate(engine.run(plan, stage, open_tasks), 1):
            progress.update()
            now = time.monotonic()
            if progress.disable and now - said > _SECONDS_BETWEEN_LINES:
                said, remaining = now, (now - began) / done * (len(open_tasks) - done)
                rate = done / (now - began) * 60
                logger.info(
                    "%s: %d of %d tasks, %.1f a minute, %.0f s remain", stage, done, len(open_tasks), rate, remaining
                )
    report.add_stage(stage, len(open_tasks), time.monotonic() - began)


def _links(scores: Scores, share: float, model: Model) -> Links:
    return Links(scores.q, scores.m, link_probabilities(scores.probability, share, model.labelled_share))


def _add_unlinked(plan: Plan, links: Links, parts: int, threshold: float) -> tuple[int, int]:
    """Have the ends of chains compared, which nobody proposed as candidates; give parts and pairs that were added."""
    q, m = unlinked_pairs(plan.recordings, links, threshold, plan.largest)
    added = -(-len(q) // _PAIRS_IN_AN_ADDED_PART)
    for number, rows in enumerate(np.array_split(np.arange(len(q)), max(added, 1))[:added], parts):
        add_part(plan, number, q[rows], m[rows])
    return added, len(q)


def _finish(plan: Plan, scores: Scores, share: float, model: Model, report: DedupeReport) -> None:
    links = _links(scores, share, model)
    labels, stopped = average_link(plan.recordings, links, model.classifier.threshold, plan.largest)
    sr_ids = read_ids(plan)
    names = name_clusters(labels, sr_ids, read_earlier_names(report.folder))
    chosen = representatives(labels, links, fullness(plan))
    report.matched_pairs = int((scores.probability >= model.classifier.threshold).sum())
    report.clusters, report.cut_components = len(names), len(stopped)
    found = Clustered(sr_ids, labels, names, chosen, scores, stopped)
    pairs = {name: getattr(report, name) for name in ("candidate_pairs", "judged_pairs", "added_pairs")}
    page = summary_page(plan, found, model.classifier, pairs, report.seconds)
    write_outputs(report.folder, found, model.classifier, page, Origin(plan.model, plan.catalog))
