"""The commands that serve, and that say who may ask; `onemaster` is the front door to them."""

from __future__ import annotations

import argparse
import os
import tempfile
from contextlib import nullcontext, suppress

from catalog.errors import InputError
from command_line import data_folder
from printed import print_json


def serve(given: argparse.Namespace) -> None:
    """Serve over HTTP."""
    import uvicorn

    from service.patience import STOP_SECONDS, PatientProtocol
    from service.settings import environment, require_free_port, require_safe

    folder = data_folder(given)
    if not folder.root.exists() and not folder.catalog.exists():
        raise InputError(
            f"expected a data folder in {folder.root}, found none: check the path, or run onemaster import"
        )
    with suppress(OSError):  # of a folder that cannot be written verdicts are refused, and the rest is answered
        folder.root.mkdir(parents=True, exist_ok=True)  # not there yet where the catalogue lies elsewhere
    require_safe(given.host, os.environ)
    require_free_port(given.host, given.port)
    os.environ.update(environment(folder))
    listening = {"host": given.host, "port": given.port, "workers": given.workers, "http": PatientProtocol}
    # A single process is ended by its signal before anything could be removed.
    with tempfile.TemporaryDirectory() if given.workers > 1 else nullcontext() as counts:
        if counts:
            os.environ["PROMETHEUS_MULTIPROC_DIR"] = counts
        uvicorn.run(
            "service.app:create_app",
            factory=True,
            # uvicorn would believe every caller on this machine.
            proxy_headers=bool(os.environ.get("FORWARDED_ALLOW_IPS")),
            timeout_graceful_shutdown=STOP_SECONDS,
            **listening,
        )


def key(given: argparse.Namespace) -> None:
    """Make an API key: it is printed once, the service is given its digest."""
    from service.keys import new_key

    made = new_key(given.name, given.scope)
    if given.json:
        print_json({"key": made.secret, "entry": made.key.entry})
        return
    print(f"key, for who asks, in the header Authorization: Bearer KEY\n  {made.secret}")
    print(f"entry, for the service, in ONEMASTER_KEYS with commas between entries\n  {made.key.entry}")
