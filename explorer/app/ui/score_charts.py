"""Charts of a report. Labels are escaped for plotly, which would interpret HTML tags in them."""

from __future__ import annotations

import html
import math
from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from ...evaluation import Estimate
from ...reports.geometry import Mark
from ...reports.sections import Bars, Confusion, Curves, Section
from .. import ui
from .theme import accent, is_dark

QUIET = "#8b9699"
_FAINT = "rgba(139, 150, 153, 0.35)"
_PAGE_LIGHT, _PAGE_DARK = "#ffffff", "#14191b"
_LIGHT, _DARK = "#f1f5f5", "#1e2527"
"""Colour of an empty cell, by theme: plotly chooses the colour of a cell's text by the cell's own."""
_FURTHER_SERIES = ("#e69f00", "#0072b2", "#cc79a7")
_CONFIG = {"displayModeBar": False, "scrollZoom": False}
_LINE_PX = 24
_MOST_COUNTS = 14
"""Maximal number of classes for which a confusion matrix shows its numbers."""


def section(shown: Section, *, key: str) -> None:
    """Show the chart of a section with its title and note; sections of text are skipped."""
    if not isinstance(shown, Bars | Confusion | Curves):
        return
    st.header(shown.title, anchor=False)
    if isinstance(shown, Bars):
        class_bars(shown.bars, key=key, chance=shown.chance, what=shown.title)
    elif isinstance(shown, Confusion):
        confusion(shown.classes, shown.counts, key=key)
    else:
        curves(shown.series, key=key, title=shown.x, chance=shown.chance, quiet=shown.faint)
    if shown.note:
        st.caption(ui.plain(shown.note))


def score_line(value: Estimate, known: Sequence[Mark], *, key: str) -> None:
    """The score with its interval on a line from 0 to 1; below it a named tick for each baseline."""
    import plotly.graph_objects as go

    behind = _PAGE_DARK if is_dark() else _PAGE_LIGHT  # a tick passes behind the names of others
    figure = go.Figure()
    figure.add_shape(type="line", x0=0, x1=1, y0=0, y1=0, line={"color": _FAINT, "width": 2})
    for each in known:
        at, left, line = each.value, each.left, each.line
        figure.add_shape(type="line", x0=at, x1=at, y0=0.3, y1=-line, line={"color": QUIET, "width": 1, "dash": "dot"})
        figure.add_annotation(
            x=at, y=-line, text=f"{plain(each.title)} {at:.3f}", showarrow=False, font={"color": QUIET} if each.faint else {},
            xanchor="left" if left else "right", xshift=6 if left else -6, bgcolor=behind, borderpad=0,
        )  # fmt: skip
    if value.known:
        figure.add_trace(_points([value.value], [0.0], [value], colour=accent(), size=18, along="x"))
    figure.update_layout(showlegend=False, height=_LINE_PX * (len(known) + 1) + 48, margin={"l": 8, "r": 8, "t": 8, "b": 28})
    figure.update_xaxes(range=[-0.01, 1.01], tickvals=[0, 0.25, 0.5, 0.75, 1], showgrid=False, zeroline=False, fixedrange=True)
    figure.update_yaxes(visible=False, range=[-len(known) - 0.6, 0.9], fixedrange=True)
    words = ", ".join(f"{each.title} {each.value:.3f}" for each in known)
    _show(figure, key=key, alt=f"The score {_words(value)} on a line from 0 to 1, beside {words}")


def class_bars(by_class: Mapping[str, Estimate], *, key: str, chance: float | None = None, what: str = "By class") -> None:
    """A bar with its interval for each class, or for what ``what`` names."""
    import plotly.graph_objects as go

    names = list(by_class)
    known = [by_class[name] for name in names]
    bars = go.Bar(
        y=list(range(len(names))), x=[_or_none(each.value) for each in known], orientation="h", marker_color=accent(0.45),
        error_x=_error(known, colour=accent()), customdata=[f"{plain(name)}: {_words(by_class[name])}" for name in names],
        hovertemplate="%{customdata}<extra></extra>",
    )  # fmt: skip
    figure = go.Figure([bars])
    if chance is not None:
        figure.add_vline(x=chance, line={"color": QUIET, "width": 1, "dash": "dot"})
    figure.update_layout(showlegend=False, height=56 + 30 * len(names), margin={"l": 0, "r": 12, "t": 8, "b": 32}, bargap=0.35)
    figure.update_xaxes(range=[0, 1.02], tickvals=[0, 0.25, 0.5, 0.75, 1], fixedrange=True)
    figure.update_yaxes(**_names(names), autorange="reversed", automargin=True, ticks="", fixedrange=True)
    _show(figure, key=key, alt=f"{what}: " + ", ".join(f"{name} {_words(each)}" for name, each in by_class.items()))


