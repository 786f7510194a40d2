"""What the numbers support, in plain sentences: one for every player, and one for the whole explanation.

An interaction is said to be there only when it is beyond the noise, and that is decided for all interactions together:
each is tested against zero (two-sided, by Student's t), and Holm's step-down procedure keeps the probability that even
one of those named in any of the sentences is chance at 5 % or less, however they depend on each other, as far as the
standard errors are right (docs/estimator.md says how far that was seen). 1,596 interactions tested one by one at 95 %
would bring some 80 false ones.

Sources: Holm, "A simple sequentially rejective multiple test procedure", Scandinavian Journal of Statistics 1979;
Wallace, "Bounds on normal approximations to Student's and the chi-square distributions", Annals of Mathematical
Statistics 1959.
"""

from __future__ import annotations

from statistics import NormalDist
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fixlip_widgets.explanation.methods import CATALOGUE
from fixlip_widgets.support.formatting import counted, isolated, joined, pair_name, signed, with_error

if TYPE_CHECKING:
    from fixlip_widgets.explanation.explanation import Explanation

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
LEVEL = 0.05
"""Probability, at most, that any of the interactions said to be there is chance."""
_MOST_NAMES = 3
"""Tokens that a sentence names; more are counted."""
_MOST_BINDING, _STRONG = 4, 0.5
"""Tokens, at most, that the sentence for everything names, and the share of the strongest one's ties that they need."""
_UNFAITHFUL = (
    "Read nothing into this: the surrogate predicts masks that it was not fitted to no better than their mean does."
)


class _Verbs(NamedTuple):
    positive: str
    negative: str


class _Players:
    """Players as sentences name them."""

    def __init__(self, explanation: Explanation) -> None:
        self.names, self.n_image = explanation.names, explanation.n_image
        self.image_word, self.text_word = explanation.image_word, explanation.text_word

    def subject(self, player: int) -> str:
        """As a sentence begins: ``“dog”`` or ``Patch (2, 3)``."""
        name = self.inner(player)
        return name if player >= self.n_image else name[0].upper() + name[1:]

    def inner(self, player: int) -> str:
        """Within a sentence: ``“dog”`` or ``patch (2, 3)``."""
        return f"“{isolated(self.names[player])}”" if player >= self.n_image else self.names[player]


_ALONE = _Verbs("binds to", "repeats or contradicts")
_COMPARED = _Verbs("interacts more with", "interacts less with")


def degrees_of_freedom(units: float, p: float, image_players: ArrayLike) -> Floats:
    """How well the errors of terms with (m,) ``image_players`` are known: (m,) degrees of freedom.

    A term's error is that of its sampling units in which all of its image players have the rarer of their two states
    (kept, or removed): at p = 0.9 that is a mask in a hundred for two patches, and one in four at p = 0.5.

    Args:
        units: Effective sampling units: image masks, or complement pairs of them.
        p: Probability of keeping a player.
        image_players: Image players of each term.
    """
    return units * min(p, 1 - p) ** np.asarray(image_players, dtype=np.float64)


def beyond_noise(
    values: Floats, errors: Floats, freedom: ArrayLike = np.inf, level: float = LEVEL, rounding: float = 0.0
) -> Bools:
    """Which of ``values`` (m,) differ from zero, by Holm's procedure over all whose error (m,) is known.

    The k-th largest |value/error| of m counts if it and all larger ones exceed the normal quantile of
    ``1 − level/(2 (m − k + 1))``, where errors have ``freedom`` (m,) without end. Otherwise ratios are Student's t,
    and each is replaced by the normal one that is as improbable, ``√(f ln(1 + t²/f)) (8 f + 1)/(8 f + 3)`` (Wallace).
    A value with error 0 is exact, and counts if it is larger than ``rounding``.
    """
    known = np.isfinite(errors) & np.isfinite(values)
    exact = known & (errors == 0)
    scores = np.zeros(len(values))
    np.divide(np.abs(values), errors, out=scores, where=known & ~exact)
    freedom = np.broadcast_to(np.asarray(freedom, dtype=np.float64), scores.shape)
    few = np.isfinite(freedom)
    f = freedom[few]
    scores[few] = np.sqrt(f * np.log1p(scores[few] ** 2 / f)) * (8 * f + 1) / (8 * f + 3)
    scores[exact & (np.abs(values) > rounding)] = np.inf
    found, left = np.zeros(len(values), dtype=bool), int(known.sum())
    for at in np.argsort(-scores, kind="stable"):
        if left == 0 or not scores[at] > NormalDist().inv_cdf(1 - level / (2 * left)):
            break
        found[at], left = True, left - 1
    return found


def _freedom(explanation: Explanation, image_players: NDArray[Any]) -> ArrayLike:
    """Of the errors of terms with (m,) ``image_players``; without end where masks were not drawn with a p."""
    units, drawn = explanation.effective_image_masks, CATALOGUE.get(explanation.method)
    if drawn is None or not drawn.uses_p or not np.isfinite(units):
        return np.inf
    return degrees_of_freedom(units / 2 if explanation.p == 0.5 else units, explanation.p, image_players)


