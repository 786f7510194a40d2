"""The same weights through open_clip and through transformers."""

import copy
import json
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from fixlip_widgets import EncodingError, FixlipWarning, InputError, ModelError, VisionLanguageGame, load_model
from fixlip_widgets.doctor import examine_model
from tests.encoders.towers import properties
from tests.encoders.towers.families import game, sharpened, siglip, write_sentencepiece_tokenizer
from tests.golden import load, tiny_clip, tiny_pixels

transformers = pytest.importorskip("transformers")


def clip_processor():
    """Return a new processor of CLIP for pictures of 64 pixels, with CLIP's own vocabulary."""
    return copy.deepcopy(_clip_processor())


@cache
def _clip_processor():
    """Write the vocabulary of open_clip's tokenizer and read it with transformers."""
    import gzip

    from open_clip.tokenizer import default_bpe

    from fixlip_widgets.support.open_clip import open_clip

    with gzip.open(default_bpe(), "rt", encoding="utf-8") as stream:
        merges = stream.read().split("\n")[1 : 49152 - 256 - 2 + 1]
    vocabulary = dict(open_clip.SimpleTokenizer().encoder)
    vocabulary["<|startoftext|>"] = vocabulary.pop("<start_of_text>")
    vocabulary["<|endoftext|>"] = vocabulary.pop("<end_of_text>")
    with TemporaryDirectory() as folder:
        Path(folder, "vocab.json").write_text(json.dumps(vocabulary))
        Path(folder, "merges.txt").write_text("#version: 0.2\n" + "\n".join(merges))
        tokenizer = transformers.CLIPTokenizer.from_pretrained(folder)
    pictures = transformers.CLIPImageProcessor(size={"shortest_edge": 64}, crop_size=64)
    return transformers.CLIPProcessor(pictures, tokenizer)


def renamed(state, prefix, names):
    """Blocks of open_clip or timm with the names that transformers gives them; its attention keeps q, k, v apart."""
    result = {}
    for name, tensor in state.items():
        for old, new in names.items():
            name = name.replace(old, new)
        if "attn.in_proj_" in name or "attn.qkv." in name:
            kind = name.rsplit("in_proj_" if "in_proj_" in name else "qkv.")[-1]
            block = name[: name.index("attn.")]
            for part, piece in zip("qkv", tensor.chunk(3), strict=True):
                result[f"{prefix}{block}self_attn.{part}_proj.{kind}"] = piece
        else:
            result[prefix + name.replace("attn.", "self_attn.")] = tensor
    return result


TEXT_BLOCKS = {
    "transformer.resblocks": "encoder.layers",
    "out_proj": "out_proj",
    "ln_1": "layer_norm1",
    "ln_2": "layer_norm2",
    "mlp.c_fc": "mlp.fc1",
    "mlp.c_proj": "mlp.fc2",
    "token_embedding": "embeddings.token_embedding",
    "positional_embedding": "embeddings.position_embedding.weight",
    "ln_final": "final_layer_norm",
    "text_projection": "head",
}
TIMM_BLOCKS = {
    "blocks": "encoder.layers",
    "attn_pool.latent": "head.probe",
    "attn_pool.norm": "head.layernorm",
    "attn_pool.mlp": "head.mlp",
    "attn_pool.proj": "head.attention.out_proj",
    "norm1": "layer_norm1",
    "norm2": "layer_norm2",
    "attn.proj": "attn.out_proj",
    "patch_embed.proj": "embeddings.patch_embedding",
    "pos_embed": "embeddings.position_embedding.weight",
}


def as_clip_model(clip):
    """A ``CLIPModel`` with the weights of an open_clip model."""
    visual, width = clip.visual, clip.token_embedding.embedding_dim
    activation = "quick_gelu" if type(visual.transformer.resblocks[0].mlp.gelu).__name__ == "QuickGELU" else "gelu"
    config = transformers.CLIPConfig(
        projection_dim=clip.text_projection.shape[1],
        text_config={
            "vocab_size": clip.vocab_size,
            "hidden_size": width,
            "intermediate_size": 4 * width,
            "num_hidden_layers": len(clip.transformer.resblocks),
            "num_attention_heads": clip.transformer.resblocks[0].attn.num_heads,
            "max_position_embeddings": clip.context_length,
            "hidden_act": activation,
            "eos_token_id": 49407,
            "bos_token_id": 49406,
            "pad_token_id": 49407,
        },
        vision_config={
            "hidden_size": visual.transformer.width,
            "intermediate_size": 4 * visual.transformer.width,
            "num_hidden_layers": len(visual.transformer.resblocks),
            "num_attention_heads": visual.transformer.resblocks[0].attn.num_heads,
            "image_size": visual.image_size[0],
            "patch_size": visual.patch_size[0],
            "hidden_act": activation,
        },
    )
    own = clip.state_dict()
    text = {name: each for name, each in own.items() if not name.startswith(("visual.", "logit_", "text_projection"))}
    image = {name.removeprefix("visual."): each for name, each in own.items() if name.startswith("visual.")}
    names = TEXT_BLOCKS | {
        "class_embedding": "embeddings.class_embedding",
        "conv1": "embeddings.patch_embedding",
        "ln_pre": "pre_layrnorm",
        "ln_post": "post_layernorm",
    }
    projection = image.pop("proj")
    state = renamed(text, "text_model.", TEXT_BLOCKS) | renamed(image, "vision_model.", names)
    state |= {"text_projection.weight": own["text_projection"].T, "visual_projection.weight": projection.T}
    return loaded(transformers.CLIPModel(config), state | {"logit_scale": own["logit_scale"]})


def as_siglip_model(clip, kind):
    """A ``SiglipModel`` or ``Siglip2Model`` with the weights of an open_clip model."""
    trunk, text = clip.visual.trunk, clip.text
    vision = {
        "hidden_size": trunk.embed_dim,
        "intermediate_size": 4 * trunk.embed_dim,
        "num_hidden_layers": len(trunk.blocks),
        "num_attention_heads": trunk.blocks[0].attn.num_heads,
        "patch_size": 16,
    }
    config = getattr(transformers, f"{kind}Config")(
        text_config={
            "vocab_size": text.vocab_size,
            "hidden_size": text.width,
            "intermediate_size": 4 * text.width,
            "num_hidden_layers": len(text.transformer.resblocks),
            "num_attention_heads": text.heads,
            "max_position_embeddings": text.context_length,
            "projection_size": text.output_dim,
            "hidden_act": "gelu",
        },
        vision_config=vision
        | {"hidden_act": "gelu"}
        | ({"num_patches": trunk.patch_embed.num_patches} if kind == "Siglip2" else {"image_size": 64}),
    )
    own = {name.removeprefix("trunk."): each for name, each in clip.visual.state_dict().items()}
    q, kv = ({part: own.pop(f"attn_pool.{name}.{part}") for part in ("weight", "bias")} for name in ("q", "kv"))
    own["pos_embed"] = own["pos_embed"][0]
    own |= {f"post_layernorm.{part}": own.pop(f"norm.{part}") for part in ("weight", "bias")}
    if kind == "Siglip2":  # its patches are cut before, channels last
        own["patch_embed.proj.weight"] = own["patch_embed.proj.weight"].permute(0, 2, 3, 1).flatten(1)
    state = renamed(own, "vision_model.", TIMM_BLOCKS) | renamed(text.state_dict(), "text_model.", TEXT_BLOCKS)
    for part in ("weight", "bias"):
        state[f"vision_model.head.attention.in_proj_{part}"] = torch.cat([q[part], kv[part]])
    state |= {name: getattr(clip, name).detach().reshape(1) for name in ("logit_scale", "logit_bias")}
    return loaded(getattr(transformers, f"{kind}Model")(config), state)


def loaded(target, state):
    missing, unexpected = target.load_state_dict(state, strict=False)
    assert not unexpected
    assert not [name for name in missing if "position_ids" not in name]
    return target.eval()


