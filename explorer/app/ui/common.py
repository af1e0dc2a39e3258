"""Functions and components used by several pages."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import TypeVar

import pandas as pd
import streamlit as st

from ... import encoders, pipeline
from ...collection import Collection
from ...collection.annotations import COLUMNS
from ...errors import ArtifactDamaged, ArtifactMissing, CollectionMissing, EncoderUnknown, ExplorerError, SourceError
from ...search import INTERNAL
from ...search import plain as value_of
from ...storage import Artifact
from ...wording import noun_for
from ..shared import cache, urls
from ..shared.redaction import without_paths
from ..widgets import Card, Picture
from . import url_state

CHOSEN = url_state.COLLECTION
BY_PEOPLE = frozenset(COLUMNS.values())
MOST_CLASSES = 200
"""Columns with more distinct texts than this are names, not classes."""
_MARKDOWN = re.compile(r"([\\`*_{}\[\]()#+\-.!|<>~:$&])")
T = TypeVar("T")


def plain(text: object) -> str:
    """The text escaped for Streamlit's markdown."""
    return _MARKDOWN.sub(r"\\\1", str(text).replace("\n", " "))


def count(n: int, unit: str = "") -> str:
    """A number with thin spaces between thousands, and its noun in singular or plural."""
    digits = f"{n:,}".replace(",", "\u202f")
    if not unit:
        return digits
    return f"{digits} {noun_for(n, unit)}"


def size(n_bytes: int) -> str:
    """A number of bytes in a readable unit."""
    value, units = float(n_bytes), ["bytes", "kB", "MB", "GB", "TB"]
    while value >= 1000 and len(units) > 1:
        value, units = value / 1000, units[1:]
    return f"{value:.0f} {units[0]}" if value >= 10 or units[0] == "bytes" else f"{value:.1f} {units[0]}"


def duration(seconds: float) -> str:
    """A duration in a readable unit."""
    if seconds < 60:
        return f"{max(1, round(seconds))} s"
    return f"{round(seconds / 60)} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def day(iso: str) -> str:
    """The day of a UTC time, in words."""
    then, now = datetime.fromisoformat(iso), datetime.now(UTC)
    days = (now.date() - then.date()).days
    return "today" if days == 0 else "yesterday" if days == 1 else f"{then:%-d %B}" if days < 300 else f"{then:%-d %B %Y}"


def encoder_title(name: str) -> str:
    """The title of an encoder; its name where it is not in our table."""
    try:
        return encoders.spec(name).title
    except EncoderUnknown:
        return name


def choose_collection(names: Sequence[str]) -> None:
    """Show the choice of the collection that all pages use."""
    chosen = st.session_state.get(CHOSEN)
    options = [*names] if chosen in names or chosen is None else [*names, chosen]
    state_key = "header/collection"
    st.session_state[state_key] = chosen if chosen in options else options[0]
    st.selectbox("Collection", options, key=state_key, label_visibility="collapsed", on_change=_chosen, args=(state_key,))
    st.session_state[CHOSEN] = st.session_state[state_key]


def _chosen(state_key: str) -> None:
    st.session_state[CHOSEN] = st.session_state[state_key]


def current() -> Collection:
    """The chosen collection. Raises ``CollectionMissing`` where there is none."""
    name = st.session_state.get(CHOSEN)
    if name is None:
        raise CollectionMissing("There is no collection yet.")
    return cache.collection(name)


def guarded(show: Callable[[], T]) -> T | None:
    """Run a part of a page; an error that the user can fix is shown as a message with the next step."""
    try:
        return show()
    except ExplorerError as error:
        trouble(error)
        return None


def trouble(error: ExplorerError) -> None:
    """Show an error message and the next step."""
    if isinstance(error, CollectionMissing):
        name = st.session_state.get(CHOSEN)
        if name is None:
            nothing("There is nothing to show here yet.", "Choose a collection in the library, or make your first one there.")
        else:
            nothing(f"There is no collection {plain(name)}.", "It may have been renamed or deleted. Choose another one.")
        url_state.link("library", "Go to the library")
    elif isinstance(error, ArtifactMissing):
        nothing("This collection is not ready yet.", "A step of its making has not been done. Finish it in the library.")
        url_state.link("library", "Go to the library")
    elif isinstance(error, ArtifactDamaged):
        nothing("A file of this collection is damaged.", "Check the collection to see which one, then make it again from its pictures.")
        st.text(without_paths(str(error)))
        url_state.link("about", "Check this collection", collection=st.session_state.get(CHOSEN))
    elif isinstance(error, SourceError):
        nothing("The pictures of this collection are not where they were.", "Put them back, or make the collection again.")
        st.text(without_paths(str(error)))
    else:
        nothing("This did not work.", "")
        st.text(without_paths(str(error)))


def nothing(what: str, next_step: str) -> None:
    """Show an empty state: what is missing, and what to do."""
    st.header(what, anchor=False)
    if next_step:
        st.markdown(next_step)


def colour_columns(collection: Collection) -> Sequence[str]:
    """Columns that are useful for colours and counts."""
    return _colour_columns(collection, collection.annotations.version)


@lru_cache(maxsize=16)  # pages ask at every click
def _colour_columns(collection: Collection, version: int) -> Sequence[str]:
    return tuple(columns_worth(collection.table()))


