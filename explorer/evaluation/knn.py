"""Classifiers without training: k nearest neighbours, nearest class mean (SimpleShot), and few-shot curves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from jaxtyping import Float32, Float64, Int64

from ..cosine import unit
from ..errors import InputError
from ..types import Vectors
from .inputs import Codes, Values, check_classes, check_judged, check_same_width, check_vectors, column, fitting_k, renumber
from .intervals import N_RESAMPLES, Estimate, Number
from .mistakes import Mistake, mistakes, vote_share
from .neighbours import nearest
from .ranking import majority_vote
from .recall import balanced_accuracy, confusion, recall_estimates
from .reports import Counts, Facts, Report

USUAL_K = (1, 5, 20)
TestVectors = Float32[np.ndarray, "m d2"]


@dataclass(frozen=True, slots=True)
class Scores:
    """Scores of one classifier on the test rows."""

    balanced_accuracy: Estimate
    recall: Mapping[str, Estimate]
    confusion: Counts
    """Test rows by class (line) and predicted class (column)."""


@dataclass(frozen=True)
class KnnReport(Report):
    """k nearest neighbours and nearest class mean on the same rows."""

    knn: Mapping[int, Scores]
    """Scores of k nearest neighbours, by k."""
    prototype: Scores
    """Nearest class mean after centring and scaling to length 1."""
    chance: Number
    """Balanced accuracy of guessing evenly among the classes that were learnt."""
    classes: tuple[str, ...]
    n: Mapping[str, int]
    dropped: Mapping[str, int]
    """Rows of each part without a label (or test rows without a group), left out."""
    n_groups: int
    """Groups of test rows the intervals draw; 0 where rows were drawn."""
    protocol: Facts
    mistakes: Mapping[int, tuple[Mistake, ...]] = field(default_factory=dict)
    """Some of the test rows that were named wrongly, by k."""
    reduced: str = ""
    """A sentence where the usual k were more than the training rows could fill."""


@dataclass(frozen=True, slots=True)
class Shot:
    """Balanced accuracy with ``shots`` training rows of each class."""

    shots: int
    balanced_accuracy: Estimate
    """Mean over draws; the interval holds 95 % of the draws."""
    draws: tuple[Number, ...]


@dataclass(frozen=True)
class FewShotReport(Report):
    """Scores of nearest class means by the number of training rows per class."""

    curve: tuple[Shot, ...]
    left_out: str
    """A sentence on numbers of shots that the smallest class cannot fill; empty where all were run."""
    chance: Number
    """Balanced accuracy of guessing evenly among the classes that were learnt."""
    classes: tuple[str, ...]
    n: Mapping[str, int]
    dropped: Mapping[str, int]
    protocol: Facts


def knn(  # noqa: PLR0913 - columns and settings of one measurement
    x_train: Vectors,
    y_train: Values,
    *,
    x_test: TestVectors,
    y_test: Values,
    groups: Values | None = None,
    k: Sequence[int] | None = None,
    seed: int = 0,
    device: str = "auto",
) -> KnnReport:
    """Balanced accuracy of the majority among the k nearest training rows (cosine; ties go to the nearest) and of the
    nearest class mean.

    ``groups`` is the patient of each test row; intervals draw these (rows where there are none). Keeping patients of the
    training rows out of the test rows is up to the caller, who splits.
    The class means follow SimpleShot (Wang et al. 2019, arXiv 1911.04623): both parts are centred on the training mean and
    scaled to length 1, the nearest mean in Euclidean distance wins.

    Without ``k`` it is 1, 5 and 20, less where there are fewer training rows (``reduced`` says so).
    Raises ``InputError`` for vectors that are not finite, one class only (in either part), a test class the training rows
    lack, and a given k above the number of training rows.
    """
    parts = _Parts(x_train, y_train, x_test, y_test, groups)
    k, reduced = fitting_k(k, USUAL_K, len(parts.train), what="training rows")
    rows = nearest(unit(parts.test), unit(parts.train), k=k[-1], device=device)[0]
    hits = parts.train_codes[rows]
    n_classes = len(parts.classes)
    votes = {each: majority_vote(hits[:, :each]) for each in k}
    return KnnReport(
        knn={each: parts.scores(vote, seed=seed) for each, vote in votes.items()},
        prototype=parts.scores(_nearest_mean(parts.train, parts.train_codes, parts.test, n_classes), seed=seed),
        chance=1 / n_classes,
        classes=parts.classes,
        n=parts.n,
        dropped=parts.dropped,
        n_groups=parts.n_groups,
        protocol={
            "metric": "cosine",
            "k": tuple(k),
            "vote": "majority, ties to the nearest label",
            "prototype": "centred on the training mean, length 1, nearest class mean (SimpleShot CL2N)",
            "interval": f"95 % bootstrap over {'groups' if parts.n_groups else 'rows'}, {N_RESAMPLES} resamples",
            "seed": seed,
        },
        mistakes={each: parts.mistakes(vote, share=vote_share(hits[:, :each], vote)) for each, vote in votes.items()},
        reduced=reduced,
    )


def few_shot(
    x_train: Vectors,
    y_train: Values,
    *,
    x_test: TestVectors,
    y_test: Values,
    shots: Sequence[int] = (1, 5, 10, 25),
    n_draws: int = 20,
    seed: int = 0,
) -> FewShotReport:
    """Nearest class means learnt from 1, 5, 10, 25 training rows of each class, drawn ``n_draws`` times.

    Only the drawn rows are used, for the centre too. Numbers above the size of the smallest class are left out and said.
    Raises ``InputError`` as ``knn`` does, and where no number of shots can be drawn.
    """
    parts = _Parts(x_train, y_train, x_test, y_test, None)
    n_classes = len(parts.classes)
    members = [np.flatnonzero(parts.train_codes == code) for code in range(n_classes)]
    smallest = int(np.argmin([len(each) for each in members]))
    fits = [each for each in sorted(set(shots)) if 1 <= each <= len(members[smallest])]
    if not fits:
        raise InputError(
            f"Class {parts.classes[smallest]!r} has {len(members[smallest])} training rows, fewer than the {min(shots)} asked for; "
            "pass a smaller number of shots (1 or more)."
        )
    missed = sorted(set(shots) - set(fits))
    curve = []
    for each in fits:
        rng = np.random.default_rng([seed, each])
        draws = []
        for _ in range(n_draws):
            rows = np.concatenate([rng.choice(member, each, replace=False) for member in members])
            predicted = _nearest_mean(parts.train[rows], parts.train_codes[rows], parts.test, n_classes)
            draws.append(balanced_accuracy(parts.truth, predicted))
        low, high = np.percentile(draws, [2.5, 97.5])
        curve.append(Shot(each, Estimate(float(np.mean(draws)), float(low), float(high)), tuple(draws)))
    return FewShotReport(
        curve=tuple(curve),
        left_out=f"{', '.join(map(str, missed))} of each were left out: class {parts.classes[smallest]!r} has {len(members[smallest])} "
        "training rows."
        if missed
        else "",
        chance=1 / n_classes,
        classes=parts.classes,
        n=parts.n,
        dropped=parts.dropped,
        protocol={
            "classifier": "nearest class mean after centring and scaling to length 1 (SimpleShot CL2N)",
            "shots": tuple(fits),
            "n_draws": n_draws,
            "interval": "95 % of the draws",
            "seed": seed,
        },
    )


class _Parts:
    """Labelled training and test rows with the same class numbers."""

    def __init__(self, x_train: Vectors, y_train: Any, x_test: TestVectors, y_test: Any, groups: Any) -> None:
        check_vectors(x_train, name="training vectors")
        check_vectors(x_test, name="test vectors")
        check_same_width(x_train, x_test, name="test")
        own = column(y_train, name="training label", n=len(x_train))
        other = column(y_test, name="test label", n=len(x_test))
        group = None if groups is None else column(groups, name="group", n=len(x_test))
        check_classes(own, name="training label")
        keep_train = own.codes >= 0
        keep_test = other.codes >= 0 if group is None else (other.codes >= 0) & (group.codes >= 0)
        if not keep_test.any():
            raise InputError("No test row has both a label and a group; fill these columns in.")
        self.classes = own.names
        self.train, self.train_codes = x_train[keep_train], own.codes[keep_train]
        self.test, self.truth = x_test[keep_test], renumber(other, own, part="test")[keep_test]
        check_judged(self.truth, self.classes, part="test")
        self.test_rows = np.flatnonzero(keep_test)
        self.groups = np.arange(len(self.test)) if group is None else np.unique(group.codes[keep_test], return_inverse=True)[1]
        self.n_groups = 0 if group is None else int(self.groups.max()) + 1
        self.n = {"train": len(self.train), "test": len(self.test)}
        self.dropped = {"train": int((~keep_train).sum()), "test": int((~keep_test).sum())}

    def mistakes(self, named: Codes, *, share: Float64[np.ndarray, " m"]) -> tuple[Mistake, ...]:
        return mistakes(self.truth, named, share=share, rows=self.test_rows, classes=self.classes)

    def scores(self, predicted: Codes, *, seed: int) -> Scores:
        n_classes = len(self.classes)
        right = (predicted == self.truth).astype(np.float64)
        estimates = recall_estimates(self.truth, right, groups=self.groups, n_classes=n_classes, seed=seed)
        return Scores(
            balanced_accuracy=estimates[0],
            recall=dict(zip(self.classes, estimates[1:], strict=True)),
            confusion=confusion(self.truth, predicted, n_classes=n_classes),
        )


def _nearest_mean(train: Vectors, codes: Codes, test: TestVectors, n_classes: int) -> Int64[np.ndarray, " m"]:
    centre = train.mean(axis=0)
    member = np.eye(n_classes, dtype=np.float32)[codes]
    means = member.T @ unit(train - centre) / member.sum(axis=0)[:, None]
    return np.asarray((unit(test - centre) @ means.T - (means**2).sum(axis=1) / 2).argmax(axis=1), np.int64)
