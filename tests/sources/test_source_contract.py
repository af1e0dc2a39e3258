"""Every source keeps the contract."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd
import pytest
from bad_files import encoded, patch
from contracts.source_contract import Opened, SourceContract

from explorer.sources import open_source
from explorer.sources.uploads import HEADER, NAMES

PICTURES = {
    "STR/b.png": patch(24, seed=1),
    "STR/deeper/c.tif": patch(24, seed=2),
    "TUM/a.png": patch(24, seed=0),
    "TUM/ä #1.bmp": patch(24, seed=3),
}
LABELS = {uri: uri.partition("/")[0] for uri in PICTURES}


def fill(folder: Path) -> Path:
    """Four pictures in two classes, one that is damaged, some things that are no pictures."""
    files = {uri: encoded(pixels, {"png": "PNG", "tif": "TIFF", "bmp": "BMP"}[uri[-3:]]) for uri, pixels in PICTURES.items()}
    files |= {"TUM/damaged.jpg": b"\xff\xd8\xff\xe0", "notes.txt": b"by hand", ".DS_Store": b"\0"}
    for uri, data in files.items():
        path = folder / uri
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return folder


def opened(path: Path, options: Mapping[str, Any] | None = None, **known: Any) -> Opened:
    again = partial(open_source, str(path), options=options)
    return Opened(source=again(), again=again, **known)


class TestFolder(SourceContract):
    @pytest.fixture
    def opened(self, tmp_path: Path) -> Opened:
        return opened(fill(tmp_path), pixels=PICTURES, labels=LABELS, unreadable="TUM/damaged.jpg")


class TestUpload(SourceContract):
    @pytest.fixture(params=["plain", "wrapped"])
    def opened(self, tmp_path: Path, request: pytest.FixtureRequest) -> Opened:
        prefix = "my patches/" if request.param == "wrapped" else ""
        root = tmp_path / "upload"
        root.mkdir()
        lines = []
        for number, path in enumerate(sorted(path for path in fill(tmp_path / "files").rglob("*") if path.is_file())):
            (root / f"{number:04x}").write_bytes(path.read_bytes())
            name = prefix + path.relative_to(tmp_path / "files").as_posix()
            lines.append(json.dumps({"stored": f"{number:04x}", "name": name, "bytes": path.stat().st_size}))
        (root / NAMES).write_text(HEADER + "\n".join(lines))
        return opened(
            root,
            pixels={prefix + uri: pixels for uri, pixels in PICTURES.items()},
            labels={prefix + uri: label for uri, label in LABELS.items()},
            unreadable=prefix + "TUM/damaged.jpg",
        )


class TestZip(SourceContract):
    @pytest.fixture(params=["plain", "wrapped"])
    def opened(self, tmp_path: Path, request: pytest.FixtureRequest) -> Opened:
        prefix = "my patches/" if request.param == "wrapped" else ""
        fill(tmp_path / "files")
        with zipfile.ZipFile(tmp_path / "p.zip", "w", zipfile.ZIP_DEFLATED) as archive:
            for path in sorted((tmp_path / "files").rglob("*")):
                archive.write(path, prefix + path.relative_to(tmp_path / "files").as_posix())
        return opened(
            tmp_path / "p.zip",
            pixels={prefix + uri: pixels for uri, pixels in PICTURES.items()},
            labels={prefix + uri: label for uri, label in LABELS.items()},
            unreadable=prefix + "TUM/damaged.jpg",
        )


class TestTable(SourceContract):
    @pytest.fixture(params=["csv", "parquet", "root"])
    def opened(self, tmp_path: Path, request: pytest.FixtureRequest) -> Opened:
        fill(tmp_path / "pictures")
        uris = [*reversed(PICTURES), "TUM/damaged.jpg", "TUM/gone.png"]
        table = pd.DataFrame({"file": uris, "class": [uri.partition("/")[0] for uri in uris], "age": range(len(uris))})
        if request.param == "parquet":
            table.to_parquet(tmp_path / "pictures" / "list.parquet")
            return opened(tmp_path / "pictures" / "list.parquet", pixels=PICTURES, labels=LABELS, unreadable="TUM/damaged.jpg")
        if request.param == "root":
            (tmp_path / "lists").mkdir()
            table.to_csv(tmp_path / "lists" / "list.csv", index=False)
            return opened(
                tmp_path / "lists" / "list.csv", {"root": "../pictures"}, pixels=PICTURES, labels=LABELS, unreadable="TUM/damaged.jpg"
            )
        table.to_csv(tmp_path / "pictures" / "list.csv", index=False)
        return opened(tmp_path / "pictures" / "list.csv", pixels=PICTURES, labels=LABELS, unreadable="TUM/damaged.jpg")


class TestHdf5(SourceContract):
    @pytest.fixture(params=["one file", "PatchCamelyon"])
    def opened(self, tmp_path: Path, request: pytest.FixtureRequest) -> Opened:
        x = np.stack([patch(16, seed=seed) for seed in range(5)])
        y = np.array([0, 1, 1, 0, 1], np.uint8)
        pixels = {f"x[{row}]": x[row] for row in range(5)}
        if request.param == "one file":
            with h5py.File(tmp_path / "patches.h5", "w") as file:
                file["x"], file["y"] = x, y
            return opened(tmp_path / "patches.h5", pixels=pixels, labels={"x[0]": "0", "x[1]": "1"})
        stem = "camelyonpatch_level_2_split_valid"
        with h5py.File(tmp_path / f"{stem}_x.h5", "w") as file:
            file.create_dataset("x", data=x, chunks=(1, 16, 16, 3), compression="gzip")
        with h5py.File(tmp_path / f"{stem}_y.h5", "w") as file:
            file["y"] = y.reshape(-1, 1, 1, 1)
        return opened(tmp_path / f"{stem}_x.h5", pixels=pixels, labels={"x[0]": "no_tumor", "x[4]": "tumor"})


class TestSynthetic(SourceContract):
    @pytest.fixture
    def opened(self) -> Opened:
        again = partial(open_source, "synthetic", options={"n": 4, "side_px": 32})
        return Opened(source=again(), again=again)
