"""Arrays in a saved page: symmetric ones as what is above the diagonal, errors in half precision, all as base64."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np
from numpy.typing import NDArray

Packed = dict[str, Any]
_LARGEST_HALF = float(np.finfo(np.float16).max)


def packed(values: NDArray[Any], *, coarse: bool = False) -> Packed:
    """``values`` for a JSON file; ``js/src/offline/saved.ts`` reads it.

    Args:
        values: (n,), or (n, n) and symmetric with a zero diagonal.
        coarse: Half precision, three significant digits: enough for standard errors. What is too large for it becomes
            unknown (NaN). Otherwise float32, as the kernel sends.
    """
    numbers = np.asarray(values, dtype=np.float32)
    upper = numbers.ndim == 2
    if upper:
        numbers = numbers[np.triu_indices(len(numbers), 1)]
    if coarse:
        numbers = np.where(np.abs(numbers) <= _LARGEST_HALF, numbers, np.nan).astype("<f2")
    data = np.ascontiguousarray(numbers, dtype="<f2" if coarse else "<f4").tobytes()
    return {
        "packed": "f2" if coarse else "f4",
        "upper": upper,
        "shape": list(np.shape(values)),
        "data": base64.b64encode(data).decode("ascii"),
    }


def from_wire(wire: dict[str, Any]) -> NDArray[np.float32]:
    """The array in a :func:`fixlip_widgets.pages.wire_format.array`, also of one that came out of a saved notebook."""
    return np.frombuffer(wire["data"], dtype="<f4").reshape(wire["shape"])
