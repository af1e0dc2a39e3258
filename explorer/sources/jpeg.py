"""JPEG by libjpeg-turbo through simplejpeg: bit-equal to Pillow, faster, and strict about damage, which Pillow hides."""

from __future__ import annotations

import numpy as np
from jaxtyping import UInt8

from ..errors import ImageRejected
from ..types import Image, Limits
from .samples import CUT, check_size, converted

SIGNATURE = b"\xff\xd8\xff"
_SCAN, _JFIF, _ADOBE, _COMMENT = 0xDA, 0xE0, 0xEE, 0xFE
_FRAMES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC} | {0xF7}
_LOSSLESS, _JPEG_LS = {0xC3, 0xC7, 0xCB, 0xCF}, 0xF7
_DEEP_BITS = 12
_COLOURS = {1: "GRAY", 3: "RGB", 4: "CMYK"}


def decode_jpeg(data: bytes, limits: Limits) -> Image | None:
    """(h w 3) uint8 of a JPEG file; None for the rare kinds that only Pillow reads (lossless, unusual chroma sampling).

    CMYK is taken as inverted where an Adobe marker says who wrote it, as Adobe does, and as it stands elsewhere.
    Raises ``ImageRejected``.
    """
    import simplejpeg

    try:
        try:
            header = _header(data)
        except ValueError:  # stray bytes or damage among the metadata, which the picture does not need
            data = _core_segments(data)
            header = _header(data)
        if header is None:
            return None
        height, width, colours = header
        check_size(width, height, limits)
        if colours in ("CMYK", "YCCK"):
            inks = simplejpeg.decode_jpeg(data, colorspace="CMYK")
            return converted(255 - inks if _has_adobe_marker(data) else inks, "CMYK")
        pixels: Image = simplejpeg.decode_jpeg(data)
    except ValueError as error:
        if frame_marker(data) in _LOSSLESS:
            return None
        if _bits(data) == _DEEP_BITS:
            raise ImageRejected("a JPEG of 12 bits per sample, which is not read; save it as a PNG") from error
        raise ImageRejected(_reason(error)) from error
    return pixels


def decode_jpeg_segment(
    data: bytes, *, tables: bytes | None, samples: int, ycbcr: bool, shape: tuple[int, int]
) -> UInt8[np.ndarray, "h w samples"]:
    """A strip or tile of a TIFF: a JPEG of its own, or one without its ``tables``, which lie in tag 347.

    ``ycbcr`` says the colour space of three samples, which such a JPEG leaves to the TIFF. Raises ``ImageRejected``.
    """
    import simplejpeg

    shared = tables[2:-2] if tables else b""
    adobe = b"\xff\xee\x00\x0eAdobe\x00\x64\x00\x00\x00\x00" + bytes([ycbcr])
    whole = data[:2] + (adobe if samples != 1 else b"") + shared + _without_colour_markers(data[2:])
    try:
        size = frame_size(whole)
        if size is not None and (size[0] > shape[1] or size[1] > shape[0]):
            raise ImageRejected("damaged: a part of it is larger than the whole")
        pixels: UInt8[np.ndarray, "h w samples"] = simplejpeg.decode_jpeg(whole, colorspace=_COLOURS[samples])
    except ValueError as error:
        raise ImageRejected(_reason(error)) from error
    return pixels


def frame_marker(data: bytes) -> int | None:
    """The second byte of the marker that says which kind of JPEG this is (0xC0 baseline ... 0xF7 JPEG-LS)."""
    frame = _frame(data)
    return None if frame is None else data[frame + 1]


def is_jpeg_ls(data: bytes) -> bool:
    """Whether a file with the signature of JPEG is JPEG-LS (ITU-T T.87)."""
    return data.startswith(SIGNATURE) and frame_marker(data) == _JPEG_LS


def frame_size(data: bytes) -> tuple[int, int, int] | None:
    """(width, height, components) as the frame header of a JPEG or JPEG-LS states them."""
    frame = _frame(data)
    if frame is None or frame + 10 > len(data):
        return None
    height, width = (int.from_bytes(data[at : at + 2], "big") for at in (frame + 5, frame + 7))
    return width, height, data[frame + 9]


def _bits(data: bytes) -> int | None:
    """Bits per sample as the frame header states them."""
    frame = _frame(data)
    return None if frame is None or frame + 4 >= len(data) else data[frame + 4]


def _frame(data: bytes) -> int | None:
    """Where the frame header begins, walking from segment to segment."""
    at = 2
    while at + 4 <= len(data) and data[at] == 0xFF:
        marker, length = data[at + 1], int.from_bytes(data[at + 2 : at + 4], "big")
        if marker in _FRAMES:
            return at
        if marker == _SCAN:
            return None
        at += 1 if marker == 0xFF else 2 + length
    return None


def _header(data: bytes) -> tuple[int, int, str] | None:
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


def _segments(data: bytes) -> list[tuple[int, bytes]]:
    """(marker, bytes) of everything before the scan, and the scan with what follows; bytes between segments are left out."""
    found: list[tuple[int, bytes]] = []
    at = 0
    while (at := data.find(b"\xff", at)) >= 0 and at + 4 <= len(data):
        marker, length = data[at + 1], int.from_bytes(data[at + 2 : at + 4], "big")
        if marker == _SCAN:
            return [*found, (marker, data[at:])]
        if marker in (0x00, 0xFF) or length < 2:
            at += 1
            continue
        found.append((marker, data[at : at + 2 + length]))
        at += 2 + length
    raise ImageRejected(CUT)


def _core_segments(data: bytes) -> bytes:
    """A JPEG without its metadata segments (all APPn but JFIF and Adobe, comments) and without bytes between segments."""
    parts = [part for marker, part in _segments(data[2:]) if not _is_metadata(marker) or marker in (_JFIF, _ADOBE)]
    return data[:2] + b"".join(parts)


def _without_colour_markers(segments: bytes) -> bytes:
    return b"".join(part for marker, part in _segments(segments) if not _is_metadata(marker))


def _is_metadata(marker: int) -> bool:
    return 0xE0 <= marker <= 0xEF or marker == _COMMENT


def _has_adobe_marker(data: bytes) -> bool:
    return any(marker == _ADOBE and part[4:9] == b"Adobe" for marker, part in _segments(data[2:]))


def _reason(error: ValueError) -> str:
    return CUT if str(error).startswith("Premature end") else "damaged, or a kind of JPEG this reader does not know; save it as a PNG"
