"""The pages, as a browser without scripts gets them."""

import base64
import html
import json
import re
import shutil
import sqlite3
from collections import Counter
from contextlib import closing
from html.parser import HTMLParser

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import tiny
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st

from catalog.clusters import write_clusters
from catalog.normalize import normalize
from catalog.paths import DataFolder
from catalog.recording import Recording
from catalog.store import Catalog, write_catalog
from matching.agreement import Agreement, most_disputed, standing
from matching.labels import Label, Verdict, append_label, read_labels
from matching.matcher import Matcher
from matching.questions import PAIRS_FILE
from matching.reviewing import blind_labels, has_judged, said_last, say_unsure, undo, unsure_pairs
from service.access import Access
from service.app import create_app
from service.keys import READ, WRITE, new_key
from service.pages.differences import Piece, differences, fields_of
from service.pages.drawings import MOST_DRAWN, nodes, pairs_of, waterfall
from service.pages.rendering import STATIC, counted
from service.settings import Settings
from training.holdout import TrainingData
from training.train import train

IN_A_BROWSER = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


class Page(HTMLParser):
    """Checks that what is opened is closed, and collects tags, links, forms' fields, buttons and text."""

    def __init__(self, answer):
        super().__init__()
        self.links, self.fields, self.buttons, self.marked, self.text = [], {}, [], [], ""
        self.tags = Counter()
        self._open = []
        self.feed(answer.text)
        self.close()
        assert not self._open

    def handle_starttag(self, tag, attributes):
        values = dict(attributes)
        self.tags[tag] += 1
        assert not {name for name in values if name.startswith("on") or name == "style"}
        self.links.extend(values[name] for name in ("href", "src", "action", "hx-get", "hx-post") if name in values)
        if tag == "input":
            self.fields[values["name"]] = values.get("value", "")
        if tag == "button" and "value" in values:
            self.buttons.append(values["value"])
        if tag not in {"input", "meta", "link", "br"}:
            self._open.append(tag)

    def handle_endtag(self, tag):
        assert self._open.pop() == tag

    def handle_data(self, data):
        self.text += data
        if self._open and self._open[-1] == "mark":
            self.marked.append(data)


def get_with_body(client, body, headers):
    return client.request("GET", "/", content=json.dumps(body).encode(), headers=headers, follow_redirects=False)


def look(client, path, **parameters):
    answer = client.get(path, params=parameters, headers=IN_A_BROWSER)
    assert answer.status_code == 200, answer.text
    return Page(answer)


def test_a_browser_that_asks_for_nothing_is_shown_something_and_programs_keep_their_json(client):
    assert get_with_body(client, "q_sr_id=123&m_sr_id=456", IN_A_BROWSER).json() == {"class": "valid"}
    shown = client.get("/", headers=IN_A_BROWSER, follow_redirects=False)
    assert (shown.status_code, shown.headers["location"]) == (307, "explore")
    assert client.get("/", headers={"accept": "*/*"}).json()["error"].startswith("Incorrect request format")
    asked = client.get("/", params={"q_sr_id": "123", "m_sr_id": "456"}, headers=IN_A_BROWSER)
    assert asked.json() == {"class": "valid"}


def test_pages_load_nothing_from_elsewhere_and_run_nothing_that_is_written_into_them(client):
    for path in (
        "/explore",
        "/explore?sr_id=123&beside=456",
        "/review",
        "/review?reviewer=ada",
        "/catalog",
        "/quality",
    ):
        answer = client.get(path)
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        page = Page(answer)
        assert not [link for link in page.links if ":" in link.partition("?")[0] or link.startswith("//")]
    for name in ("page.css", "page.js", "htmx.min.js", "icon.svg"):
        assert client.get(f"/static/{name}").status_code == 200
        assert (STATIC / name).is_file()
    for path in ("/static/%2e%2e/rendering.py", "/static/..%2frendering.py", "/static/%2e%2e%2f%2e%2e%2fapp.py"):
        assert client.get(path).status_code == 404


def test_explore_shows_a_recording_and_its_likely_duplicates(client):
    page = look(client, "/explore", sr_id="123")
    assert not [words for words in ("Yesterday", "Beatles The", "GBAYE6500521") if words not in page.text]
    assert "explore?sr_id=123&beside=456#compared" in page.links
    probabilities = list(map(float, re.findall(r"\b[01]\.\d{3}\b", page.text.partition("Found by")[2])))
    assert probabilities == sorted(probabilities, reverse=True)
    assert len(probabilities) == 10


