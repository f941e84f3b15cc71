"""What is learnt from beside verdicts: pairs that the model in charge is sure of."""

import random
import shutil

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import f1_score

from catalog.errors import MissingArtefactError
from catalog.paths import DataFolder
from catalog.sample import TRUTH_FILE
from catalog.store import Catalog
from matching.labels import Verdict, append_label
from matching.questions import Pair, drawn_candidates, is_uncertain, questions
from training.contenders import model_judge
from training.holdout import TrainingData
from training.pairs import LabelledPairs
from training.reviewed import Reviews
from training.sure import Drawn, sure_pairs
from training.train import TrainOptions, train

NOBODY = frozenset()
COUNTS = st.integers(0, 500)


def ids(pairs):
    return [tuple(sorted((q.sr_id, m.sr_id))) for q, m in zip(pairs.q, pairs.m, strict=True)]


@pytest.fixture(scope="module")
def asked(matcher, sample_folder):
    """Pairs of the review queue, as reviewers are asked about them where nothing was de-duplicated."""
    found = dict[Pair, None]()
    for seed in range(20):
        asked = questions(matcher, sample_folder.dedupe / "none", found, 20, seed)
        found |= dict.fromkeys(tuple(sorted((each.decision.q.sr_id, each.decision.m.sr_id))) for each in asked)
    return list(found)


@given(sure=st.integers(0, 300), uncertain=COUNTS, asked=COUNTS, others=COUNTS)
def test_verdicts_and_sure_pairs_are_as_many_as_among_candidate_pairs(sure, uncertain, asked, others):
    beside = Drawn([("a", "b")] * sure, uncertain).beside(asked, others)
    assert beside >= 0
    if beside and uncertain:
        assert (beside + others) * uncertain == pytest.approx(asked * sure, abs=uncertain)


def test_they_are_what_the_model_in_charge_is_sure_of(matcher, sample_folder, asked):
    pairs = sure_pairs(sample_folder, set(asked), set(asked), NOBODY, 20)
    judged = matcher.judge(ids(pairs))
    assert len(pairs) > len(asked), "most candidate pairs leave no doubt"
    assert not any(map(is_uncertain, judged.probabilities.tolist()))
    assert pairs.has_both_kinds
    assert pairs.valid.tolist() == (judged.probabilities >= matcher.model.classifier.threshold).tolist()
    assert len(set(ids(pairs))) == len(pairs)
    assert ids(pairs) == ids(sure_pairs(sample_folder, set(asked), set(asked), NOBODY, 20))
    assert ids(pairs) != ids(sure_pairs(sample_folder, set(asked), set(asked), NOBODY, 21))


def test_what_anybody_judged_and_what_is_tested_on_is_not_drawn(sample_folder, asked):
    pairs = sure_pairs(sample_folder, set(asked), set(asked), NOBODY, 20)
    known, tested = set(ids(pairs)[::2]), {ids(pairs)[1][0]}
    others = sure_pairs(sample_folder, set(asked), {*asked, *known}, tested, 20)
    assert known.isdisjoint(ids(others))
    assert all(tested.isdisjoint(pair) for pair in ids(others))


def test_verdicts_on_sure_pairs_count_as_such(sample_folder, asked):
    sure = ids(sure_pairs(sample_folder, set(asked), set(asked), NOBODY, 20))
    alone = sure_pairs(sample_folder, set(sure), set(sure), NOBODY, 20)
    assert len(alone) == 0, "there is nothing uncertain that they would have to stand beside"
    with_some = sure_pairs(sample_folder, {*asked, *sure[:10]}, {*asked, *sure[:10]}, NOBODY, 20)
    assert len(with_some) == len(sure) - 10


def test_recordings_that_are_gone_are_not_asked_about(sample_folder, asked):
    gone = {("gone", "lost"), (asked[0][0], "lost")}
    with_gone = sure_pairs(sample_folder, {*asked, *gone}, set(asked), NOBODY, 20)
    assert ids(with_gone) == ids(sure_pairs(sample_folder, set(asked), set(asked), NOBODY, 20))
    assert len(sure_pairs(sample_folder, gone, set(), NOBODY, 20)) == 0


def test_without_an_index_nothing_is_known_to_be_sure(sample_folder, tmp_path, asked):
    folder = DataFolder.at(tmp_path, catalog=sample_folder.catalog, models=sample_folder.models)
    with pytest.raises(MissingArtefactError, match="run onemaster rebuild"):
        sure_pairs(folder, set(asked), set(asked), NOBODY, 20)


def test_verdicts_on_doubtful_pairs_do_not_spoil_all_the_others(sample_folder, tmp_path, asked, matcher):
    folder = DataFolder.at(shutil.copytree(sample_folder.root, tmp_path / "data"))
    masters = dict(line.split(",")[:2] for line in (folder.root / TRUTH_FILE).read_text().splitlines()[1:])
    for q, m in asked[:60]:
        tag = "valid" if masters[q] == masters[m] else "invalid"
        append_label(folder.labels, Verdict(q, m, tag, "r", "2026-11-29T10:00:00.000+00:00"))
    with Catalog.open(folder.catalog, folder.copies) as catalog:
        options = TrainOptions(start=matcher.model, labels=Reviews(folder.labels, folder))
        model = train(TrainingData(catalog, None, folder.root), None, folder.models, options).model
    assert model.card["labels"]["sure"] > model.card["labels"]["learnt"]
    drawn = [*drawn_candidates(matcher, random.Random(1), 300, 10)]
    others = sorted({pair for candidates in drawn for pair in candidates}.difference(asked))
    valid = np.array([masters[q] == masters[m] for q, m in others])
    q, m = (matcher.catalog.get_many([pair[side] for pair in others]) for side in (0, 1))
    before, after = (
        f1_score(valid, model_judge(each)(LabelledPairs(q, m, valid, [])) >= each.classifier.threshold)
        for each in (matcher.model, model)
    )
    assert after > before - 0.003, "without sure pairs it is 0.006 less"
