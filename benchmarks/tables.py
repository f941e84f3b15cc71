"""The tables of README.md and docs, written from the committed results, so that no figure is copied by hand.

`python -m benchmarks.tables` writes them; a test asks whether they are up to date. A table stands between
`<!-- figures: NAME -->` and `<!-- end of figures -->`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from benchmarks import tables_of_scale
from benchmarks.record import ROOT, result
from catalog.aside import write_aside

PAGES = (
    *("README.md", "docs/ablation.md", "docs/explanation/choices.md", "docs/figures.md", "docs/questions.md"),
    "docs/scale.md",
)

_MARKED = re.compile(r"(<!-- figures: (\w+) -->\n).*?(<!-- end of figures -->)", re.DOTALL)

Row = Sequence[str]


def main() -> None:
    """Write all tables anew."""
    for name in PAGES:
        path = ROOT / name
        with write_aside(path) as aside:
            aside.write_text(filled(path.read_text(encoding="utf-8")), encoding="utf-8")


def filled(text: str) -> str:
    """Write the tables of one page.

    Parameters
    ----------
    text : str
        With marked places.

    Returns
    -------
    str
        The same with the figures of the committed results.
    """
    return _MARKED.sub(lambda found: f"{found[1]}{_table(TABLES[found[2]]())}\n{found[3]}", text)


def _table(rows: Iterator[Row]) -> str:
    head, *body = rows
    return "\n".join((_line(head), "|" + "---|" * len(head), *map(_line, body)))


def _line(row: Row) -> str:
    return "| " + " | ".join(row) + " |"


def _share(value: float) -> str:
    return f"{value:.4f}"


def _interval(figure: dict[str, float], digits: int = 4) -> str:
    return f"{figure['value']:.{digits}f} ({figure['low']:.{digits}f}-{figure['high']:.{digits}f})"


def _pairs_of_the_sample() -> Iterator[Row]:
    yield (
        *("`python -m benchmarks.pairs`: sample", "accuracy", "F1", "baseline: accuracy"),
        *("our errors / the baseline's", "calibration error", "across scripts: recall at precision 0.99"),
    )
    found = result("pairs")
    for seed, row in zip(found["seeds"], found["sample"], strict=True):
        ours, theirs = row["all_features"]["intervals"], row["baseline"]["intervals"]
        yield (
            *(f"seed {seed}", _interval(ours["accuracy"]), _share(ours["f1"]["value"])),
            *(_share(theirs["accuracy"]["value"]), _interval(row["error_ratio"], 3)),
            *(
                _share(ours["calibration_error"]["value"]),
                _interval(row["across_scripts"]["all"]["all_features"]["recall"], 3),
            ),
        )


def _pairs_of_music20() -> Iterator[Row]:
    pairs = result("pairs")
    found = pairs["music20"]
    names = {
        "trained": "learnt from its training pairs",
        "started": "the same, started from the default model",
        "five_features": "five features only, learnt from its training pairs",
        "baseline": "baseline, learnt from its training pairs",
    }
    rows = [(name, found[key]) for key, name in names.items()]
    for seed, row in zip(pairs["seeds"], found["zero_shot"], strict=True):
        rows.append((f"no label of it seen: default model of seed {seed}", row))
    yield "Music-20, its own test pairs", "F1", "accuracy", "calibration error"
    for name, row in rows:
        at = row["intervals"]
        yield name, _interval(at["f1"]), _share(at["accuracy"]["value"]), _share(at["calibration_error"]["value"])


def _few_labels() -> Iterator[Row]:
    ways = {
        "zero_shot": "default model as it is",
        "alone": "learnt alone",
        "started": "started from the default",
        "started - alone": "started less alone",
        "started - zero_shot": "started less default",
    }
    found = result("few_labels")
    seeds = len(found["pairs"]["seeds"])
    yield (
        f"`python -m benchmarks.few_labels`: F1 with {found['pairs']['labelled']} labelled pairs of a new kind of "
        f"catalogue, mean of {seeds} seeds (standard error)",
        *ways.values(),
    )
    for form, summary in found["summary"].items():
        yield (
            form,
            *(
                f"{summary[way]['mean']:{'+' if '-' in way else ''}.4f} ({summary[way]['standard_error']:.4f})"
                for way in ways
            ),
        )


def _review_loop() -> Iterator[Row]:
    rows = [row for row in result("review_loop")["rows"] if "verdicts" in row]
    yield (
        "`python -m benchmarks.review_loop`: F1 on candidate pairs, of the model in charge",
        *(f"after {n} verdicts" if n else "default model" for n in dict.fromkeys(row["verdicts"] for row in rows)),
    )
    for catalogue in dict.fromkeys(str(row["catalogue"]) for row in rows):
        yield catalogue, *(f"{row['in_charge']['f1']:.4f}" for row in rows if row["catalogue"] == catalogue)


def _few_labels_on_candidates() -> Iterator[Row]:
    rows = result("review_loop")["rows"]
    counts = sorted({int(row["labels"]) for row in rows if "labels" in row})
    yield (
        "`python -m benchmarks.review_loop`: F1 on candidate pairs",
        *("default model", *(f"{count:,} labelled pairs" for count in counts)),
    )
    for catalogue in dict.fromkeys(str(row["catalogue"]) for row in rows):
        own = [row for row in rows if row["catalogue"] == catalogue]
        default = next(row["in_charge"]["f1"] for row in own if row.get("verdicts") == 0)
        yield catalogue, *(f"{f1:.4f}" for f1 in (default, *(row["in_charge"]["f1"] for row in own if "labels" in row)))


def _throughput() -> Iterator[Row]:
    yield (
        *("`python -m benchmarks.throughput`: features and probability, pairs/s", "one process", "two processes"),
        "baseline's 19 features, two processes",
    )
    kinds = {
        "nearest": "every recording with its 20 nearest",
        "labelled": "labelled pairs, most recordings once",
    }
    for dataset in result("throughput")["datasets"]:
        for key, name in kinds.items():
            speeds = dataset[key]["pairs_per_second"]
            ours = speeds["onemaster"]
            yield (
                f"{dataset['name']}, {name}",
                *(f"{each:,}" for each in (ours["one_process"], ours["two_processes"])),
                f"{speeds['baseline']['two_processes']:,}",
            )


def _peers() -> Iterator[Row]:
    yield (
        *("`python -m benchmarks.peers`: Music-20, clusters without labels", "pairwise: precision", "recall", "F1"),
        *("F1 at the cut that is best by the truth", "seconds"),
    )
    for row in result("peers")["rows"]:
        if "left_out" not in row:
            best = row.get("best_by_the_truth")
            yield (
                row["name"],
                *(_share(row["default"][name]) for name in ("precision", "recall", "f1")),
                *(_share(best["f1"]) if best else "", f"{row['seconds']:.0f}"),
            )


def _encoders() -> Iterator[Row]:
    names = {
        "hashed_trigrams": "default encoder",
        "hashed_trigrams_fine_tuned": "the same, fine-tuned",
        "exact_tfidf": "exact tf-idf of trigrams",
        "minilm": "all-MiniLM-L6-v2",
    }
    yield (
        *("`python -m benchmarks.encoder`: exact search, 20 nearest", "all true pairs found", "held-out labelled ones"),
        "recordings/s, one core",
    )
    for dataset in result("encoder")["datasets"]:
        for key, name in names.items():
            row = dataset[key]
            if "left_out" not in row:
                yield (
                    f"{dataset['name']}, {dataset['recordings']:,}: {name}",
                    *(_share(row[found]) for found in ("pair_completeness", "pair_completeness_held_out")),
                    f"{row['recordings_per_second_median']:,}",
                )


def _service() -> Iterator[Row]:
    yield (
        *("`python -m benchmarks.service`: recordings", "callers", "`GET /`, requests/s", "/ the empty route's"),
        *("/ the bare route's", "p99 / the empty route's", "/ the bare route's", "requests/s / the plain service's"),
    )
    for row in result("service")["rows"]:
        for callers in (8, 32, 64, 128):
            found = row[f"{callers}_callers"]
            beside = [found[f"pair_to_{route}"] for route in ("empty", "bare")]
            yield (
                *(f"{row['records']:,}", f"{callers}", f"{found['pair']['requests_per_second']:,.0f}"),
                *(f"{each['requests_per_second']:.2f}" for each in beside),
                *(f"{each['p99']:.2f}" for each in beside),
                f"{found['pair_to_plain']:.1f}",
            )


def _service_further() -> Iterator[Row]:
    yield (
        *("recordings", "`GET /candidates`, ms, first and again", "posted pairs/s in two rounds, first; again"),
        *("seconds to ready", "MB of its own, and mapped"),
    )
    for row in result("service")["rows"]:
        memory = row["memory_mb"]
        posted = row["posted_pairs_per_second"]
        first, again = (" and ".join(f"{rate:,.0f}" for rate in posted[when]) for when in ("first", "again"))
        yield (
            *(f"{row['records']:,}", f"{row['candidates_first_p50_ms']:.1f}, {row['candidates_again_p50_ms']:.1f}"),
            *(f"{first}; {again}", f"{row['seconds_to_ready']:.1f}", f"{memory['own']}, {memory['mapped']}"),
        )


def _ablation() -> Iterator[Row]:
    tables = result("ablation")["tables"]
    columns = [tables[name] for name in ("sample", "music20_trained", "music20_zero_shot")]
    yield "groups", "sample", "Music-20, learnt", "Music-20, no label seen"
    for choice in columns[0]:
        yield choice, *(_errors(column[choice]) for column in columns)


def _groups_that_matter() -> Iterator[Row]:
    """Give the groups without which the sample's pairs are decided most wrongly, and the core alone."""
    tables = result("ablation")["tables"]
    columns = [tables[name] for name in ("sample", "music20_trained", "music20_zero_shot")]
    without = [choice for choice in columns[0] if choice.startswith("without")]
    worst = sorted(without, key=lambda choice: -columns[0][choice]["error"])[:4]
    yield "`python -m benchmarks.ablation`: groups", "sample", "Music-20, learnt", "Music-20, no label seen"
    for choice in ("all groups", *worst, "core alone"):
        yield choice, *(f"{column[choice]['error'] * 1e3:.1f}" for column in columns)


def _errors(row: dict[str, Any]) -> str:
    more = row["more_than_all"]["accuracy"]
    if not more["low"] and not more["high"]:
        return f"{row['error'] * 1e3:.1f}"
    return f"{row['error'] * 1e3:.1f} ({more['low'] * 1e3:+.1f} to {more['high'] * 1e3:+.1f})"


TABLES: dict[str, Callable[[], Iterator[Row]]] = {
    **tables_of_scale.TABLES,
    "pairs_of_the_sample": _pairs_of_the_sample,
    "pairs_of_music20": _pairs_of_music20,
    "few_labels": _few_labels,
    "review_loop": _review_loop,
    "few_labels_on_candidates": _few_labels_on_candidates,
    "throughput": _throughput,
    "peers": _peers,
    "encoders": _encoders,
    "ablation": _ablation,
    "groups_that_matter": _groups_that_matter,
    "service": _service,
    "service_further": _service_further,
}


if __name__ == "__main__":
    main()
