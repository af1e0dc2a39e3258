"""About a collection: how it was made, by what, under which licence; what was left out; whether its files are whole."""

from __future__ import annotations

from explorer.app import ui
from explorer.app.about import facts
from explorer.app.ui import url_state


def show() -> None:
    """The page."""
    opened = ui.current()
    url_state.asked()
    facts.head(opened)
    facts.understood(opened)
    facts.models(opened)
    facts.check(opened)
    facts.rejects(opened)
    facts.made(opened)
    url_state.leave("about")


ui.guarded(show)
