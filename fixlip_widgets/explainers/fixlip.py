"""The engine behind the sliders: pools of encoded masks that answer for any p, and grow instead of starting over.

:meth:`~IncrementalExplainer.extend` encodes the missing masks, :meth:`~IncrementalExplainer.explanation` fits all masks
encoded so far. Another caption keeps the encoded images, another image the encoded captions.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from fixlip_widgets.encoders.images import ImageLike
from fixlip_widgets.errors import FixlipError
from fixlip_widgets.estimators.masks import DEFAULT_DESIGN, MaskDesign, check_design, split_budget
from fixlip_widgets.explainers import kept_explainers
from fixlip_widgets.explainers.encoding_plan import EncodingPlan, encode_range, fill, text_mask_count
from fixlip_widgets.explainers.game import Modality, VisionLanguageGame, check_game
from fixlip_widgets.explainers.group_errors import add_errors, regression_of
from fixlip_widgets.explainers.pair_pools import PairPools
from fixlip_widgets.explainers.pool_file import pack_pools, read_pools
from fixlip_widgets.explainers.pool_fit import PoolFit, fit_interactions, fit_values
from fixlip_widgets.explanation.explanation import Explanation
from fixlip_widgets.explanation.group_sums import Group, group
from fixlip_widgets.explanation.kept_fits import keep_fit
from fixlip_widgets.support.checks import DEFAULT_BUDGET, MIN_BUDGET, check_budget, check_fit, check_p, check_seed
from fixlip_widgets.support.files import PathLike, write_npz
from fixlip_widgets.support.progress import Progress
from fixlip_widgets.support.threads import Lock, threads_for

_MAX_FITS = 4
"""Number of explanations that are cached: users move a slider back and forth."""


class IncrementalExplainer:
    """Explains one pair; more budget, another ``p`` or another caption cost only the difference.

    Several threads may use one explainer: if two encode, the second waits for the first (:meth:`reserved`), and
    :meth:`explanation` uses the masks encoded at that moment.

    Args:
        game: The pair to explain.
        seed: Random seed of the masks; the same seed gives the same masks.
        masks: How sampled masks are drawn at p = 0.5; see :func:`fixlip_widgets.explain`.

    Attributes:
        pools: The encoded masks.
        p, budget: The last arguments of :meth:`extend`.
        budget_done: Number of evaluations (image masks × text masks) that the pools suffice for at this ``p``.

    Raises:
        InputError: ``game`` is no game, ``seed`` is out of range, or ``masks`` is unknown.
    """

    def __init__(self, game: VisionLanguageGame, seed: int = 0, masks: MaskDesign = DEFAULT_DESIGN) -> None:
        check_game(game)
        self.game = game
        self.seed = check_seed(seed)
        self.p, self.budget, self.budget_done = 0.5, 0, 0
        self.pools = PairPools(game.n_image, game.n_text, self.seed, check_design(masks))
        self._fits: dict[tuple[object, ...], PoolFit] = {}
        self._changes = game.changes
        self._growing = Lock()
        """Held by the thread that encodes or replaces the pair; acquired before ``_unchanging`` if both are needed."""
        self._unchanging = Lock()
        """Held while the pair is read or replaced."""

    # -- sharing -----------------------------------------------------------------------------------------------------

    def with_game(self, game: VisionLanguageGame) -> IncrementalExplainer:
        """Return an explainer of another caption of the same image; both share the image masks that either encodes.

        Args:
            game: A game of the same model and image, with the same image players.
        """
        other = IncrementalExplainer(game, self.seed, self.masks)
        with self._unchanging:
            other.p, other.budget, other.budget_done = self.p, self.budget, self.budget_done
            other.pools, other._growing = self.pools.with_text(game.n_text), self._growing
        return other

    @contextmanager
    def reserved(self, stopped: Callable[[], bool] = lambda: False) -> Generator[bool]:
        """Keep other threads from encoding and from replacing the pair, within the block.

        Args:
            stopped: Checked while another thread has reserved it.

        Yields:
            True; or False, without a reservation, if ``stopped()`` became true first.
        """
        with self._growing.unless(stopped) as acquired:
            yield acquired

    def pair(self) -> AbstractContextManager[None]:
        """Return a context in which no other thread replaces the image or the caption."""
        return self._unchanging

    def _check_unchanged(self, *modalities: Modality) -> None:
        """Raise FixlipError if the image or caption of the game is no longer the encoded one."""
        for name in modalities:
            if self.game.changes[name] != self._changes[name]:
                what = {"image": "image", "text": "caption"}[name]
                raise FixlipError(
                    f"The game has another {what} than this explainer has encoded: it was set on the game itself. Set "
                    f"it by explainer.set_{name}(…), or make another explainer of the game."
                )

    # -- the pools ---------------------------------------------------------------------------------------------------

    @property
    def masks(self) -> MaskDesign:
        """How sampled masks are drawn."""
        return self.pools.design

    @property
    def image_encodes(self) -> int:
        """Number of image encodings so far, including those of earlier images."""
        return self.pools.image_encodes

    @property
    def text_encodes(self) -> int:
        """Number of text encodings so far, including those of earlier captions."""
        return self.pools.text_encodes

    @property
    def probabilities(self) -> dict[float, int]:
        """Number of image masks drawn at each probability; empty if all masks are encoded."""
        return dict(self.pools.image.counts)

    def effective_image_masks(self, p: float) -> float:
        """Return the effective number of image masks at ``p`` (Kish), without encoding."""
        return self.pools.image.effective(check_p(p))

    def encoded(self, modality: Literal["image", "text"]) -> tuple[NDArray[np.uint8], Tensor]:
        """Return (m, ⌈n / 8⌉) encoded masks, packed eight players to a byte, and their (m, d) embeddings."""
        return self.pools.contents(modality)

    def missing(self, p: float, budget: int) -> tuple[int, int]:
        """Return the maximum (image, text) encodings that :meth:`extend` would still compute."""
        plan = EncodingPlan(self.game, self.pools, check_p(p), check_budget(budget))
        return plan.image_total, plan.text_total

    # -- encoding ----------------------------------------------------------------------------------------------------

    def extend(
        self,
        p: float = 0.5,
        budget: int = DEFAULT_BUDGET,
        progress: Callable[[Progress], None] | None = None,
        cancelled: Callable[[], bool] | None = None,
    ) -> None:
        """Encode masks until the pools suffice for ``budget`` evaluations at ``p``.

        Args:
            p: Probability of keeping a player.
            budget: Image masks × text masks; see :func:`fixlip_widgets.estimators.masks.split_budget`.
            progress: Called after every batch, in this thread; may call :meth:`explanation`.
            cancelled: Checked between batches; once it returns True, the call returns and keeps the encoded masks.

        Raises:
            InputError: ``p`` or ``budget`` is out of range.
            FixlipError: The image or caption was set on the game itself, so the pools belong to another pair.
        """
        p, budget = check_p(p), check_budget(budget)
        self._check_unchanged("image", "text")

        def report(state: Progress) -> None:
            self.budget_done = self._budget_at(p)
            if progress is not None:
                progress(state)

        with self._growing:  # a second thread with the same request then finds the masks of the first
            self.p, self.budget = p, budget
            if _run(EncodingPlan(self.game, self.pools, p, budget).run(), report, cancelled):
                self.budget_done = budget

    def prepare(
        self,
        share: float = 0.5,
        low: float = 0.1,
        high: float = 0.9,
        progress: Callable[[Progress], None] | None = None,
        cancelled: Callable[[], bool] | None = None,
    ) -> None:
        """Encode image masks over a range of ``p`` in advance, so that the next change of ``p`` needs none.

        Args:
            share: Number of additional image masks, as a share of those of the last budget.
            low: Lower end of the range of ``p``; see :func:`fixlip_widgets.estimators.masks.spread_probabilities`.
            high: Upper end.
            progress: As in :meth:`extend`.
            cancelled: As in :meth:`extend`.

        Raises:
            InputError: ``low`` or ``high`` is out of range.
            FixlipError: As in :meth:`extend`.
        """
        self._check_unchanged("image", "text")
        if self.pools.image.complete or not self.budget:
            return
        with self._growing:
            steps = encode_range(self.game, self.pools.image, self.budget, share, low=low, high=high)
            _run(steps, progress, cancelled)

    def _budget_at(self, p: float) -> int:
        """Return the evaluations that the pools suffice for at ``p``: the share of the budget's image masks."""
        image, (count, _) = self.pools.image, split_budget(self.budget, self.game.n_image, self.game.n_text)
        return int(self.budget * (1.0 if image.complete else min(image.effective(p) / count, 1.0)))

    # -- fitting -----------------------------------------------------------------------------------------------------

    def explanation(
        self,
        p: float | None = None,
        ridge: float | None = None,
        scope: Literal["all", "cross"] = "all",
        order: Literal[2, 3] = 2,
    ) -> Explanation:
        """Return the explanation at ``p`` from the masks encoded so far; may encode text masks, but never images.

        Args:
            p: Any probability, by default that of the last :meth:`extend`; far from those at which masks were drawn,
                few masks count (``effective_image_masks``).
            ridge: Ridge penalty of image–image terms. By default, it is chosen by cross-validation, and the noise of
                pairs or triples is removed from cross-modal terms; 0 is the paper's estimator.
            scope: ``"cross"`` fits main effects and cross-modal interactions only, which needs few masks.
            order: 3 adds image–image–text and image–text–text terms.

        Raises:
            FixlipError: No image mask is encoded yet, or the image or caption was set on the game itself.
            InputError: ``p``, ``ridge``, ``scope`` or ``order`` is out of range.
        """
        check_fit(ridge, scope, order)
        return self._explained(self.p if p is None else check_p(p), ridge, scope, order)

    def _explained(
        self, p: float, ridge: float | None, scope: Literal["all", "cross"], order: Literal[2, 3], /
    ) -> Explanation:
        """Return the explanation for valid arguments of :meth:`explanation`."""
        with self._answering(p):
            sizes = [(len(pool), pool.encodes) for pool in self.pools.by_name().values()]
            request = (p, ridge, scope, order, self.p, self.budget, self.budget_done, *sizes)
            if request not in self._fits:
                fit = fit_interactions(
                    self.game, self.pools, p=p, budget=self._reported_budget(p), ridge=ridge, scope=scope, order=order
                )
                if len(self._fits) >= _MAX_FITS:
                    del self._fits[next(iter(self._fits))]
                self._fits[request] = fit
            fit = self._fits[request]
            explanation = fit.explanation.replace()  # a copy, which the caller may change
            kept_explainers.link(explanation, self, ridge=ridge, scope=scope)
            keep_fit(explanation, fit.regression, self.game.scale)
            return explanation

    def contrast(
        self,
        b: str | Tensor,
        a: str | Tensor,
        p: float | None = None,
        ridge: float | None = None,
        scope: Literal["all", "cross"] = "all",
    ) -> Explanation:
        """Return the difference of the explanations of two captions: why ``b`` is more similar than ``a``, or less.

        Both captions are fitted to the encoded image masks; only captions are encoded. Standard errors are those of the
        difference: the two estimates share their image masks, so their errors largely cancel.

        Args:
            b: A caption, or its token ids.
            a: The caption to subtract.
            p: As in :meth:`explanation`.
            ridge: As in :meth:`explanation`.
            scope: As in :meth:`explanation`.

        Returns:
            B − A, with the tokens of B; see :func:`fixlip_widgets.explanation.comparison.subtract` for how tokens are
            matched.

        Raises:
            FixlipError: As in :meth:`explanation`.
            InputError: A caption is empty or too long, or ``p``, ``ridge`` or ``scope`` is out of range.
        """
        first, second = (self._of_caption(text).explanation(p, ridge, scope) for text in (b, a))
        return first - second

    def _of_caption(self, text: str | Tensor) -> IncrementalExplainer:
        """Return an explainer of ``text`` that shares this one's image masks."""
        with self._unchanging:
            self._check_unchanged("image", "text")
            game = self.game
            return self if isinstance(text, str) and text == game.caption else self.with_game(game.with_text(text))

    def banzhaf_values(self, p: float | None = None) -> Explanation:
        """Return the p-weighted Banzhaf value of every player from the masks encoded so far; see :meth:`explanation`.

        Returns:
            An explanation of order 1: ``main`` (n,) and ``baseline`` are the best linear surrogate, in logits.

        Source: Marichal & Mathonet 2011 (weighted Banzhaf values give the best linear approximation).
        """
        p = self.p if p is None else check_p(p)
        with self._answering(p):
            explanation = fit_values(self.game, self.pools, p=p, budget=self._reported_budget(p))
            kept_explainers.link(explanation, self)
            return explanation

    def group(self, players: Sequence[int], explanation: Explanation) -> Group:
        """Return sums of the interactions of several players, with standard errors from the masks encoded so far.

        Args:
            players: Indices of distinct players.
            explanation: An explanation of this explainer, of order 2; for any other, the standard errors are those of
                :func:`fixlip_widgets.explanation.group_sums.group`.

        Raises:
            InputError: ``players`` is empty or contains a duplicate, or a player does not exist.
        """
        sums = group(explanation, players)
        if explanation.order != 2 or explanation.method != "banzhaf" or explanation.tokens != self.game.tokens:
            return sums
        with self._answering(explanation.p):
            regression = regression_of(explanation, self._fits.values(), self.pools, self.game.scale)
            return add_errors(sums, regression, self.game.scale)

    @contextmanager
    def _answering(self, p: float) -> Generator[None]:
        """Prevent changes of the pair, once enough text masks are encoded for ``p``, and limit the threads of a fit."""
        while True:
            with self._unchanging:
                if len(self.pools.image) < 2:
                    raise FixlipError("Nothing is encoded yet; call extend(p, budget) first.")
                self._check_unchanged("image", "text")
                text_masks = text_mask_count(self.game, self.budget or MIN_BUDGET)
                if not self.pools.text.missing(p, text_masks):
                    _ = self.game.similarity  # encodes two pairs, unless it is known, on all threads
                    with threads_for(max(len(pool) * pool.n**2 for pool in (self.pools.image, self.pools.text))):
                        yield
                    return
            with self._growing:
                for _ in fill(self.game, self.pools.text, p, text_masks):
                    pass

    def _reported_budget(self, p: float) -> int:
        return self.budget_done if p == self.p else self._budget_at(p)

    # -- other pairs -------------------------------------------------------------------------------------------------

    def set_text(self, text: str | Tensor) -> None:
        """Replace the caption; no image is encoded again.

        Raises:
            InputError: The caption is empty or too long; the explainer stays unchanged.
        """
        with self._growing, self._unchanging:
            self._check_unchanged("image")
            self.game.set_text(text)
            self._changes = self.game.changes
            self.pools.replace_text(self.game.n_text)
            self._fits.clear()

    def set_image(self, image: ImageLike) -> None:
        """Replace the image; no text is encoded again.

        Raises:
            InputError: The image cannot be read; the explainer stays unchanged.
        """
        with self._growing, self._unchanging:
            self._check_unchanged("text")
            self.game.set_image(image)
            self._changes = self.game.changes
            self.pools.replace_image(self.game.n_image)
            self._fits.clear()
            self.budget_done = 0

    # -- files -------------------------------------------------------------------------------------------------------

    def save(self, path: PathLike) -> None:
        """Write the pools to a file, for :meth:`load`; an existing file is replaced atomically."""
        with self._unchanging:
            self._check_unchanged("image", "text")
            arrays, metadata = pack_pools(self.pools, self.game)
            metadata |= {"p": self.p, "budget": self.budget, "budget_done": self.budget_done}
        write_npz(path, arrays, metadata)

    @classmethod
    def load(cls, path: PathLike, game: VisionLanguageGame) -> IncrementalExplainer:
        """Resume from a file of :meth:`save`; later results are bit for bit those of an uninterrupted run.

        Args:
            path: The file; it is only read.
            game: The model, image, caption and grid with which it was saved.

        Raises:
            PoolError: The file is damaged, of another version, or of another model, image, caption or grid.
        """
        pools, metadata = read_pools(path, game)
        explainer = cls(game, seed=pools.seed)
        explainer.pools = pools
        explainer.p, explainer.budget, explainer.budget_done = (metadata[key] for key in ("p", "budget", "budget_done"))
        return explainer

    def __repr__(self) -> str:
        encoded = f"{self.image_encodes:,} image + {self.text_encodes:,} text encodings"
        return f"<IncrementalExplainer of {self.game!r}: {self.budget_done:,} evaluations from {encoded}>"


def _run(
    steps: Iterator[Progress], progress: Callable[[Progress], None] | None, cancelled: Callable[[], bool] | None
) -> bool:
    """Run the steps of an encoding; return whether they were completed, not cancelled."""
    for state in steps:
        if progress is not None:
            progress(state)
        if cancelled is not None and cancelled():
            return False
    return True
