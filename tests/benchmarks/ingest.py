"""Memory and rate of taking 10 000 patches in and embedding them: both must not grow with their number.

    PYTHONPATH=. python tests/benchmarks/ingest.py [--patches 10000]

Prints the peak of resident memory above what the process held once everything was imported and the encoder loaded,
for a tenth of the patches and for all of them, each in a process of its own. The limit is 1 GB.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SIDE_PX = 224
DISTINCT = 250


def write(folder: Path, patches: int) -> None:
    """JPEG files: drawn tiles, each later copy with one changed pixel block, so that all pixels differ."""
    import numpy as np
    from PIL import Image as Pillow

    from explorer.sources import open_source

    source = open_source("synthetic", options={"n": DISTINCT, "side_px": SIDE_PX})
    tiles = [source.read(item.uri) for item in source.items()]
    random = np.random.default_rng(0)
    for number in range(patches):
        tile = tiles[number % DISTINCT].copy()
        tile[:16, :16] = random.integers(0, 255, 3)
        Pillow.fromarray(tile).save(folder / f"{number:06d}.jpg", quality=90)


def run(folder: Path, home: Path) -> None:
    """Ingest and embed in this process; print seconds and the growth of peak memory."""
    from explorer import encoders, settings
    from explorer.pipeline import embed, ingest
    from explorer.sources import open_source

    table = settings.read(home=home)
    encoder = encoders.load("descriptor")
    source = open_source(folder)
    encoder.encode(encoder.prepare(source.read(source.items()[0].uri))[None])
    before = peak_mb()
    started = time.process_time()
    collection = ingest(source, name="c", settings=table)
    taken, after_ingest = time.process_time() - started, peak_mb()
    embed(collection, encoder=encoder, settings=table)
    total = time.process_time() - started
    print(json.dumps({"n": collection.n, "ingest_cpu_s": taken, "embed_cpu_s": total - taken, "ingest_mb": after_ingest - before,
                      "all_mb": peak_mb() - before}))  # fmt: skip


def peak_mb() -> float:
    """Peak resident memory of this process so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--patches", type=int, default=10_000)
    parser.add_argument("--run", nargs=2, type=Path, metavar=("FOLDER", "HOME"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.run:
        run(*given.run)
        return
    for patches in (given.patches // 10, given.patches):
        with tempfile.TemporaryDirectory() as place:
            folder = Path(place) / "patches"
            folder.mkdir()
            write(folder, patches)
            command = [sys.executable, __file__, "--run", str(folder), str(Path(place) / "home")]
            out = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        print(
            f"{out['n']:>6} patches   peak above the encoder: ingest {out['ingest_mb']:.0f} MB, with embedding {out['all_mb']:.0f} MB"
            f"   {out['n'] / out['ingest_cpu_s']:.0f} ingested and {out['n'] / out['embed_cpu_s']:.0f} embedded per CPU second"
        )


if __name__ == "__main__":
    main()
