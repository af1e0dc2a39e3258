"""Routes for annotations of rows, their history, and saved selections."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from ... import pipeline
from ...collection import Collection, RowKind, SavedSelection
from ...errors import NotFound
from ...storage.journal import Entry, RowNumbers
from ..shared import cache
from .parameters import NamedCollection

MOST_ENTRIES = 1000
MOST_ROWS = 1_000_000

router = APIRouter(prefix="/collections/{collection}", tags=["annotations"])


class Rows(BaseModel):
    """A choice of rows: the union of all fields that are given."""

    model_config = ConfigDict(extra="forbid")

    rows: Annotated[list[int], Field(max_length=MOST_ROWS, description="Row numbers from 0.")] = []
    selection: Annotated[str | None, Field(description="Title of a saved selection.")] = None
    where: Annotated[dict[str, Any], Field(description="As in a search.")] = {}

    def of(self, collection: Collection) -> RowNumbers:
        """The chosen row numbers. Raises ``InputError``."""
        return pipeline.meant_rows(collection, rows=self.rows, selection=self.selection, where=self.where)


class NewAnnotation(Rows):
    """The body of a call that adds an annotation."""

    kind: RowKind
    value: Annotated[str, Field(description="An empty label, note or decision takes it away.")]
    why: str = ""
    query_id: Annotated[str, Field(description="The query by which the rows were found.")] = ""


class NewSelection(Rows):
    """Rows to be saved under a title; a selection that has it is replaced."""

    title: str
    note: str = ""


class Undo(BaseModel):
    """The body of a call that undoes an entry: the reason."""

    why: str = ""


@router.get("/annotations")
def history(
    collection: NamedCollection, before: int | None = None, limit: Annotated[int, Query(ge=1, le=MOST_ENTRIES)] = 100
) -> dict[str, Any]:
    """Entries of the journal with an id below ``before``, newest first."""
    annotations = collection.annotations
    undone = annotations.journal.undone()
    entries = annotations.history(before=before, limit=limit)
    return {"version": annotations.version, "entries": [entry.to_json() | {"in_effect": entry.id not in undone} for entry in entries]}


@router.post("/annotations", status_code=201)
def add(collection: NamedCollection, asked: NewAnnotation) -> dict[str, Any]:
    """Annotate rows; the values become a column that can be filtered, coloured and exported."""
    rows = asked.of(collection)
    return _entry(collection.annotations.add(asked.kind, asked.value, rows, who=cache.LOCAL_USER, why=asked.why, query_id=asked.query_id))


@router.post("/annotations/{entry_id}/undo", status_code=201)
def undo(collection: NamedCollection, entry_id: int, asked: Undo | None = None) -> dict[str, Any]:
    """Undo an entry of the journal; an undo can itself be undone."""
    why = asked.why if asked else ""
    return _entry(collection.annotations.undo(entry_id, who=cache.LOCAL_USER, why=why))


@router.get("/selections")
def selections(collection: NamedCollection) -> list[dict[str, Any]]:
    """Saved selections, newest first, without their rows."""
    return [_summary(selection) for selection in collection.annotations.selections()]


@router.get("/selections/{key}")
def selection(collection: NamedCollection, key: str) -> dict[str, Any]:
    """A saved selection with its rows."""
    found = _find(collection, key)
    return _summary(found) | {"rows": found.rows.tolist()}


@router.post("/selections", status_code=201)
def save(collection: NamedCollection, asked: NewSelection) -> dict[str, Any]:
    """Save rows under a title."""
    return _summary(collection.annotations.save_selection(asked.title, asked.of(collection), note=asked.note, who=cache.LOCAL_USER))


@router.delete("/selections/{key}")
def remove(collection: NamedCollection, key: str) -> dict[str, Any]:
    """Remove a selection from the list. Returns the entry; undoing it restores the selection."""
    return _entry(collection.annotations.remove_selection(_find(collection, key).title, who=cache.LOCAL_USER))


def _find(collection: Collection, key: str) -> SavedSelection:
    for found in collection.annotations.selections():
        if found.key == key:
            return found
    raise NotFound("There is no such selection; it may have been removed or replaced.")


def _summary(selection: SavedSelection) -> dict[str, Any]:
    return {name: getattr(selection, name) for name in ("key", "title", "n_rows", "note", "automatic", "who", "at")}


def _entry(entry: Entry) -> dict[str, Any]:
    return entry.to_json() | {"in_effect": True}