def test_explore_shows_what_differs_and_why_it_was_decided_so(client, tiny_data):
    page = look(client, "/explore", sr_id="123", beside="789")
    assert {"Beatles The", "Elvis Presley"} <= set(page.marked)
    assert "Yesterday" not in page.marked
    with Matcher.open(tiny_data) as matcher:
        decision = matcher.classify("123", "789")
        threshold = matcher.model.classifier.threshold
    assert f"match probability of {decision.match_probability:.3f} (valid from {threshold:.3f} on)" in page.text
    drawn = waterfall(decision)
    assert page.tags["rect"] == len(drawn.bars) > 3
    assert page.tags["line"] == len(drawn.bars)
    assert "review?q_sr_id=123&m_sr_id=789" in page.links
    assert "Judge this pair" not in look(client, "/explore", sr_id="123", beside="123").text
    assert [bar.words for bar in drawn.bars if bar.words not in html.unescape(page.text)] == []


@pytest.mark.parametrize(
    ("parameters", "status", "words"),
    [
        ({"sr_id": "nobody"}, 404, "no recording 'nobody'"),
        ({"sr_id": "123", "beside": "nobody"}, 404, "no recording 'nobody'"),
        ({"sr_id": "x" * 300}, 404, "no recording"),
        ({"sr_id": "123", "k": "0"}, 422, "not what was expected"),
        ({"title": "x", "year": "soon"}, 422, "Year: expected a year from 1860 to 2100, got 'soon'."),
        ({"title": "x", "duration": "soon"}, 422, "Length: expected a length such as 4:18, got 'soon'."),
        ({"artists": "|".join(map(str, range(1_001)))}, 422, "Artists: expected at most 1,000 names, got '0|1|"),
        ({"title": "x" * 10_001}, 422, "not what was expected"),
    ],
)
def test_errors_are_pages_too(client, parameters, status, words):
    answer = client.get("/explore", params=parameters)
    assert answer.status_code == status
    assert words in html.unescape(answer.text)
    assert "content-security-policy" in answer.headers
    assert ("sr_id" in Page(answer).fields) is (status == 404)  # another one can be looked for


def test_a_description_finds_recordings(client):
    page = look(client, "/explore", title="yesterday", artists="Beatles")
    assert "explore?sr_id=123" in page.links
    assert "explore?sr_id=456" in page.links
    assert page.fields["title"] == "yesterday"
    assert "compare" not in page.text


def test_what_is_only_near_is_not_among_the_likely_duplicates(client, tiny_data):
    with Matcher.open(tiny_data) as matcher:
        found, classifier = matcher.candidates("123"), matcher.model.classifier
    likely = [
        each.m.sr_id for each in found if classifier.needs_review(each.match_probability) or each.decided == "valid"
    ]
    assert 0 < len(likely) < len(found)
    answer = client.get("/explore", params={"sr_id": "123"}).text
    before, near = answer.split("<details>\n<summary>")[-2:]
    assert f"{len(found) - len(likely)} recordings that are near, but hardly a duplicate" in near
    for each in found:
        assert (f"Compare with {each.m.sr_id}" in before) is (each.m.sr_id in likely)
        assert (f"Compare with {each.m.sr_id}" in near) is (each.m.sr_id not in likely)


def test_of_a_likely_duplicate_that_is_invalid_it_is_said_that_a_person_should_look(client):
    answer = client.get("/explore", params={"title": "Yesterday"}).text
    likely, near = answer.split("<details>\n<summary>")[-2:]
    likely = likely[likely.index("Likely duplicates") :]
    assert likely.count('<span class="class invalid">') == 3  # with a title alone nobody can tell
    assert likely.count("a person should look</span>") == 3
    assert "a person should look" not in near
    sure = client.get("/explore", params={"sr_id": "123"}).text
    assert "a person should look</span>" not in sure


def test_an_empty_search_says_how_much_there_is_and_names_one(client, tiny_data):
    page = look(client, "/explore")
    with Matcher.open(tiny_data) as matcher:
        assert f"The index has {len(matcher.snapshot)} recordings" in page.text
    (example,) = [link for link in page.links if link.startswith("explore?sr_id=")]
    assert client.get(f"/{example}").status_code == 200
    assert "The index has" not in look(client, "/explore", title="yesterday").text


def test_a_search_that_finds_nothing_alike_says_so(client):
    page = look(client, "/explore", title="zzqx unheard of", k=1)
    assert "Nothing alike was found" in page.text
    assert "1 recording that is near, but hardly a duplicate" in page.text
    assert "Nothing alike" not in look(client, "/explore", title="yesterday", artists="Beatles").text


