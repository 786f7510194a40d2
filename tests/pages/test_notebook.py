"""Notebooks: every widget becomes a live page of its own, everything else stays, and nothing is asked of a network."""

from __future__ import annotations

import ast
import copy
import json
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import pytest
from nbconvert.exporters import HTMLExporter, get_exporter

from tests.pages.notebooks import executed, fresh
from tests.pages.reading import Page, unpacked

pytestmark = pytest.mark.slow
_VIEW = "application/vnd.jupyter.widget-view+json"


@cache
def exported() -> str:
    return get_exporter("fixlip_html")().from_notebook_node(executed())[0]


def frames(html: str) -> list[Page]:
    return [Page(frame) for frame in Page(html).frames]


def export(notebook: Any) -> str:
    return get_exporter("fixlip_html")().from_notebook_node(notebook)[0]


def test_every_widget_becomes_a_live_page_with_the_view_in_the_file_once():
    inside = frames(exported())
    assert len(inside) == 2
    assert [len(page.json("saved")) for page in inside] == [1, 1]
    assert len(Page(exported()).json("view")) == 1
    assert not any(page.json("view") for page in inside)


def test_the_live_page_has_the_kernels_numbers():
    (values,) = [output for output in executed().cells[2].outputs if output.output_type == "execute_result"]
    (saved,) = frames(exported())[0].json("saved")
    main = unpacked(saved["snapshots"][0]["result"]["main"])
    np.testing.assert_allclose(main, ast.literal_eval(values.data["text/plain"]), rtol=1e-5, atol=1e-6)
    assert saved["settings"]["top_k"] == 7


def test_a_widget_that_was_asked_to_keep_more_offers_it():
    (saved,) = frames(exported())[1].json("saved")
    assert sorted(snapshot["p"] for snapshot in saved["snapshots"]) == [0.3, 0.5, 0.7]


def test_what_was_measured_is_in_the_live_page_and_belongs_to_what_it_shows():
    measured, unmeasured = (page.json("saved")[0] for page in frames(exported()))
    (told,), result = measured["measured"], measured["snapshots"][0]["result"]
    facts = ("caption", "method", "order", "p", "budget", "seed", "image_encodes", "text_encodes")
    assert [told[name] for name in facts] == [result[name] for name in facts]
    assert (len(told["most"]), len(told["faithfulness"])) == (51, 3)
    assert unmeasured["measured"] == []


def test_everything_else_is_as_nbconvert_has_it():
    for text in ("<em>title</em>", "hello &lt;world&gt;", "Out[2]:"):
        assert text in exported()
    assert "widget-state+json" not in exported()
    assert "fixlip-still" not in exported()


def test_nothing_is_asked_of_a_network():
    for tag, attributes in Page(exported()).elements:
        for name in ("src", "href"):
            target = attributes.get(name)
            assert target is None or target.startswith(("#", "data:")), (tag, target)


def test_a_notebook_with_formulas_still_has_mathjax():
    notebook = copy.deepcopy(executed())
    notebook.cells[0].source = "Let $p = 0.5$."
    assert "mathjax" in export(notebook).lower()
    assert 'src="https' not in exported()


def test_other_widgets_keep_their_state_and_ours_leave_none():
    notebook = copy.deepcopy(executed())
    state = notebook.metadata.widgets["application/vnd.jupyter.widget-state+json"]["state"]
    state["slider"] = {"model_name": "FloatSliderModel", "model_module": "@jupyter-widgets/controls", "state": {}}
    view = {_VIEW: {"version_major": 2, "version_minor": 0, "model_id": "slider"}, "text/plain": "a slider"}
    notebook.cells[2].outputs.append(nbformat.v4.new_output("display_data", nbformat.from_dict(view)))
    (text,) = [text for a, text in Page(export(notebook)).scripts if a.get("type", "").endswith("widget-state+json")]
    assert "FloatSliderModel" in text
    assert "AnyModel" not in text
    assert len(text) < 1000


