"""Further lessons for the default model: candidate pairs of another invented catalogue, labelled by its hidden truth.

Labelled pairs come from a search by title, so that titles teach little in them. What a service judges are nearest
neighbours, most of them other titles by the same artist: without lessons of that kind the default classifier takes
two titles of one artist and one length for duplicates.

Parts of a series are rare in it and common in catalogues of audio drama, classical and production music, where all
but a number is the same. So some pairs are also learnt from as if they were parts.

Nor has it rows that say nothing: of two such rows hardly any are one master.
"""

from __future__ import annotations

import csv
import hashlib
import logging
import random
import tempfile
from dataclasses import replace
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
# Of the valid pairs, as parts of a series; and how often two parts are of one length.
_IN_SERIES, _SAME_LENGTH = 0.1, 0.25
_ROMAN = ("I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X", "XI", "XII")
# Ways of numbering that two rows of one part may have.
_STYLES = (
    ("{0}, Pt. {1}", "{0} (Part {1})", "{0} - Part {2}", "{0}, Part {2}"),
    ("{0}, Vol. {1}", "{0} - Volume {1}", "{0} (Vol. {1})"),
    ("{0} - Kapitel {1}", "{0}: Kapitel {1}", "{1}. Kapitel - {0}"),
    ("{0}, Capítulo {1}", "{0} - Cap. {1}"),
    ("{0}, No. {1}", "{0} Nr. {1}", "{0} no. {1}"),
    ("{0}, Op. {1}", "{0} op. {1}"),
    ("{2}. {0}", "{1}. Satz: {0}"),
    ("{0} {1}", "{0} #{1}"),
)

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
    pairs = saying_nothing(in_series(_labelled(recordings, _candidates(encoder.encode(recordings)), masters)))
    logger.info("%d further pairs, candidates of another invented catalogue", len(pairs))
    return lessons_of(pairs, pair_positions(pairs, _SEED), encoder, rarity)


def in_series(pairs: LabelledPairs) -> LabelledPairs:
    """Add copies of valid pairs as parts of a series: of the same part, and of two parts.

    Parameters
    ----------
    pairs : LabelledPairs
        Any.

    Returns
    -------
    LabelledPairs
        With them behind it. Other parts have no code, and mostly another length.
    """
    q, m, valid = list(pairs.q), list(pairs.m), list(pairs.valid)
    for one, other in ((pairs.q[row], pairs.m[row]) for row in np.flatnonzero(pairs.valid)):
        rng = random.Random(f"series {one.sr_id} {other.sr_id}")
        if rng.random() < _IN_SERIES and one.title and other.title:
            number, styles = rng.randint(1, 12), rng.choice(_STYLES)
            another = rng.choice([each for each in range(1, 13) if each != number])
            same_length = rng.random() < _SAME_LENGTH or not other.duration_ms
            length = other.duration_ms if same_length else int((other.duration_ms or 0) * rng.uniform(0.5, 1.6))
            part, same = (_part(each, rng.choice(styles), number) for each in (one, other))
            next_one = replace(_part(other, rng.choice(styles), another), isrcs=(), duration_ms=length)
            q += [part, part]
            m += [same, next_one]
            valid += [True, False]
    return LabelledPairs(q, m, np.array(valid, dtype=np.bool_), [])


def saying_nothing(pairs: LabelledPairs) -> LabelledPairs:
    """Add pairs of rows that say nothing.

    Parameters
    ----------
    pairs : LabelledPairs
        Any.

    Returns
    -------
    LabelledPairs
        With them behind it, one for a hundred, invalid.
    """
    blank = [Recording("")] * (len(pairs) // 100)
    valid = np.concatenate((pairs.valid, np.zeros(len(blank), dtype=np.bool_)))
    return LabelledPairs([*pairs.q, *blank], [*pairs.m, *blank], valid, [])


def _part(recording: Recording, style: str, number: int) -> Recording:
    return replace(recording, title=style.format(recording.title, number, _ROMAN[number - 1]))


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
