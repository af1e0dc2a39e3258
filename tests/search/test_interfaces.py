"""One search engine: twenty queries give the same answer through Python, command line, compare, REST and the page."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from fakes import write_patches
from PIL import Image as Pillow
from starlette.testclient import TestClient

from explorer import encoders, pipeline, settings
from explorer.app.api.application import make_api
from explorer.app.shared import cache
from explorer.app.shared.query_pictures import Held
from explorer.app.ui import query_state
from explorer.app.ui.query_state import Question
from explorer.cli import main
from explorer.collection import Collection, open_collection
from explorer.search import Picture, Query, Region, Row, Rows, Selection, search
from explorer.sources import open_source

NAME = "interfaces"
BOX = (0.0, 0.0, 0.5, 0.75)
REGION = "0.0,0.0,0.5,0.75"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """27 patches of three classes, embedded by the descriptor; each patient has one of every class."""
    folder = write_patches(tmp_path_factory.mktemp("patches"), per_class=9)
    files = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.png"))
    table = pd.DataFrame({"file": files, "label": [name.split("/")[0] for name in files], "age": np.arange(len(files))})
    table["patient"] = [f"P{int(name.split('-')[1][:3]) % 3}" for name in files]
    table.to_csv(folder / "labels.csv", index=False)
    own = settings.read(home=tmp_path_factory.mktemp("home"))
    made = pipeline.ingest(open_source(folder), name=NAME, settings=own)
    pipeline.embed(made, encoder=encoders.load("descriptor"), settings=own)
    pipeline.index(made)
    pipeline.project(made, method="pca")
    made.annotations.save_selection("odd crypts", [2, 3, 11, 20])
    return own.home


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A picture that is not in the collection."""
    pixels = np.random.default_rng(7).integers(0, 256, (40, 40, 3), dtype=np.uint8)
    path = tmp_path_factory.mktemp("query") / "stranger.png"
    Pillow.fromarray(pixels).save(path)
    return path


@pytest.fixture
def collection(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Collection]:
    monkeypatch.setenv("EXPLORER_HOME", str(home))
    cache.settings.cache_clear()
    yield open_collection(NAME, home=home)
    cache.settings.cache_clear()


def queries(collection: Collection, stranger: Path) -> dict[str, tuple[Query, list[str], Question | None]]:
    """Name -> the query, the same as options of the command line, the same as the page holds it (None where it cannot)."""
    picture = Picture(np.asarray(Pillow.open(stranger).convert("RGB")))
    known = Picture(collection.image(5))
    held = Held()
    at, own = held.keep(picture.pixels), held.keep(known.pixels)
    known_file = stranger.with_name("known.png")
    Pillow.fromarray(known.pixels).save(known_file)
    image, stored = ["--image", str(stranger)], ["--image", str(known_file)]
    label, ages = {"label": "TUM"}, {"age": {">=": "4", "<": "20"}}
    apart = ("patient",)
    return {
        "a row": (Query((Row(0),)), ["--row", "0"], Question(row=0)),
        "another k": (Query((Row(3),), k=3), ["--row", "3", "-k", "3"], Question(row=3, k=3)),
        "more hits than rows": (Query((Row(3),), k=99), ["--row", "3", "-k", "99"], Question(row=3, k=99)),
        "a label": (Query((Row(3),), where=label), ["--row", "3", "--where", "label=TUM"], Question(row=3, where=label)),
        "two labels": (
            Query((Row(3),), where={"label": ["TUM", "STR"]}),
            ["--row", "3", "--where", "label=TUM", "--where", "label=STR"],
            Question(row=3, where={"label": ["TUM", "STR"]}),
        ),
        "a range": (Query((Row(9),), where=ages), ["--row", "9", "--where", "age>=4", "--where", "age<20"], Question(row=9, where=ages)),
        "other patients": (
            Query((Row(1),), exclude_same=apart),
            ["--row", "1", "--exclude-same", "patient"],
            Question(row=1, exclude_same=apart),
        ),
        "other patients and labels": (
            Query((Row(1),), exclude_same=("patient", "label")),
            ["--row", "1", "--exclude-same", "patient", "--exclude-same", "label"],
            Question(row=1, exclude_same=("patient", "label")),
        ),
        "other patients of a label": (
            Query((Row(1),), where=label, exclude_same=apart),
            ["--row", "1", "--where", "label=TUM", "--exclude-same", "patient"],
            Question(row=1, where=label, exclude_same=apart),
        ),
        "a region of a row": (Query((Region(Row(4), BOX),)), ["--row", "4", "--region", REGION], Question(row=4, box=BOX)),
        "a picture": (Query((picture,)), image, Question(picture=at)),
        "a region of a picture": (Query((Region(picture, BOX),)), [*image, "--region", REGION], Question(picture=at, box=BOX)),
        "a picture of the collection": (Query((known,)), stored, Question(picture=own)),
        "a picture of the collection, other patients": (
            Query((known,), exclude_same=apart),
            [*stored, "--exclude-same", "patient"],
            Question(picture=own, exclude_same=apart),
        ),
        "more like": (Query((Row(0),), more_like=(Row(20), Row(21))), ["--row", "0", "--more-like", "20", "--more-like", "21"],
                      Question(row=0, liked=(20, 21))),
        "unlike": (Query((Row(0),), unlike=(Row(9),)), ["--row", "0", "--unlike", "9"], Question(row=0, disliked=(9,))),
        "several rows": (Query((Row(0), Row(9))), ["--row", "0", "--row", "9"], None),
        "a row and a picture": (Query((Row(0), picture)), ["--row", "0", *image], None),
        "a saved selection": (Query((Selection("odd crypts"),)), ["--selection", "odd crypts"], None),
        "with the row itself": (Query((Row(2),), include_query=True), ["--row", "2", "--include-query"], None),
        "only the most similar": (Query((Row(2),), min_score=0.5), ["--row", "2", "--min-score", "0.5"], None),
    }  # fmt: skip


