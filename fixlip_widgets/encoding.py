"""Running a tower over many masks: each distinct one once, in batches that fit the device's memory."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
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
    encode: Callable[[Tensor], Tensor], masks: Bools, batch: BatchSize, device: torch.device, tower: str
) -> Tensor:
    """(m, n) masks to (m, d) embeddings, in batches.

    Raises:
        EncodingError: As :func:`encode_in_turn`.
    """

    def batches() -> Iterator[Bools]:
        start = 0
        while start < len(masks):
            rows = masks[start : start + batch.size]
            start += len(rows)
            yield rows

    done = list(encode_in_turn(encode, batches(), batch, device, tower))
    return torch.cat(done) if done else torch.empty(0, 0, device=device)


def encode_in_turn(
    encode: Callable[[Tensor], Tensor], batches: Iterable[Bools], batch: BatchSize, device: torch.device, tower: str
) -> Iterator[Tensor]:
    """(m, n) masks, array by array, to (m, d) embeddings; runs that do not fit the device's memory are halved.

    On a GPU the next array is asked for, and its encoding started, before this one's is waited for.

    Raises:
        EncodingError: Not even one mask fits, or an embedding is not finite; the message names the tower and the first
            such mask.
    """
    started: deque[tuple[Bools, Tensor]] = deque()
    for masks in batches:
        started.append((masks, _start(encode, masks, batch, device, tower)))
        if len(started) > most_ahead(device):
            yield _finished(*started.popleft(), encode, tower)
    while started:
        yield _finished(*started.popleft(), encode, tower)


def most_ahead(device: torch.device) -> int:
    """How many arrays of masks may be under way beside the one that is waited for."""
    return 1 if device.type == "cuda" else 0


def _start(
    encode: Callable[[Tensor], Tensor], masks: Bools, batch: BatchSize, device: torch.device, tower: str
) -> Tensor:
    """(m, d) embeddings, which a GPU may still be at when this returns."""
    parts: list[Tensor] = []
    start = 0
    while start < len(masks):
        rows = masks[start : start + batch.size]
        try:
            parts.append(_launch(encode, rows, device))
        except RuntimeError as error:  # what running out of memory is a kind of
            if not is_out_of_memory(error):
                raise
            _make_room(batch, device, tower, error)
            continue
        start += len(rows)
    return torch.cat(parts) if parts else torch.empty(0, 0, device=device)


def _launch(encode: Callable[[Tensor], Tensor], masks: Bools, device: torch.device) -> Tensor:
    """One run of the encoder; masks reach a GPU from pinned memory, so that nothing waits for them."""
    given = torch.from_numpy(np.ascontiguousarray(masks))
    if device.type == "cuda":
        given = given.pin_memory()
    with torch.inference_mode():
        return encode(given.to(device, non_blocking=True))


def _finished(masks: Bools, embeddings: Tensor, encode: Callable[[Tensor], Tensor], tower: str) -> Tensor:
    """The same embeddings, once they are there and found to be finite."""
    finite = torch.isfinite(embeddings).all(dim=1)
    if bool(finite.all()):
        return embeddings
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
