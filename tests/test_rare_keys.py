"""Rare keys: each is rare, shared by equal texts, and found by sparse products as by comparing all with all."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from batch.neighbourhood import by_neighbourhood
from index.key_index import KeyBlock, most_alike
from index.rare_keys import MOST, KeyCounts

WORDS = st.sampled_from(["love", "night", "the", "train", "señor", "夜", "remix", "x", "blue moon", "1999", ""])
TEXTS = st.lists(st.lists(WORDS, max_size=7).map(" ".join), min_size=1, max_size=30)


def counted(texts, parts=1):
    """Count texts in so many parts, as the groups of a run do."""
    total, pairs = KeyCounts.empty(len(texts)), []
    for part in range(parts):
        counts = KeyCounts.empty(len(texts))
        counts.count(texts[part::parts])
        total.add(counts)
    for part in range(parts):
        counts = KeyCounts(total.tables.copy())
        counts.count_pairs(texts[part::parts])
        pairs.append(counts.tables[-1])
    for table in pairs:
        total.add_pairs(table)
    return total


def sets_of(keys):
    return [
        set(zip(keys.hashes[start:stop].tolist(), keys.frequencies[start:stop].tolist(), strict=True))
        for start, stop in zip(keys.starts[:-1], keys.starts[1:], strict=True)
    ]


@given(TEXTS, st.integers(1, 4))
def test_groups_change_nothing(texts, parts):
    assert np.array_equal(counted(texts).tables, counted(texts, parts).tables)


@given(TEXTS)
def test_a_text_has_the_same_keys_alone_and_among_others(texts):
    counts = counted(texts)
    together = sets_of(counts.keys(texts))
    assert together == [sets_of(counts.keys([text]))[0] for text in texts]
    for keys, text in zip(together, texts, strict=True):
        assert all(keys == other for other, same in zip(together, texts, strict=True) if same == text)


@given(TEXTS)
def test_no_key_is_had_by_more_recordings_than_it_says(texts):
    found = sets_of(counted(texts).keys(texts))
    for keys in found:
        for hashed, frequency in keys:
            assert sum(any(hashed == other for other, _ in theirs) for theirs in found) <= frequency <= MOST


@given(TEXTS)
def test_the_rarest_come_first_and_none_twice(texts):
    keys = counted(texts).keys(texts)
    for start, stop in zip(keys.starts[:-1], keys.starts[1:], strict=True):
        assert np.all(np.diff(keys.frequencies[start:stop].astype(int)) >= 0)
        assert len(set(keys.hashes[start:stop].tolist())) == stop - start


def test_the_nearer_lengths_are_the_more_keys_are_shared():
    lengths = ["4:00", "4:03", "9:59", *["1:00"] * 5]
    texts = [f"{name} ; {length}" for name, length in zip("abcdefgh", lengths, strict=True)]
    found = [{hashed for hashed, _ in keys} for keys in sets_of(counted(texts).keys(texts))]
    assert len(found[0] & found[1]) > len(found[0] & found[2])


def test_common_words_that_are_rare_together_are_a_key():
    words = [f"word{letter}" for letter in "abcdefgh"]
    texts = [f"{one} {other}" for one in words for other in words for _ in range(8)]
    found = [{hashed for hashed, _ in keys} for keys in sets_of(counted(texts).keys(texts))]
    assert all(found)
    assert found[0 * 64 + 8] & found[8 * 8]  # "worda wordb" and "wordb worda"


def dense(keys, recordings, bits):
    """Work the cosine of keys out for all pairs, without sparse matrices; keys of one bucket are one."""
    rows = np.zeros((len(keys.starts) - 1, 1 << bits))
    for row, found in zip(rows, sets_of(keys), strict=True):
        weights = {hashed: np.log(max(recordings / count, 1.1)) for hashed, count in found}
        length = np.sqrt(sum(weights[hashed] ** 2 for hashed, count in found if count > 1))
        for hashed, count in found:
            row[hashed >> (32 - bits)] += weights[hashed] / length if count > 1 else 0
    return rows @ rows.T


@settings(deadline=None)
@given(TEXTS, st.integers(1, 3))
def test_sparse_products_find_what_comparing_all_with_all_finds(texts, blocks):
    counts, recordings = counted(texts), len(texts)
    parts = [part.tolist() for part in np.array_split(np.arange(recordings), blocks) if len(part)]
    keys = [counts.keys([texts[row] for row in part]) for part in parts]
    built = [KeyBlock.build([each], part[0], recordings) for each, part in zip(keys, parts, strict=True)]
    found = most_alike(counts.keys(texts), [KeyBlock.of(block.arrays()) for block in built], recordings)
    expected = dense(counts.keys(texts), recordings, built[0].shared.shape[0].bit_length() - 1)
    similarities = np.zeros_like(expected)
    similarities[found.q, found.rows] = found.similarities
    assert similarities == pytest.approx(np.minimum(expected, 1), abs=1e-4)


@given(st.integers(1, 12), st.data())
def test_neighbourhoods_hold_every_recording_once(count, data):
    pairs = [(q, m) for q in range(count) for m in range(q + 1, count)]
    chosen = data.draw(st.lists(st.sampled_from(pairs), unique=True)) if pairs else []
    q, m = (np.array([pair[side] for pair in chosen], dtype=np.int64) for side in (0, 1))
    alike = np.array([data.draw(st.integers(0, 5)) for _ in chosen], dtype=np.float32)
    order = np.argsort(-alike)
    assert sorted(by_neighbourhood(count, q[order], m[order]).tolist()) == list(range(count))


def test_what_is_alike_stands_together():
    places = by_neighbourhood(6, np.array([0, 1, 2, 0]), np.array([3, 4, 5, 1]))
    assert abs(places[0] - places[3]) == abs(places[1] - places[4]) == abs(places[2] - places[5]) == 1
