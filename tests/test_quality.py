"""Quality checks against hand-made graphs, brute force, and real pen marks, empty tiles and blur."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from graphs import exact_graph, islands
from PIL import Image as Pillow
from PIL import ImageFilter

from explorer import quality
from explorer.errors import InputError
from explorer.types import Neighbours


def test_near_duplicates_are_those_of_brute_force() -> None:
    vectors, _ = islands(60)
    copies = np.vstack([vectors, vectors[:7] * 3, vectors[10:13] + 1e-3]).astype(np.float32)
    found = quality.near_duplicates(exact_graph(copies, 20), min_cosine=0.999)
    unit = copies / np.linalg.norm(copies, axis=1, keepdims=True)
    a, b = np.nonzero(np.triu(unit @ unit.T >= 0.999, 1))
    assert {*map(tuple, found.rows.tolist())} == {*zip(a.tolist(), b.tolist(), strict=True)}
    assert len(found.rows) == 10
    assert (found.rows[:, 0] < found.rows[:, 1]).all()
    assert (np.diff(found.scores) <= 0).all()


def test_no_duplicates_and_no_neighbours_give_no_pairs() -> None:
    assert quality.near_duplicates(exact_graph(islands(40)[0], 10), min_cosine=0.99999).rows.shape == (0, 2)
    assert quality.near_duplicates(exact_graph(islands(1)[0], 10)).rows.shape == (0, 2)


def test_the_stray_row_is_the_farthest_outlier() -> None:
    vectors, _ = islands(200, spread=0.3)
    vectors[77] = -vectors.mean(0) * 9
    percentile = quality.outliers(exact_graph(vectors, 15))
    assert percentile.argmax() == 77
    assert percentile.max() == 100
    assert percentile.min() == pytest.approx(0.5)


def test_outliers_by_hand_with_gaps() -> None:
    rows = np.array([[1, 2], [0, -1], [-1, -1], [0, 1]], np.int64)
    scores = np.array([[0.9, 0.7], [0.9, -np.inf], [-np.inf, -np.inf], [0.2, 0.2]], np.float32)
    np.testing.assert_allclose(quality.outliers(Neighbours(rows, scores)), [200 / 3, 100 / 3, np.nan, 100])


def test_wrong_labels_are_suspected_and_right_ones_are_not() -> None:
    vectors, group = islands(300, groups=3, spread=0.3)
    values = np.array(["a", "b", "c"], object)[group]
    values[[4, 50]] = "c", "a"  # of groups b and c
    values[[9, 10, 11]] = None
    found = quality.suspect_labels(exact_graph(vectors, 15), values)
    assert dict(zip(found.rows.tolist(), found.labels, strict=True)) == {4: "b", 50: "c"}
    assert (found.shares >= 0.6).all()


def test_suspects_by_hand() -> None:
    rows = np.array([[1, 2, 3, 4], [0, 2, 3, 4], [0, 1, 3, 4], [0, 1, 2, -1], [0, -1, -1, -1]], np.int64)
    graph = Neighbours(rows, np.where(rows < 0, -np.inf, 0.5).astype(np.float32))
    values = np.array(["x", "y", "y", "y", None], object)
    found = quality.suspect_labels(graph, values, k=4, min_share=0.9)
    assert (found.rows.tolist(), found.labels, found.shares.tolist()) == ([0], ["y"], [1.0])
    assert quality.suspect_labels(graph, np.array([np.nan] * 5), k=4).rows.shape == (0,)
    with pytest.raises(InputError, match="3 labels and 5 rows"):
        quality.suspect_labels(graph, values[:3])


def test_a_flat_picture_has_no_tissue_and_no_focus() -> None:
    white, black, grey = (np.full((32, 32, 3), value, np.uint8) for value in (245, 0, 128))
    assert quality.picture(white) == quality.Picture(tissue=0.0, white=1.0, pen=0.0, sharpness=0.0)
    assert quality.picture(black) == quality.picture(grey) == quality.Picture(tissue=0.0, white=0.0, pen=0.0, sharpness=0.0)
    for shape in ((1, 1, 3), (2, 50, 3)):
        assert quality.picture(np.full(shape, 200, np.uint8)).sharpness == 0


@pytest.mark.parametrize(
    ("colour", "tissue", "pen"),
    [
        ((220, 150, 190), 1, 0),  # eosin
        ((90, 60, 140), 1, 0),  # haematoxylin
        ((20, 120, 80), 0, 1),  # green ink
        ((20, 40, 170), 0, 1),  # blue ink
        ((215, 30, 50), 0, 1),  # red ink
    ],
)
def test_stain_is_tissue_and_ink_is_pen(colour: tuple[int, int, int], tissue: float, pen: float) -> None:
    found = quality.picture(np.full((8, 8, 3), colour, np.uint8))
    assert (found.tissue, found.pen) == (tissue, pen)


def test_sharpness_falls_with_blur_and_not_with_stain() -> None:
    rng = np.random.default_rng(0)
    density = rng.uniform(0.1, 1.2, (64, 64, 1)).repeat(3, axis=2)
    sharp, pale = (np.round(255 * np.exp(-strength * density)).astype(np.uint8) for strength in (1.0, 0.5))
    blurred = np.asarray(Pillow.fromarray(sharp).filter(ImageFilter.GaussianBlur(1.5)))
    assert quality.picture(pale).sharpness == pytest.approx(quality.picture(sharp).sharpness, rel=0.05)
    assert quality.picture(blurred).sharpness < 0.1 * quality.picture(sharp).sharpness


_KINDS = ("tissue", "pen_mark", "no_tissue")


def _read(path: Path) -> np.ndarray:
    return np.asarray(Pillow.open(path).convert("RGB"))


def test_real_tiles_with_pen_marks_and_without_tissue(shared_data: Path) -> None:
    found = {kind: [quality.picture(_read(p)) for p in sorted((shared_data / "qc_tiles" / kind).glob("*.png"))] for kind in _KINDS}
    assert max(p.tissue for p in found["no_tissue"]) < 0.05 < min(p.tissue for p in found["tissue"])
    assert max(p.pen for p in found["tissue"] + found["no_tissue"]) < 0.005 < min(p.pen for p in found["pen_mark"])


def test_blurred_copies_of_real_patches_stand_out(shared_data: Path) -> None:
    sharp, blurred = [], []
    for path in sorted((shared_data / "crc5").glob("*/*.jp*g"))[::60]:
        picture = Pillow.open(path).convert("RGB")
        sharp.append(quality.picture(np.asarray(picture)).sharpness)
        blurred.append(quality.picture(np.asarray(picture.filter(ImageFilter.GaussianBlur(2)))).sharpness)
    assert np.less.outer(blurred, sharp).mean() > 0.98
