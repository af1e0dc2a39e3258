"""Splits into training, validation and test rows: with each patient in one part, or without that, for comparison."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
from jaxtyping import Float32, Int64

from ...errors import InputError
from ...evaluation import folds
from ...evaluation.inputs import class_name, classes_of

MOST_FOLDS = 5
SPLITS = {"train": "train", "training": "train", "val": "val", "valid": "val", "validation": "val", "test": "test", "testing": "test"}
"""The usual values of a ``split`` column and the standard words for them."""
RowNumbers = Int64[np.ndarray, " _"]
"""Of any length: the parts of a split differ."""
AnyVectors = Float32[np.ndarray, "_ _"]


@dataclass(frozen=True, slots=True)
class Part:
    """The columns of some rows of one collection; a gap is None."""

    label: pd.Series
    group: pd.Series | None
    site: pd.Series | None
    pixels: pd.Series
    """sha256 of each picture."""
    split: pd.Series | None = None
    """train, val, test or None; None as a whole where the collection has no split that can be used."""

    def take(self, rows: RowNumbers) -> Part:
        """Some rows, renumbered from 0."""

        def some(column: pd.Series) -> pd.Series:
            return column.iloc[rows].reset_index(drop=True)

        group, site, split = (None if each is None else some(each) for each in (self.group, self.site, self.split))
        return Part(some(self.label), group, site, some(self.pixels), split)

    def without(self, classes: Sequence[str]) -> Part:
        """The same rows, with no label for those of some classes."""
        if not classes:
            return self
        gone = self.label.map(lambda value: value is not None and class_name(value) in set(classes))
        return replace(self, label=self.label.where(~gone.astype(bool), None))

    def counted(self) -> RowNumbers:
        """Labelled rows in the order of their pictures' hashes; of exact copies in one class, group, site and split the first.

        Raises ``InputError`` where no row has a label.
        """
        columns = {name: getattr(self, name) for name in ("pixels", "label", "group", "site", "split")}
        table = pd.DataFrame({name: each.astype(object).to_numpy() for name, each in columns.items() if each is not None})
        table = table[table["label"].notna()].sort_values("pixels", kind="stable")
        if table.empty:
            raise InputError("The label column is empty, so there is nothing to measure; choose a column with values.")
        return table[~table.astype(str).duplicated()].index.to_numpy(np.int64)


@dataclass(frozen=True, slots=True)
class Split:
    """Row numbers. ``train`` and ``val`` are rows of the collection to learn from, ``test`` of the measured one.

    Each part is in the order of its pictures' hashes, so that nothing depends on the order of the rows.
    """

    train: RowNumbers
    val: RowNumbers
    test: RowNumbers
    left_out: Mapping[str, int]
    """Rows that were left out of training, by reason."""
    way: str
    """How the rows were split, in a sentence."""
    selected: bool = False
    """True if the test rows also choose the checkpoint, which makes a score optimistic."""
    judged: str = ""
    """"test" or "val" of the collection's own split; empty where something else decided."""
    classes_left_out: Mapping[str, int] = field(default_factory=dict)
    """Classes that cannot be in every part, with their rows."""


def own_split(values: pd.Series) -> pd.Series | None:
    """The column ``split`` with the three standard words; None where it has no rows to train on or to test."""
    split = values.map(lambda value: SPLITS.get(str(value).strip().lower()) if value is not None else None)
    known = set(split.dropna())
    return split if "train" in known and known & {"val", "test"} else None


def split(part: Part, *, teacher: Part | None, with_val: bool, apart: bool, seed: int) -> Split:
    """Split by another collection to train on, if given; else by the collection's own split; else by folds.

    With ``apart`` no group is in two parts; without it only single rows are kept apart. Rows without a label are left out, and
    exact copies inside one group and class count once. Classes that cannot be in every part are left out and named. Raises
    ``InputError`` where fewer than two classes can be split, or no row to train on or to test is left.
    """
    if teacher is not None:
        return _taught(part, teacher, with_val=with_val, apart=apart, seed=seed)
    if part.split is not None:
        return _as_given(part, part.split, with_val=with_val, apart=apart, seed=seed)
    rows = part.counted()
    fold, left_out = _folds(part, rows, n_needed=3 if with_val else 2, apart=apart, seed=seed)
    held = "one to judge by, one to choose the checkpoint by" if with_val else "one to judge by"
    what = "groups whole" if apart and part.group is not None else "rows"
    way = f"{int(fold.max()) + 1} folds of {what}: {held}, the rest to learn from"
    val = rows[fold == 1] if with_val else rows[:0]
    return Split(rows[fold > int(with_val)], val, rows[fold == 0], {}, way, classes_left_out=left_out)


def both_sides(vectors: AnyVectors, teaching: AnyVectors | None, found: Split) -> tuple[AnyVectors, AnyVectors, AnyVectors]:
    """The training, validation and test vectors."""
    source = vectors if teaching is None else teaching
    return source[found.train], source[found.val], vectors[found.test]


