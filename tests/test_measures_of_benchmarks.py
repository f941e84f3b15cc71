"""What benchmarks measure beside the figures of training: recall at a precision, and pairs across scripts."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.measures import WANTED_PRECISION, across_scripts, precise_recall, with_equal_isrc
from catalog.recording import Recording
from training.pairs import LabelledPairs

JUDGED = st.lists(st.tuples(st.integers(0, 20), st.booleans()), min_size=1, max_size=60).filter(
    lambda pairs: any(valid for _, valid in pairs)
)


def pairs_of(*sides):
    q, m = zip(*sides, strict=True)
    return LabelledPairs(list(q), list(m), np.ones(len(sides), dtype=bool), [])


def recall_of(probabilities, valid):
    figures = precise_recall(np.array(probabilities), np.array(valid), np.arange(len(valid)))
    return figures["recall"]["value"]


def test_recall_stops_before_the_first_pair_that_costs_too_much_precision():
    assert recall_of([0.9, 0.8, 0.7, 0.6], [True, True, False, True]) == round(2 / 3, 6)


def test_pairs_of_one_probability_are_taken_together_or_not_at_all():
    assert recall_of([0.9, 0.7, 0.7], [True, True, False]) == 0.5
    assert recall_of([0.7, 0.7], [True, False]) == 0


def test_one_wrong_pair_in_a_hundred_is_precise_enough():
    assert recall_of([0.9] * 50 + [0.8] + [0.7] * 49, [True] * 50 + [False] + [True] * 49) == 1


def test_without_valid_pairs_there_is_no_recall():
    figures = precise_recall(np.array([0.5]), np.array([False]), np.array([0]))
    assert figures == {"n_valid": 0, "n_invalid": 1, "recall": None}


@given(JUDGED)
def test_recall_is_the_best_over_all_thresholds(judged):
    probabilities, valid = np.array([each / 20 for each, _ in judged]), np.array([valid for _, valid in judged])
    best = 0.0
    for threshold in np.unique(probabilities):
        decided = probabilities >= threshold
        if valid[decided].sum() >= WANTED_PRECISION * decided.sum():
            best = max(best, valid[decided].sum() / valid.sum())
    assert recall_of(probabilities, valid) == round(best, 6)


def test_a_pair_is_across_scripts_if_one_field_is_latin_on_one_side_only():
    latin, native = Recording("a", "Gwaenchana", ("Autumn Band",)), Recording("b", "괜찮아", ("가을 밴드",))
    half, number = Recording("c", "Gwaenchana", ("가을 밴드",)), Recording("d", "1979")
    pairs = pairs_of(
        (latin, native), (native, latin), (latin, half), (latin, latin), (native, native), (native, number)
    )
    assert across_scripts(pairs).tolist() == [True, True, True, False, False, False]


def test_equal_isrcs_are_equal_however_written():
    one, other, third = (Recording(code, isrcs=(code,)) for code in ("GBAYE6500521", "GB-AYE-65-00521", "USRC17001234"))
    assert with_equal_isrc(pairs_of((one, other), (one, third))).tolist() == [True, False]
