"""The section of the About page that lists the annotations of a collection, newest first, and undoes one of them."""

from __future__ import annotations

import streamlit as st

from ...collection import Collection
from ...collection.replay import CLUSTER_NAME
from ...storage.journal import Entry
from .. import ui
from ..shared import cache

MOST_ENTRIES = 200
_UNDO = "about/undo-entry"


def show(collection: Collection) -> None:
    """Show who said what of which rows, when and why; nothing where there are no annotations."""
    annotations = collection.annotations
    entries = annotations.history(limit=MOST_ENTRIES)
    if not entries:
        return
    st.header("Annotations", anchor=False)
    st.caption("Labels, tags, notes, decisions, saved selections and names of groups. Nothing is overwritten: undoing is an entry too.")
    undone = annotations.journal.undone()
    st.dataframe([_line(entry, undone) for entry in entries], hide_index=True, key="about/history")
    if annotations.version > len(entries):
        st.caption(
            f"The newest {ui.count(len(entries))} of {ui.count(annotations.version)}; 'explorer history {collection.name}' lists all."
        )
    in_effect = {entry.id: _title(entry) for entry in entries if entry.id not in undone}
    if not in_effect:
        return
    if st.session_state.get(_UNDO) not in in_effect:
        st.session_state.pop(_UNDO, None)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        entry_id = st.selectbox("Entry", list(in_effect), format_func=in_effect.__getitem__, key=_UNDO, width=420)
        st.button("Undo it", key="about/undo", on_click=_undo, args=(collection, entry_id))


def _undo(collection: Collection, entry_id: int) -> None:
    ui.guarded(lambda: collection.annotations.undo(entry_id, who=cache.LOCAL_USER))


def _line(entry: Entry, undone: set[int]) -> dict[str, object]:
    return {
        "Number": entry.id,
        "When": entry.at[:16].replace("T", " "),
        "Who": entry.who,
        "What": entry.kind if entry.undoes is None else f"undo of {entry.undoes}",
        "Of": _about(entry),
        "Value": entry.value,
        "Patches": entry.n_rows or None,
        "Why": entry.why,
        "State": "undone" if entry.id in undone else "",
    }


def _title(entry: Entry) -> str:
    if entry.undoes is not None:
        return f"{entry.id}: undo of {entry.undoes}"
    return " ".join(filter(None, (f"{entry.id}: {entry.kind}", _about(entry), entry.value)))


def _about(entry: Entry) -> str:
    """The selection or the group that an entry is about; empty for one about rows only."""
    if entry.undoes is not None:
        return entry.about
    key, slash, number = entry.about.rpartition("/")
    return f"group {int(number) + 1} of grouping {key}" if entry.kind == CLUSTER_NAME and slash else entry.about