def findings(explanation: Explanation, *, partial: bool = False, difference: bool = False) -> list[str]:
    """A sentence for each of the n players, and one for the whole explanation last.

    Where standard errors are not known, the sentences tell the numbers and claim nothing.

    Args:
        explanation: What to put into words.
        partial: More is being computed; the last sentence says so.
        difference: ``explanation`` is one explanation minus another.
    """
    tell = _interactions if explanation.has_interactions else _values
    *players, overall = tell(explanation, difference)
    if partial:
        overall = "So far: " + overall
    if explanation.r2 is not None and explanation.r2 <= 0:
        overall = f"{_UNFAITHFUL} {overall}"
    return [*players, overall]


# -- second order ------------------------------------------------------------------------------------------------------


def _interactions(explanation: Explanation, difference: bool) -> list[str]:
    n, n_image = explanation.n_players, explanation.n_image
    first, second = np.triu_indices(n, 1)
    values, errors = explanation.interactions[first, second], explanation.interactions_se
    if errors is None or not np.isfinite(errors[first, second]).any():
        return _without_errors(explanation)
    errors = errors[first, second]
    triples, third, third_errors = np.empty((0, 3)), np.empty(0), np.empty(0)
    if explanation.triples is not None:
        triples, third, third_errors = explanation.triples.terms()
    terms = np.concatenate([values, third]), np.concatenate([errors, third_errors])
    players = np.concatenate([(np.stack([first, second]) < n_image).sum(0), (triples < n_image).sum(1)])
    found = beyond_noise(*terms, _freedom(explanation, players), rounding=explanation.rounding)
    ties, known = np.zeros((n, n), dtype=np.int8), np.zeros((n, n), dtype=bool)
    ties[first, second] = np.where(found[: len(values)], np.sign(values), 0).astype(np.int8)
    known[first, second] = np.isfinite(errors)
    ties, known = ties + ties.T, known | known.T
    verbs = _COMPARED if difference else _ALONE
    named = _Players(explanation)
    sentences = [_player(named, player, ties[player], known[player], verbs) for player in range(n)]
    more = int(found[len(values) :].sum())
    bindings = "" if difference else _bindings(explanation, named, ties)
    return [
        *sentences,
        bindings + _whole(explanation, ties, int(np.isfinite(errors).sum()), more, len(third), difference),
    ]


def _player(named: _Players, player: int, ties: NDArray[np.int8], known: Bools, verbs: _Verbs) -> str:
    """“dog” binds to 4 patches and repeats or contradicts 1 patch; the rest is within the noise."""
    name, inner, others = named.subject(player), named.inner(player), len(named.names) - 1
    if not known.any():
        return f"How sure the interactions of {inner} are is not known."
    clauses = [
        f"{verb} {_partners(named, player, np.flatnonzero(ties == sign))}"
        for verb, sign in zip(verbs, (1, -1), strict=True)
        if (ties == sign).any()
    ]
    if not clauses:
        if known.sum() < others:
            return f"As far as it is known, nothing that {inner} does with others is beyond the noise."
        return f"Nothing that {inner} does with others is beyond the noise."
    said = f"{name} {' and '.join(clauses)}"
    if (ties != 0).sum() == others:
        return f"{said}."
    return f"{said}; the rest is within the noise{'' if known.sum() == others else ' or not known'}."


def _partners(named: _Players, player: int, partners: NDArray[np.intp]) -> str:
    """``4 patches and “black”``, those of the other modality first."""
    n_image = named.n_image
    patches, tokens = partners[partners < n_image], partners[partners >= n_image]
    few = len(tokens) <= _MOST_NAMES
    words = [named.inner(token) for token in tokens.tolist()] if few else [counted(len(tokens), *named.text_word)]
    squares = [counted(len(patches), *named.image_word)] if len(patches) else []
    words = words if len(tokens) else []
    return joined(squares + words if player >= n_image else words + squares)


def _bindings(explanation: Explanation, named: _Players, ties: NDArray[np.int8]) -> str:
    """“banana” binds to 11 patches and “dog” to 16; 4 other tokens bind less. Nothing where none does.

    Tokens are named whose summed ties are at least half of the strongest one's, a few at most, strongest first.
    """
    n_image, (one, several) = named.n_image, named.text_word
    bound = ties[n_image:, :n_image] > 0
    strength, counts = np.where(bound, explanation.cross, 0).sum(axis=1), bound.sum(axis=1)
    tokens = np.argsort(-strength, kind="stable")[: np.count_nonzero(counts)]
    strong = tokens[strength[tokens] >= _STRONG * strength.max()][:_MOST_BINDING].tolist()
    said: list[str] = []
    for token in strong:
        what = f"to {counts[token]:,}" if said else f"binds to {counted(int(counts[token]), *named.image_word)}"
        said.append(f"{named.inner(n_image + token)} {what}")
    others = tokens[len(strong) :]
    if not len(others):
        return f"{joined(said)}. " if said else ""
    binding = "binds" if len(others) == 1 else "bind"
    how = "less" if strength[others[0]] < _STRONG * strength.max() else "too"
    return f"{joined(said)}; {counted(len(others), f'other {one}', f'other {several}')} {binding} {how}. "


