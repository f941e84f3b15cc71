"""The tasks that pair recordings which have an ISRC, or all of their text, in common.

A text that many recordings have word for word has no rare key.
"""

from __future__ import annotations

from hashlib import blake2b

import numpy as np

from batch.candidates import (
    BY_CODE,
    BY_TEXT,
    IN_COMMON,
    Candidates,
    cosines_of,
    read_pieces,
    write_candidates,
    write_pieces,
)
from batch.plan import Plan
from batch.records import Rows, read_shard
from catalog.recording import Recording
from embeddings.text import recording_text
from index.codes import MOST_WITH_A_CODE, Codes

CODES = "codes"
_TEXTS = "texts"


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
    first = shard * plan.shard_size
    codes = Codes.of((recording.isrcs for recording in recordings), first)
    for kind, each in ((_TEXTS, _whole_texts(recordings, first)), (CODES, codes)):
        write_pieces(plan, kind, shard, vars(each), (each.hashes % plan.groups).astype(np.int64), plan.groups)


def pair_up(plan: Plan, group: int) -> None:
    """Pair each recording with those that have a code or a text in common with it: with so many that follow it.

    Parameters
    ----------
    plan : Plan
        Of the run.
    group : int
        Of the codes.
    """
    found = [_sharing(plan, CODES, group, BY_CODE), _sharing(plan, _TEXTS, group, BY_TEXT)]
    write_candidates(plan, IN_COMMON, group, Candidates.joined(found))


def _sharing(plan: Plan, kind: str, group: int, source: int) -> Candidates:
    codes = read_pieces(plan, kind, group, range(plan.shards))
    order = np.lexsort((codes["rows"], codes["hashes"]))
    rows, hashes = codes["rows"][order], codes["hashes"][order]
    pairs = [_apart(rows, hashes, distance) for distance in range(1, MOST_WITH_A_CODE + 1)]
    q, m = (np.concatenate(side) for side in zip(*pairs, strict=True))
    nothing = np.zeros(len(q), dtype=np.float32)
    return Candidates(q, m, cosines_of(plan, q, m), nothing, np.full(len(q), source, dtype=np.uint8))


def _apart(rows: Rows, hashes: Rows, distance: int) -> tuple[Rows, Rows]:
    same = hashes[distance:] == hashes[:-distance]
    return rows[:-distance][same], rows[distance:][same]


def _whole_texts(recordings: list[Recording], first: int) -> Codes:
    texts = [recording_text(recording) for recording in recordings]
    rows = np.flatnonzero([bool(text) for text in texts])
    hashes = [blake2b(texts[row].encode(), digest_size=8).digest() for row in rows.tolist()]
    return Codes(rows + first, np.frombuffer(b"".join(hashes), dtype="<u8"))
