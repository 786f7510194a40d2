"""The code of README.md and of the site runs as it is written, each page in a namespace and a folder of its own.

A block that needs a network, weights or a file of the reader's follows the comment ``<!-- skip: next "reason" -->``.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

import pytest
from sybil import Sybil
from sybil.parsers.markdown import PythonCodeBlockParser, SkipParser

ROOT = Path(__file__).parent


def set_up(namespace: dict[str, Any]) -> None:
    """Change to an empty folder."""
    namespace["_folder"] = tempfile.TemporaryDirectory()
    namespace["_before"] = Path.cwd()
    os.chdir(namespace["_folder"].name)


def tear_down(namespace: dict[str, Any]) -> None:
    """Close the page's widgets, and leave its folder."""
    from ipywidgets.widgets.widget import _instances

    from fixlip_widgets import FixlipWidget

    for widget in list(_instances.values()):  # also those without a name
        if isinstance(widget, FixlipWidget):
            widget.close()
    os.chdir(namespace["_before"])
    namespace["_folder"].cleanup()


pytest_collect_file = Sybil(
    parsers=[PythonCodeBlockParser(), SkipParser()],
    path=str(ROOT),
    patterns=["README.md", "docs/*.md", "docs/*/*.md", "docs/*/*/*.md"],
    setup=set_up,
    teardown=tear_down,
).pytest()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the pages' code as slow: it explains scenes."""
    for item in items:
        if item.path.suffix == ".md":
            item.add_marker(pytest.mark.slow)
