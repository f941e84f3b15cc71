"""Clusters: components and average linkage against other libraries, chains, sizes, names and shares."""

import networkx as nx
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import squareform

from batch.naming import name_clusters
from matching.clusters import Links, average_link, components, representatives, unlinked_pairs
from matching.prior import adjusted, estimated_share, link_probabilities
from training.cluster_measures import measure_clusters

THRESHOLD = 0.5


def links_of(pairs):
    q, m, probability = (np.array(side) for side in zip(*sorted(pairs), strict=True)) if pairs else ([], [], [])
    return Links(np.array(q, dtype=np.int64), np.array(m, dtype=np.int64), np.array(probability, dtype=np.float64))


@st.composite
def judged(draw, most=12):
    count = draw(st.integers(1, most))
    pairs = [(q, m) for q in range(count) for m in range(q + 1, count)]
    chosen = draw(st.lists(st.sampled_from(pairs), unique=True)) if pairs else []
    return count, links_of([(q, m, draw(st.integers(1, 99)) / 100) for q, m in chosen])


def same_clusters(one, other):
    return (
        len(set(zip(one.tolist(), other.tolist(), strict=True))) == len(set(one.tolist())) == len(set(other.tolist()))
    )


@given(judged())
def test_components_are_those_of_networkx(case):
    count, links = case
    graph = nx.Graph()
    graph.add_nodes_from(range(count))
    graph.add_edges_from(zip(links.q.tolist(), links.m.tolist(), strict=True))
    labels = components(count, links)
    for component in nx.connected_components(graph):
        assert len({labels[row] for row in component}) == 1
    assert len(set(labels.tolist())) == nx.number_connected_components(graph)


@settings(max_examples=200)
@given(judged())
def test_average_linkage_within_components_is_that_of_the_whole(case):
    """Cutting at valid links first changes nothing that average linkage itself would not have cut."""
    count, links = case
    labels, stopped = average_link(count, links, THRESHOLD)
    assert stopped == []
    parts = components(count, links.take(links.probability >= THRESHOLD))
    for part in set(parts.tolist()):
        rows = np.flatnonzero(parts == part)
        assert set(labels[rows].tolist()).isdisjoint(labels[parts != part].tolist())
        if len(rows) < 3:
            assert len(set(labels[rows].tolist())) == 1
            continue
        distances = np.ones((len(rows), len(rows)))
        for q, m, probability in zip(links.q, links.m, links.probability, strict=True):
            if parts[q] == parts[m] == part:
                one, other = np.searchsorted(rows, (q, m))
                distances[one, other] = distances[other, one] = 1 - probability
        np.fill_diagonal(distances, 0)
        expected = fcluster(linkage(squareform(distances), "average"), 1 - THRESHOLD, "distance")
        assert same_clusters(labels[rows], expected)


def test_one_doubtful_link_chains_no_two_masters_together():
    inside = [(0, 1, 0.99), (0, 2, 0.99), (1, 2, 0.99), (3, 4, 0.99), (3, 5, 0.99), (4, 5, 0.99)]
    labels, _ = average_link(6, links_of([*inside, (2, 3, 0.6)]), THRESHOLD)
    assert len(set(labels[:3].tolist())) == 1
    assert labels[2] != labels[3]


def test_order_of_the_links_changes_nothing():
    generator = np.random.default_rng(3)
    pairs = [(q, m, float(p)) for q, m, p in zip(range(40), range(1, 41), generator.random(40), strict=True)]
    links = links_of(pairs)
    shuffled = generator.permutation(len(links.q))
    assert np.array_equal(average_link(41, links, 0.3)[0], average_link(41, links.take(shuffled), 0.3)[0])


def test_the_ends_of_a_chain_are_listed():
    links = links_of([(0, 1, 0.9), (1, 2, 0.9), (3, 4, 0.9)])
    q, m = unlinked_pairs(5, links, THRESHOLD)
    assert (q.tolist(), m.tolist()) == ([0], [2])


