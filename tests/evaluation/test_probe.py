"""The linear probe against a plain training loop with torch.optim, and against what must hold for any probe."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.metrics import balanced_accuracy_score, confusion_matrix

from explorer.errors import DeviceUnavailable, InputError
from explorer.evaluation import EVA_2024, linear_probe
from explorer.evaluation.heads import predict, train
from explorer.evaluation.probe import _recipe


def tissue(n: int, *, n_classes: int, seed: int, dim: int = 16, apart: float = 0.9) -> tuple[np.ndarray, np.ndarray]:
    """Overlapping classes, the first the most frequent, with features of different widths."""
    centre = np.random.default_rng(99).normal(size=(n_classes, dim)) * apart
    rng = np.random.default_rng(seed)
    label = np.where(rng.random(n) < 0.3, 0, rng.integers(0, n_classes, n))
    vectors = centre[label] + rng.normal(size=(n, dim)) * np.linspace(0.5, 2, dim)
    return vectors.astype(np.float32), label


class PlainLoop:
    """eva's loop as its documents describe it: one run at a time, a DataLoader's batches, torch.optim, an epoch's score."""

    def __init__(self, protocol: str, n_classes: int, *, batch_size: int, max_steps: int, patience: int) -> None:
        self.protocol, self.n_classes = protocol, n_classes
        self.batch_size, self.max_steps, self.patience = batch_size, max_steps, patience

    def run(self, head: torch.nn.Linear, part: Any, val: Any, *, orders: Any) -> torch.nn.Linear:
        binary = self.n_classes == 2
        loss_of = torch.nn.BCEWithLogitsLoss() if binary else torch.nn.CrossEntropyLoss()
        if self.protocol == "eva-2024":
            optimizer: torch.optim.Optimizer = torch.optim.SGD(head.parameters(), lr=0.01 * self.batch_size / 4096, momentum=0.9)
            scheduler: Any = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=self.max_steps)
        else:
            optimizer = torch.optim.AdamW(head.parameters(), lr=3e-4)
            scheduler = torch.optim.lr_scheduler.ConstantLR(optimizer)
        x, y = part
        best, best_score, waited, steps = head.state_dict(), -math.inf, 0, 0
        while steps < self.max_steps and waited < self.patience:
            order = orders(len(x))
            for first in range(0, len(x), self.batch_size):
                rows = order[first : first + self.batch_size]
                logits = head(x[rows])
                loss = loss_of(logits[:, 0], y[rows].float()) if binary else loss_of(logits, y[rows])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                steps += 1
                if steps == self.max_steps:
                    break
            if steps == self.max_steps and first + self.batch_size < len(x):
                break  # the last epoch was cut short and is not scored
            scheduler.step()
            score = self.score(head, val, monitor=True)
            if score > best_score:
                best, best_score, waited = {k: v.clone() for k, v in head.state_dict().items()}, score, 0
            else:
                waited += 1
        head.load_state_dict(best)
        return head

    def score(self, head: torch.nn.Linear, val: Any, *, monitor: bool = False) -> float:
        with torch.no_grad():
            logits = head(val[0])
        predicted = (torch.sigmoid(logits[:, 0]) > 0.5).long() if self.n_classes == 2 else logits.argmax(1)
        if monitor and self.protocol == "eva-2024" and self.n_classes == 2:
            return float((predicted == val[1]).float().mean())
        return float(balanced_accuracy_score(val[1], predicted))


