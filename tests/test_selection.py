"""Choosing how to fit: folds that keep linked pairs together, every setting tried, the blended one taken unless
another is clearly better."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import log_loss

from catalog.errors import GroundTruthError
from matching.classifier import probability
from matching.features import NAMES
from training import fitting, selection
from training.calibration import calibrate
from training.classifier import fit_classifier
from training.fitting import Setting, Start, fit_setting, uncalibrated
from training.lessons import Lessons
from training.policy import Policy
from training.selection import select

USED = ("cosine", "title", "artists", "contributors", "isrc")
ALONE = (Setting(2, 10), Setting(4, 30))
MOSTLY_OWN = (Setting(2, 10, 0.1), Setting(4, 30, 0.1))
WITH_OTHERS = (Setting(4, 20, 0.5),)
AS_IT_IS = Setting(0, 0)
BLENDED = Setting(4, 20, 1.0, blended=True)
FROM_DEFAULT = (*ALONE, *MOSTLY_OWN, Setting(4, 20, 1.0), AS_IT_IS, BLENDED)
GRIDS = {"ALONE": ALONE, "_WITH_OTHERS": WITH_OTHERS, "_FROM_DEFAULT": FROM_DEFAULT}


def lessons_of_five(n_lessons, seed, noise=0.3, by=(1, 1, 1, 1, 1)):
    """Lessons whose label depends on the five features, a third of the values missing, four lessons to a position."""
    generator = np.random.default_rng(seed)
    drawn = generator.random((n_lessons, len(USED)))
    valid = drawn @ np.array(by) + generator.normal(0, noise, n_lessons) > np.sum(by) / 2
    drawn[generator.random(drawn.shape) < 0.3] = np.nan
    features = np.full((n_lessons, len(NAMES)), np.nan, dtype=np.float32)
    features[:, [NAMES.index(name) for name in USED]] = drawn
    groups = np.arange(n_lessons) // 4
    return Lessons(
        features, valid, generator.permutation(groups.max() + 1)[groups] / n_lessons, np.arange(n_lessons) % 4 < 2
    )


@pytest.fixture(autouse=True)
def small_grids(monkeypatch):
    """Grids of the real form with smaller trees: what the real ones hold is not what is tested here."""
    for name, grid in GRIDS.items():
        assert {(bool(s.leaves), bool(s.start_weight)) for s in getattr(selection, name)} == {
            (bool(s.leaves), bool(s.start_weight)) for s in grid
        }
        monkeypatch.setattr(selection, name, grid)
    monkeypatch.setattr(fitting, "MOSTLY_OWN", MOSTLY_OWN)


@pytest.fixture(scope="module")
def start():
    """A default model that learnt from many pairs of the same kind."""
    lessons = lessons_of_five(1_500, 1)
    return Start(lessons, fit_setting(lessons, USED, Setting(4, 40), None))


def losses(chosen):
    """Log loss of every setting over all folds, from the figures that are reported."""
    by_setting = {}
    for fold in chosen.folds:
        setting = Setting(fold.leaves, fold.rounds, fold.start_weight, fold.blended)
        by_setting.setdefault(setting, []).append((fold.n_pairs, fold.log_loss))
    return {s: sum(n * loss for n, loss in folds) / sum(n for n, _ in folds) for s, folds in by_setting.items()}


def test_folds_keep_linked_lessons_together_and_are_of_about_one_size():
    lessons = lessons_of_five(1_000, 2)
    folds = selection._folds(lessons)
    assert np.unique(folds).tolist() == [0, 1, 2, 3, 4]
    for position in np.unique(lessons.positions):
        assert len(set(folds[lessons.positions == position].tolist())) == 1
    assert 150 < np.bincount(folds).min() <= np.bincount(folds).max() < 250


def test_one_large_group_stays_in_one_fold():
    lessons = lessons_of_five(400, 3)
    positions = np.where(np.arange(400) < 150, 0.999, lessons.positions)
    folds = selection._folds(replace(lessons, positions=positions))
    assert len(set(folds[:150].tolist())) == 1


def test_every_setting_and_every_fold_is_reported(start):
    lessons = lessons_of_five(400, 4)
    found = losses(chosen := select(lessons, USED, start))
    assert set(found) == set(FROM_DEFAULT)
    for setting in found:
        folds = [fold for fold in chosen.folds if (fold.leaves, fold.rounds) == (setting.leaves, setting.rounds)]
        folds = [fold for fold in folds if fold.start_weight == setting.start_weight]
        folds = [fold for fold in folds if fold.blended == setting.blended]
        assert [fold.fold for fold in folds] == [0, 1, 2, 3, 4]
        assert sum(fold.n_pairs for fold in folds) == lessons.as_it_is.sum()
        assert all(0 <= fold.f1 <= 1 and fold.log_loss > 0 for fold in folds)


def test_the_least_log_loss_is_chosen_where_nothing_is_blended():
    found = losses(chosen := select(lessons_of_five(400, 4), USED, None))
    assert found[chosen.setting] == pytest.approx(min(found.values()))


def test_the_blended_setting_is_chosen_where_the_least_log_loss_may_be_so_by_chance(start):
    """Few lessons of the same kind as the default model's: its own are better, but forty cannot show it."""
    found = losses(chosen := select(lessons_of_five(160, 16), USED, start))
    assert chosen.setting == BLENDED
    assert min(found, key=found.get) != BLENDED


