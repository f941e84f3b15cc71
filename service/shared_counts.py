"""Files in which several processes keep what they count: a disk that has no room for them must not end the service.

`prometheus_client` maps them with holes, and to write into a hole for which there is no room ends the process.
"""

from __future__ import annotations

import logging
import os
from pathlib import Path

from prometheus_client import values
from prometheus_client.mmap_dict import MmapedDict

from catalog.aside import take_room, write_aside

logger = logging.getLogger(__name__)

_BYTES = 1 << 16  # as many as prometheus_client begins with
_BESIDE_NAME = 64  # bytes of an entry beside its name: its length, what fills it up, value and time


class RoomyCounts(MmapedDict):
    """What a process counts, in a file that has all of its room; in memory where there is none.

    Parameters
    ----------
    filename : str
        Of the process alone; made if it is not there.
    """

    def __init__(self, filename: str) -> None:
        path = Path(filename)
        try:
            if not path.exists():
                with write_aside(path) as aside:
                    aside.touch()
                    os.truncate(aside, _BYTES)
                    take_room(aside)
        except OSError as error:
            filename = _in_memory(filename, error)
        super().__init__(filename)  # type: ignore[no-untyped-call]

    def _init_value(self, key: str) -> None:
        wanted, capacity = self._used + len(key.encode()) + _BESIDE_NAME, self._capacity
        while capacity < wanted:
            capacity *= 2
        if capacity > self._capacity:
            try:
                os.posix_fallocate(self._f.fileno(), 0, capacity)
            except OSError as error:
                file = Path(_in_memory(self._fname, error)).open("a+b")  # noqa: SIM115 - as long as it is mapped
                os.write(file.fileno(), self._m[:])
                self._f.close()
                self._f = file
        super()._init_value(key)  # type: ignore[no-untyped-call]  # maps the file anew, with its new length


def share_counts() -> None:
    """Have whatever is counted from now on take the room for its file first, where processes count together."""
    # Whoever makes a file there asks the module for this name.
    values.MmapedDict = RoomyCounts  # type: ignore[attr-defined, assignment]


def _in_memory(filename: str, error: OSError) -> str:
    """Say that there is no room, and name a new file that is in memory only."""
    logger.warning(
        "expected room for counts in %s, got: %s; what this process counts from now on is missing from /metrics: make "
        "room and start the service again",
        filename,
        error,
    )
    return f"/proc/self/fd/{os.memfd_create('counts')}"
