"""What the service is told by its environment, read once when it starts."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from catalog.errors import InputError
from catalog.paths import DataFolder

_NAMES = ("ONEMASTER_DATA", "ONEMASTER_CATALOG", "ONEMASTER_MODELS", "ONEMASTER_INDEX")
_DATA, _CATALOG, _MODELS, _INDEX = _NAMES


@dataclass(frozen=True)
class Settings:
    """Everything that can be set about the service; thresholds travel with the model.

    Attributes
    ----------
    folder : DataFolder
        Where the catalogue, the models and the indexes stand.
    """

    folder: DataFolder

    @classmethod
    def from_environment(cls, variables: Mapping[str, str]) -> Settings:
        """Read the settings.

        Parameters
        ----------
        variables : mapping
            ``os.environ``. ``ONEMASTER_DATA`` is the data folder (``data`` by default); ``ONEMASTER_CATALOG``,
            ``ONEMASTER_MODELS`` and ``ONEMASTER_INDEX`` name what lies elsewhere. An empty value counts as not set.

        Returns
        -------
        Settings
            Nothing is opened yet.
        """
        paths = {name: Path(variables[name]) for name in _NAMES if variables.get(name)}
        return cls(
            DataFolder.at(
                paths.get(_DATA, Path("data")),
                catalog=paths.get(_CATALOG),
                models=paths.get(_MODELS),
                index=paths.get(_INDEX),
            )
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
        raise InputError(f"cannot listen on {host}, port {port}: {error}; choose another --host or --port") from error
