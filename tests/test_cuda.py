"""On an NVIDIA GPU: what the processor computes, faster. Without one there is nothing to test."""

import copy
from importlib import import_module

import numpy as np
import pytest
import torch

import fixlip_widgets as fx
from fixlip_widgets import demo
from fixlip_widgets.bench.encoders import time_shares
from fixlip_widgets.encoders.models import Model
from fixlip_widgets.explainers.fixlip import IncrementalExplainer
from fixlip_widgets.explainers.recording import record
from fixlip_widgets.explainers.shapley import explain_shapley
from tests.encoders.towers import properties
from tests.encoders.towers.families import CONFIGS, WITHOUT_PATCHES, game, model
from tests.golden import load, tiny_clip, tiny_pixels

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no NVIDIA GPU here")

AT_PIXELS = WITHOUT_PATCHES | {"MobileCLIP-B", "ViTamin"}


def on_gpu(loaded: Model) -> Model:
    return Model(
        copy.deepcopy(loaded.clip).cuda(), loaded.tokenizer, loaded.name, loaded.pretrained, loaded.preprocess_cfg
    )


@pytest.fixture(scope="module")
def demo_games():
    """The same pair on both devices."""
    scene = demo.scene("dog_and_banana")
    return [fx.VisionLanguageGame(fx.load_model(device=each), scene.image, scene.caption) for each in ("cpu", "cuda")]


@pytest.fixture
def full_float32():
    with torch.backends.cudnn.flags(enabled=True, allow_tf32=False):
        yield


@pytest.fixture(params=["cuda", "cpu"])
def kept_on(request, monkeypatch):
    """Embeddings stay on the GPU, or come to the processor as those of Apple's GPUs do."""
    there = torch.device(request.param)
    for name in ("encoding", "pool", "baselines.exclip", "export.replay"):
        module = import_module(f"fixlip_widgets.{name}")
        monkeypatch.setattr(module, "home", lambda device: there if device.type == "cuda" else device)
    return request.param


@pytest.mark.parametrize(
    ("family", "masking"),
    [(family, "zero") for family in CONFIGS] + [(family, "remove") for family in CONFIGS if family not in AT_PIXELS],
)
def test_every_family_encodes_as_on_the_processor(family, masking, full_float32):
    loaded = model(family)
    here, there = game(loaded, masking=masking), game(on_gpu(loaded), masking=masking)
    image, text = properties.masks(9, here.n_image), properties.masks(9, here.n_text)
    np.testing.assert_allclose(there.image_embeddings(image).cpu(), here.image_embeddings(image), atol=2e-5)
    np.testing.assert_allclose(there.text_embeddings(text).cpu(), here.text_embeddings(text), atol=2e-5)
    np.testing.assert_allclose(there.values(image, text), here.values(image, text), atol=5e-4)


def test_patches_are_embedded_in_full_float32_whatever_convolutions_run_in():
    loaded = model("CLIP")
    with torch.backends.cudnn.flags(enabled=True, allow_tf32=True):
        there = game(on_gpu(loaded))
        masks = properties.masks(9, there.n_image)
        found = there.image_embeddings(masks).cpu()
    np.testing.assert_allclose(found, game(loaded).image_embeddings(masks), atol=5e-6)


@pytest.mark.parametrize("caption", [0, 1])
def test_values_equal_the_research_code(caption):
    golden = load("tiny_clip_expected")
    there = fx.VisionLanguageGame(on_gpu(tiny_clip()), tiny_pixels(), str(golden["captions"][caption]))
    image, text = properties.masks(30, there.n_image), properties.masks(30, there.n_text)
    here = fx.VisionLanguageGame(tiny_clip(), tiny_pixels(), str(golden["captions"][caption]))
    np.testing.assert_allclose(there.values(image, text), here.values(image, text), atol=1e-4)


@pytest.mark.parametrize("options", [{}, {"order": 3}, {"scope": "cross"}, {"ridge": 0.0}])
@pytest.mark.parametrize("p", [0.5, 0.35])
def test_explanations_are_those_of_the_processor(demo_games, p, options, kept_on):
    results = []
    for one in demo_games:
        explainer = IncrementalExplainer(one)
        explainer.extend(0.5, 2**13)
        explainer.extend(0.3, 2**13)
        results.append(explainer.explanation(p, **options))
    assert explainer.encoded("image")[1].device.type == kept_on
    here, there = results
    spread = np.abs(here.cross).max()
    np.testing.assert_allclose(there.cross, here.cross, atol=2e-2 * spread)
    np.testing.assert_allclose(there.interactions_se, here.interactions_se, atol=2e-2 * spread, equal_nan=True)
    assert there.r2 == pytest.approx(here.r2, abs=0.01)


