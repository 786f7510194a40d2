"""``report``: one HTML file with any number of live explanations and text between them."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, Literal

from fixlip_widgets.drawing.static_html import html_still
from fixlip_widgets.errors import InputError
from fixlip_widgets.pages.html_page import Live, Text, page
from fixlip_widgets.pages.recordable import recording_of
from fixlip_widgets.pages.recording import Recording, Step
from fixlip_widgets.pages.requested import check_offered
from fixlip_widgets.pages.saved_page import saved
from fixlip_widgets.pages.settings import CHECKS
from fixlip_widgets.support.checks import list_of
from fixlip_widgets.support.files import PathLike, check_place, replacing

_HEADING = re.compile(r"(#{1,3}) +(\S.*)")


def report(
    parts: Any,
    path: PathLike,
    title: str | None = None,
    *,
    p: float | Sequence[float] | None = None,
    budgets: int | Sequence[int] | None = None,
    text: str | Sequence[str] = (),
    playground: bool = False,
    progress: bool | Callable[[Step], None] | None = None,
    level: Literal["auto", "simple", "all"] | None = None,
) -> None:
    """Write explanations and text to one self-contained HTML file that is interactive without a kernel.

    The file is written once everything is computed; an existing file is replaced whole or not at all. An interrupt
    (Ctrl-C, or the notebook's stop button) leaves the file and the explainers unchanged.

    Args:
        parts: One part, or several in reading order: explanations, widgets, explainers, recordings and text. Text is
            plain: empty lines separate paragraphs, and a paragraph of one line that begins with ``#``, ``##`` or
            ``###`` and a space is a heading.
        path: The ``.html`` file to write.
        title: Title of the page; by default the first heading or caption.
        p: Values of p that the page offers for each widget, explainer, and explanation whose explainer is in memory.
            For this and the following arguments, see :func:`fixlip_widgets.explainers.record`; they do not apply to
            recordings and other explanations.
        budgets: Budgets in game evaluations.
        text: More captions of the same image.
        playground: Whether single players can be removed.
        progress: A function, or whether to show a progress bar.
        level: How much the views show at first: ``simple`` the picture, the words, p and a sentence, ``all`` every
            control, ``auto`` what the reader chose last in this browser. By default that of a widget, else ``auto``.

    Raises:
        InputError: There are no parts, a part has another type or no result, no part can use an argument, or the level
            does not exist.
        OSError: The file cannot be written.
    """
    options = {"p": p, "budgets": budgets, "text": text, "playground": playground, "progress": progress}
    check_place(path)
    shared = {} if level is None else {"level": CHECKS["level"](level)}
    parts = list_of(parts)
    if not parts:
        raise InputError(
            "A report needs at least one part: an explanation, a widget, an explainer, a recording or text."
        )
    body, titles, recordings = list[Text | Live](), list[str](), list[Recording]()
    for part in parts:
        if isinstance(part, str):
            texts = _texts(part)
            body += texts
            titles += [each.text for each in texts if each.tag != "p"]
        else:
            recording, settings = recording_of(part, **options)
            body.append(_live(recording, {**settings, **shared}))
            titles.append(recording.explanations[0].caption)
            recordings.append(recording)
    check_offered(recordings, p=p, budgets=budgets, text=text, playground=playground)
    headings = [name for name in titles if name]
    contents = page(body, title or (headings[0] if headings else "Explanation"))
    with replacing(path) as stream:
        stream.write(contents.encode("utf-8"))


def _live(recording: Recording, settings: dict[str, Any]) -> Live:
    still = html_still(recording.explanations[0], colors=settings.get("palette", "house"))
    return Live(saved(recording, settings), still)


def _texts(text: str) -> list[Text]:
    """Split ``text`` into headings and paragraphs."""
    blocks = [block.strip() for block in re.split(r"\n\s*\n", text) if block.strip()]
    headings = [_HEADING.fullmatch(block) for block in blocks]
    return [
        Text(f"h{len(heading[1])}", heading[2]) if heading else Text("p", block)
        for block, heading in zip(blocks, headings, strict=True)
    ]
