"""TIFF: every codec, layout and depth that pathology meets gives the pixels that were written, equal to Pillow where Pillow is right."""

from __future__ import annotations

import io
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import imagecodecs
import numpy as np
import pytest
import tifffile
from bad_files import encoded, patch
from PIL import Image

from explorer.errors import ImageRejected
from explorer.sources.images import decode
from explorer.types import Limits

PIXELS = patch(80)[:61, :70]
GREY = PIXELS[..., 0]
LOSSLESS = {
    "none": {},
    "lzw": {},
    "deflate": {},
    "adobe_deflate": {},
    "packbits": {},
    "zstd": {},
    "lzma": {},
    "png": {},
    "webp": {"lossless": True, "level": 100},
    "jpegxl": {"lossless": True},
    "jpeg2000": {"level": 0},
    "aperio_jp2000_rgb": {"level": 0},
}
READ_BY_PILLOW = {"none", "lzw", "deflate", "adobe_deflate", "packbits", "zstd", "lzma"}
LAYOUTS: dict[str, dict[str, Any]] = {
    "one strip": {},
    "many strips": {"rowsperstrip": 7},
    "tiles": {"tile": (32, 32)},
    "big-endian": {"byteorder": ">"},
    "BigTIFF": {"bigtiff": True},
    "planar": {"planarconfig": "separate"},
    "planar tiles, big-endian": {"planarconfig": "separate", "tile": (16, 48), "byteorder": ">"},
}


def written(pixels: np.ndarray, **options: Any) -> bytes:
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, pixels, **options)
    return buffer.getvalue()


def read(data: bytes, **limits: int) -> np.ndarray:
    return decode(data, name="patch.tif", limits=Limits(**limits))


def by_pillow(data: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))


def reason(data: bytes, **limits: int) -> str:
    with pytest.raises(ImageRejected) as caught:
        read(data, **limits)
    return caught.value.reason


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("codec", LOSSLESS)
def test_lossless_codecs_give_the_pixels_that_were_written(codec: str, layout: str) -> None:
    options = LAYOUTS[layout]
    if codec == "webp" and "planarconfig" in options:
        pytest.skip("WebP holds colour only")
    pixels = np.moveaxis(PIXELS, 2, 0) if "planarconfig" in options else PIXELS
    data = written(pixels, photometric="rgb", compression=codec, compressionargs=LOSSLESS[codec] or None, **options)
    np.testing.assert_array_equal(read(data), PIXELS)
    if codec in READ_BY_PILLOW:
        np.testing.assert_array_equal(read(data), by_pillow(data))


@pytest.mark.parametrize("codec", ["lzw", "deflate", "zstd"])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_horizontal_prediction_is_undone(codec: str, dtype: type) -> None:
    pixels = PIXELS.astype(dtype) * (257 if dtype is np.uint16 else 1)
    for options in ({}, {"tile": (32, 32), "byteorder": ">"}):
        np.testing.assert_array_equal(read(written(pixels, photometric="rgb", compression=codec, predictor=True, **options)), PIXELS)


@pytest.mark.parametrize("photometric", ["rgb", "ycbcr"])
@pytest.mark.parametrize(
    "layout",
    [{}, {"tile": (32, 32)}, {"rowsperstrip": 16}, {"rowsperstrip": 16, "subsampling": (2, 2)}, {"tile": (32, 32), "subsampling": (2, 1)}],
    ids=str,
)
def test_jpeg_strips_and_tiles_equal_pillow(photometric: str, layout: dict[str, Any]) -> None:
    data = written(PIXELS, photometric=photometric, compression="jpeg", **layout)
    np.testing.assert_array_equal(read(data), by_pillow(data))


def test_jpeg_with_tables_of_its_own_and_in_the_tag_equals_pillow() -> None:
    data = encoded(PIXELS, "TIFF", compression="jpeg")
    with tifffile.TiffFile(io.BytesIO(data)) as file:
        assert file.pages.first.jpegtables, "this test needs a file whose tables lie in the tag"
    np.testing.assert_array_equal(read(data), by_pillow(data))
    for pixels, photometric in ((GREY, "minisblack"), (np.dstack([PIXELS, GREY]), "separated")):
        data = written(pixels, photometric=photometric, compression="jpeg")
        np.testing.assert_array_equal(read(data), by_pillow(data))