def test_the_blended_setting_is_chosen_where_all_lessons_hang_together(start):
    lessons = lessons_of_five(200, 19)
    chosen = select(replace(lessons, positions=np.full(200, 0.5)), USED, start)
    assert chosen.setting == BLENDED


def test_a_setting_is_chosen_before_the_blended_one_where_it_is_clearly_better(start):
    """Elsewhere another feature counts."""
    other = replace(start, lessons=lessons_of_five(1_500, 18, noise=0.0, by=(1, 0, 0, 0, 0)))
    found = losses(chosen := select(lessons_of_five(2_000, 17, noise=0.0, by=(0, 1, 0, 0, 0)), USED, other))
    assert chosen.setting != BLENDED
    assert found[chosen.setting] == pytest.approx(min(found.values()))


def test_a_blended_setting_is_judged_by_the_mean_of_its_parts(start):
    lessons = lessons_of_five(160, 16)
    chosen = select(lessons, USED, start)
    folds = selection._folds(lessons)
    assert chosen.setting == BLENDED
    for fold in range(5):
        fitted = fit_setting(lessons.take(folds != fold), USED, BLENDED, start)
        held = lessons.take(folds == fold).columns(fitted.features).features
        assert chosen.log_odds[folds == fold] == pytest.approx(fitted.contributions(held).sum(axis=1))


def test_the_reported_loss_is_that_of_the_calibrated_log_odds_that_are_handed_on():
    lessons = lessons_of_five(400, 5)
    chosen = select(lessons, USED, None)
    rows = lessons.as_it_is
    line = calibrate(chosen.log_odds[rows], lessons.valid[rows])
    given = probability(line.slope * chosen.log_odds[rows] + line.intercept)
    assert losses(chosen)[chosen.setting] == pytest.approx(log_loss(lessons.valid[rows], given))
    assert set(losses(chosen)) == set(ALONE)


def test_no_lesson_is_judged_by_a_fit_that_had_seen_it_or_one_linked_to_it(monkeypatch):
    lessons, taught = lessons_of_five(400, 6), []

    def watched(seen, *rest):
        taught.append(set(seen.positions.tolist()))
        return fit_setting(seen, *rest)

    monkeypatch.setattr(selection, "fit_setting", watched)
    select(lessons, USED, None)
    folds = selection._folds(lessons)
    everything = set(lessons.positions.tolist())
    expected = [everything - set(lessons.positions[folds == fold].tolist()) for _ in ALONE for fold in range(5)]
    assert sorted(map(sorted, taught)) == sorted(map(sorted, expected))  # several fits run at once


def test_the_mean_leans_on_the_default_model_where_the_labels_are_few_and_its_lessons_are_noise():
    """The default model knows the rule, and nothing that it could be learnt from anew does."""
    master = fit_setting(lessons_of_five(6_000, 10, noise=0.0), USED, Setting(8, 80), None)
    garbled = replace(lessons_of_five(300, 11), valid=np.random.default_rng(12).random(300) < 0.5)
    own = lessons_of_five(200, 13, noise=0.0)
    found = losses(chosen := select(own, USED, Start(garbled, master)))
    assert chosen.setting == BLENDED
    assert min(found, key=found.get) == AS_IT_IS
    assert (
        found[BLENDED] < min(loss for setting, loss in found.items() if setting.leaves and not setting.blended) - 0.05
    )


def test_the_default_model_as_it_is_wins_where_no_mean_is_preferred(monkeypatch):
    """The default model knows the rule, and nothing that it could be learnt from anew does."""
    monkeypatch.setattr(selection, "_STANDARD_ERRORS", 0)
    master = fit_setting(lessons_of_five(6_000, 10, noise=0.0), USED, Setting(8, 80), None)
    garbled = replace(lessons_of_five(300, 11), valid=np.random.default_rng(12).random(300) < 0.5)
    own = lessons_of_five(40, 13, noise=0.0)
    assert select(own, USED, Start(garbled, master)).setting == AS_IT_IS
    fitted = fit_classifier(own, USED, Start(garbled, master), Policy())
    assert fitted.classifier.trees is master.trees
    assert fitted.classifier.slope > 0


