"""exCLIP: complete up to the error of its path integral, which falls with the steps, and within memory."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from fixlip_widgets import CancelledError, InputError, ModelError, VisionLanguageGame, load_model
from fixlip_widgets.encoders.towers.text import text_tower
from fixlip_widgets.explainers.baselines import exclip, game_attention, grad_eclip
from fixlip_widgets.explainers.baselines.exclip import Path, interaction_factors
from tests.explainers.test_game import SIGLIP
from tests.golden import tiny_game


def smooth_path():
    """A float64 encoder of three positions with two numbers each."""
    random = torch.Generator().manual_seed(0)
    first, second = (torch.randn(*shape, generator=random, dtype=torch.float64) for shape in ((6, 5), (5, 4)))

    def encode(points):
        return F.normalize(torch.tanh(points.flatten(1) @ first) @ second + 0.3, dim=1)

    start, end = torch.randn(2, 3, 2, generator=random, dtype=torch.float64)
    return Path(encode, start, end - start, 4)


def test_the_integrand_is_the_derivative_by_finite_differences():
    path, step = smooth_path(), 1e-6
    middle, found = path.reference + 0.5 * path.change, path.integrate(torch.eye(4), 1, 1)
    for position in range(3):
        along = torch.zeros_like(middle)
        along[position] = path.change[position]
        ends = path.encode(torch.stack([middle + step * along, middle - step * along]))
        torch.testing.assert_close(found[:, position], (ends[0] - ends[1]) / (2 * step), atol=1e-8, rtol=1e-6)


def test_the_error_of_completeness_falls_with_the_square_of_the_steps():
    path = smooth_path()
    ends = path.encode(torch.stack([path.reference, path.reference + path.change]))
    errors = [
        float((path.integrate(torch.eye(4), steps, 100).sum(dim=1) - (ends[1] - ends[0])).abs().max())
        for steps in (16, 32, 64)
    ]
    assert errors[0] < 0.1
    assert errors[0] / errors[1] == pytest.approx(4, rel=0.15)
    assert errors[1] / errors[2] == pytest.approx(4, rel=0.15)


def second_difference(game):
    """The game's f(a, b) − f(a, r) − f(r, b) + f(r, r), each tower's reference encoded as an input of its own."""
    ids, players, owners = game.text_inputs
    silent = ids.clone()
    silent[players] = 0
    with torch.inference_mode():
        reference = text_tower(game.model.clip, silent, players, owners).encode(torch.ones(1, game.n_text) > 0)
    image = game.image_embeddings(np.array([[True] * game.n_image, [False] * game.n_image])).double()
    text = game.text_embeddings(np.ones((1, game.n_text))).double() - reference.double()
    return game.scale * float((image[0] - image[1]) @ text[0])


@pytest.mark.parametrize("layer", [0, -1])
def test_interactions_of_all_positions_add_up_to_the_second_difference(layer):
    game = tiny_game()
    expected = second_difference(game)
    errors = []
    for steps in (2, 64):
        image, text = interaction_factors(game, steps, 16, layer)
        errors.append(abs(game.scale * float((text.T @ image).sum()) - expected))
    assert errors[1] < 0.01 * abs(expected)
    assert errors[1] < errors[0]


def test_at_the_first_block_patches_take_all_of_the_images_part():
    game = tiny_game()
    image, text = interaction_factors(game, 8, 8, 0)
    assert torch.equal(image[:, 0], torch.zeros_like(image[:, 0]))  # the class token does not move
    explanation = exclip(game, steps=8, layer=0)
    expected = game.scale * float((text[:, :-1].sum(dim=1) @ image).sum())
    assert explanation.cross.sum() == pytest.approx(expected)


def test_projecting_to_the_texts_directions_loses_nothing():
    from fixlip_widgets.explainers.baselines.exclip import _image_path

    game = tiny_game()
    image, text = interaction_factors(game, 4, 4, 0)
    path = _image_path(game, 0)
    whole = path.integrate(torch.eye(path.dimensions), 4, 4)
    torch.testing.assert_close(text.T @ image, text.T @ whole, atol=1e-6, rtol=1e-4)


def test_chunks_change_nothing():
    whole = exclip(tiny_game(), steps=6, chunk=6, layer=0)
    np.testing.assert_allclose(exclip(tiny_game(), steps=6, chunk=4, layer=0).cross, whole.cross, atol=1e-4)


def test_progress_counts_the_points_of_both_paths():
    states = []
    exclip(tiny_game(), steps=6, chunk=4, progress=states.append)
    done = [state.done for state in states]
    assert done == sorted(done)
    assert (done[0], done[-1], states[-1].total) == (0, 12, 12)
    assert {state.text_done for state in states} == {*range(7)}  # several states within a chunk


def test_a_cancelled_run_raises_and_releases_the_model():
    game, states = tiny_game(), []
    with pytest.raises(CancelledError, match="exCLIP was cancelled"):
        exclip(game, steps=2, progress=states.append, cancelled=lambda: len(states) == 3)
    assert len(states) == 3
    assert all(not block._forward_pre_hooks for block in game.model.clip.visual.transformer.resblocks)
    assert exclip(game, steps=2).cross.any()


def test_interactions_are_cross_modal_alone():
    explanation = exclip(tiny_game(), steps=2)
    assert explanation.order == 2
    assert not explanation.main.any()
    assert not explanation.interactions[:16, :16].any()
    assert not explanation.interactions[16:, 16:].any()
    assert explanation.cross.any()
    assert explanation.baseline == explanation.empty_similarity


def test_the_model_is_left_as_it_was():
    game = tiny_game()
    before = game.value(np.ones((1, game.n_players)))
    exclip(game, steps=2)
    np.testing.assert_array_equal(game.value(np.ones((1, game.n_players))), before)
    assert all(not block._forward_pre_hooks for block in game.model.clip.visual.transformer.resblocks)
    assert all(not parameter.requires_grad for parameter in game.model.clip.parameters())


def test_196_patches_and_attention_pooling():
    torch.manual_seed(0)
    game = VisionLanguageGame(load_model(SIGLIP, pretrained=False, device="cpu"), torch.randn(3, 224, 224), "a dog")
    explanation = exclip(game, steps=2, chunk=1)
    assert explanation.cross.shape == (game.n_text, 196)
    assert np.isfinite(explanation.cross).all()


@pytest.mark.parametrize(
    ("options", "said"), [({"steps": 0}, "steps"), ({"chunk": 0}, "chunk"), ({"layer": 7}, "layer")]
)
def test_bad_settings_are_refused(options, said):
    with pytest.raises(InputError, match=said):
        exclip(tiny_game(), **options)


def test_an_encoder_without_patches_is_refused():
    config = {
        "embed_dim": 64,
        "vision_cfg": {"image_size": 32, "layers": [1, 1, 1, 1], "width": 16, "patch_size": None},
        "text_cfg": {"context_length": 8, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 1},
    }
    game = VisionLanguageGame(load_model(config, pretrained=False, device="cpu"), torch.randn(3, 32, 32), "a", (2, 2))
    for method in (exclip, grad_eclip, game_attention):
        with pytest.raises(ModelError, match="method='banzhaf'"):
            method(game)


def test_patches_that_leave_the_sequence_have_no_path():
    with pytest.raises(ModelError, match="masking='zero'"):
        exclip(tiny_game(masking="remove"))


def test_a_words_tokens_are_added_up():
    tokens, words = exclip(tiny_game(), steps=4, layer=0), exclip(tiny_game(words=True), steps=4, layer=0)
    assert words.n_text <= tokens.n_text
    assert words.cross.sum() == pytest.approx(tokens.cross.sum(), rel=1e-4)
