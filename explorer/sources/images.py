"""The bytes of one file become one RGB picture, or a reason why not.

The content decides what a file is, never its name. Nothing is repaired or filled in: a picture that is cut off or
damaged is refused. One reader per format: JPEG by simplejpeg (``jpeg``), TIFF by tifffile (``tiff``), JPEG XL by
imagecodecs (``jpeg_xl``), everything else by Pillow. JPEG-LS is refused: its decoder may never end on a cut file.
"""

from __future__ import annotations

import io
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import PurePosixPath

import numpy as np
import PIL.Image

from ..errors import ImageRejected
from ..types import Image, Limits
from .jpeg import SIGNATURE as JPEG
from .jpeg import decode_jpeg, is_jpeg_ls
from .jpeg_xl import decode_jpeg_xl, is_jpeg_xl
from .samples import BROKEN, CUT, check_bytes, check_size, eight_bits, on_white, picture_rgb, rgb_of, upright
from .tiff import decode_tiff

__all__ = ["SUFFIXES", "check_bytes", "decode", "foreign_format", "is_picture"]

SUFFIXES = {
    ".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".tif", ".tiff", ".bmp", ".webp", ".gif", ".jp2", ".j2k", ".avif", ".jxl", ".jls",
}  # fmt: skip
_PILLOW = ("PNG", "JPEG", "BMP", "WEBP", "GIF", "JPEG2000", "AVIF")
_PNG = b"\x89PNG\r\n\x1a\n"
_TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_JPEG_2000 = (b"\0\0\0\x0cjP  ", b"\xff\x4f\xff\x51")
_PICTURES = (JPEG, _PNG, *_TIFF, *_JPEG_2000, b"BM", b"GIF8")
_OTHERS = {
    b"\xd0\xcf\x11\xe0": "an Office document",
    b"%PDF": "a PDF document",
    b"PK\x03\x04": "a zip archive or Office document",
    b"\x89HDF": "an HDF5 file",
    b"\x1f\x8b": "a gzip archive",
    b"II\xbc\x01": "a JPEG XR picture, which is not read; save it as a PNG",
    b"8BPS": "a Photoshop document; save it as a PNG",
}
_HEIF = (b"heic", b"heix", b"hevc", b"mif1", b"msf1")
_EXIF_MARKS = (b"Exif", b"eXIf", b"exif", b"EXIF", b"tiff:Orientation")
_MAX_HIGH_BYTE_OF_12_BITS = 15
_SIZ_DEPTH = 42
"""Distance of the depth of the first component from the start of a JPEG 2000 code stream, in bytes."""

_warnings_lock = threading.Lock()


def decode(data: bytes, *, name: str, limits: Limits = Limits()) -> Image:  # noqa: B008 - frozen
    """(h w 3) uint8 RGB, writable, of the first picture in ``data``; ``name`` only serves the wording of a reason.

    - Grey, palette, 1-bit, CMYK, YCbCr and Lab are converted; transparent pixels lie on white, as glass does.
    - Samples of more than 8 bits: pictures none of whose values needs more than 8 bits are taken as they are, or more
      than 12 bits as 12 bits, the way microscope cameras store them. Others keep their top eight bits (255 stands for
      65535; nothing is stretched or clipped).
    - Floating point is read as 0..1, 0..255 or 0..65535, the smallest of these that holds it.
    - EXIF orientation is applied. Colour profiles are not: encoders were trained on the numbers as stored.
    - Of pages or frames, the first. Three 8-bit channels in pages of their own (OME, ImageJ) are put together; other
      channels in pages, and stacks in depth or time, are refused. Any size from 1 x 1 to ``limits.max_pixels`` is read.

    Raises ``ImageRejected`` with a reason for everything that is not a whole picture.
    """
    if not data:
        raise ImageRejected("empty file (0 bytes)")
    if not is_picture(data):
        raise ImageRejected(_what_it_is(data, name))
    try:
        return np.require(_decode(data, limits), requirements=["C", "W", "O"])
    except MemoryError as error:
        raise ImageRejected("too large for this machine's memory") from error


def is_picture(head: bytes) -> bool:
    """Whether a file that begins with these bytes (16 are enough) is of a format read here."""
    return head.startswith(_PICTURES) or (head[:4] == b"RIFF" and head[8:12] == b"WEBP") or _is_avif(head) or is_jpeg_xl(head)


def foreign_format(head: bytes) -> str:
    """The reason why a file that begins with these bytes (132 are enough) is not read, where its format is DICOM or HEIC; else empty."""
    if head[128:132] == b"DICM":
        return "a DICOM file, which is not read; save it as a PNG"
    if head[4:8] == b"ftyp" and head[8:12] in _HEIF:
        return "HEIC, which is not read; save it as a PNG"
    return ""


def _decode(data: bytes, limits: Limits) -> Image:
    if data.startswith(_TIFF):
        return decode_tiff(data, limits)
    if is_jpeg_xl(data):
        return decode_jpeg_xl(data, limits)
    if is_jpeg_ls(data):
        raise ImageRejected("JPEG-LS, which is not read; save it as a PNG")
    pixels = decode_jpeg(data, limits) if data.startswith(JPEG) else None
    if pixels is None:
        pixels = _by_pillow(_core_chunks(data) if data.startswith(_PNG) else data, limits)
    if _is_avif(data) or any(mark in data for mark in _EXIF_MARKS):
        pixels = upright(pixels, _orientation(data))
    return pixels


