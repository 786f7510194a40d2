"""p-faithfulness: does the explanation follow the game over random coalitions that no fit has seen?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fixlip_widgets.errors import InputError
from fixlip_widgets.estimators.masks import draw_masks
from fixlip_widgets.explainers.game import VisionLanguageGame, check_game
from fixlip_widgets.explainers.metrics.fit import r2_score, spearman
from fixlip_widgets.explanation.explanation import Explanation
from fixlip_widgets.support.checks import check_p, check_seed

_FRESH = 5  # a stream of masks that no estimator draws from
_FEWEST = 2


@dataclass(frozen=True)
class Sample:
    """Joint masks and what the game says of them; one sample serves every explanation of the game.

    Attributes:
        masks: (m, n) True = kept.
        values: (m,) logits.
        p: Probability with which a player is kept.
    """

    masks: NDArray[np.bool_]
    values: NDArray[np.float64]
    p: float

    def faithfulness(self, explanation: Explanation) -> Faithfulness:
        """How well ``explanation`` follows the values of this sample."""
        predicted = explanation.predict(self.masks)
        return Faithfulness(spearman(self.values, predicted), r2_score(self.values, predicted), self.p, len(self.masks))


@dataclass(frozen=True)
class Faithfulness:
    """Agreement of an explanation with its game on random masks.

    Attributes:
        spearman: Rank correlation of the game's and the explanation's values, −1 to 1; NaN where either is constant.
        r2: 1 − Σ(value − prediction)² / Σ(value − mean)²; 1 at best. It means something only for explanations in
            logits, which those of gradients and attention (GAME, Grad-ECLIP) are not.
        p: Probability with which the masks keep a player.
        n_masks: Their number.
    """

    spearman: float
    r2: float
    p: float
    n_masks: int


def faithfulness(
    game: VisionLanguageGame, explanation: Explanation, p: float = 0.5, n_masks: int = 1000, seed: int = 0
) -> Faithfulness:
    """The p-faithfulness of an explanation: Spearman's correlation and R² on fresh joint masks.

    Args:
        game: The game that it explains.
        explanation: Any explanation of that pair.
        p: Probability with which each player of the masks is kept.
        n_masks: Joint masks; each costs about an image encoding. They are drawn independently of those that
            explanations are fitted on, whatever the seeds.
        seed: Of the masks.

    Raises:
        InputError: ``p``, ``n_masks`` or ``seed`` is out of range, or the explanation has other players.

    Source: Baniecki et al. 2025, the p-faithfulness correlation.
    """
    check_players(game, explanation)
    return sample(game, p, n_masks, seed).faithfulness(explanation)


def sample(game: VisionLanguageGame, p: float = 0.5, n_masks: int = 1000, seed: int = 0) -> Sample:
    """The masks of :func:`faithfulness` and their values, to measure several explanations of one game on.

    Raises:
        InputError: ``p``, ``n_masks`` or ``seed`` is out of range.
    """
    masks = fresh_masks(game.n_players, p, n_masks, seed)
    return Sample(masks, game.value(masks), float(p))


def fresh_masks(n_players: int, p: float, n_masks: int = 1000, seed: int = 0) -> NDArray[np.bool_]:
    """(n_masks, n_players) the masks of :func:`sample`, before the game is asked for their values.

    Raises:
        InputError: ``p``, ``n_masks`` or ``seed`` is out of range.
    """
    if n_masks < _FEWEST:
        raise InputError(f"n_masks is {n_masks}; a correlation needs at least {_FEWEST} masks (say 1,000).")
    return draw_masks(n_players, check_p(p), 0, int(n_masks), seed=check_seed(seed), stream=_FRESH)


def check_players(game: VisionLanguageGame, explanation: Any) -> None:
    """Refuse an explanation of another pair, and what is none.

    Raises:
        InputError: Its players are not the game's.
    """
    check_game(game)
    if not isinstance(explanation, Explanation):
        raise InputError(f"The explanation is of type {type(explanation).__name__}; pass a game, then an explanation.")
    if explanation.grid != game.grid or explanation.tokens != game.tokens:
        raise InputError(
            f"The explanation is of {explanation.n_image} patches and the tokens {', '.join(explanation.tokens)}; the "
            f"game has {game.n_image} patches and {', '.join(game.tokens)}. Measure it on the game that it explains."
        )
