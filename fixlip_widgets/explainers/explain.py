"""``explain``: explain an image–caption pair in one call."""

from __future__ import annotations

from functools import partial
from typing import Literal

from torch import Tensor

from fixlip_widgets.encoders.images import ImageLike
from fixlip_widgets.encoders.models import Model, load_model
from fixlip_widgets.encoders.superpixels import Regions
from fixlip_widgets.encoders.towers import Masking
from fixlip_widgets.errors import InputError
from fixlip_widgets.estimators.masks import DEFAULT_DESIGN, MaskDesign
from fixlip_widgets.explainers import kept_explainers
from fixlip_widgets.explainers.cautions import warn_of_fit, warn_of_photograph
from fixlip_widgets.explainers.fixlip import IncrementalExplainer
from fixlip_widgets.explainers.game import VisionLanguageGame
from fixlip_widgets.explainers.registry import Request, method_of_order
from fixlip_widgets.explainers.stopping import check_stop_at, extend_until
from fixlip_widgets.explanation.explanation import Explanation
from fixlip_widgets.support.checks import check_fit
from fixlip_widgets.support.progress import Progress, ProgressBar


def explain(
    image: ImageLike,
    text: str | Tensor,
    *,
    model: Model | None = None,
    p: float = 0.5,
    budget: int | None = None,
    max_encodings: int | None = None,
    stop_at: float | None = None,
    method: str = "banzhaf",
    order: int | None = None,
    seed: int = 0,
    grid: tuple[int, int] | None = None,
    regions: Regions | None = None,
    words: bool = False,
    masking: Masking = "zero",
    masks: MaskDesign = DEFAULT_DESIGN,
    ridge: float | None = None,
    scope: Literal["all", "cross"] = "all",
    check: bool = True,
    progress: bool | None = None,
) -> Explanation:
    """Explain the similarity that ``model`` assigns to ``image`` and ``text``.

    Args:
        image: Path, :class:`PIL.Image.Image`, uint8 array (H, W), (H, W, 3) or (H, W, 4), or a normalised float
            :class:`torch.Tensor` (3, H, W).
        text: A caption, or a 1-D integer tensor of token ids with start and end tokens.
        model: A model from :func:`load_model`; the packaged demo model by default.
        p: Probability of keeping each patch and token (Banzhaf methods only). Values near 1 measure the effect of
            removing little; 0.5 weights all masks equally.
        budget: Number of evaluations of the game. Banzhaf methods evaluate image masks × text masks, by default 2**17,
            which take a few thousand image encodings. Shapley methods evaluate joint masks, at about one image encoding
            each, by default as many as Banzhaf methods have image masks. The other methods ignore it.
        max_encodings: Maximum number of image encodings; the budget is reduced to the largest that fits. Text encodings
            are not limited: there are at most a few thousand, and they are cheap.
        stop_at: Standard error of cross-modal terms (of order 1: of main effects) relative to the largest of them, at
            which encoding stops, for example 0.02 (Banzhaf methods only). The budget, which is then a maximum, is spent
            in steps that double; see :func:`~fixlip_widgets.explanation.precision.relative_error`.
        method: A name in :data:`~fixlip_widgets.explainers.registry.METHODS`: ``"banzhaf"`` or ``"fixlip"`` (p-weighted
            Banzhaf interactions, FIxLIP), ``"shapley"`` (Shapley interactions) or ``"exclip"``; the first-order methods
            ``"banzhaf_values"``, ``"shapley_values"``, ``"grad_eclip"`` and ``"game_attention"``; or ``"random"``, a
            chance-level baseline.
        order: 1 for main effects, 2 to add interactions, 3 to add image–image–text and image–text–text terms
            (``"banzhaf"`` only). By default 2, or 1 for first-order methods. ``"banzhaf"`` and ``"shapley"`` of order 1
            are Banzhaf and Shapley values.
        seed: Random seed of the masks.
        grid: (rows, columns) of the image patches; by default the encoder's own patches.
        regions: A number of superpixels, or a label map, in place of a grid.
        words: Whether to mask whole words instead of tokens.
        masking: How removed patches are replaced: ``"zero"`` as in the paper, ``"mean"``, ``"blur"`` or ``"remove"``.
        masks: How masks are drawn at p = 0.5 if they are a sample (Banzhaf methods only): ``"orthogonal"`` as
            complementary pairs from orthogonal arrays of strength 5, in which all main effects and all pairs of players
            are exactly uncorrelated, or ``"random"`` as random complementary pairs. Arrays make estimates more accurate
            from about 1,000 masks on (for up to 64 players), and their 95 % intervals cover at least 95 % of the terms.
        ridge: Ridge penalty of image–image terms; by default chosen by cross-validation. 0 is the paper's estimator.
        scope: ``"cross"`` for main effects and cross-modal interactions only.
        check: Whether to compare the complete image and caption with the model's own forward pass.
        progress: Whether to show a progress bar; by default only for long computations in interactive use.

    Warns:
        FixlipWarning: The surrogate fits no better than a constant, the budget does not determine some of the terms, or
            the demo model is given a photograph.

    Raises:
        InputError: An argument is out of range; the message states the allowed values.
        EncodingError: The masked encoders disagree with the model's own forward pass; the message has both numbers.

    Source: Baniecki et al., "Explaining Similarity in Vision-Language Encoders with Weighted Banzhaf Interactions",
    NeurIPS 2025. For the sources of the other methods, see :mod:`~fixlip_widgets.explainers.shapley` and
    :mod:`~fixlip_widgets.explainers.baselines`.
    """
    chosen, order = method_of_order(method, order)
    if not chosen.uses_p and p != 0.5:
        raise InputError(f"p is {p!r}, but method={method!r} does not use p; omit it or use method='banzhaf'.")
    fit = {} if ridge is None and scope == "all" else {"ridge": ridge, "scope": scope}
    if fit and (chosen.name != "banzhaf" or order == 1):
        raise InputError("ridge and scope apply to Banzhaf interactions only; omit them.")
    if masks != DEFAULT_DESIGN and not chosen.pooled:
        raise InputError(f"masks is {masks!r}, but method={method!r} draws masks of its own; omit it.")
    if stop_at is not None and not chosen.pooled:
        raise InputError(f"stop_at is {stop_at!r}, but method={method!r} cannot stop early; omit it.")
    tolerance = 0.0 if stop_at is None else check_stop_at(stop_at)
    fit_order: Literal[2, 3] = 3 if order == 3 else 2
    check_fit(ridge, scope, fit_order)
    game = VisionLanguageGame(
        model or load_model(), image, text, grid=grid, regions=regions, words=words, masking=masking, check=check
    )
    warn_of_photograph(game.model, game.pixels)
    budget = chosen.budget_within(game, p, budget, max_encodings)
    explainer = IncrementalExplainer(game, seed=seed, masks=masks)
    with ProgressBar(progress, "encoding", "encodings") as bar:

        def report(state: Progress) -> None:
            bar.show(state.done, state.total)

        if chosen.pooled:
            solve = partial(chosen.explain_pool, explainer, p, order, **fit)
            explanation = extend_until(explainer, p, budget, tolerance, solve, report)
            kept_explainers.keep(explanation)  # for pages with other p
        else:
            explanation = chosen.explain_game(Request(game, budget, seed, progress=report))
    warn_of_fit(explanation)
    return explanation
