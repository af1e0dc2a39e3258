"""BACH, CRC, MHIST and PatchCamelyon in the layouts of their publishers, with the splits of kaiko's eva.

Each is one source over all its splits. ``items`` raises an error for an incomplete data set, because a score on part of it
cannot be compared with a published one.
"""

from __future__ import annotations

from abc import abstractmethod
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from ..errors import ImageRejected, SourceError
from ..types import Image, Item, Limits, Reject
from ..wording import counted
from .base import Listed
from .benchmark_table import BENCHMARKS, Benchmark
from .hdf5 import Hdf5Source
from .metadata import convert, find_columns, make_item
from .table_reader import read_table

BACH_TRAIN = ((0, 41), (59, 60), (90, 139), (169, 240), (258, 260), (273, 345), (368, 400))
BACH_VAL = ((41, 59), (60, 90), (139, 169), (240, 258), (260, 273), (345, 368))
"""Half-open ranges over all pictures by class and file name; eva chose them so that no patient is in both."""
BACH_PER_CLASS = 100
CRC_SPLITS = {"NCT-CRC-HE-100K": "train", "CRC-VAL-HE-7K": "val"}
MHIST_COLUMNS = {"uri": "Image Name", "label": "Majority Vote Label", "split": "Partition"}
MHIST_SPLITS = {"train": "train", "test": "val"}
PCAM_SPLITS = {"train": "train", "valid": "val", "test": "test"}


class BenchmarkSource(Listed):
    """Base class of the four: a folder that contains everything in ``Benchmark.needs``. Raises ``SourceError`` otherwise."""

    def __init__(self, kind: str, root: Path, limits: Limits) -> None:
        super().__init__(root, limits)
        self.kind = kind
        self.benchmark = BENCHMARKS[kind]
        if missing := self._missing():
            raise SourceError(not_here(self.benchmark, self._root, missing))

    def _missing(self) -> list[str]:
        """What the folder lacks."""
        return self.benchmark.missing(self._root)

    def _list(self) -> tuple[list[Item], list[Reject]]:
        items, rejects = self._found()
        check_whole(self.benchmark, (item.split for item in items), where=self.uri)
        unknown = next((item for item in items if item.label not in self.benchmark.classes), None)
        if unknown is not None:
            raise SourceError(
                f"{unknown.uri} in {self.uri} has the label {unknown.label!r}, which {self.benchmark.title} does not have; fetch it again."
            )
        return [replace(item, mpp=self.benchmark.mpp) for item in items], rejects

    @abstractmethod
    def _found(self) -> tuple[list[Item], list[Reject]]:
        """Pictures and rejects in the layout of the publisher. Raises ``SourceError``."""

    def _class_folder(self, folder: str, label: str) -> tuple[list[Item], list[Reject]]:
        """The .tif files of a class by name, as torchvision's ``make_dataset`` orders them, and what else lies there.

        ``folder`` holds the classes and ends in a slash, or is empty.
        """
        path = self._root / folder / label
        if not path.is_dir():
            raise SourceError(f"{self.benchmark.title} has no folder {path}; fetch it again.")
        names = sorted(entry.name for entry in path.iterdir())
        items = [make_item(f"{folder}{label}/{name}", {}, {}, label=label) for name in names if name.lower().endswith(".tif")]
        others = [Reject(f"{folder}{label}/{name}", "not a .tif file") for name in names if not name.lower().endswith(".tif")]
        return items, others


class BachSource(BenchmarkSource):
    """``ICIAR2018_BACH_Challenge/Photos/<class>/*.tif``, or its folder ``Photos`` by itself."""

    def _missing(self) -> list[str]:
        return [] if self._is_photos() else super()._missing()

    def _is_photos(self) -> bool:
        return all((self._root / label).is_dir() for label in self.benchmark.classes)

    def _found(self) -> tuple[list[Item], list[Reject]]:
        folder = "" if self._is_photos() else f"{self.benchmark.needs[0]}/"
        items: list[Item] = []
        rejects: list[Reject] = []
        for label in self.benchmark.classes:
            found, others = self._class_folder(folder, label)
            if len(found) != BACH_PER_CLASS:  # the split counts pictures, so a missing one would shift all that follow
                raise SourceError(
                    f"{self._root / folder / label} holds {counted(len(found), 'picture')} instead of {BACH_PER_CLASS}, "
                    "so its splits would shift; fetch BACH again, or leave --kind out to take labels without splits."
                )
            items += found
            rejects += others
        split = dict.fromkeys((row for first, end in BACH_TRAIN for row in range(first, end)), "train")
        split |= dict.fromkeys((row for first, end in BACH_VAL for row in range(first, end)), "val")
        return [replace(item, split=split[row]) for row, item in enumerate(items)], rejects


