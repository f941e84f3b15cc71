"""The report and the evidence in it: each figure against counting by hand, and a page that stands alone."""

import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, roc_auc_score

from catalog.artefacts import current_version
from catalog.errors import GroundTruthError
from catalog.recording import Recording
from catalog.store import Catalog
from matching.classifier import INVALID, VALID
from matching.features import NAMES
from matching.model import Model
from training.calibration import calibration_error
from training.classifier import Fitted
from training.evidence import Evidence
from training.figures import phenomena_picture
from training.fitting import Setting
from training.importance import group_weights, shapes, topic_weights
from training.intervals import wilson
from training.measures import average_precision, brier, error_ratio, measures, reliability, roc_auc
from training.mistakes import worst_mistakes
from training.pairs import LabelledPairs, read_groundtruth
from training.phenomena import Shares, figures_by_phenomenon, read_phenomena
from training.policy import Policy
from training.report import held_out, tried_settings, write_report
from training.selection import FoldFigures, Selection
from training.verdicts import Judged, Verdicts

SECTIONS = (
    "trained",
    "figures",
    "calibration",
    "cross-validation",
    "threshold",
    "review",
    "phenomena",
    "weights",
    "mistakes",
)
VOID = {"meta", "br", "img", "link", "input", "hr"}
# Few distinct probabilities, so that ties are common.
JUDGED = st.lists(st.tuples(st.integers(0, 20).map(lambda n: n / 20), st.booleans()), min_size=1, max_size=60)


@pytest.fixture(scope="module")
def model(sample_folder):
    return Model.load(current_version(sample_folder.models))


@pytest.fixture(scope="module")
def page(model):
    return (model.folder / "report.html").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def evidence(model, sample_folder):
    """Evidence on a hundred pairs, with features drawn at random: what the page shows need not be good."""
    with Catalog.open(sample_folder.catalog, sample_folder.copies) as catalog:
        pairs = read_groundtruth(sample_folder.groundtruth, catalog).take(np.arange(100))
    return drawn(model, pairs, read_phenomena(sample_folder.groundtruth))


def drawn(model, pairs, shown, policy=None):
    generator = np.random.default_rng(20)
    features = generator.random((len(pairs), len(model.classifier.features))).astype(np.float32)
    probabilities = model.classifier.match_probabilities(features)
    classifier = replace(model.classifier, threshold=float(np.median(probabilities)))
    ours = Verdicts(probabilities, classifier.threshold)
    judged = Judged(pairs, features, ours, Verdicts(generator.random(len(pairs)), 0.5))
    settings = (Setting(4, 300), Setting(0, 0, 2.0))
    folds = [
        FoldFigures(s.leaves, s.rounds, s.start_weight, s.blended, n, n + 1, n / 10, 0.5)
        for s in settings
        for n in (0, 1)
    ]
    selection = Selection(settings[1], np.zeros(len(pairs)), folds)
    valid = np.arange(len(pairs)) % 2 == 0
    fitted = Fitted(classifier, selection, probabilities, valid)
    return Evidence.gather(judged, fitted, policy or Policy(), shown)


def pair(name, **fields):
    return Recording(f"{name}1", **fields), Recording(f"{name}2", **fields)


def labelled(valid, **fields):
    """Pairs of which no two share a recording."""
    q, m = zip(*(pair(f"p{row}_", **fields) for row in range(len(valid))), strict=True)
    return LabelledPairs(list(q), list(m), np.array(valid, dtype=np.bool_), [])


def judged_by_hand(valid, ours, baseline):
    pairs = labelled(valid)
    return Judged(pairs, np.zeros((len(valid), 0)), Verdicts(np.array(ours), 0.5), Verdicts(np.array(baseline), 0.5))


# --------------------------------------------------------------------------------------------- phenomena


def written(tmp_path, text):
    (tmp_path / "phenomena.csv").write_text(text, encoding="utf-8")
    return tmp_path / "groundtruth.csv"


def test_phenomena_are_read_in_either_order_of_the_ids_and_from_both_columns(tmp_path):
    text = "q_source_id,m_source_id,phenomenon,shown\na,b,live,live|cover\nb,a,remix,\nc,d,,typing_error\n"
    assert read_phenomena(written(tmp_path, text)) == {
        frozenset("ab"): {"live", "cover", "remix"},
        frozenset("cd"): {"typing_error"},
    }


