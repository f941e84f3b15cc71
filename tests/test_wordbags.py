"""Words that two recordings share, field by field, weigh what they weigh set by set."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.recording import Recording
from matching.prepared import FIELDS, prepare
from matching.rarity import bucket_of
from matching.wordbags import SharedWords, WordBags

WEIGHTS = np.linspace(0, 1, 8, dtype=np.float32)
BAGS = st.dictionaries(st.integers(0, len(WEIGHTS) - 1), st.integers(1, FIELDS["all"]))
NAMES = st.sampled_from(sorted(FIELDS))


def buckets(bag, field):
    return {bucket for bucket, fields in bag.items() if fields & FIELDS[field]}


def weight(found):
    return sum(float(WEIGHTS[bucket]) + 0.05 for bucket in found)


def share(shared, whole):
    return pytest.approx(min(weight(shared) / weight(whole), 1))


@given(st.lists(BAGS, min_size=1, max_size=5), NAMES, NAMES)
def test_shared_words_are_those_of_two_sets(bags, field, other):
    q, m = (side.ravel() for side in np.indices((len(bags), len(bags))))
    asked = dict.fromkeys([(field, field), (field, other), (other, field)])
    shared = SharedWords(WordBags(WEIGHTS, bags), q, m, list(asked))
    weights, (jaccard, contained), (forth, back) = (
        shared.weight(field, other),
        shared.overlap(field),
        shared.found(field, other),
    )
    for row, (one, two) in enumerate((bags[q_row], bags[m_row]) for q_row, m_row in zip(q, m, strict=True)):
        ours, theirs, elsewhere, here = (
            buckets(one, field),
            buckets(two, field),
            buckets(two, other),
            buckets(one, other),
        )
        expected = weight(ours & elsewhere) if ours and elsewhere else np.nan
        assert weights[row] == pytest.approx(expected, nan_ok=True)
        if ours and theirs:
            assert jaccard[row] == share(ours & theirs, ours | theirs)
            assert contained[row] == share(ours & theirs, min(ours, theirs, key=weight))
        else:
            assert np.isnan(jaccard[row])
            assert np.isnan(contained[row])
        assert np.isnan(forth[row]) if not (ours and elsewhere) else forth[row] == share(ours & elsewhere, ours)
        assert np.isnan(back[row]) if not (theirs and here) else back[row] == share(theirs & here, theirs)


def test_a_word_stands_in_every_field_that_has_it():
    recording = Recording(
        "a", "Help! (Beatles Mix)", artists=("The Beatles",), contributors=("John Lennon",), album="Help! Deluxe"
    )
    words = prepare(recording).words
    fields = {word: {name for name in FIELDS if words[bucket_of(word)] & FIELDS[name]} - {"all"} for word in WORDS}
    assert fields == WORDS
    assert set(words) == set(map(bucket_of, WORDS))


WORDS = {
    "help": {"title", "others"},
    "beatles": {"artists", "notes", "others"},
    "mix": {"notes", "others"},
    "john": {"contributors"},
    "lennon": {"contributors"},
    "deluxe": {"others"},
}
