"""Write ``fixture.json``: the state of a widget that shows a real explanation, for looking at the view without a kernel.

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

from fixlip_widgets.explanation import Explanation  # noqa: E402
from fixlip_widgets.widget import wire  # noqa: E402
from tests import examples  # noqa: E402


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
        effective_image_masks=2184.0,
        r2=0.97,
        seed=0,
        identified={"cross": True, "text_text": True, "image_image": False},
    )


def state(explanation: Explanation) -> dict[str, Any]:
    """Every trait that the view reads."""
    label = wire.model_label(explanation.model)
    return {
        "p": explanation.p,
        "budget": explanation.budget,
        "text": explanation.caption,
        "selection": [],
        "top_k": 24,
        "graph_layout": "anchored",
        "graph_kind": "all",
        "palette": "house",
        "theme": "auto",
        "live": True,
        "autorun": True,
        "generation": 1,
        "status": "done",
        "error": "",
        "scene": wire.scene(explanation.image, explanation.tokens, explanation.grid, label),
        "costs": {str(exponent): [2**exponent // 60, 2**explanation.n_text] for exponent in wire.SLIDER_BUDGETS},
        "options": wire.options(),
        "result": wire.result(explanation, 1, partial=False),
        "graph_data": wire.graph(explanation, 1, top_k=24),
        "graphs": {layout: wire.graph(explanation, 1, top_k=24, layout=layout) for layout in wire.options()["layouts"]},
    }


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
