"""What models and users write is shown as text: fifty payloads as tokens, caption and error, in a real JupyterLab."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from tests.e2e.lab import OpenNotebook
from tests.e2e.test_widget import view_of

pytestmark = pytest.mark.e2e

RUN = "globalThis.hacked=1"
EVENTS = ("onerror", "onload", "onfocus", "onmouseover", "onclick", "ontoggle", "onanimationstart", "onbegin")
TAGS = ("img src=x", "svg", "details open", "video src=x", "input autofocus", "body")
PAYLOADS = [f"<{tag} {event}={RUN}>" for tag in TAGS for event in EVENTS] + [
    f"</script><script>{RUN}</script>",
    f"javascript:{RUN}",
]
CELL = f"""
import fixlip_widgets as fx
from tests.examples import random_explanation
payloads = {PAYLOADS!r}
explanation = random_explanation(4, 4, tuple(payloads)).replace(caption=" ".join(payloads))
widget = fx.FixlipWidget.from_explanation(explanation, top_k=60, level="all")
"""
INSIDE = """root => ({
    hacked: globalThis.hacked ?? null,
    handlers: [...root.querySelectorAll('*')]
        .flatMap(each => each.getAttributeNames())
        .filter(name => /^on/.test(name)),
    strange: root.querySelectorAll('script, video, iframe, details[open], img:not([src^="blob:"])').length,
})"""


def test_fifty_payloads_are_text_in_every_view(open_notebook: Callable[..., OpenNotebook]):
    assert len(set(PAYLOADS)) == 50
    view = view_of(open_notebook(CELL, "widget"))
    chips = view.root.locator(".fx-chip")
    chips.first.wait_for()
    assert [text.strip() for text in chips.all_text_contents()] == PAYLOADS
    chips.nth(3).click()
    for name in ("graph", "heatmap", "maps", "waterfall", "table"):
        view.show(name)
        view.root.page.wait_for_timeout(500)
        found = view.root.evaluate(INSIDE)
        assert found == {"hacked": None, "handlers": [], "strange": 0}, json.dumps(found)
