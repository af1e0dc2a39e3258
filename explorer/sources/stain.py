"""From amounts of dye to the colours a scanner records, for drawn tissue.

Light through a stained section falls off with the dye it meets (Beer-Lambert): ``I = I0 exp(-c S)`` with
concentrations ``c`` and one absorption vector per dye in ``S``. The laboratories' vectors lie about those of Ruifrok
and Johnston, "Quantification of histochemical staining by color deconvolution" (2001), and of Macenko et al.,
"A method for normalizing histology slides for quantitative analysis" (2009); each patient moves them a little.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Float64
from PIL import Image as Picture
from PIL import ImageFilter

from ..types import Image

Concentrations = Float32[np.ndarray, "h w 3"]
"""Haematoxylin, eosin and blood (eosin bound to haemoglobin) at each pixel; 1 is a well stained nucleus or fibre."""


@dataclass(frozen=True, slots=True)
class Stain:
    """How one slide was stained and scanned."""

    absorption: Float64[np.ndarray, "3 3"]
    """Optical density (natural logarithm) in red, green and blue of one unit of each dye, dye by dye."""
    white: Float64[np.ndarray, " 3"]
    """What the scanner records where there is no tissue, 0 to 255."""
    blur_px: float
    """Standard deviation of the optics' point spread."""
    noise: float
    """Standard deviation of the sensor's noise in grey levels."""


_BLOOD = (0.10, 0.74, 0.66)
_SITES = (  # name, haematoxylin, eosin, white point, blur in px, noise
    ("violet-pink", (0.58, 0.71, 0.40), (0.16, 0.87, 0.43), (243.0, 241.0, 244.0), 0.55, 1.6),
    ("deep-red", (0.51, 0.75, 0.42), (0.17, 0.82, 0.54), (240.0, 238.0, 236.0), 0.85, 2.6),
    ("pale-blue", (0.64, 0.68, 0.36), (0.19, 0.89, 0.40), (236.0, 240.0, 241.0), 0.70, 2.0),
)
_STRENGTH = ((1.00, 0.95), (1.22, 1.30), (0.82, 0.66))
SITES = len(_SITES)
"""Laboratories there are; patient ``p`` belongs to laboratory ``p % SITES``."""
STAINS = tuple(site[0] for site in _SITES)
"""What the stain of each laboratory looks like, in a word."""


def stain_of(seed: int, patient: int, slide: int = 0) -> Stain:
    """The stain of a slide: its laboratory's, moved by the patient's block; each slide is cut a little thicker or thinner."""
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(0, patient)))
    cut = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(0, patient, slide)))
    _, haematoxylin, eosin, white, blur_px, noise = _SITES[patient % SITES]
    vectors = np.array([haematoxylin, eosin, _BLOOD]) + rng.normal(0.0, 0.03, (3, 3))
    vectors = np.clip(vectors, 0.01, None)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    amount = np.array([*_STRENGTH[patient % SITES], 1.0]) * np.exp(rng.normal(0.0, 0.10, 3)) * np.exp(cut.normal(0.0, 0.05))
    return Stain(
        absorption=vectors * amount[:, None],
        white=np.clip(np.array(white) + rng.normal(0.0, 1.5, 3), 0.0, 250.0),
        blur_px=blur_px * float(np.exp(rng.normal(0.0, 0.12))),
        noise=noise,
    )


def photograph(concentrations: Concentrations, *, stain: Stain, rng: np.random.Generator) -> Image:
    """The scanner's image of a section: absorption, then blur of the optics, then noise of the sensor."""
    density = concentrations.reshape(-1, 3) @ stain.absorption.astype(np.float32)
    light = (np.exp(-density) * stain.white.astype(np.float32)).reshape(concentrations.shape)
    focus = stain.blur_px * float(np.exp(rng.normal(0.0, 0.2)))
    soft = Picture.fromarray(light.astype(np.uint8)).filter(ImageFilter.GaussianBlur(focus))
    grain = rng.standard_normal((*light.shape[:2], 1), dtype=np.float32) * stain.noise  # JPEG leaves little noise in the colour
    recorded: Image = np.clip(np.asarray(soft, dtype=np.float32) + grain + 0.5, 0.0, 255.0).astype(np.uint8)
    return recorded
