"""The public data sets of Table I: classes, splits, sizes, licences, addresses.

Splits, labels and checksums are those of kaiko's eva (https://github.com/kaiko-ai/eva), so that scores can be compared.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Remote:
    """A file on the publisher's server."""

    url: str
    gives: str
    """Path of the unpacked file or folder, relative to the data set's folder: a folder of a zip, or the file in a gzip."""
    size_bytes: int
    md5: str = ""
    """md5 of the downloaded file, if the publisher gives it."""
    md5_unpacked: str = ""
    """md5 of the file inside a gzip."""

    @property
    def file(self) -> str:
        """Name of the file on the publisher's server."""
        return self.url.partition("?")[0].rpartition("/")[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Benchmark:
    """One data set."""

    name: str
    title: str
    classes: tuple[str, ...]
    """Labels in the order of their class numbers."""
    counts: Mapping[str, int]
    """Pictures in each split."""
    needs: tuple[str, ...]
    """Files and folders it consists of, relative to its folder."""
    mpp: float
    licence: str
    licence_url: str
    terms: str
    """The terms of the licence, in a sentence."""
    cite: str
    remotes: tuple[Remote, ...] = ()
    form: str = ""
    """How to get it where its publisher asks for a form, as the end of a sentence that starts "To get it, "."""
    part_of: str = ""
    """The data set whose folder it shares, where it is a part of one."""

    @property
    def folder(self) -> str:
        """Name of its folder among the data sets, and at a mirror."""
        return self.part_of or self.name

    @property
    def command(self) -> str:
        """The command that downloads it."""
        return "explorer demo --real --accept-licence" if self.part_of else f"explorer benchmark --tasks {self.name} --accept-licence"

    @property
    def title_and_licence(self) -> str:
        """One line to show before a download."""
        return f"{self.title}: {self.licence} ({self.licence_url}). {self.terms} Cite {self.cite}."

    def missing(self, folder: Path) -> list[str]:
        """Those of ``needs`` that are not in ``folder``."""
        return [path for path in self.needs if not (folder / path).exists()]


_PCAM_MD5 = {
    "train_x": "01844da899645b4d6f84946d417ba453",
    "train_y": "0781386bf6c2fb62d58ff18891466aca",
    "valid_x": "81cf9680f1724c40673f10dc88e909b1",
    "valid_y": "94d8aacc249253159ce2a2e78a86e658",
    "test_x": "2614b2e6717d6356be141d9d6dbfcb7e",
    "test_y": "11ed647efe9fe457a4eb45df1dba19ba",
}
_PCAM_BYTES = {"train_x": 6_400_000_000, "valid_x": 800_000_000, "test_x": 800_000_000}

_CRC_CLASSES = ("ADI", "BACK", "DEB", "LYM", "MUC", "MUS", "NORM", "STR", "TUM")
_CRC_VAL = Remote(
    url="https://zenodo.org/records/1214456/files/CRC-VAL-HE-7K.zip?download=1",
    gives="CRC-VAL-HE-7K",
    size_bytes=800_000_000,
    md5="2fd1651b4f94ebd818ebf90ad2b6ce06",
)

BENCHMARKS: dict[str, Benchmark] = {
    "bach": Benchmark(
        name="bach",
        title="BACH (ICIAR 2018, breast)",
        classes=("Benign", "InSitu", "Invasive", "Normal"),
        counts={"train": 268, "val": 132},
        needs=("ICIAR2018_BACH_Challenge/Photos",),
        mpp=0.42,
        licence="CC BY-NC-ND 4.0",
        licence_url="https://creativecommons.org/licenses/by-nc-nd/4.0/",
        terms="Name its authors; no commercial use; changed copies may not be passed on.",
        cite="Aresta et al. 2019, doi 10.1016/j.media.2019.05.010",
        remotes=(
            Remote(
                url="https://zenodo.org/records/3632035/files/ICIAR2018_BACH_Challenge.zip",
                gives="ICIAR2018_BACH_Challenge/Photos",
                size_bytes=10_400_000_000,
            ),
        ),
    ),
    "crc": Benchmark(
        name="crc",
        title="CRC (NCT-CRC-HE-100K and CRC-VAL-HE-7K, colorectal)",
        classes=_CRC_CLASSES,
        counts={"train": 100_000, "val": 7_180},
        needs=("NCT-CRC-HE-100K", "CRC-VAL-HE-7K"),
        mpp=0.5,
        licence="CC BY 4.0",
        licence_url="https://creativecommons.org/licenses/by/4.0/",
        terms="Name its authors.",
        cite="Kather et al. 2018, doi 10.5281/zenodo.1214456",
        remotes=(
            Remote(
                url="https://zenodo.org/records/1214456/files/NCT-CRC-HE-100K.zip?download=1",
                gives="NCT-CRC-HE-100K",
                size_bytes=11_700_000_000,
                md5="035777cf327776a71a05c95da6d6325f",
            ),
            _CRC_VAL,
        ),
    ),
    "crc-val": Benchmark(
        name="crc-val",
        part_of="crc",
        title="CRC-VAL-HE-7K (colorectal, nine tissues)",
        classes=_CRC_CLASSES,
        counts={"val": 7_180},
        needs=("CRC-VAL-HE-7K",),
        mpp=0.5,
        licence="CC BY 4.0",
        licence_url="https://creativecommons.org/licenses/by/4.0/",
        terms="Name its authors.",
        cite="Kather et al. 2018, doi 10.5281/zenodo.1214456",
        remotes=(_CRC_VAL,),
    ),
    "mhist": Benchmark(
        name="mhist",
        title="MHIST (colorectal polyps)",
        classes=("SSA", "HP"),
        counts={"train": 2_175, "val": 977},
        needs=("images", "annotations.csv"),
        mpp=2.0,
        licence="Dataset Research Use Agreement",
        licence_url="https://bmirds.github.io/MHIST/#accessing-dataset",
        terms="For research; it may not be passed on.",
        cite="Wei et al. 2021, arXiv 2101.12355",
        form="fill in the form at https://bmirds.github.io/MHIST/#accessing-dataset, then unpack images.zip",
    ),
    "pcam": Benchmark(
        name="pcam",
        title="PatchCamelyon (lymph node)",
        classes=("no_tumor", "tumor"),
        counts={"train": 262_144, "val": 32_768, "test": 32_768},
        needs=tuple(f"camelyonpatch_level_2_split_{part}.h5" for part in _PCAM_MD5),
        mpp=1.0,
        licence="CC0 1.0",
        licence_url="https://creativecommons.org/publicdomain/zero/1.0/",
        terms="Free for any use.",
        cite="Veeling et al. 2018, arXiv 1806.03962",
        remotes=tuple(
            Remote(
                url=f"https://zenodo.org/records/2546921/files/camelyonpatch_level_2_split_{part}.h5.gz?download=1",
                gives=f"camelyonpatch_level_2_split_{part}.h5",
                size_bytes=_PCAM_BYTES.get(part, 100_000),
                md5_unpacked=md5,
            )
            for part, md5 in _PCAM_MD5.items()
        ),
    ),
}
"""Data sets by name."""
