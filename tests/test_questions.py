"""The examples of docs/howto/questions.md run as they are written."""

import re
from pathlib import Path
from typing import Any

import pytest

PAGE = Path(__file__).parents[1] / "docs" / "howto" / "questions.md"


@pytest.mark.slow
def test_the_examples_run_and_say_what_the_page_says(capsys: pytest.CaptureFixture[str]) -> None:
    names: dict[str, Any] = {}
    blocks = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    assert len(blocks) == 5
    for block in blocks:
        exec(block, names)
    printed = capsys.readouterr().out
    assert "<Classes: 3 classes" in printed
    assert "<Shares of the variance" in printed
    assert names["classes"].names == ("cat", "dog", "car", "wolf")
    assert names["classes"].rows(1)[0][0] == "dog"
    assert names["found"].pool.complete
    assert sum(names["shares"].values.values()) == pytest.approx(1)
    explanation = names["explanation"]
    assert explanation["dog", "banana"] == explanation["banana", "dog"]
