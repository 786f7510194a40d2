"""Draw the packaged atlas: `python -m fixlip_widgets.demo.training.atlas` renders Noto's vector pictures with resvg.

The Noto bitmaps on npm are only 64 pixels wide, too few for a scene on a screen. The atlas is part of the package and
must be redrawn only if the concepts change. Drawing requires resvg-py: `pip install 'fixlip-widgets[png]'`.
"""

from __future__ import annotations

import argparse
import io
import json
import math
import tarfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from fixlip_widgets.demo.concepts import CONCEPTS
from fixlip_widgets.demo.pictures import ATLAS, COLUMNS
from fixlip_widgets.demo.training import fetch
from fixlip_widgets.errors import InputError

_PACKAGE = "@iconify-json/noto"


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


def render(documents: Sequence[str], side: int) -> Image.Image:
    """Render all pictures into one RGBA image, `COLUMNS` per row, each `side` pixels wide and high.

    Raises:
        ImportError: resvg-py is not installed.
    """
    import resvg_py

    rows = math.ceil(len(documents) / COLUMNS)
    atlas = Image.new("RGBA", (COLUMNS * side, rows * side))
    for index, document in enumerate(documents):
        row, column = divmod(index, COLUMNS)
        png = bytes(resvg_py.svg_to_bytes(svg_string=document, width=side, height=side))
        atlas.paste(Image.open(io.BytesIO(png)), (column * side, row * side))
    return atlas


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m fixlip_widgets.demo.training.atlas", description=__doc__)
    parser.add_argument("--data", type=Path, default=fetch.default_cache(), help="folder for the downloaded pictures")
    parser.add_argument("--side", type=int, default=112, help="width and height of a picture in pixels")
    parser.add_argument("--out", type=Path, default=ATLAS)
    options = parser.parse_args(arguments)
    atlas = render(vectors(fetch.archive(_PACKAGE, options.data)), options.side)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    atlas.save(options.out, optimize=True)


if __name__ == "__main__":
    main()
