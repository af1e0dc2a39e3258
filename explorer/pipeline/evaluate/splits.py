"""Which rows teach and which are tested, with patients on one side only, or without that care for comparison."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from jaxtyping import Float32, Int64

from ...errors import InputError
from ...evaluation import folds

MOST_FOLDS = 5
SPLITS = {"train": "train", "training": "train", "val": "val", "valid": "val", "validation": "val", "test": "test", "testing": "test"}
"""What values of a ``split`` column mean."""
RowNumbers = Int64[np.ndarray, " _"]
"""Of any length: the parts of a split differ."""
AnyVectors = Float32[np.ndarray, "_ _"]


@dataclass(frozen=True, slots=True)
class Part:
    """The columns of one collection that a measurement asks for; a gap is None."""

    label: pd.Series
    group: pd.Series | None
    site: pd.Series | None
    pixels: pd.Series
    """sha256 of each picture."""
    split: pd.Series | None = None
    """train, val, test or None; None as a whole where the collection has no split that can be used."""


@dataclass(frozen=True, slots=True)
class Split:
    """Row numbers. ``train`` and ``val`` are rows of the teaching collection, ``test`` of the measured one.

    Each part is in the order of its pictures' hashes, so that nothing depends on the order of the rows.
    """

    train: RowNumbers
    val: RowNumbers
    test: RowNumbers
    left_out: Mapping[str, int]
    """Rows that were kept from teaching, by reason."""
    way: str
    """How the rows were split, in a sentence."""
    selected: bool = False
    """Whether the rows that are tested are also those that choose the checkpoint, which makes a score optimistic."""
    judged: str = ""
    """"test" or "val" of the collection's own split; empty where something else decided."""


def own_split(values: pd.Series) -> pd.Series | None:
    """A ``split`` column in the three words; None where it does not say both what teaches and what is tested."""
    split = values.map(lambda value: SPLITS.get(str(value).strip().lower()) if value is not None else None)
    known = set(split.dropna())
    return split if "train" in known and known & {"val", "test"} else None


def split(part: Part, *, teacher: Part | None, with_val: bool, apart: bool, seed: int) -> Split:
    """Another collection teaches where there is one; else the collection's own split decides; else folds of it.

    With ``apart`` no group lies on two sides; without it only single rows are kept apart. Rows without a label take no part,
    and exact copies inside one group and class count once. Raises ``InputError`` where a class cannot be split so.
    """
    if teacher is not None:
        return _taught(part, teacher, with_val=with_val, apart=apart, seed=seed)
    if part.split is not None:
        return _as_given(part, part.split, with_val=with_val, apart=apart, seed=seed)
    rows = _once(part)
    fold = _folds(part, rows, n_needed=3 if with_val else 2, apart=apart, seed=seed)
    val = rows[fold == 1] if with_val else rows[:0]
    held = "one to judge by, one to choose the checkpoint by" if with_val else "one to judge by"
    what = "groups whole" if apart and part.group is not None else "rows"
    way = f"{int(fold.max()) + 1} folds of {what}: {held}, the rest to learn from"
    return Split(rows[(fold > 0) & ~np.isin(rows, val)], val, rows[fold == 0], {}, way)


def both_sides(vectors: AnyVectors, teaching: AnyVectors | None, found: Split) -> tuple[AnyVectors, AnyVectors, AnyVectors]:
    """The vectors to learn from, to choose by and to test."""
    source = vectors if teaching is None else teaching
    return source[found.train], source[found.val], vectors[found.test]


def _taught(part: Part, teacher: Part, *, with_val: bool, apart: bool, seed: int) -> Split:
    test, rows = _once(part), _once(teacher)
    rows, left_out = _may_teach(rows, teacher, test, part) if apart else (rows, {})
    way = "another collection teaches, this one is judged"
    if not with_val:
        return Split(rows, rows[:0], test, left_out, way)
    fold = _folds(teacher, rows, n_needed=2, apart=apart, seed=seed)
    return Split(rows[fold > 0], rows[fold == 0], test, left_out, f"{way}; a fold of the other one chooses the checkpoint")


