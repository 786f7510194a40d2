"""``explain``: one call from an image and a caption to an explanation."""

from __future__ import annotations

import sys
from typing import Any, Literal

from fixlip_widgets.baselines import banzhaf_values
from fixlip_widgets.errors import InputError
from fixlip_widgets.explanation import Explanation
from fixlip_widgets.game import VisionLanguageGame
from fixlip_widgets.incremental import IncrementalExplainer, Progress
from fixlip_widgets.models import Model, load_model
from fixlip_widgets.shapley import explain_shapley

METHODS = ("banzhaf", "shapley")
ORDERS = (1, 2, 3)


def explain(
    image: Any,
    text: Any,
    *,
    model: Model | None = None,
    p: float = 0.5,
    budget: int = 2**17,
    method: str = "banzhaf",
    order: int = 2,
    seed: int = 0,
    grid: tuple[int, int] | None = None,
    ridge: float | None = None,
    scope: Literal["all", "cross"] = "all",
    progress: bool | None = None,
) -> Explanation:
    """Explain why ``model`` finds ``image`` and ``text`` as similar as it does.

    Args:
        image: A path, a PIL image, an (H, W, 3) uint8 array, or a preprocessed float tensor (3, H, W).
        text: A caption, or a 1-D integer tensor of token ids with start and end tokens.
        model: From :func:`load_model`; the packaged demo model by default.
        p: Probability with which players are kept: near 1, explanations are about removing little; 0.5 weighs all
            coalitions alike. Shapley has no p.
        budget: Evaluations of the game: image masks × text masks. With ``method="shapley"`` they are joint masks, each
            of which costs about an image encoding: take far fewer.
        method: ``"banzhaf"``, the p-weighted Banzhaf interactions of FIxLIP, or ``"shapley"``, Shapley interactions.
        order: 2, main effects and interactions; 3, image–image–text and image–text–text terms too (Banzhaf only);
            1, weighted Banzhaf values or Shapley values alone.
        seed: Of the masks.
        grid: (rows, columns) of image players; the encoder's patches by default.
        ridge: Shrinkage of image–image terms; None is cross-validated, 0 is the paper's estimator exactly.
        scope: ``"cross"`` for main effects and cross-modal interactions only.
        progress: Show a progress bar; by default where it takes long and a person is watching.

    Raises:
        InputError: An argument is out of range; the message says what is allowed.

    Source: Baniecki et al., "Explaining Similarity in Vision-Language Encoders with Weighted Banzhaf Interactions",
    NeurIPS 2025; :mod:`fixlip_widgets.shapley` and :mod:`fixlip_widgets.baselines` name those of the other methods.
    """
    if method not in METHODS:
        raise InputError(f"There is no method {method!r}; there is {', '.join(METHODS)}.")
    if order not in ORDERS:
        raise InputError(f"order is {order!r}; it is one of {', '.join(map(str, ORDERS))}.")
    if method == "shapley" and p != 0.5:
        raise InputError(f"p is {p!r}, but Shapley has no p; leave it out, or take method='banzhaf'.")
    if (ridge or scope != "all") and (method != "banzhaf" or order == 1):
        raise InputError("ridge and scope are about Banzhaf interactions only; leave them out.")
    if method == "shapley" and order == 3:
        raise InputError("Shapley interactions are of order 2 here; order 3 needs method='banzhaf'.")
    game = VisionLanguageGame(model or load_model(), image, text, grid=grid)
    with _Bar(progress) as bar:
        if method == "shapley":
            return explain_shapley(game, budget, order, seed, progress=bar)
        if order == 1:
            return banzhaf_values(game, p, budget, seed, progress=bar)
        explainer = IncrementalExplainer(game, seed=seed)
        explainer.extend(p, budget, progress=bar)
        return explainer.explanation(p, ridge=ridge, scope=scope, order=3 if order == 3 else 2)


class _Bar:
    """A tqdm bar over the encodings; silent for short work and where nobody watches."""

    def __init__(self, wanted: bool | None) -> None:
        self._wanted = sys.stderr.isatty() if wanted is None else wanted
        self._bar: Any = None

    def __enter__(self) -> _Bar:
        return self

    def __call__(self, state: Progress) -> None:
        if not self._wanted:
            return
        if self._bar is None:
            from tqdm.auto import tqdm

            self._bar = tqdm(total=state.image_total + state.text_total, desc="encoding", unit=" masks", delay=1)
        self._bar.update(state.image_done + state.text_done - self._bar.n)

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.close()
