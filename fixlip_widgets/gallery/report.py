"""A corpus as one page: the gallery with its filters, and the explanations of some pairs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from fixlip_widgets.gallery.filters import order_of
from fixlip_widgets.gallery.saved_gallery import contents
from fixlip_widgets.pages.html_page import Live, Text, page
from fixlip_widgets.support.files import PathLike, check_place, replacing
from fixlip_widgets.support.templates import render

if TYPE_CHECKING:
    from fixlip_widgets.corpus.corpus import Corpus

_ROWS = 20
"""Rows of the table that is shown without scripts."""
_CODE_MEGABYTES = 1.6
"""Size of the view's code in a page."""


def write_report(
    corpus: Corpus,
    path: PathLike,
    pairs: int | Sequence[str] = 24,
    *,
    title: str | None = None,
    settings: dict[str, Any] | None = None,
    max_megabytes: float = 20.0,
    seed: int = 0,
) -> None:
    """Write the gallery of a corpus as one HTML file; see :meth:`fixlip_widgets.Gallery.to_html` for the arguments.

    Raises:
        InputError: The corpus is empty, or an argument is invalid.
        OSError: The file cannot be written.
    """
    check_place(path)
    room = max(max_megabytes - _CODE_MEGABYTES, 0.1)
    saved = contents(corpus, pairs, settings=settings, max_megabytes=room, seed=seed)
    name = title or corpus.folder.name
    saved["traits"]["title"] = name
    text = page([Text("p", method_of(corpus)), Live(saved, html_still(corpus), kind="gallery")], name)
    with replacing(path) as stream:
        stream.write(text.encode("utf-8"))


def method_of(corpus: Corpus) -> str:
    """Return how the pairs were explained, in a sentence."""
    settings, model = corpus.settings, corpus.model
    return (
        f"Pairs explained with the model {model['name']} ({model['pretrained']}), at p = {settings['p']:g} and with a "
        f"budget of {settings['budget']:,} evaluations each."
    )


def html_still(corpus: Corpus, *, hidden: bool = False) -> str:
    """Return a static table of the pairs with the least support.

    Args:
        corpus: The corpus.
        hidden: Whether to hide it beneath a live view in a notebook.
    """
    table = corpus.table.iloc[order_of(corpus.table, "least_support", descending=False)[:_ROWS]]
    rows = [
        {
            "id": str(row["id"]),
            "caption": str(row["caption"]),
            "similarity": row["similarity"],
            "r2": row["r2"],
            "token": str(row["weakest_token"] or ""),
            "support": row["least_support"],
            "error": str(row["error"] or ""),
        }
        for row in table.to_dict("records")
    ]
    return render(
        "gallery/templates/still.html.j2",
        rows=rows,
        total=len(corpus),
        title=corpus.folder.name,
        hidden=hidden,
    )
