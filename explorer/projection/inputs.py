"""Checks of the neighbour graph for layouts and quality measures."""

from __future__ import annotations

from ..errors import InputError
from ..types import Neighbours
from ..wording import counted


def check_graph(neighbours: Neighbours, n: int, k: int, *, itself: int = 0) -> None:
    """Raises ``InputError`` unless the graph has ``n`` rows and ``k`` neighbours for each.

    ``itself`` is 1 where the caller's number of neighbours includes the row itself, else 0; it is used in the message.
    """
    given, width = neighbours.rows.shape
    if given != n:
        raise InputError(f"The neighbour graph has {counted(given, 'row')} and the vectors {n}; build the graph from these vectors.")
    if width < k:
        raise InputError(
            f"The neighbour graph holds {width} neighbours a row and {k} are needed; "
            f"build the index again with --k {k} or ask for at most {width + itself} neighbours."
        )