def _taught(part: Part, teacher: Part, *, with_val: bool, apart: bool, seed: int) -> Split:
    test, rows = part.counted(), teacher.counted()
    rows, left_out = _may_teach(rows, teacher, test, part) if apart else (rows, {})
    way = "another collection teaches, this one is judged"
    if not with_val:
        return _same_classes(Split(rows, rows[:0], test, left_out, way), part, teacher)
    fold, alone = _folds(teacher, rows, n_needed=2, apart=apart, seed=seed)
    way += "; a fold of the other one chooses the checkpoint"
    return _same_classes(Split(rows[fold > 0], rows[fold == 0], test, left_out, way, classes_left_out=alone), part, teacher)


def _as_given(part: Part, given: pd.Series, *, with_val: bool, apart: bool, seed: int) -> Split:
    """Split by the column ``split``. Without test rows the val rows are tested; without val rows a fold of the train rows is used."""
    rows = part.counted()
    train, val, test = (rows[(given.iloc[rows] == name).to_numpy()] for name in ("train", "val", "test"))
    judged = "test" if len(test) else "val"
    test = test if len(test) else val
    if len(train) == 0 or len(test) == 0:
        raise InputError(f"The split column leaves no labelled {'train' if len(train) == 0 else 'val or test'} rows; label some of them.")
    left_out: dict[str, int] = {}
    if apart:
        train, left_out = _may_teach(train, part, test, part)
    way = f"the collection's own split: train teaches, {judged} is judged"
    found = Split(train, train[:0], test, left_out, way, judged=judged)
    if with_val and judged == "val":
        found = replace(found, val=val, way=f"{way}, and also chooses the checkpoint", selected=True)
    elif with_val and len(val):
        val = _may_teach(val, part, test, part)[0] if apart else val
        found = replace(found, val=val, way=f"{way}, val chooses the checkpoint")
    elif with_val:
        fold, alone = _folds(part, train, n_needed=2, apart=apart, seed=seed)
        way += ", a fold of train chooses the checkpoint"
        found = replace(found, train=train[fold > 0], val=train[fold == 0], way=way, classes_left_out=alone)
    return _same_classes(found, part, part)


def _same_classes(found: Split, part: Part, teacher: Part) -> Split:
    """The split without validation and test rows whose class is not in training. Raises ``InputError`` where no test rows are left."""
    learnt = {class_name(value) for value in teacher.label.iloc[found.train]}
    left_out = dict(found.classes_left_out)
    names = part.label.iloc[found.test].map(class_name)
    for name, n in names[~names.isin(learnt)].value_counts(sort=False).items():
        left_out[str(name)] = left_out.get(str(name), 0) + int(n)
    test = found.test[names.isin(learnt).to_numpy(bool)]
    if len(test) == 0:
        raise InputError(f"No row to judge is of a class that is learnt: {classes_of(left_out)}; bring rows of the same classes.")
    val = found.val[teacher.label.iloc[found.val].map(class_name).isin(learnt).to_numpy(bool)]
    return replace(found, val=test if found.selected else val, test=test, classes_left_out=left_out)


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
        raise InputError("Every row to learn from is of a patient, or is a picture, that is judged too; teach with other patients.")
    return rows[may], left_out


def _folds(part: Part, rows: RowNumbers, *, n_needed: int, apart: bool, seed: int) -> tuple[Int64[np.ndarray, " _"], dict[str, int]]:
    """A fold for each of ``rows``, -1 for those left out; and the classes that lie in too few groups, with their rows.

    Rows without a group are left out where groups are known. Raises ``InputError`` where fewer than two classes are left.
    """
    part = part.take(rows)
    label = part.label.where(part.group.notna(), None) if part.group is not None else part.label
    known = label.dropna().map(class_name)
    unit = pd.Series(known.index, known.index) if part.group is None else part.group.loc[known.index]
    spread, size = unit.groupby(known).nunique(), part.label.map(class_name).value_counts()
    alone = {name: int(size[name]) for name in size.index.sort_values() if spread.get(name, 0) < n_needed}
    if len(size) - len(alone) < 2 and alone:
        what = "rows (exact copies count once)" if part.group is None else "groups (patients or slides)"
        raise InputError(
            f"{classes_of(alone)} {'lies' if len(alone) == 1 else 'lie'} in fewer than the {n_needed} {what} that keep teaching and "
            "judging apart, and a score needs two other classes; add some."
        )
    label = label.where(~label.map(lambda value: value is not None and class_name(value) in alone).astype(bool), None)
    spread = spread.drop(labels=list(alone), errors="ignore")
    n_folds = max(n_needed, min(MOST_FOLDS, int(spread.min()))) if len(spread) else n_needed
    groups = part.group if apart else None
    fold = folds(label.to_numpy(object), groups=None if groups is None else groups.to_numpy(object), n_folds=n_folds, seed=seed)
    return fold, alone
