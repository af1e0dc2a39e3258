"""FaissIndex: cosine search whose kind follows the size of the collection.

    flat        every row is compared with the query; exact (up to 200 000 rows)
    ivf         k-means sorts the rows into lists, and the lists nearest to the query are read
    ivf-refine  the same over 1-bit codes, with the best candidates compared again in half precision
                (where the vectors themselves would take more than 6 GB)

How many lists a search reads is not a constant: it is measured at build time as the least that reaches the recall aimed
at, however the vectors lie; so is how many candidates are compared again. 1-bit codes were chosen over product
quantisation because on a spectrum like that of real encoders they need far fewer candidates, and over 8-bit codes
because memory is what this kind is for. A filtered search compares every allowed row, so it is exact at any
selectivity, in each kind.

Methods: Johnson, Douze, Jégou, "Billion-scale similarity search with GPUs", 2017 (flat, IVF); Gao and Long, "RaBitQ",
2024 (1-bit codes); both as FAISS implements them.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext
from pathlib import Path
from threading import Lock
from typing import Any, cast

import numpy as np
from jaxtyping import Bool, Float

from ..cosine import unit
from ..errors import InputError
from ..types import Progress, Queries, Report, Rows, Scores, ignore
from ..wording import counted
from .exact import BLAS_FROM, blocks, exact_search, in_order, load_faiss, one_thread, padded, unit_blocks, without_self
from .recall import AIM, HALF_PRECISION_AIM, PROMISED, RECALL_K, Truth, some_rows

FILE = "index.faiss"
KINDS = ("flat", "ivf", "ivf-refine")
FLAT_UP_TO = 200_000
"""Rows up to which an index is flat. One query then takes about 25 ms of one core at 384 numbers a row."""
IVF_UP_TO_BYTES = 6 << 30
"""Bytes of float32 vectors; above, the index stores them in half precision."""
MOST_REFINED = 512
"""Maximal number of candidates compared again per hit; more would be slower than a scan."""
GPU_MOST = 2048
"""FAISS returns no more hits than this from a GPU, and reads no more lists there."""


class FaissIndex:
    """An index over the rows of one collection; see ``build_index``. Safe to search from several threads."""

    def __init__(self, raw: Any, settings: Mapping[str, Any], *, device: str = "auto") -> None:
        self.raw = raw
        """FAISS's own index, in main memory. Nothing outside of this room uses it."""
        self._settings = dict(settings)
        self._gpu = _on_gpu(raw, self._settings, device)
        self._gpu_lock = Lock()  # FAISS allows one thread at a time on a GPU

    @property
    def kind(self) -> str:
        """One of ``KINDS``."""
        return str(self._settings["kind"])

    @property
    def n(self) -> int:
        """Number of rows."""
        return int(self.raw.ntotal)

    @property
    def dim(self) -> int:
        """Numbers in a row."""
        return int(self.raw.d)

    @property
    def n_bytes(self) -> int:
        """Main memory of the stored vectors; a copy on a GPU is not counted."""
        bits = {"flat": 32.0, "ivf": 32.0, "ivf-refine": 17.0}[self.kind]
        return int(self.n * self.dim * bits / 8)

    def count(self, *, allowed: Bool[np.ndarray, " n"] | None = None) -> int:
        """Rows that a search with this filter chooses from."""
        return self.n if allowed is None else int(allowed.sum())

    @property
    def settings(self) -> dict[str, Any]:
        """JSON values: kind, seed, measured recall, lists and how many are read, and the device of unfiltered searches."""
        return self._settings | {"device": "cpu" if self._gpu is None else "gpu"}

    def save(self, folder: Path) -> None:
        """Write the index into a folder; ``store.open_store`` reads it again."""
        load_faiss().write_index(self.raw, str(folder / FILE))

    def search(self, queries: Float[np.ndarray, "q d"], k: int, *, allowed: Bool[np.ndarray, " n"] | None = None) -> tuple[Scores, Rows]:
        """The k rows of highest cosine for each query, among the ``allowed`` ones (True for a row that may be returned).

        Returns scores float32 (q k) and rows int64 (q k), best first, equal scores by row number; where there are fewer
        than k rows, -inf and -1. With ``allowed`` the result is exact with regard to the vectors the index holds, and is
        computed on the CPU. Raises ``InputError`` when a shape does not fit the index or k is not positive.
        """
        if queries.shape[1] != self.dim:
            raise InputError(
                f"The queries have {queries.shape[1]} numbers a row and the index {self.dim}; embed them with the collection's encoder."
            )
        if k < 1:
            raise InputError(f"Asked for the {k} nearest rows; ask for at least 1.")
        if allowed is not None and len(allowed) != self.n:
            raise InputError(
                f"The filter has {counted(len(allowed), 'entry')} and the index {counted(self.n, 'row')}; give one entry per row."
            )
        directions, most = unit(queries), min(k, self.n)
        with one_thread() if len(directions) == 1 else nullcontext():
            hits = self._nearest(directions, most) if allowed is None else self._nearest_within(directions, most, allowed)
        return padded(*in_order(*hits), k)

    def _nearest(self, queries: Queries, k: int) -> tuple[Scores, Rows]:
        if self.kind == "flat":
            return self._run(queries, k)
        scores, rows = self._run(queries, k, self._reading(self._settings["nprobe"]))
        short = rows.min(axis=1) < 0  # the lists read held fewer than k rows
        if short.any():
            scores[short], rows[short] = self.raw.search(queries[short], k, params=self._reading(self._settings["nlist"]))
        return scores, rows

    def _run(self, queries: Queries, k: int, params: Any = None) -> tuple[Scores, Rows]:
        if self._gpu is None or k > GPU_MOST:
            return cast(tuple[Scores, Rows], self.raw.search(queries, k, params=params))
        with self._gpu_lock:
            return cast(tuple[Scores, Rows], self._gpu.search(queries, k, params=params))

    def _reading(self, nprobe: int) -> Any:
        """FAISS's parameters for a search of ``nprobe`` lists."""
        faiss = load_faiss()
        lists = faiss.SearchParametersIVF(nprobe=nprobe)
        if self.kind == "ivf":
            return lists
        return faiss.IndexRefineSearchParameters(k_factor=self._settings["k_factor"], base_index_params=lists)

    def _nearest_within(self, queries: Queries, k: int, allowed: Bool[np.ndarray, " n"]) -> tuple[Scores, Rows]:
        faiss = load_faiss()
        if self.kind == "flat" and queries.size >= BLAS_FROM:  # with a selector, FAISS would use no matrix products
            stored = faiss.rev_swig_ptr(self.raw.get_xb(), self.n * self.dim).reshape(self.n, self.dim)
            return exact_search(queries, k, ((rows, stored[rows]) for rows in blocks(np.flatnonzero(allowed))))
        selector = faiss.IDSelectorBitmap(np.packbits(allowed, bitorder="little"))
        if self.kind == "ivf":  # reading every list is a scan
            params = faiss.SearchParametersIVF(sel=selector, nprobe=self._settings["nlist"])
            return cast(tuple[Scores, Rows], self.raw.search(queries, k, params=params))
        held = self.raw if self.kind == "flat" else faiss.downcast_index(self.raw.refine_index)
        return cast(tuple[Scores, Rows], held.search(queries, k, params=faiss.SearchParameters(sel=selector)))


