"""Names people give to groups. They lie beside the groupings, which themselves are never edited."""

from __future__ import annotations

from collections.abc import Mapping

from .. import storage
from ..collection import Collection
from ..errors import InputError
from ..storage import Artifact

FOLDER = "names"


def group_names(collection: Collection, groups: Artifact) -> dict[int, str]:
    """Names given to the groups of a grouping, by group number."""
    path = collection.path / FOLDER / f"{groups.key}.json"
    return {int(number): str(name) for number, name in storage.read_json(path).items()} if path.is_file() else {}


def name_groups(collection: Collection, groups: Artifact, names: Mapping[int, str]) -> dict[int, str]:
    """Give names to groups; an empty name takes one away. Returns all names. Raises ``InputError`` for a group that is not there."""
    there = len(groups.meta["measured"]["sizes"])
    if unknown := [number for number in names if not 0 <= number < there]:
        raise InputError(f"There is no group {unknown[0] + 1}; this grouping has {there}.")
    path = collection.path / FOLDER / f"{groups.key}.json"
    path.parent.mkdir(exist_ok=True)
    with storage.locked(path.with_name(f".{path.name}.lock"), what="the names of groups", waiting=lambda: None):
        kept = group_names(collection, groups) | {number: name.strip() for number, name in names.items()}
        kept = {number: name for number, name in sorted(kept.items()) if name}
        storage.write_json(path, {str(number): name for number, name in kept.items()})
    return kept
