"""Display of a report: the score on a line with its baselines, then classes, curves and mistakes."""

from __future__ import annotations

import math
from typing import Any

import streamlit as st

from ... import storage
from ...collection import Collection
from ...evaluation import Estimate, Mistake
from ...pipeline import read_report
from ...pipeline.evaluate.protocols import shown as how_shown
from ...reports import geometry
from ...reports.document import EvaluationReport
from ...reports.html import report_details
from ...reports.sections import Bars, Confusion, Curves, Shown
from ...search import plain as value_of
from ...storage import Artifact
from .. import ui, widgets
from ..shared import urls
from ..ui import score_charts, url_state


def show(collection: Collection, artifact: Artifact) -> None:
    """Show the report, and offer it as a file to download."""
    report = read_report(artifact)
    shown = how_shown(report)
    _headline(report, shown, artifact.key)
    charts = [section for section in shown.sections if isinstance(section, Bars | Confusion | Curves)]
    for number, side in enumerate(st.columns(2, gap="large")):
        with side:
            for section in charts[number::2]:
                score_charts.section(section, key=f"evaluate/{section.name}/{artifact.key}")
    _mistakes(collection, report, artifact.key)
    with st.expander("All numbers, and how they were measured", key=f"evaluate/all/{artifact.key}"):
        st.html(report_details(report, shown))
    page = storage.file(artifact, "report.html").read_bytes()
    name = f"{report.collection}-{report.protocol}-{report.label}.html"
    st.download_button("Download this report", page, file_name=name, mime="text/html", key="evaluate/download", on_click="ignore")


def _headline(report: EvaluationReport[Any], shown: Shown, key: str) -> None:
    with st.container(horizontal=True, gap="large", key="score"):
        with st.container(width="content", gap=None):
            with st.container(key="score-honest"):
                st.markdown(ui.plain(_number(report.value.value)))
            st.markdown(ui.plain(f"{_interval(report.value)} (95 % interval)"))
            st.caption(ui.plain(f"{report.score} of {report.label}"), help=shown.explained)
        if report.naive is not None:
            with st.container(width="content", gap=None):
                with st.container(key="score-naive"):
                    st.markdown(ui.plain(_number(report.naive)))
                st.caption(ui.plain(f"if one {report.group or 'patient'} could be on both sides"))
    about = [ui.encoder_title(report.encoder), ui.count(report.rows, "patch")]
    if report.selection.where:
        about.append("only " + " and ".join(f"{name} {value}" for name, value in report.selection.where.items()))
    if report.groups:
        about.append(ui.count(report.groups, ui.column_name(report.group or "group")))
    if report.train:
        about.append(f"learnt from {report.train}")
    st.caption(ui.plain(" · ".join(about)))
    for sentence in report.warnings:
        st.warning(ui.plain(sentence))
    for sentence in report.sentences:
        st.markdown(ui.plain(sentence))
    score_charts.score_line(report.value, geometry.marks(report), key=f"evaluate/line/{key}")
    if report.baselines_missing:
        missing = ", ".join(ui.encoder_title(name) for name in report.baselines_missing)
        st.caption(f"Not measured beside it: {ui.plain(missing)}.")


def _mistakes(collection: Collection, report: EvaluationReport[Any], key: str) -> None:
    found = [each for each in report.mistakes if each.row < collection.n]
    if not found:
        return
    st.header("Misclassified examples", anchor=False)
    st.caption("Examples of each confusion, those with the most votes first. Open one to enlarge it and to search with it.")
    patients = collection.items["patient"]
    cards = [
        widgets.Card(each.row, "", each.truth, f"named {each.named or 'nothing'}", str(value_of(patients.iloc[each.row]) or ""))
        for each in found
    ]
    seen = widgets.result_grid(f"evaluate/wrong/{key}", cards, thumb=urls.thumb(collection))
    if seen.opened is not None:
        _large(collection, next(each for each in found if each.row == seen.opened))


@st.dialog("A misclassified patch", width="large")
def _large(collection: Collection, wrong: Mistake) -> None:
    row = wrong.row
    widgets.patch("evaluate/large", [ui.picture(collection, row)], height_px=420)
    st.markdown(f"It is **{ui.plain(wrong.truth)}** and was named **{ui.plain(wrong.named or 'nothing')}** (by {ui.share(wrong.share)}).")
    with st.container(horizontal=True):
        if st.button("Search with this patch", type="primary", key="wrong/search"):
            url_state.go("search", collection=collection.name, patch=row)
        if st.button("Show on the map", key="wrong/map"):
            url_state.go("map", collection=collection.name, patch=row)
    ui.facts(collection, row, key="wrong")


def _number(value: float) -> str:
    return "not known" if math.isnan(value) else f"{value:.3f}"


def _interval(estimate: Estimate) -> str:
    return f"{_number(estimate.low)} to {_number(estimate.high)}" if estimate.has_interval else ""
