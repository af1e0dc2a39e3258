"""Choose one of the reports on a collection, or measure another."""

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


def reports(collection: Collection, encoder: str) -> list[Artifact]:
    """Readable reports on an encoder, newest first."""
    return [each for each in pipeline.reports(collection) if each.meta["measured"]["encoder"] == encoder and _is_known(each)]


def _is_known(artifact: Artifact) -> bool:
    return PROTOCOLS.get(protocol_name(artifact.recipe)) is not None


def of_its_model(collection: Collection, asked: Mapping[str, str]) -> Mapping[str, str]:
    """URL parameters, completed by the encoder of the report they name."""
    named = next((one for one in collection.artifacts("reports") if one.key == asked.get("report")), None)
    return asked if named is None else {**asked, "model": str(named.meta["measured"]["encoder"])}


def choose(collection: Collection, encoder: str, asked: Mapping[str, str]) -> Artifact | None:
    """Choose the report to show, the newest by default; None where there is none yet."""
    found = {one.key: one for one in reports(collection, encoder)}
    shown, known = f"evaluate/shown/{collection.name}/{encoder}", f"evaluate/known/{collection.name}/{encoder}"
    if asked.get("report") in found:
        st.session_state[shown] = asked["report"]
    elif set(found) - set(st.session_state.get(known, found)) or st.session_state.get(shown) not in found:
        st.session_state.pop(shown, None)  # a report has come: it is shown
    st.session_state[known] = list(found)
    _take(collection, asked)
    if not found:
        return None
    key = st.selectbox("Report", list(found), format_func=lambda key: _title(found[key]), key=shown, persist_state="session", width=360)
    with st.popover("Measure", key="evaluate/another"):
        ui.guarded(lambda: _another(collection, encoder))
    return found[key]


def first(collection: Collection, encoder: str) -> None:
    """Where there is no report yet, show the protocols that can be run."""
    ui.nothing("Nothing has been measured yet.", "")
    with st.container(border=True, key="evaluate-first", width=720):
        _another(collection, encoder)


def _title(artifact: Artifact) -> str:
    measured, recipe = artifact.meta["measured"], artifact.recipe
    site = f" by {recipe['site']}" if recipe.get("site") else ""
    part = ", some rows" if recipe.get("where") or recipe.get("leave_out") else ""
    value = measured["value"]["value"]
    return f"{protocol(protocol_name(recipe)).title} · {recipe['label']}{site}{part} · {'not known' if value is None else f'{value:.2f}'}"


def _take(collection: Collection, asked: Mapping[str, str]) -> None:
    """Set the choices of a new measurement from the URL parameters; names that do not exist are ignored."""
    labels = ui.class_columns(collection)
    if asked.get("measure") in PROTOCOLS:
        st.session_state["evaluate/protocol"] = asked["measure"]
    for name in ("label", "group", "site"):
        if asked.get(name) in labels:
            st.session_state[f"evaluate/{name}"] = asked[name]


def _another(collection: Collection, encoder: str) -> None:
    labels = ui.class_columns(collection)
    if not labels:
        st.caption("These patches have no column to measure against; labels in a table or in folder names would give one.")
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
    given["group"] = _column("Keep apart", collection, labels, usual=GROUPS, key="evaluate/group")
    if chosen.by_site:
        given["site"] = _column("Place of origin", collection, labels, usual=SITES, key="evaluate/site")
    if chosen.learns:
        others = [each.name for each in cache.collections() if each.name != collection.name and encoder in each.encoder_names()]
        given["train"] = st.selectbox(
            "Learn from", [None, *others], format_func=lambda name: name or "this collection", key="evaluate/train"
        )
    st.caption(ui.plain(_summary(collection, label, folds=chosen.learns and given.get("train") is None)))
    if st.button("Measure", type="primary", key="evaluate/start"):
        ui.guarded(lambda: _start(collection, encoder, given))


def _start(collection: Collection, encoder: str, given: dict[str, str | None]) -> None:
    """Start the job, unless a check of the columns already shows that they cannot be measured."""
    asked = job_requests.Evaluate.model_validate({"name": collection.name, "encoder": encoder, **given})
    question = Question(asked.protocol, asked.label, asked.group, asked.site, encoder)
    check_question(collection, question, train=None if asked.train is None else cache.collection(asked.train))
    job_requests.start(asked)
    st.rerun()


def _column(words: str, collection: Collection, labels: list[str], *, usual: tuple[str, ...], key: str) -> str | None:
    """The chosen column, or None for the default one, whose name is shown."""
    own = next((name for name in usual if name in collection.items and collection.items[name].notna().any()), None)
    none = f"as usual: {ui.column_name(own)}" if own else "nothing (no such column is known)"
    return st.selectbox(words, [None, *labels], format_func=lambda name: none if name is None else ui.column_name(name), key=key)


def _summary(collection: Collection, label: str, *, folds: bool) -> str:
    """A summary of the choices, shown before anything is measured."""
    values = collection.table()[label].dropna()
    words = f"{ui.count(values.nunique(), 'class')} in {ui.count(len(values), 'patch')}"
    if gaps := collection.n - len(values):
        words += f"; {ui.count(gaps, 'patch')} without a value are left out"
    if folds:
        own = own_split(collection.items["split"].astype(object).where(collection.items["split"].notna(), None))
        words += "; the collection's own split into train, val and test is used" if own is not None else ""
    return f"{words}."
