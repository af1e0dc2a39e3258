"""What a score is held against: colour alone, encoders that know no pathology, and what was published."""

from __future__ import annotations

from typing import Any

import numpy as np

from ... import encoders, storage
from ...collection import Collection
from ...evaluation import colour_histogram
from ...evaluation.published import COLUMNS, PUBLISHED
from ...settings import Settings
from ...sources.images import decode
from ...storage import Artifact
from ...types import Progress, Report, ignore
from ..embed import embed
from .splits import AnyVectors

ANCHORS = ("descriptor", "random-vits16", "dino-vits16")
"""Encoders that know no pathology."""
KIND = "anchors"
"""Where their vectors lie, so that they are not offered as models of the collection."""
MOST_ROWS = 20_000
"""Of a collection that is described by them without being asked to: on a CPU that takes minutes."""
PROTOCOL = "eva-2025"


def embed_anchors(collection: Collection, *, settings: Settings, report: Report = ignore) -> None:
    """Vectors by every anchor whose weights are here or that needs none, once for a collection."""
    for name in ANCHORS:
        spec = encoders.spec(name)
        if anchor(collection, name) or encoders.weights_state(spec, settings.weights_dir) not in ("none needed", "here"):
            continue
        report(Progress("embed", 0, collection.n, note=f"by {spec.title}, to hold scores against; once for {collection.name}"))
        embed(collection, encoder=encoders.load_as_set(name, settings, report=report), settings=settings, report=report, kind=KIND)


def anchor(collection: Collection, name: str) -> Artifact | None:
    """The vectors of a collection by an anchor: those of a model it was embedded by, else those made to compare with."""
    found = [*collection.artifacts("embeddings"), *collection.artifacts(KIND)]
    return next((made for made in found if made.recipe["encoder"]["name"] == name), None)


def anchors(collection: Collection, train: Collection | None, *, but: str) -> dict[str, tuple[Artifact, ...]]:
    """The vectors of all collections in question by each anchor (``but`` one) that all of them have."""
    found = {}
    for name in ANCHORS:
        made = [anchor(each, name) for each in (collection, train) if each is not None]
        known = tuple(each for each in made if each is not None)
        if name != but and len(known) == len(made) and len({str(each.recipe["encoder"]) for each in known}) == 1:
            found[name] = known
    return found


def vectors(measured: Artifact, teaching: Artifact | None = None) -> tuple[AnyVectors, AnyVectors | None]:
    """The vectors to measure and those to learn from."""

    def load(artifact: Artifact) -> AnyVectors:
        loaded: AnyVectors = np.load(storage.file(artifact, "vectors.npy"), mmap_mode="r", allow_pickle=False)
        return loaded

    return load(measured), None if teaching is None else load(teaching)


def colours(collection: Collection, train: Collection | None) -> tuple[AnyVectors, AnyVectors | None]:
    """The same by the colours of the thumbnails."""

    def histograms(of: Collection) -> AnyVectors:
        return np.stack([colour_histogram(decode(of.thumbnail(row), name=f"thumbnail {row}")) for row in range(of.n)])

    return histograms(collection), None if train is None else histograms(train)


def published(collection: Collection, encoder: str, results: dict[str, Any]) -> dict[str, Any] | None:
    """The published score of a linear probe on the same data set and split, where there is one."""
    probe, parted = results.get("linear"), results.get("split")
    if probe is None or parted is None or not parted["judged"]:
        return None
    kind = collection.record["source"]["kind"]
    key = next((key for key, column in COLUMNS.items() if column.task == kind and column.split == probe["evaluated"]), None)
    mean, _ = PUBLISHED[PROTOCOL].get(encoder, {}).get(key or "", (None, None))
    title = f"Published for {encoders.spec(encoder).title}" if mean is not None else ""
    return None if mean is None else {"name": "published", "title": title, "value": mean, "low": None, "high": None}