class CrcSource(BenchmarkSource):
    """``NCT-CRC-HE-100K/<class>/*.tif`` (train) and ``CRC-VAL-HE-7K/<class>/*.tif`` (val, other patients), or the latter alone."""

    def _found(self) -> tuple[list[Item], list[Reject]]:
        items: list[Item] = []
        rejects: list[Reject] = []
        for folder in self.benchmark.needs:
            for label in self.benchmark.classes:
                found, others = self._class_folder(f"{folder}/", label)
                items += [replace(item, split=CRC_SPLITS[folder]) for item in found]
                rejects += others
        return items, rejects


class MhistSource(BenchmarkSource):
    """``images/*.png`` and ``annotations.csv``; the official test partition is the val split."""

    def _found(self) -> tuple[list[Item], list[Reject]]:
        path = self._root / "annotations.csv"
        table = read_table(path.read_bytes(), name=str(path))
        columns = find_columns(table.columns, MHIST_COLUMNS)
        items = []
        for record in convert(table, columns, empty=()).records():
            item = make_item(f"images/{record[columns['uri']]}", record, columns)
            items.append(replace(item, id=str(record[columns["uri"]]), split=MHIST_SPLITS.get(item.split or "")))
        return items, []


class PcamSource(BenchmarkSource):
    """``camelyonpatch_level_2_split_{train,valid,test}_{x,y}.h5``; a picture is ``train/x[17]``."""

    def __init__(self, kind: str, root: Path, limits: Limits) -> None:
        super().__init__(kind, root, limits)
        self._files = {
            split: Hdf5Source(self._root / f"camelyonpatch_level_2_split_{name}_x.h5", limits) for name, split in PCAM_SPLITS.items()
        }

    def read(self, uri: str) -> Image:
        split, _, place = uri.partition("/")
        if split not in self._files:
            raise ImageRejected("there is no such row")
        return self._files[split].read(place)

    def _found(self) -> tuple[list[Item], list[Reject]]:
        return [
            replace(item, uri=f"{split}/{item.uri}", id=f"{split}/{item.id}", split=split)
            for split, file in self._files.items()
            for item in file.items()
        ], []


SOURCES: Mapping[str, type[BenchmarkSource]] = {
    "bach": BachSource,
    "crc": CrcSource,
    "crc-val": CrcSource,
    "mhist": MhistSource,
    "pcam": PcamSource,
}


def check_whole(benchmark: Benchmark, splits: Iterable[str | None], *, where: str) -> None:
    """Raises ``SourceError`` where a split has fewer or more pictures than it should."""
    found = Counter(splits)
    wrong = [f"{counted(found[split], f'{split} picture')} instead of {n}" for split, n in benchmark.counts.items() if found[split] != n]
    if stray := sum(n for split, n in found.items() if split not in benchmark.counts):
        wrong.append(f"{counted(stray, 'picture')} in none of its splits")
    if wrong:
        raise SourceError(
            f"{benchmark.title} in {where} has {' and '.join(wrong)}; "
            "fetch it again into another folder, or leave --kind out to take what is there."
        )


def not_here(benchmark: Benchmark, folder: Path, missing: Sequence[str]) -> str:
    """The sentence that says what to fetch and where to put it, under 300 characters for a folder of some 40."""
    packed = [path for path in missing if (folder / f"{path}.gz").exists()]
    if packed:
        return (
            f"{benchmark.title} is packed in {folder}; unpack {counted(len(packed), 'file')} there with 'gunzip *.gz', and build it again."
        )
    title = benchmark.title.partition(" (")[0]
    first = f"{title} is not whole in {folder}: {_some(missing)} {'is' if len(missing) == 1 else 'are'} missing"
    if benchmark.form:
        return f"{first}; to get it, {benchmark.form} and put {_some(benchmark.needs)} there, under its {benchmark.licence}."
    remotes = [remote for remote in benchmark.remotes if remote.gives in missing]
    pages, _, names = zip(*(remote.url.partition("?")[0].rpartition("/") for remote in remotes), strict=True)
    size_gb = sum(remote.size_bytes for remote in remotes) / 1e9
    return (
        f"{first}; run '{benchmark.command}' to fetch {size_gb:.1f} GB under {benchmark.licence}, "
        f"or unpack {_some(names) if len(names) < 3 else 'them'} from {pages[0].removesuffix('/files')} there."
    )


def _some(names: Sequence[str]) -> str:
    """Two names, or the first and the number of the others."""
    return " and ".join(names) if len(names) < 3 else f"{names[0]} and {counted(len(names) - 1, 'other file')}"
