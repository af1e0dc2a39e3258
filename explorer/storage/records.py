"""The shapes of the two kinds of record on disk, against which each is checked once, when it is read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Annotated, Any

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from ..errors import ArtifactDamaged

MOST_ROWS = 2**31 - 1
"""Maximal number of rows of a collection: annotations store row numbers in 32 bits."""
MOST_RECORD_BYTES = 64 << 20


def _name(name: str) -> str:
    parts = PurePosixPath(name).parts
    if not parts or name.startswith("/") or "\\" in name or ".." in parts:
        raise ValueError("is no path inside its folder")
    return name


class _Shape(BaseModel):
    model_config = ConfigDict(strict=True, extra="allow")


class FileFacts(_Shape):
    """What a record stores about a file."""

    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    bytes: Annotated[int, Field(ge=0)]


_Files = dict[Annotated[str, AfterValidator(_name)], FileFacts]
_Format = Annotated[int, Field(ge=1)]
_Time = Annotated[AwareDatetime, Field(strict=False)]


class ArtifactRecord(_Shape):
    """``meta.json``."""

    format: _Format
    created: _Time
    recipe: dict[str, Any]
    measured: dict[str, Any]
    files: _Files
    versions: dict[str, str]


class SourceRecord(_Shape):
    """The source of a collection."""

    kind: str
    uri: str
    options: dict[str, Any]


class CollectionRecord(_Shape):
    """``collection.json``."""

    format: _Format
    created: _Time
    source: SourceRecord
    n: Annotated[int, Field(ge=1, le=MOST_ROWS)]
    items_sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    files: _Files


def read_json(path: Path) -> Any:
    """Raises ``ArtifactDamaged`` where the file is not JSON, too deep or too large."""
    try:
        if path.stat().st_size > MOST_RECORD_BYTES:
            raise ValueError(f"more than {MOST_RECORD_BYTES >> 20} MB")
        return json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise ArtifactDamaged(
            f"{path} is damaged ({str(error)[:80]}); restore it from a copy or delete its folder and run the step again."
        ) from error


def read_record(path: Path, shape: type[BaseModel]) -> Mapping[str, Any]:
    """The JSON object of that shape. Raises ``ArtifactDamaged``, which names the first field that does not fit."""
    value = read_json(path)
    try:
        shape.model_validate(value)
    except ValidationError as error:
        fault = error.errors()[0]
        where = ".".join(str(part) for part in fault["loc"]) or "it"
        raise ArtifactDamaged(
            f"{path} is damaged ({where[:60]}: {fault['msg'][:80]}); restore it from a copy or delete its folder and run the step again."
        ) from error
    record: Mapping[str, Any] = value
    return record
