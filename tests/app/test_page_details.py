"""Small things the pages say: shares that are not nothing, facts said once, selections of the model that is shown."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from fakes import MeanColour, write_patches
from streamlit.testing.v1 import AppTest

from explorer import encoders, pipeline, settings
from explorer.app import ui
from explorer.app.shared import cache, job_requests
from explorer.app.shared.selections import Shape
from explorer.app.ui import map_views, url_state
from explorer.collection import Collection, open_collection
from explorer.sources import open_source


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Patches described by two models, whose table tells their width as the pictures do, and a height of its own."""
    home = tmp_path_factory.mktemp("home")
    folder = write_patches(tmp_path_factory.mktemp("patches"), per_class=6, side_px=48)
    files = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.png"))
    lines = [f"{file},{file.split('/')[0]},48,7" for file in files]
    (folder / "labels.csv").write_text("\n".join(["file,label,width,height", *lines]))
    own = settings.read(home=home)
    collection = pipeline.ingest(open_source(folder), name="c", settings=own)
    for encoder in (MeanColour(), encoders.load("descriptor")):
        pipeline.embed(collection, encoder=encoder, settings=own)
        pipeline.index(collection, encoder=encoder.name)
        pipeline.project(collection, encoder=encoder.name, method="pca")
        pipeline.cluster(collection, encoder=encoder.name, method="kmeans", n_clusters=2 if encoder.name == "descriptor" else 3)
    return home


@pytest.fixture
def opened(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Collection]:
    shutil.copytree(made, tmp_path / "home")
    monkeypatch.setenv("EXPLORER_HOME", str(tmp_path / "home"))
    cache.settings.cache_clear()
    yield open_collection("c", home=tmp_path / "home")
    cache.settings.cache_clear()


def show(page: str, **asked: str) -> AppTest:
    test = AppTest.from_string(f"from explorer.app import frame\nframe.run({page!r})", default_timeout=60)
    for name, value in {"collection": "c", **asked}.items():
        test.query_params[name] = value
    test.run()
    assert not test.exception, test.exception
    return test


@pytest.mark.parametrize("model", ["descriptor", "mean-colour"])
def test_a_search_with_a_selection_leaves_out_what_was_hidden_on_the_map_of_its_model(opened: Collection, model: str) -> None:
    (groups,) = opened.embedding(model).clusterings()
    everywhere = ((-1e6, -1e6), (1e6, -1e6), (1e6, 1e6), (-1e6, 1e6))
    drawn = Shape("replace", polygon=everywhere, column=ui.clustering_title(groups), hidden=(0,))
    (layout,) = map_views.layouts(opened, model)
    test = show("search", model=model, map=layout.key, area=url_state.pack((drawn,)))
    left = int((cache.labels(groups) != 0).sum())
    assert 0 < left < opened.n
    assert ui.count(left, "patch") in [element.value for element in test.markdown]


def test_a_column_that_repeats_the_picture_size_is_not_shown(opened: Collection) -> None:
    (facts,) = (element.value for element in show("search", patch="3").markdown if "width, px" in element.value)
    names = [line.split(" &ensp; ")[0] for line in facts.replace("\\", "").split("  \n")]
    assert "width" not in names
    assert "height" in names


def rare() -> None:
    import pandas as pd

    from explorer.app.ui import charts

    chosen = pd.Series(["common"] * 999 + ["rare"])
    charts.composition(chosen, chosen, key="chart")


def test_a_chart_says_under_1_percent_and_over_99_percent() -> None:
    test = AppTest.from_function(rare, default_timeout=60).run()
    (chart,) = test.get("plotly_chart")
    assert "under 1 %" in chart.proto.spec and "over 99 %" in chart.proto.spec
    assert [element.value for element in test.caption] == ["The tick is the share in the whole collection."]


def test_columns_worth_a_colour_are_counted_once(opened: Collection, monkeypatch: pytest.MonkeyPatch) -> None:
    show("map")
    counted: list[int] = []
    monkeypatch.setattr(ui.common, "columns_worth", lambda rows: counted.append(len(rows)) or [])
    show("map")
    assert counted == []
    assert ui.colour_columns(opened) == () and counted == [opened.n], "another collection object is counted for itself"


def test_real_tissue_is_fetched_only_when_its_licences_are_accepted(opened: Collection, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[job_requests.RealDemo] = []
    monkeypatch.setattr(job_requests, "start", started.append)
    test = show("library")
    test.button(key="library/button").click().run()
    said = [element.value.replace("\\", "") for element in test.caption]
    assert all(line in said for line in pipeline.real_terms())
    assert all(size in test.checkbox(key="new/real-accepted").label.replace("\\", "") for size in pipeline.real_to_fetch(cache.settings()))
    assert test.button(key="new/real-start").disabled
    test.checkbox(key="new/real-accepted").check().run()
    test.button(key="new/real-start").click().run()
    assert [job.command() for job in started] == [["demo", "--real", "--accept-licence", "--no-app", "--name", "crc-val-he-7k"]]


def test_a_real_demo_request_accepts_no_licence_by_default() -> None:
    assert "--accept-licence" not in job_requests.RealDemo().command()
