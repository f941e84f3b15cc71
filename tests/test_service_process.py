"""The service as a process of its own: a real server, real sockets, and what importing it loads."""

import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
import smoke

from service.settings import environment

ROOT = Path(__file__).resolve().parent.parent
UVICORN = [sys.executable, "-m", "uvicorn", "--factory", "service.app:create_app", "--log-level", "warning"]
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def start(folder, log, *options, code=None):
    port = smoke.free_port()
    server = [sys.executable, "-c", code, str(port)] if code else [*UVICORN, "--host", "127.0.0.1", "--port", str(port)]
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*server, *options],
            cwd=ROOT,
            env=os.environ | environment(folder),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if ask(port, "/live")[0] == 200:
                return process, port
        except OSError:
            time.sleep(0.05)
    process.kill()
    process.wait()
    raise AssertionError(log.read_text(errors="replace"))


def end(process):
    process.terminate()
    try:
        return process.wait(timeout=20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        raise


@pytest.fixture(scope="module")
def port(tiny_data, tmp_path_factory):
    log = tmp_path_factory.mktemp("process") / "uvicorn.log"
    process, port = start(tiny_data, log)
    yield port
    end(process)
    assert "Traceback" not in log.read_text()


def ask(port, path, body=None):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        connection.request("GET", path, body=body, headers=FORM if body else {})
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


def test_both_forms_are_answered_over_a_socket(port):
    assert ask(port, "/?q_sr_id=123&m_sr_id=456") == (200, {"class": "valid"})
    assert ask(port, "/?q_sr_id=123&m_sr_id=789") == (200, {"class": "invalid"})
    assert ask(port, "/", b'"q_sr_id=123&m_sr_id=456"') == (200, {"class": "valid"})
    assert ask(port, "/", b'"q_sr_id=456&m_sr_id=789"') == (200, {"class": "invalid"})


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_curl_gets_the_readme_answers(port):
    root = f"http://127.0.0.1:{port}/"
    for arguments, expected in [
        ([f"{root}?q_sr_id=123&m_sr_id=456"], '{"class":"valid"}'),
        (["-X", "GET", "-d", '"q_sr_id=123&m_sr_id=456"', root], '{"class":"valid"}'),
        (["-X", "GET", "-d", '"q_sr_id=123&m_sr_id=789"', root], '{"class":"invalid"}'),
    ]:
        done = subprocess.run(["curl", "-sS", *arguments], capture_output=True, text=True, check=True)
        assert done.stdout == expected


def test_an_id_with_slashes_survives_the_server(port):
    for path in ("/recordings/Believe__rel/2041/7", "/recordings/Believe__rel%2F2041%2F7"):
        status, answer = ask(port, path)
        assert (status, answer["title"]) == (200, "Across / Between")


@pytest.mark.parametrize(
    "line",
    [
        b"GET /?q_sr_id=\xff\xfe&m_sr_id=\x80 HTTP/1.1",
        b"GET /recordings/\xe5\xa4\x9c HTTP/1.1",
        b"GET /?q_sr_id=%&m_sr_id=%zz HTTP/1.1",
        b"GET * HTTP/1.1",
        b"GET http://127.0.0.1/?%00=%00 HTTP/1.1",
        b"BREW / HTTP/1.1",
        b"\0\0\0",
    ],
)
def test_raw_bytes_are_never_a_server_error(port, line):
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        connection.sendall(line + b"\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        status = int(connection.recv(65_536).split(b" ")[1])
    assert 400 <= status < 500
    assert ask(port, "/ready")[0] == 200


def test_an_endless_body_is_cut_off(port):
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000000000\r\n\r\n")
        connection.sendall(b"x" * 100_000)
        answer = b""
        while chunk := connection.recv(65_536):
            answer += chunk
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"connection: close" in answer.lower()


def test_a_caller_who_hangs_up_in_the_middle_of_a_body_disturbs_nobody(port):
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        connection.sendall(b'GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n"q_sr')
    assert ask(port, "/ready")[0] == 200


def test_several_workers_read_the_settings_of_their_parent(tiny_data, tmp_path):
    log = tmp_path / "uvicorn.log"
    process, port = start(tiny_data, log, "--workers", "2")
    try:
        for _ in range(10):
            assert ask(port, "/?q_sr_id=123&m_sr_id=456") == (200, {"class": "valid"})
    finally:
        end(process)
    assert "Traceback" not in log.read_text()


def test_a_data_folder_beside_what_lies_elsewhere_is_made_when_the_service_starts(tiny_data, tmp_path):
    places = [f"--{name}={getattr(tiny_data, name)}" for name in ("catalog", "models", "index")]
    typed = ["serve", "--data", str(tmp_path / "new" / "data"), *places]
    code = f"import sys; from onemaster import main; sys.exit(main([*{typed!r}, '--port', sys.argv[1]]))"
    process, port = start(tiny_data, tmp_path / "log", code=code)
    try:
        assert ask(port, "/labels/queue")[0] == 200
    finally:
        end(process)


@pytest.mark.parametrize(("workers", "sent"), [("1", signal.SIGTERM), ("1", signal.SIGHUP), ("2", signal.SIGTERM)])
def test_serve_leaves_nothing_in_the_temporary_folder(tiny_data, tmp_path, monkeypatch, workers, sent):
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    typed = ["serve", "--data", str(tiny_data.root), "--workers", workers, "--port"]
    code = f"import sys; from onemaster import main; sys.exit(main([*{typed!r}, sys.argv[1]]))"
    process, _ = start(tiny_data, tmp_path / "log", code=code)
    process.send_signal(sent)
    end(process)
    assert list(temporary.iterdir()) == []


def test_the_service_and_the_answers_load_no_model_library():
    heavy = {"torch", "sentence_transformers", "sklearn", "transformers", "matplotlib"}
    code = f"import sys, service.app; print(*sorted(sys.modules.keys() & {heavy!r}))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_the_answers_load_no_web_framework():
    code = "import sys, service.schemas; print(*sorted(sys.modules.keys() & {'fastapi', 'starlette', 'torch'}))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
