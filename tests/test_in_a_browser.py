"""The pages in a real browser, Debian's Chromium, by Playwright; `make e2e` wants one, `make test` takes one."""

import os
import shutil
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect, sync_playwright
from test_service_process import end, start

from batch.dedupe import dedupe
from batch.local import LocalEngine
from catalog.artefacts import current_version
from catalog.clusters import write_clusters
from catalog.paths import DataFolder
from catalog.store import Catalog
from matching.labels import read_labels
from matching.model import Model
from service.keys import WRITE, new_key

ROOT = Path(__file__).parents[1]
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
WANTED = os.environ.get("ONEMASTER_E2E") == "1"
SCREENSHOTS = os.environ.get("ONEMASTER_SCREENSHOTS")

pytestmark = [
    pytest.mark.skipif(CHROMIUM is None and not WANTED, reason="no Chromium: apt-get install chromium"),
    pytest.mark.skipif(os.environ.get("ONEMASTER_E2E") == "done", reason="make e2e has run them"),
]


@pytest.fixture(scope="module")
def browser():
    assert CHROMIUM, "expected Debian's chromium, found none: apt-get install chromium"
    with sync_playwright() as playwright:
        # As root there is no sandbox to be had; the pages are our own.
        options = ["--no-sandbox"] if os.geteuid() == 0 else []
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=options)
        yield opened
        opened.close()


@pytest.fixture
def folder(sample_folder, tmp_path):
    return DataFolder.at(shutil.copytree(sample_folder.root, tmp_path / "data"))


@pytest.fixture
def address(folder, tmp_path):
    process, port = start(folder, tmp_path / "log")
    yield f"http://127.0.0.1:{port}"
    end(process)


@pytest.fixture(scope="module")
def looked_at(sample_folder, tmp_path_factory):
    """A service for tests that only look, with clusters."""
    root = tmp_path_factory.mktemp("looked-at")
    folder = DataFolder.at(shutil.copytree(sample_folder.root, root / "data"))
    with Catalog.open(folder.catalog, folder.copies) as catalog, LocalEngine(1) as engine:
        dedupe(catalog, Model.load(current_version(folder.models)), folder.dedupe, engine)
    process, port = start(folder, root / "log")
    yield LookedAt(f"http://127.0.0.1:{port}", (folder.dedupe / "summary.html").as_uri())
    end(process)


@dataclass(frozen=True)
class LookedAt:
    """Where a service is, and the page beside it that `dedupe` wrote."""

    address: str
    summary: str

    def show(self, page, path):
        """Open a page, and do what it takes to see it."""
        page.goto(self.summary if path == SUMMARY else path)
        if path == AFTER_A_VERDICT:
            page.get_by_role("button", name="Valid: one master").click()
            page.get_by_text("bob: ").first.wait_for()
        for folded in page.locator("details:not(#keys) > summary").all():
            folded.click()


@contextmanager
def looking(browser, address, **options):
    """Open a tab that goes nowhere else, and in which no script fails and no policy is broken."""
    context = browser.new_context(base_url=address, **options)
    page, wrong = context.new_page(), []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
    page.on("request", lambda request: None if request.url.startswith(address) else wrong.append(request.url))
    yield page
    assert wrong == []
    context.close()


def onemaster(folder, *words):
    command = [sys.executable, "-m", "onemaster", words[0], "--data", str(folder.root), *words[1:]]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout


def picture(page, name):
    if SCREENSHOTS:
        page.screenshot(path=str(ROOT / "docs" / "images" / f"{name}.png"), full_page=True)


def pair_on(page):
    return tuple(sorted(page.locator(f"input[name={name}]").input_value() for name in ("q_sr_id", "m_sr_id")))


# The pair on the page and what it says of the last one; while a verdict is on its way, only buttons change.
SHOWN = """() => Array.from(document.querySelectorAll('input[type=hidden]'), each => each.value).join()"""


def say(page, key):
    page.wait_for_timeout(450)  # a pair that has only just come is not judged by a second tap
    before = page.evaluate(SHOWN)
    page.keyboard.press(key)
    page.wait_for_function(f"before => ({SHOWN})() !== before && document.querySelector('#question')", arg=before)


def decided(page):
    return page.locator("h2:has-text('What the model thinks') + p .class").inner_text()


