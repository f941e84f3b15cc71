"""A tiny data folder, trained and indexed in earnest, for tests that need one to be there."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

from catalog.artefacts import current_version, put_in_charge
from catalog.manifest import read_json
from catalog.paths import DataFolder
from catalog.store import Catalog, write_catalog
from embeddings.encoder import Encoder
from index.rebuild import rebuild
from matching.model import CARD_FILE, ENCODER_FOLDER, Model
from training.card import encoder_provenance, write_card
from training.default import adapted
from training.holdout import TrainingData
from training.train import train

WITHOUT_TEXT = "nothing known"
SLASHED = "Believe__rel/2041/7"
JAPANESE = "Recochoku__夜の歌"
LIVE, STUDIO = "live", "studio"
MASTERS = 48
_SYLLABLES = ("ba", "lo", "mi", "ren", "tou", "sha", "vel", "kor", "di", "nus", "pra", "gel")

Row = dict[str, object]


def build(root: Path) -> DataFolder:
    """Write a catalogue and its ground truth, train on them and publish an index."""
    folder = write_data(root)
    with Catalog.open(folder.catalog, folder.copies) as catalog:
        train(TrainingData(catalog, folder.groundtruth, folder.root), None, folder.models)
    publish_index(folder)
    return folder


def write_data(root: Path) -> DataFolder:
    """Write a catalogue and its ground truth, and nothing else."""
    folder = DataFolder.at(root)
    root.mkdir(parents=True, exist_ok=True)
    write_catalog(folder.catalog, rows())
    lines = ["q_source_id,m_source_id,tag", *(f"{q},{m},{tag}" for q, m, tag in labelled())]
    folder.groundtruth.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


def publish_index(folder: DataFolder) -> None:
    """Build an index with the newest model's encoder."""
    model = max(path for path in folder.models.iterdir() if path.is_dir())
    with Catalog.open(folder.catalog, folder.copies) as catalog:
        rebuild(catalog, Encoder.load(model / "encoder"), model.name, folder.index)


def build_without_labels(root: Path, default: DataFolder) -> DataFolder:
    """Write the catalogue alone, and publish what a folder without labelled pairs gets: another folder's model."""
    folder = write_data(root)
    folder.groundtruth.unlink()
    model = Model.load(current_version(default.models))
    with Catalog.open(folder.catalog, folder.copies) as catalog, adapted(model, catalog, folder.models) as new:
        new.publish()
    publish_index(folder)
    return folder


def publish_with_another_encoder(folder: DataFolder, scratch: Path) -> str:
    """Publish a model that only differs in its encoder, which the index does not have."""
    write_catalog(scratch / "fewer.db", ({"sr_id": f"{n}", "title": f"Song {n} of the Sea"} for n in range(50)))
    newer = shutil.copytree(current_version(folder.models), folder.models / "20990101T000000Z-00000000")
    shutil.rmtree(newer / ENCODER_FOLDER)
    with Catalog.open(scratch / "fewer.db", scratch) as catalog:
        card = read_json(newer / CARD_FILE) | encoder_provenance(
            Encoder.fit(catalog).save(newer / ENCODER_FOLDER), catalog
        )
    (newer / CARD_FILE).unlink()
    write_card(newer, card)
    put_in_charge(folder.models, newer.name)
    return newer.name


def rows() -> Iterator[Row]:
    """Give each master once as delivered, once written differently, and once covered by somebody else."""
    yield _row("123", "Yesterday", "Beatles The", "John Lennon|Paul McCartney", "GBAYE6500521")
    yield _row("456", "Yesterday - Remastered 2009", "The Beatles", "Lennon|McCartney", "GBAYE6500521")
    yield _row("789", "Yesterday", "Elvis Presley", "John Lennon|Paul McCartney", "USRC17001234")
    yield _row(WITHOUT_TEXT, None, None, None, None)
    yield _row(SLASHED, "Across / Between", "AC/DC", None, None)
    yield _row(JAPANESE, "夜の歌", "山田花子", None, "JPZ922100017")
    yield _row(STUDIO, "Harvest Moon", "Neil Young", "Neil Young", None)
    yield _row(LIVE, "Harvest Moon (Live at Massey Hall) [2009 Remaster]", "Neil Young", "Neil Young", None)
    for number in range(MASTERS):
        title, artist, cover = _words(number, 3), _words(number + 500, 2), _words(number + 900, 2)
        writer = _words(number + 1300, 2)
        yield _row(f"q{number}", title, artist, writer, f"GBXYZ{number:07d}")
        code = f"GBXYZ{number:07d}" if number % 3 else None
        yield _row(f"m{number}", f"{title.upper()} (Album Version)", f"{artist}, The", writer.split()[-1], code)
        yield _row(f"c{number}", title, cover, writer, f"USABC{number:07d}")


def labelled() -> Iterator[tuple[str, str, str]]:
    """Label every master's two rows valid, and each of them against the cover invalid."""
    for number in range(MASTERS):
        yield f"q{number}", f"m{number}", "valid"
        yield f"q{number}", f"c{number}", "invalid"
        yield f"c{number}", f"m{number}", "invalid"


def _row(sr_id: str, title: str | None, artists: str | None, contributors: str | None, isrcs: str | None) -> Row:
    return {"sr_id": sr_id, "title": title, "artists": artists, "contributors": contributors, "isrcs": isrcs}


def _words(number: int, count: int) -> str:
    """Spell a number in syllables, three to a word."""
    digits = number * 7_919 + 104_729
    words = []
    for _ in range(count):
        word = ""
        for _ in range(3):
            digits, digit = divmod(digits * 31 + 17, 10_007)[1] * 13 + 5, digits % len(_SYLLABLES)
            word += _SYLLABLES[digit]
        words.append(word.capitalize())
    return " ".join(words)
