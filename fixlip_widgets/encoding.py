"""Running a tower over many masks: each distinct one once, in batches that fit the device's memory."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from fixlip_widgets.errors import EncodingError

Bools = NDArray[np.bool_]


def distinct(masks: Bools) -> tuple[Bools, NDArray[np.intp]]:
    """The distinct rows of ``masks`` in order of first appearance, and each row's index among them."""
    packed = np.ascontiguousarray(np.packbits(masks, axis=1))
    keys = packed.view([("", packed.dtype, (packed.shape[1],))]).ravel() if packed.shape[1] else np.zeros(len(masks))
    _, first, inverse = np.unique(keys, return_index=True, return_inverse=True)
    order = np.argsort(first)
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    return masks[first[order]], rank[inverse.ravel()]


class BatchSize:
    """How many masks an encoder run takes; halved for good when the device runs out of memory."""

    def __init__(self, size: int) -> None:
        self.size = max(int(size), 1)

    def halve(self) -> bool:
        """Halve it; False when it is 1 already."""
        if self.size == 1:
            return False
        self.size //= 2
        return True


def encode_batch(encode: Callable[[Tensor], Tensor], masks: Bools, device: torch.device, tower: str) -> Tensor:
    """One encoder run: (m, n) masks to (m, d) embeddings.

    Raises:
        EncodingError: An embedding is not finite; the message names the first such mask and the tower.
    """
    with torch.inference_mode():
        embeddings = encode(torch.from_numpy(np.ascontiguousarray(masks)).to(device))
        finite = torch.isfinite(embeddings).all(dim=1)
    if not bool(finite.all()):
        worst = int((~finite).int().argmax())
        kept = np.flatnonzero(masks[worst])
        raise EncodingError(
            f"The {tower} encoder returned values that are not finite for the mask that keeps players {kept.tolist()}; "
            "check the weights, or use float32 if the model runs in half precision."
        )
    return embeddings


def encode_all(
    encode: Callable[[Tensor], Tensor],
    masks: Bools,
    batch: BatchSize,
    device: torch.device,
    tower: str,
) -> Tensor:
    """(m, n) masks to (m, d) embeddings in batches; a batch that does not fit the device's memory is halved."""
    done: list[Tensor] = []
    start = 0
    while start < len(masks):
        try:
            done.append(encode_batch(encode, masks[start : start + batch.size], device, tower))
        except torch.OutOfMemoryError:
            if not batch.halve():
                raise
            torch.cuda.empty_cache()
            continue
        start += len(done[-1])
    return torch.cat(done) if done else torch.empty(0, 0, device=device)
