"""Site bias: do neighbours follow the tissue, or the hospital, scanner or slide?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ....evaluation import ClusterBiasReport, Estimate, SiteBiasReport, cluster_bias, site_bias
from ....reports.document import EvaluationReport
from ....reports.sections import Bars, Section, facts, interval, number, table
from .base import Column, Finding, Protocol, Question, Subject
from .citations import COLOUR, INTERVALS, RAND, ROBUSTNESS

_KINDS: Mapping[str, str] = {
    "SS": "same class, same {site}",
    "SO": "same class, other {site}",
    "OS": "other class, same {site}",
    "OO": "other class, other {site}",
}


@dataclass(frozen=True)
class ClusterResults(ClusterBiasReport):
    """Whether clusters follow the label or the site, and how they were made."""

    method: str = ""


@dataclass(frozen=True, slots=True)
class SiteBiasResults:
    """Whether neighbours follow the label or the site, and the same for clusters where there are any."""

    site_bias: SiteBiasReport
    clusters: ClusterResults | None = None


def _run(question: Question, subject: Subject) -> Finding[SiteBiasResults]:
    part = question.part
    assert part.site is not None, "this protocol is given a site column"
    found = site_bias(
        subject.vectors,
        part.label,
        sites=part.site,
        groups=part.group,
        k=question.k,
        site_name=question.site_name,
        seed=question.seed,
        device=question.device,
    )
    clusters = None if subject.clusters is None else _clusters(question, subject)
    return Finding(
        score="Robustness index",
        value=found.robustness,
        chance=found.robustness_by_chance,
        sentences=(found.sentence, found.site_sentence, found.reduced, clusters.sentence if clusters else ""),
        results=SiteBiasResults(found, clusters),
        left_out=found.left_out,
    )


def _clusters(question: Question, subject: Subject) -> ClusterResults | None:
    part, clusters = question.part, subject.clusters
    assert part.site is not None and clusters is not None
    if not (clusters.labels >= 0).any():
        return None
    found = cluster_bias(clusters.labels, part.label, sites=part.site, groups=part.group, site_name=question.site_name, seed=question.seed)
    return ClusterResults(**{name: getattr(found, name) for name in ClusterBiasReport.__dataclass_fields__}, method=clusters.method)


def _sections(report: EvaluationReport[SiteBiasResults]) -> Iterator[Section]:
    found, clusters = report.results.site_bias, report.results.clusters
    site = report.site or "site"
    bars = {"Robustness index": found.robustness, f"Naming the {site} by neighbours": found.site_accuracy}
    if clusters is not None:
        bars |= {
            "Clusters agree with the label (ARI)": clusters.ari_label,
            f"Clusters agree with the {site} (ARI)": clusters.ari_site,
        }
    chance = number(found.site_accuracy_by_chance)
    note = f"The line is 0.5, where a robustness index is even. Random neighbours would name the {site} with {chance}."
    if clusters is None:
        command = f"explorer cluster {report.collection} --encoder {report.encoder}"
        note += f" There are no clusters to compare; make some on the page Clusters or by '{command}'."
    yield Bars("site-bias", "What neighbours and clusters follow", bars, 0.5, note)
    whole = max(1, sum(found.counts.values()))
    kinds = {words.format(site=site): Estimate(found.counts[kind] / whole) for kind, words in _KINDS.items()}
    yield Bars(
        "kinds", "Neighbours by kind", kinds, note=f"Of {whole} neighbours. The second kind is what one hopes for, the third is site bias."
    )
    lines = [
        ["Robustness index", number(found.robustness.value), interval(found.robustness), number(found.robustness_by_chance)],
        [f"Naming the {site} by neighbours", number(found.site_accuracy.value), interval(found.site_accuracy), chance],
    ]
    if clusters is not None:
        ari = {"ARI of clusters with the label": clusters.ari_label, f"ARI of clusters with the {site}": clusters.ari_site}
        lines += [[name, number(each.value), interval(each), ""] for name, each in (ari | {"Difference": clusters.difference}).items()]
    yield table("scores", "All scores", ["score", "value", "95 % interval", "chance"], lines)
    counts: dict[str, object] = {words.format(site=site).capitalize(): found.counts[kind] for kind, words in _KINDS.items()}
    counts |= {"Rows": found.n, "Queries": found.n_queries, "Sites": found.n_sites}
    counts |= {"Groups kept apart": found.n_groups or "only the query itself"}
    yield facts("counts", "Counts", counts | {f"Left out, no {name}": n for name, n in found.dropped.items() if n})


def _columns(report: EvaluationReport[SiteBiasResults]) -> Iterator[Column]:
    found = report.results.site_bias
    way = "" if found.protocol["k"] == 10 else f"k = {found.protocol['k']}"
    even = "Neighbours follow the tissue (1) or the place of origin (0); 0.5 is even."
    yield Column("robustness index", found.robustness, found.robustness_by_chance, way, headline=True, help=even)
    names = "Balanced accuracy of naming the place of origin by the neighbours. Lower is better."
    yield Column("origin named by neighbours", found.site_accuracy, found.site_accuracy_by_chance, way, help=names)


SITE_BIAS = Protocol(
    name="site-bias",
    title="Site bias",
    asks="Do neighbours follow the tissue, or the hospital, scanner or slide?",
    explained="Of the neighbours that differ from a patch in class or in place of origin, but not in both, the share with its class.",
    run=_run,
    results=SiteBiasResults,
    sections=_sections,
    columns=_columns,
    citations=(ROBUSTNESS, RAND, COLOUR, INTERVALS),
    by_site=True,
    beside="clusters",
)
