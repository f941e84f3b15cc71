"""Recordings to vectors: the default encoder, and any other SentenceTransformer."""

import json
import subprocess
import sys

import numpy as np
import pytest
import torch
from safetensors.numpy import save_file
from sentence_transformers import SentenceTransformer
from sentence_transformers.base.modules.transformer import Transformer
from sentence_transformers.sentence_transformer.modules.pooling import Pooling
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

from catalog.errors import DamagedArtefactError, InputError
from catalog.recording import Recording
from embeddings.encoder import Encoder, encoder_digest
from embeddings.hashing import BUCKETS, Trigrams, buckets_of
from embeddings.text import read_text, recording_text

RECORDINGS = [
    Recording("1", "Yesterday", ("The Beatles",), ("GBAYE6500521",), ("John Lennon", "Paul McCartney"), album="Help!"),
    Recording("2", "Yesterday - Remastered 2009", ("Beatles",)),
    Recording("3", "Suspicious Minds", ("Elvis Presley",)),
    Recording("4", "ライブ", ("大谷智哉",)),
    Recording("5"),
    Recording("6", "x"),
    *(Recording(f"n{number}", f"Song number {number}", (f"Artist {number % 7}",)) for number in range(100)),
]


@pytest.fixture(scope="module")
def encoder():
    return Encoder.fit(RECORDINGS)


def test_the_text_carries_every_field_that_is_there_and_no_trace_of_others():
    assert recording_text(RECORDINGS[0]) == "Yesterday ; The Beatles ; John Lennon, Paul McCartney ; Help!"
    assert recording_text(RECORDINGS[2]) == "Suspicious Minds ; Elvis Presley"
    assert recording_text(Recording("5")) == ""
    assert recording_text(Recording("5", release_year=1965, duration_ms=125_000)) == "", "nothing to tell it by"


def test_the_text_carries_year_and_length_and_the_latin_form_of_other_scripts():
    recording = Recording("1", "永遠", ("中川大樹",), album="Été", release_year=1991, duration_ms=245_400)
    assert recording_text(recording) == "永遠 ; 中川大樹 ; Été ; 1991 = eien nakagawa daiki ete 1991 ; 4:05"
    assert recording_text(Recording("1", "爱与秋天")).endswith(" = ai yu qiu tian"), "Japan has no such first sign"
    assert recording_text(Recording("1", "Été", duration_ms=59_600)) == "Été ; 1:00"


@pytest.mark.parametrize(
    ("text", "words", "seconds"),
    [
        ("", "", None),
        ("Yesterday ; 2:05", "Yesterday", 125),
        ("永遠 ; 1991 = eien 1991 ; 61:00", "eien 1991", 3_660),
        ("5:15", "5:15", None),
        ("Life = Life ; 4:75", "Life = Life ; 4:75", None),
        ("Été = ete", "Été = ete", None),
        ("永遠 = x = eien", "eien", None),
    ],
)
def test_a_text_is_taken_apart_as_it_was_written(text, words, seconds):
    read = read_text(text)
    assert (read.words, read.seconds) == (words, seconds)


def test_two_scripts_and_two_lengths_meet(encoder):
    near, far = (
        encoder.encode(
            [Recording("1", q[0], (q[1],), duration_ms=q[2]), Recording("2", m[0], (m[1],), duration_ms=m[2])]
        )
        for q, m in (
            (("永遠", "中川大樹", 245_000), ("Eien", "Daiki Nakagawa", 246_000)),
            (("永遠", "中川大樹", 245_000), ("Song", "Artist", 187_000)),
        )
    )
    assert near[0] @ near[1] > 0.7
    assert abs(far[0] @ far[1]) < 0.3
    lengths = encoder.encode([Recording("1", "003-", duration_ms=ms) for ms in (100_000, 101_000, 104_000, 3_700_000)])
    cosines = lengths @ lengths[0]
    assert cosines[1] > cosines[2] > cosines[3]


