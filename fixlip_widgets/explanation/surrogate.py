"""The surrogate of one image–caption similarity: data, and the arithmetic on it."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fixlip_widgets.encoders.players import Players
from fixlip_widgets.errors import InputError
from fixlip_widgets.explanation.methods import CATALOGUE
from fixlip_widgets.explanation.significance import Significant, degrees_of_freedom, significant
from fixlip_widgets.explanation.terms import Block, Term, order_of, strongest
from fixlip_widgets.explanation.triples import Triples
from fixlip_widgets.support.checks import Sign
from fixlip_widgets.support.formatting import counted

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
_ROUNDING = 1e-4
"""Largest asymmetry of ``interactions`` attributed to rounding, relative to the largest interaction."""

_LEAST_SHARE = 0.1
"""Least interaction of a patch with its word, relative to the largest one; weaker ones are hardly visible."""
_PICTURES = ("image", "blank")
_PAIR = ("tokens", "words", "grid", "regions", "caption", *_PICTURES, "masking")
_OPTIONAL = ("main_se", "interactions_se")


@dataclass(frozen=True, eq=False, kw_only=True)
class Surrogate(Players):
    """A polynomial of degree ≤ 2 in the players that approximates the model's similarity.

    ``prediction(mask) = baseline + Σ_i main[i]·mask[i] + Σ_{i<j} interactions[i, j]·mask[i]·mask[j]``, in logits.

    Players are the image's patches, row-major over :attr:`grid`, or its regions in the order of their numbers, followed
    by the caption's tokens in reading order; ``n = rows·columns + len(tokens)``. Numeric arrays are read-only float64.

    Attributes:
        baseline: Value of the surrogate with every player removed, in logits.
        main: (n,) main effects, in logits.
        interactions: (n, n) pairwise interactions, symmetric with a zero diagonal, in logits.
        baseline_se, main_se, interactions_se: Standard errors of the above, same shapes; None or NaN if unknown.
        tokens: Text players: the caption's tokens as the tokenizer splits it, or its words.
        words: Whether the text players are whole words.
        grid: (rows, columns) of the image's patches; for regions, only the product matters.
        regions: (height, width) image player of each point of the image, from 0, if image players are regions of any
            shape; None if they are the patches of ``grid``.
        masks: How sampled masks were drawn: a name in ``fixlip_widgets.estimators.masks.MASK_DESIGNS``, or empty.
        conservative_errors: Whether standard errors are upper bounds, because masks come from orthogonal arrays: 95 %
            intervals cover at least 95 % of all terms, rather than about 95 %.
        p: Probability of keeping a player in the masks on which the surrogate is fitted. Shapley explanations have no
            p and store 0.5, for which :meth:`first_order` returns the Shapley values.
        similarity, empty_similarity: The model's own logit with every player kept, and with every player removed.
        budget: Number of evaluations of the game: image masks × text masks, or joint masks.
        image_encodes, text_encodes: Number of encoder runs.
        effective_image_masks: Effective number of image masks: Kish's effective sample size of their weights.
        r2, spearman: Fit on held-out pairs of masks; None if not measured.
        r2_in_sample: Weighted R² on the fitted pairs.
        ridge: Ridge penalty on image–image interactions; 0 is plain least squares.
        identified: Whether each block had more masks than unknowns: keys ``cross``, ``text_text``, ``image_image``.
        triples: Third-order cross-modal terms, if the order is 3.
        image: (height, width, 3) image on which patches are drawn.
        blank: (height, width, 3) model input with every patch removed, at the model's resolution.
        masking: Replacement of removed patches: a name in ``fixlip_widgets.encoders.towers.MASKINGS``, or empty.
        model: The explained model: name, pretrained tag, hash of the weights.
        choice: What is explained, if it is one of several classes or images: see
            :mod:`fixlip_widgets.explainers.candidates`. Empty for an image–caption pair.
    """

    baseline: float
    main: Floats
    interactions: Floats
    tokens: tuple[str, ...]
    grid: tuple[int, int]
    regions: NDArray[np.uint16] | None = None
    words: bool = False
    p: float = 0.5
    method: str = "banzhaf"
    order: int = 2
    scope: Literal["all", "cross"] = "all"
    seed: int | None = None
    masks: str = ""
    conservative_errors: bool = False
    caption: str = ""
    similarity: float = float("nan")
    empty_similarity: float = float("nan")
    baseline_se: float = float("nan")
    main_se: Floats | None = None
    interactions_se: Floats | None = None
    budget: int = 0
    image_encodes: int = 0
    text_encodes: int = 0
    effective_image_masks: float = float("nan")
    r2: float | None = None
    spearman: float | None = None
    r2_in_sample: float | None = None
    ridge: float = 0.0
    identified: dict[str, bool] = field(default_factory=lambda: {"cross": True, "text_text": True, "image_image": True})
    triples: Triples | None = None
    image: NDArray[np.uint8] | None = None
    blank: NDArray[np.uint8] | None = None
    masking: str = ""
    model: dict[str, str] = field(default_factory=lambda: {})
    choice: dict[str, Any] = field(default_factory=lambda: {})

    def __post_init__(self) -> None:
        n = self.grid[0] * self.grid[1] + len(self.tokens)
        for name, shape in (("main", (n,)), ("interactions", (n, n)), ("main_se", (n,)), ("interactions_se", (n, n))):
            value = getattr(self, name)
            if value is None and name in _OPTIONAL:
                continue
            array = np.array(value, dtype=np.float64)
            if array.shape != shape:
                raise InputError(f"{name} has shape {array.shape}; {n} players need {shape}.")
            if array.ndim == 2 and np.abs(array - array.T).max(initial=0.0) <= _ROUNDING * np.abs(array).max(initial=0):
                array = (array + array.T) / 2  # float32 solves are symmetric only up to rounding
            object.__setattr__(self, name, _frozen(array))
        if self.regions is not None:
            object.__setattr__(self, "regions", _frozen(_label_map(self.regions, self.n_image)))
        for name in ("identified", "model", "choice"):
            object.__setattr__(self, name, dict(getattr(self, name)))
        for name in _PICTURES:
            if getattr(self, name) is not None:
                object.__setattr__(self, name, _frozen(np.array(getattr(self, name), dtype=np.uint8)))

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle and copy by the constructor, so that the arrays of a copy are read-only too."""
        return _rebuilt, (type(self), {name: getattr(self, name) for name in self.__dataclass_fields__})

    def description(self) -> dict[str, Any]:
        """Return the fields that :meth:`fixlip_widgets.VisionLanguageGame.description` returns."""
        return {name: getattr(self, name) for name in _PAIR}

    # -- values ----------------------------------------------------------------------------------------------------

    @property
    def cross(self) -> Floats:
        """(n_text, n_image) cross-modal interactions, in logits."""
        return self.interactions[self.n_image :, : self.n_image]

    @property
    def has_interactions(self) -> bool:
        """Whether the method has interactions; False for first-order methods."""
        return self.order >= 2

    @property
    def in_logits(self) -> bool:
        """Whether values are logits of the model's similarity; otherwise only their order and sign are meaningful."""
        info = CATALOGUE.get(self.method)
        return info is None or info.in_logits

    @property
    def rounding(self) -> float:
        """Magnitude below which an exact value may be rounding error: a millionth of the largest value."""
        largest = [np.abs(self.main).max(initial=0.0), np.abs(self.interactions).max(initial=0.0)]
        return 1e-6 * float(np.nanmax(np.abs([self.similarity, self.empty_similarity, self.baseline, *largest])))

    @cached_property
    def significant(self) -> Significant:
        """Which terms differ significantly from zero; see :mod:`fixlip_widgets.explanation.significance`."""
        n, n_image = self.n_players, self.n_image
        first, second = np.triu_indices(n, 1)
        values, errors = self.interactions[first, second], _or_unknown(self.interactions_se, (n, n))[first, second]
        image_players = (np.stack([first, second]) < n_image).sum(axis=0)
        if self.triples is not None:
            triples, third, third_errors = self.triples.terms()
            values, errors = np.concatenate([values, third]), np.concatenate([errors, third_errors])
            image_players = np.concatenate([image_players, (triples < n_image).sum(axis=1)])
        rejected = significant(values, errors, self.degrees_of_freedom(image_players), rounding=self.rounding)
        pairs = np.zeros((n, n), dtype=bool)
        pairs[first, second] = pairs[second, first] = rejected[: len(first)]
        freedom = self.degrees_of_freedom(np.arange(n) < n_image)
        main = significant(self.main, _or_unknown(self.main_se, (n,)), freedom, rounding=self.rounding)
        return Significant(main, pairs, rejected[len(first) :])

    def degrees_of_freedom(self, image_players: ArrayLike) -> Floats:
        """Return the degrees of freedom of errors of terms with (m,) ``image_players``; inf for methods without p."""
        units, method = self.effective_image_masks, CATALOGUE.get(self.method)
        if method is None or not method.uses_p or not np.isfinite(units):
            return np.full(np.shape(image_players), np.inf)
        return degrees_of_freedom(units / 2 if self.p == 0.5 else units, self.p, image_players)

    @property
    def unit(self) -> str:
        """``"logits"``, ``"nats"`` for a log-probability, or empty if the values have no unit."""
        return str(self.choice.get("unit", "logits")) if self.in_logits else ""

    @property
    def score_name(self) -> str:
        """Name of what is explained: ``similarity``, or ``logit``, ``margin`` or ``log-probability`` of a choice."""
        if not self.choice:
            return "similarity"
        if "minus" in self.choice:
            return "margin"
        return "log-probability" if self.unit == "nats" else "logit"

    @property
    def residual(self) -> float:
        """Similarity with every player kept minus the surrogate's value, in logits.

        NaN unless the values are in logits.
        """
        if not self.in_logits:
            return float("nan")
        return self.similarity - float(self.predict(np.ones((1, self.n_players), dtype=bool))[0])

    def predict(self, masks: ArrayLike) -> Floats:
        """Return the surrogate's (m,) values, in logits, for joint masks (m, n), True = kept.

        Raises:
            InputError: ``masks`` has another shape.
        """
        z = np.asarray(masks, dtype=np.float64)
        if z.ndim != 2 or z.shape[1] != self.n_players:
            raise InputError(f"masks have shape {z.shape}; expected (m, {self.n_players}), image players first.")
        values = self.baseline + z @ self.main + 0.5 * ((z @ self.interactions) * z).sum(axis=1)
        return values if self.triples is None else values + self.triples.predict(z)

    def first_order(self) -> Floats:
        """Return the surrogate's (n,) p-weighted Banzhaf values, ``main + p · Σ_j interactions``, in logits.

        Source: the expected marginal contribution of player i when the others are kept with probability p. Third-order
        terms have weight p².
        """
        values = self.main + self.p * self.interactions.sum(axis=1)
        return values if self.triples is None else values + self.p**2 * self.triples.first_order()

    def condition_on(self, player: int | str) -> Floats:
        """Return (n,) interactions with ``player`` (an index or a token); its own entry is its main effect."""
        index = self.player(player)
        row = self.interactions[index].copy()
        row[index] = self.main[index]
        return row

    def patch_words(self) -> tuple[NDArray[np.intp], Floats]:
        """Return the word that each image player belongs to.

        It is the text player with the largest positive, significant cross-modal interaction, if that is at least a
        tenth of the largest of all image players. If no standard error is known, significance is not required.

        Returns:
            (n_image,) text players, numbered from 0; -1 if there is none. (n_image,) interactions in logits; 0 if none.
        """
        belongs = self.cross > 0
        if self.interactions_se is not None and np.isfinite(self.interactions_se).any():
            belongs &= self.significant.interactions[self.n_image :, : self.n_image]
        strengths = np.where(belongs, self.cross, 0.0)
        if not self.n_text:
            return np.full(self.n_image, -1), np.zeros(self.n_image)
        strongest = strengths.max(axis=0, initial=0.0)
        clear = (strongest > 0) & (strongest >= _LEAST_SHARE * strongest.max(initial=0.0))
        return np.where(clear, strengths.argmax(axis=0), -1), np.where(clear, strongest, 0.0)

    def __getitem__(self, players: int | str | tuple[int | str, ...]) -> float:
        """Return the term of one to three players, in logits: ``e["dog"]``, ``e["dog", "banana"]``, ``e[12, "dog"]``.

        One player has its main effect, two have their interaction, and three, with order 3, their third-order term.

        Args:
            players: Indices or names of different players, in any order.

        Raises:
            InputError: A player does not exist or occurs twice, or there is no term of so many players.
        """
        given = players if isinstance(players, tuple) else (players,)
        members = sorted(self.player(player) for player in given)
        if len(set(members)) < len(members):
            raise InputError(f"The players {given!r} are not distinct; a term has different players.")
        if len(members) == 1:
            return float(self.main[members[0]])
        if len(members) == 2 and self.has_interactions:
            return float(self.interactions[members[0], members[1]])
        if len(members) == 3 and self.triples is not None:
            return self.triples.term(members)
        raise InputError(f"{len(members)} players were given, but the explanation has terms of up to {self.order}.")

    __iter__ = None
    """Terms are looked up by their players, so an explanation is not a sequence of them."""

    def top(self, k: int = 10, kind: str | None = None, sign: Sign | None = None) -> list[Term]:
        """Return the ``k`` strongest interactions of any order, or main effects for a first-order method.

        Args:
            k: Maximum number of terms.
            kind: Only terms of this kind: ``"cross"``, ``"image_image"`` or ``"text_text"``; ``"image"`` or ``"text"``
                for main effects; with order 3, ``"image_image_text"`` or ``"image_text_text"``.
            sign: Only terms of this sign: ``"positive"`` or 1, ``"negative"`` or -1; ``"both"`` or None for all.

        Raises:
            InputError: ``kind`` or ``sign`` is unknown.
        """
        return strongest(self._blocks(kind), self.names, self.n_image, k, kind, sign)

    def _blocks(self, kind: str | None) -> list[Block]:
        """Return the terms of each order that has ``kind``; by default main effects only if there are no others."""
        orders = {1: not self.has_interactions, 2: self.has_interactions, 3: self.triples is not None}
        if kind is not None:
            orders = {order: order == order_of(kind) and order <= self.order for order in orders}
        blocks = list[Block]()
        if orders[1]:
            errors = _or_unknown(self.main_se, self.main.shape)
            blocks.append(Block(np.arange(self.n_players)[:, None], self.main, errors, self.significant.main))
        if orders[2]:
            pair, tested = np.triu_indices(self.n_players, 1), self.significant.interactions
            errors = _or_unknown(self.interactions_se, self.interactions.shape)[pair]
            blocks.append(Block(np.stack(pair, axis=1), self.interactions[pair], errors, tested[pair]))
        if orders[3] and self.triples is not None:
            blocks.append(Block(*self.triples.terms(), self.significant.triples))
        return blocks

    def subset(self, size: int, sign: Sign = 1) -> tuple[tuple[int, ...], float]:
        """Return the most (``sign=+1``) or least (``sign=-1``) similar coalition of ``size`` players, and its value.

        ``sign`` may also be ``"positive"`` or ``"negative"``. The value is the surrogate's without the baseline: Σ main
        + Σ interactions within the coalition, in logits. It includes third-order terms; the search approximates them by
        main effects and pairs.
        """
        from fixlip_widgets.explanation.subsets import best_subset

        return self._valued(best_subset(*self.quadratic_terms(), size, sign))

    def subsets(self, sign: Sign = 1, largest: int | None = None) -> list[tuple[tuple[int, ...], float]]:
        """Return the :meth:`subset` of every size from 0 to ``largest`` (by default all players)."""
        from fixlip_widgets.explanation.subsets import best_subsets

        coalitions = best_subsets(*self.quadratic_terms(), sign, None if largest is None else range(largest + 1))
        return [self._valued(coalition) for coalition in coalitions]

    def quadratic_terms(self) -> tuple[Floats, Floats]:
        """Return (n,) main effects and (n, n) interactions closest to the surrogate, including third-order terms."""
        if self.triples is None:
            return self.main, self.interactions
        main, pairs = self.triples.on_pairs(self.p)
        return self.main + main, self.interactions + pairs

    def _valued(self, coalition: tuple[tuple[int, ...], float]) -> tuple[tuple[int, ...], float]:
        """Replace the value from the search by the exact one; they differ only with third-order terms."""
        if self.triples is None:
            return coalition
        mask = np.isin(np.arange(self.n_players), coalition[0])
        return coalition[0], float(self.predict(mask[None])[0]) - self.baseline

    def replace(self, **changes: Any) -> Self:
        """Return a copy with some fields changed."""
        return replace(self, **changes)

    def summary(self) -> str:
        """Return one line on the method, the number of players, the cost and the fit."""
        score = "" if math.isnan(self.similarity) else f", {self.score_name} {self.similarity:.2f}"
        fit = "" if self.r2 is None or math.isnan(self.r2) else f", held-out R² {self.r2:.2f}"
        method = f"{self.method} p={self.p:g}" if self.method.startswith("banzhaf") else self.method
        unusual = self.order == 3 or (self.order == 1 and self.method in ("banzhaf", "shapley"))
        order = f" of order {self.order}" if unusual else ""
        scope = "" if self.scope == "all" else ", cross-modal terms only"
        masking = "" if self.masking in ("", "zero") else f", masking {self.masking}"
        cost = counted(self.budget, "mask" if self.choice else "evaluation")
        return (
            f"{method}{order}{scope}{masking}, {self.n_image}+{self.n_text} players, "
            f"{cost} from {self.image_encodes:,}+{self.text_encodes:,} encodings"
            f"{score}{fit}"
        )

    def __repr__(self) -> str:
        return f"<Explanation of {json.dumps(self.caption, ensure_ascii=False)}: {self.summary()}>"


def _or_unknown(errors: Floats | None, shape: tuple[int, ...]) -> Floats:
    return np.full(shape, np.nan) if errors is None else errors


def _rebuilt(kind: type[Surrogate], fields: dict[str, Any]) -> Surrogate:
    return kind(**fields)


def _frozen(array: NDArray[Any]) -> NDArray[Any]:
    array.setflags(write=False)
    return array


def _label_map(regions: NDArray[Any], n: int) -> NDArray[np.uint16]:
    """Return ``regions`` as uint16. Raise InputError unless they are a label map of ``n`` players."""
    labels = np.array(regions)
    if labels.ndim != 2 or not np.issubdtype(labels.dtype, np.integer) or not labels.size:
        raise InputError(f"regions has shape {labels.shape} and type {labels.dtype}; give an (H, W) array of integers.")
    if labels.min() < 0 or labels.max() >= n:
        raise InputError(
            f"regions has labels {labels.min()} to {labels.max()}; {n} image players are numbered 0 to {n - 1}."
        )
    return labels.astype(np.uint16)
