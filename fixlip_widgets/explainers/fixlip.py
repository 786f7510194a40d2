"""The engine behind the sliders: one pool of encoded masks that answers for any p, and grows instead of starting over.

``extend`` encodes what is missing, ``explanation`` solves from what is there. A new caption keeps the image side, a
new image keeps the text side.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from fixlip_widgets.encoders.batches import BatchSize
from fixlip_widgets.encoders.images import ImageLike
from fixlip_widgets.errors import FixlipError, PoolError
from fixlip_widgets.estimators.crossmodal import CrossModalFit, Fit, regress
from fixlip_widgets.estimators.crossmodal import Modality as SampledModality
from fixlip_widgets.estimators.linear import fit_linear
from fixlip_widgets.estimators.masks import split_budget, spread_probabilities
from fixlip_widgets.estimators.sums import sum_errors
from fixlip_widgets.estimators.third import regress_third
from fixlip_widgets.estimators.variance import Errors, standard_errors
from fixlip_widgets.explainers.encoding_plan import Work, fill_text, text_masks_wanted
from fixlip_widgets.explainers.game import Modality, VisionLanguageGame, check_game
from fixlip_widgets.explainers.mask_pool import Pool
from fixlip_widgets.explainers.metrics.fit import held_out_fit
from fixlip_widgets.explanation.explanation import Explanation
from fixlip_widgets.explanation.group_sums import Group, group
from fixlip_widgets.explanation.triples import Triples
from fixlip_widgets.support.checks import DEFAULT_BUDGET, MIN_BUDGET, check_budget, check_fit, check_p, check_seed
from fixlip_widgets.support.files import PathLike, read_npz, write_npz
from fixlip_widgets.support.progress import Progress
from fixlip_widgets.support.threads import Lock, threads_for

IMAGE_STREAM, TEXT_STREAM, HELD_OUT_STREAM = 0, 1, 2
"""The independent streams of masks, for one seed."""
FORMAT = 1
"""Version of the file format that :meth:`IncrementalExplainer.save` writes."""
_FEWEST_HELD_OUT = 8
"""Masks kept from the fit, as many as count, below which they say nothing of it."""
_MOST_SOLVED = 4
"""Explanations that are kept for when they are asked for again: a slider goes back and forth."""


@dataclass(frozen=True)
class _Solved:
    """An explanation, and the fit that gave it where group sums need one (order 2)."""

    explanation: Explanation
    fit: CrossModalFit | None = None


class IncrementalExplainer:
    """Explains one pair; more budget, another ``p`` or another caption cost only the difference.

    Several threads may use one explainer: of two that encode, the second waits for the first (:meth:`reserved`), and
    :meth:`explanation` answers from what is encoded at that moment.

    Args:
        game: The pair to explain.
        seed: Of the mask streams; the same seed gives the same masks.

    Attributes:
        budget_done: Evaluations (image masks × text masks) that the pool stands for at the last ``p`` asked for.
    """

    def __init__(self, game: VisionLanguageGame, seed: int = 0) -> None:
        check_game(game)
        self.game = game
        self.seed = check_seed(seed)
        self.p, self.budget, self.budget_done = 0.5, 0, 0
        self._earlier_image_encodes = self._earlier_text_encodes = 0
        self._solved: dict[tuple[object, ...], _Solved] = {}
        self._changes = game.changes
        self._growing = Lock()
        """Held by the thread that encodes or takes another pair; taken before ``_unchanging`` where both are."""
        self._unchanging = Lock()
        """Held while the pair is read or replaced."""
        self._image, self._held_out = self._image_pools()
        self._text = self._pool(game.n_text, TEXT_STREAM, "text")

    def with_game(self, game: VisionLanguageGame) -> IncrementalExplainer:
        """An explainer of another caption of the same image that shares the encoded images, both ways, and no answer.

        Args:
            game: Of the same model and image, with the same image players.
        """
        other = IncrementalExplainer(game, self.seed)
        with self._unchanging:
            other.p, other.budget, other.budget_done = self.p, self.budget, self.budget_done
            other._image, other._held_out, other._growing = self._image, self._held_out, self._growing
            other._earlier_image_encodes, other._earlier_text_encodes = self._earlier_image_encodes, self.text_encodes
        return other

    @contextmanager
    def reserved(self, stopped: Callable[[], bool] = lambda: False) -> Generator[bool]:
        """Keep other threads from encoding and from taking another pair, within the block.

        Args:
            stopped: Asked while another thread has it.

        Yields:
            True; or False, where ``stopped()`` became true first.
        """
        with self._growing.unless(stopped) as held:
            yield held

    def pair(self) -> AbstractContextManager[None]:
        """A context in which no other thread gives this explainer another image or caption."""
        return self._unchanging

    def _check_unchanged(self, *modalities: Modality) -> None:
        """Refuse a game whose image or caption is no longer the one that the pool was encoded with."""
        for name in modalities:
            if self.game.changes[name] != self._changes[name]:
                what = {"image": "image", "text": "caption"}[name]
                raise FixlipError(
                    f"The game has another {what} than this explainer has encoded: it was set on the game itself. Set "
                    f"it by explainer.set_{name}(…), or make another explainer of the game."
                )

    def _pool(self, n: int, stream: int, name: str) -> Pool:
        return Pool(n, seed=self.seed, stream=stream, name=name)

    def _image_pools(self) -> tuple[Pool, Pool]:
        n = self.game.n_image
        return self._pool(n, IMAGE_STREAM, "image"), self._pool(n, HELD_OUT_STREAM, "image")

    @property
    def image_encodes(self) -> int:
        """Image encodings computed so far, those of earlier images included."""
        return self._earlier_image_encodes + self._image.encodes + self._held_out.encodes

    @property
    def text_encodes(self) -> int:
        """Text encodings computed so far, those of earlier captions included."""
        return self._earlier_text_encodes + self._text.encodes

    def effective_image_masks(self, p: float) -> float:
        """How many image masks of the pool count effectively at ``p`` (Kish); none are encoded for asking."""
        return self._image.effective(check_p(p))

    def missing(self, p: float, budget: int) -> tuple[int, int]:
        """(image, text) encodings, at most, that :meth:`extend` would still compute for ``budget`` at ``p``."""
        work = Work(self.game, self._image, self._held_out, self._text, check_p(p), check_budget(budget))
        return work.image_total, work.text_total

    @property
    def probabilities(self) -> dict[float, int]:
        """How many image masks were drawn at each probability; none where all masks are encoded."""
        return dict(self._image.drawn)

    def encoded(self, modality: Literal["image", "text"]) -> tuple[NDArray[np.uint8], Tensor]:
        """What the pool holds: (m, ⌈n / 8⌉) masks with eight players to a byte, and their (m, d) embeddings."""
        pools = [self._text] if modality == "text" else [self._image, self._held_out]
        filled = [pool for pool in pools if pool.encodes] or pools[:1]  # an empty one knows neither width nor device
        masks, embeddings = zip(*(pool.encoded() for pool in filled), strict=True)
        return np.concatenate(masks), torch.cat(embeddings)

    # -- growing the pool ------------------------------------------------------------------------------------------

    def extend(
        self,
        p: float = 0.5,
        budget: int = DEFAULT_BUDGET,
        progress: Callable[[Progress], None] | None = None,
        cancelled: Callable[[], bool] | None = None,
    ) -> None:
        """Encode what is missing until the pool stands for ``budget`` evaluations at ``p``.

        Args:
            p: Probability of keeping a player.
            budget: Image masks × text masks; see :func:`fixlip_widgets.estimators.masks.split_budget`.
            progress: Called after every batch, in this thread; may call :meth:`explanation`.
            cancelled: Asked between batches; when it says True, what was encoded is kept and the call returns.

        Raises:
            InputError: ``p`` or ``budget`` is out of range.
            FixlipError: Image or caption were set on the game itself, so that the pool is another pair's.
        """
        p, budget = check_p(p), check_budget(budget)
        self._check_unchanged("image", "text")
        with self._growing:  # of two threads that ask for more, the second finds what the first has encoded
            self.p, self.budget = p, budget
            work = Work(self.game, self._image, self._held_out, self._text, p, budget)
            for state in work.run():
                self.budget_done = self._budget_at(p)
                if progress is not None:
                    progress(state)
                if cancelled is not None and cancelled():
                    return
            self.budget_done = budget

    def _budget_at(self, p: float) -> int:
        """Evaluations that the pool stands for now: the asked budget's share of image masks."""
        m_image, _ = split_budget(self.budget, self.game.n_image, self.game.n_text)
        share = 1.0 if self._image.complete else min(self._image.effective(p) / m_image, 1.0)
        return int(self.budget * share)

    def prepare(
        self,
        share: float = 0.5,
        low: float = 0.1,
        high: float = 0.9,
        progress: Callable[[Progress], None] | None = None,
        cancelled: Callable[[], bool] | None = None,
    ) -> None:
        """Encode masks over a range of ``p`` ahead of being asked, so that the next move is answered at once.

        Args:
            share: Extra image masks, as a share of those that the last budget stands for.
            low: Lower end of the range of ``p``; see :func:`fixlip_widgets.estimators.masks.spread_probabilities`.
            high: Upper end.
            progress: As in :meth:`extend`.
            cancelled: As in :meth:`extend`.
        """
        self._check_unchanged("image", "text")
        if self._image.complete or not self.budget:
            return
        with self._growing:
            self._prepare(share, low, high, progress, cancelled)

    def _prepare(
        self,
        share: float,
        low: float,
        high: float,
        progress: Callable[[Progress], None] | None,
        cancelled: Callable[[], bool] | None,
    ) -> None:
        probabilities = spread_probabilities(self.game.n_image, low, high)
        wanted = math.ceil(share * split_budget(self.budget, self.game.n_image, self.game.n_text)[0])
        each = -(-wanted // len(probabilities))
        counts = {p: self._image.undrawn(p, each) for p in probabilities}
        total, done, started = sum(counts.values()), 0, time.monotonic()
        batch = BatchSize(self.game.batch.size // 4)  # whoever asks meanwhile waits for a batch
        for p, count in counts.items():
            for encoded in self._image.extend(self.game.encoder("image"), p, count, batch, self.game.model.device):
                if progress is not None:
                    progress(Progress.since(started, done + encoded, total))
                if cancelled is not None and cancelled():
                    return
            done += count

    # -- answering from it -----------------------------------------------------------------------------------------

    def explanation(
        self,
        p: float | None = None,
        ridge: float | None = None,
        scope: Literal["all", "cross"] = "all",
        order: Literal[2, 3] = 2,
    ) -> Explanation:
        """The explanation at ``p`` from the masks encoded so far; encodes captions if need be, never images.

        Args:
            p: Any probability; far from those that masks were drawn at, few masks count (``effective_image_masks``).
            ridge: Shrinkage of image–image terms. None lets the data choose, and takes the noise of pairs out of
                cross-modal terms; 0 is the paper's estimator.
            order: 3 adds image–image–text and image–text–text terms.
            scope: ``"cross"`` fits main effects and cross-modal interactions only, which needs few masks.

        Raises:
            FixlipError: No image mask is encoded yet, or image or caption were set on the game itself.
            InputError: ``p``, ``ridge``, ``scope`` or ``order`` is not what is allowed.
        """
        p = self.p if p is None else check_p(p)
        check_fit(ridge, scope, order)
        with self._answering(p):
            _ = self.game.similarity  # encodes two pairs, where it is not known yet, and that on all threads
            asked = (p, ridge, scope, order, *self._state())
            if asked not in self._solved:
                with self._threads():
                    solved = self._solve(p, ridge, scope, order)
                if len(self._solved) >= _MOST_SOLVED:
                    del self._solved[next(iter(self._solved))]
                self._solved[asked] = solved
            return self._solved[asked].explanation.replace()  # callers may change theirs

    def banzhaf_values(self, p: float | None = None) -> Explanation:
        """The p-weighted Banzhaf value of every player, from the masks encoded so far; see :meth:`explanation`.

        Returns:
            An explanation of order 1: ``main`` (n,) and ``baseline`` are the best linear surrogate, in logits.

        Source: Marichal & Mathonet 2011 (weighted Banzhaf values give the best linear approximation).
        """
        p = self.p if p is None else check_p(p)
        with self._answering(p):
            second = self.explanation(p, ridge=0.0, scope="cross")
            text = self._text.modality(p)
            with self._threads():
                fit = fit_linear(self._image.modality(p), text, self.game.scale, self.game.bias)
            first = second.replace(
                baseline=fit.baseline,
                main=fit.main,
                interactions=np.zeros_like(second.interactions),
                baseline_se=fit.baseline_se,
                main_se=fit.main_se,
                interactions_se=None,
                method="banzhaf_values",
                order=1,
                scope="all",
                r2_in_sample=fit.r2,
                identified=dict.fromkeys(second.identified, second.identified["cross"]),
            )
            r2, spearman = self._faithfulness(first, p, text)
            return first.replace(r2=r2, spearman=spearman)

    @contextmanager
    def _answering(self, p: float) -> Generator[None]:
        """Hold the pair, with enough masked captions encoded for an answer at ``p``."""
        while True:
            with self._unchanging:
                if len(self._image) < 2:
                    raise FixlipError("Nothing is encoded yet; call extend(p, budget) first.")
                self._check_unchanged("image", "text")
                if not self._text.missing(p, self._text_wanted()):
                    yield
                    return
            with self._growing:
                for _ in fill_text(self.game, self._text, p, self._text_wanted()):
                    pass

    def _text_wanted(self) -> int:
        return text_masks_wanted(self.game, self.budget or MIN_BUDGET)

    def _state(self) -> tuple[object, ...]:
        """Return the part of a memo key that does not come from the caller: the pair and the sizes of the pools."""
        pools = [(len(pool), pool.encodes) for pool in self._pools().values()]
        return *self._changes.values(), self.p, self.budget, self.budget_done, *pools

    def _threads(self) -> AbstractContextManager[None]:
        return threads_for(max(len(pool) * pool.n**2 for pool in (self._image, self._text)))

    def _solve(self, p: float, ridge: float | None, scope: Literal["all", "cross"], order: Literal[2, 3]) -> _Solved:
        exact = ridge is not None
        image, text = self._image.modality(p, exact), self._text.modality(p, exact)
        scale, bias = self.game.scale, self.game.bias
        if order == 3:
            third = regress_third(image, text, ridge)
            solved, *blocks = third.assemble(scale, bias)
            errors, *block_errors = third.standard_errors(scale)
            more = {"order": 3, "triples": Triples(*blocks, *block_errors)}
            return _Solved(self._describe(solved, errors, p, image, text, **more))
        fit = regress(image, text, ridge, pairs=scope == "all")
        solved, errors = fit.assemble(scale, bias), standard_errors(fit, scale)
        return _Solved(self._describe(solved, errors, p, image, text, scope=scope), fit)

    def group(self, players: Sequence[int], explanation: Explanation) -> Group:
        """What several players do together in ``explanation``, with standard errors from the masks encoded so far.

        Args:
            players: Indices of different players.
            explanation: One of this explainer, of order 2; the errors of any other are as
                :func:`fixlip_widgets.explanation.group_sums.group` gives them.

        Raises:
            InputError: A player does not exist or comes twice, or there is none.
        """
        found = group(explanation, players)
        if explanation.order != 2 or explanation.method != "banzhaf" or explanation.tokens != self.game.tokens:
            return found
        inside = np.zeros(explanation.n_players, dtype=bool)
        inside[list(found.players)] = True
        with self._answering(explanation.p), self._threads():
            errors = sum_errors(self._fit_of(explanation), inside, self.game.scale)
        total, within = (None if np.isnan(error) else error for error in (errors.total, errors.within))
        return replace(found, se=errors.values, total_se=total, within_se=within)

    def _fit_of(self, explanation: Explanation) -> CrossModalFit:
        """Return the fit that gave ``explanation``: the one kept with it, or a new one."""
        for solved in self._solved.values():
            kept = solved.explanation
            same = kept.p == explanation.p and np.array_equal(kept.interactions, explanation.interactions)
            if same and solved.fit is not None:
                return solved.fit
        image, text = self._image.modality(explanation.p), self._text.modality(explanation.p)
        pairs = explanation.scope == "all"
        fit = regress(image, text, None, pairs=pairs)
        if not _gives(fit, explanation, self.game.scale):  # it was fitted with a fixed ridge
            fit = regress(image, text, explanation.ridge, pairs=pairs)
        return fit

    def _describe(
        self, solved: Fit, errors: Errors, p: float, image: SampledModality, text: SampledModality, **more: Any
    ) -> Explanation:
        game, pairs = self.game, more.get("scope", "all") == "all"
        (cross, image_image), (cross_too, text_text) = self._image.determines(image), self._text.determines(text)
        enough = {"cross": cross and cross_too, "image_image": pairs and image_image, "text_text": pairs and text_text}
        shell = Explanation(
            baseline=solved.baseline,
            main=solved.main,
            interactions=solved.interactions,
            baseline_se=errors.baseline,
            main_se=errors.main,
            interactions_se=errors.interactions,
            **game.described(),
            model=game.model.describe(),
            similarity=game.similarity,
            empty_similarity=game.empty_similarity,
            p=p,
            seed=self.seed,
            budget=self.budget_done if p == self.p else self._budget_at(p),
            image_encodes=self.image_encodes,
            text_encodes=self.text_encodes,
            effective_image_masks=image.effective if image.sampled else float(len(image.masks)),
            r2_in_sample=solved.r2,
            ridge=solved.ridge,
            identified=enough,
            **more,
        )
        r2, spearman = self._faithfulness(shell, p, text)
        return shell.replace(r2=r2, spearman=spearman)

    def _faithfulness(
        self, explanation: Explanation, p: float, text: SampledModality
    ) -> tuple[float | None, float | None]:
        if self._held_out.effective(p) < _FEWEST_HELD_OUT:
            return None, None
        return held_out_fit(explanation, self._held_out.modality(p), text, self.game.scale, self.game.bias, self.seed)

    # -- other pairs -----------------------------------------------------------------------------------------------

    def set_text(self, text: str | Tensor) -> None:
        """Explain another caption of the same image: no image is encoded again.

        Raises:
            InputError: The caption is empty or too long; the explainer stays as it was.
        """
        with self._growing, self._unchanging:
            self._check_unchanged("image")
            self.game.set_text(text)
            self._changes = self.game.changes
            self._earlier_text_encodes += self._text.encodes
            self._text = self._pool(self.game.n_text, TEXT_STREAM, "text")
            self._solved.clear()

    def set_image(self, image: ImageLike) -> None:
        """Explain another image with the same caption: no text is encoded again.

        Raises:
            InputError: The image cannot be read; the explainer stays as it was.
        """
        with self._growing, self._unchanging:
            self._check_unchanged("text")
            self.game.set_image(image)
            self._changes = self.game.changes
            self._earlier_image_encodes += self._image.encodes + self._held_out.encodes
            self._image, self._held_out = self._image_pools()
            self._solved.clear()
            self.budget_done = 0

    # -- files -----------------------------------------------------------------------------------------------------

    def save(self, path: PathLike) -> None:
        """Write the pool, so that another kernel can go on where this one is; an existing file is replaced whole."""
        arrays: dict[str, Any] = {}
        pools: dict[str, Any] = {}
        with self._unchanging:
            self._check_unchanged("image", "text")
            for name, pool in self._pools().items():
                own, pools[name] = pool.state()
                arrays.update({f"{name}_{key}": value for key, value in own.items()})
            progress = {"p": self.p, "budget": self.budget, "budget_done": self.budget_done}
            earlier = [self._earlier_image_encodes, self._earlier_text_encodes]
            pair = self.game.fingerprint()
        metadata = {"format": FORMAT, "kind": "pool", "seed": self.seed, "pools": pools, "earlier": earlier}
        write_npz(path, arrays, {**metadata, **progress, "pair": pair})

    @classmethod
    def load(cls, path: PathLike, game: VisionLanguageGame) -> IncrementalExplainer:
        """Go on from what :meth:`save` wrote; the result is bit for bit that of an uninterrupted run.

        Args:
            path: The file; it is only read.
            game: The same model, image, caption and grid as it was saved with.

        Raises:
            PoolError: The file is damaged, of another version, or of another model, image, caption or grid.
        """
        arrays, metadata = read_npz(path)
        if metadata.get("kind") == "explanation":
            raise PoolError(f"{path} is an explanation, not a pool; load it with Explanation.load.")
        if metadata.get("kind") != "pool" or metadata.get("format") != FORMAT:
            raise PoolError(f"{path} is not a pool of format {FORMAT}; make it again with this version.")
        for what, value in game.fingerprint().items():
            if (found := metadata["pair"].get(what)) != value:
                raise PoolError(f"{path} belongs to another {what} ({found}, not {value}); load it with its own.")
        explainer = cls(game, seed=metadata["seed"])
        explainer.p, explainer.budget, explainer.budget_done = (metadata[key] for key in ("p", "budget", "budget_done"))
        explainer._earlier_image_encodes, explainer._earlier_text_encodes = metadata["earlier"]
        try:
            for name, pool in explainer._pools().items():
                own = {key: arrays[f"{name}_{key}"] for key in ("masks", "embeddings")}
                pool.restore(own, metadata["pools"][name], game.model.device)
        except KeyError as error:
            raise PoolError(f"{path} is damaged: it lacks {error}.") from error
        return explainer

    def __repr__(self) -> str:
        encoded = f"{self.image_encodes:,} image + {self.text_encodes:,} text encodings"
        return f"<IncrementalExplainer of {self.game!r}: {self.budget_done:,} evaluations from {encoded}>"

    def _pools(self) -> dict[str, Pool]:
        return {"image": self._image, "held_out": self._held_out, "text": self._text}


def _gives(fit: CrossModalFit, explanation: Explanation, scale: float) -> bool:
    """Whether a fit is the explanation's."""
    found, wanted = fit.assemble(scale).interactions, explanation.interactions
    return bool(np.abs(found - wanted).max() <= 1e-4 * np.abs(wanted).max())
