"""``fixlip-widgets margins``: compare explanations of a choice between two classes, by deletion and insertion.

The margin is the difference of two classes' logits. An explanation of the margin is measured by the masks that it
calls best and worst for the first class, at several sizes: the margin should fall quickly when the patches that support
the first class are deleted, and rise quickly when they are inserted.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fixlip_widgets.corpus.pairs import DEMO, Pair, Row, rows_of
from fixlip_widgets.encoders.models import Model, load_model
from fixlip_widgets.errors import FixlipError, InputError
from fixlip_widgets.evaluation.records import Records, Settings
from fixlip_widgets.explainers import baselines
from fixlip_widgets.explainers.classes import Classes, explain_classes
from fixlip_widgets.explainers.game import VisionLanguageGame
from fixlip_widgets.explainers.metrics.curves import coalitions
from fixlip_widgets.explanation.explanation import Explanation
from fixlip_widgets.support.command_line import whole_number
from fixlip_widgets.support.files import replacing
from fixlip_widgets.support.formatting import MINUS
from fixlip_widgets.support.progress import ProgressBar

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]

TEMPLATE = "a {}"
"""The words in which captions of composed scenes name an object."""
POINTS = 17
"""Number of mask sizes of a curve, from nothing kept to everything kept."""
SCORES = {
    "deletion": "deletion (lower is better)",
    "insertion": "insertion (higher is better)",
    "area": "insertion − deletion",
    "flip": "share deleted until the choice changes",
}
_RESAMPLES = 2000
_CHOSEN = "contrast"


@dataclass(frozen=True)
class Choice:
    """A choice of the model between two classes.

    Attributes:
        classes: The first class and the second, with their encoded masks.
        first: The class with the largest logit.
        second: The class with the largest logit among those in the scene if ``wrong``, or else among all others.
        wrong: Whether the first class is not in the scene.
        image: The image.
        seed: Seed of all masks.
        n_masks: Number of masks of the contrast.
    """

    classes: Classes
    first: str
    second: str
    wrong: bool
    image: Any
    seed: int
    n_masks: int

    @property
    def n_patches(self) -> int:
        """Number of image players."""
        return self.classes.game.n_image

    def alone(self, name: str, n_masks: int, seed: int) -> Explanation:
        """Explain the logit of one class from masks of its own."""
        return _explain(self.classes.game.model, self.image, [name], n_masks, seed)[name]

    def relevance(self, method: Callable[[VisionLanguageGame], Explanation], name: str) -> Floats:
        """Return the (n,) relevance of the patches for one class by a gradient method."""
        game = self.classes.game
        return method(game.with_text(TEMPLATE.format(name))).main[: self.n_patches]


def _separate(choice: Choice) -> Explanation:
    """Subtract explanations of the two classes from different masks: half as many for each."""
    first = choice.alone(choice.first, choice.n_masks // 2, 2 * choice.seed + 1)
    second = choice.alone(choice.second, choice.n_masks // 2, 2 * choice.seed + 2)
    return first.replace(main=first.main - second.main, interactions=first.interactions - second.interactions)


def _gradients(method: Callable[[VisionLanguageGame], Explanation]) -> Callable[[Choice], Floats]:
    return lambda choice: choice.relevance(method, choice.first) - choice.relevance(method, choice.second)


METHODS: dict[str, tuple[str, Callable[[Choice], Explanation | Floats]]] = {
    _CHOSEN: ("FIxLIP, contrast", lambda choice: choice.classes.contrast(choice.first, choice.second)),
    "separate": ("FIxLIP, difference of two separate explanations", _separate),
    "first": ("FIxLIP, first class alone", lambda choice: choice.classes[choice.first]),
    "grad_eclip": ("Grad-ECLIP, difference of both classes", _gradients(baselines.grad_eclip)),
    "game_attention": ("GAME, difference of both classes", _gradients(baselines.game_attention)),
    "random": ("random", lambda choice: np.random.default_rng([choice.seed, 9]).normal(size=choice.n_patches)),
}
"""Label of each method, and the function that explains the margin; larger values support the first class."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``fixlip-widgets margins``."""
    parser.description = (
        "Compare explanations of a zero-shot choice between two classes, by deletion and insertion, on composed scenes "
        "of 1 to 4 objects. After an interruption, run the same command to resume."
    )
    parser.add_argument("--scenes", type=int, default=50, help="number of scenes per number of objects")
    parser.add_argument("--budget", type=whole_number, default=512, help="number of image masks")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("margins"), help="folder for records and results")


def run(options: argparse.Namespace) -> int:
    """Measure the missing scenes, print the table, write it as ``table.md``, and return 0.

    Raises:
        InputError: An option is invalid, or the folder contains records made under other settings.
    """
    if options.scenes < 1 or options.budget < 128:
        raise InputError("--scenes must be at least 1, and --budget at least 128.")
    model = load_model()
    settings = Settings(
        f"{DEMO}, margins", model.name, model.weights_hash, options.seed, budget=options.budget, probabilities=(0.5,)
    )
    records, rows = Records(options.out, settings), rows_of(DEMO, options.scenes, options.seed)
    missing = [(number, row) for number, row in enumerate(rows) if not records.of(row.name)]
    with ProgressBar(True, "measuring", "scenes") as bar:
        for done, (number, row) in enumerate(missing, start=1):
            records.save(row.name, measure(model, row, options.budget, len(rows) * options.seed + number))
            bar.show(done, len(missing))
    text = tables(records.all(row.name for row in rows))
    print(text)
    with replacing(options.out / "table.md") as stream:
        stream.write(f"{text}\n".encode())
    return 0


