"""Shapley interactions and values of an image–caption pair, from joint masks drawn from the Shapley kernel.

The Shapley kernel does not factor over players, so the regression does not decouple into image and text: each row takes
one evaluation, and ``budget`` counts joint masks. Each distinct image mask and text mask is still encoded once.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from fixlip_widgets.encoders.batches import distinct, encode_all
from fixlip_widgets.errors import CancelledError, InputError
from fixlip_widgets.estimators.joint import number_of_monomials
from fixlip_widgets.estimators.least_squares import check_size
from fixlip_widgets.estimators.masks import draw_masks, enumerate_masks, split_budget
from fixlip_widgets.estimators.shapley import fit_shapley, kernel_weights, size_probabilities
from fixlip_widgets.explainers.game import Modality, VisionLanguageGame
from fixlip_widgets.explainers.metrics.fit import MIN_HELD_OUT, held_out_count, r2_score, spearman
from fixlip_widgets.explanation.explanation import Explanation
from fixlip_widgets.support.checks import DEFAULT_BUDGET, MIN_BUDGET, check_budget, check_seed
from fixlip_widgets.support.progress import Progress

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]
MAX_BUDGET = 2**20
"""Maximum number of joint masks; each costs about one image encoding, so more would take days."""
_ENUMERATE_UP_TO = 16
_BLOCK = 256
_log = logging.getLogger(__name__)
_PAIRS, _HELD_OUT = 3, 4  # mask streams, in addition to those of the incremental explainer


def draw_halves(n: int, count: int, *, seed: int) -> Bools:
    """Draw one (n,) mask of each of the first ``count`` pairs of the seeded stream from the Shapley kernel.

    Size k has probability ∝ 1/(k (n − k)), k = 1, …, n − 1, and all masks of one size are equally likely. The other
    mask of each pair is the complement. The stream is prefix-stable.

    Returns:
        (count, n) masks.
    """
    cumulated = np.cumsum(size_probabilities(n))
    blocks: list[Bools] = []
    for index in range(-(-count // _BLOCK)):
        random = np.random.default_rng([seed, _PAIRS, index])
        sizes = 1 + np.searchsorted(cumulated[:-1], random.random(_BLOCK), side="right")
        ranks = random.random((_BLOCK, n)).argsort(axis=1).argsort(axis=1)
        blocks.append(ranks < sizes[:, None])
    return np.concatenate(blocks)[:count]


def explain_shapley(
    game: VisionLanguageGame,
    budget: int | None = None,
    order: int = 2,
    seed: int = 0,
    progress: Callable[[Progress], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Explanation:
    """Estimate the faithful Shapley interaction index of order 2, or the Shapley values (order 1), of a game.

    Args:
        game: The pair to explain.
        budget: Number of joint masks to evaluate, including the empty and the full one. If it covers all 2**n masks of
            at most 16 players, all are evaluated and the result is exact. By default :func:`joint_budget` of 2**17.
        order: 2 or 1.
        seed: Random seed of the masks.
        progress: Called after every batch, in this thread.
        cancelled: Checked between batches; once it returns True, the result uses the masks evaluated so far.

    Returns:
        An explanation with ``method="shapley"``. The method does not use ``p``; it is set to 0.5, so
        that ``first_order()`` is ``main + ½ Σ interactions``, the Shapley values. ``budget`` counts joint masks.

    Raises:
        InputError: ``budget``, ``order`` or ``seed`` is out of range, or there are too many players for the regression.
        CancelledError: The computation was cancelled before the first pair of masks was evaluated.

    Source: Tsai, Yeh & Ravikumar, "Faith-Shap: The Faithful Shapley Interaction Index", JMLR 2023.
    """
    if order not in (1, 2):
        raise InputError(f"order is {order!r}; use 2 for Shapley interactions or 1 for Shapley values.")
    budget = joint_budget(game, DEFAULT_BUDGET) if budget is None else check_budget(budget, MAX_BUDGET)
    plan = _Plan.of(game.n_players, budget, check_seed(seed))
    check_size(number_of_monomials(game.n_players, order))
    joint = JointValues(game, plan.masks)
    values = joint.evaluate(progress, cancelled)
    empty, full, n_pairs = *values[:2].tolist(), min(len(values) // 2 - 1, len(plan.halves))
    if n_pairs < 1:
        raise CancelledError("The run was cancelled before the first pair of masks was evaluated; allow more time.")
    fit = fit_shapley(
        torch.from_numpy(plan.halves[:n_pairs]).to(values.device),
        values[2 : 2 + 2 * n_pairs].view(-1, 2),
        empty=empty,
        full=full,
        weights=None if plan.weights is None else torch.from_numpy(plan.weights[:n_pairs]).to(values.device),
        order=order,
        sampled=plan.sampled or n_pairs < len(plan.halves),
    )
    explanation = Explanation(
        baseline=fit.baseline,
        main=fit.main,
        interactions=fit.interactions,
        baseline_se=0.0,
        main_se=fit.main_se,
        interactions_se=fit.interactions_se if order > 1 else None,
        **game.description(),
        model=game.model.describe(),
        similarity=full,
        empty_similarity=empty,
        method="shapley",
        order=order,
        seed=seed,
        budget=2 + 2 * n_pairs,
        image_encodes=joint.image.encodes,
        text_encodes=joint.text.encodes,
        effective_image_masks=2.0 + 2 * n_pairs,
        r2_in_sample=fit.r2,
        identified=dict.fromkeys(("cross", "text_text", "image_image"), fit.determined),
    )
    truth = values[2 + 2 * len(plan.halves) :].cpu().numpy()
    if len(truth) < MIN_HELD_OUT:
        return explanation
    predicted = explanation.predict(plan.held_out[: len(truth)])
    return explanation.replace(r2=r2_score(truth, predicted), spearman=spearman(truth, predicted))


def joint_budget(game: VisionLanguageGame, budget: int) -> int:
    """Convert ``budget`` image masks × text masks to joint masks of equal cost: one per image mask."""
    return min(max(split_budget(budget, game.n_image, game.n_text)[0], MIN_BUDGET), MAX_BUDGET)


def joint_encodings(game: VisionLanguageGame, budget: int) -> int:
    """Return the maximum number of image encodings of ``budget`` joint masks, held-out masks included."""
    n = game.n_players
    exact = n <= _ENUMERATE_UP_TO and budget >= 2**n
    return min(budget + (0 if exact else held_out_count(budget)), 2 ** min(game.n_image, 62))


@dataclass(frozen=True)
class _Plan:
    """The joint masks to evaluate.

    Attributes:
        halves: (u, n) one mask of each pair.
        weights: (u,) weights of the pairs; None for sampled pairs, which have equal weights.
        held_out: (h, n) masks at p = 0.5 to measure the fit on; empty if all masks are evaluated.
    """

    halves: Bools
    weights: Floats | None
    held_out: Bools

    @classmethod
    def of(cls, n: int, budget: int, seed: int) -> _Plan:
        if n <= _ENUMERATE_UP_TO and budget >= 2**n:
            halves = enumerate_masks(n)[1 : 2 ** (n - 1)]
            return cls(halves, kernel_weights(n)[halves.sum(axis=1) - 1], np.empty((0, n), dtype=bool))
        held_out = draw_masks(n, 0.5, 0, held_out_count(budget), seed=seed, stream=_HELD_OUT)
        return cls(draw_halves(n, budget // 2 - 1, seed=seed), None, held_out)

    @property
    def sampled(self) -> bool:
        return self.weights is None

    @property
    def masks(self) -> Bools:
        """(m, n) the empty and the full mask, the pairs, and the held-out masks."""
        n = self.halves.shape[1]
        pairs = np.stack([self.halves, ~self.halves], axis=1).reshape(-1, n)
        return np.concatenate([np.repeat([[False], [True]], n, axis=1), pairs, self.held_out])


class JointValues:
    """Values of joint masks, computed in batches; embeddings are kept only while a later mask needs them.

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
        """Return the (done,) float64 logits of all masks, or of those before cancellation, always in whole pairs."""
        game, started, values = self._game, time.monotonic(), list[Tensor]()
        start = 0
        while start < self._count and not (values and cancelled is not None and cancelled()):
            stop = min(start + max(2 * (game.batch.size // 2), 2), self._count)
            text_embeddings = self.text.embeddings(start, stop).double()
            cosines = (self.image.embeddings(start, stop).double() * text_embeddings).sum(dim=1)
            values.append(game.scale * cosines + game.bias)
            start = stop
            if progress is not None:
                image, text = self.image, self.text
                progress(Progress.since(started, image.encodes, image.total, text.encodes, text.total))
        _log.info(
            "Encoded %d image masks and %d text masks in %.1f s.",
            self.image.encodes,
            self.text.encodes,
            time.monotonic() - started,
        )
        return torch.cat(values)


class _Side:
    """The image or text part of the joint masks.

    Attributes:
        total: Number of distinct masks.
        encodes: Number of distinct masks encoded so far.
    """

    def __init__(self, game: VisionLanguageGame, modality: Modality, masks: Bools) -> None:
        self._game, self._modality, self._encoder = game, modality, game.encoder(modality)
        self._rows, self._index = distinct(masks)  # numbered in order of first appearance
        self._last_use = np.zeros(len(self._rows), dtype=np.int64)
        np.maximum.at(self._last_use, self._index, np.arange(len(masks)))
        self._kept, self._kept_rows = torch.empty(0), np.empty(0, dtype=np.int64)
        self.total, self.encodes = len(self._rows), 0

    def embeddings(self, start: int, stop: int) -> Tensor:
        """Return (stop − start, d) embeddings of joint masks ``start`` to ``stop``, consecutive from call to call."""
        game, rows = self._game, self._index[start:stop]
        cache, end = self._kept, int(rows.max()) + 1
        if end > self.encodes:
            masks = self._rows[self.encodes : end]
            embeddings = encode_all(self._encoder, masks, game.batch, game.model.device, self._modality)
            cache = torch.cat([cache, embeddings]) if len(cache) else embeddings
            self._kept_rows = np.concatenate([self._kept_rows, np.arange(self.encodes, end)])
            self.encodes = end
        result = cache[torch.from_numpy(np.searchsorted(self._kept_rows, rows)).to(cache.device)]
        later = self._last_use[self._kept_rows] >= stop
        self._kept, self._kept_rows = cache[torch.from_numpy(later).to(cache.device)], self._kept_rows[later]
        return result
