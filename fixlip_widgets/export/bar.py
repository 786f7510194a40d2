"""How far a recording is: told to a function, or shown as a bar where somebody watches."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


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
        self._wanted = _watched() if wanted is None else wanted
        self._bar: Any = None

    def __enter__(self) -> Tell:
        return self._wanted if callable(self._wanted) else self._show

    def _show(self, step: Step) -> None:
        if not self._wanted:
            return
        if self._bar is None:
            from tqdm.auto import tqdm

            form = "{desc}: {percentage:3.0f}%|{bar}| {elapsed}<{remaining}"
            self._bar = tqdm(total=step.total, desc="recording", bar_format=form, delay=1, leave=False)
        self._bar.set_postfix_str(f"p = {step.p:g}", refresh=False)
        self._bar.update(step.done + step.fraction - self._bar.n)

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.close()


def _watched() -> bool:
    """Whether a person sees it: at a terminal, or in a notebook."""
    if "ipykernel" in sys.modules:
        from IPython.core.getipython import get_ipython

        return getattr(get_ipython(), "kernel", None) is not None
    return sys.stderr.isatty()