def measure(model: Model, row: Row, n_masks: int, seed: int) -> dict[str, Any]:
    """Return the classes of one scene, and the scores and curves of every method."""
    choice = choose(model, row.read(), n_masks, seed)
    methods = {name: scores_of(choice, explain(choice)) for name, (_, explain) in METHODS.items()}
    return {"first": choice.first, "second": choice.second, "wrong": choice.wrong, "methods": methods}


def choose(model: Model, pair: Pair, n_masks: int, seed: int) -> Choice:
    """Classify a composed scene among all names of objects, and encode masks to explain the choice."""
    from fixlip_widgets import demo

    everything = _explain(model, pair.image, demo.names(), 4, seed)  # logits need no masks; 4 is the smallest budget
    ranked = [everything.names[index] for index in everything.ranking()]
    first, wrong = ranked[0], ranked[0] not in pair.regions
    second = next(name for name in ranked[1:] if name in pair.regions or not wrong)
    classes = _explain(model, pair.image, [first, second], n_masks, seed)
    return Choice(classes, first, second, wrong, pair.image, seed, n_masks)


def _explain(model: Model, image: Any, names: Sequence[str], n_masks: int, seed: int) -> Classes:
    return explain_classes(
        image, names, model=model, templates=(TEMPLATE,), budget=n_masks, seed=seed, check=False, progress=False
    )


def scores_of(choice: Choice, explained: Explanation | Floats) -> dict[str, Any]:
    """Return the curves of an explanation of the margin, in logits, and their scores.

    Returns:
        ``most`` and ``least``: margins at :data:`POINTS` sizes of the masks that are best and worst for the first class
        according to the explanation; ``insertion`` and ``deletion``: their means over the sizes; ``area``: the
        difference; ``flip``: the smallest share of deleted patches at which the second class is preferred, 1 if at
        none.
    """
    n = choice.n_patches
    sizes = np.unique(np.round(np.linspace(0, n, POINTS)).astype(int))
    most, least = (_margins(choice, _masks(explained, sign, sizes)) for sign in (1, -1))
    shares = sizes / n
    flipped = np.flatnonzero(least[::-1] < 0)
    insertion, deletion = (float(np.sum((half[1:] + half[:-1]) / 2 * np.diff(shares))) for half in (most, least))
    return {
        "most": [round(float(value), 4) for value in most],
        "least": [round(float(value), 4) for value in least],
        "insertion": insertion,
        "deletion": deletion,
        "area": insertion - deletion,
        "flip": float(1 - shares[::-1][flipped[0]]) if len(flipped) else 1.0,
    }


def _masks(explained: Explanation | Floats, sign: int, sizes: NDArray[np.intp]) -> Bools:
    if isinstance(explained, Explanation):
        return coalitions(explained, sign, sizes)
    ranks = np.argsort(np.argsort(-sign * explained, kind="stable"), kind="stable")
    return ranks < sizes[:, None]


def _margins(choice: Choice, masks: Bools) -> Floats:
    """Return the (m,) differences of the logits of the first class and the second."""
    game, (first, second) = choice.classes.game, choice.classes.vectors
    embeddings = game.image_embeddings(masks).double()
    return (game.scale * embeddings @ (first - second).to(embeddings)).cpu().numpy()


# -- tables ----------------------------------------------------------------------------------------------------------


def tables(records: Sequence[dict[str, Any]]) -> str:
    """Return Markdown tables of the mean scores, and of the differences to the contrast, with bootstrap intervals.

    Raises:
        FixlipError: There are no records.
    """
    if not records:
        raise FixlipError("No scene is measured yet, so there is nothing to compare.")
    wrong = np.array([bool(record["wrong"]) for record in records])
    groups = {"all scenes": np.ones_like(wrong), "right": ~wrong, "wrong": wrong}
    return "\n\n".join(
        f"{label}: {chosen.sum()}\n\n{_table(records, chosen)}" for label, chosen in groups.items() if chosen.any()
    )


def _table(records: Sequence[dict[str, Any]], chosen: Bools) -> str:
    heads = [*SCORES.values(), "area − that of the contrast"]
    lines = [f"| method | {' | '.join(heads)} |", "|---|" + "---:|" * len(heads)]
    area = _values(records, _CHOSEN, "area")[chosen]
    for name, (label, _) in METHODS.items():
        values = {score: _values(records, name, score)[chosen] for score in SCORES}
        cells = [with_bootstrap(each) for each in values.values()]
        cells.append("" if name == _CHOSEN else with_bootstrap(values["area"] - area))
        lines.append(f"| {label} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _values(records: Sequence[dict[str, Any]], method: str, score: str) -> Floats:
    return np.array([record["methods"][method][score] for record in records], dtype=float)


def with_bootstrap(values: Floats) -> str:
    """Format the mean of (k,) values with its 95 % bootstrap interval over scenes: ``0.85 [0.80, 0.91]``.

    Source: percentile intervals (Efron 1979) from 2,000 resamples.
    """
    resampled = np.random.default_rng(0).choice(values, (_RESAMPLES, len(values))).mean(axis=1)
    shown = [values.mean(), *np.quantile(resampled, [0.025, 0.975])]
    mean, low, high = (f"{round(float(value), 2) + 0.0:.2f}".replace("-", MINUS) for value in shown)
    return f"{mean} [{low}, {high}]"