def decided_on(page, pair):
    page.goto(f"/explore?sr_id={pair[0]}&beside={pair[1]}")
    return page.locator("#beside h2 + p .class").inner_text()


def test_a_reviewer_labels_ten_pairs_by_keyboard_and_the_next_model_takes_over(browser, address, folder):
    with looking(browser, address) as page:
        page.goto("/review")
        page.keyboard.press("Tab")  # the link to the content
        page.get_by_label("Your name").focus()
        page.keyboard.type("ada")
        page.keyboard.press("Enter")
        page.wait_for_url("**/review?reviewer=ada*")
        picture(page, "review")
        pairs = []
        for _ in range(10):
            pairs.append(pair_on(page))
            say(page, {"valid": "i", "invalid": "v"}[decided(page)])  # the model is wrong, this reviewer thinks
        assert len(set(pairs)) == 10
        said = [(label.verdict.q_sr_id, label.verdict.m_sr_id) for label in read_labels(folder.labels)]
        assert said == pairs
        expect(page.get_by_text("ada: 10 pairs judged")).to_be_visible()
        current = pair_on(page)
        page.reload()
        assert pair_on(page) == current
        say(page, "u")
        say(page, "z")
        assert pair_on(page) == current
        before = (folder.models / "CURRENT").read_text().strip()
        decisions = [decided_on(page, pair) for pair in pairs]
        onemaster(folder, "train", "--labels")
        onemaster(folder, "promote")
        after = (folder.models / "CURRENT").read_text().strip()
        assert after != before
        for _ in range(100):
            if page.request.get("/explore?sr_id=123").headers["x-onemaster-model"] == after:
                break
            page.wait_for_timeout(100)
        changed = [one for one, pair in zip(decisions, pairs, strict=True) if decided_on(page, pair) != one]
        assert changed


def test_a_double_click_says_nothing_of_the_next_pair(browser, address, folder):
    with looking(browser, address) as page:
        page.goto("/review?reviewer=ada")
        first = pair_on(page)
        page.get_by_role("button", name="Valid: one master").dblclick()
        expect(page.get_by_text("ada: 1 pair judged")).to_be_visible()
        page.wait_for_timeout(300)
        (label,) = read_labels(folder.labels)
        assert (label.verdict.q_sr_id, label.verdict.m_sr_id) == first
        page.wait_for_timeout(450)
        page.keyboard.down("v")
        for _ in range(5):
            page.keyboard.down("v")  # held
        page.keyboard.up("v")
        expect(page.get_by_text("ada: 2 pairs judged")).to_be_visible()
        page.wait_for_timeout(450)
        for _ in range(2):
            page.keyboard.press("v")
            page.wait_for_timeout(120)
        expect(page.get_by_text("ada: 3 pairs judged")).to_be_visible()
        page.wait_for_timeout(300)
        assert len(read_labels(folder.labels)) == 3


def test_what_was_not_kept_is_said(browser, address, folder):
    context = browser.new_context(base_url=address)
    page = context.new_page()
    page.goto("/review?reviewer=ada")
    page.locator("input[name=m_sr_id]").evaluate("each => { each.value = 'gone' }")
    page.wait_for_timeout(450)
    page.keyboard.press("v")
    expect(page.get_by_role("alert")).to_contain_text("Nothing was changed. The catalogue has no recording 'gone'")
    page.reload()
    context.set_offline(True)
    page.wait_for_timeout(450)
    page.keyboard.press("v")
    expect(page.get_by_role("alert")).to_contain_text("cannot be reached")
    assert read_labels(folder.labels) == []
    context.close()


def test_focus_stays_where_it_was_and_keys_can_be_switched_off(browser, address, folder):
    with looking(browser, address) as page:
        page.goto("/review?reviewer=ada")
        page.get_by_role("button", name="Invalid: two").focus()
        page.keyboard.press("Enter")
        expect(page.get_by_text("ada: 1 pair judged")).to_be_visible()
        expect(page.get_by_role("button", name="Invalid: two")).to_be_focused()
        page.get_by_role("link", name="Switch the keys off").click()
        page.keyboard.press("v")
        page.get_by_role("button", name="Invalid: two").click()
        expect(page.get_by_text("ada: 2 pairs judged")).to_be_visible()
        page.wait_for_timeout(450)
        page.keyboard.press("v")
        page.wait_for_timeout(300)
        assert [label.verdict.tag for label in read_labels(folder.labels)] == ["invalid", "invalid"]


