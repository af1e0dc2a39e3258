"""Linear probing by the two protocols of kaiko's eva (https://github.com/kaiko-ai/eva).

``eva-2024`` made the table of "Towards Large-Scale Training of Pathology Foundation Models" (arXiv 2404.15217);
``eva-2025`` is eva's current one. Embeddings enter as they are: not centred, not normalised.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float32

from ..errors import InputError
from ..types import Vectors
from .devices import computing_device
from .inputs import Column, Values, check_classes, check_judged, check_same_width, check_vectors, column, renumber
from .intervals import N_RESAMPLES, Estimate, Number
from .mistakes import Mistake, mistakes
from .recall import balanced_accuracy, confusion, recall_estimates
from .reports import Counts, Facts, Report

if TYPE_CHECKING:
    import torch

    from .heads import Recipe

PROTOCOLS: Mapping[str, Mapping[str, Any]] = {
    "eva-2024": {
        "optimizer": "sgd",
        "schedule": "cosine",
        "momentum": 0.9,
        "weight_decay": 0.0,
        "shared_init": True,
    },
    "eva-2025": {
        "optimizer": "adamw",
        "schedule": "warmup",
        "momentum": 0.0,
        "weight_decay": 0.01,
        "shared_init": False,
    },
}
MAX_STEPS = 12_500
EVA_2024: Mapping[str, Mapping[str, int]] = {
    "bach": {"batch_size": 256, "patience": 400},
    "crc": {"batch_size": 4096, "patience": 24},
    "mhist": {"batch_size": 256, "patience": 51},
    "pcam": {"batch_size": 4096, "patience": 9},
}
"""What the paper set by the data set: ``linear_probe(..., protocol="eva-2024", **EVA_2024["crc"])``."""


@dataclass(frozen=True)
class ProbeReport(Report):
    """The scores of a linear probe."""

    scores: tuple[Number, ...]
    """Balanced accuracy of each run."""
    mean: Number
    sd: Number
    """Over the runs, with n - 1; NaN for one run."""
    interval: Estimate
    """Interval of the mean, by drawing the groups of the evaluated rows; without groups it holds for rows, not for new patients."""
    chance: Number
    """Balanced accuracy of guessing evenly among the classes that were learnt."""
    recall: Mapping[str, Estimate]
    """Recall of each class, mean over runs; NaN where the evaluated rows have none."""
    confusion: Counts
    """Evaluated rows by their class (line) and the predicted class (column), summed over runs."""
    classes: tuple[str, ...]
    evaluated: str
    """"test" or "val"; the validation rows also chose the checkpoint, so "val" is optimistic."""
    n: Mapping[str, int]
    """Rows of each part."""
    dropped: Mapping[str, int]
    """Rows of each part without a label (or evaluated rows without a group), left out."""
    n_groups: int
    """Groups of evaluated rows the interval draws; 0 where rows were drawn."""
    epochs: tuple[int, ...]
    best_epochs: tuple[int, ...]
    monitored: tuple[Number, ...]
    """The monitored score of the best checkpoint on the validation rows."""
    seconds: Number
    protocol: Facts
    """Every setting used."""
    mistakes: tuple[Mistake, ...] = ()
    """Some of the evaluated rows that most runs named wrongly."""


def linear_probe(  # noqa: PLR0913 - the data of three parts are six arguments, and the published signature is kept
    x_train: Vectors,
    y_train: Values,
    x_val: Float32[np.ndarray, "n_val d_val"],
    y_val: Values,
    x_test: Float32[np.ndarray, "n_test d_test"] | None = None,
    y_test: Values | None = None,
    *,
    protocol: str = "eva-2025",
    n_runs: int = 5,
    seed: int = 42,
    batch_size: int | None = None,
    max_steps: int | None = None,
    patience: int | None = None,
    device: str = "auto",
    groups: Values | None = None,
) -> ProbeReport:
    """Train linear heads on frozen embeddings and score them on the test rows (the validation rows where there are none).

    Vectors are (n, d) float32; labels any values, rows without one are left out and counted. ``patience`` counts epochs.
    ``groups`` is the patient of each evaluated row: the interval draws these (rows where there are none), because patches of
    one patient are not independent. The standard deviation over runs says how much training by another order moves the
    score, and nothing of other patients.
    Raises ``InputError`` for an unknown protocol, vectors that are not finite, fewer than two classes (to learn or to be
    judged), or a class of the other parts that the training rows lack; ``DeviceUnavailable`` for a device torch does not see.
    """
    import torch

    from .heads import one_thread, predict, train

    started = time.perf_counter()
    for name, number in {"n_runs": n_runs, "batch_size": batch_size, "max_steps": max_steps, "patience": patience}.items():
        if number is not None and number < 1:
            raise InputError(f"{name} is {number}; pass 1 or more.")
    if (x_test is None) != (y_test is None):
        raise InputError("Test vectors and test labels go together; pass both or neither.")
    given = {"train": (x_train, y_train), "val": (x_val, y_val)} | ({} if x_test is None else {"test": (x_test, y_test)})
    parts = {name: _part(name, x, y) for name, (x, y) in given.items()}
    label = parts["train"][1]
    for name, (x, _) in parts.items():
        check_same_width(x_train, x, name=name)
    check_classes(label, name="training label")
    evaluated = "val" if x_test is None else "test"
    group = None if groups is None else column(groups, name="group", n=len(parts[evaluated][0]))
    if group is not None:
        x, own = parts[evaluated]
        parts[evaluated] = (x, Column(own.names, np.where(group.codes >= 0, own.codes, -1)))
        if (parts[evaluated][1].codes < 0).all():
            raise InputError(f"No {evaluated} row has both a label and a group; fill these columns in.")
    on = computing_device(device)
    tensors = {name: _tensors(name, x, own, label, on) for name, (x, own) in parts.items()}
    truth = tensors[evaluated][1].cpu().numpy()
    check_judged(truth, label.names, part=evaluated)
    recipe = _recipe(protocol, len(tensors["train"][0]), len(label.names), batch_size=batch_size, max_steps=max_steps, patience=patience)
    with one_thread():
        trained = train(tensors["train"], tensors["val"], n_classes=len(label.names), n_runs=n_runs, seed=seed, recipe=recipe)

    predicted = predict(trained.weight, tensors[evaluated][0]).cpu().numpy()
    n_classes = len(label.names)
    scores = [balanced_accuracy(truth, run) for run in predicted]
    rows = np.flatnonzero(parts[evaluated][1].codes >= 0)
    drawn = np.arange(len(truth)) if group is None else np.unique(group.codes[rows], return_inverse=True)[1]
    mean, *recall = recall_estimates(truth, (predicted == truth).mean(axis=0), groups=drawn, n_classes=n_classes, seed=seed)
    runs = (predicted[:, :, None] == np.arange(n_classes)).mean(axis=0)
    return ProbeReport(
        scores=tuple(scores),
        mean=mean.value,
        sd=float(np.std(scores, ddof=1)) if n_runs > 1 else float("nan"),
        interval=mean,
        chance=1 / n_classes,
        recall=dict(zip(label.names, recall, strict=True)),
        confusion=confusion(np.tile(truth, n_runs), predicted.ravel(), n_classes=n_classes),
        classes=label.names,
        evaluated=evaluated,
        n={name: len(x) for name, (x, _) in tensors.items()},
        dropped={name: int((own.codes < 0).sum()) for name, (_, own) in parts.items()},
        epochs=tuple(trained.epochs),
        best_epochs=tuple(trained.best_epoch),
        monitored=tuple(trained.monitored),
        seconds=time.perf_counter() - started,
        n_groups=0 if group is None else int(drawn.max()) + 1,
        protocol={
            "name": protocol,
            **asdict(recipe),
            "n_runs": n_runs,
            "interval": f"95 % bootstrap over {'rows' if group is None else 'groups'} of the mean of the runs, {N_RESAMPLES} resamples",
            "seed": seed,
            "device": str(on),
            "torch": str(torch.__version__),
        },
        mistakes=mistakes(truth, runs.argmax(axis=1), share=runs.max(axis=1), rows=rows, classes=label.names),
    )


def _part(name: str, x: Vectors, y: Any) -> tuple[Vectors, Column]:
    check_vectors(x, name=f"{name} vectors")
    return x, column(y, name=f"{name} label", n=len(x))


def _tensors(name: str, x: Vectors, own: Column, label: Column, device: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
    """The labelled rows of a part on the device, with the class numbers of the training rows."""
    import torch

    codes = renumber(own, label, part=name)[own.codes >= 0]
    return torch.from_numpy(x[own.codes >= 0]).to(device), torch.from_numpy(codes).to(device)


def _recipe(protocol: str, n_train: int, n_classes: int, *, batch_size: int | None, max_steps: int | None, patience: int | None) -> Recipe:
    from .heads import Recipe

    if protocol not in PROTOCOLS:
        raise InputError(f"There is no protocol {protocol!r}; choose one of {', '.join(PROTOCOLS)}.")
    paper = protocol == "eva-2024"
    batch_size = batch_size or (4096 if paper and n_train >= 40_960 else 256)
    max_steps = max_steps or MAX_STEPS
    max_epochs = max_steps / -(-n_train // batch_size)
    return Recipe(
        **PROTOCOLS[protocol],
        learning_rate=0.01 * batch_size / 4096 if paper else 3e-4,
        monitor="accuracy" if paper and n_classes == 2 else "balanced accuracy",
        batch_size=batch_size,
        max_steps=max_steps,
        patience=patience or max(1, int(np.ceil(max_epochs * (0.05 if paper else 0.2)))),
    )
