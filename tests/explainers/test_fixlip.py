import numpy as np
import pytest
import torch

from fixlip_widgets import EncodingError, FixlipError, IncrementalExplainer, InputError, PoolError, explain
from fixlip_widgets.estimators import fit_crossmodal
from fixlip_widgets.estimators.masks import enumerate_masks, enumeration_weights, split_budget
from fixlip_widgets.estimators.moments import Moments
from tests.golden import tiny_clip, tiny_game, tiny_pixels


def explained(budget=2**12, p=0.5, **options):
    explainer = IncrementalExplainer(tiny_game(), **options)
    explainer.extend(p, budget)
    return explainer


def same(first, second, atol=0.0):
    np.testing.assert_allclose(first.interactions, second.interactions, atol=atol)
    np.testing.assert_allclose(first.main, second.main, atol=atol)


@pytest.mark.parametrize("p", [0.5, 0.3])
def test_growing_in_steps_equals_one_go(p):
    steps = IncrementalExplainer(tiny_game())
    for budget in (2**10, 2**11, 2**12):
        steps.extend(p, budget)
    # batches fall differently, so embeddings differ in their last bits
    same(steps.explanation(p), explained(2**12, p).explanation(p), atol=1e-4)


def test_a_larger_budget_encodes_only_the_difference():
    explainer = explained(2**12)
    before = explainer.image_encodes
    explainer.extend(0.5, 2**12)
    assert explainer.image_encodes == before
    explainer.extend(0.5, 2**13)
    fresh = explained(2**13)
    assert explainer.image_encodes == fresh.image_encodes > before
    assert explainer.text_encodes == 256


def test_the_pool_answers_for_another_p_without_encoding():
    explainer = explained(2**14, p=0.5)
    before = explainer.image_encodes
    explanation = explainer.explanation(0.55)
    assert explainer.image_encodes == before
    assert explanation.p == 0.55
    assert 10 < explanation.effective_image_masks < explainer.explanation(0.5).effective_image_masks


@pytest.mark.parametrize("p", [0.05, 0.1, 0.3, 0.7, 0.9, 0.95])
def test_a_pool_answers_far_from_where_it_was_sampled(p):
    explainer = IncrementalExplainer(tiny_game(grid=(8, 8)))
    explainer.extend(0.5, 2**12)
    explanation = explainer.explanation(p)
    assert np.isfinite(explanation.interactions).all()
    assert explanation.effective_image_masks < explanation.n_image


@pytest.mark.parametrize("budget", [4, 12, 14, 16, 18, 32, 64])
def test_the_smallest_budgets_have_an_answer(budget):
    explainer = IncrementalExplainer(tiny_game(grid=(8, 8)))
    explainer.extend(0.5, budget)
    assert np.isfinite(explainer.explanation().interactions).all()


def test_another_p_reuses_what_counts_there():
    explainer = explained(2**14, p=0.5)
    before = explainer.image_encodes
    explainer.extend(0.55, 2**14)
    wanted, _ = split_budget(2**14, 16, 8)
    assert explainer.effective_image_masks(0.55) == pytest.approx(wanted, rel=0.1)
    assert explainer.image_encodes - before < 0.9 * explained(2**14, p=0.55).image_encodes


def test_a_new_caption_encodes_no_image():
    explainer = explained()
    images = explainer.image_encodes
    explainer.set_text("a cat")
    explanation = explainer.explanation()
    assert explainer.image_encodes == images
    assert explanation.tokens == ("a", "cat")
    fresh = IncrementalExplainer(tiny_game(1))
    fresh.extend(0.5, 2**12)
    assert explanation.similarity == pytest.approx(fresh.explanation().similarity, abs=1e-5)


def test_a_new_image_encodes_no_text():
    explainer = explained()
    texts = explainer.text_encodes
    explainer.set_image(tiny_pixels().flip(2))
    explainer.extend(0.5, 2**12)
    assert explainer.text_encodes == texts
    flipped = explainer.explanation()
    original = explained().explanation()
    assert flipped.similarity != pytest.approx(original.similarity, abs=1e-3)


