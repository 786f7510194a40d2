"""The pool of one modality: every mask encoded so far, and the probabilities they were drawn at."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from fixlip_widgets.encoding import BatchSize, encode_all
from fixlip_widgets.estimators.crossmodal import Modality
from fixlip_widgets.masks import (
    balance_weights,
    draw_masks,
    effective_sample_size,
    enumerate_masks,
    enumeration_weights,
)

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]


class Pool:
    """Encoded masks of one modality.

    Draws follow a seeded stream per probability; a mask that comes up again is not encoded again. A pool is either a
    sample (weighted by the balance heuristic for the probability asked for) or complete (all masks, exact weights).

    Attributes:
        n: Players.
        drawn: Draws taken so far from the stream of each probability.
        complete: All ``2**n`` masks are encoded.
        encodes: Encoder runs so far: distinct masks.
    """

    def __init__(self, n: int, *, seed: int, stream: int, name: str) -> None:
        self.n, self.seed, self.stream, self.name = n, seed, stream, name
        self.drawn: dict[float, int] = {}
        self.complete = False
        self._rows: dict[bytes, int] = {}
        self._store = torch.empty(0)
        self._draws: list[tuple[Bools, NDArray[np.int64]]] = []

    @property
    def encodes(self) -> int:
        """Distinct masks encoded so far."""
        return len(self._rows)

    @property
    def masks(self) -> Bools:
        """(m, n) masks of all draws, in the order they were taken."""
        self._compact()
        return self._draws[0][0] if self._draws else np.empty((0, self.n), dtype=bool)

    def __len__(self) -> int:
        return sum(len(masks) for masks, _ in self._draws)

    def effective(self, p: float) -> float:
        """Effective number of masks for the probability ``p``."""
        if self.complete:
            return float(2**self.n)
        return effective_sample_size(self.weights(p)) if len(self) else 0.0

    def weights(self, p: float) -> Floats:
        """(m,) weights of the draws, summing to 1, that answer for the probability ``p``."""
        return enumeration_weights(self.masks, p) if self.complete else balance_weights(self.masks, p, self.drawn)

    def missing(self, p: float, count: int) -> int:
        """Draws at ``p`` that it takes until ``count`` masks count effectively; even at p = 0.5, whose masks pair up."""
        if self.complete:
            return 0
        lacking = max(0, int(np.ceil(count - self.effective(p) - 1e-6)))
        return lacking + (lacking + self.drawn.get(p, 0)) % 2 if p == 0.5 else lacking

    def extend(self, encode: Callable[[Tensor], Tensor], p: float, count: int, batch: BatchSize, device: torch.device) -> Iterator[int]:
        """Draw and encode ``count`` further masks at ``p``; yields after every batch how many are done.

        Stopping between batches, or an error in the encoder, leaves the pool valid.
        """
        start = done = self.drawn.get(p, 0)
        while done < start + count:
            step = max(batch.size - batch.size % 2, 1 if p != 0.5 else 2)
            masks = draw_masks(self.n, p, done, min(done + step, start + count), seed=self.seed, stream=self.stream)
            index = self._encode(encode, masks, batch, device)
            self._draws.append((masks, index))
            done += len(masks)
            self.drawn[p] = done
            yield done - start

    def enumerate(self, encode: Callable[[Tensor], Tensor], batch: BatchSize, device: torch.device) -> Iterator[int]:
        """Encode all masks that are missing; the pool becomes complete when the last one is."""
        masks = enumerate_masks(self.n)
        index: list[NDArray[np.int64]] = []
        for start in range(0, len(masks), 4 * batch.size):
            index.append(self._encode(encode, masks[start : start + 4 * batch.size], batch, device))
            yield min(start + 4 * batch.size, len(masks))
        self._draws, self.drawn, self.complete = [(masks, np.concatenate(index))], {}, True

    def modality(self, p: float, exact: bool = False) -> Modality:
        """What the estimator takes, weighted for the probability ``p``; ``exact`` in float64 throughout."""
        masks = self.masks
        index = self._draws[0][1]
        in_order = len(index) == len(self._rows) and bool((index == np.arange(len(index))).all())
        embeddings = self._store[: self.encodes]
        device = embeddings.device
        return Modality(
            masks=torch.from_numpy(masks).to(device),
            embeddings=embeddings if in_order else embeddings[torch.from_numpy(index).to(device)],
            weights=torch.from_numpy(self.weights(p)).to(device),
            paired=p == 0.5 and set(self.drawn) == {0.5} and len(masks) % 2 == 0,
            sampled=not self.complete,
            exact=exact,
        )

    def _encode(self, encode: Callable[[Tensor], Tensor], masks: Bools, batch: BatchSize, device: torch.device) -> NDArray[np.int64]:
        """Index of each mask's embedding in the store, after encoding those that are new."""
        keys = [row.tobytes() for row in np.packbits(masks, axis=1)]
        fresh: dict[bytes, int] = {}
        for position, key in enumerate(keys):
            if key not in self._rows:
                fresh.setdefault(key, position)
        if fresh:
            self._append(encode_all(encode, masks[list(fresh.values())], batch, device, self.name))
            for key in fresh:
                self._rows[key] = len(self._rows)
        return np.array([self._rows[key] for key in keys], dtype=np.int64)

    def _append(self, embeddings: Tensor) -> None:
        """Keep embeddings in one buffer that doubles, so that no result has to copy them together."""
        used, needed = self.encodes, self.encodes + len(embeddings)
        if needed > len(self._store):
            grown = torch.empty(max(needed, 2 * len(self._store), 256), embeddings.shape[1], device=embeddings.device)
            grown[:used] = self._store[:used] if used else grown[:0]
            self._store = grown
        self._store[used:needed] = embeddings

    def _compact(self) -> None:
        if len(self._draws) > 1:
            masks, index = zip(*self._draws, strict=True)
            self._draws = [(np.concatenate(masks), np.concatenate(index))]
