"""Models in wrappers and forms of other libraries: the value is the model's own, or an error says why."""

import copy
import warnings

import numpy as np
import pytest
import torch

from fixlip_widgets import EncodingError, ModelError, VisionLanguageGame, explain, load_model
from fixlip_widgets.encoders.towers.image import PixelImageTower
from tests.encoders.towers.families import CONFIGS, pixels, sharpened
from tests.encoders.towers.test_transformers import as_clip_model, clip_processor
from tests.golden import tiny_clip

pytest.importorskip("transformers")
CAPTION = "a dog and a red cat"


def clip_model():
    return as_clip_model(tiny_clip().clip)


def of_transformers(model):
    return load_model(model, processor=clip_processor(), device="cpu")


def own_similarity(encode_image, encode_text, loaded):
    """Return the logit of the wrapper's own methods, for the pixels and token ids of ``loaded``."""
    with torch.no_grad():
        embedded = [
            torch.nn.functional.normalize(getattr(each, "pooler_output", each), dim=-1)
            for each in (encode_image(pixels(loaded)[None]), encode_text(loaded.tokenizer([CAPTION])))
        ]
    return float(loaded.scale * embedded[0] @ embedded[1].T)


@pytest.fixture
def peft():
    return pytest.importorskip("peft")


@pytest.fixture
def accelerate():
    return pytest.importorskip("accelerate")


@pytest.mark.filterwarnings(
    "ignore:.is_gradient_checkpointing. is deprecated:FutureWarning"
)  # of transformers, in peft
def test_a_clip_model_with_lora_has_the_value_of_its_wrapper(peft):
    torch.manual_seed(0)
    config = peft.LoraConfig(target_modules=["q_proj", "v_proj", "fc1"], init_lora_weights=False)
    wrapper = peft.get_peft_model(clip_model(), config)
    loaded = of_transformers(wrapper)
    game = VisionLanguageGame(loaded, pixels(loaded), CAPTION)
    own = own_similarity(wrapper.get_image_features, wrapper.get_text_features, loaded)
    assert game.similarity == pytest.approx(own, abs=1e-4)
    assert not isinstance(game.image_tower, PixelImageTower)
    base = VisionLanguageGame(of_transformers(clip_model()), pixels(loaded), CAPTION).similarity
    assert abs(base - own) > 1e-2
    with wrapper.disable_adapter():
        with pytest.raises(EncodingError, match="adapters"):
            game.value(np.ones((1, game.n_players)))
        plain = VisionLanguageGame(loaded, pixels(loaded), CAPTION).similarity
    assert plain == pytest.approx(base, abs=1e-4)


def test_an_open_clip_model_with_lora_has_the_value_of_its_wrapper(peft):
    torch.manual_seed(0)
    base = sharpened(load_model(copy.deepcopy(CONFIGS["CLIP"]), pretrained=False, device="cpu"))
    config = peft.LoraConfig(target_modules=["c_fc", "c_proj"], init_lora_weights=False)
    wrapper = peft.get_peft_model(base.clip, config)
    loaded = load_model(wrapper, tokenizer=base.tokenizer, preprocess=base.preprocess_cfg, device="cpu")
    game = VisionLanguageGame(loaded, pixels(loaded), CAPTION)
    own = own_similarity(wrapper.encode_image, wrapper.encode_text, loaded)
    assert game.similarity == pytest.approx(own, abs=1e-4)


@pytest.mark.parametrize("how", ["dispatch_model", "prepare"])
def test_models_that_accelerate_placed_have_the_value_of_the_model(accelerate, how):
    expected = VisionLanguageGame(of_transformers(clip_model()), pixels(tiny_clip()), CAPTION)
    if how == "prepare":
        loaded = of_transformers(accelerate.Accelerator(cpu=True).prepare(clip_model()))
    else:
        loaded = of_transformers(accelerate.dispatch_model(clip_model(), device_map={"": "cpu"}, force_hooks=True))
    game = VisionLanguageGame(loaded, pixels(tiny_clip()), CAPTION)
    assert game.similarity == pytest.approx(expected.similarity, abs=1e-4)
    assert isinstance(game.image_tower, PixelImageTower) == (how == "dispatch_model"), (
        "hooks run with the whole encoder"
    )
    masks = np.random.default_rng(0).random((5, game.n_image)) < 0.5
    np.testing.assert_allclose(game.image_embeddings(masks), expected.image_embeddings(masks), atol=5e-6)


def test_offloaded_weights_are_refused(accelerate):
    offloaded = accelerate.cpu_offload(clip_model(), execution_device="cpu")
    with pytest.raises(ModelError, match="on the meta device: they were offloaded"):
        of_transformers(offloaded)


def quantised(model):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # deprecated in favour of another package
        return torch.ao.quantization.quantize_dynamic(model, {torch.nn.Linear}, dtype=torch.qint8)