def test_a_refused_caption_leaves_the_explainer_as_it_was():
    explainer = explained()
    before = explainer.explanation()
    with pytest.raises(InputError):
        explainer.set_text("")
    same(explainer.explanation(), before)


def test_cancelling_keeps_encodings_and_reports_their_budget():
    game = tiny_game(batch_size=16)
    explainer, calls = IncrementalExplainer(game), []
    explainer.extend(0.5, 2**14, progress=calls.append, cancelled=lambda: calls[-1].image_done >= 64)
    assert calls[-1].image_done == 64
    assert 0 < explainer.budget_done < 2**14
    assert explainer.explanation().budget == explainer.budget_done
    explainer.extend(0.5, 2**14)
    assert explainer.budget_done == 2**14
    same(explainer.explanation(), explained(2**14).explanation(), atol=1e-4)


def test_progress_counts_up_to_its_totals():
    calls = []
    IncrementalExplainer(tiny_game(batch_size=32)).extend(0.5, 2**12, progress=calls.append)
    fractions = [call.fraction for call in calls]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1
    assert calls[-1].image_done == calls[-1].image_total
    assert calls[-1].text_total == 256


def test_explanations_are_available_while_extending():
    explainer, partial = IncrementalExplainer(tiny_game(batch_size=16)), []

    def look(state):
        if state.image_done >= 32:
            partial.append(explainer.explanation())

    explainer.extend(0.5, 2**12, progress=look)
    assert len(partial) > 2
    assert partial[0].budget < partial[-1].budget == 2**12


def test_an_error_in_a_tower_leaves_the_pool_valid():
    game = tiny_game(batch_size=16)
    explainer, encode = IncrementalExplainer(game), game.image_tower.encode
    calls = []

    def failing(masks):
        calls.append(masks)
        return encode(masks) * (torch.nan if len(calls) == 3 else 1)

    game.image_tower.encode = failing
    with pytest.raises(EncodingError):
        explainer.extend(0.5, 2**12)
    explainer.extend(0.5, 2**12)
    same(explainer.explanation(), explained(2**12).explanation(), atol=1e-4)


def test_a_game_of_the_wrong_type_is_rejected():
    with pytest.raises(InputError, match=r"game is of type Model; create a VisionLanguageGame\("):
        IncrementalExplainer(tiny_clip())


def test_an_empty_pool_raises():
    with pytest.raises(FixlipError, match="extend"):
        IncrementalExplainer(tiny_game()).explanation()


@pytest.mark.parametrize("seed", [-1, 1.5, "x", True])
def test_a_bad_seed_is_refused(seed):
    with pytest.raises(InputError, match="seed"):
        IncrementalExplainer(tiny_game(), seed=seed)


def test_few_image_players_are_enumerated_and_then_exact():
    game = tiny_game(grid=(2, 2))
    explainer = IncrementalExplainer(game)
    explainer.extend(0.3, 2**14)
    assert explainer.image_encodes == 16
    image, text = enumerate_masks(4), enumerate_masks(8)
    exact = fit_crossmodal(
        image,
        text,
        game.image_embeddings(image),
        game.text_embeddings(text),
        enumeration_weights(image, 0.3),
        enumeration_weights(text, 0.3),
        game.scale,
    )
    explanation = explainer.explanation()
    np.testing.assert_allclose(explanation.interactions, exact.interactions, atol=1e-5)
    np.testing.assert_array_equal(explanation.interactions_se, 0)


def test_more_budget_converges_to_the_enumerated_game():
    game = tiny_game(grid=(4, 2))
    exact = IncrementalExplainer(game)
    exact.extend(0.4, 2**17)
    assert exact.image_encodes == 256
    errors = []
    for budget in (2**12, 2**15):
        # a budget that enumerates nothing: the image side is sampled
        sampled = IncrementalExplainer(game, seed=1)
        pool, count = sampled.pools.image, split_budget(budget, 8, 8)[0]
        for _ in pool.extend(game.encoder("image"), 0.4, 4 * count, game.batch, game.model.device):
            pass
        errors.append(np.abs(sampled.explanation(0.4).cross - exact.explanation(0.4).cross).max())
    assert errors[1] < errors[0] < 0.5


