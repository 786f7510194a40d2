"""The parts of a similarity: baseline, sums of main effects, sums of interactions, and the residual."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from fixlip_widgets.explanation.surrogate import Surrogate

Kind = Literal[
    "baseline", "image", "text", "image_image", "text_text", "cross", "third", "residual", "similarity", "surrogate"
]


class Part(NamedTuple):
    """A part of the similarity.

    Attributes:
        kind: The terms that it sums; ``similarity`` or ``surrogate`` for the sum of all parts.
        value: The sum, in logits.
        se: Its standard error, or None if unknown. An explanation alone knows only the baseline's.
    """

    kind: Kind
    value: float
    se: float | None = None


def parts(explanation: Surrogate) -> tuple[Part, ...]:
    """Return ``baseline + Σ main + Σ interactions + residual`` by kind, and their sum last.

    Parts without terms are absent. The residual is what the surrogate leaves. Without it, if the similarity is unknown
    or the values are not in logits, the last part is the surrogate's value of the whole pair.
    """
    n_image, n_text = explanation.n_image, explanation.n_text
    main, pairs = explanation.main, explanation.interactions
    error = float(explanation.baseline_se)
    listed = [Part("baseline", explanation.baseline, error if np.isfinite(error) else None)]
    if n_image:
        listed.append(Part("image", float(main[:n_image].sum())))
    if n_text:
        listed.append(Part("text", float(main[n_image:].sum())))
    if explanation.has_interactions:
        if n_image:
            listed.append(Part("image_image", 0.5 * float(pairs[:n_image, :n_image].sum())))
        if n_text:
            listed.append(Part("text_text", 0.5 * float(pairs[n_image:, n_image:].sum())))
        if n_image and n_text:
            listed.append(Part("cross", float(explanation.cross.sum())))
    if explanation.triples is not None:
        listed.append(Part("third", float(explanation.triples.predict(np.ones((1, explanation.n_players)))[0])))
    known = bool(np.isfinite(explanation.residual))
    if known:
        listed.append(Part("residual", explanation.residual))
    return (*listed, Part("similarity" if known else "surrogate", sum(part.value for part in listed)))


def subtract_parts(b: Sequence[Part], a: Sequence[Part]) -> tuple[Part, ...]:
    """Return B − A part by part, with errors as of independent estimates; empty if the kinds of parts differ."""
    if [part.kind for part in b] != [part.kind for part in a]:
        return ()
    return tuple(
        Part(
            new.kind,
            new.value - old.value,
            None if new.se is None or old.se is None else float(np.hypot(new.se, old.se)),
        )
        for new, old in zip(b, a, strict=True)
    )
