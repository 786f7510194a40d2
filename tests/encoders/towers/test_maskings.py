import numpy as np
import pytest
import torch
import torch.nn.functional as F

from fixlip_widgets import InputError
from fixlip_widgets.encoders.towers import MASKINGS
from fixlip_widgets.encoders.towers.maskings import replacement
from tests.encoders.towers import properties
from tests.encoders.towers.families import CONFIGS, game, model, pixels

APART = ["CLIP", "SigLIP", "CLIPA", "EVA-02", "PE-Core", "CoCa"]
NEED_PATCHES_TO_POOL = {"SigLIP", "CLIPA", "CoCa"}


@pytest.mark.parametrize("masking", MASKINGS)
@pytest.mark.parametrize("family", APART)
def test_with_everything_kept_all_maskings_equal_the_models_forward_pass(family, masking):
    properties.everything_kept_is_the_models_own(game(model(family), masking=masking))


@pytest.mark.parametrize("masking", ["zero", "mean", "blur"])
@pytest.mark.parametrize("family", ["CLIP", "PE-Core", "ResNet"])
def test_the_encoder_sees_the_replaced_pixels(family, masking):
    pair = game(model(family), masking=masking)
    mask = properties.masks(1, pair.n_image)
    keep = torch.from_numpy(mask[0])[pair.labels]
    seen = torch.where(keep, pair.pixels, replacement(masking, pair.pixels))
    with torch.inference_mode():
        expected = F.normalize(pair.model.clip.encode_image(seen[None]))
    np.testing.assert_allclose(pair.image_embeddings(mask), expected, atol=5e-6)


@pytest.mark.parametrize("family", APART)
def test_dropped_patches_cannot_influence_the_embedding(family):
    properties.removed_pixels_have_no_gradient(game(model(family)), "remove")


@pytest.mark.parametrize("family", APART)
def test_removal_does_not_depend_on_the_order_of_masks(family):
    properties.the_order_of_masks_changes_nothing(game(model(family), masking="remove"))


def test_dropping_a_patch_equals_hiding_it_in_every_layer():
    pair = game(model("CLIP"), masking="remove")
    masks, visual = properties.masks(5, pair.n_image), pair.model.clip.visual
    keep = torch.cat([torch.ones(5, 1, dtype=torch.bool), torch.from_numpy(masks)], dim=1)
    hidden = torch.zeros(keep.shape).masked_fill(~keep, float("-inf"))
    heads = visual.transformer.resblocks[0].attn.num_heads
    attention = hidden[:, None, :].expand(5, 17, 17).repeat_interleave(heads, dim=0)
    with torch.inference_mode():
        tokens = visual._embeds(pair.pixels[None]).expand(5, -1, -1)
        pooled, _ = visual._pool(visual.transformer(tokens, attn_mask=attention))
        expected = F.normalize(pooled @ visual.proj)
    np.testing.assert_allclose(pair.image_embeddings(masks), expected, atol=2e-6)


def test_removal_makes_the_sequence_shorter():
    pair, lengths = game(model("CLIP"), masking="remove"), []
    block = pair.model.clip.visual.transformer.resblocks[0]
    handle = block.register_forward_pre_hook(lambda _, inputs: lengths.append(inputs[0].shape[1]))
    pair.image_tower.encode(torch.eye(16, dtype=torch.bool)[:3])
    handle.remove()
    assert lengths == [2]  # the class token and the one patch, all three masks together


@pytest.mark.parametrize("family", APART)
def test_with_no_patch_the_encoder_reads_its_class_token_or_the_zero_picture(family):
    nothing = np.zeros((1, 16))
    removed = game(model(family), masking="remove").image_embeddings(nothing)
    zero = game(model(family)).image_embeddings(nothing)
    assert torch.equal(removed, zero) == (family in NEED_PATCHES_TO_POOL | {"PE-Core"})


@pytest.mark.parametrize("family", ["ConvNeXt", "ResNet", "MobileCLIP-B"])
def test_removal_needs_an_encoder_with_separate_patches(family):
    with pytest.raises(InputError, match="takes patches out of the encoder's sequence"):
        game(model(family), masking="remove")


def test_removal_needs_players_of_whole_patches():
    with pytest.raises(InputError, match="players made of whole patches"):
        game(model("CLIP"), grid=(3, 3), masking="remove")


def test_an_unknown_masking_is_refused():
    with pytest.raises(InputError, match="masking is 'noise'; it must be one of zero, mean, blur, remove"):
        game(model("CLIP"), masking="noise")


def test_the_blur_keeps_the_mean_and_loses_detail():
    picture = pixels(model("CLIP"))
    blurred = replacement("blur", picture)
    np.testing.assert_allclose(blurred.mean(dim=(1, 2)), picture.mean(dim=(1, 2)), atol=0.05)
    assert float(blurred.diff().abs().mean()) < 0.1 * float(picture.diff().abs().mean())
    flat = torch.full((3, 64, 64), 0.7)
    np.testing.assert_allclose(replacement("blur", flat), flat, atol=1e-5)


@pytest.mark.parametrize("masking", MASKINGS)
def test_the_masked_picture_is_what_the_encoder_sees(masking):
    pair = game(model("CLIP"), masking=masking)
    mask = np.ones(16, dtype=bool)
    mask[5] = False  # row 1, column 1
    shown, whole = pair.masked_picture(mask), pair.masked_picture(np.ones(16))
    hidden = np.zeros((64, 64), dtype=bool)
    hidden[16:32, 16:32] = True
    assert np.array_equal(shown[~hidden], whole[~hidden])
    inside = shown[hidden]
    if masking == "remove":
        assert (inside == 255).all()
    elif masking == "blur":
        assert not np.array_equal(inside, whole[hidden])
    else:
        assert len(np.unique(inside, axis=0)) == 1


def test_fingerprints_depend_on_the_masking():
    prints = [game(model("CLIP"), masking=masking).fingerprint()["grid"] for masking in MASKINGS]
    assert prints[0] == "4×4"
    assert len(set(prints)) == 4


@pytest.mark.parametrize("family", CONFIGS)
def test_every_family_can_be_masked_by_any_replacement(family):
    for masking in ("mean", "blur"):
        pair = game(model(family), masking=masking)
        assert bool(torch.isfinite(pair.image_embeddings(properties.masks(1, pair.n_image))).all())
