"""About a collection: how it was made, by what, under which licence; what was left out; whether its files are whole."""

from __future__ import annotations

from explorer.app import about, address, ui


def show() -> None:
    """The page."""
    opened = ui.current()
    address.asked()
    about.head(opened)
    about.models(opened)
    about.check(opened)
    about.rejects(opened)
    about.made(opened)
    address.leave("about")


ui.guarded(show)
