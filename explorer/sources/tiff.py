"""All TIFF files are read here, by tifffile and imagecodecs: strips and tiles of any byte order, depth and layout.

Nothing is filled in: a picture with a missing, cut or damaged strip or tile is rejected. No lock is held, so pictures are
decoded in parallel. JPEG strips are decoded by ``jpeg``, which is strict about damage.
"""

from __future__ import annotations

import io
import logging
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Num, Shaped, UInt8

from ..errors import ImageRejected
from ..types import Image, Limits
from .jpeg import decode_jpeg_segment
from .samples import BROKEN, CUT, check_size, converted, eight_bits, full_range, on_white, rgb_of, upright

if TYPE_CHECKING:
    from tifffile import TiffFile, TiffPage

logging.getLogger("tifffile").setLevel(logging.CRITICAL + 1)  # what it warns of is looked at here, or does not matter

Samples = Num[np.ndarray, "h w channels"]
_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB, _PALETTE, _MASK, _CMYK, _YCBCR, _LAB = 0, 1, 2, 3, 4, 5, 6, 8
_JPEG, _APERIO_YCBCR = 7, 33003
_JPEG_2000 = {33003, 33004, 33005, 34712}
_PREMULTIPLIED, _ALPHA = 1, 2
_COLOURS = {_WHITE_IS_ZERO: 1, _BLACK_IS_ZERO: 1, _RGB: 3, _PALETTE: 1, _MASK: 1, _CMYK: 4, _YCBCR: 3, _LAB: 3}
_ORIENTATION = 274
_MAX_BYTE = 255


def decode_tiff(data: bytes, limits: Limits) -> Image:
    """(h w 3) uint8 RGB of the first page, or of three 8-bit channels in pages of their own (OME, ImageJ).

    Raises ``ImageRejected`` with the name of the compression or layout where it is one that is not read, and for stacks whose
    planes (OME, ImageJ, tifffile) are depths or times.
    """
    import tifffile

    page = None
    try:
        with tifffile.TiffFile(io.BytesIO(data), _multifile=False) as file:
            page = file.pages.first
            _check(page, limits)
            planes = _channel_pages(file, page)
            if planes:
                samples = np.concatenate([_samples(plane, data) for plane in planes], axis=2)
                pixels = np.ascontiguousarray(eight_bits(samples))
            else:
                pixels = _rgb(page, _samples(page, data))
            orientation = page.tags.valueof(_ORIENTATION, default=1)
    except BROKEN as error:
        raise ImageRejected(_describe(page)) from error
    return upright(pixels, orientation if isinstance(orientation, int) else 1)


def _describe(page: TiffPage | None) -> str:
    if page is None:
        return "damaged: its header cannot be read"
    return f"damaged: a part of it cannot be decoded ({_compression(page)}); where another program opens it, save it as a PNG"


def _compression(page: TiffPage) -> str:
    return f"compression {getattr(page.compression, 'name', 'unknown')}, TIFF tag 259 = {int(page.compression)}"


def _check(page: TiffPage, limits: Limits) -> None:
    """Reject before memory is allocated: too large, too deep, of an unknown compression or colour space."""
    check_size(page.imagewidth, page.imagelength, limits, bytes_per_pixel=_bytes_per_pixel(page), slide=True)
    if page.is_tiled:
        check_size(page.tilewidth, page.tilelength, limits, bytes_per_pixel=_bytes_per_pixel(page))
        if page.tiledepth > 1:
            raise ImageRejected("a volume of several planes; save one plane as a PNG")
    if page.imagedepth > 1:
        raise ImageRejected("a volume of several planes; save one plane as a PNG")
    if not page.imagewidth or not page.imagelength or not page.dataoffsets:
        raise ImageRejected("damaged: it says no size or holds no pixels")
    if not _is_known(page.compression):
        raise ImageRejected(f"it is packed in a way that is not read ({_compression(page)}); save it as a PNG")
    if page.photometric not in _COLOURS:
        name = getattr(page.photometric, "name", "unknown")
        colours = f"{name}, TIFF tag 262 = {int(page.photometric)}"
        raise ImageRejected(f"its colour space is not read ({colours}); save it as an RGB PNG")
    if page.samplesperpixel < _COLOURS[page.photometric]:
        raise ImageRejected("damaged: it says fewer channels than its colour space has")
    if page.dtype is None or page.dtype.kind not in "uifb":
        depth = f"{page.bitspersample} bits, TIFF tag 339 = {page.sampleformat}"
        raise ImageRejected(f"its kind of samples is not read ({depth}); save it as a PNG")


