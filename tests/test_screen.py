"""The cheap look at candidates: next to nothing worth judging is lost, and where it cannot tell it says nothing."""

import numpy as np

from matching.screen import LOST, WORTH, Screen, looks_at


def judged_pairs(n_pairs, seed):
    """Pairs whose match probability rises with both cosines and falls with the distance of their lengths."""
    generator = np.random.default_rng(seed)
    cosines, alike = generator.random((2, n_pairs)).astype(np.float32)
    apart = np.where(generator.random(n_pairs) < 0.2, np.nan, generator.exponential(20, n_pairs)).astype(np.float32)
    cosines[::50] = np.nan
    log_odds = (
        8 * np.nan_to_num(cosines) + 8 * alike - np.nan_to_num(apart, nan=5) - 6 + generator.normal(0, 1, n_pairs)
    )
    return looks_at(cosines, alike, (apart,)), 1 / (1 + np.exp(-log_odds))


def test_next_to_nothing_that_is_worth_judging_is_lost_and_much_of_the_rest_is_left_out():
    screen = Screen.learn(*judged_pairs(60_000, 1))
    looks, probabilities = judged_pairs(300_000, 2)
    passed, worth = screen.worth_judging(looks), probabilities >= WORTH
    assert (~passed[worth]).mean() < 4 * LOST
    assert passed.mean() < 0.8
    assert worth.mean() < 0.5


def test_a_pair_is_told_the_same_whatever_comes_with_it():
    screen = Screen.learn(*judged_pairs(20_000, 3))
    looks, _ = judged_pairs(2_000, 4)
    assert screen.worth_judging(looks[:7]).tolist() == screen.worth_judging(looks)[:7].tolist()
    assert screen.worth_judging(looks[:0]).shape == (0,)


def test_nothing_is_said_where_too_few_pairs_are_worth_judging_or_all_are():
    looks, probabilities = judged_pairs(20_000, 5)
    assert Screen.learn(looks, np.minimum(probabilities, WORTH / 2)) is None
    assert Screen.learn(looks, np.maximum(probabilities, WORTH)) is None
    one = np.maximum(probabilities, WORTH)
    one[7] = 0
    assert Screen.learn(looks, one) is None


def test_a_model_that_decides_valid_earlier_has_more_candidates_judged():
    looks, probabilities = judged_pairs(60_000, 6)
    usual, early = Screen.learn(looks, probabilities), Screen.learn(looks, probabilities, 0.02)
    assert early.worth_judging(looks).sum() > usual.worth_judging(looks).sum()


def test_what_is_missing_is_a_value_of_its_own():
    column = np.array([np.nan, 0], dtype=np.float32)
    looks = looks_at(column, np.zeros(2, np.float32), (column,))
    assert np.isfinite(looks).all()
    assert looks[0].tolist() != looks[1].tolist()
    assert looks.dtype == np.float32
