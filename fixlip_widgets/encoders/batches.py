"""Running a tower over many masks: each distinct one once, in batches that fit the device's memory."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from time import perf_counter

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from fixlip_widgets.errors import EncodingError

Bools = NDArray[np.bool_]
_MOST_AHEAD = 2
_SOON = 0.1
"""Seconds. Where it takes longer to start runs and wait for one, what is done between them does not matter, and whoever
stops does not want to wait for runs that were started ahead."""
_attention_choice = threading.RLock()


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
        if masks.device.type != "cuda":
            return self.encode(masks)
        with without_cudnn_attention():
            return self.encode(masks)


@contextmanager
def without_cudnn_attention() -> Generator[None]:
    """Keep PyTorch from cuDNN's attention, which compiles a kernel for every shape that it has not seen.

    That takes a tenth of a second or two each, tens of encoder runs, and batches are of many sizes: masks that repeat
    are left out, and sequences are shortened. PyTorch's own kernels take any shape and are about as fast.
    """
    chosen = torch.backends.cuda
    with _attention_choice:  # the choice is one for all threads
        before = chosen.cudnn_sdp_enabled()
        chosen.enable_cudnn_sdp(False)
        try:
            yield
        finally:
            chosen.enable_cudnn_sdp(before)


def is_out_of_memory(error: Exception) -> bool:
    """Whether a device said that it has no memory left; processors, Apple's GPUs and NVIDIA's libraries use words."""
    if isinstance(error, torch.OutOfMemoryError):
        return True
    said = str(error)
    return any(words in said for words in ("DefaultCPUAllocator", "out of memory", "_ALLOC_FAILED"))


def home(device: torch.device) -> torch.device:
    """Where the embeddings of an encoder on ``device`` are kept, and estimates made: there, if it has float64.

    Apple's GPUs have not; theirs come to the processor.
    """
    return torch.device("cpu") if device.type == "mps" else device


def encode_all(
    encode: Callable[[Tensor], Tensor], masks: Bools, batch: BatchSize, device: torch.device, tower: str
) -> Tensor:
    """(m, n) masks to (m, d) embeddings, in batches, at :func:`home`.

    Raises:
        EncodingError: As :class:`EncoderRuns`.
    """
    runs, done, start = EncoderRuns(encode, batch, device, tower), list[Tensor](), 0
    while start < len(masks):
        rows = masks[start : start + batch.size]
        start += len(rows)
        runs.start(rows)
        while runs.full:
            done.append(runs.finish())
    while runs.waiting:
        done.append(runs.finish())
    return torch.cat(done) if done else torch.empty(0, 0, device=home(device))


class EncoderRuns:
    """Encoder runs in the order in which they are started; a GPU may have several under way.

    Args:
        encode: (m, n) masks to (m, d) embeddings.
        batch: Masks per run; halved if the device runs out of memory.
        device: The encoder's.
        tower: Name of the encoder in error messages.
    """

    def __init__(self, encode: Callable[[Tensor], Tensor], batch: BatchSize, device: torch.device, tower: str) -> None:
        self._encode, self._batch, self._device, self._tower = encode, batch, device, tower
        self._under_way: deque[_Started] = deque()
        self._ahead = 0
        self._begun: float | None = None

    @property
    def waiting(self) -> bool:
        """Whether a run is started and not finished."""
        return bool(self._under_way)

    @property
    def full(self) -> bool:
        """Whether the oldest run should be finished before another is started."""
        return len(self._under_way) > self._ahead

    def start(self, masks: Bools) -> None:
        """Start to encode (m, n) ``masks``.

        Raises:
            EncodingError: Not even one mask fits into the device's memory.
        """
        self._begun = perf_counter()
        embeddings = _start(self._encode, masks, self._batch, self._device, self._tower)
        self._under_way.append(_Started(masks, embeddings))

    def finish(self) -> Tensor:
        """Wait for the oldest run and return its (m, d) embeddings, at :func:`home`.

        Raises:
            EncodingError: An embedding is not finite; the message names the encoder and the first such mask.
        """
        begun = perf_counter() if self._begun is None else self._begun
        self._begun = None
        embeddings = _finished(self._under_way.popleft(), self._encode, self._tower)
        self._ahead = most_ahead(self._device) if perf_counter() - begun < _SOON else 0
        return embeddings


def most_ahead(device: torch.device) -> int:
    """How many arrays of masks may be under way beside the one that is waited for."""
    return _MOST_AHEAD if device.type == "cuda" else 0


class _Started:
    """Embeddings that a GPU may still be at, and whether they will be finite.

    That is asked right behind the run: a question asked later would wait for the runs that were started in between.
    """

    def __init__(self, masks: Bools, embeddings: Tensor) -> None:
        self.masks, self.embeddings = masks, embeddings
        on_gpu = embeddings.is_cuda
        self._finite = torch.isfinite(embeddings).all(dim=1).to("cpu", non_blocking=on_gpu)
        self._there = torch.cuda.current_stream(embeddings.device).record_event() if on_gpu else None

    def finite(self) -> Tensor:
        """(m,) bool, once the embeddings are there."""
        if self._there is not None:
            self._there.synchronize()
        return self._finite


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
            _make_room(batch, device, tower, error.with_traceback(None))  # whose frames hold what the run had computed
            continue
        start += len(rows)
    return torch.cat(parts) if parts else torch.empty(0, 0, device=home(device))


def _launch(encode: Callable[[Tensor], Tensor], masks: Bools, device: torch.device) -> Tensor:
    """One run of the encoder; masks reach a GPU from pinned memory, so that nothing waits for them."""
    given = torch.from_numpy(np.ascontiguousarray(masks))
    if device.type == "cuda":
        given = given.pin_memory()
    with torch.inference_mode():
        return encode(given.to(device, non_blocking=True)).to(home(device))


def _finished(started: _Started, encode: Callable[[Tensor], Tensor], tower: str) -> Tensor:
    """The embeddings, once they are there and found to be finite."""
    finite = started.finite()
    if bool(finite.all()):
        return started.embeddings
    worst = int((~finite).int().argmax())
    kept = np.flatnonzero(started.masks[worst]).tolist()
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
            "the device hold theirs), or load the model with precision='bfloat16'"
            + (" or on device='cpu'." if device.type != "cpu" else ".")
        ) from error
    if device.type == "cuda":
        torch.cuda.empty_cache()
