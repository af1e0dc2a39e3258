"""Baselines of a score: a colour histogram, encoders without pathology training, and published scores."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ... import encoders
from ...collection import Collection
from ...collection.artifact_files import load_array
from ...evaluation import colour_histogram
from ...evaluation.baselines import N_COLOURS
from ...evaluation.published import COLUMNS, PUBLISHED
from ...settings import Settings
from ...sources.images import decode
from ...storage import Artifact
from ...types import Progress, Report, ignore
from ..common import new_array
from ..embed import embed
from .splits import AnyVectors

BASELINES = ("descriptor", "random-vits16", "dino-vits16")
"""Encoders without pathology training."""
KIND = "baselines"
"""Artifact kind of their vectors, separate so that they are not offered as encoders of the collection."""
_KINDS = ("embeddings", KIND, "anchors")
"""Artifact kinds that may hold vectors of such an encoder, best first; older versions wrote ``anchors``."""
COLOUR = "colour"
COLOUR_TITLE = "Colour histogram of the thumbnails"
MOST_ROWS = 20_000
"""Maximal number of rows of a collection that is embedded by them automatically: on a CPU that takes minutes."""
PUBLISHED_PROTOCOL = "eva-2025"


def embed_baselines(collection: Collection, *, settings: Settings, report: Report = ignore) -> None:
    """Embed a collection, once, by every baseline encoder that needs no weights or whose weights are here."""
    for name in BASELINES:
        spec = encoders.spec(name)
        if baseline(collection, name) or encoders.weights_state(spec, settings.weights_dir) not in ("none needed", "here"):
            continue
        report(Progress("embed", 0, collection.n, note=f"by {spec.title}, to compare scores with; once for {collection.name}"))
        embed(collection, encoder=encoders.load_as_set(name, settings, report=report), settings=settings, report=report, kind=KIND)


def baseline(collection: Collection, name: str) -> Artifact | None:
    """The vectors of a collection by a baseline: those of an embedding of the collection, else those made for comparison."""
    found = (artifact for kind in _KINDS for artifact in collection.artifacts(kind))
    return next((artifact for artifact in found if artifact.recipe.get("encoder", {}).get("name") == name), None)


def baselines(collection: Collection, train: Collection | None, *, but: str) -> dict[str, tuple[Artifact, ...]]:
    """The vectors of all given collections by each baseline (except ``but``) that all of them have."""
    found = {}
    for name in BASELINES:
        artifacts = [baseline(each, name) for each in (collection, train) if each is not None]
        known = tuple(each for each in artifacts if each is not None)
        if name != but and len(known) == len(artifacts) and len({str(each.recipe["encoder"]) for each in known}) == 1:
            found[name] = known
    return found


def colours(collection: Collection) -> Artifact:
    """``vectors.npy`` with the colour histogram of each thumbnail, (n, 512) float32; computed once for a collection."""
    thumbnails = collection.artifact("thumbnails", step="ingest").key
    recipe = {"kind": "colour histograms", "thumbnails": thumbnails, "colours": N_COLOURS}

    def fill(work: Path) -> Mapping[str, Any]:
        vectors = new_array(work / "vectors.npy", (collection.n, N_COLOURS))
        for row in range(collection.n):
            vectors[row] = colour_histogram(decode(collection.thumbnail(row), name=f"thumbnail {row}"))
        vectors.flush()  # type: ignore[attr-defined]
        return {"rows": collection.n}

    return collection.make(KIND, recipe, fill, waiting=lambda: None)


def load(artifact: Artifact) -> AnyVectors:
    """The vectors of an embedding or a baseline, memory-mapped."""
    vectors: AnyVectors = load_array(artifact, "vectors.npy")
    return vectors


def published(collection: Collection, encoder: str, judged: str) -> tuple[str, float] | None:
    """Title and published score of a linear probe on the same data set and split, if there is one.

    ``judged`` is the evaluated part of the collection's own split: "test", "val", or empty.
    """
    if not judged:
        return None
    kind = collection.record["source"]["kind"]
    key = next((key for key, column in COLUMNS.items() if column.task == kind and column.split == judged), None)
    mean, _ = PUBLISHED[PUBLISHED_PROTOCOL].get(encoder, {}).get(key or "", (None, None))
    return None if mean is None else (f"Published for {encoders.spec(encoder).title}", mean)
