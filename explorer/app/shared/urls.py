"""Addresses of our routes, as pages hand them to widgets. ``{row}`` in an address stands for a row.

An address that ends in ``?v=...`` names its content: what it answers may be cached for ever.
"""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote, urlencode

import streamlit as st

from ...collection import Collection
from ...storage import Artifact
from . import cache


def api() -> str:
    """Path of our routes on this server, as the browser sees it."""
    base = str(st.get_option("server.baseUrlPath") or "").strip("/")
    return f"/{base}/api" if base else "/api"


def thumb(opened: Collection) -> str:
    """Small JPEG of ``{row}``."""
    return _of(opened, "thumb/{row}.jpg", v=cache.version(opened))


def patch(opened: Collection) -> str:
    """The whole picture of ``{row}``, encoded anew."""
    return _of(opened, "patch/{row}.jpg", v=cache.version(opened))


def rows(opened: Collection, columns: Sequence[str] = ()) -> str:
    """Facts of ``{row}`` as JSON: ``{"row", "id", "fields": [[name, value], ...]}``; of these columns only, where some are given."""
    return _of(opened, "rows/{row}.json", v=cache.version(opened), column=list(columns))


def points(opened: Collection, projection: Artifact) -> str:
    """Point buffer of a map."""
    return _of(opened, f"points/{projection.key}.bin")


def column(opened: Collection, name: str) -> str:
    """Colours by a column; the legend is ``state.column(opened, name).legend``."""
    return _of(opened, "column.bin", v=cache.table_version(opened), name=name)


def groups(opened: Collection, clusters: Artifact) -> str:
    """Colours by group; the legend comes from ``buffers.cluster_column``."""
    return _of(opened, f"groups/{clusters.key}.bin")


def overlap(opened: Collection, one: str, other: str) -> str:
    """How many neighbours two models have in common, as colours of a map; the legend is ``state.shared(...).legend``."""
    return _of(opened, "overlap.bin", v=cache.version(opened), one=one, other=other)


def trust(opened: Collection, projection: Artifact, column: str) -> str:
    """Colours by how far places on a map can be trusted; the legend comes from ``buffers.value_column``."""
    return _of(opened, f"trust/{projection.key}/{column}.bin")


def query(query_id: str) -> str:
    """A picture someone asks about; the address is known to its own session only."""
    return f"{api()}/queries/{query_id}.jpg"


def uploads() -> str:
    """Where uploads begin."""
    return f"{api()}/uploads"


def _of(opened: Collection, rest: str, **query: str | list[str]) -> str:
    asked = urlencode({name: value for name, value in query.items() if value}, doseq=True)
    return f"{api()}/collections/{quote(opened.name)}/{rest}" + (f"?{asked}" if asked else "")
