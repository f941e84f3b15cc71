"""API keys: made at random, handed over once, known to the service by their digests."""

from __future__ import annotations

import hashlib
import re
import secrets
from dataclasses import dataclass

from catalog.errors import InputError

READ, WRITE, ADMIN = "read", "write", "admin"
SCOPES = (READ, WRITE, ADMIN)
"""Each includes those before it."""

_NAME, _DIGEST = re.compile(r"[\w.-]{1,64}", re.ASCII), re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Key:
    """An API key, of which only the digest is known.

    Attributes
    ----------
    name : str
        Of whoever holds it; what is written is written in this name.
    scope : str
        Out of `SCOPES`.
    digest : str
        SHA-256 of the key, hexadecimal.
    """

    name: str
    scope: str
    digest: str

    @classmethod
    def parse(cls, text: str) -> Key:
        """Read an entry of ``ONEMASTER_KEYS``.

        Parameters
        ----------
        text : str
            ``name:scope:digest``, as ``onemaster key`` prints it.

        Returns
        -------
        Key
            The key.

        Raises
        ------
        InputError
            If it is no such entry; what was written is not repeated.
        """
        name, scope, digest, *_ = [*text.strip().split(":"), "", ""]
        if text.count(":") != 2 or not _NAME.fullmatch(name) or scope not in SCOPES or not _DIGEST.fullmatch(digest):
            raise InputError(
                f"expected entries NAME:SCOPE:SHA256 with commas between them in ONEMASTER_KEYS, the scope one of "
                f"{', '.join(SCOPES)}: run onemaster key NAME --scope SCOPE, which prints one"
            )
        return cls(name, scope, digest)

    @property
    def entry(self) -> str:
        """What `parse` reads."""
        return f"{self.name}:{self.scope}:{self.digest}"


@dataclass(frozen=True)
class NewKey:
    """An API key that was just made.

    Attributes
    ----------
    secret : str
        The key itself, which is stored nowhere.
    key : Key
        What the service is to know of it.
    """

    secret: str
    key: Key


def new_key(name: str, scope: str) -> NewKey:
    """Make an API key of 256 random bits.

    Parameters
    ----------
    name : str
        Of whoever will hold it.
    scope : str
        Out of `SCOPES`.

    Returns
    -------
    NewKey
        To be handed over.

    Raises
    ------
    InputError
        If it is no such name.
    """
    if not _NAME.fullmatch(name):
        raise InputError(f"expected a name of 1 to 64 letters, digits, dots, dashes and underscores, got {name!r}")
    secret = secrets.token_urlsafe(32)
    return NewKey(secret, Key(name, scope, hashlib.sha256(secret.encode()).hexdigest()))
