"""The value of a picture of any kind is that of the picture its model's own pipeline prepares, or an error says why."""

import copy
import io
import struct
import warnings
import zlib
from contextlib import suppress

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image

from fixlip_widgets import FixlipWarning, InputError, VisionLanguageGame
from tests.golden import tiny_clip, tiny_pixels

COLOURS = np.random.default_rng(0).integers(0, 256, (40, 30, 3), dtype=np.uint8)


def value(image):
    return VisionLanguageGame(tiny_clip(), image, "a cat").similarity


def reference(picture: Image.Image) -> float:
    """Return the logit of the model's own forward pass."""
    model = tiny_clip()
    with torch.no_grad():
        image, text, scale = model.clip(model.transform()(picture)[None], model.tokenizer(["a cat"]))[:3]
    return float(scale * (image @ text.T))


def as_file() -> io.BytesIO:
    stream = io.BytesIO()
    Image.fromarray(COLOURS).save(stream, "PNG")
    return stream


@pytest.mark.parametrize(
    "image",
    [
        COLOURS,
        COLOURS / 255.0,
        (COLOURS / 255.0).astype(np.float32),
        np.moveaxis(COLOURS, 2, 0),
        np.moveaxis(COLOURS / 255.0, 2, 0),
        as_file(),
        Image.fromarray(COLOURS).convert("RGBX"),
    ],
    ids=["uint8", "float64", "float32", "channels first", "float, channels first", "file", "RGBX"],
)
def test_every_form_of_a_picture_has_the_value_of_the_picture(image):
    assert value(image) == pytest.approx(reference(Image.fromarray(COLOURS)), abs=1e-4)


@pytest.mark.parametrize("mode", ["I;16", "I"])
def test_16_bit_grey_has_the_value_of_its_8_bit_form(mode):
    grey = COLOURS[:, :, 0]
    kind = np.uint16 if mode == "I;16" else np.int32
    image = Image.fromarray(grey.astype(kind) * kind(257))
    assert image.mode == mode
    assert value(image) == pytest.approx(reference(Image.fromarray(grey)), abs=1e-4)


@pytest.mark.parametrize("mode", ["LA", "RGBA", "La", "RGBa"])
def test_transparent_pixels_are_white(mode):
    clear = (
        Image.new("RGBA", (40, 40), (0, 0, 0, 0)).convert({"La": "LA", "RGBa": "RGBA"}.get(mode, mode)).convert(mode)
    )
    assert value(clear) == pytest.approx(reference(Image.new("RGB", (40, 40), "white")), abs=1e-4)


@pytest.mark.parametrize("bits", [1, 8, 10, 12, 14, 15])
@pytest.mark.parametrize("kind", [np.uint16, np.int32])
def test_grey_of_few_bits_is_refused(bits, kind):
    grey = np.linspace(0, 2**bits - 1, 1200).reshape(40, 30).astype(kind)
    with pytest.raises(InputError, match="Scale them to 8 bits"):
        value(Image.fromarray(grey))


@pytest.mark.parametrize("extreme", [-1, -1000, 70_000])
def test_grey_outside_16_bits_is_refused(extreme):
    grey = np.full((40, 30), 60_000, np.int32)
    grey[3, 3] = extreme
    with pytest.raises(InputError, match="Scale them to 8 bits"):
        value(Image.fromarray(grey))


@pytest.mark.parametrize("scaled", [COLOURS.astype(float), COLOURS / 127.5 - 1, np.full((9, 9, 3), np.nan)])
def test_floats_of_another_range_are_refused(scaled):
    with pytest.raises(InputError, match="contains floats from"):
        value(scaled)


@pytest.mark.parametrize("shape", [(3, 9, 3), (3, 9, 4)])
def test_an_array_whose_channels_are_ambiguous_is_refused(shape):
    with pytest.raises(InputError, match="first axis or the last"):
        value(np.zeros(shape, np.uint8))


@pytest.mark.parametrize("change", [lambda x: (x - x.min()) / (x.max() - x.min()), lambda x: x.clamp(0, 2) * 120])
def test_a_tensor_that_is_probably_not_normalised_is_a_warning(change):
    with pytest.warns(FixlipWarning, match="probably not normalised") as issued:
        value(change(tiny_pixels()))
    assert issued[0].filename == __file__


def test_a_normalised_tensor_is_no_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        value(tiny_pixels())


def test_a_tensor_that_requires_gradients_can_be_explained_and_saved(tmp_path):
    from fixlip_widgets import IncrementalExplainer

    explainer = IncrementalExplainer(VisionLanguageGame(tiny_clip(), tiny_pixels().requires_grad_(), "a cat"))
    explainer.extend(budget=64)
    explainer.save(tmp_path / "pools.npz")
    assert explainer.explanation().similarity == pytest.approx(value(tiny_pixels()), abs=1e-5)


@settings(max_examples=40, deadline=None)
@given(
    arrays.arrays(
        st.sampled_from([np.uint8, np.int16, np.uint16, np.int32, np.float32, np.float64, np.bool_]),
        arrays.array_shapes(min_dims=1, max_dims=4, max_side=8),
    )
)
def test_any_array_is_explained_or_refused(array):
    before = copy.deepcopy(array)
    with suppress(InputError):
        assert np.isfinite(value(array))
    np.testing.assert_array_equal(array, before)


