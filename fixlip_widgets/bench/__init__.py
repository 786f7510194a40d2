"""``fixlip-widgets bench``: time and memory on this machine, as a table and as JSON.

Times are compared only within one run; the targets are ratios, shares or limits, not times of other machines.
"""

from __future__ import annotations

import argparse
import json
import math
import platform
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path

from fixlip_widgets.bench.measure import Row
from fixlip_widgets.errors import InputError

QUICK = ("explain", "solve", "reuse")
SECTIONS = {
    "explain": "an explanation compared with its encoders alone",
    "solve": "the decoupled solve compared with the dense solve",
    "reuse": "another p, another caption and twice the budget on a filled pool",
    "grids": "image–image terms on large grids",
    "memory": "peak memory at large budgets",
    "classes": "1,000 classes with 80 templates, one more class, and a choice of two",
    "paper": "this package compared with the dense formulation",
    "corpus": "a corpus compared with the bare encoders, its memory over rows, and two workers compared with one",
    "accuracy": "error relative to a long run, by estimator and number of masks",
    "arrays": "orthogonal arrays compared with random complementary pairs",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``fixlip-widgets bench``."""
    parser.description = "Measure time and memory on this machine. " + "; ".join(
        f"{name}: {summary}" for name, summary in SECTIONS.items()
    )
    parser.add_argument("sections", nargs="*", metavar="SECTION", help=f"default: {' '.join(QUICK)}; or 'all'")
    parser.add_argument("--model", metavar="NAME", help="measure the encoders of this model instead")
    parser.add_argument("--pretrained", metavar="TAG", help="weights of the model (default: random)")
    parser.add_argument("--batch", type=int, metavar="N", help="masks per batch")
    parser.add_argument("--precision", help="precision of the model: float32, bfloat16, float16 or auto")
    parser.add_argument(
        "--explain",
        type=int,
        default=0,
        metavar="N",
        help="also measure an explanation with at least N image masks",
    )
    parser.add_argument("--out", type=Path, metavar="FILE", help="write the rows as JSON")


def run(options: argparse.Namespace) -> int:
    """Measure the chosen sections, print each row as it is measured, and optionally write JSON."""
    import torch

    if options.model is not None and options.sections:
        raise InputError(f"--model cannot be combined with the section {options.sections[0]}; pass one of the two.")
    names = list(options.sections) or list(QUICK)
    names = list(SECTIONS) if names == ["all"] else names
    if unknown := [name for name in names if name not in SECTIONS]:
        raise InputError(f"There is no section {unknown[0]!r}; choose from {', '.join(SECTIONS)}.")
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads, {platform.machine()}", file=sys.stderr)
    rows: list[Row] = []
    for title, section in _sections(options, names):
        print(f"\n{title}")
        for row in section:
            rows.append(row)
            print(f"  {row.what:<66} {row.value:>9.3g} {row.unit:<6} {row.verdict}", flush=True)
    if options.out is not None:
        # JSON has no NaN: skipped measurements are null
        measured = [asdict(row) | ({"value": None} if math.isnan(row.value) else {}) for row in rows]
        options.out.write_text(json.dumps(measured, indent=1, allow_nan=False), encoding="utf-8")
    return 0


def _sections(options: argparse.Namespace, names: list[str]) -> Iterator[tuple[str, Iterator[Row]]]:
    """Yield each section's title, and an iterator over its rows."""
    if options.model is not None:
        from fixlip_widgets.bench import encoders

        yield (
            "encoders",
            encoders.rows(
                options.model, options.pretrained or False, options.batch, options.precision, max(options.explain, 0)
            ),
        )
        return
    for name in names:
        yield f"{name}: {SECTIONS[name]}", _section(name)()


def _section(name: str) -> Callable[[], Iterator[Row]]:
    from importlib import import_module

    return import_module(f"{__name__}.{name}").rows
