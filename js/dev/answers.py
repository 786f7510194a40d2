"""Write Python's answers about two explanations, which the front end's tests compare with a saved page's own.

python js/dev/answers.py

The output, js/tests/offline/answers.json, is part of the repository; a test compares it with what Python answers now.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from fixlip_widgets.drawing.graphs import KINDS  # noqa: E402
from fixlip_widgets.explanation.comparison import correspondence, subtract  # noqa: E402
from fixlip_widgets.explanation.explanation import Explanation  # noqa: E402
from fixlip_widgets.explanation.group_sums import group  # noqa: E402
from fixlip_widgets.explanation.parts import Part, parts, subtract_parts  # noqa: E402
from fixlip_widgets.pages import Recording  # noqa: E402
from fixlip_widgets.pages import wire_format as wire  # noqa: E402
from fixlip_widgets.pages.saved_page import saved  # noqa: E402
from fixlip_widgets.pages.settings import SIGNS  # noqa: E402
from fixlip_widgets.widget.undo_history import History  # noqa: E402
from tests.examples import random_explanation  # noqa: E402

TARGET = ROOT / "js" / "tests" / "offline" / "answers.json"
FACTS = (
    *("order", "p", "budget", "in_logits", "identified", "conservative_errors", "effective_image_masks", "ridge"),
    *("similarity", "empty_similarity", "baseline", "residual", "r2", "spearman", "r2_in_sample"),
)
"""Names of what a result has besides arrays and texts."""
SELECTIONS = ([2], [1, 6], [0, 3, 7])
UNDO: tuple[tuple[float, str, dict[str, tuple[Any, Any]]], ...] = (
    (0.0, "", {"p": (0.5, 0.7)}),
    (2.0, "", {"top_k": (30, 29)}),
    (2.9, "", {"top_k": (29, 12)}),
    (3.8, "", {"top_k": (12, 40)}),
    (3.9, "", {"graph_sign": ("both", "positive")}),
    (5.0, "", {"p": (0.7, 0.3), "budget": (2**17, 15599)}),
    (9.0, "", {"p": (0.3, 0.4)}),
    (9.5, "", {"p": (0.4, 0.3)}),
    (12.0, "", {"text": ("a dog", "a  dog next to a banana, a hydrant and a cat")}),
    (13.0, "", {"graph_layout": ("anchored", "kamada_kawai")}),
    (20.0, "reset", {"p": (0.3, 0.5), "top_k": (40, 30)}),
    (20.5, "", {"p": (0.5, 0.123456)}),
    (30.0, "", {"subset_size": (0, 3)}),
    (31.0, "", {"palette": ("house", "safe")}),
    *((100.0 + 2 * move, "", {"subset_size": (3 + move, 4 + move)}) for move in range(95)),
)
"""Changes of settings: time in seconds, title, and name to the values before and after."""
_SIGN = {"both": None, "positive": 1, "negative": -1}


def _halves(errors: np.ndarray) -> np.ndarray:
    """Round standard errors as a saved page does."""
    return errors.astype(np.float16).astype(np.float64)


def pair() -> tuple[Explanation, Explanation]:
    """Return B and A: two captions of one image that share two words, with values that survive float32."""
    explanations: list[Explanation] = []
    for draw, tokens in enumerate((("a", "red", "dog"), ("a", "black", "dog", "sits"))):
        drawn = random_explanation(
            tokens=tokens, draw=draw, image=None, similarity=7.5 + draw, effective_image_masks=60.0
        )
        explanations.append(
            drawn.replace(
                baseline=float(np.float32(drawn.baseline)),
                main=drawn.main.astype(np.float32),
                interactions=3 * drawn.interactions.astype(np.float32),
                main_se=_halves(drawn.main_se),
                interactions_se=_halves(drawn.interactions_se),
            )
        )
    return explanations[0], explanations[1].replace(conservative_errors=True)


def answers() -> dict[str, Any]:
    """Return a saved page of A and B and, for B, A and B − A, edges, sums, predictions and significance."""
    b, a = pair()
    difference = subtract(b, a)
    described = {
        "b": _about(b),
        "a": _about(a),
        "difference": _about(_bounded(difference.explanation, b, a), _bounded_parts(b, a)),
    }
    page = {"page": saved(Recording((b, a))), "unmatched": list(difference.unmatched)}
    return {**page, "classes": _classes(), "undo": _undo(), **described}


def _classes() -> dict[str, Any]:
    """Return a saved page of three classes on six patches, with its probabilities without each single patch."""
    names, random = ["cat", "dog", "car"], np.random.default_rng(2)
    drawn = random.uniform(0.1, 1.0, size=(7, len(names)))
    whole, *without = drawn / drawn.sum(axis=1, keepdims=True)  # the first row is that of the complete image
    explanation = random_explanation(tokens=(), caption=names[1], image=None)
    values = random.normal(size=explanation.n_image)
    candidates = {
        "names": names,
        "logits": wire.array(random.normal(size=len(names))),
        "probabilities": wire.array(whole),
        "softmax": True,
        "templates": ["a photo of a {}."],
    }
    significant = wire.bits(np.ones(18, dtype=bool))
    classes = {
        "candidates": candidates,
        "maps": {"names": names, "values": wire.array(random.normal(size=(3, 6))), "significant": significant},
        "choices": [[names[1]]],
        "without": wire.array(np.array(without)),
    }
    recording = Recording((explanation,), without={explanation.caption: values}, classes=classes)
    return {"page": saved(recording), "values": values.tolist(), "without": np.array(without).tolist()}


def _bounded(difference: Explanation, b: Explanation, a: Explanation) -> Explanation:
    """Return B − A with upper bounds of its errors, as a page has them: the sum of those of A and B."""
    into, own = correspondence(b, a)
    main, pairs = b.main_se.copy(), b.interactions_se.copy()
    main[into] += a.main_se[own]
    pairs[np.ix_(into, into)] += a.interactions_se[np.ix_(own, own)]
    return difference.replace(main_se=main, interactions_se=pairs, conservative_errors=True)


def _bounded_parts(b: Explanation, a: Explanation) -> list[Part]:
    errors = [(new.se, old.se) for new, old in zip(parts(b), parts(a), strict=True)]
    return [
        part._replace(se=None if None in known else sum(known))
        for part, known in zip(subtract_parts(parts(b), parts(a)), errors, strict=True)
    ]


def _undo() -> dict[str, Any]:
    """Return changes of settings at times in seconds, the description after each, and what undo restores in turn."""
    history, changes = History(), list[dict[str, Any]]()
    for seconds, title, settings in UNDO:
        with history.together(title) as change:
            change.time = seconds
            for name, (old, new) in settings.items():
                history.note(name, old, new, seconds)
        changes.append({"seconds": seconds, "title": title, "settings": settings, "words": history.words})
    undone = [{"settings": history.pop(), "words": history.words} for _ in range(len(UNDO) + 1)]
    return {"changes": changes, "undone": undone}


def _about(of: Explanation, difference: Sequence[Part] | None = None) -> dict[str, Any]:
    result = wire.result(of, 1, partial=False, difference=difference)
    graphs = [
        {"graph_kind": kind, "graph_sign": sign, "top_k": 12, "edges": _edges(of, kind, sign)}
        for kind, sign in product(KINDS, SIGNS)
    ]
    return {
        "main": _numbers(of.main),
        "main_se": _numbers(of.main_se),
        "interactions": _numbers(of.interactions),
        "interactions_se": _numbers(of.interactions_se),
        "significant": {
            "main": of.significant.main.astype(int).tolist(),
            "interactions": of.significant.interactions.astype(int).ravel().tolist(),
        },
        "graphs": graphs,
        "csv": of.to_csv(),
        "parts": result["parts"],
        "facts": {name: result[name] for name in FACTS},
        "groups": [_sums(of, selection) for selection in SELECTIONS],
        "predictions": [
            {"removed": removed, "value": float(of.predict(~np.isin(np.arange(of.n_players), removed)[None])[0])}
            for removed in ([], *SELECTIONS)
        ],
    }


def _edges(of: Explanation, kind: str, sign: str) -> list[list[Any]]:
    drawn = wire.graph(of, 0, top_k=12, kind=kind, sign=_SIGN[sign])
    return [
        [edge["source"], edge["target"], edge["weight"], edge["se"], edge["significant"]] for edge in drawn["edges"]
    ]


def _sums(of: Explanation, selection: list[int]) -> dict[str, Any]:
    summed = group(of, selection)
    return {
        "selection": selection,
        "se": _numbers(summed.se),
        "total": summed.total,
        "within": summed.within,
        "within_se": summed.within_se,
    }


def _numbers(values: np.ndarray | None) -> list[float | None] | None:
    return None if values is None else [wire.number(value) for value in values.ravel().tolist()]


def text() -> str:
    """Return the text of answers.json."""
    return json.dumps(answers(), ensure_ascii=False, separators=(",", ":")) + "\n"


if __name__ == "__main__":
    TARGET.write_text(text(), encoding="utf-8")
