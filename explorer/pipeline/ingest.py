"""Read every picture of a source once: rows, rejects, pixel hashes, thumbnails, and vectors where an encoder is given.

The work is done in parts of a fixed number of rows. An interrupted run leaves complete parts, which the next run reuses; the
collection appears under its name by one rename. Vectors of a part are stored beside it and become blocks of the embedding that
``embed`` completes. Drawn tissue is written as PNG files into the collection, so that it is drawn once.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import astuple
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Int64

from .. import storage
from ..collection import FORMAT, RECORD, Collection, checked_name, list_collections
from ..errors import CollectionExists, InputError
from ..settings import Settings
from ..sources import Reading, reading_of
from ..sources.synthetic import SyntheticSource
from ..types import Encoder, Item, Progress, Reject, Report, Source, ignore
from ..wording import counted, noun_for, verb_for
from .common import embedding_recipe, read_block, write_block
from .ingest_part import COLUMNS, DRAWN, JPEG_QUALITY, MEASURED, Part, read_part
from .vector_reuse import known_sha256

PART_ROWS = 1024


def ingest(source: Source, *, name: str, settings: Settings, encoder: Encoder | None = None, report: Report = ignore) -> Collection:
    """Read all pictures of ``source`` into a new collection, or open the collection already made from it.

    With an ``encoder`` each picture is embedded as soon as it is decoded, and ``embed`` reuses the vectors: nothing is decoded
    or hashed twice. Unreadable pictures become rejects with a reason. Raises ``CollectionExists`` where the name belongs to
    another source, ``InputError`` where no picture can be read, ``StorageFull``, and ``VectorsNotFinite``. Where another
    process works on the collection, it waits and reports this instead of raising ``Busy``.
    """
    target = settings.home / checked_name(name)
    identity = {"kind": source.kind, "uri": source.uri, "options": dict(source.options)}

    def waiting() -> None:
        report(Progress("ingest", 0, note=f"another process is reading {name!r}; waiting for it"))

    def present() -> Collection | None:
        if not (target / RECORD).is_file():
            return None
        collection = _same_source(Collection(target, limits=settings.limits), identity)
        if not isinstance(source, SyntheticSource):  # which its options decide
            _say_what_changed(collection, source, report)
        return collection

    if (collection := present()) is not None:  # without the lock: a step may be at work on it
        return collection
    with storage.locked(storage.lock_of(target), what=f"collection {name!r}", waiting=waiting):
        if (collection := present()) is not None:
            return collection
        if target.exists():
            raise InputError(f"{target} is there and is no collection; choose another name or move it away.")
        items = source.items()
        reading = reading_of(source)
        for note in reading.notes:
            report(Progress("ingest", 0, note=note))
        if not items:
            raise InputError(f"No pictures were found in {source.uri}; {_why(source.rejects())}")
        work = _workbench(settings.home, name, [identity, settings.thumbnail_px], items)
        known = known_sha256(list_collections(settings.home), encoder) if encoder else set()
        with storage.room_on(settings.home):
            for number, start in enumerate(range(0, len(items), PART_ROWS)):
                report(Progress("ingest", start, len(items)))
                part = Part(work / f"part-{number:06d}.parquet", start, items[start : start + PART_ROWS], encoder, known)
                if not part.path.exists():
                    read_part(source, part, settings=settings, total=len(items), report=report)
                known |= part.embedded_sha256()
            report(Progress("ingest", len(items), len(items)))
            _finish(work, source, identity, reading, thumbnail_px=settings.thumbnail_px, encoder=encoder)
        work.replace(target)
        storage.sync(target.parent)
    return Collection(target, limits=settings.limits)


def _same_source(collection: Collection, identity: dict[str, Any]) -> Collection:
    if collection.record["source"] == identity:
        return collection
    made_from, asked = _described(collection.record["source"]), _described(identity)
    raise CollectionExists(
        f"Collection {collection.name!r} exists and was made from {made_from}, not from {asked} as asked; choose another name."
    )


def _described(source: Mapping[str, Any]) -> str:
    """A text that identifies a source."""
    options = f" with {json.dumps(source['options'])}" if source["options"] else ""
    return f"{source['uri']} ({source['kind']}{options})"


def _say_what_changed(collection: Collection, source: Source, report: Report) -> None:
    """Report items that the source gained or lost since; they are not added, because the number of rows is fixed."""
    known = {*collection.items["uri"], *collection.rejects["uri"]}
    present = {item.uri for item in source.items()}
    if new := len(present - known):
        note = (
            f"{counted(new, 'file')} {verb_for(new, 'was')} added to {source.uri} since {collection.name!r} was made and "
            f"{verb_for(new, 'is')} not in it; build under another name"
        )
        report(Progress("ingest", collection.n, collection.n, note=note))
    if gone := len({*collection.items["uri"]} - present):
        note = (
            f"{counted(gone, 'picture')} of {collection.name!r} {verb_for(gone, 'is')} no longer in {source.uri}; "
            f"{verb_for(gone, 'its')} {noun_for(gone, 'row')} {verb_for(gone, 'stays')}, but cannot be shown in full"
        )
        report(Progress("ingest", collection.n, collection.n, note=note))


def _why(rejects: Sequence[Reject]) -> str:
    if not rejects:
        return "give a folder with images, a zip, a table or an HDF5 file."
    n, first = len(rejects), rejects[0]
    return f"{counted(n, 'file')} {verb_for(n, 'was')} passed over, the first being {first.uri}: {first.reason}."


def _workbench(home: Path, name: str, identity: list[Any], items: Sequence[Item]) -> Path:
    """The folder for parts; parts of another listing are deleted."""
    work = home / f".{name}.work"
    digest = hashlib.sha256(json.dumps([identity, [astuple(item) for item in items]], default=str).encode()).hexdigest()
    listing = work / "listing.json"
    if work.exists() and not (listing.is_file() and storage.read_json(listing) == digest):
        shutil.rmtree(work)
    storage.private_folder(work)
    storage.write_json(listing, digest)
    return work


# -- all parts


def _finish(work: Path, source: Source, identity: dict[str, Any], reading: Reading, *, thumbnail_px: int, encoder: Encoder | None) -> None:
    parts = sorted(work.glob("part-*.parquet"))
    table = pd.concat([pd.read_parquet(part) for part in parts], ignore_index=True)
    read = table["reason"].isna()
    rejects = [*source.rejects(), *(Reject(str(uri), str(reason)) for uri, reason in table.loc[~read, ["uri", "reason"]].to_numpy())]
    items = _items(table[read].reset_index(drop=True))
    if items.empty:
        which, can = ("The only file", "cannot") if len(table) == 1 else (f"None of the {len(table)} files", "can")
        raise InputError(f"{which} in {source.uri} {can} be read; {_why(rejects)}")
    _publish_thumbnails(work, parts, table.loc[read, "thumbnail_bytes"].to_numpy(dtype=np.int64), thumbnail_px)
    items.to_parquet(work / "items.parquet", index=False)
    pd.DataFrame([(r.uri, r.reason) for r in rejects], columns=["uri", "reason"], dtype="string").to_parquet(
        work / "rejects.parquet", index=False
    )
    items_sha256 = hashlib.sha256("".join(items["sha256"]).encode()).hexdigest()
    if encoder is not None:
        _hand_on_vectors(work, items_sha256, encoder, np.cumsum(read.to_numpy()) - 1)
    if (work / DRAWN / ".work").is_dir():
        recipe = {"kind": DRAWN, "format": "png", "source": identity}
        storage.publish(work / DRAWN / ".work", work / DRAWN / storage.fingerprint(recipe), recipe, {})
    for leftover in [work / "listing.json", *work.glob("part-*")]:  # the listing first: without it no run takes up some of the parts
        leftover.unlink()
    files = {p.name: storage.facts(p) for p in sorted(work.glob("*.parquet"))}
    record = {
        "format": FORMAT,
        "name": work.name.removeprefix(".").removesuffix(".work"),
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "source": identity,
        "reading": reading.to_json(),
        "n": len(items),
        "rejected": len(rejects),
        "items_sha256": items_sha256,
        "files": files,
        "versions": storage.versions(),
    }
    for file in files:
        storage.sync(work / file)
    storage.write_json(work / RECORD, record)


def _hand_on_vectors(work: Path, items_sha256: str, encoder: Encoder, row_of: Int64[np.ndarray, " listed"]) -> None:
    """Convert blocks of vectors by item number to blocks by row, in the folder where ``embed`` looks for them."""
    key = storage.fingerprint(embedding_recipe(items_sha256, encoder))
    target = work / "embeddings" / f".{key}.work" / storage.PARTS
    target.mkdir(parents=True, exist_ok=True)
    blocks = sorted(work.glob(f"part-*.{storage.fingerprint(dict(encoder.recipe))}.npz"))
    for number, path in enumerate(blocks):
        block = read_block(path)
        write_block(target / f"{number:06d}.npz", row_of[block["rows"]], block["vectors"], seconds=float(block["seconds"]))


def _items(table: pd.DataFrame) -> pd.DataFrame:
    """The rows with the user's columns as typed columns; a name that we use ourselves gets a trailing underscore."""
    extras = [json.loads(text) for text in table["extra"]]
    names = list(dict.fromkeys(name for extra in extras for name in extra))
    items = table[[*COLUMNS, *MEASURED]].copy()
    items.insert(0, "id", items.pop("id"))
    for name in names:
        column = pd.Series([extra.get(name) for extra in extras], dtype=object)
        items[name if name not in items.columns else f"{name}_"] = _typed(column)
    return items


