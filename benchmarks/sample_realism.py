"""Measure how close the embedded sample is to a real catalogue.

Everything is measured on the strings of the labelled pairs as they stand and saved beside what is known of a real
catalogue of 28,371 labelled pairs. Its WRatio figures come from fuzzywuzzy, which lower-cases texts and blanks out
punctuation before it compares them; rapidfuzz does so only if told to. Both ways are measured.
"""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from rapidfuzz import fuzz, process, utils
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from sklearn.ensemble import GradientBoostingClassifier

from benchmarks.record import ROOT, arguments, save
from catalog.aside import write_aside
from catalog.recording import Recording
from catalog.sample import LabelledPair, Sample, generate
from matching.baseline import BASELINE_FEATURES, baseline_features

REAL: dict[str, Any] = {
    "valid_share": 0.36,
    "wratio_valid": {"mean": 81.3, "std": 15.2},
    "wratio_invalid": {"mean": 48.1, "std": 14.7},
    "baseline_accuracy": 0.968,
    "importance": {"isrc": 0.58, "artists": 0.42, "title": 0.004, "contributors": 0.001},
    "ids_per_pair": 55_549 / 28_371,
    "both_sides_share": 635 / 55_549,
    "source_share": {
        "spotify_api": 0.31,
        "youtube_dsr": 0.12,
        "apple": 0.11,
        "247": 0.09,
        "believe": 0.04,
        "247_b": 0.03,
        "the_orchard": 0.025,
        "recochoku": 0.02,
    },
}
_PAGE = ROOT / "docs" / "sample.md"
_TABLE = ("<!-- figures: python -m benchmarks.sample_realism -->\n", "<!-- end of figures -->\n")
_FIELDS = ("title", "artists", "isrcs", "contributors")


def measure(sample: Sample, seconds: float) -> dict[str, object]:
    """Measure one sample.

    Parameters
    ----------
    sample : Sample
        With the default numbers of records and pairs, if it is to be compared with the real figures.
    seconds : float
        What generating it took.

    Returns
    -------
    dict
        The figures of `REAL`, measured, and counts.
    """
    rows = {str(row["sr_id"]): row for row in sample.rows}
    valid = np.array([pair.tag == "valid" for pair in sample.pairs])
    q_ids, m_ids = ({getattr(pair, side) for pair in sample.pairs} for side in ("q_source_id", "m_source_id"))
    sources = Counter(sr_id.split("__")[0] for sr_id in rows)
    return {
        "seconds": round(seconds, 1),
        "records": len(rows),
        "pairs": len(sample.pairs),
        "valid_share": float(valid.mean()),
        "wratio_raw": _wratio(rows, sample.pairs, valid, None),
        "wratio_processed": _wratio(rows, sample.pairs, valid, utils.default_process),
        **_baseline(rows, sample.pairs, valid),
        "ids": len(q_ids | m_ids),
        "ids_per_pair": round(len(q_ids | m_ids) / len(sample.pairs), 3),
        "both_sides_share": round(len(q_ids & m_ids) / len(q_ids | m_ids), 4),
        "missing_share": {name: round(_missing(sample, name), 3) for name in sample.rows[0] if name != "sr_id"},
        "source_share": {name: round(count / len(rows), 4) for name, count in sources.most_common(20)},
        "sources": len(sources),
        "phenomena": dict(Counter(pair.phenomenon for pair in sample.pairs).most_common()),
        "shown": {
            tag: dict(Counter(name for pair in sample.pairs if pair.tag == tag for name in pair.shown).most_common())
            for tag in ("valid", "invalid")
        },
    }


def components(pairs: Sequence[LabelledPair]) -> np.ndarray:
    """Find the connected component of the pair graph that each pair lies in.

    Parameters
    ----------
    pairs : sequence of LabelledPair

    Returns
    -------
    numpy.ndarray
        Shape (n_pairs,), the component of each pair.
    """
    ids = {
        sr_id: place
        for place, sr_id in enumerate(dict.fromkeys(i for p in pairs for i in (p.q_source_id, p.m_source_id)))
    }
    q, m = (np.array([ids[getattr(pair, side)] for pair in pairs]) for side in ("q_source_id", "m_source_id"))
    _, label = connected_components(coo_array((np.ones(len(q)), (q, m)), shape=(len(ids), len(ids))), directed=False)
    return np.asarray(label[q])


