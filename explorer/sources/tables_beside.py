"""Pictures in folders with tables among them: the same rules for folders, zips and uploads.

A table named labels or metadata describes the pictures in its own folder and below; of several the innermost is used. Tables of
known data sets (MHIST, PANDA, Kaggle) are recognised by their columns. Other tables are reported but not read.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

from ..errors import SourceError
from ..types import Item, Reject
from ..wording import counted, noun_for, verb_for
from .cell_values import EMPTY_WORDS
from .folder_layout import FolderLayout, arrange
from .folder_levels import levels_option
from .metadata import check_mapping, make_item
from .reading import Listing, TableReading, short
from .table_match import Matched, match
from .table_reader import SUFFIXES, Table, is_table, read_table
from .table_text import check_encoding

OPTIONS = ("table", "columns", "empty", "encoding", "folders")
_STEMS = ("labels", "label", "metadata")
_KNOWN_TABLES = {
    "annotations": {"Image Name", "Majority Vote Label"},  # MHIST
    "train": {"image_id", "data_provider", "isup_grade"},  # PANDA
    "train_labels": {"id", "label"},  # Kaggle, histopathologic cancer detection
}
_BENCHMARK_KINDS = {"annotations": "mhist"}


def check_options(kind: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """The options of a folder, zip or upload. Raises ``SourceError`` for one it does not take."""
    unknown = sorted(set(options) - set(OPTIONS))
    if unknown:
        raise SourceError(f"A source of kind {kind} takes the options {', '.join(OPTIONS)}, not {', '.join(unknown)}; leave those out.")
    check_mapping(options.get("columns", {}))
    empty_option(options)
    encoding_option(options)
    levels_option(options.get("folders"))
    return dict(options)


def empty_option(options: Mapping[str, Any]) -> frozenset[str]:
    """The words that mean nothing is known. Raises ``SourceError`` where the option is no list of words."""
    words = options.get("empty", EMPTY_WORDS)
    if isinstance(words, str) or not isinstance(words, Sequence):
        raise SourceError('The option empty is a list of words that mean nothing is known, as in ["NA", "?"]; give it so.')
    return frozenset(str(word).strip().casefold() for word in words)


def encoding_option(options: Mapping[str, Any]) -> str | None:
    """The encoding of the tables, None to find it. Raises ``SourceError`` where there is none of that name."""
    return None if options.get("encoding") is None else check_encoding(str(options["encoding"]))


def is_labels(path: str) -> bool:
    """True if a file is named like a table that describes the pictures around it."""
    name = path.rpartition("/")[2].lower().removesuffix(".gz")
    stem, _, suffix = name.rpartition(".")
    return stem in _STEMS and (f".{suffix}" in SUFFIXES or suffix == "txt")


def is_candidate(path: str) -> bool:
    """True if a file has to be listed as a table: by its name or its format."""
    return is_labels(path) or is_table(path)


def list_pictures(names: Sequence[str], *, read: Callable[[str], bytes], options: Mapping[str, Any]) -> Listing:
    """Items for the pictures among ``names``, with the columns of the tables among them.

    ``read`` returns the bytes of a table. Raises ``SourceError`` where a table cannot be read, or matches no picture.
    """

    def table(name: str) -> Table:
        return read_table(read(name), name=name, encoding=encoding_option(options))

    tables = [name for name in names if is_candidate(name)]
    pictures = [name for name in names if not is_candidate(name)]
    layout = arrange(pictures, levels_option(options.get("folders")))
    chosen = _chosen(tables, layout, table, options) if pictures else {}
    matches = _matches(chosen, pictures, options)
    rows: dict[str, tuple[Matched, Mapping[str, Any]]] = {}
    for _, matched in sorted(matches, key=lambda pair: pair[0].count("/")):
        rows |= {picture: (matched, row) for picture, row in matched.rows.items()}
    items = [_item(name, layout.fields[name], rows.get(name)) for name in pictures]
    stray = [name for name in tables if name not in chosen]
    readings = tuple(matched.reading for _, matched in matches)
    notes = [note for _, matched in matches for note in matched.notes]
    return Listing(
        items,
        [Reject(name, "a table that is not read") for name in stray],
        layout=layout.known.title if layout.known else "",
        suggested_kind=_kind(layout, chosen),
        tables=readings,
        notes=(*_layout_notes(layout, items), *notes, *_mixed_labels_notes(items, rows), *_stray_notes(stray, readings, layout)),
    )


def _chosen(tables: Sequence[str], layout: FolderLayout, read: Callable[[str], Table], options: Mapping[str, Any]) -> dict[str, Table]:
    """The tables that are read, by name."""
    wanted = options.get("table")
    if wanted == "none":
        return {}
    if wanted is not None:
        named = [name for name in tables if name == wanted] or [name for name in tables if name.endswith(f"/{wanted}")]
        if len(named) != 1:
            there = short(", ".join(tables) or "none", 120)
            n = len(named) or 1
            which = f"{len(named) or 'No'} {noun_for(n, 'table')} among the pictures {verb_for(n, 'is')} called {short(str(wanted))!r}"
            raise SourceError(f"{which}; there is {there}.")
        return {named[0]: read(named[0])}
    by_folder: dict[str, list[str]] = {}
    for name in tables:
        if is_labels(name):
            by_folder.setdefault(name.rpartition("/")[0], []).append(name)
    found = {min(names, key=_rank): None for names in by_folder.values()}
    if not found:
        above = [name for name in tables if layout.shared.startswith(_folder(name)) and _stem(name) in _KNOWN_TABLES]
        for name in sorted(above):
            table = read(name)
            if _KNOWN_TABLES[_stem(name)] <= set(table.columns):
                return {name: table}
    return {name: read(name) for name in sorted(found)}


def _matches(tables: Mapping[str, Table], pictures: Sequence[str], options: Mapping[str, Any]) -> list[tuple[str, Matched]]:
    """Each table joined with its pictures, in the order of their names; the innermost first says what it describes."""
    described: set[str] = set()
    found = {}
    for name in sorted(tables, key=lambda name: -name.count("/")):
        found[name] = _match(name, tables[name], pictures, options, described)
        described |= found[name].rows.keys()
    return [(name, found[name]) for name in tables]


def _match(name: str, table: Table, pictures: Sequence[str], options: Mapping[str, Any], described: Collection[str]) -> Matched:
    """The table joined with the pictures below its folder, or with all where none lies there."""
    folder = _folder(name)
    below = [picture for picture in pictures if picture.startswith(folder)]
    start = len(folder) if below else 0
    seen = [picture[start:] for picture in below or pictures]
    must = _stem(name) in ("labels", "label") or "table" in options
    prefix = folder if below else ""
    others = {picture.removeprefix(prefix) for picture in described if picture.startswith(prefix)}
    found = match(table, seen, columns=options.get("columns"), empty=empty_option(options), must=must, described=others)
    rows = {prefix + picture: row for picture, row in found.rows.items()}
    return Matched(found.table, found.columns, rows, found.reading, found.notes)


def _item(name: str, folders: Mapping[str, Any], found: tuple[Matched, Mapping[str, Any]] | None) -> Item:
    fields = {field: value for field, value in folders.items() if field != "extra"}
    columns, row = (found[0].columns, found[1]) if found else ({}, {})
    item = make_item(name, row, columns, **fields)
    extra = folders.get("extra")
    return Item(**{**_fields(item), "extra": {**extra, **item.extra}}) if extra else item


def _fields(item: Item) -> dict[str, Any]:
    return {field: getattr(item, field) for field in Item.__dataclass_fields__}


def _layout_notes(layout: FolderLayout, items: Sequence[Item]) -> list[str]:
    if layout.known is not None:
        kind = layout.known.kind
        how = f"; --kind {kind} takes it with its published splits, where it is whole" if kind else ""
        return [f"the files are laid out as in {layout.known.title}, and labels are taken from there{how}"]
    below = {item.uri[len(layout.shared) :].count("/") for item in items}
    if layout.shared and below == {0} and len(items) > 1:
        return [f"all pictures lie in one folder ({short(layout.shared.rstrip('/'))}), which is not taken for a label"]
    from_folders = (
        layout.fields[item.uri].get(field) == getattr(item, field) is not None for item in items for field in ("label", "patient")
    )
    return [layout.note] if layout.note and any(from_folders) else []


def _mixed_labels_notes(items: Sequence[Item], rows: Mapping[str, tuple[Matched, Mapping[str, Any]]]) -> list[str]:
    """Pictures labelled by their folder, where a table labels others: the two sets of labels may not belong together."""
    by_table = {name for name, (matched, row) in rows.items() if row.get(matched.columns.get("label", "")) is not None}
    others = [item for item in items if item.label is not None and item.uri not in by_table]
    if not by_table or not others:
        return []
    n, first = len(others), others[0]
    how = f"{verb_for(n, 'takes')} the label from {verb_for(n, 'its')} {noun_for(n, 'folder')}, since no table gives one"
    return [f"{n} of {counted(len(items), 'picture')} {how}, such as '{short(first.uri)}' (label '{short(str(first.label))}')"]


def _stray_notes(stray: Sequence[str], read: Sequence[TableReading], layout: FolderLayout) -> list[str]:
    """Tables that lie there unread; where none is read, how to have one read."""
    if not stray:
        return []
    name = stray[0].rpartition("/")[2]
    words = f"{short(name)} is a table and is not read" if len(stray) == 1 else f"{len(stray)} tables are not read, such as {short(name)}"
    remedy = "" if read or layout.known else f"; if it describes the pictures, say --option 'table={name}', or call it labels.csv"
    return [words + remedy]


def _kind(layout: FolderLayout, chosen: Mapping[str, Table]) -> str:
    if layout.known is not None:
        return layout.known.kind
    return next((kind for name in chosen if (kind := _BENCHMARK_KINDS.get(_stem(name), ""))), "")


def _rank(name: str) -> tuple[int, str]:
    return _STEMS.index(_stem(name)), name


def _stem(name: str) -> str:
    return PurePosixPath(name.lower().removesuffix(".gz")).stem


def _folder(name: str) -> str:
    folder = name.rpartition("/")[0]
    return f"{folder}/" if folder else ""