@pytest.fixture
def clip_model(tmp_path):
    return load_model(as_clip_model(tiny_clip().clip), processor=clip_processor())


@pytest.mark.parametrize("caption", [0, 1])
def test_clip_through_transformers_gives_the_golden_values(clip_model, caption):
    golden = load("tiny_clip_expected")
    pair = VisionLanguageGame(clip_model, tiny_pixels(), str(golden["captions"][caption]))
    ours = VisionLanguageGame(tiny_clip(), tiny_pixels(), str(golden["captions"][caption]))
    assert (pair.tokens, pair.grid) == (ours.tokens, ours.grid)
    values = pair.values(golden[f"caption{caption}_image_masks"], golden[f"caption{caption}_text_masks"])
    np.testing.assert_allclose(values, golden[f"caption{caption}_values"], atol=1e-4)


@pytest.fixture(params=["Siglip", "Siglip2"])
def siglip_pair(request, tmp_path):
    """The same SigLIP weights through open_clip and through transformers."""
    write_sentencepiece_tokenizer(tmp_path)
    torch.manual_seed(0)
    # transformers' SigLIP has one width for both encoders
    config = siglip(hf_tokenizer_name=str(tmp_path), vocab_size=300, width=48)
    ours = sharpened(load_model(config, pretrained=False, device="cpu"))
    # as published tokenizers of SigLIP: padding is read, so that no attention mask is returned
    tokenizer = transformers.AutoTokenizer.from_pretrained(tmp_path, model_input_names=["input_ids"])
    if request.param == "Siglip":
        pictures = transformers.SiglipImageProcessor(size={"height": 64, "width": 64})
        processor = transformers.SiglipProcessor(pictures, tokenizer)
    else:
        pictures = transformers.Siglip2ImageProcessor()
        processor = transformers.Siglip2Processor(pictures, tokenizer)
    return ours, load_model(as_siglip_model(ours.clip, request.param), processor=processor)


def test_siglip_through_transformers_gives_the_same_values(siglip_pair):
    ours, theirs = (game(each) for each in siglip_pair)
    assert (theirs.tokens, theirs.grid, theirs.bias) == (ours.tokens, ours.grid, ours.bias)
    masks = properties.masks(6, ours.n_image), properties.masks(6, ours.n_text)
    np.testing.assert_allclose(theirs.values(*masks), ours.values(*masks), atol=1e-4)


@pytest.mark.parametrize("siglip_pair", ["Siglip2"], indirect=True)
def test_naflex_pictures_have_the_models_own_value_or_a_warning(siglip_pair):
    """NaFlex keeps the shape of a picture; here, it becomes a square."""
    model = siglip_pair[1].clip.model
    pictures = transformers.Siglip2ImageProcessor(max_num_patches=16)
    loaded = load_model(model, processor=transformers.Siglip2Processor(pictures, siglip_pair[1].tokenizer.tokenizer))
    colours = np.random.default_rng(0).integers(0, 256, (64, 160, 3), dtype=np.uint8)
    square, wide = Image.fromarray(colours[:, :64]), Image.fromarray(colours)
    with torch.inference_mode():
        inputs = pictures(images=square, return_tensors="pt")
        own = model(input_ids=loaded.tokenizer(["a dog"]), **inputs).logits_per_image
        theirs = model(input_ids=loaded.tokenizer(["a dog"]), **pictures(images=wide, return_tensors="pt"))
    assert VisionLanguageGame(loaded, square, "a dog").similarity == pytest.approx(float(own), abs=1e-4)
    with pytest.warns(FixlipWarning) as warned:
        explained = VisionLanguageGame(loaded, wide, "a dog").similarity
    messages = [str(each.message) for each in warned]
    assert "would cut this picture into 2 × 5 patches; it is resized to 4 × 4" in messages[0]
    numbers = f"the similarity is {float(theirs.logits_per_image):.4f}; explained is {explained:.4f}"
    assert f"With the picture in 2 × 5 patches, as the processor cuts it, {numbers}" in messages[-1]