def columns_worth(rows: pd.DataFrame) -> list[str]:
    """Columns with more than one value and, unless they are measurements, fewer values than rows; annotations need only one value."""
    found = []
    for name in rows.columns:
        if name in (*INTERNAL, "id", "uri"):
            continue
        values = rows[name].dropna()
        different = values.nunique()
        if str(name).rstrip("_") in BY_PEOPLE:
            found += [str(name)] * (0 < different <= MOST_CLASSES)
        elif (
            different > 1
            and (pd.api.types.is_numeric_dtype(values) or different <= MOST_CLASSES)
            and (different < max(3, len(values)) or pd.api.types.is_float_dtype(values))
        ):
            found.append(str(name))
    return found


def class_columns(collection: Collection) -> list[str]:
    """The columns among these that have few values."""
    table = collection.table()
    return [name for name in colour_columns(collection) if name in table and table[name].nunique() <= MOST_CLASSES]


def clustering_title(groups: Artifact) -> str:
    """The method and settings of a clustering, in a few words."""
    recipe = groups.recipe
    how = {
        "leiden": lambda: f"Leiden, resolution {recipe['resolution']:g}",
        "kmeans": lambda: f"k-means, {recipe['n_clusters']} groups",
        "hdbscan": lambda: f"HDBSCAN, at least {recipe['min_cluster_size']}",
    }
    return how[recipe["method"]]() if recipe["method"] in how else str(recipe["method"])


def facts(collection: Collection, row: int, *, key: str) -> None:
    """All known values of a patch, as text."""
    record = collection.table().iloc[row].to_dict()
    shown = {str(name): value for name, cell in record.items() if name not in INTERNAL and (value := value_of(cell)) is not None}
    if shown.get("uri") == shown.get("id"):
        shown.pop("uri")
    for side in ("width", "height"):  # a column of the user's own that says what is measured of the picture
        if shown.get(side) == shown[f"{side}_px"]:
            shown.pop(side)
    with st.container(key=f"facts-{key}"):
        st.markdown(
            "  \n".join(f"{plain(COLUMN_NAMES.get(name, name))} &ensp; **{plain(_short(value))}**" for name, value in shown.items())
        )


COLUMN_NAMES = {
    "id": "name", "uri": "file", "mpp": "µm per pixel", "width_px": "width, px", "height_px": "height, px",
    "map_trustworthiness": "trust in its place", "map_continuity": "similar patches kept near", "map_stability": "place kept when redrawn",
    "x_px0": "left on slide, px", "y_px0": "top on slide, px", "side_px0": "side on slide, px",
    "score": "similarity", "row": "number",
    "label_by_people": "label given here", "tags_by_people": "tags", "decision_by_people": "decision", "note_by_people": "remark",
}  # fmt: skip


def column_name(name: str) -> str:
    """The title of a column on a page."""
    return COLUMN_NAMES.get(name, name)


def csv(table: pd.DataFrame) -> bytes:
    """A table as CSV for download, safe from formulas in spreadsheets."""
    text: str = pipeline.defused(table).to_csv(index=False)
    return text.encode()


def listed(table: pd.DataFrame, *, key: str, height: int) -> None:
    """A table for display: columns with titles for people, without columns that carry no information."""
    shown = table.dropna(axis="columns", how="all")
    if {"id", "uri"} <= {*shown.columns} and (shown["id"] == shown["uri"]).all():
        shown = shown.drop(columns="uri")
    st.dataframe(shown, hide_index=True, key=key, height=height, column_config={**COLUMN_NAMES})


def _short(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def picture(collection: Collection, row: int, *, title: str = "") -> Picture:
    """A patch, prepared for enlarged display."""
    item = collection.items.iloc[row]
    mpp = value_of(item["mpp"])
    return Picture(
        urls.patch(collection).replace("{row}", str(row)),
        title or str(item["id"]),
        float(mpp) if mpp else None,
        (int(item["width_px"]), int(item["height_px"])),
    )


def cards(collection: Collection, found: Sequence[tuple[int, float | None]], *, short: bool = False) -> list[Card]:
    """Rows with their similarity as cards; ``short`` cards show only the label."""
    items = collection.items.iloc[[row for row, _ in found]]
    shown = {
        name: [str(value) if (value := value_of(cell)) is not None else "" for cell in items[name]]
        for name in ("label", "patient", "slide")
    }
    if short:
        return [Card(row, label=shown["label"][k]) for k, (row, _) in enumerate(found)]
    return [
        Card(row, "" if score is None else f"{max(0.0, score):.3f}", shown["label"][k], shown["patient"][k], shown["slide"][k])
        for k, (row, score) in enumerate(found)
    ]


def take_model(collection: Collection, asked: Mapping[str, str]) -> None:
    """Set the chosen encoder from the URL."""
    st.session_state[f"model/{collection.name}"] = asked.get("model")


def choose_encoder(collection: Collection) -> str:
    """Show the choice of the encoder that all pages use, if there are several. Raises ``ArtifactMissing``."""
    names = collection.encoder_names()
    if len(names) < 2:
        return collection.embedding().encoder_name
    state_key = f"model/{collection.name}"
    if st.session_state.get(state_key) not in names:
        st.session_state[state_key] = names[0]
    return st.selectbox("Model", names, format_func=encoder_title, key=state_key, persist_state="session", width=320)


def model_word(collection: Collection) -> str | None:
    """The encoder as a URL parameter; None for the default encoder."""
    names = collection.encoder_names()
    chosen = st.session_state.get(f"model/{collection.name}")
    return str(chosen) if chosen in names[1:] else None
