"""Checks and conversions of the input of every report; each error is one sentence."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Float32, Int64

from ..errors import InputError
from ..types import Vectors
from ..wording import counted, verb_for

Codes = Int64[np.ndarray, " n"]
"""The number of a row's class in its column's ``names``; -1 where the column has a gap."""


Values = Sequence[Any] | np.ndarray | pd.Series
"""A label, patient or site for each row: text or numbers; None, NaN and empty text are gaps."""


@dataclass(frozen=True, slots=True)
class Column:
    """A label, patient or site column as class numbers."""

    names: tuple[str, ...]
    codes: Codes


def column(values: Values, *, name: str, n: int) -> Column:
    """Numbers for the values of a column; None, NaN and empty text are gaps (-1).

    Classes are numbered in the order of their values, so the numbering does not depend on the order of the rows.
    Raises ``InputError`` where the column is empty, has not ``n`` entries, or holds gaps only.
    """
    if len(values) != n:
        raise InputError(f"The {name} column has {counted(len(values), 'entry')} for {counted(n, 'vector')}; pass one entry per row.")
    series = pd.Series(np.asarray(values, dtype=object))
    if not pd.api.types.is_numeric_dtype(series.infer_objects()):
        series = series.where(series.isna(), series.astype(str).str.strip()).replace("", None)
    codes, unique = pd.factorize(series, sort=True)
    if len(unique) == 0:
        raise InputError(f"The {name} column is empty, so there is nothing to measure; choose a column with values.")
    return Column(tuple(class_name(value) for value in unique), codes.astype(np.int64))


def complete_rows(columns: Mapping[str, Column]) -> tuple[Codes, dict[str, int]]:
    """The rows without a gap in any column, ascending, and the number of rows left out, by the first column that had a gap.

    Raises ``InputError`` where no row is complete.
    """
    whole, dropped = np.ones(len(next(iter(columns.values())).codes), bool), {}
    for name, each in columns.items():
        dropped[name] = int((whole & (each.codes < 0)).sum())
        whole &= each.codes >= 0
    if not whole.any():
        raise InputError(f"No row has a {' and a '.join(columns)}; fill these columns in.")
    return np.flatnonzero(whole), dropped


def renumber(column: Column, by: Column, *, part: str) -> Codes:
    """A column's codes in the numbers of another's classes; -1 stays. Raises ``InputError`` for a class ``by`` lacks."""
    place = {name: i for i, name in enumerate(by.names)}
    unknown = [name for name in column.names if name not in place]
    if unknown:
        raise InputError(f"Class {unknown[0]!r} is in the {part} rows but not in the training rows; add it there or leave it out.")
    numbers = np.array([*(place[name] for name in column.names), -1], np.int64)
    return np.asarray(numbers[column.codes])


def check_vectors(vectors: Vectors, *, name: str = "vectors") -> None:
    """Raises ``InputError`` for no rows, and for rows that hold NaN or infinity (the first is named)."""
    if len(vectors) == 0:
        raise InputError(f"There are no {name}; embed the images first.")
    bad = np.flatnonzero(~np.isfinite(vectors).all(axis=1))
    if len(bad):
        raise InputError(f"Row {bad[0]} of the {name} ({len(bad)} in all) holds NaN or infinity; embed these images again.")


def check_same_width(x_train: Vectors, other: Float32[np.ndarray, "m d2"], *, name: str) -> None:
    """Raises ``InputError`` where two parts were made by different encoders."""
    if other.shape[1] != x_train.shape[1]:
        raise InputError(
            f"A {name} vector has {other.shape[1]} numbers and a training vector {x_train.shape[1]}; use one encoder for both."
        )


def check_classes(label: Column, *, name: str = "label") -> None:
    """Raises ``InputError`` where there is only one class."""
    if len(label.names) < 2:
        raise InputError(f"The {name} column has one class only ({label.names[0]!r}); a score needs at least two.")


def check_judged(truth: Codes, names: Sequence[str], *, part: str) -> None:
    """Raises ``InputError`` where all judged rows are of one class, because always predicting that class would score perfectly."""
    if len(judged := np.unique(truth)) == 1:
        raise InputError(f"All labelled {part} rows are of class {names[judged[0]]!r}; a score needs rows of at least two classes.")


def check_k(ks: Sequence[int], n: int) -> None:
    """Raises ``InputError`` for a k below 1 and for a k that ``n`` rows cannot fill."""
    if not ks or min(ks) < 1:
        raise InputError(f"k is {list(ks)}; pass whole numbers of 1 or more.")
    if max(ks) > n:
        raise InputError(
            f"There {verb_for(n, 'is')} {counted(n, 'row')} to choose from, fewer than k = {max(ks)}; pass a smaller k or more rows."
        )


def classes_of(rows: Mapping[str, int], *, most_characters: int | None = 100) -> str:
    """Names of classes with their rows, for a sentence: as many as fit, and the number of the others; all of them for None."""
    head = f"{counted(len(rows), 'class')} with {counted(sum(rows.values()), 'row')}"
    named: list[str] = []
    for name in rows:
        if most_characters is not None and sum(len(each) + 2 for each in named) + len(name) > most_characters:
            break
        named.append(repr(name))
    if not named:
        return head
    others = f" and {len(rows) - len(named)} more" if len(named) < len(rows) else ""
    return f"{head} ({', '.join(named)}{others})"


def fitting_k(given: Sequence[int] | None, usual: Sequence[int], most: int, *, what: str) -> tuple[list[int], str]:
    """The k to use, rising, and a sentence where the usual ones had to be reduced to what ``most`` rows can fill.

    Raises ``InputError`` as ``check_k`` does for k that were given.
    """
    if given is not None or most >= max(usual):
        ks = sorted(set(usual if given is None else given))
        check_k(ks, most)
        return ks, ""
    ks = sorted({each for each in usual if each < most} | {max(1, most)})
    left_out = ", ".join(str(each) for each in sorted(set(usual) - set(ks)))
    return ks, f"There are only {most} {what}, so k is {', '.join(map(str, ks))}; the usual k = {left_out} cannot be filled."


def sha256(*arrays: np.ndarray) -> str:
    """A fingerprint of what was measured, for the report."""
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


def class_name(value: Any) -> str:
    """The name of a class: whole numbers without a decimal point, text without spaces around it."""
    return str(int(value)) if isinstance(value, (float, np.floating)) and float(value).is_integer() else str(value).strip()
