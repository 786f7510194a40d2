"""``fixlip-widgets evaluate``: compare all methods by all metrics over a set of pairs, as a table and a report.

Each pair has its own record file. An interrupted run resumes where it stopped, and a run with more methods computes
only those.
"""

from __future__ import annotations

import argparse
import logging
import shlex
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from tqdm.auto import tqdm

from fixlip_widgets.corpus.pairs import DEMO
from fixlip_widgets.errors import FixlipError
from fixlip_widgets.evaluation.contestants import Contestant
from fixlip_widgets.evaluation.jobs import Run, measured, prepare
from fixlip_widgets.evaluation.records import Settings
from fixlip_widgets.support.command_line import (
    add_engine_arguments,
    add_model_arguments,
    add_row_arguments,
    whole_number,
)
from fixlip_widgets.support.files import replacing
from fixlip_widgets.support.formatting import shortened
from fixlip_widgets.support.progress import ProgressBar

_DEFAULTS = Settings("", "", "")
_PLACE = ("out", "jobs", "engine", "gpus_per_worker", "device", "only_report")
"""Options on which the results do not depend."""
_log = logging.getLogger(__name__)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``fixlip-widgets evaluate``."""
    parser.description = (
        "Compare methods by p-faithfulness, insertion/deletion and the pointing game over a set of pairs. "
        "After an interruption, run the same command to resume."
    )
    parser.add_argument(
        "--data",
        default=DEMO,
        help=f"{DEMO} (packaged scenes of 1 to 4 objects), a folder of images with .txt captions, a .csv, .tsv, "
        ".jsonl or .parquet file, or a webdataset .tar",
    )
    add_row_arguments(parser)
    parser.add_argument("--methods", nargs="+", metavar="METHOD", help="default: all")
    parser.add_argument("--out", type=Path, default=Path("evaluation"), help="folder for records and results")
    add_model_arguments(parser)
    parser.add_argument(
        "--p", type=float, nargs="+", default=list(_DEFAULTS.probabilities), help="p of FIxLIP and p-faithfulness"
    )
    parser.add_argument("--masks", type=int, default=_DEFAULTS.n_masks, help="number of new masks at each p")
    parser.add_argument(
        "--budget", type=whole_number, default=_DEFAULTS.budget, help="game evaluations (image masks × text masks)"
    )
    parser.add_argument(
        "--joint-budget", type=whole_number, default=_DEFAULTS.joint_budget, help="number of joint masks, for Shapley"
    )
    parser.add_argument(
        "--image-masks",
        type=whole_number,
        nargs="+",
        default=[],
        metavar="N",
        help="numbers of image masks: measure the methods that sample masks with each, in place of the budgets",
    )
    parser.add_argument("--steps", type=int, default=_DEFAULTS.steps, help="number of points on exCLIP's path")
    parser.add_argument("--seed", type=int, default=_DEFAULTS.seed)
    parser.add_argument(
        "--jobs", type=int, default=1, help="number of pairs measured in parallel processes, or of Ray actors"
    )
    add_engine_arguments(parser)
    parser.add_argument("--only-report", action="store_true", help="write the results of the recorded pairs only")


def run(options: argparse.Namespace) -> int:
    """Measure the missing pairs, write ``results.parquet``, ``report.html`` and ``table.md``, and return 0.

    Raises:
        FixlipError: pandas or pyarrow is not installed.
    """
    if not (find_spec("pandas") and find_spec("pyarrow")):  # fail before the work, not after it
        raise FixlipError("The results need pandas and pyarrow: pip install 'fixlip-widgets[evaluate]'.")
    plan = prepare(options)
    if not options.only_report:
        try:
            evaluate(plan, options)
        except KeyboardInterrupt:
            print("\nStopped. Measured pairs are kept; run the same command to resume.", file=sys.stderr)
    records = plan.records.all(row.name for row in plan.rows)
    finished = [record for record in records if _is_complete(record, plan.methods)]
    skipped = {
        record["name"]: record["skipped"]
        for record in records
        if "skipped" in record and not _is_complete(record, plan.methods)
    }
    if finished:
        write_results(options.out, plan, finished, skipped, command_of(options))
    if options.image_masks and any("methods" in record for record in records):
        write_curve(options.out, plan, [record for record in records if "methods" in record])
    print(f"{len(finished):,} pairs measured, {len(skipped):,} rows skipped, of {len(plan.rows):,}: {options.out}")
    return 0


def evaluate(plan: Run, options: argparse.Namespace) -> None:
    """Measure every row that lacks the scores of a method; progress and skipped rows are shown on stderr."""
    missing = [row for row in plan.rows if not _is_complete(plan.records.of(row.name), plan.methods)]
    print(f"{len(plan.rows) - len(missing):,} of {len(plan.rows):,} rows are already recorded.", file=sys.stderr)
    skipped = 0
    with ProgressBar(True, "measuring", "rows") as bar:
        for done, (name, reason) in enumerate(measured(plan, missing, options), start=1):
            if reason:
                skipped += 1
                _log.warning("Row %s skipped: %s", name, reason)
                tqdm.write(f"{shortened(name)} skipped: {reason}", file=sys.stderr)
            bar.show(done, len(missing), **({"skipped": skipped} if skipped else {}))


def write_results(
    folder: Path, plan: Run, records: Sequence[dict[str, Any]], skipped: dict[str, str], command: str
) -> None:
    """Write the scores of ``records`` as Parquet, the report as HTML, and the comparison as Markdown."""
    from fixlip_widgets.evaluation.page import write_page
    from fixlip_widgets.evaluation.tables import comparison, flat, markdown, write_parquet

    labels = {one.name: one.label for one in plan.methods}
    rows = flat(records)
    write_parquet(rows, folder / "results.parquet", {"command": command, "weights": plan.settings.weights})
    write_page(folder / "report.html", rows, labels, plan.settings, skipped, command)
    with replacing(folder / "table.md") as stream:
        stream.write((markdown(comparison(rows, labels, plan.settings.probabilities)) + "\n").encode())


def write_curve(folder: Path, plan: Run, records: Sequence[dict[str, Any]]) -> None:
    """Write the scores against encodings as ``curve.md`` and ``curve.svg``; a pair counts wherever it has a score."""
    from fixlip_widgets.evaluation.curve import curve_svg, curve_table
    from fixlip_widgets.evaluation.tables import flat

    rows, probabilities = flat(records), plan.settings.probabilities
    for name, text in (
        ("curve.md", curve_table(rows, plan.methods, probabilities)),
        ("curve.svg", curve_svg(rows, plan.methods, probabilities)),
    ):
        with replacing(folder / name) as stream:
            stream.write(f"{text.strip()}\n".encode())


def command_of(options: argparse.Namespace) -> str:
    """Return the command that reproduces the results, with the options that differ from the defaults."""
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    parts = ["fixlip-widgets", "evaluate"]
    for name, default in vars(parser.parse_args([])).items():
        value = getattr(options, name)
        if value != default and name not in _PLACE:
            values = value if isinstance(value, list) else [value]
            parts += [f"--{name.replace('_', '-')}", *map(str, values)]
    return shlex.join(parts)


def _is_complete(record: dict[str, Any], methods: Sequence[Contestant]) -> bool:
    return all(method.name in record.get("methods", {}) for method in methods)
