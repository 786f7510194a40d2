"""Download of the emoji pictures from npm, for training and evaluation only.

All picture sets but one are used in training; the last is held out to measure generalisation. `npm pack` downloads a
package as an archive and runs no code from it. Vector pictures are drawn with resvg-py: `pip install
'fixlip-widgets[png]'`.
"""

from __future__ import annotations

import io
import shutil
import subprocess
import tarfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image

from fixlip_widgets.demo.concepts import CONCEPTS
from fixlip_widgets.errors import InputError


@dataclass(frozen=True)
class PictureSet:
    """One set of emoji pictures: its npm package, artist and licence, and the path of a picture in the archive."""

    package: str
    artist: str
    licence: str
    path: Callable[[str], str]


TRAINED: dict[str, PictureSet] = {
    "noto": PictureSet(
        "emoji-datasource-google",
        "Noto Emoji, Google",
        "Apache-2.0",
        lambda code: f"package/img/google/64/{code}.png",
    ),
    "twemoji": PictureSet(
        "emoji-datasource-twitter",
        "Twemoji, Twitter and contributors",
        "CC-BY 4.0",
        lambda code: f"package/img/twitter/64/{code}.png",
    ),
    "fluent": PictureSet(
        "@lobehub/fluent-emoji-3d",
        "Fluent Emoji, Microsoft",
        "MIT",
        lambda code: f"package/assets/{code}.webp",
    ),
    "noto 2017": PictureSet(
        "emoji-datasource-google@3",
        "Noto Emoji of 2017, Google",
        "Apache-2.0",
        lambda code: f"package/img/google/64/{code}.png",
    ),
    "fluent flat": PictureSet(
        "@lobehub/fluent-emoji-flat",
        "Fluent Emoji, flat, Microsoft",
        "MIT",
        lambda code: f"package/assets/{code}.svg",
    ),
}

HELD_OUT: dict[str, PictureSet] = {
    "emojione": PictureSet(
        "emojione@2",
        "EmojiOne 2, EmojiOne",
        "CC-BY 4.0",
        lambda code: f"package/assets/png_128x128/{code}.png",
    ),
}


_SIDE = 128


def default_cache() -> Path:
    """Return the folder of downloaded pictures."""
    return Path.home() / ".cache" / "fixlip-widgets" / "emoji"


def pictures(which: dict[str, PictureSet], cache: Path | None = None) -> dict[str, dict[str, Image.Image]]:
    """Return the pictures of some sets: set name -> concept name -> RGBA image of at most 128 px.

    Packages missing from the cache are downloaded.

    Raises:
        InputError: a package cannot be downloaded, or lacks a picture.
        ImportError: resvg-py, which draws vector pictures, is not installed.
    """
    cache = default_cache() if cache is None else cache
    cache.mkdir(parents=True, exist_ok=True)
    return {name: _read(picture_set, archive(picture_set.package, cache)) for name, picture_set in which.items()}


def archive(package: str, cache: Path) -> Path:
    """Return the path of the npm package (.tgz) in the cache, downloading it if it is missing."""
    stem = package.replace("@", "").replace("/", "-")
    path = cache / f"{stem}.tgz"
    if path.exists():
        return path
    npm = shutil.which("npm")
    if npm is None:
        raise InputError("Downloading the emoji pictures needs npm, which is not on the PATH; install Node.js.")
    with TemporaryDirectory(dir=cache) as scratch:
        command = [npm, "pack", package, "--silent", "--pack-destination", scratch]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        archives = list(Path(scratch).glob("*.tgz"))
        if done.returncode != 0 or len(archives) != 1:
            raise InputError(f"npm could not download {package}: {done.stderr.strip() or 'no archive was written'}.")
        archives[0].replace(path)
    return path


def _picture(content: bytes, vector: bool) -> Image.Image:
    if vector:
        import resvg_py

        content = bytes(resvg_py.svg_to_bytes(svg_string=content.decode(), width=_SIDE, height=_SIDE))
    picture = Image.open(io.BytesIO(content)).convert("RGBA")
    picture.thumbnail((_SIDE, _SIDE), Image.Resampling.BICUBIC)
    return picture


def _read(picture_set: PictureSet, packed_pictures: Path) -> dict[str, Image.Image]:
    # Some sets leave out the variation selector.
    codes = {
        form: name for name, code in CONCEPTS.items() for form in (code.lower(), code.lower().replace("-fe0f", ""))
    }
    names = {picture_set.path(code): name for code, name in codes.items()}
    images: dict[str, Image.Image] = {}
    with tarfile.open(packed_pictures) as packed:
        for member in packed:
            if member.name in names:
                content = packed.extractfile(member)
                assert content is not None
                images[names[member.name]] = _picture(content.read(), vector=member.name.endswith(".svg"))
    missing = sorted(set(CONCEPTS) - set(images))
    if missing:
        raise InputError(f"{picture_set.package} has no picture of {', '.join(missing)}.")
    return {name: images[name] for name in CONCEPTS}
