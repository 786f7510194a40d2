"""GAME and Grad-ECLIP: the rules by hand, the gradients by finite differences, the towers that they read."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from fixlip_widgets import InputError, ModelError, VisionLanguageGame, load_model
from fixlip_widgets.explainers.baselines import game_attention, grad_eclip
from fixlip_widgets.explainers.baselines.attention import record_attention
from fixlip_widgets.explainers.baselines.gradients import channel_relevance, propagate_relevance
from tests.explainers.test_game import SIGLIP
from tests.golden import tiny_game

LENGTH, WIDTH, HEADS = 4, 6, 2


class Tower:
    """Two attention layers with residual paths in float64; position 0 is the class token."""

    def __init__(self, draw: int = 0, averaged: bool = False, pooled: bool = False) -> None:
        random = torch.Generator().manual_seed(draw)

        def normal(*shape):
            return torch.randn(*shape, generator=random, dtype=torch.float64)

        self.tokens, self.maps, self.asked = normal(LENGTH, WIDTH), normal(2, 3, WIDTH, WIDTH), normal(1, WIDTH)
        self.averaged, self.pooled = averaged, pooled
        self.other = F.normalize(normal(WIDTH), dim=0)

    def _heads(self, x):
        return x.view(1, -1, HEADS, WIDTH // HEADS).transpose(1, 2)

    def _attend(self, x, maps, queries=None):
        q, k, v = (self._heads(y @ w) for y, w in zip((x if queries is None else queries, x, x), maps, strict=True))
        return F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(-1, WIDTH)

    def _read(self, x):
        if self.pooled:
            return self._attend(x, self.maps[0], self.asked)[0]
        return x.mean(dim=0) if self.averaged else x[0]

    def encode(self, masks):
        x = self.tokens
        for maps in self.maps:
            x = x + self._attend(x, maps)
        return F.normalize(self._read(x), dim=0)[None]

    def similarity_with(self, weights=(None, None), outputs=(None, None)):
        """The similarity by hand, some layers' weights or outputs replaced, and what they were."""
        x, steps = self.tokens, []
        for maps, weight, output in zip(self.maps, weights, outputs, strict=True):
            q, k, v = (self._heads(x @ w)[0] for w in maps)
            weight = (q @ k.mT / np.sqrt(WIDTH / HEADS)).softmax(-1) if weight is None else weight
            output = weight @ v if output is None else output
            steps.append((q, k, v, weight, output))
            x = x + output.transpose(0, 1).reshape(LENGTH, WIDTH)
        return float(F.normalize(self._read(x), dim=0) @ self.other), steps


def differences(of, at, step=1e-6):
    """Central finite differences of a scalar function of a tensor."""
    found = torch.zeros_like(at)
    for index in np.ndindex(*at.shape):
        ends = []
        for sign in (1, -1):
            moved = at.clone()
            moved[index] += sign * step
            ends.append(of(moved))
        found[index] = (ends[0] - ends[1]) / (2 * step)
    return found


def attended(tower):
    seen = record_attention(tower.encode, torch.ones(LENGTH - 1, dtype=torch.bool))
    return seen, seen.embedding @ tower.other


def replaced(layer, value):
    return tuple(value if index == layer else None for index in range(2))


def test_watching_changes_nothing():
    tower = Tower()
    seen, similarity = attended(tower)
    torch.testing.assert_close(seen.embedding, tower.encode(None)[0])
    assert float(similarity.detach()) == pytest.approx(tower.similarity_with()[0], abs=1e-12)
    assert len(seen.layers) == 2
    assert seen.pool is None


@pytest.mark.parametrize("layer", [0, 1])
def test_gradients_of_weights_and_outputs_are_finite_differences(layer):
    tower = Tower()
    seen, similarity = attended(tower)
    _, steps = tower.similarity_with()
    found = torch.autograd.grad(similarity, [seen.layers[layer].weights, seen.layers[layer].output])
    by_weights = differences(lambda a: tower.similarity_with(weights=replaced(layer, a))[0], steps[layer][3])
    by_outputs = differences(lambda o: tower.similarity_with(outputs=replaced(layer, o))[0], steps[layer][4])
    torch.testing.assert_close(found[0][0], by_weights, atol=1e-8, rtol=1e-6)
    torch.testing.assert_close(found[1][0], by_outputs, atol=1e-8, rtol=1e-6)


def game_by_hand(tower):
    """R of Chefer et al. from finite differences, entry by entry."""
    relevance = np.eye(LENGTH)
    for layer in (0, 1):
        weights = tower.similarity_with()[1][layer][3]
        gradient = differences(lambda a, at=layer: tower.similarity_with(weights=replaced(at, a))[0], weights)
        mean = np.zeros((LENGTH, LENGTH))
        for head in range(HEADS):
            for i in range(LENGTH):
                for j in range(LENGTH):
                    mean[i, j] += max(float(gradient[head, i, j] * weights[head, i, j]), 0.0) / HEADS
        relevance = relevance + mean @ relevance
    return relevance


def test_game_is_the_papers_rules_on_two_layers():
    relevance = propagate_relevance(*attended(Tower()))
    np.testing.assert_allclose(relevance[1:], game_by_hand(Tower())[0, 1:], atol=1e-8)
    assert (relevance >= 0).all()


