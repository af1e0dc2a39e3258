"""From 256 px JPEG files to vectors on disk: ours, the plain loop (Pillow, torchvision v2, DataLoader, fp32), and the limits.

Run: python tests/benchmarks/embedding.py [--images 64] [--rounds 3] [--threads 1]

Rates are pictures per second of CPU time of the whole process (decoding included), which other work on the machine
disturbs least; with --threads 1 that is "per core". Weights are random: speed does not depend on them.
"""

from __future__ import annotations

import argparse
import platform
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from PIL import Image as Pillow
from torch.utils.data import DataLoader, Dataset
from torchvision.transforms import v2

from explorer import encoders
from explorer.embed import BATCH_CPU, embed
from explorer.encoders import checkpoints, timm_encoder
from explorer.sources import open_source
from explorer.sources.images import decode

GFLOP_PER_IMAGE = 9.2  # ViT-S/16 at 224 px


class Files(Dataset[torch.Tensor]):
    """What one writes first."""

    def __init__(self, files: list[Path]) -> None:
        self.files = files
        self.transform = v2.Compose(
            [v2.ToImage(), v2.Resize(224), v2.CenterCrop(224), v2.ToDtype(torch.float32, scale=True), v2.Normalize((0.5,) * 3, (0.5,) * 3)]
        )

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, i: int) -> torch.Tensor:
        with Pillow.open(self.files[i]) as image:
            ready: torch.Tensor = self.transform(image.convert("RGB"))
        return ready


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--images", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1, help="threads of the model")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    with tempfile.TemporaryDirectory() as name, torch.inference_mode():
        measure(Path(name), n=args.images, rounds=args.rounds)


def measure(folder: Path, *, n: int, rounds: int) -> None:
    files = write_pictures(folder, n)
    spec = encoders.spec("random-vits16")
    encoder = encoders.load("random-vits16", device="cpu")
    plain_model, bare_model = timm_encoder.build(spec), timm_encoder.build(spec)
    for model in (plain_model, bare_model):
        checkpoints.fill_randomly(model, seed=0)
        model.eval()
    bare_model.bfloat16()
    ready = torch.stack([encoder.prepare(decode(f.read_bytes(), name=f.name)) for f in files])

    def ours() -> None:
        out = np.lib.format.open_memmap(folder / "ours.npy", mode="w+", dtype=np.float32, shape=(n, encoder.dim))
        at = 0
        for rows, vectors in embed(lambda row: decode(files[row].read_bytes(), name=files[row].name), range(n), encoder=encoder):
            out[at : at + len(rows)] = vectors
            at += len(rows)
        out.flush()

    def plain() -> None:
        np.save(folder / "plain.npy", torch.cat([plain_model(batch) for batch in DataLoader(Files(files), batch_size=16)]).numpy())

    def bare_bf16() -> None:
        for batch in ready.bfloat16().split(BATCH_CPU):
            bare_model(batch)

    def bare_fp32() -> None:
        for batch in ready.split(BATCH_CPU):
            plain_model(batch)

    def encode_only() -> None:
        for batch in ready.split(BATCH_CPU):
            encoder.encode(batch)

    rates = best({f.__name__: f for f in (ours, plain, bare_bf16, bare_fp32, encode_only)}, n=n, rounds=rounds)
    gemm = best({"fp32": gemm_of(torch.float32), "bf16": gemm_of(torch.bfloat16)}, n=1, rounds=2 * rounds)
    a, b = np.load(folder / "ours.npy").astype(np.float64), np.load(folder / "plain.npy").astype(np.float64)
    cosine = ((a * b).sum(1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)).min()

    print(
        f"{platform.processor() or platform.machine()}, {torch.get_num_threads()} thread(s), torch {torch.__version__}, {encoder.precision}"
    )
    for name, rate in rates.items():
        print(f"  {name:12} {rate:7.2f} img/s of CPU")
    for name, rate in gemm.items():
        print(f"  gemm {name:7} {rate * GEMM_GFLOP:7.0f} GFLOP/s")
    limit = gemm["bf16"] * GEMM_GFLOP / GFLOP_PER_IMAGE

    def ratio(name: str, value: float, note: str) -> None:
        print(f"{name:28}{value:6.2f}   ({note})")

    ratio("ours / plain loop", rates["ours"] / rates["plain"], f"aim 3.5; were all of it GEMM at its peak: {limit / rates['plain']:.2f}")
    ratio("ours / bare bf16 model", rates["ours"] / rates["bare_bf16"], "aim 0.92")
    ratio("bare bf16 / bare fp32", rates["bare_bf16"] / rates["bare_fp32"], f"GEMM bf16 / fp32: {gemm['bf16'] / gemm['fp32']:.2f}")
    ratio("ours / bf16 GEMM limit", rates["ours"] / limit, "attention, norms and activations take the rest")
    print(f"cosine to the plain loop    {cosine:.6f} (aim .9999)")


def write_pictures(folder: Path, n: int) -> list[Path]:
    """Drawn tissue as JPEG files of 256 px."""
    source = open_source("synthetic", options={"n": 16, "side_px": 256})
    drawn = [source.read(item.uri) for item in source.items()]
    files = [folder / f"{i}.jpg" for i in range(n)]
    for i, file in enumerate(files):
        Pillow.fromarray(drawn[i % len(drawn)]).save(file, quality=90)
    return files


GEMM_SIDE = 1536
GEMM_GFLOP = 2 * GEMM_SIDE**3 / 1e9


def gemm_of(dtype: torch.dtype) -> Callable[[], None]:
    a, b = (torch.randn(GEMM_SIDE, GEMM_SIDE).to(dtype) for _ in range(2))

    def gemm() -> None:
        torch.mm(a, b)

    return gemm


def best(what: dict[str, Callable[[], None]], *, n: int, rounds: int) -> dict[str, float]:
    """The best rate of each over the rounds; one of each per round, so that all meet the same conditions."""
    seconds = dict.fromkeys(what, float("inf"))
    for call in what.values():
        call()
    for _ in range(rounds):
        for name, call in what.items():
            start = time.process_time()
            call()
            seconds[name] = min(seconds[name], time.process_time() - start)
    return {name: n / s for name, s in seconds.items()}


if __name__ == "__main__":
    main()