@pytest.mark.parametrize("largest", [2, 3, 10])
def test_no_cluster_is_larger_than_allowed_and_what_was_is_reported(largest):
    chain = links_of([(row, row + 1, 0.6 + 0.3 * (row % 7) / 7) for row in range(30)])
    labels, stopped = average_link(31, chain, THRESHOLD, largest)
    assert np.bincount(labels).max() <= largest
    assert [(each.row, each.size) for each in stopped] == [(0, 31)]
    assert stopped[0].largest <= largest


def test_many_equal_rows_are_cut_by_their_order():
    equal = links_of([(q, m, 0.9) for q in range(9) for m in range(q + 1, 9)])
    labels, stopped = average_link(9, equal, THRESHOLD, 4)
    assert sorted(np.bincount(labels).tolist()) == [1, 4, 4]
    assert len(stopped) == 1


def test_what_was_cut_to_size_has_all_of_its_pairs_judged():
    """A thousand equal rows, of which each was proposed with those near it only."""
    near = links_of([(row, row + step, 0.99) for row in range(1_000) for step in range(1, 21) if row + step < 1_000])
    q, m = unlinked_pairs(1_000, near, THRESHOLD, 400)
    judged = {*zip(near.q.tolist(), near.m.tolist(), strict=True), *zip(q.tolist(), m.tolist(), strict=True)}
    labels, stopped = average_link(1_000, links_of([(*pair, 0.99) for pair in judged]), THRESHOLD, 400)
    assert sorted(np.bincount(labels).tolist()) == [200, 400, 400]
    assert [(each.size, each.largest) for each in stopped] == [(1_000, 400)]


def test_a_catalogue_without_links_is_all_singletons():
    labels, stopped = average_link(3, links_of([]), THRESHOLD)
    assert (len(set(labels.tolist())), stopped) == (3, [])


def test_the_representative_is_the_one_in_the_middle_then_the_fullest():
    links = links_of([(0, 1, 0.99), (1, 2, 0.99), (0, 2, 0.6), (3, 4, 0.9)])
    labels, _ = average_link(6, links, THRESHOLD)
    chosen = representatives(labels, links, np.array([9, 1, 9, 1, 2, 1]))
    assert sorted(chosen.tolist()) == [1, 4, 5]


LETTERS = st.lists(st.integers(0, 3), min_size=1, max_size=12)


def named(labels, ids, earlier):
    """Name clusters from plain values."""
    table = pa.table(
        {"sr_id": list(earlier), "cluster_id": list(earlier.values())},
        schema=pa.schema({"sr_id": pa.large_string(), "cluster_id": pa.large_string()}),
    )
    return name_clusters(np.array(labels), pa.array(ids, pa.large_string()), table).to_pylist()


@given(LETTERS, st.data())
def test_names_last(labels, data):
    """Whatever happens to clusters, a name is given once, and an untouched cluster keeps its own."""
    first = np.unique(labels, return_inverse=True)[1]
    ids = [f"r{number:02}" for number in range(len(first))]
    earlier = dict(zip(ids, np.array(named(first, ids, {}), dtype=object)[first], strict=True))
    arrivals = data.draw(st.integers(0, 3))
    after = np.unique([*data.draw(st.permutations(first.tolist())), *range(90, 90 + arrivals)], return_inverse=True)[1]
    all_ids = [*ids, *(f"s{number}" for number in range(arrivals))]
    names = named(after, all_ids, earlier)
    assert len(set(names)) == len(names) == len(set(after.tolist()))
    unchanged = named([*first, *range(len(set(first)), len(set(first)) + arrivals)], all_ids, earlier)
    assert [unchanged[label] for label in first] == [earlier[sr_id] for sr_id in ids]


