"""A real Ray cluster of two nodes on this machine, for the tests of distributed work."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HEAD, OTHER = "127.0.0.2", "127.0.0.3"
_PATIENCE = 60.0


class RayCluster:
    """Two nodes, of which one may be killed; whatever was started is stopped in the end."""

    def __init__(self) -> None:
        self._folder = tempfile.mkdtemp(prefix="ray", dir="/tmp")
        self.address = f"{HEAD}:{_free_port(HEAD)}"
        self._nodes: dict[str, subprocess.Popen] = {}

    def __enter__(self):
        port = self.address.rpartition(":")[2]
        head = ("--head", f"--port={port}", "--include-dashboard=false", f"--temp-dir={self._folder}")
        self._start(HEAD, *head)
        _wait_for(self.address)
        self._start(OTHER, f"--address={self.address}")
        return self

    def __exit__(self, *_: object) -> None:
        for address in (OTHER, HEAD):
            self.kill(address)
        shutil.rmtree(self._folder, ignore_errors=True)

    def wait_until_joined(self) -> None:
        """Wait until both nodes are in the cluster that this process is connected to."""
        import ray

        deadline = time.monotonic() + _PATIENCE
        while sum(bool(node["Alive"]) for node in ray.nodes()) < len(self._nodes):
            if time.monotonic() > deadline:
                raise TimeoutError(f"not both nodes have joined within {_PATIENCE:.0f} s")
            time.sleep(0.2)

    def kill(self, address: str) -> None:
        """Kill all processes of a node, as a power cut would."""
        node = self._nodes.pop(address, None)
        if node is not None:
            os.killpg(node.pid, signal.SIGKILL)
            node.wait(_PATIENCE)

    def _start(self, address: str, *arguments: str) -> None:
        ray = Path(sys.executable).with_name("ray")
        command = [ray, "start", "--block", "--disable-usage-stats", "--num-cpus=1", "--object-store-memory=100000000"]
        # Without the keys that this machine may have for other clusters.
        environment = {**os.environ, "RAY_USAGE_STATS_ENABLED": "0", "RAY_DEDUP_LOGS": "0", "RAY_AUTH_MODE": "disabled"}
        self._nodes[address] = subprocess.Popen(
            [*command, f"--node-ip-address={address}", *arguments],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=environment,
            start_new_session=True,
        )


def _free_port(address: str) -> int:
    with socket.socket() as listener:
        listener.bind((address, 0))
        return int(listener.getsockname()[1])


def _wait_for(address: str) -> None:
    host, _, port = address.rpartition(":")
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        with socket.socket() as client:
            if client.connect_ex((host, int(port))) == 0:
                return
        time.sleep(0.2)
    raise TimeoutError(f"no Ray head at {address} within {_PATIENCE:.0f} s")
