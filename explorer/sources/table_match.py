"""Match a table to the pictures it describes: the column that names them, the picture of each line, and notes for the user."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import SourceError
from ..wording import counted, verb_for
from .cell_values import EMPTY_WORDS
from .join import HOW, Join, Nearest, candidates, join, join_groups
from .known_layouts import wilds_path
from .metadata import common_names, convert, file_columns, find_columns, plain_name
from .reading import MOST_NAMES, TableReading, column_readings, short
from .table_reader import Table

_WILDS_COLUMNS = {"label": "tumor", "patient": "patient", "slide": "slide", "site": "center", "split": "split"}


@dataclass(frozen=True, slots=True)
class Matched:
    """A table with converted cells, matched to pictures."""

    table: Table
    columns: Mapping[str, str]
    """Our field -> column; ``uri`` is the column that names the pictures, where one column does."""
    rows: Mapping[str, Mapping[str, Any]]
    """Picture -> its line."""
    reading: TableReading
    notes: tuple[str, ...]


def match(
    table: Table,
    pictures: Sequence[str],
    *,
    columns: Mapping[str, str | None] | None = None,
    empty: Collection[str] | None = None,
    must: bool = True,
    described: Collection[str] = (),
) -> Matched:
    """Join a table to pictures (paths as the table sees them).

    ``columns`` is the user's own mapping of fields to columns, ``empty`` the words that mean nothing is known; pictures in
    ``described`` have a line in another table, and are neither missed here nor named as near. Raises
    ``SourceError`` where no line names a picture and ``must``, or where the mapping does not fit the table.
    """
    given = dict(columns or {})
    names, uri, found = _names(table, pictures, given)
    if uri is not None and join([uri], pictures).matched:
        raise SourceError(no_header(table.name, uri))
    if len(table) and not found.matched and must:
        raise SourceError(_none_matched(table, names, uri, found, pictures))
    if uri is None and found.matched:  # WILDS: a path is put together from four columns
        mapping = find_columns(
            table.columns, {field: column for field, column in _WILDS_COLUMNS.items() if column in table.columns} | given
        )
    else:
        mapping = find_columns(table.columns, given if uri is None else {**given, "uri": uri})
        mapping = _with_identifier(mapping, table)
    converted = convert(table, mapping, empty=EMPTY_WORDS if empty is None else empty)
    records = list(converted.records())
    rows = {pictures[picture]: records[line] for picture, line in found.line_of.items()}
    left = [picture for at, picture in enumerate(pictures) if at not in found.line_of and picture not in described]
    nearest = Nearest(left or [picture for picture in pictures if picture not in described] or pictures)
    unmatched = [str(names[line]) for line in found.unmatched[:MOST_NAMES]]
    ambiguous = [str(names[line]) for line in found.ambiguous[:MOST_NAMES]]
    reading = TableReading(
        name=table.name,
        form=table.form,
        lines=len(table),
        columns=column_readings(converted, mapping),
        matched=found.matched,
        repeated=len(found.repeated),
        ambiguous=len(found.ambiguous),
        unmatched=len(found.unmatched),
        empty=len(found.empty),
        how=dict(found.how),
        pictures_without_line=len(left),
        names_without_picture=tuple(unmatched),
        nearest_pictures=tuple(tuple(nearest(name)) for name in unmatched),
        ambiguous_names=tuple(ambiguous),
        fitting_pictures=tuple(tuple(candidates(name, pictures)[:3]) for name in ambiguous),
    )
    notes = (*_notes(table, names, uri, found, pictures, reading, left), *converted.notes)
    return Matched(converted, mapping, rows, reading, notes)


def no_header(what: str, name: str) -> str:
    """The error message for a table whose first line already names a picture."""
    return f"{what} begins with a picture ({short(name)}) instead of the names of its columns; add a first line such as 'file,label'."


def _names(table: Table, pictures: Sequence[str], given: Mapping[str, str | None]) -> tuple[list[str | None], str | None, Join]:
    """The names in the column that matches most lines, that column (None where several make a path), and the join."""
    if given.get("uri"):
        find_columns(table.columns, given)
    best: tuple[list[str | None], str | None, Join] = ([None] * len(table), None, Join(empty=list(range(len(table)))))
    for matcher in (join, join_groups):
        for name in file_columns(table, given, by_name=matcher is join_groups):
            names = _texts(table.columns[name])
            found = matcher(names, pictures)
            if found.matched > best[2].matched or (best[1] is None and not best[2].matched):
                best = (names, name, found)
            if found.matched == len(table):
                break
        if best[2].matched >= 0.5 * len(table):
            return best
        if matcher is join and not given.get("uri"):
            names = [wilds_path(record) for record in table.records()]
            if any(names) and (found := join(names, pictures)).matched > best[2].matched:
                return names, None, found
    return best


def _with_identifier(mapping: dict[str, str], table: Table) -> dict[str, str]:
    """The column that names the pictures is also their identifier, slide or patient where it is called so."""
    uri = mapping.get("uri", "")
    return {name: uri for name in ("id", "slide", "patient") if name not in mapping and plain_name(uri) in common_names(name)} | mapping


def _texts(cells: Sequence[Any]) -> list[str | None]:
    return [None if cell is None else str(cell) for cell in cells]


def _none_matched(table: Table, names: Sequence[str | None], uri: str | None, found: Join, pictures: Sequence[str]) -> str:
    """The error message for a table in which no line names a picture."""
    lines = "the only line" if len(table) == 1 else f"none of the {len(table)} lines"
    if found.ambiguous:
        name = str(names[found.ambiguous[0]])
        several = candidates(name, pictures)[:2]
        return (
            f"In {table.name} {lines} names one picture: '{short(name, 40)}' fits {' and '.join(short(one, 44) for one in several)}; "
            "give paths with their folder."
        )
    if not file_columns(table, {}) or uri is None:
        return f"{table.name} has no column that names the files; call it 'file', with paths relative to {table.name}."
    name = next((name for name in names if name), "")
    near = ", ".join(short(one, 32) for one in Nearest(pictures)(name))
    verb = "does not name" if len(table) == 1 else "names"
    return (
        f"In {table.name} {lines} {verb} a picture: column {short(uri, 24)!r} says '{short(name, 40)}', pictures are called {near}; "
        "name them so, or say --option table=none."
    )


def _notes(
    table: Table,
    names: Sequence[str | None],
    uri: str | None,
    found: Join,
    pictures: Sequence[str],
    reading: TableReading,
    left: Sequence[str],
) -> list[str]:
    """One sentence for each result of the join; the number of lines is always given."""
    what, of_lines, notes = table.name, counted(len(table), "line"), []
    if n := len(found.unmatched):
        name = str(names[found.unmatched[0]])
        near = ", ".join(short(one, 40) for one in reading.nearest_pictures[0])
        notes.append(f"{n} of {of_lines} of {what} {verb_for(n, 'names')} no picture, such as '{short(name)}' (nearest are {near})")
    if n := len(found.ambiguous):
        name = str(names[found.ambiguous[0]])
        several = " and ".join(short(one) for one in candidates(name, pictures)[:2])
        notes.append(
            f"{n} of {of_lines} of {what} {verb_for(n, 'does')} not name one picture, such as '{short(name)}' "
            f"({several}); give paths with their folder"
        )
    if n := len(found.repeated):
        name = str(names[found.repeated[0]])
        again = f"{verb_for(n, 'names')} a picture again, such as '{short(name)}'; the first line counts"
        notes.append(f"{n} of {of_lines} of {what} {again}")
    if n := len(found.empty):
        notes.append(f"{n} of {of_lines} of {what} {verb_for(n, 'names')} nothing; the first is line {table.lines[found.empty[0]]}")
    if n := len(left):
        notes.append(f"{n} of {counted(len(pictures), 'picture')} {verb_for(n, 'has')} no line in {what}, such as '{short(left[0])}'")
    if uri is None and found.matched:
        notes.append(f"{what}: pictures are named by its columns patient, node, x_coord and y_coord, as WILDS lays them out")
    elif uri is not None and plain_name(uri) not in ("file", "uri", "path", "filename", "file_name"):
        notes.append(f"{what}: column {short(uri, 40)!r} is taken to name the pictures")
    for how, count in found.how.items():
        if how == "group":
            named = f"{verb_for(count, 'names')} {counted(len(found.line_of), 'picture')}"
            notes.append(f"{what}: its lines stand for groups of pictures; {count} of {of_lines} {named}")
        elif how in HOW:
            notes.append(f"{what}: {count} of {of_lines} {verb_for(count, 'is')} matched by {HOW[how]}")
    return notes
