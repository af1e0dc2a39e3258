"""The routes behind their guard, as a browser on this machine meets them, over a small collection of made-up patches."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from fakes import MeanColour, write_patches
from starlette.applications import Starlette
from starlette.testclient import TestClient

from explorer import pipeline, settings
from explorer.app import server
from explorer.app.shared import cache
from explorer.collection import Collection, encoder_cache
from explorer.sources import open_source

CHANGING = {"x-explorer": "1"}
"""What our own pages send with every call that changes something."""


def make_collection(home: Path, *, name: str = "small", per_class: int = 8) -> Collection:
    """Rows, a reject, vectors, neighbours, a map and groups, without any weights."""
    patches = write_patches(home.parent / f"{name} patches", per_class=per_class, side_px=48)
    (patches / "TUM" / "broken.png").write_bytes(b"\x89PNG")
    (patches / "labels.csv").write_text(
        "file,patient,age,note\n"
        + "".join(
            f"{path.relative_to(patches).as_posix()},P{number % 4},{40 + number / 2},<b>{number}</b>\n"
            for number, path in enumerate(sorted(patches.rglob("*.png")))
        )
    )
    here = settings.read(home=home)
    collection = pipeline.ingest(open_source(patches), name=name, settings=here)
    pipeline.embed(collection, encoder=MeanColour(), settings=here)
    pipeline.index(collection)
    pipeline.project(collection, method="pca")
    pipeline.cluster(collection, method="kmeans", n_clusters=3)
    return collection


@contextmanager
def served(
    home: Path, monkeypatch: pytest.MonkeyPatch, *, base_path: str = "", peer: str = "127.0.0.1", **given: str
) -> Iterator[TestClient]:
    """A client of the routes at the address ``peer``. ``given`` are settings; the fake encoder stands in the table of encoders."""
    for name, value in ({"home": str(home)} | given).items():
        monkeypatch.setenv(f"EXPLORER_{name.upper()}", value)
    monkeypatch.setattr("explorer.collection.encoder_cache.encoders.load", lambda name, **_: MeanColour())
    cache.settings.cache_clear()
    parts = server.parts(base_path)
    app = Starlette(**parts)
    with TestClient(
        app, base_url="http://localhost", raise_server_exceptions=False, client=(peer, 50000), follow_redirects=False
    ) as client:
        yield client
    cache.settings.cache_clear()
    encoder_cache._encoder.cache_clear()  # the fake encoder stays in this test
