"""Site bias on data where the answer is known, and against the package ``croma``."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import adjusted_rand_score

from explorer.errors import InputError
from explorer.evaluation import cluster_bias, neighbour_overlap, separable, site_bias
from explorer.evaluation.site_bias import adjusted_rand
from explorer.types import Neighbours


def world(*, tissue: float, hospital: float, n: int = 480, seed: int = 0) -> dict[str, Any]:
    """Two classes in two hospitals of twelve patients each; how far either moves a vector is chosen."""
    rng = np.random.default_rng(seed)
    patient = np.arange(n) % 24
    site, label = patient % 2, rng.integers(0, 2, n)
    directions = rng.normal(size=(4, 8))
    vectors = tissue * directions[label] + hospital * directions[2 + site] + rng.normal(size=(n, 8))
    return {"vectors": vectors.astype(np.float32), "labels": label, "sites": site, "groups": patient}


def slow_index(vectors: np.ndarray, label: np.ndarray, site: np.ndarray, group: np.ndarray, k: int) -> tuple[int, int]:
    u = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    so = os = 0
    for i in range(len(u)):
        order = np.argsort(-(u @ u[i]))
        for j in order[group[order] != group[i]][:k]:
            so += int(label[j] == label[i] and site[j] != site[i])
            os += int(label[j] != label[i] and site[j] == site[i])
    return so, os


def call(at: dict[str, Any], **more: Any) -> Any:
    return site_bias(at["vectors"], at["labels"], sites=at["sites"], groups=at["groups"], **more)


def without_ties(*, k: int, seed: int = 0, **how: Any) -> dict[str, Any]:
    """A world in which the k nearest of every row, and their order, do not hang on differences below 1e-5."""
    for each in range(seed, seed + 200):
        at = world(seed=each, **how)
        u = at["vectors"] / np.linalg.norm(at["vectors"], axis=1, keepdims=True)
        scores = np.where(at["groups"][:, None] == at["groups"], -2, u @ u.T)
        nearest = -np.sort(-scores, axis=1)[:, : k + 1]
        if (nearest[:, :-1] - nearest[:, 1:]).min() > 1e-5:
            return at
    raise AssertionError("no such data in 200 draws")


@pytest.mark.parametrize(("tissue", "hospital"), [(1, 1), (2, 0.5), (0.5, 2)])
def test_the_robustness_index_is_that_of_croma(tissue: float, hospital: float) -> None:
    croma = pytest.importorskip("croma")
    at = without_ties(tissue=tissue, hospital=hospital, n=96, k=7)
    columns = {
        "sample_id": range(96),
        "label": at["labels"],
        "medical_center": at["sites"],
        "group_id": at["groups"],
        "image_path": range(96),
    }
    manifest = pd.DataFrame({name: [str(value) for value in values] for name, values in columns.items()})
    curve = croma.RI.compute_curve(at["vectors"].astype(np.float64), manifest, confounder_column="medical_center", k_values=[3, 7])
    for k, expected in curve.items():
        assert call(at, k=k).robustness.value == pytest.approx(expected, abs=1e-5)


def test_the_interval_draws_patients_and_not_rows() -> None:
    """Rows of one patient answer alike, so the interval is as wide as the spread of patients says: four times what rows give."""
    rng = np.random.default_rng(0)
    patient = np.repeat(np.arange(40), 16)
    label, site = np.arange(40) % 2, np.arange(40) // 2 % 2
    # every patient lies as a whole beside its class or beside its site
    follows_site = rng.random(40) < 0.5
    place = np.where(follows_site, 2 + site, label)
    vectors = (6 * np.eye(4)[place[patient]] + 0.3 * rng.normal(size=(640, 4))).astype(np.float32)
    report = site_bias(vectors, label[patient], sites=site[patient], groups=patient, k=5)
    u = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    so, os = np.zeros(40), np.zeros(40)
    for i in range(640):
        others = np.flatnonzero(patient != patient[i])
        found = patient[others[np.argsort(-(u[others] @ u[i]))[:5]]]
        so[patient[i]] += ((label[found] == label[patient[i]]) & (site[found] != site[patient[i]])).sum()
        os[patient[i]] += ((label[found] != label[patient[i]]) & (site[found] == site[patient[i]])).sum()
    ratio = so.sum() / (so + os).sum()
    assert report.robustness.value == pytest.approx(ratio, abs=0.01)
    error = np.sqrt(((so - ratio * (so + os)) ** 2).sum()) / (so + os).sum()  # of a ratio of sums over independent patients
    assert report.robustness.high - report.robustness.low == pytest.approx(2 * 1.96 * error, rel=0.3)


def test_the_index_is_what_counting_gives() -> None:
    at = without_ties(tissue=1, hospital=1, n=96, k=7)
    report = call(at, k=7)
    so, os = slow_index(at["vectors"], at["labels"], at["sites"], at["groups"], 7)
    assert (report.counts["SO"], report.counts["OS"]) == (so, os)
    assert report.robustness.value == pytest.approx(so / (so + os), abs=1e-5)
    assert sum(report.counts.values()) == 96 * 7
    json.dumps(report.to_json(), allow_nan=False)


def test_vectors_that_follow_the_hospital_give_a_low_index() -> None:
    report = call(world(tissue=0.5, hospital=3), site_name="hospital")
    assert report.follows == "site"
    assert report.robustness.high < 0.5
    assert report.sentence.startswith("Neighbours follow the hospital more than the tissue: 0.")
    assert "where 0.5 is even" in report.sentence
    assert report.site_accuracy.low > 0.9


def test_vectors_that_follow_the_tissue_give_a_high_index() -> None:
    report = call(world(tissue=3, hospital=0))
    assert report.follows == "label"
    assert report.sentence.startswith("Neighbours follow the tissue more than the site")
    assert report.site_accuracy.low <= report.site_accuracy_by_chance <= report.site_accuracy.high
    assert report.site_accuracy_by_chance < 0.5  # a patient left out leaves fewer rows of its own hospital


def test_noise_gives_an_index_of_one_half() -> None:
    report = call(world(tissue=0, hospital=0))
    assert report.follows == "neither"
    assert report.robustness.low < 0.5 < report.robustness.high
    assert report.robustness_by_chance == pytest.approx(0.5, abs=0.03)
    assert "about equally" in report.sentence


def test_many_classes_and_two_sites_without_bias_are_not_called_bias() -> None:
    """With ten classes and two sites most neighbours are of another class; where sites do not show at all, that is no bias."""
    rng = np.random.default_rng(0)
    label, site = rng.integers(0, 10, 600), rng.integers(0, 2, 600)
    vectors = (0.6 * rng.normal(size=(10, 16))[label] + rng.normal(size=(600, 16))).astype(np.float32)
    report = site_bias(vectors, label, sites=site)
    assert report.robustness.high < 0.5
    assert report.robustness_by_chance < report.robustness.low
    assert report.follows == "neither"
    assert "It cannot be determined" in report.sentence
    assert report.site_sentence.startswith("Neighbours do not reveal the site")


def test_few_classes_and_many_sites_with_bias_are_not_called_fair() -> None:
    """With two classes and twelve sites most neighbours are from elsewhere; chance alone is no merit."""
    rng = np.random.default_rng(0)
    label, site = rng.integers(0, 2, 600), rng.integers(0, 12, 600)
    vectors = (0.5 * rng.normal(size=(12, 16))[site] + rng.normal(size=(600, 16))).astype(np.float32)
    report = site_bias(vectors, label, sites=site)
    assert report.robustness.low > 0.5
    assert report.robustness.high < report.robustness_by_chance
    assert report.follows == "neither"
    assert report.site_sentence.startswith("Neighbours reveal the site")


def test_neighbours_that_share_both_or_neither_give_no_index() -> None:
    at = {"labels": np.repeat([0, 0, 1, 1], 20), "sites": np.repeat([0, 1, 0, 1], 20)}
    vectors = (np.eye(4)[np.repeat(range(4), 20)] + np.random.default_rng(0).normal(scale=0.01, size=(80, 4))).astype(np.float32)
    report = site_bias(vectors, at["labels"], sites=at["sites"], k=5)
    assert report.counts == {"SS": 400, "SO": 0, "OS": 0, "OO": 0}
    assert report.follows == "neither"
    assert "nan" not in report.sentence
    assert "cannot be determined" in report.sentence
    assert report.to_json()["robustness"]["value"] is None


def test_permuted_labels_are_at_chance() -> None:
    """Where the hospital does not show, labels without tissue leave nothing to follow."""
    at = world(tissue=2, hospital=0)
    beyond, unmoved = [], 0
    for seed in range(12):
        at["labels"] = np.random.default_rng(seed).permutation(at["labels"])
        report = call(at)
        beyond.append(report.robustness.value - report.robustness_by_chance)
        unmoved += report.follows == "neither"
    assert abs(float(np.mean(beyond))) < 0.02
    assert unmoved >= 9


def test_permuted_sites_are_at_chance() -> None:
    at = world(tissue=2, hospital=2)
    hospital = np.random.default_rng(3).permutation(np.arange(24) % 2)  # of each patient
    report = call(at | {"sites": hospital[at["groups"]]})
    assert report.site_accuracy.low < report.site_accuracy_by_chance < report.site_accuracy.high


@given(st.integers(0, 200))
def test_separable_equals_a_check_of_every_pair_of_rows(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 9))
    label, site, group = (rng.integers(0, 3, n) for _ in range(3))

    def reaches(i: int, j: int) -> tuple[bool, bool]:
        away = group[i] != group[j]
        return away and label[i] == label[j] and site[i] != site[j], away and label[i] != label[j] and site[i] == site[j]

    pairs = [[reaches(i, j) for j in range(n)] for i in range(n)]
    expected = any(any(a for a, _ in row) and any(b for _, b in row) for row in pairs)
    assert separable(label, sites=site, groups=group) == expected


def test_rows_with_gaps_separate_nothing() -> None:
    assert separable([0, 0, 1, 1], sites=["a", "b", "a", "b"])
    assert not separable([0, 0, None, None], sites=["a", "b", "a", "b"])


def test_order_and_copies_do_not_matter() -> None:
    at = world(tissue=1, hospital=1)
    rows = np.random.default_rng(1).permutation(np.concatenate([np.arange(480), np.arange(90)]))
    one, other = call(at).to_json(), call({name: column[rows] for name, column in at.items()}).to_json()
    assert (one.pop("n_copies"), other.pop("n_copies")) == (0, 90)
    assert one == other


def test_rows_without_both_kinds_of_neighbours_are_no_queries() -> None:
    at = world(tissue=1, hospital=1)
    at["sites"] = np.where(at["groups"] == 5, 2, at["sites"])  # a hospital of one patient
    report = call(at)
    assert report.n_sites == 3
    assert report.n_queries == 480 - 20


def test_one_scanner_per_class_is_refused() -> None:
    at = world(tissue=1, hospital=1)
    with pytest.raises(InputError, match="cannot be told apart"):
        site_bias(at["vectors"], at["labels"], sites=at["labels"], groups=at["groups"])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"sites": ["A"] * 480}, "one class only"),
        ({"sites": [None] * 480}, "site column is empty"),
        ({"sites": []}, "0 entries for 480"),
        ({"labels": ["tumour"] * 480}, "one class only"),
        ({"k": 480}, "fewer than k = 480"),
    ],
)
def test_invalid_input_is_refused_in_a_sentence(change: dict[str, Any], words: str) -> None:
    at = world(tissue=1, hospital=1)
    at |= {name: value for name, value in change.items() if name != "k"}
    with pytest.raises(InputError, match=words):
        call(at, k=change.get("k", 10))


@given(st.integers(0, 1000), st.integers(1, 6), st.integers(1, 6), st.integers(2, 60))
def test_adjusted_rand_is_scikit_learns(seed: int, a: int, b: int, n: int) -> None:
    rng = np.random.default_rng(seed)
    one, other = rng.integers(0, a, n), rng.integers(0, b, n)
    table = np.zeros((1, a, b))
    np.add.at(table[0], (one, other), 1)
    assert adjusted_rand(table)[0] == pytest.approx(adjusted_rand_score(one, other))


def test_clusters_that_follow_hospitals_have_a_high_index_with_the_site() -> None:
    at = world(tissue=1, hospital=1)
    clusters = np.where(np.arange(480) % 11 == 0, 1 - at["sites"], at["sites"]).astype(np.int64)
    clusters[:6] = -1
    report = cluster_bias(clusters, at["labels"], sites=at["sites"], groups=at["groups"], site_name="hospital")
    assert report.ari_site.value == pytest.approx(adjusted_rand_score(at["sites"][6:], clusters[6:]))
    assert report.ari_label.value == pytest.approx(adjusted_rand_score(at["labels"][6:], clusters[6:]))
    assert report.difference.value == pytest.approx(report.ari_label.value - report.ari_site.value)
    assert report.difference.high < 0
    assert report.sentence.startswith("Clusters follow the hospital more than the tissue: ARI 0.00 with the label, 0.67")
    assert report.dropped["cluster"] == 6
    json.dumps(report.to_json(), allow_nan=False)


@pytest.mark.parametrize("grouped", [True, False])
def test_the_order_of_the_rows_does_not_matter_to_clusters(grouped: bool) -> None:
    rng = np.random.default_rng(0)
    clusters, label, site, group = (rng.integers(0, n, 300).astype(np.int64) for n in (4, 3, 2, 30))
    rows = rng.permutation(300)
    one, other = (
        cluster_bias(clusters[take], label[take], sites=site[take], groups=group[take] if grouped else None)
        for take in (np.arange(300), rows)
    )
    assert one.to_json() == other.to_json()


def test_rows_without_any_cluster_are_refused_in_a_sentence() -> None:
    with pytest.raises(InputError, match="cluster column is empty"):
        cluster_bias(np.full(4, -1), [0, 1, 0, 1], sites=[0, 0, 1, 1])


def test_overlap_counts_shared_neighbours() -> None:
    rows = np.array([[1, 2, 3], [0, 2, -1], [0, 1, 3]])
    other = np.array([[3, 1, 0], [2, 0, -1], [3, 0, 1]])
    scores = np.zeros((3, 3), np.float32)
    overlap = neighbour_overlap(Neighbours(rows, scores), Neighbours(other, scores), k=3)
    assert overlap.tolist() == pytest.approx([2 / 3, 2 / 3, 1.0])
    assert neighbour_overlap(Neighbours(rows, scores), Neighbours(other, scores), k=1).tolist() == [0, 0, 0]


def test_overlap_refuses_other_collections_and_large_k() -> None:
    one, two = (Neighbours(np.zeros((n, 3), np.int64), np.zeros((n, 3), np.float32)) for n in (4, 5))
    with pytest.raises(InputError, match="same collection"):
        neighbour_overlap(one, two)
    with pytest.raises(InputError, match="k is 4"):
        neighbour_overlap(one, one, k=4)
