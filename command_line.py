"""What may be typed after ``onemaster``. Nothing heavy is imported here, so that ``--help`` answers at once."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from importlib.metadata import version
from pathlib import Path

import shtab

from catalog.paths import DataFolder

DEFAULT_DATA = Path("data")
# The data folder of the checkout, where the default model stands.
HOME = Path(__file__).resolve().parent / "data"
TRAIN, BUNDLED, AUTO = "train", "bundled", "auto"
OPTIONAL_GROUPS = ("titles", "versions", "people", "fields", "release", "codes", "sound", "rarity")
"""Groups of features that ``train`` may leave out: those of `matching.features`, which is too heavy to import here."""

Run = Callable[[argparse.Namespace], None]


def parser(commands: Mapping[str, Run]) -> argparse.ArgumentParser:
    """Make the parser of the whole command line.

    Parameters
    ----------
    commands : mapping
        Name of each command to what runs it, whose docstring is its help.

    Returns
    -------
    argparse.ArgumentParser
        What it parses has ``command``, which may be ``None``, ``run``, ``wrong_usage`` (which says what is
        wrong and exits with 2) and the command's own arguments.
    """
    purpose = "Finds the sound recordings of a catalogue that are one master, written differently."
    whole = argparse.ArgumentParser(prog="onemaster", description=purpose)
    whole.add_argument("--version", action="version", version=f"onemaster {version('onemaster')}")
    completion = "print what completes commands in this shell: see README"
    shtab.add_argument_to(whole, "--print-completion", help=completion)
    subparsers = whole.add_subparsers(dest="command", metavar="COMMAND")
    for name, run in commands.items():
        command = subparsers.add_parser(name, help=run.__doc__, description=run.__doc__)
        command.set_defaults(run=run, wrong_usage=command.error)
        _ARGUMENTS[name](command)
    return whole


def data_folder(given: argparse.Namespace) -> DataFolder:
    """Lay out the data folder that was named.

    Parameters
    ----------
    given : argparse.Namespace
        What was typed.

    Returns
    -------
    DataFolder
        With the places that were named elsewhere.
    """
    places = {name: getattr(given, name, None) for name in ("catalog", "groundtruth", "models", "index")}
    return DataFolder.at(given.data, **places)


def _sample(command: argparse.ArgumentParser) -> None:
    _places(command)
    command.add_argument(
        "--records", type=_number(int, 1), default=60_000, metavar="N", help="recordings, about (default: 60000)"
    )
    command.add_argument(
        "--pairs", type=_number(int, 0), default=28_000, metavar="N", help="labelled pairs (default: 28000)"
    )
    command.add_argument("--seed", type=_number(int, 0), default=20, metavar="S", help="of the generator (default: 20)")
    command.add_argument("--out", type=_local, metavar="DIR", help="folder to write to (default: the data folder)")


def _import(command: argparse.ArgumentParser) -> None:
    _places(command, "catalog")
    _files(command)
    dry = "show which column would be read as what, and write nothing"
    command.add_argument("--dry-run", action="store_true", help=dry)


def _files(command: argparse.ArgumentParser) -> None:
    kinds = "CSV, Parquet, SQLite, a MusicBrainz dump of recordings, a DDEX message or a folder of them"
    command.add_argument("files", type=_local, nargs="+", metavar="FILE", help=kinds)
    command.add_argument("--column", action="append", default=[], metavar="OURS=THEIRS", help="title=Song_Name, say")
    command.add_argument("--encoding", metavar="NAME", help="of CSV files: cp1252, say (default: utf-8)")


def _train(command: argparse.ArgumentParser) -> None:
    _places(command, "catalog", "groundtruth", "models", json_help="the figures")
    command.add_argument("--test-groundtruth", type=_local, metavar="FILE", help="pairs to measure on")
    how = (
        "train (default): fitted on this catalogue; bundled: the default model's; auto: the best of these, of the "
        "fitted one fine-tuned, and of the candidates; or any by path or hub name"
    )
    command.add_argument("--encoder", default=TRAIN, metavar="NAME", help=how)
    candidate = "with --encoder auto: an encoder to try, by path or hub name; may be given several times"
    command.add_argument("--candidate", action="append", default=[], metavar="NAME", help=candidate)
    labels = "learn from reviewers' verdicts, too (default: DIR/labels.db); the model is a candidate for promote"
    command.add_argument("--labels", type=_local, nargs="?", default=False, metavar="FILE", help=labels)
    tune = "fine-tune the encoder on the pairs, and keep that if it finds no fewer of those held out"
    command.add_argument("--finetune", action="store_true", help=tune)
    command.add_argument("--seed", type=_number(int, 0, 2**32 - 1), default=20, help="of split and fit (default: 20)")
    alone = "learn from these pairs only, instead of starting from the default model"
    command.add_argument("--alone", action="store_true", help=alone)
    without = "a group of features to leave out; may be given several times"
    left_out = command.add_argument("--without", action="append", default=[], metavar="GROUP", help=without)
    # For shells only: which groups there are, is checked where they are, with an error that lists them.
    left_out.complete = shtab.cmd(f"echo {' '.join(OPTIONAL_GROUPS)}")  # type: ignore[attr-defined]
    _policy(command)


def _policy(command: argparse.ArgumentParser) -> None:
    policy = command.add_argument_group("decisions", "Where valid begins, and which pairs a person should look at.")
    precision = "precision that new pairs decided valid should have (default: the threshold of the best F1)"
    policy.add_argument("--min-precision", type=_number(float, 0.5, 0.9999), metavar="P", help=precision)
    for name, what in (
        ("wrong-valid", "two masters taken for one (default: 10)"),
        ("wrong-invalid", "a duplicate that is kept (default: 10)"),
        ("review", "a person's look at one pair (default: 1)"),
    ):
        policy.add_argument(f"--{name}-cost", type=_number(float, 0), metavar="COST", help=f"of {what}")


def _promote(command: argparse.ArgumentParser) -> None:
    _places(command, "catalog", "groundtruth", "models", json_help="what came out")
    command.add_argument("version", nargs="?", metavar="VERSION", help="of the candidate (default: the last one)")
    command.add_argument("--test-groundtruth", type=_local, metavar="FILE", help="the same as for train")
    command.add_argument("--labels", type=_local, metavar="FILE", help="reviewers' verdicts (default: DIR/labels.db)")
    few = "promote even where fewer than 20 pairs are there to try it on"
    command.add_argument("--on-few", action="store_true", help=few)


def _rebuild(command: argparse.ArgumentParser) -> None:
    _places(command, "catalog", "models", "index", json_help="the manifest")
    kinds = (
        "default: auto, flat up to 20,000 recordings, else the first of keys, ivfpq and flat that fits and finds enough"
    )
    command.add_argument("--kind", choices=("auto", "flat", "keys", "hnsw", "ivfpq"), default="auto", help=kinds)
    recall = "share of neighbours that the index has to find among 20; of keys, of the near ones (default: 0.98)"
    command.add_argument("--min-recall", type=_number(float, 0, 1), default=0.98, metavar="R", help=recall)
    memory = "memory that auto chooses an index for (default: half of this machine's)"
    command.add_argument("--memory", type=_number(int, 1), metavar="MIB", help=memory)
    command.add_argument("--dry-run", action="store_true", help="build and measure, publish nothing")


def _add(command: argparse.ArgumentParser) -> None:
    _places(command, "catalog", "models", "index", json_help="counts")
    _files(command)


def _remove(command: argparse.ArgumentParser) -> None:
    _places(command, "catalog", "models", "index", json_help="counts")
    which = command.add_mutually_exclusive_group(required=True)
    which.add_argument("sr_ids", nargs="*", default=[], metavar="SR_ID", help="ids of recordings")
    which.add_argument("--file", type=_local, metavar="FILE", help="text with one id a line")
    command.add_argument("--ignore-unknown", action="store_true", help="pass over ids that the catalogue does not hold")


def _serve(command: argparse.ArgumentParser) -> None:
    _places(command, "catalog", "models", "index")
    command.add_argument("--host", default="127.0.0.1", help="default: 127.0.0.1")
    command.add_argument("--port", type=_number(int, 1, 65_535), default=8002, help="default: 8002")
    command.add_argument("--workers", type=_number(int, 1), default=1, help="processes (default: 1)")


def _key(command: argparse.ArgumentParser) -> None:
    _places(command, json_help="the key and its entry")
    command.add_argument("name", metavar="NAME", help="of whoever will hold it; what they write is in this name")
    scopes = "what it is for, each including those before it (default: write)"
    command.add_argument("--scope", choices=("read", "write", "admin"), default="write", help=scopes)


def _classify(command: argparse.ArgumentParser) -> None:
    _places(command, "catalog", "models", "index", json_help="the answer of GET /pairs")
    command.add_argument("q_sr_id", metavar="Q_SR_ID")
    command.add_argument("m_sr_id", metavar="M_SR_ID")


def _candidates(command: argparse.ArgumentParser) -> None:
    _places(command, "catalog", "models", "index", json_help="the answer of GET /candidates")
    command.add_argument("sr_id", metavar="SR_ID")
    command.add_argument("-k", type=_number(int, 1), default=10, help="how many (default: 10)")


def _evaluate(command: argparse.ArgumentParser) -> None:
    _places(command, "groundtruth", "catalog", "models", "index", json_help="the figures")
    clusters = "measure the clusters of the last dedupe against true ones (CSV: sr_id and cluster) instead of pairs"
    command.add_argument("--clusters", type=_local, metavar="FILE", help=clusters)
    command.add_argument("--out", type=_local, metavar="DIR", help="where dedupe wrote, if not to DIR/dedupe")


def _dedupe(command: argparse.ArgumentParser) -> None:
    _places(command, "catalog", "models", json_help="counts, seconds and peak memory")
    command.add_argument("--out", type=_local, metavar="DIR", help="folder for the clusters (default: DIR/dedupe)")
    neighbours = "candidates per recording beside those with an equal ISRC (default: 20)"
    command.add_argument("-k", "--neighbours", type=_number(int, 1, 1_000), default=20, metavar="K", help=neighbours)
    largest = "recordings of a cluster at most; what it stops is reported (default: 500)"
    command.add_argument("--largest", type=_number(int, 2, 5_000), default=500, metavar="N", help=largest)
    spread = command.add_argument_group(
        "work", "Where it is done. A run that was cut off goes on if it is started anew."
    )
    spread.add_argument("--engine", choices=("local", "ray"), default="local", help="default: local")
    spread.add_argument("--workers", type=_number(int, 1), metavar="N", help="local processes (default: one per core)")
    spread.add_argument(
        "--address", metavar="HOST:PORT", help="of a running Ray cluster (default: one on this machine)"
    )
    spread.add_argument("--storage", default="", metavar="URL", help="folder or fsspec URL that all nodes see")
    spread.add_argument("--shard-size", type=_number(int, 1), default=65_536, metavar="N", help="recordings (65536)")


def _fetch(command: argparse.ArgumentParser) -> None:
    _places(command)
    command.add_argument("--out", type=_local, required=True, metavar="DIR", help="empty, or not there yet")


def _only_places(*places: str, json_help: str) -> Callable[[argparse.ArgumentParser], None]:
    return lambda command: _places(command, *places, json_help=json_help)


def _compare(command: argparse.ArgumentParser) -> None:
    model = "current, baseline (of the current one), a version, or a model's folder"
    command.add_argument("a", metavar="A", nargs="?", help=model)
    command.add_argument("b", metavar="B", nargs="?", help="the same")
    log = "over the pairs that the service was asked about: the baseline, the current model and the candidate"
    command.add_argument("--log", action="store_true", help=log)
    _places(command, "groundtruth", "catalog", "models", json_help="figures, test and interval")
    where = "where pairs that they decide differently are listed (default: DIR/disagreements.csv)"
    command.add_argument("--disagreements", type=_local, metavar="FILE", help=where)


_ARGUMENTS: Mapping[str, Callable[[argparse.ArgumentParser], None]] = {
    "sample": _sample,
    "import": _import,
    "train": _train,
    "rebuild": _rebuild,
    "add": _add,
    "remove": _remove,
    "refresh": _only_places("catalog", "models", "index", json_help="counts"),
    "compact": _rebuild,
    "serve": _serve,
    "key": _key,
    "classify": _classify,
    "candidates": _candidates,
    "evaluate": _evaluate,
    "compare": _compare,
    "promote": _promote,
    "rollback": _only_places("models", json_help="what is in charge"),
    "dedupe": _dedupe,
    "profile": _only_places("catalog", json_help="all of it"),
    "doctor": _only_places("catalog", "models", "index", json_help="all findings"),
    "fetch": _fetch,
}


def _places(command: argparse.ArgumentParser, *places: str, json_help: str = "") -> None:
    where = "data folder, or its URL (s3://bucket/prefix, say; default: data)"
    command.add_argument("--data", type=_folder, default=DEFAULT_DATA, metavar="DIR", help=where)
    for place in places:
        command.add_argument(f"--{place}", type=_local, metavar="PATH", help=f"of the {place}, if not in DIR")
    if json_help:
        command.add_argument("--json", action="store_true", help=f"print {json_help} as JSON")


def _folder(text: str) -> Path | str:
    """Leave a URL as it is; `data_at_urls` makes a folder of it."""
    return text if "://" in text else Path(text)


def _local(text: str) -> Path:
    if "://" in text:
        raise argparse.ArgumentTypeError(f"expected a path on this machine, got {text}: only --data takes a URL")
    return Path(text)


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