def test_without_scripts_the_same_can_be_done(browser, address, folder):
    with looking(browser, address, java_script_enabled=False) as page:
        page.goto("/")
        assert page.url.endswith("/explore")
        page.get_by_label("Id of a recording").fill("123")
        page.get_by_role("button", name="Show").click()
        page.get_by_label("Compare with 456").click()
        expect(page.get_by_role("heading", name="123 and 456")).to_be_in_viewport(ratio=1)
        page.goto("/review?reviewer=ada&blind=on")
        page.get_by_role("button", name="Invalid: two").click()
        assert page.get_by_text("You said invalid").is_visible()
        assert page.url.endswith("/review?reviewer=ada&blind=on")
        assert len(read_labels(folder.labels)) == 1


def test_comparing_two_recordings_keeps_the_place_and_the_address(browser, address, folder):
    folder.clusters.parent.mkdir(parents=True, exist_ok=True)
    write_clusters(folder.clusters, [("123", "c1", False), ("456", "c1", True)])
    with looking(browser, address) as page:
        page.goto("/explore?sr_id=123")
        page.get_by_label("Compare with 456").click()
        heading = page.get_by_role("heading", name="123 and 456")
        expect(heading).to_be_in_viewport(ratio=1)
        expect(heading).to_be_focused()
        assert page.url.endswith("beside=456#compared")
        picture(page, "explore")
        page.go_back()
        expect(page.get_by_role("heading", name="123 and 456")).to_be_hidden()


AFTER_A_VERDICT, SUMMARY = "/review?reviewer=bob", "summary.html"
PATHS = [
    *("/explore", "/explore?sr_id=123&beside=789", "/explore?sr_id=nobody"),
    *("/review", "/review?reviewer=ada", AFTER_A_VERDICT),
    *("/catalog", "/quality", "/quality/report", SUMMARY, "/nowhere"),
]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", PATHS)
def test_nobody_is_shut_out(browser, looked_at, path, scheme):
    # The report's policy lets no script run, and so not axe either.
    context = browser.new_context(base_url=looked_at.address, color_scheme=scheme, bypass_csp=True)
    page = context.new_page()
    looked_at.show(page, path)
    found = Axe().run(page).response["violations"]
    context.close()
    assert [(each["id"], each["nodes"][0]["html"]) for each in found if each["impact"] in {"serious", "critical"}] == []


# What begins or ends beside the screen, but for what lies in a container that scrolls; letters that are too small; what
# a thumb has to hit and cannot; and whether both recordings are seen.
ON_A_PHONE = """() => {
  const seen = (each) => each.checkVisibility() && !each.closest('.scrolls') && !each.closest('.skip');
  const lies = (each) => each.getBoundingClientRect();
  const all = (selector) => Array.from(document.querySelectorAll(selector)).filter(seen);
  const scale = ({ a, b }) => Math.hypot(a, b);
  const size = (each) => scale(each.getScreenCTM()) * parseFloat(getComputedStyle(each).fontSize);
  const is_beside = (each) => lies(each).left < 0 || lies(each).right > innerWidth;
  return {
    wide: document.documentElement.scrollWidth - innerWidth,
    beside: all('main *').filter(is_beside).map((each) => each.outerHTML),
    small: Array.from(document.querySelectorAll('svg text')).filter((each) => size(each) < 11).map(size),
    letters: document.querySelectorAll('svg text').length,
    cut: Array.from(document.querySelectorAll('.scrolls')).filter((each) => each.scrollWidth > each.clientWidth)
      .map((each) => each.getAttribute('aria-label')),
    missed: all('[data-key]').filter((each) => Math.min(lies(each).height, lies(each).width) < 44).length,
    sides: all('.pair tbody tr:first-child td').map((each) => lies(each).width),
  };
}"""


