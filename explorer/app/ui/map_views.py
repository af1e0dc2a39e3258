"""What a map of a collection shows: the layout, the colours, and the rows its shapes select."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from ... import storage
from ...collection import Collection, SavedSelection, map_quality
from ...collection.artifact_files import load_array
from ...errors import InputError
from ...search import allowed_rows
from ...storage import Artifact
from .. import ui
from ..shared import cache, point_buffers, selections, urls
from ..shared.selections import Shape
from ..widgets import MapData, Mark, Query, set_map_state
from . import url_state

GROUP = "group:"
"""Prefix of the key of a clustering in the name of a colour option."""
NEAREST = 10
MOST_AREA = 6000
"""Maximal number of characters of a selection in a URL; browsers and proxies cut longer ones."""
_MEASURED = {"trustworthiness": "trust", "continuity": "continuity", "stability": "stability"}
OF = "map/of"
"""Session key of the name of the selected rows, if they have one (``named``)."""


@dataclass(frozen=True, slots=True)
class View:
    """One layout of one embedding of a collection."""

    collection: Collection
    projection: Artifact
    encoder: str

    @property
    def key(self) -> str:
        """Key of the map widget. It contains the key of the layout, so that each layout has its own widget state."""
        return f"map-{self.projection.key}"


def layouts(collection: Collection, encoder: str | None = None) -> list[Artifact]:
    """All layouts of an embedding, UMAP first, newest first. Raises ``ArtifactMissing``."""
    embedding = collection.embedding(encoder)
    embedding.map()
    return embedding.maps()


def layout_key(collection: Collection) -> str:
    """Session key of the chosen layout."""
    return f"map/layout/{collection.name}"


def of_group(artifact: Artifact, group: int) -> str:
    """The rows of a cluster, as a URL parameter."""
    return f"group-{artifact.key}-{group}"


def of_saved(selection: SavedSelection) -> str:
    """The rows of a saved selection, as a URL parameter."""
    return f"saved-{selection.key}"


def of_where(where: url_state.Where) -> str:
    """Rows with these values or in these ranges, as a URL parameter."""
    return f"where-{json.dumps(where, separators=(',', ':'), ensure_ascii=False)}"


def described(view: View) -> pd.DataFrame:
    """The rows with the trustworthiness of their positions on this map."""
    return view.collection.embedding(view.encoder).described(view.projection)


def rows_where(view: View, where: url_state.Where) -> np.ndarray:
    """Rows with these values or in these ranges, ascending; no rows where no condition is given. Raises ``InputError``."""
    allowed = allowed_rows(described(view), where=where)
    return np.flatnonzero(allowed) if allowed is not None else np.empty(0, dtype=np.int64)


def choose_where(view: View, where: url_state.Where) -> None:
    """Select those rows on the map. Raises ``InputError``."""
    name = of_where(where)
    st.session_state[OF] = name
    set_map_state(view.key, shapes=named(view, name))


def named(view: View, name: str | None) -> tuple[Shape, ...]:
    """The rows that a URL parameter names, as shapes; empty where they no longer exist."""
    kind, _, rest = (name or "").partition("-")
    key, _, number = rest.partition("-")
    rows = np.empty(0, dtype=np.int64)
    if kind == "where":
        with suppress(InputError):  # a column that is gone
            rows = rows_where(view, url_state.filters(rest))
    elif kind == "saved":
        rows = next((saved.rows for saved in view.collection.annotations.selections() if saved.key == key), rows)
    elif kind == "group" and number.isdecimal():
        rows = next(
            (
                np.flatnonzero(cache.labels(artifact) == int(number))
                for artifact in view.collection.artifacts("clusters")
                if artifact.key == key
            ),
            rows,
        )
    return (Shape("replace", rows=tuple(rows.tolist())),) if len(rows) else ()


def url_params(view: View, shapes: Sequence[Shape]) -> dict[str, str | None]:
    """Layout and selection as URL parameters. A drawn area belongs to one layout, so the layout is always included with it."""
    of = st.session_state.get(OF)
    if of and tuple(shapes) != named(view, of):
        of = st.session_state[OF] = None
    area = "" if of else url_state.pack(shapes)
    area = area if len(area) <= MOST_AREA else ""  # many single rows; saving them gives them a name an address can hold
    first = layouts(view.collection, view.encoder)[0]
    return {"area": area, "of": of, "map": view.projection.key if area or view.projection.key != first.key else None}


def layout_title(projection: Artifact) -> str:
    """Method and settings of a layout, as text."""
    recipe = projection.recipe
    if recipe["method"] != "umap":
        return "PCA"
    words = [f"UMAP, {recipe['n_neighbors']} neighbours"]
    if recipe["min_dist"] != 0.1:
        words.append(f"distance {recipe['min_dist']:g}")
    if recipe["seed"]:
        words.append(f"seed {recipe['seed']}")
    return ", ".join(words)


def measured(view: View) -> dict[str, float]:
    """Quality measures of a map, 0 to 1, by name; only those that were measured."""
    again = map_quality.stability_of(view.projection, view.collection.artifacts("stabilities"))
    found = {**view.projection.meta["measured"], **(again.meta["measured"] if again else {})}
    return {title: float(found[name]) for name, title in _MEASURED.items() if name in found}


def colours(view: View) -> dict[str, str]:
    """The options for colouring the map, value -> title; the first is the default."""
    columns = ui.colour_columns(view.collection)
    first = sorted(columns, key=lambda name: (name != "label",))
    groupings = {
        GROUP + artifact.key: f"Groups · {ui.clustering_title(artifact)}"
        for artifact in view.collection.embedding(view.encoder).clusterings()
    }
    places = [name for name in map_quality.of_map(view.projection, view.collection.artifacts("stabilities")) if name not in columns]
    return {name: ui.COLUMN_NAMES.get(name, name) for name in (*first, *places)} | groupings | {"": "nothing"}


def column(view: View, colour: str) -> dict[str, Any] | None:
    """The colours in the form that the map widget takes."""
    if not colour:
        return None
    if artifact := grouping(view, colour):
        return {**_grouped(view.collection, artifact).legend, "url": urls.groups(view.collection, artifact)}
    if colour in map_quality.COLUMNS and colour not in view.collection.items:
        values = map_quality.of_map(view.projection, view.collection.artifacts("stabilities")).get(colour)
        name = ui.COLUMN_NAMES[colour]
        url = urls.trust(view.collection, view.projection, colour)
        return None if values is None else {**point_buffers.value_column(name, pd.Series(values)).legend, "url": url}
    return {**cache.column(view.collection, colour).legend, "url": urls.column(view.collection, colour)}


def grouping(view: View, colour: str) -> Artifact | None:
    """The clustering that a colour option names, or None."""
    key = colour.removeprefix(GROUP) if colour.startswith(GROUP) else ""
    return (
        next((artifact for artifact in view.collection.embedding(view.encoder).clusterings() if artifact.key == key), None) if key else None
    )


def rows_of(view: View, shapes: Sequence[Shape]) -> np.ndarray:
    """Rows that the shapes select, ascending."""
    if not shapes:
        return np.empty(0, dtype=np.int64)
    points = _drawn(view.projection)
    return np.flatnonzero(selections.select(shapes, points, _codes(view, shapes)))


def data(
    view: View,
    *,
    colour: str,
    picked: int | None,
    query: Query | None = None,
    hits: Sequence[int] = (),
    overview: bool = False,
    height_px: int = 600,
) -> MapData:
    """All data of the map widget; an ``overview`` has no cluster names and shows only where the rows lie."""
    collection = view.collection
    storage.file(view.projection, "xy.npy")  # where it is damaged, say so here rather than in the browser
    mark = None
    if picked is not None and 0 <= picked < collection.n:
        near = collection.embedding(view.encoder).graph.rows[picked, :NEAREST]
        mark = Mark(picked, [int(row) for row in near if row >= 0])
    words = [layout_title(view.projection), *(f"{name} {value:.2f}" for name, value in measured(view).items())]
    shown = [name for name in ("patient", "slide", "site") if collection.items[name].notna().any()]
    return MapData(
        points=urls.points(collection, view.projection),
        thumb=urls.thumb(collection),
        rows=urls.rows(collection, shown or ["id"]),
        column=column(view, colour),
        title=" · ".join(words),
        medoids=() if overview else _medoids(view, colour),
        mark=mark,
        query=query,
        hits=list(hits),
        height_px=height_px,
        overview=overview,
    )


def _medoids(view: View, colour: str) -> list[tuple[int, str]]:
    artifact = grouping(view, colour) or next(iter(view.collection.embedding(view.encoder).clusterings()), None)
    if artifact is None:
        return []
    names = view.collection.annotations.cluster_names(artifact)
    typical = load_array(artifact, "medoids.npy")
    return [(int(rows[0]), names.get(number, f"Group {number + 1}")) for number, rows in enumerate(typical) if rows[0] >= 0]


def _codes(view: View, shapes: Sequence[Shape]) -> Mapping[str, np.ndarray]:
    """Class numbers of the columns by which classes were hidden when a shape was drawn."""
    found = {}
    for name in {shape.column for shape in shapes if shape.column is not None}:
        artifact = next(
            (artifact for artifact in view.collection.embedding(view.encoder).clusterings() if ui.clustering_title(artifact) == name), None
        )
        if artifact:
            found[name] = point_buffers.codes_of(_grouped(view.collection, artifact))
        elif name in view.collection.table().columns and (coloured := cache.column(view.collection, name)).legend["kind"] == "classes":
            found[name] = point_buffers.codes_of(coloured)
    return found


def _grouped(collection: Collection, artifact: Artifact) -> point_buffers.Column:
    return point_buffers.cluster_column(
        ui.clustering_title(artifact), cache.labels(artifact), collection.annotations.cluster_names(artifact)
    )


def _drawn(projection: Artifact) -> point_buffers.Drawn:
    return _drawn_at(projection.path)


@lru_cache(maxsize=4)
def _drawn_at(path: Any) -> point_buffers.Drawn:
    return point_buffers.drawn_points(cache.points(path))
