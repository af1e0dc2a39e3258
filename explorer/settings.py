"""Settings, read once at the edge (command line, notebook, app); inside, values are arguments.

Each can be set by an environment variable: ``EXPLORER_`` and its name in capitals; an empty variable counts as not set.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from annotated_types import Ge, Le
from platformdirs import user_cache_path
from pydantic import AfterValidator, BeforeValidator, Field, ValidationError
from pydantic_core import PydanticUndefined
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from .errors import InputError
from .types import Limits

PREFIX = "EXPLORER_"
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


def _home(path: Path) -> Path:
    path = _folder(path)
    try:
        is_file = path.exists() and not path.is_dir()
    except PermissionError:
        raise ValueError("is closed to you; give a folder that you may write to") from None
    if is_file:
        raise ValueError("is a file; give a folder")
    return path


def _mirror(address: str) -> str:
    parts = urlsplit(address)
    if address and not (parts.hostname and (parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK))):
        raise ValueError(
            "is neither https nor on this machine, so files could be changed on their way; give an address that begins with https://"
        )
    return address.rstrip("/")


def _hosts(value: Any) -> Any:
    return [host.strip().lower() for host in value.split(",") if host.strip()] if isinstance(value, str) else value


def _roots(value: Any) -> Any:
    roots = value.split(os.pathsep) if isinstance(value, str) else value
    return [_folder(Path(root)).resolve() for root in roots if str(root)]


def _device(name: str) -> str:
    kind, colon, number = name.partition(":")
    if kind not in ("auto", "cpu", "cuda", "mps") or (colon and not (kind == "cuda" and number.isdigit())):
        raise ValueError("is no device; use auto, cpu, cuda, cuda:1 or mps")
    return name


def _folder(path: Path) -> Path:
    try:
        return path.expanduser()
    except RuntimeError:
        raise ValueError("begins with ~, but this user has no home folder; give the whole path") from None


def _cache(name: str) -> Callable[[dict[str, Any]], Path]:
    """A folder in the user's cache; for a user without a home folder, as in a container, below the collections."""

    def choose(values: dict[str, Any]) -> Path:
        chosen = user_cache_path("pathology-explorer") / name
        return chosen if chosen.is_absolute() else values.get("home", Path()) / ".cache" / name

    return choose


def default_roots() -> tuple[Path, ...]:
    """The current folder and the user's home, where there is one."""
    try:
        return Path.cwd(), Path.home()
    except RuntimeError:
        return (Path.cwd(),)


_Folder = Annotated[Path, AfterValidator(_folder)]
_Bytes = Annotated[int, Ge(1), Le(10**15)]


