"""Several linear heads trained at once on embeddings that lie in memory: the loop under ``linear_probe``.

Heads of all runs are one tensor of shape (runs, outputs, d + 1): the bias is the weight of a feature that is always 1.
Each run has its own order of the rows. The optimisers are written out, because a step of this size costs less than
the bookkeeping around it; tests hold them against ``torch.optim``.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

import torch

CACHED_ROWS = 256
"""Of each run, fetched at once: more would fall out of a processor's cache before they are used."""

Part = tuple[torch.Tensor, torch.Tensor]
"""Vectors (n, d) float32 and their class numbers (n,) int64."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """Everything that decides a training run; see ``probe.PROTOCOLS``."""

    optimizer: Literal["sgd", "adamw"]
    learning_rate: float
    schedule: Literal["cosine", "warmup"]
    momentum: float
    weight_decay: float
    monitor: Literal["balanced accuracy", "accuracy"]
    shared_init: bool
    batch_size: int
    max_steps: int
    patience: int
    """Number of epochs without improvement after which a run stops."""


@dataclass(frozen=True, slots=True)
class Trained:
    """The best head of each run, by its monitored score on the validation rows."""

    weight: torch.Tensor
    """(runs, outputs, d + 1), the bias last."""
    monitored: list[float]
    best_epoch: list[int]
    epochs: list[int]


def train(part: Part, val: Part, *, n_classes: int, n_runs: int, seed: int, recipe: Recipe) -> Trained:
    """Heads for the rows of ``part``, stopped and chosen by those of ``val``; everything on one device.

    As in eva: the rows are shuffled each epoch and the last, smaller batch is kept; the learning rate changes by the epoch;
    the score is taken after each whole epoch; a run stops once ``patience`` epochs in a row brought nothing better.
    Two classes have one output and a logistic loss, more have a softmax.
    """
    x, y = part
    n_outputs = 1 if n_classes == 2 else n_classes
    orders = [torch.Generator().manual_seed(seed + run) for run in range(n_runs)]
    weight = _initial(orders, x.shape[1], n_outputs, shared=recipe.shared_init).to(x.device)
    data = torch.cat([x, torch.ones_like(x[:, :1]), _targets(y, n_outputs)], dim=1)
    score = _Score(*val, n_classes, recipe.monitor)
    optimizer = _Optimizer(recipe, weight)
    best, best_score = weight.clone(), torch.full((n_runs,), -math.inf, dtype=torch.float64)
    best_epoch, epochs = [0] * n_runs, [0] * n_runs
    active = list(range(n_runs))
    steps_per_epoch = -(-len(x) // recipe.batch_size)
    n_epochs = max(1, recipe.max_steps // steps_per_epoch)  # a last epoch cut short would not be scored, so it is not trained
    n_rows = min(len(x), recipe.max_steps * recipe.batch_size)  # of an epoch; fewer than all only where no whole one fits
    for epoch in range(n_epochs):
        rate = _learning_rate(recipe, epoch)
        order = torch.stack([torch.randperm(len(x), generator=orders[run]) for run in active]).to(x.device)
        for first in range(0, n_rows, recipe.batch_size):
            optimizer.step(_gradient(optimizer.weight, data, order[:, first : first + recipe.batch_size]), rate)
        now = score(optimizer.weight)
        for place, run in enumerate(active):
            epochs[run] = epoch + 1
            if now[place] > best_score[run]:
                best_score[run], best_epoch[run] = now[place], epoch
                best[run] = optimizer.weight[place]
        going = [place for place, run in enumerate(active) if epoch - best_epoch[run] < recipe.patience]
        if len(going) < len(active):
            active = [active[place] for place in going]
            optimizer.keep(going)
        if not active:
            break
    return Trained(best, best_score.tolist(), [e + 1 for e in best_epoch], epochs)


def predict(weight: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    """(runs, n) class numbers for ``x`` (n, d); one output means two classes, split at a logit of 0."""
    n_runs, n_outputs, _ = weight.shape
    logits = torch.addmm(weight[..., -1].reshape(-1, 1), weight[..., :-1].reshape(n_runs * n_outputs, -1), x.T)
    logits = logits.view(n_runs, n_outputs, len(x))
    return (logits[:, 0] > 0).long() if n_outputs == 1 else logits.argmax(dim=1)


def _initial(orders: list[torch.Generator], d: int, n_outputs: int, *, shared: bool) -> torch.Tensor:
    """Weights and bias drawn evenly from +-1/sqrt(d), as ``torch.nn.Linear`` does."""
    bound = 1 / math.sqrt(d)
    heads = [torch.empty(n_outputs, d + 1).uniform_(-bound, bound, generator=order) for order in orders]
    return torch.stack([heads[0]] * len(heads) if shared else heads)


def _targets(y: torch.Tensor, n_outputs: int) -> torch.Tensor:
    return y[:, None].float() if n_outputs == 1 else torch.nn.functional.one_hot(y, n_outputs).float()


def _gradient(weight: torch.Tensor, data: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
    """Gradient of the mean loss of one batch; ``data`` (n, d + 1 + outputs): features and targets, ``rows`` (runs, batch): the batch."""
    n_outputs, n_rows = weight.shape[1], rows.shape[1]
    at_once = n_rows if data.is_cuda else CACHED_ROWS
    total = torch.zeros_like(weight)
    for first in range(0, n_rows, at_once):
        piece = rows[:, first : first + at_once]
        fetched = data.index_select(0, piece.flatten()).view(*piece.shape, -1)
        features, targets = fetched[..., :-n_outputs], fetched[..., -n_outputs:]
        logits = torch.bmm(weight, features.transpose(1, 2))
        likely = torch.sigmoid(logits) if n_outputs == 1 else torch.softmax(logits, dim=1)
        total.baddbmm_(likely.sub_(targets.transpose(1, 2)), features)
    return total.div_(n_rows)


@contextmanager
def one_thread() -> Iterator[None]:
    """Use one thread: for steps this small, waiting for other threads costs more than they save."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _learning_rate(recipe: Recipe, epoch: int) -> float:
    if recipe.schedule == "cosine":  # stepped by the epoch with a period of max_steps epochs, so it hardly falls
        return recipe.learning_rate * (1 + math.cos(math.pi * epoch / recipe.max_steps)) / 2
    return recipe.learning_rate / 3 if epoch < 5 else recipe.learning_rate


