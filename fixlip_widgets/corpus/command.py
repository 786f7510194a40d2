"""``fixlip-widgets corpus explain``: explain many pairs into a folder."""

from __future__ import annotations

import argparse
from pathlib import Path

from fixlip_widgets.corpus.explain import explain_corpus
from fixlip_widgets.corpus.pairs import DEMO
from fixlip_widgets.corpus.settings import DEFAULT_BUDGET
from fixlip_widgets.errors import InputError
from fixlip_widgets.support.command_line import (
    add_engine_arguments,
    add_model_arguments,
    add_row_arguments,
    grid_sides,
    whole_number,
)

_SETTINGS = ("p", "budget", "seed", "grid", "regions", "words", "masking", "masks", "check")
_LOADING = ("model", "pretrained", "device", "precision")
_DATA = ("image_column", "caption_column", "scenes")
_ENGINE = ("engine", "workers", "gpus_per_worker", "retry_failed")
_OPTIONS = (*_SETTINGS, *_LOADING, *_DATA, *_ENGINE)
"""Options passed to :func:`fixlip_widgets.explain_corpus` under the same names; omitted ones keep its defaults."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``fixlip-widgets corpus explain``."""
    parser.description = (
        "Explain every pair of a data set, and write the explanations to a folder. Each row is written when it is "
        "finished: after an interruption, run the same command to resume."
    )
    parser.add_argument(
        "--data",
        nargs="+",
        required=True,
        metavar="PATH",
        help=f"{DEMO}, a folder of images with .txt captions, a .csv, .tsv, .jsonl or .parquet file, or one or more "
        "webdataset .tar shards, such as 'shards/{000..099}.tar'",
    )
    parser.add_argument("--out", type=Path, required=True, metavar="FOLDER", help="folder of the explanations")
    add_row_arguments(parser)
    add_model_arguments(parser)
    parser.add_argument("--p", type=float, help="probability that a mask keeps a patch or token, in (0, 1)")
    parser.add_argument(
        "--budget",
        type=whole_number,
        help=f"number of game evaluations of each pair, such as 32768 or 2^15 (default: {DEFAULT_BUDGET:,})",
    )
    parser.add_argument("--seed", type=int)
    parser.add_argument("--grid", type=grid_sides, metavar="ROWSxCOLUMNS", help="grid of patches")
    parser.add_argument("--regions", type=int, metavar="N", help="use N superpixels instead of a grid")
    parser.add_argument("--words", action="store_true", default=None, help="explain whole words instead of tokens")
    parser.add_argument("--masking", help="how patches are removed: zero (default), mean, blur or remove")
    parser.add_argument("--masks", help="how masks are drawn at p = 0.5: orthogonal (default) or random")
    parser.add_argument(
        "--no-check",
        dest="check",
        action="store_const",
        const=False,
        help="do not compare complete pairs with the model's own forward pass",
    )
    add_engine_arguments(parser)
    parser.add_argument(
        "--workers", type=int, metavar="N", help="number of Ray actors (default: one a GPU, or one a CPU without GPUs)"
    )
    parser.add_argument(
        "--retry-failed", action="store_true", help="explain pairs that failed before again, and replace their rows"
    )


def run(options: argparse.Namespace) -> int:
    """Explain the missing pairs, print a line on the folder, and return 0."""
    if options.pretrained is not None and options.model is None:
        raise InputError(f"--pretrained {options.pretrained} needs a model name; pass --model.")
    given = {name: getattr(options, name) for name in _OPTIONS}
    data = options.data[0] if len(options.data) == 1 else options.data
    corpus = explain_corpus(
        data, options.out, progress=True, **{name: value for name, value in given.items() if value is not None}
    )
    print(f"{options.out}: {corpus.summary()}")
    return 0
