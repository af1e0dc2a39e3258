"""Which rows teach and which are tested, with patients on one side only, or without that care for comparison."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from jaxtyping import Float32, Int64

from ..errors import InputError
from ..evaluation import folds

MOST_FOLDS = 5
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


@dataclass(frozen=True, slots=True)
class Split:
    """Row numbers. ``train`` and ``val`` are rows of the teaching collection, ``test`` of the measured one."""

    train: RowNumbers
    val: RowNumbers
    test: RowNumbers
    left_out: Mapping[str, int]
    """Rows that were kept from teaching, by reason."""


def split(part: Part, *, teacher: Part | None, with_val: bool, apart: bool, seed: int) -> Split:
    """Rows of one collection in folds, or all rows of ``part`` as test rows and those of ``teacher`` to learn from.

    With ``apart`` no group lies on two sides; without it only single rows are kept apart. Rows without a label or a group
    are in no fold, so both ways share their rows. Raises ``InputError`` where a class cannot be split so.
    """
    if teacher is None:
        fold = _folds(part, n_needed=3 if with_val else 2, apart=apart, seed=seed)
        val = fold == 1 if with_val else np.zeros(len(fold), bool)
        return Split(np.flatnonzero((fold > 0) & ~val), np.flatnonzero(val), np.flatnonzero(fold == 0), {})
    rows, left_out = _may_teach(part, teacher) if apart else (np.arange(len(teacher.label)), {})
    test = np.arange(len(part.label))
    if not with_val:
        return Split(rows, rows[:0], test, left_out)
    own = Part(
        label=teacher.label.iloc[rows],
        group=None if teacher.group is None else teacher.group.iloc[rows],
        site=None,
        pixels=teacher.pixels.iloc[rows],
    )
    fold = _folds(own, n_needed=2, apart=apart, seed=seed)
    return Split(rows[fold > 0], rows[fold == 0], test, left_out)


def _may_teach(part: Part, teacher: Part) -> tuple[RowNumbers, dict[str, int]]:
    """The teaching rows that share no picture and no group with a test row, and how many were left out for each reason."""
    shared = {"same picture": teacher.pixels.isin(part.pixels).to_numpy(bool)}
    if part.group is not None and teacher.group is not None:
        shared["same group"] = (teacher.group.notna() & teacher.group.isin(part.group.dropna())).to_numpy(bool)
    may, left_out = np.ones(len(teacher.label), dtype=bool), {}
    for reason, rows in shared.items():
        left_out[reason] = int((may & rows).sum())
        may = may & ~rows
    if not may.any():
        raise InputError("Every row to learn from is of a patient, or is a picture, that is tested too; choose another collection.")
    return np.flatnonzero(may), left_out


def both_sides(vectors: AnyVectors, teaching: AnyVectors | None, found: Split) -> tuple[AnyVectors, AnyVectors, AnyVectors]:
    """The vectors to learn from, to choose by and to test."""
    source = vectors if teaching is None else teaching
    return source[found.train], source[found.val], vectors[found.test]


def _folds(part: Part, *, n_needed: int, apart: bool, seed: int) -> Int64[np.ndarray, " n"]:
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
