"""Maps: a collection in two dimensions, and the quality of such a map.

Similarity is cosine similarity throughout, as in the index: vectors are normalised to unit length.
"""

from .layouts import default_epochs, explained_variance, pca, place, processor, umap
from .map_quality import PerPoint, Trust, map_neighbours, overlap, stability, trustworthiness

__all__ = [
    "PerPoint",
    "Trust",
    "default_epochs",
    "explained_variance",
    "map_neighbours",
    "overlap",
    "pca",
    "place",
    "processor",
    "stability",
    "trustworthiness",
    "umap",
]
