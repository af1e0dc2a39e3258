"""Compare the tissue width of a query with that of the collection's patches: encoders see pixels, not micrometres."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import streamlit as st

from ...collection import Collection
from ...search import plain
from .. import ui
from ..shared import cache
from ..ui import query_state
from ..ui.query_state import Question

ALIKE = 1.5
"""Widths that differ by less than this factor count as equal."""
_FINEST, _COARSEST = 0.01, 50.0


def key(picture: str) -> str:
    """Session key for the micrometres per pixel of an uploaded picture."""
    return f"search/mpp/{picture}"


def read(text: str | None) -> float | None:
    """Micrometres per pixel from a URL parameter; None where it is not a valid number."""
    try:
        mpp = float(text or "")
    except ValueError:
        return None
    return mpp if _FINEST <= mpp <= _COARSEST else None


def ask(picture: str) -> float | None:
    """Ask the user for the pixel size of an uploaded picture."""
    return st.number_input(
        "µm per pixel",
        min_value=_FINEST,
        max_value=_COARSEST,
        value=None,
        step=0.01,
        format="%.3g",
        placeholder="not known",
        key=key(picture),
        persist_state="session",
        help="Scanners write it into a slide: about 0.25 at 40x, 0.5 at 20x, 1 at 10x. It gives the picture a scale bar.",
    )


def mpp_of(collection: Collection, question: Question) -> float | None:
    """Micrometres per pixel of the query; None where unknown."""
    row = query_state.known_row(collection, question)
    known = plain(collection.items["mpp"].iloc[row]) if row is not None else None
    mpp = question.mpp or known
    return float(mpp) if mpp else None


def caution(collection: Collection, question: Question, side_px: tuple[int, int]) -> None:
    """Warn where the query shows much more or much less tissue than the patches do. ``side_px`` is of the whole picture."""
    mpp, usual_um = mpp_of(collection, question), _usual_um(collection.path, cache.version(collection))
    if mpp is None or usual_um is None:
        return
    left, top, right, bottom = question.box or (0.0, 0.0, 1.0, 1.0)
    shown_um = mpp * min((right - left) * side_px[0], (bottom - top) * side_px[1])
    if 1 / ALIKE < shown_um / usual_um < ALIKE:
        return
    more = shown_um > usual_um
    words = f"It shows {ui.plain(f'{shown_um:.3g}')} µm of tissue, a patch of the collection {ui.plain(f'{usual_um:.3g}')} µm."
    fitting_px = round(usual_um / mpp)
    way = f" Choose a region of about {fitting_px} px on it." if more else " Bring a larger part of the tissue."
    st.warning(f"{words} What is found may be alike by scale only.{way}")


@lru_cache(maxsize=32)
def _usual_um(path: Path, version: str) -> float | None:
    """Median width of tissue on the patches in micrometres; None where unknown."""
    items = cache.collection(path.name).items
    known = items[items["mpp"].notna()]
    widths_um = known["mpp"] * known[["width_px", "height_px"]].min(axis=1)
    return float(widths_um.median()) if len(known) else None
