"""Arrays of a saved page as base64: the upper triangle of symmetric matrices, and errors in half precision."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np
from numpy.typing import NDArray

Packed = dict[str, Any]
_LARGEST_HALF = float(np.finfo(np.float16).max)


def packed(values: NDArray[Any], *, coarse: bool = False) -> Packed:
    """Encode ``values`` for a JSON file; ``js/src/offline/saved.ts`` decodes them.

    Args:
        values: (n,), or (n, n) and symmetric with a zero diagonal.
        coarse: Use half precision (three significant digits), which suffices for standard errors; values beyond its
            range become NaN. Otherwise use float32, as the kernel does.
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
    """Decode an array of :mod:`fixlip_widgets.pages.wire_format`, also one from a saved notebook."""
    values = np.frombuffer(wire["data"], dtype="<f4")
    if not wire.get("upper"):
        return values.reshape(wire["shape"])
    whole = np.zeros(wire["shape"], dtype=np.float32)
    whole[np.triu_indices(len(whole), 1)] = values
    return whole + whole.T