def _is_known(compression: int) -> bool:
    from tifffile import TIFF

    if compression == 1:
        return True
    try:
        return TIFF.DECOMPRESSORS[compression] is not None
    except KeyError:
        return False


def _bytes_per_pixel(page: TiffPage) -> int:
    itemsize = 1 if page.dtype is None else page.dtype.itemsize
    return int(page.samplesperpixel) * itemsize


# -- strips and tiles to samples


def _dtype(page: TiffPage) -> np.dtype[Any]:
    """The dtype of one sample, in this machine's byte order."""
    if page.dtype is None:
        raise ImageRejected("damaged: its kind of samples is unknown")
    return page.dtype.newbyteorder("=")


def _samples(page: TiffPage, data: bytes) -> Samples:
    """(h w channels) of a page in the depth it is stored in; all strips and tiles are there and whole, or ``ImageRejected``."""
    separate, _, height, width, contiguous = page.shaped
    expected = int(np.prod(page.chunked)) if page.chunked else 0
    if len(page.dataoffsets) != expected or len(page.databytecounts) != expected:
        raise ImageRejected(f"damaged: {len(page.dataoffsets)} of its {expected} strips or tiles are there")
    for offset, count in zip(page.dataoffsets, page.databytecounts, strict=True):
        if offset <= 0 or count <= 0:
            raise ImageRejected("a strip or tile of it was never written; save it as a PNG")
        if offset + count > len(data):
            raise ImageRejected(CUT)
    if page.is_contiguous and page.fillorder == 1 and page.predictor == 1 and not page.is_subsampled:
        stored = _dtype(page).newbyteorder(page.parent.byteorder)
        if page.dataoffsets[0] + page.nbytes > len(data):
            raise ImageRejected(CUT)
        flat = np.frombuffer(data, stored, page.nbytes // stored.itemsize, page.dataoffsets[0])
        planes = flat.astype(_dtype(page)).reshape(separate, height, width, contiguous)
    else:
        planes = _decoded(page, data)
    samples = planes[0] if separate == 1 else np.moveaxis(planes[..., 0], 0, 2)
    return samples.astype(np.uint8) if samples.dtype == np.bool_ else samples


def _decoded(page: TiffPage, data: bytes) -> Shaped[np.ndarray, "separate h w contiguous"]:
    separate, _, height, width, contiguous = page.shaped
    planes = np.empty((separate, height, width, contiguous), _dtype(page))
    for number, (offset, count) in enumerate(zip(page.dataoffsets, page.databytecounts, strict=True)):
        part = data[offset : offset + count]
        (plane, _, top, left, _), shape = _place(page, number)
        if page.compression == _JPEG and page.bitspersample == 8:
            ycbcr = page.photometric == _YCBCR or (page.photometric == _RGB and page.is_jfif)
            segment = decode_jpeg_segment(part, tables=page.jpegtables, samples=contiguous, ycbcr=ycbcr, shape=shape)
        else:
            decoded, _, _ = page.decode(part, number, jpegtables=page.jpegtables, jpegheader=page.jpegheader)
            if decoded is None:
                raise ImageRejected(CUT)
            segment = decoded[0]
        target = planes[plane, top : top + shape[0], left : left + shape[1]]
        if segment.shape[0] < target.shape[0] or segment.shape[1] < target.shape[1] or segment.shape[2] != contiguous:
            raise ImageRejected(CUT)
        target[...] = segment[: target.shape[0], : target.shape[1]]
    return planes


def _place(page: TiffPage, number: int) -> tuple[tuple[int, int, int, int, int], tuple[int, int]]:
    """Where a strip or tile lies (plane, depth, top, left, channel), and its height and width."""
    _, where, (_, height, width, _) = page.decode(None, number)
    return where, (height, width)


# -- samples to RGB


def _rgb(page: TiffPage, samples: Samples) -> Image:
    photometric, colours = page.photometric, _COLOURS[page.photometric]
    extra = tuple(page.extrasamples)
    channels = samples.shape[2]
    if photometric == _PALETTE:
        return _by_palette(page, samples[..., 0])
    if photometric in (_WHITE_IS_ZERO, _BLACK_IS_ZERO, _MASK):
        if channels - len([kind for kind in extra if kind in (_PREMULTIPLIED, _ALPHA)]) not in (1, 3):
            raise ImageRejected(f"it has {channels} channels without a colour space; save it as an RGB PNG")
        return _grey(page, samples)
    if photometric in (_CMYK, _YCBCR, _LAB):
        return _other_space(page, samples)
    alpha = _alpha_kind(extra, channels - colours)
    eight = eight_bits(samples[..., :3])
    if alpha is None:
        return np.ascontiguousarray(eight)
    return on_white(np.concatenate([eight, full_range(samples[..., 3:4])], axis=2), premultiplied=alpha == _PREMULTIPLIED)


def _grey(page: TiffPage, samples: Samples) -> Image:
    """Grey of any depth; of three channels without a meaning each, red, green and blue."""
    alpha = next((at for at, kind in enumerate(page.extrasamples, start=1) if kind in (_PREMULTIPLIED, _ALPHA)), None)
    colours = samples[..., [at for at in range(samples.shape[2]) if at != alpha]]
    bits = page.bitspersample
    if isinstance(bits, int) and bits < 8:
        colours = (colours.astype(np.uint16) * 255 // (2**bits - 1)).astype(np.uint8)
    eight = eight_bits(colours)
    if page.photometric == _WHITE_IS_ZERO:
        eight = 255 - eight
    if alpha is None:
        return rgb_of(eight, what="a grey picture")
    return rgb_of(np.concatenate([eight, full_range(samples[..., alpha : alpha + 1])], axis=2), what="a grey picture")


def _other_space(page: TiffPage, samples: Samples) -> Image:
    eight = eight_bits(samples)
    if page.photometric == _CMYK:
        return converted(eight[..., :4], "CMYK")
    if page.photometric == _YCBCR:
        is_rgb = page.compression == _JPEG or (page.compression in _JPEG_2000 and page.compression != _APERIO_YCBCR)
        return np.ascontiguousarray(eight[..., :3]) if is_rgb else converted(eight[..., :3], "YCbCr")
    return converted(eight[..., :3], "LAB")


def _by_palette(page: TiffPage, numbers: Shaped[np.ndarray, "h w"]) -> Image:
    colormap = page.colormap
    if colormap is None:
        raise ImageRejected("damaged: its palette is missing")
    table = np.asarray(colormap).T  # (colours, 3) uint16
    if int(numbers.max()) >= len(table):
        raise ImageRejected("damaged: its palette has too few colours")
    colours: UInt8[np.ndarray, "colours 3"] = (table >> 8 if table.max() > _MAX_BYTE else table).astype(np.uint8)
    return np.ascontiguousarray(colours[numbers])


def _alpha_kind(extra: tuple[int, ...], channels: int) -> int | None:
    """What the channel after the colours is: an opacity (1 premultiplied, 2 not), which it is taken for where nothing is said."""
    if channels == 0:
        return None
    if not extra:
        return _ALPHA
    return extra[0] if extra[0] in (_PREMULTIPLIED, _ALPHA) else None


# -- channels in pages


def _channel_pages(file: TiffFile, page: TiffPage) -> list[TiffPage]:
    """The three pages that are red, green and blue; none where the first page is the picture.

    Raises ``ImageRejected`` for stacks (depth, time) and for other channels. Levels of a pyramid are neither.
    """
    kind = "OME" if file.is_ome else "ImageJ" if file.is_imagej else "tifffile" if page.is_shaped else ""
    if not kind:
        return []
    series = file.series[0]
    sizes = dict(zip(series.axes, series.shape, strict=True))
    channels = sizes.get("C", 1)
    stack = {axis: size for axis, size in sizes.items() if axis not in "CYXS" and size > 1}
    is_grey = page.samplesperpixel == 1 and page.photometric in (_WHITE_IS_ZERO, _BLACK_IS_ZERO)
    if kind == "tifffile" and is_grey and list(stack.values()) == [len("RGB")]:  # it writes no meaning of its planes
        raise ImageRejected("three grey pages that may be the channels of one picture; save it as one RGB picture")
    if stack:
        axes = ", ".join(f"{axis}={size}" for axis, size in stack.items())
        raise ImageRejected(f"a stack of {prod(stack.values())} planes ({kind}, {axes}), of which none is the picture; save one as a PNG")
    if channels == 1:
        return []
    pages: list[Any] = list(series.pages)
    if channels != len("RGB") or not is_grey or page.dtype != np.uint8 or len(pages) != channels or None in pages:
        raise ImageRejected(
            f"its {channels} channels lie in pages of their own ({kind}), and only three of 8 bits make a colour picture; "
            "save it as one RGB picture"
        )
    return [plane.aspage() for plane in pages]
