"""The encoding that one request takes: what is missing, in which order, and how far it is."""

from __future__ import annotations

import time
from collections.abc import Iterator

from fixlip_widgets.estimators.masks import ENUMERATE_UP_TO, split_budget
from fixlip_widgets.explainers.game import Modality as ModalityName
from fixlip_widgets.explainers.game import VisionLanguageGame
from fixlip_widgets.explainers.mask_pool import Pool
from fixlip_widgets.support.progress import Progress

_ENUMERATE_IMAGE_UP_TO = 16
_FEWEST_SAMPLED_TEXT_MASKS = 2**ENUMERATE_UP_TO
"""Captions too long to enumerate get at least as many masks as the longest enumerated one: text is cheap."""


class Work:
    """Encodes until the pools stand for ``budget`` evaluations at ``p``.

    Text comes first: it is cheap, and exact where it is enumerated. Then image masks, then those held out from the fit.

    Attributes:
        image_total, text_total: Masks to encode, at most: one that comes up again is not encoded again.
    """

    def __init__(
        self, game: VisionLanguageGame, image: Pool, held_out: Pool, text: Pool, p: float, budget: int
    ) -> None:
        self._game, self._image, self._held_out, self._text, self._p = game, image, held_out, text, p
        self._m_image, _ = split_budget(budget, game.n_image, game.n_text)
        self._m_text = text_masks_wanted(game, budget)
        all_of_them = _enumerates(image, self._m_image, _ENUMERATE_IMAGE_UP_TO)
        self._held = 0 if all_of_them else held_out.missing(p, _held_out_wanted(self._m_image))
        self.image_total = _to_do(image, p, self._m_image, _ENUMERATE_IMAGE_UP_TO) + self._held
        self.text_total = _to_do(text, p, self._m_text, ENUMERATE_UP_TO)
        self._started = time.monotonic()

    def run(self) -> Iterator[Progress]:
        """Encode batch after batch; whoever stops asking stops the work."""
        text_done = image_done = 0
        for text_done in fill_text(self._game, self._text, self._p, self._m_text):
            yield self._progress(0, text_done)
        for image_done in _fill(self._game, "image", self._image, self._p, self._m_image, _ENUMERATE_IMAGE_UP_TO):
            yield self._progress(image_done, text_done)
        if self._held:
            encode, batch, device = self._game.encoder("image"), self._game.batch, self._game.model.device
            for done in self._held_out.extend(encode, self._p, self._held, batch, device):
                yield self._progress(image_done + done, text_done)

    def _progress(self, image_done: int, text_done: int) -> Progress:
        return Progress.since(self._started, image_done, self.image_total, text_done, self.text_total)


def text_masks_wanted(game: VisionLanguageGame, budget: int) -> int:
    """Text masks that a budget comes with: the split's, and more where a caption is too long to enumerate."""
    return max(split_budget(budget, game.n_image, game.n_text)[1], _FEWEST_SAMPLED_TEXT_MASKS)


def planned_encodes(game: VisionLanguageGame, budget: int) -> tuple[int, int]:
    """(image, text) encodings that a budget takes from an empty pool, masks held out from the fit included."""
    m_image, _ = split_budget(budget, game.n_image, game.n_text)
    m_text = text_masks_wanted(game, budget)
    image = 2**game.n_image if game.n_image <= _ENUMERATE_IMAGE_UP_TO and 2**game.n_image <= m_image else None
    text = 2**game.n_text if game.n_text <= ENUMERATE_UP_TO else m_text
    return m_image + _held_out_wanted(m_image) if image is None else image, text


def _held_out_wanted(m_image: int) -> int:
    """Masks to measure the fit on: a tenth as many as it has, within bounds."""
    return min(max(m_image // 10, 32), 256)


def fill_text(game: VisionLanguageGame, pool: Pool, p: float, wanted: int) -> Iterator[int]:
    """Encode the text masks that are missing; yields how many are done."""
    return _fill(game, "text", pool, p, wanted, ENUMERATE_UP_TO)


def _fill(
    game: VisionLanguageGame, name: ModalityName, pool: Pool, p: float, wanted: int, enumerate_up_to: int
) -> Iterator[int]:
    """Encode all masks where there are few, or else draws at ``p`` until ``wanted`` count effectively."""
    count = _to_do(pool, p, wanted, enumerate_up_to)
    if count == 0:
        return iter(())
    encode, batch, device = game.encoder(name), game.batch, game.model.device
    if _enumerates(pool, wanted, enumerate_up_to):
        return pool.enumerate(encode, batch, device)
    return pool.extend(encode, p, count, batch, device)


def _to_do(pool: Pool, p: float, wanted: int, enumerate_up_to: int) -> int:
    if pool.complete:
        return 0
    return 2**pool.n if _enumerates(pool, wanted, enumerate_up_to) else pool.missing(p, wanted)


def _enumerates(pool: Pool, wanted: int, enumerate_up_to: int) -> bool:
    return pool.n <= enumerate_up_to and 2**pool.n <= wanted
