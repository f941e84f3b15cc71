"""The tasks by which candidates are found: each reads files of the storage, writes its own, and may be run again.

records -> vectors | counts -> keys -> blocks -> candidates
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from hashlib import blake2b
from typing import TYPE_CHECKING, cast

import numpy as np
import numpy.typing as npt

from batch.plan import MODEL_FOLDER, Plan, numbered
from batch.records import Rows, read_shard
from catalog.recording import Recording
from embeddings.text import recording_text
from index.codes import Codes
from index.exact import pair_cosines
from index.key_index import ARRAYS, KeyBlock, most_alike
from index.key_weights import POOL, best_by_both
from index.rare_keys import KeyCounts, Keys, Tables
from index.vectors import Vectors
from matching.model import ENCODER_FOLDER

if TYPE_CHECKING:
    from embeddings.encoder import Encoder

FIRST_COUNTS, KEY_COUNTS = "counts/sum", "counts/all"

_PAIRS_AT_ONCE = 32_768
# Keys are worked out over every position of their texts, in numbers of eight bytes.
_TEXTS_AT_ONCE = 8_192


def encode(plan: Plan, shard: int) -> None:
    """Turn the recordings of a shard into vectors.

    Parameters
    ----------
    plan : Plan
        Of the run.
    shard : int
        Which.
    """
    vectors = _encoder(plan).encode(read_shard(plan.storage, shard)).astype(np.float16)
    plan.storage.write_array(numbered("vectors", shard), vectors)


def count_first(plan: Plan, group: int) -> None:
    """Count runs of characters and words over a group of shards.

    Parameters
    ----------
    plan : Plan
        Of the run.
    group : int
        Which.
    """
    counts = KeyCounts.empty(plan.recordings)
    for shard in plan.shards_of_group(group):
        for texts in _texts_in_parts(plan, shard):
            counts.count(texts)
    plan.storage.write_array(numbered("counts/first", group), counts.tables)


def sum_first(plan: Plan, _: int) -> None:
    """Sum up what was counted over the groups.

    Parameters
    ----------
    plan : Plan
        Of the run.
    """
    total = KeyCounts.empty(plan.recordings)
    for group in range(plan.groups):
        total.add(KeyCounts(_tables(plan, numbered("counts/first", group))))
    plan.storage.write_array(FIRST_COUNTS, total.tables)


def count_pairs(plan: Plan, group: int) -> None:
    """Count pairs of words over a group of shards.

    Parameters
    ----------
    plan : Plan
        Of the run.
    group : int
        Which.
    """
    counts = KeyCounts(np.array(_tables(plan, FIRST_COUNTS)))
    for shard in plan.shards_of_group(group):
        for texts in _texts_in_parts(plan, shard):
            counts.count_pairs(texts)
    plan.storage.write_array(numbered("counts/pairs", group), counts.tables[-1])


def sum_pairs(plan: Plan, _: int) -> None:
    """Sum up the pairs of words, too.

    Parameters
    ----------
    plan : Plan
        Of the run.
    """
    total = KeyCounts(np.array(_tables(plan, FIRST_COUNTS)))
    for group in range(plan.groups):
        total.add_pairs(_tables(plan, numbered("counts/pairs", group)))
    plan.storage.write_array(KEY_COUNTS, total.tables)


def choose_keys(plan: Plan, shard: int) -> None:
    """Choose the rare keys of a shard's recordings.

    Parameters
    ----------
    plan : Plan
        Of the run.
    shard : int
        Which.
    """
    counts = KeyCounts(_tables(plan, KEY_COUNTS))
    keys = Keys.joined([counts.keys(texts) for texts in _texts_in_parts(plan, shard)])
    plan.storage.write_arrays(numbered("keys", shard), vars(keys))


def invert(plan: Plan, block: int) -> None:
    """Turn the keys of a block of shards around.

    Parameters
    ----------
    plan : Plan
        Of the run.
    block : int
        Which.
    """
    shards = plan.shards_of_block(block)
    parts = [_keys(plan, shard) for shard in shards]
    index = KeyBlock.build(parts, shards[0] * plan.shard_size, plan.recordings)
    for name, array in index.arrays().items():  # the last one says that all are there
        plan.storage.write_array(f"{numbered('blocks', block)}/{name}", array)


def read_codes(plan: Plan, shard: int) -> None:
    """List what recordings may have in common to the letter: the ISRCs of a shard's recordings, and their texts.

    Parameters
    ----------
    plan : Plan
        Of the run.
    shard : int
        Which.
    """
    recordings = read_shard(plan.storage, shard)
    codes = Codes.of((recording.isrcs for recording in recordings), shard * plan.shard_size)
    plan.storage.write_arrays(numbered("texts", shard), vars(_whole_texts(plan, shard, recordings)))
    plan.storage.write_arrays(numbered("codes", shard), vars(codes))


def _whole_texts(plan: Plan, shard: int, recordings: list[Recording]) -> Codes:
    texts = _texts(recordings)
    rows = np.flatnonzero([bool(text) for text in texts])
    hashes = [blake2b(texts[row].encode(), digest_size=8).digest() for row in rows.tolist()]
    return Codes(rows + shard * plan.shard_size, np.frombuffer(b"".join(hashes), dtype="<u8"))


def search(plan: Plan, shard: int) -> None:
    """Find the candidates of a shard's recordings: by rare keys, and of these the nearest by keys and vectors.

    Parameters
    ----------
    plan : Plan
        Of the run.
    shard : int
        Which.
    """
    blocks = (_block(plan, block) for block in range(plan.blocks))
    found = most_alike(_keys(plan, shard), blocks, POOL * plan.neighbours + 1)
    q = found.q + shard * plan.shard_size
    other = q != found.rows
    q, m, alike = q[other], found.rows[other], found.similarities[other]
    cosines = cosines_of(plan, q, m)
    chosen = best_by_both(q, m, cosines, alike, plan.neighbours)
    arrays = {"q": q[chosen], "m": m[chosen], "cosine": cosines[chosen], "alike": alike[chosen]}
    plan.storage.write_arrays(numbered("candidates", shard), arrays)


def cosines_of(plan: Plan, q: Rows, m: Rows) -> npt.NDArray[np.float32]:
    """Compare vectors pair by pair, in bounded memory.

    Parameters
    ----------
    plan : Plan
        Of the run.
    q : numpy.ndarray
        Shape (n_pairs,), int64, rows of one side.
    m : numpy.ndarray
        Shape (n_pairs,), int64, rows of the other.

    Returns
    -------
    numpy.ndarray
        Shape (n_pairs,), float32; NaN where a recording has no text.
    """
    cosines = np.empty(len(q), dtype=np.float32)
    for start in range(0, len(q), _PAIRS_AT_ONCE):
        part = slice(start, start + _PAIRS_AT_ONCE)
        cosines[part] = pair_cosines(_vectors(plan, q[part]), _vectors(plan, m[part]))
    return cosines


def _texts(recordings: list[Recording]) -> list[str]:
    return list(map(recording_text, recordings))


def _texts_in_parts(plan: Plan, shard: int) -> Iterator[list[str]]:
    recordings = read_shard(plan.storage, shard)
    for start in range(0, len(recordings), _TEXTS_AT_ONCE):
        yield _texts(recordings[start : start + _TEXTS_AT_ONCE])


@lru_cache(maxsize=1)
def _encoder(plan: Plan) -> Encoder:
    from embeddings.encoder import Encoder  # noqa: PLC0415 - torch, which no other stage needs

    return Encoder.load(plan.storage.local_folder(f"{MODEL_FOLDER}/{ENCODER_FOLDER}"))


@lru_cache(maxsize=4)
def _tables(plan: Plan, name: str) -> Tables:
    return cast("Tables", plan.storage.map_array(name))


def _keys(plan: Plan, shard: int) -> Keys:
    return Keys(**plan.storage.read_arrays(numbered("keys", shard)))  # type: ignore[arg-type]  # as they were written


def _block(plan: Plan, block: int) -> KeyBlock:
    return KeyBlock.of({name: plan.storage.map_array(f"{numbered('blocks', block)}/{name}") for name in ARRAYS})


@lru_cache(maxsize=1 << 8)  # each keeps a file open
def _mapped_vectors(plan: Plan, shard: int) -> Vectors:
    return cast("Vectors", plan.storage.map_array(numbered("vectors", shard)))


def _vectors(plan: Plan, rows: Rows) -> Vectors:
    """Gather vectors out of the shards that they stand in."""
    shards, places = np.divmod(rows, plan.shard_size)
    dimension = _mapped_vectors(plan, 0).shape[1]
    vectors = np.empty((len(rows), dimension), dtype=np.float16)
    for shard in np.unique(shards).tolist():
        inside = np.flatnonzero(shards == shard)
        vectors[inside] = _mapped_vectors(plan, shard)[places[inside]]
    return vectors
