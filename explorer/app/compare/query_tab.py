"""Hits of several encoders for one query, side by side, with common hits marked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import streamlit as st

from ... import pipeline
from ...collection import Collection
from .. import ui, widgets
from ..shared import query_pictures, urls
from ..ui import find_patches, query_state, search_url, url_state
from ..ui.query_state import Question

MOST_MODELS = 4
"""Maximal number of encoders side by side in one window."""
_AMOUNTS = (6, 12, 24)


def strips(
    collection: Collection, answers: Mapping[str, Sequence[tuple[int, float]]], *, key: str, columns: int, link: str | None = None
) -> int | None:
    """Show rows and similarities by encoder, common rows marked; returns the row that was just opened, if any."""
    counted: dict[int, int] = {}
    for hits in answers.values():
        for row, _ in hits:
            counted[row] = counted.get(row, 0) + 1
    opened_row = None
    for column, (name, hits) in zip(st.columns(len(answers), gap="large"), answers.items(), strict=True):
        with column:
            st.markdown(f"**{ui.plain(ui.encoder_title(name))}**")
            cards = [replace(card, note=_note(counted[card.row], len(answers))) for card in ui.cards(collection, hits)]
            seen = widgets.result_grid(f"{key}/{name}", cards, thumb=urls.thumb(collection), columns=columns, link=link)
            opened_row = seen.opened if opened_row is None else opened_row
    return opened_row


def show(collection: Collection, asked: Mapping[str, str] | None) -> dict[str, Any]:
    """Show the hits of every encoder for one query; returns the URL parameters of the tab."""
    state_key = f"compare/query/{collection.name}"
    if asked is not None:
        rows = [row for row in url_state.rows(asked.get("patch")) if row < collection.n]
        st.session_state[state_key] = Question(row=rows[0] if rows else None, picture=asked.get("picture"))
        st.session_state["compare/k"] = url_state.whole(asked.get("k"), _AMOUNTS[1], _AMOUNTS)
    question: Question = st.session_state.get(state_key, Question())
    left, right = st.columns([1, 4.4], gap="large")
    with left:
        if question != Question():
            _asked(collection, question)
        st.markdown("**Ask with something else**")
        find_patches.choose(collection, partial(_search, collection), room="compare", columns=3)
    with right:
        if question == Question():
            st.header("One question, every model", anchor=False)
            st.markdown("Choose a patch, or bring a picture of your own: each model's most similar patches are shown side by side.")
            find_patches.offer_some(collection, partial(_search, collection), key="compare/first")
            return {}
        ui.guarded(lambda: _answers(collection, question))
    k = st.session_state.get("compare/k", _AMOUNTS[1])
    return {"patch": question.row, "picture": question.picture, "k": k if k != _AMOUNTS[1] else None}


def _answers(collection: Collection, question: Question) -> None:
    names = collection.encoder_names()[:MOST_MODELS]
    apart = [column for column in search_url.APART if collection.items[column].notna().any()]
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        st.header("Most similar patches, by model", anchor=False, width="stretch")
        if apart and query_state.known_row(collection, question) is not None:
            if not st.toggle(f"Leave out the same {' and '.join(apart)}", value=True, key="compare/apart", persist_state="session"):
                apart = []
        else:
            apart = []
        st.session_state.setdefault("compare/k", _AMOUNTS[1])
        k = st.selectbox(
            "How many",
            _AMOUNTS,
            key="compare/k",
            persist_state="session",
            width=110,
            label_visibility="collapsed",
            format_func=lambda n: f"{n} patches",
        )
    answers = {}
    for name in names:
        asked = replace(question, k=k, exclude_same=tuple(apart), encoder=name)
        found = ui.guarded(partial(query_state.search, collection, asked))
        if found is not None:
            answers[name] = found
    shared = pipeline.shared_hits(list(answers.values()))
    everywhere = sum(n == len(answers) for n in shared.values())
    if len(answers) > 1:
        st.markdown(f"{everywhere} of {k} patches are found by {'both' if len(answers) == 2 else 'all'} models; they are framed.")
    if len(collection.encoder_names()) > MOST_MODELS:
        st.caption(f"The {MOST_MODELS} newest of {len(collection.encoder_names())} models.")
    if answers:
        hits = {name: [(hit.row, hit.score) for hit in result.hits] for name, result in answers.items()}
        row = strips(collection, hits, key="compare/hits", columns=max(2, 6 // len(answers)))
        if row is not None:
            _search(collection, patch=row)


def _asked(collection: Collection, question: Question) -> None:
    if question.row is not None:
        widgets.patch("compare/asked", [ui.picture(collection, question.row)], height_px=240)
        ui.facts(collection, question.row, key="compare")
        return
    image = ui.guarded(lambda: query_pictures.find(question.picture or ""))
    if image is not None:
        picture = widgets.Picture(urls.query(question.picture or ""), "Your picture", None, (image.shape[1], image.shape[0]))
        widgets.patch("compare/asked", [picture], height_px=240)


def _search(collection: Collection, **query: object) -> None:
    url_state.go("compare", collection=collection.name, tab="query", **query)


def _note(n: int, models: int) -> str:
    return "" if n < 2 else "in both" if models == 2 else f"in {n} of {models}"
