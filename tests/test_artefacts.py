"""Publishing: what a crash leaves behind never hurts what was published before."""

import json

import pytest

from catalog.artefacts import CURRENT, build_aside, current_version, new_version, publish, write_aside
from catalog.errors import DamagedArtefactError, MissingArtefactError
from catalog.manifest import checksums, read_json, verify, write_json


def published(shelf, text="content"):
    with build_aside(shelf) as building:
        (building / "file").write_text(text)
        return publish(building, shelf, new_version("0123456789ab"))


def test_publish_puts_the_newest_in_charge_and_keeps_the_others(tmp_path):
    first, second = published(tmp_path, "one"), published(tmp_path, "two")
    assert current_version(tmp_path) == second
    assert (first / "file").read_text() == "one"
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([first.name, second.name, CURRENT])


def test_a_build_that_fails_leaves_nothing_and_changes_nothing(tmp_path):
    before = published(tmp_path)
    with pytest.raises(FileNotFoundError), build_aside(tmp_path) as building:
        (building / "file").rename(building / "gone" / "file")
    assert current_version(tmp_path) == before
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([before.name, CURRENT])


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
