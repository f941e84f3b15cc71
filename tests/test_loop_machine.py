"""Verdicts, candidates, promotions and rollbacks in any order: nothing is lost, and something healthy is in charge."""

import shutil
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test
from test_promotion import altered

from catalog.artefacts import current_version, roll_back
from catalog.errors import MissingArtefactError, OnemasterError, RejectedBuildError
from catalog.paths import DataFolder
from catalog.store import Catalog
from matching.labels import Verdict, agreed_tags, append_label, read_labels
from matching.model import Model
from training.holdout import TrainingData, hold_out
from training.promotion import promote

IDS = ["123", "456", "789"]


class Loop(RuleBasedStateMachine):
    source: Path

    def __init__(self):
        super().__init__()
        self.scratch = tempfile.TemporaryDirectory()
        self.folder = DataFolder.at(shutil.copytree(self.source, Path(self.scratch.name) / "data"))
        self.catalog = Catalog.open(self.folder.catalog, self.folder.copies)
        self.data = TrainingData(self.catalog, self.folder.groundtruth, self.folder.root)
        self.first = Model.load(current_version(self.folder.models))
        self.said, self.worse = [], set()
        self.in_charge = [self.first.version]  # as it should be, the present one last
        self.made = 0

    def teardown(self):
        self.catalog.close()
        self.scratch.cleanup()

    @rule(
        pair=st.permutations(IDS).map(lambda ids: ids[:2]),
        tag=st.sampled_from(["valid", "invalid"]),
        reviewer=st.sampled_from("ab"),
    )
    def judge(self, pair, tag, reviewer):
        verdict = Verdict(*pair, tag, reviewer, "2026-11-28T10:00:00.000+00:00")
        append_label(self.folder.labels, verdict)
        self.said.append(verdict)

    @rule(bad=st.booleans())
    def train(self, bad):
        self.made += 1
        version = f"2099010{self.made % 10}T00000{self.made // 10}Z-{self.made:08x}"
        change = {"intercept": 9.0} if bad else {}
        self.candidate = altered(self.folder, self.first, version, change)
        if bad:
            self.worse.add(version)

    @precondition(lambda self: self.made)
    @rule()
    def promote(self):
        try:
            promote(self.data, self.folder.labels, self.folder.models, self.candidate)
        except RejectedBuildError:
            assert self.candidate in self.worse or self.said, "only verdicts speak against an equal"
        except OnemasterError:
            assert self.candidate == self.in_charge[-1]
        else:
            assert self.candidate not in self.worse
            self.in_charge.append(self.candidate)

    @rule()
    def roll_back(self):
        before = [version for version in self.in_charge if version != self.in_charge[-1]]
        try:
            version = roll_back(self.folder.models)
        except MissingArtefactError:
            assert not before
        else:
            self.in_charge = [each for each in self.in_charge[:-1] if each != self.in_charge[-1]]
            assert version == self.in_charge[-1]

    @invariant()
    def what_is_in_charge_is_whole(self):
        assert Model.load(current_version(self.folder.models)).version == self.in_charge[-1]

    @invariant()
    def verdicts_are_kept(self):
        kept = read_labels(self.folder.labels)
        assert [each.verdict for each in kept] == self.said
        assert len(agreed_tags(kept)) == len({verdict.pair for verdict in self.said})


def test_the_loop_holds_in_any_order(sample_folder):
    with Catalog.open(sample_folder.catalog, sample_folder.copies) as catalog:
        assert len(hold_out(TrainingData(catalog, sample_folder.groundtruth, sample_folder.root), 20).test)
    run_state_machine_as_test(
        type("OfTheSample", (Loop,), {"source": sample_folder.root}),
        settings=settings(
            max_examples=12,
            stateful_step_count=12,
            deadline=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
