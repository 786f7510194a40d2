"""One JupyterLab and one browser for all end-to-end tests; a picture of every page that a failed test leaves."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.e2e.browser import launch
from tests.e2e.forked_kernels import forked_kernels
from tests.e2e.lab import REPOSITORY, Lab, OpenNotebook, running_lab

PICTURES = REPOSITORY / "build" / "screenshots"
WINDOW = {"width": 1280, "height": 1400}
# Of every test, the outcome of its phases; the fixture that takes the pictures reads it.
FAILED = pytest.StashKey[bool]()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything beside this file is an end-to-end test."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.e2e)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]):
    report = yield
    item.stash[FAILED] = item.stash.get(FAILED, False) or report.failed
    return report


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = launch(playwright)
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    folder = tmp_path_factory.mktemp("lab")
    with forked_kernels(folder) as kernel, running_lab(folder, kernel=kernel) as lab:
        yield lab


@pytest.fixture
def open_file(lab: Lab, browser: Browser, request: pytest.FixtureRequest) -> Iterator[Callable[[str], OpenNotebook]]:
    """Call it with a file's name to have the notebook opened and run; it is closed after the test.

    The test fails where the browser's console had an error.
    """
    opened: list[OpenNotebook] = []

    def run(name: str) -> OpenNotebook:
        notebook = OpenNotebook(lab, browser.new_page(viewport=WINDOW), name)
        opened.append(notebook)
        notebook.run_all()
        return notebook

    yield run
    complaints = [line for notebook in opened for line in notebook.complaints]
    for number, notebook in enumerate(opened):
        if complaints or request.node.stash.get(FAILED, False):
            PICTURES.mkdir(parents=True, exist_ok=True)
            notebook.page.screenshot(path=PICTURES / f"{request.node.name}-{number}.png")
        notebook.close()
    assert not complaints, "The browser's console has errors:\n" + "\n".join(complaints)


@pytest.fixture
def open_notebook(lab: Lab, open_file: Callable[[str], OpenNotebook]) -> Callable[..., OpenNotebook]:
    """Call it with the source of a notebook's cells; as :func:`open_file`."""
    return lambda *cells: open_file(lab.write(f"{uuid4().hex}.ipynb", *cells))
