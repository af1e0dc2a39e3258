"""Retrieval: does a patch find patches of its class in other patients?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from ....evaluation import RetrievalReport, retrieval
from ....reports.document import EvaluationReport
from ....reports.sections import Bars, Confusion, Curves, Section, facts, interval, number, signed, table
from .base import Column, Finding, IndexFacts, Protocol, Question, Subject, few_groups
from .citations import COLOUR, INTERVALS

_NAMES: Mapping[str, str] = {
    "hit": "hit",
    "precision": "precision",
    "majority_vote": "MV",
    "average_precision": "mAP",
    "macro_f1": "macro F1",
}
_HELP: Mapping[str, str] = {
    "hit": "A patch of the same class is among the nearest.",
    "precision": "Share of the nearest patches that are of the same class.",
    "majority_vote": "The majority of the nearest patches is of the same class. Mean over classes.",
    "average_precision": "Patches of the same class come first among the nearest.",
    "macro_f1": "F1 of the vote of the nearest patches, mean over classes.",
}
_CURVES = ("hit", "majority_vote", "precision", "average_precision")


@dataclass(frozen=True, slots=True)
class RetrievalResults:
    """The scores of retrieval, and the search index."""

    retrieval: RetrievalReport
    index: IndexFacts | None = None


def _run(question: Question, subject: Subject) -> Finding[RetrievalResults]:
    part = question.part
    found = retrieval(
        subject.vectors,
        part.label,
        groups=part.group,
        group_name=question.group_name or "patient",
        k=None if question.k is None else (question.k,),
        seed=question.seed,
        device=question.device,
    )
    last = found.at[-1]
    warns = found.sentence.startswith("Leakage is possible")
    return Finding(
        score=f"MV@{last.k}",
        value=last.scores["majority_vote"],
        chance=last.chance["majority_vote"],
        naive=None if part.group is None else last.naive["majority_vote"],
        sentences=(*(() if warns else (found.sentence,)), found.reduced, few_groups(question, found.n_groups)),
        warnings=(found.sentence,) if warns else (),
        results=RetrievalResults(replace(found, mistakes=()), subject.index),
        left_out=found.left_out,
        mistakes=found.mistakes,
    )


def _sections(report: EvaluationReport[RetrievalResults]) -> Iterator[Section]:
    found = report.results.retrieval
    last, grouped = found.at[-1], bool(found.n_groups)
    shares = {name: each["majority_vote"] for name, each in last.per_class.items()}
    yield Bars(
        "classes", "By class", shares, note=f"Share of each class named rightly, by a vote of {last.k} neighbours, with 95 % intervals."
    )
    yield Confusion(
        "confusion",
        "Confusion",
        found.classes,
        last.confusion,
        f"Patches by what they are (line) and the vote of {last.k} neighbours (column).",
    )
    yield Curves(
        "k",
        "By the number of neighbours",
        "neighbours",
        {_NAMES[name]: tuple((at.k, at.scores[name]) for at in found.at) for name in _CURVES},
        chance=last.chance["majority_vote"],
        faint={"MV, nothing kept apart": tuple((at.k, at.naive["majority_vote"]) for at in found.at)} if grouped else {},
    )
    ways = ["kept apart", "95 % interval", "not kept apart", "difference", "95 % interval"] if grouped else ["value", "95 % interval"]
    lines = [
        [
            f"{_NAMES[name]}@{at.k}",
            number(score.value),
            interval(score),
            *([number(at.naive[name]), signed(at.leakage[name].value), interval(at.leakage[name])] if grouped else []),
            number(at.chance[name]),
        ]
        for at in found.at
        for name, score in at.scores.items()
    ]
    yield table("scores", "All scores", ["score", *ways, "chance"], lines)
    yield facts(
        "counts",
        "Counts and failures",
        {
            "Queries": found.n_queries,
            "Rows searched": found.n,
            "Groups (patients or slides) kept apart": found.n_groups or "no such column",
            f"Queries with fewer than {last.k} rows to find (what they lack counts as wrong)": found.n_failures,
        }
        | {f"Left out, no {name}": n for name, n in found.dropped.items() if n},
    )
    yield _index(report)


def _index(report: EvaluationReport[RetrievalResults]) -> Section:
    index = report.results.index
    if index is None:
        command = f"explorer index {report.collection} --encoder {report.encoder}"
        return facts("index", "The index", {"Recall and speed": f"not known, there is no index; run '{command}'"})
    return facts(
        "index",
        "The index (the scores above come from exact search)",
        {
            "Kind": index.kind,
            "Recall@10 against exact search": number(index.recall_at_10),
            f"One search, median of {index.n_timed}": f"{index.latency_ms['p50']} ms",
            "One search, 99th percentile": f"{index.latency_ms['p99']} ms",
        },
    )


def _columns(report: EvaluationReport[RetrievalResults]) -> Iterator[Column]:
    for at in reversed(report.results.retrieval.at):
        for name, score in at.scores.items():
            headline = at.k == 10 and name in ("majority_vote", "average_precision")
            yield Column(f"{_NAMES[name]}@{at.k}", score, at.chance[name], headline=headline, help=_HELP[name])


RETRIEVAL = Protocol(
    name="retrieval",
    title="Retrieval",
    asks="Does a patch find patches of its own class in other patients?",
    explained="The share of patches whose nearest neighbours (of other patients, where known) vote for their class; mean over classes.",
    run=_run,
    results=RetrievalResults,
    sections=_sections,
    columns=_columns,
    citations=(COLOUR, INTERVALS),
    beside="index",
    asked_first=True,
)
