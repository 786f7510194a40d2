"""Shapley interactions and values of an image–caption pair: joint masks, each drawn from the Shapley kernel.

The Shapley kernel is no product over players, so the regression does not decouple into image and text: it takes one
evaluation a row, and ``budget`` counts joint masks. Each distinct image mask and text mask is still encoded once.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from fixlip_widgets.encoders.batches import distinct, encode_all
from fixlip_widgets.errors import FixlipError, InputError
from fixlip_widgets.estimators.joint import number_of_monomials
from fixlip_widgets.estimators.least_squares import check_size
from fixlip_widgets.estimators.masks import draw_masks, enumerate_masks, split_budget
from fixlip_widgets.estimators.shapley import fit_shapley, kernel_weights, size_probabilities
from fixlip_widgets.explainers.game import Modality, VisionLanguageGame
from fixlip_widgets.explainers.metrics.fit import r2_score, spearman
from fixlip_widgets.explanation.explanation import Explanation
from fixlip_widgets.support.checks import DEFAULT_BUDGET, MIN_BUDGET, check_budget, check_seed
from fixlip_widgets.support.progress import Progress

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]
MAX_BUDGET = 2**20
"""Joint masks: each costs about an image encoding, so more would take days."""
_ENUMERATE_UP_TO = 16
_BLOCK = 256
_FEWEST_HELD_OUT = 8
_PAIRS, _HELD_OUT = 3, 4  # streams of masks, beside those of the incremental explainer


def draw_halves(n: int, start: int, stop: int, *, seed: int) -> Bools:
    """(stop − start, n) one mask of each pair ``start`` to ``stop`` of the seeded stream from the Shapley kernel.

    The size k has probability ∝ 1/(k (n − k)), k = 1, …, n − 1, and all masks of that size are equally likely. The
    other mask of a pair is the complement. The stream is prefix-stable.
    """
    first, last = start // _BLOCK, -(-stop // _BLOCK)
    if last <= first:
        return np.empty((0, n), dtype=bool)
    cumulated = np.cumsum(size_probabilities(n))
    blocks: list[Bools] = []
    for index in range(first, last):
        random = np.random.default_rng([seed, _PAIRS, index])
        sizes = 1 + np.searchsorted(cumulated[:-1], random.random(_BLOCK), side="right")
        ranks = random.random((_BLOCK, n)).argsort(axis=1).argsort(axis=1)
        blocks.append(ranks < sizes[:, None])
    return np.concatenate(blocks)[start - first * _BLOCK : stop - first * _BLOCK]


def explain_shapley(
    game: VisionLanguageGame,
    budget: int | None = None,
    order: int = 2,
    seed: int = 0,
    progress: Callable[[Progress], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Explanation:
    """The faithful Shapley interaction index of order 2, or the Shapley values (order 1), of one game.

    Args:
        game: The pair to explain.
        budget: Evaluations of the game: joint masks, the empty and the full one included. Where that is no less than
            all 2**n of at most 16 players, all are taken, and the result is exact. By default :func:`joint_budget` of
            2**17.
        order: 2 or 1.
        seed: Of the masks.
        progress: Called after every batch, in this thread.
        cancelled: Asked between batches; when it says True, the result is that of the masks evaluated so far.

    Returns:
        An explanation with ``method="shapley"``. Its ``p`` is 0.5, which the method does not use: at that value
        ``first_order()`` is ``main + ½ Σ interactions``, the Shapley values. Its ``budget`` counts joint masks.

    Raises:
        InputError: ``budget``, ``order`` or ``seed`` is out of range, or the players are too many for the regression.
        FixlipError: It was cancelled before anything was evaluated.

    Source: Tsai, Yeh & Ravikumar, "Faith-Shap: The Faithful Shapley Interaction Index", JMLR 2023.
    """
    if order not in (1, 2):
        raise InputError(f"order is {order!r}; Shapley interactions are of order 2, Shapley values of order 1.")
    budget = joint_budget(game, DEFAULT_BUDGET) if budget is None else check_budget(budget, MAX_BUDGET)
    plan = _Plan.of(game.n_players, budget, check_seed(seed))
    check_size(number_of_monomials(game.n_players, order))
    joint = JointValues(game, plan.masks)
    values = joint.evaluate(progress, cancelled)
    empty, full, counted = *values[:2].tolist(), min(len(values) // 2 - 1, len(plan.halves))
    if counted < 1:
        raise FixlipError("It was cancelled before a single pair of masks was evaluated; give it more time.")
    fit = fit_shapley(
        torch.from_numpy(plan.halves[:counted]).to(values.device),
        values[2 : 2 + 2 * counted].view(-1, 2),
        empty,
        full,
        None if plan.weights is None else torch.from_numpy(plan.weights[:counted]).to(values.device),
        order,
        sampled=plan.sampled or counted < len(plan.halves),
    )
    explanation = Explanation(
        baseline=fit.baseline,
        main=fit.main,
        interactions=fit.interactions,
        baseline_se=0.0,
        main_se=fit.main_se,
        interactions_se=fit.interactions_se if order > 1 else None,
        **game.described(),
        model=game.model.describe(),
        similarity=full,
        empty_similarity=empty,
        method="shapley",
        order=order,
        seed=seed,
        budget=2 + 2 * counted,
        image_encodes=joint.image.encodes,
        text_encodes=joint.text.encodes,
        effective_image_masks=2.0 + 2 * counted,
        r2_in_sample=fit.r2,
        identified=dict.fromkeys(("cross", "text_text", "image_image"), fit.determined),
    )
    truth = values[2 + 2 * len(plan.halves) :].cpu().numpy()
    if len(truth) < _FEWEST_HELD_OUT:
        return explanation
    predicted = explanation.predict(plan.held_out[: len(truth)])
    return explanation.replace(r2=r2_score(truth, predicted), spearman=spearman(truth, predicted))


def joint_budget(game: VisionLanguageGame, budget: int) -> int:
    """Joint masks that cost as much as ``budget`` evaluations of image masks × text masks: one for each image mask."""
    return min(max(split_budget(budget, game.n_image, game.n_text)[0], MIN_BUDGET), MAX_BUDGET)


def joint_encodings(game: VisionLanguageGame, budget: int) -> int:
    """Image encodings, at most, of ``budget`` joint masks; masks held out from the fit are included."""
    n = game.n_players
    exact = n <= _ENUMERATE_UP_TO and budget >= 2**n
    return min(budget + (0 if exact else _held_out_wanted(budget)), 2 ** min(game.n_image, 62))


def _held_out_wanted(budget: int) -> int:
    """Masks to measure the fit on: a tenth as many as it has, within bounds."""
    return min(max(budget // 10, 32), 256)


@dataclass(frozen=True)
class _Plan:
    """Which joint masks to evaluate.

    Attributes:
        halves: (u, n) one mask of each pair.
        weights: (u,) of the pairs; None where they are draws, which weigh alike.
        held_out: (h, n) masks at p = 0.5 to measure the fit on; none where all masks are taken.
    """

    halves: Bools
    weights: Floats | None
    held_out: Bools

    @classmethod
    def of(cls, n: int, budget: int, seed: int) -> _Plan:
        if n <= _ENUMERATE_UP_TO and budget >= 2**n:
            halves = enumerate_masks(n)[1 : 2 ** (n - 1)]
            return cls(halves, kernel_weights(n)[halves.sum(axis=1) - 1], np.empty((0, n), dtype=bool))
        held_out = draw_masks(n, 0.5, 0, _held_out_wanted(budget), seed=seed, stream=_HELD_OUT)
        return cls(draw_halves(n, 0, budget // 2 - 1, seed=seed), None, held_out)

    @property
    def sampled(self) -> bool:
        return self.weights is None

    @property
    def masks(self) -> Bools:
        """(m, n) the empty and the full mask, the pairs, those held out."""
        n = self.halves.shape[1]
        pairs = np.stack([self.halves, ~self.halves], axis=1).reshape(-1, n)
        return np.concatenate([np.repeat([[False], [True]], n, axis=1), pairs, self.held_out])


class JointValues:
    """Values of joint masks, batch by batch; embeddings are kept only as long as a later mask needs them.

    Args:
        game: The game.
        masks: (m, n) joint masks, image players first.
    """

    def __init__(self, game: VisionLanguageGame, masks: Bools) -> None:
        self._game, self._count = game, len(masks)
        self.image = _Side(game, "image", masks[:, : game.n_image])
        self.text = _Side(game, "text", masks[:, game.n_image :])

    def evaluate(
        self, progress: Callable[[Progress], None] | None = None, cancelled: Callable[[], bool] | None = None
    ) -> Tensor:
        """(done,) float64 logits: of all masks, or of those before it was cancelled, always whole pairs."""
        game, started, values = self._game, time.monotonic(), list[Tensor]()
        start = 0
        while start < self._count and not (values and cancelled is not None and cancelled()):
            stop = min(start + max(2 * (game.batch.size // 2), 2), self._count)
            text = self.text.embeddings(start, stop).double()
            cosines = (self.image.embeddings(start, stop).double() * text).sum(dim=1)
            values.append(game.scale * cosines + game.bias)
            start = stop
            if progress is not None:
                progress(self._progress(started))
        return torch.cat(values)

    def _progress(self, started: float) -> Progress:
        image, text = self.image, self.text
        done = image.encodes + text.encodes
        pace = (time.monotonic() - started) / done if done else math.nan
        left = image.total + text.total - done
        return Progress(image.encodes, image.total, text.encodes, text.total, pace * left)


class _Side:
    """One modality's share of the joint masks.

    Attributes:
        total: Distinct masks.
        encodes: Those encoded so far.
    """

    def __init__(self, game: VisionLanguageGame, modality: Modality, masks: Bools) -> None:
        self._game, self._modality, self._encoder = game, modality, game.encoder(modality)
        self._rows, self._index = distinct(masks)  # numbered in order of first appearance
        self._last_use = np.zeros(len(self._rows), dtype=np.int64)
        np.maximum.at(self._last_use, self._index, np.arange(len(masks)))
        self._kept, self._kept_rows = torch.empty(0), np.empty(0, dtype=np.int64)
        self.total, self.encodes = len(self._rows), 0

    def embeddings(self, start: int, stop: int) -> Tensor:
        """(stop − start, d) of the joint masks ``start`` to ``stop``, which follow those asked for last."""
        game, wanted = self._game, self._index[start:stop]
        known, fresh = self._kept, int(wanted.max()) + 1
        if fresh > self.encodes:
            masks = self._rows[self.encodes : fresh]
            encoded = encode_all(self._encoder, masks, game.batch, game.model.device, self._modality)
            known = torch.cat([known, encoded]) if len(known) else encoded
            self._kept_rows = np.concatenate([self._kept_rows, np.arange(self.encodes, fresh)])
            self.encodes = fresh
        result = known[torch.from_numpy(np.searchsorted(self._kept_rows, wanted)).to(known.device)]
        later = self._last_use[self._kept_rows] >= stop
        self._kept, self._kept_rows = known[torch.from_numpy(later).to(known.device)], self._kept_rows[later]
        return result
