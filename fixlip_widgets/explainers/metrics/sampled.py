"""p-faithfulness: agreement of an explanation with its game on random coalitions not used in any fit."""

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
from fixlip_widgets.support.progress import ProgressBar

_FRESH = 5  # mask stream that no estimator uses
_FEWEST = 2


@dataclass(frozen=True)
class Sample:
    """Joint masks and their game values; one sample serves every explanation of the game.

    Attributes:
        masks: (m, n) boolean, True = kept.
        values: (m,) logits.
        p: Probability of keeping a player.
    """

    masks: NDArray[np.bool_]
    values: NDArray[np.float64]
    p: float

    def __repr__(self) -> str:
        return f"<Sample of {len(self.masks):,} masks at p = {self.p:g}>"

    def faithfulness(self, explanation: Explanation) -> Faithfulness:
        """Measure the agreement of ``explanation`` with the values of this sample."""
        predicted = explanation.predict(self.masks)
        return Faithfulness(
            spearman=spearman(self.values, predicted),
            r2=r2_score(self.values, predicted),
            p=self.p,
            n_masks=len(self.masks),
        )


@dataclass(frozen=True)
class Faithfulness:
    """Agreement of an explanation with its game on random masks.

    Attributes:
        spearman: Rank correlation of the game's and the explanation's values, −1 to 1; NaN if either is constant.
        r2: 1 − Σ(value − prediction)² / Σ(value − mean)²; 1 at best. Meaningful only for explanations in logits,
            unlike those from gradients and attention (GAME, Grad-ECLIP).
        p: Probability of keeping a player.
        n_masks: Number of masks.
    """

    spearman: float
    r2: float
    p: float
    n_masks: int

    def __repr__(self) -> str:
        scores = f"Spearman {self.spearman:.3f}, R² {self.r2:.3f}"
        return f"<Faithfulness at p = {self.p:g}: {scores} on {self.n_masks:,} masks>"


def faithfulness(
    game: VisionLanguageGame,
    explanation: Explanation,
    p: float = 0.5,
    n_masks: int = 1000,
    seed: int = 0,
    progress: bool | None = None,
) -> Faithfulness:
    """Measure the p-faithfulness of an explanation: Spearman's correlation and R² on fresh joint masks.

    Args:
        game: The game that it explains.
        explanation: Any explanation of that pair.
        p: Probability of keeping each player.
        n_masks: Number of joint masks, at about one image encoding each. They are independent of the masks used in
            fits, for any seeds.
        seed: Random seed of the masks.
        progress: Whether to show a progress bar; by default only for long computations in interactive use.

    Raises:
        InputError: ``p``, ``n_masks`` or ``seed`` is out of range, or the explanation has other players.

    Source: Baniecki et al. 2025, the p-faithfulness correlation.
    """
    check_players(game, explanation)
    return sample(game, p, n_masks, seed, progress).faithfulness(explanation)


def sample(
    game: VisionLanguageGame, p: float = 0.5, n_masks: int = 1000, seed: int = 0, progress: bool | None = None
) -> Sample:
    """Evaluate the masks of :func:`faithfulness` once, to measure several explanations of one game.

    The arguments are those of :func:`faithfulness`.

    Raises:
        InputError: ``p``, ``n_masks`` or ``seed`` is out of range.
    """
    masks = fresh_masks(game.n_players, p, n_masks, seed)
    return Sample(masks, evaluate(game, masks, progress), float(p))


def evaluate(game: VisionLanguageGame, masks: NDArray[np.bool_], progress: bool | None) -> NDArray[np.float64]:
    """Return the (m,) logits of (m, n_players) joint ``masks``, with a progress bar if the computation is long."""
    step, parts = 4 * game.batch.size, list[NDArray[np.float64]]()
    with ProgressBar(progress, "measuring", "masks") as bar:
        for start in range(0, len(masks), step):
            parts.append(game.value(masks[start : start + step]))
            bar.show(min(start + step, len(masks)), len(masks))
    return np.concatenate(parts)


def fresh_masks(n_players: int, p: float, n_masks: int = 1000, seed: int = 0) -> NDArray[np.bool_]:
    """Draw the (n_masks, n_players) masks of :func:`sample`, without evaluating the game.

    Raises:
        InputError: ``p``, ``n_masks`` or ``seed`` is out of range.
    """
    if n_masks < _FEWEST:
        raise InputError(f"n_masks is {n_masks}; a correlation needs at least {_FEWEST} masks, for example 1,000.")
    return draw_masks(n_players, check_p(p), 0, int(n_masks), seed=check_seed(seed), stream=_FRESH)


def check_players(game: VisionLanguageGame, explanation: Any) -> None:
    """Raise InputError unless ``explanation`` is an Explanation with the players of ``game``."""
    check_game(game)
    if not isinstance(explanation, Explanation):
        raise InputError(f"The explanation is of type {type(explanation).__name__}; pass a game, then an explanation.")
    if explanation.grid != game.grid or explanation.tokens != game.tokens:
        raise InputError(
            f"The explanation has {explanation.n_image} patches and the tokens {', '.join(explanation.tokens)}; the "
            f"game has {game.n_image} patches and {', '.join(game.tokens)}. Pass the game that it explains."
        )
