"""Add the Debian packages of this machine to a bill of materials: ``python3 deploy/debian_packages.py BILL``.

Run while the image is built, in a stage with the same base. The bill is CycloneDX in JSON; what is in it stays.
"""

from __future__ import annotations

import json
import platform
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote

_FIELDS = ("db:Status-Status", "Package", "Version", "Architecture")


def debian_packages() -> list[dict[str, str]]:
    """List what is installed.

    Returns
    -------
    list of dict
        Components as CycloneDX has them, sorted by name, each with its package URL.
    """
    pattern = "\\t".join(f"${{{field}}}" for field in _FIELDS) + "\\n"
    words = ["dpkg-query", "--show", "--showformat", pattern]
    told = subprocess.run(words, check=True, capture_output=True, text=True)  # noqa: S603 - these words and no others
    rows = sorted(line.split("\t") for line in told.stdout.splitlines())
    return [_component(*row[1:]) for row in rows if row[0] == "installed"]


def _component(name: str, version: str, architecture: str) -> dict[str, str]:
    release = platform.freedesktop_os_release()
    system, number = release["ID"], release.get("VERSION_ID", "unstable")
    url = f"pkg:deb/{system}/{quote(name)}@{quote(version)}?arch={architecture}&distro={system}-{number}"
    return {"bom-ref": url, "type": "library", "name": name, "version": version, "purl": url}


def main(path: Path) -> None:
    """Add them.

    Parameters
    ----------
    path : Path
        Of the bill.
    """
    bill = json.loads(path.read_text(encoding="utf-8"))
    bill["components"] += debian_packages()
    path.write_text(json.dumps(bill, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
