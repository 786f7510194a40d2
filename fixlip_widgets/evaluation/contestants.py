"""The methods that are compared: their names, their labels and how each explains a game."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from fixlip_widgets.errors import InputError
from fixlip_widgets.estimators.masks import smallest_budget
from fixlip_widgets.evaluation.records import Settings
from fixlip_widgets.explainers import baselines
from fixlip_widgets.explainers.fixlip import IncrementalExplainer
from fixlip_widgets.explainers.game import VisionLanguageGame
from fixlip_widgets.explainers.shapley import explain_shapley
from fixlip_widgets.explanation.explanation import Explanation


@dataclass(frozen=True)
class Contestant:
    """A method in the comparison.

    Attributes:
        name: Name in records and ``--methods``.
        label: Name in figures and tables.
        explain: Function of the game and the run's settings that returns the explanation.
        gradients: Whether the method differentiates the encoders, so that cached embeddings are of no use.
        sampled: Whether the method samples masks, so that its cost can be chosen.
        image_masks: Number of image masks that the method is given; ``None`` for the budgets of the run.
        family: Name without the number of masks.
    """

    name: str
    label: str
    explain: Callable[[VisionLanguageGame, Settings], Explanation]
    gradients: bool = False
    sampled: bool = False
    image_masks: int | None = None

    @property
    def family(self) -> str:
        return self.name.split(" at ")[0]

    def at(self, image_masks: int) -> Contestant:
        """Return the method with ``image_masks`` image masks, or joint masks, instead of the budgets of the run."""

        def explain(game: VisionLanguageGame, settings: Settings) -> Explanation:
            budget = smallest_budget(image_masks, game.n_image, game.n_text)
            return self.explain(game, replace(settings, budget=budget, joint_budget=image_masks))

        return replace(
            self,
            name=f"{self.name} at {image_masks}",
            label=f"{self.label}, {image_masks:,} masks",
            explain=explain,
            image_masks=image_masks,
        )


def contestants(
    probabilities: tuple[float, ...], chosen: list[str] | None = None, image_masks: Sequence[int] = ()
) -> list[Contestant]:
    """Return all methods in table order, or those named in ``chosen``; ``banzhaf`` selects every p.

    Args:
        probabilities: p of FIxLIP.
        chosen: Names of methods.
        image_masks: Numbers of image masks; each method that samples masks appears once for each of them.

    Raises:
        InputError: A chosen name is unknown.
    """
    banzhaf = [
        Contestant(f"banzhaf p={p:g}", f"FIxLIP, p = {p:g}", partial(_banzhaf, p=p), sampled=True)
        for p in probabilities
    ]
    methods = [*_FIRST_ORDER, *_SECOND_ORDER, *banzhaf, _RANDOM]
    if chosen is not None:
        methods = _chosen(methods, chosen)
    sizes = sorted(set(image_masks))
    return [each for one in methods for each in (map(one.at, sizes) if one.sampled and sizes else (one,))]


def _chosen(methods: Sequence[Contestant], chosen: list[str]) -> list[Contestant]:
    names = [name for one in methods for name in dict.fromkeys((one.name, one.name.split(" p=")[0]))]
    if unknown := [name for name in chosen if name not in names]:
        raise InputError(f"Unknown method {unknown[0]!r}; choose from {', '.join(dict.fromkeys(names))}.")
    return [one for one in methods if one.name in chosen or one.name.split(" p=")[0] in chosen]


def _banzhaf(game: VisionLanguageGame, settings: Settings, p: float) -> Explanation:
    explainer = IncrementalExplainer(game, seed=settings.seed)
    explainer.extend(p, settings.budget)
    return explainer.explanation(p)


def _banzhaf_values(game: VisionLanguageGame, settings: Settings) -> Explanation:
    explainer = IncrementalExplainer(game, seed=settings.seed)
    explainer.extend(0.5, settings.budget)
    return explainer.banzhaf_values(0.5)


def _random(game: VisionLanguageGame, settings: Settings) -> Explanation:
    """Draw different numbers for each image; shared ones would be a single draw, however many pairs there are."""
    image_hash = int(game.fingerprint()["image"], 16)
    return baselines.random_explanation(game, settings.seed + image_hash)


_FIRST_ORDER = (
    Contestant("game_attention", "GAME", lambda game, _: baselines.game_attention(game), gradients=True),
    Contestant("grad_eclip", "Grad-ECLIP", lambda game, _: baselines.grad_eclip(game), gradients=True),
    Contestant(
        "shapley_values",
        "Shapley values",
        lambda game, settings: explain_shapley(game, settings.joint_budget, order=1, seed=settings.seed),
        sampled=True,
    ),
    Contestant("banzhaf_values", "Banzhaf values", _banzhaf_values, sampled=True),
)
_SECOND_ORDER = (
    Contestant(
        "exclip",
        "exCLIP, last block",
        lambda game, settings: baselines.exclip(game, settings.steps),
        gradients=True,
    ),
    Contestant(
        "exclip_first",
        "exCLIP, first block",
        lambda game, settings: baselines.exclip(game, settings.steps, layer=0),
        gradients=True,
    ),
    Contestant(
        "shapley",
        "FIxLIP, Shapley",
        lambda game, settings: explain_shapley(game, settings.joint_budget, order=2, seed=settings.seed),
        sampled=True,
    ),
)
_RANDOM = Contestant("random", "random", _random)