def test_widgets_in_boxes_are_there_in_their_order_and_leave_nothing():
    notebook = copy.deepcopy(executed())
    state = notebook.metadata.widgets["application/vnd.jupyter.widget-state+json"]["state"]
    ours = [
        output.data[_VIEW]["model_id"]
        for cell in notebook.cells
        for output in cell.get("outputs", ())
        if _VIEW in output.get("data", {})
    ]
    for name, children in {
        "inner": ours[:1],
        "outer": [ours[1], "text", "inner"],
        "text": [],
        "other": ["text"],
    }.items():
        of = {"children": [f"IPY_MODEL_{child}" for child in children]} if children else {}
        state[name] = {"model_name": "VBoxModel", "model_module": "@jupyter-widgets/controls", "state": of}
    for cell in notebook.cells[1:]:
        cell.outputs = []
    for name in ("outer", "other"):
        view = {_VIEW: {"version_major": 2, "version_minor": 0, "model_id": name}, "text/plain": "a box"}
        notebook.cells[1].outputs.append(nbformat.v4.new_output("display_data", nbformat.from_dict(view)))
    html = export(notebook)
    captions = [page.json("saved")[0]["snapshots"][0]["result"]["caption"] for page in frames(html)]
    assert captions == ["a banana", frames(exported())[0].json("saved")[0]["snapshots"][0]["result"]["caption"]]
    assert len(Page(html).json("view")) == 1
    (text,) = [text for a, text in Page(html).scripts if a.get("type", "").endswith("widget-state+json")]
    assert json.loads(text)["state"].keys() == {"text", "other"}


def test_a_notebook_that_was_not_run_has_no_live_page():
    html = export(fresh())
    assert frames(html) == []
    assert Page(html).json("view") == []


def test_plain_nbconvert_shows_the_still_form():
    html = HTMLExporter().from_notebook_node(executed())[0]
    assert html.count('class="fixlip-still"') == 2
    still = html[html.index('class="fixlip-still"') :]
    assert still.index("<svg") < still.index("<table")


def test_a_notebook_saved_without_state_shows_the_still_form_too():
    notebook = copy.deepcopy(executed())
    del notebook.metadata["widgets"]
    for html in (HTMLExporter().from_notebook_node(notebook)[0], export(notebook)):
        assert html.count('class="fixlip-still"') == 2


def test_the_still_form_is_of_the_final_result():
    (still,) = [o for o in executed().cells[1].outputs if "fixlip_widgets_still_of" in o.metadata]
    assert "still being computed" not in still.data["text/html"]
    assert "512 evaluations" in still.data["text/html"]


def test_a_second_widget_adds_little_to_the_saved_notebook():
    outputs = sum(len(str(output)) for output in executed().cells[1].outputs)
    state = executed().metadata.widgets["application/vnd.jupyter.widget-state+json"]["state"]
    (model,) = [m for m in state.values() if m["state"].get("top_k") == 7]
    assert outputs + len(nbformat.writes(nbformat.from_dict({**fresh(), "metadata": {"m": model}}))) < 150_000


def test_the_command_line_executes_and_waits_for_what_is_computed(tmp_path: Path):
    notebook = fresh()
    notebook.cells = notebook.cells[:2]  # nothing in it waits for the widget
    boxed = notebook.cells[1].source + "\nimport ipywidgets\nipywidgets.VBox([widget])"
    notebook.cells.append(nbformat.v4.new_code_cell(boxed))
    nbformat.write(notebook, tmp_path / "waits.ipynb")
    command = [sys.executable, "-m", "nbconvert", "--to", "fixlip_html", "--execute", str(tmp_path / "waits.ipynb")]
    subprocess.run(command, check=True, capture_output=True, timeout=300)
    html = (tmp_path / "waits.html").read_text("utf-8")
    saved = [page.json("saved")[0] for page in frames(html)]
    assert [each["snapshots"][0]["result"]["partial"] for each in saved] == [False, False]
    assert "settle()" not in html
