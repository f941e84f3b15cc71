"""The notebooks run from top to bottom, define nothing of their own, and say in prose only what their cells show."""

import ast
import re
from functools import cache
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
# It draws what is committed in benchmarks/results, and nothing that it works out itself differs from run to run.
OF_RESULTS = ROOT / "notebooks" / "04_scale.ipynb"

every_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


@cache
def executed(path):
    notebook = nbformat.read(path, as_version=4)
    NotebookClient(notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": str(ROOT)}}).execute()
    return notebook


def outputs_of(notebook):
    return [output for cell in notebook.cells for output in cell.get("outputs", [])]


def texts_of(notebook):
    return [output.get("text") or output.get("data", {}).get("text/plain", "") for output in outputs_of(notebook)]


@every_notebook
def test_notebook_runs_and_shows_pictures(path):
    assert any("image/png" in output.get("data", {}) for output in outputs_of(executed(path)))


def test_the_notebook_of_results_was_executed_after_the_last_of_them():
    """If this fails, the results have changed: execute the notebook again, and read whether its prose still holds."""
    committed = nbformat.read(OF_RESULTS, as_version=4)
    assert texts_of(committed) == texts_of(executed(OF_RESULTS))


@every_notebook
def test_notebook_defines_nothing_and_was_committed_with_its_outputs(path):
    notebook = nbformat.read(path, as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    trees = [ast.parse(cell.source) for cell in code]
    defined = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    assert not [node.name for tree in trees for node in ast.walk(tree) if isinstance(node, defined)]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    nbformat.validate(notebook)


@every_notebook
def test_notebook_was_committed_without_warnings_or_traces_of_a_machine(path):
    notebook = nbformat.read(path, as_version=4)
    assert {output.get("name", "stdout") for output in outputs_of(notebook)} == {"stdout"}
    traces = re.compile(r"(?<!\w)/(home|root|tmp|work|usr|var)/|0x[0-9a-f]{8}")
    assert not [text for text in texts_of(notebook) if traces.search(text)]


@every_notebook
def test_figures_stand_in_outputs_where_cells_work_them_out_and_not_in_prose(path):
    prose = [cell.source for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "markdown"]
    assert not [found for text in prose for found in re.findall(r"\d[.,]\d+|\d+ ?%", text)]
