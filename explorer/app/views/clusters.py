"""Groups of patches that lie together: what is in each, what it could be called, and how the groups meet what is known."""

from __future__ import annotations

from explorer.app import address, grouping, groups, ui


def show() -> None:
    """The page."""
    opened = ui.current()
    asked = address.asked() or {}
    encoder = ui.choose_encoder(opened, "groups")
    made = grouping.choose(opened, encoder, asked.get("groups"))
    if made is None:
        return
    by = grouping.compare(opened, made, asked.get("by"))
    sort, part = groups.listing(opened, made, by, asked)
    address.leave("groups", groups=made.key, by=by, sort=sort, part=part)


ui.guarded(show)
