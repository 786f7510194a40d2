"""Static HTML of an explanation: image, graph, key figures and table, without scripts or a kernel."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from fixlip_widgets._version import __version__
from fixlip_widgets.drawing.colors import limit_of, palette, rgba, tint
from fixlip_widgets.drawing.svg import graph_svg, overlay_svg, words_svg
from fixlip_widgets.drawing.svg_parts import Picture
from fixlip_widgets.drawing.word_colors import word_colors
from fixlip_widgets.support.formatting import plain, right_to_left, signed, with_error
from fixlip_widgets.support.templates import render

if TYPE_CHECKING:
    from fixlip_widgets.explanation.surrogate import Surrogate

_EDGES = 30
_ROWS = 20
_FITTED = ("banzhaf", "shapley")
"""Methods whose terms are fitted to the game, as in the paper."""
_ORDERS = {1: "first", 2: "second", 3: "third"}
_BLOCKS = {"cross": "image–text", "text_text": "text–text", "image_image": "image–image"}


def html_still(explanation: Surrogate, *, colors: str = "house") -> str:
    """Return the static fallback of a live page: key figures, image, graph and the strongest terms."""
    values = explanation.first_order()
    patches, tokens = values[: explanation.n_image], values[explanation.n_image :]
    limit, model = limit_of(tokens), explanation.model
    if explanation.has_interactions:
        backgrounds = [rgba(color, 0.5) if color else "transparent" for color in word_colors(explanation)]
    else:
        backgrounds = [tint(value, limit, colors, strongest=0.45) for value in tokens.tolist()]
    return render(
        "drawing/templates/still.html.j2",
        **_drawings(explanation, colors, _EDGES, legend=False),
        **_terms(explanation, colors, _ROWS),
        model=" · ".join(model[key] for key in ("name", "pretrained") if model.get(key)) or "the model",
        other_facts="; ".join(f"{key} {value}" for key, value in model.items() if key not in ("name", "pretrained")),
        facts=[(name, value) for name, value in _facts(explanation) if value is not None],
        tokens=[
            {"text": text, "value": value, "tint": background}
            for text, value, background in zip(
                explanation.names[explanation.n_image :], tokens.tolist(), backgrounds, strict=True
            )
        ],
        direction="rtl" if right_to_left(explanation.tokens) else "ltr",
        patch_limit=limit_of(patches),
        token_limit=limit,
        p=f"{explanation.p:g}",
        colors=colors,
        n_edges=_EDGES,
        fitted=explanation.method in _FITTED,
        order=_ORDERS[explanation.order],
        shrunk=" and ".join(_BLOCKS.get(block, block) for block, known in explanation.identified.items() if not known),
        version=__version__,
    )


def html_card(explanation: Surrogate) -> str:
    """Return a small static form for a notebook cell: image, graph and one line of text, in the notebook's colours."""
    return render("drawing/templates/card.html.j2", **_drawings(explanation, "house", _EDGES))


def html_beneath(explanation: Surrogate | None) -> str:
    """Return the static form beneath a widget's view in a notebook, hidden while the view is live.

    It is small, because it is saved with every notebook.
    """
    if explanation is None:
        return render("drawing/templates/beneath.html.j2", explanation=None)
    drawings = _drawings(explanation, "house", edges=16, quality=60)
    return render("drawing/templates/beneath.html.j2", **drawings, **_terms(explanation, "house", rows=10))


def _drawings(
    explanation: Surrogate, colors: str, edges: int, *, legend: bool = True, quality: int = 92
) -> dict[str, Any]:
    """Return the overlay and the graph, which is None for a first-order method, and the picture that they share."""
    graph = None
    if explanation.has_interactions:
        graph = graph_svg(explanation, edges, layout="kamada_kawai", colors=colors, embed=False)
    return {
        "explanation": explanation,
        "picture": Picture(explanation, embed=False, quality=quality),
        "overlay": words_svg(explanation, embed=False, legend=legend)
        if explanation.has_interactions and explanation.n_text
        else overlay_svg(explanation, colors=colors, embed=False),
        "graph": graph,
    }


def _facts(explanation: Surrogate) -> list[tuple[str, str | None]]:
    """Return the key figures; None for those that are unknown."""
    counts = f"{explanation.image_encodes:,} image + {explanation.text_encodes:,} text"
    return [
        (f"{explanation.score_name} ({explanation.unit or 'logits'})", _number(explanation.similarity)),
        ("everything removed" if explanation.choice else "empty pair", _number(explanation.empty_similarity)),
        ("baseline", with_error(explanation.baseline, explanation.baseline_se) if explanation.in_logits else None),
        ("held-out R²", _number(explanation.r2)),
        ("Spearman", _number(explanation.spearman)),
        ("residual", _number(explanation.residual, signed)),
        ("method", explanation.method),
        ("keep probability p", f"{explanation.p:g}"),
        ("masks" if explanation.choice else "evaluations", f"{explanation.budget:,}" if explanation.budget else None),
        ("encodings", counts if explanation.image_encodes or explanation.text_encodes else None),
        ("ridge", f"{explanation.ridge:.3g}" if explanation.ridge else None),
        ("masking", explanation.masking or None),
        ("seed", None if explanation.seed is None else str(explanation.seed)),
    ]


def _number(value: float | None, write: Callable[[float], str] = plain) -> str | None:
    return None if value is None or not np.isfinite(value) else write(value)


def _terms(explanation: Surrogate, colors: str, rows: int) -> dict[str, Any]:
    """Return the strongest terms, tokens before patches, with a bar of up to 50 % of the width for each."""
    terms, chosen = explanation.top(rows), palette(colors)
    limit = limit_of([term.value for term in terms])
    drawn = [
        {
            "members": sorted(
                zip(term.players, term.names, strict=True), key=lambda member: member[0] < explanation.n_image
            ),
            "value": term.value,
            "error": plain(term.standard_error) if np.isfinite(term.standard_error) else "",
            "unsure": term.significant is False,
            "length": 50 * abs(term.value) / limit,
            "color": chosen.positive if term.value > 0 else chosen.negative,
        }
        for term in terms
    ]
    return {"terms": drawn}
