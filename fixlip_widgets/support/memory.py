"""Memory of arrays and tensors, to bound caches in bytes."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from typing import Any, Generic, TypeVar, cast

import numpy as np
import torch

_PACKAGE = __name__.partition(".")[0]
Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


def memory_of(value: Any, apart_from: Any = None) -> int:
    """Return the bytes of all arrays and tensors in ``value``, each buffer counted once.

    They are found in containers, in modules, and in the attributes of this package's objects.

    Args:
        value: Any object.
        apart_from: An object whose buffers are not counted.
    """
    excluded = dict(_buffers(apart_from, set()))
    return sum(size for address, size in dict(_buffers(value, set())).items() if address not in excluded)


def _buffers(value: Any, seen: set[int]) -> Iterator[tuple[int, int]]:
    """Yield address and size, in bytes, of the buffers in ``value``."""
    if isinstance(value, torch.Tensor):
        storage = value.untyped_storage()
        yield storage.data_ptr(), storage.nbytes()
    elif isinstance(value, np.ndarray):
        owner = cast("np.ndarray[Any, Any]", value)
        while isinstance(owner.base, np.ndarray):
            owner = owner.base
        yield owner.ctypes.data, owner.nbytes
    elif id(value) not in seen:
        seen.add(id(value))
        for part in _parts(value):
            yield from _buffers(part, seen)


def _parts(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        yield from cast("dict[Any, Any]", value).values()
    elif isinstance(value, (list, tuple, set, frozenset)):
        yield from cast("list[Any]", value)
    elif isinstance(value, torch.nn.Module):
        yield from value.parameters()
        yield from value.buffers()
    elif type(value).__module__.partition(".")[0] == _PACKAGE:
        yield from getattr(value, "__dict__", {}).values()


class BoundedCache(Generic[Key, Value]):
    """A cache of arrays and tensors that drops the least recently used values beyond ``most_bytes``.

    The latest value stays even if it alone is larger.
    """

    def __init__(self, most_bytes: int) -> None:
        self.most_bytes = most_bytes
        self._values: dict[Key, Value] = {}

    def get(self, key: Key) -> Value | None:
        """Return the value of ``key``, which becomes the most recently used; None if there is none."""
        if key in self._values:
            self._values[key] = self._values.pop(key)
        return self._values.get(key)

    def put(self, key: Key, value: Value, apart_from: Any = None) -> None:
        """Add a value, and drop old ones; buffers of ``apart_from`` are not counted."""
        self._values.pop(key, None)
        self._values[key] = value
        while len(self._values) > 1 and memory_of(self._values, apart_from) > self.most_bytes:
            del self._values[next(iter(self._values))]

    def __contains__(self, key: Key) -> bool:
        return key in self._values

    def __len__(self) -> int:
        return len(self._values)
