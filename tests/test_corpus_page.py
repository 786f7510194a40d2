"""The examples of docs/howto/corpus.md run as they are written."""

import re
from pathlib import Path
from typing import Any

import pytest

PAGE = Path(__file__).parents[1] / "docs" / "howto" / "corpus.md"


@pytest.mark.slow
def test_the_examples_run_and_say_what_the_page_says(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    text = PAGE.read_text(encoding="utf-8")
    blocks = re.findall(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    assert len(blocks) == 2
    for block in blocks:
        exec(block, names)
    assert "<Corpus explanations: 6 pairs, demo (packaged)" in capsys.readouterr().out
    corpus, doubtful = names["corpus"], names["doubtful"]
    assert len(corpus) == 7
    assert corpus.complete
    assert set(doubtful.table["caption"]) == {"a guitar next to a dog"}  # false in all three scenes
    described = "\n".join(line for line in text.splitlines() if line.startswith("| `"))
    assert set(re.findall(r"`(\w+)`", described)) == set(corpus.table.columns)
