"""Sentences about the significant effects: one for every player, and one for the whole explanation."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fixlip_widgets.explanation.trust import LARGE_RESIDUAL, relative_residual
from fixlip_widgets.support.formatting import counted, isolated, joined, pair_name, plain, signed, with_error

if TYPE_CHECKING:
    from fixlip_widgets.explanation.surrogate import Surrogate

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
_MOST_NAMES = 3
"""Maximum number of tokens that a sentence names; more are counted."""
_MOST_WORDS = 4
"""Maximum number of tokens whose patches the last sentence counts by name."""
_UNFAITHFUL = "Do not interpret these values: the surrogate predicts held-out masks no better than their mean."
_UNTESTED = "Standard errors are unknown, so significance is not tested."


class _Phrases(NamedTuple):
    positive: str
    negative: str
    none: str
    rest: str


class _Players:
    """Names of players within sentences."""

    def __init__(self, explanation: Surrogate) -> None:
        self.names, self.n_image = explanation.names, explanation.n_image
        self.image_word, self.text_word = explanation.image_word, explanation.text_word

    def subject(self, player: int) -> str:
        """Return the name for the beginning of a sentence: ``“dog”`` or ``Patch (2, 3)``."""
        name = self.inner(player)
        return name if player >= self.n_image else name[0].upper() + name[1:]

    def inner(self, player: int) -> str:
        """Return the name for the middle of a sentence: ``“dog”`` or ``patch (2, 3)``."""
        return f"“{isolated(self.names[player])}”" if player >= self.n_image else self.names[player]


_ALONE = _Phrases("positively with", "negatively with", "differs significantly from 0", "is significant")
_COMPARED = _Phrases("more with", "less with", "differs significantly", "differs significantly")


def findings(explanation: Surrogate, *, partial: bool = False, difference: bool = False) -> list[str]:
    """Describe an explanation: one text for each of the n players, then one for the whole explanation.

    If standard errors are unknown, the sentences report values without testing them.

    Args:
        explanation: Explanation to describe.
        partial: Whether the computation is unfinished; the last text then begins with "So far".
        difference: Whether ``explanation`` is one explanation minus another.
    """
    describe = _interactions if explanation.has_interactions else _values
    *players, overall = describe(explanation, difference)
    if partial:
        overall = "So far: " + overall
    if explanation.r2 is not None and explanation.r2 <= 0:
        overall = f"{_UNFAITHFUL} {overall}"
    return [*players, overall]


# -- second order ------------------------------------------------------------------------------------------------------


def _interactions(explanation: Surrogate, difference: bool) -> list[str]:
    n = explanation.n_players
    errors = explanation.interactions_se
    above = np.triu_indices(n, 1)
    if errors is None or not np.isfinite(errors[above]).any():
        return _without_errors(explanation, difference)
    significant = explanation.significant
    signs = np.where(significant.interactions, np.sign(explanation.interactions), 0).astype(np.int8)
    known = np.isfinite(errors)
    np.fill_diagonal(known, False)
    phrases = _COMPARED if difference else _ALONE
    named = _Players(explanation)
    sentences = [_player(named, player, signs[player], known[player], phrases) for player in range(n)]
    belonging = "" if difference else _words_of_patches(explanation, named) or _strongest_players(explanation, named)
    tested, third = int(known[above].sum()), significant.triples
    return [*sentences, belonging + _whole(explanation, signs, tested, int(third.sum()), len(third), difference)]


def _player(named: _Players, player: int, signs: NDArray[np.int8], known: Bools, phrases: _Phrases) -> str:
    """“dog” interacts positively with 4 patches and negatively with 1 patch; no other interaction is significant."""
    name, inner, others = named.subject(player), named.inner(player), len(named.names) - 1
    if not known.any():
        return f"The standard errors of the interactions of {inner} are unknown."
    clauses = [
        f"{phrase} {_partners(named, player, np.flatnonzero(signs == sign))}"
        for phrase, sign in ((phrases.positive, 1), (phrases.negative, -1))
        if (signs == sign).any()
    ]
    tested = "" if known.sum() == others else "tested "
    if not clauses:
        return f"No {tested}interaction of {inner} {phrases.none}."
    sentence = f"{name} interacts {' and '.join(clauses)}"
    if (signs != 0).sum() == others:
        return f"{sentence}."
    return f"{sentence}; no other {tested}interaction {phrases.rest}."


def _partners(named: _Players, player: int, partners: NDArray[np.intp]) -> str:
    """Return for example ``4 patches and “black”``, the other modality first."""
    n_image = named.n_image
    patches, tokens = partners[partners < n_image], partners[partners >= n_image]
    few = len(tokens) <= _MOST_NAMES
    words = [named.inner(token) for token in tokens.tolist()] if few else [counted(len(tokens), *named.text_word)]
    images = [counted(len(patches), *named.image_word)] if len(patches) else []
    words = words if len(tokens) else []
    return joined(images + words if player >= n_image else words + images)


def _words_of_patches(explanation: Surrogate, named: _Players) -> str:
    """11 patches interact most with “banana” and 9 with “dog”.

    A patch counts for the token whose colour it has in pictures (:meth:`Surrogate.patch_words`). Name up to four
    tokens, that with most patches first. Return an empty string if no patch has any.
    """
    words, _ = explanation.patch_words()
    counts = np.bincount(words[words >= 0], minlength=explanation.n_text)
    tokens = np.argsort(-counts, kind="stable")[: np.count_nonzero(counts)].tolist()
    if not tokens:
        return ""
    first, *others = tokens[:_MOST_WORDS]
    verb = "interacts" if counts[first] == 1 else "interact"
    clauses = [
        f"{counted(int(counts[first]), *named.image_word)} {verb} most with {named.inner(named.n_image + first)}"
    ]
    clauses += [f"{counts[token]:,} with {named.inner(named.n_image + token)}" for token in others]
    rest = tokens[_MOST_WORDS:]
    if rest:
        one, several = named.text_word
        clauses.append(f"{counts[rest].sum():,} with {counted(len(rest), f'other {one}', f'other {several}')}")
    return f"{joined(clauses)}. "


def _strongest_players(explanation: Surrogate, named: _Players) -> str:
    """Patch (3, 4) adds most to the logit of “dog” (+2.1), and patch (1, 2) lowers it most (−0.4).

    Values are p-weighted Banzhaf values: averages over masks. Return an empty string for an image–caption pair.
    """
    choice = explanation.choice
    if not choice:
        return ""
    values = explanation.first_order()
    most, least = int(values.argmax()), int(values.argmin())
    goal, lowers = f"the {explanation.score_name} of “{isolated(choice['name'])}”", "lowers it"
    if "minus" in choice:
        goal += f" over “{isolated(choice['minus'])}”"
    clauses = list[str]()
    if values[most] > 0:
        clauses.append(f"{named.subject(most)} adds most to {goal} ({signed(float(values[most]))})")
    if values[least] < 0:
        name = named.inner(least) if clauses else named.subject(least)
        clauses.append(f"{name} {lowers if clauses else 'lowers ' + goal} most ({signed(float(values[least]))})")
    return f"{joined(clauses)}. " if clauses else ""


def _whole(
    explanation: Surrogate, signs: NDArray[np.int8], tested: int, third: int, third_tested: int, difference: bool
) -> str:
    upper, n_image = np.triu(signs, 1), explanation.n_image
    raising, lowering = int((upper > 0).sum()), int((upper < 0).sum())
    across, total = int((upper[:n_image, n_image:] != 0).sum()), raising + lowering
    what = "differences of interactions" if difference else "interactions"
    if total == 0:
        text = f"None of {tested:,} {what} is significant; a larger budget reduces the standard errors."
    else:
        verb = "is" if total == 1 else "are"
        between = f"; {across:,} between image and text" if 0 < n_image < len(upper) else ""
        text = (
            f"{total:,} of {tested:,} {what} {verb} significant (Holm, family-wise 5 %): "
            f"{raising:,} positive, {lowering:,} negative{between}."
        )
    unknown = upper.shape[0] * (upper.shape[0] - 1) // 2 - tested
    if unknown and explanation.scope == "all":
        text += f" Standard errors of {counted(unknown, 'other')} are unknown."
    if third_tested:
        verb = "is" if third == 1 else "are"
        text += f" {third:,} of {third_tested:,} third-order terms {verb} significant."
    return text + _faithfulness(explanation)


def _faithfulness(explanation: Surrogate) -> str:
    r2 = explanation.r2
    if r2 is None or not np.isfinite(r2):
        return ""
    if r2 <= 0:
        return ""  # findings() begins with _UNFAITHFUL
    percent = "more than 99 %" if r2 > 0.994 else f"{100 * r2:.0f} %"
    return f" The surrogate explains {percent} of the variance over held-out masks{_residual(explanation)}."


def _residual(explanation: Surrogate) -> str:
    """Return how far the surrogate is off for the complete pair, if that is much of what the players add together."""
    residual = explanation.residual
    if not relative_residual(explanation) > LARGE_RESIDUAL:
        return ""
    side = "below" if residual > 0 else "above"
    what = "with nothing hidden" if explanation.choice else "for the complete pair"
    return f"; {what} it is {plain(abs(residual))} {explanation.unit} {side} the {explanation.score_name}"


def _without_errors(explanation: Surrogate, difference: bool) -> list[str]:
    named = _Players(explanation)
    names, n_image = named.names, named.n_image
    sentences: list[str] = []
    for player, row in enumerate(explanation.interactions):
        partner, name = int(np.abs(row).argmax()), named.subject(player)
        most = f"{name} interacts most with {named.inner(partner)}: {signed(float(row[partner]))}."
        sentences.append(most if row[partner] else f"All interactions of {named.inner(player)} are zero.")
    pairs = len(names) * (len(names) - 1) // 2
    strongest = np.unravel_index(int(np.abs(explanation.interactions).argmax()), explanation.interactions.shape)
    i, j = sorted(int(index) for index in strongest)
    if not explanation.interactions.any():
        return [*sentences, f"All {pairs:,} interactions are zero.{_faithfulness(explanation)}"]
    strongest_players = "" if difference else _strongest_players(explanation, named)
    pair, value = pair_name(names, n_image, i, j), signed(float(explanation.interactions[i, j]))
    overall = f"{strongest_players}The strongest of {pairs:,} interactions is {pair}, {value}. {_UNTESTED}"
    return [*sentences, overall + _faithfulness(explanation)]


# -- first order -------------------------------------------------------------------------------------------------------


def _values(explanation: Surrogate, difference: bool) -> list[str]:
    values, errors, named = explanation.main, explanation.main_se, _Players(explanation)
    raises, lowers = ("contributes more", "contributes less") if difference else ("raises", "lowers")
    end = "by" if difference else "the similarity by"
    none = "" if difference else " This method has no interactions."
    if errors is None or not np.isfinite(errors).any():
        sentences = [f"{named.subject(player)}: {signed(float(value))}." for player, value in enumerate(values)]
        strongest = int(np.abs(values).argmax())
        most = f"The largest of {len(values):,} values is that of {named.inner(strongest)}, "
        return [*sentences, f"{most}{signed(float(values[strongest]))}. {_UNTESTED}{none}"]
    significant = explanation.significant.main
    sentences: list[str] = []
    for player, (value, error) in enumerate(zip(values.tolist(), errors.tolist(), strict=True)):
        name, verb = named.subject(player), raises if value > 0 else lowers
        amount = with_error(value, error)
        if significant[player]:
            sentences.append(f"{name} {verb} {end} {with_error(abs(value), error).removeprefix('+')}.")
        elif np.isfinite(error):
            sentences.append(f"The value of {named.inner(player)} is not significant: {amount}.")
        else:
            sentences.append(f"{name}: {amount} (standard error unknown).")
    total, tested = int(significant.sum()), int(np.isfinite(errors).sum())
    verb = "is" if total == 1 else "are"
    overall = f"{total:,} of {tested:,} values {verb} significant (Holm, family-wise 5 %).{none}"
    return [*sentences, overall + _faithfulness(explanation)]
