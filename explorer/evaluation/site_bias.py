"""Site bias: do neighbours follow the tissue, or the hospital, scanner or slide it came from?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float64, Int64

from ..errors import InputError
from ..types import Labels, Rows, Vectors
from . import ranking
from .counted_rows import alike, tabulate
from .inputs import Codes, Values, check_classes, column, complete_rows, fitting_k
from .intervals import N_RESAMPLES, Estimate, Number, bootstrap, group_sums, mutual_factor, widened
from .neighbours import nearest
from .recall import balanced_accuracy, recall_estimates
from .reports import Facts, Report

USUAL_K = 10
MAX_QUERIES = 100_000
CHANCE_DRAWS = 50_000


@dataclass(frozen=True)
class SiteBiasReport(Report):
    """How far neighbours follow the site of a picture rather than its class."""

    robustness: Estimate
    """SO / (SO + OS): neighbours of the same class from another site, against those of another class from the same site."""
    robustness_by_chance: Number
    """The same with neighbours drawn at random; 0.5 only where there are as many classes as sites, all of one size."""
    counts: Mapping[str, int]
    """Neighbours by same (S) or other (O) class, then by same or other site: SS, SO, OS, OO."""
    site_accuracy: Estimate
    """Balanced accuracy of naming the site by a vote of the neighbours."""
    site_accuracy_by_chance: Number
    """The same with neighbours drawn at random; below 1 / sites where groups are kept apart, for each takes of its own site."""
    follows: str
    """"site" where the interval lies below both 0.5 and chance, "label" where it lies above both, else "neither".

    Many classes and few sites make OS commoner than SO by mere chance, and few classes and many sites the other way round, so
    0.5 alone would blame the site, or clear it, for the make-up of a collection.
    """
    sentence: str
    """The index in words."""
    site_sentence: str
    """The accuracy of naming the site in words."""
    n: int
    n_queries: int
    """Rows that could find both their class at another site and another class at their site; only these are queries."""
    n_sites: int
    n_groups: int
    """Groups kept apart; 0 where only the query itself was left out."""
    n_copies: int
    dropped: Mapping[str, int]
    protocol: Facts
    left_out: Mapping[str, int] = field(default_factory=dict)
    """Classes that lie in one group (or row) only, with their rows."""
    reduced: str = ""
    """A sentence where the usual k was more than the rows could fill."""


@dataclass(frozen=True)
class ClusterBiasReport(Report):
    """Whether clusters follow the label or the site."""

    ari_label: Estimate
    ari_site: Estimate
    difference: Estimate
    """ARI with the label - ARI with the site; below 0 clusters follow the site more."""
    sentence: str
    n: int
    n_groups: int
    dropped: Mapping[str, int]
    """Rows left out: in no cluster, or with a gap in a column."""
    protocol: Facts


def site_bias(  # noqa: PLR0913 - columns and settings of one measurement
    vectors: Vectors,
    labels: Values,
    *,
    sites: Values,
    groups: Values | None = None,
    k: int | None = None,
    site_name: str = "site",
    seed: int = 0,
    device: str = "auto",
) -> SiteBiasReport:
    """The robustness index and how well neighbours name the site, each with an interval.

    ``groups`` is the patient or slide of each row; rows of the own group are no neighbours, or every picture would find its
    own slide. Leave it out where the site column is itself the patient or slide. ``site_name`` is the word for the sentence.
    The index is PathoROB's (Koemen et al. 2025, arXiv 2507.17845), pooled over the k neighbours of all queries; unlike there
    k is fixed. Intervals draw groups (rows where there are none).

    Classes that lie in one group only are left out and named. Without ``k`` it is 10, less where fewer rows can be found
    (``reduced`` says so). ``device`` is where the search runs, as ``computing_device`` takes it.

    Raises ``InputError`` for vectors that are not finite, one class or one site only, a class or site that never lies apart
    from the other, and a given k above the number of rows.
    """
    table = tabulate(vectors, labels, groups=groups, group_name="group", sites=sites)
    check_classes(table.site, name=site_name)
    within_reach = len(table.vectors) - int((table.spans[:, 1] - table.spans[:, 0]).min())
    most = within_reach if k is None else len(table.vectors) - 1
    ks, reduced = fitting_k(None if k is None else [k], [USUAL_K], most, what="rows to find")
    k = ks[-1]
    label, site, group = table.label.codes, table.site.codes, table.group
    same_class, same_site = _within_reach(label, site, group)
    fair = np.flatnonzero((same_class > 0) & (same_site > 0))
    if len(fair) == 0:
        raise InputError(
            f"No row could find both its own class at another {site_name} and another class at its own {site_name}, so label and "
            f"{site_name} cannot be told apart; choose another column, or leave the groups out where they are the {site_name}."
        )
    asking = np.intersect1d(fair, table.sample(MAX_QUERIES, seed=seed))
    rows = nearest(table.vectors[asking], table.vectors, k=k, hidden=(table.spans[asking],), device=device)[0]
    found = rows >= 0
    as_class = found & (label[rows] == label[asking, None])
    as_site = found & (site[rows] == site[asking, None])
    kinds = {"SS": as_class & as_site, "SO": as_class & ~as_site, "OS": ~as_class & as_site, "OO": found & ~as_class & ~as_site}
    drawn = np.unique(group[asking], return_inverse=True)[1]
    n = len(asking)
    sums = group_sums(drawn, np.repeat([0, 1], n), np.concatenate([kinds["SO"].sum(axis=1), kinds["OS"].sum(axis=1)]), n_columns=2)
    index = bootstrap(sums, _index, seed=seed)[0]
    right = (_vote(rows, site) == site[asking]).astype(np.float64)
    accuracy = recall_estimates(site[asking], right, groups=drawn, n_classes=len(table.site.names), seed=seed)[0]
    accuracy = widened(accuracy, mutual_factor(group[asking], np.where(found, group[rows], -1)))
    rounds = -(-CHANCE_DRAWS // n)
    at_random = ranking.random_rows(np.tile(table.spans[asking], (rounds, 1)), len(group), k=k, seed=seed)
    accuracy_by_chance = balanced_accuracy(np.tile(site[asking], rounds), _vote(at_random, site))
    allowed = len(group) - alike(group)[asking]
    chance = np.array([[(same_class[asking] / allowed).sum(), (same_site[asking] / allowed).sum()]])
    by_chance = float(_index(chance)[0, 0])
    follows = "site" if index.high < min(0.5, by_chance) else "label" if index.low > max(0.5, by_chance) else "neither"
    return SiteBiasReport(
        robustness=index,
        robustness_by_chance=by_chance,
        counts={name: int(kind.sum()) for name, kind in kinds.items()},
        site_accuracy=accuracy,
        site_accuracy_by_chance=accuracy_by_chance,
        follows=follows,
        sentence=_sentence(index, follows, by_chance, site_name),
        site_sentence=_site_sentence(accuracy, accuracy_by_chance, site_name),
        n=len(group),
        n_queries=n,
        n_sites=len(table.site.names),
        n_groups=table.n_groups,
        n_copies=table.n_copies,
        dropped=table.dropped,
        protocol={
            "robustness": "SO / (SO + OS) over the k nearest of all queries together",
            "metric": "cosine",
            "k": k,
            "interval": f"95 % bootstrap over {'groups' if table.n_groups else 'rows'}, {N_RESAMPLES} resamples",
            "max_queries": MAX_QUERIES,
            "seed": seed,
            "sha256": table.sha256,
        },
        left_out=table.left_out,
        reduced=reduced,
    )


def separable(labels: Values, *, sites: Values, groups: Values | None = None) -> bool:
    """Whether ``site_bias`` could tell label and site apart: some row could find its class elsewhere and another class at its site.

    Rows with a gap do not count. Raises ``InputError`` for columns that are empty or of another length.
    """
    n = len(labels)
    columns = [column(labels, name="label", n=n), column(sites, name="site", n=n)]
    columns += [] if groups is None else [column(groups, name="group", n=n)]
    whole = np.flatnonzero(np.all([each.codes >= 0 for each in columns], axis=0))
    if len(whole) == 0:
        return False
    label, site, *group = (each.codes[whole] for each in columns)
    same_class, same_site = _within_reach(label, site, group[0] if group else np.arange(len(whole)))
    return bool(((same_class > 0) & (same_site > 0)).any())


def cluster_bias(
    clusters: Labels,
    labels: Values,
    *,
    sites: Values,
    groups: Values | None = None,
    site_name: str = "site",
    seed: int = 0,
) -> ClusterBiasReport:
    """The adjusted Rand index of clusters with the label, with the site, and their difference, as in PathoROB.

    ``clusters`` is a cluster number per row, -1 for none. Raises ``InputError`` for one class, one site or no cluster.
    """
    n = len(clusters)
    columns = {
        "cluster": column([None if each < 0 else each for each in clusters.tolist()], name="cluster", n=n),
        "label": column(labels, name="label", n=n),
        "site": column(sites, name="site", n=n),
    } | ({} if groups is None else {"group": column(groups, name="group", n=n)})
    check_classes(columns["label"])
    check_classes(columns["site"], name=site_name)
    whole, dropped = complete_rows(columns)
    whole = whole[np.lexsort([each.codes[whole] for each in columns.values()])]  # the draws must not depend on the order of the rows
    code = {name: each.codes[whole] for name, each in columns.items()}
    size = {name: len(each.names) for name, each in columns.items()}
    drawn = np.unique(code["group"], return_inverse=True)[1] if groups is not None else np.arange(len(whole))
    first = size["cluster"] * size["label"]
    cells = np.concatenate([code["cluster"] * size["label"] + code["label"], first + code["cluster"] * size["site"] + code["site"]])
    sums = group_sums(drawn, cells, np.ones(len(cells)), n_columns=first + size["cluster"] * size["site"])

    def rand(added: np.ndarray) -> np.ndarray:
        label = adjusted_rand(added[:, :first].reshape(len(added), size["cluster"], -1))
        site = adjusted_rand(added[:, first:].reshape(len(added), size["cluster"], -1))
        return np.stack([label, site, label - site], axis=1)

    ari_label, ari_site, difference = bootstrap(sums, rand, seed=seed)
    if not (difference.low > 0 or difference.high < 0):
        follow = f"Clusters follow the tissue and the {site_name} about equally"
    else:
        more, less = ("tissue", site_name) if difference.value > 0 else (site_name, "tissue")
        follow = f"Clusters follow the {more} more than the {less}"
    return ClusterBiasReport(
        ari_label=ari_label,
        ari_site=ari_site,
        difference=difference,
        sentence=f"{follow}: ARI {round(ari_label.value, 2) + 0.0:.2f} with the label, "
        f"{round(ari_site.value, 2) + 0.0:.2f} with the {site_name}.",
        n=len(whole),
        n_groups=0 if groups is None else int(drawn.max()) + 1,
        dropped=dropped,
        protocol={
            "score": "adjusted Rand index",
            "interval": f"95 % bootstrap over {'rows' if groups is None else 'groups'}, {N_RESAMPLES} resamples",
            "seed": seed,
        },
    )


def adjusted_rand(table: Float64[np.ndarray, "r a b"]) -> Float64[np.ndarray, " r"]:
    """The adjusted Rand index (Hubert and Arabie 1985) of contingency tables; 1 for a single cell, as in scikit-learn."""

    def pairs(counts: np.ndarray) -> np.ndarray:
        return np.asarray(counts * (counts - 1) / 2)

    together = pairs(table).sum(axis=(1, 2))
    one, other = pairs(table.sum(axis=2)).sum(axis=1), pairs(table.sum(axis=1)).sum(axis=1)
    expected = one * other / pairs(table.sum(axis=(1, 2)))
    most = (one + other) / 2
    index = np.where(most > expected, (together - expected) / np.where(most > expected, most - expected, 1), 1.0)
    return np.asarray(index)


def _within_reach(label: Codes, site: Codes, group: Codes) -> tuple[Codes, Codes]:
    """For each row, how many rows outside its group are of its class at another site (SO) and of another class at its site (OS)."""
    both, inside = alike(label, site), alike(group, label, site)
    return alike(label) - both - (alike(group, label) - inside), alike(site) - both - (alike(group, site) - inside)


def _index(counts: Float64[np.ndarray, "r 2"]) -> Float64[np.ndarray, "r 1"]:
    with np.errstate(invalid="ignore"):
        return np.asarray(counts[:, :1] / counts.sum(axis=1, keepdims=True))


def _vote(rows: Rows, site: Codes) -> Int64[np.ndarray, " q"]:
    return ranking.majority_vote(ranking.labels_of(rows, site))


def _sentence(index: Estimate, follows: str, by_chance: float, site_name: str) -> str:
    if np.isnan(index.value):
        return f"Each neighbour shares both tissue and {site_name} with its patch or neither, so which counts more cannot be determined."
    beside = f"(neighbours drawn at random would give {by_chance:.2f})"
    if follows == "neither" and not index.low <= 0.5 <= index.high:
        return (
            f"It cannot be determined whether neighbours follow the tissue or the {site_name} more: {index.value:.2f} ({index.low:.2f} to "
            f"{index.high:.2f}), where 0.5 is even, but neighbours drawn at random would give {by_chance:.2f}."
        )
    if follows == "neither":
        return (
            f"Neighbours follow the tissue and the {site_name} about equally: {index.value:.2f} ({index.low:.2f} to {index.high:.2f}), "
            f"where 0.5 is even {beside}."
        )
    more, less = (site_name, "tissue") if follows == "site" else ("tissue", site_name)
    return f"Neighbours follow the {more} more than the {less}: {index.value:.2f}, where 0.5 is even {beside}."


def _site_sentence(accuracy: Estimate, by_chance: float, site_name: str) -> str:
    words = f"balanced accuracy {accuracy.value:.2f} ({accuracy.low:.2f} to {accuracy.high:.2f}), where chance gives {by_chance:.2f}"
    if accuracy.low > by_chance:
        return f"Neighbours reveal the {site_name}: a vote of them names it with {words}."
    return f"Neighbours do not reveal the {site_name}: a vote of them names it with {words}."
