"""Every method by name: what it offers, and how it explains a game."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from fixlip_widgets.errors import InputError
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
    """What a method that starts anew is asked for.

    Attributes:
        game: The pair to explain.
        budget: Evaluations of the game, for methods that use it: joint masks, each about an image encoding.
        p: Probability of keeping a player, for methods that use it.
        seed: Of the masks.
        progress: Called after every batch, in the thread that computes.
        cancelled: Asked between batches; when it says True, the result is that of what is there.
    """

    game: VisionLanguageGame
    budget: int
    p: float = 0.5
    seed: int = 0
    progress: Callable[[Progress], None] | None = None
    cancelled: Callable[[], bool] | None = None


@dataclass(frozen=True)
class Method(MethodInfo):
    """A way to explain a game.

    Exactly one of ``solve`` and ``compute`` is there; call them through :meth:`refined` and :meth:`anew`.

    Attributes:
        solve: From an explainer's pool of encoded masks, at any p, at once: ``(explainer, p, order)``.
        compute: From the game, anew for every request.
    """

    solve: Callable[[IncrementalExplainer, float, int], Explanation] | None = None
    compute: Callable[[Request], Explanation] | None = None

    def refined(self, explainer: IncrementalExplainer, p: float, order: int) -> Explanation:
        """From what ``explainer`` has encoded, for a method with a pool."""
        assert self.solve is not None, f"{self.name} has no pool"
        return self._named(self.solve(explainer, p, order))

    def anew(self, request: Request) -> Explanation:
        """From the game, for a method without a pool."""
        assert self.compute is not None, f"{self.name} has a pool"
        return self._named(self.compute(request))

    def _named(self, explanation: Explanation) -> Explanation:
        return explanation if explanation.method == self.name else explanation.replace(method=self.name)

    def budget_within(self, game: VisionLanguageGame, p: float, budget: int | None, limit: int | None) -> int:
        """The budget to take: what was asked for, or the default, but no more than ``limit`` image encodings allow.

        Args:
            game: The pair to explain; nothing of it is encoded yet.
            p: Probability of keeping a player.
            budget: Evaluations as the method counts them; by default those of :data:`DEFAULT_BUDGET` for a method with
                a pool, and for others as many joint masks as those have image masks.
            limit: Image encodings at most; None for no limit.

        Raises:
            InputError: Not even the smallest budget takes so few encodings.
        """
        check_max_encodings(limit)
        asked = self.comparable_budget(game) if budget is None else budget
        if limit is None or not self.uses_budget:
            return asked
        if self.pooled:
            explainer = IncrementalExplainer(game)
            return _largest_budget(lambda count: explainer.missing(p, count)[0], check_budget(asked), limit)
        count = partial(joint_encodings, game)
        return _largest_budget(count, check_budget(asked, MAX_JOINT_BUDGET), limit)

    def comparable_budget(self, game: VisionLanguageGame, budget: int = 0) -> int:
        """As the method counts evaluations, what costs as much as ``budget`` image masks × text masks (0: default)."""
        budget = budget or DEFAULT_BUDGET
        return budget if self.pooled else joint_budget(game, budget)

    def encodes(self, game: VisionLanguageGame, budget: int) -> tuple[int, int]:
        """(image, text) encodings, at most, that the widget's ``budget`` takes where nothing is encoded yet."""
        if not self.uses_budget:
            return 1, 1
        image, text = planned_encodes(game, budget)
        return (image, text) if self.pooled else (image, min(image, 2 ** min(game.n_text, 62)))


def _largest_budget(encodings: Callable[[int], int], budget: int, limit: int) -> int:
    """The largest budget up to ``budget`` whose number of ``encodings`` is at most ``limit``, by bisection."""
    if encodings(budget) <= limit:
        return budget
    low, high = MIN_BUDGET, budget
    if (least := encodings(low)) > limit:
        raise InputError(f"max_encodings is {limit:,}; explaining this pair takes at least {least:,} image encodings.")
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if encodings(middle) <= limit else (low, middle)
    return low


def _banzhaf(explainer: IncrementalExplainer, p: float, order: int) -> Explanation:
    return explainer.explanation(p, order=3 if order == 3 else 2)


def _shapley(request: Request, order: int = 2) -> Explanation:
    return explain_shapley(
        request.game, request.budget, order, request.seed, progress=request.progress, cancelled=request.cancelled
    )


def _from_pool(name: str, solve: Callable[[IncrementalExplainer, float, int], Explanation]) -> Method:
    return Method(**vars(CATALOGUE[name]), solve=solve)


def _from_game(name: str, compute: Callable[[Request], Explanation]) -> Method:
    return Method(**vars(CATALOGUE[name]), compute=compute)


_ALL = (
    _from_pool("banzhaf", _banzhaf),
    _from_game("shapley", _shapley),
    _from_game("exclip", lambda asked: exclip(asked.game)),
    _from_pool("banzhaf_values", lambda explainer, p, _: explainer.banzhaf_values(p)),
    _from_game("shapley_values", lambda asked: _shapley(asked, order=1)),
    _from_game("grad_eclip", lambda asked: grad_eclip(asked.game)),
    _from_game("game_attention", lambda asked: game_attention(asked.game)),
    _from_game("random", lambda asked: random_explanation(asked.game, asked.seed)),
)
METHODS: dict[str, Method] = {method.name: method for method in _ALL}
"""Name → method, in the order of the catalogue. A further method is one more entry here and in the catalogue."""


def method(name: object) -> Method:
    """Return the method of that name.

    Raises:
        InputError: There is no method of that name; the message lists them.
    """
    return METHODS[check_method(name)]