def tensors(x: np.ndarray, y: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
    return torch.from_numpy(x), torch.from_numpy(y)


@pytest.mark.parametrize("protocol", ["eva-2024", "eva-2025"])
@pytest.mark.parametrize("n_classes", [2, 4])
def test_each_run_is_what_torch_optim_trains(protocol: str, n_classes: int) -> None:
    part, val = tensors(*tissue(300, n_classes=n_classes, seed=1)), tensors(*tissue(200, n_classes=n_classes, seed=2))
    recipe = _recipe(protocol, 300, n_classes, batch_size=64, max_steps=153, patience=20)
    ours = train(part, val, n_classes=n_classes, n_runs=3, seed=7, recipe=recipe)
    loop = PlainLoop(protocol, n_classes, batch_size=64, max_steps=153, patience=20)
    n_outputs = 1 if n_classes == 2 else n_classes
    for run in range(3):
        generators = [torch.Generator().manual_seed(7 + run), torch.Generator().manual_seed(7)]
        start = [torch.empty(n_outputs, 17).uniform_(-0.25, 0.25, generator=g) for g in generators][protocol == "eva-2024"]
        head = torch.nn.Linear(16, n_outputs)
        with torch.no_grad():
            head.weight.copy_(start[:, :-1])
            head.bias.copy_(start[:, -1])
        loop.run(head, part, val, orders=lambda n, g=generators[0]: torch.randperm(n, generator=g))
        assert torch.allclose(ours.weight[run], torch.cat([head.weight, head.bias[:, None]], dim=1), atol=1e-5)
        assert ours.monitored[run] == pytest.approx(loop.score(head, val, monitor=True))


@pytest.mark.parametrize(
    ("protocol", "n", "dim", "scale", "steps", "n_classes"), [("eva-2024", 3000, 32, 15, 300, 5), ("eva-2025", 900, 256, 1, 600, 2)]
)
def test_five_runs_agree_with_five_plain_runs(protocol: str, n: int, dim: int, scale: int, steps: int, n_classes: int) -> None:
    """On tissue that the protocol learns in so many steps; before that a score still shows where the head started."""
    (x, y), (xv, yv) = (tissue(m, n_classes=n_classes, seed=m, dim=dim, apart=0.4) for m in (n, 1000))
    x, xv = scale * x, scale * xv
    report = linear_probe(x, y, xv, yv, protocol=protocol, batch_size=128, max_steps=steps, patience=20)
    loop = PlainLoop(protocol, n_classes, batch_size=128, max_steps=steps, patience=20)
    torch.manual_seed(0)
    first = torch.nn.Linear(dim, 1 if n_classes == 2 else n_classes).state_dict()
    scores = []
    for _ in range(5):
        head = torch.nn.Linear(dim, 1 if n_classes == 2 else n_classes)
        if protocol == "eva-2024":
            head.load_state_dict(first)
        loop.run(head, tensors(x, y), tensors(xv, yv), orders=torch.randperm)
        scores.append(loop.score(head, tensors(xv, yv)))
    assert 0.7 < report.mean < 0.999
    assert report.mean == pytest.approx(np.mean(scores), abs=0.01)


def test_a_run_stops_alone_and_keeps_its_best() -> None:
    part, val = tensors(*tissue(300, n_classes=3, seed=1)), tensors(*tissue(60, n_classes=3, seed=2))
    recipe = _recipe("eva-2025", 300, 3, batch_size=64, max_steps=1000, patience=5)
    together = train(part, val, n_classes=3, n_runs=4, seed=0, recipe=recipe)
    assert len(set(together.epochs)) > 1
    assert [e - b for e, b in zip(together.epochs, together.best_epoch, strict=True) if e < 200] == [5] * sum(
        e < 200 for e in together.epochs
    )
    for run in range(4):
        alone = train(part, val, n_classes=3, n_runs=1, seed=run, recipe=recipe)
        assert torch.allclose(alone.weight[0], together.weight[run], atol=1e-6)
        assert alone.epochs[0] == together.epochs[run]


def test_a_step_limit_below_one_epoch_is_respected() -> None:
    part, val = tensors(*tissue(300, n_classes=3, seed=1)), tensors(*tissue(60, n_classes=3, seed=2))
    recipe = _recipe("eva-2025", 300, 3, batch_size=64, max_steps=2, patience=5)
    generator = torch.Generator().manual_seed(0)
    start = torch.empty(3, 17).uniform_(-0.25, 0.25, generator=generator)
    moved = train(part, val, n_classes=3, n_runs=1, seed=0, recipe=recipe).weight[0] - start
    assert 1.9e-4 < moved.abs().max() < 2.1e-4  # AdamW's first steps are as long as the rate, 1e-4 in the first epochs


def test_the_report_is_scikit_learns_on_the_same_predictions() -> None:
    (x, y), (xv, yv), (xt, yt) = (tissue(n, n_classes=4, seed=n) for n in (500, 200, 300))
    report = linear_probe(x, y, xv, yv, xt, yt, max_steps=300, n_runs=3)
    recipe = _recipe("eva-2025", 500, 4, batch_size=None, max_steps=300, patience=None)
    head = train(tensors(x, y), tensors(xv, yv), n_classes=4, n_runs=3, seed=42, recipe=recipe)
    predicted = predict(head.weight, torch.from_numpy(xt)).numpy()
    assert report.scores == pytest.approx([balanced_accuracy_score(yt, run) for run in predicted])
    assert np.array_equal(report.confusion, sum(confusion_matrix(yt, run) for run in predicted))
    assert report.mean == pytest.approx(np.mean(report.scores))
    assert report.sd == pytest.approx(np.std(report.scores, ddof=1))
    assert report.evaluated == "test"
    assert report.interval.low < report.mean < report.interval.high
    assert [each.value for each in report.recall.values()] == pytest.approx(np.diag(report.confusion) / np.sum(report.confusion, axis=1))
    assert report.protocol["batch_size"] == 256 and report.protocol["seed"] == 42
    json.dumps(report.to_json(), allow_nan=False)


def test_the_same_seed_gives_the_same_report() -> None:
    (x, y), (xv, yv) = tissue(300, n_classes=3, seed=1), tissue(200, n_classes=3, seed=2)
    one, same, other = (linear_probe(x, y, xv, yv, max_steps=100, seed=seed).to_json() for seed in (1, 1, 2))
    for report in (one, same, other):
        report.pop("seconds")
    assert one == same
    assert one["monitored"] != other["monitored"]


def test_labels_may_be_words_and_gaps_are_counted() -> None:
    (x, y), (xv, yv) = tissue(300, n_classes=3, seed=1), tissue(200, n_classes=3, seed=2)
    words = np.array(["adipose", "mucosa", "tumour"], dtype=object)
    named, named_val = words[y], words[yv]
    named[:5] = None
    named_val[:2] = float("nan")
    report = linear_probe(x, named, xv, named_val, max_steps=100)
    assert report.dropped == {"train": 5, "val": 2}
    assert report.n == {"train": 295, "val": 198}
    assert report.classes == ("adipose", "mucosa", "tumour")
    numbered = linear_probe(x[5:], y[5:], xv[2:], yv[2:], max_steps=100)
    assert report.scores == numbered.scores


def test_permuted_labels_score_at_chance() -> None:
    (x, y), (xv, yv) = tissue(600, n_classes=3, seed=1), tissue(600, n_classes=3, seed=2)
    (xt, yt) = tissue(600, n_classes=3, seed=3)
    rng = np.random.default_rng(0)
    report = linear_probe(x, rng.permutation(y), xv, rng.permutation(yv), xt, rng.permutation(yt), max_steps=300)
    assert report.interval.low <= 1 / 3 <= report.interval.high


def test_protocol_defaults_are_the_published_ones() -> None:
    assert [_recipe("eva-2025", n, 9, batch_size=None, max_steps=None, patience=None).patience for n in (268, 100_000, 2175, 262_144)] == [
        1250,
        7,
        278,
        3,
    ]
    for task, n in {"bach": 268, "crc": 100_000, "mhist": 2175, "pcam": 262_144}.items():
        recipe = _recipe("eva-2024", n, 2, batch_size=None, max_steps=None, patience=None)
        assert recipe.batch_size == EVA_2024[task]["batch_size"]
        assert recipe.learning_rate == pytest.approx({256: 0.000625, 4096: 0.01}[recipe.batch_size])
        assert recipe.monitor == "accuracy"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"y_train": []}, "0 entries for 60"),
        ({"y_train": [None] * 60}, "column is empty"),
        ({"y_train": [1] * 60}, "one class only"),
        ({"y_val": [7] * 60}, "'7' is in the val rows"),
        ({"y_val": [1] * 60}, "of class '1'"),
        ({"x_test": np.ones((3, 16), np.float32)}, "go together"),
        ({"x_val": np.ones((60, 8), np.float32)}, "8 numbers"),
        ({"protocol": "eva-2023"}, "choose one of eva-2024, eva-2025"),
        ({"n_runs": 0}, "1 or more"),
        ({"batch_size": 0}, "1 or more"),
        ({"max_steps": -3}, "1 or more"),
        ({"patience": 0}, "1 or more"),
        ({"x_train": np.full((60, 16), np.inf, np.float32)}, "Row 0"),
    ],
)
def test_invalid_input_is_refused_in_a_sentence(change: dict[str, Any], words: str) -> None:
    x, y = tissue(60, n_classes=3, seed=1)
    given = {"x_train": x, "y_train": y, "x_val": x, "y_val": y} | change
    with pytest.raises(InputError, match=words):
        linear_probe(**given)


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU")
def test_an_unavailable_device_is_refused() -> None:
    x, y = tissue(60, n_classes=3, seed=1)
    with pytest.raises(DeviceUnavailable, match="cuda"):
        linear_probe(x, y, x, y, device="cuda")