def test_whatever_a_catalogue_holds_is_text_and_no_html(tmp_path):
    folder = DataFolder.at(tmp_path)
    evil = "<script>alert(1)</script>\"'&amp;{{ 7 * 7 }}"
    rows = [{"sr_id": f"{evil}{row}", "title": f"{evil} {row}", "artists": evil, "isrcs": evil} for row in range(3)]
    tiny.write_data(tmp_path)
    write_catalog(folder.catalog, [*tiny.rows(), *rows])
    with Catalog.open(folder.catalog, folder.copies) as catalog:
        train(TrainingData(catalog, folder.groundtruth, folder.root), None, folder.models)
    tiny.publish_index(folder)
    with TestClient(create_app(Settings(folder))) as client:
        for asked in ({"sr_id": f"{evil}0", "beside": f"{evil}1"}, {"sr_id": f"{evil}0"}, {"title": evil}):
            answer = client.get("/explore", params=asked)
            assert answer.status_code == 200
            assert "<script>alert" not in answer.text
            assert "{{ 7 * 7 }}" in html.unescape(answer.text)
            Page(answer)
        assert "<script>alert" not in client.get("/explore", params={"sr_id": evil}).text
        assert "<script>alert" not in client.get("/review", params={"reviewer": evil[:60]}).text
        fields = {"said": "invalid", "q_sr_id": f"{evil}0", "m_sr_id": f"{evil}1", "reviewer": "ada"}
        said = client.post("/review", data=fields).text
        assert "You said" in said
        assert "<script>alert" not in said
        assert "<script>alert" not in client.get("/catalog").text


def test_explore_draws_the_cluster(tiny_data, tmp_path):
    folder = DataFolder.at(shutil.copytree(tiny_data.root, tmp_path / "data"))
    folder.clusters.parent.mkdir(parents=True, exist_ok=True)
    write_clusters(
        folder.clusters, [("123", "c1", False), ("456", "c1", True), ("gone", "c1", False), ("789", "c2", True)]
    )
    with TestClient(create_app(Settings(folder))) as client:
        page = look(client, "/explore", sr_id="123")
        assert "Cluster c1" in page.text
        assert (page.tags["circle"], page.tags["line"]) == (2, 1)
        assert "1 more is not drawn" in page.text
        assert "(stands for the cluster)" in page.text
        assert "found no duplicate" in look(client, "/explore", sr_id="789").text
        assert look(client, "/explore", sr_id="789").tags["circle"] == 0
        unseen = look(client, "/explore", sr_id="q1").text
        assert "No de-duplication has put it into one yet" in unseen
        assert f"onemaster dedupe --data {folder.root}" in unseen
        assert "onemaster dedupe" not in page.text


texts = st.text(alphabet="ab -.,\u00e9\u5c71|", max_size=20) | st.none()


@given(texts, texts)
def test_what_is_marked_and_what_is_not_are_the_whole_text(q, m):
    sides = Recording("q", title=q or None), Recording("m", title=m or None)
    for field in differences(*sides):
        for pieces, side in ((field.q, sides[0]), (field.m, sides[1])):
            assert "".join(piece.text for piece in pieces) == fields_of(side)[field.name]
        if fields_of(sides[0])[field.name] == fields_of(sides[1])[field.name]:
            assert not any(piece.differs for piece in (*field.q, *field.m))


def test_a_difference_is_the_word_that_differs_and_not_its_case():
    q = Recording("q", title="Harvest Moon (live)", artists=("NEIL YOUNG",), duration_ms=184_400)
    m = Recording("m", title="harvest moon (Remix)", artists=("Neil Young",))
    found = {field.name: field for field in differences(q, m)}
    assert [piece.text for piece in found["Title"].q if piece.differs] == ["live"]
    assert [piece.text for piece in found["Title"].m if piece.differs] == ["Remix"]
    assert not any(piece.differs for piece in found["Artists"].q)
    assert [piece.text for piece in found["Length"].q] == ["3:04"]
    assert not any(piece.differs for piece in found["Length"].q)  # what is missing is no difference
    assert "Album" not in found


def marked_in(q, m, field="title"):
    """Show what is marked on either side of one field."""
    sides = (Recording(side, **{field: text}) for side, text in (("q", q), ("m", m)))
    (found,) = differences(*sides)
    return tuple([piece.text for piece in side if piece.differs] for side in (found.q, found.m))


@pytest.mark.parametrize(
    ("q", "m", "marked"),
    [
        ("The Beatles", "Beatles The", ([], [])),
        ("Night Ferries, The", "the night ferries", ([], [])),
        ("Beyonc\u00e9 & Jay-Z", "Jay Z and Beyonce", ([], [])),
        ("Beyonc\u00c3\u00a9", "Beyonc\u00e9", ([], [])),
        ("Don\u2019t Stop", "Don't Stop Now", ([], ["Now"])),
        ("New York New York", "New York", (["New York"], [])),
        ("Moon (Live 2009)", "Live Moon (Remix 2009)", ([], ["Remix"])),
        ("Harbour Lights", "Corinna Vale", (["Harbour Lights"], ["Corinna Vale"])),
        ("!!!", "???", (["!!!"], ["???"])),
        ("!!!", "Chk Chk", (["!!!"], ["Chk Chk"])),
    ],
)
def test_a_word_that_stands_on_both_sides_is_not_marked_wherever_it_stands(q, m, marked):
    assert marked_in(q, m) == marked
    assert marked_in(m, q) == marked[::-1]


def test_a_length_is_one_word():
    (length,) = differences(Recording("q", duration_ms=192_000), Recording("m", duration_ms=723_000))
    assert (length.q, length.m) == ((Piece("3:12", True),), (Piece("12:03", True),))


