"""The one command: ``onemaster COMMAND``, also ``python -m onemaster COMMAND``.

Every command is a few lines over an importable function; what may be typed stands in `command_line`. Heavy imports stay
inside the commands, so that ``--help`` answers at once. Exit status: 0 success, 1 a failed run, 2 wrong usage.
"""

from __future__ import annotations

import argparse
import io
import logging
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from typing import TYPE_CHECKING

from catalog.errors import InputError, OnemasterError
from catalog.paths import CLUSTERS_CSV, CLUSTERS_DB, SUMMARY_HTML
from change_commands import CHANGES
from command_line import HOME, data_folder, parser
from data_at_urls import data_at_hand, fetch
from printed import print_clusters, print_counts, print_json, print_profile, print_table
from service_commands import key, serve
from training_commands import compare, promote, rollback, train

if TYPE_CHECKING:
    from batch.distributed import RayEngine
    from batch.local import LocalEngine


logger = logging.getLogger(__name__)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Parameters
    ----------
    arguments : sequence of str, optional
        As typed after ``onemaster``; those of the process by default.

    Returns
    -------
    int
        Exit status.
    """
    whole = parser(COMMANDS)
    given = whole.parse_args(arguments)
    if not given.command:
        whole.print_help(sys.stderr)
        return 2
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s", stream=sys.stderr)
    for chatty in ("aiobotocore", "botocore", "faiss", "sentence_transformers", "torch"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    if isinstance(sys.stdout, io.TextIOWrapper):  # what its encoding has no sign for is spelled out
        sys.stdout.reconfigure(errors="backslashreplace")
    run: Callable[[argparse.Namespace], None] = given.run
    try:
        with data_at_hand(given):
            run(given)
    except OnemasterError as error:
        print(f"onemaster {given.command}: {error}", file=sys.stderr)
        return 1
    except BrokenPipeError:  # the reader of our output, head say, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        print(f"onemaster {given.command}: the file system refused: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"onemaster {given.command}: interrupted; what was published before stays in charge", file=sys.stderr)
        return 1
    return 0


def sample(given: argparse.Namespace) -> None:
    """Write the embedded sample catalogue and its ground truth."""
    from catalog.sample import write_sample

    report = write_sample(given.out or given.data, given.records, given.pairs, given.seed)
    print(f"wrote {report.records} recordings and {report.pairs} labelled pairs to {given.out or given.data}")


def import_(given: argparse.Namespace) -> None:
    """Make a catalogue out of CSV, Parquet or SQLite files, MusicBrainz dumps or DDEX messages."""
    from catalog.artefacts import one_at_a_time
    from catalog.importers import carry_out
    from catalog.plans import describe, plan_import, to_be_replaced

    deliveries = plan_import(given.files, given.column, given.encoding, guess=True)
    for delivery in deliveries:
        if delivery.tells_more or given.dry_run:
            print("\n".join(describe(delivery)), flush=True)
    folder = data_folder(given)
    if replaced := to_be_replaced(folder.catalog):
        print(f"{'would replace' if given.dry_run else 'replaces'} {replaced}", flush=True)
    if given.dry_run:
        print("dry run: nothing was written")
        return
    is_in_use = folder.index.is_dir()
    with one_at_a_time(folder.index) if is_in_use else nullcontext():  # neither amid an addition nor amid a rebuild
        report = carry_out(deliveries, folder.catalog)
    print(f"wrote {report.records} recordings to {report.target}")
    if report.rejected:
        print(f"left out {report.rejected} rows {dict(report.reasons)}; see {report.rejected_file}")


def rebuild(given: argparse.Namespace) -> None:
    """Build the index anew, measure it, and publish it if it is good enough."""
    from catalog.artefacts import one_at_a_time
    from catalog.store import Catalog
    from catalog.tables import check_file
    from index.rebuild import RebuildOptions
    from index.rebuild import rebuild as rebuild_index
    from training.default import model_to_index_with
    from training.pairs import some_valid_pairs

    folder = data_folder(given)
    check_file(folder.existing_catalog())
    with (
        one_at_a_time(folder.index),  # a catalogue that is changed meanwhile would not be the one that was indexed
        Catalog.open(folder.catalog, folder.copies) as catalog,
        model_to_index_with(folder, catalog, HOME) as model,
    ):
        valid_pairs = some_valid_pairs(folder.groundtruth, catalog)
        options = RebuildOptions(given.kind, given.min_recall, given.dry_run, valid_pairs, given.memory)
        report = rebuild_index(catalog, model.encoder, model.version, folder.index, options, model.publish)
    if given.json:
        print_json({"version": report.version, "published": report.folder is not None, **report.manifest})
    else:
        print(f"{report.manifest['kind']} index of {report.manifest['count']} recordings, {report.found}")
        if report.warning:
            print(f"warning: {report.warning}")
        print(f"wrote {report.folder}" if report.folder else "dry run: nothing was published")


def classify(given: argparse.Namespace) -> None:
    """Judge one pair of recordings."""
    from matching.decision import BIAS
    from matching.explain import reasons
    from matching.matcher import Matcher
    from service.schemas import pair_answer

    with Matcher.open(data_folder(given)) as matcher:
        decision = matcher.classify(given.q_sr_id, given.m_sr_id)
    if given.json:
        print_json(pair_answer(decision, matcher.model.version).model_dump(mode="json", by_alias=True))
        return
    threshold = matcher.model.classifier.threshold
    print(f"{decision.decided}, match probability {decision.match_probability:.4f} (valid from {threshold:.4f})")
    if decision.needs_review:
        print("a person should look")
    said = reasons(decision)
    for reason in said:
        print(f"  {reason.log_odds:+6.2f}  {reason.words}")
    rest = sum(decision.contributions.values()) - decision.contributions[BIAS] - sum(each.log_odds for each in said)
    print(f"  {rest:+6.2f}  all the rest")
    print(f"  {decision.contributions[BIAS]:+6.2f}  before anything is compared")


def candidates(given: argparse.Namespace) -> None:
    """Propose the likeliest duplicates of a recording."""
    from matching.matcher import Matcher
    from service.schemas import candidates_answer

    with Matcher.open(data_folder(given)) as matcher:
        found = matcher.candidates(given.sr_id, given.k)
    if given.json:
        print_json(candidates_answer(given.sr_id, found).model_dump(mode="json", by_alias=True))
        return
    for candidate in found:
        m = candidate.m
        fields = (m.title or "-", " | ".join(m.artists) or "-", " | ".join(m.isrcs) or "-")
        print(f"{candidate.match_probability:.4f} {candidate.decided:7}  {m.sr_id}  {' / '.join(fields)}")


def evaluate(given: argparse.Namespace) -> None:
    """Measure the current model and index on labelled pairs."""
    from catalog.clusters import changes_since
    from matching.matcher import Matcher
    from training.cluster_measures import evaluate_clusters
    from training.evaluate import evaluate_matcher
    from training.pairs import read_groundtruth

    folder = data_folder(given)
    if given.clusters and given.groundtruth:
        given.wrong_usage("expected --groundtruth or --clusters, got both: run onemaster evaluate once for each")
    if given.clusters:
        out = given.out or folder.dedupe
        measured = evaluate_clusters(out / CLUSTERS_CSV, given.clusters)
        if (out / CLUSTERS_DB).is_file() and (changed := changes_since(out / CLUSTERS_DB, folder)):
            logger.warning("these clusters are those of an earlier time: %s; onemaster dedupe makes them anew", changed)
        print_clusters(measured, given.json)
        return
    with Matcher.open(folder) as matcher:
        measured = evaluate_matcher(matcher, read_groundtruth(folder.groundtruth, matcher.catalog))
    if given.json:
        print_json(measured)
    else:
        print_table({"value": measured})


def dedupe(given: argparse.Namespace) -> None:
    """Find every duplicate of the catalogue and put recordings into clusters."""
    from batch.dedupe import DedupeOptions
    from batch.dedupe import dedupe as dedupe_catalog
    from catalog.store import Catalog
    from training.default import model_to_index_with

    folder = data_folder(given)
    out = given.out or folder.dedupe
    options = DedupeOptions(given.neighbours, given.shard_size, given.largest, given.storage)
    with Catalog.open(folder.existing_catalog(), folder.copies) as catalog, _engine(given) as engine:
        with model_to_index_with(folder, catalog, HOME) as made:
            model = made.publish()
        report = dedupe_catalog(catalog, model, out, engine, options)
    if given.json:
        print_json(report.to_json())
        return
    print_counts({name: value for name, value in report.to_json().items() if name != "stages"})
    if report.cut_components:
        print(f"cut components were larger than --largest allows: {out / SUMMARY_HTML} lists them")
    print("matched pairs were judged valid; not all are in one cluster, and not all pairs in one cluster were matched")
    print(f"wrote {out / CLUSTERS_CSV} and, beside it, pairs, representatives and a summary")


def profile(given: argparse.Namespace) -> None:
    """Sum up a catalogue: what is missing, where it comes from, what its ISRCs are worth, what looks wrong."""
    from catalog.profile import profile as profile_of
    from catalog.profile import write_profile
    from catalog.store import Catalog

    folder = data_folder(given)
    with Catalog.open(folder.existing_catalog(), folder.copies) as catalog:
        found = profile_of(catalog, folder.clusters)
    write_profile(found, folder.profile)
    if given.json:
        print_json(found.to_json())
        return
    print_profile(found.to_json())
    print(f"wrote {folder.profile}; a running service shows it on /catalog")


def doctor(given: argparse.Namespace) -> None:
    """Look at versions, files, model and index, and say what to run next."""
    from matching.doctor import BROKEN, examine

    found = examine(data_folder(given))
    remedy = next((each.remedy for each in found if each.remedy), "")
    if given.json:
        print_json({"findings": [vars(each) for each in found], "next": remedy or None})
    else:
        for each in found:
            print(f"{each.state:7} {each.about}: {each.words}")
        print(f"next: {remedy}" if remedy else f"nothing has to be done: onemaster serve --data {given.data}")
    if broken := [each.about for each in found if each.state == BROKEN]:
        raise InputError(f"broken: {', '.join(broken)}")


# A command's docstring is its help.
COMMANDS = {
    "sample": sample,
    "import": import_,
    "train": train,
    "rebuild": rebuild,
    **CHANGES,
    "serve": serve,
    "key": key,
    "classify": classify,
    "candidates": candidates,
    "evaluate": evaluate,
    "compare": compare,
    "promote": promote,
    "rollback": rollback,
    "dedupe": dedupe,
    "profile": profile,
    "doctor": doctor,
    "fetch": fetch,
}


def _engine(given: argparse.Namespace) -> LocalEngine | RayEngine:
    if given.engine == "local":
        from batch.local import LocalEngine

        return LocalEngine(given.workers)
    try:
        from batch.distributed import RayEngine
    except ImportError as error:
        raise InputError(f"expected Ray to be installed: run pip install '.[ray]' in the checkout ({error})") from error
    return RayEngine(given.address)


if __name__ == "__main__":
    sys.exit(main())
