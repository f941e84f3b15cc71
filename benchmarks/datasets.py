"""The catalogues that benchmarks run on: the embedded sample, and Music-20 where its folder is given."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from catalog.importers import import_catalog
from catalog.manifest import sha256_file
from catalog.paths import DataFolder
from catalog.sample import write_sample

SAMPLE_RECORDS = 60_000
_PAIRS_PER_RECORD = 28_000 / 60_000
_MUSIC20_COLUMNS = ("length=duration", "year=release_year")


@dataclass(frozen=True)
class Dataset:
    """A catalogue with labelled pairs and its hidden truth.

    Attributes
    ----------
    name : str
        For the result.
    folder : DataFolder
        Catalogue, and room for models and indexes.
    train_pairs : Path
        Labelled pairs to learn from.
    test_pairs : Path or None
        Labelled pairs to measure on; part of `train_pairs` if ``None``.
    true_pairs : list of (str, str)
        Every pair of recordings that are one master.
    digests : dict
        SHA-256 of the delivered files.
    """

    name: str
    folder: DataFolder
    train_pairs: Path
    test_pairs: Path | None
    true_pairs: list[tuple[str, str]]
    digests: dict[str, str]


def sample(folder: Path, seed: int, records: int = SAMPLE_RECORDS) -> Dataset:
    """Write the embedded sample.

    Parameters
    ----------
    folder : Path
        Where to.
    seed : int
        Of the generator.
    records : int
        Rows of the catalogue; labelled pairs in proportion, 28,000 by default.

    Returns
    -------
    Dataset
        Without test pairs: part of the labelled ones is held out.
    """
    places = DataFolder.at(folder)
    write_sample(folder, records, round(records * _PAIRS_PER_RECORD), seed)
    truth = folder / "truth.csv"
    digests = {path.name: sha256_file(path) for path in (places.groundtruth, truth)}
    return Dataset(f"sample {seed}", places, places.groundtruth, None, _pairs_within(truth, "master_id"), digests)


def music20(source: Path, folder: Path) -> Dataset:
    """Import Music-20 as its owner would.

    Parameters
    ----------
    source : Path
        Folder with catalog.csv, clusters.csv, pairs-train.csv and pairs-test.csv.
    folder : Path
        Where the catalogue goes.

    Returns
    -------
    Dataset
        With its own test pairs.
    """
    places = DataFolder.at(folder)
    import_catalog([source / "catalog.csv"], places.catalog, _MUSIC20_COLUMNS)
    names = ("catalog.csv", "clusters.csv", "pairs-train.csv", "pairs-test.csv")
    return Dataset(
        "Music-20",
        places,
        source / "pairs-train.csv",
        source / "pairs-test.csv",
        _pairs_within(source / "clusters.csv", "cluster_id"),
        {name: sha256_file(source / name) for name in names},
    )


def _pairs_within(path: Path, column: str) -> list[tuple[str, str]]:
    members = pd.read_csv(path, dtype=str).groupby(column)["sr_id"].apply(sorted)
    return [(q, m) for cluster in members for place, q in enumerate(cluster) for m in cluster[place + 1 :]]
