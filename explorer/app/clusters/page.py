"""Groups of patches that lie together: what is in each, what it could be called, and how the groups meet what is known."""

from __future__ import annotations

from explorer.app import ui
from explorer.app.clusters import clustering_panel, groups
from explorer.app.ui import url_state


def show() -> None:
    """The page."""
    opened = ui.current()
    asked = url_state.asked()
    if asked is not None:
        ui.take_model(opened, asked)
    encoder = ui.choose_encoder(opened)
    found = opened.embedding(encoder).clusterings()
    made = clustering_panel.choose(opened, encoder, found, asked)
    if made is None:
        url_state.leave("groups", model=ui.model_word(opened))
        return
    by = clustering_panel.compare(opened, made, asked)
    sort, part = groups.listing(opened, made, by, asked)
    url_state.leave(
        "groups",
        groups=made.key if made.key != found[0].key else None,
        by=by if by not in clustering_panel.columns(opened)[:1] else None,
        sort=sort if sort != "size" else None,
        part=part if part > 1 else None,
        model=ui.model_word(opened),
    )


ui.guarded(show)
