"""A collection of every format number there ever was still opens."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from fakes import MeanColour

from explorer.collection import FORMAT, Collection
from explorer.errors import InputError
from explorer.search import Query, Row

FIXTURES = sorted((Path(__file__).parents[1] / "fixtures").glob("format-*"))


def test_there_is_a_fixture_of_each_collection_format() -> None:
    assert [path.name for path in FIXTURES] == [f"format-{number}" for number in range(1, FORMAT + 1)]


@pytest.mark.parametrize("path", FIXTURES, ids=lambda path: path.name)
def test_a_collection_of_each_format_opens_completely(path: Path) -> None:
    collection = Collection(path)
    assert collection.verify() == []
    assert collection.n == len(collection.items) == 18
    assert collection.items["label"].nunique() == 9
    assert collection.embedding().vectors.shape == (18, MeanColour.dim)
    assert collection.search(Query((Row(0),), include_query=True, k=3)).hits[0].row == 0
    assert collection.embedding().positions().shape == (18, 2)
    assert collection.embedding().clusterings()[0].recipe["method"] == "leiden"
    assert collection.thumbnail(17).startswith(b"\xff\xd8")


def test_a_newer_format_is_refused_with_a_sentence(tmp_path: Path) -> None:
    shutil.copytree(FIXTURES[-1], tmp_path / "c")
    record = tmp_path / "c" / "collection.json"
    record.write_text(record.read_text().replace(f'"format": {FORMAT}', f'"format": {FORMAT + 1}', 1))
    with pytest.raises(InputError, match="newer than this program"):
        Collection(tmp_path / "c")
