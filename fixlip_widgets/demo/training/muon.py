"""The Muon optimiser: momentum whose singular values are set to about one.

Source: Jordan et al., "Muon: An optimizer for hidden layers in neural networks" (2024), with the learning rate scaled
as by Liu et al., "Muon is scalable for LLM training" (2025), so that rates for AdamW fit. ``torch.optim.Muon``
orthogonalises in bfloat16, one matrix at a time, which takes far longer on a CPU without bfloat16.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

_COEFFICIENTS = (3.4445, -4.7750, 2.0315)
"""Of the quintic polynomial of Jordan et al., which moves singular values of 0.001 to 1 close to 1 in five steps."""
_STEPS = 5
_UPDATE_SIZE = 0.2
"""Root mean square of an update of AdamW, in units of the learning rate."""


class Muon(torch.optim.Optimizer):
    """Muon with Nesterov momentum and decoupled weight decay.

    Args:
        params: Weight matrices of hidden layers.
        lr: Learning rate, as for AdamW.
        weight_decay: Weight decay, as for AdamW.
        momentum: Weight of the earlier gradients.
    """

    def __init__(self, params: Iterable[Tensor], lr: float, weight_decay: float = 0.05, momentum: float = 0.95) -> None:
        super().__init__(params, {"lr": lr, "weight_decay": weight_decay, "momentum": momentum})

    @torch.no_grad()
    def step(self) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Update the weights by their gradients."""
        for group in self.param_groups:
            self._step(group)

    def _step(self, group: dict[str, Any]) -> None:
        shapes: dict[torch.Size, list[Tensor]] = defaultdict(list)
        for weight in group["params"]:
            shapes[weight.shape].append(weight)
        for shape, weights in shapes.items():
            directions = orthogonalise(torch.stack([self._direction(weight, group["momentum"]) for weight in weights]))
            size = group["lr"] * _UPDATE_SIZE * math.sqrt(max(shape))
            for weight, direction in zip(weights, directions, strict=True):
                weight.mul_(1 - group["lr"] * group["weight_decay"]).sub_(direction, alpha=size)

    def _direction(self, weight: Tensor, momentum: float) -> Tensor:
        assert weight.grad is not None, "every weight takes part in the loss"
        average: Tensor = self.state[weight].setdefault("average", torch.zeros_like(weight))
        average.lerp_(weight.grad, 1 - momentum)
        return weight.grad.lerp(average, momentum)


def orthogonalise(matrices: Tensor) -> Tensor:
    """Return (k, m, n) matrices with the same singular vectors, and singular values of about one."""
    if matrices.shape[1] > matrices.shape[2]:
        return orthogonalise(matrices.mT).mT
    a, b, c = _COEFFICIENTS
    x = matrices / matrices.norm(dim=(1, 2), keepdim=True).clamp_min(1e-7)
    for _ in range(_STEPS):
        square = x @ x.mT
        x = a * x + (b * square + c * square @ square) @ x
    return x
