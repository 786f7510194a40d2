"""``fixlip-widgets corpus report``: a corpus as one page with its gallery, filters and some explanations."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from fixlip_widgets.corpus.corpus import Corpus
from fixlip_widgets.gallery.report import write_report
from fixlip_widgets.support.files import check_place

_PAIRS = 24


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``fixlip-widgets corpus report``."""
    parser.description = (
        "Write the gallery of a corpus, with its filters and the explanations of some pairs, as one HTML file that "
        "needs no network."
    )
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="folder of the corpus; it may still be written")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="the .html file")
    parser.add_argument(
        "--pairs",
        nargs="+",
        default=[str(_PAIRS)],
        metavar="ID",
        help="ids of the pairs whose explanations the page contains, or their number: one half are then the pairs with "
        f"the least support of a token, the others are drawn at random (default: {_PAIRS})",
    )
    parser.add_argument(
        "--where", default="", metavar="QUERY", help='only pairs such as "similarity > 25 and r2 < 0.8"'
    )
    parser.add_argument("--title", help="title of the page (default: the name of the folder)")
    parser.add_argument("--max-megabytes", type=float, default=20.0, metavar="MB", help="largest size (default: 20)")
    parser.add_argument("--seed", type=int, default=0, help="seed of the random pairs")


def run(options: argparse.Namespace) -> int:
    """Write the page, and print its size."""
    check_place(options.out)
    corpus = Corpus(options.folder)
    write_report(
        corpus.where(options.where) if options.where else corpus,
        options.out,
        _pairs_of(options.pairs),
        title=options.title,
        max_megabytes=options.max_megabytes,
        seed=options.seed,
    )
    print(f"Report: {options.out}, {options.out.stat().st_size / 1e6:.1f} MB", file=sys.stderr)
    return 0


def _pairs_of(given: list[str]) -> int | list[str]:
    """Return a number of pairs, or ids."""
    if len(given) == 1 and given[0].isdecimal():
        return int(given[0])
    return given
