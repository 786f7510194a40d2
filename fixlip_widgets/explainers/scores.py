"""Logits and probabilities of several candidates: values of the model, without masks or errors."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from fixlip_widgets.encoders.batches import plain_settings
from fixlip_widgets.errors import InputError
from fixlip_widgets.estimators.quadratic import chunks
from fixlip_widgets.explainers.game import VisionLanguageGame
from fixlip_widgets.support.formatting import shortened

Floats = NDArray[np.float64]
_AT_ONCE = 1024
"""Candidates whose probabilities are added up in one product, which bounds its memory."""


class Scores:
    """Candidates with fixed vectors, scored by the embedding of an input.

    Args:
        game: Its model scores the candidates.
        names: (k,) names.
        vectors: (k, d) vectors of unit norm.
        ends: (2, d) embeddings of the complete input and of the empty one.
    """

    kind: Literal["class", "image"]
    nouns: tuple[str, str]

    def __init__(self, game: VisionLanguageGame, names: tuple[str, ...], vectors: Tensor, ends: Tensor) -> None:
        self.game = game
        self.names = names
        self.vectors = vectors
        self._ends = ends

    @property
    def logits(self) -> Floats:
        """(k,) logits of the complete input: values of the model, without an error."""
        return self.logits_of(self._ends)[0]

    @property
    def probabilities(self) -> Floats:
        """(k,) probabilities of the complete input, as the model was trained: softmax (CLIP) or sigmoid (SigLIP).

        A softmax is over the given candidates, and NaN for a single one.
        """
        return self.probabilities_of(self._ends)[0]

    @plain_settings
    def probabilities_of(self, embeddings: Tensor) -> Floats:
        """Return the (m, k) probabilities of all candidates, given (m, d) embeddings of masks; see `probabilities`."""
        if len(self) == 1 and not self.game.model.sigmoid:
            return np.full((len(embeddings), 1), np.nan)
        return np.exp(self.log_probabilities(embeddings.double()).cpu().numpy())

    @plain_settings
    def logits_of(self, embeddings: Tensor) -> Floats:
        """Return the (m, k) logits of all candidates, given (m, d) embeddings of masks."""
        return self._logits(embeddings).cpu().numpy()

    @plain_settings
    def log_probabilities(self, embeddings: Tensor) -> Tensor:
        """Return the (m, k) log-probabilities of (m, d) embeddings of masks."""
        logits = self._logits(embeddings)
        return F.logsigmoid(logits) if self.game.model.sigmoid else F.log_softmax(logits, dim=1)

    def _logits(self, embeddings: Tensor, vectors: Tensor | None = None) -> Tensor:
        vectors = self.vectors if vectors is None else vectors
        return self.game.scale * embeddings.double() @ vectors.T + self.game.bias

    def _log_probability(self, embeddings: Tensor, index: int) -> Tensor:
        """Return the (m,) log-probabilities of one candidate, without the (m, k) of all candidates."""
        out = torch.empty(len(embeddings), dtype=torch.float64, device=embeddings.device)
        for rows in chunks(len(embeddings)):
            some = embeddings[rows]
            own = self._logits(some, self.vectors[index : index + 1])[:, 0]
            if self.game.model.sigmoid:
                out[rows] = F.logsigmoid(own)
                continue
            parts = self.vectors.split(_AT_ONCE)
            total = torch.stack([self._logits(some, part).logsumexp(1) for part in parts]).logsumexp(0)
            out[rows] = own - total
        return out

    def ranking(self) -> NDArray[np.intp]:
        """Return the (k,) candidates in order of decreasing logit."""
        return np.argsort(-self.logits, kind="stable")

    def _index(self, name: str) -> int:
        if name not in self.names:
            one, several = self.nouns
            listed = shortened(", ".join(self.names), 200)
            raise InputError(f"There is no {one} {name!r}; the {several} are {listed}.")
        return self.names.index(name)

    def __len__(self) -> int:
        return len(self.names)

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __contains__(self, name: object) -> bool:
        return name in self.names

    def rows(self, count: int | None = None) -> list[tuple[str, float, float]]:
        """Return (name, logit, probability) of the ``count`` candidates with the largest logits, or of all."""
        logits, probabilities = self.logits, self.probabilities
        order = self.ranking()[:count]
        return [(self.names[index], float(logits[index]), float(probabilities[index])) for index in order]
