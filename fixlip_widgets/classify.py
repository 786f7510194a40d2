"""``fixlip-widgets classify``: rank the classes of an image, and explain the choice."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fixlip_widgets.errors import InputError
from fixlip_widgets.support.command_line import add_model_arguments, whole_number
from fixlip_widgets.support.files import check_place, replacing

if TYPE_CHECKING:
    from fixlip_widgets.explainers.classes import Classes

SCENE = "demo:"
_OPTIONS = ("p", "budget", "seed", "regions", "masking", "masks")
"""Options passed to :func:`fixlip_widgets.explain_classes` under the same names; omitted ones keep its defaults."""
_SHOWN = 20


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``fixlip-widgets classify``."""
    parser.description = (
        "Rank the classes of an image with their logits and probabilities, and explain the choice: which patches, alone"
        " and in pairs, favour the best class, and which of them the second."
    )
    parser.add_argument("image", metavar="IMAGE", help=f"an image file, or {SCENE}NAME for a packaged scene")
    parser.add_argument("--classes", nargs="+", required=True, metavar="NAME", help="names of the classes")
    parser.add_argument(
        "--template",
        nargs="+",
        metavar="TEXT",
        dest="templates",
        help="texts with one {} for the name (default: 'a photo of a {}.')",
    )
    parser.add_argument(
        "--out",
        type=Path,
        metavar="FILE",
        help="write a page (.html), every value of every class (.csv), or the picture of the best class (.png, .svg)",
    )
    add_model_arguments(parser)
    parser.add_argument("--regions", type=int, metavar="N", help="use N superpixels instead of the encoder's patches")
    parser.add_argument("--masking", help="how patches are removed: zero (default), mean, blur or remove")
    parser.add_argument("--masks", help="how masks are drawn at p = 0.5: orthogonal (default) or random")
    parser.add_argument("--p", type=float, help="probability that a mask keeps a patch, in (0, 1)")
    parser.add_argument("--budget", type=whole_number, help="number of image masks, such as 4096 or 2^12")
    parser.add_argument("--seed", type=int)


def run(options: argparse.Namespace) -> int:
    """Print the ranking, and write the file if one is asked for."""
    import fixlip_widgets as fx

    write = _writer(options.out)
    if options.pretrained is not None and options.model is None:
        raise InputError(f"--pretrained {options.pretrained} needs a model name; pass --model.")
    image: Any = options.image
    if options.image.startswith(SCENE):
        image = fx.demo.scene(options.image.removeprefix(SCENE)).image
    given = {name: getattr(options, name) for name in (*_OPTIONS, "templates")}
    settings = {name: value for name, value in given.items() if value is not None}
    model = fx.load_model(
        options.model, pretrained=options.pretrained, device=options.device, precision=options.precision
    )
    classes = fx.explain_classes(image, options.classes, model=model, **settings)
    print(ranking(classes))
    if write is not None:
        write(classes, options.out)
    return 0


def ranking(classes: Classes, count: int = _SHOWN) -> str:
    """Format the classes with the largest logits as a table; the values are the model's, without an error."""
    rows = classes.rows(count)
    width = max(len("class"), *(len(name) for name, _, _ in rows))
    lines = [classes.summary(), f"  {'class':{width}}  {'logit':>9}  probability"]
    for name, logit, share in rows:
        lines.append(f"  {name:{width}}  {logit:9.2f}" + ("" if math.isnan(share) else f"  {share:11.2%}"))
    if len(classes) > len(rows):
        lines.append(f"  … {len(classes) - len(rows):,} more")
    return "\n".join(lines)


def _writer(path: Path | None) -> Callable[[Classes, Path], None] | None:
    """Return the function that writes a file of this type, or None without a path."""
    if path is None:
        return None
    writers = {".html": _write_page, ".csv": _write_table, ".png": _write_png, ".svg": _write_svg}
    if path.suffix.lower() not in writers:
        raise InputError(f"--out is {str(path)!r}; its name must end with {', '.join(writers)}.")
    check_place(path)
    return writers[path.suffix.lower()]


def _write_page(classes: Classes, path: Path) -> None:
    classes.to_html(path)


def _write_table(classes: Classes, path: Path) -> None:
    with replacing(path) as stream:
        stream.write(classes.to_frame().to_csv(index=False).encode("utf-8"))


def _write_png(classes: Classes, path: Path) -> None:
    classes[classes.rows(1)[0][0]].to_png(path, "overlay")


def _write_svg(classes: Classes, path: Path) -> None:
    with replacing(path) as stream:
        stream.write(classes[classes.rows(1)[0][0]].to_svg("overlay").encode("utf-8"))
