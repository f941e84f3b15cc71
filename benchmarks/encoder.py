"""Candidates: pair completeness and speed of the default encoder, beside exact tf-idf of trigrams in the same run."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

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
from embeddings.text import recording_text

_K = 20
_BLOCK = 1_024
_REPEATS = 3


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
    """Encode a catalogue in both ways and count the true pairs among the exact nearest neighbours.

    Parameters
    ----------
    dataset : Dataset
        With its true pairs.

    Returns
    -------
    dict
        Pair completeness at 20 and recordings per second, of our encoder and of exact tf-idf.
    """
    with Catalog.open(dataset.folder.catalog, dataset.folder.copies) as catalog:
        recordings = list(catalog)
    places = {recording.sr_id: place for place, recording in enumerate(recordings)}
    true_rows = np.array([[places[q], places[m]] for q, m in dataset.true_pairs])
    return {
        "name": dataset.name,
        "digests": dataset.digests,
        "recordings": len(recordings),
        "true_pairs": len(true_rows),
        "hashed_trigrams": _ours(recordings, true_rows),
        "exact_tfidf": _exact_tfidf(recordings, true_rows),
    }


def _ours(recordings: list[Recording], true_rows: npt.NDArray[np.int64]) -> dict[str, float]:
    began = time.perf_counter()
    encoder = Encoder.fit(recordings)
    fitted = time.perf_counter()
    speeds = []
    for _ in range(_REPEATS):
        start = time.perf_counter()
        vectors = encoder.encode(recordings).astype(np.float16).astype(np.float32)
        speeds.append(len(recordings) / (time.perf_counter() - start))
    nearest = np.concatenate([_top(vectors[start : start + _BLOCK] @ vectors.T, start) for start in _starts(vectors)])
    return {
        "pair_completeness": _completeness(nearest, true_rows),
        "fit_seconds": round(fitted - began, 2),
        "recordings_per_second_median": round(float(np.median(speeds))),
        "recordings_per_second_best": round(max(speeds)),
    }


def _exact_tfidf(recordings: list[Recording], true_rows: npt.NDArray[np.int64]) -> dict[str, float]:
    texts = [normalize(recording_text(recording)) for recording in recordings]
    start = time.perf_counter()
    matrix: csr_matrix = TfidfVectorizer(analyzer="char", ngram_range=(3, 3), dtype=np.float32).fit_transform(texts)
    speed = len(recordings) / (time.perf_counter() - start)
    turned = matrix.T.tocsc()
    nearest = np.concatenate(
        [_top((matrix[start : start + _BLOCK] @ turned).toarray(), start) for start in _starts(matrix)]
    )
    return {"pair_completeness": _completeness(nearest, true_rows), "recordings_per_second": round(speed)}


def _starts(matrix: npt.NDArray[np.float32] | csr_matrix) -> range:
    return range(0, matrix.shape[0], _BLOCK)


def _top(cosines: npt.NDArray[np.float32], first_row: int) -> npt.NDArray[np.int64]:
    cosines[np.arange(len(cosines)), np.arange(first_row, first_row + len(cosines))] = -2
    return np.argpartition(-cosines, _K, axis=1)[:, :_K]


def _completeness(nearest: npt.NDArray[np.int64], true_rows: npt.NDArray[np.int64]) -> float:
    q, m = true_rows[:, 0], true_rows[:, 1]
    found = (nearest[q] == m[:, None]).any(axis=1) | (nearest[m] == q[:, None]).any(axis=1)
    return round(float(found.mean()), 4)


if __name__ == "__main__":
    main()
