"""The memory of a value is the sum over its buffers, each counted once."""

from __future__ import annotations

import numpy as np
import torch

from fixlip_widgets.support.memory import BoundedCache, memory_of
from tests.examples import random_explanation


def test_views_of_one_buffer_count_once():
    array, tensor = np.zeros(10), torch.zeros(6, dtype=torch.float64)
    assert memory_of([array, array[2:], {"x": (tensor, tensor[:2])}]) == 80 + 48
    assert memory_of([array, tensor], apart_from={"known": array[1:]}) == 48


def test_arrays_of_an_explanation_and_weights_of_a_module_count():
    explanation = random_explanation(image=None)
    arrays = (explanation.main, explanation.main_se, explanation.interactions, explanation.interactions_se)
    assert memory_of(explanation) == sum(array.nbytes for array in arrays if array is not None)
    assert memory_of(torch.nn.Linear(3, 2)) == 4 * (6 + 2)


def test_a_value_that_contains_itself_is_counted_once():
    values: list[object] = [np.zeros(3)]
    values.append(values)
    assert memory_of(values) == 24


def test_a_cache_keeps_the_values_used_last_within_its_bytes():
    cache = BoundedCache[str, np.ndarray](most_bytes=2 * 80)
    for name in "abc":
        cache.put(name, np.zeros(10))
        cache.get("a")
    assert [cache.get(name) is not None for name in "abc"] == [True, False, True]
    cache.put("large", np.zeros(1000))
    assert cache.get("large") is not None
    assert len(cache) == 1
