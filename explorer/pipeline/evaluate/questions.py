"""The question of an evaluation, and the columns that answer it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from ...collection import Collection
from ...errors import InputError
from ...evaluation.inputs import column
from ...search import allowed_rows
from .protocols import protocol
from .protocols.base import Protocol
from .protocols.base import Question as Columns
from .splits import Part, RowNumbers, own_split

GROUPS = ("patient", "slide")
SITES = ("site", "scanner", "slide", "patient")


@dataclass(frozen=True, slots=True)
class Question:
    """The label and other columns of an evaluation. Defaults: patient, else slide; for the site: site, scanner, slide, patient."""

    protocol: str
    label: str = "label"
    group: str | None = None
    site: str | None = None
    encoder: str | None = None
    seed: int = 0
    k: int | None = None
    """Neighbours; None for the usual ones of the protocol, fewer where there are fewer rows."""
    where: Mapping[str, Any] = field(default_factory=dict)
    """Only rows with these values, as ``allowed_rows`` takes them; of any column of ``Collection.table``."""
    leave_out: tuple[str, ...] = ()
    """Classes to leave out."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A question with its columns read."""

    protocol: Protocol[Any]
    columns: Columns
    rows: RowNumbers
    """Rows of the collection that count."""
    teaching_rows: RowNumbers | None
    """Rows of the training collection that count."""
    unlabelled: int
    """Rows without a label among the chosen rows."""
    copies: int
    """Rows that are exact copies of another and are not counted."""
    group: str | None
    site: str | None
    annotations_sha256: str | None
    """sha256 of the columns made by people that are used, whose values change; None where none is used."""


def prepare(collection: Collection, question: Question, train: Collection | None, *, device: str = "auto") -> Prepared:
    """Read the columns, and leave out rows that do not count. Raises ``InputError`` for a question that cannot be answered."""
    found = protocol(question.protocol)
    _check(found, question, train)
    table = collection.table()
    group, site = _group(collection, found, question), _site(collection, found, question)
    mask = allowed_rows(table, where=question.where) if question.where else None
    asked = np.arange(collection.n) if mask is None else np.flatnonzero(mask)
    if len(asked) == 0:
        raise InputError("No row is left by the conditions of --where, so there is nothing to measure; loosen one of them.")
    part = _part(table, collection.name, question.label, group, site).take(asked)
    _check_classes_known(part, question)
    unlabelled = int(part.label.isna().sum())
    part = part.without(question.leave_out)
    labelled = int(part.label.notna().sum())
    counted = part.counted()
    teacher, teaching_rows = None, None
    used = [_by_people(collection, table, (question.label, group, site, *question.where))]
    if train is not None:
        taught = train.table()
        teacher = _part(taught, train.name, question.label, group if group in taught else None, None).without(question.leave_out)
        used.append(_by_people(train, taught, (question.label, group)))
        teaching_rows = teacher.counted()
        teacher = teacher.take(teaching_rows)
    columns = Columns(
        part=part.take(counted),
        teacher=teacher,
        group_name=group or "",
        site_name=site or "",
        seed=question.seed,
        k=question.k,
        device=device,
    )
    return Prepared(
        protocol=found,
        columns=columns,
        rows=asked[counted],
        teaching_rows=teaching_rows,
        unlabelled=unlabelled,
        copies=labelled - len(counted),
        group=group,
        site=site,
        annotations_sha256=hashlib.sha256("\n".join(used).encode()).hexdigest() if any(used) else None,
    )


def usual_group(collection: Collection) -> str | None:
    """The default column to keep apart; None where neither patients nor slides are known."""
    return next((name for name in GROUPS if _has_values(collection, name)), None)


def site_columns(collection: Collection) -> list[str]:
    """Columns that say where a patch is from, best first: those with several places first, then those with one."""
    known = [name for name in SITES if _has_values(collection, name)]
    return sorted(known, key=lambda name: collection.items[name].nunique() < 2)


def _check(found: Protocol[Any], question: Question, train: Collection | None) -> None:
    if train is not None and not found.learns:
        raise InputError(f"{found.name} learns from no rows, so it takes no collection to train on; leave it out.")
    if question.site is not None and not found.by_site:
        raise InputError(f"A site column is for site-bias, and {found.name} has no use for it; leave it out.")
    if question.k is not None and question.k < 1:
        raise InputError(f"k is {question.k}; pass a whole number of 1 or more.")
    if question.k is not None and found.with_val:
        raise InputError(f"{found.name} looks at no neighbours, so it takes no k; leave it out.")


def _check_classes_known(part: Part, question: Question) -> None:
    if not question.leave_out:
        return
    names = column(part.label, name=question.label, n=len(part.label)).names
    if unknown := [name for name in question.leave_out if name not in names]:
        known = ", ".join(names)
        raise InputError(f"Column {question.label} has no class {unknown[0]!r} to leave out; it has {_cut(known)}.")


def _cut(text: str, most: int = 160) -> str:
    return text if len(text) <= most else text[: most - 2] + " …"


def _group(collection: Collection, found: Protocol[Any], question: Question) -> str | None:
    """The column whose values are kept apart. Where the site is itself the patient or slide, only the query is left out."""
    if found.by_site and question.group is None and _site(collection, found, question) in GROUPS:
        return None
    if question.group is not None:
        _column(collection.table(), collection.name, question.group)
        return question.group
    return usual_group(collection)


def _site(collection: Collection, found: Protocol[Any], question: Question) -> str | None:
    if not found.by_site:
        return None
    if question.site is not None:
        return question.site
    if known := next(iter(site_columns(collection)), None):
        return known
    raise InputError(
        f"Collection {collection.name!r} has no site, scanner, slide or patient column; name one that says where a patch is from."
    )


def _has_values(collection: Collection, name: str) -> bool:
    return name in collection.items and bool(_column(collection.items, collection.name, name).notna().any())


def _by_people(collection: Collection, table: pd.DataFrame, names: Sequence[str | None]) -> str:
    """Those of the columns that people made, with their values, as JSON; empty where none of them is made by people."""
    made = sorted({name for name in names if name is not None and name in table and name not in collection.items})
    return table[made].to_json(orient="split", index=False) if made else ""


def _part(table: pd.DataFrame, collection: str, label: str, group: str | None, site: str | None) -> Part:
    values = {name: _column(table, collection, name) for name in (label, group, site) if name is not None}
    return Part(
        label=values[label],
        group=None if group is None or not values[group].notna().any() else values[group],
        site=None if site is None else values[site],
        pixels=table["sha256"],
        split=own_split(_column(table, collection, "split")),
    )


def _column(table: pd.DataFrame, collection: str, name: str) -> pd.Series:
    """A column with None for every gap; numbers stay numbers. ``collection`` is named in the error."""
    if name not in table:
        columns = ", ".join(map(str, table.columns))
        raise InputError(f"Collection {collection!r} has no column {name!r}; it has {_cut(columns)}.")
    values = table[name].astype(object)
    text = values.map(lambda value: isinstance(value, str) and not value.strip())
    return values.where(values.notna() & ~text, None)


def classes_left_out(classes: Sequence[str]) -> tuple[str, ...]:
    """Classes to leave out, sorted and without repetition, so that equal questions have equal reports."""
    return tuple(sorted(set(classes)))
