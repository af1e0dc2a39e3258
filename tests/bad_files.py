"""Files that are not whole pictures, made here so that every machine has them: name -> (bytes, words the reason must hold)."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
from PIL import Image


def patch(side_px: int = 64, *, seed: int = 0) -> np.ndarray:
    """(side side 3) uint8: smooth colour with some grain, so that every codec has something to do."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:side_px, 0:side_px] / side_px
    wave = np.stack([np.sin(5 * x + seed), np.cos(4 * y), np.sin(3 * (x + y))], axis=-1)
    return np.clip(150 + 60 * wave + rng.normal(0, 8, wave.shape), 0, 255).astype(np.uint8)


def encoded(pixels: np.ndarray | Image.Image, fmt: str, **options: object) -> bytes:
    """The bytes of a picture file."""
    picture = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    buffer = io.BytesIO()
    picture.save(buffer, fmt, **options)
    return buffer.getvalue()


def chunk(kind: bytes, body: bytes) -> bytes:
    """One chunk of a PNG."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(width: int, height: int, depth: int, colour: int, rows: bytes, *more: bytes) -> bytes:
    """A PNG from raw rows (each with its filter byte); ``more`` are chunks before the picture."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(more) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def flipped(data: bytes, at: int, length: int = 4) -> bytes:
    """The same bytes with some of them inverted."""
    return data[:at] + bytes(b ^ 0xFF for b in data[at : at + length]) + data[at + length :]


def bad_files() -> dict[str, tuple[bytes, str]]:
    """Everything here must be refused by ``decode``."""
    pixels = patch()
    jpeg, flat_png = encoded(pixels, "JPEG", quality=90), encoded(pixels, "PNG")
    tiff, bmp, webp, gif = (encoded(pixels, fmt) for fmt in ("TIFF", "BMP", "WEBP", "GIF"))
    return {
        "empty.jpg": (b"", "empty file (0 bytes)"),
        "text.png": (b"This is not a picture.\n", "text"),
        "table.tif": (b"file,label\na.png,TUM\n", "text"),
        "office.jpg": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "Office document"),
        "report.png": (b"%PDF-1.7\n\0", "PDF"),
        "slide.dcm": (bytes(128) + b"DICM" + bytes(100), "DICOM"),
        "noise.png": (np.random.default_rng(0).bytes(500), "no known picture format"),
        "half.jpg": (jpeg[: len(jpeg) // 2], "cut off"),
        "no_end.jpg": (jpeg[:-2], "cut off"),
        "header_only.jpg": (jpeg[:30], "cut off"),
        "three_bytes.jpg": (jpeg[:3], "header cannot be read"),
        "flipped.jpg": (flipped(jpeg, len(jpeg) - 242), "damaged"),
        "half.png": (flat_png[: len(flat_png) // 2], "cut off"),
        "signature.png": (flat_png[:8], "damaged"),
        "flipped.png": (flipped(flat_png, len(flat_png) // 2), "damaged"),
        "no_palette.png": (png(2, 2, 8, 3, b"\0\0\0\0\0\0"), "palette"),
        "bomb.png": (png(50_000, 50_000, 8, 2, b"\0"), "more than 120000000 pixels"),
        "half.tif": (tiff[: len(tiff) // 2], ""),
        "half.bmp": (bmp[: len(bmp) // 2], "cut off"),
        "half.webp": (webp[: len(webp) // 2], "damaged"),
        "half.gif": (gif[: len(gif) // 2], "cut off"),
        "negative.tif": (encoded(Image.fromarray(np.full((8, 8), -3.0, np.float32)), "TIFF"), "negative"),
        "nan.tif": (encoded(Image.fromarray(np.full((8, 8), np.nan, np.float32)), "TIFF"), "not finite"),
        "elevation.tif": (encoded(Image.fromarray(np.full((8, 8), 1e7, np.float32)), "TIFF"), "1e+07"),
    }
