"""API keys, open and closed routes, rates, bodies that are too long or too slow, and addresses that others reach."""

import hashlib
import math
import socket
import subprocess
import sys
import time

import pytest
from fastapi import FastAPI, Request
from fastapi.testclient import TestClient
from test_service_process import ROOT, ask, end, start

from catalog.errors import InputError
from service import patience
from service.access import Access, Gatekeeper, is_loopback
from service.app import create_app
from service.keys import ADMIN, READ, SCOPES, WRITE, Key, new_key
from service.limits import BodyLimits
from service.settings import Settings, require_safe

KEYS = {scope: new_key(f"of-{scope}", scope) for scope in SCOPES}
KNOWN = tuple(made.key for made in KEYS.values())
EVERYWHERE = "0.0.0.0"  # noqa: S104 - what is tested
PAIR = "/?q_sr_id=123&m_sr_id=456"


def bearer(scope):
    return {"Authorization": f"Bearer {KEYS[scope].secret}"}


def guarded(access, client=("127.0.0.1", 1), clock=time.monotonic):
    """A gatekeeper before an application that answers everything."""
    app = FastAPI()

    @app.api_route("/{path:path}", methods=["GET", "POST"])
    async def answer(request: Request):
        return {"caller": request.state.caller}

    app.add_middleware(Gatekeeper, access=access, clock=clock)
    return TestClient(app, base_url="http://localhost", client=client)


def test_a_key_is_known_by_its_digest_alone():
    made = new_key("reviewer-1", WRITE)
    assert len(made.secret) >= 43
    assert made.key.digest == hashlib.sha256(made.secret.encode()).hexdigest()
    assert made.secret not in made.key.entry
    assert Key.parse(made.key.entry) == made.key
    assert new_key("reviewer-1", WRITE).secret != made.secret
    access = Access((made.key,))
    assert access.holder(made.secret) == made.key
    for other in ("", made.key.digest, made.secret[:-1], made.secret + "x", "\ud800"):
        assert access.holder(other) is None


@pytest.mark.parametrize(
    "entry",
    [
        "x",
        "x:write",
        f"x:owner:{'0' * 64}",
        f":write:{'0' * 64}",
        f"x:write:{'0' * 63}",
        f"x:write:{'G' * 64}",
        f"x y:read:{'0' * 64}",
    ],
)
def test_an_entry_of_another_form_is_refused_and_not_repeated(entry):
    with pytest.raises(InputError, match="run onemaster key NAME") as refusal:
        Settings.from_environment({"ONEMASTER_KEYS": entry})
    assert "0" * 63 not in str(refusal.value)


@pytest.mark.parametrize("name", ["", "a:b", "a,b", "ü", "x" * 65])
def test_a_key_has_a_plain_name(name):
    with pytest.raises(InputError, match="expected a name"):
        new_key(name, READ)


@pytest.mark.parametrize(
    ("access", "scope", "read", "write"),
    [
        (Access(KNOWN), None, 200, 200),
        (Access(KNOWN, write_is_open=False), None, 200, 401),
        (Access(KNOWN, read_is_open=False, write_is_open=False), None, 401, 401),
        (Access(KNOWN, read_is_open=False, write_is_open=False), READ, 200, 403),
        (Access(KNOWN, read_is_open=False, write_is_open=False), WRITE, 200, 200),
        (Access(KNOWN, read_is_open=False, write_is_open=False), ADMIN, 200, 200),
        (Access((), write_is_open=False), ADMIN, 401, 401),
    ],
)
def test_what_needs_a_key_gets_it_or_is_refused(access, scope, read, write):
    client, headers = guarded(access), bearer(scope) if scope else {}
    assert client.get(PAIR, headers=headers).status_code == read
    assert client.post("/pairs", headers=headers).status_code == read, "asks, though by POST"
    answer = client.post("/labels", headers=headers)
    assert answer.status_code == write
    if write == 200:
        assert answer.json()["caller"] == (f"of-{scope}" if scope else None)
    if write == 401:
        assert answer.headers["www-authenticate"] == "Bearer"


def test_a_wrong_key_is_refused_even_where_none_is_needed():
    for sent in ("Bearer wrong", "Basic eDp5", KNOWN[0].digest, "Bearer "):
        assert guarded(Access(KNOWN)).get(PAIR, headers={"Authorization": sent}).status_code == 401


def test_whether_the_service_is_alive_is_for_everybody_to_know():
    client = guarded(Access(KNOWN, read_is_open=False, write_is_open=False, rate=1))
    with pytest.raises(AttributeError):  # it was let through without a look: the application finds no caller
        client.get("/live")


