"""From a place with pictures to a collection one can search, in one call."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .. import encoders
from ..collection import Collection
from ..settings import Settings
from ..settings import read as read_settings
from ..sources import open_source
from ..types import Report, ignore
from .intake import ingest
from .leaks import measure_leak
from .steps import cluster, embed, index, project

DEMO_OPTIONS: Mapping[str, Any] = {"n": 900, "patients": 9, "seed": 0}


def build(
    uri: str | Path,
    *,
    name: str,
    encoder: str = "descriptor",
    weights: str | Path | None = None,
    options: Mapping[str, Any] | None = None,
    settings: Settings | None = None,
    report: Report = ignore,
) -> Collection:
    """Ingest, embed, index, project and cluster, and measure the site leak of small collections; nothing is done twice.

    ``uri`` is a folder, a zip, a CSV or Parquet table, an HDF5 file, or ``synthetic``; ``options`` are the source's own.
    Returns the collection. Raises every ``ExplorerError`` its steps raise.
    """
    settings = settings or read_settings()
    ready = encoders.load_as_set(encoder, settings, weights=weights, report=report)
    source = open_source(uri, options=options, limits=settings.limits)
    collection = ingest(source, name=name, settings=settings, report=report)
    made = embed(collection, encoder=ready, settings=settings, report=report)
    index(collection, encoder=made.key, report=report)
    project(collection, encoder=made.key, report=report)
    cluster(collection, encoder=made.key, report=report)
    measure_leak(collection, encoder=made.key, report=report)
    return collection


def demo(*, name: str = "demo", settings: Settings, report: Report = ignore) -> Collection:
    """A collection of drawn, H&E-like tissue: nothing is fetched, and nothing in it is real."""
    return build("synthetic", name=name, options=DEMO_OPTIONS, settings=settings, report=report)
