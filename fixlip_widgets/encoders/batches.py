"""Deduplicate masks, and encode them in batches that fit the device's memory."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import wraps
from time import perf_counter
from typing import ParamSpec, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from fixlip_widgets.errors import EncodingError

Bools = NDArray[np.bool_]
P = ParamSpec("P")
R = TypeVar("R")
_log = logging.getLogger(__name__)
_MOST_AHEAD = 2
_SHORT_RUN = 0.1
"""Seconds. If a run takes longer, none is started ahead: the gain would be small, and cancelling would have to wait."""
_attention_lock = threading.RLock()


def distinct(masks: Bools) -> tuple[Bools, NDArray[np.intp]]:
    """Return the distinct rows of ``masks`` in order of first appearance, and the index of each row among them."""
    packed = np.ascontiguousarray(np.packbits(masks, axis=1))
    keys = packed.view([("", packed.dtype, (packed.shape[1],))]).ravel() if packed.shape[1] else np.zeros(len(masks))
    _, first, inverse = np.unique(keys, return_index=True, return_inverse=True)
    order = np.argsort(first)
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    return masks[first[order]], rank[inverse.ravel()]


class BatchSize:
    """Number of masks per encoder run; halved permanently when the device runs out of memory."""

    def __init__(self, size: int) -> None:
        self.size = max(int(size), 1)

    def halve(self) -> bool:
        """Halve the size and return True, or return False if it is already 1."""
        if self.size == 1:
            return False
        self.size //= 2
        return True


def plain_settings(function: Callable[P, R]) -> Callable[P, R]:
    """Run a function without autocast and with the CPU as torch's default device, whatever a program has set.

    Embeddings are then computed in the precision of the weights, and do not depend on where a game was created.
    """

    @wraps(function)
    def plain(*args: P.args, **kwargs: P.kwargs) -> R:
        with ExitStack() as settings:
            for kind in ("cpu", "cuda", "mps"):
                if torch.is_autocast_enabled(kind):
                    settings.enter_context(torch.autocast(kind, enabled=False))
            if torch.get_default_device().type != "cpu":
                settings.enter_context(torch.device("cpu"))
            return function(*args, **kwargs)

    return plain


@dataclass(frozen=True)
class Encoder:
    """A function from a batch of masks to unit-norm embeddings.

    Attributes:
        encode: The ``encode`` method of a tower.
        dtype: Dtype in which the model computes.
    """

    encode: Callable[[Tensor], Tensor]
    dtype: torch.dtype

    @plain_settings
    def __call__(self, masks: Tensor) -> Tensor:
        if masks.device.type != "cuda":
            return self.encode(masks)
        with without_cudnn_attention():
            return self.encode(masks)


@contextmanager
def without_cudnn_attention() -> Generator[None]:
    """Disable cuDNN attention, which compiles a kernel for every new shape.

    Compiling takes one or two tenths of a second, as long as tens of encoder runs, and shapes vary: repeated masks are
    skipped and sequences are shortened. PyTorch's own kernels accept any shape and are about as fast.
    """
    backend = torch.backends.cuda
    with _attention_lock:  # the setting applies to all threads
        before = backend.cudnn_sdp_enabled()
        backend.enable_cudnn_sdp(False)
        try:
            yield
        finally:
            backend.enable_cudnn_sdp(before)


def is_out_of_memory(error: Exception) -> bool:
    """Return whether a device ran out of memory; CPUs, Apple's GPUs and NVIDIA's libraries report it in the message."""
    if isinstance(error, torch.OutOfMemoryError):
        return True
    message = str(error)
    return any(phrase in message for phrase in ("DefaultCPUAllocator", "out of memory", "_ALLOC_FAILED"))


def home(device: torch.device) -> torch.device:
    """Return the device that stores the embeddings of an encoder on ``device`` and computes estimates from them.

    It is ``device`` itself, except for Apple's GPUs: they lack float64, so the CPU is used.
    """
    return torch.device("cpu") if device.type == "mps" else device


def encode_all(
    encode: Callable[[Tensor], Tensor], masks: Bools, batch: BatchSize, device: torch.device, tower: str
) -> Tensor:
    """Encode (m, n) masks in batches into (m, d) embeddings on the device :func:`home`.

    Raises:
        EncodingError: See :class:`EncoderRuns`.
    """
    runs = EncoderRuns(encode, batch, device, tower)
    runs.start(masks)
    return runs.finish()


class EncoderRuns:
    """Queue of encoder runs; a GPU may have several in progress.

    Args:
        encode: Function from (m, n) masks to (m, d) embeddings.
        batch: Number of masks per run; halved if the device runs out of memory.
        device: Device of the encoder.
        tower: Name of the encoder in error messages.
    """

    def __init__(self, encode: Callable[[Tensor], Tensor], batch: BatchSize, device: torch.device, tower: str) -> None:
        self._encode, self._batch, self._device, self._tower = encode, batch, device, tower
        self._under_way: deque[_Started] = deque()
        self._ahead = 0
        self._start_time: float | None = None

    @property
    def full(self) -> bool:
        """Whether the oldest run should be finished before another is started."""
        return len(self._under_way) > self._ahead

    def start(self, masks: Bools) -> None:
        """Start encoding (m, n) ``masks``, in batches.

        Raises:
            EncodingError: A single mask exceeds the device's memory.
        """
        self._start_time = perf_counter()
        embeddings = _start(self._encode, masks, self._batch, self._device, self._tower)
        self._under_way.append(_Started(masks, embeddings))

    def finish(self) -> Tensor:
        """Wait for the oldest run and return its (m, d) embeddings on the device :func:`home`.

        Raises:
            EncodingError: An embedding is not finite; the message names the encoder and the first such mask.
        """
        start_time = perf_counter() if self._start_time is None else self._start_time
        self._start_time = None
        embeddings = _finished(self._under_way.popleft(), self._encode, self._tower)
        self._ahead = most_ahead(self._device) if perf_counter() - start_time < _SHORT_RUN else 0
        return embeddings


def most_ahead(device: torch.device) -> int:
    """Return how many mask arrays may be started ahead of the current one."""
    return _MOST_AHEAD if device.type == "cuda" else 0


class _Started:
    """Embeddings that a GPU may still be computing, and whether they are finite.

    The test for finite values is queued directly after the run: queued later, it would wait for runs started since.
    """

    def __init__(self, masks: Bools, embeddings: Tensor) -> None:
        self.masks, self.embeddings = masks, embeddings
        on_gpu = embeddings.is_cuda
        self._finite = torch.isfinite(embeddings).all(dim=1).to("cpu", non_blocking=on_gpu)
        self._ready = torch.cuda.current_stream(embeddings.device).record_event() if on_gpu else None

    def finite(self) -> Tensor:
        """Wait for the embeddings, and return (m,) bool: whether each one is finite."""
        if self._ready is not None:
            self._ready.synchronize()
        return self._finite


def _start(
    encode: Callable[[Tensor], Tensor], masks: Bools, batch: BatchSize, device: torch.device, tower: str
) -> Tensor:
    """Return (m, d) embeddings, which a GPU may still be computing."""
    parts: list[Tensor] = []
    start = 0
    while start < len(masks):
        rows = masks[start : start + batch.size]
        try:
            parts.append(_launch(encode, rows, device))
        except RuntimeError as error:  # the base class of out-of-memory errors
            if not is_out_of_memory(error):
                raise
            _make_room(batch, device, tower, error.with_traceback(None))  # its frames hold the run's tensors
            continue
        start += len(rows)
    return torch.cat(parts) if parts else torch.empty(0, 0, device=home(device))


def _launch(encode: Callable[[Tensor], Tensor], masks: Bools, device: torch.device) -> Tensor:
    """Run the encoder once; masks are copied to a GPU from pinned memory, without blocking."""
    rows = torch.from_numpy(np.ascontiguousarray(masks))
    if device.type == "cuda":
        rows = rows.pin_memory()
    with torch.inference_mode():
        return encode(rows.to(device, non_blocking=True)).to(home(device))


def _finished(started: _Started, encode: Callable[[Tensor], Tensor], tower: str) -> Tensor:
    """Wait for the embeddings and return them, or raise EncodingError unless all are finite."""
    finite = started.finite()
    if bool(finite.all()):
        return started.embeddings
    row = int((~finite).int().argmax())
    players = np.flatnonzero(started.masks[row]).tolist()
    raise EncodingError(
        f"The {tower} encoder returned values that are not finite for the mask that keeps players {players}; "
        + _advice(getattr(encode, "dtype", None))
    )


def _advice(dtype: torch.dtype | None) -> str:
    """Return advice on values that are not finite."""
    if dtype == torch.float16:
        return (
            "float16 holds numbers up to 65,504 only, which this model exceeds: load it with "
            "precision='bfloat16' or precision='float32'."
        )
    return "its weights may be damaged: load them again, and check them for NaN."


def _make_room(batch: BatchSize, device: torch.device, tower: str, error: RuntimeError) -> None:
    if not batch.halve():
        raise EncodingError(
            f"{device} has too little memory for a single mask of the {tower} encoder. Free memory, such as that of "
            "other notebooks on the device, or load the model with precision='bfloat16'"
            + (" or on device='cpu'." if device.type != "cpu" else ".")
        ) from error
    _log.warning(
        "%s ran out of memory: from now on, the %s encoder runs on %d masks at once.", device, tower, batch.size
    )
    if device.type == "cuda":
        torch.cuda.empty_cache()