def test_only_this_machine_writes_without_a_key():
    assert guarded(Access(), client=("10.0.0.7", 1)).post("/labels").status_code == 401
    assert guarded(Access(), client=("10.0.0.7", 1)).get(PAIR).status_code == 200
    assert guarded(Access(), client=("::1", 1)).post("/labels").status_code == 200
    for forwarded in ("unknown", "_hidden", "203.0.113.9:44:1", "::ffff:10.0.0.7"):
        assert guarded(Access(), client=(forwarded, 1)).post("/labels").status_code == 401


def test_a_page_from_elsewhere_does_not_write_through_a_browser_on_this_machine():
    for host, expected in [
        *(
            (host, 200)
            for host in ("localhost", "127.0.0.1:8002", "[::1]:8002", "[::1]", "localhost:8002", "LOCALHOST")
        ),
        *((host, 401) for host in ("evil.example", "evil.example:8002", "", "127.0.0.1.evil.example")),
    ]:
        assert guarded(Access()).post("/labels", headers={"Host": host}).status_code == expected


@pytest.mark.parametrize("method", ["get", "post"])
def test_nor_does_it_read(method):
    """Unless somebody has said that reading is open."""
    for host, expected in [
        *((host, 200) for host in ("localhost", "127.0.0.1:8002", "[::1]:8002", "[::1]", "localhost:8002", "")),
        *((host, 401) for host in ("evil.example", "evil.example:8002", "127.0.0.1.evil.example", "testserver")),
    ]:
        answer = guarded(Access()).request(method, "/pairs", headers={"Host": host})
        assert answer.status_code == expected
        if expected == 401:
            assert "set ONEMASTER_READ to open" in answer.json()["error"]
        said = Settings.from_environment({"ONEMASTER_READ": "open"}).access
        assert guarded(said).get("/pairs", headers={"Host": host}).status_code == 200
        assert guarded(Access(), client=("10.0.0.7", 1)).get("/pairs", headers={"Host": host}).status_code == 200


def test_a_root_path_hides_no_route():
    app = FastAPI()

    @app.post("/labels")
    async def answer():
        return {}

    app.add_middleware(Gatekeeper, access=Access(write_is_open=False))
    client = TestClient(app, root_path="/api")
    assert client.post("/labels").status_code == client.post("/api/labels").status_code == 401


def test_who_asks_too_often_is_told_when_to_come_back():
    now = [0.0]
    client = guarded(Access(KNOWN, rate=2), clock=lambda: now[0])
    assert [client.get(PAIR).status_code for _ in range(4)] == [200, 200, 429, 429]
    assert client.get(PAIR).headers["retry-after"] == "1"
    assert client.get(PAIR, headers=bearer(READ)).status_code == 200, "another caller"
    now[0] = 0.5
    assert [client.get(PAIR).status_code for _ in range(2)] == [200, 429]
    now[0] = 1_000
    assert [client.get(PAIR).status_code for _ in range(3)] == [200, 200, 429], "no more is saved up"


def test_a_rate_below_one_lets_one_through():
    now = [0.0]
    client = guarded(Access(rate=0.1), clock=lambda: now[0])
    assert [client.get(PAIR).status_code for _ in range(2)] == [200, 429]
    assert client.get(PAIR).headers["retry-after"] == "10"


def test_callers_that_are_remembered_are_bounded():
    gate = Gatekeeper(FastAPI(), Access(rate=1))
    for number in range(20_000):
        gate._wait(str(number))
    assert len(gate._left) == 10_000


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({}, Access()),
        ({"ONEMASTER_KEYS": KNOWN[0].entry}, Access(KNOWN[:1], write_is_open=False)),
        ({"ONEMASTER_KEYS": " , ".join(key.entry for key in KNOWN)}, Access(KNOWN, write_is_open=False)),
        ({"ONEMASTER_READ": "key", "ONEMASTER_WRITE": "key"}, Access(read_is_open=False, write_is_open=False)),
        ({"ONEMASTER_RATE": "5"}, Access(rate=5.0)),
        ({"ONEMASTER_RATE": "", "ONEMASTER_READ": ""}, Access()),
    ],
)
def test_access_comes_from_the_environment(variables, expected):
    assert Settings.from_environment(variables).access == expected
    assert math.isinf(Access().rate)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ONEMASTER_READ", "yes"),
        ("ONEMASTER_WRITE", "off"),
        ("ONEMASTER_RATE", "0"),
        ("ONEMASTER_RATE", "nan"),
        ("ONEMASTER_RATE", "x"),
    ],
)
def test_a_value_that_means_nothing_is_refused(name, value):
    with pytest.raises(InputError, match=name):
        Settings.from_environment({name: value})


def test_addresses_of_this_machine_are_told_from_others():
    assert all(map(is_loopback, ["127.0.0.1", "127.8.9.1", "::1", "localhost"]))
    assert not any(map(is_loopback, [EVERYWHERE, "::", "10.0.0.1", "example.org", ""]))


