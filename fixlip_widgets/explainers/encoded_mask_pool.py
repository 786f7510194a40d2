"""The pool of one modality: all masks encoded so far, and the probabilities at which they were drawn."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Literal, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from fixlip_widgets.encoders.batches import BatchSize, EncoderRuns, home
from fixlip_widgets.errors import PoolError
from fixlip_widgets.estimators.crossmodal_regression import Modality
from fixlip_widgets.estimators.masks import (
    MaskDesign,
    balance_by_size,
    balance_weights,
    draw_masks,
    effective_sample_size,
    enumerate_masks,
    enumeration_weights,
    packed_rows,
    uses_arrays,
)
from fixlip_widgets.estimators.moments import Moments
from fixlip_widgets.estimators.orthogonal_arrays import array_length
from fixlip_widgets.support.checks import check_p
from fixlip_widgets.support.threads import Lock

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]
_OWN_SHARE = 0.7
"""Masks drawn at the requested p are used alone once they are this share of the effective number of masks at p."""


class _Pending(NamedTuple):
    """A batch of masks, some of which are being encoded.

    Attributes:
        masks: (m, n).
        keys: Packed bytes of each mask.
        new: Key of each mask that is being encoded → its row.
    """

    masks: Bools
    keys: list[bytes]
    new: dict[bytes, int]


class Pool:
    """Encoded masks of one modality.

    Masks are drawn from one seeded stream for each probability; a mask that repeats is encoded once. A pool is either a
    sample, weighted by the balance heuristic for a requested p, or complete, with exact weights. One thread may extend
    it while others read it: every result is consistent.

    Attributes:
        n: Number of players.
        name: The modality.
        design: How masks are drawn.
        complete: Whether all ``2**n`` masks are encoded.
        counts: Number of masks drawn so far at each probability.
    """

    def __init__(
        self, n: int, *, seed: int, stream: int, name: Literal["image", "text"], design: MaskDesign = "random"
    ) -> None:
        self.n, self.seed, self.stream = n, seed, stream
        self.design: MaskDesign = design
        self.name: Literal["image", "text"] = name
        self.complete = False
        self._rows: dict[bytes, int] = {}
        self._store = torch.empty(0)
        self._draws: dict[float, list[tuple[Bools, NDArray[np.int64]]]] = {}
        self._moments: dict[float, tuple[int, Moments]] = {}
        self.counts: dict[float, int] = {}
        self._sizes = np.zeros(n + 1)
        self._lock = Lock()

    @property
    def encodes(self) -> int:
        """Number of distinct masks encoded so far."""
        return len(self._rows)

    def __len__(self) -> int:
        return 2**self.n if self.complete else sum(self.counts.values())

    # -- encoding ----------------------------------------------------------------------------------------------------

    def missing(self, p: float, count: int) -> int:
        """Return the number of draws at ``p`` until the effective number of masks is ``count``; in pairs at p = 0.5.

        If ``count`` masks are whole orthogonal arrays, masks drawn at other p do not count: no array consists of them.
        """
        if self.complete:
            return 0
        if uses_arrays(self.n, p, self.design) and count % array_length(self.n) == 0:
            return self.missing_draws(p, count)
        return self._in_pairs(p, max(0, int(np.ceil(count - self.effective(p) - 1e-6))))

    def missing_draws(self, p: float, count: int) -> int:
        """Return the number of draws until ``count`` masks are drawn at ``p`` itself; in pairs at p = 0.5."""
        return self._in_pairs(p, max(0, count - self.counts.get(p, 0)))

    def _in_pairs(self, p: float, draws: int) -> int:
        return draws + (draws + self.counts.get(p, 0)) % 2 if p == 0.5 else draws

    def extend(
        self, encode: Callable[[Tensor], Tensor], p: float, count: int, batch: BatchSize, device: torch.device
    ) -> Iterator[int]:
        """Draw and encode ``count`` more masks at ``p``, and yield the number done after every batch.

        The pool stays valid if the iterator is closed between batches, or if the encoder raises an error. For the other
        arguments, see :class:`~fixlip_widgets.encoders.batches.EncoderRuns`.
        """
        start = self.counts.get(p, 0)

        def draws() -> Iterator[Bools]:
            done = start
            while done < start + count:
                step = max(batch.size - batch.size % 2, 1 if p != 0.5 else 2)
                masks = self._drawn(p, done, min(done + step, start + count))
                done += len(masks)
                yield masks

        for masks, index in self._encode(encode, draws(), batch, device):
            self._add_draws(p, masks, index)
            yield self.counts[p] - start

    def _drawn(self, p: float, start: int, stop: int) -> Bools:
        """Return (stop − start, n) masks of this pool's stream at ``p``."""
        return draw_masks(self.n, p, start, stop, seed=self.seed, stream=self.stream, design=self.design)

    def enumerate(self, encode: Callable[[Tensor], Tensor], batch: BatchSize, device: torch.device) -> Iterator[int]:
        """Encode all masks, and yield the number done after every batch; after the last one, the pool is complete."""
        all_masks, done, step = enumerate_masks(self.n), 0, 4 * batch.size
        parts = (all_masks[start : start + step] for start in range(0, len(all_masks), step))
        for masks, _ in self._encode(encode, parts, batch, device):
            done += len(masks)
            yield done
        with self._lock:
            self._draws, self._moments, self.counts, self.complete = {}, {}, {}, True

    def _add_draws(self, p: float, masks: Bools, index: NDArray[np.int64]) -> None:
        """Add (m, n) masks drawn at ``p``, with the rows of their embeddings in the store."""
        with self._lock:
            self._draws.setdefault(p, []).append((masks, index))
            self.counts[p] = self.counts.get(p, 0) + len(masks)
            self._sizes += np.bincount(masks.sum(axis=1), minlength=self.n + 1)

    def _encode(
        self, encode: Callable[[Tensor], Tensor], batches: Iterable[Bools], batch: BatchSize, device: torch.device
    ) -> Iterator[tuple[Bools, NDArray[np.int64]]]:
        """Encode the new ones of each array of masks, and yield the array with the rows of its embeddings."""
        runs, pending = EncoderRuns(encode, batch, device, self.name), deque[_Pending]()
        for masks in batches:
            pending.append(self._start(masks, pending))
            runs.start(masks[list(pending[-1].new.values())])
            while runs.full:
                yield self._finish(pending.popleft(), runs.finish())
        while pending:
            yield self._finish(pending.popleft(), runs.finish())

    def _start(self, masks: Bools, others: Iterable[_Pending]) -> _Pending:
        """Determine which masks to encode: those that are neither stored nor among ``others``."""
        keys, new = packed_rows(masks), dict[bytes, int]()
        ahead = set[bytes]().union(*(other.new for other in others))
        for position, key in enumerate(keys):
            if key not in self._rows and key not in ahead:
                new.setdefault(key, position)
        return _Pending(masks, keys, new)

    def _finish(self, batch: _Pending, embeddings: Tensor) -> tuple[Bools, NDArray[np.int64]]:
        """Store the new embeddings of a batch; return its masks and where each one's embedding is stored."""
        with self._lock:
            self._append(embeddings)
            for key in batch.new:
                self._rows[key] = len(self._rows)
            return batch.masks, np.array([self._rows[key] for key in batch.keys], dtype=np.int64)

    def _append(self, embeddings: Tensor) -> None:
        """Append embeddings to one buffer that doubles, so that results need not concatenate them."""
        if not len(embeddings):
            return
        used, needed = self.encodes, self.encodes + len(embeddings)
        if needed > len(self._store):
            rows = max(needed, 2 * len(self._store), 256)
            grown = embeddings.new_empty(rows, embeddings.shape[1])
            if used:
                grown[:used] = self._store[:used]
            self._store = grown
        self._store[used:needed] = embeddings

    # -- reading -----------------------------------------------------------------------------------------------------

    def effective(self, p: float) -> float:
        """Return the effective number of masks at ``p`` (Kish)."""
        if self.complete:
            return float(2**self.n)
        with self._lock:
            if not self.counts:
                return 0.0
            return effective_sample_size(balance_by_size(self.n, p, self.counts), self._sizes)

    def determines(self, modality: Modality) -> tuple[bool, bool]:
        """Return whether there are more sampling units than unknowns of a linear fit, and of a fit with pairs.

        A pair of complements is one unit, which separates odd from even terms. A mask that repeats is one unit, too.
        """
        if not modality.sampled:
            return True, True
        n, paired = self.n, modality.paired
        units = min(modality.units, self.encodes / (2 if paired else 1))
        even = 1 + n * (n - 1) // 2
        return (units > n, units > max(even, n)) if paired else (units > 1 + n, units > even + n)

    def from_arrays(self, modality: Modality) -> bool:
        """Return whether rows of orthogonal arrays are among the masks: standard errors are then upper bounds."""
        return modality.sampled and any(uses_arrays(self.n, p, self.design) for p, _ in modality.drawn)

    def modality(self, p: float, exact: bool = False) -> Modality:
        """Return the masks, weighted for ``p``, as the estimators take them; ``exact`` fits in float64 throughout."""
        with self._lock:
            own = self.counts.get(p, 0)
            options: dict[str, Any] = {"p": p, "exact": exact}
            if self.complete:
                masks = enumerate_masks(self.n)
                index = np.array([self._rows[key] for key in packed_rows(masks)], dtype=np.int64)
                weights, options = enumeration_weights(masks, p), {"sampled": False}
            elif own >= max(_OWN_SHARE * self.effective(p), 2):
                masks, index = self._draws_at(p)
                weights = np.full(own, 1 / own)
                options |= {"paired": p == 0.5 and own % 2 == 0, "drawn": ((p, own),), "known_moments": self._sums(p)}
            else:
                parts = [self._draws_at(q) for q in self._draws]
                masks = np.concatenate([part for part, _ in parts])
                index = np.concatenate([part for _, part in parts])
                weights = balance_weights(masks, p, self.counts)
                options |= {"drawn": tuple(self.counts.items())}
            device = self._store.device
            return Modality(
                masks=torch.from_numpy(masks).to(device),
                embeddings=self._embeddings(index),
                weights=torch.from_numpy(weights).to(device),
                **options,
            )

    def _embeddings(self, index: NDArray[np.int64]) -> Tensor:
        """Return (m, d) rows of the store: a view if they are consecutive, which they are unless masks repeat."""
        if len(index) and bool((np.diff(index) == 1).all()):
            return self._store[int(index[0]) : int(index[-1]) + 1]
        return self._store[torch.from_numpy(index).to(self._store.device)]

    def _sums(self, p: float) -> Moments:
        """Return sums over the draws at ``p``, to which only the draws since the last call are added."""
        masks, index = self._draws_at(p)
        count, known = self._moments.get(p, (0, None))
        if count < len(masks):
            fresh = torch.from_numpy(masks[count:]).to(self._store.device)
            ones = torch.ones(len(fresh), dtype=torch.float64, device=fresh.device)
            added = Moments.of(fresh, self._embeddings(index[count:]), ones)
            known = added if known is None else known + added
            self._moments[p] = len(masks), known
        assert known is not None  # there is at least one draw
        return known

    def _draws_at(self, p: float) -> tuple[Bools, NDArray[np.int64]]:
        parts = self._draws[p]
        if len(parts) > 1:
            masks, index = zip(*parts, strict=True)
            self._draws[p] = parts = [(np.concatenate(masks), np.concatenate(index))]
        return parts[0]

    def contents(self) -> tuple[NDArray[np.uint8], Tensor]:
        """Return (m, ⌈n / 8⌉) encoded masks, packed eight players to a byte, and their (m, d) embeddings."""
        with self._lock:
            packed = np.frombuffer(b"".join(self._rows), dtype=np.uint8).reshape(self.encodes, -(-self.n // 8))
            return packed, self._store[: self.encodes] if self.encodes else torch.empty(0, 0)

    # -- files -------------------------------------------------------------------------------------------------------

    def state(self) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        """Return arrays and metadata for :meth:`restore`: distinct masks, their embeddings, and the counts."""
        with self._lock:
            packed, _ = self.contents()
            drawn = [[p, count] for p, count in self.counts.items()]
            metadata = {"n": self.n, "complete": self.complete, "drawn": drawn}
            return {"masks": packed, "embeddings": self._store[: self.encodes].cpu().numpy()}, metadata

    def restore(self, arrays: dict[str, NDArray[Any]], metadata: dict[str, Any], device: torch.device) -> None:
        """Fill this empty pool with the :meth:`state` of another pool of the same modality, seed, stream and design.

        Raises:
            PoolError: The masks are not those of this pool's streams.
        """
        rows = {mask.tobytes(): position for position, mask in enumerate(arrays["masks"])}
        drawn: dict[float, int] = {}
        for p, count in metadata["drawn"]:  # earlier versions did not round p: 0.3 and 0.1 + 0.2 are one stream
            p = check_p(p)
            drawn[p] = max(count, drawn.get(p, 0))
        for p, count in drawn.items():
            masks = self._drawn(p, 0, count)
            try:
                self._add_draws(p, masks, np.array([rows[key] for key in packed_rows(masks)], dtype=np.int64))
            except KeyError as error:
                raise PoolError("The pool's masks do not belong to its seed; the file is damaged.") from error
        self._rows, self.complete = rows, bool(metadata["complete"])
        self._store = torch.from_numpy(arrays["embeddings"]).to(home(device))
