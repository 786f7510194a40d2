"""Static HTML of an explanation: image, graph, key figures and table, without scripts or a kernel."""

from __future__ import annotations

from collections.abc import Callable
from importlib.resources import files
from typing import TYPE_CHECKING

import numpy as np

from fixlip_widgets._version import __version__
from fixlip_widgets.drawing.colors import limit_of, palette, tint
from fixlip_widgets.drawing.graphs import CERTAIN
from fixlip_widgets.drawing.svg import graph_svg, overlay_svg, picture_svg, thumbnail_svg
from fixlip_widgets.support.formatting import plain, right_to_left, signed, with_error
from fixlip_widgets.support.markup import element, escaped

if TYPE_CHECKING:
    from fixlip_widgets.explanation.surrogate import Surrogate, Term

_EDGES = 30
_ROWS = 20
_CARD = (
    "display:flex;flex-wrap:wrap;gap:16px;align-items:center;"
    "--fixlip-paper:var(--jp-layout-color1,#ffffff);--fixlip-ink:var(--jp-content-font-color1,#1f2328);"
    "--fixlip-line:var(--jp-border-color1,#c9d1d9)"
)
"""Follows JupyterLab's theme through its CSS variables, with fallbacks elsewhere."""
_BENEATH = """
.jp-OutputArea-child:has(.fixlip) + .jp-OutputArea-child:has(.fixlip-still) { display: none; }
.jp-OutputArea-child:has(+ .jp-OutputArea-child .fixlip-still) .jupyter-widgets:not(:has(*)) { display: none; }
.fixlip-still svg { display: block; max-width: 100%; }
.fixlip-still td > svg { width: 100px; }
.fixlip-still .member { display: inline-flex; gap: 6px; align-items: center; }
"""
"""In JupyterLab and nbconvert pages, hides the static form under a live view, and a view without a model."""


def html_still(explanation: Surrogate, *, colors: str = "house") -> str:
    """Return the static fallback of a live page: key figures, image, graph and the strongest terms."""
    heading = element("h1", escaped(explanation.caption or "Explanation"))
    return element(
        "article",
        element("style", files("fixlip_widgets.drawing").joinpath("static.css").read_text("utf-8")),
        picture_svg(explanation),
        element("header", heading, _about(explanation), _facts(explanation)),
        element("div", _attributions(explanation, colors), _graph(explanation, colors), class_="pair"),
        _table(explanation, colors),
        _footer(explanation),
    )


def html_card(explanation: Surrogate, *, colors: str = "house", quality: int = 92, edges: int = _EDGES) -> str:
    """Return a small static form for a notebook cell: image, graph and one line of text, in the notebook's colours."""
    drawing = overlay_svg(explanation, colors=colors, embed=False)
    parts = [element("div", picture_svg(explanation, quality=quality), drawing, style="flex:1 1 200px;max-width:280px")]
    if explanation.has_interactions:
        drawing = graph_svg(explanation, edges, layout="kamada_kawai", colors=colors, embed=False)
        parts.append(element("div", drawing, style="flex:2 1 360px;max-width:640px"))
    line = element("div", escaped(f"{explanation.caption} · {explanation.summary()}"), style="flex-basis:100%")
    return element("div", *parts, line, style=_CARD)


def html_beneath(explanation: Surrogate | None) -> str:
    """Return the static form beneath a widget's view in a notebook, hidden while the view is live.

    It is small, because it is saved with every notebook.
    """
    inside = (
        "This explanation was still being computed when the notebook was saved."
        if explanation is None
        else html_card(explanation, quality=60, edges=16) + _table(explanation, "house", rows=10)
    )
    return element("style", _BENEATH) + element("div", inside, class_="fixlip-still")


def _about(explanation: Surrogate) -> str:
    model = " · ".join(explanation.model[key] for key in ("name", "pretrained") if explanation.model.get(key))
    text = f"Why {model or 'the model'} finds this image similar to “{explanation.caption}”."
    return element("p", escaped(text), class_="muted")


def _facts(explanation: Surrogate) -> str:
    """Return the key figures that are known."""
    counts = f"{explanation.image_encodes:,} image + {explanation.text_encodes:,} text"
    facts = [
        ("similarity (logits)", _number(explanation.similarity)),
        ("empty pair", _number(explanation.empty_similarity)),
        ("baseline", with_error(explanation.baseline, explanation.baseline_se) if explanation.in_logits else None),
        ("held-out R²", _number(explanation.r2)),
        ("Spearman", _number(explanation.spearman)),
        ("residual", _number(explanation.residual, signed)),
        ("method", explanation.method),
        ("keep probability p", f"{explanation.p:g}"),
        ("evaluations", f"{explanation.budget:,}" if explanation.budget else None),
        ("encodings", counts if explanation.image_encodes or explanation.text_encodes else None),
        ("ridge", f"{explanation.ridge:.3g}" if explanation.ridge else None),
        ("masking", explanation.masking or None),
        ("seed", None if explanation.seed is None else str(explanation.seed)),
    ]
    rows = [
        element("div", element("dt", escaped(name)), element("dd", escaped(value)))
        for name, value in facts
        if value is not None
    ]
    return element("dl", *rows, class_="facts")


def _number(value: float | None, write: Callable[[float], str] = plain) -> str | None:
    return None if value is None or not np.isfinite(value) else write(value)


