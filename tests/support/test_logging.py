"""What the package does is logged under its name, and nothing is printed without a handler of the user's."""

import logging
import subprocess
import sys

import pytest
import torch

from fixlip_widgets import IncrementalExplainer, VisionLanguageGame, baselines, load_model
from tests.golden import tiny_clip, tiny_game, tiny_pixels


@pytest.fixture
def logged(caplog):
    caplog.set_level(logging.DEBUG, "fixlip_widgets")
    return lambda: [(record.levelname, record.name, record.getMessage()) for record in caplog.records]


def test_a_loaded_model_is_logged_with_its_precision_and_device(logged):
    load_model(device="cpu", precision="bfloat16")
    ((level, name, message),) = logged()
    assert (level, name) == ("INFO", "fixlip_widgets.encoders.models")
    assert message.startswith("Loaded demo (packaged) in bfloat16 on cpu in ")


def test_encodings_are_logged_once_for_a_request(logged):
    explainer = IncrementalExplainer(tiny_game())
    explainer.extend(0.5, 2**10)
    baselines.shapley_values(tiny_game(), budget=64)
    (level, _, message), (_, _, shapley) = [record for record in logged() if ".models" not in record[1]]
    assert level == "INFO"
    assert message.startswith(f"Encoded {explainer.image_encodes} image masks and {explainer.text_encodes} text masks")
    assert shapley.startswith("Encoded ")


def test_a_halved_batch_is_logged(logged):
    game = tiny_game(batch_size=8, check=False)
    encode = game.image_tower.encode

    def out_of_memory_beyond_two(masks):
        if len(masks) > 2:
            raise torch.OutOfMemoryError
        return encode(masks)

    game.image_tower.encode = out_of_memory_beyond_two
    game.image_embeddings([[True] * game.n_image, *[[i == j for j in range(game.n_image)] for i in range(7)]])
    assert [(level, message) for level, _, message in logged()] == [
        ("WARNING", f"cpu ran out of memory: from now on, the image encoder runs on {size} masks at once.")
        for size in (4, 2)
    ]


def test_the_slower_exact_path_is_logged(logged, monkeypatch):
    model = tiny_clip()
    own = type(model.clip).encode_image
    monkeypatch.setattr(type(model.clip), "encode_image", lambda clip, x, **options: own(clip, x.flip(3), **options))
    VisionLanguageGame(model, tiny_pixels(), "a dog")
    ((level, name, message),) = logged()
    assert (level, name) == ("WARNING", "fixlip_widgets.explainers.game")
    assert "masked at their pixels, which is slower" in message


def test_nothing_is_printed_without_a_handler():
    code = "import fixlip_widgets, logging; logging.getLogger('fixlip_widgets.encoders').warning('not to be seen')"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (run.stdout, run.stderr) == ("", "")