def test_explain_answers_what_the_incremental_explainer_does():
    direct = explain(tiny_pixels(), tiny_game().caption, model=tiny_clip(), p=0.4, budget=2**12, seed=5)
    same(direct, explained(2**12, p=0.4, seed=5).explanation())
    assert direct.seed == 5
    assert direct.p == 0.4
    assert direct.budget == 2**12
    assert direct.r2 > 0.5
    assert direct.spearman > 0.5
    assert direct.image_encodes > 0
    assert direct.model["name"] == "tiny_clip"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"scope": "crosss"}, "scope is 'crosss'"),
        ({"scope": "cross", "order": 3}, "order is 3 with scope 'cross'"),
        ({"ridge": -1}, "ridge is -1"),
        ({"ridge": "a"}, "ridge is 'a'"),
        ({"ridge": float("nan")}, "ridge is nan"),
    ],
)
def test_invalid_fit_options_are_rejected_before_encoding(options, message, monkeypatch):
    monkeypatch.setattr(IncrementalExplainer, "extend", lambda *_, **__: pytest.fail("encoded"))
    with pytest.raises(InputError, match=message):
        explain(tiny_pixels(), "a cat", model=tiny_clip(), **options)


@pytest.mark.parametrize(
    "options", [{"method": "magic"}, {"order": 4}, {"p": 0}, {"p": 1.0}, {"budget": 3}, {"budget": 2**25}, {"seed": -2}]
)
def test_explain_rejects_arguments_out_of_range(options):
    with pytest.raises(InputError):
        explain(tiny_pixels(), "a cat", model=tiny_clip(), **options)


def test_a_long_caption_is_sampled_densely():
    game = tiny_game()
    game.set_text("black dog next to a yellow hydrant and a black dog next to a")
    assert game.n_text > 12
    explainer = IncrementalExplainer(game)
    explainer.extend(0.5, 2**12)
    explanation = explainer.explanation()
    assert explainer.text_encodes > 3500
    assert (explanation.interactions_se[16:, 16:][~np.eye(game.n_text, dtype=bool)] > 0).all()


@pytest.mark.parametrize("when", ["after", "midway"])
def test_a_saved_pool_resumes_bit_for_bit(when, tmp_path):
    interrupted, calls = IncrementalExplainer(tiny_game(batch_size=16)), []
    stop = (lambda: calls[-1].image_done >= 48) if when == "midway" else None
    interrupted.extend(0.5, 2**12, progress=calls.append, cancelled=stop)
    interrupted.save(tmp_path / "pool.npz")
    resumed = IncrementalExplainer.load(tmp_path / "pool.npz", tiny_game(batch_size=16))
    assert resumed.image_encodes == interrupted.image_encodes
    whole = IncrementalExplainer(tiny_game(batch_size=16))
    whole.extend(0.5, 2**12)
    for explainer in (resumed, whole):
        explainer.extend(0.5, 2**12)
        explainer.extend(0.6, 2**12)
    for p in (0.5, 0.55, 0.6):
        first, second = resumed.explanation(p), whole.explanation(p)
        np.testing.assert_array_equal(first.interactions, second.interactions)
        np.testing.assert_array_equal(first.interactions_se, second.interactions_se)
        assert first.r2 == second.r2
    assert resumed.image_encodes == whole.image_encodes


def test_a_pool_of_another_pair_is_refused(tmp_path):
    path = tmp_path / "pool.npz"
    explained().save(path)
    content = path.read_bytes()
    with pytest.raises(PoolError, match="another caption"):
        IncrementalExplainer.load(path, tiny_game(1))
    with pytest.raises(PoolError, match="another grid"):
        IncrementalExplainer.load(path, tiny_game(grid=(2, 2)))
    other = tiny_game()
    other.set_image(tiny_pixels().flip(2))
    with pytest.raises(PoolError, match="another image"):
        IncrementalExplainer.load(path, other)
    assert path.read_bytes() == content


