"""Gradient methods give the same numbers under every gradient mode and attention implementation of the caller."""

from contextlib import contextmanager

import numpy as np
import pytest
import torch

from fixlip_widgets import ModelError, explain, load_model
from tests.encoders.towers.families import pixels
from tests.encoders.towers.test_transformers import as_clip_model, clip_processor
from tests.golden import DATA, tiny_clip, tiny_pixels, tiny_weights

pytest.importorskip("transformers")
METHODS = ("grad_eclip", "game_attention", "exclip")


@contextmanager
def gradients_off_globally():
    torch.set_grad_enabled(False)
    try:
        yield
    finally:
        torch.set_grad_enabled(True)


def terms(model, method, image):
    explanation = explain(image, "a cat", model=model, method=method, progress=False)
    return np.concatenate([explanation.main, explanation.interactions.ravel()])


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode, gradients_off_globally])
@pytest.mark.parametrize("method", METHODS)
def test_gradient_modes_do_not_change_a_gradient_method(method, mode):
    with mode():
        model = load_model(str(DATA / "tiny_clip.json"), pretrained=False, device="cpu")
        model.clip.load_state_dict(tiny_weights())
        found = terms(model, method, tiny_pixels())
    expected = terms(tiny_clip(), method, tiny_pixels())
    assert np.abs(expected).max() > 0
    np.testing.assert_allclose(found, expected, atol=1e-6)


@pytest.mark.parametrize("method", METHODS)
def test_eager_attention_does_not_change_a_gradient_method(method, tmp_path):
    model = load_model(as_clip_model(tiny_clip().clip), processor=clip_processor())
    expected = terms(model, method, pixels(model))
    inner = model.clip.model
    inner.set_attn_implementation("eager")
    np.testing.assert_allclose(terms(model, method, pixels(model)), expected, atol=1e-6)
    configs = [inner.config, inner.config.vision_config, inner.config.text_config]
    assert {config._attn_implementation for config in configs} == {"eager"}


@pytest.mark.parametrize("method", [*METHODS, "banzhaf"])
def test_autocast_and_the_default_device_do_not_change_a_method(method):
    model, image = tiny_clip(), tiny_pixels()
    expected = terms(model, method, image)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        np.testing.assert_allclose(terms(model, method, image), expected, atol=1e-6)
    torch.set_default_device("meta")
    try:
        np.testing.assert_allclose(terms(model, method, image), expected, atol=1e-6)
    finally:
        torch.set_default_device(None)


@pytest.mark.parametrize("method", METHODS)
def test_weights_created_in_inference_mode_are_refused(method, tmp_path):
    processor = clip_processor()
    with torch.inference_mode():
        inner = as_clip_model(tiny_clip().clip)
    model = load_model(inner, processor=processor)
    with pytest.raises(ModelError, match=r"Load it outside of inference mode"):
        terms(model, method, pixels(model))
