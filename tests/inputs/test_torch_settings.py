"""Classes and retrievals have the same numbers under any autocast, default device and default dtype of the caller."""

from contextlib import contextmanager

import numpy as np
import pytest
import torch

from fixlip_widgets import VisionLanguageGame, explain, explain_classes, explain_retrieval
from fixlip_widgets.explainers.class_explainer import ClassExplainer
from tests.golden import tiny_clip, tiny_pixels

NAMES = ("a cat", "a dog")


def numbers(explanation):
    fields = ("main", "interactions", "main_se", "interactions_se", "baseline", "similarity")
    return np.concatenate([np.ravel(getattr(explanation, field)) for field in fields])


def of_candidates(found, first, second):
    several = found[first], found.contrast(first, second), found.probability(second)
    under = found.probabilities_under(np.ones((2, found.pool.n), dtype=bool))
    scores = [found.logits, found.probabilities, *found.values(), found.vectors.numpy(), under]
    return np.concatenate([*map(numbers, several), *map(np.ravel, scores)])


def of_classes(model, image):
    found = explain_classes(image, NAMES, model=model, budget=64, progress=False)
    found.add(["a bus"])
    return of_candidates(found, *NAMES)


def of_retrieval(model, image):
    found = explain_retrieval([image, 0.5 * image], "a cat", model=model, progress=False)
    found.add({"negative": -image}, progress=False)
    return of_candidates(found, "image 1", "negative")


def of_explainer(model, image):
    explainer = ClassExplainer(VisionLanguageGame(model, image, "a cat"), NAMES, ("{}",), progress=False)
    explainer.extend(0.5, 64)
    explainer.choose(("a dog", "a cat"))
    margin = explainer.explanation(0.4)
    explainer.set_classes(("a cat", "a bus"))
    explainer.choose(("a bus",))
    sums = explainer.group([0, 1], explainer.explanation())
    return np.concatenate([numbers(margin), numbers(explainer.explanation()), sums.values, sums.se])


def of_pair(model, image):
    return numbers(explain(image, "a cat", model=model, budget=256, progress=False))


@contextmanager
def default_device():
    torch.set_default_device("meta")
    try:
        yield
    finally:
        torch.set_default_device(None)


@contextmanager
def default_dtype(dtype):
    torch.set_default_dtype(dtype)
    try:
        yield
    finally:
        torch.set_default_dtype(torch.float32)


SETTINGS = {
    "autocast to bfloat16": lambda: torch.autocast("cpu", dtype=torch.bfloat16),
    "default device": default_device,
    "float64": lambda: default_dtype(torch.float64),
    "bfloat16": lambda: default_dtype(torch.bfloat16),
}


@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize("compute", [of_classes, of_retrieval, of_explainer, of_pair])
def test_settings_of_torch_do_not_change_numbers(compute, setting):
    model, image = tiny_clip(), tiny_pixels()
    expected = compute(model, image)
    with SETTINGS[setting]():
        found = compute(model, image)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)