def _wratio(
    rows: dict[str, dict[str, object]],
    pairs: Sequence[LabelledPair],
    valid: np.ndarray,
    processor: Callable[[str], str] | None,
) -> dict[str, object]:
    columns = []
    for name in _FIELDS:
        q, m = ([str(rows[getattr(p, side)][name] or "") for p in pairs] for side in ("q_source_id", "m_source_id"))
        columns.append(process.cpdist(q, m, scorer=fuzz.WRatio, processor=processor))
    ratios = np.column_stack(columns)
    return {
        tag: {
            **_spread(ratios[chosen].mean(axis=1)),
            "by_field": {name: _spread(column)["mean"] for name, column in zip(_FIELDS, ratios[chosen].T, strict=True)},
        }
        for tag, chosen in (("valid", valid), ("invalid", ~valid))
    }


def _baseline(
    rows: dict[str, dict[str, object]], pairs: Sequence[LabelledPair], valid: np.ndarray
) -> dict[str, object]:
    recordings = {sr_id: Recording.from_row(row) for sr_id, row in rows.items()}
    features = baseline_features([recordings[p.q_source_id] for p in pairs], [recordings[p.m_source_id] for p in pairs])
    held_out = np.random.default_rng(0).random(len(pairs))[components(pairs)] < 1 / 3
    model = GradientBoostingClassifier(n_estimators=300, learning_rate=0.4, max_depth=1, random_state=0)
    model.fit(features[~held_out], valid[~held_out])
    wrong = model.predict(features[held_out]) != valid[held_out]
    tested = [pair for pair, test in zip(pairs, held_out, strict=True) if test]
    importance: dict[str, float] = defaultdict(float)
    for name, value in zip(BASELINE_FEATURES, model.feature_importances_, strict=True):
        importance[name.split("_")[0]] += float(value)
    return {
        "baseline_accuracy": round(float(1 - wrong.mean()), 4),
        "importance": {name: round(value, 4) for name, value in importance.items()},
        "baseline_errors": dict(
            Counter(f"{p.tag}:{p.phenomenon}" for p, bad in zip(tested, wrong, strict=True) if bad).most_common()
        ),
    }


def _spread(values: np.ndarray) -> dict[str, float]:
    return {"mean": round(float(values.mean()), 1), "std": round(float(values.std()), 1)}


def _missing(sample: Sample, name: str) -> float:
    return sum(str(row[name]).casefold() in {"", "none", "null"} for row in sample.rows) / len(sample.rows)


def table(measured: Mapping[str, Mapping[str, Any]]) -> str:
    """Write the figures that are known of a real catalogue beside the measured ones.

    Parameters
    ----------
    measured : mapping
        Seed to what `measure` gave for it.

    Returns
    -------
    str
        A Markdown table.
    """
    everywhere = (REAL, *measured.values())
    lines = ["", "| | real | " + " | ".join(f"seed {seed}" for seed in measured) + " |"]
    lines.append("|---" * (2 + len(measured)) + "|")
    for way in ("raw", "processed"):
        for tag in ("valid", "invalid"):
            real = REAL[f"wratio_{tag}"]
            found = [figures[f"wratio_{way}"][tag] for figures in measured.values()]
            cells = [f"{each['mean']} ({each['std']})" for each in (real, *found)]
            lines.append(_line(f"WRatio of {tag} pairs, {way}: mean (deviation)", cells))
    names = {
        "baseline_accuracy": "accuracy of the baseline",
        "valid_share": "share of valid pairs",
        "ids_per_pair": "different ids per pair",
        "both_sides_share": "share of ids on both sides",
    }
    for key, name in names.items():
        lines.append(_line(name, [f"{each[key]:.4g}" for each in everywhere]))
    lines.extend(
        _line(f"importance of {key}", [f"{each['importance'][key]:.3f}" for each in everywhere])
        for key in REAL["importance"]
    )
    return "\n".join(lines) + "\n\n"


def _line(name: str, cells: Sequence[str]) -> str:
    return f"| {name} | " + " | ".join(cells) + " |"


def _put_on_page(text: str) -> None:
    before, rest = _PAGE.read_text(encoding="utf-8").split(_TABLE[0])
    after = rest.split(_TABLE[1])[1]
    with write_aside(_PAGE) as aside:
        aside.write_text(before + _TABLE[0] + text + _TABLE[1] + after, encoding="utf-8")


def main() -> None:
    """Generate, measure and save one sample for each seed, and put the figures on the page about the sample."""
    measured = {}
    for seed in arguments(__doc__ or "", seeds=True).seeds:
        started = time.perf_counter()
        sample = generate(seed=seed)
        measured[str(seed)] = measure(sample, time.perf_counter() - started)
    save("sample_realism", "python -m benchmarks.sample_realism", {"real": REAL, "measured": measured})
    _put_on_page(table(measured))


if __name__ == "__main__":
    main()