def test_an_address_that_others_reach_wants_to_be_told_what_they_may(tmp_path):
    require_safe("127.0.0.1", {})
    for variables in ({}, {"ONEMASTER_READ": "open"}, {"ONEMASTER_KEYS": KNOWN[0].entry}):
        with pytest.raises(InputError, match="others can reach the address"):
            require_safe(EVERYWHERE, variables)
    require_safe(EVERYWHERE, {"ONEMASTER_READ": "open", "ONEMASTER_WRITE": "key"})
    command = [sys.executable, "-m", "onemaster", "serve", "--data", str(tmp_path), "--host", EVERYWHERE]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert "ONEMASTER_READ" in done.stderr


def test_the_command_makes_a_key(capsys):
    command = [sys.executable, "-m", "onemaster", "key", "reviewer", "--scope", "read"]
    said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    secret, entry = said[1].strip(), said[3].strip()
    assert Access((Key.parse(entry),)).holder(secret).scope == READ


def test_a_closed_service_answers_who_has_a_key(tiny_data):
    settings = Settings(tiny_data, access=Access(KNOWN, read_is_open=False, write_is_open=False))
    with TestClient(create_app(settings)) as client:
        refused = client.get(PAIR)
        assert refused.status_code == 401
        assert refused.headers["x-content-type-options"] == "nosniff"
        assert client.get(PAIR, headers=bearer(READ)).json() == {"class": "valid"}
        assert client.get("/ready").status_code == 200
        assert client.get("/docs").status_code == 401


def limited(**limits):
    app = FastAPI()

    @app.post("/")
    async def answer(request: Request):
        return {"length": len(await request.body())}

    app.add_middleware(BodyLimits, **limits)
    return TestClient(app)


def test_a_body_is_cut_off_where_it_is_too_long():
    client = limited(longest=1_000)
    assert client.post("/", content=b"x" * 1_000).json() == {"length": 1_000}
    assert client.post("/", content=b"x" * 1_001).status_code == 413
    assert client.post("/", content=iter([b"x" * 600] * 2)).status_code == 413, "without saying how long it is"
    for declared in ("-1", "x", "9" * 30):
        assert client.post("/", content=b"x", headers={"Content-Length": declared}).status_code == 413


def test_slow_callers_are_left_behind(tiny_data, tmp_path):
    code = (
        "import sys, uvicorn; from service import limits, patience; from service.app import create_app; "
        "patience.SECONDS = 0.5; patience.MESSAGE_SECONDS = 1.0; "
        "limits.BodyLimits.__init__.__defaults__ = (1 << 20, 0.5); "
        "listening = {'http': patience.PatientProtocol, 'port': int(sys.argv[1]), 'log_level': 'warning'}; "
        "uvicorn.run(create_app, factory=True, **listening)"
    )
    process, port = start(tiny_data, tmp_path / "log", code=code)
    head = b"GET /ready HTTP/1.1\r\nHost: x\r\n"
    try:
        for sent, expected in [
            (b"", b""),
            (head, b""),
            (head + b"\r\n" + head, b"HTTP/1.1 200"),
            (b'GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n"q', b"HTTP/1.1 408"),
            (b"GET /live HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nA: b\r\n", b"HTTP/1.1 200"),
            (b"GET /live HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nx", b"HTTP/1.1 200"),
            (b"GET /" + b"x" * (patience.LONGEST_HEAD + 1), b"HTTP/1.1 400"),
            (head + b"X: " + b"x" * (patience.LONGEST_HEAD + 1), b""),
        ]:
            began = time.monotonic()
            with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
                connection.sendall(sent)
                answer = b""
                try:
                    while chunk := connection.recv(65_536):
                        answer += chunk
                except ConnectionResetError:
                    pass
            assert answer.startswith(expected)
            assert bool(answer) == bool(expected)
            assert time.monotonic() - began < 8
        with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
            connection.sendall(head + b"\r\n")
            assert connection.recv(65_536).startswith(b"HTTP/1.1 200")
            connection.sendall(b"\r\n")  # begins no request
            while connection.recv(65_536):
                pass
        assert ask(port, "/ready")[0] == 200
    finally:
        end(process)


@pytest.mark.parametrize(
    ("address", "host", "is_open"),
    [
        ("testclient", "testserver", True),
        ("testclient", "localhost:8002", True),
        ("127.0.0.1", "testserver", False),
        ("127.0.0.1", "localhost:8002", True),
        ("127.0.0.1", "evil.example", False),
        ("10.0.0.1", "localhost", False),
        ("", "[::1]:8002", True),
    ],
)
def test_who_may_write_without_a_key(address, host, is_open):
    assert Access().is_open(WRITE, address, host) is is_open
