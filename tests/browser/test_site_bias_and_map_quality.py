"""The map coloured by how far its places can be trusted, and the line that warns of site bias, in a browser."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from browser import appside
from browser.appside import visit
from browser.pages import on_map
from evaluation_reports import site_bias_report

from explorer import storage
from explorer.collection import open_collection
from explorer.reports.document import FORMAT, to_json

pytestmark = pytest.mark.browser
N = 40
SITE = "<img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    home = tmp_path_factory.mktemp("home")
    for name, follows in (("biased", "site"), ("sound", "label")):
        appside.build("synthetic", name, home, n=N, patients=4, seed=0)
        opened = open_collection(name, home=home)
        recipe = {"kind": "report", "embedding": opened.embedding().key, "protocol": "site-bias", "label": "label", "site": SITE}
        recipe |= {"format": FORMAT}
        opened.make("reports", recipe, lambda work, follows=follows: _report(work, follows))
    with appside.serve(home, home / "log.txt") as url:
        yield url


def _report(work: Path, follows: str) -> dict[str, object]:
    sentence = f"Neighbours follow the {SITE} more than the tissue: 0.15, where 0.5 is even."
    found = site_bias_report(follows=follows, sentence=sentence, label="label", site=SITE, value=0.15)
    storage.write_json(work / "report.json", to_json(found))
    return {"encoder": "descriptor", "protocol": "site-bias", "value": {"value": 0.15, "low": 0.1, "high": 0.2}}


def test_site_bias_is_warned_of_and_a_hostile_site_is_text(app, browse):
    for page_name in ("map?", "search?patch=3&"):
        page = visit(browse, f"{app}/{page_name}collection=biased")
        page.get_by_text(f"Neighbours follow the {SITE} more than the tissue: 0.15, where 0.5 is even.").wait_for()
        assert page.get_by_role("link", name="See the report").get_attribute("href")
        assert page.locator("img[onerror]").count() == 0
    page = visit(browse, f"{app}/map?collection=sound")
    page.locator(f".map[data-drawn='{N}']").wait_for()
    assert page.get_by_text("Neighbours follow").count() == 0


def test_the_warning_does_not_push_the_map_down(app, browse):
    tops = []
    for name in ("sound", "biased"):
        page = visit(browse, f"{app}/map?collection={name}", width=1400)
        page.locator(f".map[data-drawn='{N}']").wait_for()
        tops.append(page.locator(".stage").bounding_box()["y"])
    assert tops[1] - tops[0] < 20


def test_the_map_is_coloured_by_trust_and_the_least_trusted_are_selected(app, browse):
    page = visit(browse, f"{app}/map?collection=sound")
    page.locator(f".map[data-ready='{N}']").wait_for()
    page.get_by_role("button", name="least trusted").click()
    page.get_by_text("2 patches", exact=True).wait_for()  # 5 % of 40
    page.locator(".map .ramp").wait_for()
    page.wait_for_function("() => location.search.includes('colour=map_trustworthiness') && location.search.includes('of=where-')")
    chosen = on_map(page, "return [...map.chosen].flatMap((one, row) => (one ? [row] : []))")
    codes = np.array(on_map(page, "return [...map.codes]"))
    assert len(chosen) == 2
    assert codes[chosen].max() <= np.sort(codes)[len(chosen)], "those selected are those whose colour is lowest"
    assert on_map(page, "return map.note(arg)", chosen[0]).startswith("trust in its place: 0.")
    other = visit(browse, page.url)
    other.get_by_text("2 patches", exact=True).wait_for()
    other.locator(".map .ramp").wait_for()
