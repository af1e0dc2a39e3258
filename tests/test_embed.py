"""Embedding: order, blocks, memory, failures; with an encoder whose vectors can be computed by hand."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from explorer.embed import AHEAD, PER_TASK, embed
from explorer.errors import ImageRejected, VectorsNotFinite
from explorer.types import Progress

SIDE = 4


class Counting:
    """Mean colour as the vector; remembers its batches, and may have too little memory or be broken."""

    name = "counting"
    dim = 3
    side_px = SIDE
    device = "cpu"
    recipe: Mapping[str, Any] = {"name": "counting"}

    def __init__(self, *, fits: int | None = None, words: str = "", not_finite: int | None = None) -> None:
        self.fits = fits
        self.words = words
        self.not_finite = not_finite
        self.batches: list[int] = []

    def resize(self, image: np.ndarray) -> torch.Tensor:
        return torch.from_numpy(image[:SIDE, :SIDE].copy()).permute(2, 0, 1)

    def prepare(self, image: np.ndarray) -> torch.Tensor:
        return self.resize(image).float()

    def encode(self, batch: torch.Tensor) -> torch.Tensor:
        assert batch.dtype == torch.uint8
        if self.fits is not None and len(batch) > self.fits:
            raise RuntimeError(self.words) if self.words else torch.OutOfMemoryError("CUDA out of memory")
        self.batches.append(len(batch))
        vectors = batch.float().mean((2, 3))
        if self.not_finite is not None:
            vectors[vectors[:, 0] == self.not_finite] = float("nan")
        return vectors


def picture(row: int) -> np.ndarray:
    """One colour that says the row."""
    return np.full((8, 8, 3), (row % 256, row // 256, 7), np.uint8)


def expected(rows: Any) -> np.ndarray:
    return np.array([(row % 256, row // 256, 7) for row in rows], np.float32).reshape(-1, 3)


def run(read: Callable[[int], np.ndarray], rows: Any, **given_: Any) -> tuple[list[np.ndarray], list[np.ndarray]]:
    pairs = list(embed(read, rows, **given_))
    return [numbers for numbers, _ in pairs], [vectors for _, vectors in pairs]


@given(
    rows=st.lists(st.integers(0, 60_000), max_size=70),
    block=st.integers(1, 40),
    batch_size=st.one_of(st.none(), st.integers(1, 40)),
    threads=st.integers(1, 4),
    fits=st.one_of(st.none(), st.integers(1, 40)),
)
@settings(max_examples=60, deadline=None)
def test_every_row_gets_its_vector_in_order(rows: list[int], block: int, batch_size: int | None, threads: int, fits: int | None) -> None:
    encoder = Counting(fits=fits)
    told: list[Progress] = []
    numbers, vectors = run(picture, rows, encoder=encoder, block=block, batch_size=batch_size, threads=threads, report=told.append)
    assert [len(n) for n in numbers] == [len(v) for v in vectors]
    assert all(len(n) == block for n in numbers[:-1])
    assert np.array_equal(np.concatenate([*numbers, np.empty(0, int)]), rows)
    assert np.array_equal(np.concatenate([*vectors, np.empty((0, 3), np.float32)]), expected(rows))
    assert sum(encoder.batches) == len(rows)
    assert max(encoder.batches, default=0) <= min(batch_size or 16, fits or 40)
    counted = [p.done for p in told if not p.note]
    assert counted == sorted(counted)
    assert not rows or counted[-1] == len(rows)
    assert {p.total for p in told} <= {len(rows)}
    assert {p.verb for p in told} <= {"embed"}


def test_an_empty_list_of_rows_gives_nothing() -> None:
    assert list(embed(picture, [], encoder=Counting())) == []


def test_rows_may_be_an_array_and_repeat() -> None:
    numbers, vectors = run(picture, np.array([5, 5, 300]), encoder=Counting())
    assert numbers[0].dtype == np.int64
    assert np.array_equal(vectors[0], expected([5, 5, 300]))
    assert vectors[0].dtype == np.float32


@pytest.mark.parametrize(
    "words",
    [
        "",
        "[enforce fail at alloc_cpu.cpp:117] . DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes.",
        "DefaultCPUAllocator: not enough memory: you tried to allocate 154140672000 bytes.",
        "MPS backend out of memory (MPS allocated: 8 GB)",
    ],
)
def test_a_batch_too_large_for_memory_is_halved_for_good_and_said(words: str) -> None:
    encoder = Counting(fits=5, words=words)
    told: list[Progress] = []
    _, vectors = run(picture, range(64), encoder=encoder, batch_size=32, report=told.append)
    assert np.array_equal(vectors[0], expected(range(64)))
    notes = [p.note for p in told if p.note]
    assert notes == [f"out of memory on cpu: batches of {size} from here on" for size in (16, 8, 4)]
    assert encoder.batches == [4] * 16


def test_one_picture_that_does_not_fit_is_an_error() -> None:
    with pytest.raises(torch.OutOfMemoryError):
        list(embed(picture, range(4), encoder=Counting(fits=0), batch_size=4))


def test_other_errors_of_the_model_are_not_taken_for_lack_of_memory() -> None:
    with pytest.raises(RuntimeError, match="mat1 and mat2"):
        list(embed(picture, range(4), encoder=Counting(fits=0, words="mat1 and mat2 shapes cannot be multiplied")))


def test_a_vector_that_is_not_finite_names_its_row() -> None:
    with pytest.raises(VectorsNotFinite, match="counting gave NaN or infinity for row 137 "):
        list(embed(picture, range(100, 200), encoder=Counting(not_finite=137)))


def test_blocks_before_the_bad_row_were_given() -> None:
    blocks = embed(picture, range(100), encoder=Counting(not_finite=57), block=20)
    seen = []
    with pytest.raises(VectorsNotFinite):
        for rows, _ in blocks:
            seen.extend(rows.tolist())
    assert seen == list(range(40))


def test_an_error_while_reading_names_its_row() -> None:
    def read(row: int) -> np.ndarray:
        if row == 31:
            raise ImageRejected("cut short")
        return picture(row)

    blocks = embed(read, range(100), encoder=Counting(), block=16)
    assert next(blocks)[0].tolist() == list(range(16))
    with pytest.raises(ImageRejected, match="cut short") as caught:
        list(blocks)
    assert caught.value.__notes__ == ["while reading row 31"]


class Reader:
    """Counts what was read and by which threads."""

    def __init__(self, *, seconds: float = 0) -> None:
        self.seconds = seconds
        self.rows: list[int] = []
        self.threads: set[str] = set()
        self.lock = threading.Lock()

    def __call__(self, row: int) -> np.ndarray:
        with self.lock:
            self.rows.append(row)
            self.threads.add(threading.current_thread().name)
        time.sleep(self.seconds)
        return picture(row)


def decoders() -> list[threading.Thread]:
    return [t for t in threading.enumerate() if t.name.startswith("decode")]


def test_reading_runs_ahead_of_the_model_but_only_so_far() -> None:
    """While the consumer rests, no more than the batches in hand and those ahead are in memory."""
    reader = Reader()
    blocks = embed(reader, range(10_000), encoder=Counting(), block=8, batch_size=8)
    next(blocks)
    time.sleep(0.2)
    assert 8 < len(reader.rows) <= 8 * (1 + AHEAD)
    blocks.close()  # type: ignore[attr-defined]


def test_reading_is_spread_over_the_threads() -> None:
    reader = Reader(seconds=0.002)
    list(embed(reader, range(64), encoder=Counting(), threads=3))
    assert len(reader.threads) == 3
    assert threading.main_thread().name not in reader.threads


@pytest.mark.parametrize("how", ["close", "forget"])
def test_stopping_early_stops_the_threads(how: str) -> None:
    reader = Reader(seconds=0.01)
    blocks: Any = embed(reader, range(100_000), encoder=Counting(), block=32, batch_size=32)
    next(blocks)
    assert decoders()
    if how == "close":
        blocks.close()
    else:
        del blocks
    deadline = time.monotonic() + 5
    while decoders() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not decoders()
    assert len(reader.rows) <= 32 * (1 + AHEAD) + PER_TASK * 2


@pytest.mark.parametrize("fault", ["model", "read"])
def test_a_failure_stops_the_threads(fault: str) -> None:
    reader = Reader(seconds=0.001)

    def read(row: int) -> np.ndarray:
        if fault == "read" and row == 40:
            raise ImageRejected("broken")
        return reader(row)

    with pytest.raises((ImageRejected, VectorsNotFinite)):
        list(embed(read, range(100_000), encoder=Counting(not_finite=40 if fault == "model" else None), block=16))
    deadline = time.monotonic() + 5
    while decoders() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not decoders()


def test_nothing_is_read_before_the_first_block_is_asked_for() -> None:
    reader = Reader()
    blocks = embed(reader, range(100), encoder=Counting())
    time.sleep(0.05)
    assert reader.rows == []
    assert next(iter(blocks))[0].shape == (100,)


def test_vectors_of_a_real_model_are_those_of_its_pictures_one_by_one() -> None:
    from explorer import encoders

    encoder = encoders.load("random-vits16", device="cpu", precision="fp32")
    rng = np.random.default_rng(0)
    pictures = [rng.integers(0, 256, (h, w, 3), dtype=np.uint8) for h, w in ((256, 256), (96, 96), (300, 200))]
    (_, vectors), *rest = embed(pictures.__getitem__, [2, 0, 1], encoder=encoder)
    assert rest == []
    for row, vector in zip([2, 0, 1], vectors, strict=True):
        alone = encoder.encode(encoder.prepare(pictures[row])[None])[0].numpy()
        np.testing.assert_allclose(vector, alone, rtol=1e-4, atol=1e-4)
