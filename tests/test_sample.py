import csv
import hashlib
import json
import os
import random
import subprocess
import sys
from collections import Counter

import pytest

from catalog.errors import InputError
from catalog.isrc import parse_isrc
from catalog.recording import Recording
from catalog.sample import INVALID_PHENOMENA, PHENOMENA, VALID_PHENOMENA, generate, holds_its_pairs, slips, write_sample
from catalog.sample.lexicon import Term, compose, load_languages, weighted_patterns
from catalog.sample.romanising import respelled
from catalog.sample.scripts import script_of
from catalog.sample.sources import load_sources, sources_of
from catalog.store import FIELDS, Catalog, write_catalog

EXAMPLE = {"123", "456", "789"}


def digest(sample):
    pairs = [(pair.q_source_id, pair.m_source_id, pair.tag, pair.phenomenon, pair.shown) for pair in sample.pairs]
    text = json.dumps([sample.rows, pairs, sorted(sample.masters.items())], ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()


@pytest.fixture(scope="session")
def default_sample():
    return generate()


@pytest.fixture(scope="session")
def small_sample():
    return generate(records=2_000, pairs=1_000, seed=3)


def test_the_default_sample_has_the_promised_size(default_sample):
    assert len(default_sample.rows) == 60_000
    assert len(default_sample.pairs) == 28_000
    assert sum(pair.tag == "valid" for pair in default_sample.pairs) == 10_080


def counts(sample):
    """How many labelled pairs show each phenomenon, by tag."""
    found = {"valid": Counter(), "invalid": Counter()}
    for pair in sample.pairs:
        found[pair.tag].update(pair.shown)
    return found


def test_every_phenomenon_occurs_under_its_own_tag(default_sample):
    found = counts(default_sample)
    assert set(found["valid"]) == set(VALID_PHENOMENA)
    assert set(INVALID_PHENOMENA) <= set(found["invalid"]) <= set(PHENOMENA)
    assert {pair.phenomenon for pair in default_sample.pairs if pair.tag == "invalid"} == set(INVALID_PHENOMENA)
    assert len(set(PHENOMENA)) == len(PHENOMENA)


def test_every_kind_of_another_master_is_there_often_enough_to_be_learnt(default_sample):
    found = Counter(pair.phenomenon for pair in default_sample.pairs)
    assert {name: found[name] for name in INVALID_PHENOMENA if found[name] < 60} == {}


def test_what_a_pair_shows_names_nothing_twice_and_its_phenomenon_first(default_sample):
    for pair in default_sample.pairs:
        assert pair.shown[0] == pair.phenomenon
        assert len(set(pair.shown)) == len(pair.shown), pair
        assert ("identical" in pair.shown) <= (pair.shown == ("identical",)), pair


def test_ids_are_nearly_disjoint_over_pairs(default_sample):
    used = Counter(sr_id for pair in default_sample.pairs for sr_id in (pair.q_source_id, pair.m_source_id))
    assert 2 * len(default_sample.pairs) / len(used) < 1.15
    assert max(used.values()) <= 3


def test_scripts_meet_in_valid_and_in_invalid_pairs_with_and_without_an_equal_code(default_sample):
    rows = {row["sr_id"]: row for row in default_sample.rows}
    across = [pair for pair in default_sample.pairs if "cross_script" in pair.shown]
    for pair in across:
        titles = {script_of(rows[sr_id]["title"]) for sr_id in (pair.q_source_id, pair.m_source_id)}
        assert titles == {"latin", "native"}
    valid = [pair for pair in across if pair.tag == "valid"]
    equal = [p for p in valid if (rows[p.q_source_id]["isrcs"] or "") == rows[p.m_source_id]["isrcs"]]
    assert len(valid) > 450
    assert len(across) - len(valid) > 300
    assert 0.4 < len(equal) / len(valid) < 0.6


def test_versions_meet_on_both_sides_as_one_master_and_as_two(default_sample):
    found = counts(default_sample)
    assert found["invalid"]["two_versions"] > 60
    assert found["invalid"]["two_of_a_kind"] > 60
    assert found["valid"]["same_version"] > 500
    assert found["valid"]["version_note_style"] > 200


def test_codes_of_one_album_are_neighbours(default_sample):
    rows = {row["sr_id"]: row for row in default_sample.rows}
    near = 0
    for pair in default_sample.pairs:
        if pair.phenomenon == "same_album_track":
            q, m = (parse_isrc(str(rows[sr_id]["isrcs"])) for sr_id in (pair.q_source_id, pair.m_source_id))
            near += bool(q and m) and q[:7] == m[:7] and abs(int(q[7:]) - int(m[7:])) < 5
    assert near > 20


def test_an_empty_isrc_field_may_have_its_code_in_the_id(default_sample):
    rows = {row["sr_id"]: row for row in default_sample.rows}
    told = [pair for pair in default_sample.pairs if pair.tag == "valid" and "isrc_in_id" in pair.shown]
    assert len(told) > 20
    for pair in told:
        ids = [sr_id for sr_id in (pair.q_source_id, pair.m_source_id) if not Recording.from_row(rows[sr_id]).isrcs]
        assert any(parse_isrc(part) for sr_id in ids for part in sr_id.split("_"))


def test_a_few_ids_stand_on_both_sides_so_that_pairs_are_linked(default_sample):
    q_ids = {pair.q_source_id for pair in default_sample.pairs}
    m_ids = {pair.m_source_id for pair in default_sample.pairs}
    assert 0.009 < len(q_ids & m_ids) / len(q_ids | m_ids) < 0.014


def test_sources_write_their_shares_of_the_ids(default_sample):
    count = Counter(row["sr_id"].split("__")[0] for row in default_sample.rows)
    wanted = {source.name: source.share for source in load_sources() if source.share >= 1}
    for name, share in wanted.items():
        assert count[name] / 600 == pytest.approx(share, rel=0.25 if share > 1 else 0.4), name
    assert len(count) > 150


@pytest.mark.parametrize(
    ("field", "least", "most"),
    [("isrcs", 0.1, 0.2), ("contributors", 0.1, 0.2), ("artists", 0.002, 0.02), ("title", 0, 0)],
)
def test_fields_are_missing_now_and_then(default_sample, field, least, most):
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
    assert read(report.phenomena)[0] == ["q_source_id", "m_source_id", "phenomenon", "shown"]
    explained = [[pair.phenomenon, "|".join(pair.shown)] for pair in sample.pairs]
    assert [line[2:] for line in read(report.phenomena)[1:]] == explained
    assert {path.name for path in report.catalog.parent.iterdir()} == {
        "catalog.db",
        "groundtruth.csv",
        "truth.csv",
        "phenomena.csv",
        "DATASHEET.md",
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


@pytest.mark.parametrize(
    ("text", "script"),
    [
        ("Ya tebya", "latin"),
        ("Ünü", "latin"),
        ("Ａｂｃ", "latin"),
        ("1999", "latin"),
        ("夜の夢", "native"),
        ("Ночь (Live)", "both"),
        ("밤 - Remastered", "both"),
    ],
)
def test_scripts_are_told_apart(text, script):
    assert script_of(text) == script


def test_romanisations_are_usual_ones():
    assert {respelled("ja", way, "Shouta") for way in range(5)} == {"Shota", "Shohta", "Shōta", "Shouta", "Syouta"}
    assert {respelled("ko", way, "Hyeon-u") for way in range(5)} == {"Hyeonu", "Hyunu", "Hyun woo", "Hyeon u"}
    assert respelled("en", 3, "Shouta") == "Shouta"


@pytest.mark.parametrize("seed", range(20))
def test_bad_typing_leaves_a_text_that_can_be_recognised(seed):
    text = "Wandering Along the Northern Harbour"
    typed = slips.badly_typed(random.Random(seed), text)
    assert typed != text
    assert len(set(typed.casefold()) & set(text.casefold())) >= 8


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


def test_a_ground_truth_of_ones_own_is_not_taken_for_the_samples(tmp_path):
    write_sample(tmp_path, 200, 100, 3)
    groundtruth = tmp_path / "groundtruth.csv"
    assert holds_its_pairs(tmp_path, groundtruth)
    assert not holds_its_pairs(tmp_path / "elsewhere", groundtruth)
    lines = groundtruth.read_text(encoding="utf-8").splitlines()
    groundtruth.write_text("\n".join(lines[:-1]), encoding="utf-8")
    assert not holds_its_pairs(tmp_path, groundtruth)


def test_what_was_imported_or_labelled_beside_a_sample_is_not_replaced(tmp_path):
    def sampled():
        write_sample(tmp_path, 120, 30, 20)

    sampled()
    sampled()  # an earlier sample is
    groundtruth, catalog = tmp_path / "groundtruth.csv", tmp_path / "catalog.db"
    before = groundtruth.read_bytes()
    groundtruth.write_text("q_source_id,m_source_id,tag\n123,456,valid\n", encoding="utf-8")
    with pytest.raises(InputError, match="found other data"):
        sampled()
    groundtruth.write_bytes(before)
    sampled()
    write_catalog(catalog, [{"sr_id": "1", "title": "Mine"}])
    kept = catalog.read_bytes()
    with pytest.raises(InputError, match="found other data"):
        sampled()
    assert (catalog.read_bytes(), groundtruth.read_bytes()) == (kept, before)
