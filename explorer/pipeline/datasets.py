"""Public data sets as collections: downloaded once their licence is accepted, verified, ingested."""

from __future__ import annotations

from ..collection import Collection
from ..settings import Settings
from ..sources import open_source
from ..sources.benchmark_table import Benchmark
from ..sources.benchmarks import check_whole
from ..sources.fetch import fetch
from ..types import Report
from .ingest import ingest


def take_in(known: Benchmark, *, name: str, settings: Settings, accept_licence: bool, report: Report) -> Collection:
    """The collection of a data set in ``settings.data_dir``; it is downloaded only with ``accept_licence``.

    Raises ``SourceError`` where it is not here, cannot be downloaded, or is incomplete.
    """
    folder = settings.data_dir / known.folder
    if known.remotes and accept_licence and known.missing(folder):
        fetch(known, folder, mirror=settings.data_mirror, limits=settings.limits, report=report)
    source = open_source(folder, kind=known.name, limits=settings.limits)
    collection = ingest(source, name=name, settings=settings, report=report)
    check_whole(known, collection.items["split"], where=f"collection {collection.name} ({len(collection.rejects)} files rejected)")
    return collection
