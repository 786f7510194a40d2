"""How far a recording is: told to a function, or shown as a bar where somebody watches."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from fixlip_widgets.support.markup import element, escaped

_EVERY = 0.2
"""Seconds between two drawings of a bar in a notebook."""


@dataclass(frozen=True)
class Step:
    """How far a recording is.

    Attributes:
        done, total: Explanations.
        p, budget, caption: Of the one that is being computed.
        fraction: Share of its encodings that is done.
    """

    done: int
    total: int
    p: float
    budget: int
    caption: str
    fraction: float = 0.0


Tell = Callable[[Step], None]


class Bar:
    """A context that gives the function to tell steps to.

    Args:
        wanted: A function of one's own; True or False for a bar or none; None for one on a terminal or in a notebook.
    """

    def __init__(self, wanted: bool | Tell | None) -> None:
        notebook = _in_notebook()
        self._wanted = (notebook or sys.stderr.isatty()) if wanted is None else wanted
        self._shown = _InNotebook() if notebook else _OnTerminal()

    def __enter__(self) -> Tell:
        return self._show if isinstance(self._wanted, bool) else self._wanted

    def _show(self, step: Step) -> None:
        if self._wanted:
            self._shown.show(step)

    def __exit__(self, *_: object) -> None:
        self._shown.close()


class _OnTerminal:
    """tqdm's bar."""

    def __init__(self) -> None:
        self._bar: Any = None

    def show(self, step: Step) -> None:
        if self._bar is None:
            from tqdm import tqdm

            form = "{desc}: {percentage:3.0f}%|{bar}| {elapsed}<{remaining}"
            self._bar = tqdm(total=step.total, desc="recording", bar_format=form, delay=1, leave=False)
        self._bar.total = step.total  # fewer than at first, once it is known which p the masks answer for
        self._bar.update(step.done + step.fraction - self._bar.n)

    def close(self) -> None:
        if self._bar is not None:
            self._bar.close()


class _InNotebook:
    """A bar of the page's own, which leaves nothing to be seen: a widget would stay behind in the saved notebook."""

    def __init__(self) -> None:
        self._display, self._last = "", 0.0

    def show(self, step: Step) -> None:
        now = time.monotonic()
        if now < self._last + _EVERY:
            return
        self._last = now
        share = (step.done + step.fraction) / step.total
        bar = element("progress", value=share, max=1.0, style="width:min(320px,60%)")
        self._publish(element("div", bar, escaped(f" {share:.0%}, p = {step.p:g}")), f"recording: {share:.0%}")

    def close(self) -> None:
        if self._display:
            self._publish("", "")

    def _publish(self, html: str, text: str) -> None:
        from IPython.display import publish_display_data  # pyright: ignore[reportUnknownVariableType]

        update, self._display = bool(self._display), self._display or uuid4().hex
        data = {"text/html": html, "text/plain": text}
        publish_display_data(data, transient={"display_id": self._display}, update=update)


def _in_notebook() -> bool:
    if "ipykernel" not in sys.modules:
        return False
    from IPython.core.getipython import get_ipython

    return getattr(get_ipython(), "kernel", None) is not None
