"""Results as a grid of pictures. The browser side is ``web/grid/grid.js``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field

from .memory import memory, row_or_none
from .module import Module

_MODULE = Module("grid", states=("liked", "chosen"), triggers=("opened",))


@dataclass(frozen=True, slots=True)
class Card:
    """One result. Its texts are displayed as plain text, never as HTML."""

    row: int
    score: str = ""
    label: str = ""
    patient: str = ""
    slide: str = ""
    note: str = ""
    """One or two words on the picture, such as "in both"."""


@dataclass(frozen=True, slots=True)
class GridState:
    """The user's actions on the results."""

    liked: Mapping[int, int] = field(default_factory=dict)
    """Row -> 1 for "more like this", -1 for "less like this"."""
    chosen: tuple[int, ...] = ()
    opened: int | None = None
    """A card that was clicked just now; None in the next run."""


def grid_state(key: str) -> GridState:
    """The last state of the grid with that key."""
    values = memory(key)
    liked = {int(row): int(value) for row, value in (values.get("liked") or {}).items()}
    return GridState(liked, tuple(values.get("chosen") or ()))


def set_grid_state(key: str, *, liked: Mapping[int, int]) -> None:
    """Mark results, for example from a link or by undo. Takes effect when the grid is mounted next."""
    memory(key)["liked"] = dict(liked)


def result_grid(
    key: str,
    cards: Sequence[Card],
    *,
    thumb: str,
    columns: int | None = None,
    feedback: bool = False,
    choosing: bool = False,
    link: str | None = None,
) -> GridState:
    """Show pictures in a grid; without ``columns`` their number follows the width.

    ``thumb`` is a URL with ``{row}``; ``feedback`` shows + and −, ``choosing`` allows cards to be chosen. The patch under the
    pointer is highlighted on the two maps of ``link`` (see ``linked_maps.link_maps``).
    """
    state = grid_state(key)
    data = {
        "thumb": thumb,
        "columns": columns,
        "cards": [asdict(card) for card in cards],
        "feedback": feedback,
        "choosing": choosing,
        "liked": {str(row): value for row, value in state.liked.items()},
        "chosen": list(state.chosen),
        "link": link,
    }
    result = _MODULE.mount(key, data)
    return GridState(state.liked, state.chosen, row_or_none(result.get("opened")))
