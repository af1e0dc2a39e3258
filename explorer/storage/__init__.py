"""Storage: artifacts that are complete or absent, locks, the journal, and downloads."""

from .arrays import array_shape, read_array
from .artifacts import (
    COLLECTION,
    FORMAT,
    META,
    PARTS,
    Artifact,
    artifacts,
    facts,
    file,
    file_sha256,
    find,
    fingerprint,
    in_use,
    lock_of,
    make,
    publish,
    sync,
    verify,
    verify_kind,
    versions,
    write_json,
)
from .disk import check_room, is_full, room_on
from .locks import is_held, locked
from .private import private_folder
from .records import ArtifactRecord, CollectionRecord, read_json, read_record
from .removal import finish_removals, remove_folder

__all__ = [
    "COLLECTION",
    "FORMAT",
    "META",
    "PARTS",
    "Artifact",
    "ArtifactRecord",
    "CollectionRecord",
    "array_shape",
    "artifacts",
    "check_room",
    "facts",
    "file",
    "file_sha256",
    "find",
    "fingerprint",
    "finish_removals",
    "in_use",
    "is_full",
    "is_held",
    "lock_of",
    "locked",
    "make",
    "private_folder",
    "publish",
    "read_array",
    "read_json",
    "read_record",
    "remove_folder",
    "room_on",
    "sync",
    "verify",
    "verify_kind",
    "versions",
    "write_json",
]
