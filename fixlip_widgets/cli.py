"""Command line: ``fixlip-widgets explain | classify | corpus | evaluate | margins | bench | doctor``.

Each command imports torch and other heavy packages itself, so that ``--help`` and ``--version`` respond quickly.
"""

from __future__ import annotations

import argparse
import sys
import warnings
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fixlip_widgets._version import __version__
from fixlip_widgets.errors import FixlipError, FixlipWarning, InputError
from fixlip_widgets.support.command_line import add_model_arguments, grid_sides, whole_number

if TYPE_CHECKING:
    from fixlip_widgets import Explanation

SCENE = "demo:"
_MODULES = {
    "classify": ("fixlip_widgets.classify", "rank the classes of an image, and explain the choice"),
    "evaluate": ("fixlip_widgets.evaluation", "compare methods over a set of pairs"),
    "margins": ("fixlip_widgets.evaluation.margins", "compare explanations of a choice between two classes"),
    "bench": ("fixlip_widgets.bench", "measure time and memory on this machine"),
}
"""Commands whose module defines the arguments; a module is imported only for its own command."""
_CORPUS = {
    "explain": ("fixlip_widgets.corpus.command", "explain many pairs into a folder"),
    "report": ("fixlip_widgets.gallery.report_command", "write a corpus as one page to browse"),
}
"""Commands of ``fixlip-widgets corpus``."""

