"""The tasks by which candidates are found: each reads files of the storage, writes its own, and may be run again.

records -> vectors | counts -> keys -> blocks -> candidates
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import cast

import numpy as np

from batch.candidates import BY_KEYS, FOUND_BY_KEYS, VECTORS, Candidates, cosines_of, write_candidates
from batch.plan import MODEL_FOLDER, Plan, numbered
from batch.records import read_shard
from catalog.recording import Recording
from embeddings.encoder import Encoder
from embeddings.text import recording_text
from index.key_index import ARRAYS, KeyBlock, most_alike
from index.key_weights import best_by_both
from index.rare_keys import KeyCounts, Keys, Tables
from matching.model import ENCODER_FOLDER

FIRST_COUNTS, KEY_COUNTS = "counts/sum", "counts/all"

# Recordings that rare keys propose for each that is wanted. With eight, as a published index has it, the search takes
# four times as long and leads to the same clusters: pairs that are not proposed stand in one cluster through others.
_POOL = 2
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
    plan.storage.write_array(numbered(VECTORS, shard), vectors)


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


def search(plan: Plan, shard: int) -> None:
    """Find the recordings that the recordings of a shard have rare keys in common with.

    Parameters
    ----------
    plan : Plan
        Of the run.
    shard : int
        Which.
    """
    write_candidates(plan, FOUND_BY_KEYS, shard, nearest_by_keys(plan, shard).in_order())


def nearest_by_keys(plan: Plan, shard: int) -> Candidates:
    """Ask for the recordings that are nearest to those of a shard by keys and vectors together.

    Parameters
    ----------
    plan : Plan
        Of a run whose keys were inverted.
    shard : int
        Which.

    Returns
    -------
    Candidates
        Those of a recording of the shard, as q, one behind the other.
    """
    blocks = (_block(plan, block) for block in range(plan.blocks))
    found = most_alike(_keys(plan, shard), blocks, _POOL * plan.neighbours + 1)
    q = found.q + shard * plan.shard_size
    other = q != found.rows
    q, m, alike = q[other], found.rows[other], found.similarities[other]
    cosines = cosines_of(plan, q, m)
    chosen = best_by_both(q, m, cosines, alike, plan.neighbours)
    source = np.full(len(chosen), BY_KEYS, dtype=np.uint8)
    return Candidates(q[chosen], m[chosen], cosines[chosen], alike[chosen], source)


def _texts(recordings: list[Recording]) -> list[str]:
    return list(map(recording_text, recordings))


def _texts_in_parts(plan: Plan, shard: int) -> Iterator[list[str]]:
    recordings = read_shard(plan.storage, shard)
    for start in range(0, len(recordings), _TEXTS_AT_ONCE):
        yield _texts(recordings[start : start + _TEXTS_AT_ONCE])


@lru_cache(maxsize=1)
def _encoder(plan: Plan) -> Encoder:
    return Encoder.load(plan.storage.local_folder(f"{MODEL_FOLDER}/{ENCODER_FOLDER}"))


@lru_cache(maxsize=4)
def _tables(plan: Plan, name: str) -> Tables:
    return cast("Tables", plan.storage.map_array(name))


def _keys(plan: Plan, shard: int) -> Keys:
    return Keys(**plan.storage.read_arrays(numbered("keys", shard)))


def _block(plan: Plan, block: int) -> KeyBlock:
    return KeyBlock.of({name: plan.storage.map_array(f"{numbered('blocks', block)}/{name}") for name in ARRAYS})