class _Optimizer:
    """SGD with momentum, or AdamW, for all runs together."""

    def __init__(self, recipe: Recipe, weight: torch.Tensor) -> None:
        self.recipe, self.weight, self.steps = recipe, weight, 0
        self.mean, self.square = torch.zeros_like(weight), torch.zeros_like(weight)

    def step(self, gradient: torch.Tensor, rate: float) -> None:
        self.steps += 1
        if self.recipe.optimizer == "sgd":
            self.mean.mul_(self.recipe.momentum).add_(gradient)
            self.weight.sub_(self.mean, alpha=rate)
            return
        self.mean.lerp_(gradient, 0.1)
        self.square.mul_(0.999).addcmul_(gradient, gradient, value=0.001)
        root = self.square.sqrt().mul_(1 / math.sqrt(1 - 0.999**self.steps)).add_(1e-8)
        self.weight.mul_(1 - rate * self.recipe.weight_decay).addcdiv_(self.mean, root, value=-rate / (1 - 0.9**self.steps))

    def keep(self, places: list[int]) -> None:
        """Keep only these runs; the others have stopped."""
        self.weight, self.mean, self.square = self.weight[places], self.mean[places], self.square[places]


class _Score:
    """The monitored score of all runs on the validation rows."""

    def __init__(self, x: torch.Tensor, y: torch.Tensor, n_classes: int, monitor: str) -> None:
        self.x, self.y = x, y
        self.member = torch.nn.functional.one_hot(y, n_classes).float()
        size = self.member.sum(dim=0).cpu().double()
        share = (size > 0).double() / (size > 0).sum() if monitor == "balanced accuracy" else size / size.sum()
        self.share = torch.where(size > 0, share / size, 0.0)

    def __call__(self, weight: torch.Tensor) -> torch.Tensor:
        """(runs,) float64; counts of right answers are whole numbers, so equal scores are equal."""
        right = (predict(weight, self.x) == self.y).float() @ self.member
        return right.cpu().double() @ self.share