def test_a_damaged_pool_is_refused_and_left_untouched(tmp_path):
    path = tmp_path / "pool.npz"
    explained().save(path)
    content = path.read_bytes()
    for damaged in (content[: len(content) // 2], b"", b"nothing of the kind"):
        path.write_bytes(damaged)
        with pytest.raises(PoolError):
            IncrementalExplainer.load(path, tiny_game())
        assert path.read_bytes() == damaged
    explained().explanation().save(path)
    with pytest.raises(PoolError, match="not a pool"):
        IncrementalExplainer.load(path, tiny_game())


def test_preparing_makes_every_p_of_the_range_count():
    explainer = explained(2**15)
    before = explainer.image_encodes
    least = min(explainer.effective_image_masks(p) for p in (0.2, 0.35, 0.65, 0.8))
    explainer.prepare(share=1.0)
    wanted, _ = split_budget(2**15, 16, 8)
    assert before < explainer.image_encodes <= before + 1.2 * wanted
    after = min(explainer.effective_image_masks(p) for p in (0.2, 0.35, 0.65, 0.8))
    assert after > max(5 * least, 0.15 * wanted)
    explainer.prepare(share=1.0)
    assert explainer.image_encodes <= before + 1.2 * wanted


def test_preparing_reports_progress_over_the_missing_masks():
    explainer = explained(2**13)  # at 0.5 enough are drawn already
    states = []
    explainer.prepare(share=0.5, progress=states.append)
    done, totals = [state.image_done for state in states], {state.image_total for state in states}
    assert done == sorted(done)
    assert totals == {done[-1]}


def test_the_cross_modal_scope_leaves_out_the_other_interactions():
    explainer = explained(2**14)
    cross, full = explainer.explanation(scope="cross"), explainer.explanation()
    np.testing.assert_allclose(cross.cross, full.cross)
    np.testing.assert_array_equal(cross.interactions[:16, :16], 0)
    np.testing.assert_array_equal(cross.interactions[16:, 16:], 0)
    assert cross.r2_in_sample < full.r2_in_sample
    assert np.isnan(cross.interactions_se[0, 1])
    with pytest.raises(InputError, match="scope"):
        explainer.explanation(scope="image")


def test_running_sums_equal_sums_over_the_whole_pool():
    explainer = IncrementalExplainer(tiny_game(batch_size=16))
    explainer.extend(0.5, 2**12, progress=lambda state: state.image_done and explainer.explanation())
    modality = explainer.pools.image.modality(0.5)
    fresh = Moments.of(modality.masks, modality.embeddings, modality.weights)
    torch.testing.assert_close(modality.known_moments.slopes, fresh.slopes, atol=1e-10, rtol=0)
    torch.testing.assert_close(modality.known_moments.second_moment, fresh.second_moment, atol=1e-10, rtol=0)


def test_masks_of_one_probability_are_used_alone_once_they_dominate():
    explainer = explained(2**14, p=0.5)
    pure = explainer.explanation(0.5)
    explainer.prepare(share=0.3)
    np.testing.assert_array_equal(explainer.explanation(0.5).interactions, pure.interactions)


def test_explanations_are_cached_until_the_pool_or_pair_changes():
    explainer = explained(2**12)
    first = explainer.explanation(0.4)
    again = explainer.explanation(0.4)
    assert again is not first
    np.testing.assert_array_equal(again.interactions, first.interactions)
    assert len(explainer._fits) == 1
    assert explainer.explanation(0.4, scope="cross").scope == "cross"
    explainer.extend(0.4, 2**12)
    assert not np.array_equal(explainer.explanation(0.4).interactions, first.interactions)
    fresh = explainer.explanation(0.4)
    explainer.set_image(tiny_pixels().flip(-1))
    explainer.extend(0.5, 2**12)
    explainer.extend(0.4, 2**12)
    mirrored = explainer.explanation(0.4)
    assert len(mirrored.main) == len(fresh.main)
    assert not np.array_equal(mirrored.main, fresh.main)
    explainer.set_text("a hydrant")
    assert explainer.explanation(0.4).tokens != mirrored.tokens
