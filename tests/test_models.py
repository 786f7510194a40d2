import json
import pickle
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from fixlip_widgets import ModelError, VisionLanguageGame, load_model
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
    model = load_model("ViT-S-32-alt", pretrained=tmp_path / "weights.safetensors")
    assert torch.equal(model.clip.visual.proj, source.visual.proj)
    assert model.patch_grid == (7, 7)


def test_random_weights_must_be_asked_for():
    assert load_model(CONFIG, pretrained=False).pretrained == "random weights"
    with pytest.raises(ModelError, match="needs weights"):
        load_model(CONFIG)
    with pytest.raises(ModelError, match=r"Which weights of ViT-B-32.*openai"):
        load_model("ViT-B-32")


def test_the_weights_hash_tells_models_apart():
    torch.manual_seed(1)
    assert load_model(CONFIG, pretrained=False).weights_hash != tiny_clip().weights_hash


@pytest.mark.parametrize("name", ["weights.pt", "weights.bin", "weights.safetensors"])
@pytest.mark.parametrize("model", [str(CONFIG), "ViT-B-32"])
def test_a_pickle_is_refused_whatever_its_name(model, name, tmp_path):
    torch.save({"a": torch.zeros(2)}, tmp_path / name)
    with pytest.raises(ModelError, match="pickled checkpoints are refused"):
        load_model(model, pretrained=tmp_path / name)
    (tmp_path / name).write_bytes(pickle.dumps({"a": 1}))
    with pytest.raises(ModelError, match="pickled checkpoints are refused"):
        load_model(model, pretrained=tmp_path / name)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("ViT-B-23",), "Did you mean"),
        (("no such thing at all",), "no model"),
        (("ViT-B-32", "opnai"), "Its tags are: .*openai"),
        (("ViT-B-32", "nowhere/weights.safetensors"), "no weights file"),
        ((str(CONFIG), "nowhere.safetensors"), "no weights file"),
        (("nowhere/config.json", "x.safetensors"), "no model config"),
        (({"embed_dim": 8}, False), "not an open_clip model config"),
    ],
)
def test_what_cannot_be_loaded_is_said_in_a_sentence(arguments, message):
    with pytest.raises(ModelError, match=message):
        load_model(*arguments)


def test_damaged_weights_are_refused(weights):
    content = weights.read_bytes()
    weights.write_bytes(content[: len(content) // 2])
    with pytest.raises(ModelError, match="damaged"):
        load_model(CONFIG, pretrained=weights)


def test_weights_of_another_model_are_refused(tmp_path):
    save_file({"other": torch.zeros(3)}, tmp_path / "weights.safetensors")
    with pytest.raises(ModelError, match="do not fit"):
        load_model(CONFIG, pretrained=tmp_path / "weights.safetensors")


def test_a_damaged_config_is_refused(tmp_path):
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(ModelError, match="not JSON"):
        load_model(tmp_path / "config.json", pretrained=False)


def test_without_network_a_download_is_refused_with_what_to_do(monkeypatch, tmp_path):
    import open_clip.pretrained as pretrained

    def no_network(*_, **__):
        raise ConnectionError("Could not reach the server")

    monkeypatch.setattr(pretrained, "hf_hub_download", no_network)
    monkeypatch.setattr(pretrained, "download_pretrained_from_url", no_network)
    with pytest.raises(ModelError, match="Without network, pass a weights file"):
        load_model("ViT-B-32", pretrained="openai", cache_dir=str(tmp_path))
