"""A game that remembers: what was encoded before is answered from memory, so that a smaller budget is free."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from fixlip_widgets.game import Modality, VisionLanguageGame

if TYPE_CHECKING:
    from fixlip_widgets.incremental import IncrementalExplainer


class RememberingGame(VisionLanguageGame):
    """The game of ``explainer``, with every encoding that it has computed so far; its own new ones are kept too.

    Changing the caption here leaves the explainer's own game as it is.

    Args:
        explainer: Must not be computing meanwhile.
    """

    def __init__(self, explainer: IncrementalExplainer) -> None:
        self.__dict__.update(explainer.game.__dict__)
        self._known: dict[Modality, dict[bytes, Tensor]] = {
            modality: {mask.tobytes(): row for mask, row in zip(*explainer.encoded(modality), strict=True)}
            for modality in ("image", "text")
        }

    def set_text(self, text: str | Tensor) -> None:
        super().set_text(text)
        self._known["text"] = {}

    def encoder(self, modality: Modality) -> Callable[[Tensor], Tensor]:
        encode, known = super().encoder(modality), self._known[modality]

        def remember(masks: Tensor) -> Tensor:
            keys = [row.tobytes() for row in np.packbits(masks.cpu().numpy(), axis=1)]
            new = [position for position, key in enumerate(keys) if key not in known]
            if new:
                fresh = encode(masks[torch.tensor(new, device=masks.device)])
                known.update((keys[position], row) for position, row in zip(new, fresh, strict=True))
            return torch.stack([known[key] for key in keys])

        return remember
