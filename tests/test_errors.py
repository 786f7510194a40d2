import re

import pytest

import fixlip_widgets as fx


@pytest.mark.parametrize("kind", [fx.InputError, fx.ModelError, fx.EncodingError, fx.PoolError, fx.CancelledError])
def test_a_notebook_shows_the_sentence_and_the_line(kind):
    from IPython.core.interactiveshell import InteractiveShell

    shell = InteractiveShell.instance()
    shown = []
    shell._showtraceback = lambda kind, value, lines: shown.extend(lines)
    shell.user_ns["problem"] = kind("The caption is empty; write at least one word.")
    shell.run_cell("raise problem")
    shell.clear_instance()
    assert "The caption is empty; write at least one word." in shown[-1]
    assert "raise problem" in re.sub(r"\x1b\[[0-9;]*m", "", "".join(shown))
    assert issubclass(kind, fx.FixlipError)
