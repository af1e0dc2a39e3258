"""Our own widgets as plain functions: each mounts a browser module and returns the user's actions as plain values.

Functions such as ``map_state`` return the last state before the widget is mounted in a run, and on later visits to its page.
"""

from .crop import Box, crop, set_crop
from .grid import Card, GridState, grid_state, result_grid, set_grid_state
from .map import MapData, MapState, Mark, Query, map_state, map_view, set_map_state
from .memory import forget
from .patch import Picture, patch
from .upload import Upload, upload

__all__ = [
    "Box",
    "Card",
    "GridState",
    "MapData",
    "MapState",
    "Mark",
    "Picture",
    "Query",
    "Upload",
    "crop",
    "forget",
    "grid_state",
    "map_state",
    "map_view",
    "patch",
    "result_grid",
    "set_crop",
    "set_grid_state",
    "set_map_state",
    "upload",
]
