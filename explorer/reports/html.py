"""A report as one self-contained HTML page: a typed report in, text out. Jinja2 escapes every value."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from . import geometry, sections
from .document import EvaluationReport
from .sections import Section, Shown, facts

_KEYS = ("embedding", "train", "neighbours", "clusters")
"""Fields of a recipe that are shown."""


def report_title(report: EvaluationReport[Any], shown: Shown) -> str:
    """Title of the report: what was measured, and on which collection."""
    return f"{shown.title}: {report.label} in {report.collection}"


def report_html(report: EvaluationReport[Any], shown: Shown, pictures: Mapping[int, bytes]) -> str:
    """The whole page; ``pictures`` are small JPEGs of the misclassified rows."""
    return _render(
        "page.html",
        report,
        shown,
        title=report_title(report, shown),
        about=about(report),
        marks=geometry.marks(report),
        pictures={row: b64encode(picture).decode() for row, picture in pictures.items()},
    )


def report_details(report: EvaluationReport[Any], shown: Shown) -> str:
    """All numbers, methods and settings as HTML with its style, without a page around it."""
    return _render("details.html", report, shown)


def about(report: EvaluationReport[Any]) -> str:
    """Encoder, rows, groups and training rows in one line."""
    parts = [report.encoder, f"{report.rows} rows"]
    if report.selection.where:
        parts.append("only " + " and ".join(f"{name} {value}" for name, value in report.selection.where.items()))
    if report.groups:
        parts.append(f"{report.groups} different in {report.group}")
    if report.train:
        parts.append(f"learnt from {report.train}")
    return " · ".join(parts)


def measured(report: EvaluationReport[Any]) -> list[Section]:
    """Methods and settings of a report."""
    how: dict[str, object] = {"Label column": report.label, "Kept apart by": report.group or "nothing"}
    how |= {"Site column": report.site} if report.site else {}
    how |= {f"Only rows with {name}": value for name, value in report.selection.where.items()}
    if report.split is not None:
        how |= {"Split": report.split.way} | {f"Kept from teaching, {reason}": n for reason, n in report.split.left_out.items()}
    how |= {"Rows without a label": report.unlabelled, "Exact copies that count once": report.copies}
    how |= {f"Left out, class {name}": f"{n} rows" for name, n in report.left_out.items()}
    how |= {f"Left out on request, class {name}": "" for name in report.selection.leave_out}
    what: dict[str, object] = {name: value for name, value in _hashes(report).items() if value}
    what |= {f"{name} key": report.recipe[name] for name in _KEYS if report.recipe.get(name)}
    return [
        facts("how", "How it was measured", how | {"Seed": report.seed} | _settings(report.results)),
        facts("what", "What was measured", what),
        facts("versions", "Versions", report.versions),
    ]


def _hashes(report: EvaluationReport[Any]) -> dict[str, str | None]:
    hashes = report.hashes
    return {
        "items_sha256": hashes.items_sha256,
        "vectors_sha256": hashes.vectors_sha256,
        "weights_sha256": hashes.weights_sha256,
        "train_vectors_sha256": hashes.train_vectors_sha256,
    }


def _settings(results: Any) -> dict[str, object]:
    """The settings of every part of a protocol's results, by the name of the part."""
    if isinstance(own := getattr(results, "protocol", None), Mapping):
        return dict(own)
    parts = {name: getattr(results, name) for name in getattr(type(results), "__dataclass_fields__", {})}
    return {
        f"{name}: {key}": value
        for name, part in parts.items()
        if isinstance(settings := getattr(part, "protocol", None), Mapping)
        for key, value in settings.items()
    }


def _render(template: str, report: EvaluationReport[Any], shown: Shown, **more: Any) -> str:
    values = {"report": report, "shown": shown, "beside": geometry.beside(report), "measured": measured(report)}
    return _environment().get_template(template).render(**values, **more)


@cache
def _environment() -> Environment:
    environment = Environment(loader=PackageLoader("explorer.reports"), autoescape=True, undefined=StrictUndefined)
    environment.filters |= {
        "number": sections.number,
        "interval": sections.interval,
        "percent": geometry.percent,
        "span": geometry.span,
        "lines": geometry.lines,
        "ticks": _ticks,
        "y_px": geometry.y_px,
        "px": lambda value: f"{value:.2f}",
    }
    return environment


def _ticks(lines: Sequence[geometry.Line]) -> list[tuple[float, int]]:
    return sorted({(point.x, point.n) for line in lines for point in line.points})
