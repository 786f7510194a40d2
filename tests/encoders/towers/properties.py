"""Properties that hold for every family, shared by the tests of the families."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from fixlip_widgets import VisionLanguageGame
from fixlip_widgets.encoders.captions import tokenize
from fixlip_widgets.encoders.towers import grid_labels, image_tower, patches_of, text_tower
from fixlip_widgets.encoders.towers.image import PixelImageTower

EMBEDDINGS = ("token_embedding", "word_embeddings", "shared", "embed_tokens")


def masks(count: int, n: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).random((count, n)) < 0.5


def everything_kept_is_the_models_own(game: VisionLanguageGame, ids: torch.Tensor | None = None) -> None:
    """``ids``: (1, length) from the tokenizer of the model's own library; by default from the game's."""
    clip = game.model.clip
    ids = game.model.tokenizer([game.caption]) if ids is None else ids
    with torch.inference_mode():
        image, text = F.normalize(clip.encode_image(game.pixels[None])), F.normalize(clip.encode_text(ids))
    assert game.similarity == pytest.approx(float(game.scale * image @ text.T) + game.bias, abs=1e-6 * game.scale)


def the_order_of_masks_changes_nothing(game: VisionLanguageGame) -> None:
    for n, embeddings in ((game.n_image, game.image_embeddings), (game.n_text, game.text_embeddings)):
        drawn = np.unique(masks(4, n), axis=0)
        order = np.random.default_rng(1).permutation(len(drawn))
        np.testing.assert_allclose(embeddings(drawn)[order], embeddings(drawn[order]), atol=2e-6)
        one_by_one = torch.cat([embeddings(row[None]) for row in drawn])
        np.testing.assert_allclose(embeddings(drawn), one_by_one, atol=2e-6)


def masking_embeddings_is_masking_pixels(game: VisionLanguageGame) -> None:
    """The reference is the encoder's own code, run on masked images."""
    drawn = torch.from_numpy(masks(3, game.n_image))
    removed = game.pixels.new_zeros(game.pixels.shape)
    reference = PixelImageTower(game.model.clip, game.pixels, removed, game.labels, game.n_image)
    with torch.inference_mode():
        expected = reference.encode(drawn)
    np.testing.assert_allclose(game.image_embeddings(drawn.numpy()), expected, atol=5e-6)


def removed_pixels_have_no_gradient(game: VisionLanguageGame, masking: Any = "zero") -> None:
    pixels = game.pixels.clone().requires_grad_()
    labels = grid_labels(game.model.image_size, game.grid, patches_of(game.model.clip))
    mask = torch.from_numpy(masks(1, game.n_image))
    tower = image_tower(game.model.clip, pixels, labels, game.n_image, masking)
    direction = torch.randn(tower.encode(mask).shape, generator=torch.Generator().manual_seed(0))
    (tower.encode(mask) * direction).sum().backward()
    gradient, kept = pixels.grad.abs().sum(dim=0), mask[0][labels]
    assert float(gradient[~kept].max()) == 0.0
    assert float(gradient[kept].max()) > 0.0


def hidden_tokens_have_no_gradient(game: VisionLanguageGame) -> None:
    caption = tokenize(game.model.tokenizer, game.caption, words=game.words)
    mask = torch.from_numpy(masks(1, game.n_text, seed=3))
    assert 0 < mask.sum() < mask.numel()
    clip = game.model.clip
    embedding = next(
        each for name, each in clip.named_modules() if isinstance(each, nn.Embedding) and name.endswith(EMBEDDINGS)
    )
    probe = torch.zeros(len(caption.ids), embedding.embedding_dim, requires_grad=True)
    handle = embedding.register_forward_hook(lambda _, __, output: output + probe[: output.shape[-2]])
    try:
        tower = text_tower(clip, caption.ids, caption.players, caption.owners)
        encoded = tower.encode(mask)
        direction = torch.randn(encoded.shape, generator=torch.Generator().manual_seed(0))
        (encoded * direction).sum().backward()
    finally:
        handle.remove()
    gradient, kept = probe.grad.abs().sum(dim=1)[caption.players], mask[0][caption.owners]
    assert float(gradient[~kept].max()) == 0.0
    assert float(gradient[kept].min()) > 0.0