def test_the_column_of_all_phenomena_is_optional_and_so_is_the_file(tmp_path):
    assert read_phenomena(tmp_path / "groundtruth.csv") == {}
    found = read_phenomena(written(tmp_path, "Phenomenon;M_source_id;Q_source_id\nlive;a;b\n"))
    assert found == {frozenset("ab"): {"live"}}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("q_source_id,m_source_id\na,b\n", "phenomenon must be added"),
        ("q_source_id,m_source_id,phenomenon\na,b,live\na,,live\n", "line 3: an id or the phenomenon is missing"),
        ("q_source_id,m_source_id,phenomenon\na,b,None\n", "line 2: an id or the phenomenon is missing"),
        ("q_source_id,m_source_id,phenomenon\na,b\n", "line 2: wrong number of cells: 3 expected, 2 found"),
        ("q_source_id,m_source_id,phenomenon\n" + "a,,x\n" * 7, "line 6: .* and 2 further lines: correct the file"),
        ("", "phenomena.csv, got: .*found only blanks"),
    ],
)
def test_wrong_phenomena_stop_the_training_and_are_named(tmp_path, text, message):
    with pytest.raises(GroundTruthError, match=message):
        read_phenomena(written(tmp_path, text))


def test_shares_agree_with_counting_by_hand():
    valid = np.array([True, True, True, False, False])
    shares = Shares.of(np.array([True, True, False, True, False]), valid)
    values = [shares.right.value, shares.precision.value, shares.recall.value, shares.specificity.value]
    assert values == pytest.approx([3 / 5, 2 / 3, 2 / 3, 1 / 2])


@pytest.mark.parametrize(
    ("decided", "valid", "defined"),
    [
        ([True, False], [True, True], {"right", "recall"}),
        ([True, False], [False, False], {"right", "specificity"}),
        ([False, False], [False, False], {"right", "specificity"}),
        ([False, False], [True, False], {"right", "recall", "specificity"}),
        ([True, False], [False, True], {"right", "precision", "recall", "specificity"}),
    ],
)
def test_shares_that_could_only_come_out_one_way_are_not_defined(decided, valid, defined):
    shares = Shares.of(np.array(decided), np.array(valid)).to_json()
    assert {name for name, share in shares.items() if share} == defined


def test_wilsons_interval_is_the_published_one_and_has_a_width_without_errors():
    """Nought of ten and ten of ten: Brown, Cai and DasGupta (2001) give z^2 / (n + z^2) for the far end."""
    squared = 1.959964**2
    none, all_of_them = wilson(0, 10), wilson(10, 10)
    assert (none.low, none.high) == (0.0, pytest.approx(squared / (10 + squared)))
    assert (all_of_them.low, all_of_them.high) == (pytest.approx(10 / (10 + squared)), 1.0)


