"""A manifest: a table (CSV, Parquet, Excel) with one picture per row, as a path or as the bytes of an encoded picture."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from ..errors import ImageRejected, SourceError
from ..types import Item, Limits, Reject
from ..wording import counted, verb_for
from .base import GONE, OUTSIDE, Listed, head, no_pictures
from .folder_layout import hidden, leaves_root, unfit
from .images import SUFFIXES, check_bytes
from .join import HOW, Join, Nearest, candidates, join
from .metadata import check_mapping, convert, file_columns, find_columns, make_item, path_key
from .reading import MOST_NAMES, Listing, TableReading, column_readings, short
from .table_match import no_header
from .table_reader import Table, read_table
from .tables_beside import empty_option, encoding_option

OPTIONS = ("columns", "root", "empty", "encoding")
NAMELESS = "the row names no file"
SEVERAL = "it fits several files; give its path with the folder"
TWICE = "named twice in the table; the first row counts"
_ROW = re.compile(r"row\[(\d+)\]")
_TRIED = 200
_MOST_FILES = 2_000_000


class TableSource(Listed):
    """Rows of a table, each naming a picture by a path relative to the table's folder (or to ``root``, seen from there).

    Paths that are not there are looked for below the root by the rules of ``join``. Options: ``columns``, a mapping from our
    fields to the table's columns, where their names are not recognised; ``root``, the folder that pictures lie in; ``empty``,
    the words that mean nothing is known; ``encoding``, that of a text. Columns without a field are kept as ``extra``. Where a
    column holds the bytes of pictures (Hugging Face ``datasets``), a picture is ``row[17]``.
    """

    kind = "table"

    def __init__(self, path: Path, options: Mapping[str, Any], limits: Limits) -> None:
        unknown = sorted(set(options) - set(OPTIONS))
        if unknown:
            raise SourceError(f"A table takes the options {', '.join(OPTIONS)}, not {', '.join(unknown)}; leave those out.")
        check_mapping(options.get("columns", {}))
        empty_option(options)
        encoding_option(options)
        super().__init__(path, limits)
        self.options = dict(options)
        self._root = (self._path.parent / str(options.get("root", "."))).resolve()
        if not self._root.is_dir():
            raise SourceError(f"The option root leads to {self._root}, which is not a folder; give it relative to the table.")

    @cached_property
    def _table(self) -> Table:
        try:
            data = self._path.read_bytes()
        except OSError as error:
            raise SourceError(f"Table {self._path} cannot be read ({error.strerror}); check its permissions.") from error
        return read_table(data, name=str(self._path), encoding=encoding_option(self.options))

    def _bytes(self, uri: str) -> bytes:
        found = _ROW.fullmatch(uri)
        if found is None or not self._table.pictures:
            return super()._bytes(uri)
        cells = next(iter(self._table.pictures.values()))
        data = cells[int(found[1])].as_py() if int(found[1]) < len(cells) else None
        if data is None:
            raise ImageRejected("there is no picture in that row")
        check_bytes(len(data), self._limits)
        return bytes(data)

    def _list(self) -> Listing:
        table, given = self._table, check_mapping(self.options.get("columns", {}))
        if table.pictures and not given.get("uri"):
            return self._list_bytes(table, given)
        find_columns(table.columns, given)
        name = self._file_column(table, given)
        if self._place(name):
            raise SourceError(no_header(table.name, name))
        columns = find_columns(table.columns, {**given, "uri": name})
        converted = convert(table, columns, empty=empty_option(self.options))
        names = _texts(table.columns[name])
        uris, notes, how, nearest, several = self._resolve(names)
        items: dict[str, Item] = {}
        rejects: list[Reject] = []
        for line, (written, uri, row) in enumerate(zip(names, uris, converted.records(), strict=True)):
            if reason := SEVERAL if line in several else self._unfit(uri, items):
                rejects.append(Reject(written or f"line {table.lines[line]}", reason))
            else:
                items[uri] = make_item(uri, row, columns)
        if not items:
            raise SourceError(self._none_found(rejects, nearest))
        lost = [reject.uri for reject in rejects if reject.reason == GONE][:MOST_NAMES]
        reading = TableReading(
            name=table.name,
            form=table.form,
            lines=len(table),
            columns=column_readings(converted, columns),
            matched=len(items),
            repeated=sum(reject.reason == TWICE for reject in rejects),
            ambiguous=len(several),
            unmatched=sum(reject.reason not in (TWICE, NAMELESS, SEVERAL) for reject in rejects),
            empty=sum(reject.reason == NAMELESS for reject in rejects),
            how=how,
            names_without_picture=tuple(lost),
            nearest_pictures=tuple(tuple(nearest(name)) for name in lost),
            ambiguous_names=tuple(names[line] for line in several)[:MOST_NAMES],
            fitting_pictures=tuple(several.values())[:MOST_NAMES],
        )
        return Listing(list(items.values()), rejects, tables=(reading,), notes=(*converted.notes, *notes, *_reject_notes(rejects, table)))

    def _list_bytes(self, table: Table, given: Mapping[str, str | None]) -> Listing:
        """Rows whose pictures lie in the table itself."""
        column, cells = next(iter(table.pictures.items()))
        columns = find_columns(table.columns, {**given, "uri": column})
        paths = table.columns[column]
        if "id" not in columns and None not in paths and len(set(paths)) == len(paths):
            columns["id"] = column
        converted = convert(table, columns, empty=empty_option(self.options))
        items, rejects = [], []
        for row, (cell, record) in enumerate(zip(cells, converted.records(), strict=True)):
            if not cell.is_valid:
                rejects.append(Reject(f"row[{row}]", "there is no picture in that row"))
                continue
            items.append(make_item(f"row[{row}]", record, columns))
        if not items:
            raise SourceError(f"No row of {table.name} holds a picture in column {column!r}; name another with the option columns.")
        reading = TableReading(table.name, table.form, len(table), column_readings(converted, columns), len(items), unmatched=len(rejects))
        notes = [*converted.notes, f"{table.name}: pictures are read from its column {column!r}"]
        if len(table.pictures) > 1:
            notes.append(f"{table.name}: its other columns of pictures ({', '.join(list(table.pictures)[1:])}) are not read")
        return Listing(items, rejects, tables=(reading,), notes=tuple(notes))

    def _file_column(self, table: Table, given: Mapping[str, str | None]) -> str:
        """The column whose first cells name most pictures; among equals the one called likest a file."""
        candidates = file_columns(table, given)
        called = find_columns(table.columns, given).get("uri")
        scores = {
            name: sum(bool(self._place(str(cell))) for cell in table.columns[name][:_TRIED] if cell is not None) for name in candidates
        }
        best = max(candidates, key=lambda name: scores[name], default=None)
        if best is not None and scores[best]:
            return best
        looks = [name for name in candidates if any(_is_named_so(cell) for cell in table.columns[name][:_TRIED])]
        if called is not None and (called in looks or not looks):
            return called
        if looks:
            return looks[0]
        identifiers = file_columns(table, given, by_name=True)  # such as image_id, often the name of a file without its suffix
        files = self._files() if identifiers else []
        matched = {name: join(_texts(table.columns[name]), files).matched for name in identifiers}
        if any(matched.values()):
            return max(matched, key=lambda name: matched[name])
        raise SourceError(
            f"Table {self._path} has no column known to hold paths (it has {', '.join(list(table.columns)[:8])[:100]}); "
            'say which with the option columns, as in {"uri": "my column"}.'
        )

    def _place(self, written: str) -> str:
        """The path of a file seen from the root, where the path in the table leads to one below it; empty elsewhere."""
        plain = written.strip().replace("\\", "/")
        if not plain or "\0" in plain:
            return ""
        for start in (self._path.parent, self._root):
            path = Path(os.path.normpath(start / plain))
            if path.is_relative_to(self._root) and _is_file(path):
                return path.relative_to(self._root).as_posix()
        return ""

    def _resolve(self, names: Sequence[str]) -> tuple[list[str], list[str], dict[str, int], Nearest, dict[int, tuple[str, ...]]]:
        """The file of each row, seen from the root, or the path as written where there is none; notes; lines by what they matched on;
        what finds the nearest pictures that no row names; and by line that fits several files, the first three of these.
        """
        uris = [self._place(name) or name.strip().replace("\\", "/").removeprefix("./") for name in names]
        there = {uri for uri in uris if not leaves_root(uri) and _is_file(self._root / uri)}
        lost = [line for line, uri in enumerate(uris) if uri and uri not in there]
        how = Counter({"path": len(uris) - len(lost)})
        if not lost:
            return uris, [], dict(how), Nearest(()), {}
        files = self._files()
        free = [file for file in files if file not in there]  # a file that a row names exactly is that row's
        found: Join = join([names[line] for line in lost], free)
        for picture, line in found.line_of.items():
            uris[lost[line]] = free[picture]
        pictures, named = [file for file in files if _is_named_so(file)], set(uris)
        nearest = Nearest([file for file in pictures if file not in named] or pictures)
        what, of_lines = self._path.name, counted(len(names), "line")
        words = {"path": "their path in another spelling (Unicode form, slashes, drive)", **HOW}
        notes = [f"{count} of {of_lines} of {what} {verb_for(count, 'is')} matched by {words[step]}" for step, count in found.how.items()]
        several = {lost[at]: tuple(candidates(names[lost[at]], free)[:3]) for at in found.ambiguous}
        if n := len(several):
            line, fitting = next(iter(several.items()))
            files_named = " and ".join(short(one) for one in fitting[:2])
            notes.append(
                f"{n} of {of_lines} of {what} {verb_for(n, 'does')} not name one file, such as '{short(names[line])}' ({files_named}); "
                "give paths with their folder"
            )
        if n := len(found.unmatched):
            name = names[lost[found.unmatched[0]]]
            near = ", ".join(short(one, 40) for one in nearest(name))
            nearby = f" (nearest are {near})" if near else ""
            notes.append(f"{n} of {of_lines} of {what} {verb_for(n, 'names')} no file, such as '{short(name)}'{nearby}")
        return uris, notes, dict(how + found.how), nearest, several

    def _files(self) -> list[str]:
        """Files below the root, in order; links to folders and hidden things are not followed."""
        found: list[str] = []
        for folder, folders, names in os.walk(self._root):
            folders[:] = sorted(name for name in folders if not hidden(name))
            prefix = Path(folder).relative_to(self._root).as_posix()
            found += [
                name if prefix == "." else f"{prefix}/{name}" for name in sorted(names) if not hidden(name) and name != self._path.name
            ]
            if len(found) > _MOST_FILES:
                break
        return found

    def _unfit(self, uri: str, seen: Mapping[str, Item]) -> str:
        if not uri or "\0" in uri:
            return NAMELESS
        if uri in seen:
            return TWICE
        if leaves_root(uri):
            return f"{OUTSIDE} (the option root can name a wider one)"
        path = Path(os.path.realpath(self._root / uri))
        if not path.is_relative_to(self._root):
            return OUTSIDE
        if not _is_file(path):
            return GONE
        return unfit(uri, partial(head, path))

    def _none_found(self, rejects: Sequence[Reject], nearest: Nearest) -> str:
        """The error message for a table in which no row leads to a picture; where paths leave the root, with the root that
        contains them, where no file is there, with the nearest pictures.
        """
        outside = [reject.uri for reject in rejects if reject.reason.startswith(OUTSIDE)]
        places = [Path(os.path.normpath(self._path.parent / uri.replace("\\", "/"))) for uri in outside]
        real = [place for place in places if _is_file(place)]
        if real and len(outside) == len(rejects):
            which = "The only path" if len(rejects) == 1 else f"All {len(rejects)} paths"
            root = os.path.relpath(os.path.commonpath([self._path.parent, *(place.parent for place in real)]), self._path.parent)
            return (
                f"{which} in {self._path.name} {verb_for(len(rejects), 'leaves')} its folder, such as {short(outside[0], 60)}; "
                f"say --option root={root} to read them."
            )
        if all(reject.reason == GONE for reject in rejects) and rejects and (near := nearest(rejects[0].uri)):
            lines = "the only line" if len(rejects) == 1 else f"none of the {len(rejects)} lines"
            verb = "does not name" if len(rejects) == 1 else "names"
            return (
                f"In {short(self._path.name, 40)} {lines} {verb} a file that is there: {short(rejects[0].uri, 40)!r} is not, "
                f"nearest are {', '.join(short(one, 32) for one in near)}; name them so, or say where they lie by --option root=FOLDER."
            )
        return short(no_pictures(f"Table {self._path.name}", rejects).rstrip("."), 280) + "."


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # a name no file can have, such as one of 10 000 letters
        return False


def _texts(cells: Sequence[Any]) -> list[str]:
    return ["" if cell is None else str(cell) for cell in cells]


def _is_named_so(cell: Any) -> bool:
    return isinstance(cell, str) and f".{path_key(cell).rpartition('.')[2].lower()}" in SUFFIXES


def _reject_notes(rejects: Sequence[Reject], table: Table) -> list[str]:
    twice = sum(reject.reason == TWICE for reject in rejects)
    if not twice:
        return []
    names = verb_for(twice, "names")
    return [f"{twice} of {counted(len(table), 'line')} of {table.name} {names} a picture again; the first line counts"]
