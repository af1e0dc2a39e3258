"""Files of artifacts, checked as far as the settings ask before they are read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from .. import settings, storage
from ..errors import ArtifactDamaged
from ..storage import Artifact

CHEAP_BYTES = 16 << 20
"""Files up to this size are compared with their sha256 whatever the settings; it takes some ten milliseconds."""


def checked_file(artifact: Artifact, name: str) -> Path:
    """Path of a file of the recorded size; where ``verify`` is ``open``, and of small files, of the recorded sha256 too.

    Raises ``ArtifactMissing`` or ``ArtifactDamaged``.
    """
    recorded = artifact.meta["files"].get(name, {"bytes": 0})
    return storage.file(artifact, name, whole=recorded["bytes"] <= CHEAP_BYTES or settings.read().verify == "open")


def load_array(artifact: Artifact, name: str, *, rows: int | None = None) -> Any:
    """An array of an artifact, memory-mapped; with ``rows`` entries along its first axis where that is given.

    Raises ``ArtifactMissing`` or ``ArtifactDamaged``.
    """
    path = checked_file(artifact, name)
    array = storage.read_array(path)
    if rows is not None and array.shape[:1] != (rows,):
        raise ArtifactDamaged(f"{path} has not the {rows} rows that it should have; delete {artifact.path} and run the step again.")
    return array