class Settings(BaseSettings):
    """The values of this process; frozen."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_ignore_empty=True, frozen=True, extra="forbid", validate_default=True)

    home: Annotated[Path, AfterValidator(_home)] = Field(Path("indexes"), description="folder that holds the collections")
    weights_dir: _Folder = Field(
        default_factory=_cache("weights"),
        description="folder for model weights (empty: the user's cache folder)",
    )
    weights_mirror: Annotated[str, AfterValidator(_mirror)] = Field(
        "", description="base address to fetch weights from instead of their publisher (for closed networks)"
    )
    data_dir: _Folder = Field(
        default_factory=_cache("data"),
        description="folder for benchmark data sets, one folder each (empty: the user's cache folder)",
    )
    data_mirror: Annotated[str, AfterValidator(_mirror)] = Field(
        "", description="base address to fetch benchmark data sets from instead of their publishers"
    )
    device: Annotated[str, AfterValidator(_device)] = Field("auto", description="auto, cpu, cuda, cuda:1 or mps")
    precision: Literal["auto", "fp32", "bf16"] = Field("auto", description="auto, fp32 or bf16")
    batch_size: Annotated[int | None, Ge(0), Le(10**6), AfterValidator(lambda n: n or None)] = Field(
        0, description="patches per step (0: chosen for the device)"
    )
    threads: Annotated[int, Ge(0), Le(1024), AfterValidator(lambda n: n or min(16, os.cpu_count() or 1))] = Field(
        0, description="threads that decode images (0: one per core, at most 16)"
    )
    thumbnail_px: Annotated[int, Ge(16), Le(1024)] = Field(128, description="longer side of a thumbnail in pixels")
    max_pixels: Annotated[int, Ge(1), Le(10**12)] = Field(
        120_000_000, description="pixels above which an image is refused as a decompression bomb"
    )
    max_archive_bytes: _Bytes = Field(50_000_000_000, description="unpacked bytes above which a zip is refused")
    max_archive_ratio: Annotated[int, Ge(1), Le(10**9)] = Field(
        200, description="unpacked over packed size above which a zip member is refused"
    )
    allowed_hosts: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_hosts)] = Field(
        (), description="names (`name` or `name:port`) besides localhost by which browsers may reach the app, with commas between them"
    )
    trusted_proxies: Annotated[tuple[IPv4Network | IPv6Network, ...], NoDecode, BeforeValidator(_hosts)] = Field(
        (), description="addresses or networks of proxies whose X-Forwarded-For, -Host and -Proto headers count, with commas between them"
    )
    allowed_roots: Annotated[tuple[Path, ...], NoDecode, BeforeValidator(_roots)] = Field(
        default_factory=default_roots,
        description="folders from which the app may build collections, written as in PATH (empty: the user's home and the current folder)",
    )
    max_upload_bytes: _Bytes = Field(4_000_000_000, description="bytes that one upload may bring")
    search_limit_s: Annotated[int, Ge(1), Le(3600)] = Field(30, description="seconds after which the app stops a search")
    verify: Literal["command", "open"] = Field(
        "command",
        description="when checksums of large files (vectors, indexes) are compared: command (`explorer verify`) or also at each open",
    )
    jobs_at_once: Annotated[int, Ge(1), Le(64)] = Field(1, description="jobs that run at the same time; later ones wait their turn")

    @property
    def limits(self) -> Limits:
        """How large an input may be."""
        return Limits(self.max_pixels, self.max_archive_bytes, self.max_archive_ratio)


@dataclass(frozen=True, slots=True)
class Setting:
    """A row of the table of settings."""

    name: str
    default: str
    help: str

    @property
    def variable(self) -> str:
        """The environment variable that sets it."""
        return PREFIX + self.name.upper()


TABLE = tuple(
    Setting(name, "" if field.default in (PydanticUndefined, ()) else str(field.default), field.description or "")
    for name, field in Settings.model_fields.items()
)
"""Every setting with its default as text (empty where it is an empty text or depends on the machine)."""


def read(**given: Any) -> Settings:
    """The settings of this process: ``given`` (where not None) before the environment before the defaults.

    Raises ``InputError``, one sentence, for a value of the wrong kind or out of its bounds.
    """
    try:
        return Settings(**{name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        raise InputError(_sentence(error)) from error


def device() -> str:
    """``read().device`` without reading every other setting, because each search needs it. Raises ``InputError``."""
    return _device_named(os.environ.get(f"{PREFIX}DEVICE", ""))


@lru_cache(maxsize=8)
def _device_named(variable: str) -> str:
    return read(device=variable or None).device


def _sentence(error: ValidationError) -> str:
    fault = error.errors()[0]
    name = str(fault["loc"][0])
    field = Settings.model_fields.get(name)
    if field is None:
        return f"There is no setting {name!r}; the settings are {', '.join(Settings.model_fields)}."
    ends = {type(bound): bound for bound in field.metadata if isinstance(bound, Ge | Le)}
    if fault["type"] == "value_error":
        what = str(fault["ctx"]["error"])
    elif ends:
        what = f"is not a whole number from {ends[Ge].ge} to {ends[Le].le}; use one"  # type: ignore[union-attr]
    else:
        what = f"cannot be used; it is for: {field.description}"
    return f"Setting {PREFIX}{name.upper()} is {str(fault['input'])[:80]!r}, which {what}."
