"""How tests are spread over processes (`pytest -n 2 --dist loadgroup`): whole files, and all of the browser in one."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep the tests of one file together, since they share fixtures, and those that share the JupyterLab server."""
    for item in items:
        group = "browser" if "e2e" in Path(item.path).parts else str(item.path)
        item.add_marker(pytest.mark.xdist_group(group))