def confusion(classes: Sequence[str], counts: Sequence[Sequence[int]], *, key: str) -> None:
    """Counts by true class (line) and predicted class (column), shaded by the share of the line."""
    import plotly.graph_objects as go

    shares = [[count / max(1, sum(row)) for count in row] for row in counts]
    words = [
        [f"is {plain(own)}, named {plain(other)}: {count} ({share:.0%})" for other, count, share in zip(classes, row, line, strict=True)]
        for own, row, line in zip(classes, counts, shares, strict=True)
    ]
    roomy = len(classes) <= _MOST_COUNTS
    empty = _DARK if is_dark() else _LIGHT
    figure = go.Figure(
        go.Heatmap(
            z=shares, zmin=0, zmax=1, colorscale=[[0, empty], [1, accent()]], showscale=False, xgap=2, ygap=2,
            text=counts, texttemplate="%{text}" if roomy else "", customdata=words, hovertemplate="%{customdata}<extra></extra>",
        )
    )  # fmt: skip
    side = max(34, min(56, 420 // max(1, len(classes))))
    figure.update_layout(height=110 + side * len(classes), margin={"l": 0, "r": 0, "t": 8, "b": 8})
    figure.update_xaxes(**_names(classes), title={"text": "named"}, automargin=True, showgrid=False, ticks="", fixedrange=True)
    figure.update_yaxes(
        **_names(classes), title={"text": "is"}, automargin=True, autorange="reversed", showgrid=False, ticks="", fixedrange=True
    )
    right = sum(row[i] for i, row in enumerate(counts))
    _show(figure, key=key, alt=f"Confusion of {len(classes)} classes: {right} of {sum(map(sum, counts))} on the diagonal")


def curves(
    series: Mapping[str, Sequence[tuple[int, Estimate]]],
    *,
    key: str,
    title: str,
    chance: float | None = None,
    quiet: Mapping[str, Sequence[tuple[int, float]]] | None = None,
) -> None:
    """Scores with intervals over a number on a logarithmic axis; ``quiet`` series are dashed, grey and without interval."""
    import plotly.graph_objects as go

    figure = go.Figure()
    for colour, (name, points) in zip((accent(), *_FURTHER_SERIES), series.items(), strict=False):
        x, known = [float(at) for at, _ in points], [each for _, each in points]
        line = _points(x, [_or_none(each.value) for each in known], known, colour=colour, size=8, along="y")
        line.update(mode="lines+markers", name=plain(name), line={"color": colour, "width": 2})
        figure.add_trace(line)
    for name, dashed in (quiet or {}).items():
        figure.add_trace(
            go.Scatter(
                x=[at for at, _ in dashed], y=[value for _, value in dashed], mode="lines", name=plain(name),
                line={"color": QUIET, "width": 2, "dash": "dash"}, hovertemplate="%{y:.3f}<extra>" + plain(name) + "</extra>",
            )
        )  # fmt: skip
    if chance is not None:
        figure.add_hline(y=chance, line={"color": QUIET, "width": 1, "dash": "dot"})
        figure.add_annotation(
            x=1,
            xref="paper",
            y=chance,
            text=f"chance {chance:.3f}",
            showarrow=False,
            xanchor="right",
            yanchor="bottom",
            font={"color": QUIET},
        )
    ticks = sorted({at for points in (*series.values(), *(quiet or {}).values()) for at, _ in points})
    figure.update_layout(
        height=320, margin={"l": 0, "r": 8, "t": 8, "b": 8}, showlegend=len(series) + len(quiet or {}) > 1,
        legend={"orientation": "h", "yanchor": "bottom", "y": 1.0, "x": 0},
    )  # fmt: skip
    figure.update_xaxes(
        type="log", tickvals=ticks, ticktext=[str(at) for at in ticks], title={"text": title}, automargin=True, fixedrange=True
    )
    figure.update_yaxes(range=[0, 1.02], tickvals=[0, 0.25, 0.5, 0.75, 1], automargin=True, fixedrange=True)
    words = "; ".join(f"{name}: " + ", ".join(f"{at} {_words(each)}" for at, each in points) for name, points in series.items())
    _show(figure, key=key, alt=f"Scores by {title}. {words}")


def plain(text: object) -> str:
    """A chart label, escaped and shortened to leave room for the chart."""
    whole = str(text)
    return html.escape(whole if len(whole) <= 44 else whole[:43] + "…")


def _names(names: Sequence[str]) -> dict[str, Any]:
    """Names on an axis by their positions, because two names may be equal once they are shortened."""
    return {"tickvals": list(range(len(names))), "ticktext": [plain(name) for name in names], "zeroline": False}


def _points(x: Sequence[float | None], y: Sequence[float | None], known: Sequence[Estimate], *, colour: str, size: int, along: str) -> Any:
    import plotly.graph_objects as go

    return go.Scatter(
        x=x, y=y, mode="markers", marker={"size": size, "color": colour}, customdata=[_words(each) for each in known],
        hovertemplate="%{customdata}<extra></extra>", cliponaxis=False, **{f"error_{along}": _error(known, colour=colour)},
    )  # fmt: skip


def _error(known: Sequence[Estimate], *, colour: str) -> dict[str, Any]:
    """Error bars to the ends of the intervals; none where an end is unknown."""

    def reach(each: Estimate, end: str) -> float:
        return abs(getattr(each, end) - each.value) if each.known and each.has_interval else 0.0

    return {
        "type": "data", "symmetric": False, "array": [reach(each, "high") for each in known],
        "arrayminus": [reach(each, "low") for each in known], "color": colour, "thickness": 2, "width": 4,
    }  # fmt: skip


def _words(each: Estimate) -> str:
    if not each.known:
        return "not known"
    return f"{each.value:.3f}" + (f" ({each.low:.3f} to {each.high:.3f})" if each.has_interval else "")


def _or_none(value: float) -> float | None:
    return None if math.isnan(value) else value


def _show(figure: Any, *, key: str, alt: str) -> None:
    st.plotly_chart(figure, key=key, config=_CONFIG, alt=alt)
