"""Several candidates scored by one set of encoded masks: classes of an image, or images for a caption.

The logit of candidate k is ``scale · ⟨E(mask), h_k⟩ + bias``, with fixed vectors h_k of unit norm. Encodings of masks
serve all candidates, and a fit needs only another right-hand side. The players are those of one modality.

The ``choice`` of an explanation describes the candidate: ``kind`` (``class`` or ``image``), ``name``, ``among`` (all
names), ``minus`` (the candidate subtracted by a contrast), ``unit`` (``logits``, or ``nats`` for a log-probability) and
for classes ``templates``.
"""

from __future__ import annotations

import copy
import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Self

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from fixlip_widgets.encoders.batches import plain_settings
from fixlip_widgets.errors import InputError
from fixlip_widgets.estimators.crossmodal_regression import CrossModalFit, Modality, regress
from fixlip_widgets.estimators.linear_values import linear_values
from fixlip_widgets.estimators.standard_errors import standard_errors
from fixlip_widgets.explainers.encoded_mask_pool import Pool
from fixlip_widgets.explainers.game import VisionLanguageGame
from fixlip_widgets.explainers.metrics.fit import MIN_HELD_OUT, held_out_fit
from fixlip_widgets.explainers.scores import Scores
from fixlip_widgets.explanation.comparison import subtract
from fixlip_widgets.explanation.explanation import Explanation
from fixlip_widgets.explanation.kept_fits import KeptFit, keep_fit
from fixlip_widgets.support.formatting import counted, plain, shortened
from fixlip_widgets.support.threads import threads_for

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go

Floats = NDArray[np.float64]
_MOST_FITS = 32
"""Number of explanations that are cached; each contains a copy of the image."""
_SHOWN = 10
"""Candidates in the text and HTML forms."""


class _Values(NamedTuple):
    """What one explanation is fitted to: projections of the masks' embeddings on a vector.

    Attributes:
        side: Masks and their embeddings.
        held_out: Masks held out from the fit, or None if they are too few.
        vector: (d,).
        scale, bias: Factor and constant of the values.
        complete, empty: Values with every player kept, and with none.
    """

    side: Modality
    held_out: Modality | None
    vector: Tensor
    scale: float
    bias: float
    complete: float
    empty: float


@dataclasses.dataclass
class _Fit:
    """A fitted candidate.

    Attributes:
        values: What it is fitted to.
        regression: The fit.
        estimates: The explanation without standard errors and held-out R², which a contrast does not need.
        explanation: The explanation with both; None until it is requested.
    """

    values: _Values
    regression: CrossModalFit
    estimates: Explanation
    explanation: Explanation | None = None


