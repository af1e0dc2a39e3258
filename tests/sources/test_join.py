"""How lines of a table find their pictures, by hand: each step only where unique, and every line accounted for."""

from __future__ import annotations

import unicodedata

import pytest

from explorer.sources.join import Join, Nearest, candidates, join, join_groups


def matched(found: Join, names: list[str], pictures: list[str]) -> dict[str, str]:
    """Name in the table -> picture."""
    return {names[line]: pictures[picture] for picture, line in found.line_of.items()}


@pytest.mark.parametrize(
    ("name", "picture", "step"),
    [
        ("TUM/a.png", "TUM/a.png", "path"),
        ("./TUM\\a.png", "TUM/a.png", "path"),
        ("/TUM/a.png", "TUM/a.png", "path"),
        ("Präp.png", unicodedata.normalize("NFD", "Präp.png"), "path"),
        ("a.png", "TUM/a.png", "end of the path"),
        ("D:\\study\\tiles\\TUM\\a.png", "TUM/a.png", "end of the path"),
        ("s3://bucket/tiles/a.png", "a.png", "end of the path"),
        ("../images/a.png", "a.png", "end of the path"),
        ("old/tiles/a.png", "new/tiles/a.png", "end of the path"),
        ("a", "TUM/a.png", "name without suffix"),
        ("a.tif", "a.png", "name without suffix"),
        ("TCGA-05.x", "TCGA-05.x.jpg", "name without suffix"),
        ("A.PNG", "a.png", "other letter case"),
        ("tum/A", "TUM/a.png", "other letter case"),
        ("https://host/tiles/a.png?raw=1", "a.png", "end of the path"),
        ("a%20c.png", "TUM/a c.png", "end of the path"),
        ("a", "TUM/a.ome.tif", "name without suffix"),
        ("a.ome.tiff", "TUM/a.png", "name without suffix"),
        ("1", "TUM/001.png", "number"),
        ("001", "1.png", "number"),
        ("17.0", "17.png", "number"),
        ("case_7/tile_03.tif", "Case_07/tile_3.png", "number"),
    ],
)
def test_each_step_of_the_join_matches_its_kind_of_names(name: str, picture: str, step: str) -> None:
    found = join([name], ["other/b.png", picture])
    assert found.line_of == {1: 0} and dict(found.how) == {step: 1} and not (found.unmatched or found.ambiguous)


def test_a_name_in_several_folders_is_ambiguous_and_its_path_is_not() -> None:
    pictures = ["A/0.png", "B/0.png", "B/1.png"]
    found = join(["0.png", "B/0.png", "1.png"], pictures)
    assert matched(found, ["0.png", "B/0.png", "1.png"], pictures) == {"B/0.png": "B/0.png", "1.png": "B/1.png"}
    assert found.ambiguous == [0] and candidates("0.png", pictures) == ["A/0.png", "B/0.png"]


def test_names_that_differ_only_in_case_are_told_apart_by_it() -> None:
    pictures = ["a.png", "A.png"]
    found = join(["A.png", "a.png"], pictures)
    assert matched(found, ["A.png", "a.png"], pictures) == {"A.png": "A.png", "a.png": "a.png"}
    assert join(["x/Ab.png"], ["aB.png", "AB.png"]).ambiguous == [0]


def test_numbers_are_joined_by_value_only_where_that_is_unique() -> None:
    pictures = ["01.png", "001.png", "2.png"]
    found = join(["1", "02", "001"], pictures)
    assert matched(found, ["1", "02", "001"], pictures) == {"02": "2.png", "001": "001.png"} and found.ambiguous == [0]
    assert join(["1", "01"], ["001.png"]).ambiguous == [0, 1], "two names for one picture"
    assert join(["10"], ["1.png", "100.png"]).unmatched == [0]
    assert join(["0"], ["00.png"]).line_of == {0: 0}


def test_a_picture_of_another_part_or_folder_is_never_taken() -> None:
    assert join(["test/1.png"], ["train/1.png"]).unmatched == [0]
    found = join(["A/0.png", "B/1.png"], ["A/0.png", "A/1.png"])
    assert found.line_of == {0: 0} and found.unmatched == [1], "folder A is there under its own name, so B/1.png is not A/1.png"


def test_two_names_for_one_picture_are_both_ambiguous() -> None:
    found = join(["x/0.png", "y/0.png"], ["z/0.png"])
    assert not found.line_of and found.ambiguous == [0, 1]


def test_every_line_is_counted_once() -> None:
    names = ["a.png", "a.png", None, "  ", "gone.png", "0.png", "b"]
    found = join(names, ["a.png", "A/0.png", "B/0.png", "b.png"])
    assert (found.matched, found.repeated, found.empty, found.unmatched, found.ambiguous) == (2, [1], [2, 3], [4], [5])


def test_lines_for_groups_of_pictures() -> None:
    """PANDA tiles carry the slide and a counter; folders may carry the name of a slide."""
    pictures = ["train/s1_0.png", "train/s1_1.png", "train/s2_0.png", "s3/x_1_y_2.png", "other/z.png"]
    found = join_groups(["s1", "s2", "s3", "s4"], pictures)
    assert found.line_of == {0: 0, 1: 0, 2: 1, 3: 2} and found.how["group"] == 3 and found.unmatched == [3]
    assert join_groups(["s1", "s1"], pictures).ambiguous == [0, 1]


def test_the_nearest_names_come_first() -> None:
    pictures = ["x/tile_01.png", "x/tile_02.png", "x/zebra.png", "y/tile_91.png"]
    nearest = Nearest(pictures)
    assert set(nearest("tile_03.png")[:2]) == {"x/tile_01.png", "x/tile_02.png"} and nearest("tile_03.png", count=4)[3] == "x/zebra.png"
    assert nearest("日本") == pictures[:3]
    assert Nearest([])("a") == []


def test_the_nearest_name_is_found_among_many_that_share_most_letters() -> None:
    pictures = [f"tiles/patient_{number:05}_tumour.png" for number in range(6_000)]
    assert Nearest(pictures)("patient_4711_tumor.png")[0] == "tiles/patient_04711_tumour.png"
