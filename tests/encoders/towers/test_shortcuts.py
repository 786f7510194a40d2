"""Optimisations of the towers do not change their results."""

import pytest
import torch

from fixlip_widgets.encoders.towers import cpu_chunks
from fixlip_widgets.encoders.towers.cpu_chunks import chunks
from fixlip_widgets.encoders.towers.pooled_position import state_at
from tests.encoders.towers import properties
from tests.encoders.towers.families import game, model
from tests.golden import tiny_clip, tiny_game


@pytest.mark.parametrize("modality", ["image", "text"])
def test_the_last_block_computes_one_position_unless_gradients_are_recorded(modality):
    game = tiny_game()
    masks = torch.rand(20, game.n_image if modality == "image" else game.n_text) < 0.5
    lengths, tower = [], game.image_tower if modality == "image" else game.text_tower
    transformer = game.model.clip.visual.transformer if modality == "image" else game.model.clip.transformer
    hook = transformer.resblocks[-1].mlp.register_forward_pre_hook(lambda _, given: lengths.append(given[0].shape[1]))
    try:
        with torch.inference_mode():
            short = tower.encode(masks)
        with torch.enable_grad():
            whole = tower.encode(masks).detach()
    finally:
        hook.remove()
    assert lengths[0] == 1 < lengths[1]
    torch.testing.assert_close(short, whole, atol=1e-6, rtol=0)


def test_any_position_and_mask_can_be_read():
    transformer = tiny_clip().clip.visual.transformer
    heads = transformer.resblocks[0].attn.num_heads
    tokens = torch.randn(3, 7, transformer.width)
    mask = torch.zeros(3 * heads, 7, 7).masked_fill_(torch.rand(3 * heads, 7, 7) < 0.3, float("-inf"))
    mask[:, range(7), range(7)] = 0
    with torch.inference_mode():
        whole = transformer(tokens, attn_mask=mask)
        for position in range(7):
            here = state_at(transformer, tokens, position, mask)
            torch.testing.assert_close(here, whole[:, position : position + 1], atol=1e-5, rtol=1e-4)


def test_the_model_is_left_as_it_was():
    visual = tiny_clip().clip.visual
    before = [dict(block.named_modules()) for block in visual.transformer.resblocks]
    with torch.inference_mode():
        state_at(visual.transformer, torch.randn(1, 5, visual.transformer.width), 0)
    assert [dict(block.named_modules()) for block in visual.transformer.resblocks] == before
    assert not hasattr(visual.transformer.resblocks[-1], "ln_1_kv")


@pytest.mark.parametrize("modality", ["image", "text"])
def test_pieces_give_the_same_embeddings(modality, monkeypatch):
    game = tiny_game()
    masks = torch.rand(21, game.n_image if modality == "image" else game.n_text) < 0.5
    with torch.inference_mode():
        together = game.encoder(modality)(masks)
        monkeypatch.setattr(cpu_chunks, "_LARGEST", 1)  # one mask at a time
        apart = game.encoder(modality)(masks)
    torch.testing.assert_close(apart, together, atol=1e-6, rtol=0)


def test_pieces_fit_into_memory_that_is_reused():
    masks = torch.zeros(64, 49, dtype=torch.bool)
    with torch.inference_mode():
        parts = chunks(masks, torch.empty(50, 768))
        assert sum(map(len, parts)) == 64
        assert 1 < max(map(len, parts)) * 50 * 4 * 768 * 4 <= 16 * 2**20
        assert len(chunks(masks, torch.empty(65, 160))) == 1
        assert [len(part) for part in chunks(masks[:0], torch.empty(50, 768))] == [0]
    with torch.enable_grad():
        assert chunks(masks, torch.empty(50, 768)) == (masks,)


@pytest.mark.parametrize("family", ["CLIP", "SigLIP", "EVA-02", "PE-Core", "CoCa"])
def test_patches_are_contiguous_in_memory(family, monkeypatch):
    pair, inputs = game(model(family)), []
    run = pair.image_tower.run
    monkeypatch.setattr(pair.image_tower, "run", lambda patches, _: inputs.append(patches) or run(patches, None))
    pair.image_embeddings(properties.masks(5, pair.n_image))
    assert [patches.is_contiguous() for patches in inputs] == [True]
