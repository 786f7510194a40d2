"""How much of the surrogate's variance each kind of term explains: image, text, and the two together (ANOVA)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fixlip_widgets.errors import InputError
from fixlip_widgets.estimators.masks import ENUMERATE_UP_TO
from fixlip_widgets.estimators.third_order_shares import third_part_covariance
from fixlip_widgets.estimators.variance_shares import Coefficients, part_covariance
from fixlip_widgets.explanation.kept_fits import kept_fit, kept_third_fit
from fixlip_widgets.explanation.methods import CATALOGUE

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from fixlip_widgets.explanation.surrogate import Surrogate

Floats = NDArray[np.float64]
LABELS = {
    "image": "image main effects",
    "text": "text main effects",
    "image_image": "image–image",
    "text_text": "text–text",
    "cross": "image–text",
    "third": "third order",
}
"""Labels of the parts, in display order."""
_COLORS = ("#0072b2", "#e69f00", "#56b4e9", "#f0e442", "#009e73", "#cc79a7")
"""Colours of the parts: those of Okabe and Ito, which remain distinct with common forms of colour blindness."""


@dataclass(frozen=True, eq=False)
class Shares:
    """Shares of variance by kind of term; see :func:`shares`.

    Attributes:
        values: Share of each kind of term; the keys are those of :data:`LABELS`. Their sum is :attr:`explained`.
        errors: Standard errors of the shares; NaN if unknown, 0 if all masks were encoded.
        explained: R² of the surrogate, or 1 if it is unknown.
        variance: Variance of the surrogate over masks drawn with p, in logits².
    """

    values: dict[str, float]
    errors: dict[str, float]
    explained: float
    variance: float

    def __getitem__(self, kind: str) -> float:
        """Return the share of one kind of term, such as ``shares["cross"]``."""
        if kind not in self.values:
            raise InputError(f"There is no kind {kind!r} of terms; choose one of {', '.join(self.values)}.")
        return self.values[kind]

    def rows(self) -> list[tuple[str, float, float]]:
        """Return (label, share, standard error) of each kind of term, and of what the surrogate does not explain."""
        rows = [(LABELS[kind], share, self.errors[kind]) for kind, share in self.values.items()]
        rest = 1 - self.explained
        return [*rows, ("not explained", rest, math.nan)] if rest > 0 else rows

    def plot(self) -> go.Figure:
        """Return one stacked bar as a Plotly figure."""
        import plotly.graph_objects as go

        fig = go.Figure()
        for (label, share, error), color in zip(self.rows(), (*_COLORS[: len(self.values)], "#d8dee4"), strict=False):
            text = f"{label}<br>{_percent(share, error)}"
            fig.add_bar(
                x=[share], y=[""], orientation="h", name=label, hovertext=text, hoverinfo="text", marker_color=color
            )
        fig.update_layout(barmode="stack", height=180, margin={"l": 24, "r": 24, "t": 24, "b": 24})
        fig.update_xaxes(range=[0, 1], tickformat=".0%", title={"text": "share of the variance"})
        return fig

    def __repr__(self) -> str:
        rows = self.rows()
        width = max(len(label) for label, _, _ in rows)
        lines = [f"  {label:{width}}  {_percent(share, error)}" for label, share, error in rows]
        return "\n".join(["<Shares of the variance over masks:", *lines]) + ">"

    def _repr_html_(self) -> str:
        """Return a stacked bar with its legend as HTML for a notebook."""
        from fixlip_widgets.support.templates import render

        colors = (*_COLORS[: len(self.values)], "#d8dee4")
        rows = [
            {"label": label, "share": max(share, 0.0), "text": _percent(share, error), "color": color}
            for (label, share, error), color in zip(self.rows(), colors, strict=False)
        ]
        return render("drawing/templates/shares.html.j2", rows=rows)


def shares(explanation: Surrogate) -> Shares:
    """Return the shares of main effects of image and text, and of pairs within and across them, in the variance.

    The surrogate is ``f(z) = Σ_S c_S Π_{i∈S} (z_i − p)/√(p(1 − p))``. Under masks that keep every player independently
    with probability p, these products are orthonormal, so the variance is ``Σ c_S²`` over non-empty S, and each kind of
    term has a part of its own. The coefficients are ``√(p(1 − p))`` times the first-order attribution for a player,
    ``p(1 − p)`` times the interaction (including p times its third-order terms) for a pair, and ``(p(1 − p))^{3/2}``
    times the term for three players.

    The shares are these parts divided by their sum, times R²: the held-out R², or that over all masks if all were
    encoded. In the latter case, the surrogate is a projection and R² is its variance over that of the game, so the
    shares are exactly those of the game's variance. From sampled masks they are estimates. If R² is unknown, for
    example for the difference of two explanations, the shares add up to 1.

    Squares of estimates are too large on average by their sampling variance, and squares of shrunk terms too small by
    the variance that the penalty leaves undetermined. Both are corrected for interactions and third-order terms, whose
    standard errors are known. The errors of the shares take R² as given. They are known while the regression of the
    explanation is in memory (:mod:`.kept_fits`).

    Raises:
        InputError: The method has no p, or its values are not logits.

    Source: O'Donnell, "Analysis of Boolean Functions", 2014, §8.4 (p-biased Fourier expansion, Parseval); Efron &
    Stein, "The jackknife estimate of variance", Annals of Statistics 1981 (ANOVA decomposition).
    """
    method = CATALOGUE.get(explanation.method)
    if method is None or not method.uses_p or not explanation.in_logits:
        raise InputError(
            f"The method is {explanation.method!r}; shares are defined for methods with p, such as 'banzhaf'."
        )
    parts, noise = _parts(explanation), _noise(explanation)
    values = np.array([max(parts[kind] + noise.get(kind, 0.0), 0.0) for kind in parts])
    explained, total = _explained(explanation), float(values.sum())
    relative = values / total if total > 0 else np.zeros_like(values)
    errors = _errors(explanation, relative, total)
    return Shares(
        values=dict(zip(parts, (explained * relative).tolist(), strict=True)),
        errors=dict(zip(parts, (explained * errors).tolist(), strict=True)),
        explained=explained,
        variance=total,
    )


def _parts(explanation: Surrogate) -> dict[str, float]:
    """Return the sums of squared coefficients by kind of term, in logits²."""
    q, n_image = explanation.p * (1 - explanation.p), explanation.n_image
    first, (_, pairs) = explanation.first_order(), explanation.quadratic_terms()
    squares, image, text = np.square(pairs), slice(0, n_image), slice(n_image, None)
    parts = {
        "image": q * np.square(first[image]).sum(),
        "text": q * np.square(first[text]).sum(),
        "image_image": q**2 * squares[image, image].sum() / 2,
        "text_text": q**2 * squares[text, text].sum() / 2,
        "cross": q**2 * squares[image, text].sum(),
    }
    if explanation.triples is not None:
        parts["third"] = q**3 * np.square(explanation.triples.terms()[1]).sum()
    return {kind: float(part) for kind, part in parts.items()}


def _noise(explanation: Surrogate) -> dict[str, float]:
    """Return corrections of the parts: less the sampling variance, or plus that of terms that are shrunk."""
    q, n_image, triples = explanation.p * (1 - explanation.p), explanation.n_image, explanation.triples
    errors = _pair_errors(explanation)
    if errors is None:
        return {}
    variances, image, text = np.nan_to_num(np.square(errors)), slice(0, n_image), slice(n_image, None)
    shrunk = explanation.ridge > 0
    of_image = 1 if shrunk and n_image else -1
    of_text = 1 if shrunk and explanation.n_text > ENUMERATE_UP_TO else -1
    noise = {
        "image_image": of_image * q**2 * float(variances[image, image].sum()) / 2,
        "text_text": of_text * q**2 * float(variances[text, text].sum()) / 2,
        "cross": -(q**2) * float(variances[image, text].sum()),
    }
    if triples is not None:
        squares = (np.nan_to_num(np.square(each)) for each in (triples.image_image_text_se, triples.image_text_text_se))
        with_patches, with_tokens = (float(each.sum()) / 2 for each in squares)
        noise["third"] = q**3 * (of_image * with_patches + of_text * with_tokens)
    return noise


def _pair_errors(explanation: Surrogate) -> Floats | None:
    """Return (n, n) standard errors of :meth:`.Surrogate.quadratic_terms`' interactions."""
    return explanation.interactions_se if explanation.triples is None else explanation.triples.pairs_se


