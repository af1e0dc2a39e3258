"""From a question to hits: what is left out, how near the query is, where it lies, and feedback."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from fakes import MeanColour, write_patches

from explorer import pipeline, settings
from explorer.app.shared import cache, query_pictures
from explorer.app.ui import query_state
from explorer.app.ui.query_state import Question
from explorer.collection import Collection
from explorer.search import SearchResult
from explorer.sources import open_source


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Collection:
    """27 patches of three classes; each patient has one of every class."""
    folder = write_patches(tmp_path_factory.mktemp("patches"), per_class=9)
    files = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.png"))
    patients = [f"P{int(name.split('-')[1][:3]) % 3}" for name in files]
    labels = [name.split("/")[0] for name in files]
    pd.DataFrame({"file": files, "label": labels, "patient": patients}).to_csv(folder / "labels.csv", index=False)
    own = settings.read(home=tmp_path_factory.mktemp("home"))
    collection = pipeline.ingest(open_source(folder), name="classes", settings=own)
    pipeline.embed(collection, encoder=MeanColour(), settings=own)
    pipeline.index(collection)
    pipeline.project(collection, method="pca")
    return collection


def rows_of(answer: SearchResult) -> list[int]:
    return [hit.row for hit in answer.hits]


def test_a_patch_never_finds_itself(opened: Collection) -> None:
    found = rows_of(query_state.search(opened, Question(row=3, k=100)))
    assert sorted(found) == [row for row in range(27) if row != 3]


def test_hits_are_those_of_a_search_by_hand(opened: Collection) -> None:
    unit = np.array(opened.embedding().vectors)
    unit /= np.linalg.norm(unit, axis=1, keepdims=True)
    cosine = np.delete(unit @ unit[3], 3)
    found = query_state.search(opened, Question(row=3, k=5))
    assert [hit.score for hit in found.hits] == pytest.approx(np.sort(cosine)[::-1][:5], abs=1e-5)
    assert [float(unit[hit.row] @ unit[3]) for hit in found.hits] == pytest.approx([hit.score for hit in found.hits], abs=1e-5)


def test_searches_are_done_within_the_limit_on_concurrency(opened: Collection, monkeypatch: pytest.MonkeyPatch) -> None:
    held: list[int] = []

    class Bound:
        def acquire(self, *, timeout: float) -> bool:
            held.append(1)
            return timeout > 0

        def release(self) -> None:
            held.pop()

    kind, asked = type(opened.embedding().index), []
    search_as_it_is = kind.search

    def watched(*args: object, **options: object) -> object:
        asked.append(bool(held))
        return search_as_it_is(*args, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(cache, "searching", Bound())
    monkeypatch.setattr(kind, "search", watched)
    query_state.search(opened, Question(row=3, k=5))
    assert asked
    assert all(asked)
    assert not held


def test_patches_of_the_same_patient_are_left_out(opened: Collection) -> None:
    patient = opened.items["patient"]
    found = rows_of(query_state.search(opened, Question(row=3, k=100, exclude_same=("patient",))))
    assert sorted(found) == [row for row in range(27) if patient[row] != patient[3]]


def test_a_selection_finds_others_and_others_than_its_patients(opened: Collection) -> None:
    patient = opened.items["patient"]
    rows = (0, 1)
    assert set(rows_of(query_state.search(opened, Question(rows=rows, k=100)))) == set(range(2, 27))
    apart = rows_of(query_state.search(opened, Question(rows=rows, k=100, exclude_same=("patient",))))
    assert sorted(apart) == [row for row in range(27) if patient[row] not in (patient[0], patient[1])]


def test_closeness_is_the_share_of_patches_with_farther_neighbours(opened: Collection) -> None:
    unit = np.array(opened.embedding().vectors)
    unit /= np.linalg.norm(unit, axis=1, keepdims=True)
    cosine = unit @ unit.T
    np.fill_diagonal(cosine, -2)
    nearest = cosine.max(1)
    answer = query_state.search(opened, Question(row=5))
    assert answer.facts.closer_than == pytest.approx(np.mean(nearest < nearest[5]), abs=1.5 / 27)


def test_a_row_lies_at_its_own_place_and_a_moved_query_among_its_neighbours(opened: Collection) -> None:
    xy = opened.embedding().positions("pca")
    question = Question(row=4)
    assert query_state.search(opened, question).facts.map_xy == pytest.approx(tuple(xy[4]))
    moved = Question(row=4, liked=(20,))
    x, y = query_state.search(opened, moved).facts.map_xy or (np.nan, np.nan)
    assert xy[:, 0].min() <= x <= xy[:, 0].max()
    assert xy[:, 1].min() <= y <= xy[:, 1].max()


def test_liked_patches_come_nearer_and_disliked_ones_go(opened: Collection) -> None:
    def score(row: int, question: Question) -> float:
        return next(hit.score for hit in query_state.search(opened, question).hits if hit.row == row)

    before, liked, disliked = Question(row=0, k=100), Question(row=0, k=100, liked=(20,)), Question(row=0, k=100, disliked=(20,))
    assert score(20, liked) > score(20, before) > score(20, disliked)


def test_a_picture_that_is_in_the_collection_is_known_by_its_row(opened: Collection) -> None:
    held = query_pictures.Held()
    question = Question(picture=held.keep(opened.image(7)), k=100)
    try:
        assert query_state.known_row(opened, question) == 7
        answer = query_state.search(opened, question)
        assert answer.facts.rows == (7,)
        assert 7 not in rows_of(answer), "a row never answers its own query"
    finally:
        held.close()