def build_index(
    vectors: Float[np.ndarray, "n d"], *, kind: str = "auto", seed: int = 0, device: str = "auto", report: Report = ignore
) -> FaissIndex:
    """An index over the directions of ``vectors``; they need not be normalised and may be memory-mapped.

    ``kind`` is one of ``KINDS``, or ``auto`` for the one that suits the size. ``device`` is auto, cpu, cuda, cuda:1 or mps;
    FAISS knows GPUs of CUDA only. The same vectors and seed give the same index.
    Raises ``InputError`` for an unknown kind or no vectors, ``VectorsNotFinite`` as ``unit`` does.
    """
    n, dim = vectors.shape
    if n == 0:
        raise InputError("There are no vectors to index; embed at least one patch first.")
    if kind == "auto":
        kind = "flat" if n <= FLAT_UP_TO else "ivf" if n * dim * 4 <= IVF_UP_TO_BYTES else "ivf-refine"
    if kind not in KINDS:
        raise InputError(f"There is no index kind {kind!r}; choose auto, {', '.join(KINDS)}.")
    raw = fill(vectors, kind=kind, seed=seed, report=report)
    if kind == "flat":
        return FaissIndex(raw, {"kind": kind, "seed": seed, "recall": 1.0, "recall_k": RECALL_K}, device=device)
    return _tuned(raw, vectors, kind=kind, seed=seed, device=device)


