"""Draw the packaged atlas: `python -m fixlip_widgets.demo.training.atlas` renders Noto's pictures in a browser.

The Noto bitmaps on npm are only 64 pixels wide, too few for a scene on a screen. The atlas is part of the package and
must be redrawn only if the concepts change.
"""

from __future__ import annotations

import argparse
import html
import json
import shutil
import subprocess
import tarfile
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from PIL import Image

from fixlip_widgets.demo.concepts import CONCEPTS
from fixlip_widgets.demo.pictures import ATLAS, COLUMNS
from fixlip_widgets.demo.training import fetch
from fixlip_widgets.errors import InputError

_PACKAGE = "@iconify-json/noto"
_BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def _member(archive: tarfile.TarFile, name: str) -> dict[str, Any]:
    member = archive.extractfile(f"package/{name}")
    assert member is not None
    return json.load(member)


def vectors(archive: Path) -> list[str]:
    """Return an SVG document for each concept, in order."""
    with tarfile.open(archive) as packed:
        names, icons = _member(packed, "chars.json"), _member(packed, "icons.json")
    drawn: list[str] = []
    for name, code in CONCEPTS.items():
        icon = names.get(code.lower()) or names.get(code.lower().replace("-fe0f", ""))
        if icon is None:
            raise InputError(f"{_PACKAGE} has no picture of {name} ({code}).")
        width, height = icons.get("width", 16), icons.get("height", 16)
        body = icons["icons"][icon]["body"]
        drawn.append(f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}">{body}</svg>')
    return drawn


def render(documents: Sequence[str], side: int, browser: str) -> Image.Image:
    """Render all pictures into one RGBA image, `COLUMNS` per row, each `side` pixels wide and high."""
    rows = -(-len(documents) // COLUMNS)
    # Each picture is a separate document (<img>), so that the ids of gradients do not clash.
    images = "".join(f'<img width={side} height={side} src="data:image/svg+xml,{_quoted(one)}">' for one in documents)
    style = f"body{{margin:0;width:{COLUMNS * side}px;line-height:0;font-size:0}}"
    with TemporaryDirectory() as folder:
        page, shot = Path(folder) / "page.html", Path(folder) / "shot.png"
        page.write_text(f"<!doctype html><meta charset=utf-8><style>{style}</style>{images}")
        command = [browser, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"]
        command += ["--default-background-color=00000000", f"--window-size={COLUMNS * side},{rows * side}"]
        command += [f"--user-data-dir={folder}/profile", f"--screenshot={shot}", page.as_uri()]
        subprocess.run(command, check=True, capture_output=True, timeout=120)
        return Image.open(shot).convert("RGBA")


def _quoted(document: str) -> str:
    return html.escape(document.replace("%", "%25").replace("#", "%23"), quote=True)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m fixlip_widgets.demo.training.atlas", description=__doc__)
    parser.add_argument("--data", type=Path, default=fetch.default_cache(), help="folder for the downloaded pictures")
    parser.add_argument("--side", type=int, default=112, help="width and height of a picture in pixels")
    parser.add_argument("--out", type=Path, default=ATLAS)
    options = parser.parse_args(arguments)
    browser = next((path for path in map(shutil.which, _BROWSERS) if path), None)
    if browser is None:
        raise InputError(f"Drawing the pictures needs a browser; none of {', '.join(_BROWSERS)} is on the PATH.")
    atlas = render(vectors(fetch.archive(_PACKAGE, options.data)), options.side, browser)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    atlas.save(options.out, optimize=True)


if __name__ == "__main__":
    main()
