"""URLs of our routes, as pages pass them to widgets. ``{row}`` in a URL stands for a row number.

A URL that ends in ``?v=...`` contains the version of its content, so the response can be cached without limit.
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


def thumb(collection: Collection) -> str:
    """Small JPEG of ``{row}``."""
    return _of(collection, "thumb/{row}.jpg", v=cache.version(collection))


def patch(collection: Collection) -> str:
    """The whole picture of ``{row}``, encoded again as a JPEG."""
    return _of(collection, "patch/{row}.jpg", v=cache.version(collection))


def rows(collection: Collection, columns: Sequence[str] = ()) -> str:
    """Facts of ``{row}`` as JSON: ``{"row", "id", "fields": [[name, value], ...]}``; of these columns only, where some are given."""
    return _of(collection, "rows/{row}.json", v=cache.version(collection), column=list(columns))


def points(collection: Collection, projection: Artifact) -> str:
    """Point buffer of a map."""
    return _of(collection, f"points/{projection.key}.bin")


def column(collection: Collection, name: str) -> str:
    """Colours by a column; the legend is ``cache.column(collection, name).legend``."""
    return _of(collection, "column.bin", v=cache.table_version(collection), name=name)


def groups(collection: Collection, clusters: Artifact) -> str:
    """Colours by cluster; the legend comes from ``point_buffers.cluster_column``."""
    return _of(collection, f"groups/{clusters.key}.bin")


def overlap(collection: Collection, one: str, other: str) -> str:
    """Number of common neighbours of two encoders, as colours of a map; the legend is ``cache.shared(...).legend``."""
    return _of(collection, "overlap.bin", v=cache.version(collection), one=one, other=other)


def trust(collection: Collection, projection: Artifact, column: str) -> str:
    """Colours by the trustworthiness of positions on a map; the legend comes from ``point_buffers.value_column``."""
    return _of(collection, f"trust/{projection.key}/{column}.bin")


def query(query_id: str) -> str:
    """A query picture; only its own session knows the URL."""
    return f"{api()}/queries/{query_id}.jpg"


def queries() -> str:
    """The URL at which the upload of a query picture begins; it stays in memory."""
    return f"{api()}/queries"


def uploads() -> str:
    """The URL at which an upload begins."""
    return f"{api()}/uploads"


def _of(collection: Collection, rest: str, **query: str | list[str]) -> str:
    asked = urlencode({name: value for name, value in query.items() if value}, doseq=True)
    return f"{api()}/collections/{quote(collection.name)}/{rest}" + (f"?{asked}" if asked else "")
