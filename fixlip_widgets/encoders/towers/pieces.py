"""Batches in pieces that a processor encodes without asking the system for fresh memory."""

from __future__ import annotations

import torch
from torch import Tensor

_LARGEST = 16 * 2**20
"""Bytes. glibc maps what is larger than 32 MB anew each time it is allocated, and gives back what lies free at the end
of its heap, from 64 MB on (mallopt(3), M_MMAP_THRESHOLD and M_TRIM_THRESHOLD). The system then clears every page again,
which takes as long as a tenth of the products. Half of that leaves room for a few such tensors at a time."""
_WIDENING = 4
"""How much wider than the sequence its MLPs usually are: the largest activation."""


def pieces(masks: Tensor, sequence: Tensor) -> tuple[Tensor, ...]:
    """(m, n) masks in equal parts, each to be encoded on its own.

    GPUs, whose memory PyTorch keeps, take all at once; so do runs that record gradients, which keep every activation.

    Args:
        masks: The batch.
        sequence: (length, width) what the encoder reads of one mask.
    """
    if masks.device.type != "cpu" or torch.is_grad_enabled():
        return (masks,)
    largest = len(masks) * sequence.numel() * sequence.element_size() * _WIDENING
    return masks.chunk(max(-(-largest // _LARGEST), 1))
