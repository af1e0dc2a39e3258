"""One file becomes the right RGB picture, or a reason; never a repaired picture, never a traceback."""

from __future__ import annotations

import csv
import io
import os
import re
import warnings
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
from bad_files import bad_files, chunk, encoded, flipped, patch, png
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps

from explorer.errors import ImageRejected
from explorer.sources.images import decode
from explorer.types import Limits

BAD = bad_files()


def read(data: bytes, **limits: int) -> np.ndarray:
    return decode(data, name="patch.png", limits=Limits(**limits))


def by_pillow(data: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))


@pytest.mark.parametrize("name", BAD)
def test_what_is_no_whole_picture_is_refused_in_plain_words(name: str) -> None:
    data, words = BAD[name]
    with pytest.raises(ImageRejected) as caught:
        decode(data, name=name)
    reason = caught.value.reason
    assert words in reason
    assert not re.search(r"Error|Exception|0x|PIL\b|<|/", reason), "reasons are for people"


@pytest.mark.parametrize("fmt", ["PNG", "BMP", "TIFF", "WEBP", "JPEG2000", "GIF"])
def test_lossless_formats_give_back_their_pixels_whatever_they_are_called(fmt: str) -> None:
    pixels = patch()
    if fmt == "GIF":
        pixels = np.repeat(pixels[..., :1], 3, axis=2)
    data = encoded(Image.fromarray(pixels).convert("L"), fmt) if fmt == "GIF" else encoded(pixels, fmt, lossless=True)
    np.testing.assert_array_equal(decode(data, name="lies.jpg"), pixels)


@pytest.mark.parametrize("bits", [9, 10, 12, 14, 16])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_deep_jpeg_2000_keeps_its_top_eight_bits_up_to_white(bits: int, channels: int) -> None:
    grey = np.linspace(0, 2**bits - 1, 256).astype(np.uint16).reshape(16, 16, 1)
    samples = np.repeat(grey, channels, axis=2)
    if channels == 4:
        samples[..., 3] = 2**bits - 1
    data = imagecodecs.jpeg2k_encode(samples.squeeze(), codecformat="jp2", bitspersample=bits, reversible=True, level=0)
    np.testing.assert_array_equal(read(data), np.repeat((grey >> (bits - 8)).astype(np.uint8), 3, axis=2))


def test_a_jpeg_of_12_bits_is_named_as_such() -> None:
    samples = np.linspace(0, 4095, 256).astype(np.uint16).reshape(16, 16)
    with pytest.raises(ImageRejected, match="a JPEG of 12 bits per sample, which is not read; save it as a PNG"):
        read(imagecodecs.jpeg8_encode(samples, bitspersample=12))


@pytest.mark.parametrize("compression", ["raw", "tiff_lzw", "tiff_deflate", "packbits"])
def test_compressed_tiff_files_are_decoded(compression: str) -> None:
    np.testing.assert_array_equal(read(encoded(patch(), "TIFF", compression=compression)), patch())


@settings(max_examples=60, deadline=None)
@given(
    height=st.integers(1, 70),
    width=st.integers(1, 70),
    quality=st.integers(1, 100),
    subsampling=st.integers(0, 2),
    progressive=st.booleans(),
    optimize=st.booleans(),
    mode=st.sampled_from(["RGB", "L", "CMYK"]),
    seed=st.integers(0, 99),
)
def test_jpeg_is_bit_equal_to_pillow(
    height: int, width: int, quality: int, subsampling: int, progressive: bool, optimize: bool, mode: str, seed: int
) -> None:
    picture = Image.fromarray(patch(70, seed=seed)[:height, :width]).convert(mode)
    data = encoded(picture, "JPEG", quality=quality, subsampling=subsampling, progressive=progressive, optimize=optimize)
    np.testing.assert_array_equal(read(data), by_pillow(data))


