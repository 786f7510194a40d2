"""Order of the tests: those that take longest first, so that neither worker waits for the other at the end."""

from __future__ import annotations

from pathlib import Path

import pytest

# Files and folders; the browser's tests follow each other, because a worker keeps its browser until they are done.
FIRST = (
    "e2e",
    "estimators/test_coverage.py",
    "test_notebooks.py",
    "pages/test_report_notebook.py",
    "test_doctor.py",
    "evaluation/test_evaluate.py",
    "test_packaging.py",
    "test_site.py",
    "pages/test_notebook.py",
    "demo/test_packaged_model.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    places = {Path(__file__).parent / name: place for place, name in enumerate(FIRST)}

    def place(item: pytest.Item) -> int:
        return min((places[path] for path in (item.path, *item.path.parents) if path in places), default=len(FIRST))

    items.sort(key=place)
