"""Exact cosine search in blocks, with the query's own row or patient left out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float32, Int64

from ..types import Rows, Vectors
from .devices import computing_device

CHUNK = 64
BLOCK_BYTES = 100_000_000

Spans = Int64[np.ndarray, "q 2"]
"""For each query the half-open range of base rows it may not see; rows of one patient lie together."""


def nearest(
    queries: Float32[np.ndarray, "q d"], base: Vectors, *, k: int, hidden: Sequence[Spans] = (), device: str = "auto"
) -> list[Rows]:
    """The k nearest base rows of each query (both of length 1), nearest first, -1 where there are fewer.

    One answer for each entry of ``hidden``, whose ranges must grow from one entry to the next (own row, own patient),
    so that all answers come from one product of the matrices. With no entry, one answer with nothing hidden.

    The k best of a row lie in the k chunks of columns with the best maxima; only these are sorted.
    ``device`` is a name as ``computing_device`` takes it.
    """
    import torch

    on = computing_device(device)
    base_t = torch.from_numpy(base).to(on)
    n, n_chunks = len(base), -(-len(base) // CHUNK)
    block = max(1, min(len(queries), BLOCK_BYTES // (4 * n_chunks * CHUNK)))
    buffer = torch.full((block, n_chunks * CHUNK), -torch.inf, device=on)
    answers = [np.full((len(queries), k), -1, np.int64) for _ in hidden or (None,)]
    for start in range(0, len(queries), block):
        stop = min(start + block, len(queries))
        scores = buffer[: stop - start]
        torch.mm(torch.from_numpy(queries[start:stop]).to(on), base_t.T, out=scores[:, :n])
        for i, answer in enumerate(answers):
            if hidden:
                _hide(scores, hidden[i][start:stop])
            best = _best(scores, min(k, n))
            answer[start:stop, : best.shape[1]] = best
    return answers


def _hide(scores: object, spans: Spans) -> None:
    """Runs of queries with equal ranges (one patient's rows) are hidden at once."""
    ends = np.flatnonzero(np.any(spans[1:] != spans[:-1], axis=1)) + 1
    for first, last in zip([0, *ends], [*ends, len(spans)], strict=True):
        scores[first:last, spans[first, 0] : spans[first, 1]] = -np.inf  # type: ignore[index]


def _best(scores, k: int) -> Rows:  # type: ignore[no-untyped-def]
    import torch

    chunks = scores.view(len(scores), -1, CHUNK)
    top = chunks.amax(2).topk(min(k, chunks.shape[1]), dim=1).indices
    candidates = chunks.gather(1, top[:, :, None].expand(-1, -1, CHUNK)).flatten(1)
    value, place = candidates.topk(k, dim=1)
    rows = top.gather(1, place // CHUNK) * CHUNK + place % CHUNK
    return torch.where(value > -torch.inf, rows, -1).cpu().numpy()
