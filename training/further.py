"""Further lessons for the default model: candidate pairs of another invented catalogue, labelled by its hidden truth.

Labelled pairs come from a search by title, so that titles teach little in them. What a service judges are nearest
neighbours, most of them other titles by the same artist: without lessons of that kind the default classifier takes
two titles of one artist and one length for duplicates.
"""

from __future__ import annotations

import csv
import hashlib
import logging
import tempfile
from pathlib import Path

import numpy as np
import numpy.typing as npt

from catalog.paths import DataFolder
from catalog.recording import Recording
from catalog.sample import TRUTH_FILE, write_sample
from catalog.store import Catalog
from embeddings.encoder import Encoder
from index.kinds import FLAT
from index.vectors import VectorIndex
from matching.rarity import Rarity
from training.lessons import Lessons, lessons_of
from training.pairs import LabelledPairs
from training.splits import pair_positions

logger = logging.getLogger(__name__)

_RECORDS, _VALID, _INVALID = 15_000, 5_000, 8_000
_NEIGHBOURS = 10
# Far from the seeds that people give samples, so that no catalogue to be judged is among the lessons.
_SEED = 1_020_304

Rows = npt.NDArray[np.int64]


def further_lessons(records: int = _RECORDS) -> Lessons:
    """Invent a catalogue, propose candidates in it as the service would, and look up which are one master.

    Parameters
    ----------
    records : int
        Of the catalogue.

    Returns
    -------
    Lessons
        The same at every call.
    """
    with tempfile.TemporaryDirectory() as scratch:
        folder = DataFolder.at(Path(scratch))
        write_sample(folder.root, records, 0, _SEED)
        with Catalog.open(folder.catalog, folder.copies) as catalog:
            recordings = list(catalog)
        with (folder.root / TRUTH_FILE).open(encoding="utf-8", newline="") as file:
            masters = {row["sr_id"]: row["master_id"] for row in csv.DictReader(file)}
    encoder, rarity = Encoder.fit(recordings), Rarity.fit(recordings)
    pairs = _labelled(recordings, _candidates(encoder.encode(recordings)), masters)
    logger.info("%d further pairs, candidates of another invented catalogue", len(pairs))
    return lessons_of(pairs, pair_positions(pairs, _SEED), encoder, rarity)


def _candidates(vectors: npt.NDArray[np.float32]) -> Rows:
    """Pair every row with its nearest neighbours; shape (n_pairs, 2), each pair once."""
    own = np.arange(len(vectors))
    index = VectorIndex.build(FLAT, vectors.astype(np.float16), own)
    near = index.propose(vectors, _NEIGHBOURS + 1)
    both = np.sort(np.column_stack((np.repeat(own, near.shape[1]), near.ravel())), axis=1)
    return np.unique(both[(both[:, 0] != both[:, 1]) & (both[:, 0] >= 0)], axis=0)


def _labelled(recordings: list[Recording], rows: Rows, masters: dict[str, str]) -> LabelledPairs:
    """Label pairs by the truth, and keep as many of each kind as are wanted, chosen by a hash of their ids."""
    ids = [(recordings[q].sr_id, recordings[m].sr_id) for q, m in rows.tolist()]
    valid = np.array([masters[q] == masters[m] for q, m in ids])
    drawn = np.argsort([hashlib.blake2b(f"{q}\0{m}".encode(), digest_size=8).digest() for q, m in ids], kind="stable")
    kept = np.concatenate((drawn[valid[drawn]][:_VALID], drawn[~valid[drawn]][:_INVALID]))
    q, m = ([recordings[row] for row in side] for side in rows[kept].T.tolist())
    return LabelledPairs(q, m, valid[kept], [])