letters = texts.filter(lambda text: text and any(map(str.isalnum, text)))


@given(letters, letters)
def test_both_sides_have_the_same_words_unmarked_and_none_of_the_same_marked(q, m):
    (field,) = differences(Recording("q", title=q), Recording("m", title=m))

    def words(side, differs):
        text = "/".join(piece.text for piece in side if piece.differs is differs)
        return Counter(word for word in normalize(text).split() if word.isalnum())

    assert words(field.q, False) == words(field.m, False)
    assert not words(field.q, True) & words(field.m, True)


def test_long_texts_are_compared_as_well():
    q, m = (Recording(side, title=f"same {side} " * 20_000) for side in "qm")
    assert [piece.differs for piece in differences(q, m)[0].q[:2]] == [False, True]


def test_the_bars_of_a_waterfall_end_where_the_log_odds_are(matcher):
    for q, m in (("123", "456"), ("123", "789")):
        decision = matcher.classify(q, m)
        drawn = waterfall(decision)
        assert drawn.total == pytest.approx(sum(decision.contributions.values()))
        assert sum(bar.log_odds for bar in drawn.bars) == pytest.approx(drawn.total)
        assert all(bar.x >= 0 and bar.x + bar.width <= 321.1 for bar in drawn.bars)
        assert 0 <= drawn.even <= 320
        for before, after in zip(drawn.bars, drawn.bars[1:], strict=False):
            end = before.x + before.width if before.log_odds > 0 else before.x
            begin = after.x if after.log_odds > 0 else after.x + after.width
            assert begin == pytest.approx(end, abs=1.1)


def test_of_a_large_cluster_the_first_are_drawn():
    drawn = nodes([str(number) for number in range(100)])
    assert [node.sr_id for node in drawn] == [str(number) for number in range(MOST_DRAWN)]
    assert len(pairs_of(drawn)) == MOST_DRAWN * (MOST_DRAWN - 1) // 2
    assert len({(node.x, node.y) for node in drawn}) == MOST_DRAWN


@pytest.fixture
def folder(sample_folder, tmp_path):
    return DataFolder.at(shutil.copytree(sample_folder.root, tmp_path / "data"))


@pytest.fixture
def reviewing(folder):
    with TestClient(create_app(Settings(folder))) as started:
        yield started


def say(client, said, page, **changed):
    sent = ["reviewer", "blind", "keys", *(["undone"] if said == "undo" else ["q_sr_id", "m_sr_id"])]
    fields = {**{name: page.fields.get(name, "") for name in sent}, **changed}
    answer = client.post("/review", data={**fields, "said": said}, headers=IN_A_BROWSER)
    assert answer.status_code == 200, answer.text
    return Page(answer)


def pair_on(page):
    return tuple(sorted((page.fields["q_sr_id"], page.fields["m_sr_id"])))


def test_where_there_are_no_keys_none_is_asked_for(reviewing):
    shown = Page(reviewing.get("/review?reviewer=ada", headers={"Host": "music.example"})).text
    assert "open this page as http://localhost" in shown
    assert "Your browser asks for it" not in shown
    assert "http://localhost" not in Page(reviewing.get("/review?reviewer=ada")).text


def test_who_reviews_says_who_they_are(client):
    client.cookies.clear()
    page = look(client, "/review")
    assert set(page.fields) == {"reviewer", "blind"}
    assert page.buttons == []


def test_who_comes_back_from_another_page_is_known_still_until_somebody_else_reviews(reviewing):
    answer = reviewing.get("/review", params={"reviewer": "ada & bob=\u00e9", "blind": "on", "keys": "off"})
    (sent,) = answer.headers.get_list("set-cookie")
    assert {"httponly", "samesite=strict"} <= {part.strip().lower() for part in sent.split(";")}
    assert "path=" not in sent.lower()  # so it is for where the pages are, behind a proxy, too
    assert "secure" not in sent.lower()
    assert "review" in look(reviewing, "/explore", sr_id="123").links
    page = look(reviewing, "/review")
    assert (page.fields["reviewer"], page.fields["blind"], page.fields["keys"]) == ("ada & bob=\u00e9", "on", "off")
    assert "review?reviewer=" in page.links
    assert look(reviewing, "/review", reviewer="eve").fields["reviewer"] == "eve"
    page = look(reviewing, "/review", blind="on")
    assert (page.fields["reviewer"], page.fields["blind"], page.fields["keys"]) == ("eve", "on", "")
    assert look(reviewing, "/review", reviewer="").fields["reviewer"] == ""
    assert look(reviewing, "/review").fields["reviewer"] == ""


@pytest.mark.parametrize("kept", ["", "x", "reviewer=%20", f"reviewer={'x' * 65}", "blind=on", "=&=&%"])
def test_a_cookie_that_is_not_ours_is_as_good_as_none(client, kept):
    client.cookies.clear()
    assert set(Page(client.get("/review", headers={"cookie": f'onemaster-review="{kept}"'})).fields) == {
        "reviewer",
        "blind",
    }