class Candidates(Scores, ABC):
    """Candidates and their explanations; see :func:`fixlip_widgets.explain_classes`.

    Args:
        game: The encoders of the masks.
        modality: The modality whose players explain.
        pool: Encoded masks of that modality.
        held_out: Encoded masks that fits are measured on.
        p: Probability of keeping a player.
        ridge: Ridge penalty of pair terms; None is cross-validated.

    Attributes:
        names: (k,) names of the candidates.
        vectors: (k, d) their vectors, of unit norm.
        templates: Texts into which names of classes were put; none for images.
    """

    templates: tuple[str, ...] = ()

    @plain_settings
    def __init__(
        self,
        game: VisionLanguageGame,
        modality: Literal["image", "text"],
        pool: Pool,
        held_out: Pool,
        *,
        names: tuple[str, ...],
        vectors: Tensor,
        p: float,
        ridge: float | None = None,
    ) -> None:
        self._encode = game.image_embeddings if modality == "image" else game.text_embeddings
        ends = np.repeat([[True], [False]], pool.n, axis=1)
        super().__init__(game, names, vectors, self._encode(ends).double())
        self.modality, self.pool, self.held_out = modality, pool, held_out
        self.p, self.ridge, self.budget = p, ridge, len(pool)
        self._model = game.model.describe()
        self._fits: dict[tuple[str, str], _Fit] = {}
        self._contrasts: dict[tuple[str, str], Explanation] = {}

    @cached_property
    def side(self) -> Modality:
        """The masks that explanations are fitted on, and their embeddings."""
        return self.pool.modality(self.p, exact=self.ridge is not None)

    @cached_property
    def _measured(self) -> Modality | None:
        """The masks held out from the fits; None if they are too few."""
        return self.held_out.modality(self.p) if self.held_out.effective(self.p) >= MIN_HELD_OUT else None

    @cached_property
    def _one(self) -> Modality:
        """The other modality: the number 1, whose products with projections are the projections."""
        return Modality.fixed(torch.ones(1, dtype=torch.float64, device=self.vectors.device))

    @property
    def _multiplications(self) -> int:
        """Multiplications of the largest product of a fit."""
        return len(self.side.masks) * self.side.n**2

    def at(self, p: float, budget: int) -> Self:
        """Return the same candidates, explained at ``p`` by the masks that the pool has now.

        Args:
            p: Probability of keeping a player.
            budget: Number of masks, which explanations only record.
        """
        other = copy.copy(self)
        for name in ("side", "_measured"):
            vars(other).pop(name, None)
        other.p, other.budget, other._fits, other._contrasts = p, budget, {}, {}
        return other

    @plain_settings
    def probabilities_under(self, masks: ArrayLike) -> Floats:
        """Return the (m, k) probabilities of all candidates under (m, n) masks of the players, True = kept.

        They are values of the model, encoded here, as :attr:`probabilities` are for the complete input.
        """
        return self.probabilities_of(self._encode(masks))

    # -- explanations ------------------------------------------------------------------------------------------------

    def __getitem__(self, name: str) -> Explanation:
        """Return the explanation of the logit of ``name``; its players are those of the masked modality alone.

        Raises:
            InputError: There is no candidate of this name.
        """
        return self._explained(name, "logits", self._logit_values)

    def contrast(self, b: str, a: str) -> Explanation:
        """Return why the logit of ``b`` exceeds that of ``a``, or does not: the difference of their explanations.

        Standard errors are those of the difference: both are estimated from the same masks.

        Raises:
            InputError: There is no candidate of one of these names.
        """
        for name in (b, a):
            self._index(name)
        if (b, a) not in self._contrasts:
            if len(self._contrasts) >= _MOST_FITS:
                del self._contrasts[next(iter(self._contrasts))]
            self._contrasts[b, a] = self._contrast(b, a)
        return self._contrasts[b, a].replace(choice={**self._choice(b), "unit": "logits", "minus": a})

    @plain_settings
    def _contrast(self, b: str, a: str) -> Explanation:
        with threads_for(self._multiplications):
            of_b, of_a = (self._fit(name, "logits", self._logit_values) for name in (b, a))
            fits = (KeptFit(of_b.regression, self.game.scale), KeptFit(of_a.regression, self.game.scale))
            difference = subtract(of_b.estimates, of_a.estimates, fits).explanation
            fields: dict[str, Any] = {"caption": f"{of_b.estimates.caption} − {of_a.estimates.caption}"}
            if self._measured is not None:
                margin = of_b.values.vector - of_a.values.vector
                fields |= self._fit_on(self._measured, difference, margin, self.game.scale, 0.0)
            return difference.replace(**fields)

    def probability(self, name: str) -> Explanation:
        """Return the explanation of the log-probability of ``name`` against all candidates, in nats.

        It is not linear in the embeddings, so it is a game of its own, fitted to the log-probability of every mask.

        Raises:
            InputError: There is no candidate of this name, or it is the only one and probabilities are a softmax.
        """
        if len(self) == 1 and not self.game.model.sigmoid:
            one, several = self.nouns
            raise InputError(
                f"{name!r} is the only {one}, so its softmax probability is always 1. Give at least two {several}."
            )
        return self._explained(name, "nats", self._probability_values)

    def fit(self, name: str) -> None:
        """Fit the logit of ``name`` in advance, so that its explanation and contrasts are answered sooner."""
        self[name]

    def _logit_values(self, index: int) -> _Values:
        vector = self.vectors[index]
        complete, empty = self._logits(self._ends, vector[None])[:, 0].tolist()
        return _Values(self.side, self._measured, vector, self.game.scale, self.game.bias, complete, empty)

    def _probability_values(self, index: int) -> _Values:
        def of(modality: Modality) -> Modality:
            values = self._log_probability(modality.embeddings, index)
            return dataclasses.replace(modality, embeddings=values[:, None], known_moments=None)

        complete, empty = self._log_probability(self._ends, index).tolist()
        measured = None if self._measured is None else of(self._measured)
        return _Values(of(self.side), measured, self._one.embeddings[0], 1.0, 0.0, complete, empty)

    @plain_settings
    def _explained(self, name: str, unit: str, values_of: Callable[[int], _Values]) -> Explanation:
        with threads_for(self._multiplications):
            fit = self._fit(name, unit, values_of)
            if fit.explanation is None:
                fit.explanation = self._complete(fit)
        explanation = fit.explanation.replace(choice={**self._choice(name), "unit": unit})  # a copy, for the caller
        keep_fit(explanation, fit.regression, fit.values.scale)
        return explanation

    def _choice(self, name: str) -> dict[str, Any]:
        return {"kind": self.kind, "name": name, "among": list(self.names)}

    def _fit(self, name: str, unit: str, values_of: Callable[[int], _Values]) -> _Fit:
        """Fit a polynomial of degree 2, unless it is known, to the values of ``name``."""
        index = self._index(name)
        if (name, unit) not in self._fits:
            values = values_of(index)
            side = values.side.along(values.vector)
            regression = regress(*self._pair(side, self._one), self.ridge)
            if len(self._fits) >= _MOST_FITS:
                del self._fits[next(iter(self._fits))]
            self._fits[name, unit] = _Fit(values, regression, self._estimates(name, unit, values, regression))
        return self._fits[name, unit]

    def _estimates(self, name: str, unit: str, values: _Values, regression: CrossModalFit) -> Explanation:
        fit = regression.assemble(values.scale, values.bias)
        return Explanation(
            baseline=fit.baseline,
            main=fit.main,
            interactions=fit.interactions,
            ridge=fit.ridge,
            r2_in_sample=fit.r2,
            identified={
                "cross": True,
                "text_text": True,
                "image_image": True,
                f"{self.modality}_{self.modality}": self.pool.determines(values.side)[1],
            },
            similarity=values.complete,
            empty_similarity=values.empty,
            p=self.p,
            seed=self.pool.seed,
            masks=self.pool.design,
            conservative_errors=self.pool.from_arrays(self.side),
            effective_image_masks=self.effective(),
            budget=self.budget,
            model=dict(self._model),
            choice={**self._choice(name), "unit": unit},
            **self._players(name),
        )

    def _complete(self, fit: _Fit) -> Explanation:
        """Return the explanation with standard errors, and measured on the held-out masks."""
        values, errors = fit.values, standard_errors(fit.regression, fit.values.scale)
        fields: dict[str, Any] = {
            "baseline_se": errors.baseline,
            "main_se": errors.main,
            "interactions_se": errors.interactions,
        }
        if values.held_out is not None:
            fields |= self._fit_on(values.held_out, fit.estimates, values.vector, values.scale, values.bias)
        return fit.estimates.replace(**fields)

    def _fit_on(
        self, held_out: Modality, explanation: Explanation, vector: Tensor, scale: float, bias: float
    ) -> dict[str, float | None]:
        """Return ``r2`` and ``spearman`` of an explanation on held-out masks, whose values are projections."""
        pair = self._pair(held_out, Modality.fixed(vector))
        r2, spearman = held_out_fit(explanation, *pair, scale=scale, bias=bias, seed=self.pool.seed)
        return {"r2": r2, "spearman": spearman}

    def _pair(self, side: Modality, fixed: Modality) -> tuple[Modality, Modality]:
        """Return image and text: the masked modality, and the one without players."""
        return (side, fixed) if self.modality == "image" else (fixed, side)

    def effective(self) -> float:
        """Return the effective number of image masks (Kish); NaN if text players explain."""
        if self.modality == "text":
            return float("nan")
        return self.side.effective if self.side.sampled else float(len(self.side.masks))

    @abstractmethod
    def _players(self, name: str) -> dict[str, Any]:
        """Return the fields that describe the players, and the numbers of encodings."""

    @plain_settings
    def _extend(self, names: tuple[str, ...], vectors: Tensor) -> None:
        """Add candidates."""
        self.replace((*self.names, *names), torch.cat([self.vectors, vectors]))

    def replace(self, names: tuple[str, ...], vectors: Tensor) -> None:
        """Replace the candidates; log-probabilities are then against others, and are fitted again."""
        self.names, self.vectors = names, vectors
        self._fits = {key: fit for key, fit in self._fits.items() if key[1] == "logits"}

    # -- tables and figures ------------------------------------------------------------------------------------------

    @plain_settings
    def values(self) -> tuple[Floats, Floats]:
        """Return (k, n) weighted Banzhaf values of the players for every candidate's logit, and (k, n) standard errors.

        They are the best linear surrogate of each logit over masks, from one linear regression for all candidates.
        """
        return linear_values(self.side, self.vectors, self.game.scale)

    def to_frame(self) -> pd.DataFrame:
        """Return a :class:`pandas.DataFrame` with one row per candidate and player.

        Candidates are in order of decreasing logit. Columns are the candidate's ``name``, ``logit`` and ``probability``
        for the complete input (values of the model, without error), and the ``player``, its index ``players``, its
        weighted Banzhaf ``value`` in logits and its ``standard_error``.

        Raises:
            ImportError: pandas is not installed.
        """
        try:
            import pandas as pd
        except ImportError as error:
            raise ImportError("to_frame() needs pandas: pip install pandas") from error
        order = self.ranking()
        values, errors = self.values()
        names, n = self.player_names, self.pool.n
        return pd.DataFrame(
            {
                self.kind: np.repeat(np.array(self.names, dtype=object)[order], n),
                "logit": np.repeat(self.logits[order], n),
                "probability": np.repeat(self.probabilities[order], n),
                "player": list(names) * len(order),
                "players": [*range(n)] * len(order),
                "value": values[order].ravel(),
                "standard_error": errors[order].ravel(),
            }
        )

    @property
    def player_names(self) -> tuple[str, ...]:
        """(n,) names of the players."""
        n_image = self.game.n_image
        return self.game.names[:n_image] if self.modality == "image" else self.game.names[n_image:]

    @plain_settings
    def to_plotly(self, kind: Literal["players", "ranking"] = "players", top: int = 20, **options: Any) -> go.Figure:
        """Return a :class:`plotly.graph_objects.Figure` of the ``top`` candidates.

        See :mod:`fixlip_widgets.drawing.plotly.candidates`.

        Args:
            kind: ``"players"`` for a heatmap of candidates × players (weighted Banzhaf values of the logits), or
                ``"ranking"`` for bars of the probabilities.
            top: Number of candidates.
            options: ``palette`` and ``theme``, as for :meth:`fixlip_widgets.Explanation.to_plotly`.

        Raises:
            InputError: The kind or an option does not exist.
        """
        from fixlip_widgets.drawing.plotly.candidates import heatmap, ranking

        order = self.ranking()[: max(top, 1)]
        names = [self.names[index] for index in order]
        if kind == "ranking":
            return ranking(names, self.logits[order], self.probabilities[order], **options)
        if kind != "players":
            raise InputError(f"There is no figure kind {kind!r}; choose players or ranking.")
        values, errors = linear_values(self.side, self.vectors[torch.from_numpy(order.copy())], self.game.scale)
        return heatmap(names, self.player_names, values, errors, **options)

    def summary(self) -> str:
        """Return one line on the number of candidates and players, and on the cost."""
        players = counted(self.pool.n, *(self.game.image_word if self.modality == "image" else self.game.text_word))
        masks = counted(len(self.pool), "mask")
        return f"{counted(len(self), *self.nouns)}, {players}, p={self.p:g}, {masks}"

    def __repr__(self) -> str:
        rows = self.rows(_SHOWN)
        width = max(len(shortened(name, 40)) for name, _, _ in rows)
        lines = [
            f"  {shortened(name, 40):{width}}  logit {plain(logit):>7}" + ("" if np.isnan(share) else f"  {share:7.1%}")
            for name, logit, share in rows
        ]
        more = [f"  … {len(self) - len(rows):,} more"] if len(self) > len(rows) else []
        return "\n".join([f"<{type(self).__name__}: {self.summary()}", *lines, *more]) + ">"

    def _repr_html_(self) -> str:
        """Return the candidates with the largest logits as an HTML table for a notebook."""
        from fixlip_widgets.support.templates import render

        return render(
            "drawing/templates/candidates.html.j2",
            kind=self.kind,
            rows=self.rows(_SHOWN),
            more=max(len(self) - _SHOWN, 0),
            summary=self.summary(),
        )
