"""Images of every kind, as files, arrays and PIL images, are read correctly or rejected."""

import warnings

import numpy as np
import pytest
import torch
from PIL import Image

from fixlip_widgets import InputError, VisionLanguageGame
from tests.golden import tiny_clip


@pytest.mark.parametrize("shape", [(20, 30), (20, 30, 3), (20, 30, 4)])
def test_arrays_are_read_like_pil_images(shape):
    pixels = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    shown = [VisionLanguageGame(tiny_clip(), each, "a cat").picture for each in (pixels, Image.fromarray(pixels))]
    np.testing.assert_array_equal(*shown)


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "P", "CMYK", "I;16", "I", "1", "LA"])
def test_pictures_of_every_mode_are_read(mode, tmp_path):
    picture = Image.new("RGB", (40, 30), (200, 30, 90))
    picture = Image.new(mode, (40, 30), 60_000) if mode in ("I;16", "I") else picture.convert(mode)
    game = VisionLanguageGame(tiny_clip(), picture, "a cat")
    assert np.isfinite(game.similarity)
    assert game.picture.dtype == np.uint8
    assert game.picture.ndim == 3


def test_exif_rotation_is_honoured(tmp_path):
    picture = Image.new("RGB", (64, 64), "black")
    picture.paste("white", (0, 0, 64, 32))
    exif = Image.Exif()
    exif[0x0112] = 3  # upside down
    picture.save(tmp_path / "turned.png", exif=exif)
    shown = VisionLanguageGame(tiny_clip(), tmp_path / "turned.png", "a cat").picture
    assert shown[5].mean() < 20
    assert shown[-5].mean() > 235


def test_a_tiny_picture_and_a_path_are_read(tmp_path):
    Image.new("RGB", (1, 1), "red").save(tmp_path / "dot.png")
    assert np.isfinite(VisionLanguageGame(tiny_clip(), str(tmp_path / "dot.png"), "a cat").similarity)


@pytest.mark.parametrize(
    ("image", "message"),
    [
        ("nowhere.png", "image nowhere.png does not exist"),
        (np.zeros((4, 4, 2), np.uint8), "array has shape"),
        (np.zeros(4, np.uint8), "array has shape"),
        (np.zeros((0, 0, 3), np.uint8), "0 × 0 pixels"),
        (Image.new("RGB", (0, 3)), "0 × 3 pixels"),
        (Image.new("F", (3, 3)), "contains floats"),
        (Image.new("I", (3, 3), 200), "integers up to 200 "),
        (np.zeros((5, 5, 3), np.int64), "array has shape"),
        (torch.zeros(3, 32, 32), "preprocessed image"),
        (torch.full((3, 64, 64), torch.nan), "not finite"),
        (3, "is a int"),
    ],
)
def test_an_image_that_cannot_be_used_is_refused(image, message):
    with pytest.raises(InputError, match=message):
        VisionLanguageGame(tiny_clip(), image, "a cat")


def test_a_damaged_picture_is_refused(tmp_path):
    (tmp_path / "bad.png").write_bytes(b"\x89PNG\r\n\x1a\nnothing more")
    with pytest.raises(InputError, match="cannot be read"):
        VisionLanguageGame(tiny_clip(), tmp_path / "bad.png", "a cat")


def test_a_truncated_picture_that_pillow_could_open_is_refused(tmp_path):
    colours = np.random.default_rng(0).integers(0, 256, (90, 90, 3), dtype=np.uint8)
    Image.fromarray(colours).save(tmp_path / "half.png")
    (tmp_path / "half.png").write_bytes((tmp_path / "half.png").read_bytes()[:9_000])
    with Image.open(tmp_path / "half.png") as opened, pytest.raises(InputError, match="The image cannot be read: "):
        VisionLanguageGame(tiny_clip(), opened, "a cat")


def test_a_huge_picture_is_refused_before_it_is_decoded():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        huge = Image.new("1", (20_000, 20_000))
    with pytest.raises(InputError, match="20,000 × 20,000"):
        VisionLanguageGame(tiny_clip(), huge, "a cat")


@pytest.mark.parametrize("size", [(1, 3_000), (3_000, 1)])
def test_a_picture_that_would_be_huge_once_resized_is_refused(size):
    with pytest.raises(InputError, match="at most 200 times the other"):
        VisionLanguageGame(tiny_clip(), Image.new("RGB", size), "a cat")


def test_a_huge_file_is_refused_before_it_is_decoded(tmp_path):
    import struct
    import zlib

    def chunk(kind, content):
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 20_000, 20_000, 8, 2, 0, 0, 0))
    (tmp_path / "huge.png").write_bytes(b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", b"") + chunk(b"IEND", b""))
    with pytest.raises(InputError, match=r"too large|20,000 × 20,000"):
        VisionLanguageGame(tiny_clip(), tmp_path / "huge.png", "a cat")
