"""Commands for annotations of rows: labels, notes, tags, decisions, saved selections, and their history."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from ..errors import InputError
from .base import AS_JSON, NAME, WHERE, conditions, open_named, verb
from .output import echo_json, echo_table, printable
from .progress import Bars

if TYPE_CHECKING:
    from ..collection import Collection
    from ..settings import Settings
    from ..storage.journal import Entry, RowNumbers

WHY = click.option("--why", default="", help="The reason, for the history.")


@click.command()
@NAME
@click.argument("title")
@WHERE
@click.option("--row", "rows", multiple=True, type=int, help="A row; repeat for several.")
@click.option("--note", default="", help="What the selection is about.")
@verb
def select(settings: Settings, report: Bars, *, name: str, title: str, where: tuple[str, ...], rows: tuple[int, ...], note: str) -> None:
    """Save rows of the collection NAME as a selection called TITLE; the app shows it on the map."""
    collection = open_named(settings, name)
    before = {selection.title for selection in collection.annotations.selections()}
    saved = collection.annotations.save_selection(title, _meant(collection, rows=rows, where=where), note=note)
    if saved.title in before:
        click.echo(f"The selection {printable(saved.title)} was replaced; 'explorer selections {name} --undo' brings it back.", err=True)
    click.echo(saved.key)


@click.command()
@NAME
@click.option("--remove", "removed", metavar="TITLE", default=None, help="Remove this selection.")
@click.option("--undo", is_flag=True, help="Undo the newest saving or removal of a selection.")
@WHY
@AS_JSON
@verb
def selections(settings: Settings, report: Bars, *, name: str, removed: str | None, undo: bool, why: str, as_json: bool) -> None:
    """List the saved selections of the collection NAME, newest first; or remove one, or undo that."""
    from ..collection.replay import Selections

    if removed is not None and undo:
        raise click.UsageError("Give either --remove TITLE or --undo.")
    annotations = open_named(settings, name).annotations
    if removed is not None:
        annotations.remove_selection(removed, why=why)
    elif undo:
        annotations.undo(kinds=Selections.kinds, why=why)
    found = [
        {name: getattr(one, name) for name in ("title", "n_rows", "note", "automatic", "who", "at", "key")}
        for one in annotations.selections()
    ]
    if as_json:
        echo_json(found)
    elif found:
        echo_table([{**one, "automatic": "by a search" if one["automatic"] else ""} for one in found], list(found[0]))
    else:
        click.echo("There are no saved selections; 'explorer select' saves one.", err=True)


@click.command()
@NAME
@click.option("--rows", default=None, metavar="N,N,...", help="Rows by their numbers from 0.")
@click.option("--selection", default=None, metavar="TITLE", help="The rows of a saved selection.")
@WHERE
@click.option("--label", default=None, help="What the rows are; an empty text removes the label.")
@click.option("--note", default=None, help="A remark; an empty text removes it.")
@click.option("--tag", default=None, help="A tag to add to the rows.")
@click.option("--untag", default=None, help="A tag to remove from the rows.")
@click.option("--decision", default=None, help="A decision on the rows, such as accept or reject; an empty text removes it.")
@WHY
@click.option("--query-id", default="", help="The query by which the rows were found, for the history.")
@AS_JSON
@verb
def annotate(settings: Settings, report: Bars, *, name: str, why: str, query_id: str, as_json: bool, **given: Any) -> None:
    """Annotate rows of the collection NAME; the values become a column that can be filtered, coloured and exported."""
    from ..collection import ROW_KINDS

    values = {kind: given[kind] for kind in ROW_KINDS if given[kind] is not None}
    if len(values) != 1:
        raise click.UsageError(f"Give one of {', '.join(f'--{kind}' for kind in ROW_KINDS)}.")
    if [given["rows"] is not None, given["selection"] is not None, bool(given["where"])].count(True) != 1:
        raise click.UsageError("Give one of --rows, --selection and --where.")
    collection = open_named(settings, name)
    rows = _meant(collection, rows=_numbers(given["rows"]), selection=given["selection"], where=given["where"])
    ((kind, value),) = values.items()
    entry = collection.annotations.add(kind, value, rows, why=why, query_id=query_id)
    _echo(entry, as_json=as_json)


@click.command()
@NAME
@click.option("--limit", default=50, show_default=True, type=click.IntRange(min=1), help="How many entries, newest first.")
@click.option("--before", default=None, type=int, metavar="ENTRY", help="Only entries older than this one.")
@AS_JSON
@verb
def history(settings: Settings, report: Bars, *, name: str, limit: int, before: int | None, as_json: bool) -> None:
    """List the annotations of the collection NAME (who, when, what, why), newest first."""
    annotations = open_named(settings, name).annotations
    undone = annotations.journal.undone()
    entries = [entry.to_json() | {"in_effect": entry.id not in undone} for entry in annotations.history(before=before, limit=limit)]
    if as_json:
        echo_json(entries)
    elif entries:
        lines = [{**one, "rows": one["n_rows"], "": "" if one["in_effect"] else "undone"} for one in entries]
        echo_table(lines, ("id", "at", "who", "kind", "about", "value", "rows", "undoes", "why", ""))
    else:
        click.echo(f"{name} has no annotations yet; 'explorer annotate' adds one.", err=True)


@click.command()
@NAME
@click.argument("entry", type=int, required=False)
@click.option("--redo", is_flag=True, help="Undo the newest undo instead.")
@WHY
@AS_JSON
@verb
def undo(settings: Settings, report: Bars, *, name: str, entry: int | None, redo: bool, why: str, as_json: bool) -> None:
    """Undo ENTRY of the history of the collection NAME, or the newest one in effect; an undo can itself be undone."""
    if redo and entry is not None:
        raise click.UsageError("Give either ENTRY or --redo.")
    annotations = open_named(settings, name).annotations
    _echo(annotations.redo(why=why) if redo else annotations.undo(entry, why=why), as_json=as_json)


def _meant(collection: Collection, *, where: tuple[str, ...], rows: tuple[int, ...] = (), selection: str | None = None) -> RowNumbers:
    from ..pipeline.annotate import described, meant_rows

    columns = described(collection).columns if where else ()
    return meant_rows(collection, rows=rows, selection=selection, where=conditions(where, columns))


def _numbers(text: str | None) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in (text or "").split(",") if part.strip())
    except ValueError:
        raise InputError(f"{text!r} does not name rows; write their numbers with commas between them, such as 3,17,4.") from None


def _echo(entry: Entry, *, as_json: bool) -> None:
    if as_json:
        echo_json(entry.to_json())
    else:
        rows = f" of {entry.n_rows} {'row' if entry.n_rows == 1 else 'rows'}" if entry.n_rows else ""
        what = f" of entry {entry.undoes}" if entry.undoes else ""
        click.echo(f"entry {entry.id}: {entry.kind}{what} {printable(entry.value)}{rows}".replace("  ", " ").rstrip())
