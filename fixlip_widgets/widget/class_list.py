"""The classes of a widget: which exist, which one is explained, and what the views show of the others."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from fixlip_widgets.errors import InputError
from fixlip_widgets.explainers.class_explainer import ClassExplainer, caption_of
from fixlip_widgets.explainers.class_recording import candidates, class_maps
from fixlip_widgets.explainers.class_texts import check_names
from fixlip_widgets.pages import wire_format as wire
from fixlip_widgets.widget.playground import Playground, mask_without
from fixlip_widgets.widget.refiner import Refiner, Show
from fixlip_widgets.widget.screen import Screen
from fixlip_widgets.widget.views import Views
from fixlip_widgets.widget.worker import Job

if TYPE_CHECKING:
    from torch import Tensor

    from fixlip_widgets.explainers.game import VisionLanguageGame

LEAST_CLASSES = 2
_FITTED_AHEAD = 20
"""Most probable classes that are fitted while the widget is idle, also in contrast to the chosen class, so that a click
on them is answered at once: those that the view shows as chips."""
_MAX_CACHED = 4096


class ClassList:
    """Classes and the choice among them.

    Args:
        screen: The widget's state.
        explainer: Explains the classes.
    """

    def __init__(self, screen: Screen, explainer: ClassExplainer) -> None:
        self._screen, self._traits, self.explainer = screen, screen.traits, explainer

    def first_state(self, chosen: Any) -> dict[str, Any]:
        """Return the traits before anything is computed; ``chosen`` is the setting, or None for the best class."""
        classes = self.explainer.classes
        names = (classes.rows(1)[0][0],) if chosen is None else check_chosen(chosen, classes.names)
        return {
            "classes": classes.names,
            "chosen": names,
            "text": caption_of(names),
            "candidates": candidates(classes),
        }

    # -- settings ----------------------------------------------------------------------------------------------------

    def check(self, name: str, value: Any) -> tuple[str, ...]:
        """Return the setting ``classes`` or ``chosen`` validated; raise InputError if it is invalid."""
        if name == "chosen":
            return check_chosen(value, self._traits.classes)
        names = check_classes(value)
        for each in names:
            self.explainer.check_class(each)
        return names

    def chosen_among(self, names: Sequence[str]) -> tuple[str, ...]:
        """Return the chosen classes that still exist among ``names``, or else the best of those that are known."""
        kept = tuple(name for name in self._traits.chosen if name in names)
        if kept:
            return kept
        still = set(names)
        known = (name for name, *_ in self.explainer.classes.rows() if name in still)
        return (next(known, names[0]),)

    # -- on the worker's thread --------------------------------------------------------------------------------------

    def publish(self) -> None:
        """Publish logits and probabilities of all classes."""
        known = self._traits.candidates
        if known is None or tuple(known["names"]) != self.explainer.classes.names:
            self._traits.candidates = candidates(self.explainer.classes)

    def draw_maps(self) -> None:
        """Publish the maps of the most probable classes and of the chosen ones."""
        with self._screen.reporting("The maps of the classes cannot be computed"):
            result, generation = self._traits.result, self._screen.generation
            if result is None:
                return
            maps = class_maps(self.explainer.classes_at(result["p"]), self._traits.chosen)
            with self._screen.lock:
                if generation == self._screen.generation:
                    self._traits.class_maps = {"generation": generation, **maps}


def check_classes(value: Any) -> tuple[str, ...]:
    """Return the names of classes; raise InputError unless they are at least two different strings."""
    names = check_names(value)
    if len(names) < LEAST_CLASSES:
        raise InputError(
            f"{names[0]!r} is the only class; a widget needs at least two, because the model chooses among them."
        )
    return names


def check_chosen(value: Any, names: Sequence[str]) -> tuple[str, ...]:
    """Return the chosen classes; raise InputError unless they are one or two different ones of ``names``."""
    chosen = (value,) if isinstance(value, str) else tuple(value)
    unknown = [name for name in chosen if name not in names]
    if unknown:
        raise InputError(f"There is no class {unknown[0]!r}; add it to `classes` first.")
    if len(chosen) not in (1, 2) or len({*chosen}) < len(chosen):
        raise InputError(f"chosen is {chosen!r}; choose one class, or two different ones to compare.")
    return chosen


class ClassRefiner(Refiner):
    """Refines the explanation of the chosen class.

    Args:
        explainer: Explains the classes.
        screen: The widget's state.
        show: Shows a result.
        classes: The widget's classes.
    """

    exponents = range(6, 17)

    def __init__(self, explainer: ClassExplainer, screen: Screen, show: Show, classes: ClassList) -> None:
        super().__init__(explainer, screen, show)
        self._classes = classes

    def set_pair(self, job: Job) -> None:
        """Set the classes and the choice of ``job``; only texts are encoded."""
        explainer = self._classes.explainer
        explainer.set_classes(job.classes)
        explainer.choose(job.chosen)
        self._classes.publish()

    def prepare(self, job: Job) -> None:
        """Fit probable classes and contrasts, then encode masks at other p, until the next request stops it."""
        self._worker.do_chores()
        self._worker.settle()
        explainer = self._classes.explainer
        if len(explainer.pools.image) > 1:
            at = explainer.classes_at(job.p)
            best, first = [name for name, *_ in at.rows(_FITTED_AHEAD)], explainer.chosen[0]
            contrasts = [partial(at.contrast, first, name) for name in best if name != first]
            for fit in [*(partial(at.fit, name) for name in best), *contrasts]:
                if job.stop.is_set():
                    return
                fit()
                self._worker.do_chores()
        super().prepare(job)


class ClassPlayground(Playground):
    """Probabilities of all classes, and the logit of the chosen one, with patches hidden.

    An image mask is encoded once for all classes.
    """

    def __init__(self, screen: Screen, views: Views, game: VisionLanguageGame, classes: ClassList) -> None:
        super().__init__(screen, views, game)
        self._classes = classes
        self._embeddings: dict[tuple[int, ...], Tensor] = {}

    def evaluate(self, game: VisionLanguageGame, removed: Sequence[int]) -> float:
        """Return the logit of the chosen class, or the margin, without the ``removed`` players."""
        classes, key = self._classes.explainer.classes, tuple(sorted(removed))
        if key not in self._embeddings:
            if len(self._embeddings) >= _MAX_CACHED:
                self._embeddings.clear()
            self._embeddings[key] = game.image_embeddings(mask_without(game.n_image, removed))
        logits = dict(zip(classes.names, classes.logits_of(self._embeddings[key])[0].tolist(), strict=True))
        first, *others = self._classes.explainer.chosen
        return logits[first] - sum(logits[name] for name in others)

    def known_value(self, game: VisionLanguageGame, removed: Sequence[int]) -> float | None:
        """Return the value without the ``removed`` players if it needs no encoding."""
        return self.evaluate(game, removed) if tuple(sorted(removed)) in self._embeddings else None

    def extras(self, removed: Sequence[int]) -> wire.Wire:
        """Return the probabilities of all classes; None before the mask is encoded."""
        embedding = self._embeddings.get(tuple(sorted(removed)))
        classes = self._classes.explainer.classes
        if not removed:
            return {"probabilities": wire.array(classes.probabilities)}
        return {"probabilities": None if embedding is None else wire.array(classes.probabilities_of(embedding)[0])}
