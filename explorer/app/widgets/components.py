"""Our own widgets, as plain functions: they mount a browser module and return what the reader did as plain values.

What a reader did is copied to ``st.session_state`` in the callbacks, because Streamlit forgets a widget's state when
another page is shown. ``map_state`` and its like read it, also before the widget is mounted in a run.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import streamlit as st

from ..shared import assets, urls
from ..shared.selections import Shape, read_shapes
from . import linked_maps
from .linked_maps import memory

_LOADER = assets.files()["common/loader.js"].decode()
_map = st.components.v2.component("explorer.map", js=_LOADER)
_grid = st.components.v2.component("explorer.grid", js=_LOADER)
_crop = st.components.v2.component("explorer.crop", js=_LOADER)
_upload = st.components.v2.component("explorer.upload", js=_LOADER)
_patch = st.components.v2.component("explorer.patch", js=_LOADER)


@dataclass(frozen=True, slots=True)
class Mark:
    """A patch that is shown as chosen, with lines to its neighbours."""

    row: int
    neighbours: Sequence[int] = ()


@dataclass(frozen=True, slots=True)
class Query:
    """Where a picture from outside falls on the map, in map units, and the rows it found."""

    x: float
    y: float
    hits: Sequence[int] = ()


@dataclass(frozen=True, slots=True)
class MapData:
    """What the map shows. Addresses are paths on this server; ``{row}`` in them stands for a row."""

    points: str
    thumb: str
    rows: str | None = None
    """JSON facts of one row for the hover card: ``{"fields": [[name, value], ...]}``."""
    column: Mapping[str, Any] | None = None
    """A ``buffers.Column.legend`` with the ``url`` of its data; None: one colour."""
    columns: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """The same for columns that shapes of the selection name, by name; needed where their colours are not shown now."""
    title: str = ""
    """A few words for the line below the map: how it was made."""
    medoids: Sequence[tuple[int, str]] = ()
    """The most typical row of each group and the group's name."""
    mark: Mark | None = None
    query: Query | None = None
    hits: Sequence[int] = ()
    height_px: int = 560
    overview: bool = False
    """Only to show where something is: all points, no tools, no pictures."""
    addressed: bool = False
    """Where one looks and which classes are hidden is kept in the page's address, by the browser itself; of one map on a page."""


@dataclass(frozen=True, slots=True)
class MapState:
    """What the reader did on the map."""

    picked: int | None = None
    shapes: tuple[Shape, ...] = ()
    opened: int | None = None
    """A patch that was double-clicked just now; None in the next run."""


def map_state(key: str) -> MapState:
    """What was last done on the map of that key, also on a later visit to its page."""
    kept = memory(key)
    return MapState(_row(kept.get("picked")), read_shapes(kept.get("selection")))


def set_map_state(key: str, *, picked: int | None = None, shapes: Sequence[Shape] = ()) -> None:
    """Choose for the reader: from a link, a group, a button. Takes effect where the map is mounted next."""
    kept = memory(key)
    kept["picked"] = picked
    kept["selection"] = {"shapes": [shape.as_json() for shape in shapes]} if shapes else None
    kept["revision"] = kept.get("revision", 0) + 1
    linked_maps.share(key, "picked", "selection")


def map_view(key: str, data: MapData) -> MapState:
    """The map. Compute ``data.mark`` from ``map_state(key)`` so that lines come with the same answer as the click.

    Take a ``key`` per projection: shapes belong to the map they were drawn on, and are dropped on another one.
    """
    kept = memory(key)
    if kept.setdefault("points", data.points) != data.points:
        kept.update(points=data.points, selection=None)
    sent = {
        "module": assets.address(urls.api(), "map/map.js"),
        "points": data.points,
        "thumb": data.thumb,
        "rows": data.rows,
        "column": dict(data.column) if data.column else None,
        "title": data.title,
        "medoids": [{"row": row, "name": name} for row, name in data.medoids],
        "mark": {"row": data.mark.row, "neighbours": list(data.mark.neighbours)} if data.mark else None,
        "query": {"x": data.query.x, "y": data.query.y} if data.query else None,
        "hits": list(data.query.hits if data.query else data.hits),
        "height_px": data.height_px,
        "link": linked_maps.told(key),
        "overview": data.overview,
        "addressed": data.addressed,
        "selection": {
            "revision": kept.get("revision", 0),
            "shapes": [shape.as_json() for shape in read_shapes(kept.get("selection"))],
            "columns": {name: {"url": one["url"], "dtype": one["dtype"], "kind": one["kind"]} for name, one in data.columns.items()},
        },
    }
    result = _mount(_map, key, sent, states=("picked", "selection"), triggers=("opened",))
    return MapState(_row(kept.get("picked")), read_shapes(kept.get("selection")), _row(result.get("opened")))


@dataclass(frozen=True, slots=True)
class Card:
    """One result: shown as text, whatever it holds."""

    row: int
    score: str = ""
    label: str = ""
    patient: str = ""
    slide: str = ""
    note: str = ""
    """A word or two on the picture, such as "in both"."""


@dataclass(frozen=True, slots=True)
class GridState:
    """What the reader did with the results."""

    liked: Mapping[int, int] = field(default_factory=dict)
    """Row -> 1 for "more like this", -1 for "less like this"."""
    chosen: tuple[int, ...] = ()
    opened: int | None = None


