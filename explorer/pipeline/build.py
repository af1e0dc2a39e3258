"""Build a searchable collection from a source in one call."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .. import encoders
from ..collection import Collection, checked_name
from ..errors import InputError
from ..settings import Settings
from ..settings import read as read_settings
from ..sources import open_source
from ..sources.benchmark_table import BENCHMARKS
from ..types import Encoder, Report, Source, ignore
from .cluster import cluster
from .datasets import take_in
from .embed import embed
from .evaluate.site_bias import measure_site_bias
from .index import index
from .ingest import ingest
from .project import project

DEMO_OPTIONS: Mapping[str, Any] = {"n": 900, "patients": 9, "seed": 0}
REAL_DATA = "crc-val"
REAL_ENCODER = "kaiko-vits16"


def build(
    uri: str | Path | Source,
    *,
    name: str,
    encoder: str = "descriptor",
    weights: str | Path | None = None,
    options: Mapping[str, Any] | None = None,
    settings: Settings | None = None,
    report: Report = ignore,
) -> Collection:
    """Ingest, embed, index, project and cluster, and measure the site bias of small collections; completed steps are reused.

    ``uri`` is a folder, a zip, a table, an HDF5 file, or ``synthetic``, and ``options`` are the source's own; or it is a source
    returned by ``open_source``. Returns the collection. Raises every ``ExplorerError`` its steps raise.
    """
    settings = settings or read_settings()
    checked_name(name)  # what can be refused at once is, before weights are fetched
    source = open_source(uri, options=options, limits=settings.limits) if isinstance(uri, str | Path) else uri
    ready = encoders.load_as_set(encoder, settings, weights=weights, report=report)
    collection = ingest(source, name=name, settings=settings, encoder=ready, report=report)
    return _complete(collection, encoder=ready, settings=settings, report=report)


def demo(*, name: str = "demo", settings: Settings, report: Report = ignore) -> Collection:
    """A collection of drawn, H&E-like tissue: nothing is downloaded, and no picture is real."""
    return build("synthetic", name=name, options=DEMO_OPTIONS, settings=settings, report=report)


def demo_real(*, name: str, accept_licence: bool, settings: Settings, report: Report = ignore) -> Collection:
    """A collection of real tissue with a pathology encoder: CRC-VAL-HE-7K and kaiko ViT-S/16, downloaded where they are not here.

    Raises ``InputError`` where something has to be downloaded and ``accept_licence`` is False, ``SourceError`` or
    ``WeightsMissing`` where it cannot be downloaded; the same call resumes.
    """
    if not accept_licence and (missing := real_to_fetch(settings)):
        raise InputError(f"{' and '.join(missing)} have to be fetched under their licences; read these above and say --accept-licence.")
    collection = take_in(BENCHMARKS[REAL_DATA], name=name, settings=settings, accept_licence=True, report=report)
    return _complete(collection, encoder=encoders.load_as_set(REAL_ENCODER, settings, report=report), settings=settings, report=report)


def real_to_fetch(settings: Settings) -> list[str]:
    """The files of the real demo that still have to be downloaded: title and size of each."""
    data, spec = BENCHMARKS[REAL_DATA], encoders.spec(REAL_ENCODER)
    sizes = {}
    if data.missing(settings.data_dir / data.folder):
        sizes[data.needs[0]] = sum(remote.size_bytes for remote in data.remotes)
    if encoders.weights_state(spec, settings.weights_dir) != "here":
        sizes[f"the weights of {spec.title}"] = spec.download_bytes or 0
    return [f"{what} ({size / 1e6:.0f} MB)" for what, size in sizes.items()]


def real_terms() -> tuple[str, str]:
    """The licence terms of the real demo's pictures and encoder, a line each."""
    spec = encoders.spec(REAL_ENCODER)
    use = "not for commercial use" if spec.non_commercial else "also for commercial use"
    return BENCHMARKS[REAL_DATA].title_and_licence, f"{spec.title}: {spec.license} ({spec.license_url}), {use}. Cite {spec.paper}."


def _complete(collection: Collection, *, encoder: Encoder, settings: Settings, report: Report) -> Collection:
    artifact = embed(collection, encoder=encoder, settings=settings, report=report)
    index(collection, encoder=artifact.key, device=settings.device, report=report)
    project(collection, encoder=artifact.key, report=report)
    cluster(collection, encoder=artifact.key, report=report)
    measure_site_bias(collection, encoder=artifact.key, device=settings.device, report=report)
    return collection
