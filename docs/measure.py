"""Print the numbers of the explanation pages: ``python docs/measure.py p maskings search order cost``."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

import numpy as np

import fixlip_widgets as fx
from fixlip_widgets.explainers.metrics.curves import curves
from fixlip_widgets.explanation.subsets import best_subsets

BUDGET = 2**14


def explained(scene: fx.demo.Scene, **settings: object) -> fx.Explanation:
    """Return the explanation of a packaged scene."""
    return fx.explain(scene.image, scene.caption, **{"budget": BUDGET, **settings})


def p() -> None:
    """Print the fit and the pointing game at five values of p."""
    scene = fx.demo.scene("dog_and_banana")
    for value in (0.1, 0.3, 0.5, 0.7, 0.9):
        explanation = explained(scene, p=value)
        found = fx.metrics.pointing_game(explanation, scene.regions)
        print(f"p = {value}: R² {explanation.r2:.3f}, residual {explanation.residual:.2f}, PGR {found.pgr:.2f}")


def maskings() -> None:
    """Print the similarity of the empty pair and the agreement of cross-modal terms, for four maskings."""
    scene = fx.demo.scene("dog_and_banana")
    zero = explained(scene).cross.ravel()
    for masking in ("zero", "mean", "blur", "remove"):
        explanation = explained(scene, masking=masking)
        agreement = np.corrcoef(zero, explanation.cross.ravel())[0, 1]
        print(f"{masking}: empty pair {explanation.empty_similarity:.1f}, correlation with zero {agreement:.2f}")


def grown(main: np.ndarray, pairs: np.ndarray, sign: int) -> np.ndarray:
    """Return the masks of a greedy search that starts from the empty set and exchanges nothing, (n + 1, n)."""
    masks = np.zeros((len(main) + 1, len(main)), dtype=bool)
    for size in range(len(main)):
        gains = sign * (main + pairs @ masks[size])
        gains[masks[size]] = -np.inf
        masks[size + 1] = masks[size]
        masks[size + 1, gains.argmax()] = True
    return masks


def searched(main: np.ndarray, pairs: np.ndarray, sign: int) -> np.ndarray:
    """Return the masks of the package's search, (n + 1, n)."""
    return np.array([np.isin(np.arange(len(main)), players) for players, _ in best_subsets(main, pairs, sign)])


def search() -> None:
    """Print the AID of every packaged scene with three kinds of coalitions, and the seconds of the search."""
    for name, scene in fx.demo.scenes().items():
        game = fx.VisionLanguageGame(fx.load_model(), scene.image, scene.caption)
        explainer = fx.IncrementalExplainer(game)
        explainer.extend(0.5, budget=BUDGET)
        explanation = explainer.explanation(0.5)
        main, pairs = explanation.quadratic_terms()
        values = explanation.replace(main=explanation.first_order(), interactions=np.zeros_like(pairs))
        areas = {"values": fx.metrics.insertion_deletion(game, values).aid}
        areas["greedy"] = curves(game, grown(main, pairs, 1), grown(main, pairs, -1)).aid
        start = time.perf_counter()
        most, least = searched(main, pairs, 1), searched(main, pairs, -1)
        seconds = time.perf_counter() - start
        areas["search"] = curves(game, most, least).aid
        print(f"{name}: " + ", ".join(f"{kind} {area:.2f}" for kind, area in areas.items()) + f"; {seconds:.2f} s")


def order() -> None:
    """Print the fit, the strongest third-order terms and the seconds of order 2 and 3."""
    scene = fx.demo.scene("owl_above_pizza")
    game = fx.VisionLanguageGame(fx.load_model(), scene.image, scene.caption)
    explainer = fx.IncrementalExplainer(game)
    explainer.extend(0.5, budget=BUDGET)
    for value in (2, 3):
        start = time.perf_counter()
        explanation = explainer.explanation(0.5, order=value)
        print(f"order {value}: R² {explanation.r2:.3f}, {time.perf_counter() - start:.1f} s to fit")
    for term in explanation.top(3, kind="image_text_text"):
        print(f"{' × '.join(term.names)}: {term.value:.2f} ± {term.standard_error:.2f}")


def cost() -> None:
    """Print the encodings and the seconds of three values of p."""
    scene = fx.demo.scene("dog_and_banana")
    for value in (0.3, 0.5, 0.7):
        start = time.perf_counter()
        explanation = explained(scene, p=value)
        seconds = time.perf_counter() - start
        print(f"p = {value}: {explanation.image_encodes} + {explanation.text_encodes} encodings, {seconds:.1f} s")


TABLES: dict[str, Callable[[], None]] = {each.__name__: each for each in (p, maskings, search, order, cost)}

if __name__ == "__main__":
    for each in sys.argv[1:] or TABLES:
        print(f"# {each}")
        TABLES[each]()