_EXPLAIN_OPTIONS = (
    "p",
    "budget",
    "max_encodings",
    "stop_at",
    "method",
    "order",
    "seed",
    "grid",
    "regions",
    "words",
    "masking",
    "masks",
    "check",
)
"""Options passed to :func:`fixlip_widgets.explain` under the same names; omitted options keep its defaults."""
_LOADING_OPTIONS = ("device", "precision", "quick_gelu", "image_size")
"""Options passed to :func:`fixlip_widgets.load_model`, which refuses those that the model would ignore."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return the exit status: 0, 1 if doctor finds a problem, 2 on an error."""
    arguments = sys.argv[1:] if arguments is None else arguments
    options = _parser(next(iter(arguments), "")).parse_args(arguments)
    try:
        with _printed_warnings():
            return options.run(options)
    except (FixlipError, OSError) as error:
        print(f"fixlip-widgets: error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


@contextmanager
def _printed_warnings() -> Generator[None]:
    """Print this package's warnings as the errors are printed, without a place in the code."""
    with warnings.catch_warnings():
        warnings.simplefilter("always", FixlipWarning)
        show = warnings.showwarning

        def show_or_print(message: Warning | str, category: type[Warning], *place: Any) -> None:
            if issubclass(category, FixlipWarning):
                print(f"fixlip-widgets: warning: {message}", file=sys.stderr)
            else:
                show(message, category, *place)

        warnings.showwarning = show_or_print
        yield


def _parser(command: str) -> argparse.ArgumentParser:
    """Build the parser, with the arguments of ``evaluate`` and ``bench`` only if ``command`` names them."""
    parser = argparse.ArgumentParser(
        prog="fixlip-widgets",
        description="Why does a vision–language encoder find this image and this caption similar?",
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    _add_explain(commands.add_parser("explain", help="explain one image and caption"))
    for name, (path, summary) in _MODULES.items():
        subparser = commands.add_parser(name, help=summary)
        if name == command:
            _define(subparser, path)
    corpus = commands.add_parser("corpus", help="explain many pairs, on this machine or a Ray cluster")
    if command == "corpus":
        actions = corpus.add_subparsers(title="commands", required=True, metavar="COMMAND")
        for name, (path, summary) in _CORPUS.items():
            _define(actions.add_parser(name, help=summary), path)
    doctor = commands.add_parser("doctor", help="check the installation and list missing packages")
    doctor.add_argument("--model", metavar="NAME", help="check instead whether this model is supported")
    doctor.set_defaults(run=_doctor)
    return parser


def _define(parser: argparse.ArgumentParser, path: str) -> None:
    """Let a module define the arguments and the action of a command."""
    module = import_module(path)
    module.add_arguments(parser)
    parser.set_defaults(run=module.run)


def _add_explain(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Explain the similarity of an image and a caption. Print the strongest terms, or JSON with --json."
    )
    parser.add_argument("image", metavar="IMAGE", help=f"an image file, or {SCENE}NAME for a packaged scene")
    parser.add_argument(
        "caption", metavar="CAPTION", nargs="?", help="optional for a packaged scene, which has a caption"
    )
    parser.add_argument("--out", type=Path, metavar="FILE", help="write a report as one self-contained HTML file")
    parser.add_argument(
        "--p-grid",
        type=float,
        nargs="+",
        metavar="P",
        help="values of p in the report (default: 0.1 to 0.9, which takes half as many encodings again)",
    )
    parser.add_argument(
        "--budgets",
        type=whole_number,
        nargs="+",
        metavar="N",
        help="budgets in the report (default: up to five smaller ones, which take no more encodings)",
    )
    parser.add_argument(
        "--level", choices=("simple", "all"), help="how much the report shows (default: the reader's choice)"
    )
    parser.add_argument("--json", action="store_true", help="print the whole explanation as JSON")
    add_model_arguments(parser)
    parser.add_argument(
        "--quick-gelu",
        action=argparse.BooleanOptionalAction,
        help="whether the weights of a file use QuickGELU (default: as the tag or configuration says)",
    )
    parser.add_argument("--image-size", type=int, metavar="PIXELS", help="side of the model's images, if not its own")
    parser.add_argument(
        "--no-check",
        dest="check",
        action="store_const",
        const=False,
        help="do not compare the complete image and caption with the model's own forward pass",
    )
    parser.add_argument(
        "--grid", type=grid_sides, metavar="ROWSxCOLUMNS", help="grid of patches (default: the encoder's)"
    )
    parser.add_argument("--regions", type=int, metavar="N", help="use N superpixels instead of a grid")
    parser.add_argument("--words", action="store_true", default=None, help="explain whole words instead of tokens")
    parser.add_argument("--masking", help="how patches are removed: zero (default), mean, blur or remove")
    parser.add_argument("--masks", help="how masks are drawn at p = 0.5: orthogonal (default) or random")
    parser.add_argument("--p", type=float, help="probability that a mask keeps a patch or token, in (0, 1)")
    parser.add_argument("--budget", type=whole_number, help="number of game evaluations, such as 131072 or 2^17")
    parser.add_argument(
        "--max-encodings", type=whole_number, metavar="N", help="maximum number of image encodings, for any method"
    )
    parser.add_argument(
        "--stop-at",
        type=float,
        metavar="ERROR",
        help="stop encoding at this standard error relative to the largest term, such as 0.02; the budget is a maximum",
    )
    parser.add_argument("--method", help="banzhaf (the p-weighted interactions of FIxLIP) or shapley")
    parser.add_argument(
        "--order", type=int, help="1 for values only, 2 for pairwise interactions, 3 for three-way interactions"
    )
    parser.add_argument("--seed", type=int)
    parser.set_defaults(run=_explain)


def _explain(options: argparse.Namespace) -> int:
    import fixlip_widgets as fx

    image, caption = _pair(options.image, options.caption)
    arguments = {name: getattr(options, name) for name in _EXPLAIN_OPTIONS}
    _check_report(options)
    if options.pretrained is not None and options.model is None:
        raise InputError(f"--pretrained {options.pretrained} needs a model name; pass --model.")
    settings = {name: getattr(options, name) for name in _LOADING_OPTIONS}
    model = fx.load_model(options.model, pretrained=options.pretrained, **settings)
    explanation = fx.explain(
        image, caption, model=model, **{name: value for name, value in arguments.items() if value is not None}
    )
    print(explanation.to_json() if options.json else explanation)
    if options.out is not None:
        _write_report(explanation, options)
        print(f"Report: {options.out}, {Path(options.out).stat().st_size / 1e6:.1f} MB", file=sys.stderr)
    return 0


def _check_report(options: argparse.Namespace) -> None:
    """Refuse options of the report that would be ignored, and a file that cannot be written."""
    from fixlip_widgets.explanation.methods import CATALOGUE, check_method
    from fixlip_widgets.support.files import check_place

    given = {"--p-grid": options.p_grid, "--budgets": options.budgets, "--level": options.level}
    if options.out is None:
        if names := [name for name, value in given.items() if value]:
            raise InputError(f"{' and '.join(names)} describe the report; pass --out FILE, too.")
        return
    check_place(options.out)
    method = CATALOGUE[check_method(options.method or "banzhaf")]
    refused = [name for name in ("--p-grid", "--budgets") if given[name] and not method.pooled]
    if refused:
        raise InputError(
            f"{' and '.join(refused)} cannot be used: the report of {method.label} has one explanation. Leave them out."
        )


def _write_report(explanation: Explanation, options: argparse.Namespace) -> None:
    """Write the report; its sliders move if the method shares its encodings and may encode more."""
    from fixlip_widgets.pages import Recording, report

    asked = options.p_grid or options.budgets
    part = explanation if asked or options.max_encodings is None else Recording.of(explanation)
    report(part, options.out, p=options.p_grid, budgets=options.budgets, level=options.level)


def _pair(image: str, caption: str | None) -> tuple[Any, str]:
    """Return the image and caption named on the command line."""
    if image.startswith(SCENE):
        from fixlip_widgets import demo

        scene = demo.scene(image.removeprefix(SCENE))
        return scene.image, scene.caption if caption is None else caption
    if caption is None:
        raise InputError(f"An image file needs a caption: fixlip-widgets explain {image} 'a dog next to a banana'")
    return image, caption


def _doctor(options: argparse.Namespace) -> int:
    from fixlip_widgets import doctor

    findings = doctor.examine() if options.model is None else doctor.examine_model(options.model)
    print(doctor.table(findings))
    return int(any(finding.serious for finding in findings))
