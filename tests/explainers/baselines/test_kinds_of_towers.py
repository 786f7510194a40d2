"""The baselines on every kind of tower: open_clip's and timm's families, and the same weights through transformers."""

import numpy as np
import pytest
import torch

from fixlip_widgets import ModelError, VisionLanguageGame, load_model
from fixlip_widgets.explainers.baselines import exclip, game_attention, grad_eclip
from fixlip_widgets.explainers.baselines.attention import record_attention
from fixlip_widgets.explainers.baselines.exclip import interaction_factors
from tests.encoders.towers.families import CONFIGS, WITHOUT_PATCHES, game, model
from tests.golden import tiny_clip, tiny_game, tiny_pixels

WITH_ATTENTION = [name for name in CONFIGS if name not in WITHOUT_PATCHES]
WITH_A_PATH = [name for name in WITH_ATTENTION if not name.startswith("CoCa")]


@pytest.mark.parametrize("family", WITH_ATTENTION)
def test_attention_is_read_and_nothing_changes(family):
    one = game(model(family))
    for name, n in (("image", one.n_image), ("text", one.n_text)):
        seen = record_attention(one.encoder(name), torch.ones(n, dtype=torch.bool))
        whole = getattr(one, f"{name}_embeddings")(np.ones((1, n)))[0]
        torch.testing.assert_close(seen.embedding.detach(), whole, atol=1e-5, rtol=1e-4)
    for method in (game_attention, grad_eclip):
        main = method(one).main
        assert np.isfinite(main).all()
        assert (main >= 0).all()
        assert main[: one.n_image].any()
        assert main[one.n_image :].any()


@pytest.mark.parametrize("family", WITH_A_PATH)
def test_exclip_is_complete(family):
    one = game(model(family))
    errors = []
    for steps in (1, 64):
        image, text = interaction_factors(one, steps, 16, 0)
        whole = float(image.sum(dim=1) @ text.sum(dim=1))
        errors.append(abs(whole - _second_difference(one)))
    assert errors[1] < 0.05 * abs(_second_difference(one)) or errors[1] < 0.05 * errors[0]


def _second_difference(one):
    from fixlip_widgets.explainers.baselines.exclip import _text_path

    path = _text_path(one, 0)
    with torch.inference_mode():
        text = path.encode(torch.stack([path.reference, path.reference + path.change])).double()
    image = one.image_embeddings(np.array([[True] * one.n_image, [False] * one.n_image])).double()
    return float((image[0] - image[1]) @ (text[1] - text[0]))


@pytest.mark.parametrize("family", sorted(WITHOUT_PATCHES))
def test_encoders_without_patches_are_refused(family):
    for method in (game_attention, grad_eclip, exclip):
        with pytest.raises(ModelError, match="method='banzhaf'"):
            method(game(model(family)))


def test_hidden_padding_leaves_exclip_no_reference():
    with pytest.raises(ModelError, match="method='banzhaf'"):
        exclip(game(model("CoCa")))


def test_the_same_weights_through_transformers_give_the_same_explanations(tmp_path):
    pytest.importorskip("transformers")
    from tests.encoders.towers.test_transformers import as_clip_model, clip_processor

    other = load_model(as_clip_model(tiny_clip().clip), processor=clip_processor())
    twin, one = VisionLanguageGame(other, tiny_pixels(), tiny_game().caption), tiny_game()
    for method in (game_attention, grad_eclip):
        np.testing.assert_allclose(method(twin).main, method(one).main, atol=1e-4)
    for layer in (0, -1):
        found, expected = (exclip(each, steps=4, layer=layer).cross for each in (twin, one))
        np.testing.assert_allclose(found, expected, atol=1e-3 * np.abs(expected).max())
