"""What a run is: its catalogue cut into shards, its model, and where its files are."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from functools import cached_property

from batch.storage import Storage

# A new number whenever files of an unfinished run could not be gone on with.
FORMAT = 6
PLAN_FILE = "plan.json"
MODEL_FOLDER = "model"

_SHARDS_IN_A_GROUP = 16
_SHARDS_IN_A_BLOCK = 8


@dataclass(frozen=True)
class Plan:
    """How a catalogue is de-duplicated; every worker reads it.

    Attributes
    ----------
    url : str
        The storage that all workers share.
    recordings : int
        Of the catalogue.
    shard_size : int
        Recordings in a shard.
    neighbours : int
        Candidates per recording.
    largest : int
        Recordings of a cluster, at most.
    model : str
        Version of the model, whose files stand in the storage's folder ``model``.
    catalog : str
        What tells this state of the catalogue from others.
    """

    url: str
    recordings: int
    shard_size: int
    neighbours: int
    largest: int
    model: str
    catalog: str

    @cached_property
    def storage(self) -> Storage:
        """Where the run's files are."""
        return Storage(self.url, json.dumps({"format": FORMAT, **asdict(self)}, sort_keys=True))

    @property
    def digest(self) -> str:
        """What tells this run from others."""
        return hashlib.sha256(json.dumps({"format": FORMAT, **asdict(self)}, sort_keys=True).encode()).hexdigest()[:16]

    @property
    def shards(self) -> int:
        """Number of shards."""
        return -(-self.recordings // self.shard_size)

    @property
    def groups(self) -> int:
        """Number of groups: of shards that are counted together, and of pairs that are dealt out together."""
        return min(self.shards, max(2, -(-self.shards // _SHARDS_IN_A_GROUP)))

    @property
    def blocks(self) -> int:
        """Number of blocks of shards that are indexed together."""
        return -(-self.shards // _SHARDS_IN_A_BLOCK)

    def shards_of_group(self, group: int) -> range:
        """List the shards of a group.

        Parameters
        ----------
        group : int
            Its number.

        Returns
        -------
        range
            Their numbers.
        """
        return range(group, self.shards, self.groups)

    def shards_of_block(self, block: int) -> range:
        """List the shards of a block.

        Parameters
        ----------
        block : int
            Its number.

        Returns
        -------
        range
            Their numbers, one behind the other.
        """
        first = block * _SHARDS_IN_A_BLOCK
        return range(first, min(first + _SHARDS_IN_A_BLOCK, self.shards))

    def save(self) -> None:
        """Write the plan into its storage."""
        with self.storage.writing(PLAN_FILE) as path:
            path.write_text(json.dumps({"format": FORMAT, **asdict(self)}, indent=2) + "\n", encoding="utf-8")

    def is_of(self, storage: Storage) -> bool:
        """Tell whether a storage holds files of this very run.

        Parameters
        ----------
        storage : Storage
            Perhaps with the remains of a run that was cut off.

        Returns
        -------
        bool
            Whether its files can be gone on with.
        """
        if not storage.holds(PLAN_FILE):
            return False
        try:
            return bool(json.loads(storage.read_text(PLAN_FILE)) == {"format": FORMAT, **asdict(self)})
        except ValueError:
            return False


def numbered(kind: str, number: int) -> str:
    """Name one of many files.

    Parameters
    ----------
    kind : str
        What they hold.
    number : int
        Which of them.

    Returns
    -------
    str
        For a `Storage`.
    """
    return f"{kind}/{number:06d}"
