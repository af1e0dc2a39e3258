"""Parameters that several routes share."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Path

from ...collection import Collection
from ..shared import cache


def _open(collection: Annotated[str, Path(description="Name of the collection.")]) -> Collection:
    return cache.collection(collection)


NamedCollection = Annotated[Collection, Depends(_open)]
"""The collection that the path names. Raises ``CollectionMissing``, which is a 404."""
