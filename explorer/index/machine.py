"""What of this machine can change the bytes of an index and its graph."""

from __future__ import annotations

from .exact import load_faiss
from .faiss_index import FLAT_UP_TO
from .graph import compares_all


def machine_facts(kind: str, n: int) -> dict[str, str | int]:
    """Kernels of BLAS and number of threads for an index of this kind (or ``auto``) over n rows; empty where they change nothing.

    They belong to the recipe: k-means sorts rows into lists by products in single precision, so another processor or
    another number of threads may sort a few rows into other lists.
    """
    from threadpoolctl import threadpool_info

    resolved = ("flat" if n <= FLAT_UP_TO else "ivf") if kind == "auto" else kind
    if compares_all(resolved, n):
        return {}
    faiss = load_faiss()
    libraries = sorted(threadpool_info(), key=lambda library: "faiss" not in library["filepath"])
    kernels = [
        f"{library['internal_api']} {library.get('architecture', '')}".strip() for library in libraries if library["user_api"] == "blas"
    ]
    return {"blas": kernels[0] if kernels else "unknown", "threads": int(faiss.omp_get_max_threads())}
