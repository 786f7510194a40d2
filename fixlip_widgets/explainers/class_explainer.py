"""An explainer of the classes of one image, whose pool of image masks grows as the budget does.

A class is a caption without players: its text embedding is fixed, and the players are those of the image alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from fixlip_widgets.encoders.images import ImageLike
from fixlip_widgets.errors import FixlipError, InputError
from fixlip_widgets.estimators.masks import DEFAULT_DESIGN, MaskDesign
from fixlip_widgets.explainers.class_recording import check_class_options, explain_choice, record_classes
from fixlip_widgets.explainers.class_texts import check_class, class_vectors
from fixlip_widgets.explainers.classes import Classes
from fixlip_widgets.explainers.fixlip import IncrementalExplainer
from fixlip_widgets.explainers.game import VisionLanguageGame
from fixlip_widgets.explainers.group_errors import add_errors
from fixlip_widgets.explanation.explanation import Explanation
from fixlip_widgets.explanation.group_sums import Group, group
from fixlip_widgets.explanation.kept_fits import kept_fit
from fixlip_widgets.pages.recordable import recording_of
from fixlip_widgets.pages.recording import GRID, Recording
from fixlip_widgets.support.checks import check_p, list_of
from fixlip_widgets.support.progress import ProgressBar

_MASKS_PER_PATCH = 3
"""Least effective number of masks per patch for a page to offer a p; same value as in recording.py."""
_MAX_POOLS = 4
"""Number of values of p and of pool sizes whose fits are cached: users move a slider back and forth."""


class _FixedText:
    """A text encoder without players: its output is one vector, whatever the masks are."""

    def __init__(self, vector: Tensor) -> None:
        self._vector = vector

    def encode(self, masks: Tensor) -> Tensor:
        """Return the vector for each of (m, 0) masks."""
        return self._vector.float().to(masks.device).expand(len(masks), -1)


class ClassGame(VisionLanguageGame):
    """The game of a class's logit, or of the margin between two classes; only image players exist.

    Args:
        game: A game of the image.
    """

    def __init__(self, game: VisionLanguageGame) -> None:
        self.__dict__.update(game.__dict__)
        self.tokens = ()
        self._model_bias = game.bias

    def explain(self, caption: str, vector: Tensor, *, margin: bool) -> None:
        """Set the text embedding: the vector of a class, or with ``margin``, the difference of two vectors."""
        self.caption, self.text_tower = caption, _FixedText(vector)  # pyright: ignore[reportAttributeAccessIssue]
        self.bias = 0.0 if margin else self._model_bias
        self.changes = {**self.changes, "text": self.changes["text"] + 1}
        self._complete.pop("text", None)
        self.__dict__.pop("_extremes", None)


class ClassExplainer(IncrementalExplainer):
    """Explains the classes of one image: one of them, or why one rather than another.

    Args:
        game: A game of the image; its caption is not used.
        names: (k,) names of at least two classes.
        templates: Texts with one ``{}`` each.
        seed: Random seed of the masks.
        masks: As in :func:`fixlip_widgets.explain`.
        progress: Whether to show a progress bar while texts are encoded; by default only if that takes long.

    Attributes:
        classes: The classes, with their logits and probabilities.
        chosen: The explained class, or two: the first rather than the second.

    Raises:
        InputError: A text is longer than the model reads.
    """

    def __init__(
        self,
        game: VisionLanguageGame,
        names: tuple[str, ...],
        templates: tuple[str, ...],
        seed: int = 0,
        masks: MaskDesign = DEFAULT_DESIGN,
        progress: bool | None = None,
    ) -> None:
        super().__init__(ClassGame(game), seed, masks)
        self.pools.text.complete = True  # its only mask is the class, whose vector is known
        with ProgressBar(progress, "encoding", "texts") as bar:
            total = len(names) * len(templates)
            vectors = class_vectors(self.game, names, templates, lambda done: bar.show(done, total))
        pools = {"pool": self.pools.image, "held_out": self.pools.held_out}
        self.classes = Classes(self.game, **pools, templates=templates, names=names, vectors=vectors, p=self.p)
        self._vectors = dict(zip(names, vectors, strict=True))
        self._at: dict[tuple[object, ...], Classes] = {}
        self.chosen: tuple[str, ...] = ()
        self.choose((self.classes.rows(1)[0][0],))

    @property
    def text_encodes(self) -> int:
        """Number of texts encoded so far, those of removed classes included."""
        return len(self._vectors) * len(self.classes.templates)

    # -- the classes -------------------------------------------------------------------------------------------------

    def choose(self, names: Sequence[str]) -> None:
        """Explain the class ``names[0]``, or with two names, why the model prefers the first to the second."""
        if (chosen := tuple(names)) == self.chosen:
            return
        with self._growing, self._unchanging:
            vectors = [self._vectors[name] for name in chosen]
            vector = vectors[0] - vectors[1] if len(chosen) > 1 else vectors[0]
            assert isinstance(self.game, ClassGame)
            self.game.explain(caption_of(chosen), vector, margin=len(chosen) > 1)
            self.chosen, self._changes = chosen, self.game.changes

    def encoded(self, modality: Literal["image", "text"]) -> tuple[NDArray[np.uint8], Tensor]:
        """Return encoded masks as :meth:`IncrementalExplainer.encoded`; the only text mask has no players."""
        if modality == "image":
            return super().encoded(modality)
        return np.zeros((1, 0), dtype=np.uint8), self.game.text_embeddings(np.ones((1, 0), dtype=bool))

    def check_class(self, name: str) -> None:
        """Raise InputError if the text of a new class is longer than the model reads, in any template."""
        if name not in self._vectors:
            check_class(self.game.model.tokenizer, name, self.classes.templates)

    def set_classes(self, names: Sequence[str]) -> None:
        """Replace the classes; only the texts of new ones are encoded, and no image."""
        listed = tuple(names)
        if listed == self.classes.names:
            return
        with self._growing, self._unchanging:
            new = [name for name in listed if name not in self._vectors]
            if new:
                found = class_vectors(self.game, new, self.classes.templates)
                self._vectors.update(zip(new, found, strict=True))
            vectors = torch.stack([self._vectors[name] for name in listed])
            for classes in (self.classes, *self._at.values()):
                classes.replace(listed, vectors)

    def classes_at(self, p: float) -> Classes:
        """Return the classes explained at ``p`` by the masks encoded so far; nothing is encoded."""
        pools, p = self.pools, check_p(p)
        budget = self._reported_budget(p)
        key = (p, budget, len(pools.image), pools.image.encodes, pools.held_out.encodes)
        if key not in self._at:
            if len(self._at) >= _MAX_POOLS:
                del self._at[next(iter(self._at))]
            self._at[key] = self.classes.at(p, budget)
        return self._at[key]

    # -- explaining --------------------------------------------------------------------------------------------------

    def _explained(self, p: float, *fit: object) -> Explanation:
        """Return the explanation of the chosen class, or of the margin, from the masks encoded so far.

        Raises:
            FixlipError: No image mask is encoded yet.
            InputError: Another ridge, scope or order than the default is requested.
        """
        if fit != (None, "all", 2):
            raise InputError("Classes are explained with order=2, scope='all' and a cross-validated ridge.")
        with self._unchanging:
            if len(self.pools.image) < 2:
                raise FixlipError("Nothing is encoded yet; call extend(p, budget) first.")
            return explain_choice(self.classes_at(p), self.chosen)

    def group(self, players: Sequence[int], explanation: Explanation) -> Group:
        """Return sums of the interactions of several players; of one class, with standard errors."""
        sums, kept = group(explanation, players), kept_fit(explanation)
        return sums if kept is None else add_errors(sums, kept.regression, kept.scale)

    # -- not available -----------------------------------------------------------------------------------------------

    def set_text(self, text: str | Tensor) -> None:
        """Raise FixlipError: classes have no caption."""
        raise FixlipError("This explainer has classes instead of a caption; call set_classes(names) or choose(names).")

    def set_image(self, image: ImageLike) -> None:
        """Raise FixlipError: the classes' logits belong to one image."""
        raise FixlipError("The image of an explainer of classes cannot be replaced; create another one.")


