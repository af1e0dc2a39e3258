"""The table of scores: a line for each encoder and question, a column for each score; missing scores can be measured from here."""

from __future__ import annotations

import shlex
from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from ... import pipeline
from ...collection import Collection
from ...pipeline import Gap, Line, Score
from .. import ui
from ..shared import cache, job_requests
from ..ui import score_charts, url_state

_GAP = "not measured"
_MOST_GAPS = 30
_FIRST = ("Collection", "Model", "Label", "Kept apart", "Learnt from", "Rows")


def show(collection: Collection, asked: Mapping[str, str] | None) -> dict[str, Any]:
    """Show the table; returns the URL parameters of the tab."""
    if asked is not None:
        st.session_state["compare/whole"], st.session_state["compare/full"] = bool(asked.get("all")), bool(asked.get("full"))
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        whole = st.toggle("All collections", key="compare/whole", persist_state="session")
        full = st.toggle("All scores", key="compare/full", persist_state="session", help="Every k and measure, not one of each kind")
    collections = cache.collections() if whole else [collection]
    found = pipeline.scores(collections)
    missing = pipeline.gaps(collections, found)
    shown = [score for score in found if full or score.measure.headline]
    if shown:
        _table(shown, missing, several=len(collections) > 1)
        _export(found, "all" if whole else collection.name)
        _bars(shown)
    elif missing:
        ui.nothing("Nothing has been measured yet.", "Start a measurement below; its numbers then appear here, a line for each model.")
    else:
        ui.nothing("There is nothing to measure against.", "Give the patches labels, in a table or by folder names, and build again.")
    _missing(missing, several=len(collections) > 1)
    return {"all": whole, "full": full}


def _table(shown: Sequence[Score], missing: Sequence[Gap], *, several: bool) -> None:
    cells = {(score.line, score.measure): score for score in shown}
    measures = sorted({score.measure for score in shown}, key=lambda each: each.order)
    lines = sorted({score.line for score in shown} | {gap.line for gap in missing}, key=lambda line: (str(line.question()), line.encoder))
    absent = {(gap.line, gap.protocol, gap.site) for gap in missing}
    table = pd.DataFrame([_cells(line) for line in lines], columns=list(_FIRST))
    for measure in measures:
        table[measure.title] = [
            _number(cells[line, measure]) if (line, measure) in cells else _GAP if (line, measure.protocol, measure.site) in absent else ""
            for line in lines
        ]
    hidden = [
        name for name in ("Collection", "Learnt from", "Rows") if table[name].nunique() < 2 and not (name == "Collection" and several)
    ]
    event = st.dataframe(
        table.drop(columns=hidden),
        hide_index=True,
        key="compare/table",
        on_select="rerun",
        selection_mode="single-cell",
        height="content",
        column_config={measure.title: st.column_config.TextColumn(help=measure.help or None) for measure in measures}
        | {"Model": st.column_config.TextColumn(pinned=True, width=250)},
    )
    st.caption(
        "Score with its 95 % interval. Numbers may be compared where collection, label, what was kept apart and what was learnt from "
        "are the same. Choose a cell to see where its number is from."
    )
    titles = {measure.title: measure for measure in measures}
    for row, name in event["selection"]["cells"][:1]:
        if name in titles and (lines[row], titles[name]) in cells:
            _from(cells[lines[row], titles[name]])


def _from(score: Score) -> None:
    """Show the report that one number comes from."""
    line, measure = score.line, score.measure
    words = [f"{measure.title} of {_model(line)} for {line.label} in {line.collection}"]
    if score.chance is not None:
        words.append(f"by chance {score.chance:.3f}")
    if score.n_groups:
        words.append(ui.count(score.n_groups, line.group or "group"))
    words.append(f"seed {score.seed}")
    with st.container(horizontal=True, vertical_alignment="center", key="compare/from", border=True):
        st.markdown(f"**{ui.plain(_number(score))}** &ensp; {ui.plain(' · '.join(words))}", width="stretch")
        url_state.link("evaluate", "Open the report", collection=line.collection, report=score.report, model=line.encoder)


