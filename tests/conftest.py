"""Which worker runs which tests: files whose tests share something expensive go together, and the longest first.

The worker of the browser's tests alone starts JupyterLab and a browser. Neither worker waits for the other at the end.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

TOGETHER = (
    ("tests/e2e/",),
    ("tests/estimators/test_coverage.py", "tests/estimators/test_contrast.py"),
)
"""Files and folders that one worker runs."""
FIRST = (
    "e2e",
    "estimators/test_coverage.py",
    "estimators/test_contrast.py",
    "test_course.py",
    "evaluation/test_evaluate.py",
    "encoders/test_models.py",
    "test_notebooks.py",
    "pages/test_report_notebook.py",
    "gallery/test_audit_notebook.py",
    "corpus/test_ray.py",
    "test_packaging.py",
    "test_site.py",
    "pages/test_notebook.py",
    "test_doctor.py",
    "demo/test_packaged_model.py",
)
"""Files and folders, the longest first."""


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> object | None:
    """Give a worker whole files, with those of TOGETHER as one, for ``--dist loadfile``."""
    if config.getoption("dist") != "loadfile":
        return None
    from xdist.scheduler import LoadFileScheduling

    class Scheduling(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return next((names[0] for names in TOGETHER if nodeid.startswith(names)), super()._split_scope(nodeid))

    return Scheduling(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    places = {Path(__file__).parent / name: place for place, name in enumerate(FIRST)}

    def place(item: pytest.Item) -> int:
        return min((places[path] for path in (item.path, *item.path.parents) if path in places), default=len(FIRST))

    items.sort(key=place)
