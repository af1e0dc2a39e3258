"""The part of the new-collection form that shows how a source was read and takes corrections before anything is built."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import streamlit as st

from ...sources import open_source, reading_of
from .. import ui
from ..shared import cache
from ..ui import source_reading

CHOICES = "new/choices"
_CORRECTABLE = ("uri", "label", "patient", "slide", "site", "split", "mpp")
_UNREAD = "a table that is not read"
_NO_COLUMN = "no column"
_NO_TABLE = "none"
_ENCODINGS = {
    "": "found by itself",
    "utf-8": "UTF-8",
    "cp1252": "Windows, Western Europe (cp1252)",
    "cp1250": "Windows, Central Europe (cp1250)",
    "cp1251": "Windows, Cyrillic (cp1251)",
    "cp1253": "Windows, Greek (cp1253)",
    "cp1254": "Windows, Turkish (cp1254)",
    "mac_roman": "Macintosh (MacRoman)",
    "gb18030": "Chinese (GB18030)",
    "big5": "Chinese (Big5)",
    "cp932": "Japanese (Shift JIS)",
    "cp949": "Korean (cp949)",
}
_FOLDERS = ("", "label", "label/patient", "patient/label", "split/label", "split/label/patient", "split/patient/label")
_WITH_TABLES = ("folder", "upload", "zip")


def choices() -> dict[str, Any]:
    """The user's corrections so far, each only if it was changed: ``kind``, and options of the source such as ``columns``."""
    found: dict[str, Any] = st.session_state.setdefault(CHOICES, {})
    return found


def read(place: str) -> dict[str, Any]:
    """How a source is read with these corrections, as JSON types, and the files that are left out. Raises ``SourceError``."""
    corrections = choices()
    options = {name: value for name, value in corrections.items() if name != "kind"}
    return _read(place, corrections.get("kind"), json.dumps(options))


def show(found: Mapping[str, Any]) -> None:
    """Show how the source was read, with controls to correct it."""
    reading = found["reading"]
    st.markdown(ui.plain(source_reading.summary(reading)))
    source_reading.notes(reading, key="new", in_form=True)
    source_reading.lines_without_picture(reading["tables"], key="new")
    if reading["suggested_kind"]:
        known = reading["layout"] or reading["suggested_kind"]
        st.button(
            f"Take it as {known} with its published splits", key="new/kind", on_click=_choose, args=("kind", reading["suggested_kind"])
        )
    if choices().get("folders") or any("--option folders=" in note for note in reading["notes"]):
        st.selectbox(
            "What the folders are, outermost first",
            _FOLDERS,
            index=_FOLDERS.index(choices().get("folders") or ""),
            format_func=lambda levels: levels.replace("/", " / ") if levels else "found by itself",
            key="new/folders",
            on_change=lambda: _choose("folders", st.session_state["new/folders"] or None),
            width=320,
        )
    unread = [reject["uri"] for reject in found["rejects"] if reject["reason"] == _UNREAD]
    if reading["tables"] or unread or choices():
        with st.expander("What each column is taken for", expanded=bool(choices()) or _is_doubtful(reading), key="new/columns"):
            source_reading.tables(reading["tables"], key="new")
            correct(reading, unread)
    if found["rejects"]:
        with st.expander(f"{ui.count(len(found['rejects']), 'file')} will be left out"):
            st.dataframe(found["rejects"], hide_index=True, column_config={"uri": "File", "reason": "Why"}, key="new/rejects")


def _is_doubtful(reading: Mapping[str, Any]) -> bool:
    """True where a table was read, and pictures have no labels or lines no picture, so that corrections are likely."""
    return any(table["unmatched"] or table["ambiguous"] or not reading["labels"] for table in reading["tables"])


def correct(reading: Mapping[str, Any] | None, unread: list[str]) -> None:
    """Show controls for the table and its columns; where reading failed, a button that discards all corrections."""
    if choices():
        st.button("Take back all corrections", key="new/reset", on_click=st.session_state.pop, args=(CHOICES, None))
    if reading is None:
        return
    tables = [table["name"] for table in reading["tables"]]
    if reading["kind"] in _WITH_TABLES and (tables or unread):
        options = [*dict.fromkeys([*tables, *unread]), _NO_TABLE]
        st.selectbox(
            "Table that describes the pictures",
            options,
            index=0 if tables else len(options) - 1,
            key="new/which-table",
            on_change=lambda: _choose("table", st.session_state["new/which-table"]),
        )
    if len(tables) == 1:
        _columns(reading["tables"][0])
    if tables:
        st.checkbox(
            "Words such as NA, unknown and - mean that nothing is known",
            value=choices().get("empty") is None,
            key="new/empty",
            on_change=lambda: _choose("empty", None if st.session_state["new/empty"] else []),
        )
    if any(table["form"].startswith("text") for table in reading["tables"]):
        st.selectbox(
            "Encoding of the table",
            list(_ENCODINGS),
            index=list(_ENCODINGS).index(choices().get("encoding") or ""),
            format_func=_ENCODINGS.__getitem__,
            help="Choose another one where letters beyond A to Z look wrong.",
            key="new/encoding",
            on_change=lambda: _choose("encoding", st.session_state["new/encoding"] or None),
            width=320,
        )


def _columns(table: Mapping[str, Any]) -> None:
    """Show one control per field to choose the column it is read from."""
    taken = {name: column["name"] for column in table["columns"] for name in column["taken_for"].split(", ") if name}
    names = [column["name"] for column in table["columns"]]
    with st.container(horizontal=True):
        for name in _CORRECTABLE:
            options = names if name == "uri" else [_NO_COLUMN, *names]
            now = taken.get(name, _NO_COLUMN)
            st.selectbox(
                source_reading.FIELD_NAMES[name],
                options,
                index=options.index(now) if now in options else None,
                key=f"new/column-{name}",
                on_change=_choose_column,
                args=(name,),
                width=180,
            )


def _choose_column(name: str) -> None:
    column = st.session_state[f"new/column-{name}"]
    _choose("columns", {**choices().get("columns", {}), name: None if column == _NO_COLUMN else column})


def _choose(name: str, value: Any) -> None:
    """Store a correction; another kind or table discards the other corrections."""
    remaining = {} if name in ("kind", "table") else {other: known for other, known in choices().items() if other != name}
    st.session_state[CHOICES] = remaining if value is None else remaining | {name: value}


@st.cache_data(max_entries=8, ttl=300, show_spinner="Looking at the files")
def _read(place: str, kind: str | None, options: str) -> dict[str, Any]:
    """Read a source by its file names and tables; no picture is decoded."""
    source = open_source(place, kind=kind, options=json.loads(options), limits=cache.settings().limits)
    rejects = [{"uri": reject.uri, "reason": reject.reason} for reject in source.rejects()]
    return {"reading": reading_of(source).to_json(), "rejects": rejects}
