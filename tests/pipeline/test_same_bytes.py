"""The same bytes whatever the number of threads and the kernels of BLAS, or the recipe says so."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap

import numpy as np
from graphs import islands

from explorer import index, projection
from explorer.index import graph, machine

PROGRAM = """
    import hashlib, sys
    import numpy as np
    sys.path.insert(0, "tests")
    from graphs import islands
    from explorer import clustering, index, projection

    vectors, _ = islands(700, groups=9, dim=48)
    few = vectors[:160]
    near = index.knn_graph(few, index=index.build_store(few, device="cpu"), k=14)
    layout = projection.umap(few, neighbours=near, n_epochs=20)
    vectors[350:400] = vectors[0]  # more copies than a row has neighbours
    found = index.knn_graph(vectors, index=index.build_store(vectors, device="cpu"), k=30)
    xy = projection.pca(vectors)
    trust = projection.trustworthiness(found, xy, vectors=vectors)
    labels = clustering.leiden(found), clustering.kmeans(vectors, n_clusters=9)
    arrays = [found.rows, found.scores, layout, xy, trust.trustworthiness, trust.continuity, *labels]
    arrays += [clustering.medoids(vectors, labels[1]), clustering.borderline(vectors, labels[1])]
    print([hashlib.sha256(array.tobytes()).hexdigest()[:12] for array in arrays])
"""


def test_graph_map_and_clusters_have_the_same_bytes_with_other_threads_and_kernels() -> None:
    machines = ({"OMP_NUM_THREADS": "2"}, {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "OPENBLAS_CORETYPE": "Sandybridge"})
    runs = [
        subprocess.Popen(
            [sys.executable, "-W", "ignore", "-c", textwrap.dedent(PROGRAM)],
            env=os.environ | each,
            stdout=subprocess.PIPE,
        )
        for each in machines
    ]
    one, other = (run.communicate()[0] for run in runs)
    assert [run.returncode for run in runs] == [0, 0]
    assert one == other


def test_rounding_in_single_precision_does_not_decide_which_neighbour_is_nearer() -> None:
    """The search returns cosines that are off by a millionth, in both directions; the graph is that of double precision."""
    vectors, _ = islands(300, dim=24)
    vectors[100:160] = vectors[5]
    store = index.build_store(vectors, device="cpu")
    x = vectors.astype(np.float64) / np.linalg.norm(vectors.astype(np.float64), axis=1, keepdims=True)
    exact = np.round(x @ x.T, 6)

    class Noisy:
        kind, n, dim, n_bytes, settings, count, save = "flat", store.n, store.dim, 0, {}, store.count, store.save

        def search(self, queries: np.ndarray, k: int, *, allowed: object = None) -> tuple[np.ndarray, np.ndarray]:
            scores, rows = store.search(queries, store.n)
            scores = scores + np.random.default_rng(3).uniform(-1e-6, 1e-6, scores.shape).astype(np.float32)
            order = np.argsort(-scores, axis=1)[:, :k]
            return np.take_along_axis(scores, order, 1), np.take_along_axis(rows, order, 1)

    noisy = index.knn_graph(vectors, index=Noisy(), k=12)
    clean = index.knn_graph(vectors, index=store, k=12)
    np.testing.assert_array_equal(noisy.rows, clean.rows)
    np.testing.assert_array_equal(noisy.scores, clean.scores)
    for row in range(300):
        others = [other for other in np.lexsort((np.arange(300), -exact[row])).tolist() if other != row][:12]
        np.testing.assert_allclose(exact[row, clean.rows[row]], exact[row, others], atol=2e-6)
    copies = [5, *range(100, 160)]
    assert clean.rows[100].tolist() == [5, *range(101, 112)]  # copies are equally near: by row number
    assert set(clean.rows[copies].ravel().tolist()) <= set(copies)


def test_what_the_machine_can_change_stands_in_the_recipe() -> None:
    assert index.machine_facts("auto", 20_000) == index.machine_facts("flat", 5) == {}
    for kind, n in (("auto", 20_001), ("flat", 20_001), ("ivf", 5), ("ivf-refine", 5), ("auto", 10**7)):
        facts = index.machine_facts(kind, n)
        assert set(facts) == {"blas", "threads"}
        assert facts["threads"] >= 1
    assert graph.EXACT_UP_TO == 20_000
    assert machine.FLAT_UP_TO > graph.EXACT_UP_TO
    assert projection.processor()
