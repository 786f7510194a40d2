"""Running a tower over many masks: each distinct one once, in batches that fit the device's memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

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


@dataclass(frozen=True)
class Encoder:
    """A tower as pools use it: a batch of masks to unit-norm embeddings.

    Attributes:
        encode: The tower.
        dtype: The type that its model computes in.
    """

    encode: Callable[[Tensor], Tensor]
    dtype: torch.dtype

    def __call__(self, masks: Tensor) -> Tensor:
        return self.encode(masks)


def is_out_of_memory(error: Exception) -> bool:
    """Whether a device said that it has no memory left; processors and Apple's GPUs say so in words only."""
    if isinstance(error, torch.OutOfMemoryError):
        return True
    said = str(error)
    return "DefaultCPUAllocator" in said or "out of memory" in said


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
        kept = np.flatnonzero(masks[worst]).tolist()
        raise EncodingError(
            f"The {tower} encoder returned values that are not finite for the mask that keeps players {kept}; "
            + _advice(getattr(encode, "dtype", None))
        )
    return embeddings


def _advice(dtype: torch.dtype | None) -> str:
    """What to do about values that are not finite."""
    if dtype == torch.float16:
        return (
            "float16 holds numbers up to 65,504 only, and this model exceeds them: load it with "
            "precision='bfloat16' or precision='float32'."
        )
    return "its weights may be damaged: load them again, and look for NaN in them."


def encode_all(
    encode: Callable[[Tensor], Tensor],
    masks: Bools,
    batch: BatchSize,
    device: torch.device,
    tower: str,
) -> Tensor:
    """(m, n) masks to (m, d) embeddings in batches; a batch that does not fit the device's memory is halved.

    Raises:
        EncodingError: Not even one mask fits, or an embedding is not finite.
    """
    done: list[Tensor] = []
    start = 0
    while start < len(masks):
        try:
            done.append(encode_batch(encode, masks[start : start + batch.size], device, tower))
        except RuntimeError as error:  # what running out of memory is a kind of
            if not is_out_of_memory(error):
                raise
            _make_room(batch, device, tower, error)
            continue
        start += len(done[-1])
    return torch.cat(done) if done else torch.empty(0, 0, device=device)


def _make_room(batch: BatchSize, device: torch.device, tower: str, error: RuntimeError) -> None:
    if not batch.halve():
        raise EncodingError(
            f"{device} has too little memory for a single mask of the {tower} encoder. Free some (other notebooks on "
            "the device hold theirs), load the model with precision='bfloat16', or on device='cpu'."
        ) from error
    if device.type == "cuda":
        torch.cuda.empty_cache()
