"""Selections that are saved and names that are given to groups."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from fakes import MeanColour, write_patches

from explorer import pipeline, settings
from explorer.cli import main
from explorer.collection import Collection
from explorer.errors import InputError
from explorer.sources import open_source


@pytest.fixture
def collection(tmp_path: Path) -> Collection:
    own = settings.read(home=tmp_path / "home")
    found = pipeline.ingest(open_source(write_patches(tmp_path / "patches")), name="classes", settings=own)
    pipeline.embed(found, encoder=MeanColour(), settings=own)
    pipeline.index(found)
    pipeline.cluster(found, method="kmeans", n_clusters=3)
    return found


def test_a_selection_keeps_its_rows_in_order_and_once(collection: Collection) -> None:
    kept = pipeline.save_selection(collection, [7, 3, 7], name=" odd crypts ", note="ask about these")
    assert pipeline.selected_rows(kept).tolist() == [3, 7]
    assert kept.recipe["name"] == "odd crypts"
    assert kept.meta["measured"] == {"n": 2}
    assert pipeline.save_selection(collection, [3, 7], name="odd crypts", note="ask about these").key == kept.key
    assert not collection.verify()


@pytest.mark.parametrize(("rows", "name"), [([], "a"), ([1], " "), ([-1], "a"), ([24], "a")])
def test_a_selection_that_cannot_be_is_refused(collection: Collection, rows: list[int], name: str) -> None:
    with pytest.raises(InputError):
        pipeline.save_selection(collection, rows, name=name)


def test_names_of_groups_are_kept_beside_the_grouping_and_can_be_taken_away(collection: Collection) -> None:
    (groups,) = collection.embedding().clusterings()
    assert pipeline.group_names(collection, groups) == {}
    pipeline.name_groups(collection, groups, {0: "crypts", 2: " stroma "})
    assert pipeline.name_groups(collection, groups, {0: ""}) == {2: "stroma"}
    again = Collection(collection.path)
    assert pipeline.group_names(again, groups) == {2: "stroma"}
    assert not again.verify(), "a published grouping is never edited"
    with pytest.raises(InputError, match="no group 9"):
        pipeline.name_groups(collection, groups, {8: "x"})
    assert np.array_equal(np.unique(np.load(groups.path / "labels.npy")), [0, 1, 2])


def test_both_can_be_done_from_the_command_line(collection: Collection) -> None:
    home = ["--home", str(collection.path.parent)]
    saved = CliRunner().invoke(main, [*home, "select", "classes", "tumour", "--where", "label=TUM", "--row", "0"], catch_exceptions=False)
    assert saved.exit_code == 0
    (kept,) = collection.artifacts("selections")
    expected = sorted({0, *np.flatnonzero(collection.items["label"] == "TUM").tolist()})
    assert pipeline.selected_rows(kept).tolist() == expected
    named = CliRunner().invoke(main, [*home, "name-group", "classes", "2", "stroma"], catch_exceptions=False)
    assert named.stdout.split() == ["2", "stroma"]
    assert pipeline.group_names(collection, collection.embedding().clusterings()[0]) == {1: "stroma"}