def test_over_https_the_cookie_goes_over_nothing_else(folder):
    with TestClient(create_app(Settings(folder)), base_url="https://testserver") as client:
        assert "secure" in client.get("/review?reviewer=ada").headers["set-cookie"].lower()


def test_a_pair_that_is_shown_can_be_judged_and_then_the_queue_goes_on(reviewing, folder):
    shown = look(reviewing, "/explore", sr_id="789", beside="123")
    (way,) = [link for link in shown.links if link.startswith("review?")]
    asked = Page(reviewing.get(f"/{way}"))
    assert (asked.fields["q_sr_id"], asked.fields["m_sr_id"], asked.buttons) == ("789", "123", [])  # who is it?
    queue = look(reviewing, "/review", reviewer="ada", blind="on")
    page = Page(reviewing.get(f"/{way}"))  # by whom is known now
    assert pair_on(page) == ("123", "789")
    assert (page.fields["reviewer"], page.fields["blind"]) == ("ada", "on")
    assert "is not counted as blind" in page.text
    assert pair_on(queue) != pair_on(page)
    after = say(reviewing, "valid", page, shown=page.fields["shown"])
    assert pair_on(after) == pair_on(queue)
    assert "You said valid of 123 and 789" in after.text
    (label,) = read_labels(folder.labels)
    assert (label.verdict.pair, label.verdict.tag, label.verdict.reviewer) == (("123", "789"), "valid", "ada")
    assert blind_labels(folder.labels) == set()
    again = Page(reviewing.get(f"/{way}"))
    assert "You said valid of this pair before" in again.text
    say(reviewing, "invalid", again)
    assert [label.verdict.tag for label in read_labels(folder.labels)] == ["valid", "invalid"]
    assert "of this pair before" not in look(reviewing, "/review", reviewer="bob", q_sr_id="123", m_sr_id="789").text


@pytest.mark.parametrize(
    ("pair", "status"),
    [(("123", "nobody"), 404), (("123", "123"), 422), (("123", ""), 422), (("123", "x" * 300), 422)],
)
def test_what_is_no_pair_cannot_be_judged(reviewing, pair, status):
    answer = reviewing.get("/review", params={"reviewer": "ada", "q_sr_id": pair[0], "m_sr_id": pair[1]})
    assert answer.status_code == status
    Page(answer)


def test_when_nothing_else_is_left_others_verdicts_get_a_second_opinion(folder):
    folder.dedupe.mkdir(exist_ok=True)
    certain = {"q_sr_id": ["123"], "m_sr_id": ["456"], "match_probability": [0.999]}
    pq.write_table(pa.table(certain), folder.dedupe / PAIRS_FILE)
    with TestClient(create_app(Settings(folder))) as client:
        assert "There is nothing to ask about" in look(client, "/review", reviewer="ada").text
        for number, (pair, tag, reviewer) in enumerate(
            [
                (("123", "456"), "valid", "bob"),
                (("123", "789"), "valid", "bob"),
                (("123", "789"), "invalid", "eve"),
                (("456", "gone"), "valid", "eve"),
            ]
        ):
            append_label(folder.labels, Verdict(*pair, tag, reviewer, AT.format(number)))
        page = look(client, "/review", reviewer="ada")
        assert pair_on(page) == ("123", "789")
        page = say(client, "valid", page)
        assert pair_on(page) == ("123", "456")
        page = say(client, "unsure", page)
        assert "none that others judged lacks yours" in page.text
        assert page.buttons == ["undo"]


def test_progress_says_how_many_pairs_are_uncertain_where_that_is_known(folder):
    with TestClient(create_app(Settings(folder))) as client:
        assert "uncertain." not in look(client, "/review", reviewer="ada").text
    folder.dedupe.mkdir(exist_ok=True)
    found = {"q_sr_id": ["123", "123", "456"], "m_sr_id": ["456", "789", "789"], "match_probability": [0.999, 0.4, 0.6]}
    pq.write_table(pa.table(found), folder.dedupe / PAIRS_FILE)
    with TestClient(create_app(Settings(folder))) as client:
        text = look(client, "/review", reviewer="ada").text
    assert "The last de-duplication left 2 pairs uncertain." in text


def test_a_verdict_is_kept_once_and_leads_to_the_next_pair(reviewing, folder):
    first = look(reviewing, "/review", reviewer="ada")
    assert first.buttons == ["valid", "invalid", "unsure"]
    assert "Answer by keys" in look(reviewing, "/review", reviewer="ada", keys="off").text
    assert pair_on(look(reviewing, "/review", reviewer="ada")) == pair_on(first)  # nothing is lost on reload
    second = say(reviewing, "valid", first)
    assert pair_on(second) != pair_on(first)
    assert pair_on(say(reviewing, "valid", first)) == pair_on(second)  # sent twice
    (label,) = read_labels(folder.labels)
    assert (label.verdict.q_sr_id, label.verdict.m_sr_id) == pair_on(first)
    assert (label.verdict.tag, label.verdict.reviewer) == ("valid", "ada")
    assert 0 < label.verdict.match_probability < 1
    assert "ada: 1 pair judged, 1 by all" in second.text
    assert "undo" in second.buttons


