"""One table of settings, read once at the edge (command line, notebook, app); inside, values are arguments.

Each can be set by an environment variable: ``EXPLORER_`` and its name in capitals.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from platformdirs import user_cache_path

from .errors import InputError
from .types import Limits


@dataclass(frozen=True, slots=True)
class Setting:
    """A row of the table."""

    name: str
    default: str
    help: str

    @property
    def variable(self) -> str:
        """The environment variable that sets it."""
        return f"EXPLORER_{self.name.upper()}"


TABLE = (
    Setting("home", "indexes", "folder that holds the collections"),
    Setting("weights_dir", "", "folder for model weights (empty: the user's cache folder)"),
    Setting("weights_mirror", "", "base address to fetch weights from instead of their publisher (for closed networks)"),
    Setting("data_dir", "", "folder for benchmark data sets, one folder each (empty: the user's cache folder)"),
    Setting("data_mirror", "", "base address to fetch benchmark data sets from instead of their publishers"),
    Setting("device", "auto", "auto, cpu, cuda, cuda:1 or mps; for models (FAISS takes the first GPU that CUDA_VISIBLE_DEVICES shows)"),
    Setting("precision", "auto", "auto, fp32 or bf16"),
    Setting("batch_size", "0", "patches per step (0: chosen for the device)"),
    Setting("threads", "0", "threads that decode images (0: one per core, at most 16)"),
    Setting("thumbnail_px", "128", "longer side of a thumbnail in pixels"),
    Setting("max_pixels", "120000000", "pixels above which an image is refused as a decompression bomb"),
    Setting("max_archive_bytes", "50000000000", "unpacked bytes above which a zip is refused"),
    Setting("max_archive_ratio", "200", "unpacked over packed size above which a zip member is refused"),
    Setting("allowed_hosts", "", "names besides localhost by which browsers may reach the app, with commas between them"),
    Setting(
        "allowed_roots",
        "",
        "folders from which the app may build collections, written as in PATH (empty: the user's home and the current folder)",
    ),
    Setting("max_upload_bytes", "4000000000", "bytes that one upload may bring"),
)

_BOUNDS = {"thumbnail_px": (16, 1024), "max_pixels": (1, 10**12)}


@dataclass(frozen=True, slots=True)
class Settings:
    """The values of the table."""

    home: Path
    weights_dir: Path
    weights_mirror: str
    data_dir: Path
    data_mirror: str
    device: str
    precision: str
    batch_size: int | None
    threads: int
    thumbnail_px: int
    limits: Limits
    allowed_hosts: tuple[str, ...]
    allowed_roots: tuple[Path, ...]
    max_upload_bytes: int


def read(environ: Mapping[str, str] | None = None, **given: Any) -> Settings:
    """The settings of this process: ``given`` (where not None) over ``environ`` over the defaults.

    Raises ``InputError`` for a value of the wrong kind or out of its bounds.
    """
    environ = os.environ if environ is None else environ
    text = {s.name: environ.get(s.variable, s.default) for s in TABLE}
    text |= {name: str(value) for name, value in given.items() if value is not None}
    number = {name: _whole(name, text[name]) for name in text if _is_number(name)}
    for name, (least, most) in _BOUNDS.items():
        if not least <= number[name] <= most:
            raise InputError(f"Setting {name} is {number[name]}; use a number from {least} to {most}.")
    home = Path(text["home"]).expanduser()
    try:
        wrong = home.exists() and not home.is_dir()
    except PermissionError as error:
        raise InputError(f"Setting home is {home}, which is closed to you; give a folder that you may write to.") from error
    if wrong:
        raise InputError(f"Setting home is {home}, which is a file; give a folder.")
    mirrors = {name: text[name].rstrip("/") for name in ("weights_mirror", "data_mirror")}
    for name, mirror in mirrors.items():
        if mirror and not mirror.startswith(("http://", "https://")):
            raise InputError(f"Setting {name} is {mirror!r}, which is no address; give one that begins with https:// or http://.")
    return Settings(
        home=home,
        weights_dir=Path(text["weights_dir"]).expanduser() if text["weights_dir"] else default_weights_dir(),
        weights_mirror=mirrors["weights_mirror"],
        data_dir=Path(text["data_dir"]).expanduser() if text["data_dir"] else user_cache_path("pathology-explorer") / "data",
        data_mirror=mirrors["data_mirror"],
        device=text["device"],
        precision=text["precision"],
        batch_size=number["batch_size"] or None,
        threads=number["threads"] or min(16, os.cpu_count() or 1),
        thumbnail_px=number["thumbnail_px"],
        limits=Limits(number["max_pixels"], number["max_archive_bytes"], number["max_archive_ratio"]),
        allowed_hosts=tuple(host.strip().lower() for host in text["allowed_hosts"].split(",") if host.strip()),
        allowed_roots=tuple(
            Path(root).expanduser().resolve() for root in (text["allowed_roots"] or f"~{os.pathsep}.").split(os.pathsep) if root
        ),
        max_upload_bytes=number["max_upload_bytes"],
    )


def default_weights_dir() -> Path:
    """The user's own cache folder for weights, shared by all collections."""
    return user_cache_path("pathology-explorer") / "weights"


def _is_number(name: str) -> bool:
    return next(s.default for s in TABLE if s.name == name).isdigit()


def _whole(name: str, text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise InputError(f"Setting {name} is {text!r}, which is not a whole number; set EXPLORER_{name.upper()} to digits only.")
    return int(text)