def _explained(explanation: Surrogate) -> float:
    known = [r2 for r2 in (explanation.r2, explanation.r2_in_sample) if r2 is not None and math.isfinite(r2)]
    return min(max(known[0], 0.0), 1.0) if known else 1.0


def _errors(explanation: Surrogate, relative: Floats, total: float) -> Floats:
    """Return the standard errors of the parts divided by their sum, by the delta method."""
    found = _part_covariance(explanation)
    if found is None or total <= 0:
        return np.full(len(relative), np.nan)
    covariance, first = found
    gradient = (np.eye(len(relative)) - relative[:, None]) / total
    variances = np.diag(gradient @ (covariance + np.diag(_second(explanation, first))) @ gradient.T)
    return np.sqrt(np.maximum(variances, 0))


def _part_covariance(explanation: Surrogate) -> tuple[Floats, Floats] | None:
    """Return the covariance of the parts to first order, and (n,) first-order variances; None if unknown."""
    terms = Coefficients(explanation.first_order(), explanation.quadratic_terms()[1], explanation.p)
    if (kept := kept_fit(explanation)) is not None:
        known, key = kept.regression.part_covariances, (explanation.p, kept.scale)
        if key not in known:  # copies of an explanation have the same regression
            known[key] = part_covariance(kept.regression, terms, kept.scale)
        return known[key]
    triples, third = explanation.triples, kept_third_fit(explanation)
    if triples is None or third is None:
        return None
    blocks = triples.image_image_text, triples.image_text_text
    return third_part_covariance(third.regression, terms, *blocks, third.scale)


def _second(explanation: Surrogate, first: Floats) -> Floats:
    """Return the sums of 2 Var(c)² over the coefficients of each part, with (n,) variances of first-order ones."""
    q, n_image, triples = explanation.p * (1 - explanation.p), explanation.n_image, explanation.triples
    image, text, errors = slice(0, n_image), slice(n_image, None), _pair_errors(explanation)
    squares: Any = 0.0 if errors is None else np.square(np.square(errors))
    squares = np.broadcast_to(squares, explanation.interactions.shape)
    second = [
        2 * q**2 * np.square(first[image]).sum(),
        2 * q**2 * np.square(first[text]).sum(),
        q**4 * squares[image, image].sum(),
        q**4 * squares[text, text].sum(),
        2 * q**4 * squares[image, text].sum(),
    ]
    if triples is not None:
        second.append(2 * q**6 * np.power(triples.terms()[2], 4).sum())
    return np.array(second)


def _percent(share: float, error: float) -> str:
    return f"{100 * share:.1f} %" + ("" if math.isnan(error) or error == 0 else f" ± {100 * error:.1g} %")
