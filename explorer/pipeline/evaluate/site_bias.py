"""Whether searches in a collection may find the hospital rather than the tissue, according to its reports."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any, Literal

from ...collection import Collection
from ...errors import InputError
from ...evaluation import separable
from ...storage import Artifact
from ...types import Progress, Report, ignore
from .evaluate import evaluate, read_report, reports
from .protocols.site_bias import SITE_BIAS
from .questions import GROUPS, Question, site_columns

MOST_ROWS = 20_000
"""Maximal number of rows of a collection whose site bias is measured while it is built; the time grows with its square."""
_LABEL = "label"


@dataclass(frozen=True, slots=True)
class SiteBias:
    """What is known of the site bias of an embedding: do neighbours follow the tissue, or the place of origin?"""

    state: Literal["site", "fair", "unmeasured", "inseparable"]
    """"site" where a report says that neighbours follow the site, "fair" where none does, "inseparable" where none could tell."""
    sentence: str
    label: str
    site: str
    report: str | None = None
    """Key of the report that says so."""

    @property
    def warns(self) -> bool:
        """True if a reader should be warned that neighbours may follow the place of origin."""
        return self.state in ("site", "inseparable")

    def to_json(self) -> dict[str, Any]:
        """A flat JSON object."""
        return asdict(self)


def site_bias(collection: Collection, encoder: str | None = None) -> SiteBias | None:
    """The result of the reports on this embedding, of several the worst. None where there is no label or place of origin to compare."""
    measured = reports(collection, embedding=collection.embedding(encoder).key, protocol=SITE_BIAS.name)
    return _known(_worst(measured)) if measured else _unmeasured(collection)


def measurable(collection: Collection) -> str | None:
    """The first column of places of origin that site bias can be measured for; None where there is none."""
    return next((name for name in _places(collection) if _separable(collection, name)), None)


def measure_site_bias(collection: Collection, *, encoder: str, device: str = "auto", report: Report = ignore) -> Artifact | None:
    """The site-bias report of an embedding as ``build`` makes it, where it takes little time and can be measured."""
    site = measurable(collection)
    if site is None or collection.n > MOST_ROWS:
        return None
    try:
        return evaluate(collection, Question(SITE_BIAS.name, label=_LABEL, site=site, encoder=encoder), device=device, report=report)
    except InputError as why:  # too few rows, say; the collection is as good without
        report(Progress("evaluate", 0, note=f"whether neighbours follow the {site} was not measured: {why}"))
        return None


@lru_cache(maxsize=16)  # rows never change, and pages ask at every click
def _unmeasured(collection: Collection) -> SiteBias | None:
    site = measurable(collection)
    if site is not None:
        return SiteBias("unmeasured", f"Whether neighbours follow the {site} more than the tissue has not been measured.", _LABEL, site)
    site = next(iter(_places(collection)), None)
    if site is None or site in GROUPS:  # slides labelled as a whole are the rule, and searches leave out the own slide
        return None
    sentence = f"Here {_LABEL} and {site} go together, so whether neighbours follow the tissue or the {site} cannot be told."
    return SiteBias("inseparable", sentence, _LABEL, site)


def _places(collection: Collection) -> list[str]:
    if collection.items[_LABEL].nunique() < 2:
        return []
    return [name for name in site_columns(collection) if collection.items[name].nunique() > 1]


def _separable(collection: Collection, site: str) -> bool:
    items = collection.items
    group = None if site in GROUPS else next((name for name in GROUPS if items[name].notna().any()), None)
    return separable(items[_LABEL], sites=items[site], groups=None if group is None else items[group])


def _worst(measured: list[Artifact]) -> Artifact:
    """The report with the lowest index, among the newest for each pair of columns."""
    newest = {(each.recipe["label"], each.recipe["site"]): each for each in reversed(measured)}
    return min(newest.values(), key=lambda each: 1.0 if (value := each.meta["measured"]["value"]["value"]) is None else value)


def _known(artifact: Artifact) -> SiteBias:
    report = read_report(artifact)
    found = report.results.site_bias
    return SiteBias("site" if found.follows == "site" else "fair", found.sentence, report.label, report.site or "", artifact.key)
