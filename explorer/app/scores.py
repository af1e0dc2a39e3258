"""Reports on a collection: which one is shown, how another is measured, and the page it is read on."""

from __future__ import annotations

import streamlit as st

from .. import storage
from ..collection import Collection
from ..pipeline import read_report
from ..pipeline.report_html import report_body
from ..pipeline.report_words import STYLE, TITLES
from ..storage import Artifact
from . import state, ui, work

_SAID = {
    "retrieval": "Does a patch find patches of its own class in other patients?",
    "knn": "Do the nearest patches of other patients name the class?",
    "linear": "Can a line through the vectors tell the classes of other patients apart? Takes a minute or more.",
    "leak": "Do neighbours follow the tissue, or the hospital, scanner or slide?",
}


def choose(opened: Collection, encoder: str, asked: str | None) -> Artifact | None:
    """The report to show; None where nothing has been measured yet."""
    found = {one.key: one for one in opened.artifacts("reports")}
    kept = f"evaluate/shown/{opened.name}"
    if asked is not None:
        st.session_state[kept] = asked
    if st.session_state.get(kept) not in found:
        st.session_state.pop(kept, None)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.title("Evaluate", anchor=False, width="stretch")
        key = None
        if found:
            key = st.selectbox(
                "Report", list(found), format_func=lambda key: _title(found[key]), key=kept, persist_state="session", width=400
            )
        with st.popover("Measure", key="evaluate/another"):
            ui.guarded(lambda: _another(opened, encoder))
    return found[key] if key is not None else None


def show(made: Artifact | None) -> None:
    """A report, and the same as a file to take away."""
    if made is None:
        ui.nothing("Nothing has been measured yet.", "Choose 'Measure' to see what this model is worth for a label.")
        return
    document = read_report(made)
    st.html(f"<style>{STYLE}</style>{report_body(document)}")
    page = storage.file(made, "report.html").read_bytes()
    name = f"{document['collection']}-{document['protocol']}.html"
    st.download_button("Download this report", page, file_name=name, mime="text/html", key="evaluate/download", on_click="ignore")


def _title(made: Artifact) -> str:
    measured, recipe = made.meta["measured"], made.recipe
    return f"{TITLES[recipe['protocol']]} · {recipe['label']} · {ui.encoder_title(measured['encoder'])} · {measured['value']['value']:.2f}"


def _another(opened: Collection, encoder: str) -> None:
    labels = ui.class_columns(opened)
    if not labels:
        st.caption("Nothing is known of these patches to measure against. Labels in a table or in folder names would be.")
        return
    protocol = st.radio("What", list(TITLES), format_func=TITLES.__getitem__, key="evaluate/protocol", captions=list(_SAID.values()))
    label = st.selectbox(
        "Label", labels, index=labels.index("label") if "label" in labels else 0, format_func=_column_name, key="evaluate/label"
    )
    given: dict[str, str | None] = {"protocol": protocol, "label": label}
    given["group"] = st.selectbox(
        "Keep apart", [None, *labels], format_func=_column_name, key="evaluate/group", help="Where none is chosen: patients, else slides."
    )
    if protocol == "leak":
        given["site"] = st.selectbox("Place of origin", [None, *labels], format_func=_column_name, key="evaluate/site")
    if protocol in ("knn", "linear"):
        others = [each.name for each in state.collections() if each.name != opened.name]
        given["train"] = st.selectbox(
            "Learn from", [None, *others], format_func=lambda name: name or "other patients of this collection", key="evaluate/train"
        )
    if st.button("Measure", type="primary", key="evaluate/start"):
        work.start(work.Evaluate.model_validate({"name": opened.name, "encoder": encoder, **given}))
        st.rerun()


def _column_name(name: str | None) -> str:
    return "as usual" if name is None else ui.COLUMN_NAMES.get(name, name)
