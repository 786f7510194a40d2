"""Split batches into chunks that a CPU encodes without requesting memory from the operating system each time."""

from __future__ import annotations

import torch
from torch import Tensor

_LARGEST = 16 * 2**20
"""Bytes. glibc maps allocations above 32 MB anew each time, and returns free memory above 64 MB at the end of its heap
(mallopt(3), M_MMAP_THRESHOLD and M_TRIM_THRESHOLD). The system then clears every page again, which takes a tenth of the
time of the matrix products. Half of 32 MB leaves room for several such tensors."""
_WIDENING = 4
"""Usual ratio of the width of the MLPs, the largest activations, to that of the sequence."""


def chunks(masks: Tensor, sequence: Tensor) -> tuple[Tensor, ...]:
    """Split (m, n) masks into equal parts to be encoded one after another.

    The batch is not split on GPUs, whose memory PyTorch caches, or if gradients are recorded, which keeps every
    activation.

    Args:
        masks: The batch.
        sequence: (length, width) encoder input for one mask.
    """
    if masks.device.type != "cpu" or torch.is_grad_enabled():
        return (masks,)
    largest = len(masks) * sequence.numel() * sequence.element_size() * _WIDENING
    return masks.chunk(max(-(-largest // _LARGEST), 1))
