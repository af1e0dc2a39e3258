"""Quality of each row's position on a map, as columns beside the rows, read from the map's artifacts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from jaxtyping import Float32

from ..storage import Artifact
from .artifact_files import load_array

PerRow = Float32[np.ndarray, " n"]
"""One number per row, from 0 to 1; 1 is best."""
COLUMNS: Mapping[str, str] = {
    "map_trustworthiness": "trustworthiness.npy",
    "map_continuity": "continuity.npy",
    "map_stability": "stability.npy",
}
"""Column -> file. A user's column with the same name has priority."""


def of_map(projection: Artifact, stabilities: Sequence[Artifact] = ()) -> dict[str, PerRow]:
    """The quality columns that were measured for a map; ``stabilities`` are the collection's artifacts of that kind."""
    measured = [artifact for artifact in (projection, stability_of(projection, stabilities)) if artifact is not None]
    return {
        column: load_array(artifact, name) for column, name in COLUMNS.items() for artifact in measured if name in artifact.meta["files"]
    }


def beside(items: pd.DataFrame, projection: Artifact, stabilities: Sequence[Artifact] = ()) -> pd.DataFrame:
    """The rows with those columns."""
    found = of_map(projection, stabilities)
    return items.assign(**{name: values for name, values in found.items() if name not in items.columns})


def stability_of(projection: Artifact, stabilities: Sequence[Artifact]) -> Artifact | None:
    """The measurement of how a map changes with its seed; None where it was not measured."""
    return next((artifact for artifact in stabilities if artifact.recipe["projection"] == projection.key), None)
