"""``explain``: one call from an image and a caption to an explanation."""

from __future__ import annotations

from functools import partial
from typing import Literal

from torch import Tensor

from fixlip_widgets.encoders.images import ImageLike
from fixlip_widgets.encoders.models import Model, load_model
from fixlip_widgets.encoders.superpixels import Regions
from fixlip_widgets.encoders.towers import Masking
from fixlip_widgets.errors import InputError
from fixlip_widgets.explainers.fixlip import IncrementalExplainer
from fixlip_widgets.explainers.game import VisionLanguageGame
from fixlip_widgets.explainers.registry import METHODS, Method, Request
from fixlip_widgets.explainers.registry import method as method_of
from fixlip_widgets.explanation.explanation import Explanation
from fixlip_widgets.support.checks import check_fit, check_p
from fixlip_widgets.support.progress import Progress, ProgressBar


def explain(
    image: ImageLike,
    text: str | Tensor,
    *,
    model: Model | None = None,
    p: float = 0.5,
    budget: int | None = None,
    max_encodings: int | None = None,
    method: str = "banzhaf",
    order: int | None = None,
    seed: int = 0,
    grid: tuple[int, int] | None = None,
    regions: Regions | None = None,
    words: bool = False,
    masking: Masking = "zero",
    ridge: float | None = None,
    scope: Literal["all", "cross"] = "all",
    progress: bool | None = None,
) -> Explanation:
    """Explain why ``model`` finds ``image`` and ``text`` as similar as it does.

    Args:
        image: Path, PIL image, uint8 array (H, W), (H, W, 3) or (H, W, 4), or a normalised float tensor (3, H, W).
        text: A caption, or a 1-D integer tensor of token ids with start and end tokens.
        model: From :func:`load_model`; the packaged demo model by default.
        p: Probability with which players are kept: near 1, explanations are about removing little; 0.5 weighs all
            coalitions alike. Banzhaf methods alone have it.
        budget: Evaluations of the game. Banzhaf methods evaluate image masks × text masks, by default 2**17 from a few
            thousand image encodings. Shapley methods evaluate joint masks, each about one image encoding, by default as
            many as the Banzhaf methods have image masks. Methods by gradients have no budget.
        max_encodings: Image encodings at most, whatever the method: the budget becomes the largest that takes no more.
            Captions take at most a few thousand text encodings besides, which cost little.
        method: A name in :data:`~fixlip_widgets.explainers.registry.METHODS`: ``"banzhaf"``, the p-weighted Banzhaf
            interactions of FIxLIP; ``"shapley"``, Shapley interactions; ``"exclip"``; of first order
            ``"banzhaf_values"``, ``"shapley_values"``, ``"grad_eclip"`` and ``"game_attention"``; and ``"random"``, a
            chance level to compare with.
        order: 2 by default, main effects and interactions, or 1 where the method has no more; 3 adds
            image–image–text and image–text–text terms (``"banzhaf"`` only); 1 with ``"banzhaf"`` or ``"shapley"``
            gives their values.
        seed: Of the masks.
        grid: (rows, columns) of image players; the encoder's patches by default.
        regions: A number of superpixels, or a label map, as image players in place of a grid.
        words: Whether whole words are the text players.
        masking: What removed image players become: ``"zero"`` as in the paper, ``"mean"``, ``"blur"`` or ``"remove"``.
        ridge: Shrinkage of image–image terms; None is cross-validated, 0 is the paper's estimator exactly.
        scope: ``"cross"`` for main effects and cross-modal interactions only.
        progress: Show a progress bar; by default where it takes long and a person is watching.

    Raises:
        InputError: An argument is out of range; the message says what is allowed.

    Source: Baniecki et al., "Explaining Similarity in Vision-Language Encoders with Weighted Banzhaf Interactions",
    NeurIPS 2025; :mod:`~fixlip_widgets.explainers.shapley` and :mod:`~fixlip_widgets.explainers.baselines` name those
    of the other methods.
    """
    way, order = _way(method, order)
    if not way.uses_p and p != 0.5:
        raise InputError(f"p is {p!r}, but method={method!r} has no p; leave it out, or take method='banzhaf'.")
    if (ridge is not None or scope != "all") and way.name != "banzhaf":
        raise InputError("ridge and scope are about Banzhaf interactions only; leave them out.")
    fitted: Literal[2, 3] = 3 if order == 3 else 2
    check_fit(ridge, scope, fitted)
    game = VisionLanguageGame(
        model or load_model(), image, text, grid=grid, regions=regions, words=words, masking=masking
    )
    budget = way.budget_within(game, check_p(p), budget, max_encodings)
    with ProgressBar(progress, "encoding", "encodings") as shown:
        bar = partial(_show, shown)
        if not way.pooled:
            return _called(way.anew(Request(game, budget, p, seed, progress=bar)), method)
        explainer = IncrementalExplainer(game, seed=seed)
        explainer.extend(p, budget, progress=bar)
        if way.name == "banzhaf":
            return explainer.explanation(p, ridge=ridge, scope=scope, order=fitted)
        return _called(way.refined(explainer, p, order), method)


def _way(method: str, order: int | None) -> tuple[Method, int]:
    """The method in the registry that is meant, and the order: of order 1, a method's values."""
    chosen = method_of(method)
    if order == 1 and f"{method}_values" in METHODS:
        chosen = METHODS[f"{method}_values"]
    if order is not None and order not in chosen.orders:
        offered = " or ".join(map(str, ((1,) if f"{method}_values" in METHODS else ()) + chosen.orders))
        raise InputError(f"order is {order!r}; method={method!r} offers order {offered}.")
    return chosen, chosen.orders[0] if order is None else order


def _show(bar: ProgressBar, state: Progress) -> None:
    bar.show(state.done, state.total)


def _called(explanation: Explanation, method: str) -> Explanation:
    """``explanation`` under the name that it was asked for by."""
    return explanation if explanation.method == method else explanation.replace(method=method)