def grid_state(key: str) -> GridState:
    """What was last done in the grid of that key."""
    kept = memory(key)
    return GridState({int(row): int(way) for row, way in (kept.get("liked") or {}).items()}, tuple(kept.get("chosen") or ()))


def set_grid_state(key: str, *, liked: Mapping[int, int]) -> None:
    """Mark results for the reader: from a link, by undo. Takes effect where the grid is mounted next."""
    memory(key)["liked"] = dict(liked)


def result_grid(
    key: str,
    cards: Sequence[Card],
    *,
    thumb: str,
    columns: int | None = None,
    feedback: bool = False,
    choosing: bool = False,
    link: str | None = None,
) -> GridState:
    """Pictures in a grid, of as many ``columns`` as fit where none are given.

    ``thumb`` is an address with ``{row}``; ``feedback`` shows + and −, ``choosing`` lets cards be marked. A patch one points at shows
    on the two maps of ``link`` (see ``linked``).
    """
    state = grid_state(key)
    sent = {
        "module": assets.address(urls.api(), "grid/grid.js"),
        "thumb": thumb,
        "columns": columns,
        "cards": [
            {"row": card.row, "score": card.score, "label": card.label, "patient": card.patient, "slide": card.slide, "note": card.note}
            for card in cards
        ],
        "feedback": feedback,
        "choosing": choosing,
        "liked": {str(row): way for row, way in state.liked.items()},
        "chosen": list(state.chosen),
        "link": link,
    }
    result = _mount(_grid, key, sent, states=("liked", "chosen"), triggers=("opened",))
    return GridState(state.liked, state.chosen, _row(result.get("opened")))


Box = tuple[float, float, float, float]
"""Left, top, right, bottom as fractions of a picture."""


def crop(key: str, picture: str, *, alt: str, side_px: tuple[int, int] | None = None) -> Box | None:
    """A picture on which a region can be chosen; None for the whole of it. ``side_px`` is the original's width and height."""
    kept = memory(key)
    sent = {
        "module": assets.address(urls.api(), "crop/crop.js"),
        "picture": picture,
        "alt": alt,
        "side_px": side_px,
        "box": kept.get("box"),
    }
    _mount(_crop, key, sent, states=("box",), triggers=())
    box = kept.get("box")
    return None if box is None else (float(box[0]), float(box[1]), float(box[2]), float(box[3]))


def set_crop(key: str, box: Box | None) -> None:
    """Choose a region for the reader: from a link. Takes effect where the picture is mounted next."""
    memory(key)["box"] = box


@dataclass(frozen=True, slots=True)
class Upload:
    """Files that have arrived on the server, under a name it chose."""

    upload_id: str
    files: int
    bytes: int


def upload(key: str, *, url: str, folder: bool = True, paste: bool = False, max_bytes: int, words: str) -> Upload | None:
    """A place to drop files, a folder or a zip; each file is sent by PUT on its own, so the page stays light.

    ``url`` is where uploads begin; ``paste`` also takes a picture from the clipboard; ``words`` say what belongs here.
    """
    sent = {
        "module": assets.address(urls.api(), "upload/upload.js"),
        "url": url,
        "folder": folder,
        "paste": paste,
        "max_bytes": max_bytes,
        "words": words,
    }
    _mount(_upload, key, sent, states=("done",), triggers=())
    done = memory(key).get("done")
    return None if done is None else Upload(str(done["upload_id"]), int(done["n"]), int(done["bytes"]))


@dataclass(frozen=True, slots=True)
class Picture:
    """A patch shown large."""

    url: str
    title: str
    mpp: float | None = None
    """Micrometres per pixel of the original; None where it is not known."""
    side_px: tuple[int, int] | None = None
    """Width and height of the original."""


def patch(key: str, pictures: Sequence[Picture], *, height_px: int = 480) -> None:
    """One patch, or a query beside its hit: at the same scale where both say how large a pixel is, with a scale bar."""
    shown = [{"url": one.url, "title": one.title, "mpp": one.mpp, "side_px": one.side_px} for one in pictures]
    sent = {"module": assets.address(urls.api(), "patch/patch.js"), "pictures": shown, "height_px": height_px}
    _mount(_patch, key, sent, states=(), triggers=())


def forget(key: str) -> None:
    """Drop what was kept of a widget, so that its next visit starts afresh."""
    st.session_state.pop(f"{key}/kept", None)


def _mount(
    component: Callable[..., Any], key: str, data: Mapping[str, Any], *, states: Sequence[str], triggers: Sequence[str]
) -> Mapping[str, Any]:
    """Mount a component. A state arrives as ``{"turn", "value"}``, so that choosing the same thing twice is told twice."""

    def keeper(name: str) -> Callable[[], None]:
        def keep() -> None:
            sent = st.session_state[key].get(name)
            if sent is not None:
                memory(key)[name] = sent["value"]
                linked_maps.share(key, name)

        return keep

    callbacks = {f"on_{name}_change": keeper(name) for name in states} | {f"on_{name}_change": _nothing for name in triggers}
    result: Mapping[str, Any] = component(key=key, data=dict(data), **callbacks)
    return result


def _row(value: Any) -> int | None:
    """A row as a browser sent it; anything else is no row."""
    return value if isinstance(value, int) and value >= 0 else None


def _nothing() -> None:
    """Streamlit reports a trigger only where a callback is given."""
