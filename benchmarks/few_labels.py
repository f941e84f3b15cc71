"""A new kind of catalogue with few labels: the default alone, 300 labelled pairs alone, and both together.

The catalogue is that of `download_stores`, as it is (clean) and with the value of one field slipped into another one in
half of its rows (dirty). Pairs to learn from and pairs to test on share no artist, so no recording either.
"""

from __future__ import annotations

import argparse
import csv
import random
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.download_stores import COLUMNS, Repertoire, artist_names, slip
from benchmarks.record import ROOT, save
from catalog.importers import import_catalog
from catalog.paths import DataFolder
from catalog.store import Catalog
from index.rebuild import rebuild
from matching.matcher import Matcher
from matching.model import Model
from training.default import adapted, default_model
from training.evaluate import evaluate_matcher
from training.holdout import TrainingData
from training.pairs import read_groundtruth
from training.train import TrainOptions, train

FORMS = ("clean", "dirty")
WAYS = ("zero_shot", "alone", "started")
FIGURES = ("f1", "precision", "recall", "average_precision")
LABELLED, TESTED = 300, 600

_ARTISTS_TO_LEARN_FROM, _ARTISTS_TO_TEST_ON = 25, 45
_REQUESTS = (
    *("title=song", "artists=performer", "album=collection"),
    *("duration=playing_time", "release_year=released", "label=copyright"),
)

Figures = dict[str, float]
Row = dict[str, object]


@dataclass(frozen=True)
class Setting:
    """A catalogue with pairs to learn from and pairs to test on.

    Attributes
    ----------
    folder : DataFolder
        Holds the catalogue.
    learn, test : Path
        Labelled pairs without a common recording.
    """

    folder: DataFolder
    learn: Path
    test: Path


def main() -> None:
    """Measure all ways on both forms over several seeds, print a table, and save the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=list(range(1, 11)), help="default: 1 to 10")
    seeds: list[int] = parser.parse_args().seeds
    default = default_model(ROOT / "data")
    with tempfile.TemporaryDirectory() as scratch:
        rows = [
            {"form": form, "seed": seed, **measure(write_setting(Path(scratch), form, seed), default, seed)}
            for form in FORMS
            for seed in seeds
        ]
    summary = {form: summarise([row for row in rows if row["form"] == form]) for form in FORMS}
    print_table(summary)
    counts = {"labelled": LABELLED, "tested": TESTED, "seeds": seeds}
    save("few_labels", "python -m benchmarks.few_labels", {"pairs": counts, "summary": summary, "runs": rows})


def write_setting(root: Path, form: str, seed: int) -> Setting:
    """Write the two stores' listings, import them, and write the labelled pairs.

    Parameters
    ----------
    root : Path
        A folder of its own is made in here.
    form : str
        One of `FORMS`; both forms of a seed hold the same pairs.
    seed : int
        Decides everything.

    Returns
    -------
    Setting
        Ready to train on.
    """
    rng = random.Random(seed)
    folder = DataFolder.at(root / f"{form}-{seed}")
    folder.root.mkdir()
    artists = artist_names(rng, _ARTISTS_TO_LEARN_FROM + _ARTISTS_TO_TEST_ON)
    rng.shuffle(artists)
    learn = Repertoire(rng, "learn", artists[:_ARTISTS_TO_LEARN_FROM])
    test = Repertoire(rng, "test", artists[_ARTISTS_TO_LEARN_FROM:])
    setting = Setting(folder, folder.root / "learn.csv", folder.root / "test.csv")
    for path, repertoire, count in ((setting.learn, learn, LABELLED), (setting.test, test, TESTED)):
        _write(path, ("q_source_id", "m_source_id", "tag"), repertoire.pairs(count))
    listings = [listing for repertoire in (learn, test) for store in repertoire.stores for listing in store]
    cells = [slip(rng, listing.cells) if form == "dirty" else listing.cells for listing in listings]
    delivered = folder.root / "stores.csv"
    _write(
        delivered, ("sr_id", *COLUMNS), [(one.sr_id, *row.values()) for one, row in zip(listings, cells, strict=True)]
    )
    import_catalog([delivered], folder.catalog, _REQUESTS)
    return setting


def measure(setting: Setting, default: Model, seed: int) -> dict[str, Figures]:
    """Measure every way on the test pairs of one catalogue.

    Parameters
    ----------
    setting : Setting
        Catalogue and pairs.
    default : Model
        Trained on the embedded sample.
    seed : int
        Of the training.

    Returns
    -------
    dict
        For each of `WAYS` its `FIGURES`.
    """
    with Catalog.open(setting.folder.catalog, setting.folder.copies) as catalog:
        data = TrainingData(catalog, setting.learn, setting.folder.root, setting.test)
        shelf = setting.folder.models
        alone = train(data, None, shelf / "alone", TrainOptions(seed=seed)).evaluation.to_json()
        started = train(data, None, shelf / "started", TrainOptions(seed=seed, start=default)).evaluation.to_json()
    found = {"zero_shot": _zero_shot(setting, default), "alone": alone, "started": started}
    return {way: {name: float(str(found[way][name])) for name in FIGURES} for way in WAYS}


def summarise(runs: Sequence[Row]) -> dict[str, Figures]:
    """Average F1 over the seeds, and the differences seed by seed.

    Parameters
    ----------
    runs : sequence of dict
        One for each seed, with the figures of each of `WAYS`.

    Returns
    -------
    dict
        For every way, and for ``started`` less every other way, ``mean``, ``standard_error`` and ``least`` over the
        seeds; with one seed alone the standard error is 0.
    """
    f1 = {way: np.array([run[way]["f1"] for run in runs]) for way in WAYS}  # type: ignore[index]
    differences = {f"started - {way}": f1["started"] - f1[way] for way in WAYS if way != "started"}
    return {name: _spread(values) for name, values in (f1 | differences).items()}


def print_table(summary: dict[str, dict[str, Figures]]) -> None:
    """Print one line for every form and way.

    Parameters
    ----------
    summary : dict
        From `summarise`, by form.
    """
    print(f"{'form':6} {'F1 on the test pairs':22} {'mean':>8} {'+-':>8} {'least':>8}")
    for form, lines in summary.items():
        for name, values in lines.items():
            print(f"{form:6} {name:22} " + " ".join(f"{value:8.4f}" for value in values.values()))


def _zero_shot(setting: Setting, default: Model) -> dict[str, object]:
    """Judge with the default classifier, of the catalogue only the encoder having seen anything."""
    folder = DataFolder.at(setting.folder.root / "unseen", catalog=setting.folder.catalog)
    with Catalog.open(folder.catalog, folder.copies) as catalog, adapted(default, catalog, folder.models) as new:
        rebuild(catalog, new.encoder, new.version, folder.index, None, new.publish)
    with Matcher.open(folder) as matcher:
        return evaluate_matcher(matcher, read_groundtruth(setting.test, matcher.catalog))


def _spread(values: np.ndarray) -> Figures:
    error = float(values.std(ddof=1) / np.sqrt(len(values))) if len(values) > 1 else 0.0
    return {
        "mean": round(float(values.mean()), 4),
        "standard_error": round(error, 4),
        "least": round(float(values.min()), 4),
    }


def _write(path: Path, header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(header)
        writer.writerows(rows)


if __name__ == "__main__":
    main()