def _is_avif(head: bytes) -> bool:
    return head[4:12] in (b"ftypavif", b"ftypavis")


def _core_chunks(data: bytes) -> bytes:
    """A PNG with only the chunks that make the picture: text and profile chunks can be bombs or broken."""
    parts, at = [_PNG], len(_PNG)
    while at + 8 <= len(data):
        end = at + 12 + int.from_bytes(data[at : at + 4], "big")
        if data[at + 4 : at + 8] in (b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"):
            parts.append(data[at:end])
        at = end
    return b"".join(parts)


def _by_pillow(data: bytes, limits: Limits) -> Image:
    try:
        with _quiet():
            picture = PIL.Image.open(io.BytesIO(data), formats=_PILLOW)
            check_size(*picture.size, limits)
        picture.load()
    except PIL.Image.DecompressionBombError as error:
        raise ImageRejected(f"more than {limits.max_pixels} pixels: taken for a decompression bomb") from error
    except PIL.UnidentifiedImageError as error:
        raise ImageRejected("damaged: its header cannot be read") from error
    except BROKEN as error:
        cut = "truncated" in str(error).lower()
        raise ImageRejected(CUT if cut else "damaged, or compressed in a way this reader does not know; save it as a PNG") from error
    if picture.mode == "P" and picture.palette is None:
        raise ImageRejected("damaged: its palette is missing")
    return _rgb(picture, data)


def _rgb(picture: PIL.Image.Image, data: bytes) -> Image:
    if data.startswith(_JPEG_2000) and picture.mode != "CMYK" and (bits := _jpeg_2000_bits(data)) > 8:
        return _deep_jpeg_2000(data, bits)
    if picture.mode.startswith(("I", "F")):
        return rgb_of(np.asarray(picture)[..., None], what="a grey picture")
    if picture.has_transparency_data:
        return on_white(np.asarray(picture.convert("RGBA")))
    pixels = picture_rgb(picture)
    if pixels.max() <= _MAX_HIGH_BYTE_OF_12_BITS and (deep := _deep_samples(data)) is not None:
        return np.ascontiguousarray(eight_bits(deep))
    return pixels


def _deep_samples(data: bytes) -> np.ndarray | None:
    """(h w 3) uint16 of a PNG of 16-bit colour, of which Pillow gives only the high bytes; None where there is nothing deeper."""
    import imagecodecs

    if not data.startswith(_PNG):
        return None
    samples = imagecodecs.png_decode(data)
    return samples if samples.dtype == np.uint16 and samples.ndim == 3 and samples.shape[2] == 3 else None


def _jpeg_2000_bits(data: bytes) -> int:
    """Bits per sample as the SIZ marker states them for the first component (ITU-T T.800, A.5.1); 0 where there is none."""
    at = data.find(b"\xff\x4f\xff\x51", max(data.find(b"jp2c"), 0)) + _SIZ_DEPTH
    return (data[at] & 0x7F) + 1 if _SIZ_DEPTH <= at < len(data) else 0


def _deep_jpeg_2000(data: bytes, bits: int) -> Image:
    """JPEG 2000 of more than 8 bits. Pillow rounds its samples up beyond 255, so that white becomes black."""
    import imagecodecs

    try:
        samples = imagecodecs.jpeg2k_decode(data)
    except imagecodecs.Jpeg2kError as error:
        raise ImageRejected(f"JPEG 2000 of {bits} bits in a form that is not read; save it as a PNG") from error
    if samples.dtype != np.uint16:
        raise ImageRejected(f"JPEG 2000 of {bits} bits with signed or very deep samples, which is not read; save it as a PNG")
    return rgb_of(np.atleast_3d(samples) << (16 - bits), what="a JPEG 2000 picture")


def _orientation(data: bytes) -> int:
    """The EXIF orientation, 1 to 8; 1 (upright) where there is none or it cannot be read."""
    try:
        with _quiet():
            value = PIL.Image.open(io.BytesIO(data), formats=_PILLOW).getexif().get(0x0112)
    except (*BROKEN, PIL.Image.DecompressionBombError):
        return 1
    return value if isinstance(value, int) else 1


def _what_it_is(data: bytes, name: str) -> str:
    kind = foreign_format(data) or next((text for magic, text in _OTHERS.items() if data.startswith(magic)), "")
    if not kind and b"\0" not in data[:1024]:
        kind = "text"
    suffix = PurePosixPath(name).suffix
    but = f", although its name ends in {suffix}" if suffix.lower() in SUFFIXES else ""
    return f"not a picture{but}: the content is {kind or 'of no known picture format'}"


@contextmanager
def _quiet() -> Iterator[None]:
    """Suppress Pillow's warnings on unusual metadata. The lock is needed because Python's warning filters are global."""
    with _warnings_lock, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
