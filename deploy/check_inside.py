"""Run by check-image.sh inside an image, beside its service: whether it answers, and cannot do what it need not."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
import time
import urllib.request
from importlib.metadata import distributions
from pathlib import Path

SERVICE = "http://127.0.0.1:8002"
SECONDS = 120.0


def main() -> int:
    """Look at everything.

    Returns
    -------
    int
        0 if all is as it should be.
    """
    wait_until_ready()
    of_this_process = dict(line.split(":\t") for line in Path("/proc/self/status").read_text().splitlines())
    installed = {("pypi", each.name.lower().replace("_", "-")) for each in distributions()} - {("pypi", "onemaster")}
    words = ["dpkg-query", "--show", "--showformat", "${db:Status-Status} ${Package}\\n"]
    told = subprocess.run(words, check=True, capture_output=True, text=True).stdout  # noqa: S603 - these words only
    installed |= {("deb", line.split()[1]) for line in told.splitlines() if line.startswith("installed ")}
    bill = json.loads(Path("sbom.cdx.json").read_text(encoding="utf-8"))
    billed = {
        (each["purl"].removeprefix("pkg:").partition("/")[0], each["name"].lower().replace("_", "-"))
        for each in bill["components"]
    }
    wrong = {
        "it is root": os.getuid() == 0,
        "it has capabilities": int(of_this_process["CapEff"], 16) != 0,
        "its root file system can be written": can_write(Path("probe")) or can_write(Path("data/probe")),
        "/tmp cannot be written": not can_write(Path("/tmp/probe")),  # noqa: S108 - that it can be is the question
        "a duplicate is not found": answer("/?q_sr_id=123&m_sr_id=456") != {"class": "valid"},
        "a cover passes for a duplicate": answer("/?q_sr_id=123&m_sr_id=789") != {"class": "invalid"},
        "the bill is not what is installed": billed != installed,
    }
    found = [what for what, is_so in wrong.items() if is_so]
    sys.stderr.writelines(f"{what}\n" for what in found)
    return 1 if found else 0


def wait_until_ready() -> None:
    """Wait for the service; whoever started this has its log."""
    deadline = time.monotonic() + SECONDS
    while True:
        try:
            answer("/ready")
        except OSError as error:
            if time.monotonic() > deadline:
                sys.exit(f"expected the service to be ready after {SECONDS:.0f} s, got: {error}")
            time.sleep(0.5)
        else:
            return


def answer(path: str) -> object:
    """Ask the service.

    Parameters
    ----------
    path : str
        With parameters.

    Returns
    -------
    object
        Of the JSON.
    """
    with urllib.request.urlopen(SERVICE + path, timeout=20) as got:  # noqa: S310 - always HTTP
        return json.load(got)


def can_write(path: Path) -> bool:
    """Try to write a file.

    Parameters
    ----------
    path : Path
        Of the file.

    Returns
    -------
    bool
        Whether the file system lets us.
    """
    try:
        path.write_text("")
    except OSError as error:
        if error.errno not in {errno.EROFS, errno.EACCES}:
            raise
        return False
    return True


if __name__ == "__main__":
    sys.exit(main())
