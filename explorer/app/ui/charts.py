"""Small charts. Labels are escaped for plotly, which would interpret HTML tags in them."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from . import share
from .theme import accent

MOST_BARS = 8
MAP_COLOURS = ("#0072b2", "#e69f00", "#009e73", "#d55e00", "#cc79a7", "#56b4e9", "#f0e442")
"""Colours of the first classes, in order, as the map has them (``web/map/palette.js``; Okabe and Ito 2008)."""
_FURTHER = ("#7a5ea8", "#8a7a2e", "#5f6b6d", "#a14b4b", "#3d6b3d")
_MOST_PARTS = 9
_REST = "#b9c1c3"


def composition(chosen: pd.Series[Any], whole: pd.Series[Any], *, key: str) -> None:
    """Shares of the most frequent values among the chosen rows, with a tick at the share in the whole collection."""
    import plotly.graph_objects as go

    shares = _shares(chosen)
    base = _shares(whole)
    names = list(shares.index[:MOST_BARS])
    labels = [html.escape(_short(name)) for name in names]
    figure = go.Figure(
        [
            go.Bar(
                y=labels,
                x=[shares[name] for name in names],
                orientation="h",
                marker_color=accent(),
                text=[share(shares[name]) for name in names],
                textposition="outside",
                cliponaxis=False,
                hoverinfo="skip",
            ),
            go.Scatter(
                y=labels,
                x=[base.get(name, 0.0) for name in names],
                mode="markers",
                marker={"symbol": "line-ns-open", "size": 14, "color": "#8b9699", "line": {"width": 2}},
                hovertemplate="in the whole collection: %{x:.0%}<extra></extra>",
            ),
        ]
    )
    figure.update_layout(showlegend=False, height=36 + 28 * len(names), margin={"l": 0, "r": 64, "t": 4, "b": 4}, bargap=0.35)
    figure.update_xaxes(visible=False, range=[0, max([*shares[:1], *base[:1], 0.01]) * 1.02])
    figure.update_yaxes(autorange="reversed", ticks="", showgrid=False, automargin=True)
    words = ", ".join(f"{name} {share(shares[name])}" for name in names)
    st.plotly_chart(
        figure, key=key, config={"displayModeBar": False, "scrollZoom": False}, alt=f"Shares among the selected patches: {words}"
    )
    rest = len(shares) - len(names)
    st.caption(f"{f'And {rest} more. ' if rest > 0 else ''}The tick is the share in the whole collection.")


def stacked(counts: pd.DataFrame, names: Mapping[int, str] | Sequence[str], *, key: str, title: str) -> None:
    """A stacked bar for each cluster (index), divided by the values of a column (columns)."""
    import plotly.graph_objects as go

    order = list(counts.sum().sort_values(ascending=False).index)
    shown, rest = sorted(order[:_MOST_PARTS]), order[_MOST_PARTS:]
    colours = _colours(sorted(order), shown)
    shares = counts.div(counts.sum(axis=1).clip(lower=1), axis=0)
    rows = [html.escape(_short(names[number])) for number in counts.index]
    bars = [
        go.Bar(
            y=rows, x=shares[value], name=html.escape(_short(value)), orientation="h", marker_color=colour,
            hovertemplate="%{x:.0%}<extra>" + html.escape(_short(value)).replace("%", "%%") + "</extra>",
        )
        for value, colour in zip(shown, colours, strict=True)
    ]  # fmt: skip
    if rest:
        bars.append(go.Bar(y=rows, x=shares[rest].sum(axis=1), name=f"{len(rest)} more", orientation="h", marker_color=_REST))
    figure = go.Figure(bars)
    figure.update_layout(
        barmode="stack", height=70 + 24 * len(rows), margin={"l": 0, "r": 8, "t": 30, "b": 4}, bargap=0.3,
        legend={"orientation": "h", "yanchor": "bottom", "y": 1.0, "x": 0, "traceorder": "normal"},
    )  # fmt: skip
    figure.update_xaxes(visible=False, range=[0, 1])
    figure.update_yaxes(autorange="reversed", ticks="", automargin=True, type="category")
    st.plotly_chart(figure, key=key, config={"displayModeBar": False}, alt=title)


def shared(counts: Sequence[int], *, key: str) -> None:
    """How many patches have 0, 1, ... nearest neighbours in common between two encoders."""
    import plotly.graph_objects as go

    figure = go.Figure(
        go.Bar(x=list(range(len(counts))), y=list(counts), marker_color=accent(), hovertemplate="%{y} patches share %{x}<extra></extra>")
    )
    figure.update_layout(height=190, margin={"l": 0, "r": 8, "t": 4, "b": 4}, bargap=0.15)
    figure.update_xaxes(title="shared of the nearest", dtick=max(1, len(counts) // 10), automargin=True)
    figure.update_yaxes(title="patches", automargin=True)
    words = ", ".join(f"{number} shared: {n} patches" for number, n in enumerate(counts))
    st.plotly_chart(figure, key=key, config={"displayModeBar": False}, alt=f"Shared neighbours: {words}")


def _shares(values: pd.Series[Any]) -> pd.Series[Any]:
    known = values.astype("string").fillna("not given")
    return known.value_counts(normalize=True)


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= 28 else text[:27] + "…"


def _colours(values: Sequence[object], shown: Sequence[object]) -> list[str]:
    further = iter(_FURTHER * len(shown))
    return [MAP_COLOURS[at] if (at := values.index(value)) < len(MAP_COLOURS) else next(further) for value in shown]