def test_rare_kinds_of_jpeg_equal_pillow() -> None:
    rgb = encoded(patch(), "JPEG", keep_rgb=True)
    restarts = encoded(patch(), "JPEG", restart_marker_rows=1)
    trailing = encoded(patch(), "JPEG") + b"bytes after the end"
    multi = encoded(Image.fromarray(patch()), "MPO", save_all=True, append_images=[Image.fromarray(patch(seed=1))])
    plain = encoded(patch(32), "JPEG", subsampling=2)
    sof = plain.index(b"\xff\xc0")
    odd_sampling = plain[: sof + 11] + b"\x14" + plain[sof + 12 :]  # 1 x 4 luma blocks per chroma block
    for data in (rgb, restarts, trailing, multi, odd_sampling):
        np.testing.assert_array_equal(read(data), by_pillow(data))


@pytest.mark.parametrize("progressive", [False, True])
def test_no_cut_jpeg_is_accepted(progressive: bool) -> None:
    data = encoded(patch(), "JPEG", progressive=progressive)
    for end in range(len(data)):
        with pytest.raises(ImageRejected):
            read(data[:end])


def test_damage_that_pillow_paints_over_is_refused() -> None:
    data = encoded(patch(128), "JPEG", quality=90)
    painted_over = 0
    for at in range(700, len(data) - 10, 51):
        damaged = flipped(data, at, 3)
        try:
            different = not np.array_equal(by_pillow(damaged), by_pillow(data))
        except OSError:
            continue
        try:
            read(damaged)
        except ImageRejected:
            painted_over += different
    assert painted_over > 5


def test_junk_among_the_metadata_does_not_cost_the_picture() -> None:
    data = encoded(patch(), "JPEG")
    junk = data[:2] + b"\xff\xe1\x00\x08MERRY!" + b"stray bytes" + b"\xff\xe1\x00\x06Exif" + data[2:]
    np.testing.assert_array_equal(read(junk), read(data))
    with pytest.raises(ImageRejected, match="cut off"):
        read(junk[:-5])


@pytest.mark.parametrize("fmt", ["PNG", "JPEG", "TIFF", "WEBP"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied(fmt: str, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encoded(patch()[:40], fmt, exif=exif, lossless=True)
    expected = np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(data))).convert("RGB"))
    np.testing.assert_array_equal(read(data), expected)
    assert (expected.shape[0] == 40) == (orientation < 5)


def test_transparent_pixels_lie_on_white() -> None:
    pixels = np.dstack([patch(), np.zeros((64, 64), np.uint8)])
    pixels[:, 32:, 3] = 255
    pixels[0, 0, 3] = 128
    seen = read(encoded(Image.fromarray(pixels, "RGBA"), "PNG"))
    np.testing.assert_array_equal(seen[:, 32:], pixels[:, 32:, :3])
    assert (seen[1:, :32] == 255).all()
    np.testing.assert_allclose(seen[0, 0], pixels[0, 0, :3] * (128 / 255) + 255 * (127 / 255), atol=1)


@pytest.mark.parametrize("mode", ["LA", "La", "PA", "P", "RGB", "L"])
def test_every_way_to_say_transparent_is_white(mode: str) -> None:
    rows = {"RGB": b"\0\7\7\7\x63\x63\x63", "L": b"\0\7\x63", "P": b"\0\0\1"}
    clear = {"RGB": struct_16(7, 7, 7), "L": struct_16(7), "P": b"\0"}
    colour = {"RGB": 2, "L": 0, "P": 3}
    if mode in rows:
        palette = [chunk(b"PLTE", bytes([7, 7, 7, 99, 99, 99]))] if mode == "P" else []
        data = png(2, 1, 8, colour[mode], rows[mode], *palette, chunk(b"tRNS", clear[mode]))
    else:
        picture = Image.new("LA", (2, 1))
        picture.putdata([(7, 0), (99, 255)])
        data = encoded(picture, "TIFF") if mode != "PA" else encoded(picture, "PNG")
    np.testing.assert_array_equal(read(data)[0], [[255] * 3, [99] * 3])


