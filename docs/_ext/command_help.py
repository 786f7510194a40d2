"""The directive ``command-help``: usage and options of one command, taken from its argparse parser."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from fixlip_widgets.cli import _parser

WIDTH = 88


class CommandHelp(SphinxDirective):
    """Describe the command that the argument names, such as ``explain``."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Return the description, the usage and one entry for each argument."""
        parser = parser_of(self.arguments[0])
        parser.formatter_class = lambda prog: argparse.HelpFormatter(prog, width=WIDTH)
        return self.parse_text_to_nodes("\n".join(lines(parser)))


def parser_of(command: str) -> argparse.ArgumentParser:
    """Return the parser of one command, with all of its arguments."""
    commands = next(each for each in _parser(command)._actions if isinstance(each, argparse._SubParsersAction))
    return commands.choices[command]


def lines(parser: argparse.ArgumentParser) -> Iterator[str]:
    """Yield the command's documentation as MyST Markdown."""
    yield parser.description or ""
    yield f"\n```text\n{parser.format_usage().strip()}\n```\n"
    yield f":::{{program}} {parser.prog}\n:::\n"
    for action in parser._actions:
        if not isinstance(action, argparse._HelpAction):
            yield f"::::{{option}} {name(action)}\n{text(action)}\n::::\n"


def name(action: argparse.Action) -> str:
    """Return the names and values of an argument, as Sphinx lists them."""
    if isinstance(action, argparse.BooleanOptionalAction):
        return ", ".join(action.option_strings)
    value = "" if action.nargs == 0 else str(action.metavar or action.dest.upper())
    several = " ..." if action.nargs in ("+", "*") else ""
    return ", ".join(f"{option} {value}{several}".strip() for option in action.option_strings) or value + several


def text(action: argparse.Action) -> str:
    """Return the help of an argument; markup in it is shown as it is."""
    help = (action.help or "").strip()
    if action.choices:
        help = f"{', '.join(map(str, action.choices))}: {help}"
    return help.replace("{", r"\{").replace("*", r"\*").replace("<", r"\<")


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the directive."""
    app.add_directive("command-help", CommandHelp)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
