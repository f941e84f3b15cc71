"""The documentation as a site: it builds without a warning, has everything, and loads nothing from elsewhere."""

import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest
import yaml

from onemaster import COMMANDS
from service.app import create_app
from service.settings import Settings

ROOT = Path(__file__).resolve().parent.parent
LOADED = {"iframe": "src", "img": "src", "link": "href", "object": "data", "script": "src", "source": "src"}


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    build = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(folder)]
    environment = os.environ | {"NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(build, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    return folder


class Page(HTMLParser):
    """What a page loads, and what it says."""

    def __init__(self, path):
        super().__init__()
        self.loaded, self.words = [], []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attrs):
        if tag in LOADED:
            self.loaded += [value for name, value in attrs if name == LOADED[tag] and value]

    def handle_data(self, data):
        self.words.append(data)

    @property
    def text(self):
        return " ".join("".join(self.words).split())


def test_no_page_loads_anything_from_elsewhere(site):
    loaded = {path: Page(path).loaded for path in site.rglob("*.html")}
    assert any(loaded.values())
    assert {address for found in loaded.values() for address in found if re.match(r"(\w+:)?//", address)} == set()


def test_no_style_sheet_loads_anything_from_elsewhere(site):
    sheets = {path: path.read_text(encoding="utf-8") for path in site.rglob("*.css")}
    assert sheets
    elsewhere = re.compile(r"(?:@import|url\()\s*[\"']?(?:https?:)?//")
    assert [path for path, sheet in sheets.items() if elsewhere.search(sheet)] == []


def test_the_reference_has_every_command_with_its_options(site):
    text = Page(site / "reference" / "commands" / "index.html").text
    assert [name for name in COMMANDS if f"usage: onemaster {name} " not in text] == []
    assert "--min-precision P" in text


def test_the_reference_has_every_request_and_every_object(site, tiny_data):
    described = create_app(Settings(tiny_data)).openapi()
    text = Page(site / "reference" / "requests" / "index.html").text
    asked = [f"{method.upper()} {path}" for path, methods in described["paths"].items() for method in methods]
    assert [each for each in (*asked, *described["components"]["schemas"]) if each not in text] == []


@pytest.mark.parametrize("room", ["catalog", "embeddings", "index", "matching", "batch", "training", "service"])
def test_the_reference_has_every_module_of_the_room(site, room):
    text = (site / "reference" / f"python-{room}" / "index.html").read_text(encoding="utf-8")
    names = [".".join(path.relative_to(ROOT).with_suffix("").parts) for path in (ROOT / room).rglob("*.py")]
    assert [name for name in names if f'id="{name.removesuffix(".__init__")}"' not in text] == []


def test_every_decision_is_listed(site):
    listed = (site / "decisions" / "index.html").read_text(encoding="utf-8")
    decisions = [path.stem for path in (ROOT / "docs" / "decisions").glob("*.md")]
    assert [name for name in decisions if f'href="{name}/"' not in listed] == []


def test_no_page_is_left_out_of_the_navigation_but_single_decisions():
    settings = yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))
    assert settings["strict"] is True
    assert settings["theme"]["font"] is False
    assert settings["validation"]["nav"]["omitted_files"] == "warn"
    assert settings["not_in_nav"].split() == ["/decisions/0*.md"]


def test_the_links_of_the_readme_lead_somewhere():
    links = re.findall(r"\]\(([^)#:]+)[^)]*\)", (ROOT / "README.md").read_text(encoding="utf-8"))
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []
