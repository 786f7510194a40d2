"""Models as people have them: the value is the model's own, or an error says why there is none."""

import copy
import json

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file
from torchvision.transforms import CenterCrop, Compose, Normalize, Resize, ToTensor

import fixlip_widgets as fx
from fixlip_widgets import EncodingError, FixlipWarning, InputError, ModelError, VisionLanguageGame, load_model
from fixlip_widgets.encoders.loading.precision import full_products
from fixlip_widgets.encoders.towers.image import PixelImageTower
from fixlip_widgets.explainers.own_forward import agree
from fixlip_widgets.support.open_clip import open_clip
from tests.encoders.towers.families import (
    CONFIGS,
    TEXT,
    VISION,
    config,
    sharpened,
    siglip,
    write_wordpiece_tokenizer,
)

CAPTION = "a dog and a red cat"


def fresh(settings=CONFIGS["CLIP"]):
    torch.manual_seed(0)
    return sharpened(load_model(copy.deepcopy(settings), pretrained=False, device="cpu"))


def picture():
    return Image.fromarray(np.random.default_rng(0).integers(0, 255, (80, 100, 3), dtype=np.uint8))


def own_similarity(model, ids=None):
    clip = model.clip
    ids = model.tokenizer([CAPTION]) if ids is None else ids
    with torch.inference_mode():
        image = torch.nn.functional.normalize(clip.encode_image(model.pixels(picture())[None]), dim=-1)
        text = torch.nn.functional.normalize(clip.encode_text(ids), dim=-1)
    return float(model.scale * image @ text.T) + model.bias


def change_in_place(clip):
    with torch.no_grad():
        clip.visual.proj[:4].add_(1.0)


def change_data(clip):
    clip.visual.proj.data += 1.0


def replace_state(clip):
    clip.load_state_dict({name: each + 0.1 for name, each in clip.state_dict().items()}, assign=True)


def change_a_row(clip):
    token = open_clip.SimpleTokenizer().encode(CAPTION)[1]
    clip.token_embedding.weight.data[token] = torch.linspace(-1, 1, 32)


def change_a_column(clip):
    clip.visual.proj.data[:, 3] += 5


def hook_visual(clip):
    clip.visual.register_forward_hook(lambda _, __, output: output + 1)


def hook_a_block(clip):
    clip.transformer.resblocks[0].register_forward_hook(add)


def replace_the_forward_of_a_layer(clip):
    layer = clip.visual.transformer.resblocks[0].mlp.c_proj
    forward = layer.forward
    layer.forward = lambda inputs: add(None, None, forward(inputs))


def replace_a_class(clip):
    clip.visual.transformer.resblocks[0].mlp.gelu.__class__ = torch.nn.Sigmoid


OF_WEIGHTS = [change_in_place, change_data, change_a_row, change_a_column, replace_state]
OF_MODULES = [hook_visual, hook_a_block, replace_the_forward_of_a_layer, replace_a_class]


@pytest.mark.parametrize("change", OF_WEIGHTS + OF_MODULES)
def test_a_game_refuses_weights_that_have_changed(change):
    model = fresh()
    game = VisionLanguageGame(model, picture(), CAPTION)
    before = game.similarity, model.weights_hash
    change(model.clip)
    for use in (lambda: game.similarity, game.fingerprint, lambda: game.image_embeddings(np.ones((1, game.n_image)))):
        with pytest.raises(EncodingError, match="changed since"):
            use()
    again = VisionLanguageGame(model, picture(), CAPTION)
    assert again.similarity == pytest.approx(own_similarity(model), abs=1e-4)
    assert again.similarity != pytest.approx(before[0], abs=1e-4)
    assert (model.weights_hash != before[1]) == (change in OF_WEIGHTS)


class LoRA(torch.nn.Module):
    """A linear layer with an adapter that can be switched off, as in PEFT."""

    def __init__(self, base):
        super().__init__()
        self.base, self.enabled = base, True
        self.update = torch.nn.Linear(base.in_features, base.out_features)

    def forward(self, inputs):
        return self.base(inputs) + (self.update(inputs) if self.enabled else 0)


def test_switching_an_adapter_off_is_noticed_and_switching_it_on_again_restores_the_game():
    model = fresh()
    mlp = model.clip.visual.transformer.resblocks[0].mlp
    mlp.c_fc = LoRA(mlp.c_fc)
    model.clip.eval()
    game = VisionLanguageGame(model, picture(), CAPTION)
    similarity = game.similarity
    mlp.c_fc.enabled = False
    with pytest.raises(EncodingError, match="adapters"):
        _ = game.similarity
    plain = VisionLanguageGame(model, picture(), CAPTION).similarity
    assert plain == pytest.approx(own_similarity(model), abs=1e-4)
    assert plain != pytest.approx(similarity, abs=1e-4)
    mlp.c_fc.enabled = True
    assert game.similarity == similarity


def add(_, __, output):
    return output + torch.linspace(0, 3, output.shape[-1])


@pytest.mark.parametrize(
    ("family", "path"),
    [
        ("CLIP", "visual"),
        ("CLIP", "visual.transformer"),
        ("CLIP", "visual.transformer.resblocks.1"),
        ("CLIP", "transformer"),
        ("SigLIP", "visual.trunk"),
        ("SigLIP", "visual"),
        ("EVA-02", "visual.trunk.patch_embed"),
    ],
)
@pytest.mark.parametrize("how", ["hook", "forward"])
def test_hooks_and_replaced_forwards_are_part_of_the_model(family, path, how):
    model = fresh(CONFIGS[family])
    plain = VisionLanguageGame(model, picture(), CAPTION).similarity
    module = model.clip.get_submodule(path)
    if how == "hook":
        module.register_forward_hook(add)
    else:
        original = module.forward
        module.forward = lambda *given, **named: add(None, None, original(*given, **named))
    game = VisionLanguageGame(model, picture(), CAPTION)
    assert game.similarity == pytest.approx(own_similarity(model), abs=1e-4)
    assert game.similarity != pytest.approx(plain, abs=1e-4)


def test_a_text_encoder_that_is_not_run_whole_refuses_hooks():
    model = fresh(siglip())
    model.clip.text.register_forward_hook(lambda _, __, output: output + 1)
    with pytest.raises(ModelError, match="text has hooks"):
        VisionLanguageGame(model, picture(), CAPTION)


def test_an_unknown_difference_of_images_falls_back_to_masked_pixels(monkeypatch):
    model = fresh()
    own = open_clip.CLIP.encode_image
    monkeypatch.setattr(open_clip.CLIP, "encode_image", lambda clip, pixels: own(clip, pixels.flip(-1)))
    game = VisionLanguageGame(model, picture(), CAPTION)
    assert isinstance(game.image_tower, PixelImageTower)
    assert game.similarity == pytest.approx(own_similarity(model), abs=1e-4)
    unchecked = VisionLanguageGame(model, picture(), CAPTION, check=False)
    assert unchecked.similarity != pytest.approx(game.similarity, abs=1e-4)


def test_an_unknown_difference_of_captions_is_refused_with_both_numbers(monkeypatch):
    model = fresh()
    similarity = VisionLanguageGame(model, picture(), CAPTION).similarity
    own = open_clip.CLIP.encode_text
    monkeypatch.setattr(open_clip.CLIP, "encode_text", lambda clip, ids: own(clip, ids.roll(3)))
    with pytest.raises(EncodingError, match=f"{similarity:.4f}.*{own_similarity(model):.4f}; the text embedding"):
        VisionLanguageGame(model, picture(), CAPTION)
    VisionLanguageGame(model, picture(), CAPTION, check=False)


def test_the_models_own_forward_pass_runs_once_per_picture_and_caption(monkeypatch):
    model, calls = fresh(), []
    for name in ("encode_image", "encode_text"):
        own = getattr(open_clip.CLIP, name)
        monkeypatch.setattr(
            open_clip.CLIP, name, lambda clip, x, own=own, name=name: calls.append(name) or own(clip, x)
        )
    game = VisionLanguageGame(model, picture(), CAPTION)
    _ = game.similarity
    assert calls == ["encode_image", "encode_text"]
    game.set_text("a hat")
    assert calls == ["encode_image", "encode_text", "encode_text"]


def test_the_similarity_reuses_the_compared_embeddings():
    game = VisionLanguageGame(fresh(), picture(), CAPTION)
    masks, encode = [], game.image_tower.encode
    game.image_tower.encode = lambda rows: masks.append(rows) or encode(rows)
    assert game.similarity == pytest.approx(own_similarity(game.model), abs=1e-4)
    assert [rows.any() for rows in masks] == [False], "only the empty pair is new"
    assert game.similarity == pytest.approx(game.value(np.ones((1, game.n_players)))[0], abs=1e-5)


def test_the_tolerance_of_the_comparison_depends_on_the_precision_of_products():
    device, before = torch.device("cpu"), torch.get_float32_matmul_precision()
    model, own = fresh(), torch.eye(8)[0]
    other = torch.nn.functional.normalize(own + 5e-4 * torch.eye(8)[1], dim=0)
    assert full_products(device)
    assert not agree(other, own, model)
    try:
        torch.set_float32_matmul_precision("medium")
        assert not full_products(device)
        assert agree(other, own, model)
    finally:
        torch.set_float32_matmul_precision(before)


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
@pytest.mark.parametrize("family", ["CLIP", "SigLIP", "EVA-02"])
def test_rounding_is_no_difference(family, precision):
    model = load_model(copy.deepcopy(CONFIGS[family]), pretrained=False, device="cpu", precision=precision)
    game = VisionLanguageGame(model, picture(), CAPTION)
    assert not isinstance(game.image_tower, PixelImageTower)


def test_autocast_and_the_default_device_change_nothing():
    model = fresh()
    expected = VisionLanguageGame(model, picture(), CAPTION).similarity
    with torch.autocast("cpu", dtype=torch.bfloat16):
        game = VisionLanguageGame(model, picture(), CAPTION)
        assert game.similarity == pytest.approx(expected, abs=1e-5)
    assert game.similarity == pytest.approx(expected, abs=1e-5)
    torch.set_default_device("meta")
    try:
        assert VisionLanguageGame(model, picture(), CAPTION).similarity == pytest.approx(expected, abs=1e-5)
    finally:
        torch.set_default_device(None)


def saved(tmp_path, settings, extras=()):
    torch.manual_seed(0)
    state = load_model(copy.deepcopy(settings), pretrained=False, device="cpu").clip.state_dict()
    torch.save({**state, **dict(extras)}, tmp_path / "weights.pt")
    return tmp_path / "weights.pt"


def test_weights_of_another_size_are_refused_with_both_sizes(tmp_path):
    larger = saved(tmp_path, config(VISION | {"image_size": 96}))
    with pytest.raises(ModelError, match=r"96×96 pixels, but the model reads 64×64.*image_size=96"):
        load_model(config(), pretrained=larger)
    assert load_model(config(), pretrained=larger, image_size=96).patch_grid == (6, 6)
    assert load_model(config(), pretrained=larger, image_size=64).patch_grid == (4, 4)
    parallel = {f"module.{name}": each for name, each in torch.load(larger).items()}
    save_file(parallel, tmp_path / "parallel.safetensors")
    with pytest.raises(ModelError, match=r"96×96 pixels, but the model reads 64×64"):
        load_model(config(), pretrained=tmp_path / "parallel.safetensors")
    longer = saved(tmp_path, config(text=TEXT | {"context_length": 24}))
    with pytest.raises(ModelError, match=r"24 text positions, but the model has 16.*context_length to 24"):
        load_model(config(), pretrained=longer)
    assert load_model(config(text=TEXT | {"context_length": 24}), pretrained=longer).tokenizer.context_length == 24


def test_openai_weights_are_recognised_by_their_settings_and_use_quickgelu(tmp_path):
    extras = {name: torch.tensor(64) for name in ("input_resolution", "context_length", "vocab_size")}
    model = load_model(config(), pretrained=saved(tmp_path, config(), extras))
    quick = load_model(config(), pretrained=saved(tmp_path, config()), quick_gelu=True)
    plain = load_model(config(), pretrained=saved(tmp_path, config()))
    values = [VisionLanguageGame(each, picture(), CAPTION).similarity for each in (model, quick, plain)]
    assert values[0] == values[1] != values[2]


def test_long_clip_weights_have_two_parts_of_positions(tmp_path):
    settings = config(text=TEXT | {"context_length": 24})
    rest = torch.randn(24, 32)
    model = load_model(settings, pretrained=saved(tmp_path, settings, {"positional_embedding_res": rest}))
    assert torch.equal(model.clip.positional_embedding[20:], rest[20:])
    blocks = (model.clip.visual.transformer.resblocks[0], model.clip.transformer.resblocks[0])
    assert [type(block.mlp.gelu).__name__ for block in blocks] == ["QuickGELU"] * 2


def test_a_file_under_a_name_with_a_quickgelu_twin_warns(tmp_path):
    save_file({"a": torch.zeros(1)}, tmp_path / "a.safetensors")
    with pytest.warns(FixlipWarning, match=r"'ViT-B-32-quickgelu'"), pytest.raises(ModelError) as raised:
        load_model("ViT-B-32", pretrained=tmp_path / "a.safetensors")
    assert "and 2" in str(raised.value)
    assert len(str(raised.value)) < 1000


def test_a_siglip_config_without_preprocessing_has_siglips(tmp_path):
    (tmp_path / "mine.json").write_text(json.dumps(siglip()))
    cfg = load_model(tmp_path / "mine.json", pretrained=False).preprocess_cfg
    assert (cfg.mean, cfg.resize_mode) == ((0.5, 0.5, 0.5), "squash")
    chosen = load_model(config(), pretrained=False, preprocess={"resize_mode": "squash"})
    assert chosen.preprocess_cfg.resize_mode == "squash"


@pytest.fixture
def listed(monkeypatch, tmp_path):
    """Return a function that lists the small CLIP in open_clip as "tiny", with tags of the given settings."""

    def list_tiny(**tags):
        (tmp_path / "tiny.json").write_text(json.dumps(config()))
        monkeypatch.setitem(open_clip.factory._MODEL_CONFIGS, "tiny", config())
        monkeypatch.setitem(open_clip.pretrained._PRETRAINED, "tiny", tags)
        return tmp_path / "tiny.json"

    return list_tiny


MOBILE = {"mean": (0.0,) * 3, "std": (1.0,) * 3, "interpolation": "bilinear", "resize_mode": "squash"}


def test_a_config_of_a_listed_architecture_is_prepared_as_its_weights_are(listed, tmp_path):
    path, weights = listed(mobile=MOBILE), saved(tmp_path, config())
    for name in ("tiny", path, config(), {"model_cfg": config()}):
        model = load_model(name, pretrained=weights, device="cpu")
        assert {field: getattr(model.preprocess_cfg, field) for field in MOBILE} == MOBILE
    own = load_model({"model_cfg": config(), "preprocess_cfg": {"mean": (0.5,) * 3}}, pretrained=weights, device="cpu")
    assert (own.preprocess_cfg.mean, own.preprocess_cfg.resize_mode) == ((0.5,) * 3, "squash")


def test_every_config_of_open_clip_is_prepared_as_its_name():
    from fixlip_widgets.encoders.loading.known_names import names_of, usual_preprocessing

    for name in ("MobileCLIP-S1", "PE-Core-B-16", "ViT-L-14-CLIPA-336", "ViT-H-14-378", "ViT-B-16-SigLIP"):
        found = usual_preprocessing(names_of(open_clip.get_model_config(name)))
        tag = open_clip.pretrained.get_pretrained_cfg(name, open_clip.list_pretrained_tags_by_model(name)[0])
        assert found == {field: tag[field] for field in MOBILE}


@pytest.mark.parametrize("name", ["tiny", "config"])
def test_weights_whose_preprocessing_depends_on_the_tag_warn(name, listed, tmp_path):
    path, weights = listed(plain={}, other=MOBILE), saved(tmp_path, config())
    model = name if name == "tiny" else path
    with pytest.warns(FixlipWarning, match=r"OpenAI's is used, which is not that of tiny \(other\)\."):
        assert load_model(model, pretrained=weights, device="cpu").preprocess_cfg.mean[0] > 0.4
    assert load_model(model, pretrained=weights, device="cpu", preprocess=MOBILE).preprocess_cfg.mean[0] == 0.0


def test_a_config_by_path_warns_of_its_quickgelu_twin(listed, monkeypatch, tmp_path):
    path, weights = listed(), saved(tmp_path, config())
    monkeypatch.setitem(open_clip.factory._MODEL_CONFIGS, "tiny-quickgelu", config(quick_gelu=True))
    with pytest.warns(FixlipWarning, match="tiny uses GELU.*quick_gelu=True"):
        load_model(path, pretrained=weights, device="cpu")
    for settled in ({"quick_gelu": True}, {"quick_gelu": False}):
        load_model(path, pretrained=weights, device="cpu", **settled)
    load_model({"model_cfg": config()}, pretrained=weights, device="cpu")


def test_a_loaded_open_clip_model_is_explained_with_its_own_preprocessing():
    clip, train, val = open_clip.create_model_and_transforms("ViT-S-32-alt")
    tokenizer = open_clip.get_tokenizer("ViT-S-32-alt")
    for model in (
        load_model(clip, tokenizer=tokenizer, preprocess=val),
        load_model((clip, train, val), tokenizer=tokenizer),
        load_model(clip, tokenizer=tokenizer),
    ):
        with torch.inference_mode():
            image = clip.encode_image(val(picture())[None], normalize=True)
            text = clip.encode_text(tokenizer([CAPTION]), normalize=True)
            expected = model.scale * float(image @ text.T)
        game = VisionLanguageGame(model, picture(), CAPTION)
        assert game.similarity == pytest.approx(expected, abs=1e-4)
    with pytest.raises(ModelError, match="needs its tokenizer"):
        load_model(clip)
    with pytest.raises(ModelError, match="otherwise than by resizing"):
        load_model(clip, tokenizer=tokenizer, preprocess=Reversed(val.transforms))


@pytest.mark.parametrize("norm", [0.5, [0.5], [0.5, 0.5, 0.5]])
def test_one_mean_stands_for_all_channels(norm):
    base = fresh()
    steps = [Resize(64), CenterCrop(64), ToTensor(), Normalize(norm, norm)]
    model = load_model(base.clip, tokenizer=base.tokenizer, preprocess=Compose(steps))
    assert (model.preprocess_cfg.mean, model.preprocess_cfg.std) == ((0.5,) * 3, (0.5,) * 3)
    assert VisionLanguageGame(model, picture(), CAPTION).similarity == pytest.approx(own_similarity(model), abs=1e-4)


def test_a_crop_smaller_than_the_resized_picture_is_refused():
    base = fresh()
    steps = [Resize(73), CenterCrop(64), ToTensor(), Normalize([0.5] * 3, [0.5] * 3)]
    with pytest.raises(ModelError, match="resizes pictures to 73 pixels and crops 64"):
        load_model(base.clip, tokenizer=base.tokenizer, preprocess=Compose(steps))


class Reversed(open_clip.transform.Compose):
    """A pipeline that exchanges red and blue."""

    def __call__(self, image):
        return super().__call__(image).flip(0)


def test_explain_accepts_a_loaded_model():
    explanation = fx.explain(picture(), CAPTION, model=fresh(), budget=2**8, progress=False)
    assert explanation.similarity == pytest.approx(own_similarity(fresh()), abs=1e-4)


def of_transformers(kind, folder, **positions):
    """A model of transformers with random weights, and its processor."""
    transformers = pytest.importorskip("transformers")
    write_wordpiece_tokenizer(folder)
    layers = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2}
    special = {"pad_token_id": 0, "bos_token_id": 2, "eos_token_id": 3, "project_dim": 32}
    model_config = getattr(transformers, f"{kind}Config")(
        text_config={**layers, "vocab_size": 13, "max_position_embeddings": 17, **special},
        vision_config={**layers, "image_size": 64, "patch_size": 16},
        projection_dim=24,
    )
    torch.manual_seed(0)
    model = getattr(transformers, f"{kind}Model")(model_config).eval()
    with torch.no_grad():
        for each in model.parameters():
            if each.numel() > 1:
                each.add_(0.1 * torch.randn(each.shape))
    pictures = transformers.CLIPImageProcessor(
        size={"shortest_edge": 64}, crop_size={"height": 64, "width": 64}, **positions
    )
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    if kind in ("CLIP", "MetaClip2"):
        tokenizer.model_input_names = ["input_ids", "attention_mask"]
    processor = {"MetaClip2": "CLIP"}.get(kind, kind)
    return model, getattr(transformers, f"{processor}Processor")(pictures, tokenizer)


@pytest.mark.parametrize("kind", ["CLIP", "MetaClip2", "ChineseCLIP", "AltCLIP"])
def test_the_value_is_that_of_the_processor_and_model_of_transformers(kind, tmp_path):
    model, processor = of_transformers(kind, tmp_path)
    caption = "a dog in the park"
    inputs = processor(text=[caption], images=picture(), return_tensors="pt")
    with torch.no_grad():
        expected = float(model(**inputs).logits_per_image)
    game = VisionLanguageGame(load_model(model, processor=processor), picture(), caption)
    assert game.similarity == pytest.approx(expected, abs=1e-4)


def test_returning_hidden_states_changes_no_weights(tmp_path):
    model, processor = of_transformers("CLIP", tmp_path)
    game = VisionLanguageGame(load_model(model, processor=processor), picture(), "a dog in the park")
    similarity = game.similarity
    with torch.no_grad():
        model(input_ids=game.text_inputs[0][None], pixel_values=game.pixels[None], output_hidden_states=True)
    assert any(module._forward_hooks for module in model.modules()), "transformers' own"
    assert game.value(np.ones((1, game.n_players))) == pytest.approx(similarity, abs=1e-5)


def test_a_processor_may_have_one_mean_but_needs_a_known_resampling(tmp_path):
    model, processor = of_transformers("CLIP", tmp_path, image_mean=0.5, image_std=0.25)
    assert load_model(model, processor=processor).preprocess_cfg.mean == (0.5,) * 3
    processor.image_processor.resample = None
    with pytest.raises(ModelError, match="with resample=None"):
        load_model(model, processor=processor)


def test_a_processor_with_another_output_size_is_refused(tmp_path):
    model, processor = of_transformers("CLIP", tmp_path, do_center_crop=False)
    with pytest.raises(ModelError, match=r"CLIPImageProcessor prepares pictures of 64 × 96 pixels.*64 × 64"):
        load_model(model, processor=processor)


@pytest.mark.parametrize("setting", [{"quick_gelu": True}, {"image_size": 64}, {"preprocess": {"mean": (0, 0, 0)}}])
def test_settings_of_a_config_are_refused_where_they_would_be_ignored(setting, tmp_path):
    with pytest.raises(InputError, match="demo model has its own"):
        load_model(**setting)
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(InputError, match="folder of transformers"):
        load_model(tmp_path, **setting)


def test_the_image_size_must_be_a_whole_number():
    for size in ("224", 224.0, True, 0):
        with pytest.raises(InputError, match="image_size is"):
            load_model("ViT-B-32", False, image_size=size)


def test_arguments_of_another_library_are_refused():
    with pytest.raises(InputError, match="an open_clip model has tokenizer="):
        load_model(fresh().clip, processor=object(), tokenizer=fresh().tokenizer)
    with pytest.raises(InputError, match="a transformers model has processor="):
        load_model(torch.nn.Linear(1, 1), tokenizer=object())
