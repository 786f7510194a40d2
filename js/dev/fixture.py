"""Write ``fixture.json``: the state of a widget on a real explanation, to look at the view without a kernel.

python js/dev/fixture.py [OUT]
"""

from __future__ import annotations

import base64
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parents[1]))

from fixlip_widgets.explainers.metrics.curves import Curves, extremes  # noqa: E402
from fixlip_widgets.explainers.metrics.sampled import Faithfulness  # noqa: E402
from fixlip_widgets.explanation.explanation import Explanation  # noqa: E402
from fixlip_widgets.pages import wire_format as wire  # noqa: E402
from fixlip_widgets.pages.traits import WidgetTraits  # noqa: E402
from fixlip_widgets.widget.costs import SLIDER_BUDGETS  # noqa: E402
from fixlip_widgets.widget.faithfulness import FRESH, Measures, probabilities  # noqa: E402
from fixlip_widgets.widget.measurements import measurement  # noqa: E402
from tests import examples  # noqa: E402

GRADIENTS = {"name": "grad_eclip", "label": "Grad-ECLIP", "orders": [1], "uses_p": False, "uses_budget": False}
MOST_EDGES = 200
"""Edges that are stored for each layout: the page takes what is asked for from them."""


def dog_and_hydrant() -> Explanation:
    """The stored explanation, with made-up standard errors and facts: those of the original were not kept."""
    stored = examples.dog_and_hydrant()
    noise = np.random.default_rng(0).uniform(0.1, 0.35, stored.interactions.shape)
    return stored.replace(
        main_se=np.full(stored.n_players, 0.12),
        interactions_se=(noise + noise.T) / 2,
        similarity=float(stored.predict(np.ones((1, stored.n_players)))[0]) + 0.4,
        empty_similarity=stored.baseline,
        budget=2**17,
        image_encodes=2184,
        text_encodes=256,
        effective_image_masks=1912.0,
        r2=0.97,
        spearman=0.95,
        seed=0,
        masking="zero",
        blank=np.full((224, 224, 3), (122, 117, 104), dtype=np.uint8),
        identified={"cross": True, "text_text": True, "image_image": False},
    )


def state(explanation: Explanation) -> dict[str, Any]:
    """Every trait that the view reads."""
    return {
        **WidgetTraits().trait_values(sync=True),
        "p": explanation.p,
        "budget": explanation.budget,
        "text": explanation.caption,
        "generation": 1,
        "status": "done",
        "scene": wire.scene(explanation, wire.model_label(explanation.model)),
        "costs": {str(exponent): cost(exponent, explanation) for exponent in SLIDER_BUDGETS},
        "options": {**wire.options(), "methods": [*wire.options()["methods"], GRADIENTS]},
        "result": wire.result(explanation, 1, partial=False),
        "graph_data": wire.graph(explanation, 1, top_k=24),
        "graphs": {
            layout: wire.graph(explanation, 1, top_k=MOST_EDGES, layout=layout) for layout in wire.options()["layouts"]
        },
        "subsets": subsets(explanation),
        "examples": masks(explanation, explanation.p),
        "convergence": convergence(),
        "measure_cost": {"image": 852, "text": 102, "seconds": 16.4, "p": probabilities(explanation), "masks": FRESH},
        "measures": measures(explanation),
        "undoable": "p 0.4 → 0.5",
        "baseline": explanation.baseline,
    }


def cost(exponent: int, explanation: Explanation) -> dict[str, Any]:
    """A made-up cost: of what 2^17 takes, half of the image encodings are already there."""
    image, text = 2**exponent // 60, 2**explanation.n_text
    new = max(image - 2**16 // 60, 0)
    return {"image": image, "text": text, "new_image": new, "new_text": 0, "seconds": new / 52, "megabytes": image / 50}


def subsets(explanation: Explanation) -> dict[str, Any]:
    """The best subsets of each size, as the view gets them."""

    def told(sign: int) -> list[dict[str, Any]]:
        found = explanation.subsets(sign)[1:]
        return [{"players": list(players), "value": value} for players, value in found]

    return {"generation": 1, "shown": "current", "positive": told(1), "negative": told(-1)}


def masks(explanation: Explanation, p: float, count: int = 8) -> dict[str, Any]:
    """Random masks at ``p``."""
    kept = np.random.default_rng(1).random((count, explanation.n_players)) < p
    return {"p": p, "masks": ["".join(map(str, mask.astype(int))) for mask in kept]}


def convergence() -> list[dict[str, Any]]:
    """A made-up error that falls with the root of the encodings, a little unevenly."""
    counts = [34, 68, 136, 273, 546, 1092, 2184]
    uneven = [1.0, 1.12, 0.93, 1.0, 1.04, 0.97, 1.0]
    return [
        {"budget": 2 ** (11 + step), "image_encodes": images, "error": 6.2 * factor / images**0.5}
        for step, (images, factor) in enumerate(zip(counts, uneven, strict=True))
    ]


def measures(explanation: Explanation) -> list[dict[str, Any]]:
    """What would be measured of the explanation, first, and of two others, if its own predictions were the model's."""
    n, empty = explanation.n_players, explanation.baseline
    span = float(explanation.predict(np.ones((1, n)))[0]) - empty

    def measured(of: Explanation, follows: float) -> dict[str, Any]:
        ends = [(explanation.predict(extremes(of, sign)) - empty) / span for sign in (1, -1)]
        most, least = (np.interp(np.linspace(0, 1, 51), np.linspace(0, 1, len(end)), end) for end in ends)
        curves = Curves(np.linspace(0, 1, 51), most, least, float((most - least).mean()))
        agreement = [Faithfulness(follows + 0.1 * p, follows - 0.1 + 0.1 * p, p, FRESH) for p in probabilities(of)]
        return measurement(of, Measures(curves, tuple(agreement)))

    first = explanation.replace(main=explanation.first_order(), interactions=np.zeros((n, n)), order=1, triples=None)
    others = (("banzhaf_values", first, 0.7), ("grad_eclip", first.replace(main=np.abs(first.main)), 0.5))
    return [
        measured(explanation, 0.88),
        *(measured(of.replace(method=name, interactions_se=None), follows) for name, of, follows in others),
    ]


def main() -> None:
    """Write the state as JSON, buffers as base64."""
    out = Path(sys.argv[1]) if len(sys.argv) > 1 else HERE / "fixture.json"

    def plain(value: Any) -> Any:
        if isinstance(value, memoryview):
            return {"base64": base64.b64encode(value).decode()}
        raise TypeError(f"{type(value).__name__} has no place in the state")

    out.write_text(json.dumps(state(dog_and_hydrant()), default=plain, allow_nan=False), encoding="utf-8")


if __name__ == "__main__":
    main()