def answer(result: Any) -> dict[str, Any]:
    """Hits, scores and facts, as every interface must return them."""
    document = result if isinstance(result, dict) else result.to_json()
    return {"hits": [(hit["row"], hit["score"]) for hit in document["hits"]], **document["facts"]}


def near(result: Any) -> dict[str, Any]:
    """The same, for numbers that may differ in the fifth digit."""
    found = answer(result)
    about = {name: pytest.approx(found[name], abs=1e-3) for name in ("map_xy", "closer_than") if name in found}
    return found | about | {"hits": [(row, pytest.approx(score, abs=1e-5)) for row, score in found["hits"]]}


def test_every_interface_gives_the_same_hits_scores_and_facts(collection: Collection, stranger: Path, home: Path) -> None:
    asked = queries(collection, stranger)
    assert len(asked) >= 20
    embedding = collection.embedding()
    with TestClient(make_api(), base_url="http://localhost") as rest:
        for name, (query, options, question) in asked.items():
            expected = search(embedding, query)
            assert len(expected.hits) > 0, name
            wanted = near(expected)
            assert answer(collection.search(query)) == wanted, f"Collection.search: {name}"
            assert answer(collection.search(Query.from_json(query.to_json()))) == wanted, f"replayed: {name}"
            sent = rest.post(f"/collections/{NAME}/search", json=query.to_json(), headers={"X-Explorer": "1"})
            assert sent.status_code == 200, sent.text
            assert answer(sent.json()) == wanted, f"REST: {name}"
            ran = CliRunner().invoke(main, ["--home", str(home), "search", NAME, *options, "--json"], catch_exceptions=False)
            assert answer(json.loads(ran.stdout)) == wanted, f"explorer search: {name}"
            ran = CliRunner().invoke(main, ["--home", str(home), "compare", NAME, *options, "--json"], catch_exceptions=False)
            compared = json.loads(ran.stdout)["query"][0]["answers"][0]["hits"]
            assert [(hit["row"], hit["score"]) for hit in compared] == wanted["hits"], f"explorer compare: {name}"
            if question is not None:
                asked_by_page = question if question.k != Question().k else Question(**{**as_dict(question), "k": query.k})
                assert answer(query_state.search(collection, asked_by_page)) == wanted, f"page: {name}"


def as_dict(question: Question) -> dict[str, Any]:
    return {name: getattr(question, name) for name in question.__slots__}


def test_a_query_file_replays_a_search(collection: Collection, stranger: Path, home: Path, tmp_path: Path) -> None:
    query = queries(collection, stranger)["a region of a picture"][0]
    for number, value in enumerate([query.to_json(), search(collection.embedding(), query).to_json(pixels=True)]):
        path = tmp_path / f"{number}.json"
        path.write_text(json.dumps(value))
        ran = CliRunner().invoke(main, ["--home", str(home), "search", NAME, "--query", str(path), "--json"], catch_exceptions=False)
        assert answer(json.loads(ran.stdout)) == near(search(collection.embedding(), query))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ([], "Give --row N"),
        (["--row", "0", "--row", "1", "--region", REGION], "exactly one --row or --image"),
        (["--row", "0", "--region", "0,0,1"], "is no region"),
        (["--row", "0", "--region", "0,0,2,1"], "does not lie in the picture"),
        (["--selection", "gone"], "no selection 'gone'"),
        (["--row", "0", "--query", "x.json"], "leave the other options out"),
        (["--query", "x.json"], "cannot be read as a query"),
    ],
)
def test_options_that_make_no_query_are_refused(collection: Collection, home: Path, options: list[str], words: str) -> None:
    ran = CliRunner().invoke(main, ["--home", str(home), "search", NAME, *options])
    assert ran.exit_code in (1, 2)
    assert words in ran.stderr


def test_a_search_on_an_opened_collection_touches_no_directory(collection: Collection, monkeypatch: pytest.MonkeyPatch) -> None:
    embedding = collection.embedding("descriptor")
    query = Query((Row(0),), where={"label": "TUM"}, exclude_same=("patient",))
    before = search(embedding, query)

    def refuse(*_: Any, **__: Any) -> Any:
        raise AssertionError("a directory was read")

    for module, name in (("os", "scandir"), ("os", "listdir"), ("pathlib.Path", "iterdir"), ("pathlib.Path", "glob")):
        monkeypatch.setattr(f"{module}.{name}", refuse)
    assert answer(search(embedding, query)) == near(before)
    assert answer(collection.search(query)) == near(before)


def test_hits_have_the_labels_that_people_gave(collection: Collection) -> None:
    query = Query((Row(0),), k=5)
    rows = [hit.row for hit in collection.search(query).hits]
    collection.annotations.add("label", "odd crypt", [rows[2]])
    found = [hit.to_json().get("label_by_people") for hit in collection.search(query).hits]
    assert found == [None, None, "odd crypt", None, None]
    filtered = collection.search(Query((Row(0),), k=5, where={"label_by_people": "odd crypt"}))
    assert [hit.row for hit in filtered.hits] == [rows[2]]
    collection.annotations.undo()
    assert "label_by_people" not in collection.search(query).hits[2].to_json()


def test_an_embedding_keeps_to_its_key_when_a_newer_one_appears(collection: Collection) -> None:
    embedding = collection.embedding()
    assert collection.embedding(embedding.key).key == embedding.key
    assert search(embedding, Query((Rows((1, 2)),))).embedding == embedding.key
