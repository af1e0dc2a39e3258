"""Evaluation reports that tests make up, and the same as format 4 had them."""

from __future__ import annotations

import math
from typing import Any

from explorer.evaluation import Estimate, SiteBiasReport
from explorer.pipeline.evaluate.protocols.site_bias import SiteBiasResults
from explorer.reports.document import FORMAT, Baseline, EvaluationReport, Hashes, Selection, to_json


def site_bias_report(*, follows: str, sentence: str, label: str, site: str, value: float | None) -> EvaluationReport[SiteBiasResults]:
    """A report by ``site-bias`` with this result."""
    number = math.nan if value is None else value
    found = SiteBiasReport(
        robustness=Estimate(number, number, number),
        robustness_by_chance=0.5,
        counts={"SS": 1, "SO": 2, "OS": 3, "OO": 4},
        site_accuracy=Estimate(0.6, 0.5, 0.7),
        site_accuracy_by_chance=0.5,
        follows=follows,
        sentence=sentence,
        site_sentence="",
        n=36,
        n_queries=36,
        n_sites=2,
        n_groups=0,
        n_copies=0,
        dropped={"label": 0},
        protocol={"k": 10, "seed": 0},
    )
    return EvaluationReport(
        format=FORMAT,
        collection="c",
        train=None,
        rows=36,
        encoder="mean-colour",
        protocol="site-bias",
        label=label,
        group=None,
        site=site,
        groups=None,
        seed=0,
        selection=Selection({}),
        score="Robustness index",
        value=found.robustness,
        naive=None,
        baselines=(Baseline("chance", "Chance", Estimate(0.5)),),
        baselines_missing=("descriptor",),
        warnings=(),
        sentences=(sentence,),
        results=SiteBiasResults(found),
        careless=None,
        split=None,
        left_out={},
        copies=0,
        unlabelled=0,
        mistakes=(),
        recipe={"kind": "report"},
        hashes=Hashes("0" * 64, "1" * 64),
        versions={"numpy": "2"},
    )


def format_4(report: EvaluationReport[SiteBiasResults]) -> dict[str, Any]:
    """The same as format 4 laid it out."""
    new = to_json(report)
    kept = (
        "collection",
        "train",
        "rows",
        "encoder",
        "groups",
        "seed",
        "score",
        "value",
        "naive",
        "mistakes",
        "recipe",
        "hashes",
        "versions",
    )
    found = {name: value for name, value in new["results"]["site_bias"].items() if name not in ("left_out", "reduced")}
    return {name: new[name] for name in kept} | {
        "format": 4,
        "protocol": "leak",
        "columns": {name: new[name] for name in ("label", "group", "site")},
        "anchors": [{"name": each["name"], "title": each["title"], **each["score"]} for each in new["baselines"]],
        "anchors_not_there": new["baselines_missing"],
        "sentences": [*new["warnings"], *new["sentences"]],
        "results": {"leak": found},
    }
