"""Five runs of the linear probe against eva's way of training one: python tests/benchmarks/probe.py

eva keeps one file per embedding, collates batches from single rows, steps torch.optim and scores an epoch, one run after
the other. That loop is written out here, with files and (a harder peer) with the rows in memory. CPU time on one thread,
by step and run; the limit is 50 times faster than eva's loop.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

from explorer.evaluation import linear_probe

DIM, BATCH, N_RUNS, N_VAL, LIMIT = 384, 256, 5, 1280, 50


class Files(torch.utils.data.Dataset[Any]):
    """One ``.pt`` file for each embedding."""

    def __init__(self, folder: Path, x: torch.Tensor, y: torch.Tensor) -> None:
        self.y, self.paths = y, [folder / f"{i}.pt" for i in range(len(x))]
        folder.mkdir()
        for path, row in zip(self.paths, x, strict=True):
            torch.save([row.clone()], path)

    def __len__(self) -> int:
        return len(self.y)

    def __getitem__(self, i: int) -> Any:
        return torch.load(self.paths[i], weights_only=True)[0], self.y[i]


def plain_loop(part: Any, val: Any, *, n_classes: int, n_epochs: int) -> int:
    """One run of eva-2025 without early stopping; returns its steps."""
    head = torch.nn.Linear(DIM, 1 if n_classes == 2 else n_classes)
    loss_of = torch.nn.BCEWithLogitsLoss() if n_classes == 2 else torch.nn.CrossEntropyLoss()
    optimizer, steps = torch.optim.AdamW(head.parameters(), lr=3e-4), 0
    scheduler = torch.optim.lr_scheduler.ConstantLR(optimizer)
    for _ in range(n_epochs):
        for x, y in torch.utils.data.DataLoader(part, batch_size=BATCH, shuffle=True):
            logits = head(x).squeeze(-1)
            loss = loss_of(logits, y.float() if n_classes == 2 else y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            steps += 1
        scheduler.step()
        with torch.no_grad():
            for x, _ in torch.utils.data.DataLoader(val, batch_size=BATCH):
                head(x)
    return steps


def compare(n_classes: int, n: int) -> str:
    """Ours on all rows; the peers, whose steps cost the same whatever the number of rows, on fewer."""
    rng = np.random.default_rng(0)
    x, xv = (rng.normal(size=(m, DIM)).astype(np.float32) for m in (n, N_VAL))
    y, yv = (rng.integers(0, n_classes, m) for m in (n, N_VAL))
    few = min(n, 2_560)
    memory = [torch.utils.data.TensorDataset(torch.from_numpy(a), torch.from_numpy(b)) for a, b in ((x[:few], y[:few]), (xv, yv))]
    linear_probe(x[:600], y[:600], xv, yv, max_steps=20)  # what torch does once is not measured
    plain_loop(*memory, n_classes=n_classes, n_epochs=1)

    start = time.process_time()
    lean = plain_loop(*memory, n_classes=n_classes, n_epochs=3)
    in_memory = (time.process_time() - start) / lean
    with tempfile.TemporaryDirectory() as folder:
        files = [Files(Path(folder) / name, *each.tensors) for name, each in zip(("train", "val"), memory, strict=True)]
        start = time.process_time()
        steps = plain_loop(*files, n_classes=n_classes, n_epochs=1)
        from_files = (time.process_time() - start) / steps
    start = time.process_time()
    report = linear_probe(x, y, xv, yv, max_steps=2_000, patience=10**6, n_runs=N_RUNS)
    ours = (time.process_time() - start) / (report.epochs[0] * -(-n // BATCH) * N_RUNS)
    return (
        f"{n_classes} classes, {n} rows: ours {ours * 1e3:.3f} ms per step and run; eva's loop over files {from_files * 1e3:.1f} ms "
        f"= {from_files / ours:.0f}x (limit {LIMIT}x); its loop in memory {in_memory * 1e3:.2f} ms = {in_memory / ours:.0f}x; "
        f"5 runs of 12 500 steps {ours * 12_500 * N_RUNS:.1f} s"
    )


def main() -> None:
    torch.set_num_threads(1)
    for n_classes, n in ((9, 25_600), (2, 2_175), (4, 268)):
        print(compare(n_classes, n))


if __name__ == "__main__":
    main()
