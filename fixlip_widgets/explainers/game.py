"""The game: image patches and caption tokens are the players; the value of a coalition is the similarity logit."""

from __future__ import annotations

import copy
import hashlib
import logging
import math
from collections.abc import Callable, Hashable, Sequence
from functools import cached_property
from numbers import Integral
from typing import Any, Literal, Self

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from fixlip_widgets.encoders.batches import BatchSize, Encoder, distinct, encode_all, plain_settings
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
    PixelImageTower,
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
from fixlip_widgets.explainers.own_forward import (
    agree,
    check_agreement,
    complete_embedding,
    distance,
    own_embedding,
    own_pair,
)
from fixlip_widgets.support.checks import check_batch_size, check_binary

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]
Modality = Literal["image", "text"]
_log = logging.getLogger(__name__)


class VisionLanguageGame(Players):
    """The cooperative game of Baniecki et al. 2025: ``value = scale · cosine(image, text) + bias`` for a masked pair.

    Args:
        model: A model from :func:`fixlip_widgets.load_model`.
        image: Path, :class:`PIL.Image.Image`, uint8 array (H, W), (H, W, 3) or (H, W, 4), or a normalised float
            :class:`torch.Tensor` (3, H, W).
        text: A caption, or a 1-D integer tensor of token ids with the model's start and end tokens.
        grid: (rows, columns) of the image players; by default the encoder's own patches.
        regions: Image players of any shape, in place of a grid: a number of superpixels, or an (H, W) integer map of
            the region of each pixel, of the picture or of the model's input.
        words: Whether the text players are whole words, separated by spaces, instead of tokens.
        masking: How removed image players are replaced: ``"zero"`` as in the paper, ``"mean"``, ``"blur"`` or
            ``"remove"``; see :data:`fixlip_widgets.encoders.towers.MASKINGS`.
        batch_size: Number of masks per encoder run; by default chosen for the device.
        check: Whether to compare the complete image and caption, each time one is set, with the model's own forward
            pass. If the image's embedding differs by more than rounding, pixels are masked instead of patch embeddings.

    Attributes:
        tokens: Tokens or words of the caption, one per text player, in reading order.
        grid: (rows, columns) of the image players; regions only use it for numbering, row by row.
        regions: (H, W) region of each pixel of the model's input; ``None`` for a grid.
        picture: (H, W, 3) the part of the picture that the model sees, as the background of views.
        blank: (H, W, 3) the picture as the model sees it with every image player removed.
        scale, bias: Scale and bias of the similarity logit.
        labels: (H, W) image player of each pixel of the model's input.
        text_inputs: Token ids, the positions of all text players, and the player at each of these positions.
        image_tower, text_tower: Masked encoders.
        changes: Number of times that each modality was set.

    Raises:
        InputError: The image cannot be read, the caption is empty or too long, the grid or label map does not fit, or
            the encoder does not support the masking.
        ModelError: The text encoder is not supported, or the weights are damaged.
        EncodingError: The embeddings are not finite, or are not those of the model's own forward pass.
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
        check: bool = True,
    ) -> None:
        _check_model(model)
        check_batch_size(batch_size)
        if grid is not None and regions is not None:
            raise InputError("Pass either grid or regions, not both.")
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
        self._weights: dict[Modality, Hashable] = {}
        self._complete: dict[str, Tensor] = {}
        self._own: dict[str, Tensor] = {}
        self._own_logit: float | None = None
        self._given: dict[Modality, Any] = {}
        self._checks = check
        self._prepare_image(image)
        self._prepare_text(text)
        self._check_forward()

    def __getstate__(self) -> dict[str, Any]:
        """Note whether the weights are unchanged, because the version counters of a copy start anew."""
        now = self.model.weights_state()
        return {**self.__dict__, "_weights": {modality: then == now for modality, then in self._weights.items()}}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        now = self.model.weights_state()
        self._weights = {modality: now if current else None for modality, current in state["_weights"].items()}

    def set_image(self, image: ImageLike) -> None:
        """Replace the image; the caption and its encodings stay valid."""
        self._prepare_image(image)
        self._check_forward()

    def set_text(self, text: str | Tensor) -> None:
        """Replace the caption; the image and its encodings stay valid."""
        self._prepare_text(text)
        self._check_forward()

    def with_text(self, text: str | Tensor) -> Self:
        """Return the game of another caption of the same image; this game does not change.

        Raises:
            InputError: The caption is empty or too long.
        """
        other = copy.copy(self)
        other._complete, other._own = dict(self._complete), dict(self._own)
        other.set_text(text)
        return other

    @plain_settings
    def _prepare_image(self, image: ImageLike) -> None:
        pixels = self.model.pixels(image)
        picture = self.model.display(image)
        if self._given_regions is None:
            labels, n_players = grid_labels(self.model.image_size, self.grid, patches_of(self.model.clip)), self.n_image
        else:
            labels = region_labels(
                self._given_regions, self.model.denormalise(pixels), self.model.size_of(image), self.model.transform()
            )
            n_players = int(labels.max()) + 1
        with torch.no_grad(), full_convolutions(self.model.device):  # exact patch embedding
            tower = image_tower(self.model.clip, pixels, labels, n_players, self.masking)
        if self._given_regions is not None:
            self.regions, self.grid = labels.numpy(), grid_of(n_players)
        self.image_tower: ImageTower = tower
        self.labels, self.pixels, self.picture = labels, pixels, picture
        self.blank = self.masked_picture(np.zeros(self.n_image, dtype=bool))
        self._changed("image", image)

    @plain_settings
    def _prepare_text(self, text: str | Tensor) -> None:
        caption = tokenize(self.model.tokenizer, text, words=self.words)
        device = self.model.device
        ids, players, owners = (each.to(device) for each in (caption.ids, caption.players, caption.owners))
        with torch.no_grad():
            self.text_tower: AnyTextTower = text_tower(self.model.clip, ids, players, owners)
        self.caption, self.tokens = caption.text, caption.tokens
        self.text_inputs = ids, players, owners
        self._changed("text", text)

    def _changed(self, modality: Modality, given: ImageLike | Tensor) -> None:
        self.changes = {**self.changes, modality: self.changes[modality] + 1}
        self.__dict__.pop("_extremes", None)
        self._weights[modality] = self.model.weights_state()
        self._complete.pop(modality, None)
        self._own.pop(modality, None)
        self._own_logit = None
        if self._checks:
            self._given = {**self._given, modality: given}

    def _check_forward(self) -> None:
        """Compare complete images and captions with the model's own forward pass, once each."""
        if not self._checks or _is_training(self.model):
            return
        new: dict[Modality, Tensor] = {}
        if "image" not in self._own:
            new["image"] = complete_embedding(self.image_tower, self.model, "image")
        if "text" not in self._own:
            new["text"] = complete_embedding(self.text_tower, self.model, "text")
        if len(new) == 2:
            pixels, ids = self.pixels, self.text_inputs[0]
            given = self._given.get("image", pixels), self._given.get("text", ids)
            self._own, self._own_logit = own_pair(self.model, *given, pixels, ids)
        else:
            for modality in new:
                inputs = self.pixels if modality == "image" else self.text_inputs[0]
                self._own[modality] = own_embedding(self.model, inputs, modality)
        self._complete |= new
        if "image" in new:
            complete, own = new["image"], self._own["image"]
            if not agree(complete, own, self.model) and self.masking != "remove":
                _log.warning(
                    "The image embedding differs from that of %s itself by %.2g: whole images are encoded, masked at "
                    "their pixels, which is slower.",
                    self.model.name,
                    distance(complete, own),
                )
                removed = replacement(self.masking, self.pixels)
                self.image_tower = PixelImageTower(self.model.clip, self.pixels, removed, self.labels, self.n_image)
                self._complete["image"] = complete_embedding(self.image_tower, self.model, "image")
        try:
            check_agreement(self.model, self._complete, self._own, self._own_logit)
        except EncodingError:
            self._own.clear()  # the next encoding fails too
            raise
        self._given = {}

    def masked_picture(self, image_mask: ArrayLike) -> NDArray[np.uint8]:
        """Return the (H, W, 3) picture under an (n_image,) mask; ``masking="remove"`` leaves removed patches white."""
        keep = torch.from_numpy(self._masks(np.asarray(image_mask)[None], self.n_image)[0])[self.labels]
        pixels = self.pixels.float().cpu()
        shown = self.model.denormalise(torch.where(keep, pixels, replacement(self.masking, pixels)))
        if self.masking == "remove":
            shown = np.where(keep.numpy()[:, :, None], shown, np.uint8(255))
        return shown

    def image_embeddings(self, image_masks: ArrayLike) -> Tensor:
        """Encode (m, n_image) masks, True = kept, to (m, d) unit-norm float32 embeddings; each distinct mask once."""
        return self._embeddings("image", self._masks(image_masks, self.n_image))

    def text_embeddings(self, text_masks: ArrayLike) -> Tensor:
        """Encode (m, n_text) masks, True = kept, to (m, d) unit-norm float32 embeddings; each distinct mask once."""
        return self._embeddings("text", self._masks(text_masks, self.n_text))

    def _embeddings(self, modality: Modality, masks: Bools) -> Tensor:
        rows, index = distinct(masks)
        encoded = encode_all(self.encoder(modality), rows, self.batch, self.model.device, modality)
        return encoded[torch.from_numpy(index).to(encoded.device)]

    def encoder(self, modality: Modality) -> Callable[[Tensor], Tensor]:
        """Return the encoder of ``"image"`` or ``"text"`` masks, from a batch of masks to unit-norm embeddings.

        Raises:
            EncodingError: The model's device or dtype has changed since the image and caption were set, or the model is
                in training mode.
        """
        if _is_training(self.model):
            raise EncodingError("The model is in training mode: dropout makes the outputs random; call its eval().")
        self._check_current(modality)
        if self._checks and modality not in self._own:
            self._check_forward()
        tower = self.image_tower if modality == "image" else self.text_tower
        return Encoder(tower.encode, self.model.dtype)

    def _check_current(self, *modalities: Modality) -> None:
        """Raise EncodingError if the device, dtype or weights have changed since the inputs were set."""
        model, pixels = self.model, self.pixels
        for at, now, then in (("on", model.device, pixels.device), ("in", model.dtype, pixels.dtype)):
            if now != then:
                raise EncodingError(
                    f"The model is {at} {now} now, but its image and caption were prepared {at} {then}. Create the "
                    "game again, or convert the model back."
                )
        now = model.weights_state()
        if any(self._weights[modality] != now for modality in modalities):
            raise EncodingError(
                "The model's weights, adapters or hooks have changed since its image and caption were prepared: values "
                "of both would be mixed. Create the game again."
            )

    def values(self, image_masks: ArrayLike, text_masks: ArrayLike) -> Floats:
        """Return the (m_image, m_text) similarity logits of every image mask with every text mask."""
        cosines = self.image_embeddings(image_masks).double() @ self.text_embeddings(text_masks).double().T
        return (self.scale * cosines + self.bias).cpu().numpy()

    def value(self, masks: ArrayLike) -> Floats:
        """Return the (m,) similarity logits of (m, n_players) joint masks, image players first."""
        joint = self._masks(masks, self.n_players)
        image = self.image_embeddings(joint[:, : self.n_image]).double()
        text = self.text_embeddings(joint[:, self.n_image :]).double()
        return (self.scale * (image * text).sum(dim=1) + self.bias).cpu().numpy()

    def __call__(self, masks: ArrayLike) -> Floats:
        """Return :meth:`value` of ``masks``; shap and shapiq call games this way."""
        return self.value(masks)

    def table(self) -> Floats:
        """Return the (2**n,) logits of all joint masks, from 2**n_image + 2**n_text encodings.

        Bit i of the index is set if player i is kept, as in :mod:`fixlip_widgets.estimators.exact`.

        Raises:
            InputError: The game has more than 16 players.
        """
        if self.n_players > MOST_PLAYERS:
            raise InputError(f"The game has {self.n_players} players; table() supports at most {MOST_PLAYERS}.")
        return self.values(enumerate_masks(self.n_image), enumerate_masks(self.n_text)).T.ravel()

    @cached_property
    def _extremes(self) -> Floats:
        """Similarity logits of the empty and of the complete pair (2,); the latter is known from the comparison."""
        none, every = (np.full((1, self.n_players), kept) for kept in (False, True))
        if self._complete.keys() != {"image", "text"}:
            return self.value(np.concatenate([none, every]))
        cosine = self._complete["image"].double() @ self._complete["text"].double()
        return np.append(self.value(none), self.scale * float(cosine) + self.bias)

    @property
    def similarity(self) -> float:
        """The similarity logit with every player kept."""
        self._check_current(*self._weights)
        return float(self._extremes[1])

    @property
    def empty_similarity(self) -> float:
        """The similarity logit with every player removed."""
        self._check_current(*self._weights)
        return float(self._extremes[0])

    def explanation_fields(self) -> dict[str, Any]:
        """Return the explanation fields that do not depend on the method; encodes the full and the empty pair."""
        return {
            **self.description(),
            "model": self.model.describe(),
            "similarity": self.similarity,
            "empty_similarity": self.empty_similarity,
        }

    def description(self) -> dict[str, Any]:
        """Return the explanation fields that describe the image, the caption and the masking."""
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
        """Return the arguments ``grid``, ``regions``, ``words`` and ``masking`` that differ from their defaults."""
        omit_grid = self._given_regions is not None or self.grid == self.model.patch_grid
        arguments = {
            "grid": None if omit_grid else self.grid,
            "regions": self._given_regions,
            "words": self.words or None,
            "masking": None if self.masking == "zero" else self.masking,
        }
        return {name: value for name, value in arguments.items() if value is not None}

    def fingerprint(self) -> dict[str, str]:
        """Return the identity of the game: hashes of weights and pixels, caption, players and masking."""
        self._check_current(*self._weights)
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
            raise InputError(f"masks have shape {array.shape}; expected (m, {n}), one column per player.")
        check_binary(array)
        return array.astype(bool)

    def __repr__(self) -> str:
        image = f"{self.grid[0]}×{self.grid[1]} patches" if self.regions is None else f"{self.n_image} regions"
        return f"<VisionLanguageGame {self.caption!r}, {image} + {self.n_text} {'words' if self.words else 'tokens'}>"


