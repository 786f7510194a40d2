"""The notebook 04_audit, run on a few scenes and masks in a folder of its own."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.test_notebooks import FOLDER, printed, run

SCENES = 10


@pytest.mark.slow
def test_the_audit_names_the_absent_object(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("FIXLIP_AUDIT_SCENES", str(SCENES))
    text = printed(run(FOLDER / "04_audit.ipynb", tmp_path, {"2**12": "2**11"}))
    scores = dict(re.findall(r"^(\S.*?) +AUROC (\d\.\d+) \[", text, re.MULTILINE))
    assert scores.keys() == {"support", "removal", "similarity alone", "Grad-ECLIP"}
    assert all(0 <= float(score) <= 1 for score in scores.values())
    for name in ("support", "removal"):
        assert f"{name:12} names the absent object in 1 of 1" in text
    page = tmp_path / "reports" / f"audit-{SCENES}.html"
    assert 'data-kind="gallery"' in page.read_text("utf-8")
