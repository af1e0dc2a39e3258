"""Functions used by all decoders: limits on size, deep samples to eight bits, transparency, orientation."""

from __future__ import annotations

import struct
import zlib

import numpy as np
import PIL.Image
from jaxtyping import Num, UInt8

from ..errors import ImageRejected
from ..types import Image, Limits

CUT = "cut off: the file ends before the picture does"
BROKEN = (
    OSError, SyntaxError, ValueError, TypeError, KeyError, IndexError, EOFError, AttributeError, OverflowError,
    ZeroDivisionError, AssertionError, NotImplementedError, RuntimeError, struct.error, zlib.error,
)  # fmt: skip
"""Errors that Pillow, tifffile and imagecodecs raise on damaged files, found by decoding damaged files."""
_MAX_BYTES_PER_PIXEL = 32
_GREY, _GREY_ALPHA, _RGB, _RGBA = 1, 2, 3, 4


def check_bytes(size: int, limits: Limits) -> None:
    """Refuse a file too large for any picture within the limits (eight bytes a pixel) before it is read."""
    if size > 8 * limits.max_pixels:
        raise ImageRejected(f"{size} bytes are more than any picture within the limit of {limits.max_pixels} pixels needs")


def check_size(width: int, height: int, limits: Limits, *, bytes_per_pixel: int = 1, slide: bool = False) -> None:
    """Refuse a picture of more pixels, or more bytes a pixel, than allowed, before it is decoded."""
    if width * height > limits.max_pixels:
        what = "; it looks like a whole slide, which has to be cut into patches first" if slide else ""
        raise ImageRejected(f"{width} x {height} pixels are more than the limit of {limits.max_pixels} (setting max_pixels){what}")
    if bytes_per_pixel > _MAX_BYTES_PER_PIXEL:
        raise ImageRejected(f"{bytes_per_pixel} bytes per pixel are more than a picture has; save it as an RGB PNG")


def rgb_of(samples: Num[np.ndarray, "h w channels"], *, what: str) -> Image:
    """Grey or RGB samples of any depth, with or without an alpha channel (not premultiplied), to RGB on white."""
    channels = samples.shape[2]
    if channels not in (_GREY, _GREY_ALPHA, _RGB, _RGBA):
        raise ImageRejected(f"{what} of {channels} channels, and only grey and RGB are read; save it as an RGB PNG")
    colours = channels - (channels in (_GREY_ALPHA, _RGBA))
    eight = eight_bits(samples[..., :colours])
    rgb = np.repeat(eight, 3, axis=2) if colours == _GREY else eight
    if colours == channels:
        return np.ascontiguousarray(rgb)
    return on_white(np.concatenate([rgb, full_range(samples[..., colours:])], axis=2))


def eight_bits(samples: Num[np.ndarray, "*shape"]) -> UInt8[np.ndarray, "*shape"]:
    """Deep samples to uint8 by the rules of ``images.decode``. Raises ``ImageRejected`` where white is unknown."""
    if samples.dtype == np.uint8:
        return samples
    low, high = float(samples.min()), float(samples.max())
    if not (low >= 0 and high < 2**32):  # NaN fails both
        raise ImageRejected("pixel values are negative or not finite, so which of them is white is unknown; save it as an 8-bit PNG")
    if samples.dtype.kind == "f":
        scale = next((255 / top for top in (1, 255, 65535) if high <= top), None)
        if scale is None:
            raise ImageRejected(f"floating point values reach {high:g}, so which of them is white is unknown; save it as an 8-bit PNG")
        rounded: UInt8[np.ndarray, "*shape"] = np.rint(samples * scale).astype(np.uint8)
        return rounded
    bits = next(bits for bits in (8, 12, 16, 24, 32) if high < 2**bits)
    shifted: UInt8[np.ndarray, "*shape"] = (samples >> (bits - 8)).astype(np.uint8)
    return shifted


def full_range(samples: Num[np.ndarray, "*shape"]) -> UInt8[np.ndarray, "*shape"]:
    """Samples to uint8 by the range of their type alone, as opacity is stored."""
    is_float = samples.dtype.kind == "f"
    scaled = np.rint(np.clip(samples, 0, 1) * 255) if is_float else samples >> (8 * samples.dtype.itemsize - 8)
    top: UInt8[np.ndarray, "*shape"] = scaled.astype(np.uint8)
    return top


def on_white(rgba: UInt8[np.ndarray, "h w 4"], *, premultiplied: bool = False) -> Image:
    """A transparent picture on a white background."""
    layer = PIL.Image.frombytes("RGBa" if premultiplied else "RGBA", rgba.shape[1::-1], rgba.tobytes()).convert("RGBA")
    return np.array(PIL.Image.alpha_composite(PIL.Image.new("RGBA", layer.size, "white"), layer).convert("RGB"))


def converted(samples: UInt8[np.ndarray, "h w channels"], mode: str) -> Image:
    """8-bit samples of one of Pillow's colour spaces (CMYK, YCbCr, LAB) to RGB."""
    return picture_rgb(PIL.Image.frombytes(mode, samples.shape[1::-1], samples.tobytes()))


def picture_rgb(picture: PIL.Image.Image) -> Image:
    """A Pillow picture to RGB; Lab through its definition, as Pillow has no direct way."""
    if picture.mode == "LAB":
        from PIL import ImageCms

        profiles = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
        picture = ImageCms.profileToProfile(picture, *profiles, outputMode="RGB") or picture
    return np.array(picture.convert("RGB"))


def upright(pixels: Image, orientation: int) -> UInt8[np.ndarray, "h2 w2 3"]:
    """The picture turned according to its EXIF orientation (1 to 8)."""
    if orientation in (5, 6, 7, 8):
        pixels = pixels.swapaxes(0, 1)
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    return np.ascontiguousarray(pixels)