def struct_16(*values: int) -> bytes:
    return b"".join(value.to_bytes(2, "big") for value in values)


def test_palette_one_bit_and_grey_pictures_are_converted_to_rgb() -> None:
    grey = Image.fromarray(patch()).convert("L")
    for picture in (grey, grey.convert("1"), Image.fromarray(patch()).quantize(17)):
        np.testing.assert_array_equal(read(encoded(picture, "PNG")), np.asarray(picture.convert("RGB")))


def test_cmyk_and_lab_look_like_the_colours_they_stand_for() -> None:
    picture = Image.fromarray(patch())
    cmyk = read(encoded(picture.convert("CMYK"), "TIFF"))
    np.testing.assert_allclose(cmyk.astype(int), patch().astype(int), atol=2)
    lab = read(encoded(Image.frombytes("LAB", (2, 1), bytes([255, 0, 0, 138, 81, 70])), "TIFF"))[0]
    np.testing.assert_allclose(lab[0].astype(int), [255, 255, 255], atol=2)
    np.testing.assert_allclose(lab[1].astype(int), [255, 0, 0], atol=8)  # L 54, a 81, b 70 is sRGB red


@pytest.mark.parametrize("fmt", ["PNG", "TIFF"])
@pytest.mark.parametrize("step", [256, 257])
def test_sixteen_bit_grey_keeps_its_top_eight_bits(fmt: str, step: int) -> None:
    values = (np.arange(256, dtype=np.uint16) * step).reshape(16, 16)
    np.testing.assert_array_equal(read(encoded(Image.fromarray(values), fmt))[..., 1].ravel(), np.arange(256))


def test_twelve_bits_in_sixteen_fill_the_range() -> None:
    values = (np.arange(256, dtype=np.uint16) * 16 + 15).reshape(16, 16)
    np.testing.assert_array_equal(read(encoded(Image.fromarray(values), "TIFF"))[..., 0].ravel(), np.arange(256))


def test_sixteen_bit_colour_is_reduced_to_its_top_eight_bits() -> None:
    deep = patch().astype(np.uint16) * 257
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in deep)
    np.testing.assert_array_equal(read(png(64, 64, 16, 2, rows)), patch())


def test_white_is_zero_in_sixteen_bits() -> None:
    values = (np.arange(256, dtype=np.uint16) * 257).reshape(16, 16)
    inverted = encoded(Image.fromarray(values), "TIFF", tiffinfo={262: 0})
    np.testing.assert_array_equal(read(inverted)[..., 2].ravel(), 255 - np.arange(256))


@pytest.mark.parametrize("top", [1.0, 255.0, 65535.0])
def test_floating_point_samples_are_scaled_by_their_range(top: float) -> None:
    values = (np.linspace(0, top, 256, dtype=np.float32)).reshape(16, 16)
    np.testing.assert_array_equal(read(encoded(Image.fromarray(values), "TIFF"))[..., 0].ravel(), np.arange(256))


def test_the_first_page_and_the_first_frame_are_read() -> None:
    first, second = Image.fromarray(patch()), Image.fromarray(patch(seed=1))
    np.testing.assert_array_equal(read(encoded(first, "TIFF", save_all=True, append_images=[second])), patch())
    np.testing.assert_array_equal(read(encoded(first, "PNG", save_all=True, append_images=[second])), patch())


@pytest.mark.parametrize("shape", [(1, 1), (1, 4000), (4000, 1)])
@pytest.mark.parametrize("fmt", ["PNG", "JPEG"])
def test_thin_and_tiny_pictures_are_read(shape: tuple[int, int], fmt: str) -> None:
    assert read(encoded(np.full((*shape, 3), 77, np.uint8), fmt)).tolist() == np.full((*shape, 3), 77).tolist()


