"""The notebook 04_audit, run on a few scenes in a folder of its own."""

from __future__ import annotations

import re
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from tests.test_notebooks import FOLDER, printed

SCENES = 10


@pytest.mark.slow
def test_the_audit_names_the_absent_object(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("FIXLIP_AUDIT_SCENES", str(SCENES))
    notebook = nbformat.read(FOLDER / "04_audit.ipynb", as_version=4)
    resources = {"metadata": {"path": str(tmp_path)}}
    NotebookClient(notebook, timeout=600, kernel_name="python3", resources=resources).execute()
    text = printed(notebook)
    scores = dict(re.findall(r"^(\S.*?) +AUROC (\d\.\d+) \[", text, re.MULTILINE))
    assert scores.keys() == {"support", "similarity alone", "Grad-ECLIP"}
    assert all(0 <= float(score) <= 1 for score in scores.values())
    assert "support      names the absent object in 1 of 1" in text
    page = tmp_path / "reports" / f"audit-{SCENES}.html"
    assert 'data-kind="gallery"' in page.read_text("utf-8")
