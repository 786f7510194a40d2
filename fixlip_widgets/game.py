"""The game: its players are an image's patches and a caption's tokens; a coalition's value is the similarity logit."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import cached_property
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from fixlip_widgets.captions import tokenize
from fixlip_widgets.encoding import BatchSize, distinct, encode_all
from fixlip_widgets.errors import InputError
from fixlip_widgets.models import Model
from fixlip_widgets.towers import ImageTower, TextTower, image_tower

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]
Modality = Literal["image", "text"]


class VisionLanguageGame:
    """The cooperative game of Baniecki et al. 2025: ``value = scale · cosine(image, text) + bias`` of a masked pair.

    Args:
        model: From :func:`fixlip_widgets.load_model`.
        image: A path, a PIL image, an (H, W, 3) uint8 array, or a float tensor (3, H, W), already preprocessed.
        text: A caption, or a 1-D integer tensor of token ids with the model's start and end tokens.
        grid: (rows, columns) of image players; the encoder's own patches by default.
        batch_size: Masks per encoder run; chosen for the device by default.

    Attributes:
        tokens: The caption's tokens, one per text player, in reading order.
        grid: (rows, columns) of the image players.
        scale, bias: Of the similarity logit.

    Raises:
        InputError: The image cannot be read, the caption is empty or too long, or the grid does not fit.
    """

    def __init__(
        self,
        model: Model,
        image: Any,
        text: str | Tensor,
        grid: tuple[int, int] | None = None,
        *,
        batch_size: int | None = None,
    ) -> None:
        self.model = model
        self.batch = BatchSize(batch_size or (256 if model.device.type == "cuda" else 64))
        self.scale, self.bias = model.scale, model.bias
        self.grid = _check_grid(grid or model.patch_grid or (7, 7), model.image_size)
        self.set_image(image)
        self.set_text(text)

    def set_image(self, image: Any) -> None:
        """Take another picture; the caption and its encodings stay valid."""
        pixels = self.model.pixels(image)
        picture = self.model.display(image)
        self._image_tower: ImageTower = image_tower(self.model.clip, pixels, self.grid)
        self.pixels, self.picture = pixels, picture
        self.__dict__.pop("_extremes", None)

    def set_text(self, text: str | Tensor) -> None:
        """Take another caption; the image and its encodings stay valid."""
        caption = tokenize(self.model.tokenizer, text)
        device = self.model.device
        self._text_tower = TextTower(self.model.clip, caption.ids.to(device), caption.players.to(device))
        self.caption, self.tokens = caption.text, caption.tokens
        self.__dict__.pop("_extremes", None)

    @property
    def n_image(self) -> int:
        """Number of image players."""
        return self.grid[0] * self.grid[1]

    @property
    def n_text(self) -> int:
        """Number of text players."""
        return len(self.tokens)

    @property
    def n_players(self) -> int:
        """Number of players; image players come first, row-major, then the tokens."""
        return self.n_image + self.n_text

    def image_embeddings(self, image_masks: ArrayLike) -> Tensor:
        """(m, n_image) masks, True = kept, to (m, d) unit-norm embeddings, float32; each distinct mask encoded once."""
        return self._embeddings("image", self._masks(image_masks, self.n_image))

    def text_embeddings(self, text_masks: ArrayLike) -> Tensor:
        """(m, n_text) masks, True = kept, to (m, d) unit-norm embeddings, float32; each distinct mask encoded once."""
        return self._embeddings("text", self._masks(text_masks, self.n_text))

    def _embeddings(self, modality: Modality, masks: Bools) -> Tensor:
        rows, index = distinct(masks)
        encoded = encode_all(self.encoder(modality), rows, self.batch, self.model.device, modality)
        return encoded[torch.from_numpy(index).to(encoded.device)]

    def encoder(self, modality: Modality) -> Callable[[Tensor], Tensor]:
        """The tower of one modality, ``"image"`` or ``"text"``: a batch of masks to unit-norm embeddings."""
        return self._image_tower.encode if modality == "image" else self._text_tower.encode

    def values(self, image_masks: ArrayLike, text_masks: ArrayLike) -> Floats:
        """(m_image, m_text) similarity logits of every image mask with every text mask."""
        cosines = self.image_embeddings(image_masks).double() @ self.text_embeddings(text_masks).double().T
        return (self.scale * cosines + self.bias).cpu().numpy()

    def value(self, masks: ArrayLike) -> Floats:
        """(m,) similarity logits of joint masks (m, n_players), image players first."""
        joint = self._masks(masks, self.n_players)
        image = self.image_embeddings(joint[:, : self.n_image]).double()
        text = self.text_embeddings(joint[:, self.n_image :]).double()
        return (self.scale * (image * text).sum(dim=1) + self.bias).cpu().numpy()

    @cached_property
    def _extremes(self) -> Floats:
        return self.value(np.repeat([[False], [True]], self.n_players, axis=1))

    @property
    def similarity(self) -> float:
        """The similarity logit with every player kept."""
        return float(self._extremes[1])

    @property
    def empty_similarity(self) -> float:
        """The similarity logit with every player removed."""
        return float(self._extremes[0])

    def fingerprint(self) -> dict[str, str]:
        """What tells this game from others: hashes of weights and pixels, caption, tokens and grid."""
        pixels = hashlib.sha256(self.pixels.float().cpu().numpy().tobytes()).hexdigest()[:16]
        return {
            "model": self.model.weights_hash,
            "image": pixels,
            "caption": self.caption,
            "grid": f"{self.grid[0]}×{self.grid[1]}",
        }

    def _masks(self, masks: ArrayLike, n: int) -> Bools:
        array = np.asarray(masks)
        if array.ndim != 2 or array.shape[1] != n:
            raise InputError(f"masks have shape {array.shape}; expected (m, {n}), one column a player.")
        return array.astype(bool)

    def __repr__(self) -> str:
        return f"<VisionLanguageGame {self.caption!r}, {self.grid[0]}×{self.grid[1]} patches + {self.n_text} tokens>"


def _check_grid(grid: tuple[int, int], size: tuple[int, int]) -> tuple[int, int]:
    rows, columns = (int(side) for side in grid)
    if not (1 <= rows <= size[0] and 1 <= columns <= size[1]):
        raise InputError(f"The grid {rows}×{columns} does not fit an image of {size[0]}×{size[1]} pixels.")
    return rows, columns
