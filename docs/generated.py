"""The pages of the site that are written from the code whenever it is built: commands, requests, Python, decisions."""

from __future__ import annotations

import argparse
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

from catalog.paths import DataFolder
from command_line import parser
from onemaster import COMMANDS
from service.app import create_app
from service.settings import Settings

ROOT = Path(__file__).resolve().parent.parent
ROOMS = ("catalog", "embeddings", "index", "matching", "batch", "training", "service")

Json = dict[str, Any]


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the generated pages to those that were written; MkDocs calls this.

    Parameters
    ----------
    files : Files
        Of `docs/`.
    config : MkDocsConfig
        Of `mkdocs.yml`.

    Returns
    -------
    Files
        The same and the generated ones.
    """
    for name, text in pages().items():
        files.append(File.generated(config, name, content=text))
    return files


def pages() -> dict[str, str]:
    """Write all generated pages.

    Returns
    -------
    dict of str to str
        Path under `docs/` to Markdown.
    """
    python = {f"reference/python-{room}.md": modules(room) for room in ROOMS}
    written = {"reference/commands.md": commands(), "reference/requests.md": requests()}
    return {**written, **python, "decisions/index.md": decisions()}


def commands() -> str:
    """Write what every command says of itself.

    Returns
    -------
    str
        Markdown with the output of ``--help``, command by command.
    """
    os.environ["COLUMNS"] = "110"  # or argparse breaks lines where the terminal of whoever builds ends
    whole = parser(COMMANDS)
    of_commands = next(action for action in whole._actions if isinstance(action, argparse._SubParsersAction))
    parts = ["# Commands\n", _help(whole)]
    for name, command in of_commands.choices.items():
        parts += [f"## onemaster {name}\n", _help(command)]
    return "\n".join(parts)


def _help(command: argparse.ArgumentParser) -> str:
    return f"```text\n{command.format_help()}```\n"


def requests() -> str:
    """Write what the service can be asked, from its OpenAPI description.

    Returns
    -------
    str
        Markdown with every request and every object.
    """
    described = create_app(Settings(DataFolder.at(Path("data")))).openapi()
    parts = [
        "# Requests\n",
        "What the service answers, as its OpenAPI description has it; a running one shows the same at `/docs`.\n",
    ]
    for path, methods in described["paths"].items():
        for method, operation in methods.items():
            parts += _operation(f"{method.upper()} {path}", operation)
    parts.append("## Objects\n")
    for name, schema in described["components"]["schemas"].items():
        parts += _object(name, schema)
    return "\n".join(parts)


def _operation(title: str, operation: Json) -> Iterator[str]:
    yield f"## `{title}`\n"
    yield f"{operation.get('description') or operation['summary']}\n"
    parameters = operation.get("parameters", [])
    if parameters:
        yield "| parameter | in | type | required | meaning |\n|---|---|---|---|---|"
        for each in parameters:
            required = "yes" if each.get("required") else "no"
            cells = (f"`{each['name']}`", each["in"], _type(each["schema"]), required, each.get("description", ""))
            yield _row(cells)
        yield ""
    for content in operation.get("requestBody", {}).get("content", {}).values():
        yield f"Body: {_type(content['schema'])}\n"
    yield "| status | meaning | body |\n|---|---|---|"
    for status, answer in sorted(operation["responses"].items()):
        bodies = [_type(content.get("schema", {})) for content in answer.get("content", {}).values()]
        yield _row((status, answer["description"], ", ".join(bodies)))
    yield ""


def _object(name: str, schema: Json) -> Iterator[str]:
    yield f"### {name}\n"
    if schema.get("description"):
        yield f"{schema['description']}\n"
    if "properties" not in schema:
        return
    yield "| field | type | required | meaning |\n|---|---|---|---|"
    for field, each in schema["properties"].items():
        required = "yes" if field in schema.get("required", ()) else "no"
        yield _row((f"`{field}`", _type(each), required, each.get("description", "")))
    yield ""


def _row(cells: tuple[str, ...]) -> str:
    return "| " + " | ".join(" ".join(cell.split()).replace("|", "\\|") for cell in cells) + " |"


def _type(schema: Json) -> str:
    """Name a type, and link it where it is one of our objects."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if "anyOf" in schema:
        return " or ".join(_type(each) for each in schema["anyOf"])
    if "enum" in schema:
        return " or ".join(f"`{each}`" for each in schema["enum"])
    if schema.get("type") == "array":
        return f"list of {_type(schema.get('items', {}))}"
    return str(schema.get("type", "anything"))


def modules(room: str) -> str:
    """Name the modules of a room, for mkdocstrings to write what their docstrings say.

    Parameters
    ----------
    room : str
        One of `ROOMS`.

    Returns
    -------
    str
        Markdown.
    """
    names = [
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        for path in sorted((ROOT / room).rglob("*.py"))
    ]
    return "\n\n".join([f"# {room}/", *(f"::: {name}" for name in names)]) + "\n"


def decisions() -> str:
    """List the decisions.

    Returns
    -------
    str
        Markdown with a link to each.
    """
    lines = ["# Decisions", "", "Why things are as they are, one page each.", ""]
    for path in sorted((ROOT / "docs" / "decisions").glob("*.md")):
        title = re.match(r"# (.+)", path.read_text(encoding="utf-8"))
        lines.append(f"- [{title[1] if title else path.stem}]({path.name})")
    return "\n".join(lines) + "\n"
