"""Where valid begins, and which pairs are worth a look."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit, logit
from sklearn.metrics import precision_recall_curve

from catalog.errors import GroundTruthError, InputError
from training.policy import Policy, best_f1_threshold, min_precision_threshold, promised_precision
from training.review import ReviewBand, ReviewCosts, review_band, review_table

SHARES = st.floats(0, 1)
PRICES = st.floats(0, 1000)
COSTS = st.builds(ReviewCosts, PRICES, PRICES, PRICES)
# Few distinct probabilities, so that ties are common.
JUDGED = st.lists(st.tuples(st.integers(0, 20).map(lambda n: n / 20), st.booleans()), min_size=1, max_size=60)


def arrays(judged):
    probabilities, valid = zip(*judged, strict=True)
    return np.array(probabilities, dtype=np.float64), np.array(valid, dtype=np.bool_)


def promised_from(probabilities, valid, threshold):
    decided = probabilities >= threshold
    return promised_precision(int((decided & valid).sum()), int(decided.sum()))


def calibrated_pairs(generator, n_pairs):
    """Draw pairs whose labels are as likely as their probabilities say."""
    half = n_pairs // 2
    probabilities = np.concatenate((generator.beta(0.15, 3, half), generator.beta(4, 0.12, n_pairs - half)))
    return probabilities, generator.random(n_pairs) < probabilities


@pytest.mark.parametrize(("slope", "intercept"), [(1, 0), (0.5, 1), (2, -1)])
def test_the_threshold_is_half_of_the_f1_however_the_probabilities_were_calibrated(slope, intercept):
    probabilities, valid = calibrated_pairs(np.random.default_rng(5), 100_000)
    probabilities = np.clip(probabilities, 1e-6, 1 - 1e-6)
    threshold = best_f1_threshold(expit(slope * logit(probabilities) + intercept), valid)
    meant = expit((logit(threshold) - intercept) / slope)
    decided = probabilities >= meant
    assert meant == pytest.approx((decided & valid).sum() / (decided.sum() + valid.sum()), abs=0.02)


@pytest.mark.parametrize("seed", range(20))
def test_where_probabilities_say_nothing_the_threshold_stays_among_them(seed):
    generator = np.random.default_rng(seed)
    probabilities = generator.uniform(0.4, 0.6, 40)
    threshold = best_f1_threshold(probabilities, generator.random(40) < 0.5)
    assert threshold >= probabilities.min()


def test_the_threshold_is_nearly_the_best_on_new_pairs():
    """Chosen on 300 pairs it loses less of the best F1 than the threshold that was best for their tags."""
    generator = np.random.default_rng(11)
    new, labels = calibrated_pairs(generator, 200_000)

    def f1(threshold):
        decided = new >= threshold
        return 2 * (decided & labels).sum() / (decided.sum() + labels.sum())

    lost, lost_by_tags = 0.0, 0.0
    for _ in range(40):
        probabilities, valid = calibrated_pairs(generator, 300)
        precision, recall, steps = precision_recall_curve(valid, probabilities)
        by_tags = steps[(2 * precision * recall / (precision + recall))[:-1].argmax()]
        lost += f1(0.5) - f1(best_f1_threshold(probabilities, valid))
        lost_by_tags += f1(0.5) - f1(by_tags)
    assert lost < lost_by_tags / 2


@pytest.mark.parametrize(("right", "decided", "promised"), [(298, 298, 0.98999), (299, 299, 0.99003), (0, 5, 0.0)])
def test_a_promise_is_the_exact_lower_bound(right, decided, promised):
    """Without a mistake the bound solves p**n = 0.05."""
    assert promised_precision(right, decided) == pytest.approx(promised, abs=2e-5)
    if right == decided:
        assert promised_precision(right, decided) ** decided == pytest.approx(0.05)


@given(JUDGED.filter(lambda judged: any(valid for _, valid in judged)), st.floats(0.01, 0.99))
def test_the_lowest_threshold_that_promises_the_precision_is_taken(judged, wanted):
    probabilities, valid = arrays(judged)
    keeping = [step for step in np.unique(probabilities) if promised_from(probabilities, valid, step) >= wanted]
    if keeping:
        assert min_precision_threshold(probabilities, valid, wanted) == keeping[0]
    else:
        with pytest.raises(GroundTruthError, match="promise at most"):
            min_precision_threshold(probabilities, valid, wanted)


def test_a_wanted_precision_is_kept_on_new_pairs():
    """The plain share of right decisions would keep it in about half of the trials."""
    generator = np.random.default_rng(7)
    new, labels = calibrated_pairs(generator, 400_000)
    kept = 0
    for _ in range(60):
        threshold = min_precision_threshold(*calibrated_pairs(generator, 2_000), 0.95)
        kept += labels[new >= threshold].mean() >= 0.95
    assert kept >= 54


def test_an_unreachable_precision_says_what_is_reachable():
    probabilities = np.array([0.9] * 60 + [0.1] * 60)
    with pytest.raises(GroundTruthError, match=r"promise at most 0\.9512, from 60 pairs .* 0 are wrong .* 299 pairs"):
        min_precision_threshold(probabilities, probabilities > 0.5, 0.99)
    assert min_precision_threshold(probabilities, probabilities > 0.5, 0.95) == 0.9


@pytest.mark.parametrize("choose", [best_f1_threshold, lambda p, v: min_precision_threshold(p, v, 0.9)])
def test_without_valid_pairs_no_threshold_can_be_chosen(choose):
    with pytest.raises(GroundTruthError, match="none of them valid"):
        choose(np.array([0.2, 0.4]), np.array([False, False]))


@pytest.mark.parametrize(("wanted", "said"), [(0.5, "where F1 is best, too"), (0.97, "the lowest threshold that does")])
def test_what_is_promised_is_said(wanted, said, caplog):
    caplog.set_level("INFO")
    probabilities, valid = calibrated_pairs(np.random.default_rng(3), 5_000)
    chosen = Policy(min_precision=wanted).thresholds(probabilities, valid)
    assert f"a precision of {wanted:g} is promised from {chosen.threshold:.4f} on, {said}" in caplog.text


@pytest.mark.parametrize("precision", [0.0, 1.0, -1.0, float("nan")])
def test_a_precision_that_makes_no_sense_is_refused(precision):
    with pytest.raises(InputError, match="between 0 and 1"):
        Policy(min_precision=precision)
    with pytest.raises(InputError, match="between 0 and 1"):
        min_precision_threshold(np.array([0.5]), np.array([True]), precision)


def test_a_policy_departs_from_the_best_f1_only_for_the_precision():
    generator = np.random.default_rng(3)
    probabilities, valid = calibrated_pairs(generator, 4_000)
    by_f1 = Policy().thresholds(probabilities, valid)
    assert by_f1.threshold == best_f1_threshold(probabilities, valid)
    assert Policy(min_precision=0.6).thresholds(probabilities, valid) == by_f1
    strict = Policy(min_precision=0.985).thresholds(probabilities, valid)
    assert strict.threshold == min_precision_threshold(probabilities, valid, 0.985)
    assert strict.threshold > by_f1.threshold
    assert strict.review == review_band(strict.threshold, ReviewCosts())


def test_the_usual_costs_make_the_usual_band():
    assert review_band(0.5, ReviewCosts()) == pytest.approx((0.1, 0.9))


@given(SHARES, SHARES, COSTS)
def test_a_pair_is_looked_at_exactly_if_that_is_cheaper_than_deciding(probability, threshold, costs):
    band = review_band(threshold, costs)
    assert 0 <= band.low <= threshold <= band.high <= 1
    wrong = (1 - probability) * costs.wrong_valid if probability >= threshold else probability * costs.wrong_invalid
    on_the_edge = probability == threshold or wrong == pytest.approx(costs.review, rel=1e-6, abs=1e-6)
    assert on_the_edge or (band.low < probability < band.high) == (wrong > costs.review)


@pytest.mark.parametrize("cost", [-1.0, float("nan"), float("inf")])
@pytest.mark.parametrize("name", ["wrong_valid", "wrong_invalid", "review"])
def test_a_cost_that_makes_no_sense_is_refused(name, cost):
    with pytest.raises(InputError, match=f"cost of a {name.replace('_', ' ')}"):
        ReviewCosts(**{name: cost})


@given(JUDGED, SHARES, COSTS)
def test_the_policys_band_is_expected_to_be_cheapest_and_the_table_adds_up(judged, threshold, costs):
    probabilities, valid = arrays(judged)
    options = review_table(probabilities, valid, threshold, costs)
    assert [option.band for option in options if option.chosen] == [review_band(threshold, costs)]
    (cheapest,) = (option for option in options if option.cheapest)
    assert cheapest.measured_cost == min(option.measured_cost for option in options)
    if threshold not in probabilities:  # a look at a pair right at the threshold is never taken where bands end there
        (chosen,) = (option for option in options if option.chosen)
        assert chosen.expected_cost <= min(option.expected_cost for option in options) + 1e-9
    nothing = options[0]
    assert (nothing.band, nothing.reviewed) == (ReviewBand(threshold, threshold), 0)
    assert nothing.wrong_valid + nothing.wrong_invalid == ((probabilities >= threshold) != valid).sum()
    for option in options:
        paid = option.wrong_valid * costs.wrong_valid + option.wrong_invalid * costs.wrong_invalid
        assert option.measured_cost == pytest.approx(paid / len(valid) + option.reviewed * costs.review)


def test_a_wider_band_leaves_fewer_errors():
    probabilities, valid = calibrated_pairs(np.random.default_rng(5), 3_000)
    options = review_table(probabilities, valid, 0.5, ReviewCosts())
    reviewed = [option.reviewed for option in options]
    errors = [option.wrong_valid + option.wrong_invalid for option in options]
    assert reviewed == sorted(reviewed)
    assert errors == sorted(errors, reverse=True)
    assert len(options) == 7
    assert options[0].measured_cost > next(option for option in options if option.chosen).measured_cost


def test_a_pair_at_an_end_of_the_band_is_not_looked_at():
    """The matcher decides so, too."""
    probabilities = np.array([0.1, 0.5, 0.9])
    (chosen,) = (o for o in review_table(probabilities, probabilities > 0.2, 0.4, ReviewCosts()) if o.chosen)
    assert chosen.reviewed == pytest.approx(1 / 3)
