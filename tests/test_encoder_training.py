"""Fine-tuning encoders on labelled pairs, and choosing among several."""

import json
import shutil

import numpy as np
import pytest
import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.base.modules.transformer import Transformer
from sentence_transformers.sentence_transformer.modules.pooling import Pooling
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers
from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

from catalog.errors import InputError
from catalog.recording import Recording
from catalog.store import Catalog, write_catalog
from command_line import parser
from embeddings.encoder import FITTED, Encoder
from onemaster import COMMANDS
from training.encoder import FINETUNED, Course, finetune
from training.encoder_choice import Candidate, choose_encoder, trial_of
from training.holdout import TrainingData, hold_out
from training.pairs import LabelledPairs
from training.train import TrainOptions, train
from training.triples import triples_of
from training_commands import _encoders

SHORT = Course(epochs=2, most=500, batch=32, learning_rate=0.05)


@pytest.fixture(scope="module")
def split(sample_folder, tmp_path_factory):
    scratch = tmp_path_factory.mktemp("split")
    with Catalog.open(sample_folder.catalog, scratch) as catalog:
        return hold_out(TrainingData(catalog, sample_folder.groundtruth, scratch), 20)


@pytest.fixture
def catalog(sample_folder, tmp_path):
    with Catalog.open(sample_folder.catalog, tmp_path) as opened:
        yield opened


@pytest.fixture(scope="module")
def wordpiece_bert(tmp_path_factory):
    """A real transformer with random weights: two layers over word pieces."""
    folder = tmp_path_factory.mktemp("bert")
    torch.manual_seed(20)
    signs = [chr(code) for code in range(33, 127)]
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "the", "##er", "##ing", *signs, *(f"##{sign}" for sign in signs)]
    cut = Tokenizer(models.WordPiece({piece: place for place, piece in enumerate(pieces)}, unk_token="[UNK]"))
    cut.normalizer, cut.pre_tokenizer = normalizers.BertNormalizer(), pre_tokenizers.BertPreTokenizer()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=cut, pad_token="[PAD]", unk_token="[UNK]", cls_token="[CLS]", sep_token="[SEP]"
    )
    config = BertConfig(
        vocab_size=len(pieces), hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64
    )
    BertModel(config).save_pretrained(folder / "bert")
    tokenizer.save_pretrained(folder / "bert")
    transformer = Transformer(str(folder / "bert"), max_seq_length=64)
    model = SentenceTransformer(modules=[transformer, Pooling(transformer.get_embedding_dimension())], device="cpu")
    model.save(str(folder / "tiny"), create_model_card=False)
    return folder / "tiny"


def margin(encoder, pairs):
    """How much nearer valid pairs are than invalid ones."""
    cosines = np.einsum("nd,nd->n", encoder.encode(pairs.q), encoder.encode(pairs.m))
    return cosines[pairs.valid].mean() - cosines[~pairs.valid].mean()


def test_the_default_encoder_learns_the_weights_of_its_trigrams(split, catalog, tmp_path, capsys):
    fitted = Encoder.fit(catalog)
    before = fitted.encode(split.test.q)
    tuned = finetune(fitted, split.learnt, 20, SHORT)
    assert margin(tuned, split.test) > margin(fitted, split.test) + 0.005
    assert np.array_equal(fitted.encode(split.test.q), before), "the given one stays as it is"
    assert tuned.source == FITTED + FINETUNED
    saved = tuned.save(tmp_path / "tuned")
    loaded = Encoder.load(tmp_path / "tuned")
    assert loaded.digest == saved.digest
    assert np.array_equal(loaded.encode(split.test.q), tuned.encode(split.test.q))
    alone = np.concatenate([tuned.encode([recording]) for recording in split.test.q[:20]])
    assert np.array_equal(alone, tuned.encode(split.test.q)[:20])
    assert capsys.readouterr() == ("", ""), "standard output belongs to the command line"


def test_the_same_seed_gives_the_same_weights(split, catalog, tmp_path):
    fitted = Encoder.fit(catalog)
    digests = [
        finetune(fitted, split.learnt, seed, SHORT).save(tmp_path / name).digest
        for name, seed in (("first", 3), ("again", 3), ("other", 4))
    ]
    assert digests[0] == digests[1] != digests[2]


