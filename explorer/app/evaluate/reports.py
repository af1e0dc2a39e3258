"""Reports on a collection: which one is shown, and how another is measured."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from ... import pipeline
from ...collection import Collection
from ...pipeline import PROTOCOLS, Question, check_question
from ...pipeline.evaluate.protocols import protocol
from ...pipeline.evaluate.questions import GROUPS, SITES
from ...pipeline.evaluate.splits import own_split
from ...reports.format_4 import protocol_name
from ...storage import Artifact
from .. import ui
from ..shared import cache, job_requests


def reports(opened: Collection, encoder: str) -> list[Artifact]:
    """Reports on a model that can be read, newest first."""
    return [each for each in pipeline.reports(opened) if each.meta["measured"]["encoder"] == encoder and _is_known(each)]


def _is_known(artifact: Artifact) -> bool:
    return PROTOCOLS.get(protocol_name(artifact.recipe)) is not None


def of_its_model(opened: Collection, asked: Mapping[str, str]) -> Mapping[str, str]:
    """What an address asks, with the model of the report it names."""
    named = next((one for one in opened.artifacts("reports") if one.key == asked.get("report")), None)
    return asked if named is None else {**asked, "model": str(named.meta["measured"]["encoder"])}


def choose(opened: Collection, encoder: str, asked: Mapping[str, str]) -> Artifact | None:
    """The report to show, newest first unless another is chosen; None where nothing has been measured yet."""
    found = {one.key: one for one in reports(opened, encoder)}
    kept, known = f"evaluate/shown/{opened.name}/{encoder}", f"evaluate/known/{opened.name}/{encoder}"
    if asked.get("report") in found:
        st.session_state[kept] = asked["report"]
    elif set(found) - set(st.session_state.get(known, found)) or st.session_state.get(kept) not in found:
        st.session_state.pop(kept, None)  # a report has come: it is shown
    st.session_state[known] = list(found)
    _take(opened, asked)
    if not found:
        return None
    key = st.selectbox("Report", list(found), format_func=lambda key: _title(found[key]), key=kept, persist_state="session", width=360)
    with st.popover("Measure", key="evaluate/another"):
        ui.guarded(lambda: _another(opened, encoder))
    return found[key]


def first(opened: Collection, encoder: str) -> None:
    """Where nothing has been measured: the ways to do it, laid out."""
    ui.nothing("Nothing has been measured yet.", "")
    with st.container(border=True, key="evaluate-first", width=720):
        _another(opened, encoder)


def _title(made: Artifact) -> str:
    measured, recipe = made.meta["measured"], made.recipe
    site = f" by {recipe['site']}" if recipe.get("site") else ""
    part = ", some rows" if recipe.get("where") or recipe.get("leave_out") else ""
    value = measured["value"]["value"]
    return f"{protocol(protocol_name(recipe)).title} · {recipe['label']}{site}{part} · {'not known' if value is None else f'{value:.2f}'}"


def _take(opened: Collection, asked: Mapping[str, str]) -> None:
    """Set the choices of a new measurement to what an address asks; what it names and is not there is passed over."""
    labels = ui.class_columns(opened)
    if asked.get("measure") in PROTOCOLS:
        st.session_state["evaluate/protocol"] = asked["measure"]
    for name in ("label", "group", "site"):
        if asked.get(name) in labels:
            st.session_state[f"evaluate/{name}"] = asked[name]


def _another(opened: Collection, encoder: str) -> None:
    labels = ui.class_columns(opened)
    if not labels:
        st.caption("Nothing is known of these patches to measure against. Labels in a table or in folder names would be.")
        return
    known = list(PROTOCOLS.values())
    chosen = PROTOCOLS[
        st.radio(
            "What",
            [each.name for each in known],
            format_func=lambda name: PROTOCOLS[name].title,
            key="evaluate/protocol",
            captions=[each.asks for each in known],
        )
    ]
    for name in ("label", "group", "site"):  # chosen in another collection
        if st.session_state.get(f"evaluate/{name}") not in (None, *labels):
            st.session_state.pop(f"evaluate/{name}")
    label = st.selectbox(
        "Label", labels, index=labels.index("label") if "label" in labels else 0, format_func=ui.column_name, key="evaluate/label"
    )
    given: dict[str, str | None] = {"protocol": chosen.name, "label": label}
    given["group"] = _column("Keep apart", opened, labels, usual=GROUPS, key="evaluate/group")
    if chosen.by_site:
        given["site"] = _column("Place of origin", opened, labels, usual=SITES, key="evaluate/site")
    if chosen.learns:
        others = [each.name for each in cache.collections() if each.name != opened.name and encoder in each.encoder_names()]
        given["train"] = st.selectbox(
            "Learn from", [None, *others], format_func=lambda name: name or "this collection", key="evaluate/train"
        )
    st.caption(ui.plain(_summary(opened, label, folds=chosen.learns and given.get("train") is None)))
    if st.button("Measure", type="primary", key="evaluate/start"):
        ui.guarded(lambda: _start(opened, encoder, given))


def _start(opened: Collection, encoder: str, given: dict[str, str | None]) -> None:
    """Start the job, unless it is plain already that these columns cannot be measured."""
    asked = job_requests.Evaluate.model_validate({"name": opened.name, "encoder": encoder, **given})
    question = Question(asked.protocol, asked.label, asked.group, asked.site, encoder)
    check_question(opened, question, train=None if asked.train is None else cache.collection(asked.train))
    job_requests.start(asked)
    st.rerun()


def _column(words: str, opened: Collection, labels: list[str], *, usual: tuple[str, ...], key: str) -> str | None:
    """A column, or None for the usual one, which is named."""
    own = next((name for name in usual if name in opened.items and opened.items[name].notna().any()), None)
    none = f"as usual: {ui.column_name(own)}" if own else "nothing (no such column is known)"
    return st.selectbox(words, [None, *labels], format_func=lambda name: none if name is None else ui.column_name(name), key=key)


def _summary(opened: Collection, label: str, *, folds: bool) -> str:
    """What the choices come to, before anything is measured."""
    values = opened.items[label].dropna()
    words = f"{ui.count(values.nunique(), 'class')} in {ui.count(len(values), 'patch')}"
    if gaps := opened.n - len(values):
        words += f"; {ui.count(gaps, 'patch')} without a value are left out"
    if folds:
        own = own_split(opened.items["split"].astype(object).where(opened.items["split"].notna(), None))
        words += "; the collection's own split into train, val and test is used" if own is not None else ""
    return f"{words}."
