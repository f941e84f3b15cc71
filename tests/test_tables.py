"""Figures in README and docs are those of the committed results."""

import pytest

from benchmarks.record import ROOT
from benchmarks.tables import PAGES, TABLES, filled


@pytest.mark.parametrize("page", PAGES)
def test_the_tables_of_a_page_are_those_of_the_results(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    assert "<!-- figures: " in text
    assert filled(text) == text, "run python -m benchmarks.tables"


def test_a_table_that_was_written_by_hand_is_found_out():
    text = f"before\n<!-- figures: {next(iter(TABLES))} -->\n| 1 |\n<!-- end of figures -->\nafter\n"
    written = filled(text)
    assert written.startswith("before\n")
    assert written.endswith("\nafter\n")
    assert "| 1 |" not in written
    assert filled(written) == written


def test_every_table_stands_on_a_page():
    text = "".join((ROOT / page).read_text(encoding="utf-8") for page in PAGES)
    assert {name for name in TABLES if f"<!-- figures: {name} -->" in text} == set(TABLES)
