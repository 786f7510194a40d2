import json
import pickle
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from fixlip_widgets import InputError, ModelError, VisionLanguageGame, load_model
from tests.encoders.towers import families
from tests.encoders.towers.families import VISION, config, of_timm
from tests.golden import DATA, tiny_clip, tiny_pixels, tiny_weights

CONFIG = DATA / "tiny_clip.json"


@pytest.fixture
def weights(tmp_path) -> Path:
    save_file(tiny_weights(), tmp_path / "weights.safetensors")
    return tmp_path / "weights.safetensors"


@pytest.mark.parametrize("config", [CONFIG, str(CONFIG), json.loads(CONFIG.read_text())])
def test_a_config_loads_as_path_or_dict_with_weights(config, weights):
    model = load_model(config, pretrained=weights)
    assert model.pretrained == "weights.safetensors"
    assert model.weights_hash == tiny_clip().weights_hash
    assert VisionLanguageGame(model, tiny_pixels(), "a cat").grid == (4, 4)


def test_a_named_model_loads_with_weights_from_a_file(tmp_path):
    import open_clip

    torch.manual_seed(0)
    source = open_clip.create_model("ViT-S-32-alt")
    save_file(source.state_dict(), tmp_path / "weights.safetensors")
    model = load_model("ViT-S-32-alt", pretrained=tmp_path / "weights.safetensors", device="cpu")
    assert torch.equal(model.clip.visual.proj, source.visual.proj)
    assert model.patch_grid == (7, 7)


def test_random_weights_must_be_asked_for():
    assert load_model(CONFIG, pretrained=False).pretrained == "random weights"
    with pytest.raises(ModelError, match="needs weights"):
        load_model(CONFIG)
    with pytest.raises(ModelError, match=r"ViT-B-32 needs weights.*openai"):
        load_model("ViT-B-32")


def test_weights_are_examined_once_in_a_block_that_leaves_them_unchanged():
    model = load_model(CONFIG, pretrained=False)
    before = model.weights_state()
    with model.unchanged():
        model.clip.logit_scale.data += 1
        assert model.weights_state() == before
    assert model.weights_state() != before


def test_the_weights_hash_tells_models_apart():
    torch.manual_seed(1)
    assert load_model(CONFIG, pretrained=False).weights_hash != tiny_clip().weights_hash


@pytest.mark.parametrize("name", ["weights.pt", "weights.bin", "weights.safetensors"])
@pytest.mark.parametrize("model", [str(CONFIG), "ViT-B-32"])
def test_a_pickle_is_refused_whatever_its_name(model, name, tmp_path):
    (tmp_path / name).write_bytes(pickle.dumps({"a": 1}))
    with pytest.raises(ModelError, match="pickled checkpoints are rejected"):
        load_model(model, pretrained=tmp_path / name)
    torch.save({"a": torch.zeros(2)}, tmp_path / name, _use_new_zipfile_serialization=False)
    with pytest.raises(ModelError, match="pickled checkpoints are rejected"):
        load_model(model, pretrained=tmp_path / name)


def test_a_checkpoint_that_calls_itself_safetensors_is_refused(tmp_path):
    torch.save(tiny_weights(), tmp_path / "weights.safetensors")
    with pytest.raises(ModelError, match="neither in safetensors format"):
        load_model(CONFIG, pretrained=tmp_path / "weights.safetensors")