@pytest.mark.parametrize("siglip_pair", ["Siglip2"], indirect=True)
def test_pictures_in_square_patches_are_those_of_the_processor(siglip_pair):
    model = siglip_pair[1].clip.model
    pictures = transformers.Siglip2ImageProcessor(max_num_patches=16)
    loaded = load_model(model, processor=transformers.Siglip2Processor(pictures, siglip_pair[1].tokenizer.tokenizer))
    square = Image.fromarray(np.random.default_rng(0).integers(0, 256, (150, 150, 3), dtype=np.uint8))
    expected = pictures(images=square, return_tensors="pt").pixel_values
    torch.testing.assert_close(loaded.clip.image_inputs(loaded.pixels(square)[None])["pixel_values"], expected)


def wide_picture():
    return Image.fromarray(np.random.default_rng(0).integers(0, 256, (80, 100, 3), dtype=np.uint8))


def own_logit(model, processor, caption="a red dog"):
    inputs = processor(text=[caption], images=wide_picture(), padding=True, return_tensors="pt")
    with torch.inference_mode():
        return float(model(**inputs).logits_per_image)


def double_the_logits(_, __, output):
    output.logits_per_image = 2 * output.logits_per_image
    return output


def turn_the_image(_, __, output):
    output.image_embeds = output.image_embeds.roll(1, dims=-1)
    output.logits_per_image = output.logits_per_image - 1
    return output


def test_the_similarity_is_that_of_the_model_on_what_its_processor_returns(clip_model):
    pair = VisionLanguageGame(clip_model, wide_picture(), "a red dog")
    assert pair.similarity == pytest.approx(own_logit(clip_model.clip.model, clip_processor()), abs=1e-4)


@pytest.mark.parametrize(
    ("hook", "part"), [(double_the_logits, "the logit differs"), (turn_the_image, "the image embedding differs")]
)
def test_a_hook_on_the_whole_model_is_refused_with_both_numbers(clip_model, hook, part):
    similarity = VisionLanguageGame(clip_model, wide_picture(), "a red dog").similarity
    model = clip_model.clip.model
    model.register_forward_hook(hook)
    own = own_logit(model, clip_processor())
    assert own != pytest.approx(similarity, abs=0.1)
    with pytest.raises(EncodingError, match=f"{similarity:.4f}, but the model itself gives {own:.4f}; {part}"):
        VisionLanguageGame(clip_model, wide_picture(), "a red dog")
    unchecked = VisionLanguageGame(clip_model, wide_picture(), "a red dog", check=False)
    assert unchecked.similarity == pytest.approx(similarity, abs=1e-5)


class Rewriting(transformers.CLIPProcessor):
    """A processor that rewrites captions before its tokenizer reads them."""

    def __call__(self, images=None, text=None, **options):
        return super().__call__(images, text and [f"a photo of {each}" for each in text], **options)


class Failing(transformers.CLIPProcessor):
    """A processor that needs an argument which others do not have."""

    def __call__(self, images=None, text=None, *, boxes, **options):
        return super().__call__(images, text, **options)


def test_a_processor_that_rewrites_captions_is_refused_with_both_numbers(clip_model):
    model, parts = clip_model.clip.model, clip_processor()
    similarity = VisionLanguageGame(clip_model, wide_picture(), "a red dog").similarity
    processor = Rewriting(parts.image_processor, parts.tokenizer)
    loaded, own = load_model(model, processor=processor), own_logit(model, processor)
    with pytest.raises(EncodingError, match=f"{similarity:.4f}, .* {own:.4f}; the text embedding differs"):
        VisionLanguageGame(loaded, wide_picture(), "a red dog")


def test_a_processor_that_fails_is_named(clip_model):
    parts = clip_processor()
    loaded = load_model(clip_model.clip.model, processor=Failing(parts.image_processor, parts.tokenizer))
    with pytest.raises(EncodingError, match=r"processor could not prepare .* 'boxes'.* check=False"):
        VisionLanguageGame(loaded, wide_picture(), "a red dog")
    assert np.isfinite(VisionLanguageGame(loaded, wide_picture(), "a red dog", check=False).similarity)


def test_properties_of_siglip_through_transformers(siglip_pair):
    pair = game(siglip_pair[1])
    properties.everything_kept_is_the_models_own(pair)
    properties.masking_embeddings_is_masking_pixels(pair)
    properties.removed_pixels_have_no_gradient(pair)
    properties.hidden_tokens_have_no_gradient(pair)
    properties.the_order_of_masks_changes_nothing(pair)


def test_properties_of_clip_through_transformers(clip_model):
    pair = game(clip_model)
    properties.everything_kept_is_the_models_own(pair)
    properties.masking_embeddings_is_masking_pixels(pair)
    properties.removed_pixels_have_no_gradient(pair)
    properties.hidden_tokens_have_no_gradient(pair)
    properties.the_order_of_masks_changes_nothing(pair)


def test_everything_kept_is_the_transformers_models_own_logit(clip_model):
    pair = game(clip_model)
    with torch.inference_mode():
        own = clip_model.clip.model(pixel_values=pair.pixels[None], input_ids=clip_model.tokenizer([pair.caption]))
    assert pair.similarity == pytest.approx(float(own.logits_per_image), abs=1e-5)


def test_pictures_are_prepared_as_the_processor_does(tmp_path):
    processor = clip_processor()
    loaded = load_model(as_clip_model(tiny_clip().clip), processor=processor)
    colours = np.random.default_rng(0).integers(0, 256, (9, 12, 3), dtype=np.uint8)
    picture = Image.fromarray(colours).resize((120, 90), Image.Resampling.BILINEAR)
    expected = processor.image_processor(picture, return_tensors="pt").pixel_values[0]
    # resizing rounds to whole grey levels here and there: at most two of 256
    np.testing.assert_allclose(loaded.pixels(picture), expected, atol=2 / 255 / 0.26)


def test_a_folder_that_transformers_saved_loads_offline(clip_model, tmp_path):
    folder = tmp_path / "saved"
    clip_model.clip.model.save_pretrained(folder)
    clip_processor().save_pretrained(folder)
    again = load_model(folder)
    assert (again.name, again.weights_hash) == ("saved", clip_model.weights_hash)
    assert game(again).similarity == pytest.approx(game(clip_model).similarity, abs=1e-5)


def saved(model, folder):
    model.save_pretrained(folder / "saved")
    clip_processor().save_pretrained(folder / "saved")
    return folder / "saved"


def test_a_folder_that_lacks_weights_is_refused(clip_model, tmp_path):
    folder = saved(clip_model.clip.model, tmp_path)
    weights = load_file(folder / "model.safetensors")
    projection = weights.pop("visual_projection.weight")
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    with pytest.raises(ModelError, match=r"1 missing, including visual_projection.weight"):
        load_model(folder)
    save_file(weights | {"visual_projection.weight": projection[:3]}, folder / "model.safetensors", {"format": "pt"})
    with pytest.raises(ModelError, match="could not be loaded"):
        load_model(folder)
    (folder / "model.safetensors").write_bytes(b"0" * 1000)
    with pytest.raises(ModelError, match="could not be loaded"):
        load_model(folder)
    with pytest.raises(InputError, match="has its own weights"):
        load_model(folder, pretrained="other.safetensors")


def test_code_in_a_folder_is_neither_run_nor_prompted_for(clip_model, tmp_path, monkeypatch):
    folder = saved(clip_model.clip.model, tmp_path)
    config = json.loads((folder / "config.json").read_text())
    own = {"model_type": "theirs", "auto_map": {"AutoConfig": "theirs.Config", "AutoModel": "theirs.Model"}}
    (folder / "config.json").write_text(json.dumps(config | own))
    (folder / "theirs.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w').close()\nclass Config: pass\n")
    monkeypatch.setattr("builtins.input", lambda *_: "y")
    with pytest.raises(ModelError, match="could not be loaded"):
        load_model(folder)
    assert "readable config.json (transformers)" in examine_model(str(folder))[0].detail
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("setting", "value"),
    [("do_normalize", False), ("do_rescale", False), ("rescale_factor", 1 / 127.5), ("do_resize", False)],
)
def test_a_processor_with_unsupported_settings_is_refused(setting, value, clip_model, tmp_path):
    processor = clip_processor()
    setattr(processor.image_processor, setting, value)
    with pytest.raises(ModelError, match=f"has {setting}={value}; only"):
        load_model(clip_model.clip.model, processor=processor)


