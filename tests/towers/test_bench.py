import json

import pytest
import torch

from fixlip_widgets.bench.encoders import operations, time_shares
from fixlip_widgets.cli import main
from tests.golden import DATA, tiny_clip, tiny_game


def test_bench_measures_a_models_encoders(tmp_path, capsys):
    config = str(DATA / "tiny_clip.json")
    options = ["--batch", "4", "--explain", "64", "--out", str(tmp_path / "rows.json")]
    assert main(["bench", "--model", config, *options]) == 0
    rows = {row["what"].strip(): row["value"] for row in json.loads((tmp_path / "rows.json").read_text())}
    assert rows["largest difference of the embeddings"] < 1e-5
    assert rows["share of the matrix rate"] > 0
    assert sum(value for what, value in rows.items() if what.startswith("time in")) == pytest.approx(1.0)
    told = capsys.readouterr().out
    assert "text encodings a second" in told
    assert "masking='remove'" in told
    assert "terms with standard errors" in told


def test_operations_are_those_of_the_products():
    game, visual = tiny_game(), tiny_clip().clip.visual
    masks = torch.ones(2, 16, dtype=torch.bool)
    width, earlier, tokens = visual.transformer.width, len(visual.transformer.resblocks) - 1, 2 * 17
    last = tokens * 2 * width**2 + 2 * 10 * width**2  # keys and values of all, the rest of the class token alone
    products = tokens * earlier * 12 * width**2 + last + 2 * visual.proj.numel()
    attention = 2 * 2 * (earlier * 17**2 + 17) * width
    with torch.inference_mode():
        assert operations(lambda: game._image_tower.encode(masks)) == 2 * (products + attention)


def test_time_goes_to_what_is_run():
    left = torch.ones(300, 300)
    shares = time_shares(lambda: [left @ left for _ in range(20)])
    assert max(shares, key=shares.get) == "matrix products"


def test_sections_and_a_model_exclude_each_other(capsys):
    assert main(["bench", "solve", "--model", "ViT-B-32"]) == 2
    assert "give one of the two" in capsys.readouterr().err
