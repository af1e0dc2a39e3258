"""Display of how a source was read: counts, tables with their columns, and notes."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from ...sources.reading import outcomes
from ...wording import verb_for
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
_REMEDIES = (  # of the command line, and what to do in the form instead
    (re.compile(r"; to keep such words as values, use --option empty=\[\]"), "; to keep such words as values, take the tick away"),
    (re.compile(r", or give the option encoding"), ", or choose another encoding"),
    (re.compile(r"say --option 'table=[^']*', or call it labels\.csv"), "choose it as the table that describes the pictures"),
    (re.compile(r"; where it is wrong, say --option folders=\S+"), "; where it is wrong, choose below what the folders are"),
    (re.compile(r"; --option folders=\S+ or --option folders=\S+ says what they are"), "; choose below what the folders are"),
    (re.compile(r"; --kind \S+ takes it with its published splits, where it is whole"), ""),
)


def summary(reading: Mapping[str, Any]) -> str:
    """Number of pictures, labels, patients, slides and sites, in one line."""
    words = [count(reading["pictures"], "picture")]
    labels = reading["labels"]
    if not labels:
        words.append("no labels")
    else:
        named = ", ".join(list(labels)[:5]) + (", …" if len(labels) > 5 else "")
        words.append(f"{count(reading['distinct']['label'], 'label')} ({named})")
    words += [count(n, unit) for unit in ("patient", "slide", "site") if (n := reading["distinct"][unit])]
    missing = "" if reading["distinct"]["patient"] else " No patient is known, so patches of one patient cannot be kept apart."
    return " · ".join(words) + "." + missing


def notes(reading: Mapping[str, Any], *, key: str, in_form: bool = False) -> None:
    """Show what was guessed, changed or not matched: the first few notes, the others on demand.

    Remedies are those of the command line, or with ``in_form`` those of the form.
    """
    lines = [without_paths(_sentence(_remedied(note) if in_form else note)) for note in reading["notes"]]
    for line in lines[:_SHOWN_NOTES]:
        st.markdown(plain(f"{line}."))
    if len(lines) > _SHOWN_NOTES:
        with st.expander(f"{count(len(lines) - _SHOWN_NOTES)} more to know", key=f"{key}/notes"):
            for line in lines[_SHOWN_NOTES:]:
                st.markdown(plain(f"{line}."))


def _sentence(note: str) -> str:
    """A note with a capital, but where it begins with the name of a file."""
    return note if "." in note.split(maxsplit=1)[0] else note[:1].upper() + note[1:]


def _remedied(note: str) -> str:
    for pattern, here in _REMEDIES:
        note = pattern.sub(here, note)
    return note


def lines_without_picture(readings: Sequence[Mapping[str, Any]], *, key: str) -> None:
    """Show each line that names no picture with the nearest names, and each that fits several with these."""
    for number, table in enumerate(readings):
        if names := table["names_without_picture"]:
            near = table.get("nearest_pictures") or [()] * len(names)  # collections made before do not have them
            title = f"{count(table['unmatched'], 'line')} of {table['name']} without a picture"
            _listed(title, names, near, head="Nearest pictures", key=f"{key}/unmatched-{number}")
        if names := table.get("ambiguous_names"):
            title = f"{count(table['ambiguous'], 'line')} of {table['name']} that {verb_for(table['ambiguous'], 'fits')} several pictures"
            _listed(title, names, table["fitting_pictures"], head="Pictures", key=f"{key}/ambiguous-{number}")


def _listed(title: str, names: Sequence[str], pictures: Sequence[Sequence[str]], *, head: str, key: str) -> None:
    with st.expander(plain(title), key=key):
        rows = {"Name in the table": names, head: [", ".join(each) for each in pictures]}
        st.dataframe(rows, hide_index=True, key=f"{key}-names")


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