def test_a_folder_without_safetensors_is_refused(clip_model, tmp_path):
    clip_model.clip.model.save_pretrained(tmp_path)
    (tmp_path / "model.safetensors").unlink()
    torch.save(clip_model.clip.model.state_dict(), tmp_path / "pytorch_model.bin")
    with pytest.raises(ModelError, match="in safetensors format"):
        load_model(tmp_path)


def test_a_users_model_keeps_its_precision_and_its_gradients(tmp_path):
    own = as_clip_model(tiny_clip().clip).to(torch.bfloat16)
    loaded = load_model(own, processor=clip_processor())
    assert loaded.dtype == torch.bfloat16
    assert all(parameter.requires_grad for parameter in own.parameters())
    assert np.isfinite(game(loaded).similarity)


def test_a_missing_processor_and_an_unsupported_class_are_refused(clip_model):
    with pytest.raises(ModelError, match="needs its processor"):
        load_model(clip_model.clip.model)
    with pytest.raises(ModelError, match="is a Linear"):
        load_model(torch.nn.Linear(2, 2), processor=object())


def test_errors_for_wrapped_and_open_clip_models_name_what_to_pass(clip_model):
    with pytest.raises(ModelError, match=r"Pass the wrapped model: model\.module"):
        load_model(torch.nn.DataParallel(clip_model.clip.model), processor=object())
    with pytest.raises(ModelError, match="needs its tokenizer and preprocessing"):
        load_model(tiny_clip().clip)
    with pytest.raises(
        ModelError, match="open_clip model from the Hugging Face hub as 'hf-hub:openai/clip-vit-base-patch32'"
    ):
        load_model("openai/clip-vit-base-patch32")


def test_text_after_an_end_token_in_the_caption_has_no_effect(clip_model):
    pair = game(clip_model, "a dog <|endoftext|> cat")
    assert pair.tokens[:2] == ("a", "dog")
    properties.everything_kept_is_the_models_own(pair)
    kept = np.ones((2, pair.n_text), dtype=bool)
    kept[1, -1] = False
    np.testing.assert_array_equal(*pair.text_embeddings(kept).numpy())


def test_a_tokenizer_that_puts_the_end_first_is_refused(clip_model):
    own = copy.deepcopy(clip_model)
    own.tokenizer.tokenizer.padding_side = "left"
    with pytest.raises(ModelError, match="reads none of the caption's tokens"):
        game(own)


def test_a_subclass_pools_at_the_same_end_token(clip_model):
    own = copy.deepcopy(clip_model)
    own.clip.model.__class__ = type("FineTuned", (transformers.CLIPModel,), {})
    own.clip.model.text_model.eos_token_id = 2
    assert game(own).similarity == pytest.approx(game(clip_model).similarity, abs=1e-5)


@pytest.mark.parametrize("length", [4, 16])
def test_token_ids_may_end_with_the_unknown_token(clip_model, length):
    own = copy.deepcopy(clip_model)
    own.tokenizer.tokenizer.unk_token = own.tokenizer.tokenizer.eos_token
    ids = own.tokenizer(["a dog"])[0]
    pair = game(own, ids[:length])
    assert pair.tokens == ("a", "dog")
    assert pair.similarity == pytest.approx(game(clip_model, "a dog").similarity, abs=1e-6)


def test_a_tokenizer_without_the_models_end_token_is_refused(clip_model):
    own = copy.deepcopy(clip_model)
    own.clip.model.text_model.eos_token_id = 12_345
    with pytest.raises(ModelError, match="pools at its end token, 12345"):
        game(own)