def test_vectors_are_unit_rows_and_zero_without_text(encoder):
    vectors = encoder.encode(RECORDINGS)
    assert vectors.shape == (len(RECORDINGS), 256)
    assert vectors.dtype == np.float32
    norms = np.linalg.norm(vectors, axis=1)
    assert norms[4] == 0
    np.testing.assert_allclose(np.delete(norms, 4), 1, atol=1e-6)
    assert encoder.encode([]).shape == (0, 256)


def test_alike_recordings_are_near_and_others_far(encoder):
    vectors = encoder.encode(RECORDINGS)
    assert vectors[0] @ vectors[1] > 0.3
    assert abs(vectors[0] @ vectors[2]) < 0.2


@pytest.mark.parametrize("batch_size", [1, 2, 7, 64, 5_000])
def test_vectors_do_not_depend_on_the_batch(encoder, batch_size):
    batches = [RECORDINGS[start : start + batch_size] for start in range(0, len(RECORDINGS), batch_size)]
    alone = np.concatenate([encoder.encode([recording]) for recording in RECORDINGS])
    assert np.array_equal(alone, np.concatenate([encoder.encode(batch) for batch in batches]))


def test_as_a_sentence_transformer_it_gives_the_same_vectors(encoder, tmp_path):
    encoder.save(tmp_path / "encoder")
    texts = [recording_text(recording) for recording in RECORDINGS]
    for model in (encoder.model, SentenceTransformer(str(tmp_path / "encoder"), trust_remote_code=True)):
        np.testing.assert_allclose(model.encode(texts), encoder.encode(RECORDINGS), atol=1e-6)
    model.save(str(tmp_path / "again"), create_model_card=False)
    assert np.array_equal(Encoder.load(tmp_path / "again").encode(RECORDINGS), encoder.encode(RECORDINGS))


def test_the_default_encoder_needs_no_torch(encoder, tmp_path):
    encoder.save(tmp_path / "encoder")
    program = (
        "import sys; from embeddings.encoder import Encoder; from catalog.recording import Recording; "
        "Encoder.load(sys.argv[1]).encode([Recording('1', 'Yesterday')]); "
        "Encoder.fit([Recording('1', 'Yesterday')]).save(__import__('pathlib').Path(sys.argv[2])); "
        "sys.exit(any(name in sys.modules for name in ('torch', 'transformers', 'sentence_transformers')))"
    )
    words = [sys.executable, "-c", program, str(tmp_path / "encoder"), str(tmp_path / "other")]
    assert subprocess.run(words, check=False).returncode == 0


def test_rare_trigrams_weigh_more_than_common_ones():
    common, rare = "the song", "zyxwvu"
    trigrams = Trigrams.fit([common] * 99 + [rare])
    weight = {text: float(trigrams.weights[buckets_of([text]).buckets].mean()) for text in (common, rare)}
    assert weight[rare] > 3 * weight[common]


def test_a_saved_encoder_is_a_sentence_transformer_folder_and_gives_the_same_vectors(encoder, tmp_path):
    saved = encoder.save(tmp_path / "encoder")
    loaded = Encoder.load(tmp_path / "encoder")
    assert isinstance(loaded.model, SentenceTransformer)
    assert json.loads((tmp_path / "encoder" / "modules.json").read_text())[0]["type"].endswith("HashedTrigrams")
    assert loaded.digest == saved.digest == encoder_digest(tmp_path / "encoder")
    assert np.array_equal(loaded.encode(RECORDINGS), encoder.encode(RECORDINGS))


def test_another_process_gives_the_same_vectors(encoder, tmp_path):
    encoder.save(tmp_path / "encoder")
    program = (
        "import sys; from embeddings.encoder import Encoder; from catalog.recording import Recording; "
        "print(Encoder.load(sys.argv[1]).encode([Recording('1', 'Yesterday', ('The Beatles',))]).tobytes().hex())"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "encoder")], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == encoder.encode([Recording("1", "Yesterday", ("The Beatles",))]).tobytes().hex()