def test_a_16_bit_tiff_in_which_0_is_white_is_refused(tmp_path):
    tifffile = pytest.importorskip("tifffile")
    tifffile.imwrite(tmp_path / "x.tif", np.full((40, 30), 60_000, np.uint16), photometric="miniswhite")
    with pytest.raises(InputError, match="0 is white"):
        value(tmp_path / "x.tif")


def png_of_16_bits(values, colour_type):
    """A PNG of (H, W, channels) values of 16 bits, which Pillow cannot write."""
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    header = struct.pack(">IIBBBBB", values.shape[1], values.shape[0], 16, colour_type, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    return io.BytesIO(
        b"\x89PNG\r\n\x1a\n"
        + b"".join(
            struct.pack(">I", len(each)) + kind + each + struct.pack(">I", zlib.crc32(kind + each))
            for kind, each in chunks
        )
    )


OPAQUE = np.full((40, 30, 1), 65_535)


@pytest.mark.parametrize("colour_type", [2, 4, 6], ids=["RGB", "LA", "RGBA"])
def test_colours_of_16_bits_are_refused_if_they_use_fewer(colour_type):
    colours = COLOURS[:, :, :1] if colour_type == 4 else COLOURS
    alpha = [OPAQUE] if colour_type in (4, 6) else []
    whole, of_12 = (np.dstack([colours.astype(int) * factor, *alpha]) for factor in (257, 16))
    expected = reference(Image.fromarray(colours.squeeze()))
    assert value(png_of_16_bits(whole, colour_type)) == pytest.approx(expected, abs=1e-4)
    with pytest.raises(InputError, match="16 bits a channel, but uses values below 4,096 only"):
        value(png_of_16_bits(of_12, colour_type))


@pytest.mark.parametrize("compression", [None, "zlib"])
def test_tiffs_are_refused_if_pillow_would_read_them_wrongly(compression):
    tifffile = pytest.importorskip("tifffile")
    for values, message in (
        (COLOURS.astype(np.uint16) * 16, "uses values below 4,096 only"),
        ((COLOURS[:, :, 0].astype(int) - 128).astype(np.int8), "signed 8-bit values"),
    ):
        stream = io.BytesIO()
        tifffile.imwrite(stream, values, compression=compression)
        with pytest.raises(InputError, match=message):
            value(stream)


def test_a_tiff_with_separate_planes_of_16_bits_is_refused():
    stream = io.BytesIO()
    tifffile = pytest.importorskip("tifffile")
    planes = np.moveaxis(COLOURS, 2, 0).astype(np.uint16) * np.uint16(257)
    tifffile.imwrite(stream, planes, photometric="rgb", planarconfig="separate")
    with pytest.raises(InputError, match="separate planes of 16 bits"):
        value(stream)


def test_the_a_of_lab_is_not_alpha():
    image = Image.merge("LAB", [Image.fromarray(COLOURS[:, :, channel]) for channel in range(3)])
    assert value(image) == pytest.approx(reference(image.convert("RGB")), abs=1e-4)


def test_a_file_that_can_be_read_only_once_is_refused():
    class Download(io.BytesIO):
        def seekable(self):
            return False

    with pytest.raises(InputError, match=r"read only once; pass io\.BytesIO"):
        value(Download(as_file().getvalue()))


def test_16_bit_grey_is_turned_upright(tmp_path):
    grey = COLOURS[:, :, 0]
    exif = Image.Exif()
    exif[0x0112] = 3  # upside down
    Image.fromarray(grey.astype(np.uint16) * np.uint16(257)).save(tmp_path / "turned.png", exif=exif)
    assert value(tmp_path / "turned.png") == pytest.approx(
        reference(Image.fromarray(grey[::-1, ::-1].copy())), abs=1e-4
    )


@pytest.mark.parametrize(
    "image",
    [
        COLOURS > 128,
        (COLOURS[:, :, 0] > 128),
        (COLOURS / 256 + 0.5),
    ],
    ids=["mask in colour", "mask", "floats"],
)
def test_zeros_and_ones_are_refused_as_a_mask_or_as_cast_floats(image):
    for almost_black in (image.astype(np.uint8), Image.fromarray(image.astype(np.uint8))):
        with pytest.raises(InputError, match=r"contains only the values 0 and 1 of 255.* Multiply a mask by 255"):
            value(almost_black)


def test_a_mask_in_its_own_mode_and_a_black_picture_are_explained():
    mask = Image.fromarray(COLOURS[:, :, 0] > 128)
    assert mask.mode == "1"
    assert value(mask) == pytest.approx(reference(mask.convert("RGB")), abs=1e-4)
    assert np.isfinite(value(np.zeros((9, 9), np.uint8)))


def test_a_tensor_of_zeros_and_ones_is_probably_not_normalised():
    with pytest.warns(FixlipWarning, match="values from 0 to 1, so it is probably not normalised"):
        value((tiny_pixels() > 0).float())
    with pytest.raises(InputError, match="a preprocessed image for this model is a float tensor"):
        value((tiny_pixels() > 0).to(torch.uint8))
