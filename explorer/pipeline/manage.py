"""Rename and remove collections."""

from __future__ import annotations

from pathlib import Path

from .. import storage
from ..collection import Collection, checked_name
from ..errors import CollectionExists


def rename(collection: Collection, name: str) -> Collection:
    """Rename the collection. Raises ``CollectionExists``, ``InputError``, or ``Busy`` while a step works on it."""
    home = collection.path.parent
    target = home / checked_name(name)
    if name == collection.name:
        raise CollectionExists(f"The collection is called {name!r} already; choose another name.")
    what = f"collection {collection.name!r}"
    source, place = storage.lock_of(collection.path), storage.lock_of(target)
    with storage.locked(source, what=what), storage.locked(place, what=f"collection {name!r}"), collection.annotations.journal.held():
        if target.exists():
            raise CollectionExists(f"There is a collection {name!r} already; choose another name.")
        collection.path.rename(target)
        storage.sync(home)
    return Collection(target)


def remove_damaged(path: Path) -> None:
    """Delete the folder of a collection that does not open. Raises ``Busy`` while a step works on it."""
    with storage.locked(storage.lock_of(path), what=f"collection {path.name!r}"):
        storage.remove_folder(path)


def remove(collection: Collection) -> None:
    """Delete a collection with everything made from it, except the pictures it was made from.

    Where it is a link to a folder elsewhere, only the link is deleted. Raises ``Busy`` while a step works on it.
    """
    with storage.locked(storage.lock_of(collection.path), what=f"collection {collection.name!r}"), collection.annotations.journal.held():
        storage.remove_folder(collection.path)
