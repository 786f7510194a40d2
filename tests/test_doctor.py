"""The output of ``fixlip-widgets doctor --model`` for every model in open_clip."""

import copy
import json
from typing import Any

import pytest
import timm
import torch

from fixlip_widgets import doctor
from fixlip_widgets.cli import main
from fixlip_widgets.doctor import examine_model
from fixlip_widgets.encoders.loading import outline
from fixlip_widgets.encoders.towers import PixelImageTower, grid_labels, image_tower, kinds_of, patches_of
from fixlip_widgets.support import open_clip as _open_clip
from tests.encoders.towers.families import TEXT, config
from tests.golden import DATA


@pytest.mark.parametrize(
    ("name", "image", "text"),
    [
        ("ViT-B-32", r"VisionTransformer, 7×7 patches of 32×32 pixels: embedded once", "causal, pooled at eos"),
        ("ViT-B-16-SigLIP", "14×14 patches of 16×16 pixels: embedded once", "not causal, padding visible"),
        ("EVA02-L-14-336", "Eva, 24×24 patches of 14×14 pixels: embedded once", "causal"),
        ("PE-Core-B-16", "14×14 patches of 16×16 pixels: embedded once", "causal"),
        ("ViT-L-14-CLIPA", "16×16 patches of 14×14 pixels: embedded once", "pooled at last"),
        ("coca_ViT-B-32", "7×7 patches of 32×32 pixels: embedded once", "pooled at its class token"),
        ("MobileCLIP-B", "14×14 patches of 16×16 pixels, overlapping or mixed: masked at the pixels", "causal"),
        ("MobileCLIP-S1", "FastVit without patches: masked at the pixels", "not causal"),
        ("convnext_base", "ConvNeXt without patches", "causal"),
        ("RN50", "ModifiedResNet without patches", "causal"),
        ("swin_base_patch4_window7_224", "SwinTransformer without patches", "causal"),
        ("ViTamin-S", "14×14 patches of 16×16 pixels, overlapping or mixed", "causal"),
    ],
)
def test_the_kinds_of_a_models_encoders_are_named(name, image, text):
    first, image_finding, text_finding = examine_model(name)
    assert first.state == "ok"
    assert first.detail.startswith("supported")
    assert image in image_finding.detail
    assert text in text_finding.detail


def test_a_model_too_large_for_this_machine_is_described():
    assert "GB in float32" in examine_model("ViT-bigG-14")[0].detail


def test_unknown_or_damaged_models_are_rejected_in_a_sentence(tmp_path):
    (unknown,) = examine_model("ViT-B-23")
    assert (unknown.state, unknown.serious) == ("wrong", True)
    assert "Did you mean" in unknown.detail
    (tmp_path / "config.json").write_text(json.dumps({"embed_dim": 3}))
    assert "not an open_clip model config" in examine_model(str(tmp_path / "config.json"))[0].detail
    settings = config(text=TEXT | {"pool_type": "none"}, custom_text=True)
    (tmp_path / "config.json").write_text(json.dumps(settings))
    assert "pools by 'none'; it must pool at a single token" in examine_model(str(tmp_path / "config.json"))[0].detail
    (tmp_path / "empty").mkdir()
    assert "neither open_clip_config.json" in examine_model(str(tmp_path / "empty"))[0].detail


def test_the_command_fails_if_a_model_is_not_supported(capsys):
    assert main(["doctor", "--model", str(DATA / "tiny_clip.json")]) == 0
    assert "4×4 patches of 16×16 pixels" in capsys.readouterr().out
    assert main(["doctor", "--model", "ViT-B-23"]) == 1


def test_a_transformers_folder_is_described(tmp_path):
    transformers = pytest.importorskip("transformers")
    transformers.SiglipConfig().save_pretrained(tmp_path)
    first, image, text = examine_model(str(tmp_path))
    assert first.state == "ok"
    assert "14×14 patches of 16×16 pixels: embedded once" in image.detail
    assert "not causal, padding visible" in text.detail
    transformers.BertConfig().save_pretrained(tmp_path)
    assert "is a BertModel" in examine_model(str(tmp_path))[0].detail


def _without_downloads():
    """Return the config of every model that needs no files of transformers, by name."""
    from fixlip_widgets.support.open_clip import open_clip

    settings = {name: open_clip.get_model_config(name) for name in open_clip.list_models()}
    return {name: each for name, each in settings.items() if "hf_model_name" not in each["text_cfg"]}


def _with_fewer_layers(settings: dict[str, Any]) -> dict[str, Any]:
    """Return the config with one layer in each stage, or two if there are no stages; all other sizes stay."""
    fewer = copy.deepcopy(settings)
    for part in (fewer["vision_cfg"], fewer["text_cfg"], fewer.get("multimodal_cfg", {})):
        if "layers" in part:
            part["layers"] = 2 if isinstance(part["layers"], int) else [1] * len(part["layers"])
    return fewer


@pytest.fixture
def shallow_timm(monkeypatch):
    """Let timm build two blocks, or one in each stage, except in models whose depth is no argument."""
    create = timm.create_model

    def shallow(*arguments, **options):
        for fewer in ({"depth": 2}, {"depths": (1, 1, 2, 1)}):
            try:
                return create(*arguments, **options, **fewer)
            except TypeError:
                continue
        return create(*arguments, **options)

    monkeypatch.setattr(timm, "create_model", shallow)


@pytest.mark.slow
@torch.no_grad()
def test_every_model_that_open_clip_lists_is_supported_and_its_image_encoder_runs_through_its_tower(
    tmp_path, shallow_timm
):
    for name, settings in _without_downloads().items():
        (tmp_path / "config.json").write_text(json.dumps(_with_fewer_layers(settings)))
        with torch.device("meta"):  # shapes without numbers: the largest takes two billion
            clip = outline(str(tmp_path / "config.json")).eval()
            size = clip.visual.image_size
            size = (size, size) if isinstance(size, int) else size
            pixels, patches = torch.empty(3, *size), patches_of(clip)
            grid = patches.grid if patches else (7, 7)
            masks = torch.empty(2, grid[0] * grid[1], dtype=torch.bool)
        assert kinds_of(clip).text, name
        tower = image_tower(clip, pixels, grid_labels(size, grid, patches), masks.shape[1])
        assert isinstance(tower, PixelImageTower) == (not patches or not patches.apart)
        assert tower.encode(masks).shape == (2, settings["embed_dim"]), name


@pytest.mark.parametrize("differ", [False, True])
def test_different_builds_of_torch_and_torchvision_are_reported(differ, monkeypatch):
    monkeypatch.setattr(_open_clip, "builds_differ", lambda: differ)
    (finding,) = (finding for finding in doctor.examine() if finding.subject == "torch pair")
    assert finding.serious == differ
    assert ("of different builds" in finding.detail) == differ == ("torch torchvision" in finding.remedy)
