"""Parameters and bodies that several routes share."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Path, Request

from ...collection import Collection
from ...errors import TooLarge
from ..shared import cache
from ..shared.query_pictures import MOST_FILE_BYTES


def _open(collection: Annotated[str, Path(description="Name of the collection.")]) -> Collection:
    return cache.collection(collection)


NamedCollection = Annotated[Collection, Depends(_open)]
"""The collection that the path names. Raises ``CollectionMissing``, which is a 404."""


async def query_bytes(request: Request) -> bytes:
    """The body of a call that brings a query picture. Raises ``TooLarge``."""
    data = bytearray()
    async for piece in request.stream():
        data += piece
        if len(data) > MOST_FILE_BYTES:
            raise TooLarge(f"A query picture may have {MOST_FILE_BYTES // 1_000_000} MB; make it smaller or cut a region out of it.")
    return bytes(data)
