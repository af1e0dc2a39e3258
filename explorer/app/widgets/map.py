"""The map of patches. Its browser side is ``web/map/map.js``; ``web/map/data.js`` mirrors what is sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from ..shared.selections import Shape, read_shapes
from . import linked_maps
from .memory import memory, row_or_none
from .module import Module

_MODULE = Module("map", states=("picked", "selection"), triggers=("opened",))


@dataclass(frozen=True, slots=True)
class Mark:
    """A patch that is shown as chosen, with lines to its neighbours."""

    row: int
    neighbours: Sequence[int] = ()


@dataclass(frozen=True, slots=True)
class Query:
    """The position of a query picture on the map, in map units, and its hits."""

    x: float
    y: float
    hits: Sequence[int] = ()


@dataclass(frozen=True, slots=True)
class MapData:
    """What the map shows. URLs are paths on this server; ``{row}`` in them stands for a row."""

    points: str
    thumb: str
    rows: str | None = None
    """JSON facts of one row for the hover card: ``{"fields": [[name, value], ...]}``."""
    column: Mapping[str, Any] | None = None
    """A ``point_buffers.Column.legend`` with the ``url`` of its data; None: one colour."""
    columns: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """The same for columns that shapes of the selection name, by name; needed where these columns are not the present colours."""
    title: str = ""
    """A few words for the line below the map: how it was made."""
    medoids: Sequence[tuple[int, str]] = ()
    """The most typical row of each group and the group's name."""
    mark: Mark | None = None
    query: Query | None = None
    hits: Sequence[int] = ()
    height_px: int = 560
    overview: bool = False
    """True for a small map that only shows positions: all points, no tools, no pictures."""
    addressed: bool = False
    """True if the browser keeps view and hidden classes in the page's URL; only for one map on a page."""


@dataclass(frozen=True, slots=True)
class MapState:
    """The user's actions on the map."""

    picked: int | None = None
    shapes: tuple[Shape, ...] = ()
    opened: int | None = None
    """A patch that was double-clicked just now; None in the next run."""


def map_state(key: str) -> MapState:
    """The last state of the map with that key, also on later visits to its page."""
    values = memory(key)
    return MapState(row_or_none(values.get("picked")), read_shapes(values.get("selection")))


def set_map_state(key: str, *, picked: int | None = None, shapes: Sequence[Shape] = ()) -> None:
    """Set the state, for example from a link or a button. Takes effect when the map is mounted next."""
    values = memory(key)
    values["picked"] = picked
    values["selection"] = {"shapes": [shape.as_json() for shape in shapes]} if shapes else None
    values["revision"] = values.get("revision", 0) + 1
    linked_maps.share(key, "picked", "selection")


def map_view(key: str, data: MapData) -> MapState:
    """Show the map. Compute ``data.mark`` from ``map_state(key)`` so that lines come with the same response as the click.

    Use a different ``key`` for each projection: shapes belong to the map they were drawn on, and are dropped on another one.
    """
    values = memory(key)
    if values.setdefault("points", data.points) != data.points:
        values.update(points=data.points, selection=None)
    result = _MODULE.mount(key, _as_json(key, data))
    state = map_state(key)
    return MapState(state.picked, state.shapes, row_or_none(result.get("opened")))


def _as_json(key: str, data: MapData) -> dict[str, Any]:
    """The JSON of ``MapData`` in ``web/map/data.js``."""
    values = memory(key)
    return {
        "points": data.points,
        "thumb": data.thumb,
        "rows": data.rows,
        "column": dict(data.column) if data.column else None,
        "title": data.title,
        "medoids": [{"row": row, "name": name} for row, name in data.medoids],
        "mark": asdict(data.mark) if data.mark else None,
        "query": {"x": data.query.x, "y": data.query.y} if data.query else None,
        "hits": list(data.query.hits if data.query else data.hits),
        "height_px": data.height_px,
        "link": linked_maps.link_data(key),
        "overview": data.overview,
        "addressed": data.addressed,
        "selection": {
            "revision": values.get("revision", 0),
            "shapes": [shape.as_json() for shape in read_shapes(values.get("selection"))],
            "columns": {name: {part: column[part] for part in ("url", "dtype", "kind")} for name, column in data.columns.items()},
        },
    }