@pytest.mark.parametrize("width", [390, 320])
def test_everything_fits_a_phone(browser, looked_at, width):
    screen = {"viewport": {"width": width, "height": 800}, "is_mobile": True, "has_touch": True}
    context = browser.new_context(base_url=looked_at.address, bypass_csp=True, **screen)
    page, letters = context.new_page(), 0
    for path in PATHS:
        looked_at.show(page, path)
        found = page.evaluate(ON_A_PHONE)
        assert found["wide"] <= 0, path
        assert (found["beside"], found["small"], found["missed"]) == ([], [], 0), path
        letters += found["letters"]
        if width == 390 and path in {"/catalog", "/quality"}:
            assert found["cut"] == [], path
        if "beside=" in path or "reviewer=" in path:
            assert len(found["sides"]) == 2
            assert min(found["sides"]) > width / 3
        if width == 390:
            serious = [each["id"] for each in Axe().run(page).response["violations"] if each["impact"] != "minor"]
            assert serious == [], path
    assert letters > 20
    context.close()


@pytest.mark.parametrize("width", [390, 320])
def test_on_a_phone_nothing_that_is_listed_lies_beside_the_screen(browser, looked_at, width):
    context = browser.new_context(base_url=looked_at.address, viewport={"width": width, "height": 800}, is_mobile=True)
    page = context.new_page()
    page.goto("/explore?sr_id=123")
    for folded in page.locator("details").all():
        folded.evaluate("each => { each.open = true }")
    lists = page.locator(".scrolls:has(table)")
    names = ("The recording", "Likely duplicates", "Near, but hardly a duplicate", "How sure each pair is")
    assert lists.evaluate_all("all => all.map((each) => each.ariaLabel)") == list(names)
    for name, beside in zip(
        names, lists.evaluate_all("all => all.map((each) => each.scrollWidth - each.clientWidth)"), strict=True
    ):
        assert beside <= 0, name
    lies = page.get_by_role("cell", name="The Beatles").first.bounding_box()
    assert lies["x"] + lies["width"] <= width
    assert page.locator(".stacks .class").count() > 10
    serious = [each["id"] for each in Axe().run(page).response["violations"] if each["impact"] != "minor"]
    context.close()
    assert serious == []


def test_on_a_phone_verdicts_are_at_hand_however_long_the_recordings_are(browser, address):
    context = browser.new_context(base_url=address, viewport={"width": 390, "height": 500}, has_touch=True)
    page = context.new_page()
    page.goto("/review?reviewer=ada")
    button = page.get_by_role("button", name="Valid: one master")
    expect(button).to_be_in_viewport(ratio=1)
    button.tap()
    expect(page.get_by_text("ada: 1 pair judged")).to_be_attached()
    context.close()


def test_a_list_of_the_keys_is_shown_and_hidden_by_a_key(browser, address):
    with looking(browser, address) as page:
        page.goto("/review?reviewer=ada")
        keys = page.get_by_text("take back what you said last")
        expect(keys).to_be_hidden()
        page.keyboard.press("?")
        expect(keys).to_be_in_viewport(ratio=1)
        named = page.locator("#keys dt").all_inner_texts()
        page.wait_for_timeout(450)
        page.keyboard.press("v")  # says nothing of what lies below
        page.keyboard.press("?")
        expect(keys).to_be_hidden()
        page.get_by_role("button", name="Keys ?").focus()
        page.keyboard.press("Enter")
        expect(keys).to_be_in_viewport(ratio=1)
        assert [each["id"] for each in Axe().run(page).response["violations"] if each["impact"] != "minor"] == []
        page.keyboard.press("Escape")
        expect(keys).to_be_hidden()
        expect(page.get_by_role("button", name="Keys ?")).to_be_focused()
        expect(page.get_by_text("ada: 0 pairs judged")).to_be_visible()
        say(page, "i")
        buttons = page.locator("[data-key]").evaluate_all("all => all.map((each) => each.dataset.key)")
        assert sorted(named) == sorted([*buttons, "?"])
        page.keyboard.press("?")
        page.get_by_role("button", name="Close").click()
        expect(keys).to_be_hidden()
        page.goto("/review?reviewer=ada&keys=off")
        page.keyboard.press("?")
        assert page.locator("#keys").count() == 0


