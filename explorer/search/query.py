"""The query of a search: a value that can be compared, saved, linked, replayed and sent as JSON."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
from PIL import Image as Pillow

from ..errors import ImageRejected, InputError
from ..sources.images import decode
from ..sources.pixels import Box, pixels_sha256
from ..types import Image, Limits
from ..wording import counted

COMBINE = ("mean",)
MOST_PARTS = 256
"""Maximal number of examples in each of ``like``, ``more_like`` and ``unlike``."""
MOST_ROWS = 1_000_000
"""Maximal number of rows in one ``Rows`` example."""
_ROW_DIGITS = 12


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the collection."""

    row: int

    def to_json(self) -> dict[str, Any]:
        """``{"row": 12}``."""
        return {"row": self.row}


@dataclass(frozen=True)
class Picture:
    """A picture from outside the collection, (h w 3) uint8. Two pictures are equal when their pixels are."""

    pixels: Image = field(compare=False, repr=False)
    mpp: float | None = None
    """Micrometres per pixel, where known."""

    @cached_property
    def sha256(self) -> str:
        """Hex digest of shape and pixels, computed once."""
        return pixels_sha256(self.pixels)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Picture) and (self.sha256, self.mpp) == (other.sha256, other.mpp)

    def __hash__(self) -> int:
        return hash((self.sha256, self.mpp))

    def to_json(self, *, pixels: bool = True) -> dict[str, Any]:
        """``{"picture": {"sha256", "width_px", "height_px", "png"}}``, the last only with ``pixels``."""
        value: dict[str, Any] = {"sha256": self.sha256, "width_px": int(self.pixels.shape[1]), "height_px": int(self.pixels.shape[0])}
        if self.mpp is not None:
            value["mpp"] = self.mpp
        if pixels:
            png = io.BytesIO()
            Pillow.fromarray(self.pixels).save(png, "PNG")
            value["png"] = base64.b64encode(png.getvalue()).decode("ascii")
        return {"picture": value}


@dataclass(frozen=True, slots=True)
class Region:
    """A part of a row's picture or of a picture from outside. Raises ``InputError`` for a box outside of it."""

    of: Row | Picture
    box: Box

    def __post_init__(self) -> None:
        left, top, right, bottom = self.box
        if not (0 <= left < right <= 1 and 0 <= top < bottom <= 1):
            raise InputError("The region does not lie in the picture; give left, top, right and bottom as fractions from 0 to 1.")

    def to_json(self, *, pixels: bool = True) -> dict[str, Any]:
        """The JSON of the picture with ``"region": [left, top, right, bottom]``."""
        return example_json(self.of, pixels=pixels) | {"region": list(self.box)}


@dataclass(frozen=True, slots=True)
class Rows:
    """Several rows that count as one example: the mean of their directions."""

    rows: tuple[int, ...]

    def to_json(self) -> dict[str, Any]:
        """``{"rows": [3, 4, 9]}``."""
        return {"rows": list(self.rows)}


@dataclass(frozen=True, slots=True)
class Selection:
    """A saved selection by its name (or key); counts as one example, as ``Rows`` does."""

    name: str

    def to_json(self) -> dict[str, Any]:
        """``{"selection": "odd crypts"}``."""
        return {"selection": self.name}


Example: TypeAlias = Row | Picture | Region | Rows | Selection


@dataclass(frozen=True, slots=True)
class Query:
    """What to search for and which rows may be returned. Raises ``InputError`` for invalid values.

    The query vector is the mean direction of ``like``, moved towards ``more_like`` and away from ``unlike`` by Rocchio's
    relevance feedback (``feedback.refine``).
    """

    like: tuple[Example, ...] = ()
    """Examples that are searched with; at least one for a search."""
    more_like: tuple[Example, ...] = ()
    """Hits marked as wanted."""
    unlike: tuple[Example, ...] = ()
    """Hits marked as not wanted."""
    combine: str = "mean"
    """How several examples become one query; one of ``COMBINE``."""
    where: Mapping[str, Any] = field(default_factory=dict)
    """Column -> value, list of values, or range such as ``{">=": 50}`` (see ``filters.allowed_rows``)."""
    exclude_same: tuple[str, ...] = ()
    """Columns in which hits must differ from the rows of ``like``, such as patient."""
    min_score: float | None = None
    """Least cosine similarity of a hit, from -1 to 1; None for no limit."""
    include_query: bool = False
    """Whether the rows searched with may be returned as well."""
    k: int = 10
    """Number of hits."""

    def __post_init__(self) -> None:
        if self.k < 1:
            raise InputError(f"k is {self.k}; ask for at least one hit.")
        if self.combine not in COMBINE:
            raise InputError(f"There is no way {self.combine!r} to combine examples; choose one of {', '.join(COMBINE)}.")
        if self.min_score is not None and not -1 <= self.min_score <= 1:
            raise InputError(f"A cosine similarity lies between -1 and 1, and {self.min_score:g} does not; give another limit.")
        for name in ("like", "more_like", "unlike"):
            if len(getattr(self, name)) > MOST_PARTS:
                raise InputError(f"{name} has {len(getattr(self, name))} examples; give at most {MOST_PARTS}, or save them as a selection.")

    def to_json(self, *, pixels: bool = True) -> dict[str, Any]:
        """JSON values; fields at their defaults are left out. Without ``pixels`` a picture is named by its sha256 only."""
        value: dict[str, Any] = {
            name: [example_json(example, pixels=pixels) for example in getattr(self, name)]
            for name in ("like", "more_like", "unlike")
            if getattr(self, name)
        }
        value |= {name: given for name in ("combine", "min_score", "include_query") if (given := getattr(self, name)) != _DEFAULTS[name]}
        if self.where:
            value["where"] = {
                column: {**wanted}
                if isinstance(wanted, Mapping)
                else list(wanted)
                if isinstance(wanted, tuple | set | frozenset)
                else wanted
                for column, wanted in self.where.items()
            }
        if self.exclude_same:
            value["exclude_same"] = list(self.exclude_same)
        return value | {"k": self.k}

    @classmethod
    def from_json(cls, value: Any, *, limits: Limits | None = None) -> Query:
        """The query of a JSON document, checked. Raises ``InputError`` that names what cannot be read."""
        if not isinstance(value, Mapping):
            raise InputError('A query is a JSON object, such as {"like": [{"row": 0}], "k": 10}.')
        if unknown := [name for name in value if name not in _DEFAULTS]:
            raise InputError(f"A query has no field {str(unknown[0])[:60]!r}; it has {', '.join(_DEFAULTS)}.")
        given: dict[str, Any] = dict(value)
        for name in ("like", "more_like", "unlike"):
            if name in given:
                given[name] = tuple(example_from_json(each, limits=limits) for each in _list(given[name], name))
        if "exclude_same" in given:
            given["exclude_same"] = tuple(
                dict.fromkeys(_text(each, "exclude_same") for each in _list(given["exclude_same"], "exclude_same"))
            )
        if "combine" in given:
            given["combine"] = _text(given["combine"], "combine")
        if "k" in given:
            given["k"] = _whole(given["k"], "k")
        if given.get("min_score") is not None:
            given["min_score"] = _number(given["min_score"], "min_score")
        if not isinstance(given.get("include_query", False), bool):
            raise InputError("include_query is true or false.")
        if not isinstance(given.get("where", {}), Mapping):
            raise InputError('where is a JSON object, such as {"label": "TUM"}.')
        return cls(**given)


