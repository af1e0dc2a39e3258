"""Leave-one-patient-out retrieval: does a query find its own class in other patients?"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from ..errors import InputError
from ..types import Rows, Vectors
from . import ranking
from .counted_rows import alike, tabulate
from .inputs import Codes, Values, fitting_k
from .intervals import N_RESAMPLES, Estimate, Number, bootstrap, mutual_factor, widened
from .mistakes import Mistake, mistakes, vote_share
from .neighbours import nearest
from .recall import confusion
from .reports import Counts, Facts, Report

USUAL_K = (1, 3, 5, 10)
CHANCE_DRAWS = 50_000
"""Minimal number of random queries for the scores of chance."""


@dataclass(frozen=True, slots=True)
class RetrievalAt:
    """The scores at one k. Names of scores: hit, precision, majority_vote, average_precision, macro_f1."""

    k: int
    scores: Mapping[str, Estimate]
    """Means over classes, with groups kept apart."""
    naive: Mapping[str, Number]
    """The same with only the query itself left out."""
    leakage: Mapping[str, Estimate]
    """``naive`` - ``scores``: the gain from other tiles of the same patient."""
    chance: Mapping[str, Number]
    """The same with hits drawn at random from the allowed rows."""
    per_class: Mapping[str, Mapping[str, Estimate]]
    confusion: Counts
    """Queries by class (line) and majority vote (column)."""


@dataclass(frozen=True)
class RetrievalReport(Report):
    """The scores of retrieval; ``sentence`` says how far they can be trusted."""

    at: tuple[RetrievalAt, ...]
    classes: tuple[str, ...]
    class_sizes: Mapping[str, int]
    n: int
    """Rows searched: labelled, in a group, and counted once."""
    n_queries: int
    n_groups: int
    """Patients (or slides); 0 where there is no such column."""
    dropped: Mapping[str, int]
    """Rows left out for a missing value, by column."""
    n_copies: int
    """Exact copies inside one group, counted once."""
    n_failures: int
    """Queries that may find fewer than the largest k rows; missing hits count as wrong."""
    sentence: str
    seconds: Number
    protocol: Facts
    mistakes: tuple[Mistake, ...] = ()
    """Some of the queries whose vote at the largest k was wrong."""
    left_out: Mapping[str, int] = field(default_factory=dict)
    """Classes that lie in one group (or row) only, with their rows."""
    reduced: str = ""
    """A sentence where the usual k were more than the rows could fill."""


def retrieval(  # noqa: PLR0913 - columns and settings of one measurement
    vectors: Vectors,
    labels: Values,
    *,
    groups: Values | None = None,
    group_name: str = "patient",
    k: Sequence[int] | None = None,
    max_queries: int = 100_000,
    seed: int = 0,
    device: str = "auto",
) -> RetrievalReport:
    """Search every row among the rows of other groups, exactly, by cosine, and score the classes of what it finds.

    ``vectors`` (n, d) float32; ``groups`` is the patient of each row (the slide where patients are unknown, and
    ``group_name`` says which). Without groups only the query itself is left out, and the report says that scores may be too high.
    Rows without label or group are left out and counted; exact copies inside a group count once, so copying tiles moves
    nothing; rows are put in an order of their own content, so their order moves nothing. Above ``max_queries`` rows a
    seeded sample of them asks.

    Scores are means over the queries of a class, then over classes. Ties of a vote go to the nearest label; average
    precision is divided by min(k, number of relevant rows). Intervals draw groups (rows where there are none).

    Classes that lie in one group only are left out and named. Without ``k`` it is 1, 3, 5 and 10, less where no query could
    find so many rows (``reduced`` says so). ``device`` is where the search runs, as ``computing_device`` takes it.

    Raises ``InputError`` for vectors that are not finite, fewer than two classes, a given k above the number of rows, and one
    that no query can fill from other groups.
    """
    started = time.perf_counter()
    table = tabulate(vectors, labels, groups=groups, group_name=group_name)
    n_classes, n = len(table.label.names), len(table.vectors)
    within_reach = n - int((table.spans[:, 1] - table.spans[:, 0]).min())
    k, reduced = fitting_k(k, USUAL_K, within_reach if k is None else n - 1, what="rows to find")
    asking = table.sample(max_queries, seed=seed)
    itself, hidden = np.stack([asking, asking + 1], axis=1), table.spans[asking]
    found = nearest(table.vectors[asking], table.vectors, k=k[-1], hidden=(itself,) if groups is None else (itself, hidden), device=device)
    naive, apart = (ranking.labels_of(rows, table.label.codes) for rows in (found[0], found[-1]))
    short = (apart < 0).any(axis=1)
    if short.all():
        raise InputError(f"No row has {k[-1]} rows of other {group_name}s to find; bring more {group_name}s, or pass a smaller k.")
    truth, group = table.label.codes[asking], np.unique(table.group[asking], return_inverse=True)[1]
    by_class = np.bincount(table.label.codes, minlength=n_classes)
    relevant = by_class[truth] - alike(table.group, table.label.codes)[asking]
    rounds = -(-CHANCE_DRAWS // len(asking))
    drawn = ranking.random_rows(np.tile(hidden, (rounds, 1)), n, k=k[-1], seed=seed)
    hits = {
        "apart": _Hits(apart, truth, relevant, group),
        "naive": _Hits(naive, truth, by_class[truth] - 1, group),
        "chance": _Hits(ranking.labels_of(drawn, table.label.codes), *(np.tile(each, rounds) for each in (truth, relevant, group))),
    }
    asked, answering = table.group[asking], np.where(found[-1] >= 0, table.group[found[-1]], -1)
    at = tuple(_at(each, hits, table.label.names, wider=mutual_factor(asked, answering[:, :each]), seed=seed) for each in k)
    vote = ranking.majority_vote(apart)
    return RetrievalReport(
        at=at,
        classes=table.label.names,
        class_sizes=dict(zip(table.label.names, by_class.tolist(), strict=True)),
        n=n,
        n_queries=len(asking),
        n_groups=table.n_groups,
        dropped=table.dropped,
        n_copies=table.n_copies,
        n_failures=int(short.sum()),
        sentence=_sentence(at[-1], table.n_groups, group_name),
        seconds=time.perf_counter() - started,
        protocol={
            "name": f"leave-one-{group_name}-out" if groups is not None else "leave-one-row-out",
            "metric": "cosine",
            "search": "exact",
            "k": tuple(k),
            "vote": "majority, ties to the nearest label",
            "average_precision": "divided by min(k, relevant rows)",
            "average": "over queries of a class, then over classes",
            "interval": f"95 % bootstrap over {group_name + 's' if groups is not None else 'rows'}, {N_RESAMPLES} resamples, "
            "wider by those that find each other",
            "max_queries": max_queries,
            "seed": seed,
            "sha256": table.sha256,
        },
        mistakes=mistakes(truth, vote, share=vote_share(apart, vote), rows=table.rows[asking], classes=table.label.names),
        left_out=table.left_out,
        reduced=reduced,
    )


@dataclass(frozen=True, slots=True)
class _Hits:
    """The classes of the hits of each query, nearest first, and the class they should have."""

    labels: Rows
    truth: Codes
    relevant: Codes
    group: Codes


def _at(k: int, hits: Mapping[str, _Hits], names: tuple[str, ...], *, wider: float, seed: int) -> RetrievalAt:
    n_classes = len(names)
    scores = {name: ranking.query_scores(h.labels, h.truth, h.relevant, k=k) for name, h in hits.items()}
    sums = {name: ranking.class_sums(scores[name], h.truth, h.group, n_classes=n_classes) for name, h in hits.items()}
    from scipy.sparse import hstack

    def both(added: np.ndarray) -> np.ndarray:
        apart, naive = np.split(added, 2, axis=1)
        mean = ranking.macro(apart)
        return np.concatenate([mean, ranking.macro(naive) - mean, ranking.per_class(apart)], axis=1)

    estimates = bootstrap(hstack([sums["apart"], sums["naive"]], format="csr"), both, seed=seed)
    n_scores = len(ranking.SCORES)
    differences = estimates[n_scores : 2 * n_scores]
    estimates = [widened(each, wider) for each in estimates]
    by_class = np.array(estimates[2 * n_scores :], dtype=object).reshape(n_scores, n_classes)

    def plain(each: str) -> dict[str, float]:
        return dict(zip(ranking.SCORES, ranking.macro(sums[each].sum(axis=0).reshape(1, -1))[0].tolist(), strict=True))

    return RetrievalAt(
        k=k,
        scores=dict(zip(ranking.SCORES, estimates[:n_scores], strict=True)),
        naive=plain("naive"),
        leakage=dict(zip(ranking.SCORES, differences, strict=True)),
        chance=plain("chance"),
        per_class={
            name: dict(zip(("hit", "precision", "majority_vote", "average_precision", "f1"), by_class[:, i], strict=True))
            for i, name in enumerate(names)
        },
        confusion=confusion(hits["apart"].truth, scores["apart"]["vote"], n_classes=n_classes),
    )


def _sentence(at: RetrievalAt, n_groups: int, group_name: str) -> str:
    apart, naive = at.scores["majority_vote"].value, at.naive["majority_vote"]
    if n_groups == 0:
        return (
            f"Leakage is possible: there is no patient or slide column, so patches of one patient may find each other and MV@{at.k} "
            f"{apart:.2f} may be too high."
        )
    beyond = "" if group_name == "patient" else f" Leakage is possible: two {group_name}s may be of one patient."
    return (
        f"With {group_name}s kept apart MV@{at.k} is {apart:.2f}; without that it would read {naive:.2f}, "
        f"a difference of {round(naive - apart, 2) + 0.0:+.2f} by patches of the same {group_name}.{beyond}"
    )
