"""Embedding: pictures and an encoder in, blocks of vectors out. Decoding runs in threads ahead of the model."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Bool, Int64, UInt8

from .errors import VectorsNotFinite
from .types import Encoder, Image, Progress, Report, Vectors, ignore

if TYPE_CHECKING:
    import torch

RowNumbers = Int64[np.ndarray, " n"]
Batch = Int64[np.ndarray, " _"]
"""The row numbers of one batch; batches differ in length."""
Wanted = Bool[np.ndarray, " _"]
"""True for the rows of one batch that have to be embedded."""

BATCH_CPU = 16
BATCH_GPU = 256
AHEAD = 2
"""Maximal number of decoded batches that wait, so that memory is bounded however slow the model or the disk is."""
PER_TASK = 4
"""Pictures a thread decodes per task: few enough to spread one batch over the threads, enough to outweigh the hand-over."""


def embed(  # noqa: PLR0913 - all but two have defaults
    read: Callable[[int], Image | None],
    rows: Sequence[int] | RowNumbers,
    *,
    encoder: Encoder,
    block: int = 2048,
    batch_size: int | None = None,
    threads: int = 2,
    report: Report = ignore,
    wanted: Callable[[Batch], Wanted] | None = None,
) -> Iterator[tuple[RowNumbers, Vectors]]:
    """Embed ``rows`` in their order and yield (rows, vectors) for each ``block`` of them.

    ``read(row)`` returns the picture of a row and is called from ``threads`` threads; its errors are raised here with a note
    that names the row. ``wanted(rows)`` is called in this thread for each batch after its pictures were read; rows for which it
    returns False are left out, and it must return False where ``read`` returned None. ``batch_size`` None means 16 on a CPU and
    256 elsewhere. A batch that does not fit into memory is halved, and so are later batches, which ``report`` is told. Closing
    the iterator stops the threads. Raises ``VectorsNotFinite`` where the encoder returns NaN or infinity for a row.
    """
    numbers = np.asarray(rows, dtype=np.int64)
    size = batch_size or (BATCH_CPU if encoder.device == "cpu" else BATCH_GPU)
    blocks = [numbers[at : at + block] for at in range(0, len(numbers), block)]
    batches = [part[at : at + size] for part in blocks for at in range(0, len(part), size)]
    done = 0

    def halved(to: int) -> None:
        report(Progress("embed", done, len(numbers), note=f"out of memory on {encoder.device}: batches of {to} from here on"))

    model = _Model(encoder, size, halved)
    with closing(_decoded(read, batches, encoder=encoder, threads=threads)) as decoded:
        for part in blocks:
            found = [np.empty((0, encoder.dim), np.float32)]
            taken = np.ones(len(part), np.bool_)
            for at in range(0, len(part), size):
                batch = part[at : at + size]
                pixels = next(decoded)
                if wanted is not None:
                    mask = taken[at : at + size] = wanted(batch)
                    pixels, batch_taken = pixels[mask], batch[mask]
                else:
                    batch_taken = batch
                if len(batch_taken):
                    vectors = model(pixels)
                    _refuse_not_finite(vectors, batch_taken, encoder)
                    found.append(vectors)
                done += len(batch)
                report(Progress("embed", done, len(numbers)))
            yield part[taken], np.concatenate(found)


def _decoded(read: Callable[[int], Image | None], batches: Sequence[Batch], *, encoder: Encoder, threads: int) -> Generator[torch.Tensor]:
    """The batches in order, each (b 3 s s) uint8, with the next ones decoded in the background."""
    import torch

    stopped = threading.Event()
    pinned = encoder.device.startswith("cuda")  # pages the GPU can fetch by itself while the CPU goes on

    def fill(slots: UInt8[np.ndarray, "_ 3 s s"], rows: RowNumbers) -> None:
        for slot, row in zip(slots, rows.tolist(), strict=True):
            if stopped.is_set():
                return
            try:
                image = read(row)
                if image is not None:
                    np.copyto(slot, encoder.resize(image).numpy())  # torch's copy would start threads of its own here
            except Exception as error:
                error.add_note(f"while reading row {row}")
                raise

    with ThreadPoolExecutor(threads, thread_name_prefix="decode") as pool:
        waiting: deque[tuple[torch.Tensor, list[Future[None]]]] = deque()
        try:
            for rows in batches:
                pixels = torch.empty((len(rows), 3, encoder.side_px, encoder.side_px), dtype=torch.uint8, pin_memory=pinned)
                slots, parts = pixels.numpy(), [slice(at, at + PER_TASK) for at in range(0, len(rows), PER_TASK)]
                waiting.append((pixels, [pool.submit(fill, slots[part], rows[part]) for part in parts]))
                if len(waiting) > AHEAD:
                    yield _filled(*waiting.popleft())
            while waiting:
                yield _filled(*waiting.popleft())
        finally:
            stopped.set()
            pool.shutdown(wait=False, cancel_futures=True)


def _filled(pixels: torch.Tensor, tasks: Sequence[Future[None]]) -> torch.Tensor:
    for task in tasks:
        task.result()
    return pixels


class _Model:
    """The encoder with its batch size, which is reduced when a batch does not fit into memory."""

    def __init__(self, encoder: Encoder, size: int, halved: Callable[[int], None]) -> None:
        self._encoder = encoder
        self._size = size
        self._halved = halved

    def __call__(self, pixels: torch.Tensor) -> Vectors:
        vectors: list[Vectors] = []
        at = 0
        while at < len(pixels):
            batch = pixels[at : at + self._size]
            try:
                vectors.append(self._encoder.encode(batch).numpy())
            except RuntimeError as error:
                if len(batch) == 1 or not _is_out_of_memory(error):
                    raise
                self._size = len(batch) // 2
                self._halved(self._size)
            else:
                at += len(batch)
        return np.concatenate(vectors)


def _is_out_of_memory(error: RuntimeError) -> bool:
    """True for an out-of-memory error. CUDA has a class for it; on the CPU and on MPS only the message tells."""
    import torch

    words = ("can't allocate memory", "not enough memory", "out of memory")
    return isinstance(error, torch.OutOfMemoryError) or any(word in str(error).lower() for word in words)


def _refuse_not_finite(vectors: Vectors, rows: RowNumbers, encoder: Encoder) -> None:
    bad = rows[~np.isfinite(vectors).all(axis=1)]
    if bad.size:
        raise VectorsNotFinite(
            f"{encoder.name} gave NaN or infinity for row {bad[0]} ({bad.size} of {len(rows)} rows of this batch); "
            "look at that picture, and try precision fp32."
        )
