"""The command line: ``fixlip-widgets explain | evaluate | bench | doctor``.

torch and the rest are imported by the command that needs them: ``--help`` and ``--version`` answer at once.
"""

from __future__ import annotations

import argparse
import math
import re
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fixlip_widgets._version import __version__
from fixlip_widgets.errors import FixlipError, InputError
from fixlip_widgets.support.command_line import whole_number

if TYPE_CHECKING:
    from fixlip_widgets import Explanation

SCENE = "demo:"
_MODULES = {
    "evaluate": ("fixlip_widgets.evaluation", "compare methods over a set of pairs"),
    "bench": ("fixlip_widgets.bench", "measure time and memory on this machine"),
}
"""Commands whose arguments are their module's to define, which is imported for them alone."""

_OF_EXPLAIN = ("p", "budget", "max_encodings", "method", "order", "seed", "grid", "regions", "words", "masking")
"""Options that :func:`fixlip_widgets.explain` takes by the same names; those that are not given are left to it."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status: 0, 1 where doctor found something missing, 2 for what was refused."""
    arguments = sys.argv[1:] if arguments is None else arguments
    options = _parser(next(iter(arguments), "")).parse_args(arguments)
    try:
        return options.run(options)
    except (FixlipError, OSError) as error:
        print(f"fixlip-widgets: error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


def _parser(command: str) -> argparse.ArgumentParser:
    """The parser; of the commands that modules of their own define, it has the arguments of ``command`` alone."""
    parser = argparse.ArgumentParser(
        prog="fixlip-widgets",
        description="Why does a vision–language encoder find this image and this caption similar?",
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    _add_explain(commands.add_parser("explain", help="explain one image and caption"))
    for name, (module, what) in _MODULES.items():
        parser_of_it = commands.add_parser(name, help=what)
        if name == command:
            defined = import_module(module)
            defined.add_arguments(parser_of_it)
            parser_of_it.set_defaults(run=defined.run)
    doctor = commands.add_parser("doctor", help="say what is installed, what is missing and how to get it")
    doctor.add_argument("--model", metavar="NAME", help="say instead whether this model is supported, and how")
    doctor.set_defaults(run=_doctor)
    return parser


def _add_explain(parser: argparse.ArgumentParser) -> None:
    parser.description = "Explain the similarity of an image and a caption. Without --json, prints the strongest terms."
    parser.add_argument("image", metavar="IMAGE", help=f"a file, or {SCENE}NAME for a packaged scene")
    parser.add_argument("caption", metavar="CAPTION", nargs="?", help="a packaged scene brings its own")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write a report, one self-contained HTML file")
    parser.add_argument("--json", action="store_true", help="print the whole explanation as JSON")
    parser.add_argument("--model", help="an open_clip name or configuration file (default: the packaged demo model)")
    parser.add_argument("--pretrained", metavar="TAG", help="an open_clip tag, or a safetensors file")
    parser.add_argument("--device", help="cpu, cuda, cuda:1 … (default: a GPU where there is one)")
    parser.add_argument("--precision", help="float32, bfloat16, float16, or auto: bfloat16 where it is clearly faster")
    parser.add_argument("--grid", type=_grid, metavar="ROWSxCOLUMNS", help="image players (default: the patches)")
    parser.add_argument("--regions", type=int, metavar="N", help="N superpixels as image players, not a grid")
    parser.add_argument("--words", action="store_true", default=None, help="whole words as text players, not tokens")
    parser.add_argument("--masking", help="what removed image players become: zero (default), mean, blur or remove")
    parser.add_argument("--p", type=float, help="probability with which masks keep a patch or token, in (0, 1)")
    parser.add_argument("--budget", type=whole_number, help="game evaluations, as 131072 or 2^17 (see max-encodings)")
    parser.add_argument(
        "--max-encodings", type=whole_number, metavar="N", help="image encodings at most, whatever the method"
    )
    parser.add_argument("--method", help="banzhaf, the p-weighted interactions of FIxLIP, or shapley")
    parser.add_argument(
        "--order", type=int, help="1 for values alone, 2 for interactions, 3 for terms of three players"
    )
    parser.add_argument("--seed", type=int)
    parser.set_defaults(run=_explain)


def _explain(options: argparse.Namespace) -> int:
    import fixlip_widgets as fx
    from fixlip_widgets.support.files import check_place

    image, caption = _pair(options.image, options.caption)
    chosen = {name: getattr(options, name) for name in _OF_EXPLAIN}
    if options.out is not None:
        check_place(options.out)
    if options.pretrained is not None and options.model is None:
        raise InputError(f"--pretrained {options.pretrained} needs --model: whose weights are they?")
    place = {"device": options.device, "precision": options.precision}
    model = fx.load_model(options.model, pretrained=options.pretrained, **place)
    explanation = fx.explain(
        image, caption, model=model, **{name: value for name, value in chosen.items() if value is not None}
    )
    print(explanation.to_json() if options.json else _summary(explanation))
    if options.out is not None:
        explanation.to_html(options.out)
        print(f"Report: {options.out}", file=sys.stderr)
    return 0


def _pair(image: str, caption: str | None) -> tuple[Any, str]:
    """The image and caption that the command line names."""
    if image.startswith(SCENE):
        from fixlip_widgets import demo

        scene = demo.scene(image.removeprefix(SCENE))
        return scene.image, scene.caption if caption is None else caption
    if caption is None:
        raise InputError(f"An image needs a caption: fixlip-widgets explain {image} 'a dog next to a banana'")
    return image, caption


def _doctor(options: argparse.Namespace) -> int:
    from fixlip_widgets import doctor

    findings = doctor.examine() if options.model is None else doctor.examine_model(options.model)
    print(doctor.table(findings))
    return int(any(finding.serious for finding in findings))


def _grid(text: str) -> tuple[int, int]:
    """4x4 or 4×4: rows and columns."""
    sides = re.fullmatch(r"(\d{1,4})[x×](\d{1,4})", text)
    if sides is None:
        raise argparse.ArgumentTypeError(f"{text!r} is not a grid such as 4x4: rows, an x, columns")
    return int(sides[1]), int(sides[2])


def _summary(explanation: Explanation, count: int = 12) -> str:
    """The caption, what it took, and a table of the strongest terms in logits."""
    terms = explanation.top(count)
    names = [" × ".join(term.names) for term in terms]
    width = max(map(len, names), default=0)
    rows = (
        f"  {name:{width}}  {term.value:+#9.3g}"
        + ("" if math.isnan(term.standard_error) else f"  ± {term.standard_error:#.2g}")
        for name, term in zip(names, terms, strict=True)
    )
    return "\n".join((explanation.caption, explanation.summary(), *rows))