@given(st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilsons_interval_holds_the_share(counts):
    interval = wilson(*counts)
    assert 0 <= interval.low <= interval.value <= interval.high <= 1


def test_a_pair_counts_for_every_phenomenon_that_it_shows_and_the_worst_come_first():
    pairs = labelled([True, True, False, False])
    shown = {
        frozenset(("p0_1", "p0_2")): {"remaster", "upper_case"},
        frozenset(("p1_2", "p1_1")): {"remaster"},
        frozenset(("p2_1", "p2_2")): {"live", "upper_case"},
        frozenset(("elsewhere", "p2_2")): {"unseen"},
    }
    decided = np.array([True, True, True, False])
    figures = figures_by_phenomenon(pairs, decided, ~decided, shown)
    assert [(f.phenomenon, f.n_pairs, f.n_valid, f.tags) for f in figures] == [
        ("live", 1, 0, "invalid"),
        ("upper_case", 2, 1, "both"),
        ("remaster", 2, 2, "valid"),
    ]
    assert [f.onemaster.right.value for f in figures] == [0, 0.5, 1]
    assert [f.baseline.right.value for f in figures] == [1, 0.5, 0]


# ---------------------------------------------------------------------------------------------- measures


@given(JUDGED)
def test_figures_of_probabilities_are_those_of_scikit_learn(judged):
    probabilities, valid = (np.array(column) for column in zip(*judged, strict=True))
    valid = valid.astype(np.bool_)
    if valid.all() or not valid.any():
        assert np.isnan(roc_auc(probabilities, valid, 0.5))
        assert np.isnan(average_precision(probabilities, valid, 0.5))
    else:
        assert roc_auc(probabilities, valid, 0.5) == pytest.approx(roc_auc_score(valid, probabilities))
        expected = average_precision_score(valid, probabilities)
        assert average_precision(probabilities, valid, 0.5) == pytest.approx(expected)


@given(JUDGED)
def test_the_calibration_error_is_the_mean_distance_of_the_reliability_curve(judged):
    probabilities, valid = (np.array(column) for column in zip(*judged, strict=True))
    bins = reliability(probabilities, valid)
    assert sum(each.n_pairs for each in bins) == len(valid)
    distance = sum(each.n_pairs * abs(each.probability - each.share) for each in bins) / len(valid)
    assert calibration_error(probabilities, valid, 0.5) == pytest.approx(distance)


def test_the_brier_score_is_the_mean_squared_error():
    assert brier(np.array([0.9, 0.4]), np.array([True, True]), 0.5) == pytest.approx((0.01 + 0.36) / 2)


def test_intervals_bracket_their_figures(evidence):
    intervals = [side for measure in evidence.measures for side in (measure.onemaster, measure.baseline)]
    intervals += [measure.difference for measure in evidence.measures if measure.difference] + [evidence.error_ratio]
    assert len(intervals) == 8 * 2 + 4 + 1
    for interval in intervals:
        assert interval.low < interval.high
    for measure in evidence.measures[:7]:  # the calibration error of a resample is biased upwards
        for side in (measure.onemaster, measure.baseline):
            assert side.low <= side.value <= side.high


def test_the_difference_is_ours_less_the_baselines():
    judged = judged_by_hand([True] * 10 + [False] * 10, [0.9] * 10 + [0.1] * 10, [0.9] * 5 + [0.1] * 15)
    found = {measure.name: measure for measure in measures(judged)}
    assert found["accuracy"].difference.value == pytest.approx(0.25)
    assert found["recall"].difference.value == pytest.approx(0.5)
    assert found["roc_auc"].onemaster.value == 1.0


def test_the_error_ratio_is_ours_over_the_baselines_and_undefined_where_that_makes_none():
    valid, ours = [True] * 20, [0.1] * 2 + [0.9] * 18
    ratio = error_ratio(judged_by_hand(valid, ours, [0.1] * 8 + [0.9] * 12))
    assert ratio.value == pytest.approx(1 / 4)
    assert ratio.low <= ratio.value <= ratio.high
    assert np.isnan(error_ratio(judged_by_hand(valid, ours, [0.9] * 20)).value)


def test_where_all_pairs_are_right_intervals_have_the_width_that_so_few_pairs_leave_open():
    perfect = [0.9] * 10 + [0.1] * 20
    judged = judged_by_hand([True] * 10 + [False] * 20, perfect, [0.9] * 8 + [0.1] * 22)
    found = {measure.name: measure for measure in measures(judged)}
    for name, n in {
        "accuracy": 30,
        "precision": 10,
        "recall": 10,
        "f1": 10,
        "roc_auc": 10,
        "average_precision": 10,
    }.items():
        ours = found[name].onemaster
        assert (ours.value, ours.high) == (1.0, 1.0), name
        assert ours.low == pytest.approx(wilson(n, n).low), name
    ratio, open_errors = error_ratio(judged), 30 * wilson(0, 30).high
    assert (ratio.value, ratio.low) == (0, 0)
    assert ratio.high == pytest.approx(open_errors / 2)


def test_two_that_decide_alike_are_not_promised_to_do_so_elsewhere():
    alike = [0.9] * 9 + [0.1] * 21
    judged = judged_by_hand([True] * 10 + [False] * 20, alike, alike)
    difference = {measure.name: measure for measure in measures(judged)}["accuracy"].difference
    assert (difference.value, difference.high) == (0, pytest.approx(wilson(0, 29).high))  # one is wrong
    assert difference.low == -difference.high
    ratio = error_ratio(judged)
    assert (ratio.value, ratio.high - 1) == (1, pytest.approx(30 * wilson(0, 30).high))
    assert ratio.low == 0


# ------------------------------------------------------------------------------------- what it looks at


def test_weights_of_topics_and_groups_sum_up_contributions_before_taking_them_absolutely(model):
    explained = np.zeros((2, len(NAMES) + 1))
    classifier = replace(model.classifier, features=NAMES)
    for name, parts in {"isrc": (3, -1), "isrc_near": (-1, -1)}.items():
        explained[:, NAMES.index(name)] = parts
    topics = {weight.name: weight for weight in topic_weights(classifier, explained)}
    groups = {weight.name: weight for weight in group_weights(classifier, explained)}
    assert topics["ISRC"].weight == pytest.approx((abs(3 - 1) + abs(-1 - 1)) / 2)
    assert (groups["core"].weight, groups["codes"].weight) == (2, 1)
    assert sum(weight.n_features for weight in groups.values()) == len(NAMES)
    assert topic_weights(classifier, explained)[0].name == "ISRC"


def test_the_shape_of_a_feature_is_its_mean_contribution_by_value(model):
    classifier = replace(model.classifier, features=("cosine", "isrc"))
    features = np.array([[np.nan, 0], [0.1, 1], [0.1, 1], [0.9, 1]], dtype=np.float32)
    explained = np.array([[-1.0, 0, 0], [-2, 0, 0], [-4, 0, 0], [6, 0, 0]])
    (shape,) = shapes(classifier, features, explained)
    assert (shape.feature.name, shape.weight) == ("cosine", 13 / 4)
    points = [(point.value, point.n_pairs, point.mean) for point in shape.points]
    assert points == [(None, 1, -1), (pytest.approx(0.1), 2, -3), (pytest.approx(0.9), 1, 6)]


@given(st.lists(st.floats(0, 1, width=32), min_size=1, max_size=200))
def test_a_shape_has_few_points_and_loses_no_pair(values):
    column = np.array(values, dtype=np.float32)
    classifier = type("Named", (), {"features": ("cosine",)})()
    (shape,) = shapes(classifier, column[:, None], np.ones((len(column), 2)))
    assert len(shape.points) <= 13
    assert sum(point.n_pairs for point in shape.points) == len(column)
    known = [point.value for point in shape.points]
    assert known == sorted(known)


# ----------------------------------------------------------------------------------------------- errors


def test_the_worst_mistakes_are_wrong_certain_and_explained_without_remainder(evidence):
    found = worst_mistakes(evidence.judged, evidence.fitted.classifier, evidence.shown, count=10)
    assert len(found) == 10
    distances = [abs(each.match_probability - (each.label == VALID)) for each in found]
    assert distances == sorted(distances, reverse=True)
    for each in found:
        assert {each.label, each.decided} == {VALID, INVALID}
        whole = sum(reason.log_odds for reason in each.reasons) + each.rest
        assert 1 / (1 + np.exp(-whole)) == pytest.approx(each.match_probability)
        assert set(each.shown) == set(evidence.shown[frozenset((each.q.sr_id, each.m.sr_id))])


# ------------------------------------------------------------------------------------------------- page


class Outline(HTMLParser):
    """What a page holds: ids, headings, whether its elements are closed, and what its tables and pictures lack."""

    def __init__(self, text):
        super().__init__()
        self.ids, self.open, self.found, self.tags = [], [], [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attributes):
        named = dict(attributes)
        self.tags.append((tag, named))
        self.ids += [named["id"]] if "id" in named else []
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def count(self, tag):
        return sum(each == tag for each, _ in self.tags)


def test_the_page_has_every_section_and_is_well_formed(page):
    outline = Outline(page)
    assert outline.open == []
    assert [named["id"] for tag, named in outline.tags if tag == "h2"] == list(SECTIONS)
    assert len(outline.ids) == len(set(outline.ids))
    links = {named["href"].removeprefix("#") for tag, named in outline.tags if tag == "a" and "href" in named}
    assert links == set(SECTIONS)
    assert outline.count("h1") == 1


def test_tables_have_captions_and_pictures_words(page):
    outline = Outline(page)
    assert outline.count("table") == outline.count("caption") >= 8
    assert outline.count("svg") == outline.count("figcaption") == 5
    assert all(named["role"] == "img" and named["aria-label"] for tag, named in outline.tags if tag == "svg")


def test_the_page_needs_nothing_else_and_is_small(page):
    assert not re.search(r"<(script|link|img|iframe|object|embed)\b|@import|url\((?!#)", page)
    assert set(re.findall(r"https?://[^\"' )]+", page)) <= {
        "http://www.w3.org/2000/svg",
        "http://www.w3.org/1999/xlink",
    }
    assert len(page.encode()) < 1_500_000


def test_the_page_and_the_card_say_the_same(page, model):
    card = model.card
    for measure in ("accuracy", "precision", "recall", "f1", "roc_auc", "average_precision", "brier"):
        for side, figures in (("onemaster", "classifier"), ("baseline", "baseline")):
            interval = card["intervals"][measure][side]
            assert interval["value"] == pytest.approx(card["figures"][figures][measure], abs=1e-6)
            assert f"{interval['value']:.4f} [{interval['low']:.4f}, {interval['high']:.4f}]" in page
    n_pairs = card["pairs"]["test"]["n_pairs"]
    assert f"{n_pairs} test pairs" in page
    assert len(card["phenomena"]) > 20
    for row in card["phenomena"]:
        assert row["phenomenon"].replace("_", " ") in page
        assert row["n_pairs"] <= n_pairs
        assert row["onemaster"]["right"]["low"] <= row["onemaster"]["right"]["value"]


def test_the_chosen_setting_and_the_chosen_band_are_marked(page, model):
    assert page.count("<strong>(chosen)</strong>") == 2
    setting = model.card["setting"]
    assert re.search(rf"{setting['rounds']} trees of {setting['leaves']} leaves[^<]*<strong>\(chosen\)", page)


def test_what_a_catalogue_holds_cannot_break_the_page(model, evidence, tmp_path):
    hostile = "<script>alert(1)</script>\"'&$\\frac</svg>"
    valid = evidence.judged.pairs.valid[:40].tolist()
    pairs = labelled(valid, title=hostile, artists=(hostile, "大谷智哉"), label=hostile)
    shown = {frozenset((q.sr_id, m.sr_id)): {hostile, "大谷智哉"} for q, m in zip(pairs.q, pairs.m, strict=True)}
    write_report(tmp_path / "report.html", drawn(model, pairs, shown), model.card)
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    outline = Outline(page)
    assert outline.open == []
    assert outline.count("script") == 0
    assert page.count("&lt;script&gt;alert(1)") > 40
    assert "大谷智哉" in page


def test_a_picture_of_many_phenomena_with_long_names_says_what_it_leaves_out(evidence):
    many = [replace(evidence.phenomena[0], phenomenon=f"{row} {'long ' * 50}") for row in range(150)]
    picture = phenomena_picture(many)
    assert "the 100 worst of 150" in picture.caption
    assert len(re.findall(r"\d+ (?:long )+", picture.svg)) == 100
    assert "worst" not in phenomena_picture(many[:100]).caption


def test_without_phenomena_and_without_a_second_kind_of_pairs_the_page_says_so(model, tmp_path):
    evidence = drawn(model, labelled([True] * 30), {}, Policy(min_precision=0.9))
    write_report(tmp_path / "report.html", evidence, {**model.card, "tested_on": "the pairs learnt from"})
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "Nothing is known of what the test pairs show" in page
    assert "The test pairs are of one kind" in page
    assert "a precision of at least 0.9" in page
    assert "Mind what it was tested on" in page
    assert json.dumps(evidence.to_json(), allow_nan=False)


def test_settings_are_averaged_over_their_folds_by_pairs(evidence):
    """Folds of one and two pairs with losses 0.0 and 0.1."""
    first, second = tried_settings(evidence)
    assert (first.setting, first.chosen) == (Setting(4, 300), False)
    assert (second.setting, second.chosen) == (Setting(0, 0, 2.0), True)
    assert first.log_loss == pytest.approx(0.2 / 3)
    assert [fold.fold for fold in first.folds] == [0, 1]


def test_the_threshold_is_measured_on_the_held_out_pairs(evidence):
    found, fitted = held_out(evidence), evidence.fitted
    decided = fitted.probabilities >= fitted.classifier.threshold
    assert (found.n_pairs, found.n_decided) == (100, decided.sum()) == (100, 50)
    assert found.recall == pytest.approx((decided & fitted.valid).sum() / 50)
    assert 0 < found.promised < found.precision == found.n_right / 50


def test_the_same_evidence_gives_the_same_page(model, evidence, tmp_path):
    pages = [tmp_path / "one.html", tmp_path / "other.html"]
    for path in pages:
        write_report(path, evidence, model.card)
    assert pages[0].read_bytes() == pages[1].read_bytes()


def test_pictures_take_their_colours_from_the_page(evidence):
    svg = phenomena_picture(evidence.phenomena).svg
    assert "var(--onemaster" in svg
    assert "var(--baseline" in svg
    assert not re.search(r"#0[1-4]0[2-5]0[3-6]", svg)
