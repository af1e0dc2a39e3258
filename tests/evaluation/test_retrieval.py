"""Retrieval scores against cases computed by hand and a brute-force search."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import f1_score

from explorer.cosine import unit
from explorer.errors import InputError
from explorer.evaluation import RetrievalReport, retrieval
from explorer.evaluation.neighbours import nearest
from explorer.evaluation.ranking import majority_vote, query_scores, random_rows


def tissue(n: int = 240, *, n_patients: int = 24, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Three classes of overlapping vectors; each patient's tiles lie close to each other."""
    rng = np.random.default_rng(seed)
    patient = rng.permutation(np.arange(n) % n_patients)
    label = (patient % 3 + (rng.random(n) < 0.3)) % 3
    centre, habit = rng.normal(size=(3, 12)), rng.normal(size=(n_patients, 12))
    vectors = centre[label] + 1.5 * habit[patient] + 0.5 * rng.normal(size=(n, 12))
    return vectors.astype(np.float32), label.astype(np.int64), patient


def without_ties(n: int = 72, *, n_patients: int = 12, k: int = 10, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Tissue in which the k nearest of every row, and their order, do not hang on differences below 1e-5."""
    for each in range(1000 * seed, 1000 * seed + 500):
        vectors, label, patient = tissue(n, n_patients=n_patients, seed=each)
        u = vectors.astype(np.float64) / np.linalg.norm(vectors, axis=1, keepdims=True)
        scores = u @ u.T
        gaps = []
        for hidden in (np.eye(n, dtype=bool), patient[:, None] == patient):
            nearest = -np.sort(-np.where(hidden, -2, scores), axis=1)[:, : k + 1]
            gaps.append((nearest[:, :-1] - nearest[:, 1:]).min())
        if min(gaps) > 1e-5:
            return vectors, label, patient
    raise AssertionError("no such data in 500 draws")


def slow(vectors: np.ndarray, label: np.ndarray, group: np.ndarray, k: int) -> dict[str, Any]:
    """Every definition as it is written down, one query at a time."""
    u = vectors.astype(np.float64)
    u /= np.linalg.norm(u, axis=1, keepdims=True)
    rows: list[dict[str, float]] = []
    votes = []
    for i in range(len(u)):
        allowed = [j for j in range(len(u)) if group[j] != group[i]]
        hits = sorted(allowed, key=lambda j: -float(u[i] @ u[j]))[:k]
        right = [label[j] == label[i] for j in hits]
        count = {c: sum(label[j] == c for j in hits) for c in set(label[hits])}
        vote = next(label[j] for j in hits if count[label[j]] == max(count.values()))
        relevant = sum(label[j] == label[i] for j in allowed)
        average = sum(sum(right[: p + 1]) / (p + 1) for p in range(k) if right[p]) / min(k, relevant)
        votes.append(vote)
        rows.append(
            {"hit": float(any(right)), "precision": sum(right) / k, "majority_vote": float(vote == label[i]), "average_precision": average}
        )
    scores = {
        name: float(np.mean([np.mean([r[name] for r, c in zip(rows, label, strict=True) if c == x]) for x in set(label)]))
        for name in rows[0]
    }
    return scores | {"macro_f1": float(f1_score(label, votes, average="macro"))}


def values(report: RetrievalReport, k: int) -> dict[str, float]:
    at = next(each for each in report.at if each.k == k)
    return {name: estimate.value for name, estimate in at.scores.items()}


def test_one_query_worked_by_hand() -> None:
    hits = np.array([[1, 0, 1, 0, 2]])  # classes of the five nearest of a query of class 0, which had three to find
    scores = query_scores(hits, np.array([0]), np.array([3]), k=5)
    assert scores["hit"].tolist() == [1.0]
    assert scores["precision"].tolist() == [2 / 5]
    assert scores["average_precision"].tolist() == [pytest.approx((1 / 2 + 2 / 4) / 3)]
    assert scores["vote"].tolist() == [1]  # two votes for 0, two for 1, and the nearest is a 1
    assert query_scores(hits, np.array([0]), np.array([3]), k=1)["hit"].tolist() == [0.0]
    assert query_scores(hits, np.array([0]), np.array([3]), k=2)["average_precision"].tolist() == [pytest.approx(0.25)]


def test_a_missing_hit_is_a_wrong_hit() -> None:
    hits = np.array([[0, -1, -1], [-1, -1, -1]])
    scores = query_scores(hits, np.array([0, 0]), np.array([3, 3]), k=3)
    assert scores["precision"].tolist() == [1 / 3, 0.0]
    assert scores["average_precision"].tolist() == [1 / 3, 0.0]
    assert scores["vote"].tolist() == [0, -1]


def test_votes_tie_to_the_nearest() -> None:
    labels = np.array([[2, 0, 0, 2], [0, 2, 2, 0], [1, 2, 2, 0], [3, 3, 1, 1]])
    assert majority_vote(labels).tolist() == [2, 0, 2, 3]


@pytest.mark.parametrize("seed", [0, 1])
def test_retrieval_is_what_brute_force_finds(seed: int) -> None:
    vectors, label, patient = without_ties(seed=seed)
    report = retrieval(vectors, label, groups=patient)
    for k in (1, 3, 5, 10):
        assert values(report, k) == pytest.approx(slow(vectors, label, patient, k), abs=1e-5)
        assert dict(next(each for each in report.at if each.k == k).naive) == pytest.approx(
            slow(vectors, label, np.arange(len(label)), k), abs=1e-5
        )


def test_keeping_patients_apart_lowers_the_score_and_is_named() -> None:
    vectors, label, patient = tissue()
    report = retrieval(vectors, label, groups=patient)
    at = report.at[0]
    assert at.leakage["hit"].low > 0
    assert at.naive["hit"] - at.scores["hit"].value == pytest.approx(at.leakage["hit"].value)
    assert "patients kept apart" in report.sentence
    assert (report.n, report.n_groups, report.n_failures) == (240, 24, 0)
    assert sum(map(sum, at.confusion)) == 240
    assert json.loads(json.dumps(report.to_json(), allow_nan=False))["at"][0]["k"] == 1


def test_without_patients_the_report_warns_of_leakage() -> None:
    vectors, label, patient = tissue()
    report = retrieval(vectors, label)
    assert "Leakage is possible" in report.sentence
    assert report.n_groups == 0
    assert "two slides may be of one patient" in retrieval(vectors, label, groups=patient, group_name="slide").sentence


def test_the_order_of_rows_does_not_matter() -> None:
    vectors, label, patient = tissue()
    order = np.random.default_rng(5).permutation(len(label))
    one, other = (
        retrieval(v, y, groups=g).to_json() for v, y, g in ((vectors, label, patient), (vectors[order], label[order], patient[order]))
    )
    one.pop("seconds"), other.pop("seconds")
    for wrong in other["mistakes"]:
        wrong["row"] = int(order[wrong["row"]])
    assert one == other


def test_copies_do_not_move_the_scores() -> None:
    vectors, label, patient = tissue()
    rows = np.concatenate([np.arange(240), np.arange(100), np.arange(100)])
    one, other = retrieval(vectors, label, groups=patient), retrieval(vectors[rows], label[rows], groups=patient[rows])
    assert other.n_copies == 200
    assert one.to_json()["at"] == other.to_json()["at"]


def test_permuted_labels_score_at_chance() -> None:
    rng = np.random.default_rng(3)
    vectors, patient, label = rng.normal(size=(900, 12)).astype(np.float32), np.arange(900) % 90, rng.choice(3, 900, p=[0.5, 0.3, 0.2])
    for at in retrieval(vectors, label, groups=patient).at:
        for name in at.chance:
            assert at.scores[name].low <= at.chance[name] <= at.scores[name].high


def test_chance_is_what_counting_gives() -> None:
    vectors, label, patient = tissue()
    at = {each.k: each for each in retrieval(vectors, label, groups=patient).at}
    miss = {k: [] for k in at}
    for i in range(240):
        allowed = label[patient != patient[i]]
        wrong, everything = int((allowed != label[i]).sum()), len(allowed)
        for k in at:
            miss[k].append(math.comb(wrong, k) / math.comb(everything, k))
    for k, each in at.items():
        expected = np.mean([1 - np.mean(np.array(miss[k])[label == c]) for c in range(3)])
        assert each.chance["hit"] == pytest.approx(expected, abs=0.01)
        assert each.chance["precision"] == pytest.approx(1 - np.mean([np.mean(np.array(miss[1])[label == c]) for c in range(3)]), abs=0.01)


def test_gaps_are_left_out_and_counted() -> None:
    vectors, label, patient = without_ties()
    holed: list[Any] = [str(x) for x in label]
    holed[:3] = [None, float("nan"), ""]
    group: list[Any] = [f"P{x}" for x in patient]
    group[3] = None
    report = retrieval(vectors, holed, groups=group)
    assert report.dropped == {"label": 3, "patient": 1}
    assert report.n == 68
    assert values(report, 5) == pytest.approx(slow(vectors[4:], label[4:], patient[4:], 5), abs=1e-5)


def test_large_collections_are_sampled() -> None:
    vectors, label, patient = tissue()
    report = retrieval(vectors, label, groups=patient, max_queries=100)
    assert (report.n, report.n_queries) == (240, 100)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"labels": []}, "0 entries for 240"),
        ({"labels": [None] * 240}, "column is empty"),
        ({"labels": ["a"] * 240}, "one class only"),
        ({"groups": [None] * 240}, "patient column is empty"),
        ({"groups": ["P1"] * 240}, "lie in one patient only"),
        ({"k": (1, 240)}, "fewer than k = 240"),
        ({"k": (0,)}, "pass whole numbers"),
        ({"vectors": np.zeros((0, 12), np.float32), "labels": [], "groups": []}, "embed the images first"),
    ],
)
def test_invalid_input_is_refused_in_a_sentence(change: dict[str, Any], words: str) -> None:
    vectors, label, patient = tissue()
    given = {"vectors": vectors, "labels": label, "groups": patient} | change
    with pytest.raises(InputError, match=words):
        retrieval(given.pop("vectors"), given.pop("labels"), **given)


def test_a_row_that_is_not_finite_is_named() -> None:
    vectors, label, patient = tissue()
    vectors[7, 3] = np.nan
    with pytest.raises(InputError, match="Row 7"):
        retrieval(vectors, label, groups=patient)


def test_classes_of_one_patient_or_row_are_left_out_and_counted() -> None:
    vectors, label, patient = tissue()
    label[patient == 0], label[patient == 1] = 3, 4
    report = retrieval(vectors, label, groups=patient)
    assert (report.left_out, report.n, report.classes) == ({"3": 10, "4": 10}, 220, ("0", "1", "2"))
    kept = patient > 1
    assert report.to_json()["at"] == retrieval(vectors[kept], label[kept], groups=patient[kept]).to_json()["at"]
    label[label == 3] = 0
    label[0] = 9
    assert retrieval(vectors, label).left_out == {"9": 1}


def test_all_classes_that_leave_too_few_are_named_in_one_sentence() -> None:
    vectors = np.random.default_rng(0).normal(size=(40, 4)).astype(np.float32)
    with pytest.raises(InputError, match="40 classes with 40 rows") as refused:
        retrieval(vectors, [f"class {i}" for i in range(40)])
    assert len(str(refused.value)) < 300


def test_the_usual_k_shrink_to_the_rows_and_that_is_said() -> None:
    vectors, label = np.random.default_rng(0).normal(size=(5, 4)).astype(np.float32), ["a", "a", "b", "b", "b"]
    report = retrieval(vectors, label)
    assert [at.k for at in report.at] == [1, 3, 4]
    assert report.reduced == "There are only 4 rows to find, so k is 1, 3, 4; the usual k = 5, 10 cannot be filled."
    with pytest.raises(InputError, match="fewer than k = 10"):
        retrieval(vectors, label, k=(10,))


def test_scores_of_six_rows_computed_by_hand() -> None:
    """Vectors at these angles (degrees); nearest first, without rows of the own patient:

    row  angle  class  patient   nearest of others      right?        hit@1  vote of 3  AP@3 (relevant)
    0      0     a      p        2(20) 3(35) 4(60)      a b b         1      b, wrong   1/1 / 1 (row 2)
    1      5     a      p        2(15) 3(30) 4(55)      a b b         1      b, wrong   1/1 / 1
    2     20     a      q        1(15) 0(20) 4(40)      a a b         1      a, right   (1 + 2/2) / 2
    3     35     b      q        4(25) 1(30) 0(35)      b a a         1      a, wrong   1/1 / 2 (rows 4, 5)
    4     60     b      r        3(25) 2(40) 1(55)      b a a         1      a, wrong   1/1 / 1 (row 3)
    5    100     b      r        3(65) 2(80) 1(95)      b a a         1      a, wrong   1/1 / 1
    """
    angle = np.deg2rad([0, 5, 20, 35, 60, 100])
    vectors = np.stack([np.cos(angle), np.sin(angle)], axis=1).astype(np.float32)
    label, patient = list("aaabbb"), list("ppqqrr")
    report = retrieval(vectors, label, groups=patient, k=(1, 3))
    assert values(report, 1)["hit"] == pytest.approx(1.0)
    scores = values(report, 3)
    assert scores["majority_vote"] == pytest.approx((1 / 3 + 0 / 3) / 2)
    assert scores["precision"] == pytest.approx(((1 + 1 + 2) / 9 + (1 + 1 + 1) / 9) / 2)
    assert scores["average_precision"] == pytest.approx((1 + (0.5 + 1 + 1) / 3) / 2)
    assert report.at[1].confusion == ((1, 2), (3, 0))


def test_the_interval_draws_patients_and_not_rows() -> None:
    """Rows of one patient answer alike, so the interval is as wide as the spread of patients says: four times what rows give."""
    rng = np.random.default_rng(1)
    patient = np.repeat(np.arange(40), 16)
    label = patient % 2
    place = np.where(rng.random(40) < 0.35, 1 - np.arange(40) % 2, np.arange(40) % 2)  # a third of the patients look like the other class
    vectors = (6 * np.eye(2)[place[patient]] + 0.4 * rng.normal(size=(640, 2))).astype(np.float32)
    (at,) = retrieval(vectors, label, groups=patient, k=(5,)).at
    u = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    right = np.zeros(40)
    for i in range(640):
        others = np.flatnonzero(patient != patient[i])
        found = label[others[np.argsort(-(u[others] @ u[i]))[:5]]]
        right[patient[i]] += ((found == label[i]).sum() > 2) / 16
    classes = [right[code::2] for code in (0, 1)]
    error = np.sqrt(sum(each.var(ddof=1) / len(each) for each in classes)) / 2
    score = at.scores["majority_vote"]
    assert score.value == pytest.approx(np.mean([each.mean() for each in classes]), abs=0.01)
    by_patients = 2 * 1.96 * error  # and up to the root of 2 wider, as patients find each other
    assert 0.7 * by_patients < score.high - score.low < 1.3 * np.sqrt(2) * by_patients


@pytest.mark.parametrize(("n", "k"), [(5, 3), (64, 10), (65, 10), (700, 20)])
def test_nearest_equals_brute_force(n: int, k: int) -> None:
    rng = np.random.default_rng(n)
    base, queries = unit(rng.normal(size=(n, 8)).astype(np.float32)), unit(rng.normal(size=(40, 8)).astype(np.float32))
    start = rng.integers(0, n, 40)
    hidden = np.stack([start, np.minimum(start + n // 3, n)], axis=1)
    everything, some = nearest(queries, base, k=k, hidden=(np.stack([start, start], axis=1), hidden))
    scores = queries @ base.T
    assert np.allclose(np.take_along_axis(scores, everything, 1), -np.sort(-scores)[:, :k])
    for i, (a, b) in enumerate(hidden):
        scores[i, a:b] = -np.inf
    best = -np.sort(-scores)[:, :k]
    assert np.array_equal(some >= 0, best > -np.inf)
    assert np.allclose(np.where(some >= 0, np.take_along_axis(scores, some, 1), -np.inf), best)


def test_random_rows_are_allowed_and_uniformly_drawn() -> None:
    hidden = np.tile([[2, 5]], (20_000, 1))
    rows = random_rows(hidden, 8, k=4, seed=0)
    assert not np.isin(rows, [2, 3, 4]).any()
    assert all(len(set(row)) == 4 for row in rows.tolist())
    assert np.bincount(rows.ravel(), minlength=8)[[0, 1, 5, 6, 7]] == pytest.approx(16_000, rel=0.03)
    assert (random_rows(hidden[:1], 8, k=7, seed=0) < 0).sum() == 2


def test_queries_that_cannot_find_enough_are_counted_and_refused_where_all_are_so() -> None:
    rng = np.random.default_rng(0)
    vectors, label = rng.normal(size=(12, 4)).astype(np.float32), np.array(["a", "b"] * 6)
    with pytest.raises(InputError, match="No row has 10 rows of other patients"):
        retrieval(vectors, label, groups=np.repeat(["p", "q"], 6), k=(10,))
    assert [at.k for at in retrieval(vectors, label, groups=np.repeat(["p", "q"], 6)).at] == [1, 3, 5, 6]
    patient = np.array(["p"] * 8 + ["q"] * 4)
    report = retrieval(vectors, label, groups=patient, k=(5,))
    assert report.n_failures == 8