_DEFAULTS: Mapping[str, Any] = {each.name: each.default for each in fields(Query)}


def example_json(example: Example, *, pixels: bool = True) -> dict[str, Any]:
    """One example as JSON values."""
    return example.to_json(pixels=pixels) if isinstance(example, Picture | Region) else example.to_json()


def example_from_json(value: Any, *, limits: Limits | None = None) -> Example:
    """The example of a JSON value. Raises ``InputError``."""
    if isinstance(value, Mapping):
        if value.keys() == {"rows"}:
            rows = tuple(_whole(row, "rows") for row in _list(value["rows"], "rows", most=MOST_ROWS))
            return Rows(rows)
        if value.keys() == {"selection"}:
            return Selection(_text(value["selection"], "selection"))
        if "row" in value and value.keys() <= {"row", "region"}:
            row = Row(_whole(value["row"], "row"))
            return Region(row, _box(value["region"])) if "region" in value else row
        if "picture" in value and value.keys() <= {"picture", "region"}:
            picture = _picture(value["picture"], limits)
            return Region(picture, _box(value["region"])) if "region" in value else picture
    raise InputError(
        'An example is {"row": 0}, {"rows": [0, 1]}, {"picture": {"png": "..."}} or {"selection": "name"}, with a "region" at most.'
    )


def _picture(value: Any, limits: Limits | None) -> Picture:
    if not isinstance(value, Mapping) or not isinstance(value.get("png"), str):
        raise InputError('A picture in a query needs its bytes, as {"png": "<base64>"}; a sha256 alone does not bring it back.')
    try:
        data = base64.b64decode(value["png"], validate=True)
    except ValueError as error:  # binascii.Error, or letters that are not ASCII
        raise InputError("The picture of the query is not base64; encode its bytes so.") from error
    try:
        pixels = decode(data, name="query", limits=limits or Limits())
    except ImageRejected as error:
        raise InputError(f"The picture of the query cannot be used: {error}. Send another one.") from error
    mpp = value.get("mpp")
    return Picture(pixels, None if mpp is None else _number(mpp, "mpp"))


def _box(value: Any) -> Box:
    edges = [_number(edge, "region") for edge in _list(value, "region")]
    if len(edges) != 4:
        raise InputError(f"A region has four edges (left, top, right, bottom), and {len(edges)} were given.")
    return (edges[0], edges[1], edges[2], edges[3])


def _list(value: Any, name: str, *, most: int = MOST_PARTS) -> Sequence[Any]:
    if not isinstance(value, list | tuple):
        raise InputError(f"{name} is a list; write it in square brackets.")
    if len(value) > most:
        raise InputError(f"{name} has {counted(len(value), 'entry')}; give at most {most}.")
    return value


def _text(value: Any, name: str) -> str:
    if not isinstance(value, str):
        raise InputError(f"{name} is a text, and {str(value)[:60]!r} is none.")
    return value


def _whole(value: Any, name: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0 or value >= 10**_ROW_DIGITS:
        raise InputError(
            f"{name} is a whole number from 0, and {str(value)[:60]} is none." if _short(value) else f"{name} is too large a number."
        )
    return value


def _short(value: Any) -> bool:
    return not isinstance(value, int) or abs(value) < 10**_ROW_DIGITS


def _number(value: Any, name: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not np.isfinite(float(value) if _short(value) else np.inf):
        raise InputError(f"{name} is a number, and {str(value)[:60] if _short(value) else 'a very large number'} is none.")
    return float(value)
