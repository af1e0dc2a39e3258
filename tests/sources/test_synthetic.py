"""Drawn tissue: the same bytes for the same seed, honest labels, and pictures that show what their class says."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import Any

import numpy as np
import pytest

from explorer.errors import ImageRejected, InputError, SourceError
from explorer.sources import open_source
from explorer.sources.stain import SITES, stain_of
from explorer.sources.synthetic import SyntheticSource
from explorer.sources.tissue import CLASSES, draw
from explorer.types import Image, Item


@lru_cache
def drawn() -> tuple[list[Item], list[Image]]:
    """Two tiles of each of nine classes of each of nine patients."""
    source = SyntheticSource({"n": 162})
    items = list(source.items())
    return items, [source.read(item.uri) for item in items]


def of_class(label: str) -> list[Image]:
    items, images = drawn()
    return [image for item, image in zip(items, images, strict=True) if item.label == label]


def density(image: Image) -> np.ndarray:
    """Optical density: -ln(I / 255) of each channel."""
    return -np.log((image.astype(np.float64) + 1.0) / 256.0)


def nuclear(image: Image) -> float:
    """Share of pixels as dark in red as haematoxylin alone makes them."""
    red = density(image)[..., 0]
    return float(np.mean(red > 0.55 * np.quantile(red, 0.999)))


def bright(image: Image) -> float:
    """Share of pixels that are glass."""
    return float(np.mean(image.min(axis=2) > 205))


# --- the contract of a source --------------------------------------------------------------------------------------


def test_a_tile_is_the_same_in_any_instance_order_and_thread() -> None:
    options = {"n": 36, "side_px": 96}
    uris = [item.uri for item in SyntheticSource(options).items()]
    forwards = [SyntheticSource(options).read(uri).tobytes() for uri in uris]
    one = SyntheticSource(options)
    backwards = [one.read(uri).tobytes() for uri in reversed(uris)][::-1]
    with ThreadPoolExecutor(8) as pool:
        threaded = [image.tobytes() for image in pool.map(SyntheticSource(options).read, uris)]
    assert forwards == backwards == threaded
    assert len(set(forwards)) == len(uris), "every tile is another picture"


def test_more_tiles_leave_the_earlier_ones_as_they_were() -> None:
    few, many = SyntheticSource({"n": 12}), SyntheticSource({"n": 100})
    assert [item.uri for item in few.items()] == [item.uri for item in many.items()][:12]
    assert few.read("LYM/p00/000003").tobytes() == many.read("LYM/p00/000003").tobytes()


def test_another_seed_is_other_tissue() -> None:
    first, second = SyntheticSource({"seed": 1}), SyntheticSource({"seed": 2})
    for item in first.items()[:9]:
        assert not np.array_equal(first.read(item.uri), second.read(item.uri))


def test_a_synthetic_source_is_opened_again_by_its_options() -> None:
    source = SyntheticSource({"n": 20, "classes": ["TUM", "NORM"]})
    again = SyntheticSource(json.loads(json.dumps(source.options)))
    assert again.options == source.options
    assert set(again.options) == {"n", "seed", "patients", "side_px", "mpp", "classes"}
    assert list(again.items()) == list(source.items())
    assert {item.label for item in again.items()} == {"TUM", "NORM"}
    assert (source.kind, source.uri, list(source.rejects())) == ("synthetic", "synthetic", [])


@pytest.mark.parametrize("n", [1, 5, 81, 900])
def test_classes_and_patients_are_balanced(n: int) -> None:
    items = SyntheticSource({"n": n}).items()
    assert len({item.uri for item in items}) == len({item.id for item in items}) == n
    classes, patients = Counter(i.label for i in items), Counter(i.patient for i in items)
    assert max(classes.values()) - min(classes.values()) <= 1
    if n >= 81:
        cells = Counter((item.label, item.patient) for item in items)
        assert len(classes) == len(patients) == 9
        assert len(cells) == 81, "every patient has every class"
        assert max(cells.values()) - min(cells.values()) <= 1


def test_everything_says_synthetic() -> None:
    items, _ = drawn()
    for item in items:
        assert item.extra["synthetic"] is True
        for text in (item.id, item.patient, item.slide, item.site):
            assert text is not None and text.startswith("synthetic-")
        assert item.uri.startswith(f"{item.label}/p") and item.mpp == 0.5


def test_a_patient_belongs_to_one_site_and_a_slide_to_one_patient() -> None:
    items, _ = drawn()
    sites, owners = defaultdict(set), defaultdict(set)
    for item in items:
        sites[item.patient].add(item.site)
        owners[item.slide].add(item.patient)
    assert all(len(found) == 1 for found in (*sites.values(), *owners.values()))
    assert len({item.site for item in items}) == SITES == 3
    assert len(owners) == 18


@pytest.mark.parametrize(
    "uri", ["TUM/p00/000900", "TUM/p01/000008", "LYM/p00/000008", "TUM/p00/8", "TUM/p00/000008.jpg", "../TUM/p00/000008", ""]
)
def test_a_uri_that_is_not_listed_is_rejected(uri: str) -> None:
    with pytest.raises(ImageRejected) as caught:
        SyntheticSource().read(uri)
    assert caught.value.reason == "not among the 900 synthetic tiles"


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"tiles": 5}, "tiles"),
        ({"n": 0}, "n = 0"),
        ({"n": 2.5}, "n = 2.5"),
        ({"n": True}, "n = True"),
        ({"seed": -1}, "seed"),
        ({"patients": 0}, "patients"),
        ({"side_px": 4}, "side_px"),
        ({"side_px": 100_000}, "side_px"),
        ({"mpp": 0}, "mpp"),
        ({"mpp": float("nan")}, "mpp"),
        ({"mpp": "0.5"}, "mpp"),
        ({"classes": []}, "classes"),
        ({"classes": ["TUM", "TUM"]}, "classes"),
        ({"classes": ["LUAD"]}, "LUAD"),
        ({"classes": "TUM"}, "classes"),
    ],
)
def test_a_bad_option_is_named_in_one_sentence(options: dict[str, Any], word: str) -> None:
    with pytest.raises(SourceError) as caught:
        SyntheticSource(options)
    assert word in str(caught.value) and str(caught.value).count(". ") == 0


@pytest.mark.parametrize(("side_px", "mpp"), [(16, 0.1), (16, 2.0), (63, 0.5), (224, 1.0), (300, 0.25)])
def test_every_class_can_be_drawn_at_any_size(side_px: int, mpp: float) -> None:
    source = open_source("synthetic", options={"n": 9, "side_px": side_px, "mpp": mpp})
    for item in source.items():
        image = source.read(item.uri)
        assert image.shape == (side_px, side_px, 3) and image.dtype == np.uint8
        assert item.mpp == mpp


def test_a_class_that_has_no_drawing_is_named() -> None:
    with pytest.raises(InputError, match="LUAD"):
        draw("LUAD", rng=np.random.default_rng(0), stain=stain_of(0, 0))


# --- what the pictures show ----------------------------------------------------------------------------------------


def test_stain_differs_more_between_patients_than_within() -> None:
    """Colour of the dye (direction of the optical density), class by class."""
    items, images = drawn()
    for label in ("LYM", "MUS", "STR", "TUM", "DEB", "NORM"):
        by_patient = defaultdict(list)
        for item, image in zip(items, images, strict=True):
            if item.label == label:
                mean = density(image).mean(axis=(0, 1))
                by_patient[item.patient].append(mean / np.linalg.norm(mean))
        within = np.mean([np.var(values, axis=0).sum() for values in by_patient.values()])
        between = np.var([np.mean(values, axis=0) for values in by_patient.values()], axis=0).sum()
        assert between > 2.0 * within, label


def test_patients_of_a_site_are_more_alike_than_patients_of_different_sites() -> None:
    for seed in range(5):
        stains = np.stack([stain_of(seed, patient).absorption[:2].ravel() for patient in range(30)])
        site = np.arange(30) % SITES
        apart = np.linalg.norm(stains[:, None] - stains[None], axis=2)
        same = site[:, None] == site[None]
        assert apart[same & ~np.eye(30, dtype=bool)].mean() < 0.7 * apart[~same].mean()


def test_background_is_glass_and_fat_is_mostly_empty() -> None:
    assert min(image.mean() for image in of_class("BACK")) > 225
    assert np.mean([bright(image) for image in of_class("ADI")]) > 0.6
    for label in ("DEB", "LYM", "MUS", "STR", "TUM", "NORM"):
        assert np.mean([bright(image) for image in of_class(label)]) < 0.4, label


def test_nuclei_crowd_where_they_should() -> None:
    share = {label: np.mean([nuclear(image) for image in of_class(label)]) for label in CLASSES}
    assert share["LYM"] > 0.3
    assert share["TUM"] > 0.2
    assert share["LYM"] > 3.0 * share["MUS"] and share["TUM"] > 2.0 * share["STR"]
    assert share["MUC"] < 0.08 and share["ADI"] < 0.08


def test_mucin_is_bluer_and_paler_than_muscle() -> None:
    for mucin, muscle in zip(of_class("MUC"), of_class("MUS"), strict=True):
        mucin_rgb, muscle_rgb = mucin.mean(axis=(0, 1)), muscle.mean(axis=(0, 1))
        assert mucin_rgb[1] > muscle_rgb[1] + 15
        assert mucin_rgb[2] - mucin_rgb[0] > muscle_rgb[2] - muscle_rgb[0]


def coherence(image: Image) -> float:
    """How far all edges of a tile run one way: 0 no way, 1 all (anisotropy of the structure tensor)."""
    grey = image.mean(axis=2)
    down, right = np.gradient(grey)
    spread = np.array([[np.mean(right * right), np.mean(right * down)], [np.mean(right * down), np.mean(down * down)]])
    small, large = np.linalg.eigvalsh(spread)
    return float((large - small) / (large + small))


def test_muscle_runs_one_way_and_collagen_wavers() -> None:
    run = {label: np.median([coherence(image) for image in of_class(label)]) for label in CLASSES}  # a few muscles are cut across
    assert run["MUS"] > 1.3 * run["STR"]
    assert run["STR"] > 1.5 * run["LYM"] and run["MUS"] > 0.35
    assert max(run[label] for label in ("LYM", "TUM", "DEB")) < 0.2


def test_fibres_of_different_tiles_have_all_directions() -> None:
    """No class has a preferred direction over its tiles."""
    ways = []
    for image in of_class("MUS"):
        down, right = np.gradient(image.mean(axis=2))
        ways.append(0.5 * np.arctan2(2.0 * np.mean(right * down), np.mean(right * right) - np.mean(down * down)))
    assert abs(np.mean(np.exp(2j * np.array(ways)))) < 0.45


def test_structures_are_as_dense_at_the_border_of_a_tile_as_in_its_middle() -> None:
    """The rim of a tile is as dense as its middle: no icon in the centre, no frame."""
    for label in set(CLASSES) - {"BACK", "ADI"}:
        mean = np.mean([density(image).mean(axis=2) for image in of_class(label)], axis=0)
        rim = np.concatenate([mean[:6].ravel(), mean[-6:].ravel(), mean[:, :6].ravel(), mean[:, -6:].ravel()]).mean()
        assert 0.85 < rim / mean[40:-40, 40:-40].mean() < 1.18, label


def test_a_smaller_mpp_shows_the_same_cells_larger() -> None:
    """Half the micrometres per pixel, half the bumps per row of a lymphoid tile."""

    def bumps(mpp: float) -> float:
        counts = []
        for number in range(6):
            rng = np.random.default_rng(number)
            red = draw("LYM", rng=rng, stain=stain_of(0, 0), mpp=mpp).astype(float)[..., 0]
            counts.append(np.mean(np.abs(np.diff(red > red.mean(), axis=1))))
        return float(np.mean(counts))

    assert 1.5 < bumps(0.5) / bumps(0.25) < 2.5


# --- a classifier's view -------------------------------------------------------------------------------------------


def features(image: Image) -> tuple[np.ndarray, np.ndarray]:
    """Mean colour, and simple stain-independent texture: band energies, skews and direction."""
    grey = density(image).mean(axis=2)
    red = density(image)[..., 0]
    bands, level = [], grey
    for _ in range(5):
        half = (
            level[: level.shape[0] // 2 * 2, : level.shape[1] // 2 * 2].reshape(level.shape[0] // 2, 2, level.shape[1] // 2, 2).mean((1, 3))
        )
        detail = level[: half.shape[0] * 2, : half.shape[1] * 2] - half.repeat(2, 0).repeat(2, 1)
        bands.append(np.log(detail.std() / (grey.mean() + 0.05)))
        level = half
    shape = [nuclear(image), bright(image), coherence(image), float(np.mean((red - red.mean()) ** 3) / red.std() ** 3)]
    return image.mean(axis=(0, 1)), np.array([*bands, *shape])


def patients_apart_accuracy(vectors: np.ndarray, items: list[Item]) -> float:
    """1-nearest-neighbour accuracy where a tile's own patient gives no neighbours."""
    unit = (vectors - vectors.mean(axis=0)) / vectors.std(axis=0)
    apart = np.linalg.norm(unit[:, None] - unit[None], axis=2)
    patients, labels = np.array([i.patient for i in items]), np.array([i.label for i in items])
    apart[patients[:, None] == patients[None]] = np.inf
    return float(np.mean(labels[apart.argmin(axis=1)] == labels))


def test_texture_tells_the_classes_apart_and_mean_colour_alone_does_not() -> None:
    items, images = drawn()
    colour, texture = (np.stack(part) for part in zip(*(features(image) for image in images), strict=True))
    by_colour = patients_apart_accuracy(colour, items)
    by_both = patients_apart_accuracy(np.concatenate([colour, texture], axis=1), items)
    assert by_colour < 0.65
    assert by_both > 0.85
    assert by_both > by_colour + 0.2
