"""The game: its players are an image's patches and a caption's tokens; a coalition's value is the similarity logit."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Sequence
from functools import cached_property
from numbers import Integral
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from fixlip_widgets.encoders.batches import BatchSize, Encoder, distinct, encode_all
from fixlip_widgets.encoders.captions import tokenize
from fixlip_widgets.encoders.images import ImageLike
from fixlip_widgets.encoders.loading.precision import full_convolutions
from fixlip_widgets.encoders.models import Model
from fixlip_widgets.encoders.players import Players
from fixlip_widgets.encoders.superpixels import Regions, grid_of, region_labels
from fixlip_widgets.encoders.towers import (
    AnyTextTower,
    ImageTower,
    Masking,
    check_masking,
    grid_labels,
    image_tower,
    patches_of,
    text_tower,
)
from fixlip_widgets.encoders.towers.maskings import replacement
from fixlip_widgets.errors import EncodingError, InputError, ModelError
from fixlip_widgets.estimators.exact import MOST_PLAYERS
from fixlip_widgets.estimators.masks import enumerate_masks
from fixlip_widgets.support.checks import check_batch_size, check_binary

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]
Modality = Literal["image", "text"]


class VisionLanguageGame(Players):
    """The cooperative game of Baniecki et al. 2025: ``value = scale · cosine(image, text) + bias`` of a masked pair.

    Args:
        model: From :func:`fixlip_widgets.load_model`.
        image: Path, PIL image, uint8 array (H, W), (H, W, 3) or (H, W, 4), or a normalised float tensor (3, H, W).
        text: A caption, or a 1-D integer tensor of token ids with the model's start and end tokens.
        grid: (rows, columns) of image players; the encoder's own patches by default.
        regions: Image players of any shape in place of a grid: a number of superpixels, or an (H, W) integer map of
            the picture's or of the model's pixels that says which region each belongs to.
        words: Whether whole words are the text players, each with all its tokens; words stand between spaces.
        masking: What removed image players become: ``"zero"`` as in the paper, ``"mean"``, ``"blur"`` or ``"remove"``;
            :data:`fixlip_widgets.encoders.towers.MASKINGS` says what each does.
        batch_size: Masks per encoder run; chosen for the device by default.

    Attributes:
        tokens: The caption's tokens, or words, one per text player, in reading order.
        grid: (rows, columns) of the image players; regions are only numbered by it, row by row.
        regions: (H, W) the image player of each pixel that the model sees, where they are regions; ``None`` for a grid.
        picture: (H, W, 3) what views draw players on: the part of the picture that the model sees.
        blank: (H, W, 3) the picture as the model sees it with every image player removed.
        scale, bias: Of the similarity logit.
        labels: (H, W) the image player of each pixel that the model sees.
        text_inputs: Token ids, and for each position of a text player, the position and the player.
        image_tower, text_tower: The masked encoders.
        changes: How often each modality was set.

    Raises:
        InputError: The image cannot be read, the caption is empty or too long, the grid or label map does not fit, or
            the encoder cannot be masked as asked.
        ModelError: The text encoder is of a kind that is not supported, or the weights are damaged.
    """

    def __init__(
        self,
        model: Model,
        image: ImageLike,
        text: str | Tensor,
        grid: tuple[int, int] | None = None,
        *,
        regions: Regions | None = None,
        words: bool = False,
        masking: Masking = "zero",
        batch_size: int | None = None,
    ) -> None:
        _check_model(model)
        check_batch_size(batch_size)
        if grid is not None and regions is not None:
            raise InputError("Image players are on a grid or are regions; pass grid or regions, not both.")
        self.model = model
        self.batch = BatchSize(batch_size or (256 if model.device.type == "cuda" else 64))
        self.scale, self.bias = model.scale, model.bias
        if not math.isfinite(self.scale) or not math.isfinite(self.bias):
            raise ModelError(
                f"The similarity's scale ({self.scale}) or bias ({self.bias}) is not finite: the weights of "
                f"{model.name} are damaged. Load them again."
            )
        self.masking: Masking = check_masking(masking)
        self.words = words
        self._given_regions = regions
        self.regions: NDArray[np.int64] | None = None
        self.grid = _check_grid((model.patch_grid or (7, 7)) if grid is None else grid, model.image_size)
        self.changes: dict[Modality, int] = {"image": 0, "text": 0}
        self.set_image(image)
        self.set_text(text)

    def set_image(self, image: ImageLike) -> None:
        """Take another picture; the caption and its encodings stay valid."""
        pixels = self.model.pixels(image)
        picture = self.model.display(image)
        if self._given_regions is None:
            labels, n_players = grid_labels(self.model.image_size, self.grid, patches_of(self.model.clip)), self.n_image
        else:
            labels = region_labels(
                self._given_regions, self.model.shown(pixels), self.model.size_of(image), self.model.transform()
            )
            n_players = int(labels.max()) + 1
        with torch.no_grad(), full_convolutions(self.model.device):  # the patch embedding: once a picture, and exact
            tower = image_tower(self.model.clip, pixels, labels, n_players, self.masking)
        if self._given_regions is not None:
            self.regions, self.grid = labels.numpy(), grid_of(n_players)
        self.image_tower: ImageTower = tower
        self.labels, self.pixels, self.picture = labels, pixels, picture
        self.blank = self.masked_picture(np.zeros(self.n_image, dtype=bool))
        self._changed("image")

    def set_text(self, text: str | Tensor) -> None:
        """Take another caption; the image and its encodings stay valid."""
        caption = tokenize(self.model.tokenizer, text, words=self.words)
        device = self.model.device
        ids, players, owners = (each.to(device) for each in (caption.ids, caption.players, caption.owners))
        with torch.no_grad():
            self.text_tower: AnyTextTower = text_tower(self.model.clip, ids, players, owners)
        self.caption, self.tokens = caption.text, caption.tokens
        self.text_inputs = ids, players, owners  # what the tower was made of
        self._changed("text")

    def _changed(self, modality: Modality) -> None:
        self.changes = {**self.changes, modality: self.changes[modality] + 1}
        self.__dict__.pop("_extremes", None)

    def masked_picture(self, image_mask: ArrayLike) -> NDArray[np.uint8]:
        """(H, W, 3) the picture as the encoder sees it under a mask, (n_image,); patches that left it are white."""
        keep = torch.from_numpy(self._masks(np.asarray(image_mask)[None], self.n_image)[0])[self.labels]
        pixels = self.pixels.float().cpu()
        shown = self.model.shown(torch.where(keep, pixels, replacement(self.masking, pixels)))
        if self.masking == "remove":
            shown = np.where(keep.numpy()[:, :, None], shown, np.uint8(255))
        return shown

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
        """The tower of one modality, ``"image"`` or ``"text"``: a batch of masks to unit-norm embeddings.

        Raises:
            EncodingError: The model has moved to another device or type since image and caption were set, or is in
                training mode.
        """
        model, pixels = self.model, self.pixels
        for at, now, then in (("on", model.device, pixels.device), ("in", model.dtype, pixels.dtype)):
            if now != then:
                raise EncodingError(
                    f"The model is {at} {now} now, but its image and caption were prepared {at} {then}. Make the game "
                    "again, or convert the model back."
                )
        if any(module.training for module in model.clip.modules()):
            raise EncodingError("The model is in training mode, in which encoders answer by chance; call its eval().")
        tower = self.image_tower if modality == "image" else self.text_tower
        return Encoder(tower.encode, self.model.dtype)

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

    def table(self) -> Floats:
        """(2**n,) the logits of all joint masks, from 2**n_image + 2**n_text encodings.

        Bit i of the position says whether player i is kept, as :mod:`fixlip_widgets.estimators.exact` takes it.

        Raises:
            InputError: The game has more than 16 players.
        """
        if self.n_players > MOST_PLAYERS:
            raise InputError(f"The game has {self.n_players} players; all masks are enumerated up to {MOST_PLAYERS}.")
        return self.values(enumerate_masks(self.n_image), enumerate_masks(self.n_text)).T.ravel()

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

    def described(self) -> dict[str, Any]:
        """What any explanation of this game says of image, caption and masking: fields of it."""
        return {
            "tokens": self.tokens,
            "words": self.words,
            "grid": self.grid,
            "regions": self.regions,
            "caption": self.caption,
            "image": self.picture,
            "blank": self.blank,
            "masking": self.masking,
        }

    def options(self) -> dict[str, Any]:
        """The arguments ``grid``, ``regions``, ``words`` and ``masking`` that are not as by default."""
        by_default = self._given_regions is not None or self.grid == self.model.patch_grid
        given = {
            "grid": None if by_default else self.grid,
            "regions": self._given_regions,
            "words": self.words or None,
            "masking": None if self.masking == "zero" else self.masking,
        }
        return {name: value for name, value in given.items() if value is not None}

    def fingerprint(self) -> dict[str, str]:
        """What tells this game from others: hashes of weights and pixels, caption, players and masking."""
        pixels = hashlib.sha256(self.pixels.float().cpu().numpy().tobytes()).hexdigest()[:16]
        players = f"{self.grid[0]}×{self.grid[1]}"
        if self.regions is not None:
            players += f" regions {hashlib.sha256(self.regions.tobytes()).hexdigest()[:16]}"
        return {
            "model": self.model.weights_hash,
            "image": pixels,
            "caption": self.caption + (" (whole words)" if self.words else ""),
            "grid": players + ("" if self.masking == "zero" else f" masked by {self.masking}"),
        }

    def _masks(self, masks: ArrayLike, n: int) -> Bools:
        array = np.asarray(masks)
        if array.ndim != 2 or array.shape[1] != n:
            raise InputError(f"masks have shape {array.shape}; expected (m, {n}), one column a player.")
        check_binary(array)
        return array.astype(bool)

    def __repr__(self) -> str:
        image = f"{self.grid[0]}×{self.grid[1]} patches" if self.regions is None else f"{self.n_image} regions"
        return f"<VisionLanguageGame {self.caption!r}, {image} + {self.n_text} {'words' if self.words else 'tokens'}>"


def check_game(game: Any) -> None:
    """Refuse what is no game: a model, a scene or an explanation in its place.

    Raises:
        InputError: It is something else.
    """
    if not isinstance(game, VisionLanguageGame):
        raise InputError(f"The game is of type {type(game).__name__}; make a VisionLanguageGame(model, image, text).")


def _check_model(model: Any) -> None:
    if not isinstance(model, Model):
        given = repr(model) if isinstance(model, str) else f"a {type(model).__name__}"
        raise InputError(
            f"The model is {given}; pass what load_model returns: load_model('ViT-B-32', pretrained='openai'), say."
        )


def _check_grid(grid: Any, size: tuple[int, int]) -> tuple[int, int]:
    sides: list[Any] = list(grid) if isinstance(grid, (Sequence, np.ndarray)) else []
    if len(sides) != 2 or not all(isinstance(side, Integral) for side in sides):
        raise InputError(f"The grid is {grid!r}; it is two whole numbers, (rows, columns): (4, 4), say.")
    rows, columns = (int(side) for side in sides)
    if not (1 <= rows <= size[0] and 1 <= columns <= size[1]):
        raise InputError(f"The grid {rows}×{columns} does not fit an image of {size[0]}×{size[1]} pixels.")
    return rows, columns
