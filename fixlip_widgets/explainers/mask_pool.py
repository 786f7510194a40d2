"""The pool of one modality: every mask encoded so far, and the probabilities they were drawn at."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from fixlip_widgets.encoders.batches import BatchSize, EncoderRuns, home
from fixlip_widgets.errors import PoolError
from fixlip_widgets.estimators.crossmodal import Modality
from fixlip_widgets.estimators.masks import (
    balance_by_size,
    balance_weights,
    draw_masks,
    effective_sample_size,
    enumerate_masks,
    enumeration_weights,
    packed_rows,
)
from fixlip_widgets.estimators.moments import Moments
from fixlip_widgets.support.checks import check_p
from fixlip_widgets.support.threads import Lock

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]
_OWN_SHARE = 0.7
"""Masks drawn at the very probability asked for are used alone once they are this share of all that count there."""


class _Pending(NamedTuple):
    """A batch of masks whose new ones are being encoded.

    Attributes:
        masks: (m, n).
        keys: Each mask as bytes.
        new: Key of each mask that had to be encoded → its row.
    """

    masks: Bools
    keys: list[bytes]
    new: dict[bytes, int]


class Pool:
    """Encoded masks of one modality.

    Draws follow a seeded stream per probability; a mask that comes up again is not encoded again. A pool is either a
    sample (weighted by the balance heuristic for the probability asked for) or complete (all masks, exact weights).
    One thread may extend it while others read it: what they get belongs together.

    Attributes:
        n: Players.
        complete: All ``2**n`` masks are encoded.
        drawn: Draws taken so far from the stream of each probability.
    """

    def __init__(self, n: int, *, seed: int, stream: int, name: str) -> None:
        self.n, self.seed, self.stream, self.name = n, seed, stream, name
        self.complete = False
        self._rows: dict[bytes, int] = {}
        self._store = torch.empty(0)
        self._draws: dict[float, list[tuple[Bools, NDArray[np.int64]]]] = {}
        self._moments: dict[float, tuple[int, Moments]] = {}
        self.drawn: dict[float, int] = {}
        self._sizes = np.zeros(n + 1)
        self._lock = Lock()

    @property
    def encodes(self) -> int:
        """Distinct masks encoded so far: encoder runs."""
        return len(self._rows)

    def __len__(self) -> int:
        return 2**self.n if self.complete else sum(self.drawn.values())

    # -- growing -----------------------------------------------------------------------------------------------------

    def missing(self, p: float, count: int) -> int:
        """Draws at ``p`` until ``count`` masks count effectively; an even number at p = 0.5, where they pair up."""
        if self.complete:
            return 0
        return self._paired(p, max(0, int(np.ceil(count - self.effective(p) - 1e-6))))

    def undrawn(self, p: float, count: int) -> int:
        """Draws at ``p`` until there are ``count`` of them, whatever others count there; in pairs at p = 0.5."""
        return self._paired(p, max(0, count - self.drawn.get(p, 0)))

    def _paired(self, p: float, lacking: int) -> int:
        return lacking + (lacking + self.drawn.get(p, 0)) % 2 if p == 0.5 else lacking

    def extend(
        self, encode: Callable[[Tensor], Tensor], p: float, count: int, batch: BatchSize, device: torch.device
    ) -> Iterator[int]:
        """Draw and encode ``count`` further masks at ``p``; yields after every batch how many are done.

        Stopping between batches, or an error in the encoder, leaves the pool valid.
        """
        start = self.drawn.get(p, 0)

        def draws() -> Iterator[Bools]:
            done = start
            while done < start + count:
                step = max(batch.size - batch.size % 2, 1 if p != 0.5 else 2)
                masks = draw_masks(self.n, p, done, min(done + step, start + count), seed=self.seed, stream=self.stream)
                done += len(masks)
                yield masks

        for masks, index in self._encoded(encode, draws(), batch, device):
            self._note(p, masks, index)
            yield self.drawn[p] - start

    def enumerate(self, encode: Callable[[Tensor], Tensor], batch: BatchSize, device: torch.device) -> Iterator[int]:
        """Encode all masks that are missing; the pool becomes complete when the last one is."""
        every, done, step = enumerate_masks(self.n), 0, 4 * batch.size
        parts = (every[start : start + step] for start in range(0, len(every), step))
        for masks, _ in self._encoded(encode, parts, batch, device):
            done += len(masks)
            yield done
        with self._lock:
            self._draws, self._moments, self.drawn, self.complete = {}, {}, {}, True

    def _note(self, p: float, masks: Bools, index: NDArray[np.int64]) -> None:
        """Take in draws at ``p`` whose embeddings lie in the store at ``index``."""
        with self._lock:
            self._draws.setdefault(p, []).append((masks, index))
            self.drawn[p] = self.drawn.get(p, 0) + len(masks)
            self._sizes += np.bincount(masks.sum(axis=1), minlength=self.n + 1)

    def _encoded(
        self, encode: Callable[[Tensor], Tensor], batches: Iterable[Bools], batch: BatchSize, device: torch.device
    ) -> Iterator[tuple[Bools, NDArray[np.int64]]]:
        """Each array of masks, and its embeddings' places in the store, once those that are new have been encoded."""
        runs, pending = EncoderRuns(encode, batch, device, self.name), deque[_Pending]()
        for masks in batches:
            pending.append(self._pending(masks, pending))
            runs.start(masks[list(pending[-1].new.values())])
            while runs.full:
                yield self._stored(pending.popleft(), runs.finish())
        while pending:
            yield self._stored(pending.popleft(), runs.finish())

    def _pending(self, masks: Bools, others: Iterable[_Pending]) -> _Pending:
        """Determine which masks to encode: those that are neither stored nor among ``others``."""
        keys, new = packed_rows(masks), dict[bytes, int]()
        ahead = set[bytes]().union(*(other.new for other in others))
        for position, key in enumerate(keys):
            if key not in self._rows and key not in ahead:
                new.setdefault(key, position)
        return _Pending(masks, keys, new)

    def _stored(self, batch: _Pending, embeddings: Tensor) -> tuple[Bools, NDArray[np.int64]]:
        """Store the new embeddings of a batch; return its masks and where each one's embedding is stored."""
        with self._lock:
            self._append(embeddings)
            for key in batch.new:
                self._rows[key] = len(self._rows)
            return batch.masks, np.array([self._rows[key] for key in batch.keys], dtype=np.int64)

    def _append(self, embeddings: Tensor) -> None:
        """Keep embeddings in one buffer that doubles, so that no result has to copy them together."""
        if not len(embeddings):
            return
        used, needed = self.encodes, self.encodes + len(embeddings)
        if needed > len(self._store):
            grown = torch.empty(max(needed, 2 * len(self._store), 256), embeddings.shape[1], device=embeddings.device)
            grown[:used] = self._store[:used] if used else grown[:0]
            self._store = grown
        self._store[used:needed] = embeddings

    # -- answering ---------------------------------------------------------------------------------------------------

    def effective(self, p: float) -> float:
        """Effective number of masks for the probability ``p`` (Kish)."""
        if self.complete:
            return float(2**self.n)
        with self._lock:
            if not self.drawn:
                return 0.0
            return effective_sample_size(balance_by_size(self.n, p, self.drawn), self._sizes)

    def determines(self, modality: Modality) -> tuple[bool, bool]:
        """Whether the pool's ``modality`` has more sampling units than a linear fit, and one with pairs, has unknowns.

        Complements are one unit, which tells odd terms from even ones; so is a mask that was drawn several times.
        """
        if not modality.sampled:
            return True, True
        n, paired = self.n, modality.paired
        units = min(modality.units, self.encodes / (2 if paired else 1))
        even = 1 + n * (n - 1) // 2
        return (units > n, units > max(even, n)) if paired else (units > 1 + n, units > even + n)

    def modality(self, p: float, exact: bool = False) -> Modality:
        """What the estimator takes, weighted for the probability ``p``; ``exact`` in float64 throughout."""
        with self._lock:
            return self._weighted(p, exact)

    def _weighted(self, p: float, exact: bool) -> Modality:
        if self.complete:
            masks = enumerate_masks(self.n)
            index = np.array([self._rows[key] for key in packed_rows(masks)], dtype=np.int64)
            return self._modality(masks, index, enumeration_weights(masks, p), sampled=False)
        own = self.drawn.get(p, 0)
        if own >= max(_OWN_SHARE * self.effective(p), 2):
            masks, index = self._drawn_at(p)
            paired, weights = p == 0.5 and own % 2 == 0, np.full(own, 1 / own)
            return self._modality(
                masks, index, weights, paired=paired, p=p, exact=exact, drawn=((p, own),), known_moments=self._sums(p)
            )
        masks, index = self._all()
        drawn = tuple(self.drawn.items())
        return self._modality(masks, index, balance_weights(masks, p, self.drawn), p=p, exact=exact, drawn=drawn)

    def _modality(self, masks: Bools, index: NDArray[np.int64], weights: Floats, **options: Any) -> Modality:
        device = self._store.device
        return Modality(
            masks=torch.from_numpy(masks).to(device),
            embeddings=self._embeddings(index),
            weights=torch.from_numpy(weights).to(device),
            **options,
        )

    def _embeddings(self, index: NDArray[np.int64]) -> Tensor:
        """(m, d) rows of the store; a view where they lie in order, as they do unless masks repeat."""
        if len(index) and bool((np.diff(index) == 1).all()):
            return self._store[int(index[0]) : int(index[-1]) + 1]
        return self._store[torch.from_numpy(index).to(self._store.device)]

    def _sums(self, p: float) -> Moments:
        """Running sums over the draws at ``p``: only those that came since the last call are added."""
        masks, index = self._drawn_at(p)
        count, known = self._moments.get(p, (0, None))
        if count < len(masks):
            fresh = torch.from_numpy(masks[count:]).to(self._store.device)
            ones = torch.ones(len(fresh), dtype=torch.float64, device=fresh.device)
            added = Moments.of(fresh, self._embeddings(index[count:]), ones)
            known = added if known is None else known + added
            self._moments[p] = len(masks), known
        assert known is not None  # there is at least one draw
        return known

    def _drawn_at(self, p: float) -> tuple[Bools, NDArray[np.int64]]:
        parts = self._draws[p]
        if len(parts) > 1:
            masks, index = zip(*parts, strict=True)
            self._draws[p] = parts = [(np.concatenate(masks), np.concatenate(index))]
        return parts[0]

    def _all(self) -> tuple[Bools, NDArray[np.int64]]:
        masks, index = zip(*(self._drawn_at(p) for p in self._draws), strict=True)
        return np.concatenate(masks), np.concatenate(index)

    def encoded(self) -> tuple[NDArray[np.uint8], Tensor]:
        """(m, ⌈n / 8⌉) masks encoded so far, packed eight players to a byte, and their (m, d) embeddings."""
        with self._lock:
            packed = np.frombuffer(b"".join(self._rows), dtype=np.uint8).reshape(self.encodes, -(-self.n // 8))
            return packed, self._store[: self.encodes] if self.encodes else torch.empty(0, 0)

    # -- files -------------------------------------------------------------------------------------------------------

    def state(self) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        """Arrays and metadata from which :meth:`restore` makes an equal pool: distinct masks, embeddings, counts."""
        with self._lock:
            packed, _ = self.encoded()
            drawn = [[p, count] for p, count in self.drawn.items()]
            metadata = {"n": self.n, "complete": self.complete, "drawn": drawn}
            return {"masks": packed, "embeddings": self._store[: self.encodes].cpu().numpy()}, metadata

    def restore(self, arrays: dict[str, NDArray[Any]], metadata: dict[str, Any], device: torch.device) -> None:
        """Take over the ``state()`` of another pool of the same modality, seed and stream, in a pool that is empty.

        Raises:
            PoolError: The masks are not those of this pool's streams.
        """
        rows = {mask.tobytes(): position for position, mask in enumerate(arrays["masks"])}
        drawn: dict[float, int] = {}
        for p, count in metadata["drawn"]:  # earlier versions kept p unrounded: 0.3 and 0.1 + 0.2 are one stream
            drawn[check_p(p)] = max(count, drawn.get(check_p(p), 0))
        for p, count in drawn.items():
            masks = draw_masks(self.n, p, 0, count, seed=self.seed, stream=self.stream)
            try:
                self._note(p, masks, np.array([rows[key] for key in packed_rows(masks)], dtype=np.int64))
            except KeyError as error:
                raise PoolError("The pool's masks do not belong to its seed; the file is damaged.") from error
        self._rows, self.complete = rows, bool(metadata["complete"])
        self._store = torch.from_numpy(arrays["embeddings"]).to(home(device))
