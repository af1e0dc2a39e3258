"""Two maps of the same patches side by side, by two encoders or two layout methods, and where the encoders disagree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import streamlit as st

from ... import pipeline
from ...collection import Collection
from ...errors import ArtifactMissing
from ...evaluation import OverlapReport
from .. import ui, widgets
from ..shared import cache, urls
from ..shared.selections import Shape
from ..ui import charts, map_views, url_state
from ..ui.map_views import View
from ..widgets import MapState, linked_maps
from . import query_tab

SHARED = ":shared"
"""The colour option that shows where the encoders disagree."""
_HEIGHT_PX = 480
_LEAST = 24
_MOST_CARDS = 24


def views(collection: Collection) -> dict[str, View]:
    """All layouts of all models, by key; the first layout of each model first."""
    found: list[list[View]] = []
    for name in collection.encoder_names():
        try:
            found.append([View(collection, artifact, name) for artifact in map_views.layouts(collection, name)])
        except ArtifactMissing:  # a model that is not ready yet; the page says so
            continue
    firsts, others = [of[0] for of in found], [view for of in found for view in of[1:]]
    return {view.projection.key: view for view in [*firsts, *others]}


def keys(collection: Collection) -> tuple[str, str]:
    """Keys of the two map widgets."""
    return f"compare/left/{collection.name}", f"compare/right/{collection.name}"


@st.fragment
def show(collection: Collection, there: Mapping[str, View]) -> None:
    """Show two of these layouts and their selection; a click reruns only this fragment."""
    ui.guarded(lambda: _show(collection, there))


def take(collection: Collection, there: Mapping[str, View], asked: Mapping[str, str]) -> None:
    """Take over the layouts, colour, patch and selection that the URL names."""
    for name in ("one", "other"):
        st.session_state[_side(collection, name)] = asked.get(name)
    st.session_state[_colour(collection)] = asked.get("colour")
    one, other = chosen(collection, there)
    made_on = other if asked.get("on") == "other" else one
    shapes = ui.guarded(lambda: url_state.unpack(asked.get("area")) or map_views.named(made_on, asked.get("of"))) or ()
    picked = next((row for row in url_state.rows(asked.get("patch")) if row < collection.n), None)
    linked_maps.link_maps(*keys(collection))
    widgets.set_map_state(keys(collection)[made_on is other], picked=picked, shapes=shapes)
    st.session_state[map_views.OF] = asked.get("of")


def chosen(collection: Collection, there: Mapping[str, View]) -> tuple[View, View]:
    """The two layouts: those chosen, else two of different encoders, else two of different methods."""
    for name, other in (("one", "other"), ("other", "one")):
        if st.session_state.get(_side(collection, name)) not in there:
            beside = there.get(st.session_state.get(_side(collection, other)) or "")
            free = [view for view in there.values() if beside is None or view.projection.key != beside.projection.key]
            st.session_state[_side(collection, name)] = (free or list(there.values()))[0].projection.key
    return there[st.session_state[_side(collection, "one")]], there[st.session_state[_side(collection, "other")]]


def _show(collection: Collection, there: Mapping[str, View]) -> None:
    one, other = chosen(collection, there)
    found = None if one.encoder == other.encoder else ui.guarded(lambda: cache.overlap(collection, one.encoder, other.encoder))
    options = _colours(one, other, found)
    state_key = _colour(collection)
    if st.session_state.get(state_key) not in options:
        st.session_state[state_key] = next(iter(options))
    colour = st.selectbox("Colour by", list(options), format_func=options.__getitem__, key=state_key, persist_state="session", width=360)
    link = linked_maps.link_maps(*keys(collection))
    picked = widgets.map_state(keys(collection)[0]).picked
    seen = []
    titles = {key: _title(view) for key, view in there.items()}
    for column, key, name, view in zip(st.columns(2, gap="medium"), keys(collection), ("one", "other"), (one, other), strict=True):
        with column:
            st.selectbox(
                "Left map" if name == "one" else "Right map",
                list(titles),
                format_func=titles.__getitem__,
                key=_side(collection, name),
                persist_state="session",
                on_change=_keep,
                args=(keys(collection), key, view),
            )
            data = map_views.data(view, colour="", picked=picked, height_px=_HEIGHT_PX)
            seen.append(widgets.map_view(key, replace(data, column=_column(colour, view, (one, other), found), medoids=())))
    st.caption("Point at a patch on one map to see it on the other; what is chosen on one is chosen on both.")
    _below((one, other), seen, found, link=link)
    side = 1 if seen[1].shapes else 0
    url_params = map_views.url_params((one, other)[side], seen[side].shapes)
    url_state.leave(
        "compare",
        tab="maps",
        one=one.projection.key,
        other=other.projection.key,
        colour=colour if colour != next(iter(options)) else None,
        patch=picked,
        area=url_params["area"],
        of=url_params["of"],
        on="other" if side and url_params["area"] else None,
    )


def _below(pair: tuple[View, View], seen: Sequence[MapState], found: OverlapReport | None, *, link: str) -> None:
    collection = pair[0].collection
    rows = np.union1d(*(map_views.rows_of(view, each.shapes) for view, each in zip(pair, seen, strict=True)))
    picked = seen[0].picked
    just_opened = next((each.opened for each in seen if each.opened is not None), None)
    if just_opened is not None:
        url_state.go("compare", collection=collection.name, tab="query", patch=just_opened)
    left, right = st.columns([1, 2.6], gap="large")
    with left:
        if picked is not None and picked < collection.n and not len(rows):
            widgets.patch("compare/picked", [ui.picture(collection, picked)], height_px=200)
        if found is None:
            st.header("Two layouts of one model", anchor=False)
            st.markdown("Both maps show the same model, so they have the same neighbours. Choose a map by another model to compare models.")
        else:
            _agreement(found)
    with right:
        if len(rows):
            _selection(collection, rows, found, link=link)
        elif picked is not None and picked < collection.n:
            _neighbours(pair, picked, found, link=link)
        elif found is not None:
            _least(collection, found, link=link)


def _agreement(found: OverlapReport) -> None:
    k, mean = int(found.protocol["k"]), found.mean
    with st.container(key="figure-overlap"):
        st.markdown(f"{k * mean.value:.1f} of {k}")
    interval = "not known" if np.isnan(mean.low) else f"{k * mean.low:.1f} to {k * mean.high:.1f}"
    st.markdown(f"nearest patches are the same in both models (95 % interval {interval}).")
    drawn = f"over {found.n_groups} patients or slides" if found.n_groups else "over patches, since no patients are known"
    st.caption(f"By chance it would be {k * found.chance:.1f}. Mean of {ui.count(found.n, 'patch')}; the interval is {drawn}.")
    charts.shared(found.counts.tolist(), key="compare/shared")


def _least(collection: Collection, found: OverlapReport, *, link: str) -> None:
    st.header("Where they disagree most", anchor=False)
    rows = pipeline.least_agreed(found, _LEAST)
    k = int(found.protocol["k"])
    cards = [
        replace(card, score=f"{round(found.per_row[card.row] * k)} of {k}") for card in ui.cards(collection, [(row, None) for row in rows])
    ]
    seen = widgets.result_grid("compare/least", cards, thumb=urls.thumb(collection), columns=8, link=link)
    if seen.opened is not None:
        widgets.set_map_state(keys(collection)[0], picked=seen.opened)
        st.rerun(scope="fragment")


def _neighbours(pair: tuple[View, View], row: int, found: OverlapReport | None, *, link: str) -> None:
    collection = pair[0].collection
    with st.container(horizontal=True, vertical_alignment="center"):
        st.header(f"Nearest patches of {ui.plain(collection.items['id'].iloc[row])}", anchor=False, width="stretch")
        if st.button("Ask every model", key="compare/ask"):
            url_state.go("compare", collection=collection.name, tab="query", patch=row)
        _clear(collection)
    if found is not None:
        k = int(found.protocol["k"])
        st.markdown(f"The models share {round(found.per_row[row] * k)} of its {k} nearest patches.")
    answers = {}
    for view in pair:
        near = collection.embedding(view.encoder).graph
        k = min(pipeline.OVERLAP_K, near.rows.shape[1])
        answers[view.encoder] = [(int(r), float(s)) for r, s in zip(near.rows[row, :k], near.scores[row, :k], strict=True) if r >= 0]
    opened_row = query_tab.strips(collection, answers, key="compare/near", columns=5, link=link)
    if opened_row is not None:
        widgets.set_map_state(keys(collection)[0], picked=opened_row)
        st.rerun(scope="fragment")


def _selection(collection: Collection, rows: np.ndarray, found: OverlapReport | None, *, link: str) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.header(f"{ui.count(len(rows), 'patch')} chosen", anchor=False, width="stretch")
        _clear(collection)
    if found is not None:
        k = int(found.protocol["k"])
        of_these = k * float(found.per_row[rows].mean())
        st.markdown(f"For these the models share {of_these:.1f} of {k} nearest patches; for all, {k * found.mean.value:.1f}.")
    shown = rows if len(rows) <= _MOST_CARDS else rows[np.linspace(0, len(rows) - 1, _MOST_CARDS).astype(int)]
    widgets.result_grid(
        "compare/chosen", ui.cards(collection, [(int(row), None) for row in shown]), thumb=urls.thumb(collection), columns=8, link=link
    )
    if len(shown) < len(rows):
        st.caption(f"{len(shown)} of them, evenly chosen")


def _clear(collection: Collection) -> None:
    if st.button("Clear", key="compare/clear"):
        widgets.set_map_state(keys(collection)[0])
        st.rerun(scope="fragment")


def _colours(one: View, other: View, found: OverlapReport | None) -> dict[str, str]:
    own = map_views.colours(one)
    last = own.pop("")
    several = one.encoder != other.encoder
    named = {
        key: f"{words} · {ui.encoder_title(one.encoder)}" if several and key.startswith(map_views.GROUP) else words
        for key, words in own.items()
    }
    if several:
        groupings = {key: words for key, words in map_views.colours(other).items() if key.startswith(map_views.GROUP)}
        named |= {key: f"{words} · {ui.encoder_title(other.encoder)}" for key, words in groupings.items()}
    agreement = {} if found is None else {SHARED: f"Shared of {found.protocol['k']} nearest: where the models disagree"}
    return named | agreement | {"": last}


def _column(colour: str, view: View, pair: tuple[View, View], found: OverlapReport | None) -> dict[str, Any] | None:
    """The colours of one of the two maps. A clustering colours both; trustworthiness belongs to each map."""
    one, other = pair
    if colour == SHARED and found is not None:
        legend = cache.shared(view.collection, one.encoder, other.encoder).legend
        return {**legend, "url": urls.overlap(view.collection, one.encoder, other.encoder)}
    return map_views.column(next((each for each in pair if map_views.grouping(each, colour)), view), colour)


def _title(view: View) -> str:
    trusted = map_views.measured(view).get("trust")
    words = [ui.encoder_title(view.encoder), map_views.layout_title(view.projection)]
    return " · ".join([*words, f"trust {trusted:.2f}"] if trusted is not None else words)


def _keep(both: tuple[str, str], key: str, before: View) -> None:
    """Before this side shows another layout, move the selection of the old layout to the other side, so that it is kept."""
    if (seen := widgets.map_state(key)).shapes:
        rows = tuple(map_views.rows_of(before, seen.shapes).tolist())
        widgets.set_map_state(both[key == both[0]], picked=seen.picked, shapes=(Shape("replace", rows=rows),))


def _side(collection: Collection, name: str) -> str:
    return f"compare/{name}/{collection.name}"


def _colour(collection: Collection) -> str:
    return f"compare/colour/{collection.name}"
