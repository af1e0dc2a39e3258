"""Balanced accuracy, recall by class and the confusion matrix."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float64

from .inputs import Codes
from .intervals import Estimate, bootstrap, group_sums
from .reports import Counts


def confusion(truth: Codes, predicted: Codes, *, n_classes: int) -> Counts:
    """Counts by true class (line) and predicted class (column); predictions of -1 are left out."""
    known = predicted >= 0
    counts = np.bincount(truth[known] * n_classes + predicted[known], minlength=n_classes**2).reshape(n_classes, n_classes)
    return tuple(tuple(line) for line in counts.tolist())


def balanced_accuracy(truth: Codes, predicted: Codes) -> float:
    """Mean recall over the classes that occur in ``truth``."""
    size = np.bincount(truth)
    right = np.bincount(truth[predicted == truth], minlength=len(size))
    return float((right[size > 0] / size[size > 0]).mean())


def recall_estimates(truth: Codes, right: Float64[np.ndarray, " n"], *, groups: Codes, n_classes: int, seed: int) -> list[Estimate]:
    """Balanced accuracy, then the recall of each class, with intervals from drawing groups.

    ``right`` is 1 where a row was named rightly, 0 where not, between where several runs named it. A class that does not
    occur has NaN.
    """
    sums = group_sums(
        groups, np.concatenate([truth, n_classes + truth]), np.concatenate([np.ones(len(truth)), right]), n_columns=2 * n_classes
    )

    def recalls(added: np.ndarray) -> np.ndarray:
        with np.errstate(invalid="ignore"):
            recall = added[:, n_classes:] / added[:, :n_classes]
        return np.concatenate([np.nanmean(recall, axis=1, keepdims=True), recall], axis=1)

    return bootstrap(sums, recalls, seed=seed)
