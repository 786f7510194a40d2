import numpy as np
import pytest
import torch

from fixlip_widgets import Explanation, IncrementalExplainer, InputError, explain
from fixlip_widgets.estimators.crossmodal_regression import Modality
from fixlip_widgets.estimators.masks import draw_masks, enumerate_masks, enumeration_weights
from fixlip_widgets.estimators.third_order import regress_third
from fixlip_widgets.explanation.triples import Triples
from tests.golden import tiny_clip, tiny_game, tiny_pixels


def monomials(masks, degree):
    z = np.asarray(masks, dtype=float)
    columns = {(): np.ones(len(z)), **{(i,): z[:, i] for i in range(z.shape[1])}}
    if degree == 2:
        first, second = np.triu_indices(z.shape[1], 1)
        columns |= {(int(i), int(j)): z[:, i] * z[:, j] for i, j in zip(first, second, strict=True)}
    return columns


@pytest.mark.parametrize("p", [0.4, 0.5])
def test_order_three_equals_the_dense_regression(p):
    random = np.random.default_rng(0)
    z, t = draw_masks(5, p, 0, 90, seed=0, stream=0), enumerate_masks(3)
    e, h = random.normal(size=(90, 6)), random.normal(size=(8, 6))
    u = enumeration_weights(t, p)
    image = Modality(torch.tensor(z), torch.tensor(e), torch.full((90,), 1 / 90, dtype=torch.float64), paired=p == 0.5)
    text = Modality(torch.tensor(t), torch.tensor(h), torch.tensor(u), sampled=False)
    fit, iit, itt = regress_third(image, text).assemble()

    quadratic, linear = (monomials(z, 2), monomials(t, 2)), (monomials(z, 1), monomials(t, 1))
    names = [(a, b) for a in quadratic[0] for b in linear[1]]
    names += [(a, b) for a in linear[0] for b in quadratic[1] if b not in linear[1]]
    root = np.sqrt(np.outer(np.full(90, 1 / 90), u).ravel())
    columns = np.stack([np.outer(quadratic[0][a], quadratic[1][b]).ravel() for a, b in names], axis=1)
    dense = np.linalg.lstsq(columns * root[:, None], (e @ h.T).ravel() * root, rcond=None)[0]
    for (a, b), value in zip(names, dense, strict=True):
        players = [*a, *(5 + token for token in b)]
        if len(players) == 3:
            found = iit[b[0], a[0], a[1]] if len(a) == 2 else itt[a[0], b[0], b[1]]
        else:
            found = [fit.baseline, *fit.main[players[:1]], *fit.interactions[players[:1], players[1:2]]][len(players)]
        assert found == pytest.approx(value, abs=1e-9)


def test_an_explanation_of_order_three_predicts_better_and_knows_its_terms(tmp_path):
    explainer = IncrementalExplainer(tiny_game())
    explainer.extend(0.5, 2**15)
    second, third = explainer.explanation(), explainer.explanation(order=3)
    assert third.r2 > second.r2
    assert third.triples.image_image_text.shape == (8, 16, 16)
    orders = {len(term.players) for term in third.top(200)}
    assert orders == {2, 3}
    values = [abs(term.value) for term in third.top(50)]
    assert values == sorted(values, reverse=True)
    graph = third.to_networkx(top_k=200)
    terms = [node for node, kind in graph.nodes(data="kind") if kind == "term"]
    assert terms
    assert all(graph.degree(node) == 3 for node in terms)
    third.save(tmp_path / "third.npz")
    loaded = Explanation.load(tmp_path / "third.npz")
    np.testing.assert_array_equal(loaded.triples.image_text_text, third.triples.image_text_text)
    masks = np.random.default_rng(0).random((5, 24)) < 0.5
    np.testing.assert_array_equal(loaded.predict(masks), third.predict(masks))


def test_prediction_and_first_order_of_triples_equal_their_definitions():
    random = np.random.default_rng(1)
    iit, itt = random.normal(size=(2, 3, 3)), random.normal(size=(3, 2, 2))
    iit, itt = iit + iit.transpose(0, 2, 1), itt + itt.transpose(0, 2, 1)
    for block in (*iit, *itt):
        np.fill_diagonal(block, 0)
    explanation = Explanation(
        baseline=0.5,
        main=random.normal(size=5),
        interactions=np.zeros((5, 5)),
        tokens=("a", "b"),
        grid=(1, 3),
        p=0.3,
        order=3,
        triples=Triples(iit, itt, iit, itt),
    )
    masks = enumerate_masks(5)
    players, values, _ = explanation.triples.terms()
    expected = 0.5 + masks @ explanation.main + masks[:, players].all(axis=2) @ values
    np.testing.assert_allclose(explanation.predict(masks), expected)
    weights = enumeration_weights(masks, 0.3)
    for player in range(5):
        without, with_it = masks.copy(), masks.copy()
        without[:, player], with_it[:, player] = False, True
        marginal = explanation.predict(with_it) - explanation.predict(without)
        assert explanation.first_order()[player] == pytest.approx(float(weights @ marginal))


def test_explain_supports_order_three_only_for_full_banzhaf():
    options = {"model": tiny_clip(), "budget": 2**10}
    assert explain(tiny_pixels(), "a cat", order=3, **options).triples is not None
    for wrong in ({"scope": "cross"}, {"method": "shapley"}):
        with pytest.raises(InputError, match="order"):
            explain(tiny_pixels(), "a cat", order=3, **options, **wrong)


def test_subset_search_uses_third_order_terms():
    explainer = IncrementalExplainer(tiny_game(grid=(3, 3)))
    explainer.extend(0.3, 2**17)
    third = explainer.explanation(order=3)
    every = enumerate_masks(third.n_players)
    values = third.predict(every) - third.baseline
    for size in (4, 9):
        players, value = third.subset(size)
        chosen = np.isin(np.arange(third.n_players), players)
        assert value == pytest.approx(third.predict(chosen[None])[0] - third.baseline, abs=1e-9)
        assert np.mean(values[every.sum(axis=1) == size] <= value) > 0.99
    assert third.subsets(largest=4)[4] == third.subset(4)


def test_third_order_terms_reduce_to_their_best_pairwise_approximation():
    random, p = np.random.default_rng(3), 0.3
    iit, itt = random.normal(size=(2, 3, 3)), random.normal(size=(3, 2, 2))
    for block in (iit, itt):
        block += block.transpose(0, 2, 1)
        block[:, range(block.shape[1]), range(block.shape[1])] = 0
    triples = Triples(iit, itt, np.zeros_like(iit), np.zeros_like(itt))
    masks = enumerate_masks(5)
    root = np.sqrt(enumeration_weights(masks, p))
    columns = monomials(masks, 2)
    stacked = np.stack(list(columns.values()), axis=1)
    expected = np.linalg.lstsq(stacked * root[:, None], triples.predict(masks.astype(float)) * root, rcond=None)[0]
    main, pairs = triples.on_pairs(p)
    found = [main[key[0]] if len(key) == 1 else pairs[key] for key in columns if key]
    np.testing.assert_allclose(found, expected[1:], atol=1e-10)