def _attributions(explanation: Surrogate, colors: str) -> str:
    values = explanation.first_order()
    patches, tokens = values[: explanation.n_image], values[explanation.n_image :]
    limit = limit_of(tokens)
    chips = [
        element(
            "li",
            escaped(token),
            element("span", signed(value)),
            style=f"background:{tint(value, limit, colors, strongest=0.45)}",
        )
        for token, value in zip(explanation.tokens, tokens.tolist(), strict=True)
    ]
    meaning = (
        f"the average contribution of each player if every other one is kept with probability {explanation.p:g}"
        if explanation.has_interactions
        else "the contribution of each player by this method"
    )
    unit = " (logits)" if explanation.in_logits else ""
    legend = (
        f"First-order attributions: {meaning}. Strongest colour: ±{plain(limit_of(patches))} for "
        f"{explanation.image_word[1]}, ±{plain(limit)} for {explanation.text_word[1]}{unit}."
    )
    return element(
        "section",
        element("h2", "Image and caption"),
        element("div", overlay_svg(explanation, colors=colors, embed=False), class_="overlay"),
        element("ul", *chips, class_="tokens", dir="rtl" if right_to_left(explanation.tokens) else "ltr"),
        element("p", legend, class_="muted"),
    )


def _graph(explanation: Surrogate, colors: str) -> str:
    if not explanation.has_interactions:
        text = f"“{explanation.method}” is a first-order method: it has no interactions to draw."
        return element("section", element("h2", "Explanation graph"), element("p", escaped(text)))
    legend = (
        f"The {_EDGES} strongest interactions. {_legend(colors)} Wider edges are stronger; dashed edges are within "
        f"{CERTAIN:g} standard errors of zero."
    )
    drawing = graph_svg(explanation, _EDGES, layout="kamada_kawai", colors=colors, embed=False)
    return element(
        "section",
        element("h2", "Explanation graph"),
        element("div", drawing, class_="graph scroll"),
        element("p", legend, class_="muted"),
    )


def _legend(colors: str) -> str:
    raising, lowering = ("Red", "blue") if colors == "house" else ("Orange", "purple")
    return f"{raising}: both players together add more than separately; {lowering}: less."


def _table(explanation: Surrogate, colors: str, rows: int = _ROWS) -> str:
    terms = explanation.top(rows)
    limit = limit_of([term.value for term in terms])
    kind = "interactions" if explanation.has_interactions else "main effects"
    head = element(
        "tr",
        *(element("th", text, scope="col", class_=class_) for text, class_ in _COLUMNS),
    )
    lines = [_row(explanation, at, term, limit, colors) for at, term in enumerate(terms, start=1)]
    unit = "In logits" if explanation.in_logits else "Not in logits: only order and sign are meaningful"
    legend = f"{unit}; ± is one standard error. Pale rows are within {CERTAIN:g} standard errors of zero."
    table = element("table", element("caption", legend), element("thead", head), element("tbody", *lines))
    return element("section", element("h2", f"Strongest {kind}"), element("div", table, class_="scroll"))


_COLUMNS = (("#", "number"), ("players", None), ("value", "number"), ("±", "number"), ("strength", "bar"))


def _row(explanation: Surrogate, at: int, term: Term, limit: float, colors: str) -> str:
    order = sorted(zip(term.players, term.names, strict=True), key=lambda member: member[0] < explanation.n_image)
    members = element("span", "×", class_="times").join(_member(explanation, player, name) for player, name in order)
    error, unsure = term.standard_error, abs(term.value) <= CERTAIN * term.standard_error
    return element(
        "tr",
        element("td", str(at), class_="number unsure"),
        element("td", members, class_="name"),
        element("td", signed(term.value), class_="number"),
        element("td", plain(error) if np.isfinite(error) else "", class_="number unsure"),
        element("td", _bar(term.value, limit, colors), class_="bar"),
        class_="unsure" if unsure else None,
    )


def _member(explanation: Surrogate, player: int, name: str) -> str:
    picture = thumbnail_svg(explanation, player) if player < explanation.n_image else ""
    return element("span", picture, element("span", escaped(name), dir="auto"), class_="member")


def _bar(value: float, limit: float, colors: str) -> str:
    """Draw the value as a bar from the centre, to the right if positive."""
    length, chosen = 50 * abs(value) / limit, palette(colors)
    bar = element(
        "rect",
        x=50 if value > 0 else 50 - length,
        width=length,
        height=12,
        fill=chosen.positive if value > 0 else chosen.negative,
    )
    return element("svg", bar, viewBox="0 0 100 12", preserveAspectRatio="none", aria_hidden="true")


_FITTED = ("banzhaf", "shapley")
"""Methods whose terms are fitted to the game, as in the paper."""
_ORDERS = {1: "first", 2: "second", 3: "third"}


def _footer(explanation: Surrogate) -> str:
    rest = "; ".join(f"{key} {value}" for key, value in explanation.model.items() if key not in ("name", "pretrained"))
    blocks = {"cross": "image–text", "text_text": "text–text", "image_image": "image–image"}
    early = [blocks.get(block, block) for block, known in explanation.identified.items() if not known]
    fitted = [
        f"The surrogate is the polynomial of {_ORDERS[explanation.order]} order closest to the model on masked pairs; "
        "the residual is the part of the complete pair's similarity that it does not explain.",
        "Method: Baniecki et al., “Explaining Similarity in Vision-Language Encoders with Weighted Banzhaf "
        "Interactions”, NeurIPS 2025.",
    ]
    notes = [
        *(fitted if explanation.method in _FITTED else ()),
        f"Fewer masks than unknowns: the {' and '.join(early)} interactions are shrunk towards zero." if early else "",
        f"fixlip_widgets {__version__}" + (f"; {rest}" if rest else "") + ".",
    ]
    return element("footer", *(element("p", escaped(note)) for note in notes if note))