def test_aperio_ycbcr_jpeg_2000_is_turned_into_rgb() -> None:
    stored = np.asarray(Image.fromarray(PIXELS).convert("YCbCr"))
    data = written(
        stored, photometric="ycbcr", subsampling=(1, 1), compression="aperio_jp2000_ycbc", compressionargs={"level": 0}, tile=(32, 32)
    )
    np.testing.assert_allclose(read(data).astype(int), PIXELS.astype(int), atol=3)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr", "LAB"])
@pytest.mark.parametrize("codec", ["raw", "tiff_lzw", "packbits"])
def test_every_mode_that_pillow_writes_is_read_as_pillow_reads_it(mode: str, codec: str) -> None:
    picture = Image.fromarray(PIXELS)
    if mode == "LAB":
        data = encoded(Image.frombytes("LAB", picture.size, PIXELS.tobytes()), "TIFF", compression=codec)
        assert read(data).shape == PIXELS.shape
        return
    picture = picture.quantize(16) if mode == "P" else picture.convert(mode)
    data = encoded(picture, "TIFF", compression=codec)
    np.testing.assert_allclose(read(data).astype(int), by_pillow(data).astype(int), atol=2 if mode == "YCbCr" else 0)


@pytest.mark.parametrize("codec", ["group3", "group4", "tiff_ccitt"])
def test_fax_compressions_equal_pillow(codec: str) -> None:
    data = encoded(Image.fromarray(PIXELS).convert("1"), "TIFF", compression=codec)
    np.testing.assert_array_equal(read(data), by_pillow(data))


@pytest.mark.parametrize("extra", ["unassalpha", "assocalpha", "unspecified"])
@pytest.mark.parametrize("codec", ["none", "lzw"])
def test_a_fourth_channel_is_an_opacity_only_where_the_file_says_so(extra: str, codec: str) -> None:
    opacity = GREY // 2 + 60
    data = written(np.dstack([PIXELS, opacity]), photometric="rgb", extrasamples=[extra], compression=codec)
    a = opacity[..., None] / 255
    on_white = {"unassalpha": PIXELS * a + 255 * (1 - a), "assocalpha": np.minimum(PIXELS, 255 * a) + 255 * (1 - a), "unspecified": PIXELS}
    np.testing.assert_allclose(read(data).astype(float), on_white[extra], atol=2)


@pytest.mark.parametrize("dtype", [np.uint16, np.int16, np.uint32, np.float16, np.float32, np.float64])
@pytest.mark.parametrize("layout", ["one strip", "tiles", "big-endian"])
def test_eight_bit_values_in_deeper_samples_stay_what_they_are(dtype: type, layout: str) -> None:
    for pixels, photometric in ((PIXELS, "rgb"), (GREY, "minisblack")):
        expected = pixels if pixels.ndim == 3 else np.dstack([pixels] * 3)
        for codec in ("none", "deflate"):
            data = written(pixels.astype(dtype), photometric=photometric, compression=codec, **LAYOUTS[layout])
            np.testing.assert_array_equal(read(data), expected)


@pytest.mark.parametrize(("factor", "bits"), [(16, 12), (257, 16)])
def test_twelve_and_sixteen_bit_colour_keep_their_top_eight_bits(factor: int, bits: int) -> None:
    np.testing.assert_array_equal(read(written(PIXELS.astype(np.uint16) * factor, photometric="rgb")), PIXELS)
    opaque = np.full(GREY.shape, 65535, np.uint16)
    deep = np.dstack([PIXELS.astype(np.uint16) * factor, opaque])
    np.testing.assert_array_equal(read(written(deep, photometric="rgb", extrasamples=["unassalpha"])), PIXELS)


