import pytest

import fixlip_widgets as fx


@pytest.mark.parametrize("kind", [fx.InputError, fx.ModelError, fx.EncodingError, fx.PoolError])
def test_a_notebook_shows_the_sentence_without_a_traceback(kind):
    from IPython.core.interactiveshell import InteractiveShell

    shell = InteractiveShell.instance()
    shown = []
    shell._showtraceback = lambda kind, value, lines: shown.extend(lines)
    shell.user_ns["problem"] = kind("The caption is empty; write at least one word.")
    shell.run_cell("raise problem")
    shell.clear_instance()
    assert shown == [f"{kind.__name__}: The caption is empty; write at least one word."]
    assert issubclass(kind, fx.FixlipError)
