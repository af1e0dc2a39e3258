"""A source of drawn, H&E-like tissue: something to try everything on where no real slides are at hand.

Nothing it gives is real tissue, and every item says so: in its patient, slide and site, and in its ``synthetic``
column. Nine classes as in NCT-CRC-HE, shared out evenly over patients that differ in stain and belong to a few
laboratories, so that a measurement of what a model owes to the site has something to find.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..errors import ImageRejected, SourceError
from ..types import Image, Item, Reject
from .stain import SITES, STAINS, stain_of
from .tissue import CLASSES, draw

_ENDING = ".png"
_SLIDES = 2  # of each patient
_URI = re.compile(r"([A-Z]+)/p(\d{2,})/(\d{6,})(\.png)?")  # without the ending in collections made before tiles were files
_DEFAULTS: Mapping[str, Any] = {"n": 900, "seed": 0, "patients": 9, "side_px": 224, "mpp": 0.5, "classes": list(CLASSES)}


class SyntheticSource:
    """``n`` tiles of drawn tissue, each decided by the seed and its own uri alone.

    Options, all optional: ``n`` tiles, ``seed``, ``patients``, ``side_px`` and ``mpp`` of a tile, ``classes`` to draw.
    Raises ``SourceError`` for an option that is unknown or out of range.
    """

    kind = "synthetic"
    uri = "synthetic"

    def __init__(self, options: Mapping[str, Any] | None = None) -> None:
        given = dict(options or {})
        if unknown := sorted(set(given) - set(_DEFAULTS)):
            raise SourceError(f"Synthetic tissue has no option {unknown[0]!r}; the options are {', '.join(_DEFAULTS)}.")
        wanted = {**_DEFAULTS, **given}
        self._n = _whole(wanted, "n", at_least=1)
        self._seed = _whole(wanted, "seed", at_least=0)
        self._patients = _whole(wanted, "patients", at_least=1)
        self._side_px = _whole(wanted, "side_px", at_least=16, at_most=2048)
        self._mpp = _mpp(wanted["mpp"])
        self._classes = _classes(wanted["classes"])
        self.options: Mapping[str, Any] = {**wanted, "mpp": self._mpp, "classes": list(self._classes)}

    def items(self) -> Sequence[Item]:
        """All tiles in order; classes vary fastest, then patients, then slides."""
        return [self._item(number) for number in range(self._n)]

    def rejects(self) -> Sequence[Reject]:
        """None: nothing is passed over."""
        return ()

    def read(self, uri: str) -> Image:
        """Draw one tile: the same bytes on every call, in any order, in any thread. Raises ``ImageRejected``.

        Another processor or numpy may round a grey level otherwise.
        """
        match = _URI.fullmatch(uri)
        number = int(match[3]) if match else self._n
        if number >= self._n or self._place(number)[0] != f"{uri.removesuffix(_ENDING)}{_ENDING}":
            raise ImageRejected(f"not among the {self._n} synthetic tiles")
        _, label, patient, slide = self._place(number)
        rng = np.random.default_rng(np.random.SeedSequence(self._seed, spawn_key=(1, number)))
        return draw(label, rng=rng, side_px=self._side_px, stain=stain_of(self._seed, patient, slide), mpp=self._mpp)

    def _place(self, number: int) -> tuple[str, str, int, int]:
        """Uri, class, patient and slide of a tile."""
        block, kind = divmod(number, len(self._classes))
        turn, patient = divmod(block, self._patients)
        label = self._classes[kind]
        return f"{label}/p{patient:02d}/{number:06d}{_ENDING}", label, patient, turn % _SLIDES

    def _item(self, number: int) -> Item:
        uri, label, patient, slide = self._place(number)
        return Item(
            uri=uri,
            id=f"synthetic-{number:06d}",
            label=label,
            patient=f"synthetic-p{patient:02d}",
            slide=f"synthetic-p{patient:02d}-s{slide}",
            site=f"synthetic-site-{'ABC'[patient % SITES]}",
            mpp=self._mpp,
            extra={"stain": STAINS[patient % SITES], "synthetic": True},
        )


def _whole(options: Mapping[str, Any], name: str, *, at_least: int, at_most: int | None = None) -> int:
    value = options[name]
    whole = isinstance(value, int) and not isinstance(value, bool)
    if not whole or value < at_least or (at_most is not None and value > at_most):
        limit = f"of at least {at_least}" if at_most is None else f"from {at_least} to {at_most}"
        raise SourceError(f"Synthetic tissue got {name} = {value!r}; give a whole number {limit}.")
    return int(value)


def _mpp(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0.1 <= value <= 2.0:
        raise SourceError(f"Synthetic tissue got mpp = {value!r}; give micrometres per pixel from 0.1 to 2.")
    return float(value)


def _classes(value: Any) -> tuple[str, ...]:
    known = isinstance(value, list | tuple) and len(value) > 0 and all(label in CLASSES for label in value)
    if not known or len(set(value)) < len(value):
        raise SourceError(f"Synthetic tissue got classes = {value!r}; give a list of different classes out of {', '.join(CLASSES)}.")
    return tuple(value)
