"""Which encoder a model gets: several are tried on valid pairs that none of them has learnt from."""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from catalog.recording import Recording
from catalog.store import Catalog
from embeddings.encoder import FITTED_ON, Encoder, torch_wanted_for
from index.codes import CodeIndex, Codes
from index.completeness import pair_completeness
from index.kinds import FLAT
from index.live import LiveIndex
from index.snapshot import Snapshot
from index.vectors import VectorIndex
from training.holdout import Split
from training.pairs import LabelledPairs

logger = logging.getLogger(__name__)

# Positions of the components that are held out for the choice: below them are the test pairs where there is one file,
# at the end components that are too large to be held out.
_FROM, _BELOW = 0.2, 0.4
_MOST_PAIRS, _MOST_OTHERS = 4_000, 20_000  # a transformer takes minutes for so many recordings
_FEWEST = 20
_K = 20


@dataclass(frozen=True)
class Candidate:
    """An encoder to try.

    Attributes
    ----------
    name : str
        For the report.
    encoder : Encoder or None
        As it is; ``None`` fits the default one on the catalogue.
    finetuned : bool
        Whether it first learns from labelled pairs.
    """

    name: str
    encoder: Encoder | None = None
    finetuned: bool = False


@dataclass(frozen=True)
class Tried:
    """What a candidate was worth.

    Attributes
    ----------
    name : str
        Of the candidate.
    pair_completeness : float
        Share of `n_valid` held-out valid pairs of which one side is among the other's 20 nearest.
    n_valid, n_recordings : int
        Pairs measured on, and recordings that were searched.
    recordings_per_second : int
        Encoded, by processor time.
    dimension, bytes_per_vector : int
        Of the vectors as an index keeps them.
    seconds : float
        To fit and to fine-tune.
    chosen : bool
        Whether the model has it.
    """

    name: str
    pair_completeness: float
    n_valid: int
    n_recordings: int
    recordings_per_second: int
    dimension: int
    bytes_per_vector: int
    seconds: float
    chosen: bool = False


@dataclass(frozen=True, eq=False)
class Choice:
    """The encoder that was chosen.

    Attributes
    ----------
    encoder : Encoder
        Not saved yet.
    tried : list of Tried
        What each candidate was worth; empty if nothing was to be compared.
    """

    encoder: Encoder
    tried: list[Tried]


@dataclass(frozen=True, eq=False)
class Trial:
    """Pairs for candidates to learn from and pairs to measure them on.

    Attributes
    ----------
    learnt : LabelledPairs
        For fine-tuning; none of their recordings is in `held_out` or in a test pair.
    held_out : LabelledPairs
        Valid pairs.
    recordings : list of Recording
        To search: those of the held-out pairs and others of the catalogue, in the order of ids.
    """

    learnt: LabelledPairs
    held_out: LabelledPairs
    recordings: list[Recording]


def trial_of(catalog: Catalog, split: Split) -> Trial:
    """Cut the pairs to learn from once more, by linked component.

    Parameters
    ----------
    catalog : Catalog
        Where the other recordings come from.
    split : Split
        Its test pairs are not touched.

    Returns
    -------
    Trial
        With up to 4,000 held-out pairs and 20,000 other recordings, chosen by hash of their ids.
    """
    held = (split.positions >= _FROM) & (split.positions < _BELOW)
    valid = np.flatnonzero(held & split.learnt.valid)
    if len(valid) > _MOST_PAIRS:
        hashes = np.array([_hash(split.learnt.q[row].sr_id + split.learnt.m[row].sr_id) for row in valid])
        valid = np.sort(valid[np.argsort(hashes, kind="stable")[:_MOST_PAIRS]])
    kept_out = split.learnt.take(np.flatnonzero(held)).sr_ids | split.test.sr_ids
    both = zip(split.learnt.q, split.learnt.m, strict=True)
    free = np.array([q.sr_id not in kept_out and m.sr_id not in kept_out for q, m in both], dtype=bool)
    held_out = split.learnt.take(valid)
    wanted, share = held_out.sr_ids, _MOST_OTHERS / max(1, len(catalog))
    recordings = [each for each in catalog if each.sr_id in wanted or _hash(each.sr_id) < share]
    return Trial(split.learnt.take(np.flatnonzero(free)), held_out, sorted(recordings, key=_key))


