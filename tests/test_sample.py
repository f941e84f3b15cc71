import csv
import hashlib
import json
import os
import subprocess
import sys
from collections import Counter

import pytest

from catalog.errors import InputError
from catalog.isrc import parse_isrc
from catalog.recording import Recording
from catalog.sample import INVALID_PHENOMENA, PHENOMENA, VALID_PHENOMENA, generate, slips, write_sample
from catalog.sample.lexicon import Term, compose, load_languages, weighted_patterns
from catalog.sample.sources import load_sources, sources_of
from catalog.store import FIELDS, Catalog

EXAMPLE = {"123", "456", "789"}


def digest(sample):
    pairs = [(pair.q_source_id, pair.m_source_id, pair.tag, pair.phenomenon) for pair in sample.pairs]
    text = json.dumps([sample.rows, pairs, sorted(sample.masters.items())], ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()


@pytest.fixture(scope="session")
def default_sample():
    return generate()


@pytest.fixture(scope="session")
def small_sample():
    return generate(records=2_000, pairs=1_000, seed=3)


def test_the_default_sample_has_the_promised_size(default_sample):
    assert len(default_sample.rows) == 50_000
    assert len(default_sample.pairs) == 28_000
    assert sum(pair.tag == "valid" for pair in default_sample.pairs) == 10_080


def test_every_phenomenon_occurs_under_its_own_tag(default_sample):
    found = {"valid": Counter(), "invalid": Counter()}
    for pair in default_sample.pairs:
        found[pair.tag][pair.phenomenon] += 1
    assert set(found["valid"]) == set(VALID_PHENOMENA)
    assert set(found["invalid"]) == set(INVALID_PHENOMENA)
    assert len(set(PHENOMENA)) == len(PHENOMENA)


def test_a_few_ids_stand_on_both_sides_so_that_pairs_are_linked(default_sample):
    q_ids = {pair.q_source_id for pair in default_sample.pairs}
    m_ids = {pair.m_source_id for pair in default_sample.pairs}
    assert 0.009 < len(q_ids & m_ids) / len(q_ids | m_ids) < 0.014


def test_sources_write_their_shares_of_the_ids(default_sample):
    count = Counter(row["sr_id"].split("__")[0] for row in default_sample.rows)
    wanted = {source.name: source.share for source in load_sources() if source.share >= 1}
    for name, share in wanted.items():
        assert count[name] / 500 == pytest.approx(share, rel=0.25 if share > 1 else 0.4), name
    assert len(count) > 150


@pytest.mark.parametrize(
    ("field", "least", "most"),
    [("isrcs", 0.2, 0.3), ("contributors", 0.28, 0.38), ("artists", 0.002, 0.02), ("title", 0, 0)],
)
def test_fields_are_missing_as_often_as_in_a_real_catalogue(default_sample, field, least, most):
    recordings = [Recording.from_row(row) for row in default_sample.rows]
    assert least <= sum(not getattr(recording, field) for recording in recordings) / len(recordings) <= most


def test_titles_differ_in_length_and_collide(default_sample):
    titles = [row["title"] for row in default_sample.rows]
    lengths = sorted(map(len, titles))
    shortest, longest = lengths[len(lengths) // 10], lengths[len(lengths) * 9 // 10]
    assert shortest < 8
    assert longest > 25
    masters_of = {}
    for row in default_sample.rows:
        masters_of.setdefault(row["title"].casefold(), set()).add(default_sample.masters[row["sr_id"]])
    shared = sum(len(masters_of[title.casefold()]) > 1 for title in titles)
    assert 0.4 < shared / len(titles) < 0.8
    assert max(map(len, masters_of.values())) < len(titles) / 100


def test_most_isrcs_are_well_formed(default_sample):
    codes = [code for row in default_sample.rows for code in Recording.from_row(row).isrcs]
    assert 0.97 < sum(parse_isrc(code) is not None for code in codes) / len(codes) < 1


@pytest.mark.parametrize("hash_seed", ["0", "4711"])
def test_the_seed_decides_everything_in_any_process(small_sample, hash_seed):
    code = (
        "from tests.test_sample import digest; from catalog.sample import generate;"
        "print(digest(generate(records=2_000, pairs=1_000, seed=3)))"
    )
    environment = os.environ | {"PYTHONHASHSEED": hash_seed}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == digest(small_sample)


def test_another_seed_makes_another_sample(small_sample):
    assert digest(generate(records=2_000, pairs=1_000, seed=4)) != digest(small_sample)


@pytest.mark.parametrize(("records", "pairs"), [(50, 30), (50, 0), (200, 100), (200, 1), (1_000, 600)])
@pytest.mark.parametrize("seed", range(5))
def test_small_samples_keep_the_proportions(records, pairs, seed):
    sample = generate(records=records, pairs=pairs, seed=seed)
    assert len({row["sr_id"] for row in sample.rows}) == records
    assert len({frozenset((pair.q_source_id, pair.m_source_id)) for pair in sample.pairs}) == pairs
    assert sum(pair.tag == "valid" for pair in sample.pairs) == round(0.36 * pairs)


def test_valid_pairs_share_a_master_and_invalid_pairs_do_not(small_sample):
    for pair in small_sample.pairs:
        same = small_sample.masters[pair.q_source_id] == small_sample.masters[pair.m_source_id]
        assert same == (pair.tag == "valid"), pair


def test_every_row_has_every_field_and_a_master(small_sample):
    for row in small_sample.rows:
        assert tuple(row) == ("sr_id", *FIELDS)
    assert set(small_sample.masters) == {row["sr_id"] for row in small_sample.rows}


def test_missing_is_written_in_several_ways(default_sample):
    ways = Counter(
        row["contributors"] for row in default_sample.rows if str(row["contributors"]) in {"", "None", "null"}
    )
    assert set(ways) == {None, "", "None", "null"}
    assert ways[None] > 10 * ways["None"]


def test_the_example_stands_in_the_catalogue_but_in_no_pair(small_sample):
    rows = {row["sr_id"]: row for row in small_sample.rows}
    told = {sr_id: (rows[sr_id]["title"], rows[sr_id]["artists"], rows[sr_id]["contributors"]) for sr_id in EXAMPLE}
    assert told == {
        "123": ("Yesterday", "Beatles The", "Lennon|McCartney"),
        "456": ("Yesterday", "The Beatles", "John Lennon|Paul McCartney"),
        "789": ("Yesterday", "Elvis Presley", "John Lennon|Paul McCartney"),
    }
    assert rows["123"]["isrcs"] is None
    assert rows["456"]["isrcs"] == "GBAYE6500521"
    assert parse_isrc(rows["789"]["isrcs"]) not in {None, "GBAYE6500521"}
    assert small_sample.masters["123"] == small_sample.masters["456"] != small_sample.masters["789"]
    assert not EXAMPLE & {sr_id for pair in small_sample.pairs for sr_id in (pair.q_source_id, pair.m_source_id)}


@pytest.mark.parametrize(
    ("records", "pairs", "told"),
    [(1_000, 601, "0 to 600 pairs"), (1_000, -1, "0 to 600 pairs"), (49, 0, "at least 50"), (-5, 0, "at least 50")],
)
def test_impossible_requests_say_the_limit(tmp_path, records, pairs, told):
    with pytest.raises(InputError, match=told):
        write_sample(tmp_path / "out", records, pairs)
    assert not (tmp_path / "out").exists()


def test_files_hold_what_was_generated(tmp_path):
    sample = generate(records=300, pairs=150, seed=8)
    report = write_sample(tmp_path / "new" / "folder", records=300, pairs=150, seed=8)
    assert (report.records, report.pairs, report.valid) == (300, 150, 54)
    assert report.masters == len(set(sample.masters.values()))
    with Catalog.open(report.catalog, tmp_path / "copies") as catalog:
        assert list(catalog) == [Recording.from_row(row) for row in sorted(sample.rows, key=lambda row: row["sr_id"])]
    assert read(report.groundtruth) == [
        ["q_source_id", "m_source_id", "tag"],
        *([pair.q_source_id, pair.m_source_id, pair.tag] for pair in sample.pairs),
    ]
    assert read(report.truth) == [["sr_id", "master_id"], *map(list, sample.masters.items())]
    assert read(report.phenomena)[0] == ["q_source_id", "m_source_id", "phenomenon"]
    assert [line[2] for line in read(report.phenomena)[1:]] == [pair.phenomenon for pair in sample.pairs]
    assert {path.name for path in report.catalog.parent.iterdir()} == {
        "catalog.db",
        "groundtruth.csv",
        "truth.csv",
        "phenomena.csv",
    }


def test_writing_again_replaces_the_files(tmp_path):
    first = write_sample(tmp_path, records=60, pairs=20, seed=1)
    before = first.groundtruth.read_bytes()
    write_sample(tmp_path, records=60, pairs=20, seed=2)
    assert first.groundtruth.read_bytes() != before
    write_sample(tmp_path, records=60, pairs=20, seed=1)
    assert first.groundtruth.read_bytes() == before


def test_feeds_of_one_language_keep_to_it():
    assert "recochoku" in {source.name for source in sources_of("ja").items}
    assert "recochoku" not in {source.name for source in sources_of("en").items}


def test_patterns_are_filled_alike_in_both_scripts():
    words = iter([Term("夜", "Yoru"), Term("夢", "Yume")])
    pattern = weighted_patterns(["3 {n}の{n}={n} no {n}"]).items[0]
    assert compose(pattern, lambda _: next(words)) == Term("夜の夢", "Yoru no Yume")


@pytest.mark.parametrize("language", load_languages().items, ids=lambda language: language.code)
def test_every_pattern_finds_its_words(language):
    for pattern in language.patterns.items:
        text = compose(pattern, lambda slot: language.slots[slot].items[0])
        assert "{" not in text.native + text.latin


@pytest.mark.parametrize(
    ("change", "before", "after"),
    [
        (slips.mojibake, "Café", "CafÃ©"),
        (slips.html_entities, 'Rock & "Roll"', "Rock &amp; &quot;Roll&quot;"),
        (slips.full_width, "Ab 1|c", "Ａｂ　１|ｃ"),
        (slips.smart_quotes, "Don't", "Don’t"),
        (slips.without_diacritics, "Müller Łukasz", "Muller Lukasz"),
        (slips.without_diacritics, "Ёлка", "Ёлка"),
    ],
)
def test_slips_damage_text_as_said(change, before, after):
    assert change(before) == after


def read(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


@pytest.mark.parametrize("name", ["catalog.db", "groundtruth.csv"])
def test_somebody_elses_data_is_not_overwritten(tmp_path, name):
    (tmp_path / name).write_text("mine")
    with pytest.raises(InputError, match="found other data"):
        write_sample(tmp_path, 100, 20)
    assert (tmp_path / name).read_text() == "mine"
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_an_earlier_sample_is_replaced(tmp_path):
    write_sample(tmp_path, 100, 20, seed=1)
    before = (tmp_path / "groundtruth.csv").read_text()
    write_sample(tmp_path, 100, 20, seed=2)
    assert (tmp_path / "groundtruth.csv").read_text() != before
