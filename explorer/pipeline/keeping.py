"""What a collection is called, and its end."""

from __future__ import annotations

import secrets
import shutil
from contextlib import AbstractContextManager
from pathlib import Path

from .. import storage
from ..collection import Collection, checked_name
from ..errors import CollectionExists


def rename(collection: Collection, name: str) -> Collection:
    """Call a collection otherwise. Raises ``InputError``, ``CollectionExists``, or ``Busy`` while it is being read in."""
    home = collection.path.parent
    target = home / checked_name(name)
    if name == collection.name:
        return collection
    with _held(collection.path), _held(target):
        if target.exists():
            raise CollectionExists(f"There is a collection {name!r} already; choose another name.")
        collection.path.rename(target)
        storage.sync(home)
    return Collection(target)


def delete(collection: Collection) -> None:
    """Remove a collection and all that was made from it; the pictures it was made from stay. Raises ``Busy``."""
    home = collection.path.parent
    with _held(collection.path):
        doomed = home / f".{secrets.token_hex(8)}.deleted"
        collection.path.rename(doomed)  # gone at once; a reader never meets half a collection
    shutil.rmtree(doomed)


def _held(path: Path) -> AbstractContextManager[None]:
    return storage.locked(path.with_name(f".{path.name}.lock"), what=f"collection {path.name!r}")