def test_the_fit_is_deterministic_and_depends_on_the_catalogue(encoder, tmp_path):
    again = Encoder.fit(iter(RECORDINGS)).save(tmp_path / "again")
    assert again.digest == encoder.save(tmp_path / "first").digest
    assert Encoder.fit(RECORDINGS[:50]).save(tmp_path / "other").digest != again.digest


def test_an_empty_catalogue_cannot_be_fitted_on():
    with pytest.raises(InputError, match="at least one recording"):
        Encoder.fit([])


@pytest.mark.parametrize("version", ["normalizer_version", "features_version"])
def test_another_version_is_refused(encoder, tmp_path, version):
    encoder.save(tmp_path / "encoder")
    config = tmp_path / "encoder" / "config.json"
    config.write_text(json.dumps({**json.loads(config.read_text()), version: "0"}))
    with pytest.raises(DamagedArtefactError, match=rf"{version} '0'.*run onemaster train"):
        Encoder.load(tmp_path / "encoder")


def test_damaged_weights_are_refused(encoder, tmp_path):
    encoder.save(tmp_path / "encoder")
    (tmp_path / "encoder" / "weights.safetensors").write_bytes(b"no weights")
    with pytest.raises(DamagedArtefactError, match="cannot read"):
        Encoder.load(tmp_path / "encoder")
    for wrong in (np.ones(BUCKETS), np.ones((BUCKETS, 1), np.float32)):
        save_file({"weights": wrong}, tmp_path / "encoder" / "weights.safetensors")
        with pytest.raises(DamagedArtefactError, match=f"expected {BUCKETS} weights"):
            Encoder.load(tmp_path / "encoder")
    save_file({"weights": np.ones(3, np.float32)}, tmp_path / "encoder" / "weights.safetensors")
    with pytest.raises(DamagedArtefactError, match=r"weights in .*, got \(3,\): run onemaster train"):
        Encoder.load(tmp_path / "encoder")


def tiny_transformer(folder, dtype=torch.float32):
    """A real transformer with random weights: two layers over a vocabulary of characters."""
    torch.manual_seed(20)
    vocabulary = {
        token: place for place, token in enumerate(["[PAD]", "[UNK]", "[CLS]", "[SEP]", *map(chr, range(33, 127))])
    }
    characters = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    characters.pre_tokenizer = pre_tokenizers.Split("", "isolated")
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=characters, pad_token="[PAD]", unk_token="[UNK]", cls_token="[CLS]", sep_token="[SEP]"
    )
    config = BertConfig(
        vocab_size=len(vocabulary), hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64
    )
    BertModel(config).to(dtype).save_pretrained(folder / "bert")
    tokenizer.save_pretrained(folder / "bert")
    transformer = Transformer(str(folder / "bert"), max_seq_length=64)
    model = SentenceTransformer(modules=[transformer, Pooling(transformer.get_embedding_dimension())], device="cpu")
    model.save(str(folder / "tiny"), create_model_card=False)
    return folder / "tiny"


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_any_other_sentence_transformer_works(tmp_path, dtype):
    other = Encoder.load(tiny_transformer(tmp_path, dtype))
    vectors = other.encode(RECORDINGS)
    assert vectors.shape == (len(RECORDINGS), 32)
    norms = np.linalg.norm(vectors, axis=1)
    assert norms[4] == 0
    np.testing.assert_allclose(np.delete(norms, 4), 1, atol=1e-5)
    saved = other.save(tmp_path / "published")
    again = Encoder.load(tmp_path / "published")
    assert again.digest == saved.digest
    np.testing.assert_allclose(again.encode(RECORDINGS), vectors, atol=1e-5 if dtype == torch.float32 else 0.05)


def test_what_is_no_encoder_is_refused_with_what_was_expected(tmp_path):
    with pytest.raises(InputError, match="expected a SentenceTransformer folder"):
        Encoder.load(tmp_path)
    with pytest.raises(InputError, match="no-such-organisation/no-such-model"):
        Encoder.load("no-such-organisation/no-such-model")
