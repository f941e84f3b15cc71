"""The repository keeps its own promises: pins, targets, rooms, sizes and a front door that opens at once."""

import ast
import importlib.util
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import smoke

ROOT = Path(__file__).resolve().parent.parent
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PROJECT = PYPROJECT["project"]
CONTRACTS = PYPROJECT["tool"]["importlinter"]
ROOMS = CONTRACTS["root_packages"]
FRONT_DOOR = [
    ROOT / f"{name}.py"
    for name in (
        "change_commands",
        "command_line",
        "data_at_urls",
        "onemaster",
        "printed",
        "service_commands",
        "training_commands",
    )
]
MODULES = sorted([*FRONT_DOOR, *(path for room in (*ROOMS, "benchmarks") for path in (ROOT / room).rglob("*.py"))])
TARGETS = ("serve", "test", "lint", "check", "docs", "bench", "smoke", "clean", "help")
HEAVY = ("faiss", "fastapi", "matplotlib", "pandas", "pyarrow", "scipy", "sentence_transformers", "sklearn", "torch")


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def requirement_name(requirement: str) -> str:
    return canonical(re.split(r"[\[<>=!~; ]", requirement, maxsplit=1)[0])


def pins() -> dict[str, str]:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    return dict(line.split("==") for line in lines if line and not line.startswith("#"))


DECLARED = sorted(
    {*PROJECT["dependencies"], *(r for extra in PROJECT["optional-dependencies"].values() for r in extra)}
)


@pytest.mark.parametrize("requirement", DECLARED)
def test_every_declared_dependency_has_a_range_and_a_pin_within_it(requirement):
    bounds = re.search(r">=([\d.]+)(?:,<([\d.]+))?$", requirement)
    assert bounds, f"{requirement} has no lower bound"
    version = numbers(pins()[requirement_name(requirement)])
    assert numbers(bounds[1]) <= version
    assert bounds[2] is None or version < numbers(bounds[2])


def numbers(version: str) -> list[int]:
    return [int(part) for part in version.split(".")]


def test_constraints_pin_exact_public_versions_and_name_no_index():
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    loose = [line for line in lines if not re.fullmatch(r"#.*|[a-z0-9-]+==[0-9][0-9a-z.]*", line)]
    assert loose == []
    assert pins()["torch"] == "2.13.0"


def test_dependencies_are_what_the_code_imports():
    """A package that nobody imports is a burden, one that is not declared breaks a fresh machine."""
    module_of = {
        "faiss-cpu": "faiss",
        "fastapi-offline": "fastapi_offline",
        "prometheus-client": "prometheus_client",
        "scikit-learn": "sklearn",
        "sentence-transformers": "sentence_transformers",
        "sparse-dot-topn": "sparse_dot_topn",
    }
    declared = {*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["ray"]}
    declared = {module_of.get(name, name) for name in map(requirement_name, declared)}
    ours = {*ROOMS, *(path.stem for path in FRONT_DOOR), "benchmarks"}
    imported = {name for path in MODULES for name in imports(path)} - ours - set(sys.stdlib_module_names)
    assert imported == declared


def imports(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            names.add(node.module.partition(".")[0])
    return names


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
@pytest.mark.parametrize("target", TARGETS)
def test_make_knows_the_target(target):
    done = subprocess.run(["make", "--dry-run", target], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()


def test_readme_names_the_two_commands():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert re.search(r"^(\$ )?make serve\b", readme, re.MULTILINE)
    assert "make test" in readme


def test_readme_has_the_examples_that_smoke_runs():
    examples = smoke.read_examples((ROOT / "README.md").read_text(encoding="utf-8"))
    assert len(examples) >= smoke.LEAST_EXAMPLES
    assert any(example.about_candidates for example in examples)


def test_ci_runs_lint_then_the_browser_then_the_readme_test_command_then_smoke():
    script = ROOT / ".ci" / "run"
    steps = re.findall(r"^make .*$", script.read_text(encoding="utf-8"), re.MULTILINE)
    assert steps == ["make lint", "make e2e", "make test", "make smoke"]
    assert script.stat().st_mode & 0o111 == 0o111


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_module_and_its_functions_are_short(path):
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) < 300
    functions = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    assert {node.name: code_lines(node) for node in functions if code_lines(node) >= 40} == {}


def code_lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines from ``def`` to the end, without the docstring."""
    first = node.body[0]
    is_docstring = (
        isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str)
    )
    docstring = first.end_lineno - first.lineno + 1 if is_docstring else 0
    return node.end_lineno - node.lineno + 1 - docstring


def test_import_contracts_cover_every_room():
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")} - {"benchmarks", "tests", "notebooks"}
    assert set(ROOMS) == packages
    assert all(importlib.util.find_spec(room) for room in ROOMS)
    layers = CONTRACTS["contracts"][0]["layers"]
    assert {room.strip() for layer in layers for room in layer.split("|")} == {*ROOMS}


@pytest.mark.parametrize(
    ("library", "rooms"),
    [
        ("faiss", {"index"}),
        ("lxml", {"catalog"}),
        ("torch", {"embeddings", "training"}),
        ("sentence_transformers", {"embeddings", "training"}),
        ("rapidfuzz", {"matching"}),
        ("sklearn", {"matching", "training"}),
        ("fastapi", {"service"}),
    ],
)
def test_every_fence_lets_in_exactly_its_rooms(library, rooms):
    fences = [c for c in CONTRACTS["contracts"] if c["type"] == "forbidden" and library in c["forbidden_modules"]]
    assert [{*ROOMS} - {*fence["source_modules"]} for fence in fences] == [rooms]
    assert all(library not in imports(path) for path in FRONT_DOOR)


def test_front_door_imports_no_benchmarks_notebooks_or_tests():
    assert set().union(*map(imports, FRONT_DOOR)) & {"benchmarks", "notebooks", "tests"} == set()


def test_front_door_is_installed_and_in_the_image():
    assert PYPROJECT["tool"]["setuptools"]["py-modules"] == [path.stem for path in FRONT_DOOR]
    assert {path.name for path in FRONT_DOOR} <= set(PYPROJECT["tool"]["mypy"]["files"])
    let_in = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert {f"!{path.name}" for path in FRONT_DOOR} <= set(let_in)


def test_front_door_loads_nothing_heavy():
    code = f"import sys, onemaster; print(*sorted(sys.modules.keys() & {set(HEAVY)!r}))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
