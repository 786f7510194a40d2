"""Files that earlier versions saved still load and give the same numbers."""

import json
from pathlib import Path

import nbformat
import numpy as np
import pytest

from fixlip_widgets import Explanation, IncrementalExplainer, demo
from fixlip_widgets.pages.saved_widgets import restore
from tests.golden import tiny_game

FOLDERS = sorted((Path(__file__).parent / "data").glob("saved_by_*"))


@pytest.fixture(params=FOLDERS, ids=lambda folder: folder.name)
def folder(request):
    return request.param


def expected(folder):
    return json.loads((folder / "expected.json").read_text())


def test_an_explanation_loads(folder):
    explanation = Explanation.load(folder / "explanation.npz")
    np.testing.assert_array_equal(explanation.main, expected(folder)["main"])
    assert explanation.budget == expected(folder)["budget"]
    assert explanation.caption == demo.scene("guitar").caption


def test_a_pool_loads_answers_and_grows(folder):
    """The pool is of the tiny model, so that a pool file does not depend on the packaged model."""
    explainer = IncrementalExplainer.load(folder / "pool.npz", tiny_game(grid=(3, 3)))
    assert set(explainer.probabilities) == {0.3, 0.5}
    pool = expected(folder)["pool"]
    np.testing.assert_allclose(explainer.explanation(0.5).main, pool["main"], atol=1e-4)
    np.testing.assert_allclose(explainer.explanation(0.3).cross, pool["cross_at_0.3"], atol=1e-4)
    before = explainer.image_encodes
    explainer.extend(0.5, 2**11)
    assert explainer.image_encodes > before


def test_a_notebooks_widget_is_restored(folder):
    notebook = nbformat.read(folder / "notebook.ipynb", as_version=4)
    state = notebook.metadata["widgets"]["application/vnd.jupyter.widget-state+json"]["state"]
    (restored,) = restore(state).widgets.values()
    shown = next(output["data"]["text/plain"] for output in notebook.cells[1].outputs if "data" in output)
    np.testing.assert_allclose(restored.explanation.main, json.loads(shown), rtol=1e-6)
    assert [snapshot["p"] for snapshot in restored.saved["snapshots"]] == [0.5, 0.3, 0.7]
