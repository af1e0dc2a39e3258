"""The rows that count in a neighbour report, in an order that does not depend on their input order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Int64

from ..cosine import unit
from ..errors import InputError
from ..types import Vectors
from .inputs import Codes, Column, check_classes, check_vectors, classes_of, column, complete_rows, sha256
from .neighbours import Spans


@dataclass(frozen=True, slots=True)
class Table:
    """Rows with a label and a group, without copies; the rows of a group are contiguous."""

    rows: Codes
    """Index of each row in the input."""
    vectors: Vectors
    """Vectors of length 1."""
    label: Column
    site: Column
    """Site of each row; 0 for all where no sites were given."""
    group: Codes
    """Group of each row; its own where no groups were given."""
    spans: Spans
    """The range of the rows of a row's own group."""
    n_groups: int
    """Number of groups; 0 where no groups were given."""
    n_copies: int
    dropped: dict[str, int]
    """Rows left out for a missing value, by the first column that had one."""
    left_out: dict[str, int]
    """Classes that lie in one group (or row) only, with their rows: nothing of them could be found elsewhere."""
    sha256: str
    """sha256 of everything that was measured."""

    def sample(self, n: int, *, seed: int) -> Int64[np.ndarray, " q"]:
        """At most n rows to use as queries, drawn uniformly."""
        if n >= len(self.vectors):
            return np.arange(len(self.vectors))
        return np.sort(np.random.default_rng(seed).choice(len(self.vectors), n, replace=False))


def tabulate(vectors: Vectors, labels: Any, *, groups: Any = None, group_name: str = "patient", sites: Any = None) -> Table:
    """Check the columns; leave out rows with gaps, exact copies inside a group, and classes that lie in one group only.

    The remaining rows are ordered by their content. Raises ``InputError`` as ``check_vectors``, ``column`` and ``check_classes``
    do, where no row has everything, and where fewer than two classes remain.
    """
    check_vectors(vectors)
    n = len(vectors)
    columns = {"label": column(labels, name="label", n=n)}
    check_classes(columns["label"])
    if sites is not None:
        columns["site"] = column(sites, name="site", n=n)
    if groups is not None:
        columns[group_name] = column(groups, name=group_name, n=n)
    rows, dropped = complete_rows(columns)
    codes = [each.codes for each in columns.values()]
    order, copy = _by_content(vectors[rows], [each[rows] for each in codes])
    if groups is not None:
        order = order[~copy]
    rows = rows[order]
    label, left_out = _spread(columns["label"], columns.get(group_name), rows, group_name)
    rows = rows[label[rows] >= 0]
    present = np.unique(label[rows])
    codes[0] = label
    group = np.arange(len(rows)) if groups is None else np.unique(columns[group_name].codes[rows], return_inverse=True)[1]
    ordered = vectors[rows]
    return Table(
        rows=rows,
        vectors=unit(ordered),
        label=Column(tuple(columns["label"].names[code] for code in present), np.searchsorted(present, label[rows])),
        site=Column(("",), np.zeros(len(rows), np.int64)) if sites is None else _renumbered(columns["site"], rows),
        group=group,
        spans=np.stack([np.searchsorted(group, group, "left"), np.searchsorted(group, group, "right")], axis=1),
        n_groups=0 if groups is None else int(group[-1]) + 1,
        n_copies=0 if groups is None else int(copy.sum()),
        dropped=dropped,
        left_out=left_out,
        sha256=sha256(ordered, *(each[rows] for each in codes)),
    )


def alike(*columns: Codes) -> Int64[np.ndarray, " n"]:
    """For each row, how many rows have the same values in all columns (itself included)."""
    key = columns[0]
    for column_ in columns[1:]:
        key = np.unique(key, return_inverse=True)[1] * (column_.max() + 1) + column_
    _, place, size = np.unique(key, return_inverse=True, return_counts=True)
    return size[place]


def _by_content(vectors: Vectors, columns: Sequence[Codes]) -> tuple[Int64[np.ndarray, " n"], np.ndarray]:
    """The rows sorted by their last column, then the columns before it, then the bytes of the vector; and True for each copy of
    the row before.
    """
    content = np.ascontiguousarray(vectors).view(np.dtype((np.void, vectors.shape[1] * vectors.itemsize))).ravel()
    keys = [np.unique(content, return_inverse=True)[1], *columns]
    order = np.lexsort(keys)
    same = np.all([key[order][1:] == key[order][:-1] for key in keys], axis=0)
    return order, np.concatenate([[False], same])


def _spread(label: Column, group: Column | None, rows: Int64[np.ndarray, " k"], group_name: str) -> tuple[Codes, dict[str, int]]:
    """The class of each row, -1 for classes that lie in fewer than two groups (or rows), and how many rows each of these has.

    Raises ``InputError`` where fewer than two classes are left.
    """
    n_classes = len(label.names)
    size = np.bincount(label.codes[rows], minlength=n_classes)
    pairs = np.unique(np.stack([label.codes[rows], rows if group is None else group.codes[rows]]), axis=1)
    groups = np.bincount(pairs[0], minlength=n_classes)
    alone = np.flatnonzero(groups < 2)
    left_out = {label.names[code]: int(size[code]) for code in alone}
    if n_classes - len(alone) < 2:
        where = "one row" if group is None else f"one {group_name}"
        raise InputError(
            f"{classes_of(left_out)} {'lies' if len(left_out) == 1 else 'lie'} in {where} only, so nothing of it could be found "
            f"elsewhere, and a score needs two other classes; add {'rows' if group is None else f'{group_name}s'}."
        )
    return np.where(np.isin(label.codes, alone), -1, label.codes), left_out


def _renumbered(column_: Column, rows: Int64[np.ndarray, " k"]) -> Column:
    """A column of some rows, with the classes that these have."""
    present, codes = np.unique(column_.codes[rows], return_inverse=True)
    return Column(tuple(column_.names[code] for code in present), codes.astype(np.int64))
