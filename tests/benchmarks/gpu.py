"""Embedding on a GPU: pictures per second of the model alone and of ``embed`` with pictures already in memory.

Run: python tests/benchmarks/gpu.py [--images 8192] [--device cuda]
Aims on one H200 in bf16: ViT-L/14 2 400 img/s, ViT-S/16 15 000 img/s. Weights are random: speed does not depend on them.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from explorer import encoders
from explorer.embed import BATCH_GPU, embed
from explorer.encoders import checkpoints, devices, timm_encoder

AIMS = {"kaiko-vitl14": 2400, "kaiko-vits16": 15_000}
"""Pictures per second."""
GFLOP_PER_IMAGE = {"kaiko-vitl14": 164.6, "kaiko-vits16": 9.2}


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--images", type=int, default=8192)
    parser.add_argument("--device", default="cuda")
    args = parser.parse_args()
    if args.device.startswith("cuda") and not torch.cuda.is_available():
        print("No CUDA device on this machine: nothing was measured. Run this on a machine with one.")
        return 1
    device = devices.choose(args.device)
    peak = gemm_tflops(device)
    print(f"{torch.cuda.get_device_name(device) if device.type == 'cuda' else device}, torch {torch.__version__}")
    print(f"  GEMM bf16 {peak:.1f} TFLOP/s")
    for name in AIMS:
        measure(name, device=device, n=args.images, peak_tflops=peak)
    return 0


def made(name: str, device: torch.device, precision: devices.Precision) -> timm_encoder.TimmEncoder:
    """The encoder with random weights."""
    spec = encoders.spec(name)
    model = timm_encoder.build(spec)
    checkpoints.fill_randomly(model, seed=0)
    return timm_encoder.TimmEncoder(spec, model, device=device, precision=precision, sha256="")


def measure(name: str, *, device: torch.device, n: int, peak_tflops: float) -> None:
    encoder = made(name, device, devices.choose_precision("auto", device))
    pictures = np.random.default_rng(0).integers(0, 256, (64, 256, 256, 3), dtype=np.uint8)
    few = torch.stack([encoder.resize(p) for p in pictures[:8]])
    exact = made(name, device, "fp32").encode(few).double()
    cosine = torch.cosine_similarity(exact, encoder.encode(few).double()).min().item()

    placed = torch.randint(0, 256, (BATCH_GPU, 3, 224, 224), dtype=torch.uint8, device=device)
    times = max(1, n // BATCH_GPU)
    alone = rate(lambda: [encoder.encode(placed) for _ in range(times)], n=times * BATCH_GPU)

    def read(row: int) -> Any:
        return pictures[row % len(pictures)]

    threads = min(16, os.cpu_count() or 1)
    whole = rate(lambda: list(embed(read, range(n), encoder=encoder, threads=threads)), n=n)
    used, aim = alone * GFLOP_PER_IMAGE[name] / 1000 / peak_tflops, AIMS[name]
    print(f"{name}, {encoder.precision}, cosine to fp32 {cosine:.6f} (aim .9999)")
    print(f"  model alone       {alone:9.1f} img/s   {alone / aim:.2f} of the aim of {aim}, {used:.0%} of the GEMM rate")
    print(f"  embed, {threads:2} threads {whole:9.1f} img/s   {whole / aim:.2f} of the aim, {whole / alone:.2f} of the model alone")


def rate(call: Callable[[], Any], *, n: int, rounds: int = 3) -> float:
    """Per second of wall time, the best of some rounds after one that is not counted."""
    call()
    seconds = []
    for _ in range(rounds):
        start = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - start)
    return n / min(seconds)


def gemm_tflops(device: torch.device) -> float:
    side, times = (8192, 20) if device.type == "cuda" else (1024, 2)
    a, b = (torch.randn(side, side, device=device, dtype=torch.bfloat16) for _ in range(2))

    def gemms() -> None:
        for _ in range(times):
            product = a @ b
        product[0, 0].item()  # waits for the device

    return rate(gemms, n=times) * 2 * side**3 / 1e12


if __name__ == "__main__":
    sys.exit(main())
