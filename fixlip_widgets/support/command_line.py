"""Arguments and types of arguments that several commands share."""

from __future__ import annotations

import argparse
import re


def whole_number(text: str) -> int:
    """Parse ``131072``, ``131_072``, ``2^17`` or ``2**17``."""
    power = re.fullmatch(r"(\d{1,3})(?:\^|\*\*)(\d{1,2})", text)
    try:
        return int(power[1]) ** int(power[2]) if power else int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number such as 131072 or 2^17") from None


def grid_sides(text: str) -> tuple[int, int]:
    """Parse the rows and columns of a grid such as 4x4 or 4×4."""
    sides = re.fullmatch(r"(\d{1,4})[x×](\d{1,4})", text)
    if sides is None:
        raise argparse.ArgumentTypeError(f"{text!r} is not a grid; write ROWSxCOLUMNS, such as 4x4")
    return int(sides[1]), int(sides[2])


def add_model_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options that load a model."""
    parser.add_argument("--model", help="open_clip name or configuration file (default: the packaged demo model)")
    parser.add_argument("--pretrained", metavar="TAG", help="open_clip tag or safetensors file")
    parser.add_argument("--device", help="cpu, cuda, cuda:1 … (default: cuda if available)")
    parser.add_argument("--precision", help="float32, bfloat16, float16 or auto (bfloat16 if clearly faster)")


def add_row_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options on the rows of a data set."""
    parser.add_argument("--image-column", default="image", metavar="NAME", help="column of images (default: image)")
    parser.add_argument(
        "--caption-column", default="caption", metavar="NAME", help="column of captions (default: caption)"
    )
    parser.add_argument(
        "--scenes", type=int, default=200, help="number of demo scenes per number of objects (default: 200)"
    )


def add_engine_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options that select where pairs are computed, besides the number of workers."""
    parser.add_argument(
        "--engine",
        choices=("local", "ray"),
        default="local",
        help="local: this machine (default); ray: the cluster at RAY_ADDRESS, or one that is started here",
    )
    parser.add_argument(
        "--gpus-per-worker",
        type=float,
        metavar="SHARE",
        help="GPUs of each Ray actor, such as 0.25 (default: 1 if any)",
    )
