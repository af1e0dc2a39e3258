"""Reading every picture of a source once: rows, rejects, pixel hashes and thumbnails.

The work goes on in parts of a fixed number of rows. A killed run leaves whole parts, which the next run takes up;
the collection appears under its name by one rename.
"""

from __future__ import annotations

import hashlib
import io
import json
import shutil
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import astuple
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image as Pillow

from .. import storage
from ..collection import FORMAT, RECORD, Collection, checked_name, pixels_sha256
from ..errors import CollectionExists, ImageRejected, InputError
from ..settings import Settings
from ..sources import Reading, reading_of
from ..types import Image, Item, Progress, Reject, Report, Source, ignore

PART_ROWS = 1024
COLUMNS = ("uri", "id", "label", "patient", "slide", "site", "split", "mpp", "x_px0", "y_px0", "side_px0")
MEASURED = ("width_px", "height_px", "sha256")
_NUMBERS = {"mpp": "float64", "x_px0": "Int64", "y_px0": "Int64", "side_px0": "Int64"}
_JPEG_QUALITY = 85


def ingest(source: Source, *, name: str, settings: Settings, report: Report = ignore) -> Collection:
    """Take every readable picture of ``source`` into a new collection, or open the one already made from it.

    What cannot be read becomes a reject with its reason. Raises ``CollectionExists`` where the name belongs to
    another source, ``InputError`` where nothing at all can be read, ``Busy`` never: it waits and says so.
    """
    target = settings.home / checked_name(name)
    identity = {"kind": source.kind, "uri": source.uri, "options": dict(source.options)}

    def waiting() -> None:
        report(Progress("ingest", 0, note=f"another process is reading {name!r}; waiting for it"))

    def present() -> Collection | None:
        if not (target / RECORD).is_file():
            return None
        collection = _same_source(Collection(target, limits=settings.limits), identity)
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
        for number, start in enumerate(range(0, len(items), PART_ROWS)):
            report(Progress("ingest", start, len(items)))
            part = work / f"part-{number:06d}.parquet"
            if not part.exists():
                _read_part(source, items[start : start + PART_ROWS], part, settings=settings)
        report(Progress("ingest", len(items), len(items)))
        _finish(work, source, identity, reading, settings.thumbnail_px)
        work.replace(target)
        storage.sync(target.parent)
    return Collection(target, limits=settings.limits)


def _same_source(collection: Collection, identity: dict[str, Any]) -> Collection:
    if collection.record["source"] == identity:
        return collection
    made_from, asked = _told(collection.record["source"]), _told(identity)
    raise CollectionExists(
        f"Collection {collection.name!r} exists and was made from {made_from}, not from {asked} as asked; choose another name."
    )


def _told(source: Mapping[str, Any]) -> str:
    """All that tells one source from another, in words."""
    options = f" with {json.dumps(source['options'])}" if source["options"] else ""
    return f"{source['uri']} ({source['kind']}{options})"


def _say_what_changed(collection: Collection, source: Source, report: Report) -> None:
    """The number of rows is fixed: what the source gained or lost since is said, not taken in."""
    known = {*collection.items["uri"], *collection.rejects["uri"]}
    present = {item.uri for item in source.items()}
    if new := len(present - known):
        note = f"{new} files were added to {source.uri} since {collection.name!r} was made and are not in it; build under another name"
        report(Progress("ingest", collection.n, collection.n, note=note))
    if gone := len({*collection.items["uri"]} - present):
        note = f"{gone} pictures of {collection.name!r} are no longer in {source.uri}; their rows stay, their full pictures cannot be shown"
        report(Progress("ingest", collection.n, collection.n, note=note))


def _why(rejects: Sequence[Reject]) -> str:
    if not rejects:
        return "give a folder with images, a zip, a table or an HDF5 file."
    return f"{len(rejects)} files were passed over, the first being {rejects[0].uri}: {rejects[0].reason}."


def _workbench(home: Path, name: str, identity: list[Any], items: Sequence[Item]) -> Path:
    """The folder for parts; parts of another listing are thrown away."""
    work = home / f".{name}.work"
    digest = hashlib.sha256(json.dumps([identity, [astuple(item) for item in items]], default=str).encode()).hexdigest()
    listing = work / "listing.json"
    if work.exists() and not (listing.is_file() and storage.read_json(listing) == digest):
        shutil.rmtree(work)
    work.mkdir(parents=True, exist_ok=True)
    storage.write_json(listing, digest)
    return work


# -- one part


