"""How far the place of each row on a map can be trusted, as columns beside the rows, read from the map's artifacts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from jaxtyping import Float32

from .. import storage
from ..storage import Artifact

PerRow = Float32[np.ndarray, " n"]
"""One number per row, from 0 to 1; 1 is best."""
COLUMNS: Mapping[str, str] = {
    "map_trustworthiness": "trustworthiness.npy",
    "map_continuity": "continuity.npy",
    "map_stability": "stability.npy",
}
"""Column -> file. A column of the user's own that is called so comes first."""


def of_map(projection: Artifact) -> dict[str, PerRow]:
    """Those columns that were measured of a map."""
    places = [made for made in (projection, stability_of(projection)) if made is not None]
    return {
        column: np.load(storage.file(made, name), allow_pickle=False)
        for column, name in COLUMNS.items()
        for made in places
        if name in made.meta["files"]
    }


def beside(items: pd.DataFrame, projection: Artifact | None) -> pd.DataFrame:
    """The rows with those columns; the rows as they are where there is no map."""
    found = {} if projection is None else of_map(projection)
    return items.assign(**{name: values for name, values in found.items() if name not in items.columns})


def first(projections: Sequence[Artifact]) -> Artifact | None:
    """Of maps, newest first, the one to show where none was chosen: a UMAP before others."""
    return next(iter(sorted(projections, key=lambda made: made.recipe["method"] != "umap")), None)


def stability_of(projection: Artifact) -> Artifact | None:
    """What was measured of a map by drawing it again; None where it was not."""
    measured = storage.artifacts(projection.path.parents[1], "stabilities")
    return next((made for made in measured if made.recipe["projection"] == projection.key), None)
