"""The page about the features says what the features are."""

import re
import subprocess
import sys
from pathlib import Path

from matching.features import GROUPS, NAMES
from matching.features.reference import reference

ROOT = Path(__file__).resolve().parent.parent
PAGE = (ROOT / "docs" / "features.md").read_text(encoding="utf-8")


def test_the_committed_page_is_what_the_generator_writes():
    assert reference() == PAGE, "write it anew: python -m matching.features.reference > docs/features.md"


def test_the_command_in_the_page_prints_the_page():
    module = re.search(r"written by: python -m (\S+)", PAGE)[1]
    done = subprocess.run([sys.executable, "-m", module], cwd=ROOT, capture_output=True, check=True)
    assert done.stdout.decode() == PAGE
    assert done.stderr == b""


def test_every_feature_has_a_row_of_six_cells_under_its_group():
    sections = dict(zip(*[iter(re.split(r"^## (\w+)$", PAGE, flags=re.MULTILINE)[1:])] * 2, strict=True))
    assert list(sections) == list(GROUPS)
    rows = {name: re.findall(r"^\| `(\w+)` \|(.+)\|$", text, re.MULTILINE) for name, text in sections.items()}
    assert {name: [feature for feature, _ in found] for name, found in rows.items()} == {
        group.name: [feature.name for feature in group.features] for group in GROUPS.values()
    }
    cells = {feature: rest.split("|") for found in rows.values() for feature, rest in found}
    assert {feature: len(found) for feature, found in cells.items()} == dict.fromkeys(NAMES, 5)
    assert all(cell.strip() for found in cells.values() for cell in found)


def test_the_links_of_the_page_lead_somewhere():
    links = re.findall(r"\]\(([^)#]+)\)", PAGE)
    assert links
    assert [link for link in links if not (ROOT / "docs" / link).is_file()] == []
