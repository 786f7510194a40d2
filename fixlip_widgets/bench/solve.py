"""Decoupled solve compared with the dense solve, on the same masks and embeddings."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from fixlip_widgets.bench import dense
from fixlip_widgets.bench.measure import Row, best_of
from fixlip_widgets.estimators import fit_crossmodal
from fixlip_widgets.estimators.masks import draw_masks, enumerate_masks, split_budget
from fixlip_widgets.support.meter import metered

RIDGE = 0.1


def rows() -> Iterator[Row]:
    """Yield times for 64 patches, 8 tokens and budget 2^15, with random embeddings in place of the encoder's."""
    random = np.random.default_rng(0)
    n_image, n_text, width = 64, 8, 128
    m_image, m_text = split_budget(2**15, n_image, n_text)
    image = draw_masks(n_image, 0.4, 0, m_image, seed=0, stream=0)
    text = enumerate_masks(n_text)[random.permutation(2**n_text)[:m_text]]
    embeddings = _unit(random, m_image, width), _unit(random, m_text, width)
    (ours,) = best_of(3, lambda: fit_crossmodal(image, text, *embeddings, ridge=RIDGE))
    with metered() as cost:
        weights = np.full((m_image, m_text), 1 / (m_image * m_text))
        expected = dense.fit_interactions(image, text, embeddings[0] @ embeddings[1].T, weights, RIDGE)
    fit = fit_crossmodal(image, text, *embeddings, ridge=RIDGE)
    difference = np.abs(fit.interactions - expected)
    yield Row(
        f"dense solve, {n_image} patches, {n_text} tokens, {m_image * m_text:,} pairs of masks", cost.seconds, "s"
    )
    yield Row("decoupled solve of the same regression", ours, "s")
    yield Row("  ÷ the dense solve", ours / cost.seconds, "", at_most=0.05)
    yield Row("  largest difference ÷ largest interaction", difference.max() / np.abs(expected).max(), "", at_most=1e-6)


def _unit(random: np.random.Generator, m: int, width: int) -> dense.Floats:
    rows = random.normal(size=(m, width))
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)
