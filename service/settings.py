"""What the service is told by its environment, read once when it starts."""

from __future__ import annotations

import math
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

from catalog.errors import InputError
from catalog.paths import DataFolder
from service.access import Access, is_loopback
from service.keys import Key

_PATHS = ("ONEMASTER_DATA", "ONEMASTER_CATALOG", "ONEMASTER_MODELS", "ONEMASTER_INDEX")
_DATA, _CATALOG, _MODELS, _INDEX = _PATHS
_KEYS, _READ, _WRITE, _RATE = "ONEMASTER_KEYS", "ONEMASTER_READ", "ONEMASTER_WRITE", "ONEMASTER_RATE"
_LOG_SHARE, _SHADOW, _LOG = "ONEMASTER_LOG_SHARE", "ONEMASTER_SHADOW", "ONEMASTER_LOG"
_COLLECTORS = [f"OTEL_EXPORTER_OTLP_{signal}ENDPOINT" for signal in ("", "TRACES_", "METRICS_")]
_OPEN, _WITH_KEY = "open", "key"


@dataclass(frozen=True)
class Settings:
    """Everything that can be set about the service; thresholds travel with the model.

    Attributes
    ----------
    folder : DataFolder
        Where the catalogue, the models and the indexes stand.
    look_every : float
        Seconds between two looks for something newer there.
    access : Access
        Who may ask, and how often.
    log_share : float
        Share of the pairs whose decisions are kept, 0 to 1.
    shadow : bool
        Whether the candidate model judges those, too.
    log_as_json : bool
        Whether log lines are JSON.
    traced : bool
        Whether requests are traced and measured for OpenTelemetry.
    """

    folder: DataFolder
    look_every: float = 1.0
    access: Access = field(default_factory=Access)
    log_share: float = 0.0
    shadow: bool = False
    log_as_json: bool = False
    traced: bool = False

    @classmethod
    def from_environment(cls, variables: Mapping[str, str]) -> Settings:
        """Read the settings.

        Parameters
        ----------
        variables : mapping
            ``os.environ``. ``ONEMASTER_DATA`` is the data folder (``data`` by default); ``ONEMASTER_CATALOG``,
            ``ONEMASTER_MODELS`` and ``ONEMASTER_INDEX`` name what lies elsewhere. ``ONEMASTER_KEYS`` holds entries of
            ``onemaster key``, with commas between them; ``ONEMASTER_READ`` and ``ONEMASTER_WRITE`` are ``open`` or
            ``key``, writing being open, on this machine, only where there are no keys, and reading under any name only
            where it is said to be open; ``ONEMASTER_RATE`` is how many requests a second a caller may send.
            ``ONEMASTER_LOG_SHARE`` is the share of pairs, 0 to 1, whose decisions are kept, and ``ONEMASTER_SHADOW``
            ``on`` if the candidate model is to judge them, too. ``ONEMASTER_LOG`` is
            ``json`` or ``text``. Where ``OTEL_EXPORTER_OTLP_ENDPOINT`` (or that of traces or of metrics) names a
            collector, requests are traced and measured, as its other standard variables have it. An empty value counts
            as not set.

        Returns
        -------
        Settings
            Nothing is opened yet.

        Raises
        ------
        InputError
            If a value is none of these.
        """
        paths = {name: Path(variables[name]) for name in _PATHS if variables.get(name)}
        folder = DataFolder.at(
            paths.get(_DATA, Path("data")),
            catalog=paths.get(_CATALOG),
            models=paths.get(_MODELS),
            index=paths.get(_INDEX),
        )
        keys = tuple(map(Key.parse, filter(str.strip, variables.get(_KEYS, "").split(","))))
        access = Access(
            keys=keys,
            read_is_open=_is_open(variables, _READ, default=_OPEN),
            write_is_open=_is_open(variables, _WRITE, default=_WITH_KEY if keys else _OPEN),
            rate=_number(variables, _RATE, default=math.inf),
            any_name=variables.get(_READ) == _OPEN,
        )
        share = _number(variables, _LOG_SHARE, default=0.0, most=1.0)
        return cls(
            folder,
            access=access,
            log_share=share,
            shadow=_choice(variables, _SHADOW, "off", ("on", "off")) == "on",
            log_as_json=_choice(variables, _LOG, "text", ("json", "text")) == "json",
            traced=_is_traced(variables),
        )


def _is_open(variables: Mapping[str, str], name: str, default: str) -> bool:
    return _choice(variables, name, default, (_OPEN, _WITH_KEY)) == _OPEN


def _is_traced(variables: Mapping[str, str]) -> bool:
    named = [name for name in _COLLECTORS if variables.get(name)]
    if named and find_spec("opentelemetry.exporter") is None:
        raise InputError(f"{named[0]} wants requests to be traced: pip install '.[telemetry]', or do not set it")
    return bool(named)


def _choice(variables: Mapping[str, str], name: str, default: str, choices: Sequence[str]) -> str:
    value = variables.get(name) or default
    if value not in choices:
        raise InputError(f"expected {' or '.join(choices)} in {name}, got {value!r}")
    return value


def _number(variables: Mapping[str, str], name: str, default: float, most: float = math.inf) -> float:
    text = variables.get(name)
    if not text:
        return default
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 < number <= most and not (number == default == 0):
        raise InputError(f"expected a number above 0 and up to {most:g} in {name}, got {text!r}")
    return number


def require_safe(host: str, variables: Mapping[str, str]) -> None:
    """Refuse to listen where others can reach the service before somebody has said what they may do.

    Parameters
    ----------
    host : str
        Name or address to listen on.
    variables : mapping
        ``os.environ``.

    Raises
    ------
    InputError
        If it is not of this machine alone and the environment does not say.
    """
    Settings.from_environment(variables)
    if is_loopback(host):
        return
    missing = [name for name in (_READ, _WRITE) if not variables.get(name)]
    if missing:
        raise InputError(
            f"others can reach the address {host}: say in the environment what they may do there. Set {_READ} to "
            f"{_OPEN} or {_WITH_KEY}, {_WRITE} to {_WITH_KEY}, and {_KEYS} to the entries that onemaster key prints; "
            f"not set: {', '.join(missing)}"
        )


def environment(folder: DataFolder) -> dict[str, str]:
    """Write the settings for processes that will read them with `Settings.from_environment`.

    Parameters
    ----------
    folder : DataFolder
        Where the catalogue, the models and the indexes stand.

    Returns
    -------
    dict
        Name to value, to be added to their environment.
    """
    paths = {_DATA: folder.root, _CATALOG: folder.catalog, _MODELS: folder.models, _INDEX: folder.index}
    return {name: str(path) for name, path in paths.items()}


def require_free_port(host: str, port: int) -> None:
    """Find out whether the service can listen, before anything is loaded.

    Parameters
    ----------
    host : str
        Name or address of this machine.
    port : int
        1 to 65,535.

    Raises
    ------
    InputError
        If it cannot.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        socket.create_server((host, port), family=family).close()
    except OSError as error:
        why = (error.strerror or str(error)).partition(" (while")[0]  # behind which Python repeats the address
        raise InputError(
            f"cannot listen on {host}, port {port}: {why}; choose another --host or --port (for make: PORT=8003)"
        ) from error
