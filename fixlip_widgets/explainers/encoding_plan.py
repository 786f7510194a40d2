"""Plans of encoding: which masks a request still needs, and in which order they are encoded."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Iterator

from fixlip_widgets.encoders.batches import BatchSize
from fixlip_widgets.estimators.masks import ENUMERATE_UP_TO, split_budget, spread_probabilities
from fixlip_widgets.explainers.encoded_mask_pool import Pool
from fixlip_widgets.explainers.game import VisionLanguageGame
from fixlip_widgets.explainers.metrics.fit import held_out_count
from fixlip_widgets.explainers.pair_pools import PairPools
from fixlip_widgets.support.progress import Progress

_log = logging.getLogger(__name__)
_ENUMERATE_UP_TO = {"image": 16, "text": ENUMERATE_UP_TO}
_MIN_SAMPLED_TEXT_MASKS = 2**ENUMERATE_UP_TO
"""Captions too long to enumerate get at least as many masks as the longest enumerated one: text is cheap."""


class EncodingPlan:
    """The masks to encode until a pair's pools suffice for ``budget`` evaluations at ``p``.

    Text comes first, because it is cheap, and exact if it is enumerated. Then come the image masks, and then those held
    out from the fit.

    Attributes:
        image_total, text_total: Maximum number of masks to encode; a mask that repeats is encoded once.
    """

    def __init__(self, game: VisionLanguageGame, pools: PairPools, p: float, budget: int) -> None:
        self._game, self._pools, self._p = game, pools, p
        self._image_count, _ = split_budget(budget, game.n_image, game.n_text)
        self._text_count = text_mask_count(game, budget)
        exact = _enumerates(pools.image, self._image_count)
        self._held_out_total = 0 if exact else pools.held_out.missing(p, held_out_count(self._image_count))
        self.image_total = _missing(pools.image, p, self._image_count) + self._held_out_total
        self.text_total = _missing(pools.text, p, self._text_count)
        self._start_time = time.monotonic()

    def run(self) -> Iterator[Progress]:
        """Encode the masks, and yield the progress after every batch; closing the iterator stops the work."""
        game, pools, p = self._game, self._pools, self._p
        text_done = image_done = 0
        before = pools.image_encodes, pools.text_encodes
        for text_done in fill(game, pools.text, p, self._text_count):
            yield self._progress(0, text_done)
        for image_done in fill(game, pools.image, p, self._image_count):
            yield self._progress(image_done, text_done)
        if self._held_out_total:
            for done in _draw(game, pools.held_out, p, self._held_out_total):
                yield self._progress(image_done + done, text_done)
        _log.info(
            "Encoded %d image masks and %d text masks in %.1f s.",
            pools.image_encodes - before[0],
            pools.text_encodes - before[1],
            time.monotonic() - self._start_time,
        )

    def _progress(self, image_done: int, text_done: int) -> Progress:
        return Progress.since(self._start_time, image_done, self.image_total, text_done, self.text_total)


def encode_range(
    game: VisionLanguageGame, pool: Pool, budget: int, share: float, low: float, high: float
) -> Iterator[Progress]:
    """Encode image masks at probabilities from ``low`` to ``high``, and yield the progress after every batch.

    Args:
        game: The pair.
        pool: Its image masks.
        budget: Number of evaluations.
        share: Number of masks to draw, as a share of the image masks of ``budget``.
        low: Lower end of the range of p; see :func:`fixlip_widgets.estimators.masks.spread_probabilities`.
        high: Upper end.
    """
    probabilities = spread_probabilities(game.n_image, low, high)
    total = math.ceil(share * split_budget(budget, game.n_image, game.n_text)[0])
    each = -(-total // len(probabilities))
    counts = {p: count for p in probabilities if (count := pool.missing_draws(p, each))}
    done, start_time = 0, time.monotonic()
    batch = BatchSize(game.batch.size // 4)  # other threads wait for the end of a batch
    for p, count in counts.items():
        for encoded in _draw(game, pool, p, count, batch):
            yield Progress.since(start_time, done + encoded, sum(counts.values()))
        done += count


def text_mask_count(game: VisionLanguageGame, budget: int) -> int:
    """Return the number of text masks of a budget: the split's, or more for a caption too long to enumerate."""
    return max(split_budget(budget, game.n_image, game.n_text)[1], _MIN_SAMPLED_TEXT_MASKS)


def planned_encodes(game: VisionLanguageGame, budget: int) -> tuple[int, int]:
    """Return the (image, text) encodings of a budget with empty pools, including masks held out from the fit."""
    image_count, _ = split_budget(budget, game.n_image, game.n_text)
    exact = game.n_image <= _ENUMERATE_UP_TO["image"] and 2**game.n_image <= image_count
    image = 2**game.n_image if exact else image_count + held_out_count(image_count)
    return image, 2**game.n_text if game.n_text <= ENUMERATE_UP_TO else text_mask_count(game, budget)


def fill(game: VisionLanguageGame, pool: Pool, p: float, count: int) -> Iterator[int]:
    """Encode all masks if they are few, or else draws at ``p`` until the effective number is ``count``.

    Yields:
        The number of masks done, after every batch.
    """
    missing = _missing(pool, p, count)
    if missing == 0:
        return iter(())
    if _enumerates(pool, count):
        return pool.enumerate(game.encoder(pool.name), game.batch, game.model.device)
    return _draw(game, pool, p, missing)


def _draw(game: VisionLanguageGame, pool: Pool, p: float, count: int, batch: BatchSize | None = None) -> Iterator[int]:
    return pool.extend(game.encoder(pool.name), p, count, batch or game.batch, game.model.device)


def _missing(pool: Pool, p: float, count: int) -> int:
    if pool.complete:
        return 0
    return 2**pool.n if _enumerates(pool, count) else pool.missing(p, count)


def _enumerates(pool: Pool, count: int) -> bool:
    return pool.n <= _ENUMERATE_UP_TO[pool.name] and 2**pool.n <= count