def test_palettes_of_eight_and_sixteen_bits() -> None:
    numbers = GREY % 7
    colours = patch(seed=3)[:1, :7].reshape(7, 3)
    for scale in (257, 1):
        table = np.zeros((3, 256), np.uint16)
        table[:, :7] = colours.T.astype(np.uint16) * scale
        np.testing.assert_array_equal(read(written(numbers, photometric="palette", colormap=table)), colours[numbers])


@pytest.mark.parametrize("axes", ["CYX", "TZCYX"])
@pytest.mark.parametrize("kind", ["ome", "imagej"])
def test_three_channels_in_pages_of_their_own_are_put_together(kind: str, axes: str) -> None:
    planes = np.moveaxis(PIXELS, 2, 0)
    stack = planes if axes == "CYX" else planes[None, None]
    data = written(stack, photometric="minisblack", metadata={"axes": axes}, **{kind: True})
    np.testing.assert_array_equal(read(data), PIXELS)


@pytest.mark.parametrize(
    ("shape", "dtype", "axes"), [((2, 61, 70), np.uint8, "CYX"), ((5, 61, 70), np.uint8, "CYX"), ((3, 61, 70), np.uint16, "CYX")]
)
@pytest.mark.parametrize("kind", ["ome", "imagej"])
def test_other_channels_in_pages_are_refused_with_the_reason(kind: str, shape: tuple[int, ...], dtype: type, axes: str) -> None:
    data = written(np.full(shape, 300, np.uint16).astype(dtype), photometric="minisblack", metadata={"axes": axes}, **{kind: True})
    assert f"its {shape[0]} channels lie in pages of their own ({'OME' if kind == 'ome' else 'ImageJ'})" in reason(data)


