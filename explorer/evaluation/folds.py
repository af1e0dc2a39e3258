"""Cross-validation folds with each patient in one fold, for a probe within one collection."""

from __future__ import annotations

import numpy as np

from ..errors import InputError
from ..types import Labels
from .inputs import Values, check_classes, column


def folds(labels: Values, *, groups: Values | None = None, n_folds: int = 5, seed: int = 0) -> Labels:
    """A fold number for each row, -1 where label or group has a gap; no group lies in two folds, classes are spread evenly.

    Take one fold to test, one to validate, the rest to train. With groups the order of the rows does not matter.
    Raises ``InputError`` for one class only, and for a class that lies in fewer groups (rows where there are none) than folds.
    """
    from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

    label = column(labels, name="label", n=len(labels))
    check_classes(label)
    group = np.arange(len(labels)) if groups is None else column(groups, name="group", n=len(labels)).codes
    rows = np.flatnonzero((label.codes >= 0) & (group >= 0))
    rows = rows[np.lexsort((label.codes[rows], group[rows]))]
    for code, name in enumerate(label.names):
        spread = len(np.unique(group[rows[label.codes[rows] == code]]))
        if spread < n_folds:
            what = "rows" if groups is None else "groups"
            raise InputError(f"Class {name!r} lies in {spread} {what}, fewer than {n_folds} folds; pass fewer folds or leave it out.")
    splitter = (StratifiedKFold if groups is None else StratifiedGroupKFold)(n_folds, shuffle=True, random_state=seed)
    fold = np.full(len(labels), -1, np.int64)
    for number, (_, part) in enumerate(splitter.split(rows, label.codes[rows], None if groups is None else group[rows])):
        fold[rows[part]] = number
    return fold