def test_rescaled_trees_give_a_straight_line_of_what_they_gave(start):
    features = lessons_of_five(160, 16).columns(USED).features
    rescaled = uncalibrated(USED, start.classifier.trees.rescaled(2.0, 0.5)).contributions(features).sum(axis=1)
    assert rescaled == pytest.approx(2 * start.classifier.contributions(features).sum(axis=1) + 0.5)


def test_labels_that_contradict_the_default_model_outweigh_it(start):
    """Elsewhere only the title counts."""
    lessons = lessons_of_five(1_200, 14, noise=0.05, by=(0, 1, 0, 0, 0))
    chosen = select(lessons, USED, start)
    found = losses(chosen)
    assert found[AS_IT_IS] > 1.5 * found[chosen.setting]
    assert chosen.setting != AS_IT_IS


def test_the_default_model_as_it_is_is_no_choice_where_its_features_are_switched_off(start):
    lessons = lessons_of_five(200, 15)
    tried = losses(select(lessons, USED[:4], start))
    assert AS_IT_IS not in tried
    assert FROM_DEFAULT[1] in tried


def test_lessons_of_other_catalogues_are_learnt_from_without_a_default_model(start):
    chosen = select(lessons_of_five(200, 21), USED, Start(start.lessons))
    assert set(losses(chosen)) == set(WITH_OTHERS)


def test_the_lessons_of_the_default_model_weigh_what_the_setting_says(start):
    """The more they weigh, the nearer is the fit to the default model, however many they are."""
    own = lessons_of_five(600, 16, by=(0, 1, 0, 0, 0), noise=0.05)
    fresh = lessons_of_five(800, 17).columns(USED).features

    def distance(weight, lessons):
        fitted = fit_setting(own, USED, Setting(4, 40, weight), Start(lessons, start.classifier))
        return np.abs(fitted.match_probabilities(fresh) - start.classifier.match_probabilities(fresh)).mean()

    distances = [distance(weight, start.lessons) for weight in (0.0, 0.1, 1.0, 10.0, 1_000.0)]
    assert distances == sorted(distances, reverse=True)
    assert distances[-1] < 0.05 < distances[0] / 3
    twice = Lessons(*(np.concatenate((column, column)) for column in vars(start.lessons).values()))
    assert distance(1.0, twice) == pytest.approx(distances[2], abs=0.03)


def test_a_calibration_never_turns_the_order_around_and_wants_both_tags(caplog):
    log_odds = np.linspace(-3, 3, 100)
    line = calibrate(log_odds, log_odds > 0.5)
    assert probability(line.slope * 3 + line.intercept) > 0.9
    assert probability(line.slope * -3 + line.intercept) < 0.1
    turned = calibrate(log_odds, log_odds < 0)
    assert (turned.slope, turned.intercept) == (1.0, 0.0)
    assert "too few" not in caplog.text
    one_kind = calibrate(log_odds, np.ones(100, dtype=bool))
    assert (one_kind.slope, one_kind.intercept) == (1.0, 0.0)
    assert "too few to hold both tags" in caplog.text


def test_a_calibration_gives_probabilities_that_hold():
    generator = np.random.default_rng(18)
    true = generator.normal(0, 2, 20_000)
    valid = generator.random(20_000) < probability(true)
    line = calibrate(3 * true + 1, valid)
    assert line.slope == pytest.approx(1 / 3, abs=0.02)
    assert line.intercept == pytest.approx(-1 / 3, abs=0.05)


@pytest.mark.parametrize("n_lessons", [2, 5, 20])
def test_a_handful_of_lessons_is_enough_to_choose(n_lessons):
    lessons = replace(lessons_of_five(n_lessons, 19), valid=np.arange(n_lessons) % 2 == 0)
    lessons = replace(lessons, as_it_is=np.ones(n_lessons, dtype=bool))
    chosen = select(lessons, USED, None)
    assert chosen.setting in ALONE
    assert np.isfinite(chosen.log_odds).all()


def test_what_cannot_be_learnt_from_is_said():
    lessons = lessons_of_five(50, 20)
    with pytest.raises(GroundTruthError, match="got 50 valid and 0 invalid"):
        fit_setting(replace(lessons, valid=np.ones(50, dtype=bool)), USED, ALONE[0], None)
    with pytest.raises(GroundTruthError, match="without any metadata"):
        fit_setting(lessons, ("album", "label"), ALONE[0], None)
