"""The page Evaluate as a person uses it: charts drawn from this machine alone, a patch that went wrong opened and searched with."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from browser import appside
from browser.appside import pictures_are_here, ready, visit
from playwright.sync_api import expect

from explorer import pipeline
from explorer.collection import open_collection
from explorer.pipeline import Question

pytestmark = pytest.mark.browser
CHARTS = "[data-testid=stPlotlyChart] .main-svg"
HOSTILE = "<img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    home: Path = tmp_path_factory.mktemp("home")
    folder = tmp_path_factory.mktemp("pictures")
    files = appside.drawn_patches(folder, per_class=16)
    random = np.random.default_rng(0)
    table = pd.DataFrame({"file": [path.name for path in files], "patient": [f"P{i % 6}" for i in range(len(files))]})
    table["label"] = random.choice([HOSTILE, "stroma"], len(files))  # drawn at random, so that much goes wrong
    table.to_csv(folder / "labels.csv", index=False)
    appside.build(folder, "drawn", home)
    for protocol in ("retrieval", "knn"):
        pipeline.evaluate(open_collection("drawn", home=home), Question(protocol))  # type: ignore[arg-type]
    with appside.serve(home, home / "log.txt") as url:
        yield url


@pytest.mark.parametrize("dark", [False, True])
def test_charts_are_drawn_and_labels_are_text(app: str, browse, dark: bool) -> None:
    page = visit(browse, f"{app}/evaluate?collection=drawn", dark=dark)
    expect(page.locator(CHARTS).first).to_be_visible()
    page.wait_for_function(f"() => document.querySelectorAll('{CHARTS}').length >= 5")
    expect(page.get_by_text(HOSTILE).first).to_be_attached()
    assert page.locator("img[src=x]").count() == 0
    assert page.faults == []


def test_a_misclassified_patch_can_be_enlarged_and_searched_with(app: str, browse) -> None:
    page = visit(browse, f"{app}/evaluate?collection=drawn", height=2600)
    assert pictures_are_here(page, ".result img") > 0
    page.locator(".result .open").first.click()
    expect(page.get_by_role("dialog")).to_contain_text("and was named")
    page.get_by_role("dialog").get_by_role("button", name="Search with this patch").click()
    page.wait_for_url(re.compile(r"/search\?.*patch=\d+"))
    ready(page)
    assert page.faults == []


def test_an_older_report_has_an_address_of_its_own(app: str, browse) -> None:
    page = visit(browse, f"{app}/evaluate?collection=drawn")
    page.get_by_role("combobox", name="Report").click()
    page.get_by_role("option", name=re.compile("^Retrieval")).click()
    page.wait_for_url(re.compile(r"report=[0-9a-f]+"))
    again = visit(browse, page.url)
    expect(again.get_by_text(re.compile(r"^MV@10 of label")).first).to_be_visible()


def test_the_report_to_take_away_is_one_file(app: str, browse, tmp_path: Path) -> None:
    page = visit(browse, f"{app}/evaluate?collection=drawn")
    with page.expect_download() as coming:
        page.get_by_role("button", name="Download this report").click()
    place = tmp_path / "report.html"
    coming.value.save_as(place)
    alone = browse()
    alone.set_content(place.read_text(encoding="utf-8"))
    expect(alone.get_by_role("heading", name="Misclassified examples")).to_be_visible()
    alone.wait_for_function("() => document.images.length > 0 && [...document.images].every((one) => one.complete && one.naturalWidth > 0)")
    assert alone.faults == []
