"""Callers who do not read what is answered, or hang up before it is: the service goes on, and ends when told to."""

import contextlib
import http.client
import shutil
import socket
import struct
import urllib.request

import psutil
import pytest
from test_metrics import read
from test_service_exchange import wait_for
from test_service_process import ask, end, start

from catalog.paths import DataFolder

# As `onemaster serve` does, but for how long it waits.
SERVE = (
    "import sys, onemaster; from service import patience; {patience}; "
    "sys.exit(onemaster.main(['serve', '--port', sys.argv[1], '--data', *sys.argv[2:]]))"
)
LONG = b"GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n"
# More than the service and both ends of a connection have room for.
MANY = 1_500


def requests(port):
    """What was answered, by method, route and status."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=20) as answer:
        found = read(answer.read().decode())
    counts = {labels: count for (name, labels), count in found.items() if name == "onemaster_requests_total"}
    return {tuple(value for _, value in labels): count for labels, count in counts.items()}


def answered(port):
    return sum(count for (_, route, _), count in requests(port).items() if route != "/metrics")


def serve(folder, log, *options, patience="pass"):
    return start(folder, log, str(folder.root), *options, code=SERVE.format(patience=patience))


@contextlib.contextmanager
def unread(port):
    """A connection on which many answers wait to be read, once the service can write no more of them."""
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        connection.settimeout(20)
        connection.connect(("127.0.0.1", port))
        connection.sendall(LONG * MANY)
        counts = [0.0]

        def no_more_are_answered():
            counts.append(answered(port))
            return 0 < counts[-1] == counts[-2]

        wait_for(no_more_are_answered)
        yield connection


def is_open(process, connection):
    """Tell whether the service has this connection still."""
    own = connection.getsockname()[1]
    return any(each.raddr and each.raddr.port == own for each in psutil.Process(process.pid).net_connections("tcp"))


def test_answers_that_nobody_reads_are_given_up(tiny_data, tmp_path):
    process, port = serve(tiny_data, tmp_path / "log", patience="patience.ANSWER_SECONDS = 0.5")
    try:
        with unread(port) as connection:
            wait_for(lambda: not is_open(process, connection))
        assert ask(port, "/ready")[0] == 200
    finally:
        end(process)


@pytest.mark.parametrize(
    ("patience", "workers"),
    [
        ("patience.STOP_SECONDS, patience.LAST_SECONDS = 1, 600.0", "1"),
        ("patience.STOP_SECONDS, patience.LAST_SECONDS = 600, 0.5", "1"),
        ("patience.STOP_SECONDS = 1", "2"),
    ],
)
def test_a_caller_who_reads_nothing_does_not_keep_the_service_from_ending(
    tiny_data, tmp_path, monkeypatch, patience, workers
):
    """And what it is to write in the end is written."""
    monkeypatch.setenv("ONEMASTER_LOG_SHARE", "1")
    folder = DataFolder.at(shutil.copytree(tiny_data.root, tmp_path / "data"))
    process, port = serve(folder, tmp_path / "log", "--workers", workers, patience=patience)
    try:
        with unread(port):
            assert ask(port, "/?q_sr_id=123&m_sr_id=456")[0] == 200
            end(process)
    finally:
        process.kill()
    assert list(folder.decisions.rglob("*.parquet"))


def test_who_hangs_up_on_a_waiting_answer_is_no_defect(tiny_data, tmp_path):
    process, port = serve(tiny_data, tmp_path / "log")
    try:
        with unread(port) as connection:
            before = answered(port)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        wait_for(lambda: answered(port) > before)
        assert "500" not in {status for _, _, status in requests(port)}
    finally:
        end(process)
    log = (tmp_path / "log").read_text()
    assert "Traceback" not in log
    assert "a defect" not in log


@pytest.mark.parametrize(("trusted", "statuses"), [(None, [200, 429, 429]), ("127.0.0.1", [200, 200, 429])])
def test_whom_a_caller_claims_to_ask_for_counts_only_where_it_is_trusted(
    tiny_data, tmp_path, monkeypatch, trusted, statuses
):
    monkeypatch.setenv("ONEMASTER_RATE", "0.001")  # one, and the next a quarter of an hour later
    monkeypatch.delenv("FORWARDED_ALLOW_IPS", raising=False)
    if trusted:
        monkeypatch.setenv("FORWARDED_ALLOW_IPS", trusted)
    process, port = serve(tiny_data, tmp_path / "log")
    try:
        found = []
        for claimed in ("203.0.113.1", "203.0.113.2", "203.0.113.2"):
            with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=20)) as connection:
                connection.request("GET", "/version", headers={"X-Forwarded-For": claimed})
                found.append(connection.getresponse().status)
        assert found == statuses
    finally:
        end(process)


def test_a_head_has_the_same_limit_in_one_piece_and_in_many(tiny_data, tmp_path):
    process, port = serve(tiny_data, tmp_path / "log")

    def status(length, of_address=0):
        line = b"GET /live?" + b"x" * of_address + b" HTTP/1.1\r\n"
        with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
            connection.sendall(line + b"Host: localhost\r\nX: " + b"x" * (length - of_address) + b"\r\n\r\n")
            with contextlib.suppress(ConnectionResetError):
                return connection.recv(65_536)[:12]
        return b""

    try:
        assert status(60_000) == status(60_000, of_address=30_000) == b"HTTP/1.1 200"
        for length in (70_000, 130_000, 200_000):
            assert status(length) in {b"", b"HTTP/1.1 400"}
            assert status(length, of_address=length // 2) in {b"", b"HTTP/1.1 400"}
    finally:
        end(process)