class LeavesATrace:
    """Unpickling it would touch a file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __reduce__(self):
        return Path.touch, (self._path,)


def test_a_checkpoint_of_more_than_tensors_is_refused_without_running_it(tmp_path):
    trace = tmp_path / "ran"
    torch.save({"state_dict": tiny_weights(), "args": LeavesATrace(trace)}, tmp_path / "weights.pt")
    with pytest.raises(ModelError, match="contains more than tensors"):
        load_model(CONFIG, pretrained=tmp_path / "weights.pt")
    assert not trace.exists()


@pytest.mark.parametrize("wrap", [dict, lambda state: {"state_dict": state, "epoch": 3}])
@pytest.mark.parametrize("prefix", ["", "module."])
def test_a_checkpoint_of_tensors_loads_as_training_wrote_it(wrap, prefix, tmp_path):
    torch.save(wrap({prefix + name: tensor for name, tensor in tiny_weights().items()}), tmp_path / "epoch_3.pt")
    assert load_model(CONFIG, pretrained=tmp_path / "epoch_3.pt").weights_hash == tiny_clip().weights_hash


@pytest.mark.parametrize("torch_version", ["2.4.0", "2.5.1+cpu"])
def test_a_checkpoint_is_refused_where_torch_cannot_read_it_safely(torch_version, monkeypatch, tmp_path):
    torch.save(tiny_weights(), tmp_path / "weights.pt")
    monkeypatch.setattr(torch, "__version__", torch_version)
    with pytest.raises(ModelError, match=r"only safe to read with torch 2\.6"):
        load_model(CONFIG, pretrained=tmp_path / "weights.pt")


def write_open_clip_folder(folder: Path, weights: str = "open_clip_model.safetensors") -> None:
    (folder / "open_clip_config.json").write_text(CONFIG.read_text())
    save_file(tiny_weights(), folder / weights)


@pytest.mark.parametrize("prefix", ["", "local-dir:"])
@pytest.mark.parametrize("weights", ["open_clip_model.safetensors", "mine.safetensors"])
def test_a_folder_that_open_clip_saved_loads(prefix, weights, tmp_path):
    write_open_clip_folder(tmp_path, weights)
    assert load_model(f"{prefix}{tmp_path}").weights_hash == tiny_clip().weights_hash


def test_several_weights_files_in_a_folder_need_a_usual_name_or_a_choice(tmp_path):
    write_open_clip_folder(tmp_path, "a.safetensors")
    write_open_clip_folder(tmp_path, "b.safetensors")
    with pytest.raises(ModelError, match=r"several weights files \(a.safetensors, b.safetensors\)"):
        load_model(tmp_path)
    assert load_model(tmp_path, pretrained=tmp_path / "b.safetensors").pretrained == "b.safetensors"
    write_open_clip_folder(tmp_path)
    assert load_model(tmp_path).pretrained == "open_clip_model.safetensors"


def test_a_folder_that_is_no_model_is_refused(tmp_path):
    with pytest.raises(ModelError, match=r"neither open_clip_config.json"):
        load_model(tmp_path)
    (tmp_path / "open_clip_config.json").write_text(CONFIG.read_text())
    with pytest.raises(ModelError, match="has no weights file"):
        load_model(tmp_path)


@pytest.mark.parametrize(
    ("of_tag", "of_config", "activation"),
    [(True, False, "QuickGELU"), (False, True, "QuickGELU"), (False, False, "GELU")],
)
def test_downloaded_weights_are_loaded_without_network_and_with_their_own_activation(
    of_tag, of_config, activation, monkeypatch, tmp_path
):
    import open_clip.pretrained as pretrained
    from open_clip.factory import _MODEL_CONFIGS

    def no_network(*_, **__):
        raise ConnectionError("Could not reach the server")

    monkeypatch.setattr(pretrained, "hf_hub_download", no_network)
    torch.manual_seed(0)
    source = load_model("ViT-S-32-alt", pretrained=False, device="cpu")
    tag = {"hf_hub": "someone/tiny/", "quick_gelu": of_tag}
    monkeypatch.setitem(_MODEL_CONFIGS["ViT-S-32-alt"], "quick_gelu", of_config)
    monkeypatch.setitem(pretrained._PRETRAINED, "ViT-S-32-alt", {"mine": tag})
    repository = tmp_path / "models--someone--tiny"
    (repository / "snapshots" / "1234").mkdir(parents=True)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text("1234")
    save_file(source.clip.state_dict(), repository / "snapshots" / "1234" / "open_clip_model.safetensors")
    model = load_model("ViT-S-32-alt", pretrained="mine", cache_dir=str(tmp_path), device="cpu")
    assert (model.pretrained, model.weights_hash) == ("mine", source.weights_hash)
    blocks = (model.clip.visual.transformer.resblocks[0], model.clip.transformer.resblocks[0])
    assert [type(block.mlp.gelu).__name__ for block in blocks] == [activation] * 2


def test_weights_from_a_file_use_the_preprocessing_of_the_models_tags():
    from fixlip_widgets.encoders.loading.known_names import usual_preprocessing

    assert usual_preprocessing(["ViT-B-16-SigLIP"])["mean"] == (0.5, 0.5, 0.5)
    assert usual_preprocessing(["ViT-B-16-SigLIP"])["resize_mode"] == "squash"
    model = load_model("ViT-S-32-alt", pretrained=False, device="cpu")
    assert model.preprocess_cfg.mean[0] == pytest.approx(0.4815, abs=1e-4)


@pytest.mark.parametrize("precision", ["float32", "bfloat16", "float16"])
def test_precision_applies_to_the_weights_but_not_to_scale_and_bias(precision, weights):
    model = load_model(CONFIG, pretrained=weights, precision=precision, device="cpu")
    assert model.dtype == getattr(torch, precision)
    assert (model.scale, model.bias) == (tiny_clip().scale, tiny_clip().bias)
    game, exact = (VisionLanguageGame(each, tiny_pixels(), "a cat") for each in (model, tiny_clip()))
    assert game.similarity == pytest.approx(exact.similarity, abs=0.02 * exact.scale)
    assert (game.similarity == exact.similarity) == (precision == "float32")


def test_auto_precision_is_measured_once_and_remembered(monkeypatch, tmp_path, weights):
    from fixlip_widgets.encoders.loading import precision

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(precision, "_measured", {})
    first = load_model(CONFIG, pretrained=weights, precision="auto", device="cpu").dtype
    stored = tmp_path / "fixlip-widgets" / "precision.json"
    ((machine, pays),) = json.loads(stored.read_text()).items()
    assert first == (torch.bfloat16 if pays else torch.float32)
    stored.write_text(json.dumps({machine: not pays}))
    assert load_model(CONFIG, pretrained=weights, precision="auto", device="cpu").dtype == first
    monkeypatch.setattr(precision, "_measured", {})  # as in another process, which reads the stored result
    assert load_model(CONFIG, pretrained=weights, precision="auto", device="cpu").dtype != first


def test_an_unsupported_text_encoder_is_refused(weights):
    model = load_model(CONFIG, pretrained=weights, device="cpu")
    model.clip.transformer = torch.nn.Identity()
    with pytest.raises(ModelError, match=r"text encoder CLIP is not supported.*Use a model with"):
        VisionLanguageGame(model, tiny_pixels(), "a cat")


def test_the_tokenizer_of_another_model_is_refused():
    config = {"embed_dim": 24, "vision_cfg": {"image_size": 64, "patch_size": 16, "width": 32, "head_width": 16}}
    text = {"context_length": 16, "width": 32, "heads": 2, "layers": 2, "vocab_size": 32_000}
    small = load_model(config | {"text_cfg": text}, pretrained=False)
    with pytest.raises(ModelError, match=r"gives token 49,407, but the model's vocabulary has 32,000"):
        VisionLanguageGame(small, torch.zeros(3, 64, 64), "a dog")


def test_arguments_that_do_not_belong_together_are_refused(weights):
    for pretrained in (True, 3, {}):
        with pytest.raises(InputError, match=f"pretrained is {pretrained!r}; pass an open_clip tag"):
            load_model("ViT-B-32", pretrained=pretrained)
    with pytest.raises(InputError, match="pretrained='openai' needs a model name"):
        load_model(pretrained="openai")
    with pytest.raises(InputError, match="processor= needs a transformers model"):
        load_model(CONFIG, pretrained=weights, processor=object())


def test_a_model_can_be_moved_to_another_device(weights):
    small = load_model(CONFIG, pretrained=weights)
    assert small.to("meta") is small
    assert small.device.type == "meta"
    with pytest.raises(InputError, match="device 'abacus' is not available"):
        small.to("abacus")


@pytest.mark.parametrize(("given", "said"), [("ViT-B-32", "is 'ViT-B-32'"), (torch.nn.Linear(1, 1), "is a Linear")])
def test_a_game_rejects_objects_that_are_not_models(given, said):
    with pytest.raises(InputError, match=said + r"; pass the result of load_model"):
        VisionLanguageGame(given, torch.zeros(3, 64, 64), "a dog")


def test_an_unknown_precision_is_refused(weights):
    with pytest.raises(InputError, match="precision is 'int3'"):
        load_model(CONFIG, pretrained=weights, precision="int3")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("ViT-B-23",), "Did you mean"),
        (("demo",), "without a name loads the packaged demo model"),
        (("no such thing at all",), "Unknown model 'no such thing at all'"),
        (("ViT-B-32", "opnai"), "one of its tags .*openai"),
        (("ViT-B-32",), "ViT-B-32 needs weights"),
        (("PE-Core-B-99", False), "Did you mean"),
        (("ViT-B-32", "nowhere/weights.safetensors"), "weights file .* does not exist"),
        ((str(CONFIG), "nowhere.safetensors"), "weights file .* does not exist"),
        (("nowhere/config.json", "x.safetensors"), "model config .* does not exist"),
        (({"embed_dim": 8}, False), "not an open_clip model config"),
        ((config(VISION | {"width": 20, "head_width": 3}), False), "custom could not be built"),
        ((config(of_timm("vit_of_nobody", "avg")), False), "custom could not be built: Unknown model"),
        ((config(of_timm("small_siglip", "map", image_size=96)), False), "96×96 pixels, but .* requires 64×64"),
    ],
)
def test_errors_say_why_a_model_cannot_be_loaded(arguments, message):
    with pytest.raises(ModelError, match=message):
        load_model(*arguments)


def test_damaged_weights_are_refused(weights):
    content = weights.read_bytes()
    weights.write_bytes(content[: len(content) // 2])
    with pytest.raises(ModelError, match="damaged"):
        load_model(CONFIG, pretrained=weights)


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning")  # torch's
def test_a_damaged_checkpoint_and_a_torchscript_archive_are_refused(tmp_path):
    whole, half, script = (tmp_path / name for name in ("whole.pt", "half.pt", "script.pt"))
    torch.save(tiny_weights(), whole)
    for kept in (5_000, whole.stat().st_size // 2):
        half.write_bytes(whole.read_bytes()[:kept])
        with pytest.raises(ModelError, match=r"half.pt is damaged"):
            load_model(CONFIG, pretrained=half)
    torch.jit.save(torch.jit.trace(torch.nn.Linear(2, 2), torch.zeros(1, 2)), script)
    with pytest.raises(ModelError, match=r"script.pt is a TorchScript archive, which contains code"):
        load_model(CONFIG, pretrained=script)


def test_weights_of_another_model_are_refused(tmp_path):
    save_file({"other": torch.zeros(3)}, tmp_path / "weights.safetensors")
    with pytest.raises(ModelError, match="do not fit"):
        load_model(CONFIG, pretrained=tmp_path / "weights.safetensors")


def test_a_damaged_config_is_refused(tmp_path):
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(ModelError, match="not JSON"):
        load_model(tmp_path / "config.json", pretrained=False)


def test_a_failed_download_suggests_a_weights_file(monkeypatch, tmp_path):
    import open_clip.pretrained as pretrained

    def no_network(*_, **__):
        raise ConnectionError("Could not reach the server")

    monkeypatch.setattr(pretrained, "hf_hub_download", no_network)
    monkeypatch.setattr(pretrained, "download_pretrained_from_url", no_network)
    with pytest.raises(ModelError, match="Without network, pass a weights file"):
        load_model("ViT-B-32", pretrained="openai", cache_dir=str(tmp_path))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of torch's compiler, about torch
def test_compiled_encoders_give_the_same_values_at_any_batch_size(tmp_path):
    import numpy as np

    two_blocks = families.model("CLIP")  # compiling takes seconds per block
    save_file(two_blocks.clip.state_dict(), tmp_path / "weights.safetensors")
    settings, weights = families.CONFIGS["CLIP"], tmp_path / "weights.safetensors"
    model = load_model(settings, pretrained=weights, device="cpu", compile=True)
    compiled, plain = (families.game(each, "a cat on a mat") for each in (model, two_blocks))
    for count in (6, 3):
        draw = np.random.default_rng(count).random
        masks = draw((count, plain.n_image)) < 0.5, draw((count, plain.n_text)) < 0.5
        np.testing.assert_allclose(compiled.values(*masks), plain.values(*masks), atol=1e-4)
