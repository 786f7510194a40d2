"""Registry of the methods: what each offers, and how it explains a game."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from fixlip_widgets.errors import InputError
from fixlip_widgets.explainers import kept_explainers
from fixlip_widgets.explainers.baselines import exclip, game_attention, grad_eclip, random_explanation
from fixlip_widgets.explainers.encoding_plan import planned_encodes
from fixlip_widgets.explainers.fixlip import IncrementalExplainer
from fixlip_widgets.explainers.game import VisionLanguageGame
from fixlip_widgets.explainers.shapley import MAX_BUDGET as MAX_JOINT_BUDGET
from fixlip_widgets.explainers.shapley import explain_shapley, joint_budget, joint_encodings
from fixlip_widgets.explanation.explanation import Explanation
from fixlip_widgets.explanation.methods import CATALOGUE, MethodInfo, check_method
from fixlip_widgets.support.checks import DEFAULT_BUDGET, MIN_BUDGET, check_budget, check_max_encodings
from fixlip_widgets.support.progress import Progress


@dataclass(frozen=True)
class Request:
    """Arguments of a method without a pool.

    Attributes:
        game: The pair to explain.
        budget: Number of joint masks to evaluate, at about one image encoding each, for methods that use it.
        seed: Random seed.
        progress: Called after every batch, in the computing thread.
        cancelled: Checked between batches; once it returns True, the method returns its partial result, or raises
            CancelledError without one.
    """

    game: VisionLanguageGame
    budget: int
    seed: int = 0
    progress: Callable[[Progress], None] | None = None
    cancelled: Callable[[], bool] | None = None


@dataclass(frozen=True)
class Method(MethodInfo):
    """A method with its implementation.

    Exactly one of ``solve`` and ``compute`` is set; call them through :meth:`explain_pool` and :meth:`explain_game`.

    Attributes:
        solve: Function of ``(explainer, p, order)``, and of options of the fit if the method has any, that explains
            from the explainer's pool, without encoding.
        compute: Function that computes the explanation from scratch for every request.
    """

    solve: Callable[..., Explanation] | None = None
    compute: Callable[[Request], Explanation] | None = None

    def explain_pool(self, explainer: IncrementalExplainer, p: float, order: int, **fit: Any) -> Explanation:
        """Explain from the masks that ``explainer`` has encoded; for methods with a pool.

        ``fit`` are ``ridge`` and ``scope`` of :meth:`~fixlip_widgets.IncrementalExplainer.explanation`, for
        ``"banzhaf"``.
        """
        assert self.solve is not None, f"{self.name} has no pool"
        explanation = self.solve(explainer, p, order, **fit)
        if explanation.method != self.name:  # a copy would not know its regression
            explanation = explanation.replace(method=self.name)
        kept_explainers.link(explanation, explainer, **fit)
        return explanation

    def explain_game(self, request: Request) -> Explanation:
        """Explain the game of ``request``; for methods without a pool."""
        assert self.compute is not None, f"{self.name} has a pool"
        return self.compute(request).replace(method=self.name)

    def budget_within(self, game: VisionLanguageGame, p: float, budget: int | None, limit: int | None) -> int:
        """Return ``budget``, or the default, reduced to at most ``limit`` image encodings.

        Args:
            game: The pair to explain; it is not encoded here.
            p: Probability of keeping a player.
            budget: Number of evaluations as the method counts them; by default :data:`DEFAULT_BUDGET` for methods with
                a pool, and as many joint masks as those have image masks for the others.
            limit: Maximum number of image encodings; None for no limit.

        Raises:
            InputError: An argument is out of range, or even the smallest budget exceeds ``limit``.
        """
        check_max_encodings(limit)
        budget = self.comparable_budget(game) if budget is None else budget
        if limit is None or not self.uses_budget:
            return budget
        if self.pooled:
            explainer = IncrementalExplainer(game)
            return _largest_budget(lambda count: explainer.missing(p, count)[0], check_budget(budget), limit)
        count = partial(joint_encodings, game)
        return _largest_budget(count, check_budget(budget, MAX_JOINT_BUDGET), limit)

    def comparable_budget(self, game: VisionLanguageGame, budget: int = 0) -> int:
        """Convert ``budget`` image masks × text masks (0: default) to evaluations of this method at equal cost."""
        budget = budget or DEFAULT_BUDGET
        return budget if self.pooled else joint_budget(game, budget)

    def encodes(self, game: VisionLanguageGame, budget: int) -> tuple[int, int]:
        """Return the maximum (image, text) encodings for the widget's ``budget``, starting from none."""
        if not self.uses_budget:
            return 1, 1
        image, text = planned_encodes(game, budget)
        return (image, text) if self.pooled else (image, min(image, 2 ** min(game.n_text, 62)))


def _largest_budget(encodings: Callable[[int], int], budget: int, limit: int) -> int:
    """Return the largest budget up to ``budget`` with at most ``limit`` encodings, by bisection."""
    if encodings(budget) <= limit:
        return budget
    low, high = MIN_BUDGET, budget
    if (fewest := encodings(low)) > limit:
        raise InputError(f"max_encodings is {limit:,}; explaining this pair takes at least {fewest:,} image encodings.")
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if encodings(middle) <= limit else (low, middle)
    return low


def _banzhaf(explainer: IncrementalExplainer, p: float, order: int, **fit: Any) -> Explanation:
    return explainer.explanation(p, order=3 if order == 3 else 2, **fit)


def _shapley(request: Request, order: int = 2) -> Explanation:
    return explain_shapley(
        request.game, request.budget, order, request.seed, progress=request.progress, cancelled=request.cancelled
    )


def _exclip(request: Request) -> Explanation:
    return exclip(request.game, progress=request.progress, cancelled=request.cancelled)


def _method(name: str, **implementation: Any) -> Method:
    return Method(**vars(CATALOGUE[name]), **implementation)


_ALL = (
    _method("banzhaf", solve=_banzhaf),
    _method("shapley", compute=_shapley),
    _method("exclip", compute=_exclip),
    _method("banzhaf_values", solve=lambda explainer, p, _: explainer.banzhaf_values(p)),
    _method("shapley_values", compute=lambda request: _shapley(request, order=1)),
    _method("grad_eclip", compute=lambda request: grad_eclip(request.game)),
    _method("game_attention", compute=lambda request: game_attention(request.game)),
    _method("random", compute=lambda request: random_explanation(request.game, request.seed)),
)
METHODS: dict[str, Method] = {method.name: method for method in _ALL}
"""Methods by name, in the order of the catalogue. To add a method, add an entry here and in the catalogue."""


def method(name: object) -> Method:
    """Return the method called ``name``.

    Raises:
        InputError: No method has this name; the message lists all names.
    """
    return METHODS[check_method(name)]


def method_of_order(name: str, order: int | None) -> tuple[Method, int]:
    """Return the method called ``name``, and its order.

    Args:
        name: The method.
        order: By default the method's first one; order 1 of a method of interactions selects its values, under the name
            of the method.

    Raises:
        InputError: No method has this name, or it does not offer this order.
    """
    chosen = method(name)
    name = chosen.name
    if order == 1 and (values := METHODS.get(f"{name}_values")):
        chosen = replace(values, name=name)
    if order is not None and order not in chosen.orders:
        offered = " or ".join(map(str, ((1,) if f"{name}_values" in METHODS else ()) + chosen.orders))
        raise InputError(f"order is {order!r}; method={name!r} offers order {offered}.")
    return chosen, chosen.orders[0] if order is None else order
