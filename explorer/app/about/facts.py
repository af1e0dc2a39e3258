"""The sections of the About page that describe a collection."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from ... import encoders, jobs
from ...collection import Collection
from ...errors import EncoderUnknown
from ...pipeline import PROTOCOLS
from ...reports.format_4 import protocol_name
from ...sources.benchmark_table import BENCHMARKS
from ...storage import Artifact
from .. import ui
from ..shared import cache
from ..shared.redaction import without_paths
from ..ui import job_panel, source_reading

_KINDS = {
    "thumbnails": "Small pictures", "embeddings": "Descriptions by a model", "neighbours": "Neighbours and search", "projections": "Maps",
    "stabilities": "Stability of maps", "clusters": "Groups", "baselines": "Baselines",
    "anchors": "Baselines", "reports": "Reports",
    "selections": "Saved selections",
}  # fmt: skip
_SOURCES = {
    "folder": "a folder",
    "upload": "an upload",
    "zip": "a zip",
    "table": "a table",
    "hdf5": "an HDF5 file",
    **{name: known.title for name, known in BENCHMARKS.items()},
    "synthetic": "drawn tissue; none of it is real",
}


def head(collection: Collection) -> None:
    """Show one line that says what the collection is."""
    record = collection.record
    st.title(ui.plain(collection.name), anchor=False)
    source = record["source"]
    words = [ui.count(collection.n, "patch"), f"made from {_SOURCES.get(source['kind'], source['kind'])}", ui.day(record["created"])]
    st.markdown(ui.plain(" · ".join(words)))
    known = {column: int(collection.items[column].nunique()) for column in ("label", "patient", "slide", "site", "split")}
    counts = [ui.count(n, column) for column, n in known.items() if n]
    st.caption(ui.plain(" · ".join(counts)) or "Nothing but the pictures is known.")
    mpp = collection.items["mpp"].dropna()
    if mpp.empty:
        st.caption("How large a pixel is on the tissue is not known, so no scale bar can be shown.")
    elif mpp.max() > 1.5 * mpp.min():
        st.warning(f"Patches differ in scale: from {mpp.min():g} to {mpp.max():g} µm per pixel. Similar patches may be so by scale.")
    else:
        st.caption(f"{mpp.median():g} µm per pixel.")


def understood(collection: Collection) -> None:
    """Show how the tables beside the pictures were read, as recorded when the collection was made."""
    reading = collection.record.get("reading")
    if reading is None or not (reading["tables"] or reading["notes"]):
        return
    st.header("Where labels come from", anchor=False)
    if reading["layout"]:
        st.caption(ui.plain(f"Files are laid out as in {reading['layout']}."))
    source_reading.notes(reading, key="about")
    source_reading.tables(reading["tables"], key="about")
    source_reading.lines_without_picture(reading["tables"], key="about")


def models(collection: Collection) -> None:
    """Show the encoders the collection was embedded with, and their licences."""
    st.header("Models", anchor=False)
    if not collection.encoder_names():
        st.markdown("No model has described these patches yet. Finish the collection in the library.")
    for name in collection.encoder_names():
        with st.container(border=True, key=f"model-{name}"):
            recipe = collection.embedding(name).recipe["encoder"]
            try:
                spec = encoders.spec(name)
            except EncoderUnknown:
                st.markdown(f"**{ui.plain(name)}**")
                continue
            st.markdown(f"**{ui.plain(spec.title)}** &ensp; {spec.dim} numbers a patch")
            use = " Not for commercial use." if spec.non_commercial else ""
            st.markdown(ui.plain(f"Licence: {spec.license or 'none needed'}.{use}"))
            if spec.license_url:
                st.caption(ui.plain(spec.license_url))
            st.caption(ui.plain(spec.paper))
            weights = recipe.get("weights_sha256") or recipe.get("constants_sha256")
            if weights:
                st.caption(f"Weights sha256 {weights}")


def check(collection: Collection) -> None:
    """Offer a check of every file against its recorded checksum, and show the result."""
    st.header("Files", anchor=False)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown("Every file was recorded with a checksum when it was written.", width="content")
        if st.button("Check all files", key="about/check"):
            running = [job for job in job_panel.of(collection.name) if job.command[0] == "verify" and job.is_active()]
            if not running:
                jobs.start(
                    cache.settings().home, ["verify", "--", collection.name], title=f"Check {collection.name}", collection=collection.name
                )
            st.rerun()
    for job in [job for job in job_panel.of(collection.name) if job.command[0] == "verify"][:1]:
        now = job.state()
        if now == "done":
            st.success("Every file is as it was written.")
        elif now == "failed":
            st.error("Some files are not as they were written. Make the collection again from its pictures, or restore them from a copy.")
            st.text(without_paths(job.log()))
    job_panel.panel(collection.name)


def rejects(collection: Collection) -> None:
    """Show the files that did not become patches, with reasons."""
    st.header("Left out", anchor=False)
    if collection.rejects.empty:
        st.markdown("Nothing was left out.")
        return
    st.markdown(f"{ui.count(len(collection.rejects), 'file')} did not become patches. None was replaced by an empty picture.")
    reasons = collection.rejects["reason"].value_counts()
    st.caption(ui.plain(" · ".join(f"{reason}: {n}" for reason, n in reasons.head(6).items())))
    st.dataframe(collection.rejects, hide_index=True, column_config={"uri": "File", "reason": "Why"}, key="about/rejects")


def artifacts(collection: Collection) -> None:
    """Show every artifact with its recipe, versions and checksums."""
    st.header("How it was made", anchor=False)
    for kind, title in _KINDS.items():
        for artifact in collection.artifacts(kind):
            with st.expander(f"{title} · {ui.plain(_brief(artifact))} · {ui.day(artifact.meta['created'])}"):
                _recipe(artifact)
    with st.expander("The patches themselves"):
        record = {name: value for name, value in collection.record.items() if name != "source"}
        source = collection.record["source"]
        st.json(record | {"source": {"kind": source["kind"], "name": Path(source["uri"]).name, "options": source["options"]}}, expanded=1)
    everything = {kind: [dict(artifact.meta) for artifact in collection.artifacts(kind)] for kind in _KINDS}
    st.download_button(
        "Export all of this (JSON)",
        data=lambda: without_paths(json.dumps({"collection": collection.name, **everything}, indent=1, ensure_ascii=False)).encode(),
        file_name=f"{collection.name} recipe.json",
        mime="application/json",
    )


def _recipe(artifact: Artifact) -> None:
    parts: list[tuple[str, Any]] = []
    for name in ("recipe", "measured", "versions"):
        parts += [(f"{name}: {key}", value) for key, value in artifact.meta[name].items()]
    parts += [(f"file: {name}", f"{ui.size(facts['bytes'])}, sha256 {facts['sha256']}") for name, facts in artifact.meta["files"].items()]
    table = pd.DataFrame(
        [(name, value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)) for name, value in parts],
        columns=["What", "Value"],
    )
    st.dataframe(
        table, hide_index=True, key=f"about/{artifact.path.parent.name}/{artifact.key}", height="content" if len(table) < 12 else 420
    )


def _brief(artifact: Artifact) -> str:
    recipe = artifact.recipe
    if "encoder" in recipe:
        return ui.encoder_title(recipe["encoder"]["name"])
    if "protocol" in recipe:
        return f"{_protocol_title(protocol_name(recipe))}, {recipe['label']}"
    if "seeds" in recipe:
        return f"seeds {' and '.join(map(str, recipe['seeds']))}"
    return str(recipe.get("name") or recipe.get("method") or recipe.get("index") or f"{recipe.get('side_px', '')} px")


def _protocol_title(name: str) -> str:
    """Title of a protocol; its name where this version does not know it."""
    return PROTOCOLS[name].title if name in PROTOCOLS else name
