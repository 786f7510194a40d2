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


def encode_all(
    encode: Callable[[Tensor], Tensor],
    masks: Bools,
    batch: BatchSize,
    device: torch.device,
    tower: str,
) -> Tensor:
    """(m, n) masks to (m, d) embeddings in batches; a batch that does not fit the device's memory is halved.

    A batch is looked at only once the next is on its way, so that a GPU never waits for that.

    Raises:
        EncodingError: Not even one mask fits, or an embedding is not finite; the message names the tower and the first
            such mask.
    """
    done: list[Tensor] = []
    unchecked: Bools | None = None
    start = 0
    while start < len(masks):
        rows = masks[start : start + batch.size]
        try:
            embeddings = _launch(encode, rows, device)
        except RuntimeError as error:  # what running out of memory is a kind of
            if not is_out_of_memory(error):
                raise
            _make_room(batch, device, tower, error)
            continue
        if unchecked is not None:
            _check_finite(done[-1], unchecked, encode, tower)
        done.append(embeddings)
        unchecked = rows
        start += len(rows)
    if unchecked is not None:
        _check_finite(done[-1], unchecked, encode, tower)
    return torch.cat(done) if done else torch.empty(0, 0, device=device)


def _launch(encode: Callable[[Tensor], Tensor], masks: Bools, device: torch.device) -> Tensor:
    """One encoder run, which a GPU may still be at when this returns; masks reach it from pinned memory, meanwhile."""
    given = torch.from_numpy(np.ascontiguousarray(masks))
    if device.type == "cuda":
        given = given.pin_memory()
    with torch.inference_mode():
        return encode(given.to(device, non_blocking=True))


def _check_finite(embeddings: Tensor, masks: Bools, encode: Callable[[Tensor], Tensor], tower: str) -> None:
    finite = torch.isfinite(embeddings).all(dim=1)
    if bool(finite.all()):
        return
    worst = int((~finite).int().argmax())
    kept = np.flatnonzero(masks[worst]).tolist()
    raise EncodingError(
        f"The {tower} encoder returned values that are not finite for the mask that keeps players {kept}; "
        + _advice(getattr(encode, "dtype", None))
    )


def _advice(dtype: torch.dtype | None) -> str:
    """What to do about values that are not finite."""
    if dtype == torch.float16:
        return (
            "float16 holds numbers up to 65,504 only, and this model exceeds them: load it with "
            "precision='bfloat16' or precision='float32'."
        )
    return "its weights may be damaged: load them again, and look for NaN in them."


def _make_room(batch: BatchSize, device: torch.device, tower: str, error: RuntimeError) -> None:
    if not batch.halve():
        raise EncodingError(
            f"{device} has too little memory for a single mask of the {tower} encoder. Free some (other notebooks on "
            "the device hold theirs), load the model with precision='bfloat16', or on device='cpu'."
        ) from error
    if device.type == "cuda":
        torch.cuda.empty_cache()