@pytest.mark.parametrize("fmt", ["PNG", "JPEG", "TIFF", "BMP"])
def test_the_pixel_limit_is_checked_before_decoding(fmt: str) -> None:
    data = encoded(patch(64), fmt)
    assert read(data, max_pixels=64 * 64).shape == (64, 64, 3)
    with pytest.raises(ImageRejected, match="64 x 64 pixels are more than the limit of 4095") as caught:
        read(data, max_pixels=4095)
    assert ("slide" in caught.value.reason) == (fmt == "TIFF")


def test_bombs_and_broken_bits_in_the_metadata_do_not_cost_the_picture() -> None:
    rows = b"".join(b"\0" + row.tobytes() for row in patch())
    bomb = chunk(b"zTXt", b"comment\0\0" + zlib.compress(bytes(20_000_000)))
    profile = chunk(b"iCCP", b"name\0\7nonsense")
    broken_exif = chunk(b"eXIf", b"II*\0\xff\xff\xff\xff nonsense")
    np.testing.assert_array_equal(read(png(64, 64, 8, 2, rows, bomb, profile, broken_exif)), patch())
    jpeg = encoded(patch(), "JPEG")
    with_exif = jpeg[:2] + b"\xff\xe1\x00\x12Exif\0\0II*\0\xff\xff\0\0" + jpeg[2:]
    np.testing.assert_array_equal(read(with_exif), read(jpeg))


@pytest.mark.parametrize(("fmt", "size"), [("JPEG", (224, 224)), ("JPEG", (256, 256)), ("PNG", (256, 256)), ("JPEG", (311, 240))])
def test_decoded_and_prepared_is_bit_equal_to_the_publishers_pipeline(fmt: str, size: tuple[int, int]) -> None:
    import torch
    from torchvision.transforms import v2

    from explorer import encoders
    from explorer.encoders.preprocess import normalise, resize_crop

    spec = encoders.spec("kaiko-vits16")
    theirs = v2.Compose(
        [v2.ToImage(), v2.Resize(224), v2.CenterCrop(224), v2.ToDtype(torch.float32, scale=True), v2.Normalize([0.5] * 3, [0.5] * 3)]
    )
    data = encoded(Image.fromarray(patch(96)).resize(size), fmt, quality=90)
    ours = normalise(resize_crop(read(data), side_px=224, resize_px=224, interpolation="bilinear"), spec)
    assert torch.equal(ours, theirs(Image.open(io.BytesIO(data)).convert("RGB")))


def test_decoding_emits_no_warnings(shared_data: Path) -> None:
    names = ["invalid-exif.jpg", "crash-2020-10-test.tif", "icc_profile_big.jpg", "empty_gps_ifd.jpg", "multipage.tiff"]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for name in names:
            outcome(shared_data / "odd" / name)


def outcome(path: Path) -> str:
    try:
        pixels = decode(path.read_bytes(), name=path.name)
    except ImageRejected as rejected:
        return rejected.reason
    assert pixels.dtype == np.uint8 and pixels.ndim == 3 and pixels.shape[2] == 3
    return ""