def test_any_transformer_can_be_fine_tuned(split, wordpiece_bert, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    plain = Encoder.load(wordpiece_bert)
    course = Course(epochs=1, most=400, batch=16, learning_rate=1e-3)
    tuned, again = (finetune(plain, split.learnt, 20, course) for _ in range(2))
    assert list(tmp_path.iterdir()) == [], "nothing is written"
    np.testing.assert_array_equal(tuned.encode(split.test.q), again.encode(split.test.q))
    assert margin(tuned, split.test) > margin(plain, split.test) + 0.01
    loaded = Encoder.load(tuned.save(tmp_path / "tuned").model and tmp_path / "tuned")
    np.testing.assert_allclose(loaded.encode(split.test.q), tuned.encode(split.test.q), atol=1e-5)


def recordings(*titles):
    return [Recording(title, title) for title in titles]


def test_negatives_are_labelled_ones_where_there_are_else_near_ones_of_another_master():
    q = recordings("Yesterday", "Yesterday", "Hello World", "Completely different")
    m = recordings("Yesterday (2009)", "Yesterday Man", "Hello World!", "Nothing like it")
    pairs = LabelledPairs(q, m, np.array([True, False, True, False]), [])
    encoder = Encoder.fit([*q, *m])
    triples = triples_of(pairs, encoder)
    names = [each.sr_id for each in triples.recordings]
    found = {
        (names[a], names[p]): names[n]
        for a, p, n in zip(triples.anchors, triples.positives, triples.negatives, strict=True)
    }
    assert set(found) == {
        ("Yesterday", "Yesterday (2009)"),
        ("Yesterday (2009)", "Yesterday"),
        ("Hello World", "Hello World!"),
        ("Hello World!", "Hello World"),
    }
    assert found["Yesterday", "Yesterday (2009)"] == "Yesterday Man"
    assert all(negative not in pair for pair, negative in found.items())
    assert found["Yesterday (2009)", "Yesterday"] == "Yesterday Man"


def test_triples_of_one_master_stand_in_different_rounds(split, catalog):
    triples = triples_of(split.learnt, Encoder.fit(catalog))
    order = triples.in_rounds(5, len(triples))
    assert sorted(order) == list(range(len(triples)))
    assert not np.array_equal(order, triples.in_rounds(6, len(triples)))
    masters = triples.masters[order]
    n_masters = len(np.unique(masters))
    assert len(set(masters[:n_masters])) == n_masters, "the first round has each once"
    assert len(triples.in_rounds(5, 10)) == 10


def test_no_held_out_component_is_learnt_from(split, catalog):
    trial = trial_of(catalog, split)
    assert len(trial.held_out) > 50
    assert trial.held_out.valid.all()
    assert trial.learnt.sr_ids.isdisjoint(trial.held_out.sr_ids)
    assert trial.learnt.sr_ids.isdisjoint(split.test.sr_ids)
    assert trial.held_out.sr_ids.isdisjoint(split.test.sr_ids)
    assert trial.held_out.sr_ids <= {recording.sr_id for recording in trial.recordings}
    linked = {frozenset((q.sr_id, m.sr_id)) for q, m in zip(trial.learnt.q, trial.learnt.m, strict=True)}
    assert not any(pair & trial.held_out.sr_ids for pair in linked)


def test_the_best_is_chosen_and_of_equal_ones_the_cheaper(split, catalog, wordpiece_bert):
    poor = Encoder.load(wordpiece_bert)
    candidates = [Candidate("poor", poor), Candidate("fitted"), Candidate("again"), Candidate("poor again", poor)]
    choice = choose_encoder(catalog, split, candidates, 20)
    assert [row.name for row in choice.tried if row.chosen] == ["fitted"]
    by_name = {row.name: row for row in choice.tried}
    assert by_name["poor"].pair_completeness < by_name["fitted"].pair_completeness
    assert by_name["fitted"].pair_completeness == by_name["again"].pair_completeness > 0.9
    assert (by_name["fitted"].dimension, by_name["fitted"].bytes_per_vector) == (256, 512)
    assert by_name["fitted"].recordings_per_second > by_name["poor"].recordings_per_second > 0
    assert choice.encoder.source == FITTED


def test_a_fine_tuned_encoder_is_kept_only_if_it_finds_no_fewer(split, catalog):
    choice = choose_encoder(catalog, split, [Candidate("tuned", finetuned=True), Candidate("fitted")], 20)
    tuned, fitted = choice.tried
    assert tuned.chosen == (tuned.pair_completeness >= fitted.pair_completeness)
    assert choice.encoder.source == (FITTED + FINETUNED if tuned.chosen else FITTED)


def test_with_too_few_pairs_nothing_is_tried(tmp_path, caplog):
    write_catalog(tmp_path / "catalog.db", ({"sr_id": letter, "title": f"Title {letter}"} for letter in "abcd"))
    (tmp_path / "pairs.csv").write_text("q_source_id,m_source_id,tag\na,b,valid\nc,d,invalid\n")
    with Catalog.open(tmp_path / "catalog.db", tmp_path) as catalog:
        few = hold_out(TrainingData(catalog, tmp_path / "pairs.csv", tmp_path), 20)
        choice = choose_encoder(catalog, few, [Candidate("tuned", finetuned=True), Candidate("fitted")], 20)
    assert (choice.encoder.source, choice.tried) == (FITTED, [])
    assert "too few valid pairs to hold out" in caplog.text


def test_the_card_and_the_report_show_what_was_tried(sample_folder, catalog, tmp_path):
    data = TrainingData(catalog, sample_folder.groundtruth, tmp_path)
    bundled = Encoder.load(next(sample_folder.models.glob("*/encoder")))
    encoders = (Candidate("fitted"), Candidate("fitted, fine-tuned", finetuned=True), Candidate("bundled", bundled))
    options = TrainOptions(without=("versions", "sound", "rarity", "fields"), encoders=encoders)
    model = train(data, None, tmp_path / "models", options).model
    tried = model.card["encoders"]
    assert [row["name"] for row in tried] == [candidate.name for candidate in encoders]
    (chosen,) = [row for row in tried if row["chosen"]]
    assert chosen["pair_completeness"] == max(row["pair_completeness"] for row in tried)
    assert tried[0]["pair_completeness"] <= chosen["pair_completeness"]
    page = (model.folder / "report.html").read_text()
    assert "Encoders that were tried" in page
    assert f"{chosen['name']} <strong>(chosen)</strong>" in page
    assert Encoder.load(model.encoder_folder).digest == model.encoder_digest


@pytest.mark.parametrize("own", [True, False])
def test_a_pair_in_two_scripts_is_found(own, wordpiece_bert):
    """Any encoder gets the Latin form; the random transformer at least sees no row of unknown signs only."""
    others = [Recording(f"n{n}", f"Song number {n}", (f"Artist {n % 7}",)) for n in range(200)]
    asked, wanted = Recording("q", "永遠", ("中川大樹",)), Recording("m", "Eien", ("Nakagawa Daiki",))
    encoder = Encoder.fit([asked, wanted, *others]) if own else Encoder.load(wordpiece_bert)
    cosines = encoder.encode([wanted, *others]) @ encoder.encode([asked])[0]
    assert cosines.argmax() == 0 if own else cosines[0] > np.median(cosines)


def given(*arguments):
    return parser(COMMANDS).parse_args(["train", *arguments])


def test_the_command_line_declares_what_is_tried(wordpiece_bert, sample_folder, tmp_path, monkeypatch):
    home = tmp_path / "home"
    shutil.copytree(sample_folder.root, home)
    monkeypatch.setattr("training_commands.HOME", home)
    path = str(wordpiece_bert)

    def names(*arguments):
        return [(candidate.name, candidate.finetuned) for candidate in _encoders(given(*arguments))]

    assert names() == [("fitted", False)]
    assert names("--finetune") == [("fitted, fine-tuned", True), ("fitted", False)]
    assert names("--encoder", path, "--finetune") == [(f"{path}, fine-tuned", True), (path, False)]
    auto = [("fitted", False), ("fitted, fine-tuned", True), ("bundled", False)]
    assert names("--encoder", "auto") == auto
    assert names("--encoder", "auto", "--candidate", path) == [*auto, (path, False)]
    assert names("--encoder", "auto", "--candidate", path, "--finetune")[-1] == (f"{path}, fine-tuned", True)
    with pytest.raises(InputError, match="--candidate says what --encoder auto is to try"):
        names("--candidate", path)
    assert json.loads((wordpiece_bert / "modules.json").read_text())