def test_a_caption_too_long_to_enumerate_is_explained_as_on_the_processor(demo_games):
    caption = "a dog and a banana and a cat and a hat next to a red apple and two green pears on a table"
    results = []
    for one in demo_games:
        explainer = IncrementalExplainer(fx.VisionLanguageGame(one.model, one.picture, caption, (4, 4)))
        explainer.extend(0.4, 2**13)
        results.append(explainer.explanation())
    here, there = results
    spread = np.abs(here.cross).max()
    np.testing.assert_allclose(there.cross, here.cross, atol=2e-2 * spread)
    np.testing.assert_allclose(there.interactions_se, here.interactions_se, atol=2e-2 * spread, equal_nan=True)


@pytest.mark.parametrize("order", [1, 2])
def test_shapley_runs_on_the_gpu(demo_games, order, kept_on):
    here, there = (explain_shapley(one, 2**12, order=order) for one in demo_games)
    np.testing.assert_allclose(there.main, here.main, atol=0.02 * np.abs(here.main).max())


@pytest.mark.parametrize("method", ["game_attention", "grad_eclip", "exclip", "banzhaf_values", "random_explanation"])
def test_every_baseline_runs_on_the_gpu(demo_games, method, kept_on):
    here, there = (getattr(fx.baselines, method)(one) for one in demo_games)
    np.testing.assert_allclose(there.main, here.main, atol=1e-2 * max(np.abs(here.main).max(), 1e-6))
    np.testing.assert_allclose(there.interactions, here.interactions, atol=1e-2)


def test_metrics_are_those_of_the_processor(demo_games):
    here, there = demo_games
    explanation = fx.baselines.banzhaf_values(here, budget=2**12)
    for one in (there, here):
        assert fx.metrics.faithfulness(one, explanation, n_masks=100).spearman == pytest.approx(
            fx.metrics.faithfulness(here, explanation, n_masks=100).spearman, abs=1e-3
        )
        assert fx.metrics.insertion_deletion(one, explanation).aid == pytest.approx(
            fx.metrics.insertion_deletion(here, explanation).aid, abs=1e-2
        )


def test_a_pool_saved_on_the_gpu_goes_on_bit_for_bit_there_and_is_read_on_the_processor(demo_games, tmp_path, kept_on):
    here, there = demo_games
    first = IncrementalExplainer(there)
    first.extend(0.5, 2**12)
    first.save(tmp_path / "pool.npz")
    again = IncrementalExplainer.load(tmp_path / "pool.npz", there)
    assert again.encoded("image")[1].device.type == kept_on
    np.testing.assert_array_equal(again.explanation().interactions, first.explanation().interactions)
    moved = IncrementalExplainer.load(tmp_path / "pool.npz", here)
    np.testing.assert_allclose(moved.explanation().cross, first.explanation().cross, atol=0.02)


@pytest.mark.parametrize("options", [{"grid": (2, 2)}, {}], ids=["enumerated", "sampled"])
def test_a_recording_is_made_there(demo_games, options, kept_on):
    scene, explainers = demo.scene("dog_and_banana"), []
    for one in demo_games:
        explainer = IncrementalExplainer(fx.VisionLanguageGame(one.model, scene.image, scene.caption, **options))
        explainer.extend(0.5, 2**11)
        explainers.append(explainer)
    here, there = (record(each, p=[0.4], text=["a dog"], playground=True).explanations for each in explainers)
    assert len(here) == len(there) == 4
    for first, second in zip(here, there, strict=True):
        np.testing.assert_allclose(second.main, first.main, atol=2e-2 * np.abs(first.main).max())


def test_a_new_caption_encodes_no_image(demo_games):
    explainer = IncrementalExplainer(fx.VisionLanguageGame(demo_games[1].model, demo.scene("guitar").image, "a guitar"))
    explainer.extend(0.5, 2**12)
    before = explainer.image_encodes
    explainer.set_text("a dog above a guitar")
    assert explainer.explanation().cross.shape == (explainer.game.n_text, explainer.game.n_image)
    assert explainer.image_encodes == before
    explainer.prepare(0.5)
    assert explainer.explanation(0.7).n_players == explainer.game.n_players