def _as_given(part: Part, given: pd.Series, *, with_val: bool, apart: bool, seed: int) -> Split:
    """By the column ``split``. Without test rows the val rows are judged; without val rows a fold of the train rows chooses."""
    rows = _once(part)
    train, val, test = (rows[(given.iloc[rows] == name).to_numpy()] for name in ("train", "val", "test"))
    tested = "test" if len(test) else "val"
    test = test if len(test) else val
    if len(train) == 0 or len(test) == 0:
        raise InputError(f"The split column leaves no labelled {'train' if len(train) == 0 else 'val or test'} rows; label some of them.")
    left_out: dict[str, int] = {}
    if apart:
        train, left_out = _may_teach(train, part, test, part)
    way = f"the collection's own split: train teaches, {tested} is judged"
    if not with_val:
        return Split(train, train[:0], test, left_out, way, judged=tested)
    if tested == "val":
        return Split(train, val, test, left_out, f"{way}, and also chooses the checkpoint", selected=True, judged=tested)
    if len(val):
        val = _may_teach(val, part, test, part)[0] if apart else val
        return Split(train, val, test, left_out, f"{way}, val chooses the checkpoint", judged=tested)
    fold = _folds(part, train, n_needed=2, apart=apart, seed=seed)
    return Split(train[fold > 0], train[fold == 0], test, left_out, f"{way}, a fold of train chooses the checkpoint", judged=tested)


def _once(part: Part) -> RowNumbers:
    """Labelled rows in the order of their pictures' hashes, exact copies inside one group, class and split once."""
    columns = {"pixels": part.pixels, "label": part.label, "group": part.group, "split": part.split}
    table = pd.DataFrame({name: column.astype(object).to_numpy() for name, column in columns.items() if column is not None})
    table = table[table["label"].notna()].sort_values("pixels", kind="stable")
    if table.empty:
        raise InputError("The label column is empty, so there is nothing to measure; choose a column with values.")
    return table[~table.astype(str).duplicated()].index.to_numpy(np.int64)


def _may_teach(rows: RowNumbers, teacher: Part, test: RowNumbers, part: Part) -> tuple[RowNumbers, dict[str, int]]:
    """Those of ``rows`` that share no picture and no group with a test row, and how many were left out for each reason."""
    shared = {"same picture": teacher.pixels.iloc[rows].isin(part.pixels.iloc[test]).to_numpy(bool)}
    if part.group is not None and teacher.group is not None:
        own = teacher.group.iloc[rows]
        shared["same group"] = (own.notna() & own.isin(part.group.iloc[test].dropna())).to_numpy(bool)
    may, left_out = np.ones(len(rows), dtype=bool), {}
    for reason, same in shared.items():
        left_out[reason] = int((may & same).sum())
        may = may & ~same
    if not may.any():
        raise InputError("Every row to learn from is of a patient, or is a picture, that is tested too; teach with other patients.")
    return rows[may], left_out


def _folds(part: Part, rows: RowNumbers, *, n_needed: int, apart: bool, seed: int) -> Int64[np.ndarray, " _"]:
    """A fold for each of ``rows``; -1 for those without a group where groups are known."""
    part = _of(part, rows)
    label = part.label
    if part.group is not None:
        label = label.where(part.group.notna(), None)
    known = label.dropna()
    unit = pd.Series(known.index, known.index) if part.group is None else part.group.loc[known.index]
    spread = unit.groupby(known.astype(str)).nunique()
    if len(spread) and spread.min() < n_needed:
        what = "row" if part.group is None else "group (patient or slide)"
        raise InputError(
            f"Class {spread.idxmin()!r} lies in {spread.min()} {what}, and {n_needed} are needed to keep teaching and testing apart; "
            "add some or leave the class out."
        )
    n_folds = max(n_needed, min(MOST_FOLDS, int(spread.min()) if len(spread) else n_needed))
    groups = part.group if apart else None
    return folds(label.to_numpy(object), groups=None if groups is None else groups.to_numpy(object), n_folds=n_folds, seed=seed)


def _of(part: Part, rows: RowNumbers) -> Part:
    """Some rows of a part, numbered anew."""

    def only(column: pd.Series | None) -> pd.Series | None:
        return None if column is None else column.iloc[rows].reset_index(drop=True)

    label, pixels = only(part.label), only(part.pixels)
    assert label is not None and pixels is not None  # these two are always there
    return replace(part, label=label, pixels=pixels, group=only(part.group), site=only(part.site), split=only(part.split))
