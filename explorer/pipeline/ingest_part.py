"""Read one part of a source: rows, rejects, thumbnails and vectors are written to adjacent files."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image as Pillow

from .. import embed as embedding
from .. import storage
from ..collection import pixels_sha256
from ..embed import Batch, Wanted
from ..errors import ImageRejected
from ..settings import Settings
from ..sources.synthetic import SyntheticSource
from ..types import Encoder, Image, Item, Progress, Report, Source
from .common import read_block, write_block

COLUMNS = ("uri", "id", "label", "patient", "slide", "site", "split", "mpp", "x_px0", "y_px0", "side_px0")
MEASURED = ("width_px", "height_px", "sha256")
_NUMBERS = {"mpp": "float64", "x_px0": "Int64", "y_px0": "Int64", "side_px0": "Int64"}
DRAWN = "pictures"
"""Artifact of a collection of drawn tissue: its pictures as PNG files, one folder per class."""
JPEG_QUALITY = 85


@dataclass(frozen=True)
class Part:
    """A range of the listed items, the file for its rows, and the encoder."""

    path: Path
    start: int
    items: Sequence[Item]
    encoder: Encoder | None
    known: set[str]
    """Pixel hashes that need no embedding."""
    outcomes: dict[int, tuple[dict[str, Any] | str, bytes]] = field(default_factory=dict)
    """By item read so far: its facts or the reason it is rejected, and its thumbnail."""

    @property
    def vectors_path(self) -> Path:
        """The file for its block of vectors; it differs by encoder."""
        assert self.encoder is not None
        return self.path.with_name(f"{self.path.stem}.{storage.fingerprint(dict(self.encoder.recipe))}.npz")

    def embedded_sha256(self) -> set[str]:
        """Pixel hashes of the vectors in its block."""
        if self.encoder is None or not self.vectors_path.exists():
            return set()
        at = read_block(self.vectors_path)["rows"] - self.start
        return set(pd.read_parquet(self.path, columns=["sha256"])["sha256"].iloc[at])


def read_part(source: Source, part: Part, *, settings: Settings, total: int, report: Report) -> None:
    """Write the rows of a part with thumbnails and vectors; the parquet file is written last and appears by rename."""
    for stale in part.path.parent.glob(f"{part.path.stem}.*.npz"):  # of a run killed before the rows of these vectors were written
        stale.unlink()
    drawn = part.path.parent / DRAWN / ".work" if isinstance(source, SyntheticSource) else None

    def read(number: int) -> Image | None:
        item = part.items[number]
        try:
            image = source.read(item.uri)
        except ImageRejected as rejected:
            part.outcomes[number] = rejected.reason, b""
            return None
        if drawn is not None:
            _write_png(drawn / item.uri, image)
        facts = {"width_px": image.shape[1], "height_px": image.shape[0], "sha256": pixels_sha256(image)}
        part.outcomes[number] = facts, thumbnail(image, settings.thumbnail_px)
        return image

    if part.encoder is None:
        with ThreadPoolExecutor(settings.threads) as pool:
            for _ in pool.map(lambda number: read(number) is None, range(len(part.items))):
                pass
    else:
        _embed_part(read, part, part.encoder, settings=settings, total=total, report=report)
    rows = []
    with part.path.with_suffix(".thumbnails").open("wb") as blob:
        for number, item in enumerate(part.items):
            outcome, small = part.outcomes[number]
            row = {column: getattr(item, column) for column in COLUMNS}
            row |= {"id": item.id or item.uri, "extra": json.dumps(dict(item.extra), default=str)}
            row |= {"reason": outcome} if isinstance(outcome, str) else outcome | {"thumbnail_bytes": len(small)}
            rows.append(row)
            blob.write(small)
    unfinished = part.path.with_suffix(".part")
    _frame(rows, [*COLUMNS, "extra", *MEASURED, "thumbnail_bytes", "reason"]).to_parquet(unfinished, index=False)
    unfinished.replace(part.path)


def _embed_part(
    read: Callable[[int], Image | None], part: Part, encoder: Encoder, *, settings: Settings, total: int, report: Report
) -> None:
    """Read all pictures of a part and write one vector for each picture whose pixels were not seen before."""
    met = set(part.known)

    def is_new(numbers: Batch) -> Wanted:
        mask = np.zeros(len(numbers), np.bool_)
        for at, number in enumerate(numbers.tolist()):
            facts = part.outcomes[number][0]
            if not isinstance(facts, str) and facts["sha256"] not in met:
                met.add(facts["sha256"])
                mask[at] = True
        return mask

    def forward(progress: Progress) -> None:
        report(Progress("ingest", part.start + progress.done, total, note=progress.note))

    started = time.perf_counter()
    blocks = embedding.embed(
        read,
        range(len(part.items)),
        encoder=encoder,
        block=len(part.items),
        batch_size=settings.batch_size,
        threads=settings.threads,
        report=forward,
        wanted=is_new,
    )
    for numbers, vectors in blocks:
        write_block(part.vectors_path, numbers + part.start, vectors, seconds=time.perf_counter() - started)


def _write_png(path: Path, image: Image) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Pillow.fromarray(image).save(path, "PNG", compress_level=1)


def thumbnail(image: Image, side_px: int) -> bytes:
    """A JPEG whose longer side has at most ``side_px`` pixels."""
    picture = Pillow.fromarray(image)
    picture.thumbnail((side_px, side_px), Pillow.Resampling.LANCZOS, reducing_gap=2.0)
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=JPEG_QUALITY)
    return out.getvalue()


def _frame(rows: list[dict[str, Any]], columns: list[str]) -> pd.DataFrame:
    """The rows as a table with fixed types, whatever values one part happens to have."""
    frame = pd.DataFrame(rows, columns=columns)
    numbers = _NUMBERS | {"width_px": "Int64", "height_px": "Int64", "thumbnail_bytes": "Int64"}
    return frame.astype({column: numbers.get(column, "string") for column in columns})