def test_the_widget_explains_on_the_gpu(demo_games):
    scene = demo.scene("dog_and_banana")
    widget = fx.FixlipWidget(scene.image, scene.caption, model=demo_games[1].model, budget=2**12)
    widget.run()
    assert widget.wait(60)
    assert widget.explanation.r2 > 0.5
    widget.close()


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_half_precision_keeps_the_embeddings_direction(precision):
    scene = demo.scene("dog_and_banana")
    whole, half = (
        fx.VisionLanguageGame(fx.load_model(device="cuda", precision=each), scene.image, scene.caption)
        for each in ("float32", precision)
    )
    masks = properties.masks(64, whole.n_image)
    cosines = (whole.image_embeddings(masks) * half.image_embeddings(masks)).sum(1)
    assert float(cosines.min()) > 0.999


def test_running_out_of_memory_halves_the_batch_and_goes_on():
    scene = demo.scene("dog_and_banana")
    wanted = fx.VisionLanguageGame(fx.load_model(device="cuda"), scene.image, scene.caption)
    masks = properties.masks(4096, wanted.n_image)
    expected = wanted.image_embeddings(masks)
    torch.cuda.empty_cache()
    used = torch.cuda.memory_reserved() / torch.cuda.get_device_properties(0).total_memory
    torch.cuda.set_per_process_memory_fraction(used + 0.003)
    try:
        little = fx.VisionLanguageGame(wanted.model, scene.image, scene.caption, batch_size=4096)
        found = little.image_embeddings(masks)
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
    assert little.batch.size < 4096
    np.testing.assert_allclose(found.cpu(), expected.cpu(), atol=2e-5)


def what_is_left():
    """Tensors in all the memory that PyTorch can still hand out, the largest first."""
    for size in (2**k for k in range(30, 8, -1)):
        try:
            while True:
                yield torch.empty(size, dtype=torch.uint8, device="cuda")
        except torch.cuda.OutOfMemoryError:
            continue


def test_a_device_without_room_for_one_mask_is_named():
    scene = demo.scene("dog_and_banana")
    tight = fx.VisionLanguageGame(fx.load_model(device="cuda"), scene.image, scene.caption, batch_size=1)
    torch.cuda.empty_cache()
    torch.cuda.set_per_process_memory_fraction(1e-6)
    taken = list(what_is_left())
    try:
        with pytest.raises(fx.EncodingError, match="too little memory"):
            tight.image_embeddings(properties.masks(1, tight.n_image))
    finally:
        taken.clear()
        torch.cuda.set_per_process_memory_fraction(1.0)


def test_a_model_that_has_moved_is_named():
    loaded = fx.load_model(device="cuda")
    one = fx.VisionLanguageGame(loaded, demo.scene("guitar").image, "a guitar")
    loaded.clip.cpu()
    with pytest.raises(fx.EncodingError, match="is on cpu now"):
        one.image_embeddings(properties.masks(1, one.n_image))


def test_the_profile_of_a_product_is_a_matrix_product():
    left = torch.ones(4096, 4096, device="cuda")
    assert time_shares(lambda: [left @ left for _ in range(5)])["matrix products"] > 0.9


def test_large_second_order_solves_agree_with_the_processor():
    from fixlip_widgets.estimators.masks import draw_masks
    from fixlip_widgets.estimators.quadratic import QuadraticDesign

    n, count = 100, 12_000
    masks = torch.from_numpy(draw_masks(n, 0.5, 0, count, seed=0, stream=0))
    generator = torch.Generator().manual_seed(0)
    pairs = torch.randn(n, n, generator=generator)
    z = masks.double() - 0.5
    targets = z @ torch.randn(n, generator=generator).double() + ((z @ pairs.double()) * z).sum(1)
    weights = torch.full((count,), 1 / count, dtype=torch.float64)
    here = QuadraticDesign(masks, weights, paired=True).fit(targets)
    there = QuadraticDesign(masks.cuda(), weights.cuda(), paired=True).fit(targets.cuda())
    np.testing.assert_allclose(there.pairs.cpu(), here.pairs, atol=1e-8)
