"""Which pairs of a corpus a page explains: those named, or those with the least support and some at random."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from fixlip_widgets.errors import InputError
from fixlip_widgets.support.checks import list_of
from fixlip_widgets.support.formatting import counted

if TYPE_CHECKING:
    from fixlip_widgets.corpus.corpus import Corpus


def choose_pairs(corpus: Corpus, pairs: int | Sequence[str], seed: int = 0) -> tuple[list[int], str]:
    """Return the positions of pairs to explain, and a sentence on how they were chosen.

    Args:
        corpus: The corpus.
        pairs: Ids, or a number: one half are then those with the least support, the others are drawn at random.
        seed: Seed of the random pairs.

    Raises:
        InputError: The number is negative, or a pair is unknown or could not be explained.
    """
    if isinstance(pairs, int):
        if pairs < 0:
            raise InputError(f"A page cannot contain {pairs} explanations; pass 0 or more, or a list of ids.")
        return _suspicious_and_random(corpus, pairs, seed)
    table = corpus.table
    rows = {str(name): row for row, name in enumerate(table["id"])}
    failed = set(table["id"][table["failed"].to_numpy(dtype=bool)])
    names = list_of(pairs)
    for name in names:
        if name not in rows:
            raise InputError(f"The corpus has no pair {name!r}; its ids are in corpus.table['id'].")
        if name in failed:
            raise InputError(f"The pair {name!r} could not be explained: {table['error'][rows[name]]}")
    return [rows[name] for name in names], f"This page explains {counted(len(names), 'pair')} that were named."


def _suspicious_and_random(corpus: Corpus, many: int, seed: int) -> tuple[list[int], str]:
    table = corpus.table
    explained = np.flatnonzero(~table["failed"].to_numpy(dtype=bool))
    if len(explained) <= many:
        whole = "every pair" if len(explained) == len(table) else "every pair that could be explained"
        return explained.tolist(), f"This page explains {whole}."
    support = table["least_support"].to_numpy(dtype=np.float64, na_value=np.nan)[explained]
    weakest = explained[np.argsort(support, kind="stable")][: many - many // 2]
    others = np.setdiff1d(explained, weakest)
    drawn = np.sort(np.random.default_rng(seed).choice(others, size=many // 2, replace=False))
    few, more = counted(len(weakest), "pair"), counted(len(drawn), "other")
    return [*weakest.tolist(), *drawn.tolist()], (
        f"This page explains the {few} with the least support of a token, and {more} drawn at random (seed {seed})."
    )
