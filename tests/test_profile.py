"""What `onemaster profile` and /catalog say of a catalogue."""

import json
import re
import shutil
from collections import Counter
from itertools import combinations

import pytest
import tiny
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st
from test_pages import IN_A_BROWSER, Page

import onemaster
from catalog.clusters import write_clusters
from catalog.errors import DamagedArtefactError
from catalog.paths import DataFolder
from catalog.profile import _count_pairs, profile, read_profile, source_of
from catalog.store import Catalog, write_catalog
from service.app import create_app
from service.pages.drawings import log_log
from service.settings import Settings

ROWS = [
    {"sr_id": "a__1", "title": "Yesterday", "artists": "The Beatles", "isrcs": "GBAYE6500521", "album": "Help!"},
    {"sr_id": "a__2", "title": "Yestreday (2009 Remaster)", "artists": "THE BEATLES", "isrcs": "GB-AYE-65-00521"},
    {
        "sr_id": "b__1",
        "title": "Harvest Moon",
        "artists": "Neil Young|Crazy Horse",
        "isrcs": "USRE19200334|USRE19200335",
    },
    {"sr_id": "b__2", "title": "Something Else", "artists": None, "isrcs": "GBAYE6500521"},
    {"sr_id": "b__3", "title": "イエスタデイ", "artists": "The Beatles", "isrcs": "USRE19200334"},
    {"sr_id": "123", "title": None, "artists": "Nobody", "isrcs": "no code"},
    {"sr_id": "__4", "title": "Quiet", "artists": "Nobody", "isrcs": None},
]


@pytest.fixture
def folder(tmp_path):
    made = DataFolder.at(tmp_path / "data")
    made.root.mkdir()
    write_catalog(made.catalog, ROWS)
    return made


def profiled(folder):
    with Catalog.open(folder.catalog, folder.copies) as catalog:
        return profile(catalog, folder.clusters)


def test_a_profile_counts_what_is_there_and_what_is_not(folder):
    found = profiled(folder)
    assert found.recordings == 7
    assert (found.missing["title"], found.missing["artists"], found.missing["isrcs"], found.missing["album"]) == (
        1,
        1,
        1,
        6,
    )
    assert found.sources == {"b": 3, "a": 2, "": 2}
    assert found.isrc_states == {"one": 4, "several": 1, "malformed": 1, "missing": 1}
    assert found.artists == [[1, 2], [2, 1], [3, 1]]  # Young and Crazy, Nobody, the Beatles
    assert found.duplicates == []


def test_artists_are_counted_as_they_are_compared(folder):
    artists = ["Neil Young; Crazy Horse", "Neil Young, Crazy Horse", "Crazy Horse|Neil Young", "Young, Neil", "Unknown"]
    artists += ["The Beatles", "Beatles, The"]
    write_catalog(folder.catalog, [{"sr_id": str(n), "artists": each} for n, each in enumerate(artists)])
    assert profiled(folder).artists == [[2, 1], [3, 1], [4, 1]]  # the Beatles, Crazy Horse, Young


def test_a_code_is_suspicious_where_titles_are_not_alike_and_not_where_they_cannot_be_compared(folder):
    found = profiled(folder)
    assert found.suspicious_codes == 1
    (code,) = found.reused_codes
    assert (code.code, code.recordings) == ("GBAYE6500521", 3)
    assert code.examples == [["a__1", "Yesterday"], ["b__2", "Something Else"]]


def reused(folder, *rows):
    """Write recordings that have one code, and list the titles that are said not to be alike."""
    write_catalog(
        folder.catalog,
        [
            {"sr_id": f"a__{number}", "title": title, "artists": artists, "isrcs": "GBAYE6500521"}
            for number, (title, artists) in enumerate(rows)
        ],
    )
    return [[title for _, title in code.examples] for code in profiled(folder).reused_codes]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("The Boxer", "Simon"), ("The Wall", "Pink")),
        (("The Boxer", "Simon"), ("The Wall", "Simon")),
        (("La mer", "Charles Trenet"), ("La foule", "Édith Piaf")),
        (("Summertime Nights", "Ann"), ("Your Long Winter Nights", "Bob")),
        (("Подмосковные вечера", None), ("Калинка", None)),
        (("夜の歌", "山田"), ("朝の光", "山田")),
        (("Für Elise", "Beethoven"), ("Dünya", "Tarkan")),
    ],
)
def test_titles_without_much_in_common_are_not_alike_in_any_script(folder, one, other):
    assert reused(folder, one, other) == [[one[0], other[0]]]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("Yesterday", "The Beatles"), ("Yesterday (Live) - 2009 Remaster", "Beatles")),
        (("Come Back", "Nicolas"), ("Reviens (Come Back)", "Christine Nicolas")),  # a word, and the artist
        (("Come Back", None), ("Reviens (Come Back)", "Nicolas")),
        (("The Wall", "Pink"), ("Wall", "Simon")),
        (("Калинка", None), ("Калинка (Live)", None)),
        (("さくら", "森"), ("桜", "森")),  # one word in two scripts: nobody can tell by letters
        (("イエスタデイ", "The Beatles"), ("Yesterday", "The Beatles")),
    ],
)
def test_titles_that_may_be_one_are_not_called_unlike(folder, one, other):
    assert reused(folder, one, other) == []


