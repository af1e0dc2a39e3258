"""What the pages say about limits: trustworthiness of maps, site bias, and filters by ranges."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from evaluation_reports import site_bias_report
from fakes import MeanColour, write_patches
from hypothesis import example, given
from hypothesis import strategies as st
from served import CHANGING, served
from starlette.testclient import TestClient
from streamlit.testing.v1 import AppTest

from explorer import pipeline, settings, storage
from explorer.app import ui, widgets
from explorer.app.shared import cache, job_requests
from explorer.app.ui import filter_controls, map_views, url_state
from explorer.collection import Collection, open_collection
from explorer.reports.document import FORMAT, to_json
from explorer.search import allowed_rows
from explorer.sources import open_source
from explorer.storage import Artifact

HOSTILE = "<img src=x onerror=alert(1)> *ward* [a](b)"
N = 36
TRUST = "map_trustworthiness"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Patches of three tissues from two sites, with a score; the map is one that takes no time to draw."""
    home = tmp_path_factory.mktemp("home")
    folder = write_patches(tmp_path_factory.mktemp("patches"), per_class=N // 3, side_px=48)
    files = sorted(str(path.relative_to(folder)) for path in folder.rglob("*.png"))
    columns = {"site": ["A", "B"] * (N // 2), "score": np.linspace(0, 1, N).round(4), "grade": [1, 2, 3] * (N // 3)}
    table = pd.DataFrame({"file": files, "label": [file.split("/")[0] for file in files], **columns})
    table.loc[3, "score"] = None
    table.to_csv(folder / "labels.csv", index=False)
    own = settings.read(home=home)
    collection = pipeline.ingest(open_source(folder), name="c", settings=own)
    pipeline.embed(collection, encoder=MeanColour(), settings=own)
    pipeline.index(collection)
    pipeline.project(collection, method="pca")
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


def words(test: AppTest) -> str:
    return "\n".join(str(element.value) for kind in ("header", "markdown", "caption") for element in getattr(test, kind))


def told(test: AppTest) -> dict[str, str]:
    return {name: values[0] if isinstance(values, list) else values for name, values in test.query_params.items()}


def report(collection: Collection, *, follows: str, site: str = "site", seed: int = 0) -> Artifact:
    """A site-bias report that says this, as ``evaluate`` writes it."""
    recipe = {
        "kind": "report",
        "format": FORMAT,
        "embedding": collection.embedding().key,
        "protocol": "site-bias",
        "label": "label",
        "site": site,
        "seed": seed,
    }
    value = 0.15 if follows == "site" else 0.9

    def fill(work: Path) -> dict[str, Any]:
        sentence = f"Neighbours follow the {site}: {value}, where 0.5 is even."
        found = site_bias_report(follows=follows, sentence=sentence, label="label", site=site, value=value)
        storage.write_json(work / "report.json", to_json(found))
        return {"encoder": "mean-colour", "value": {"value": value, "low": value, "high": value}}

    return collection.make("reports", recipe, fill)


def drawn_by_umap(collection: Collection) -> Artifact:
    """In place of a UMAP, which takes its time to compile: patches in no order, with trust that rises with the row."""
    recipe = collection.embedding().map("pca").recipe | {"method": "umap", "n_neighbors": 15, "min_dist": 0.1, "seed": 4}

    def fill(work: Path) -> dict[str, Any]:
        np.save(work / "xy.npy", np.random.default_rng(0).normal(size=(N, 2)).astype(np.float32))
        np.save(work / "trustworthiness.npy", np.linspace(0.4, 0.99, N).astype(np.float32))
        return {"trustworthiness": 0.7}

    return collection.make("projections", recipe, fill)


def drawn_again(collection: Collection, projection: Artifact) -> Artifact:
    """What ``pipeline.stability`` leaves."""
    recipe = {"kind": "stability", "projection": projection.key, "seeds": [5, 6], "k": 15}

    def fill(work: Path) -> dict[str, Any]:
        np.save(work / "stability.npy", np.linspace(1, 0, N).astype(np.float32))
        return {"stability": 0.5, "by_chance": 0.43}

    return collection.make("stabilities", recipe, fill)


# -- site bias


@pytest.mark.parametrize(("page", "asked"), [("map", {}), ("search", {"patch": "3"})])
def test_site_bias_is_warned_of_in_one_line_that_links_to_its_report(opened: Collection, page: str, asked: dict[str, str]) -> None:
    bad = report(opened, follows="site")
    test = show(page, **asked)
    said = [element.value for element in test.markdown if "Neighbours follow" in element.value]
    assert said == [f":orange[:material/warning:] {ui.plain('Neighbours follow the site: 0.15, where 0.5 is even.')}"]
    links = [element.proto for element in test.get("page_link")]
    assert [link.query_string for link in links if link.label == "See the report"] == [f"collection=c&report={bad.key}"]


@pytest.mark.parametrize(("page", "asked"), [("map", {}), ("search", {"patch": "3"})])
def test_without_site_bias_no_warning_is_shown(opened: Collection, page: str, asked: dict[str, str]) -> None:
    report(opened, follows="label")
    said = words(show(page, **asked))
    assert "Neighbours follow" not in said
    assert "has not been measured" not in said


def test_a_hostile_site_name_is_text(opened: Collection) -> None:
    report(opened, follows="site", site=HOSTILE)
    (said,) = (element.value for element in show("map").markdown if "onerror" in element.value)
    assert ui.plain(HOSTILE) in said
    assert "<img" not in said.replace("\\<img", "")


def test_what_was_not_measured_is_said_once_and_measured_on_demand(opened: Collection, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[job_requests.Evaluate] = []
    monkeypatch.setattr(job_requests, "start", started.append)
    test = show("search", patch="3")
    assert "Whether neighbours follow the site more than the tissue has not been measured" in words(test).replace("\\", "")
    test.button(key="site-bias/measure").click().run()
    assert [(job.protocol, job.label, job.site, job.encoder) for job in started] == [("site-bias", "label", "site", "mean-colour")]
    assert "has not been measured" not in words(test)
    other = show("map")
    other.button(key="site-bias/later").click().run()
    assert "has not been measured" not in words(other)
    assert len(started) == 1


# -- the map


def test_the_map_is_coloured_by_trust(opened: Collection) -> None:
    test = show("map", colour=TRUST)
    assert test.selectbox(key="map/colour/c").value == TRUST
    assert told(test)["colour"] == TRUST
    assert "The darker a point, the less like it are its neighbours on the map." in words(test)
    view = map_views.View(opened, opened.embedding().map("pca"), "mean-colour")
    assert {TRUST, "map_continuity"} <= set(map_views.colours(view))
    assert "map_stability" not in map_views.colours(view)
    legend = map_views.column(view, TRUST)
    values = np.load(view.projection.path / "trustworthiness.npy")
    assert legend is not None
    assert (legend["kind"], legend["name"]) == ("continuous", "trust in its place")
    assert (legend["low"], legend["high"]) == pytest.approx((values.min(), values.max()))


def test_the_colours_are_the_numbers_that_were_measured(opened: Collection, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn_again(opened, drawn_by_umap(opened))
    view = map_views.View(opened, opened.embedding().map(), "mean-colour")
    with served(opened.path.parent, monkeypatch) as client:
        for column, measured in ((TRUST, np.linspace(0.4, 0.99, N)), ("map_stability", np.linspace(1, 0, N))):
            legend = map_views.column(view, column)
            assert legend is not None
            np.testing.assert_allclose(np.frombuffer(client.get(legend["url"]).content, "<f4"), measured, rtol=1e-6)
        gone = client.get(f"/api/collections/c/trust/{view.projection.key}/map_continuity.bin")
        assert gone.status_code == 404
        assert "--stability" in gone.text


def test_a_users_column_named_like_a_map_quality_column_is_used_instead_of_it(opened: Collection, monkeypatch: pytest.MonkeyPatch) -> None:
    items = opened.items.assign(**{TRUST: "mine"})
    monkeypatch.setattr(type(opened), "items", property(lambda _: items))
    assert (opened.embedding().described()[TRUST] == "mine").all()


def test_one_click_selects_the_least_trusted_patches(opened: Collection) -> None:
    drawn_by_umap(opened)
    test = show("map")
    test.button(key="map/least").click().run()
    assert not test.exception
    assert test.selectbox(key="map/colour/c").value == TRUST
    view = map_views.View(opened, opened.embedding().map(), "mean-colour")
    where = json.loads(told(test)["of"].removeprefix("where-"))
    assert map_views.rows_where(view, where).tolist() == [0]  # 5 % of 36 is one patch, and trust rises with the row
    reopened = show("map", **{name: value for name, value in told(test).items() if name != "collection"})
    assert "1 patch" in words(reopened)


def test_the_layout_panel_shows_how_far_each_map_can_be_trusted(opened: Collection, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[job_requests.Project] = []
    monkeypatch.setattr(job_requests, "start", started.append)
    assert "PCA has no seed: it is the same each time it is drawn." in words(show("map"))
    made = drawn_by_umap(opened)
    test = show("map")
    assert "**Trust 0.70**" in words(test)
    assert "Stability" not in words(test)
    test.button(key="map/stability").click().run()
    assert [(job.stability, job.seed, job.n_neighbors) for job in started] == [(True, 4, 15)]
    assert started[0].command()[:2] == ["project", "--stability"]
    drawn_again(opened, made)
    test = show("map")
    assert "**Stability 0.50**" in words(test)
    assert "map/stability" not in [button.key for button in test.button]


def test_about_lists_reports_and_stability_of_maps(opened: Collection) -> None:
    report(opened, follows="label")
    drawn_again(opened, drawn_by_umap(opened))
    titles = [element.label for element in show("about").expander]
    assert any(title.startswith("Reports · Site bias, label") for title in titles), titles
    assert any(title.startswith("Stability of maps · seeds 5 and 6") for title in titles), titles


# -- ranges


def test_a_search_by_range_is_written_to_the_url(opened: Collection) -> None:
    only = '{"score":{">=":0.25,"<=":0.5}}'
    test = show("search", patch="0", only=only, k="96")
    assert told(test)["only"] == only
    assert test.session_state["search/only/c/score"] == (0.25, 0.5)
    test.segmented_control(key="search/how").set_value("Table").run()
    found = next(frame.value for frame in test.dataframe if "score" in frame.value.columns)
    scores = opened.items["score"]
    assert set(found["row"]) == set(np.flatnonzero((scores >= 0.25) & (scores <= 0.5)).tolist())


def test_a_search_can_be_limited_to_rows_with_trustworthy_map_positions(opened: Collection) -> None:
    drawn_by_umap(opened)
    test = show("search", patch="0", only=json.dumps({TRUST: {">=": 0.9}}), k="96")
    test.segmented_control(key="search/how").set_value("Table").run()
    found = next(frame.value for frame in test.dataframe if "score" in frame.value.columns)
    assert set(found["row"]) == set(np.flatnonzero(np.linspace(0.4, 0.99, N) >= 0.9).tolist())


def test_rows_found_on_the_map_by_value_and_range_are_selected(opened: Collection) -> None:
    test = show("map")
    key = f"map/where/{opened.embedding().map('pca').key}"
    test.multiselect(key=f"{key}/label").set_value(["TUM"]).run()
    test.slider(key=f"{key}/score").set_range(0.5, 1.0).run()
    expected = allowed_rows(opened.items, where={"label": "TUM", "score": {">=": 0.5}})
    assert expected is not None
    assert test.button(key="map/select").label == f"Select {ui.count(int(expected.sum()), 'patch')}"
    test.button(key="map/select").click().run()
    assert json.loads(told(test)["of"].removeprefix("where-")) == {"label": ["TUM"], "score": {">=": 0.5}}
    assert f"{int(expected.sum())} patches" in words(test)


@pytest.mark.parametrize("of", ['where-{"gone":{">=":1}}', "where-{", 'where-{"label":{">=":1}}', 'where-{"score":{"x":1}}', "where-[1]"])
def test_an_invalid_row_filter_in_the_url_selects_no_rows(opened: Collection, of: str) -> None:
    assert "Nothing is selected." in words(show("map", of=of))


def test_a_search_over_http_takes_a_range_and_answers_with_site_bias(opened: Collection, monkeypatch: pytest.MonkeyPatch) -> None:
    report(opened, follows="site")
    with served(opened.path.parent, monkeypatch) as client:
        found = ask(client, {"score": {">": 0.5}})
        assert found["site_bias"]["state"] == "site"
        assert {hit["row"] for hit in found["hits"]} == set(np.flatnonzero(opened.items["score"] > 0.5).tolist())
        refused = client.post("/api/collections/c/search", json={"row": 0, "where": {"label": {">": 0.5}}}, headers=CHANGING)
        assert refused.status_code == 422
        assert "label does not hold numbers" in refused.text


def ask(client: TestClient, where: dict[str, Any]) -> dict[str, Any]:
    answer = client.post("/api/collections/c/search", json={"row": 0, "k": 99, "where": where}, headers=CHANGING)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


numbers = st.floats(-1e6, 1e6, allow_nan=False).map(lambda value: float(f"{value:.5g}"))


@example([5e-324])
@example([0.0, 5e-324])
@example([-5e-324, 5e-324])
@example([1e-301, 1e-300])
@example([-1e300, 1e300])
@given(st.lists(numbers, min_size=1, max_size=30) | st.lists(st.integers(-5000, 5000), min_size=1, max_size=30))
def test_a_slider_holds_every_value_in_round_steps(values: list[float]) -> None:
    low, high, step = filter_controls.ends(pd.Series(values, dtype="float64"))
    assert low <= min(values)
    assert max(values) <= high
    assert step == pytest.approx(10.0 ** round(np.log10(step)))
    if max(values) > min(values):
        assert low < high
        assert (high - low) / step < 1100


def test_a_slider_ignores_missing_and_infinite_values() -> None:
    assert filter_controls.ends(pd.Series([None, np.inf, -np.inf], dtype="Float64")) == (0.0, 1.0, 1.0)


@given(st.dictionaries(st.text(max_size=8), st.dictionaries(st.sampled_from([">=", "<="]), numbers, min_size=1) | st.lists(st.text())))
def test_filters_are_restored_from_the_url(where: dict[str, Any]) -> None:
    assert url_state.filters(url_state.words({"only": where}).get("only")) == where


def test_the_map_sends_the_status_of_what_was_measured(opened: Collection) -> None:
    drawn_again(opened, drawn_by_umap(opened))
    view = map_views.View(opened, opened.embedding().map(), "mean-colour")
    shown: widgets.MapData = map_views.data(view, colour=TRUST, picked=None)
    assert shown.title == "UMAP, 15 neighbours, seed 4 · trust 0.70 · stability 0.50"