def choose_encoder(catalog: Catalog, split: Split, candidates: Sequence[Candidate], seed: int) -> Choice:
    """Try candidates and keep the best by pair completeness at 20; of equally good ones the cheapest.

    Parameters
    ----------
    catalog : Catalog
        The catalogue to encode.
    split : Split
        Of the labelled pairs.
    candidates : sequence of Candidate
        At least one that is not fine-tuned. Of equally good ones of one kind (the default encoder is cheaper than any
        other) and dimension the first is kept.
    seed : int
        For fine-tuning.

    Returns
    -------
    Choice
        A single candidate is taken without being measured, and so is the first that is not fine-tuned where too few
        valid pairs can be held out.
    """
    plain = next(each for each in candidates if not each.finetuned)
    if len(candidates) == 1:
        return Choice(plain.encoder or Encoder.fit(catalog.drawn(FITTED_ON)), [])
    trial = trial_of(catalog, split)
    if len(trial.held_out) < _FEWEST or not trial.learnt.valid.any():
        logger.warning("too few valid pairs to hold out (%d) and to learn from: nothing is tried, the encoder is %s",
                       len(trial.held_out), plain.name)  # fmt: skip
        return Choice(plain.encoder or Encoder.fit(catalog.drawn(FITTED_ON)), [])
    logger.info("trying %d encoders on %d held-out valid pairs", len(candidates), len(trial.held_out))
    encoders, tried = [], []
    for candidate in candidates:
        began = time.monotonic()
        encoder = candidate.encoder or Encoder.fit(catalog.drawn(FITTED_ON))
        encoders.append(_finetuned(encoder, trial, seed) if candidate.finetuned else encoder)
        tried.append(_measured(candidate.name, encoders[-1], trial, time.monotonic() - began))
        logger.info("%s: pair completeness %.4f", candidate.name, tried[-1].pair_completeness)
    best = min(range(len(tried)), key=lambda place: _rank(tried[place], encoders[place]))
    logger.info("the encoder is %s", tried[best].name)
    return Choice(encoders[best], [replace(row, chosen=place == best) for place, row in enumerate(tried)])


def _finetuned(encoder: Encoder, trial: Trial, seed: int) -> Encoder:
    with torch_wanted_for("fine-tuning"):
        from training.encoder import finetune  # noqa: PLC0415 - a plain training does without torch and its trainer

    return finetune(encoder, trial.learnt, seed)


def _rank(row: Tried, encoder: Encoder) -> tuple[float, bool, int]:
    # By what is the same in every run: measured speeds are not. `min` keeps the first of equal ones.
    return -row.pair_completeness, not encoder.is_default_kind, row.dimension


def _measured(name: str, encoder: Encoder, trial: Trial, seconds: float) -> Tried:
    began = time.process_time()
    vectors = encoder.encode(trial.recordings).astype(np.float16)
    spent = time.process_time() - began
    ids = np.array([_key(recording) for recording in trial.recordings], dtype=np.bytes_)
    index = VectorIndex.build(FLAT, vectors, np.arange(len(ids)))
    q, m = ([each.sr_id for each in side] for side in (trial.held_out.q, trial.held_out.m))
    snapshot = Snapshot("in memory", ids, vectors, index, 1, {}, CodeIndex.build([Codes.of([])]))
    found = pair_completeness(LiveIndex(snapshot), q, m, _K)
    return Tried(
        name=name,
        pair_completeness=round(found.value or 0.0, 6),
        n_valid=found.n_valid,
        n_recordings=len(ids),
        recordings_per_second=round(len(ids) / max(spent, 1e-9)),
        dimension=encoder.dimension,
        bytes_per_vector=vectors.itemsize * encoder.dimension,
        seconds=round(seconds, 1),
    )


def _key(recording: Recording) -> bytes:
    return recording.sr_id.encode()


def _hash(text: str) -> float:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest()) / 2**64
