"""Who may ask: API keys for what changes something, and for everything where reads are closed; and how often."""

from __future__ import annotations

import hashlib
import hmac
import math
import time
from base64 import b64decode
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import ip_address

from starlette.types import ASGIApp, Receive, Scope, Send

from service.errors import refusal
from service.keys import READ, SCOPES, WRITE, Key
from service.sent import reads_pages, sent_header

_WRITES = frozenset({"/labels", "/review"})
# What every page wants, one that asks for a key, too; it comes with the service, and nothing of the catalogue is in it.
_PARTS_OF_PAGES = "/static/"
_FOR_EVERYBODY = frozenset({"/live", "/ready"})
# What Starlette's client for tests calls itself, as no address is written, and the service.
_TESTED_FROM, _TESTED_AS = "testclient", "testserver"
_MOST_CALLERS = 10_000


@dataclass(frozen=True)
class Access:
    """What is allowed to whom.

    Attributes
    ----------
    keys : tuple of Key
        All that are known.
    read_is_open : bool
        Whether reading needs no key.
    write_is_open : bool
        Whether callers on this very machine may write without a key.
    rate : float
        Requests a second that a caller may send in the long run, and at once; infinite if there is no limit.
    any_name : bool
        Whether who reads on this very machine may have any name for the service: reading was said to be open.
    """

    keys: tuple[Key, ...] = ()
    read_is_open: bool = True
    write_is_open: bool = True
    rate: float = math.inf
    any_name: bool = False

    def holder(self, key: str) -> Key | None:
        """Find out whose key this is.

        Parameters
        ----------
        key : str
            As sent.

        Returns
        -------
        Key or None
            ``None`` if it is nobody's. All digests are compared, each in constant time.
        """
        digest = hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()
        found = [known for known in self.keys if hmac.compare_digest(known.digest, digest)]
        return found[0] if found else None

    def is_open(self, scope: str, address: str, host: str) -> bool:
        """Tell whether something needs no key.

        Parameters
        ----------
        scope : str
            `READ` or `WRITE`.
        address : str
            Of the caller; empty if it did not come over a network.
        host : str
            Name that the caller has for the service, with or without a port.

        Returns
        -------
        bool
            On this machine only under its own name, unless somebody has said that all may read: a web page from
            elsewhere that has its name resolved to this machine sends that name. Writing, nowhere else.
        """
        before, _, port = host.rpartition(":")
        name = (before if port.isdigit() else host).strip("[]").lower().removesuffix(".")
        is_own_name = is_loopback(name) or (address == _TESTED_FROM and name == _TESTED_AS)
        if scope == READ:  # no browser sends no name, and nobody has an address resolved to another
            is_own_name = is_own_name or not name or _is_address(name)
            return self.read_is_open and (self.any_name or is_own_name or not is_loopback(address))
        return self.write_is_open and is_own_name and (address in ("", _TESTED_FROM) or is_loopback(address))


def is_loopback(address: str) -> bool:
    """Tell whether an address is of this machine alone.

    Parameters
    ----------
    address : str
        A name or an IP address.

    Returns
    -------
    bool
        False for every name but ``localhost``.
    """
    return address == "localhost" or (_is_address(address) and ip_address(address).is_loopback)


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


class Gatekeeper:
    """Lets requests pass that may, and turns the others away.

    Parameters
    ----------
    app : ASGIApp
        The application.
    access : Access
        What is allowed.
    clock : callable, optional
        Gives seconds.
    """

    def __init__(self, app: ASGIApp, access: Access, clock: Callable[[], float] = time.monotonic) -> None:
        self._app = app
        self._access = access
        self._clock = clock
        # Caller to what is left of their allowance, and when it was counted; who asked longest ago comes first.
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, as the protocol wants it."""
        path = scope["path"].removeprefix(scope.get("root_path", "")) if scope["type"] == "http" else ""
        if scope["type"] != "http" or path in _FOR_EVERYBODY or path.startswith(_PARTS_OF_PAGES):
            await self._app(scope, receive, send)
            return
        address = (scope.get("client") or ("",))[0]
        wanted = WRITE if scope["method"] == "POST" and path in _WRITES else READ
        sent = sent_header(scope, b"authorization")
        key = self._access.holder(_key_in(sent)) if sent else None
        answer = None
        if key is None and (sent or not self._access.is_open(wanted, address, sent_header(scope, b"host"))):
            expected = "expected a known key in the header Authorization: Bearer KEY"
            words = "There was no key, or none that is known here."
            if wanted == READ and self._access.read_is_open and not sent:
                expected += ", or localhost in the header Host: to read under other names, set ONEMASTER_READ to open"
                words = "Under this name only who has a key may read: call it localhost, or set ONEMASTER_READ to open."
            answer = refusal(scope, 401, expected, _asking(scope), words)
        elif key and not _allows(key, wanted):
            answer = refusal(scope, 403, f"expected a key with the scope {wanted}, this one has {key.scope}")
        elif wanted == WRITE and _is_from_elsewhere(scope):
            answer = refusal(scope, 403, "expected a form of this service, got one from another site")
        elif wait := self._wait(key.name if key else address):
            answer = refusal(scope, 429, f"expected at most {self._access.rate:g} requests a second", _retry(wait))
        if answer:
            await answer(scope, receive, send)
            return
        scope.setdefault("state", {})["caller"] = key.name if key else None
        if path in _WRITES:  # a page says beforehand whether it will take what is said on it
            is_open = key is None and self._access.is_open(WRITE, address, sent_header(scope, b"host"))
            scope["state"]["has_keys"] = bool(self._access.keys)
            scope["state"]["may_write"] = _allows(key, WRITE) if key else is_open
        await self._app(scope, receive, send)

    def _wait(self, caller: str) -> float:
        """Count a request, and tell how many seconds too early it came."""
        rate = self._access.rate
        if math.isinf(rate):
            return 0.0
        now = self._clock()
        left, counted = self._left.pop(caller, (max(rate, 1.0), now))
        left = min(max(rate, 1.0), left + (now - counted) * rate)
        allowed = left >= 1
        self._left[caller] = (left - 1 if allowed else left, now)
        if len(self._left) > _MOST_CALLERS:
            self._left.popitem(last=False)
        return 0.0 if allowed else (1 - left) / rate


def _key_in(sent: str) -> str:
    """Read the key that was sent: by itself, or as the password that a browser asks for."""
    scheme, _, key = sent.partition(" ")
    if scheme.lower() != "basic":
        return (key if scheme.lower() == "bearer" else sent).strip()
    try:
        return b64decode(key.strip(), validate=True).decode().partition(":")[2]
    except ValueError:
        return ""


def _asking(scope: Scope) -> dict[str, str]:
    """Ask for a key: whoever looks at pages, in the way that their browser asks them for it."""
    basic = 'Basic realm="onemaster: the key as password", charset="UTF-8"'
    return {"WWW-Authenticate": basic if reads_pages(scope) else "Bearer"}


def _allows(key: Key, wanted: str) -> bool:
    return SCOPES.index(key.scope) >= SCOPES.index(wanted)


def _is_from_elsewhere(scope: Scope) -> bool:
    """Tell whether a browser sends this for a page of another site, whose reader knows nothing of it."""
    origin = sent_header(scope, b"origin")
    return bool(origin) and origin.partition("://")[2] != sent_header(scope, b"host")


def _retry(wait: float) -> dict[str, str]:
    return {"Retry-After": str(math.ceil(wait))}
