"""The page Compare: scores with what is missing, two linked maps, one query; with one model, with two, with and without reports."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fakes import MeanColour, write_patches
from streamlit.testing.v1 import AppTest

from explorer import encoders, pipeline, settings
from explorer.app.shared import cache, job_requests, query_pictures
from explorer.collection import Collection
from explorer.pipeline import Question
from explorer.sources import open_source

HOSTILE = "<b>LYM<"


@pytest.fixture
def opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Collection]:
    """A collection that one model has described."""
    home = tmp_path / "home"
    monkeypatch.setenv("EXPLORER_HOME", str(home))
    cache.settings.cache_clear()
    folder = write_patches(tmp_path / "patches", per_class=6)
    (folder / "LYM").rename(folder / HOSTILE)
    collection = pipeline.ingest(open_source(folder), name="c", settings=settings.read(home=home))
    described(collection, MeanColour())
    yield collection
    cache.settings.cache_clear()


@pytest.fixture
def both(opened: Collection) -> Collection:
    """The same, described by two."""
    described(opened, encoders.load("descriptor"))
    return opened


def described(collection: Collection, encoder: Any) -> None:
    pipeline.embed(collection, encoder=encoder, settings=settings.read(home=collection.path.parent))
    pipeline.index(collection, encoder=encoder.name)
    pipeline.project(collection, encoder=encoder.name, method="pca")


def show(**asked: str) -> AppTest:
    test = AppTest.from_string("from explorer.app import frame\nframe.run('compare')", default_timeout=60)
    for name, value in {"collection": "c", **asked}.items():
        test.query_params[name] = value
    test.run()
    assert not test.exception, test.exception
    return test


def words(test: AppTest) -> str:
    kinds = ("title", "header", "markdown", "caption", "text", "info", "warning", "error", "code")
    return "\n".join(str(element.value) for kind in kinds for element in getattr(test, kind))


def widgets_sent(test: AppTest, module: str) -> list[dict[str, Any]]:
    """What each of our widgets of that kind was given."""
    sent = [json.loads(element.proto.json or element.proto.mixed.json) for element in test.get("bidi_component")]
    return [data for data in sent if data["module"].endswith(f"/{module}.js")]


# -- one model


def test_with_one_model_the_page_says_how_to_get_another(opened: Collection, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[job_requests.Embed] = []
    monkeypatch.setattr(job_requests, "start", started.append)
    test = show()
    assert "To compare, choose 'Add a model'." in words(test)
    assert "Nothing has been measured yet." in words(test)
    spec = next(spec for spec in map(encoders.spec, encoders.names()) if spec.name == "random-vits16")
    test.selectbox(key="compare/model").set_value(spec).run()
    test.button(key="compare/start").click().run()
    assert [(job.verb, job.name, job.encoder) for job in started] == [("embed", "c", "random-vits16")]
    assert "There is one map only." in words(show(tab="maps"))


def test_a_model_without_a_map_is_named(opened: Collection) -> None:
    pipeline.embed(opened, encoder=encoders.load("descriptor"), settings=settings.read(home=opened.path.parent))
    said = words(show(tab="maps"))
    assert "has no map yet" in said
    assert "There is one map only." in said


def test_two_layouts_of_one_model_are_compared_without_speaking_of_models(opened: Collection) -> None:
    pipeline.project(opened, method="umap", n_neighbors=5)
    test = show(tab="maps")
    left, right = widgets_sent(test, "map")
    assert left["points"] != right["points"] and left["link"]["name"] == right["link"]["name"]
    assert "Both maps show the same model" in words(test)


# -- scores


def test_scores_are_listed_beside_missing_measurements(both: Collection, monkeypatch: pytest.MonkeyPatch) -> None:
    report = pipeline.read_report(pipeline.evaluate(both, Question("retrieval", encoder="mean-colour")))
    value = report.value
    started: list[job_requests.Evaluate] = []
    monkeypatch.setattr(job_requests, "start", started.append)
    test = show()
    (table,) = (frame.value for frame in test.dataframe)
    assert table["MV@10"].to_list() == ["not measured", f"{value.value:.3f} ({value.low:.3f}–{value.high:.3f})"]
    assert table["Kept apart"].to_list() == ["nothing", "nothing"]
    assert "hit@1" not in table
    assert "explorer evaluate c retrieval --label label --encoder descriptor" in [code.value for code in test.code]
    place = [code.value for code in test.code].index("explorer evaluate c retrieval --label label --encoder descriptor")
    test.button(key=f"measure-{place}").click().run()
    assert [(job.protocol, job.encoder, job.label, job.group, job.site, job.train) for job in started] == [
        ("retrieval", "descriptor", "label", None, None, None)
    ]
    test.toggle(key="compare/full").set_value(True).run()
    assert "hit@1" in test.dataframe[0].value
    assert test.query_params["full"] == "yes"


def test_all_collections_stand_in_one_table_each_on_its_own_lines(both: Collection, tmp_path: Path) -> None:
    other = pipeline.ingest(
        open_source(write_patches(tmp_path / "more", per_class=5, seed=9)), name="d", settings=settings.read(home=both.path.parent)
    )
    described(other, MeanColour())
    for collection in (both, other):
        pipeline.evaluate(collection, Question("retrieval", encoder="mean-colour"))
    table = show(all="yes").dataframe[0].value
    assert sorted(zip(table["Collection"], table["Model"], strict=True)) == [
        ("c", "Stain and texture descriptor (no weights)"), ("c", "mean-colour"), ("d", "mean-colour")
    ]  # fmt: skip
    assert set(show().dataframe[0].value.columns) & {"Collection"} == set()


# -- maps


def test_two_models_have_two_linked_maps_and_their_overlap(both: Collection) -> None:
    test = show(tab="maps")
    left, right = widgets_sent(test, "map")
    assert left["link"] == right["link"] and left["points"] != right["points"]
    found = pipeline.overlap(both, "descriptor", "mean-colour")
    assert f"{10 * found.mean.value:.1f} of 10" in words(test)
    assert "Where they disagree most" in words(test)
    (grid,) = widgets_sent(test, "grid")
    assert [card["row"] for card in grid["cards"]] == pipeline.least_agreed(found, 24)
    assert {card["score"] for card in grid["cards"]} <= {f"{n} of 10" for n in range(11)}


def test_maps_are_coloured_by_where_the_models_disagree(both: Collection) -> None:
    test = show(tab="maps", colour=":shared")
    left, right = widgets_sent(test, "map")
    assert left["column"] == right["column"]
    assert left["column"]["name"] == "shared of the 10 nearest" and left["column"]["url"].startswith("/api/collections/c/overlap.bin?")
    assert test.query_params["colour"] == ":shared"


def test_groups_of_either_model_colour_both_maps(both: Collection) -> None:
    made = pipeline.cluster(both, encoder="mean-colour", method="kmeans", n_clusters=3)
    test = show(tab="maps", colour=f"group:{made.key}")
    left, right = widgets_sent(test, "map")
    assert left["column"] == right["column"]
    assert left["column"]["url"].endswith(f"/groups/{made.key}.bin")


def test_a_link_to_a_patch_shows_its_neighbours_in_both(both: Collection) -> None:
    test = show(tab="maps", patch="3")
    marks = [data["mark"] for data in widgets_sent(test, "map")]
    assert [mark["row"] for mark in marks] == [3, 3]
    near = [both.embedding(name).graph.rows[3, :10].tolist() for name in ("descriptor", "mean-colour")]
    assert [mark["neighbours"] for mark in marks] == near
    grids = widgets_sent(test, "grid")
    assert [[card["row"] for card in grid["cards"]] for grid in grids] == near
    shared = set(near[0]) & set(near[1])
    assert all((card["note"] == "in both") == (card["row"] in shared) for grid in grids for card in grid["cards"])
    assert test.query_params["patch"] == "3"


def test_a_link_to_a_selection_holds_the_map_it_was_drawn_on(both: Collection) -> None:
    from explorer.app.shared.selections import Shape
    from explorer.app.ui import url_state

    area = url_state.pack([Shape("replace", rows=(2, 5, 7))])
    test = show(tab="maps", area=area, on="other")
    left, right = widgets_sent(test, "map")
    assert left["selection"]["shapes"] == [] and left["link"]["elsewhere"]
    assert right["selection"]["shapes"] == [{"mode": "replace", "rows": [2, 5, 7]}] and not right["link"]["elsewhere"]
    assert "3 patches chosen" in words(test)
    assert (test.query_params["area"], test.query_params["on"]) == (area, "other")


# -- one query


def test_one_query_is_answered_by_every_model(both: Collection) -> None:
    test = show(tab="query", patch="3", k="6")
    grids = {tuple(card["row"] for card in data["cards"]) for data in widgets_sent(test, "grid")}
    wanted = {tuple(hit.row for hit in both.search(row=3, k=6, encoder=name).hits) for name in both.encoder_names()}
    assert grids == wanted
    shared = set.intersection(*(set(rows) for rows in wanted))
    assert f"{len(shared)} of 6 patches are found by both models" in words(test)
    assert test.query_params["patch"] == "3"


@pytest.fixture
def session_pictures() -> Iterator[query_pictures.Held]:
    held = query_pictures.Held()
    yield held
    held.close()


def test_a_picture_is_asked_of_every_model_that_can_be_loaded(both: Collection, session_pictures: query_pictures.Held) -> None:
    asked = session_pictures.keep(np.ascontiguousarray(both.image(4)[:24, :24]))
    test = show(tab="query", picture=asked, k="6")
    (grid,) = widgets_sent(test, "grid")
    image = query_pictures.find(asked)
    assert [card["row"] for card in grid["cards"]] == [hit.row for hit in both.search(image=image, k=6, encoder="descriptor").hits]
    assert "no encoder 'mean-colour'" in words(test), "which cannot be loaded here, and says so"


def test_without_a_query_patches_are_offered(both: Collection) -> None:
    test = show(tab="query")
    assert "One question, every model" in words(test)
    (offered,) = widgets_sent(test, "grid")
    assert len(offered["cards"]) == both.n
    test.text_input(key="compare/find").set_value("nothing of the kind").run()
    assert "No patch has this in its name" in words(test)


@pytest.mark.parametrize(
    "asked",
    [
        {"tab": "nonsense"},
        {"tab": "maps", "one": "gone", "other": "gone", "patch": "999", "area": "cut"},
        {"tab": "query", "patch": "999", "k": "7"},
        {"tab": "query", "picture": "guessed"},
    ],
)
def test_a_link_with_invalid_parts_shows_its_valid_parts(both: Collection, asked: dict[str, str]) -> None:
    assert "Compare" in [title.value for title in show(**asked).title]
