"""A real S3 server for tests, in a process of its own: moto keeps its objects in memory and speaks over HTTP."""

import contextlib
import os
import socket
import subprocess
import sys
import time
import urllib.request

import boto3
import s3fs

KEYS = {"AWS_ACCESS_KEY_ID": "tests", "AWS_SECRET_ACCESS_KEY": "tests", "AWS_DEFAULT_REGION": "us-east-1"}


@contextlib.contextmanager
def running(recording=None):
    """Start it, and point this process and its children at it; every request is written into a file if one is named."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    endpoint = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-W", "ignore", "-m", "moto.server", "-p", str(port)]
    recorder = {"MOTO_ENABLE_RECORDING": "1", "MOTO_RECORDER_FILEPATH": str(recording)} if recording else {}
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=os.environ | recorder)
    before = dict(os.environ)
    os.environ.update(KEYS, AWS_ENDPOINT_URL=endpoint)
    s3fs.S3FileSystem.clear_instance_cache()  # which still speak to the server of another test module
    try:
        for _ in range(600):
            with contextlib.suppress(OSError), urllib.request.urlopen(endpoint, timeout=1):
                break
            assert server.poll() is None, "the object store has ended"
            time.sleep(0.1)
        yield endpoint
    finally:
        os.environ.clear()
        os.environ.update(before)
        server.kill()
        server.wait()


def make_bucket(endpoint, name):
    boto3.client("s3", endpoint_url=endpoint).create_bucket(Bucket=name)
