"""A real S3 server for tests, in a process of its own: moto keeps its objects in memory and speaks over HTTP."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path

import boto3
import s3fs

KEYS = {"AWS_ACCESS_KEY_ID": "tests", "AWS_SECRET_ACCESS_KEY": "tests", "AWS_DEFAULT_REGION": "us-east-1"}
SERVER = Path(__file__).with_name("s3_server.py")
ROOT = SERVER.parent.parent


@dataclass(frozen=True)
class ObjectStore:
    """A server that runs, and the folder by which it is spoken to (`s3_server`)."""

    endpoint: str
    folder: Path

    def make_bucket(self, name):
        boto3.client("s3", endpoint_url=self.endpoint).create_bucket(Bucket=name)

    def requests(self):
        """Give what was asked of it so far."""
        return [json.loads(line) for line in (self.folder / "requests").read_text().splitlines()]

    def run_killed(self, words, path, after):
        """Run a command that is killed when it first writes what the path is found in, before or after that is done."""
        order, pid_file = self.folder / "kill.json", self.folder / "pid"
        order.write_text(json.dumps({"path": path, "after": after, "pid_file": str(pid_file)}))
        # The number is there before the command is: a shell writes down its own, and becomes the command.
        shell = ["/bin/sh", "-c", 'echo $$ > "$0"; exec "$@"', pid_file, *words]
        done = subprocess.run(shell, start_new_session=True, cwd=ROOT, capture_output=True, check=False, timeout=120)
        assert (done.returncode, order.exists()) == (-signal.SIGKILL, False), done.stderr.decode()


@contextlib.contextmanager
def acting_as(name):
    """Sign with another access key, here and in children: that of a role whose rights the server knows."""
    before = os.environ["AWS_ACCESS_KEY_ID"]
    os.environ["AWS_ACCESS_KEY_ID"] = name
    s3fs.S3FileSystem.clear_instance_cache()
    try:
        yield
    finally:
        os.environ["AWS_ACCESS_KEY_ID"] = before
        s3fs.S3FileSystem.clear_instance_cache()


@contextlib.contextmanager
def running(rights=None):
    """Start it, and point this process and its children at it; roles have the rights that are given."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    endpoint = f"http://127.0.0.1:{port}"
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "rights.json").write_text(json.dumps(rights or {}))
        command = [sys.executable, "-W", "ignore", str(SERVER), str(port), folder]
        server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        before = dict(os.environ)
        os.environ.update(KEYS, AWS_ENDPOINT_URL=endpoint)
        s3fs.S3FileSystem.clear_instance_cache()  # which still speak to the server of another test module
        try:
            for _ in range(600):
                with contextlib.suppress(OSError), urllib.request.urlopen(endpoint, timeout=1):
                    break
                assert server.poll() is None, "the object store has ended"
                time.sleep(0.1)
            yield ObjectStore(endpoint, Path(folder))
        finally:
            os.environ.clear()
            os.environ.update(before)
            server.kill()
            server.wait()