def caption_of(chosen: Sequence[str]) -> str:
    """Return the caption of the explanation of one class, or of the margin between two."""
    return " − ".join(chosen)


def record_explainer(
    explainer: ClassExplainer,
    p: float | Sequence[float] | None = None,
    measured: Sequence[Any] = (),
    *,
    playground: bool = False,
    **others: Any,
) -> Recording:
    """Return the contents of a page of the explainer's classes; nothing is encoded but for the playground.

    Args:
        explainer: Must not be computing meanwhile.
        p: Values of p at which the page explains the chosen class, with the masks that are encoded; by default each of
            0.1 … 0.9 with enough of them.
        measured: Measurements of explanations, in the view's format.
        playground: Whether to compute logits and probabilities with each single patch hidden.
        others: Further options of a page, which are refused.

    Raises:
        InputError: Another option is requested, or the playground would be too large.
    """
    check_class_options(**others)
    enough = _MASKS_PER_PATCH * explainer.game.n_image
    covered = [each for each in GRID if explainer.effective_image_masks(each) > enough]
    offered = covered if p is None else [check_p(each) for each in list_of(p)]
    at_other_p = [explainer.explanation(each) for each in offered if each != explainer.p]
    classes = explainer.classes_at(explainer.p)
    return record_classes(classes, explainer.chosen, at_other_p, measured, playground=playground)


@recording_of.register
def _(part: ClassExplainer, **options: Any) -> tuple[Recording, dict[str, Any]]:
    with part.reserved():  # a widget may use it too
        return record_explainer(part, **options), {}
