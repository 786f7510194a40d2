"""Export of explanations: terms as CSV or as a pandas table, and all fields except images as JSON."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

    from fixlip_widgets.explanation.surrogate import Surrogate

_PICTURES = ("image", "blank", "regions")
COLUMNS = ("order", "players", "kind", "places", "names", "value", "standard_error", "significant")


def as_csv(explanation: Surrogate) -> str:
    """Return CSV with one line per term: the baseline, main effects, interactions and third-order terms.

    ``players`` (indices), ``places`` and ``names`` are joined by `` × ``, such as ``7 × 13``, ``1,2 × 4`` and
    ``patch (2, 3) × dog``; for ``kind`` and ``places``, see :func:`as_frame`. Unknown standard errors are empty.
    ``significant`` is ``true``, ``false``, or empty for terms that are not tested; see
    :mod:`fixlip_widgets.explanation.significance`. The front end's downloads have the same columns.
    """
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(COLUMNS)
    names, places = explanation.names, [_written(place) for place in explanation.places]
    for (players, value, error), significant in zip(_terms(explanation), _flags(explanation), strict=True):
        joined = [" × ".join(each[player] for player in players) for each in (places, names)]
        indices, kind = " × ".join(map(str, players)), explanation.kind_of(players)
        flag = str(significant).lower() if players and math.isfinite(error) else ""
        writer.writerow((len(players), indices, kind, *joined, repr(value), _known(error), flag))
    return stream.getvalue()


def as_text(explanation: Surrogate, count: int = 12) -> str:
    """Return the caption, the summary and a table of the ``count`` strongest terms, with their standard errors."""
    terms = explanation.top(count)
    names = [" × ".join(term.names) for term in terms]
    width = max(map(len, names), default=0)
    rows = (
        f"  {name:{width}}  {term.value:+#9.3g}"
        + ("" if math.isnan(term.standard_error) else f"  ± {term.standard_error:#.2g}")
        for name, term in zip(names, terms, strict=True)
    )
    return "\n".join((explanation.caption, explanation.summary(), *rows))


def as_json(explanation: Surrogate) -> dict[str, Any]:
    """Return all fields except images as lists and plain numbers; NaN becomes None.

    ``names``, ``kinds`` (``"image"`` or ``"text"``) and ``places`` describe the n players; see :func:`as_frame`.
    """
    fields = {name: getattr(explanation, name) for name in explanation.__dataclass_fields__ if name not in _PICTURES}
    kinds = [explanation.kind_of((player,)) for player in range(explanation.n_players)]
    players = {"names": explanation.names, "kinds": kinds, "places": explanation.places}
    derived = {**players, "in_logits": explanation.in_logits}
    return {name: _plain(value) for name, value in {**fields, **derived}.items()}


def as_frame(explanation: Surrogate) -> pd.DataFrame:
    """Return a pandas table with one row per term; unknown standard errors are NaN.

    ``players`` are the indices of a term's players, and ``player`` and ``partner`` their names. ``kind`` is
    ``"baseline"``, ``"image"``, ``"text"``, ``"image_image"``, ``"text_text"``, ``"cross"`` or, for third-order terms,
    ``"image_image_text"`` or ``"image_text_text"``. ``places`` are the places of the players, counted from 0: (row,
    column) of a patch, number of a region, position of a token in ``tokens``. With order 3, third-order terms are
    included, and the column ``third`` has the name of their third player.

    Raises:
        ImportError: pandas is not installed.
    """
    try:
        import pandas as pd
    except ImportError as error:
        raise ImportError("to_frame() needs pandas: pip install pandas") from error
    players_in = ["player", "partner"] if explanation.triples is None else ["player", "partner", "third"]
    names, places = explanation.names, explanation.places
    rows = [
        (
            len(players),
            *(names[player] for player in players),
            *[""] * (len(players_in) - len(players)),
            players,
            explanation.kind_of(players),
            tuple(places[player] for player in players),
            *rest,
        )
        for players, *rest in _terms(explanation)
    ]
    return pd.DataFrame(rows, columns=["order", *players_in, "players", "kind", "places", "value", "standard_error"])


def _terms(explanation: Surrogate) -> Iterator[tuple[tuple[int, ...], float, float]]:
    n = explanation.n_players
    yield (), float(explanation.baseline), explanation.baseline_se
    errors = np.full(n, np.nan) if explanation.main_se is None else explanation.main_se
    yield from (((i,), float(explanation.main[i]), float(errors[i])) for i in range(n))
    if explanation.has_interactions:
        pairs = np.full((n, n), np.nan) if explanation.interactions_se is None else explanation.interactions_se
        for i, j in zip(*np.triu_indices(n, 1), strict=True):
            yield (int(i), int(j)), float(explanation.interactions[i, j]), float(pairs[i, j])
    if explanation.triples is not None:
        for players, value, error in zip(*explanation.triples.terms(), strict=True):
            yield tuple(int(player) for player in players), float(value), float(error)


def _flags(explanation: Surrogate) -> list[bool]:
    """Return whether each of :func:`_terms` is significant; False for the baseline, which is not tested."""
    flags, above = explanation.significant, np.triu_indices(explanation.n_players, 1)
    pairs = flags.interactions[above] if explanation.has_interactions else flags.interactions[:0, 0]
    return [False, *np.concatenate([flags.main, pairs, flags.triples]).tolist()]


def _written(place: tuple[int, int] | int) -> str:
    return str(place) if isinstance(place, int) else f"{place[0]},{place[1]}"


def _known(error: float) -> str:
    return repr(float(error)) if math.isfinite(error) else ""


def _plain(value: Any) -> Any:
    if hasattr(value, "tolist"):
        value = value.tolist()
    if hasattr(value, "__dataclass_fields__"):
        return {name: _plain(getattr(value, name)) for name in value.__dataclass_fields__}
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}  # pyright: ignore[reportUnknownVariableType]
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]  # pyright: ignore[reportUnknownVariableType]
    return value