def _whole(
    explanation: Explanation, ties: NDArray[np.int8], tested: int, third: int, third_tested: int, difference: bool
) -> str:
    upper, n_image = np.triu(ties, 1), explanation.n_image
    raising, lowering = int((upper > 0).sum()), int((upper < 0).sum())
    across, total = int((upper[:n_image, n_image:] != 0).sum()), raising + lowering
    what = "differences of interactions" if difference else "interactions"
    if total == 0:
        said = f"None of {tested:,} {what} is beyond the noise; more budget narrows it."
    else:
        verb = "is" if total == 1 else "are"
        said = (
            f"{total:,} of {tested:,} {what} {verb} beyond the noise (95 % for all of them together): "
            f"{raising:,} positive, {lowering:,} negative; {across:,} between image and text."
        )
    unknown = upper.shape[0] * (upper.shape[0] - 1) // 2 - tested
    if unknown and explanation.scope == "all":
        said += f" Of {counted(unknown, 'other')} the standard errors are not known."
    if third_tested:
        said += f" Of {third_tested:,} third-order terms, {third:,} {'is' if third == 1 else 'are'}."
    return said + _faithfulness(explanation)


def _faithfulness(explanation: Explanation) -> str:
    r2 = explanation.r2
    if r2 is None or not np.isfinite(r2):
        return ""
    if r2 <= 0:
        return ""  # that comes first
    percent = "more than 99 %" if r2 > 0.994 else f"{100 * r2:.0f} %"
    return f" The surrogate explains {percent} of the variance over masks that it was not fitted to."


def _without_errors(explanation: Explanation) -> list[str]:
    named = _Players(explanation)
    names, n_image = named.names, named.n_image
    sentences: list[str] = []
    for player, row in enumerate(explanation.interactions):
        partner, name = int(np.abs(row).argmax()), named.subject(player)
        most = f"{name} interacts most with {named.inner(partner)}: {signed(float(row[partner]))}."
        sentences.append(most if row[partner] else f"{name} interacts with nothing.")
    pairs = len(names) * (len(names) - 1) // 2
    strongest = np.unravel_index(int(np.abs(explanation.interactions).argmax()), explanation.interactions.shape)
    i, j = sorted(int(index) for index in strongest)
    if not explanation.interactions.any():
        return [*sentences, f"All of {pairs:,} interactions are zero.{_faithfulness(explanation)}"]
    told = f" the strongest is {pair_name(names, n_image, i, j)}, {signed(float(explanation.interactions[i, j]))}."
    unsure = " Their standard errors are not known, so nothing can be said about the noise."
    return [*sentences, f"Of {pairs:,} interactions{told}{unsure}{_faithfulness(explanation)}"]


# -- first order -------------------------------------------------------------------------------------------------------


def _values(explanation: Explanation, difference: bool) -> list[str]:
    values, errors, named = explanation.main, explanation.main_se, _Players(explanation)
    raises, lowers = ("counts for more", "counts for less") if difference else ("raises", "lowers")
    end = "by" if difference else "the similarity by"
    none = "" if difference else " This method has no interactions."
    if errors is None or not np.isfinite(errors).any():
        told = [f"{named.subject(player)}: {signed(float(value))}." for player, value in enumerate(values)]
        strongest = int(np.abs(values).argmax())
        most = f"The largest of {len(values):,} values is that of {named.inner(strongest)}, "
        unsure = " Standard errors are not known, so nothing can be said about the noise."
        return [*told, f"{most}{signed(float(values[strongest]))}.{unsure}{none}"]
    freedom = _freedom(explanation, np.arange(len(values)) < explanation.n_image)
    found = beyond_noise(values, errors, freedom, rounding=explanation.rounding)
    sentences: list[str] = []
    for player, (value, error) in enumerate(zip(values.tolist(), errors.tolist(), strict=True)):
        name, verb = named.subject(player), raises if value > 0 else lowers
        amount = with_error(value, error)
        if found[player]:
            sentences.append(f"{name} {verb} {end} {with_error(abs(value), error).removeprefix('+')}.")
        elif np.isfinite(error):
            sentences.append(f"{name} is within the noise: {amount}.")
        else:
            sentences.append(f"{name}: {amount}; how sure that is, is not known.")
    total, tested = int(found.sum()), int(np.isfinite(errors).sum())
    verb = "is" if total == 1 else "are"
    overall = f"{total:,} of {tested:,} values {verb} beyond the noise (95 % for all of them together).{none}"
    return [*sentences, overall + _faithfulness(explanation)]
