"""The metrics on cases small enough to compute by hand, and on uninformative explanations."""

import numpy as np
import pytest

import fixlip_widgets as fx
from fixlip_widgets import InputError
from fixlip_widgets.encoders.batches import BatchSize
from fixlip_widgets.explainers.baselines import random_explanation
from fixlip_widgets.explainers.metrics import Sample, faithfulness, insertion_deletion, pointing_game, sample
from fixlip_widgets.explainers.metrics.curves import coalitions
from fixlip_widgets.explainers.metrics.pointing import tokens_of
from fixlip_widgets.support import progress
from tests.examples import dog_and_hydrant
from tests.examples import random_explanation as example
from tests.golden import tiny_game

# -- p-faithfulness -------------------------------------------------------------------------------------------------


def linear(main, **fields):
    n = len(main)
    return example(1, n - 1, ("a",), main=np.array(main), baseline=0.0, interactions=np.zeros((n, n)), **fields)


def test_faithfulness_by_hand():
    masks = np.array([[0, 0], [1, 0], [0, 1], [1, 1]], dtype=bool)
    found = Sample(masks, np.array([0.0, 1.0, 2.0, 5.0]), 0.5).faithfulness(linear([1.0, 2.0]))
    assert found.spearman == pytest.approx(1.0)
    assert found.r2 == pytest.approx(1 - 4 / 14)  # predicted 0, 1, 2, 3; mean of the values is 2
    assert (found.p, found.n_masks) == (0.5, 4)
    turned = Sample(masks, np.array([0.0, 1.0, 2.0, 5.0]), 0.5).faithfulness(linear([-1.0, -2.0]))
    assert turned.spearman == pytest.approx(-1.0)


def test_an_explanation_without_values_has_no_correlation():
    masks = np.array([[0, 0], [1, 0], [0, 1]], dtype=bool)
    assert np.isnan(Sample(masks, np.arange(3.0), 0.5).faithfulness(linear([0.0, 0.0])).spearman)


def test_values_that_differ_by_rounding_alone_have_no_fit():
    masks = np.array([[0, 0], [1, 0], [0, 1], [1, 1]], dtype=bool)
    for varied, known in ((1e-7, False), (1e-3, True)):
        values = 17.0 + varied * np.array([0.0, 1.0, 2.0, 5.0])
        found = Sample(masks, values, 0.5).faithfulness(linear([1.0, 2.0]))
        assert (np.isfinite(found.r2), np.isfinite(found.spearman)) == (known, known)


def test_masks_keep_players_with_probability_p():
    assert sample(tiny_game(1), p=0.3, n_masks=400).masks.mean() == pytest.approx(0.3, abs=0.02)


def test_one_sample_serves_every_explanation():
    game = tiny_game()
    explanation = fx.baselines.banzhaf_values(game, budget=2**10)
    alone = faithfulness(game, explanation, p=0.5, n_masks=64, seed=3)
    assert sample(game, 0.5, 64, seed=3).faithfulness(explanation) == alone
    assert alone.spearman > 0.5
    assert faithfulness(game, explanation, p=0.5, n_masks=64, seed=4) != alone


def test_random_explanations_are_faithful_by_chance_alone():
    game = tiny_game()
    drawn = sample(game, n_masks=200)
    found = [drawn.faithfulness(random_explanation(game, seed)).spearman for seed in range(60)]
    assert abs(np.mean(found)) < 3 * np.std(found) / np.sqrt(60)


@pytest.mark.parametrize(("setting", "value"), [("p", 1.0), ("n_masks", 1), ("seed", -1)])
def test_bad_settings_are_refused(setting, value):
    game = tiny_game()
    with pytest.raises(InputError, match=str(value)):
        faithfulness(game, random_explanation(game), **{setting: value})


def test_an_explanation_of_another_pair_is_refused():
    with pytest.raises(InputError, match="the game that it explains"):
        faithfulness(tiny_game(1), random_explanation(tiny_game(0)))
    with pytest.raises(InputError, match="the game that it explains"):
        insertion_deletion(tiny_game(1), random_explanation(tiny_game(0)))


# -- insertion and deletion -----------------------------------------------------------------------------------------