def check_game(game: Any) -> None:
    """Raise InputError unless ``game`` is a :class:`VisionLanguageGame`."""
    if not isinstance(game, VisionLanguageGame):
        raise InputError(f"The game is of type {type(game).__name__}; create a VisionLanguageGame(model, image, text).")


def _is_training(model: Model) -> bool:
    return any(module.training for module in model.clip.modules())


def _check_model(model: Any) -> None:
    if not isinstance(model, Model):
        description = repr(model) if isinstance(model, str) else f"a {type(model).__name__}"
        raise InputError(
            f"The model is {description}; pass the result of load_model, for example "
            "load_model('ViT-B-32', pretrained='openai')."
        )


def _check_grid(grid: Any, size: tuple[int, int]) -> tuple[int, int]:
    sides: list[Any] = list(grid) if isinstance(grid, (Sequence, np.ndarray)) else []
    if len(sides) != 2 or not all(isinstance(side, Integral) for side in sides):
        raise InputError(f"The grid is {grid!r}; pass two integers (rows, columns), for example (4, 4).")
    rows, columns = (int(side) for side in sides)
    if not (1 <= rows <= size[0] and 1 <= columns <= size[1]):
        raise InputError(f"The grid {rows}×{columns} does not fit an image of {size[0]}×{size[1]} pixels.")
    return rows, columns
