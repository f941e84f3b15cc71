"""Publishing: what a crash leaves behind never hurts what was published before."""

import errno
import json
import os

import numpy as np
import pytest

from catalog.artefacts import (
    CURRENT,
    HISTORY,
    build_aside,
    current_version,
    new_version,
    publish,
    put_in_charge,
    roll_back,
)
from catalog.aside import take_room, write_aside
from catalog.errors import ArtefactError, DamagedArtefactError, MissingArtefactError
from catalog.manifest import checksums, read_json, verify, write_json
from index.vectors import VectorIndex


def published(shelf, text="content"):
    with build_aside(shelf) as building:
        (building / "file").write_text(text)
        return publish(building, shelf, new_version("0123456789ab"))


def test_publish_puts_the_newest_in_charge_and_keeps_the_others(tmp_path):
    first, second = published(tmp_path, "one"), published(tmp_path, "two")
    assert current_version(tmp_path) == second
    assert (first / "file").read_text() == "one"
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([first.name, second.name, CURRENT, HISTORY])


def test_a_build_that_fails_leaves_nothing_and_changes_nothing(tmp_path):
    before = published(tmp_path)
    with pytest.raises(FileNotFoundError), build_aside(tmp_path) as building:
        (building / "file").rename(building / "gone" / "file")
    assert current_version(tmp_path) == before
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([before.name, CURRENT, HISTORY])


def test_remains_of_dead_builders_are_cleared_and_those_of_living_ones_stay(tmp_path):
    dead, living = tmp_path / ".building-999999999-abcd", tmp_path / ".building-1-abcd"
    dead.mkdir()
    living.mkdir()
    published(tmp_path)
    assert not dead.exists()
    assert living.exists()


def test_nothing_published_yet(tmp_path):
    with pytest.raises(MissingArtefactError, match="found no CURRENT"):
        current_version(tmp_path)


@pytest.mark.parametrize("pointer", ["", "\n", "gone", "..", "../elsewhere", "/", ".hidden", "a\0b", "\udcff"])
def test_a_pointer_to_no_version_is_refused(tmp_path, pointer):
    (tmp_path / CURRENT).write_bytes(pointer.encode("utf-8", "surrogateescape"))
    with pytest.raises(DamagedArtefactError, match="publish a new version"):
        current_version(tmp_path)


def test_write_aside_replaces_all_or_nothing(tmp_path):
    target = tmp_path / "file[1].txt"
    with write_aside(target) as aside:
        aside.write_text("old")
    with pytest.raises(TypeError), write_aside(target) as aside:
        aside.write_text(b"half")
    assert target.read_text() == "old"
    remains = tmp_path / ".file[1].txt-999999999-abcd"
    remains.write_text("of a killed process")
    with write_aside(target) as aside:
        aside.write_text("new")
    assert target.read_text() == "new"
    assert list(tmp_path.iterdir()) == [target]


def test_verify_finds_every_change(tmp_path):
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "file").write_bytes(b"content")
    expected = checksums(tmp_path)
    assert list(expected) == ["sub/file"]
    verify(tmp_path, expected)
    for damaged in (b"Content", b"conten", b"content\n", b""):
        (tmp_path / "sub" / "file").write_bytes(damaged)
        with pytest.raises(DamagedArtefactError, match="has changed"):
            verify(tmp_path, expected)
    (tmp_path / "sub" / "file").unlink()
    with pytest.raises(DamagedArtefactError, match="absent"):
        verify(tmp_path, expected)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff\xfe", b"1"])
def test_read_json_refuses_what_is_no_object(tmp_path, content):
    (tmp_path / "file").write_bytes(content)
    with pytest.raises(DamagedArtefactError, match="expected a JSON object"):
        read_json(tmp_path / "file")


def test_write_json_refuses_what_json_cannot_say(tmp_path):
    with pytest.raises(ValueError, match="JSON"):
        write_json(tmp_path / "file", {"value": float("nan")})
    write_json(tmp_path / "file", {"title": "ライブ"})
    assert json.loads((tmp_path / "file").read_text()) == {"title": "ライブ"} == read_json(tmp_path / "file")


def test_rolling_back_goes_back_step_by_step(tmp_path):
    versions = [published(tmp_path, text).name for text in ("one", "two", "three")]
    assert [roll_back(tmp_path), roll_back(tmp_path)] == [versions[1], versions[0]]
    assert current_version(tmp_path).name == versions[0]
    with pytest.raises(MissingArtefactError, match="earlier version"):
        roll_back(tmp_path)
    put_in_charge(tmp_path, versions[2])
    assert roll_back(tmp_path) == versions[0]


def test_rolling_back_passes_over_what_is_gone_and_what_is_the_same(tmp_path):
    versions = [published(tmp_path, text).name for text in ("one", "two", "three")]
    put_in_charge(tmp_path, versions[2])
    (tmp_path / versions[1] / "file").unlink()
    (tmp_path / versions[1]).rmdir()
    assert roll_back(tmp_path) == versions[0]


@pytest.mark.parametrize("lost", ["all", "last"])
def test_a_history_that_lacks_the_version_in_charge_is_completed(tmp_path, lost):
    versions = [published(tmp_path, text).name for text in ("one", "two")]
    (tmp_path / HISTORY).write_text("" if lost == "all" else f"{versions[0]}\n")
    third = published(tmp_path, "three").name
    assert roll_back(tmp_path) == versions[1]
    assert third not in (tmp_path / HISTORY).read_text()


def test_another_pointer_changes_neither_what_is_in_charge_nor_its_history(tmp_path):
    first, second = published(tmp_path, "one"), published(tmp_path, "two")
    put_in_charge(tmp_path, first.name, pointer="CANDIDATE")
    assert current_version(tmp_path) == second
    assert current_version(tmp_path, "CANDIDATE") == first
    assert (tmp_path / HISTORY).read_text().split() == [first.name, second.name]


def test_a_file_for_which_there_is_no_room_is_told_before_it_is_mapped(tmp_path, monkeypatch):
    def is_full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    path = tmp_path / "vectors"
    path.touch()
    os.truncate(path, 1 << 20)
    take_room(path)
    assert path.stat().st_blocks * 512 >= 1 << 20
    monkeypatch.setattr(os, "posix_fallocate", is_full)
    with pytest.raises(OSError, match="vectors"):
        take_room(path)


def test_an_index_that_cannot_be_written_says_where(tmp_path):
    index = VectorIndex.build("flat", np.eye(4, dtype=np.float16), np.arange(4))
    with pytest.raises(ArtefactError, match=r"could not write .*absent"):
        index.save(tmp_path / "absent" / "index")