def test_what_was_said_last_can_be_taken_back_until_nothing_is_left(reviewing, folder):
    first = look(reviewing, "/review", reviewer="ada")
    second = say(reviewing, "invalid", first)
    third = say(reviewing, "unsure", second)
    assert "You said unsure" in third.text
    assert pair_on(third) not in {pair_on(first), pair_on(second)}
    back = say(reviewing, "undo", third)
    assert pair_on(back) == pair_on(second)
    assert "You said invalid" in back.text
    assert pair_on(say(reviewing, "undo", third)) == pair_on(second)  # sent twice
    assert len(read_labels(folder.labels)) == 1
    assert pair_on(say(reviewing, "undo", back)) == pair_on(first)
    assert read_labels(folder.labels) == []
    assert "You said" not in look(reviewing, "/review", reviewer="ada").text
    say(reviewing, "valid", first)
    assert [label.verdict.tag for label in read_labels(folder.labels)] == ["valid"]


def test_a_blind_reviewer_learns_what_the_model_thinks_when_they_have_said_what_they_think(reviewing):
    page = look(reviewing, "/review", reviewer="ada", blind="on")
    assert "match probability" not in page.text
    open_page = look(reviewing, "/review", reviewer="ada")
    assert re.search(r"match probability of 0\.\d{3} \(valid from 0\.\d{3} on\)", open_page.text)
    assert (open_page.tags["rect"] > 3, page.tags["rect"]) == (True, 0)
    after = say(reviewing, "valid", page)
    assert re.search(
        r"the model (in)?valid with a match probability of 0\.\d{3} \(valid from 0\.\d{3} on\)", after.text
    )
    assert after.text.count("match probability") == 1
    assert "the model" in after.text


def test_who_took_a_verdict_back_has_seen_what_the_model_thinks_and_is_blind_no_more(reviewing, folder):
    first = look(reviewing, "/review", reviewer="ada", blind="on")
    second = say(reviewing, "valid", first)
    assert "on 1 of 1 that you judged without" in second.text or "on 0 of 1 that you judged without" in second.text
    again = say(reviewing, "undo", second)
    assert pair_on(again) == pair_on(first)
    assert "is not counted as blind" in again.text
    after = say(reviewing, "invalid", again)
    assert "is not counted as blind" not in after.text
    assert "that you judged without" not in after.text
    say(reviewing, "valid", after)
    say(reviewing, "valid", look(reviewing, "/review", reviewer="bob"))
    numbers = {label.verdict.tag: label.number for label in read_labels(folder.labels, undone=True)[:2]}
    third = read_labels(folder.labels)[-2].number
    assert blind_labels(folder.labels) == {numbers["valid"], third}


def test_what_is_blind_is_a_first_verdict_of_who_is_not_shown_anything(tmp_path):
    path = tmp_path / "labels.db"
    assert blind_labels(path) == set()
    assert not has_judged(path, ("a", "b"), "ada")
    for number, (pair, reviewer, blind) in enumerate(
        [("ab", "ada", True), ("ba", "ada", True), ("ab", "bob", True), ("cd", "ada", False), ("cd", "ada", True)]
    ):
        tag = "valid" if number % 2 else "invalid"
        append_label(path, Verdict(*pair, tag, reviewer, AT.format(number)), once=True, blind=blind)
    first, _, of_bob, *_ = (label.number for label in read_labels(path))
    assert blind_labels(path) == {first, of_bob}
    undo(path, ("label", of_bob), "bob", AT.format(9))
    assert has_judged(path, ("b", "a"), "bob")
    assert not has_judged(path, ("c", "d"), "bob")
    say_unsure(path, ("e", "f"), "bob", AT.format(9))  # of which nobody is shown anything
    assert append_label(path, Verdict("e", "f", "valid", "bob", AT.format(9)), blind=True).number in blind_labels(path)


def test_of_what_others_have_judged_the_most_disputed_comes_first(reviewing, folder):
    for number, (pair, tag, reviewer) in enumerate(
        [
            (("123", "456"), "valid", "bob"),
            (("123", "789"), "valid", "bob"),
            (("123", "789"), "invalid", "eve"),
        ]
    ):
        append_label(folder.labels, Verdict(*pair, tag, reviewer, AT.format(number)))
    page = look(reviewing, "/review", reviewer="ada")
    for _ in range(4):
        page = say(reviewing, "valid", page)
    assert pair_on(page) == ("123", "789")


