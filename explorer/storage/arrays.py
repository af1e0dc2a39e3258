"""Arrays of artifacts. The header of a file decides how much memory is asked for, so it is compared with the file's size first."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import ArtifactDamaged

_MOST_HEADER_BYTES = 10_000


def array_shape(path: Path) -> tuple[tuple[int, ...], np.dtype[Any]]:
    """Shape and dtype of a .npy file. Raises ``ArtifactDamaged`` where its header is none or its data are not of that size."""
    try:
        with path.open("rb") as file:
            version = np.lib.format.read_magic(file)
            read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
            shape, _, dtype = read(file, max_header_size=_MOST_HEADER_BYTES)
            n_bytes = file.tell() + math.prod(shape) * dtype.itemsize
        if dtype.hasobject or any(side < 0 for side in shape) or n_bytes != path.stat().st_size:
            raise ValueError("its header does not fit its size")
    except (ValueError, SyntaxError, TypeError, EOFError) as error:
        raise ArtifactDamaged(f"{path} is damaged ({str(error)[:80]}); delete its folder and run the step again.") from error
    return shape, dtype


def read_array(path: Path) -> Any:
    """The array of a .npy file, memory-mapped and read-only. Raises ``ArtifactDamaged``."""
    shape, _ = array_shape(path)
    return np.load(path, mmap_mode="r" if math.prod(shape) else None, allow_pickle=False)
