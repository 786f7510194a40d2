"""``report``: one file that opens from disk, with as many live explanations as wanted and text between them."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from fixlip_widgets.drawing.static_html import html_still
from fixlip_widgets.errors import InputError
from fixlip_widgets.explainers.fixlip import IncrementalExplainer
from fixlip_widgets.explanation.explanation import Explanation
from fixlip_widgets.pages.html_page import live, page
from fixlip_widgets.pages.recordable import Recordable
from fixlip_widgets.pages.recording import Recording, Step, as_list, record
from fixlip_widgets.pages.saved_page import saved
from fixlip_widgets.support.files import PathLike, check_place, replacing
from fixlip_widgets.support.markup import element, escaped

_HEADING = re.compile(r"(#{1,3}) +(\S.*)")


def report(
    parts: Any,
    path: PathLike,
    title: str | None = None,
    *,
    p: float | Sequence[float] | None = None,
    budgets: int | Sequence[int] | None = None,
    captions: str | Sequence[str] = (),
    playground: bool = False,
    progress: bool | Callable[[Step], None] | None = None,
) -> None:
    """Write explanations and text as one file that is interactive without a kernel and loads nothing from anywhere.

    An existing file is replaced whole, when everything is computed, or not at all. Interrupting it (Ctrl-C, or the
    notebook's stop button) leaves file and explainers as they were.

    Args:
        parts: One of these, or several in reading order: explanations, widgets, explainers, recordings, and text. Text
            is shown as it is: a line that begins with ``#``, ``##`` or ``###`` and a blank is a heading, empty lines
            part paragraphs.
        path: The ``.html`` file to write.
        title: Of the page; by default its first heading, or else the first caption.
        p: Values of p that the page shall be able to show of every widget and explainer; for this and what follows see
            :func:`fixlip_widgets.pages.record`. A finished explanation shows itself alone.
        budgets: Game evaluations.
        captions: Further captions.
        playground: Whether single players can be removed.
        progress: A function, or whether to show a bar.

    Raises:
        InputError: A part is none of these, or there is nothing to show in one, or no part.
        OSError: The file cannot be written.
    """
    options = {"p": p, "budgets": budgets, "captions": captions, "playground": playground, "progress": progress}
    check_place(path)
    parts = as_list(parts)
    if not parts:
        raise InputError("There is nothing to report: give explanations, widgets, explainers, recordings or text.")
    body, titles = list[str](), list[str]()
    for part in parts:
        if isinstance(part, str):
            body += _text(part, titles)
        else:
            recording, settings = _recording(part, options)
            body.append(_live(recording, settings))
            titles.append(recording.explanations[0].caption)
    headings = [name for name in titles if name]
    text = page(body, title or (headings[0] if headings else "Explanation"))
    with replacing(path) as stream:
        stream.write(text.encode("utf-8"))


def _recording(part: Any, options: dict[str, Any]) -> tuple[Recording, dict[str, Any]]:
    """What to show of a part, and with which settings."""
    if isinstance(part, Recording):
        return part, {}
    if isinstance(part, Explanation):
        return Recording.of(part), {}
    if isinstance(part, IncrementalExplainer):
        return record(part, **options), {}
    if isinstance(part, Recordable):
        return part.record(**options), part.view_settings()
    raise InputError(
        f"A {type(part).__name__} cannot be part of a report; give explanations, widgets, explainers, recordings or "
        "text."
    )


def _live(recording: Recording, settings: dict[str, Any]) -> str:
    still = html_still(recording.explanations[0], colors=settings.get("palette", "house"))
    return live(saved(recording, settings), still)


def _text(text: str, titles: list[str]) -> list[str]:
    """Headings and paragraphs; the headings are noted in ``titles``."""
    found: list[str] = []
    for block in re.split(r"\n\s*\n", text.strip()):
        heading = _HEADING.fullmatch(block.strip())
        if heading:
            titles.append(heading[2])
            found.append(element(f"h{len(heading[1])}", escaped(heading[2])))
        elif block.strip():
            found.append(element("p", escaped(block.strip())))
    return found