def test_disputes_are_ordered_by_their_share_and_then_by_how_few_have_judged():
    said = [("ab", "vvi"), ("cd", "vi"), ("ef", "v"), ("gh", "vv"), ("ij", "i"), ("kl", "vvii")]
    labels = []
    for pair, tags in said:
        for reviewer, tag in enumerate(tags):
            verdict = Verdict(*pair, {"v": "valid", "i": "invalid"}[tag], f"r{reviewer}", AT.format(0))
            labels.append(Label(len(labels) + 1, verdict))
    assert ["".join(pair) for pair in most_disputed(labels)] == ["cd", "kl", "ab", "ef", "ij", "gh"]


def test_of_five_pairs_one_is_of_those_that_others_have_judged(reviewing, folder):
    theirs = look(reviewing, "/review", reviewer="bob")
    say(reviewing, "valid", theirs)
    page = look(reviewing, "/review", reviewer="ada")
    seen = []
    for _ in range(5):
        seen.append(frozenset(pair_on(page)))
        page = say(reviewing, "invalid", page)
    assert seen[4] == frozenset(pair_on(theirs))
    assert "With the other reviewers on 0 of 1" in page.text
    assert len(read_labels(folder.labels)) == 6


def test_of_many_that_nobody_can_tell_others_are_asked(reviewing):
    page = look(reviewing, "/review", reviewer="ada")
    seen = set()
    for _ in range(60):
        assert pair_on(page) not in seen
        seen.add(pair_on(page))
        page = say(reviewing, "unsure", page)


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"said": "maybe", "q_sr_id": "123", "m_sr_id": "456", "reviewer": "ada"}, 422),
        ({"said": "valid", "q_sr_id": "123", "m_sr_id": "123", "reviewer": "ada"}, 422),
        ({"said": "valid", "q_sr_id": "123", "reviewer": "ada"}, 422),
        ({"said": "valid", "q_sr_id": "123", "m_sr_id": "456", "reviewer": " "}, 422),
        ({"said": "valid", "q_sr_id": "123", "m_sr_id": "456", "reviewer": "x" * 65}, 422),
        ({"said": "valid", "q_sr_id": "123", "m_sr_id": "nobody", "reviewer": "ada"}, 404),
        ({"said": "unsure", "q_sr_id": "nobody", "m_sr_id": "123", "reviewer": "ada"}, 404),
        ({}, 422),
        ({"said": "undo", "reviewer": "ada", "undone": "label:x"}, 422),
        ({"said": "undo", "reviewer": "ada", "undone": "model:1"}, 422),
        ({"said": "valid", "reviewer": "ada"} | {f"x{number}": "" for number in range(30)}, 422),
        ({"said": "valid", "reviewer": "ada", "note": "x" * 20_000}, 413),
    ],
)
def test_what_the_form_cannot_have_sent_is_refused(reviewing, folder, fields, status):
    answer = reviewing.post("/review", data=fields)
    assert answer.status_code == status
    Page(answer)
    assert read_labels(folder.labels) == []


def test_no_other_site_speaks_in_a_reviewers_name(reviewing, folder):
    fields = {"said": "valid", "q_sr_id": "123", "m_sr_id": "789", "reviewer": "ada"}
    for origin, status in (("https://evil.example", 403), ("null", 403), ("http://testserver", 200)):
        assert reviewing.post("/review", data=fields, headers={"origin": origin}).status_code == status
    assert len(read_labels(folder.labels)) == 1


def test_a_browser_is_asked_for_the_key_as_a_password(folder):
    made = new_key("ada", WRITE)
    settings = Settings(
        folder, access=Access((made.key, new_key("bob", READ).key), read_is_open=False, write_is_open=False)
    )
    with TestClient(create_app(settings)) as client:
        for path in ("/", "/review", "/docs"):
            refused = client.get(path, headers=IN_A_BROWSER)
            assert refused.status_code == 401
            assert refused.headers["www-authenticate"].startswith("Basic ")
        assert client.get("/version").headers["www-authenticate"] == "Bearer"
        for password in (made.secret, f"{made.secret}x"):
            sent = base64.b64encode(f"whoever:{password}".encode()).decode()
            answer = client.get("/review", headers={"authorization": f"basic {sent}"})
            assert answer.status_code == (200 if password == made.secret else 401)
            if answer.status_code == 200:
                assert Page(answer).fields["reviewer"] == "ada"
        assert client.get("/review", headers={"authorization": "Basic ???"}).status_code == 401


AT = "2026-11-28T10:00:00.{:03}+00:00"


def undo_last(path, reviewer, at):
    last = said_last(path, reviewer)
    undo(path, (last.kind, last.number), reviewer, at)
    return last.q_sr_id, last.m_sr_id


def test_who_is_unsure_takes_back_what_they_said(tmp_path):
    path = tmp_path / "labels.db"
    append_label(path, Verdict("b", "a", "valid", "ada", AT.format(1)))
    append_label(path, Verdict("b", "a", "valid", "bob", AT.format(2)))
    say_unsure(path, ("a", "b"), "ada", AT.format(3))
    assert [label.verdict.reviewer for label in read_labels(path)] == ["bob"]
    assert unsure_pairs(path, "ada") == {("a", "b")}


