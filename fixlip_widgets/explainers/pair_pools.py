"""The pools of one image–caption pair, and the number of encodings of earlier pairs."""

from __future__ import annotations

import copy
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from fixlip_widgets.estimators.masks import HELD_OUT_STREAM, IMAGE_STREAM, TEXT_STREAM, MaskDesign
from fixlip_widgets.explainers.encoded_mask_pool import Pool


class PairPools:
    """Pools of image and text masks.

    Attributes:
        image: Image masks that explanations are fitted on.
        held_out: Image masks that the fit is measured on, always random.
        text: Text masks, for both.
        seed: Random seed of the mask streams.
        design: How the masks that explanations are fitted on are drawn.
    """

    def __init__(self, n_image: int, n_text: int, seed: int, design: MaskDesign) -> None:
        self.seed = seed
        self.design: MaskDesign = design
        self.image, self.held_out = self._image_pools(n_image)
        self.text = self._text_pool(n_text)
        self.past_encodes = (0, 0)
        """(image, text) encodings of earlier images and captions."""

    def _image_pools(self, n: int) -> tuple[Pool, Pool]:
        image = Pool(n, seed=self.seed, stream=IMAGE_STREAM, name="image", design=self.design)
        return image, Pool(n, seed=self.seed, stream=HELD_OUT_STREAM, name="image")

    def _text_pool(self, n: int) -> Pool:
        return Pool(n, seed=self.seed, stream=TEXT_STREAM, name="text", design=self.design)

    @property
    def image_encodes(self) -> int:
        """Number of image encodings so far, including those of earlier images."""
        return self.past_encodes[0] + self.image.encodes + self.held_out.encodes

    @property
    def text_encodes(self) -> int:
        """Number of text encodings so far, including those of earlier captions."""
        return self.past_encodes[1] + self.text.encodes

    def by_name(self) -> dict[str, Pool]:
        """Return the pools by their names in files."""
        return {"image": self.image, "held_out": self.held_out, "text": self.text}

    def replace_image(self, n: int) -> None:
        """Start empty pools for another image of ``n`` players; the text pool stays."""
        self.past_encodes = self.image_encodes, self.past_encodes[1]
        self.image, self.held_out = self._image_pools(n)

    def replace_text(self, n: int) -> None:
        """Start an empty pool for another caption of ``n`` players; the image pools stay."""
        self.past_encodes = self.past_encodes[0], self.text_encodes
        self.text = self._text_pool(n)

    def with_text(self, n: int) -> PairPools:
        """Return the pools of another caption of ``n`` players, which share this object's image pools."""
        other = copy.copy(self)
        other.replace_text(n)
        return other

    def contents(self, modality: Literal["image", "text"]) -> tuple[NDArray[np.uint8], Tensor]:
        """Return (m, ⌈n / 8⌉) encoded masks, packed eight players to a byte, and their (m, d) embeddings."""
        pools = [self.text] if modality == "text" else [self.image, self.held_out]
        filled = [pool for pool in pools if pool.encodes] or pools[:1]  # an empty one knows neither width nor device
        masks, embeddings = zip(*(pool.contents() for pool in filled), strict=True)
        return np.concatenate(masks), torch.cat(embeddings)
