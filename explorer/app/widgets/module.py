"""Mounts a browser module as a Streamlit component.

The user's actions are copied to the session in callbacks, because Streamlit deletes a widget's state when another page is
shown.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import streamlit as st

from ..shared import assets, urls
from . import linked_maps
from .memory import memory

_LOADER = assets.files()["common/loader.js"].decode()


class Module:
    """The browser module ``web/<name>/<name>.js``."""

    def __init__(self, name: str, *, states: Sequence[str] = (), triggers: Sequence[str] = ()) -> None:
        """``states`` are values that are stored; ``triggers`` are events that only the next run sees."""
        self._path = f"{name}/{name}.js"
        self._states, self._triggers = states, triggers
        self._component: Callable[..., Any] = st.components.v2.component(f"explorer.{name}", js=_LOADER)

    def mount(self, key: str, data: Mapping[str, Any]) -> Mapping[str, Any]:
        """Show the module with its data; returns the triggers of this run by name.

        A state arrives as ``{"turn", "value"}``, so that sending the same value twice is still a change.
        """
        callbacks: dict[str, Callable[[], None]] = {}
        for name in self._states:
            callbacks[f"on_{name}_change"] = _remember(key, name)
        for name in self._triggers:  # Streamlit reports a trigger only where a callback is given
            callbacks[f"on_{name}_change"] = _do_nothing
        sent = {"module": assets.address(urls.api(), self._path), **data}
        result: Mapping[str, Any] = self._component(key=key, data=sent, **callbacks)
        return result


def _remember(key: str, name: str) -> Callable[[], None]:
    def callback() -> None:
        sent = st.session_state[key].get(name)
        if sent is not None:
            memory(key)[name] = sent["value"]
            linked_maps.share(key, name)

    return callback


def _do_nothing() -> None:
    """Do nothing."""
