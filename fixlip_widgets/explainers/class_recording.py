"""Classes for the view and for pages without a kernel: probabilities, maps, and explanations computed in advance."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import permutations
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from fixlip_widgets.errors import InputError
from fixlip_widgets.estimators.linear_values import linear_values
from fixlip_widgets.explainers.candidates import Candidates
from fixlip_widgets.explanation.explanation import Explanation
from fixlip_widgets.explanation.significance import degrees_of_freedom, significant
from fixlip_widgets.explanation.surrogate import Surrogate
from fixlip_widgets.pages import wire_format as wire
from fixlip_widgets.pages.recording import Recording

Floats = NDArray[np.float64]
MOST_MAPS = 20
"""Number of most probable classes with a map; the chosen classes have one too."""
RECORDED = 5
"""Number of most probable classes that a page explains, alone and each rather than each other."""
MOST_PROBABILITIES = 2**20
"""Largest number of probabilities with a hidden patch in a page: four megabytes, and a third more as base64."""


def candidates(classes: Candidates) -> wire.Wire:
    """Return names, logits and probabilities of all classes; see ``Candidates`` in ``pages/wire_types.py``."""
    return {
        "names": list(classes.names),
        "logits": wire.array(classes.logits),
        "probabilities": wire.array(classes.probabilities),
        "softmax": not classes.game.model.sigmoid,
        "templates": list(classes.templates),
    }


def class_maps(classes: Candidates, chosen: Sequence[str] = ()) -> wire.Wire:
    """Return the maps of the most probable classes and of the ``chosen`` ones, without the generation.

    See ``ClassMaps`` in ``pages/wire_types.py``.
    """
    best = [name for name, *_ in classes.rows(MOST_MAPS)]
    names = [*best, *(name for name in chosen if name not in best)]
    rows = torch.tensor([classes.names.index(name) for name in names])
    values, errors = linear_values(classes.side, classes.vectors[rows], classes.game.scale)
    units = classes.effective() / (2 if classes.p == 0.5 else 1)
    freedom = degrees_of_freedom(units, classes.p, np.ones(classes.pool.n))
    flags = np.stack([significant(*each, freedom) for each in zip(values, errors, strict=True)])
    return {"names": names, "values": wire.array(values), "significant": wire.bits(flags)}


def explain_choice(classes: Candidates, chosen: Sequence[str]) -> Explanation:
    """Return the explanation of one class, or of the first of two rather than the second."""
    return classes[chosen[0]] if len(chosen) == 1 else classes.contrast(chosen[0], chosen[1])


def record_classes(
    classes: Candidates,
    chosen: Sequence[str] = (),
    others: Sequence[Surrogate] = (),
    measured: Sequence[Any] = (),
    *,
    playground: bool = False,
) -> Recording:
    """Return the contents of a page of classes.

    The page explains the most probable classes and the chosen ones, each alone and rather than each other, at one p. A
    single class has a page of its own.

    Args:
        classes: The classes.
        chosen: The explained class, or two; by default the most probable one.
        others: More explanations of ``chosen``, at other p.
        measured: Measurements of explanations, in the view's format.
        playground: Whether to compute all logits and probabilities with each single patch hidden; one encoding each.

    Raises:
        InputError: The page would have more than :data:`MOST_PROBABILITIES` probabilities.
    """
    if len(classes) == 1:  # without a choice, and perhaps without a probability
        return Recording.of(classes[classes.names[0]])
    best = [name for name, *_ in classes.rows(RECORDED)]
    first = tuple(chosen) or tuple(best[:1])
    names = [*best, *(name for name in first if name not in best)]
    choices = [first, *(choice for choice in _choices(names) if choice != first)]
    explanations = [explain_choice(classes, choice) for choice in choices]
    values, probabilities = _without(classes, choices) if playground else ([], None)
    return Recording(
        (*explanations, *others),
        without={each.caption: value for each, value in zip(explanations, values, strict=False)},
        measured=tuple(measured),
        classes={
            "candidates": candidates(classes),
            "maps": class_maps(classes, first),
            "choices": [list(choice) for choice in choices],
            "without": None if probabilities is None else wire.array(probabilities),
        },
    )


def _without(classes: Candidates, choices: Sequence[tuple[str, ...]]) -> tuple[list[Floats], Floats]:
    """Return (n,) logits of each choice, and (n, k) probabilities of all classes, with each single patch hidden."""
    n, k = classes.pool.n, len(classes)
    if n * k > MOST_PROBABILITIES:
        raise InputError(
            f"With playground=True, the page of {k:,} classes and {n:,} patches would have {n * k:,} probabilities; at "
            f"most {MOST_PROBABILITIES:,} are saved. Leave it out, or give fewer classes."
        )
    embeddings = classes.game.image_embeddings(~np.eye(n, dtype=bool))
    logits = dict(zip(classes.names, classes.logits_of(embeddings).T, strict=True))
    values = [logits[choice[0]] - sum(logits[name] for name in choice[1:]) for choice in choices]
    return values, classes.probabilities_of(embeddings)


def _choices(names: Sequence[str]) -> Iterator[tuple[str, ...]]:
    yield from ((name,) for name in names)
    yield from permutations(names, 2)


def check_class_options(*, budgets: Any = None, text: Any = (), **_others: Any) -> None:
    """Raise InputError if a page of classes cannot offer what its arguments request.

    Raises:
        InputError: Budgets or captions are requested.
    """
    requested = {"budgets": budgets, "text": text}
    if names := [name for name, value in requested.items() if value]:
        raise InputError(
            f"A page of classes cannot offer {', '.join(names)}; leave it out. It contains the {RECORDED} most "
            "probable classes, alone and each rather than each other, and the chosen class at other p."
        )