def fill(vectors: Float[np.ndarray, "n d"], *, kind: str, seed: int, report: Report = ignore) -> Any:
    """A trained FAISS index that holds the vectors, normalised block by block."""
    faiss = load_faiss()
    n, dim = vectors.shape
    nlist = max(1, min(round(2 * n**0.5), n // 39))  # FAISS asks for 39 training rows a list
    recipe = {"flat": "Flat", "ivf": f"IVF{nlist},Flat", "ivf-refine": f"IVF{nlist},RaBitQfs,Refine(SQfp16)"}[kind]
    raw = faiss.index_factory(dim, recipe, faiss.METRIC_INNER_PRODUCT)
    if kind != "flat":
        clustering = faiss.extract_index_ivf(raw).cp
        clustering.seed = seed
        clustering.min_points_per_centroid = 1  # a few rows make one list, without a warning
        raw.train(unit(vectors[some_rows(n, 64 * nlist, seed)]))
    for rows, block in unit_blocks(vectors):
        raw.add(block)
        report(Progress("index", int(rows[-1]) + 1, n, unit="rows"))
    return raw


def _tuned(raw: Any, vectors: Float[np.ndarray, "n d"], *, kind: str, seed: int, device: str) -> FaissIndex:
    """The index with the least nprobe (and k_factor) that reaches the recall aimed at on a sample of rows."""
    lists = load_faiss().extract_index_ivf(raw)
    truth = Truth.of_sample(vectors, k=RECALL_K, seed=seed)
    likeness = truth.queries @ lists.quantizer.reconstruct_n(0, lists.nlist).T
    aim = AIM if kind == "ivf" else HALF_PRECISION_AIM
    nprobe = truth.lists_needed(vectors, lists.quantizer, likeness, aim=aim)
    facts = {"kind": kind, "seed": seed, "recall_k": RECALL_K, "nlist": lists.nlist, "nprobe": nprobe, "k_factor": 1}
    index = FaissIndex(raw, facts, device=device)
    settings = index._settings  # tuned in place: a second index would be a second copy on the GPU
    while True:
        found = without_self(*index.search(truth.queries, RECALL_K + 1), truth.rows)[1]
        settings["recall"] = truth.share(vectors, found)
        if kind == "ivf" or settings["recall"] >= PROMISED or settings["k_factor"] >= MOST_REFINED:
            return index
        settings["k_factor"] *= 2


def _on_gpu(raw: Any, settings: Mapping[str, Any], device: str) -> Any:
    """A copy on the GPU that ``device`` names (``auto`` and ``cuda``: the first); None where it names none, where there is none,
    where FAISS has no GPU form of the index (refined, or of too many lists), and where it does not fit.
    ``FaissIndex.settings`` says which.
    """
    faiss = load_faiss()
    if device not in ("auto", "cuda") and not device.startswith("cuda:"):
        return None
    number = int(device.removeprefix("cuda:")) if ":" in device else 0
    if faiss.get_num_gpus() <= number or settings["kind"] == "ivf-refine" or settings.get("nprobe", 0) > GPU_MOST:
        return None
    try:
        return faiss.index_cpu_to_gpu(faiss.StandardGpuResources(), number, raw)
    except RuntimeError as error:
        if "out of memory" not in str(error):
            raise
        return None
