"""The ground truth: every unusable line is named, and no recording stands on both sides of a split."""

import csv

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.errors import GroundTruthError
from catalog.recording import Recording
from catalog.store import Catalog, write_catalog
from training.pairs import LabelledPairs, read_groundtruth, write_problems
from training.splits import component_positions, pair_positions

HEADER = "q_source_id,m_source_id,tag\n"


@pytest.fixture(scope="module")
def catalog(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pairs")
    write_catalog(folder / "catalog.db", ({"sr_id": letter, "title": letter} for letter in "abcdefgh"))
    with Catalog.open(folder / "catalog.db", folder) as opened:
        yield opened


def read(tmp_path, catalog, text):
    path = tmp_path / "groundtruth.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_groundtruth(path, catalog)


def test_usable_pairs_keep_their_order(tmp_path, catalog):
    pairs = read(tmp_path, catalog, HEADER + "a,b,valid\nc,d,invalid\nb,c,VALID\n")
    assert [(q.sr_id, m.sr_id) for q, m in zip(pairs.q, pairs.m, strict=True)] == [("a", "b"), ("c", "d"), ("b", "c")]
    assert pairs.valid.tolist() == [True, False, True]
    assert pairs.problems == []


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("a,nobody,valid", "the catalogue holds no sr_id 'nobody'"),
        ("nobody,a,valid", "the catalogue holds no sr_id 'nobody'"),
        ("a,e,maybe", "unknown tag 'maybe', expected valid or invalid"),
        ("a,e", "wrong number of cells: 3 expected, 2 found"),
        ("a,e,", "unknown tag '', expected valid or invalid"),
        ("a,,valid", "an id is missing"),
        ("None,a,valid", "an id is missing"),
        ("e,e,valid", "a recording is paired with itself"),
        ("b,a,valid", "repeats line 2"),
        ("a,b,valid", "repeats line 2"),
        ('"a\nx",b,valid', "the catalogue holds no sr_id 'a\\nx'"),
        ('"a,b,valid', "quote that is opened and not closed"),
        ("a\0,b,valid", "NUL character"),
    ],
)
def test_an_unusable_line_is_named_and_the_others_are_used(tmp_path, catalog, line, reason):
    pairs = read(tmp_path, catalog, f"{HEADER}a,b,valid\n{line}\nc,d,invalid\n")
    assert [(problem.line, problem.reason) for problem in pairs.problems] == [(3, reason)]
    assert len(pairs) == 2


def test_contradicting_lines_both_fall_whatever_the_order_of_their_ids(tmp_path, catalog):
    pairs = read(tmp_path, catalog, HEADER + "a,b,valid\nc,d,invalid\nb,a,invalid\na,b,valid\n")
    assert [(problem.line, problem.reason) for problem in pairs.problems] == [
        (2, "contradicts line 4, which has the other tag"),
        (4, "contradicts line 2, which has the other tag"),
        (5, "contradicts line 2, which has the other tag"),
    ]
    assert len(pairs) == 1


def test_further_columns_other_orders_and_a_byte_order_mark_do_not_hurt(tmp_path, catalog):
    pairs = read(tmp_path, catalog, "\ufeffTAG, m_source_id ,note,Q_source_id\nvalid,b,x,a\n\n")
    assert (pairs.q[0].sr_id, pairs.m[0].sr_id, pairs.valid[0]) == ("a", "b", True)


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_any_usual_delimiter_is_read(tmp_path, catalog, delimiter):
    assert len(read(tmp_path, catalog, (HEADER + "a,b,valid\n").replace(",", delimiter))) == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "found only blanks"),
        ("q,m,tag\na,b,valid\n", "q_source_id, m_source_id must be added"),
        (HEADER, "the file holds no pairs"),
        (
            HEADER + "a,nobody,valid\n",
            r"found none of 1: line 2: the catalogue holds no sr_id .nobody.; are these pairs of another catalogue",
        ),
        (HEADER + "a,b,valid\na,b,invalid\n", "found none of 2: line 2: contradicts"),
        (b"\x00\xff\xfe" * 100, "expected the columns"),
    ],
)
def test_a_file_without_anything_usable_is_refused(tmp_path, catalog, text, message):
    with pytest.raises(GroundTruthError, match=message):
        read(tmp_path, catalog, text)


def test_a_file_that_is_not_there_is_refused(tmp_path, catalog):
    with pytest.raises(GroundTruthError, match="expected a CSV file of labelled pairs"):
        read_groundtruth(tmp_path / "absent.csv", catalog)
    with pytest.raises(GroundTruthError, match="expected a CSV file of labelled pairs"):
        read_groundtruth(tmp_path, catalog)


def test_problems_go_to_a_file_and_an_old_file_goes_with_them(tmp_path, catalog):
    pairs = read(tmp_path, catalog, HEADER + "a,b,valid\na,nobody,valid\n")
    path = tmp_path / "groundtruth.rejected.csv"
    write_problems(pairs.problems, path)
    with path.open(newline="") as stream:
        assert list(csv.reader(stream))[1] == [
            "3",
            "the catalogue holds no sr_id 'nobody'",
            "a",
            "nobody",
            "valid",
        ]
    write_problems([], path)
    assert not path.exists()


EDGES = st.lists(st.tuples(st.integers(0, 15), st.integers(0, 15)), min_size=1, max_size=20)


@settings(max_examples=200)
@given(EDGES, st.integers(0, 3), st.randoms(use_true_random=False))
def test_linked_pairs_share_a_position_and_the_order_of_the_file_does_not_matter(edges, seed, shuffler):
    def positions(rows):
        sides = [[Recording(str(row[side])) for row in rows] for side in (0, 1)]
        return component_positions(LabelledPairs(*sides, np.ones(len(rows), dtype=bool), []), seed)

    found = dict(zip(edges, positions(edges), strict=True))
    components = list(nx.connected_components(nx.Graph(edges)))
    by_component = [{found[edge] for edge in edges if edge[0] in component} for component in components]
    assert all(len(values) == 1 for values in by_component)
    sizes = [sum(edge[0] in component for edge in edges) for component in components]
    small = [values for values, size in zip(by_component, sizes, strict=True) if size <= max(1, len(edges) / 10)]
    assert len(set().union(*small)) == len(small)
    large = set().union(*(values for values in by_component if values not in small))
    assert all(value > 0.999_999 for value in large)
    assert all(0 <= value < 1 for value in found.values())
    shuffled = list(edges)
    shuffler.shuffle(shuffled)
    assert dict(zip(shuffled, positions(shuffled), strict=True)) == found


@pytest.mark.parametrize("positions", [component_positions, pair_positions])
def test_positions_spread_evenly(positions):
    pairs = LabelledPairs(
        [Recording(f"q{n}") for n in range(2_000)], [Recording(f"m{n}") for n in range(2_000)], np.ones(2_000, bool), []
    )
    shares = np.histogram(positions(pairs, 20), bins=5, range=(0, 1))[0] / 2_000
    np.testing.assert_allclose(shares, 0.2, atol=0.04)
