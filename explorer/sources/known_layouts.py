"""Public data sets that are recognised by the names of their files, in any folder.

Kather et al. 2016 and 2018 (colorectal), BACH (Aresta et al. 2019), BreakHis (Spanhol et al. 2016), LC25000 (Borkowski et al.
2019), invasive ductal carcinoma (Janowczyk & Madabhushi 2016), Camelyon17 as in WILDS (Koh et al. 2021), PANDA (Bulten et al.
2022) cut into tiles. Pure: names in, fields out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Fields = dict[str, Any]

_BREAKHIS = re.compile(
    r"(?:^|/)SOB_(?P<group>[BM])_(?P<type>A|F|PT|TA|DC|LC|MC|PC)-(?P<case>\d+-\d+[A-Z]*)-(?P<magnification>40|100|200|400)-\d+\.png$"
)
_BREAKHIS_TYPES = {
    "A": "adenosis",
    "F": "fibroadenoma",
    "PT": "phyllodes_tumor",
    "TA": "tubular_adenoma",
    "DC": "ductal_carcinoma",
    "LC": "lobular_carcinoma",
    "MC": "mucinous_carcinoma",
    "PC": "papillary_carcinoma",
}
_WILDS = re.compile(r"(?:^|/)(?P<patient>patient_\d+)_node_(?P<node>\d+)/patch_patient_\d+_node_\d+_x_(?P<x>\d+)_y_(?P<y>\d+)\.png$")
_IDC = re.compile(r"(?:^|/)(?P<patient>\d+)_idx\d+_x(?P<x>\d+)_y(?P<y>\d+)_class(?P<label>[01])\.png$")
_BACH = ("Benign", "InSitu", "Invasive", "Normal")
_CRC = ("ADI", "BACK", "DEB", "LYM", "MUC", "MUS", "NORM", "STR", "TUM")
_CRC_SPLITS = (("NCT-CRC-HE", "train"), ("CRC-VAL-HE", "val"))


@dataclass(frozen=True, slots=True)
class KnownLayout:
    """A layout: its name, and the fields given by the path of a picture (None where the path does not fit the layout)."""

    title: str
    fields: Callable[[str], Fields | None]
    least: int
    """Different labels that have to be there for it to be recognised."""
    kind: str = ""
    """The ``--kind`` that takes the whole data set with its published splits."""


def recognise(pictures: Sequence[str]) -> KnownLayout | None:
    """The layout that all pictures (except a few) have; None where there is none."""
    for layout in LAYOUTS:
        found = [fields for name in pictures if (fields := layout.fields(name)) is not None]
        if found and len(found) >= 0.9 * len(pictures) and len({fields.get("label") for fields in found}) >= layout.least:
            return layout
    return None


def wilds_path(record: Mapping[str, Any]) -> str | None:
    """The picture that a line of the metadata.csv of WILDS Camelyon17 describes; None where it is not such a line."""
    try:
        patient, node, x, y = (int(record[name]) for name in ("patient", "node", "x_coord", "y_coord"))
    except (KeyError, TypeError, ValueError):
        return None
    return f"patches/patient_{patient:03}_node_{node}/patch_patient_{patient:03}_node_{node}_x_{x}_y_{y}.png"


def _class_folder(
    classes: Sequence[str], *, above: str = "", suffix: str = "", split: Sequence[tuple[str, str]] = ()
) -> Callable[[str], Fields | None]:
    """Fields of a path in which the folder right above the picture is a class, one further up is called ``above``, and the name
    ends in ``suffix``.
    """
    known = frozenset(classes)

    def fields(name: str) -> Fields | None:
        folders = name.split("/")[:-1]
        if not folders or folders[-1] not in known or (above and above not in folders[:-1]) or not name.lower().endswith(suffix):
            return None
        part = next((part for start, part in split if any(folder.startswith(start) for folder in folders)), None)
        return {"label": folders[-1], "split": part}

    return fields


def _breakhis(name: str) -> Fields | None:
    found = _BREAKHIS.search(name)
    if found is None:
        return None
    return {
        "label": "benign" if found["group"] == "B" else "malignant",
        "patient": found["case"],
        "slide": found["case"],
        "extra": {"tumor_type": _BREAKHIS_TYPES[found["type"]], "magnification": int(found["magnification"])},
    }


def _wilds(name: str) -> Fields | None:
    found = _WILDS.search(name)
    return {"patient": found["patient"], "extra": {"node": int(found["node"])}} if found else None


def _idc(name: str) -> Fields | None:
    found = _IDC.search(name)
    return {"label": found["label"], "patient": found["patient"]} if found else None


LAYOUTS = (
    KnownLayout("BACH", _class_folder(_BACH, above="Photos"), least=2, kind="bach"),
    KnownLayout("BACH", _class_folder(_BACH, suffix=".tif"), least=len(_BACH), kind="bach"),  # the folder Photos by itself
    KnownLayout("CRC-VAL-HE-7K", _class_folder(_CRC, above="CRC-VAL-HE-7K", split=_CRC_SPLITS), least=5, kind="crc-val"),
    KnownLayout(
        "NCT-CRC-HE-100K and CRC-VAL-HE-7K",
        _class_folder(_CRC, split=_CRC_SPLITS),
        least=5,
        kind="crc",
    ),
    KnownLayout("BreakHis", _breakhis, least=1),
    KnownLayout("LC25000", _class_folder(("colon_aca", "colon_n", "lung_aca", "lung_n", "lung_scc")), least=2),
    KnownLayout(
        "Kather 2016",
        _class_folder(("01_TUMOR", "02_STROMA", "03_COMPLEX", "04_LYMPHO", "05_DEBRIS", "06_MUCOSA", "07_ADIPOSE", "08_EMPTY")),
        least=2,
    ),
    KnownLayout("invasive ductal carcinoma of Janowczyk & Madabhushi", _idc, least=1),
    KnownLayout("Camelyon17 of WILDS", _wilds, least=1),
)
