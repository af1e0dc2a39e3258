"""The state of a page in its URL: a link reopens the same view, and back and forward move between views.

A page stores its choices in the session and writes those that differ from the defaults into the URL. Where the URL was changed
from outside (a link was opened, the browser went back), the page reads its choices from the URL. The URL that a view was opened
with is left unchanged, whatever its form: Streamlit adds an entry to the browser's history on each write, and the history
should hold only views that the user opened.
"""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

import streamlit as st

from ...errors import InputError
from ..shared.selections import Shape, read_shapes

PAGES = {
    "library": "Library",
    "map": "Map",
    "search": "Search",
    "groups": "Groups",
    "evaluate": "Evaluate",
    "compare": "Compare",
    "about": "About",
}
COLLECTION = "collection"
Where = dict[str, list[str] | dict[str, float]]
"""Column -> wanted values, or the ends of a range such as ``{">=": 50}``."""
_APP = Path(__file__).parents[1]
_ROOMS = {"groups": "clusters"}
"""Rooms of pages whose address says another word."""
_OF_THE_BROWSER = ("at", "hidden", "visible")
"""URL parameters that the map widget itself writes and reads (``web/map/page_url.js``)."""
_BY_MODEL = ("map", "search", "groups", "evaluate")
_ASKED, _ARRIVED, _MODEL = "url/asked", "url/arrived", "url/model"
_MOST_BYTES = 200_000
"""Maximal size of an unpacked selection in bytes; a larger one was not written by this program."""


def page(name: str, *, default: bool = False) -> st.Page:
    """A page, as a target of links."""
    return st.Page(_APP / _ROOMS.get(name, name) / "page.py", title=PAGES[name], url_path=name, default=default)


def go(name: str, **asked: object) -> NoReturn:
    """Go to another page with these URL parameters."""
    st.switch_page(page(name), query_params=words(asked))


def link(name: str, label: str, **asked: object) -> None:
    """Show a link to another page with these URL parameters."""
    st.page_link(page(name), label=label, query_params=words(asked))


def arrive(page: str) -> Mapping[str, str] | None:
    """The URL parameters that this page has to take over; None where they describe what the page shows already."""
    asked = {name: word for name, word in st.query_params.to_dict().items() if name not in _OF_THE_BROWSER}
    known = st.session_state.get(_known(page))
    changed = asked not in (known, st.session_state.get(_params_key(page)))
    if changed:
        st.session_state[_known(page)] = asked
        st.session_state[_ARRIVED] = page
    st.session_state[_ASKED] = asked if changed else None
    return asked if changed else None


def asked() -> Mapping[str, str] | None:
    """The URL parameters for the page that is about to be shown; returned once."""
    found: Mapping[str, str] | None = st.session_state.pop(_ASKED, None)
    return found


def leave(page: str, **shown: object) -> None:
    """Write the state of the page into the URL, if it differs from the state the page was opened with."""
    url_params = words({COLLECTION: st.session_state.get(COLLECTION)} | shown)
    arrived = st.session_state.pop(_ARRIVED, None) == page
    before = st.session_state.get(_params_key(page))
    st.session_state[_params_key(page)] = url_params
    if page in _BY_MODEL:
        st.session_state[_MODEL] = (url_params.get(COLLECTION), url_params.get("model"))
    if not arrived and url_params != before:
        st.session_state[_known(page)] = url_params
        st.query_params.from_dict(url_params)


def of(page: str, collection: str | None = None) -> Mapping[str, str]:
    """The URL at which a page was left, or its first view of a collection (by default the present one)."""
    here = words({COLLECTION: collection or st.session_state.get(COLLECTION)})
    url_params: Mapping[str, str] = st.session_state.get(_params_key(page), {})
    if url_params.get(COLLECTION) != here.get(COLLECTION):
        return here
    model = st.session_state.get(_MODEL)
    if page in _BY_MODEL and model is not None and model[0] == here.get(COLLECTION):  # all pages show the model chosen on any
        url_params = {name: word for name, word in url_params.items() if name != "model"} | words({"model": model[1]})
    return url_params


def words(shown: Mapping[str, object]) -> dict[str, str]:
    """Values as they are written in the URL."""
    return {name: _word(value) for name, value in shown.items() if value or (value == 0 and value is not False)}


def rows(text: str | None) -> tuple[int, ...]:
    """Row numbers from a URL parameter such as ``3-17-4``. Parts that are not numbers are ignored."""
    return tuple(int(part) for part in (text or "").split("-") if part.isdecimal())


def whole(text: str | None, default: int, options: Sequence[int] | None = None) -> int:
    """An integer from a URL parameter; the default where it is invalid or not one of the options."""
    found = int(text) if text and text.isdecimal() else default
    return found if options is None or found in options else default


def filters(text: str | None) -> Where:
    """Filters from a URL parameter: wanted values, or the limits of a range, by column."""
    try:
        return {str(column): _wanted(values) for column, values in json.loads(text or "{}").items()}
    except (ValueError, AttributeError, TypeError, OverflowError):
        return {}


def _wanted(values: Any) -> list[str] | dict[str, float]:
    if isinstance(values, dict):
        return {str(bound): float(end) for bound, end in values.items()}
    return [str(value) for value in values]


def pack(shapes: Sequence[Shape]) -> str:
    """Shapes of a selection as a few hundred characters."""
    if not shapes:
        return ""
    text = json.dumps({"shapes": [_rounded(shape) for shape in shapes]}, separators=(",", ":"))
    return base64.urlsafe_b64encode(zlib.compress(text.encode(), 9)).decode().rstrip("=")


def unpack(text: str | None) -> tuple[Shape, ...]:
    """Shapes from a URL parameter. Raises ``InputError`` where it is incomplete or damaged."""
    if not text:
        return ()
    try:
        packed = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        return read_shapes(json.loads(zlib.decompressobj().decompress(packed, _MOST_BYTES)))
    except (ValueError, zlib.error) as error:
        raise InputError("The selection in this link cannot be read; it may have been cut when it was copied.") from error


def _rounded(shape: Shape) -> dict[str, Any]:
    """Coordinates rounded to six digits, which is finer than a map is drawn."""
    value = shape.as_json()
    return value | ({"polygon": [[float(f"{x:.6g}"), float(f"{y:.6g}")] for x, y in shape.polygon]} if shape.polygon else {})


def _word(value: object) -> str:
    if isinstance(value, Mapping):
        wanted = {name: dict(values) if isinstance(values, Mapping) else list(values) for name, values in value.items()}
        return json.dumps(wanted, separators=(",", ":"), ensure_ascii=False)
    if isinstance(value, list | tuple):
        return "-".join(str(part) for part in value)
    return "yes" if value is True else str(value)


def _params_key(page: str) -> str:
    """Session key of the state that the page shows, as URL parameters."""
    return f"url/{page}"


def _known(page: str) -> str:
    """Session key of the URL by which the page was opened, or that it has written since."""
    return f"url/{page}/known"