def test_a_merge_keeps_the_name_of_the_larger_and_a_split_the_larger_part():
    ids = ["a", "b", "c", "d", "e"]
    earlier = {"a": "a", "b": "b", "c": "b", "d": "b", "e": "e"}
    assert named([0, 0, 0, 0, 1], ids, earlier) == ["b", "e"]
    assert named([0, 1, 2, 2, 3], ids, earlier) == ["a", "b~2", "b", "e"]
    assert named([0, 1, 2, 2], ["a", "b", "b~2", "c"], {"a": "a", "b": "b", "b~2": "b", "c": "b"}) == ["a", "b~3", "b"]


def test_measures_count_pairs_recordings_and_whole_clusters():
    found, truth = np.array([0, 0, 0, 1, 2]), np.array([0, 0, 1, 1, 2])
    measured = measure_clusters(found, truth)
    assert (measured["pairwise"].precision, measured["pairwise"].recall) == (1 / 3, 1 / 2)
    assert measured["b_cubed"].precision == pytest.approx((2 / 3 + 2 / 3 + 1 / 3 + 1 + 1) / 5)
    assert measured["b_cubed"].recall == pytest.approx((1 + 1 + 1 / 2 + 1 / 2 + 1) / 5)
    assert (measured["exact"].precision, measured["exact"].recall) == (0, 0)
    perfect = measure_clusters(truth, truth)
    assert all(quality.f1 == 1 for quality in perfect.values())
    last = measure_clusters(found, truth, np.array([False, False, False, False, True]))
    assert all(quality.f1 == 1 for quality in last.values())
    third = measure_clusters(found, truth, np.array([False, False, True, False, False]))
    assert (third["pairwise"].precision, third["pairwise"].recall) == (0, 0)
    assert (third["b_cubed"].precision, third["b_cubed"].recall) == (pytest.approx(1 / 3), 1 / 2)


@given(LETTERS, LETTERS, st.data())
def test_pairwise_measures_are_those_of_all_pairs_with_a_recording_that_counts(one, other, data):
    size = min(len(one), len(other))
    found, truth = (np.unique(side[:size], return_inverse=True)[1] for side in (one, other))
    counted = np.array(data.draw(st.lists(st.booleans(), min_size=size, max_size=size)))
    pairs = [(q, m) for q in range(size) for m in range(q + 1, size) if counted[q] or counted[m]]
    ours = {(q, m) for q, m in pairs if found[q] == found[m]}
    theirs = {(q, m) for q, m in pairs if truth[q] == truth[m]}
    quality = measure_clusters(found, truth, counted)["pairwise"]
    assert quality.precision == pytest.approx(len(ours & theirs) / len(ours) if ours else 1)
    assert quality.recall == pytest.approx(len(ours & theirs) / len(theirs) if theirs else 1)


def test_the_share_of_valid_candidates_is_found_without_labels():
    """Two kinds of pairs, told apart imperfectly, mixed otherwise than where the classifier learnt."""
    generator = np.random.default_rng(5)
    labelled, among_candidates, count = 0.4, 0.08, 100_000
    valid = generator.random(count) < among_candidates
    log_odds = generator.normal(np.where(valid, 2.0, -2.0), 2.0)  # log-odds of one even mixture
    probabilities = adjusted(1 / (1 + np.exp(-log_odds)), labelled, 0.5)
    assert estimated_share(probabilities, count, labelled) == pytest.approx(among_candidates, abs=0.01)


@given(st.lists(st.floats(0, 1), max_size=30), st.floats(0.05, 0.95), st.integers(0, 1_000))
def test_links_keep_the_order_of_match_probabilities(probabilities, labelled, more):
    values = np.sort(np.array(probabilities, dtype=np.float64))
    linked = link_probabilities(values, estimated_share(values, len(values) + more, labelled), labelled)
    assert np.all((linked >= 0) & (linked <= 1))
    assert np.all(np.diff(linked) >= -1e-12)