def test_coalitions_of_order_one_are_sorted():
    most, least = (coalitions(linear([3.0, -1.0, 2.0], order=1), sign, np.arange(4)) for sign in (1, -1))
    assert most.astype(int).tolist() == [[0, 0, 0], [1, 0, 0], [1, 0, 1], [1, 1, 1]]
    assert least.astype(int).tolist() == [[0, 0, 0], [0, 1, 0], [0, 1, 1], [1, 1, 1]]


def test_coalitions_of_order_two_count_interactions():
    pairs = np.zeros((3, 3))
    pairs[1, 2] = pairs[2, 1] = 5.0
    explanation = linear([2.0, 0.0, 0.0]).replace(interactions=pairs)
    assert coalitions(explanation, 1, np.array([3, 2])).tolist() == [[True, True, True], [False, True, True]]
    (least,) = coalitions(explanation, -1, np.array([1]))
    assert least.sum() == 1
    assert not least[0]


def test_curves_are_the_games_values_by_hand():
    game = tiny_game(1)
    n = game.n_players
    explanation = random_explanation(game, order=1).replace(main=np.arange(n, 0, -1.0))  # players in their order
    curves = insertion_deletion(game, explanation)
    masks = np.tri(n + 1, n, -1, dtype=bool)  # the first k players
    values = (game.value(masks) - game.empty_similarity) / (game.similarity - game.empty_similarity)
    np.testing.assert_allclose(curves.most, np.interp(np.linspace(0, 1, 51), np.arange(n + 1) / n, values), atol=1e-5)
    last = (game.value(masks[:, ::-1]) - game.empty_similarity) / (game.similarity - game.empty_similarity)
    np.testing.assert_allclose(curves.least, np.interp(np.linspace(0, 1, 51), np.arange(n + 1) / n, last), atol=1e-5)
    assert curves.most[0] == curves.least[0] == pytest.approx(0.0, abs=1e-5)
    assert curves.most[-1] == curves.least[-1] == pytest.approx(1.0, abs=1e-5)
    gaps = (curves.most - curves.least)[1:-1]
    assert curves.aid == pytest.approx(gaps.sum() / 50, abs=1e-5)  # the trapezoidal rule, with no gap at either end


def test_negating_an_explanation_negates_its_area():
    game = tiny_game(1)
    explanation = fx.baselines.banzhaf_values(game, budget=2**10)
    forward = insertion_deletion(game, explanation)
    back = insertion_deletion(game, explanation.replace(main=-explanation.main))
    assert forward.aid > 0
    assert back.aid == pytest.approx(-forward.aid)


def test_more_than_50_players_are_evaluated_at_51_sizes():
    game = tiny_game()
    assert game.n_players < 51
    scene = fx.demo.scene("guitar")
    large = fx.VisionLanguageGame(fx.load_model(device="cpu"), scene.image, scene.caption)
    assert large.n_players > 51
    curves = insertion_deletion(large, random_explanation(large))
    assert len(curves.kept) == len(curves.most) == 51
    assert curves.most[-1] == pytest.approx(1.0)


def test_random_explanations_have_no_area():
    game = tiny_game(1)
    areas = [insertion_deletion(game, random_explanation(game, seed, order=1)).aid for seed in range(60)]
    assert abs(np.mean(areas)) < 3 * np.std(areas) / np.sqrt(60)


# -- the pointing game ----------------------------------------------------------------------------------------------


def pointed(cross, **fields):
    """An explanation of 1 × 2 patches and the words "dog" and "cat" with these cross-modal interactions."""
    pairs = np.zeros((4, 4))
    pairs[2:, :2] = cross
    return example(1, 2, ("dog", "cat"), interactions=pairs + pairs.T, caption="dog cat", **fields)


LEFT, RIGHT = np.array([[True, False]]), np.array([[False, True]])


def test_pgr_by_hand():
    found = pointing_game(pointed([[3.0, 1.0], [-2.0, 4.0]]), {"dog": LEFT, "cat": RIGHT})
    assert found.by_word == {"dog": pytest.approx(3 / 4), "cat": pytest.approx(1.0)}
    assert found.pgr == pytest.approx((3 + 2 + 4) / (3 + 1 + 2 + 4))
    assert (found.chance, found.chance_signed) == (0.5, 0.5)


