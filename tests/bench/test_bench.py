import json
from types import SimpleNamespace

import pytest
import torch
from torch.autograd import DeviceType

from fixlip_widgets.bench.encoders import operations, shares_of, time_shares
from fixlip_widgets.cli import main
from tests.golden import DATA, tiny_clip, tiny_game


@pytest.mark.slow
def test_bench_measures_a_models_encoders(tmp_path, capsys):
    config = str(DATA / "tiny_clip.json")
    options = ["--batch", "4", "--explain", "64", "--out", str(tmp_path / "rows.json")]
    assert main(["bench", "--model", config, *options]) == 0
    rows = {row["what"].strip(): row["value"] for row in json.loads((tmp_path / "rows.json").read_text())}
    assert rows["largest difference of the embeddings"] < 1e-5
    assert rows["share of the matrix rate"] > 0
    assert sum(value for what, value in rows.items() if what.startswith("time in")) == pytest.approx(1.0)
    printed = capsys.readouterr().out
    assert "text encodings per second" in printed
    assert "masking='remove'" in printed
    assert "terms with standard errors" in printed


def test_operations_are_those_of_the_products():
    game, visual = tiny_game(), tiny_clip().clip.visual
    masks = torch.ones(2, 16, dtype=torch.bool)
    width, earlier, tokens = visual.transformer.width, len(visual.transformer.resblocks) - 1, 2 * 17
    last = tokens * 2 * width**2 + 2 * 10 * width**2  # keys and values of all, the rest of the class token alone
    products = tokens * earlier * 12 * width**2 + last + 2 * visual.proj.numel()
    attention = 2 * 2 * (earlier * 17**2 + 17) * width
    with torch.inference_mode():
        assert operations(lambda: game.image_tower.encode(masks)) == 2 * (products + attention)


def test_matrix_products_take_the_time_of_matrix_products():
    left = torch.ones(300, 300)
    shares = time_shares(lambda: [left @ left for _ in range(20)])
    assert max(shares, key=shares.get) == "matrix products"


def test_gpu_time_is_counted_once_and_profiler_overhead_not_at_all():
    def event(key, gpu, cpu, where=DeviceType.CPU):
        return SimpleNamespace(key=key, self_device_time_total=gpu, self_cpu_time_total=cpu, device_type=where)

    events = [
        event("aten::addmm", 6.0, 1.0),
        event("aten::_efficient_attention_forward", 2.0, 1.0),
        event("aten::copy_", 2.0, 1.0),
        event("sgemm_128x64", 6.0, 0.0, DeviceType.CUDA),
        event("fmha_cutlassF", 2.0, 0.0, DeviceType.CUDA),
        event("Memcpy", 2.0, 0.0, DeviceType.CUDA),
        event("cudaDeviceSynchronize", 0.0, 90.0),
        event("Activity Buffer Request", 2.0, 1.0),
        event("Lazy Function Loading", 6.0, 1.0),
    ]
    assert shares_of(events) == {"matrix products": 0.6, "attention": 0.2, "copies and sums": 0.2}


def test_too_many_masks_for_an_explanation_are_rejected_before_measuring(capsys):
    assert main(["bench", "--model", str(DATA / "tiny_clip.json"), "--explain", "1000000"]) == 2
    captured = capsys.readouterr()
    assert "uses at most" in captured.err
    assert "encodings per second" not in captured.out


def test_sections_and_a_model_exclude_each_other(capsys):
    assert main(["bench", "solve", "--model", "ViT-B-32"]) == 2
    assert "pass one of the two" in capsys.readouterr().err