def test_an_unlike_title_is_found_however_often_the_other_one_stands_before_it(folder):
    assert reused(folder, *[("Yesterday", "The Beatles")] * 30, ("Something", "Somebody")) == [
        ["Yesterday", "Something"]
    ]


def test_duplicates_are_counted_by_pairs_of_sources(folder):
    folder.dedupe.mkdir()
    write_clusters(folder.clusters, [(row["sr_id"], "abccdde"[number], False) for number, row in enumerate(ROWS)])
    # Clusters: a__1 | a__2 | b__1, b__2 | b__3, 123 | __4
    found = profiled(folder)
    assert found.duplicates == [["b", "b", 1], ["", "b", 1]]
    assert (found.all_sources, found.all_duplicates) == (3, 2)


def test_ids_without_a_source_are_called_so(folder, tiny_data, tmp_path, capsys):
    folder.dedupe.mkdir()
    write_clusters(folder.clusters, [("123", "c", True), ("456", "c", False), ("b__1", "c", False)])
    assert onemaster.main(["profile", "--data", str(folder.root)]) == 0
    printed = capsys.readouterr().out
    assert "  ids without a source and ids without a source: 1" in printed
    assert "  ids without a source and b: 2" in printed
    served = DataFolder.at(shutil.copytree(tiny_data.root, tmp_path / "served"))
    served.dedupe.mkdir()
    shutil.copy(folder.clusters, served.clusters)
    with TestClient(create_app(Settings(served))) as client:
        shown = client.get("/catalog").text
    assert '<tr><td>ids without a source</td><td>b</td><td class="number">2</td></tr>' in shown
    assert "<td></td>" not in shown
    assert "prints another number, of pairs that were judged valid" in shown


def test_all_of_the_profile_is_on_the_page(tiny_data, tmp_path):
    served = DataFolder.at(shutil.copytree(tiny_data.root, tmp_path / "served"))
    write_catalog(served.catalog, ROWS)
    served.dedupe.mkdir()
    write_clusters(served.clusters, [("a__1", "c", True), ("b__1", "c", False)])
    found = profiled(served)
    tiny.publish_index(served)
    with TestClient(create_app(Settings(served))) as client:
        shown = client.get("/catalog").text
    rows = {
        **found.missing,
        **found.isrc_states,
        **{name or "ids without a source": n for name, n in found.sources.items()},
    }
    for name, count in rows.items():
        assert f'<th scope="row">{name}</th><td class="number">{count}</td>' in shown
    assert shown.count("<rect") == len(found.missing) + len(found.isrc_states) + len(found.sources)
    assert shown.count("<circle") == len(found.artists) == 3
    assert [point.words for point in log_log(found.artists).points] == re.findall(
        "<title>([^<]*)</title></circle>", shown
    )
    assert (
        '<td class="isrc">GBAYE6500521</td><td class="number">3</td><td><a href="explore?sr_id=a__1">Yesterday</a> | '
        in shown
    )
    assert '<tr><td>a</td><td>b</td><td class="number">1</td></tr>' in shown


def test_what_is_cut_off_is_said(tiny_data, tmp_path, capsys):
    folder = DataFolder.at(shutil.copytree(tiny_data.root, tmp_path / "data"))
    sr_ids = [f"source{number}__{row}" for number in range(40) for row in range(2)]
    write_catalog(folder.catalog, [{"sr_id": sr_id, "title": sr_id} for sr_id in sr_ids])
    folder.dedupe.mkdir()
    write_clusters(folder.clusters, [(sr_id, sr_id.partition("__")[0], False) for sr_id in sr_ids])
    assert onemaster.main(["profile", "--data", str(folder.root)]) == 0
    printed = capsys.readouterr().out
    assert "sources, 30 of 40:" in printed
    assert "duplicates by pairs of sources, 10 of 40:" in printed
    tiny.publish_index(folder)
    with TestClient(create_app(Settings(folder))) as client:
        shown = Page(client.get("/catalog")).text
    assert "the 30 largest of 40 sources" in shown
    assert "The 30 of 40 pairs of sources that have most" in shown


