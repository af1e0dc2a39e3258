"""Misclassified examples: every confusion among them; probe intervals draw patients."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.errors import InputError
from explorer.evaluation import knn, linear_probe, retrieval
from explorer.evaluation.mistakes import mistakes

CLASSES = ("a", "b", "c")


def test_mistakes_computed_by_hand() -> None:
    truth = np.array([0, 0, 0, 0, 1, 2, 2])
    named = np.array([0, 1, 1, 1, 1, 0, -1])
    share = np.array([1.0, 0.5, 0.9, 0.7, 1.0, 0.6, 0.0])
    found = mistakes(truth, named, share=share, rows=np.arange(10, 17), classes=CLASSES, most=4)
    assert [(each.row, each.truth, each.named, each.share) for each in found] == [
        (12, "a", "b", 0.9),  # the commonest confusion leads, its surest first
        (15, "c", "a", 0.6),
        (16, "c", "", 0.0),
        (13, "a", "b", 0.7),  # second round
    ]


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(-1, 2), st.sampled_from([0.2, 0.5, 1.0])), max_size=60))
def test_every_confusion_is_seen_before_one_is_seen_twice(rows: list[tuple[int, int, float]]) -> None:
    truth, named, share = (np.array([row[i] for row in rows]) for i in range(3))
    found = mistakes(
        truth.astype(np.int64), named.astype(np.int64), share=share.astype(float), rows=np.arange(len(rows)), classes=CLASSES, most=9
    )
    wrong = [i for i, (own, other, _) in enumerate(rows) if own != other]
    assert len(found) == min(9, len(wrong))
    assert {each.row for each in found} <= set(wrong)
    assert all(CLASSES[truth[each.row]] == each.truth for each in found)
    kinds = {(truth[i], named[i]) for i in wrong}
    assert len({(each.truth, each.named) for each in found}) == min(len(found), len(kinds))


def tissue(n: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    label, patient = random.integers(0, 3, n), random.integers(0, 12, n)
    vectors = 1.2 * np.eye(3, 8)[label] + random.normal(0, 0.7, (n, 8)) + np.random.default_rng(7).normal(0, 0.5, (12, 8))[patient]
    return vectors.astype(np.float32), label, patient


def test_mistakes_of_retrieval_are_numbered_by_input_row() -> None:
    vectors, label, patient = tissue(200, 0)
    order = np.random.default_rng(1).permutation(200)
    first = retrieval(vectors, label, groups=patient)
    shuffled = retrieval(vectors[order], label[order], groups=patient[order])
    assert 0 < len(first.mistakes) <= 24
    assert all(str(label[each.row]) == each.truth != each.named for each in first.mistakes)
    assert [order[each.row] for each in shuffled.mistakes] == [each.row for each in first.mistakes]


def test_mistakes_of_knn_and_probe_are_numbered_by_test_row() -> None:
    (x, y, _), (xt, yt, _) = tissue(300, 0), tissue(90, 1)
    labels = [None if i % 7 == 0 else str(value) for i, value in enumerate(yt)]
    report = knn(x, y.astype(str), x_test=xt, y_test=labels)
    assert report.mistakes[5]
    assert all(labels[each.row] == each.truth != each.named and 0.2 <= each.share <= 1 for each in report.mistakes[5])
    probe = linear_probe(x, y.astype(str), xt, labels, max_steps=30, n_runs=2)
    assert probe.mistakes
    assert all(labels[each.row] == each.truth != each.named for each in probe.mistakes)


def test_the_probe_s_interval_draws_patients() -> None:
    x, y, _ = tissue(300, 0)
    xt, yt, _ = tissue(240, 1)
    hard = np.linalg.norm(xt - xt.mean(0), axis=1).argsort()
    patient = np.empty(240, np.int64)
    patient[hard] = np.arange(240) // 30  # a patient's patches are hard or easy together
    by_row = linear_probe(x, y, xt, yt, max_steps=60, n_runs=2)
    grouped = linear_probe(x, y, xt, yt, max_steps=60, n_runs=2, groups=patient)
    assert (by_row.n_groups, grouped.n_groups) == (0, 8)
    assert (by_row.mean, by_row.sd) == (grouped.mean, grouped.sd)
    assert grouped.interval.high - grouped.interval.low > by_row.interval.high - by_row.interval.low
    assert ("groups" in grouped.protocol["interval"], "rows" in by_row.protocol["interval"]) == (True, True)


def test_rows_of_no_patient_are_not_judged() -> None:
    x, y, _ = tissue(120, 0)
    xt, yt, patient = tissue(60, 1)
    known = [None if i < 20 else int(value) for i, value in enumerate(patient)]
    report = linear_probe(x, y, x, y, xt, yt, max_steps=30, n_runs=2, groups=known)
    assert (report.n["test"], report.dropped["test"]) == (40, 20)
    assert all(each.row >= 20 for each in report.mistakes)
    labels = [int(value) if i < 20 else None for i, value in enumerate(yt)]
    with pytest.raises(InputError, match="No test row has both a label and a group"):
        linear_probe(x, y, x, y, xt, labels, max_steps=30, n_runs=2, groups=known)
