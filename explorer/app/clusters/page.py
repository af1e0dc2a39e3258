"""The page Clusters: clusters of similar patches, their content and names, and how they agree with known columns."""

from __future__ import annotations

from explorer.app import ui
from explorer.app.clusters import clustering_panel, groups
from explorer.app.ui import url_state


def show() -> None:
    """Show the page."""
    collection = ui.current()
    asked = url_state.asked()
    if asked is not None:
        ui.take_model(collection, asked)
    encoder = ui.choose_encoder(collection)
    found = collection.embedding(encoder).clusterings()
    artifact = clustering_panel.choose(collection, encoder, found, asked)
    if artifact is None:
        url_state.leave("groups", model=ui.model_word(collection))
        return
    by = clustering_panel.compare(collection, artifact, asked)
    sort, part = groups.listing(collection, artifact, by, asked)
    url_state.leave(
        "groups",
        groups=artifact.key if artifact.key != found[0].key else None,
        by=by if by not in clustering_panel.columns(collection)[:1] else None,
        sort=sort if sort != "size" else None,
        part=part if part > 1 else None,
        model=ui.model_word(collection),
    )


ui.guarded(show)