@pytest.mark.parametrize("table", ["label", "unsure", "undone", "blind"])
@pytest.mark.parametrize("statement", ["DELETE FROM {}", "UPDATE {} SET rowid = 7"])
def test_nothing_in_the_file_is_changed_or_removed(tmp_path, table, statement):
    path = tmp_path / "labels.db"
    said = append_label(path, Verdict("a", "b", "valid", "ada", AT.format(1)), blind=True)
    say_unsure(path, ("c", "d"), "ada", AT.format(2))
    undo(path, ("label", said.number), "ada", AT.format(3))
    with closing(sqlite3.connect(path)) as connection, pytest.raises(sqlite3.IntegrityError, match="appended"):
        connection.execute(statement.format(table))


def test_looking_at_what_was_said_waits_for_nobody_and_writes_nothing(tmp_path):
    path = tmp_path / "labels.db"
    append_label(path, Verdict("a", "b", "valid", "ada", AT.format(1)))
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        assert said_last(path, "ada").said == "valid"
        assert unsure_pairs(path, "ada") == set()


def test_what_is_undone_stays_in_the_file_and_counts_no_more(tmp_path):
    path = tmp_path / "labels.db"
    undo(path, ("label", 1), "ada", AT.format(0))
    append_label(path, Verdict("a", "b", "valid", "ada", AT.format(1)))
    of_bob = append_label(path, Verdict("a", "b", "invalid", "bob", AT.format(2))).number
    say_unsure(path, ("c", "d"), "ada", AT.format(3))
    say_unsure(path, ("c", "d"), "ada", AT.format(4))
    assert unsure_pairs(path, "ada") == {("c", "d")}
    assert unsure_pairs(path, "bob") == set()
    say_unsure(path, ("d", "c"), "ada", AT.format(4))
    assert undo_last(path, "ada", AT.format(5)) == ("c", "d")
    assert unsure_pairs(path, "ada") == set()
    assert said_last(path, "ada").said == "valid"
    undo(path, ("label", of_bob), "ada", AT.format(5))
    assert undo_last(path, "ada", AT.format(6)) == ("a", "b")
    assert said_last(path, "ada") is None
    assert [label.verdict.reviewer for label in read_labels(path)] == ["bob"]
    assert [label.verdict.reviewer for label in read_labels(path, undone=True)] == ["ada", "bob"]
    assert said_last(path, "bob").said == "invalid"


def test_a_reviewer_is_compared_by_last_words(tmp_path):
    path = tmp_path / "labels.db"
    for number, (pair, tag, reviewer, probability) in enumerate(
        [
            ("ab", "valid", "ada", 0.9),
            ("ba", "invalid", "ada", 0.9),
            ("ab", "invalid", "bob", 0.9),
            ("cd", "valid", "ada", 0.8),
            ("ef", "valid", "bob", 0.1),
        ]
    ):
        append_label(path, Verdict(*pair, tag, reviewer, AT.format(number), match_probability=probability, model="m"))
    found = standing(read_labels(path), "ada", lambda probability: "valid" if probability >= 0.5 else "invalid")
    assert (found.pairs, found.of_all) == (2, 3)
    assert found.with_model == Agreement(1, 2)
    assert found.blind == Agreement(0, 0)
    first, _, _, fourth, _ = (label.number for label in read_labels(path))
    blind = standing(read_labels(path), "ada", lambda _: "valid", blind={first, fourth}).blind
    assert blind == Agreement(1, 1)  # the last word on the other pair came when it was known
    assert found.with_others == Agreement(1, 1)


def test_a_file_of_labels_from_before_there_were_pages_is_read(tmp_path):
    path = tmp_path / "labels.db"
    append_label(path, Verdict("a", "b", "valid", "ada", AT.format(1)))
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript("DROP TABLE undone; DROP TABLE unsure; DROP TABLE blind;")
    assert blind_labels(path) == set()
    assert len(read_labels(path)) == 1
    assert unsure_pairs(path, "ada") == set()
    assert undo_last(path, "ada", AT.format(2)) == ("a", "b")
    assert read_labels(path) == []


def test_verdicts_stay_taken_back_in_a_file_from_before_blind_ones_were_noted(tmp_path):
    path = tmp_path / "labels.db"
    said = append_label(path, Verdict("a", "b", "valid", "ada", AT.format(1)))
    undo(path, ("label", said.number), "ada", AT.format(2))
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript("DROP TABLE blind;")
    assert read_labels(path) == []
    assert has_judged(path, ("a", "b"), "ada")
    later = append_label(path, Verdict("c", "d", "valid", "ada", AT.format(3)), blind=True)
    assert blind_labels(path) == {later.number}


@pytest.mark.parametrize(("number", "words"), [(0, "0 pairs"), (1, "1 pair"), (2, "2 pairs"), (1_000, "1,000 pairs")])
def test_one_is_one(number, words):
    assert counted(number, "pair") == words
