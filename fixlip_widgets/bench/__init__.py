"""``fixlip-widgets bench``: time and memory on this machine, as a table and as JSON.

Times are compared within one run, never with another machine's: what is asked for is a ratio, a share or a limit.
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
    "explain": "an explanation beside the bare encoders",
    "solve": "the decoupled solve beside the dense one",
    "reuse": "another p, another caption, twice the budget",
    "grids": "image–image terms on large grids",
    "memory": "peak memory at large budgets",
    "paper": "the dense formulation, block by block",
    "accuracy": "error against a long run, by estimator and number of masks",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What ``fixlip-widgets bench`` takes."""
    parser.description = "Measure time and memory on this machine. " + "; ".join(
        f"{name}: {what}" for name, what in SECTIONS.items()
    )
    parser.add_argument("sections", nargs="*", metavar="SECTION", help=f"default: {' '.join(QUICK)}; or 'all'")
    parser.add_argument("--model", metavar="NAME", help="measure this model's encoders instead")
    parser.add_argument("--pretrained", metavar="TAG", help="with these weights (default: random ones)")
    parser.add_argument("--batch", type=int, metavar="N", help="masks per run of an encoder")
    parser.add_argument("--precision", help="of the model: float32, bfloat16, float16 or auto")
    parser.add_argument(
        "--explain",
        type=int,
        default=0,
        metavar="N",
        help="also measure an explanation with N image masks of the model",
    )
    parser.add_argument("--out", type=Path, metavar="FILE", help="write the rows as JSON")


def run(options: argparse.Namespace) -> int:
    """Measure the chosen sections, print a table as rows come in, and write them as JSON where asked."""
    import torch

    if options.model is not None and options.sections:
        raise InputError(f"--model measures encoders, not {options.sections[0]}; give one of the two.")
    chosen = list(options.sections) or list(QUICK)
    chosen = list(SECTIONS) if chosen == ["all"] else chosen
    if unknown := [name for name in chosen if name not in SECTIONS]:
        raise InputError(f"There is no section {unknown[0]!r}; there are {', '.join(SECTIONS)}.")
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads, {platform.machine()}", file=sys.stderr)
    rows: list[Row] = []
    for title, section in _chosen(options, chosen):
        print(f"\n{title}")
        for row in section:
            rows.append(row)
            print(f"  {row.what:<66} {row.value:>9.3g} {row.unit:<6} {row.verdict}", flush=True)
    if options.out is not None:
        # JSON has no NaN: what was not run is null
        measured = [asdict(row) | ({"value": None} if math.isnan(row.value) else {}) for row in rows]
        options.out.write_text(json.dumps(measured, indent=1, allow_nan=False), encoding="utf-8")
    return 0


def _chosen(options: argparse.Namespace, chosen: list[str]) -> Iterator[tuple[str, Iterator[Row]]]:
    """What to measure: a title, and the rows as they come."""
    if options.model is not None:
        from fixlip_widgets.bench import encoders

        yield (
            "encoders",
            encoders.rows(
                options.model, options.pretrained or False, options.batch, options.precision, max(options.explain, 0)
            ),
        )
        return
    for name in chosen:
        yield f"{name}: {SECTIONS[name]}", _section(name)()


def _section(name: str) -> Callable[[], Iterator[Row]]:
    from importlib import import_module

    return import_module(f"{__name__}.{name}").rows
