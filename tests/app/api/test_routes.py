"""Routes for pictures, rows, buffers and searches."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from fakes import write_patches
from PIL import Image as Pillow
from served import CHANGING, make_collection, served
from starlette.testclient import TestClient

from explorer.app.shared import assets, cache, point_buffers, query_pictures, urls
from explorer.collection import Collection, encoder_cache

HERE = "/api/collections/small"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("routes")
    make_collection(folder / "home")
    return folder / "home"


@pytest.fixture
def client(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    with served(home, monkeypatch) as client:
        yield client


@pytest.fixture
def small(client: TestClient) -> Collection:
    return cache.collection("small")


def pixels(data: bytes) -> np.ndarray:
    return np.asarray(Pillow.open(io.BytesIO(data)).convert("RGB")).astype(int)


def test_collections_are_listed_without_their_place_on_disk(client: TestClient, home: Path) -> None:
    (found,) = client.get("/api/collections").json()
    assert {key: found[key] for key in ("name", "rows", "rejected", "source", "encoders")} == {
        "name": "small", "rows": 24, "rejected": 1, "source": "folder", "encoders": ["mean-colour"],
    }  # fmt: skip
    whole = client.get(HERE)
    assert whole.json()["labels"] == {"TUM": 8, "STR": 8, "LYM": 8}
    assert whole.json()["rejects"][0]["uri"] == "TUM/broken.png"
    assert {made["kind"] for made in whole.json()["artifacts"]} == {"embeddings", "neighbours", "projections", "clusters"}
    assert "sha256" not in whole.json()["columns"]
    for answer in (whole, client.get("/api/collections"), client.get(f"{HERE}/items"), client.get(f"{HERE}/rows/0.json")):
        assert str(home) not in answer.text and str(home.parent) not in answer.text


def test_a_picture_is_cached_for_ever_only_under_the_address_of_its_content(client: TestClient, small: Collection) -> None:
    lasting = client.get(urls.thumb(small).format(row=3))
    assert lasting.content == small.thumbnail(3)
    assert lasting.headers["content-type"] == "image/jpeg"
    assert lasting.headers["cache-control"] == "private, max-age=31536000, immutable"
    for asked in (f"{HERE}/thumb/3.jpg", f"{HERE}/thumb/3.jpg?v=0000"):
        assert client.get(asked).headers["cache-control"] == "private, no-cache"


def test_the_whole_picture_is_that_of_the_row(client: TestClient, small: Collection) -> None:
    for row in (0, 23):
        seen = pixels(client.get(urls.patch(small).format(row=row)).content)
        assert np.abs(seen - small.image(row)).mean() < 8  # another row's differs by 13


def test_exif_is_never_served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from explorer import pipeline, settings
    from explorer.sources import open_source

    (tmp_path / "p").mkdir()
    exif = Pillow.Exif()
    exif[0x010E] = "Jane Doe, 1950-02-03"
    Pillow.new("RGB", (40, 40), (200, 100, 150)).save(tmp_path / "p" / "a.jpg", exif=exif)
    assert b"Jane Doe" in (tmp_path / "p" / "a.jpg").read_bytes()
    pipeline.ingest(open_source(tmp_path / "p"), name="one", settings=settings.read(home=tmp_path / "home"))
    with served(tmp_path / "home", monkeypatch) as client:
        for kind in ("thumb", "patch"):
            served_bytes = client.get(f"/api/collections/one/{kind}/0.jpg").content
            assert b"Jane" not in served_bytes and b"Exif" not in served_bytes


def test_a_large_picture_is_made_smaller(monkeypatch: pytest.MonkeyPatch) -> None:
    from explorer.app.api import images

    monkeypatch.setattr(images, "MOST_PX", 64)
    assert pixels(images.jpeg(np.zeros((100, 300, 3), np.uint8))).shape == (21, 64, 3)


@pytest.mark.parametrize("kind", ["thumb/{}.jpg", "patch/{}.jpg", "rows/{}.json"])
@pytest.mark.parametrize(("row", "status"), [(24, 404), (10**9, 404), (-1, 404), ("x", 422), ("1.5", 422), ("..%2f0", 404)])
def test_rows_out_of_range_are_not_found(client: TestClient, kind: str, row: object, status: int) -> None:
    answer = client.get(f"{HERE}/{kind.format(row)}")
    assert answer.status_code == status and answer.json()["error"]


def test_facts_of_a_row_are_those_of_the_table(client: TestClient, small: Collection) -> None:
    facts = client.get(f"{HERE}/rows/5.json").json()
    known = dict(facts["fields"])
    assert (facts["row"], facts["id"]) == (5, small.items["id"][5])
    assert known["label"] == small.items["label"][5] and known["age"] == small.items["age"][5]
    assert known["note"] == small.items["note"][5] and "<b>" in known["note"]  # as it is; pages show it as text
    assert "sha256" not in known and "slide" not in known  # nothing internal, nothing empty
    chosen = client.get(urls.rows(small, ["patient", "label", "nothing"]).format(row=5)).json()
    assert [name for name, _ in chosen["fields"]] == ["patient", "label"]


def test_the_openapi_document_agrees_with_the_responses(client: TestClient) -> None:
    document = client.get("/api/openapi.json").json()
    search = document["paths"]["/collections/{collection}/search"]["post"]
    assert [one["name"] for one in search["parameters"] if one["in"] == "header"] == ["x-explorer"]
    refusal = document["components"]["schemas"]["Refusal"]
    for status in ("403", "404", "409", "413", "422"):
        assert search["responses"][status]["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/Refusal"}
    sent = client.post("/api/collections/small/search", json={"row": "x"}, headers=CHANGING)
    assert sent.status_code == 422
    assert set(sent.json()) == set(refusal["required"])
    pictures = document["paths"]["/collections/{collection}/thumb/{row}.jpg"]["get"]["responses"]["200"]["content"]
    assert list(pictures) == [client.get("/api/collections/small/thumb/0.jpg").headers["content-type"]]
    assert document["servers"] == [{"url": "/api"}]


def test_items_come_in_pages(client: TestClient, small: Collection) -> None:
    first = client.get(f"{HERE}/items?offset=20&limit=3").json()
    assert (first["n"], [item["row"] for item in first["items"]]) == (24, [20, 21, 22])
    assert [item["uri"] for item in first["items"]] == small.items["uri"][20:23].tolist()
    assert [item["row"] for item in client.get(f"{HERE}/items?offset=22").json()["items"]] == [22, 23]
    assert client.get(f"{HERE}/items?offset=99").json()["items"] == []
    for wrong in ("offset=-1", "limit=0", "limit=100000", "limit=many"):
        assert client.get(f"{HERE}/items?{wrong}").status_code == 422


def test_the_row_of_an_item_is_its_number_whatever_the_users_columns_are_called(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from explorer import pipeline, settings
    from explorer.sources import open_source

    patches = write_patches(tmp_path / "patches", per_class=1)
    names = sorted(path.relative_to(patches).as_posix() for path in patches.rglob("*.png"))
    lines = [f"{name},{899 - at},plate {at},mine {at}\n" for at, name in enumerate(names)]
    (patches / "labels.csv").write_text("file,row,row_,fields\n" + "".join(lines))
    made = pipeline.ingest(open_source(patches), name="small", settings=settings.read(home=tmp_path / "home"))
    with served(tmp_path / "home", monkeypatch) as client:
        found = client.get(f"{HERE}/items").json()["items"]
        facts = client.get(f"{HERE}/rows/1.json").json()
    assert [item["row"] for item in found] == [0, 1, 2]
    assert [item["uri"] for item in found] == made.items["uri"].tolist()
    assert {(item["row__"], item["row_"]) for item in found} == {(899 - at, f"plate {at}") for at in range(3)}
    assert facts["row"] == 1 and dict(facts["fields"])["row"] == found[1]["row__"]
    assert dict(facts["fields"])["fields"] == found[1]["fields"]


def test_the_map_is_served_as_its_buffer(client: TestClient, small: Collection) -> None:
    made = small.embedding().map("pca")
    answer = client.get(urls.points(small, made))
    assert answer.headers["cache-control"] == assets.PRIVATE_IMMUTABLE
    assert answer.headers["content-encoding"] == "identity"  # it is not packed on the way
    drawn = point_buffers.drawn_points(answer.content)
    xy = small.embedding().positions("pca")
    assert np.abs(drawn - xy).max() <= np.ptp(xy, axis=0).max() / 65535


def test_colours_by_column_and_by_group(client: TestClient, small: Collection) -> None:
    answer = client.get(urls.column(small, "label"))
    legend = cache.column(small, "label").legend
    assert [legend["names"][code] for code in answer.content] == small.items["label"].tolist()
    ages = np.frombuffer(client.get(urls.column(small, "age")).content, "<f4")
    np.testing.assert_array_equal(ages, small.items["age"].to_numpy(np.float32))
    (groups,) = small.embedding().clusterings()
    codes = np.frombuffer(client.get(urls.groups(small, groups)).content, np.uint8)
    np.testing.assert_array_equal(codes, cache.labels(groups))
    for missing in ("nothing", "sha256", ""):
        assert client.get(f"{HERE}/column.bin", params={"name": missing}).status_code == 422
    for missing in (f"points/{groups.key}.bin", "groups/..%2f..bin", "points/x.bin"):
        assert client.get(f"{HERE}/{missing}").status_code == 404


def test_widgets_are_served_under_their_digest(client: TestClient) -> None:
    answer = client.get(assets.address("/api", "map/map.js"))
    assert answer.content == assets.files()["map/map.js"]
    assert answer.headers["content-type"].startswith("text/javascript")
    assert answer.headers["cache-control"] == assets.IMMUTABLE
    assert client.get(f"/api/web/{assets.digest()}/nothing.js").status_code == 404
    assert client.get("/api/web/0000/map/map.js").status_code == 404


def test_search_by_row_is_that_of_the_collection(client: TestClient, small: Collection) -> None:
    asked = {"row": 2, "k": 5, "where": {"label": ["TUM", "STR"]}, "exclude_same": ["patient"]}
    answer = client.post(f"{HERE}/search", json=asked, headers=CHANGING).json()
    expected = small.search(**asked).to_json()
    assert answer["hits"] == expected["hits"] and len(answer["hits"]) == 5
    assert answer["query"] == expected["query"]


def test_search_by_picture_knows_the_picture(client: TestClient, small: Collection) -> None:
    png = io.BytesIO()
    Pillow.fromarray(small.image(7)).save(png, "PNG")
    answer = client.post(
        f"{HERE}/search/image?k=3&where={json.dumps({'label': small.items['label'][7]})}",
        content=png.getvalue(),
        headers=CHANGING | {"content-type": "image/png"},
    ).json()
    assert answer["facts"]["rows"] == [7] and len(answer["hits"]) == 3
    assert 7 not in [hit["row"] for hit in answer["hits"]]  # a row does not answer its own query


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        ({}, 422),
        ({"row": 99}, 422),
        ({"row": -1}, 422),
        ({"row": "x"}, 422),
        ({"row": 1, "k": 0}, 422),
        ({"row": 1, "k": 10**6}, 422),
        ({"row": 1, "where": {"nothing": 1}}, 422),
        ({"row": 1, "exclude_same": ["nothing"]}, 422),
        ({"row": 1, "encoder": "kaiko-vits16"}, 404),
        ({"row": 1, "more": 1}, 422),
    ],
)
def test_invalid_searches_are_refused(client: TestClient, asked: dict[str, object], status: int) -> None:
    answer = client.post(f"{HERE}/search", json=asked, headers=CHANGING)
    assert answer.status_code == status and answer.json()["error"]


@pytest.mark.parametrize(
    ("content", "kind", "query", "status"),
    [
        (b"no picture", "image/png", "", 422),
        (b"", "image/png", "", 422),
        (b"x", "text/plain", "", 415),
        (b"x", "image/png", "?where=[1]", 422),
        (b"x", "image/png", "?where=nonsense", 422),
        (b"x" * 20_000_001, "image/png", "", 413),
    ],
)
def test_invalid_query_pictures_are_refused(client: TestClient, content: bytes, kind: str, query: str, status: int) -> None:
    answer = client.post(f"{HERE}/search/image{query}", content=content, headers=CHANGING | {"content-type": kind})
    assert answer.status_code == status and answer.json()["error"]


def test_ten_searches_at_once_are_all_answered(client: TestClient) -> None:
    def ask(row: int) -> list[int]:
        hits = client.post(f"{HERE}/search", json={"row": row, "k": 24}, headers=CHANGING).json()["hits"]
        return sorted(hit["row"] for hit in hits)

    with ThreadPoolExecutor(10) as pool:
        assert list(pool.map(ask, range(20))) == [[row for row in range(24) if row != asked] for asked in range(20)]


def test_the_encoder_of_pictures_is_loaded_once(client: TestClient, small: Collection, monkeypatch: pytest.MonkeyPatch) -> None:
    import time

    from fakes import MeanColour

    loaded = []

    def slow(name: str, **_: object) -> MeanColour:
        time.sleep(0.1)
        loaded.append(name)
        return MeanColour()

    monkeypatch.setattr("explorer.collection.encoder_cache.encoders.load", slow)
    encoder_cache._encoder.cache_clear()
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: cache.picture_encoder(small.embedding()), range(8)))
    assert loaded == ["mean-colour"] and len({id(encoder) for encoder in found}) == 1
    encoder_cache._encoder.cache_clear()


def test_a_query_picture_is_found_by_its_id_until_its_session_ends(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    mine, yours = query_pictures.Held(), query_pictures.Held()
    picture = np.full((20, 30, 3), 77, np.uint8)
    query_id = mine.keep(picture)
    answer = client.get(urls.query(query_id))
    assert pixels(answer.content).shape == (20, 30, 3) and answer.headers["cache-control"] == "private, no-store"
    assert query_id not in json.dumps([client.get(path).text for path in ("/api/collections", "/api/jobs", "/api/health")])
    for wrong in (query_id[:-1], "..%2f", query_id.swapcase()):
        assert client.get(f"/api/queries/{wrong}.jpg").status_code == 404
    assert client.get("/api/queries/.jpg").status_code == 405  # the address that a file is sent to
    yours.close()
    assert client.get(urls.query(query_id)).status_code == 200
    mine.close()
    assert client.get(urls.query(query_id)).status_code == 404


def test_query_pictures_are_dropped_after_an_hour_and_the_oldest_of_many_first(monkeypatch: pytest.MonkeyPatch) -> None:
    held = query_pictures.Held()
    now_s = [1000.0]
    monkeypatch.setattr(query_pictures.time, "monotonic", lambda: now_s[0])
    picture = np.zeros((2, 2, 3), np.uint8)
    ids = [held.keep(picture) for _ in range(query_pictures.MOST_PER_SESSION + 1)]
    with pytest.raises(Exception, match="no longer here"):
        query_pictures.find(ids[0])
    assert query_pictures.find(ids[1]) is picture
    now_s[0] += query_pictures.LIFE_S - 1
    assert query_pictures.find(ids[2]) is picture  # a look makes it young again
    now_s[0] += 2
    assert query_pictures.find(ids[2]) is picture
    with pytest.raises(Exception, match="no longer here"):
        query_pictures.find(ids[1])
    held.close()


def test_a_collection_made_anew_is_opened_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "home"
    make_collection(home, per_class=4)
    with served(home, monkeypatch) as client:
        before = client.get(HERE).json()
        assert cache.collection("small") is cache.collection("small")
        assert client.delete(HERE, headers=CHANGING).status_code == 200
        assert client.get(HERE).status_code == 404 and client.get("/api/collections").json() == []
        assert [path.name for path in home.iterdir() if "small" in path.name and path.is_dir()] == []
        make_collection(home, per_class=5)
        after = client.get(HERE).json()
    assert (before["rows"], after["rows"]) == (12, 15) and before["version"] != after["version"]


def test_a_collection_is_renamed_over_http(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "home"
    make_collection(home, per_class=3)
    with served(home, monkeypatch) as client:
        assert client.patch(HERE, json={"name": "colon 2"}, headers=CHANGING).json()["name"] == "colon 2"
        assert client.get(HERE).status_code == 404
        assert client.get("/api/collections/colon%202/thumb/0.jpg").status_code == 200
        for wrong in ("../x", "", ".hidden", "a/b", "x" * 200):
            assert client.patch("/api/collections/colon%202", json={"name": wrong}, headers=CHANGING).status_code == 422
        make_collection(home, per_class=3)
        taken = client.patch(HERE, json={"name": "colon 2"}, headers=CHANGING)
        assert taken.status_code == 409 and "already" in taken.json()["error"]


def test_a_damaged_collection_is_reported_as_damaged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "home"
    collection = make_collection(home, per_class=3)
    (collection.path / "items.parquet").write_bytes(b"cut")
    with served(home, monkeypatch) as client:
        answer = client.get(f"{HERE}/items")
        assert answer.status_code == 500
        assert "cut" in answer.json()["error"] and str(tmp_path) not in answer.text


def test_one_unreadable_collection_does_not_hide_the_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "home"
    make_collection(home, per_class=3)
    (home / "broken").mkdir()
    (home / "broken" / "collection.json").write_text("{")
    (home / "later").mkdir()
    (home / "later" / "collection.json").write_text('{"format": 99}')
    with served(home, monkeypatch) as client:
        found = client.get("/api/collections")
        assert [one["name"] for one in found.json()] == ["small", "broken", "later"]
        assert "damaged" in found.json()[1]["error"] and "newer" in found.json()[2]["error"]
        assert str(tmp_path) not in found.text
        assert client.get("/api/collections/broken").status_code == 500


def test_a_cut_map_is_reported_as_damaged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "home"
    made = make_collection(home, per_class=3).embedding().map("pca")
    (made.path / "xy.npy").write_bytes((made.path / "xy.npy").read_bytes()[:-4])
    with served(home, monkeypatch) as client:
        answer = client.get(f"{HERE}/points/{made.key}.bin")
    assert answer.status_code == 500 and "cut" in answer.json()["error"]


def test_a_picture_whose_source_is_gone_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import shutil

    home = tmp_path / "home"
    make_collection(home, per_class=3)
    shutil.rmtree(tmp_path / "small patches")
    with served(home, monkeypatch) as client:
        assert client.get(f"{HERE}/thumb/0.jpg").status_code == 200
        answer = client.get(f"{HERE}/patch/0.jpg")
        assert answer.status_code == 422 and str(tmp_path) not in answer.text


def test_shared_neighbours_of_two_encoders_are_counts(client: TestClient) -> None:
    """One encoder and itself share all of them; what each pair shares is measured in ``test_compare``."""
    answer = client.get(f"{HERE}/overlap.bin", params={"one": "mean-colour", "other": "mean-colour"})
    assert np.frombuffer(answer.content, "<f4").tolist() == [10] * 24
    assert client.get(f"{HERE}/overlap.bin", params={"one": "mean-colour", "other": "gone"}).status_code == 404


def test_a_search_that_waits_too_long_for_its_turn_is_refused_in_json(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import threading

    from explorer.app.shared import cache

    home = tmp_path / "home"
    make_collection(home, per_class=3)
    monkeypatch.setenv("EXPLORER_SEARCH_LIMIT_S", "1")
    monkeypatch.setattr(cache, "searching", threading.BoundedSemaphore(1))
    with served(home, monkeypatch) as client:
        with cache.searching:
            answer = client.post(f"{HERE}/search", json={"row": 0}, headers=CHANGING)
        assert (answer.status_code, "took longer than 1 s" in answer.json()["error"]) == (503, True)
        assert client.post(f"{HERE}/search", json={"row": 0}, headers=CHANGING).status_code == 200
