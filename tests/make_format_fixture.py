"""Write the small collection of the current format that every later version must open: ``tests/fixtures/format-<number>``.

    PYTHONPATH=.:tests python tests/make_format_fixture.py

Run once for each new format number; a fixture of an old format is never made again.
"""

from __future__ import annotations

from pathlib import Path

from fakes import MeanColour

from explorer import settings as settings_table
from explorer.collection import FORMAT
from explorer.pipeline import cluster, embed, index, ingest, project
from explorer.sources import open_source

FIXTURES = Path(__file__).with_name("fixtures")


def make() -> None:
    settings = settings_table.read(home=FIXTURES, thumbnail_px=24)
    source = open_source("synthetic", options={"n": 18, "patients": 2, "side_px": 32})
    collection = ingest(source, name=f"format-{FORMAT}", settings=settings)
    embed(collection, encoder=MeanColour(), settings=settings)
    index(collection)
    project(collection)
    cluster(collection)
    for lock in FIXTURES.rglob(".*"):
        lock.unlink()


if __name__ == "__main__":
    make()
