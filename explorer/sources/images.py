"""The bytes of one file become one RGB picture, or a reason why not.

The content decides what a file is, never its name. Nothing is repaired or filled in: a picture that is cut off or
damaged is refused. JPEG is read by libjpeg-turbo through simplejpeg (bit-equal to Pillow, faster, and strict about
damage, which Pillow paints over); everything else by Pillow.
"""

from __future__ import annotations

import io
import os
import struct
import threading
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

import numpy as np
import PIL.Image
from jaxtyping import Num, UInt8
from PIL.TiffImagePlugin import TiffImageFile

from ..errors import ImageRejected
from ..types import Image, Limits

FORMATS = ("PNG", "JPEG", "TIFF", "BMP", "WEBP", "GIF", "JPEG2000")
SUFFIXES = {".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".tif", ".tiff", ".bmp", ".webp", ".gif", ".jp2", ".j2k"}
_JPEG = b"\xff\xd8\xff"
_PNG = b"\x89PNG\r\n\x1a\n"
_TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_PICTURES = (_JPEG, _PNG, *_TIFF, b"BM", b"GIF8", b"\0\0\0\x0cjP  ", b"\xff\x4f\xff\x51")
_OTHERS = {
    b"\xd0\xcf\x11\xe0": "an Office document",
    b"%PDF": "a PDF document",
    b"PK\x03\x04": "a zip archive or Office document",
    b"\x89HDF": "an HDF5 file",
    b"\x1f\x8b": "a gzip archive",
}
_EXIF_MARKS = (b"Exif", b"eXIf", b"exif", b"EXIF", b"tiff:Orientation")
_CUT = "cut off: the file ends before the picture does"

# What Pillow's readers raise on damaged files, gathered by feeding them damaged files.
_BROKEN = (
    OSError, SyntaxError, ValueError, TypeError, KeyError, IndexError, EOFError, AttributeError, OverflowError,
    ZeroDivisionError, AssertionError, NotImplementedError, RuntimeError, struct.error, zlib.error,
)  # fmt: skip

_warnings_lock = threading.Lock()


def decode(data: bytes, *, name: str, limits: Limits = Limits()) -> Image:  # noqa: B008 - frozen
    """(h w 3) uint8 RGB, writable, of the first picture in ``data``; ``name`` only serves the wording of a reason.

    - Grey, palette, 1-bit, CMYK and Lab are converted; transparent pixels lie on white, as glass does.
    - 16-bit samples keep their top eight bits (255 stands for 65535, nothing is stretched or clipped). Grey pictures
      none of whose samples needs more than 12 bits are taken as 12 bits, the way microscope cameras store them.
    - Floating point is read as 0..1, 0..255 or 0..65535, the smallest of these that holds it.
    - EXIF orientation is applied. Colour profiles are not: encoders were trained on the numbers as stored.
    - Of pages or frames, the first. Any size from 1 x 1 to ``limits.max_pixels`` is read.

    Raises ``ImageRejected`` with a reason for everything that is not a whole picture.
    """
    if not data:
        raise ImageRejected("empty file (0 bytes)")
    if not is_picture(data):
        raise ImageRejected(_what_it_is(data, name))
    try:
        if data.startswith(_JPEG):
            pixels = _jpeg(data, limits)
        else:
            pixels = _by_pillow(_core_chunks(data) if data.startswith(_PNG) else data, limits)
        if not data.startswith(_TIFF) and any(mark in data for mark in _EXIF_MARKS):  # Pillow turns TIFFs by itself
            pixels = _upright(pixels, _orientation(data))
    except MemoryError as error:
        raise ImageRejected("too large for this machine's memory") from error
    return pixels


def is_picture(head: bytes) -> bool:
    """Whether a file that begins with these bytes (16 are enough) is of a format read here."""
    return head.startswith(_PICTURES) or (head[:4] == b"RIFF" and head[8:12] == b"WEBP")


def check_bytes(size: int, limits: Limits) -> None:
    """Refuse a file too large for any picture within the limits (eight bytes a pixel) before it is read."""
    if size > 8 * limits.max_pixels:
        raise ImageRejected(f"{size} bytes are more than any picture within the limit of {limits.max_pixels} pixels needs")


def _jpeg(data: bytes, limits: Limits) -> Image:
    import simplejpeg

    try:
        try:
            header = _jpeg_header(data)
        except ValueError:  # stray bytes or damage among the metadata, which the picture does not need
            data = _core_segments(data)
            header = _jpeg_header(data)
        if header is None:
            return _by_pillow(data, limits)
        height, width, colours = header
        _check_size(width, height, limits)
        if colours in ("CMYK", "YCCK"):  # stored inverted, as Adobe does
            inverted = simplejpeg.decode_jpeg(data, colorspace="CMYK")
            return np.array(PIL.Image.frombytes("CMYK", (width, height), (255 - inverted).tobytes()).convert("RGB"))
        pixels: Image = simplejpeg.decode_jpeg(data)
    except ValueError as error:
        cut = str(error).startswith("Premature end")
        raise ImageRejected(_CUT if cut else "damaged, or a kind of JPEG this reader does not know") from error
    return pixels


def _jpeg_header(data: bytes) -> tuple[int, int, str] | None:
    """Height, width, colour space; None where TurboJPEG has no name for the chroma sampling (rare, and Pillow reads it)."""
    import simplejpeg

    try:
        height, width, colours, _ = simplejpeg.decode_jpeg_header(data)
    except KeyError:
        return None
    except ValueError as error:
        if "subsampling" in str(error):
            return None
        raise
    return height, width, colours


def _core_segments(data: bytes) -> bytes:
    """A JPEG without its metadata segments (all APPn but JFIF and Adobe, comments) and without bytes between segments."""
    kept, at = [data[:2]], 2
    while (at := data.find(b"\xff", at)) >= 0 and at + 4 <= len(data):
        marker, length = data[at + 1], int.from_bytes(data[at + 2 : at + 4], "big")
        if marker == 0xDA:  # start of scan: the rest is picture
            return b"".join([*kept, data[at:]])
        if marker in (0x00, 0xFF) or length < 2:
            at += 1
            continue
        if marker in (0xE0, 0xEE) or not (0xE0 <= marker <= 0xEF or marker == 0xFE):
            kept.append(data[at : at + 2 + length])
        at += 2 + length
    raise ImageRejected(_CUT)


def _core_chunks(data: bytes) -> bytes:
    """A PNG with only the chunks that make the picture: text and profile chunks can be bombs or broken."""
    kept, at = [_PNG], len(_PNG)
    while at + 8 <= len(data):
        end = at + 12 + int.from_bytes(data[at : at + 4], "big")
        if data[at + 4 : at + 8] in (b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"):
            kept.append(data[at:end])
        at = end
    return b"".join(kept)


def _by_pillow(data: bytes, limits: Limits) -> Image:
    try:
        with _quiet():
            picture = PIL.Image.open(io.BytesIO(data), formats=FORMATS)
            _check_size(*picture.size, limits, what=picture.format or "")
            if picture.format == "TIFF":
                with _stderr_closed():
                    picture.load()  # which reads its metadata, and remarks on them
        picture.load()
    except PIL.Image.DecompressionBombError as error:
        raise ImageRejected(f"more than {limits.max_pixels} pixels: taken for a decompression bomb") from error
    except PIL.UnidentifiedImageError as error:
        raise ImageRejected("damaged: its header cannot be read") from error
    except _BROKEN as error:
        cut = "truncated" in str(error).lower()
        raise ImageRejected(_CUT if cut else "damaged, or compressed in a way this reader does not know") from error
    if picture.mode == "P" and picture.palette is None:
        raise ImageRejected("damaged: its palette is missing")
    return _rgb(picture, depth=_depth(picture, data))


def _depth(picture: PIL.Image.Image, data: bytes) -> int:
    """Bits per sample as the file states them (Pillow does not say, and reads 16-bit colour as 8 bits)."""
    if isinstance(picture, TiffImageFile):
        return int(picture.tag_v2[258][0]) if 258 in picture.tag_v2 else 1
    return data[24] if data.startswith(_PNG) else 8


def _rgb(picture: PIL.Image.Image, *, depth: int) -> Image:
    if picture.mode.startswith(("I", "F")):
        grey = _eight_bits(np.asarray(picture))
        if isinstance(picture, TiffImageFile) and picture.tag_v2.get(262) == 0:  # white is zero; Pillow minds that up to 8 bits only
            grey = 255 - grey
        return np.repeat(grey[..., None], 3, axis=2)
    if picture.mode == "LAB":
        from PIL import ImageCms

        converted = ImageCms.profileToProfile(picture, ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB"), outputMode="RGB")
        return np.array(converted)
    if picture.has_transparency_data:
        layer = picture.convert("RGBA")
        picture = PIL.Image.alpha_composite(PIL.Image.new("RGBA", layer.size, "white"), layer)
    pixels = np.array(picture.convert("RGB"))
    if depth == 16 and pixels.max() < 16:  # only the high bytes are here
        raise ImageRejected("16-bit colour that uses only the lowest 12 bits (from a 12-bit camera?); save it with 8 bits per channel")
    return pixels


def _eight_bits(grey: Num[np.ndarray, "h w"]) -> UInt8[np.ndarray, "h w"]:
    """Deep grey to uint8 by the rules in ``decode``."""
    low, high = float(grey.min()), float(grey.max())
    if not (low >= 0 and high < 2**32):  # NaN fails both
        raise ImageRejected("pixel values are negative or not finite, so which of them is white is unknown")
    if grey.dtype.kind == "f":
        scale = next((255 / top for top in (1, 255, 65535) if high <= top), None)
        if scale is None:
            raise ImageRejected(f"floating point values reach {high:g}, so which of them is white is unknown")
        return np.rint(grey * scale).astype(np.uint8)
    bits = next(bits for bits in (12, 16, 24, 32) if high < 2**bits)
    return (grey >> (bits - 8)).astype(np.uint8)


def _check_size(width: int, height: int, limits: Limits, *, what: str = "") -> None:
    if width * height > limits.max_pixels:
        slide = "; it looks like a whole slide, which has to be cut into patches first" if what == "TIFF" else ""
        raise ImageRejected(f"{width} x {height} pixels are more than the limit of {limits.max_pixels} (setting max_pixels){slide}")


def _orientation(data: bytes) -> int:
    """The EXIF orientation, 1 to 8; 1 (upright) where there is none or it cannot be read."""
    try:
        with _quiet():
            value = PIL.Image.open(io.BytesIO(data), formats=FORMATS).getexif().get(0x0112)
    except (*_BROKEN, PIL.Image.DecompressionBombError):
        return 1
    return value if isinstance(value, int) else 1


def _upright(pixels: Image, orientation: int) -> UInt8[np.ndarray, "h2 w2 3"]:
    if orientation in (5, 6, 7, 8):
        pixels = pixels.swapaxes(0, 1)
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    return np.ascontiguousarray(pixels)


def _what_it_is(data: bytes, name: str) -> str:
    kind = next((text for magic, text in _OTHERS.items() if data.startswith(magic)), "")
    if data[128:132] == b"DICM":
        kind = "a DICOM file"
    elif not kind and b"\0" not in data[:1024]:
        kind = "text"
    suffix = PurePosixPath(name).suffix
    but = f", although its name ends in {suffix}" if suffix.lower() in SUFFIXES else ""
    return f"not a picture{but}: the content is {kind or 'of no known picture format'}"


@contextmanager
def _quiet() -> Iterator[None]:
    """Pillow's remarks on odd metadata are for its developers. The lock is there because Python's filters are global."""
    with _warnings_lock, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@contextmanager
def _stderr_closed() -> Iterator[None]:
    """libtiff writes its remarks to the process's own standard error, past Python. To be used under the lock of ``_quiet``."""
    try:
        kept = os.dup(2)
    except OSError:  # there is none
        yield
        return
    try:
        with Path(os.devnull).open("wb") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