def test_game_reads_every_position_of_a_tower_that_averages():
    tower = Tower(averaged=True)
    np.testing.assert_allclose(
        propagate_relevance(*attended(tower)), (game_by_hand(tower) - np.eye(LENGTH)).mean(axis=0), atol=1e-8
    )


def test_game_passes_relevance_through_a_pooling_attention():
    tower = Tower(pooled=True)
    seen, similarity = attended(tower)
    assert seen.pool is not None
    (gradient,) = torch.autograd.grad(similarity, [seen.pool.weights], retain_graph=True)
    pooling = (gradient * seen.pool.weights)[0].clamp_min(0).mean(dim=0).detach().numpy()
    within = game_by_hand(tower) - np.eye(LENGTH)
    expected = pooling @ (within / within.sum(axis=1, keepdims=True) + np.eye(LENGTH))
    np.testing.assert_allclose(propagate_relevance(seen, similarity), expected[0], atol=1e-7)


def test_grad_eclip_is_the_papers_equation():
    tower = Tower()
    seen, similarity = attended(tower)
    found = channel_relevance(seen.layers[-1:], similarity)
    _, steps = tower.similarity_with()
    q, k, v, _, output = (
        step.transpose(0, 1).reshape(LENGTH, -1) for step in (*steps[1][:3], steps[1][4], steps[1][4])
    )
    gradient = differences(
        lambda o: tower.similarity_with(outputs=(None, o.reshape(LENGTH, HEADS, -1).transpose(0, 1)))[0], output
    )
    likeness = [float(F.cosine_similarity(q[0], key, dim=0)) for key in k]
    scaled = (np.array(likeness) - min(likeness)) / (max(likeness) - min(likeness))
    for i in range(LENGTH):
        expected = max(0.0, sum(float(gradient[0, c]) * scaled[i] * float(v[i, c]) for c in range(WIDTH)))
        assert float(found[i]) == pytest.approx(expected, abs=1e-8)


@pytest.mark.parametrize("method", [game_attention, grad_eclip])
def test_first_order_methods_have_no_interactions(method):
    explanation = method(tiny_game())
    assert explanation.order == 1
    assert not explanation.has_interactions
    assert not explanation.interactions.any()
    assert (explanation.main >= 0).all()
    assert (explanation.main[:16] > 0).any()
    assert (explanation.main[16:] > 0).any()
    assert (explanation.image_encodes, explanation.text_encodes) == (1, 1)


@pytest.mark.parametrize("method", [game_attention, grad_eclip])
def test_recording_keeps_the_embedding_of_the_game(method):
    game = tiny_game()
    before = game.similarity
    assert method(game).similarity == before
    for name, n in (("image", game.n_image), ("text", game.n_text)):
        seen = record_attention(game.encoder(name), torch.ones(n, dtype=torch.bool))
        whole = getattr(game, f"{name}_embeddings")(np.ones((1, n)))[0]
        torch.testing.assert_close(seen.embedding.detach(), whole, atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("method", [game_attention, grad_eclip])
def test_a_coarser_grid_adds_up_its_patches(method):
    fine, coarse = method(tiny_game()).main[:16].reshape(4, 4), method(tiny_game(grid=(2, 2))).main[:4].reshape(2, 2)
    np.testing.assert_allclose(coarse, fine.reshape(2, 2, 2, 2).sum(axis=(1, 3)), rtol=1e-5)


def test_tokens_after_a_causal_end_have_no_part():
    seen = record_attention((game := tiny_game()).encoder("text"), torch.ones(game.n_text, dtype=torch.bool))
    assert torch.equal(seen.layers[0].weights[0, 0].triu(1), torch.zeros(seen.length, seen.length))


@pytest.mark.parametrize("method", [game_attention, grad_eclip])
def test_attention_pooling_is_read(method):
    torch.manual_seed(0)
    game = VisionLanguageGame(
        load_model(SIGLIP, pretrained=False, device="cpu"), torch.randn(3, 224, 224), "a dog and a cat"
    )
    explanation = method(game)
    assert explanation.n_image == 196
    assert np.isfinite(explanation.main).all()
    assert (explanation.main[:196] > 0).any()
    assert record_attention(game.encoder("image"), torch.ones(196, dtype=torch.bool)).pool is not None


class Convolutions(nn.Module):
    def encode(self, masks):
        return F.normalize(masks.float() @ torch.eye(masks.shape[1]), dim=-1)


def test_an_encoder_without_attention_is_refused():
    with pytest.raises(ModelError, match="no attention"):
        record_attention(Convolutions().encode, torch.ones(3, dtype=torch.bool))


def test_windows_of_attention_are_refused():
    def windows(masks):
        x = torch.randn(4, 2, 5, 3)
        return F.scaled_dot_product_attention(x, x, x).sum(dim=(0, 1))[:1]

    with pytest.raises(ModelError, match="not over all positions"):
        record_attention(windows, torch.ones(3, dtype=torch.bool))


def test_layers_are_at_least_one():
    with pytest.raises(InputError, match="at least 1"):
        grad_eclip(tiny_game(), text_layers=0)