def _read_part(source: Source, items: Sequence[Item], part: Path, *, settings: Settings) -> None:
    """Write the rows of a part, with their thumbnails beside them; the parquet file comes last and by rename."""

    def read(item: Item) -> tuple[Item, dict[str, Any] | str, bytes]:
        try:
            image = source.read(item.uri)
        except ImageRejected as rejected:
            return item, rejected.reason, b""
        facts = {"width_px": image.shape[1], "height_px": image.shape[0], "sha256": pixels_sha256(image)}
        return item, facts, thumbnail(image, settings.thumbnail_px)

    rows = []
    with part.with_suffix(".thumbnails").open("wb") as blob:
        for item, outcome, small in _ahead(read, items, settings.threads):
            row = {column: getattr(item, column) for column in COLUMNS}
            row |= {"id": item.id or item.uri, "extra": json.dumps(dict(item.extra), default=str)}
            row |= {"reason": outcome} if isinstance(outcome, str) else outcome | {"thumbnail_bytes": len(small)}
            rows.append(row)
            blob.write(small)
    unfinished = part.with_suffix(".part")
    _frame(rows, [*COLUMNS, "extra", *MEASURED, "thumbnail_bytes", "reason"]).to_parquet(unfinished, index=False)
    unfinished.replace(part)


def _ahead(function: Any, values: Iterable[Any], threads: int) -> Iterator[Any]:
    """Map in threads, in order, with only a few results waiting, so that memory stays flat."""
    with ThreadPoolExecutor(threads) as pool:
        iterator = iter(values)
        pending = deque(pool.submit(function, value) for value in islice(iterator, 4 * threads))
        while pending:
            result = pending.popleft().result()
            pending.extend(pool.submit(function, value) for value in islice(iterator, 1))
            yield result


def thumbnail(image: Image, side_px: int) -> bytes:
    """A JPEG whose longer side has at most ``side_px`` pixels."""
    picture = Pillow.fromarray(image)
    picture.thumbnail((side_px, side_px), Pillow.Resampling.LANCZOS, reducing_gap=2.0)
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=_JPEG_QUALITY)
    return out.getvalue()


# -- all parts


def _finish(work: Path, source: Source, identity: dict[str, Any], reading: Reading, thumbnail_px: int) -> None:
    parts = sorted(work.glob("part-*.parquet"))
    table = pd.concat([pd.read_parquet(part) for part in parts], ignore_index=True)
    read = table["reason"].isna()
    rejects = [*source.rejects(), *(Reject(str(uri), str(reason)) for uri, reason in table.loc[~read, ["uri", "reason"]].to_numpy())]
    items = _items(table[read].reset_index(drop=True))
    if items.empty:
        raise InputError(f"None of the {len(table)} files in {source.uri} can be read; {_why(rejects)}")
    _publish_thumbnails(work, parts, table.loc[read, "thumbnail_bytes"].to_numpy(dtype=np.int64), thumbnail_px)
    items.to_parquet(work / "items.parquet", index=False)
    pd.DataFrame([(r.uri, r.reason) for r in rejects], columns=["uri", "reason"], dtype="string").to_parquet(
        work / "rejects.parquet", index=False
    )
    for leftover in [*parts, *work.glob("part-*"), work / "listing.json"]:
        leftover.unlink(missing_ok=True)
    files = {p.name: storage.facts(p) for p in sorted(work.glob("*.parquet"))}
    record = {
        "format": FORMAT,
        "name": work.name.removeprefix(".").removesuffix(".work"),
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "source": identity,
        "reading": reading.to_json(),
        "n": len(items),
        "rejected": len(rejects),
        "items_sha256": hashlib.sha256("".join(items["sha256"]).encode()).hexdigest(),
        "files": files,
        "versions": storage.versions(),
    }
    for file in files:
        storage.sync(work / file)
    storage.write_json(work / RECORD, record)


def _items(table: pd.DataFrame) -> pd.DataFrame:
    """The rows with the user's own columns as typed columns; one that carries a name of ours gets a trailing underscore."""
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


def _frame(rows: list[dict[str, Any]], columns: list[str]) -> pd.DataFrame:
    """Fixed types, whatever the values of one part happen to be."""
    frame = pd.DataFrame(rows, columns=columns)
    numbers = _NUMBERS | {"width_px": "Int64", "height_px": "Int64", "thumbnail_bytes": "Int64"}
    return frame.astype({column: numbers.get(column, "string") for column in columns})


def _publish_thumbnails(work: Path, parts: list[Path], sizes: Any, side_px: int) -> None:
    """One blob and the offset of each row's end, as an artifact of the new collection."""
    recipe = {"kind": "thumbnails", "side_px": side_px, "format": "jpeg", "quality": _JPEG_QUALITY}
    shutil.rmtree(work / "thumbnails", ignore_errors=True)  # of a run that was killed after this
    folder = work / "thumbnails" / ".work"
    folder.mkdir(parents=True)
    with (folder / "thumbnails.bin").open("wb") as blob:
        for part in parts:
            with part.with_suffix(".thumbnails").open("rb") as piece:
                shutil.copyfileobj(piece, blob)
    np.save(folder / "offsets.npy", np.concatenate([[0], np.cumsum(sizes)]))
    storage.publish(folder, work / "thumbnails" / storage.fingerprint(recipe), recipe, {})