def _typed(column: pd.Series[Any]) -> pd.Series[Any]:
    """Numbers and yes/no keep their type; anything mixed becomes text."""
    kinds = {type(value) for value in column if value is not None}
    if kinds == {bool}:
        return column.astype("boolean")
    if kinds and kinds <= {int, float}:
        return column.astype("float64") if float in kinds else column.astype("Int64")
    return column.map(lambda value: None if value is None else str(value)).astype("string")


def _publish_thumbnails(work: Path, parts: list[Path], sizes: Int64[np.ndarray, " n"], side_px: int) -> None:
    """Publish all thumbnails as one blob with the end offset of each row, as an artifact of the new collection."""
    recipe = {"kind": "thumbnails", "side_px": side_px, "format": "jpeg", "quality": JPEG_QUALITY}
    shutil.rmtree(work / "thumbnails", ignore_errors=True)  # of a run that was killed after this
    folder = work / "thumbnails" / ".work"
    folder.mkdir(parents=True)
    with (folder / "thumbnails.bin").open("wb") as blob:
        for part in parts:
            with part.with_suffix(".thumbnails").open("rb") as piece:
                shutil.copyfileobj(piece, blob)
    np.save(folder / "offsets.npy", np.concatenate([[0], np.cumsum(sizes)]))
    storage.publish(folder, work / "thumbnails" / storage.fingerprint(recipe), recipe, {})