def test_odd_files_open_where_pillow_opens_them_and_only_there(shared_data: Path) -> None:
    """Two exceptions: a JPEG whose damage Pillow does not mind, and WebP in a TIFF, which its libtiff may lack."""
    differ = set()
    with (shared_data / "odd" / "files.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            reason = outcome(shared_data / "odd" / row["file"])
            assert "\n" not in reason and "Error" not in reason
            if (reason == "") != (row["pillow_result"] == "opens"):
                differ.add((row["file"], reason.partition(":")[0].partition(",")[0]))
    assert differ - {("hopper_webp.tif", "")} == {("derived_bitflips.jpg", "damaged")}


def test_unusual_real_pictures_have_the_expected_pixels(shared_data: Path) -> None:
    odd = shared_data / "odd"
    pixels = {path.name: decode(path.read_bytes(), name=path.name) for path in odd.iterdir() if not outcome(path)}
    patch_ = pixels["UPPER.JPEG"]
    for twin in ("derived_exact_copy.jpg", "derived näme with späces & #.jpg", "derived_png_named.jpg", "derived_rgba_patch.png"):
        np.testing.assert_array_equal(pixels[twin], patch_)
    np.testing.assert_array_equal(pixels["derived_gray_patch.png"][..., 0], np.asarray(Image.fromarray(patch_).convert("L")))
    # The same portrait turned, in another colour space, and recompressed: all upright and of one colour.
    upright = pixels["hopper_orientation_3.jpg"].astype(float)
    assert np.abs(pixels["hopper_orientation_6.jpg"] - upright).mean() < 8
    assert np.abs(pixels["hopper.Lab.tif"] - upright).mean() < 16
    assert pixels["g4_orientation_6.tif"].shape == (88, 590, 3)
    red = pixels["pil_sample_cmyk.jpg"].reshape(-1, 3).max(axis=0)
    assert red[0] > 200 and (red[1:] < 120).all(), "the CMYK sample shows red letters on black"
    assert (pixels["l_trns.png"] == 255).mean() > 0.05


def test_slide_files_are_refused_or_read_whole(shared_data: Path) -> None:
    reasons = {path.name: outcome(path) for path in (shared_data / "slides").iterdir()}
    assert all("DICOM" in reason for name, reason in reasons.items() if name.endswith(".dcm"))
    region = shared_data / "slides" / "CMU-1-Small-Region.svs"
    with pytest.raises(ImageRejected, match="whole slide"):
        decode(region.read_bytes(), name=region.name, limits=Limits(max_pixels=1_000_000))


@settings(max_examples=150, deadline=None)
@given(
    which=st.integers(0, 6),
    edits=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), max_size=6),
    keep=st.floats(0.1, 1.0),
)
def test_no_edit_of_a_file_ends_in_a_traceback(which: int, edits: list[tuple[float, int]], keep: float) -> None:
    fmt = ("PNG", "JPEG", "TIFF", "BMP", "WEBP", "GIF", "JPEG2000")[which]
    data = bytearray(encoded(patch(24), fmt))
    for place, value in edits:
        data[int(place * len(data))] = value
    try:
        pixels = read(bytes(data[: int(keep * len(data))]), max_pixels=1_000_000)
    except ImageRejected:
        return
    assert pixels.shape[2] == 3


def test_threads_decode_the_same_as_one(shared_data: Path) -> None:
    files = [path for path in sorted((shared_data / "odd").iterdir()) if path.stat().st_size < 30_000]
    one = [outcome(path) for path in files]
    filters = list(warnings.filters)
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(outcome, files * 2)) == one * 2
    assert list(warnings.filters) == filters


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("prep.py", "not a picture: the content is text"),
        ("prep", "not a picture: the content is text"),
        ("a.PNG", "not a picture, although its name ends in .PNG: the content is text"),
    ],
)
def test_what_is_no_picture_is_said_in_plain_words(name: str, reason: str) -> None:
    with pytest.raises(ImageRejected) as caught:
        decode(b"import numpy\n", name=name)
    assert caught.value.reason == reason


@pytest.mark.parametrize("fmt", ["PNG", "JPEG", "TIFF"])
def test_a_picture_that_does_not_fit_into_memory_is_not_called_damaged(fmt: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise MemoryError

    monkeypatch.setattr("PIL.Image.open", full)
    monkeypatch.setattr("tifffile.TiffFile", full)
    monkeypatch.setattr("simplejpeg.decode_jpeg", full)
    with pytest.raises(ImageRejected, match=r"^too large for this machine's memory$"):
        decode(encoded(patch(), fmt), name="a")


def test_libtiff_writes_nothing_to_standard_error(capfd: pytest.CaptureFixture[str]) -> None:
    """Of a damaged strip libtiff says so, past Python."""
    data = encoded(patch(), "TIFF", compression="tiff_lzw")
    damaged = data[:8] + b"\xff" * 40 + data[48:]  # Pillow puts the strip right behind the header
    with pytest.raises(ImageRejected, match="damaged"):
        decode(damaged, name="a.tif")
    os.write(2, b"still open")
    assert capfd.readouterr().err == "still open"
