"""Every error that onemaster raises on purpose.

A message says what was expected, what came, and what to do about it::

    OnemasterError
    ├── InputError                 something a person gave us cannot be used
    │   ├── CatalogError           a catalogue file, table, column or value
    │   ├── GroundTruthError       a file of labelled pairs
    │   └── UnknownRecordingError  an sr_id that the catalogue does not hold
    ├── WorkerError                a process or a node of a large run died
    ├── ConflictError              somebody else published meanwhile
    └── ArtefactError              a published model or index
        ├── MissingArtefactError   nothing is published yet
        ├── DamagedArtefactError   a file is absent, truncated or altered
        ├── MismatchedArtefactError  two parts were not made for each other
        │   └── StaleIndexError    the catalogue has changed since
        └── RejectedBuildError     a fresh build failed its own measurement
"""


class OnemasterError(Exception):
    """Base of every error that onemaster raises on purpose."""


class InputError(OnemasterError):
    """Something a person gave us cannot be used."""


class CatalogError(InputError):
    """A catalogue file, table, column or value cannot be used."""


class GroundTruthError(InputError):
    """A file of labelled pairs cannot be used."""


class UnknownRecordingError(InputError):
    """The catalogue (or the index) holds no recording with this id.

    Parameters
    ----------
    sr_id : str
        The id that was asked for.
    """

    def __init__(self, sr_id: str) -> None:
        super().__init__(f"unknown sr_id {sr_id!r}: the catalogue holds no such recording")
        self.sr_id = sr_id


class WorkerError(OnemasterError):
    """A process or a node that a large run was dealt out to has died."""


class ConflictError(OnemasterError):
    """Somebody else has published to a data folder at a URL meanwhile."""


class ArtefactError(OnemasterError):
    """A published model or index cannot be used."""


class MissingArtefactError(ArtefactError):
    """Nothing is published yet where a model or an index was expected."""


class DamagedArtefactError(ArtefactError):
    """A published file is absent, truncated or altered."""


class MismatchedArtefactError(ArtefactError):
    """Two published parts were not made for each other."""


class StaleIndexError(MismatchedArtefactError):
    """The catalogue changed after the index was built or refreshed: a refresh brings it up to that."""


class RejectedBuildError(ArtefactError):
    """A fresh build failed its own measurement and was not published."""
