"""Fetches the emoji pictures from npm, for training and evaluation only.

Four sets of pictures are used. Three are trained on; the fourth is never seen in training and measures how far the
model's knowledge reaches. `npm pack` downloads a package as a plain archive and runs nothing from it.
"""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import tarfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from fixlip_widgets.demo.concepts import CONCEPTS
from fixlip_widgets.errors import InputError

_NAMES = "emoji-datasource"


@dataclass(frozen=True)
class PictureSet:
    """One set of emoji pictures: its npm package, its licence, and where the archive holds a picture."""

    package: str
    artist: str
    licence: str
    path: Callable[[str], str]


def _bare(code: str) -> str:
    return code.replace("-fe0f", "")


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
}

HELD_OUT: dict[str, PictureSet] = {
    "emojione": PictureSet(
        "emojione@2",
        "EmojiOne 2, EmojiOne",
        "CC-BY 4.0",
        lambda code: f"package/assets/png_128x128/{_bare(code)}.png",
    ),
}


def default_cache() -> Path:
    """Where downloaded pictures are kept."""
    return Path.home() / ".cache" / "fixlip-widgets" / "emoji"


def pictures(which: dict[str, PictureSet], cache: Path | None = None) -> dict[str, dict[str, Image.Image]]:
    """The pictures of some sets: set name -> concept name -> RGBA image of at most 128 px.

    Downloads what the cache lacks, and checks the concepts' code points against the registry's own list of names.

    Raises:
        InputError: a package cannot be downloaded, or lacks a picture.
    """
    cache = default_cache() if cache is None else cache
    cache.mkdir(parents=True, exist_ok=True)
    _check_names(archive(_NAMES, cache))
    return {name: _read(picture_set, archive(picture_set.package, cache)) for name, picture_set in which.items()}


def archive(package: str, cache: Path) -> Path:
    """The npm package as a gzipped tar file in the cache, downloaded if it is not there."""
    stem = package.replace("@", "").replace("/", "-")
    path = cache / f"{stem}.tgz"
    if path.exists():
        return path
    npm = shutil.which("npm")
    if npm is None:
        raise InputError("npm is needed to download the emoji pictures and is not on the PATH; install Node.js.")
    scratch = cache / f"{stem}.part"
    scratch.mkdir(exist_ok=True)
    command = [npm, "pack", package, "--silent", "--pack-destination", str(scratch)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    found = list(scratch.glob("*.tgz"))
    if done.returncode != 0 or len(found) != 1:
        shutil.rmtree(scratch)
        raise InputError(f"npm could not download {package}: {done.stderr.strip() or 'no archive was written'}.")
    found[0].replace(path)
    shutil.rmtree(scratch)
    return path


def _check_names(names: Path) -> None:
    with tarfile.open(names) as packed:
        member = packed.extractfile("package/emoji.json")
        assert member is not None
        known = {entry["unified"] for entry in json.load(member)}
    unknown = [f"{name} ({code})" for name, code in CONCEPTS.items() if code not in known]
    if unknown:
        raise InputError(f"emoji-datasource has no emoji for {', '.join(unknown)}; correct the code points.")


def _read(picture_set: PictureSet, packed_pictures: Path) -> dict[str, Image.Image]:
    wanted = {picture_set.path(code.lower()): name for name, code in CONCEPTS.items()}
    found: dict[str, Image.Image] = {}
    with tarfile.open(packed_pictures) as packed:
        for member in packed:
            if member.name in wanted:
                content = packed.extractfile(member)
                assert content is not None
                picture = Image.open(io.BytesIO(content.read())).convert("RGBA")
                picture.thumbnail((128, 128), Image.Resampling.BICUBIC)
                found[wanted[member.name]] = picture
    missing = sorted(set(CONCEPTS) - set(found))
    if missing:
        raise InputError(f"{picture_set.package} has no picture of {', '.join(missing)}.")
    return {name: found[name] for name in CONCEPTS}