def test_layers_that_quantise_their_inputs_are_refused_because_values_would_depend_on_the_batch():
    model = quantised(clip_model())
    masked = torch.stack([pixels(tiny_clip()), 0.1 * pixels(tiny_clip(), seed=1)])
    with torch.no_grad():
        together = model.get_image_features(masked).pooler_output[1]
        alone = model.get_image_features(masked[1:]).pooler_output[0]
    assert not torch.allclose(together, alone, rtol=1e-3)
    with pytest.raises(
        ModelError, match=r"layer text_model\.encoder\.layers\.0\.self_attn\.k_proj quantises its inputs"
    ):
        of_transformers(model)
    base = load_model(copy.deepcopy(CONFIGS["CLIP"]), pretrained=False, device="cpu")
    with pytest.raises(ModelError, match="quantises its inputs"):
        load_model(quantised(base.clip), tokenizer=base.tokenizer, preprocess=base.preprocess_cfg)


@pytest.mark.parametrize("family", ["SigLIP", "EVA-02"])
@pytest.mark.parametrize("method", ["grad_eclip", "game_attention", "exclip"])
def test_attention_that_timm_does_not_fuse_does_not_change_a_gradient_method(family, method):
    torch.manual_seed(0)
    model = sharpened(load_model(copy.deepcopy(CONFIGS[family]), pretrained=False, device="cpu"))
    attentions = [module for module in model.clip.modules() if hasattr(module, "fused_attn")]
    assert {module.fused_attn for module in attentions} == {True}
    found = []
    for fused in (True, False):
        for module in attentions:
            module.fused_attn = fused
        explanation = explain(pixels(model), CAPTION, model=model, method=method, progress=False)
        found.append(np.concatenate([explanation.main, explanation.interactions.ravel()]))
        assert {module.fused_attn for module in attentions} == {fused}
    assert np.abs(found[0]).max() > 0
    np.testing.assert_allclose(found[1], found[0], atol=1e-5 * np.abs(found[0]).max())


@pytest.mark.parametrize("family", ["SigLIP", "EVA-02"])
def test_attention_that_timm_does_not_fuse_passes_the_comparison_and_masks_patches(family):
    torch.manual_seed(0)
    model = sharpened(load_model(copy.deepcopy(CONFIGS[family]), pretrained=False, device="cpu"))
    fused = VisionLanguageGame(model, pixels(model), CAPTION)
    expected = fused.similarity
    for module in model.clip.modules():
        if hasattr(module, "fused_attn"):
            module.fused_attn = False
    game = VisionLanguageGame(model, pixels(model), CAPTION)
    assert not isinstance(game.image_tower, PixelImageTower)
    assert game.similarity == pytest.approx(expected, abs=1e-5 * model.scale)


@pytest.mark.parametrize("implementation", ["eager", "sdpa"])
def test_attention_implementations_of_transformers_pass_the_comparison(implementation):
    inner = clip_model()
    inner.set_attn_implementation(implementation)
    loaded = of_transformers(inner)
    game = VisionLanguageGame(loaded, pixels(loaded), CAPTION)
    assert not isinstance(game.image_tower, PixelImageTower)
    expected = VisionLanguageGame(tiny_clip(), pixels(tiny_clip()), CAPTION).similarity
    assert game.similarity == pytest.approx(expected, abs=1e-3)


def test_a_processor_that_pads_to_the_models_size_is_refused():
    processor = copy.deepcopy(clip_processor())
    prepare = processor.image_processor
    prepare.crop_size, prepare.do_pad, prepare.pad_size = {"height": 32, "width": 32}, True, {"height": 64, "width": 64}
    photo = torch.full((3, 80, 100), 255, dtype=torch.uint8)
    assert prepare(images=photo, return_tensors="pt")["pixel_values"].shape == (1, 3, 64, 64)
    with pytest.raises(ModelError, match=r"CLIPImageProcessor prepares pictures otherwise .* padding"):
        load_model(clip_model(), processor=processor)


def test_a_processor_that_reverses_the_channels_is_refused():
    from transformers import MobileViTImageProcessor

    processor = copy.deepcopy(clip_processor())
    settings = {
        "size": {"shortest_edge": 64},
        "crop_size": {"height": 64, "width": 64},
        "resample": 3,
        # MobileViT's processor does not normalise, whatever its settings.
        "do_normalize": True,
        "image_mean": [0.0, 0.0, 0.0],
        "image_std": [1.0, 1.0, 1.0],
    }
    processor.image_processor = MobileViTImageProcessor(**settings, do_flip_channel_order=False)
    load_model(clip_model(), processor=processor)
    processor.image_processor = MobileViTImageProcessor(**settings, do_flip_channel_order=True)
    with pytest.raises(ModelError, match=r"MobileViTImageProcessor prepares pictures otherwise .* order of channels"):
        load_model(clip_model(), processor=processor)


def test_a_processor_that_pads_to_another_size_is_refused():
    processor = copy.deepcopy(clip_processor())
    processor.image_processor.do_pad = True
    processor.image_processor.pad_size = {"height": 96, "width": 96}
    with pytest.raises(ModelError, match="96 × 96 pixels, but the model reads 64 × 64"):
        load_model(clip_model(), processor=processor)
