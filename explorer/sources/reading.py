"""How a source was read, before anything is built: a value that is printed, shown, corrected and stored with the collection."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple

from ..types import Item, Reject, Source
from ..wording import verb_for
from .table_reader import Table

MOST_NAMES = 200
"""Maximal number of names of lines without a picture in a record."""
_MOST_LABELS = 1000
_EXAMPLES = 3
_OUTCOMES = {
    "repeated": ("names", "a picture again"),
    "ambiguous": ("fits", "several pictures"),
    "unmatched": ("names", "no picture"),
    "empty": ("names", "nothing"),
}
_COUNTED = ("label", "patient", "slide", "site", "split")


@dataclass(frozen=True, slots=True)
class ColumnReading:
    """One column of a table."""

    name: str
    taken_for: str
    """Our field; ``uri`` for the column that names the pictures, empty where the column is kept under its own name."""
    holds: str
    """Type of the values: text, whole numbers, numbers, yes or no, or nothing."""
    filled: int
    """Number of lines with a value."""
    examples: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TableReading:
    """One table, and what happened to its lines: ``lines`` is the sum of the five counts after ``columns``."""

    name: str
    form: str
    lines: int
    columns: tuple[ColumnReading, ...]
    matched: int
    repeated: int = 0
    ambiguous: int = 0
    unmatched: int = 0
    empty: int = 0
    how: Mapping[str, int] = field(default_factory=dict)
    """Lines matched, by what they matched on."""
    pictures_without_line: int = 0
    names_without_picture: tuple[str, ...] = ()
    """The first ``MOST_NAMES`` of them."""
    nearest_pictures: tuple[tuple[str, ...], ...] = ()
    """For each of these, the three pictures with the most similar names."""
    ambiguous_names: tuple[str, ...] = ()
    """The first ``MOST_NAMES`` names that fit several pictures."""
    fitting_pictures: tuple[tuple[str, ...], ...] = ()
    """For each of these, the first three pictures that it fits."""


class Listing(NamedTuple):
    """The result of listing a source: its pictures, rejects, and how tables were read."""

    items: list[Item]
    rejects: list[Reject]
    layout: str = ""
    """Name of a known layout, where it has one."""
    suggested_kind: str = ""
    """The ``--kind`` that takes this layout with its published splits."""
    tables: tuple[TableReading, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Reading:
    """How a source was read."""

    kind: str
    layout: str
    suggested_kind: str
    pictures: int
    rejected: int
    labels: Mapping[str, int]
    """Pictures of each label, the most frequent first; at most 1000 labels."""
    labelled: int
    """Pictures with a label."""
    distinct: Mapping[str, int]
    """Field -> number of different values, for label, patient, slide, site and split."""
    tables: tuple[TableReading, ...]
    notes: tuple[str, ...]
    """What was guessed, changed, set aside or not matched, one sentence each."""

    def to_json(self) -> dict[str, Any]:
        """As a document of JSON types."""
        return asdict(self)


def reading_of(source: Source) -> Reading:
    """List a source and return how it was read. Raises what listing raises."""
    items = source.items()
    listing = getattr(source, "listing", None)
    found = listing if isinstance(listing, Listing) else Listing([], [])
    labels = Counter(item.label for item in items if item.label)
    distinct = {name: len({value for item in items if (value := getattr(item, name))}) for name in _COUNTED}
    return Reading(
        kind=source.kind,
        layout=found.layout,
        suggested_kind=found.suggested_kind,
        pictures=len(items),
        rejected=len(source.rejects()),
        labels=dict(labels.most_common(_MOST_LABELS)),
        labelled=labels.total(),
        distinct=distinct,
        tables=found.tables,
        notes=(*_label_notes(labels, len(items)), *found.notes),
    )


def column_readings(table: Table, columns: Mapping[str, str]) -> tuple[ColumnReading, ...]:
    """Each column of a converted table, with the field it is read as."""
    fields: dict[str, list[str]] = {}
    for name, column in columns.items():
        fields.setdefault(column, []).append(name)
    return tuple(
        ColumnReading(name, ", ".join(fields.get(name, [])), _holds(cells), sum(cell is not None for cell in cells), _examples(cells))
        for name, cells in table.columns.items()
    )


def outcomes(table: Mapping[str, Any]) -> list[str]:
    """What happened to the lines of a table (a ``TableReading`` as a mapping), such as ``2 matched`` and ``1 names no picture``."""
    found = [f"{table['matched']} matched"] if table["matched"] else []
    return found + [f"{n} {verb_for(n, verb)} {rest}" for name, (verb, rest) in _OUTCOMES.items() if (n := table[name])]


def short(text: str, length: int = 48) -> str:
    """The text on one line, shortened in the middle to fit a sentence."""
    text = " ".join(text.split())
    return text if len(text) <= length else f"{text[: length // 2 - 1]}…{text[-(length // 2) :]}"


def _label_notes(labels: Counter[str], pictures: int) -> list[str]:
    if not labels:
        return ["no picture has a label; give each class a folder, or name classes in a column 'label' of labels.csv"]
    if len(labels) == 1 and pictures > 1:
        (label, count), *_ = labels.items()
        which = f"all {pictures} pictures have" if count == pictures else f"{count} of {pictures} pictures {verb_for(count, 'has')}"
        return [f"{which} the one label {short(label)!r}; nothing can be told apart by it"]
    return []


def _holds(cells: Sequence[Any]) -> str:
    kinds = {type(cell) for cell in cells if cell is not None}
    if not kinds:
        return "nothing"
    if kinds == {bool}:
        return "yes or no"
    if kinds == {int}:
        return "whole numbers"
    return "numbers" if kinds <= {int, float} else "text"


def _examples(cells: Sequence[Any]) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for cell in cells:
        if cell is not None:
            found.setdefault(short(str(cell)))
        if len(found) == _EXAMPLES:
            break
    return tuple(found)
