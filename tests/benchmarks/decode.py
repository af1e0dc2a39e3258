"""From the bytes of a file to what a model takes: ours against PIL and torchvision v2, in pictures per second of one core.

    python tests/benchmarks/decode.py [--pictures 200] [--rounds 5]
    python tests/benchmarks/decode.py --tiff [--pictures 60] [--rounds 5]

Files are written to a temporary folder and read back from it, warm. "limit" is the decoder alone. Rounds of the two
ways alternate, and the best of each counts, so that other work on the machine weighs on neither.
With --tiff: pictures per second of the wall clock when one and when two threads decode, hash and shrink TIFF files to a
thumbnail, as ``ingest`` does, and when they only decode; the sizes of NCT-CRC-HE (224 px) and BACH (2048 x 1536).
"""

from __future__ import annotations

import argparse
import io
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
import torch
from PIL import Image
from torchvision.transforms import v2

from explorer import encoders
from explorer.collection import pixels_sha256
from explorer.encoders.preprocess import normalise, resize_crop
from explorer.pipeline.ingest_part import thumbnail
from explorer.sources import open_source
from explorer.sources.images import decode

BATCH = 16


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--pictures", type=int, default=200)
    arguments.add_argument("--rounds", type=int, default=5)
    arguments.add_argument("--tiff", action="store_true")
    given = arguments.parse_args()
    if given.tiff:
        tiff_in_threads(given.pictures, given.rounds)
        return
    torch.set_num_threads(1)
    print("pictures per second of one core; ratio = ours / PIL + v2")
    print(f"{'files':14}{'PIL + v2':>10}{'ours':>10}{'ratio':>8}{'limit (decoder alone)':>24}{'bit-equal':>11}")
    for fmt, side_px in (("JPEG", 224), ("JPEG", 256), ("JPEG", 512), ("PNG", 256)):
        with tempfile.TemporaryDirectory() as folder:
            files = write(Path(folder), fmt, side_px, given.pictures)
            equal = torch.equal(ours(files), theirs(files))
            best = race([theirs, ours, decoder_alone], files, given.rounds)
        print(f"{fmt + ' ' + str(side_px):14}{best[0]:10.0f}{best[1]:10.0f}{best[1] / best[0]:8.2f}{best[2]:24.0f}{equal!s:>11}")


def write(folder: Path, fmt: str, side_px: int, n: int) -> list[Path]:
    """Drawn tissue as files of quality 90."""
    source = open_source("synthetic", options={"n": min(n, 27), "side_px": side_px})
    pictures = [source.read(item.uri) for item in source.items()]
    files = [folder / f"{i}.{fmt.lower()}" for i in range(n)]
    for i, path in enumerate(files):
        Image.fromarray(np.roll(pictures[i % len(pictures)], i, axis=1)).save(path, fmt, quality=90)
    return files


TIFFS: tuple[tuple[str, tuple[int, int], dict[str, Any]], ...] = (
    ("CRC raw", (224, 224), {}),
    ("CRC LZW", (224, 224), {"compression": "lzw"}),
    ("CRC JPEG", (224, 224), {"compression": "jpeg", "tile": (224, 224)}),
    ("CRC JPEG 2000", (224, 224), {"compression": "aperio_jp2000_rgb"}),
    ("BACH raw", (1536, 2048), {}),
    ("BACH LZW", (1536, 2048), {"compression": "lzw"}),
    ("BACH JPEG", (1536, 2048), {"compression": "jpeg", "tile": (256, 256)}),
    ("BACH JPEG 2000", (1536, 2048), {"compression": "aperio_jp2000_rgb", "tile": (256, 256)}),
)


def tiff_in_threads(n: int, rounds: int) -> None:
    """One thread against two, by turns, best of the rounds each."""
    source = open_source("synthetic", options={"n": 9, "side_px": 512})
    mosaic = np.vstack([np.hstack([source.read(item.uri) for item in list(source.items())[i : i + 3] * 2][:4]) for i in (0, 3, 6)])
    print(f"{'TIFF':16}{'decode 1':>10}{'decode 2':>10}{'ratio':>8}{'take in 1':>12}{'take in 2':>10}{'ratio':>8}   pictures per second")
    for name, (height, width), options in TIFFS:
        buffer = io.BytesIO()
        tifffile.imwrite(buffer, mosaic[:height, :width], photometric="rgb", **options)
        data = buffer.getvalue()
        count = n if height < 1000 else max(2, n // 10)

        def only(data: bytes) -> None:
            decode(data, name="a.tif")

        def whole(data: bytes) -> None:
            image = decode(data, name="a.tif")
            pixels_sha256(image)
            thumbnail(image, 128)

        best = dict.fromkeys(((way, threads) for way in (only, whole) for threads in (1, 2)), 0.0)
        for _ in range(rounds):
            for way, threads in best:
                with ThreadPoolExecutor(threads) as pool:
                    start = time.perf_counter()
                    list(pool.map(way, [data] * count))
                    best[way, threads] = max(best[way, threads], count / (time.perf_counter() - start))
        one, two, take_one, take_two = best.values()
        print(f"{name:16}{one:10.0f}{two:10.0f}{two / one:8.2f}{take_one:12.0f}{take_two:10.0f}{take_two / take_one:8.2f}")


def theirs(files: list[Path]) -> torch.Tensor:
    """The publishers' pipeline on PIL pictures, one by one."""
    steps = v2.Compose(
        [v2.ToImage(), v2.Resize(224), v2.CenterCrop(224), v2.ToDtype(torch.float32, scale=True), v2.Normalize([0.5] * 3, [0.5] * 3)]
    )
    return torch.stack([steps(Image.open(path).convert("RGB")) for path in files])


def ours(files: list[Path]) -> torch.Tensor:
    """Decode and resize one by one, normalise once per batch."""
    spec = encoders.spec("kaiko-vits16")
    batches = [files[i : i + BATCH] for i in range(0, len(files), BATCH)]
    sized = (
        [resize_crop(decode(path.read_bytes(), name=path.name), side_px=224, resize_px=224, interpolation="bilinear") for path in batch]
        for batch in batches
    )
    return torch.cat([normalise(torch.stack(batch), spec) for batch in sized])


def decoder_alone(files: list[Path]) -> None:
    """What reading the pixels costs with nothing after it."""
    for path in files:
        decode(path.read_bytes(), name=path.name)


def race(ways: list[Callable[[list[Path]], object]], files: list[Path], rounds: int) -> list[float]:
    """Best rate of each way, by the CPU time of this thread."""
    best = [0.0] * len(ways)
    for _ in range(rounds):
        for i, way in enumerate(ways):
            start = time.thread_time()
            way(files)
            best[i] = max(best[i], len(files) / (time.thread_time() - start))
    return best


if __name__ == "__main__":
    main()