@pytest.mark.parametrize("axes", ["Z", "T", "TZ"])
@pytest.mark.parametrize("pixels", [GREY, PIXELS], ids=["grey", "colour"])
@pytest.mark.parametrize("kind", ["ome", "imagej"])
def test_a_stack_in_depth_or_time_is_refused_with_its_axes(kind: str, pixels: np.ndarray, axes: str) -> None:
    stack = np.stack([pixels, 255 - pixels, pixels // 2, pixels]).reshape((2, 2, *pixels.shape) if axes == "TZ" else (4, *pixels.shape))
    colour = pixels.ndim == 3
    axes_written = f"{axes}YX{'S' if colour else ''}"
    data = written(stack, photometric="rgb" if colour else "minisblack", metadata={"axes": axes_written}, **{kind: True})
    sizes = "T=2, Z=2" if axes == "TZ" else f"{axes}=4"
    name = "OME" if kind == "ome" else "ImageJ"
    assert reason(data) == f"a stack of 4 planes ({name}, {sizes}), of which none is the picture; save one as a PNG"


def test_a_stack_that_tifffile_wrote_without_axes_is_refused_too() -> None:
    assert "a stack of 5 planes (tifffile" in reason(written(np.stack([GREY] * 5), photometric="minisblack"))
    assert "a stack of 2 planes (tifffile" in reason(written(np.stack([PIXELS] * 2), photometric="rgb"))


@pytest.mark.parametrize("kind", ["ome", "plain"])
@pytest.mark.parametrize("inside", [True, False], ids=["in sub-directories", "in pages"])
def test_levels_of_a_pyramid_are_no_planes(kind: str, inside: bool) -> None:
    if kind == "ome" and not inside:
        pytest.skip("OME keeps levels in sub-directories")
    options: dict[str, Any] = {"photometric": "rgb"} | ({"metadata": {"axes": "YXS"}} if kind == "ome" else {})
    buffer = io.BytesIO()
    with tifffile.TiffWriter(buffer, ome=kind == "ome") as file:
        file.write(PIXELS, subifds=2 if inside else None, **options)
        for step in (2, 4):
            file.write(PIXELS[::step, ::step], photometric="rgb", subfiletype=1)
    np.testing.assert_array_equal(read(buffer.getvalue()), PIXELS)


def test_three_grey_pages_without_a_meaning_are_not_taken_for_the_first_of_them() -> None:
    assert "three grey pages" in reason(written(np.moveaxis(PIXELS, 2, 0), photometric="minisblack"))
    assert "5 channels without a colour space" in reason(
        written(np.dstack([PIXELS, GREY, GREY]), photometric="minisblack", planarconfig="contig")
    )


def test_an_ome_file_that_names_another_file_does_not_open_it(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    data = written(np.moveaxis(PIXELS, 2, 0), photometric="minisblack", ome=True, metadata={"axes": "CYX"})
    (tmp_path / "secret.tif").write_bytes(written(np.zeros_like(GREY), photometric="minisblack"))
    with tifffile.TiffFile(io.BytesIO(data)) as file:
        xml = str(file.pages.first.description)
    linked = xml.replace("<TiffData", '<TiffData FirstC="1"><UUID FileName="secret.tif">urn:uuid:1</UUID></TiffData><TiffData', 1)
    forged = written(np.moveaxis(PIXELS, 2, 0), photometric="minisblack", description=linked, metadata=None)
    try:
        pixels = read(forged)
    except ImageRejected:
        return
    assert not (pixels == 0).all(axis=(0, 1)).any()


@pytest.mark.parametrize("codec", [*LOSSLESS, "jpeg"])
@pytest.mark.parametrize("layout", ["one strip", "tiles"])
def test_no_cut_file_is_accepted(codec: str, layout: str) -> None:
    data = written(PIXELS, photometric="rgb", compression=codec, compressionargs=LOSSLESS.get(codec) or None, **LAYOUTS[layout])
    assert read(data).shape == PIXELS.shape
    for end in range(0, len(data), max(1, len(data) // 100)):
        reason(data[:end])


def test_damage_among_jpeg_tiles_is_refused_where_a_lax_decoder_paints_over_it() -> None:
    data = bytearray(written(patch(128), photometric="ycbcr", compression="jpeg", tile=(64, 64)))
    with tifffile.TiffFile(io.BytesIO(bytes(data))) as file:
        start, length = file.pages.first.dataoffsets[1], file.pages.first.databytecounts[1]
    data[start + length // 2 : start + length // 2 + 60] = bytes(60)
    assert "damaged" in reason(bytes(data)) or "cut off" in reason(bytes(data))


def test_a_tile_that_was_never_written_is_refused() -> None:
    def tiles() -> Any:
        yield from [PIXELS[:32, :32], None, PIXELS[:32, :32], PIXELS[:32, :32]]

    data = written(tiles(), shape=(64, 64, 3), dtype=np.uint8, photometric="rgb", tile=(32, 32), compression="lzw")  # type: ignore[arg-type]
    assert "never written" in reason(data)


def with_tag(data: bytes, code: int, value: int) -> bytes:
    """The same little-endian TIFF with another value in a tag of one number."""
    count = int.from_bytes(data[(ifd := int.from_bytes(data[4:8], "little")) : ifd + 2], "little")
    out = bytearray(data)
    for at in range(ifd + 2, ifd + 2 + 12 * count, 12):
        if int.from_bytes(data[at : at + 2], "little") == code:
            size = {3: 2, 4: 4}[int.from_bytes(data[at + 2 : at + 4], "little")]
            out[at + 8 : at + 8 + size] = value.to_bytes(size, "little")
            return bytes(out)
    raise AssertionError(f"no tag {code}")


@pytest.mark.parametrize(("compression", "name"), [(32809, "THUNDERSCAN"), (34661, "JBIG"), (60123, "unknown")])
def test_an_unknown_compression_is_named_with_its_number_and_the_remedy(compression: int, name: str) -> None:
    text = reason(with_tag(written(PIXELS, photometric="rgb"), 259, compression))
    assert f"TIFF tag 259 = {compression}" in text and name in text and "PNG" in text


def test_huge_sizes_are_refused_before_memory_is_taken() -> None:
    data = written(PIXELS, photometric="rgb", compression="deflate", tile=(32, 32))
    assert "more than the limit" in reason(with_tag(with_tag(data, 256, 60_000), 257, 60_000))
    assert "more than the limit" in reason(with_tag(with_tag(data, 322, 65_520), 323, 65_520))
    assert "bytes per pixel" in reason(with_tag(written(PIXELS, photometric="rgb"), 277, 60_000))


def test_threads_decode_the_same_as_one_and_print_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    files = [written(PIXELS, photometric="rgb", compression=codec, compressionargs=LOSSLESS[codec] or None) for codec in LOSSLESS]
    files += [file[: len(file) // 2] for file in files]

    def outcome(data: bytes) -> bytes | str:
        try:
            return read(data).tobytes()
        except ImageRejected as rejected:
            return rejected.reason

    one = [outcome(data) for data in files]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(outcome, files * 4)) == one * 4
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("suffix", ["jxl", "avif"])
def test_jpeg_xl_and_avif_are_read_and_refused_where_cut_or_too_large(suffix: str) -> None:
    data = {
        "jxl": lambda: imagecodecs.jpegxl_encode(PIXELS, lossless=True),
        "avif": lambda: encoded(PIXELS, "AVIF", quality=100, subsampling="4:4:4"),
    }[suffix]()
    np.testing.assert_allclose(read(data).astype(int), PIXELS.astype(int), atol=3 if suffix == "avif" else 0)
    for end in range(16, len(data), len(data) // 60):
        reason(data[:end])
    assert "61" in reason(data, max_pixels=1000) and "more than the limit" in reason(data, max_pixels=1000)


@pytest.mark.parametrize("size", [(1, 1), (8, 8), (256, 256), (3, 500), (480, 640), (640, 480), (96, 128), (1000, 600), (9000, 3)])
def test_the_size_of_a_jpeg_xl_is_read_from_its_header(size: tuple[int, int]) -> None:
    for options in ({}, {"usecontainer": True}):
        data = imagecodecs.jpegxl_encode(np.zeros((*size, 3), np.uint8), lossless=True, **options)
        assert read(data).shape == (*size, 3)
        assert f"{size[1]} x {size[0]} pixels" in reason(data, max_pixels=size[0] * size[1] - 1) if size != (1, 1) else True


def test_jpeg_ls_is_named_and_the_remedy_with_it() -> None:
    assert reason(imagecodecs.jpegls_encode(PIXELS)) == "JPEG-LS, which is not read; save it as a PNG"


def test_deep_and_transparent_jpeg_xl() -> None:
    np.testing.assert_array_equal(read(imagecodecs.jpegxl_encode(PIXELS.astype(np.uint16) * 257, lossless=True)), PIXELS)
    rgba = np.dstack([PIXELS, np.zeros_like(GREY)])
    assert (read(imagecodecs.jpegxl_encode(rgba, lossless=True)) == 255).all()


def test_twelve_bit_and_eight_bit_values_in_a_16_bit_png_and_jpeg_2000() -> None:
    for factor in (1, 16, 257):
        deep = PIXELS.astype(np.uint16) * factor
        np.testing.assert_array_equal(read(imagecodecs.png_encode(deep)), PIXELS)
        np.testing.assert_allclose(read(imagecodecs.jpeg2k_encode(deep, level=0)).astype(int), PIXELS.astype(int), atol=1)


def test_cmyk_jpeg_is_inverted_only_where_adobe_wrote_it() -> None:
    cmyk = Image.fromarray(PIXELS).convert("CMYK")
    by_adobe = encoded(cmyk, "JPEG", quality=100, subsampling=0)
    at = by_adobe.index(b"\xff\xee")
    length = int.from_bytes(by_adobe[at + 2 : at + 4], "big")
    inverted = Image.frombytes("CMYK", cmyk.size, (255 - np.asarray(cmyk)).tobytes())
    plain = encoded(inverted, "JPEG", quality=100, subsampling=0)
    plain = plain[:at] + plain[at + 2 + length :]
    for data in (by_adobe, plain):
        np.testing.assert_allclose(read(data).astype(int), PIXELS.astype(int), atol=12)
