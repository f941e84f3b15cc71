"""The one command: ``onemaster COMMAND``, also ``python -m onemaster COMMAND``.

Every command is a few lines over an importable function. Heavy imports stay inside the commands, so that ``--help``
answers at once. Exit status: 0 success, 1 a failed run, 2 wrong usage.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from catalog.errors import OnemasterError
from catalog.paths import DataFolder

if TYPE_CHECKING:
    from embeddings.encoder import Encoder

HOME = Path(__file__).resolve().parent / "data"
DEFAULT_DATA = Path("data")
_TRAIN, _BUNDLED = "train", "bundled"


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
    given = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s", stream=sys.stderr)
    for chatty in ("faiss", "sentence_transformers", "torch"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    run: Callable[[argparse.Namespace], None] = given.run
    try:
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
    """Make a catalogue out of CSV, Parquet or SQLite files."""
    from catalog.importers import import_catalog

    report = import_catalog(given.files, _folder(given).catalog, given.column, given.encoding)
    print(f"wrote {report.records} recordings to {report.target}")
    if report.rejected:
        print(f"left out {report.rejected} rows {dict(report.reasons)}; see {report.rejected_file}")


def train(given: argparse.Namespace) -> None:
    """Train encoder and classifier from a ground truth, and publish them with a report."""
    from catalog.store import Catalog
    from matching.model import REPORT_FILE
    from training.train import TrainingData
    from training.train import train as train_model

    folder = _folder(given)
    with Catalog.open(folder.catalog, folder.copies) as catalog:
        data = TrainingData(catalog, folder.groundtruth, folder.root, given.test_groundtruth)
        report = train_model(data, _encoder(given.encoder), folder.models, given.seed)
    if given.json:
        card = {"tested_on": report.model.card["tested_on"], "model": report.model.version, "index": None}
        card["baseline"] = report.baseline.to_json()
        _print_json(report.evaluation.to_json() | card)
        return
    _print_table({"five features": report.evaluation.to_json(), "baseline": report.baseline.to_json()})
    print(f"wrote model {report.model.version}; report: {report.model.folder / REPORT_FILE}")


def rebuild(given: argparse.Namespace) -> None:
    """Build the index anew, measure it, and publish it if it is good enough."""
    from catalog.store import Catalog
    from index.rebuild import RebuildOptions
    from index.rebuild import rebuild as rebuild_index
    from training.default import model_to_index_with

    folder = _folder(given)
    options = RebuildOptions(given.kind, given.min_recall, given.dry_run)
    with Catalog.open(folder.catalog, folder.copies) as catalog, model_to_index_with(folder, catalog, HOME) as model:
        report = rebuild_index(catalog, model.encoder, model.version, folder.index, options, model.publish)
    if given.json:
        _print_json({"version": report.version, "published": report.folder is not None, **report.manifest})
    else:
        recall: Mapping[str, object] = report.manifest["recall"]  # type: ignore[assignment]
        print(f"{report.manifest['kind']} index of {report.manifest['count']} recordings, recall {recall}")
        print(f"wrote {report.folder}" if report.folder else "dry run: nothing was published")


def serve(given: argparse.Namespace) -> None:
    """Serve over HTTP."""
    import uvicorn

    from service.settings import environment, require_free_port

    require_free_port(given.host, given.port)
    os.environ.update(environment(_folder(given)))
    uvicorn.run("service.app:create_app", factory=True, host=given.host, port=given.port, workers=given.workers)


def classify(given: argparse.Namespace) -> None:
    """Judge one pair of recordings."""
    from matching.matcher import Matcher
    from service.schemas import pair_answer

    with Matcher.open(_folder(given)) as matcher:
        decision = matcher.classify(given.q_sr_id, given.m_sr_id)
    if given.json:
        _print_json(pair_answer(decision, matcher.model.version).model_dump(mode="json", by_alias=True))
        return
    threshold = matcher.model.classifier.threshold
    print(f"{decision.decided}, match probability {decision.match_probability:.4f} (valid from {threshold:.4f})")
    for name, part in decision.contributions.items():
        value = decision.features.get(name)
        shown = "" if name not in decision.features else "missing" if value is None else f"{value:.3f}"
        print(f"  {name:13} {shown:>8}   {part:+.2f} log-odds")


def candidates(given: argparse.Namespace) -> None:
    """Propose the likeliest duplicates of a recording."""
    from matching.matcher import Matcher
    from service.schemas import candidates_answer

    with Matcher.open(_folder(given)) as matcher:
        decisions = matcher.candidates(given.sr_id, given.k)
    if given.json:
        _print_json(candidates_answer(given.sr_id, decisions).model_dump(mode="json", by_alias=True))
        return
    for decision in decisions:
        m = decision.m
        fields = (m.title or "-", " | ".join(m.artists) or "-", " | ".join(m.isrcs) or "-")
        print(f"{decision.match_probability:.4f} {decision.decided:7}  {m.sr_id}  {' / '.join(fields)}")


def evaluate(given: argparse.Namespace) -> None:
    """Measure the current model and index on labelled pairs."""
    from matching.matcher import Matcher
    from training.evaluate import evaluate_matcher
    from training.pairs import read_groundtruth

    folder = _folder(given)
    with Matcher.open(folder) as matcher:
        measured = evaluate_matcher(matcher, read_groundtruth(folder.groundtruth, matcher.catalog))
    if given.json:
        _print_json(measured)
    else:
        _print_table({"value": measured})


def _folder(given: argparse.Namespace) -> DataFolder:
    places = {name: getattr(given, name, None) for name in ("catalog", "groundtruth", "models", "index")}
    return DataFolder.at(given.data, **places)


def _encoder(choice: str) -> Encoder | None:
    """Resolve ``--encoder``; ``None`` is the default encoder, fitted on the catalogue."""
    from embeddings.encoder import Encoder
    from training.default import default_model

    if choice == _TRAIN:
        return None
    return Encoder.load(default_model(HOME).encoder_folder if choice == _BUNDLED else choice)


def _print_json(content: Mapping[str, object]) -> None:
    print(json.dumps(content, indent=2, ensure_ascii=False))


def _print_table(columns: Mapping[str, Mapping[str, object]]) -> None:
    print(f"{'':20}" + "".join(f"{name:>15}" for name in columns))
    for row in next(iter(columns.values())):
        print(f"{row:20}" + "".join(f"{column.get(row)!s:>15}" for column in columns.values()))


def _parser() -> argparse.ArgumentParser:
    purpose = "Finds the sound recordings of a catalogue that are one master, written differently."
    parser = argparse.ArgumentParser(prog="onemaster", description=purpose)
    parser.add_argument("--version", action="version", version=f"onemaster {version('onemaster')}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for add in (_add_sample, _add_import, _add_train, _add_rebuild, _add_serve, _add_questions):
        add(commands)
    return parser


Commands = argparse._SubParsersAction


def _command(
    commands: Commands[argparse.ArgumentParser],
    name: str,
    run: Callable[[argparse.Namespace], None],
    *places: str,
    json_help: str = "",
) -> argparse.ArgumentParser:
    command = commands.add_parser(name, help=run.__doc__, description=run.__doc__)
    command.set_defaults(run=run)
    command.add_argument("--data", type=Path, default=DEFAULT_DATA, metavar="DIR", help="data folder (default: data)")
    for place in places:
        command.add_argument(f"--{place}", type=Path, metavar="PATH", help=f"of the {place}, if not in DIR")
    if json_help:
        command.add_argument("--json", action="store_true", help=f"print {json_help} as JSON")
    return command


def _add_sample(commands: Commands[argparse.ArgumentParser]) -> None:
    command = _command(commands, "sample", sample)
    command.add_argument("--records", type=int, default=50_000, metavar="N", help="recordings, about (default: 50000)")
    command.add_argument("--pairs", type=int, default=28_000, metavar="N", help="labelled pairs (default: 28000)")
    command.add_argument("--seed", type=_number(int, 0), default=20, metavar="S", help="of the generator (default: 20)")
    command.add_argument("--out", type=Path, metavar="DIR", help="folder to write to (default: the data folder)")


def _add_import(commands: Commands[argparse.ArgumentParser]) -> None:
    command = _command(commands, "import", import_, "catalog")
    command.add_argument("files", type=Path, nargs="+", metavar="FILE", help="CSV, Parquet or SQLite")
    command.add_argument("--column", action="append", default=[], metavar="OURS=THEIRS", help="title=Song_Name, say")
    command.add_argument("--encoding", default="utf-8", help="of CSV files (default: utf-8)")


def _add_train(commands: Commands[argparse.ArgumentParser]) -> None:
    command = _command(commands, "train", train, "catalog", "groundtruth", "models", json_help="the figures")
    command.add_argument("--test-groundtruth", type=Path, metavar="FILE", help="pairs to measure on")
    how = "train (default): fitted on this catalogue; bundled: the default model's; or any by path or hub name"
    command.add_argument("--encoder", default=_TRAIN, metavar="NAME", help=how)
    command.add_argument("--seed", type=_number(int, 0, 2**32 - 1), default=20, help="of split and fit (default: 20)")


def _add_rebuild(commands: Commands[argparse.ArgumentParser]) -> None:
    command = _command(commands, "rebuild", rebuild, "catalog", "models", "index", json_help="the manifest")
    command.add_argument("--kind", choices=("auto", "flat", "pq"), default="auto", help="default: auto, by size")
    command.add_argument("--min-recall", type=_number(float, 0, 1), default=0.98, help="recall@20 to reach (0.98)")
    command.add_argument("--dry-run", action="store_true", help="build and measure, publish nothing")


def _add_serve(commands: Commands[argparse.ArgumentParser]) -> None:
    command = _command(commands, "serve", serve, "catalog", "models", "index")
    command.add_argument("--host", default="127.0.0.1", help="default: 127.0.0.1")
    command.add_argument("--port", type=_number(int, 1, 65_535), default=8002, help="default: 8002")
    command.add_argument("--workers", type=_number(int, 1), default=1, help="processes (default: 1)")


def _add_questions(commands: Commands[argparse.ArgumentParser]) -> None:
    places = ("catalog", "models", "index")
    command = _command(commands, "classify", classify, *places, json_help="the answer of GET /pairs")
    command.add_argument("q_sr_id", metavar="Q_SR_ID")
    command.add_argument("m_sr_id", metavar="M_SR_ID")
    command = _command(commands, "candidates", candidates, *places, json_help="the answer of GET /candidates")
    command.add_argument("sr_id", metavar="SR_ID")
    command.add_argument("-k", type=_number(int, 1), default=10, help="how many (default: 10)")
    _command(commands, "evaluate", evaluate, "groundtruth", *places, json_help="the figures")


def _number(kind: type[int] | type[float], least: float, most: float = 2**31 - 1) -> Callable[[str], float]:
    def parse(text: str) -> float:
        try:
            number = kind(text)
        except ValueError:
            number = None
        if number is None or not least <= number <= most:
            raise argparse.ArgumentTypeError(f"expected a number from {least} to {most}, got {text!r}")
        return number

    return parse


if __name__ == "__main__":
    sys.exit(main())
