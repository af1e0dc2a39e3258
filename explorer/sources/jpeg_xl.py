"""JPEG XL (ISO/IEC 18181) by imagecodecs; its size is read from the header first, so that no bomb is decoded."""

from __future__ import annotations

from ..errors import ImageRejected
from ..types import Image, Limits
from .samples import BROKEN, check_size, rgb_of

_BARE = b"\xff\x0a"
_BOXED = b"\0\0\0\x0cJXL \r\n\x87\n"
_RATIOS = ((1, 1), (12, 10), (4, 3), (3, 2), (16, 9), (5, 4), (2, 1))
_SIZE_BITS = (9, 13, 18, 30)
_HEADER_BYTES = 12


def is_jpeg_xl(head: bytes) -> bool:
    """Whether a file that begins with these bytes is JPEG XL, bare or in boxes."""
    return head.startswith((_BARE, _BOXED))


def decode_jpeg_xl(data: bytes, limits: Limits) -> Image:
    """(h w 3) uint8 RGB of the first frame, turned as it says. Raises ``ImageRejected``."""
    import imagecodecs

    header = _codestream(data)[:_HEADER_BYTES]
    if not header.startswith(_BARE) or len(header) < _HEADER_BYTES:
        raise ImageRejected("damaged JPEG XL: its header cannot be read")
    check_size(*_jpeg_xl_size(header), limits)
    try:
        samples = imagecodecs.jpegxl_decode(data, index=0, numthreads=1)
    except BROKEN as error:
        raise ImageRejected("damaged or cut off JPEG XL") from error
    return rgb_of(samples if samples.ndim == 3 else samples[..., None], what="a JPEG XL picture")


def _codestream(data: bytes) -> bytes:
    """The beginning of the codestream, which may lie in boxes (whole in ``jxlc``, else its parts in ``jxlp``)."""
    if data.startswith(_BARE):
        return data
    at = 0
    while at + 8 <= len(data):
        size, kind, begin = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8], 8
        if size == 1:
            size, begin = int.from_bytes(data[at + 8 : at + 16], "big"), 16
        if kind in (b"jxlc", b"jxlp"):
            begin += 4 if kind == b"jxlp" else 0
            return data[at + begin : at + begin + _HEADER_BYTES]
        if size < 8:
            break
        at += size
    return b""


def _jpeg_xl_size(header: bytes) -> tuple[int, int]:
    """(width, height) from the size header: bits from the lowest up, after the two bytes of the signature."""
    bits, at = int.from_bytes(header[2:], "little"), 0

    def take(count: int) -> int:
        nonlocal at
        value = bits >> at & (1 << count) - 1
        at += count
        return value

    small = take(1)

    def length() -> int:
        return (take(5) + 1) * 8 if small else take(_SIZE_BITS[take(2)]) + 1

    height = length()
    ratio = take(3)
    if ratio == 0:
        return length(), height
    numerator, denominator = _RATIOS[ratio - 1]
    return height * numerator // denominator, height
