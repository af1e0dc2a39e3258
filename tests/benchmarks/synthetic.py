"""How fast synthetic tissue is drawn, class by class, on one core, beside the limit: staining and scanning alone.

python tests/benchmarks/synthetic.py
"""

from __future__ import annotations

import time

import numpy as np

from explorer.sources.stain import photograph, stain_of
from explorer.sources.synthetic import SyntheticSource
from explorer.sources.tissue import CLASSES

TILES = 20


def main() -> None:
    source = SyntheticSource({"n": 9 * TILES})
    uris = [item.uri for item in source.items()]
    for uri in uris[:9]:  # not timed: first use
        source.read(uri)
    rng = np.random.default_rng(0)
    sheet = rng.random((224, 224, 3), dtype=np.float32)
    start = time.thread_time()
    for _ in range(TILES):
        photograph(sheet, stain=stain_of(0, 0), rng=rng)
    limit = (time.thread_time() - start) / TILES
    seconds = {}
    for label in CLASSES:
        start = time.thread_time()
        for uri in uris:
            if uri.startswith(label):
                source.read(uri)
        seconds[label] = (time.thread_time() - start) / TILES
        print(f"{label:5} {1e3 * seconds[label]:6.1f} ms   {seconds[label] / limit:5.2f} x staining and scanning alone")
    mean = float(np.mean(list(seconds.values())))
    print(f"all   {1e3 * mean:6.1f} ms   {mean / limit:5.2f} x   {1.0 / mean:.0f} tiles/s of one core (224 px)")


if __name__ == "__main__":
    main()
