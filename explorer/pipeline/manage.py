"""Giving a collection another name, and throwing one away."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from .. import storage
from ..collection import Collection, checked_name
from ..errors import CollectionExists


def rename(collection: Collection, name: str) -> Collection:
    """The same collection under another name. Raises ``CollectionExists``, ``InputError``, or ``Busy`` while one is being made."""
    home = collection.path.parent
    target = home / checked_name(name)
    with _undisturbed(collection), storage.locked(home / f".{name}.lock", what=f"collection {name!r}"):
        if target.exists():
            raise CollectionExists(f"There is a collection {name!r} already; choose another name.")
        collection.path.rename(target)
        storage.sync(home)
    return Collection(target)


def remove(collection: Collection) -> None:
    """Delete a collection with everything made from it; the pictures it was made from stay. Raises ``Busy`` while it is being made."""
    gone = collection.path.with_name(f".{collection.name}.{secrets.token_hex(4)}.removed")
    with _undisturbed(collection):
        collection.path.rename(gone)  # it disappears at once, however long the deleting takes
    shutil.rmtree(gone)


@contextmanager
def _undisturbed(collection: Collection) -> Iterator[None]:
    """Hold the collection's lock while no step writes into it and nobody adds an annotation."""
    with storage.locked(collection.path.parent / f".{collection.name}.lock", what=f"collection {collection.name!r}"):
        for lock in sorted(collection.path.glob("*/.*.lock")):
            with storage.locked(lock, what=f"the {lock.parent.name} of collection {collection.name!r}"):
                pass
        with collection.annotations.journal.held():
            yield
