"""Every method by name: what it offers, and how it explains a game."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from fixlip_widgets.baselines import exclip, game_attention, grad_eclip, random_explanation
from fixlip_widgets.baselines.values import linear_explanation
from fixlip_widgets.checks import MIN_BUDGET
from fixlip_widgets.errors import InputError
from fixlip_widgets.explanation import Explanation
from fixlip_widgets.game import VisionLanguageGame
from fixlip_widgets.incremental import IncrementalExplainer
from fixlip_widgets.masks import split_budget
from fixlip_widgets.shapley import MAX_BUDGET as MAX_JOINT_BUDGET
from fixlip_widgets.shapley import explain_shapley
from fixlip_widgets.work import Progress, planned_encodes


@dataclass(frozen=True)
class Request:
    """What a method that starts anew is asked for.

    Attributes:
        game: The pair to explain.
        p: Probability of keeping a player, for methods that use it.
        budget: Evaluations of the game, for methods that use it: joint masks, each about an image encoding.
        seed: Of the masks.
        progress: Called after every batch, in the thread that computes.
        cancelled: Asked between batches; when it says True, the result is that of what is there.
    """

    game: VisionLanguageGame
    p: float = 0.5
    budget: int = 2**13
    seed: int = 0
    progress: Callable[[Progress], None] | None = None
    cancelled: Callable[[], bool] | None = None


@dataclass(frozen=True)
class Method:
    """A way to explain a game.

    Exactly one of ``solve`` and ``compute`` is there; call them through :meth:`refined` and :meth:`anew`.

    Attributes:
        name: As ``explain(method=...)``, the widget and the command line take it.
        label: As a person reads it.
        orders: Orders that it offers; a method with order 1 alone has no interactions.
        uses_p: Whether p changes its result.
        uses_budget: Whether the budget does.
        solve: From an explainer's pool of encoded masks, at any p, at once: ``(explainer, p, order)``.
        compute: From the game, anew for every request.
    """

    name: str
    label: str
    orders: tuple[int, ...]
    uses_p: bool
    uses_budget: bool
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

    def encodes(self, game: VisionLanguageGame, budget: int) -> tuple[int, int]:
        """(image, text) encodings, at most, that the widget's ``budget`` takes where nothing is encoded yet."""
        if not self.uses_budget:
            return 1, 1
        image, text = planned_encodes(game, budget)
        return (image, text) if self.solve is not None else (image, min(image, 2 ** min(game.n_text, 62)))


def joint_budget(game: VisionLanguageGame, budget: int) -> int:
    """Joint masks that cost as much as ``budget`` evaluations of image masks × text masks: one for each image mask."""
    return min(max(split_budget(budget, game.n_image, game.n_text)[0], MIN_BUDGET), MAX_JOINT_BUDGET)


def _banzhaf(explainer: IncrementalExplainer, p: float, order: int) -> Explanation:
    return explainer.explanation(p, order=3 if order == 3 else 2)


def _shapley(request: Request, order: int = 2) -> Explanation:
    return explain_shapley(
        request.game, request.budget, order, request.seed, progress=request.progress, cancelled=request.cancelled
    )


_ALL = (
    Method("banzhaf", "FIxLIP (weighted Banzhaf)", (2, 3), uses_p=True, uses_budget=True, solve=_banzhaf),
    Method("shapley", "Shapley interactions", (2,), uses_p=False, uses_budget=True, compute=_shapley),
    Method("exclip", "exCLIP", (2,), uses_p=False, uses_budget=False, compute=lambda asked: exclip(asked.game)),
    Method(
        "banzhaf_values",
        "Banzhaf values",
        (1,),
        uses_p=True,
        uses_budget=True,
        solve=lambda explainer, p, _: linear_explanation(explainer, p),
    ),
    Method(
        "shapley_values",
        "Shapley values",
        (1,),
        uses_p=False,
        uses_budget=True,
        compute=lambda asked: _shapley(asked, order=1),
    ),
    Method(
        "grad_eclip",
        "Grad-ECLIP",
        (1,),
        uses_p=False,
        uses_budget=False,
        compute=lambda asked: grad_eclip(asked.game),
    ),
    Method(
        "game_attention",
        "GAME (attention)",
        (1,),
        uses_p=False,
        uses_budget=False,
        compute=lambda asked: game_attention(asked.game),
    ),
    Method(
        "random",
        "Random numbers",
        (2,),
        uses_p=False,
        uses_budget=False,
        compute=lambda asked: random_explanation(asked.game, asked.seed),
    ),
)
METHODS: dict[str, Method] = {method.name: method for method in _ALL}
"""Name → method, in the order to offer them in. A further method is one more entry."""


def method(name: object) -> Method:
    """The method of that name.

    Raises:
        InputError: There is none; the message lists them.
    """
    if not isinstance(name, str) or name not in METHODS:
        raise InputError(f"There is no method {name!r}; there is {', '.join(METHODS)}.")
    return METHODS[name]