def _bars(shown: Sequence[Score]) -> None:
    """Show one score of all encoders, with a chart for each question."""
    titles = {measure.title: measure for measure in sorted({score.measure for score in shown}, key=lambda each: each.order)}
    key = "compare/by"
    if st.session_state.get(key) not in titles:
        st.session_state.pop(key, None)
    name = st.selectbox("Side by side", list(titles), key=key, persist_state="session", width=320)
    of_question: dict[Hashable, list[Score]] = {}
    for score in sorted(shown, key=lambda score: _model(score.line)):
        if score.measure == titles[name] and score.value is not None:
            of_question.setdefault(score.line.question(), []).append(score)
    for number, scores in enumerate(of_question.values()):
        line = scores[0].line
        apart = (
            f"{ui.column_name(line.group)} kept apart" if line.group else "nothing kept apart: patches of one patient may find each other"
        )
        learnt = f", learnt from {line.train}" if line.train else ""
        rows = f", {' '.join(line.rows)}" if line.rows else ""
        st.markdown(ui.plain(f"{ui.column_name(line.label)} in {line.collection}, {apart}{learnt}{rows}"))
        bars = {_model(score.line): score.estimate for score in scores}
        with st.container(width=860):
            score_charts.class_bars(bars, key=f"compare/bars/{number}", chance=scores[0].chance, what=f"{name} by model")


def _missing(missing: Sequence[Gap], *, several: bool) -> None:
    if not missing:
        return
    with st.expander(f"{ui.count(len(missing), 'measurement')} missing", expanded=len(missing) <= 6):
        st.caption(_time(missing))
        for number, gap in enumerate(missing[:_MOST_GAPS]):
            with st.container(horizontal=True, vertical_alignment="center", gap="small", key=f"gap-{number}"):
                where = f" · {ui.plain(gap.line.collection)}" if several else ""
                title = pipeline.PROTOCOLS[gap.protocol].title
                st.markdown(f"{title} of {ui.plain(_model(gap.line))} for {ui.plain(gap.line.label)}{where}", width=420)
                st.code(shlex.join(gap.command()), language=None, width="stretch")
                st.button("Measure", key=f"measure-{number}", on_click=_start, args=(gap,))
        if len(missing) > _MOST_GAPS:
            st.caption(f"The first {_MOST_GAPS}. 'explorer compare' with the names of collections lists all.")


def _time(missing: Sequence[Gap]) -> str:
    """The estimated time of the measurements, as text."""
    slow = sorted({pipeline.PROTOCOLS[gap.protocol].title for gap in missing if pipeline.PROTOCOLS[gap.protocol].takes != "seconds"})
    return "Each can be started here, or typed." + (f" {', '.join(slow)}: takes minutes; the others seconds." if slow else "")


def _start(gap: Gap) -> None:
    line = gap.line
    asked = {"label": line.label, "group": line.group, "site": gap.site, "train": line.train}
    pairs = list(zip(line.rows[::2], line.rows[1::2], strict=True))
    rows = {name: [value for option, value in pairs if option == f"--{name.replace('_', '-')}"] for name in ("where", "leave_out")}
    ui.guarded(
        lambda: job_requests.start(
            job_requests.Evaluate.model_validate(
                {"name": line.collection, "encoder": line.encoder, "protocol": gap.protocol, **asked, **rows}
            )
        )
    )


def _export(found: Sequence[Score], name: str) -> None:
    table = pd.DataFrame([score.to_json() for score in found])
    st.download_button(
        "Download all scores (CSV)",
        data=lambda: ui.csv(table),
        file_name=f"{name} scores.csv",
        mime="text/csv",
        key="compare/csv",
        on_click="ignore",
    )


def _cells(line: Line) -> list[str]:
    return [
        line.collection,
        _model(line),
        ui.column_name(line.label),
        ui.column_name(line.group) if line.group else "nothing",
        line.train or "itself",
        " ".join(line.rows) or "all",
    ]


def _model(line: Line) -> str:
    """The title of the encoder; it says so where the embedding is an older one by the same encoder."""
    return ui.encoder_title(line.encoder) + (f" (older, {line.version})" if line.version else "")


def _number(score: Score) -> str:
    if score.value is None:
        return "undefined"
    interval = "" if score.low is None or score.high is None else f" ({score.low:.3f}–{score.high:.3f})"
    return f"{score.value:.3f}{interval}"
