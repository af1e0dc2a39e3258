"""kNN, class means and few-shot curves against scikit-learn and cases worked by hand."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score, confusion_matrix
from sklearn.neighbors import KNeighborsClassifier, NearestCentroid
from sklearn.preprocessing import normalize

from explorer.errors import InputError
from explorer.evaluation import few_shot, folds, knn


def tissue(n: int, *, seed: int, n_classes: int = 4) -> tuple[np.ndarray, np.ndarray]:
    centre = np.random.default_rng(99).normal(size=(n_classes, 10))
    rng = np.random.default_rng(seed)
    label = rng.integers(0, n_classes, n)
    return (centre[label] + 1.3 * rng.normal(size=(n, 10)) + 3).astype(np.float32), label


def test_nearest_neighbour_is_scikit_learns() -> None:
    (x, y), (xt, yt) = tissue(400, seed=1), tissue(150, seed=2)
    report = knn(x, y, x_test=xt, y_test=yt)
    predicted = KNeighborsClassifier(1, metric="cosine").fit(x, y).predict(xt)
    assert report.knn[1].balanced_accuracy.value == pytest.approx(balanced_accuracy_score(yt, predicted))
    assert np.array_equal(report.knn[1].confusion, confusion_matrix(yt, predicted))
    assert report.knn[20].balanced_accuracy.value > report.knn[1].balanced_accuracy.value
    assert (report.n, report.n_groups) == ({"train": 400, "test": 150}, 0)
    json.dumps(report.to_json(), allow_nan=False)


def test_ties_of_votes_go_to_the_nearest() -> None:
    angle = np.deg2rad([0, 10, 20, 30, 180])
    x = np.stack([np.cos(angle), np.sin(angle)], axis=1).astype(np.float32)
    y = ["a", "b", "b", "a", "c"]
    test = np.array([[1, 0.05], [-1, 0]], np.float32)  # the first is nearest to a, then b, b, a
    report = knn(x, y, x_test=test, y_test=["a", "c"], k=(1, 3, 4))
    votes = {k: np.array(scores.confusion).argmax(axis=1)[[0, 2]].tolist() for k, scores in report.knn.items()}
    assert votes == {1: [0, 2], 3: [1, 2], 4: [0, 1]}


def test_the_prototype_is_the_nearest_centroid_after_centring() -> None:
    (x, y), (xt, yt) = tissue(400, seed=1), tissue(150, seed=2)
    centre = x.mean(axis=0)
    predicted = NearestCentroid().fit(normalize(x - centre), y).predict(normalize(xt - centre))
    report = knn(x, y, x_test=xt, y_test=yt)
    assert report.prototype.balanced_accuracy.value == pytest.approx(balanced_accuracy_score(yt, predicted))


def test_intervals_over_patients_are_wider_than_over_rows() -> None:
    (x, y), (xt, yt) = tissue(400, seed=1), tissue(400, seed=2)
    hard = np.linalg.norm(xt - xt.mean(0), axis=1).argsort()
    patient = np.empty(400, np.int64)
    patient[hard] = np.arange(400) // 40  # a patient's tiles are hard or easy together
    by_row = knn(x, y, x_test=xt, y_test=yt).knn[5].balanced_accuracy
    report = knn(x, y, x_test=xt, y_test=yt, groups=patient)
    by_patient = report.knn[5].balanced_accuracy
    assert report.n_groups == 10
    assert by_patient.value == by_row.value
    assert by_patient.high - by_patient.low > by_row.high - by_row.low


def test_the_few_shot_curve_rises_to_the_score_of_all_rows() -> None:
    (x, y), (xt, yt) = tissue(400, seed=1), tissue(150, seed=2)
    report = few_shot(x, y, x_test=xt, y_test=yt, shots=(1, 5, 25, 500))
    means = [point.balanced_accuracy.value for point in report.curve]
    assert [point.shots for point in report.curve] == [1, 5, 25]
    assert means == sorted(means)
    assert "500 of each were left out" in report.left_out
    assert len(report.curve[0].draws) == 20
    assert report.curve[0].balanced_accuracy.low < means[0] < report.curve[0].balanced_accuracy.high
    assert few_shot(x, y, x_test=xt, y_test=yt, shots=(5,)).curve == report.curve[1:2]
    json.dumps(report.to_json(), allow_nan=False)


def test_all_rows_as_shots_are_the_prototype() -> None:
    x, y = tissue(200, seed=1)
    rows = np.concatenate([np.flatnonzero(y == c)[:20] for c in range(4)])
    xt, yt = tissue(150, seed=2)
    curve = few_shot(x[rows], y[rows], x_test=xt, y_test=yt, shots=(20,)).curve
    assert curve[0].balanced_accuracy.value == pytest.approx(knn(x[rows], y[rows], x_test=xt, y_test=yt).prototype.balanced_accuracy.value)


def test_permuted_labels_score_at_chance() -> None:
    (x, y), (xt, yt) = tissue(600, seed=1), tissue(400, seed=2)
    report = knn(x, y, x_test=xt, y_test=np.random.default_rng(0).permutation(yt))
    for scores in (*report.knn.values(), report.prototype):
        assert scores.balanced_accuracy.low <= 0.25 <= scores.balanced_accuracy.high


def test_a_class_that_is_learnt_and_not_judged_lowers_chance() -> None:
    """Labels that mean nothing, learnt from four classes and judged by two, score as guessing among four."""
    (x, y), (xt, yt) = tissue(600, seed=1), tissue(800, seed=2)
    judged = yt < 2
    report = knn(x, np.random.default_rng(0).permutation(y), x_test=xt[judged], y_test=yt[judged], k=(1,))
    assert report.chance == 0.25
    assert abs(report.knn[1].balanced_accuracy.value - report.chance) < 0.08
    assert np.isnan(report.knn[1].recall["3"].value)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"y_train": ["a"] * 60}, "one class only"),
        ({"y_test": [9] * 60}, "'9' is in the test rows"),
        ({"y_test": [2] * 60}, "of class '2'"),
        ({"y_test": []}, "0 entries for 60"),
        ({"k": (61,)}, "fewer than k = 61"),
        ({"groups": [None] * 60}, "group column is empty"),
        ({"x_test": np.ones((60, 3), np.float32)}, "3 numbers"),
        ({"x_test": np.full((60, 10), np.nan, np.float32)}, "Row 0 of the test vectors"),
    ],
)
def test_invalid_input_is_refused_in_a_sentence(change: dict[str, Any], words: str) -> None:
    x, y = tissue(60, seed=1)
    given = {"x_train": x, "y_train": y, "x_test": x, "y_test": y} | change
    with pytest.raises(InputError, match=words):
        knn(given.pop("x_train"), given.pop("y_train"), **given)


def test_too_few_rows_for_any_shot_is_a_sentence() -> None:
    x, y = tissue(60, seed=1)
    with pytest.raises(InputError, match="fewer than the 100"):
        few_shot(x, y, x_test=x, y_test=y, shots=(100,))


def test_folds_keep_patients_whole_and_spread_classes() -> None:
    rng = np.random.default_rng(0)
    patient = rng.integers(0, 40, 600)
    label = np.where(rng.random(600) < 0.7, patient % 3, rng.integers(0, 3, 600)).astype(object)
    label[:4] = None
    fold = folds(label, groups=patient)
    assert np.flatnonzero(fold < 0).tolist() == [0, 1, 2, 3]
    for each in range(40):
        assert len(set(fold[(patient == each) & (fold >= 0)])) == 1
    for number in range(5):
        inside = label[fold == number].astype(np.int64)
        assert 60 < len(inside) < 180
        assert np.bincount(inside, minlength=3).min() > 10
    order = rng.permutation(600)
    assert np.array_equal(folds(label[order], groups=patient[order]), fold[order])


def test_folds_need_every_class_in_every_fold() -> None:
    with pytest.raises(InputError, match="'b' lies in 2 groups, fewer than 5 folds"):
        folds(["a"] * 10 + ["b"] * 10, groups=[*range(10), *[10, 11] * 5])
    assert np.bincount(folds(["a"] * 10 + ["b"] * 10)).tolist() == [4, 4, 4, 4, 4]