def test_a_negative_interaction_on_the_object_counts_against():
    assert pointing_game(pointed([[-3.0, 1.0], [0.0, 0.0]]), {"dog": LEFT}).pgr == 0.0


def test_order_one_scores_every_word_by_the_main_effects():
    explanation = pointed(np.zeros((2, 2)), main=np.array([3.0, 1.0, 9.0, 9.0]), order=1)
    found = pointing_game(explanation, {"dog": LEFT, "cat": RIGHT})
    assert found.by_word == {"dog": pytest.approx(3 / 4), "cat": pytest.approx(1 / 4)}
    assert found.pgr == pytest.approx(0.5)


def test_pgr_is_nan_without_interactions():
    assert np.isnan(pointing_game(pointed(np.zeros((2, 2))), {"dog": LEFT}).pgr)


def test_uninformative_maps_score_at_chance():
    regions = {"a": np.arange(6).reshape(2, 3) < 2, "dog": np.arange(6).reshape(2, 3) >= 5}
    signed = [pointing_game(example(draw=draw), regions) for draw in range(200)]
    scores = [found.pgr for found in signed]
    assert np.mean(scores) == pytest.approx(signed[0].chance_signed, abs=3 * np.std(scores) / np.sqrt(200))
    explanations = [example(draw=draw) for draw in range(200)]
    positive = [pointing_game(one.replace(interactions=np.abs(one.interactions)), regions) for one in explanations]
    scores = [found.pgr for found in positive]
    assert np.mean(scores) == pytest.approx(positive[0].chance, abs=3 * np.std(scores) / np.sqrt(200))
    assert positive[0].chance == pytest.approx((2 / 6 + 1 / 6) / 2)


def test_a_word_of_several_tokens_counts_them_all():
    explanation = dog_and_hydrant()
    assert tokens_of(explanation, "hydrant") == [6, 7]
    assert tokens_of(explanation, "yellow hydrant") == [5, 6, 7]
    assert tokens_of(explanation, (1, 2)) == [1, 2]
    assert tokens_of(explanation, 0) == [0]


def test_a_word_is_not_found_inside_another():
    explanation = example(tokens=("carrot", "and", "car"), caption="carrot and car")
    assert tokens_of(explanation, "car") == [2]
    with pytest.raises(InputError, match="not a word of the caption"):
        tokens_of(explanation, "rot")


def test_a_real_explanation_points_at_the_dog():
    region = np.zeros((7, 7), dtype=bool)
    region[4:6, :2] = True
    found = pointing_game(dog_and_hydrant(), {"dog": region})
    assert found.chance == pytest.approx(4 / 49)
    assert found.pgr > 3 * found.chance


@pytest.mark.parametrize(
    ("regions", "said"),
    [({}, "no regions"), ({"cow": LEFT}, "cow"), ({"dog": np.ones(3)}, "shape"), ({9: LEFT}, "numbered")],
)
def test_bad_regions_are_refused(regions, said):
    with pytest.raises(InputError, match=said):
        pointing_game(pointed(np.zeros((2, 2))), regions)


@pytest.mark.parametrize("measure", [faithfulness, insertion_deletion])
def test_game_and_explanation_in_the_wrong_order_are_refused(measure):
    with pytest.raises(InputError, match="The game is of type Explanation"):
        measure(example(), tiny_game())
    with pytest.raises(InputError, match="explanation is of type VisionLanguageGame; pass a game, then an"):
        measure(tiny_game(), tiny_game())


# -- progress -------------------------------------------------------------------------------------------------------


def test_long_measurements_show_their_progress_where_asked(monkeypatch, capsys):
    monkeypatch.setattr(progress, "_DELAY", 0.0)
    game = tiny_game()
    game.batch = BatchSize(10)
    shown = sample(game, n_masks=100, progress=True)
    assert "measuring" in capsys.readouterr().err
    np.testing.assert_allclose(sample(game, n_masks=100, progress=False).values, shown.values, atol=1e-4)
    insertion_deletion(game, random_explanation(game), progress=False)
    assert capsys.readouterr().err == ""
