"""The four benchmark data sets in miniature: the publishers' layouts and names, few and small pictures made here.

``shrink`` puts the counts of the miniatures into the table for one test. BACH keeps its 400 pictures, because its split
counts them.
"""

from __future__ import annotations

import gzip
import hashlib
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd
import pytest
from PIL import Image as Pillow

from explorer.sources.benchmark_table import BENCHMARKS

COUNTS = {
    "crc": {"train": 36, "val": 18},
    "crc-val": {"val": 18},
    "mhist": {"train": 16, "val": 8},
    "pcam": {"train": 24, "val": 12, "test": 12},
}


def shrink(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    """For one test the table expects miniatures of these data sets."""
    for name in names:
        monkeypatch.setitem(BENCHMARKS, name, replace(BENCHMARKS[name], counts=COUNTS[name]))


def picture(number: int, *, seed: int, height_px: int = 16, width_px: int = 16) -> Any:
    """(h w 3) uint8: the colour tells the class, the noise the picture."""
    colour = np.array([90 + 17 * (number % 9), 60 + 37 * (number % 4), 200 - 23 * (number % 7)])
    noise = np.random.default_rng([number, seed]).normal(0, 8, (height_px, width_px, 3))
    return np.clip(colour + noise, 0, 255).astype(np.uint8)


def bach(root: Path) -> Path:
    """400 pictures of 8 x 6 pixels, and a table beside them as in the original."""
    photos = root / "ICIAR2018_BACH_Challenge" / "Photos"
    for number, label in enumerate(BENCHMARKS["bach"].classes):
        prefix = {"Benign": "b", "InSitu": "is", "Invasive": "iv", "Normal": "n"}[label]
        for i in range(1, 101):
            _save(photos / label / f"{prefix}{i:03d}.tif", picture(number, seed=i, height_px=6, width_px=8))
    (photos / "microscopy_ground_truth.csv").write_text("b001.tif,Benign\n")
    (photos / "Benign" / "Thumbs.db").write_bytes(b"\0")
    return root


def crc(root: Path) -> Path:
    """Four pictures per class to learn from, two to judge by."""
    for folder, n in (("NCT-CRC-HE-100K", 4), ("CRC-VAL-HE-7K", 2)):
        for number, label in enumerate(BENCHMARKS["crc"].classes):
            for i in range(n):
                _save(root / folder / label / f"{label}-{'ABCD'[i] * 8}.tif", picture(number, seed=i + len(folder)))
    return root


def mhist(root: Path) -> Path:
    """Names, columns and partitions as in annotations.csv."""
    rows = []
    for i in range(24):
        label = ("SSA", "HP")[i % 2]
        name = f"MHIST_{'abcdefghijklmnopqrstuvwx'[i] * 3}.png"
        _save(root / "images" / name, picture(i % 2, seed=i))
        partition = "test" if i % 3 == 2 else "train"
        rows.append((name, label, 7 - i % 4 if label == "SSA" else i % 4, partition))
    columns = ["Image Name", "Majority Vote Label", "Number of Annotators who Selected SSA (Out of 7)", "Partition"]
    pd.DataFrame(rows, columns=columns).to_csv(root / "annotations.csv", index=False)
    return root


def pcam(root: Path) -> Path:
    """Six HDF5 files; labels go 0, 1, 1, 0, 1, 1, ..."""
    root.mkdir(parents=True, exist_ok=True)
    for seed, (file, split) in enumerate({"train": "train", "valid": "val", "test": "test"}.items()):
        n = COUNTS["pcam"][split]
        y = (np.arange(n) % 3 > 0).astype(np.uint8)
        with h5py.File(root / f"camelyonpatch_level_2_split_{file}_x.h5", "w") as out:
            out["x"] = np.stack([picture(int(label), seed=100 * seed + i) for i, label in enumerate(y)])
        with h5py.File(root / f"camelyonpatch_level_2_split_{file}_y.h5", "w") as out:
            out["y"] = y.reshape(-1, 1, 1, 1)
    return root


def zipped(folder: Path, top: str) -> bytes:
    """A zip of ``folder/top``, as publishers pack it."""
    path = folder / "packed.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted((folder / top).rglob("*")):
            archive.write(file, file.relative_to(folder).as_posix())
    data = path.read_bytes()
    path.unlink()
    return data


def gzipped(path: Path) -> bytes:
    """The bytes of a file, packed."""
    return gzip.compress(path.read_bytes())


def md5(data: bytes) -> str:
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


def _save(path: Path, pixels: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Pillow.fromarray(pixels).save(path)
