"""Every page in every state a user may meet: what it shows, and that it never shows a traceback."""

from __future__ import annotations

import ast
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from fakes import write_patches
from streamlit.testing.v1 import AppTest

from explorer import app, encoders, jobs, pipeline, settings, storage
from explorer.app.shared import cache
from explorer.app.ui import url_state
from explorer.collection import open_collection
from explorer.jobs import job as job_files
from explorer.sources import open_source

PAGES = tuple(url_state.PAGES)
OF_A_COLLECTION = tuple(page for page in PAGES if page != "library")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with a collection of drawn tissue and one with rejects; copied for each test."""
    home = tmp_path_factory.mktemp("home")
    own = settings.read(home=home)
    build("synthetic", "demo", own, options={"n": 36, "patients": 4, "seed": 0})
    patches = write_patches(tmp_path_factory.mktemp("patches"), per_class=6)
    (patches / "TUM" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nnot a picture")
    (patches / "TUM" / "<img src=x onerror=alert(1)>.png").write_bytes((patches / "TUM" / "tum-001.png").read_bytes())
    build(patches, "rejects", own)
    return home


def build(place: Path | str, name: str, own: settings.Settings, **options: object) -> None:
    """All steps, with the map that takes no time to draw."""
    collection = pipeline.ingest(open_source(place, **options), name=name, settings=own)
    pipeline.embed(collection, encoder=encoders.load("descriptor"), settings=own)
    pipeline.index(collection)
    pipeline.project(collection, method="pca")
    pipeline.cluster(collection)


@pytest.fixture
def home(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    place = tmp_path / "home"
    shutil.copytree(made, place)
    yield from _served(place, monkeypatch)


@pytest.fixture
def empty_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    (tmp_path / "empty").mkdir()
    yield from _served(tmp_path / "empty", monkeypatch)


def _served(place: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("EXPLORER_HOME", str(place))
    cache.settings.cache_clear()
    yield place
    cache.settings.cache_clear()


def show(page: str, **asked: str) -> AppTest:
    """The page as a session that opens its address sees it."""
    test = AppTest.from_string(f"from explorer.app import frame\nframe.run({page!r})", default_timeout=60)
    for name, value in asked.items():
        test.query_params[name] = value
    test.run()
    assert not test.exception, test.exception
    return test


def words(test: AppTest) -> str:
    """All that is said on the page."""
    kinds = ("title", "header", "markdown", "caption", "text", "warning", "error", "success")
    return "\n".join(str(element.value) for kind in kinds for element in getattr(test, kind))


def begin_job(
    home: Path, *, title: str, command: list[str], collection: str, ended: str | None, log: str = "", started: bool = True
) -> Path:
    """What a job leaves on disk; while its lock is held it runs, or waits where it has not started."""
    path = home / jobs.FOLDER / "20260101T000000000000-0123abcd"
    path.mkdir(parents=True)
    record = {"command": command, "title": title, "collection": collection, "created": "2026-01-01T00:00:00+00:00"}
    (path / job_files.RECORD).write_text(json.dumps(record))
    (path / job_files.LOG).write_text(log)
    if started:
        (path / job_files.STARTED).write_text("")
    lines = [{"verb": "embed", "done": done, "total": 400, "unit": "patches", "note": "", "time_s": done / 10} for done in (0, 100)]
    (path / jobs.PROGRESS).write_text("\n".join(map(json.dumps, lines)) + "\n")
    if ended is not None:
        (path / job_files.ENDED).write_text(ended)
    return path


# -- no collection


def test_the_first_run_shows_three_ways_in_and_nothing_else(empty_home: Path) -> None:
    test = show("library")
    assert [heading.value for heading in test.header] == ["Your own patches", "A folder on the server", "Demo tissue"]
    assert {button.label for button in test.button} == {"Look there", "Build it", "Open the demo tissue"}
    assert not test.selectbox


@pytest.mark.parametrize("page", OF_A_COLLECTION)
def test_a_page_without_a_collection_says_what_to_do(empty_home: Path, page: str) -> None:
    assert "Choose a collection in the library, or make your first one there." in words(show(page))


@pytest.mark.parametrize("page", OF_A_COLLECTION)
def test_a_link_to_a_collection_that_is_gone_says_so(home: Path, page: str) -> None:
    assert "There is no collection" in words(show(page, collection="gone"))


PAGE_FILES = sorted(Path(app.__file__).parent.glob("*/page.py"))


def test_every_page_has_a_file() -> None:
    assert len(PAGE_FILES) == len(PAGES)


@pytest.mark.parametrize("path", PAGE_FILES, ids=lambda path: path.parent.name)
def test_no_page_file_has_a_bare_string_that_streamlit_would_print(path: Path) -> None:
    """Streamlit would show it, where its magic is not switched off."""
    statements = ast.parse(path.read_text(encoding="utf-8")).body
    alone = [one for one in statements[1:] if isinstance(one, ast.Expr) and isinstance(one.value, ast.Constant)]
    assert not alone


def test_no_page_shows_internal_terms(home: Path, empty_home: Path) -> None:
    for page in PAGES:
        said = words(show(page)).lower()
        assert not [word for word in ("predicate", "parquet", "traceback", "artifact", " key") if word in said], page


# -- a collection


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("name", ["demo", "rejects"])
def test_every_page_shows_a_collection(home: Path, page: str, name: str) -> None:
    show(page, collection=name)


def test_the_library_shows_what_each_collection_holds(home: Path) -> None:
    said = words(show("library"))
    assert "36 patches" in said
    assert "4 patients" in said
    assert "Stain and texture descriptor" in said


def test_files_that_could_not_be_read_are_listed_with_reasons(home: Path) -> None:
    test = show("about", collection="rejects")
    assert "1 file did not become patches" in words(test)
    table = next(frame.value for frame in test.dataframe if "reason" in frame.value.columns)
    assert table["uri"].tolist() == ["TUM/broken.png"]
    assert table["reason"].str.len().min() > 0


def test_a_hostile_file_name_is_text(home: Path) -> None:
    opened = open_collection("rejects", home=home)
    row = int(opened.items.index[opened.items["uri"].str.contains("onerror")][0])
    said = words(show("search", collection="rejects", patch=str(row)))
    assert "<img" not in said.replace("\\<img", "")
    assert "onerror" in said


def test_a_search_shows_the_labels_of_hits_and_how_near_the_query_is(home: Path) -> None:
    test = show("search", collection="demo", patch="3")
    said = words(test)
    assert "not a diagnosis" in said
    assert "% of the collection's patches" in said
    assert {toggle.label: toggle.value for toggle in test.toggle} == {"Leave out the same patient": True, "Leave out the same slide": True}


def test_the_url_says_how_hits_are_shown(home: Path) -> None:
    test = show("search", collection="demo", patch="3", **{"as": "table"})
    assert {"similarity", "number", "name"} <= {str(name) for name in shown_columns(test)}
    assert "as" in test.query_params
    test.button_group(key="search/how").set_value("Patches").run()
    assert "as" not in test.query_params


def shown_columns(test: AppTest) -> set[str]:
    """Titles of the columns of the table on the page."""
    return {str(one.get("label")) for one in json.loads(test.dataframe[0].proto.columns).values() if one.get("label")}


def test_no_scale_warning_without_a_known_pixel_size(home: Path) -> None:
    assert "alike by scale only" not in words(show("search", collection="rejects", patch="3", box="0.1_0.1_0.3_0.3"))


def test_a_query_at_a_very_different_scale_gets_a_warning(home: Path) -> None:
    assert "alike by scale only" not in words(show("search", collection="demo", patch="3"))
    said = words(show("search", collection="demo", patch="3", box="0.1_0.1_0.3_0.3"))
    assert "It shows 22.4 µm of tissue, a patch of the collection 112 µm" in said.replace("\\", "")
    assert "Bring a larger part" in said


def test_the_query_is_read_from_the_url(home: Path) -> None:
    test = show("search", collection="demo", patch="3", k="12", apart="slide", only='{"site":["synthetic-site-A"]}')
    assert test.selectbox(key="search/k").value == 12
    assert [toggle.value for toggle in test.toggle] == [False, True]
    told = {name: values[0] if isinstance(values, list) else values for name, values in test.query_params.items()}
    assert told == {"collection": "demo", "patch": "3", "k": "12", "apart": "slide", "only": '{"site":["synthetic-site-A"]}'}


def test_unreadable_values_in_a_url_break_no_page(home: Path) -> None:
    for page in PAGES:
        show(
            page,
            collection="demo",
            patch="99999999",
            area="!!",
            map="x",
            k="-4",
            only="[1",
            more="1-x-7",
            box="9_9_1",
            groups="0",
            by="?",
            sort="?",
            part="900",
        )


def test_groups_can_be_named_and_keep_their_names(home: Path) -> None:
    test = show("groups", collection="demo")
    test.text_input[0].set_value("odd <b>crypts</b>").run()
    assert not test.exception
    opened = open_collection("demo", home=home)
    assert opened.annotations.cluster_names(opened.embedding().clusterings()[0]) == {0: "odd <b>crypts</b>"}
    assert opened.annotations.history()[0].who == "local"
    assert show("groups", collection="demo").text_input[0].value == "odd <b>crypts</b>"


def test_a_group_is_compared_with_what_is_known_in_plain_words(home: Path) -> None:
    said = words(show("groups", collection="demo"))
    assert "share the commonest label of their group" in said
    assert "adjusted Rand index" in said


def test_a_collection_can_be_renamed_and_is_deleted_only_after_confirmation(home: Path) -> None:
    test = show("library")
    test.text_input(key="name-demo").set_value("lung")
    test.button(key="rename-demo").click().run()
    assert (home / "lung").is_dir()
    assert not (home / "demo").exists()
    assert test.button(key="delete-lung").disabled
    test.checkbox(key="sure-lung").check().run()
    test.button(key="delete-lung").click().run()
    assert not test.exception
    assert not (home / "lung").exists()


# -- something is damaged


READ_BY: dict[str, tuple[str, ...]] = {
    "neighbours/*/knn_rows.npy": ("map", "search"),
    "projections/*/xy.npy": ("map", "search"),
    "clusters/*/medoids.npy": ("map", "groups"),
    "items.parquet": PAGES,
    "thumbnails/*/offsets.npy": (),
}
"""Part of a collection -> pages that read it while they are drawn; thumbnails are fetched by the browser."""


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("part", READ_BY)
def test_a_damaged_file_is_reported_by_the_pages_that_read_it_and_breaks_no_other(home: Path, page: str, part: str) -> None:
    for path in (home / "demo").glob(part):
        path.write_bytes(path.read_bytes()[:-7])
    said = words(show(page, collection="demo", patch="2"))
    assert ("damaged" in said or "is missing or cut" in said) == (page in READ_BY[part])


@pytest.mark.parametrize("record", ["[]", '{"format": 1, "n": "x"}', "{"])
def test_a_collection_with_a_damaged_record_is_listed_as_such_beside_the_others(home: Path, record: str) -> None:
    (home / "demo" / "collection.json").write_text(record)
    said = words(show("library"))
    assert "demo cannot be opened" in said and "damaged" in said
    assert "rejects" in said and str(home) not in said


def test_a_damaged_map_says_what_next_and_no_path(home: Path) -> None:
    for path in (home / "demo").glob("projections/*/xy.npy"):
        path.write_bytes(path.read_bytes()[:-7])
    said = words(show("map", collection="demo"))
    assert "A file of this collection is damaged" in said
    assert str(home) not in said


@pytest.mark.parametrize("missing", ["embeddings", "neighbours", "projections"])
def test_a_collection_that_is_not_ready_is_offered_to_be_finished(home: Path, missing: str) -> None:
    shutil.rmtree(home / "demo" / missing)
    assert "Finish making it" in {button.label for button in show("library").button}
    assert "not ready yet" in words(show("map", collection="demo"))


# -- jobs


@pytest.mark.parametrize("page", PAGES)
def test_a_running_job_is_shown_with_its_progress(home: Path, page: str) -> None:
    path = begin_job(home, title="Map demo", command=["project", "--", "demo"], collection="demo", ended=None)
    with storage.locked(path / job_files.LOCK, what="job"):
        test = show(page, collection="demo")
        if page in ("library", "map", "groups", "about"):
            assert "Map demo" in words(test)
            assert "Stop" in {button.label for button in test.button}


def test_a_job_that_waits_for_its_turn_is_shown_with_its_place_in_the_queue(home: Path) -> None:
    path = begin_job(home, title="Map demo", command=["project", "--", "demo"], collection="demo", ended=None, started=False)
    with storage.locked(path / job_files.LOCK, what="job"):
        test = show("library")
        assert "number 1 in the queue" in words(test)
        assert "Stop" in {button.label for button in test.button}


def test_a_collection_that_is_being_built_links_to_no_page_yet(home: Path) -> None:
    path = begin_job(home, title="Build demo", command=["build", "demo"], collection="demo", ended=None)
    with storage.locked(path / job_files.LOCK, what="job"):
        test = show("library")
        assert "Being made" in words(test)
        assert "Finish making it" not in {button.label for button in test.button}


def test_progress_shows_amount_rate_and_time_left(home: Path) -> None:
    path = begin_job(home, title="Build lung", command=["build", "lung"], collection="lung", ended=None)
    with storage.locked(path / job_files.LOCK, what="job"):
        bar = show("library").get("progress")[0]
        assert "100 of 400 patches · 10 a second · about 30 s left" in bar.proto.text.replace("\\", "")


@pytest.mark.parametrize("page", PAGES)
def test_a_failed_job_says_why_and_can_be_tried_again(home: Path, page: str) -> None:
    log = f"explorer: {home}/x is full; make room."
    begin_job(home, title="Map demo", command=["project", "--", "demo"], collection="demo", ended="1", log=log)
    test = show(page, collection="demo")
    if page == "library":
        assert "is full; make room" in words(test).replace("\\", "")
        assert str(home) not in words(test)
        assert {"Try again", "Dismiss"} <= {button.label for button in test.button}
        next(button for button in test.button if button.label == "Dismiss").click().run()
        assert not jobs.jobs(home)


@pytest.mark.parametrize("ended", [job_files.CANCELLED, None], ids=["cancelled", "killed"])
def test_a_job_that_was_stopped_can_go_on(home: Path, ended: str | None) -> None:
    """A killed process writes no end, and its lock is free."""
    begin_job(home, title="Build lung", command=["build", "lung"], collection="lung", ended=ended)
    test = show("library")
    assert "What was done so far is kept" in words(test).replace("\\", "")
    assert "Go on" in {button.label for button in test.button}