def test_a_key_that_came_too_soon_is_told(browser, address, folder):
    with looking(browser, address) as page:
        page.goto("/review?reviewer=ada")
        say(page, "v")
        notice = page.get_by_text("came too soon and was not taken")
        expect(notice).to_be_hidden()
        page.keyboard.press("i")
        expect(notice).to_be_in_viewport(ratio=1)
        expect(notice).to_have_role("status")
        expect(notice).to_contain_text("i came too soon")
        assert len(read_labels(folder.labels)) == 1
        expect(notice).to_be_hidden(timeout=6_000)


def test_a_pair_that_is_compared_is_judged_and_the_queue_goes_on(browser, address, folder):
    with looking(browser, address) as page:
        page.goto("/review?reviewer=ada")
        queue = pair_on(page)
        page.get_by_role("link", name="Explore").click()
        page.goto("/explore?sr_id=123&beside=789")
        page.get_by_role("link", name="Judge this pair").click()
        assert pair_on(page) == ("123", "789")
        page.wait_for_timeout(450)
        page.keyboard.press("v")
        expect(page.get_by_text("You said valid of 123 and 789")).to_be_visible()
        assert page.url.endswith("/review?reviewer=ada")  # opened again, it does not ask the same
        assert pair_on(page) == queue
        page.keyboard.press("v")  # the second half of a double press
        expect(page.get_by_text("v came too soon")).to_be_visible()
        assert [label.verdict.pair for label in read_labels(folder.labels)] == [("123", "789")]


def test_when_nothing_is_left_to_take_back_focus_goes_to_the_verdicts(browser, address):
    with looking(browser, address) as page:
        page.goto("/review?reviewer=ada")
        say(page, "v")
        page.get_by_role("button", name="Undo").focus()
        page.wait_for_timeout(450)
        page.keyboard.press("Enter")
        expect(page.get_by_role("button", name="Undo")).to_be_hidden()
        expect(page.get_by_role("button", name="Valid: one master")).to_be_focused()


def test_a_browser_gives_the_key_that_it_is_asked_for(browser, folder, monkeypatch, request):
    made = new_key("ada", WRITE)
    monkeypatch.setenv("ONEMASTER_KEYS", made.key.entry)
    address = request.getfixturevalue("address")  # which starts the service
    known = browser.new_context(base_url=address, http_credentials={"username": "whoever", "password": made.secret})
    page = known.new_page()
    page.goto("/review?reviewer=somebody")
    assert page.get_by_text("Your browser asks for it").is_visible()
    say(page, "v")
    expect(page.get_by_text("ada: 1 pair judged")).to_be_visible()
    assert [label.verdict.reviewer for label in read_labels(folder.labels)] == ["ada"]
    known.close()


def test_on_paper_there_is_what_was_looked_at_and_nothing_to_press(browser, looked_at):
    with looking(browser, looked_at.address) as page:
        page.goto("/review?reviewer=ada")
        page.emulate_media(media="print")
        assert page.locator(".pair").is_visible()
        assert page.locator("header").is_hidden()
        assert not any(button.is_visible() for button in page.get_by_role("button").all())


def test_the_slider_shows_what_a_threshold_would_cost(browser, looked_at):
    with looking(browser, looked_at.address) as page:
        page.goto("/quality")
        threshold, cost = (
            page.locator("#outcome thead th").nth(1),
            page.locator("#outcome tbody tr:last-child td").first,
        )
        begin = float(threshold.inner_text().split()[0])
        page.get_by_label("Valid from").focus()
        for _ in range(20):
            page.keyboard.press("ArrowRight")
        expect(threshold).to_have_text(f"{begin + 0.1:.3f} (where the slider stands)")
        expect(page.locator("label #from")).to_have_text(f"{begin + 0.1:.3f}")
        picture(page, "quality")
        before = cost.inner_text()
        page.get_by_label("A wrong invalid costs").fill("1000")
        expect(cost).not_to_have_text(before)
        page.get_by_role("link", name="All of the report").click()
        page.wait_for_url("**/quality/report")
        expect(page.get_by_role("heading").first).to_be_visible()


def test_the_list_of_routes_works_under_its_policy(browser, looked_at):
    with looking(browser, looked_at.address) as page:
        page.goto("/docs")
        page.get_by_role("heading", name="onemaster").wait_for()
        page.get_by_text("/version").click()
        page.get_by_role("button", name="Try it out").click()
        page.get_by_role("button", name="Execute").click()
        page.get_by_text("Server response").wait_for()
