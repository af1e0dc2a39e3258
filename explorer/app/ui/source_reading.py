"""Display of how a source was read: counts, tables with their columns, and notes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from ...sources.reading import outcomes
from ..shared.redaction import without_paths
from .common import count, plain

FIELD_NAMES = {
    "uri": "Name of the picture",
    "id": "Identifier",
    "label": "Label",
    "patient": "Patient",
    "slide": "Slide",
    "site": "Site",
    "split": "Split",
    "mpp": "µm per pixel",
    "x_px0": "x in level-0 pixels",
    "y_px0": "y in level-0 pixels",
    "side_px0": "Side in level-0 pixels",
}
_SHOWN_NOTES = 4


def summary(reading: Mapping[str, Any]) -> str:
    """Number of pictures, labels, patients, slides and sites, in one line."""
    words = [count(reading["pictures"], "picture")]
    labels = reading["labels"]
    if labels:
        named = ", ".join(list(labels)[:5]) + (", …" if len(labels) > 5 else "")
        words.append(f"{count(reading['distinct']['label'], 'label')} ({named})")
    words += [count(n, unit) for unit in ("patient", "slide", "site") if (n := reading["distinct"][unit])]
    missing = "" if reading["distinct"]["patient"] else " No patient is known, so patches of one patient cannot be kept apart."
    return " · ".join(words) + "." + missing


def notes(reading: Mapping[str, Any], *, key: str) -> None:
    """Show what was guessed, changed or not matched: the first few notes, the others on demand."""
    lines = [without_paths(note[:1].upper() + note[1:]) for note in reading["notes"]]
    for line in lines[:_SHOWN_NOTES]:
        st.markdown(plain(f"{line}."))
    if len(lines) > _SHOWN_NOTES:
        with st.expander(f"{count(len(lines) - _SHOWN_NOTES)} more to know", key=f"{key}/notes"):
            for line in lines[_SHOWN_NOTES:]:
                st.markdown(plain(f"{line}."))


def tables(readings: Sequence[Mapping[str, Any]], *, key: str) -> None:
    """Show each table: how many of its lines were matched, and the field that each column was read as."""
    for number, table in enumerate(readings):
        st.markdown(plain(f"{table['name']}: {count(table['lines'], 'line')}. {', '.join(outcomes(table))}."))
        st.caption(plain(f"Read as {table['form']}."))
        rows = [
            {
                "Column": column["name"],
                "Taken for": ", ".join(FIELD_NAMES.get(name, name) for name in column["taken_for"].split(", ") if name)
                or "your own column",
                "Holds": column["holds"],
                "Lines": column["filled"],
                "Such as": ", ".join(column["examples"]),
            }
            for column in table["columns"]
        ]
        st.dataframe(rows, hide_index=True, key=f"{key}/table-{number}")
        if table["names_without_picture"]:
            with st.expander(f"{count(table['unmatched'], 'line')} without a picture", key=f"{key}/unmatched-{number}"):
                names, near = table["names_without_picture"], table.get("nearest_pictures", [])
                nearest = [", ".join(each) for each in near] or [""] * len(names)  # collections made before do not have them
                st.dataframe({"Name": names, "Nearest pictures": nearest}, hide_index=True, key=f"{key}/unmatched-{number}-names")
