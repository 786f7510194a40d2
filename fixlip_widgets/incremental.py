"""The engine behind the sliders: one pool of encoded masks that answers for any p, and grows instead of starting over.

``extend`` encodes what is missing, ``explanation`` solves from what is there. A new caption keeps the image side, a
new image keeps the text side.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from fixlip_widgets.checks import MIN_BUDGET, check_budget, check_fit, check_p, check_seed
from fixlip_widgets.encoding import BatchSize
from fixlip_widgets.errors import FixlipError, PoolError
from fixlip_widgets.estimators.crossmodal import CrossModalFit, Fit, regress
from fixlip_widgets.estimators.crossmodal import Modality as SampledModality
from fixlip_widgets.estimators.sums import sum_errors
from fixlip_widgets.estimators.third import regress_third
from fixlip_widgets.estimators.variance import Errors, standard_errors
from fixlip_widgets.explanation import Explanation
from fixlip_widgets.files import PathLike, read_npz, write_npz
from fixlip_widgets.game import Modality, VisionLanguageGame, check_game
from fixlip_widgets.groups import Group, group
from fixlip_widgets.images import ImageLike
from fixlip_widgets.masks import split_budget, spread_probabilities
from fixlip_widgets.metrics.fit import held_out_fit
from fixlip_widgets.pool import Pool
from fixlip_widgets.threads import threads_for
from fixlip_widgets.triples import Triples
from fixlip_widgets.work import Progress, Work, fill_text, text_masks_wanted
from fixlip_widgets.work import progress as work_progress

IMAGE_STREAM, TEXT_STREAM, HELD_OUT_STREAM = 0, 1, 2
"""The independent streams of masks, for one seed."""
FORMAT = 1
"""Version of the file format that :meth:`IncrementalExplainer.save` writes."""
_FEWEST_HELD_OUT = 8
"""Masks kept from the fit, as many as count, below which they say nothing of it."""
_MOST_SOLVED = 4
"""Explanations that are kept for when they are asked for again: a slider goes back and forth."""


class IncrementalExplainer:
    """Explains one pair; more budget, another ``p`` or another caption cost only the difference.

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
        self._solved: dict[tuple[object, ...], Explanation] = {}
        self._growing, self._changes = threading.RLock(), game.changes
        self._image, self._held_out = self._image_pools()
        self._text = self._pool(game.n_text, TEXT_STREAM, "text")

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "_growing"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, _growing=threading.RLock())

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
        budget: int = 2**17,
        progress: Callable[[Progress], None] | None = None,
        cancelled: Callable[[], bool] | None = None,
    ) -> None:
        """Encode what is missing until the pool stands for ``budget`` evaluations at ``p``.

        Args:
            p: Probability of keeping a player.
            budget: Image masks × text masks; see :func:`fixlip_widgets.masks.split_budget`.
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
            low: Lower end of the range of ``p``; see :func:`fixlip_widgets.masks.spread_probabilities`.
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
                    progress(work_progress(started, done + encoded, total))
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
        if len(self._image) < 2:
            raise FixlipError("Nothing is encoded yet; call extend(p, budget) first.")
        self._check_unchanged("image", "text")
        wanted = text_masks_wanted(self.game, self.budget or MIN_BUDGET)
        if self._text.missing(p, wanted):
            with self._growing:
                for _ in fill_text(self.game, self._text, p, wanted):
                    pass
        _ = self.game.similarity  # encodes two pairs, where it is not known yet, and that on all threads
        asked = (p, ridge, scope, order, *self._state())
        if asked not in self._solved:
            with self._threads():
                solved = self._solve(p, ridge, scope, order)
            if len(self._solved) >= _MOST_SOLVED:
                del self._solved[next(iter(self._solved))]
            self._solved[asked] = solved
        return self._solved[asked].replace()  # an answer of its own to every question

    def _state(self) -> tuple[object, ...]:
        """What an explanation of this pair depends on beside what is asked: pools only grow."""
        return self.budget_done, *((len(pool), pool.encodes) for pool in self._pools().values())

    def _threads(self) -> AbstractContextManager[None]:
        return threads_for(max(len(pool) * pool.n**2 for pool in (self._image, self._text)))

    def _solve(
        self, p: float, ridge: float | None, scope: Literal["all", "cross"], order: Literal[2, 3]
    ) -> Explanation:
        exact = ridge is not None
        image, text = self._image.modality(p, exact), self._text.modality(p, exact)
        scale, bias = self.game.scale, self.game.bias
        if order == 3:
            third = regress_third(image, text, ridge)
            solved, *blocks = third.assemble(scale, bias)
            errors, *block_errors = third.standard_errors(scale)
            more = {"order": 3, "triples": Triples(*blocks, *block_errors)}
            return self._describe(solved, errors, p, image, text, **more)
        fit = regress(image, text, ridge, pairs=scope == "all")
        solved, errors = fit.assemble(scale, bias), standard_errors(fit, scale)
        return self._describe(solved, errors, p, image, text, scope=scope)

    def group(self, players: Sequence[int], explanation: Explanation) -> Group:
        """What several players do together in ``explanation``, with standard errors from the masks encoded so far.

        Args:
            players: Indices of different players.
            explanation: One of this explainer, of order 2; the errors of any other are as
                :func:`fixlip_widgets.groups.group` gives them.

        Raises:
            InputError: A player does not exist or comes twice, or there is none.
        """
        found = group(explanation, players)
        if explanation.order != 2 or explanation.method != "banzhaf" or explanation.tokens != self.game.tokens:
            return found
        self._check_unchanged("image", "text")
        image, text = self._image.modality(explanation.p), self._text.modality(explanation.p)
        inside = np.zeros(explanation.n_players, dtype=bool)
        inside[list(found.players)] = True
        with self._threads():
            fit = regress(image, text, None, pairs=explanation.scope == "all")
            if not _gives(fit, explanation, self.game.scale):  # it was asked for with a ridge
                fit = regress(image, text, explanation.ridge, pairs=explanation.scope == "all")
            errors = sum_errors(fit, inside, self.game.scale)
        total, within = (None if np.isnan(error) else error for error in (errors.total, errors.within))
        return replace(found, se=errors.values, total_se=total, within_se=within)

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
        r2, spearman = self._faithfulness(shell, p)
        return shell.replace(r2=r2, spearman=spearman)

    def _faithfulness(self, explanation: Explanation, p: float) -> tuple[float | None, float | None]:
        if self._held_out.effective(p) < _FEWEST_HELD_OUT:
            return None, None
        return held_out_fit(
            explanation, self._held_out.modality(p), self._text.modality(p), self.game.scale, self.game.bias, self.seed
        )

    # -- other pairs -----------------------------------------------------------------------------------------------

    def set_text(self, text: str | Tensor) -> None:
        """Explain another caption of the same image: no image is encoded again.

        Raises:
            InputError: The caption is empty or too long; the explainer stays as it was.
        """
        with self._growing:
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
        with self._growing:
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
        self._check_unchanged("image", "text")
        arrays: dict[str, Any] = {}
        pools: dict[str, Any] = {}
        for name, pool in self._pools().items():
            own, pools[name] = pool.state()
            arrays.update({f"{name}_{key}": value for key, value in own.items()})
        progress = {"p": self.p, "budget": self.budget, "budget_done": self.budget_done}
        earlier = [self._earlier_image_encodes, self._earlier_text_encodes]
        metadata = {"format": FORMAT, "kind": "pool", "seed": self.seed, "pools": pools, "earlier": earlier}
        write_npz(path, arrays, {**metadata, **progress, "pair": self.game.fingerprint()})

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
