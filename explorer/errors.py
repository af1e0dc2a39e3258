"""Errors that a user can act on.

Each message says what happened, to which thing, and what to do next, in one sentence.

    ExplorerError
      ├─ InputError             an argument or a file is not what it should be
      │    ├─ SourceError       a place to read images from cannot be opened
      │    │    └─ UnsafeArchive   a zip that would write outside its folder, or unpack without end
      │    ├─ ImageRejected     one image cannot be read; ``reason`` is shown to people
      │    └─ TooLarge          more was sent than a limit allows
      ├─ NotFound               nothing has the name or the id that was given
      │    ├─ CollectionMissing    no collection of that name
      │    └─ ArtifactMissing      a step has not been run yet
      ├─ Conflict               it cannot be done as things stand now
      │    ├─ CollectionExists     the name is taken by a collection made from something else
      │    └─ Busy                 another process is writing the same thing
      ├─ ArtifactDamaged        a file on disk is not what its record says
      ├─ SearchTooSlow          a search took longer than its limit
      ├─ StorageFull            a disk has no room for what is to be written
      ├─ EncoderUnknown         no encoder of that name
      ├─ WeightsMissing         weights are not here (not fetched, no network, or behind an access form)
      ├─ WeightsRefused         a weight file is cut, or belongs to another architecture
      ├─ DeviceUnavailable      the device asked for is not on this machine
      └─ VectorsNotFinite       an encoder returned NaN or infinity for a row
"""

from __future__ import annotations


class ExplorerError(Exception):
    """Base of all errors meant for people; the message is one sentence."""


class InputError(ExplorerError):
    """An argument or a file is not what it should be."""


class SourceError(InputError):
    """A place to read images from cannot be opened."""


class UnsafeArchive(SourceError):
    """An archive was refused because unpacking it could do harm."""


class ImageRejected(InputError):
    """One image cannot be read; it is recorded as a reject and never replaced by another picture."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class TooLarge(InputError):
    """More was sent than a limit allows; the message names the limit."""


class NotFound(ExplorerError):
    """Nothing has the name or the id that was given."""


class CollectionMissing(NotFound):
    """No collection of that name under this home."""


class ArtifactMissing(NotFound):
    """A step this one builds on has not been run."""


class Conflict(ExplorerError):
    """What was asked cannot be done as things stand now; the message says what has to end or be chosen first."""


class CollectionExists(Conflict):
    """The name is taken by a collection that was made from something else."""


class ArtifactDamaged(ExplorerError):
    """A file on disk is not what its record says."""


class Busy(Conflict):
    """Another process is writing the same artifact."""


class SearchTooSlow(ExplorerError):
    """A search took longer than its limit and was stopped."""


class StorageFull(ExplorerError):
    """A disk has no room for what is to be written."""


class EncoderUnknown(ExplorerError):
    """No encoder of that name in the table."""


class WeightsMissing(ExplorerError):
    """The weights of an encoder are not on this machine and could not be fetched."""


class WeightsRefused(ExplorerError):
    """A weight file is cut, damaged, or made for another architecture."""


class DeviceUnavailable(ExplorerError):
    """The device asked for is not on this machine."""


class VectorsNotFinite(ExplorerError):
    """An encoder returned NaN or infinity; the message names the row."""
