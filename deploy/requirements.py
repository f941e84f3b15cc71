"""Print what an image installs, one requirement a line: ``python3 deploy/requirements.py VARIANT [EXTRA,EXTRA]``.

The variant ``full`` has all dependencies of pyproject.toml, ``slim`` those without torch and what builds on it. Extras
are those of pyproject.toml.
"""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path

PYPROJECT = Path(__file__).resolve().parent.parent / "pyproject.toml"
TORCH_AND_ITS_KIN = frozenset({"accelerate", "datasets", "sentence-transformers", "torch", "transformers"})


def requirements(variant: str, extras: str = "") -> list[str]:
    """List what is to be installed.

    Parameters
    ----------
    variant : str
        ``full`` or ``slim``.
    extras : str
        Names with commas between them.

    Returns
    -------
    list of str
        Requirements as pyproject.toml has them.
    """
    if variant not in {"full", "slim"}:
        sys.exit(f"expected the variant full or slim, got {variant!r}")
    project = tomllib.loads(PYPROJECT.read_text(encoding="utf-8"))["project"]
    known = project["optional-dependencies"]
    wanted = [extra for extra in extras.split(",") if extra]
    if unknown := sorted({*wanted} - known.keys()):
        sys.exit(f"expected extras out of {', '.join(sorted(known))}, got {', '.join(unknown)}")
    listed = [*project["dependencies"], *(each for extra in wanted for each in known[extra])]
    return [each for each in listed if variant == "full" or _name(each) not in TORCH_AND_ITS_KIN]


def _name(requirement: str) -> str:
    return re.split(r"[\[<>=!~; ]", requirement, maxsplit=1)[0].lower()


if __name__ == "__main__":
    sys.stdout.writelines(f"{each}\n" for each in requirements(*sys.argv[1:]))