def test_a_profile_from_before_sources_were_counted_is_read(folder):
    onemaster.main(["profile", "--data", str(folder.root)])
    kept = json.loads(folder.profile.read_text(encoding="utf-8"))
    older = {name: value for name, value in kept.items() if not name.startswith("all_")}
    folder.profile.write_text(json.dumps(older), encoding="utf-8")
    assert read_profile(folder).all_sources == 0


@given(st.lists(st.sampled_from("abc"), max_size=8))
def test_pairs_of_sources_are_all_pairs(sources):
    found = Counter()
    _count_pairs(found, Counter(sources))
    assert found == Counter(tuple(sorted(pair)) for pair in combinations(sources, 2))


@pytest.mark.parametrize(("sr_id", "source"), [("itunes__1", "itunes"), ("a__b__c", "a"), ("123", ""), ("__1", "")])
def test_the_source_stands_in_front(sr_id, source):
    assert source_of(sr_id) == source


def test_the_command_writes_what_the_page_reads(folder, capsys):
    assert onemaster.main(["profile", "--data", str(folder.root)]) == 0
    printed = capsys.readouterr().out
    assert "7 recordings" in printed
    assert "GBAYE6500521 on 3 recordings: Yesterday | Something Else" in printed
    assert read_profile(folder) == profiled(folder)
    assert onemaster.main(["profile", "--data", str(folder.root), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == profiled(folder).to_json()


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"recordings": 1}', '{"reused_codes": [1]}'])
def test_a_damaged_profile_is_told_from_a_profile(folder, content):
    folder.profile.write_text(content, encoding="utf-8")
    with pytest.raises(DamagedArtefactError):
        read_profile(folder)


def test_the_page_shows_the_profile_and_says_if_it_is_of_another_state(tiny_data, tmp_path, monkeypatch):
    folder = DataFolder.at(shutil.copytree(tiny_data.root, tmp_path / "data"))
    with TestClient(create_app(Settings(folder))) as client:
        monkeypatch.setattr("service.pages.catalogue._AT_ONCE", 1)
        assert "too large" in client.get("/catalog").text
        monkeypatch.undo()
        page = Page(client.get("/catalog", headers=IN_A_BROWSER))
        assert f"{profiled(folder).recordings} recordings" in page.text
        assert "run onemaster dedupe" in page.text
        onemaster.main(["profile", "--data", str(folder.root)])
        kept = json.loads(folder.profile.read_text(encoding="utf-8"))
        folder.profile.write_text(json.dumps(kept | {"catalog_digest": "another"}), encoding="utf-8")
        monkeypatch.setattr("service.pages.catalogue._AT_ONCE", 1)
        assert "have changed since" in Page(client.get("/catalog")).text


def test_the_page_knows_what_was_deduplicated_after_it_was_first_opened(tiny_data, tmp_path):
    folder = DataFolder.at(shutil.copytree(tiny_data.root, tmp_path / "data"))
    with TestClient(create_app(Settings(folder))) as client:
        for kept in (False, True):
            if kept:
                folder.clusters.unlink()
                onemaster.main(["profile", "--data", str(folder.root)])
            assert "Nothing was de-duplicated yet" in client.get("/catalog").text
            folder.dedupe.mkdir(exist_ok=True)
            write_clusters(folder.clusters, [("a__1", "c1", True), ("b__1", "c1", False)])
            assert "Nothing was de-duplicated yet" not in client.get("/catalog").text
            write_clusters(folder.clusters, ())
            assert "found no two recordings that are one master" in client.get("/catalog").text


def test_frequencies_lie_where_they_belong():
    drawn = log_log([[1, 1000], [10, 10], [100, 1]])
    assert [(point.x, point.y) for point in drawn.points] == [(0, 0), (150, 200), (300, 300)]
    assert [mark.words for mark in drawn.up] == ["1", "10", "100", "1k"]
    assert log_log([]).points == []
    assert log_log([[1, 1]]).points[0].x == 0
