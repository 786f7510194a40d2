"""``explain_retrieval``: why a caption finds one image rather than another, in the caption's tokens."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from fixlip_widgets.encoders.batches import plain_settings
from fixlip_widgets.encoders.images import ImageLike
from fixlip_widgets.encoders.models import Model, load_model
from fixlip_widgets.errors import InputError
from fixlip_widgets.estimators.masks import DEFAULT_DESIGN, HELD_OUT_STREAM, TEXT_STREAM, MaskDesign, check_design
from fixlip_widgets.explainers.candidates import Candidates
from fixlip_widgets.explainers.class_texts import check_names
from fixlip_widgets.explainers.classes import DEFAULT_MASKS, check_masks, check_order, encode_masks
from fixlip_widgets.explainers.encoded_mask_pool import Pool
from fixlip_widgets.explainers.game import VisionLanguageGame
from fixlip_widgets.explainers.own_forward import own_embedding
from fixlip_widgets.support.checks import check_fit, check_p, check_seed, list_of
from fixlip_widgets.support.progress import ProgressBar

Images = Iterable[ImageLike] | Mapping[str, ImageLike]


class Retrieval(Candidates):
    """The images among which a caption chooses; the result of :func:`fixlip_widgets.explain_retrieval`.

    ``found["image 1"]`` explains the logit of an image, ``found.contrast("image 1", "image 2")`` the margin between
    two, and ``found.probability("image 1")`` the log-probability. All are :class:`~fixlip_widgets.Explanation`, whose
    players are the caption's tokens alone.

    Attributes:
        names: (k,) names of the images.
        vectors: (k, d) embeddings of the images, of unit norm.
        caption: The caption.
    """

    kind = "image"
    nouns = ("image", "images")

    def __init__(
        self, game: VisionLanguageGame, pool: Pool, held_out: Pool, *, images: dict[str, Any], **fields: Any
    ) -> None:
        super().__init__(game, "text", pool, held_out, names=(*images,), **fields)
        self.caption = game.caption
        self._images = dict(images)

    @property
    def image_encodes(self) -> int:
        """Number of images encoded so far."""
        return len(self)

    @property
    def text_encodes(self) -> int:
        """Number of text masks encoded so far."""
        return self.pool.encodes + self.held_out.encodes

    def add(self, images: Images, *, progress: bool | None = None) -> None:
        """Add images; only they are encoded.

        Args:
            images: As for :func:`fixlip_widgets.explain_retrieval`; without names, they are numbered on.
            progress: As in :func:`fixlip_widgets.explain_retrieval`.

        Raises:
            InputError: An image cannot be read, or its name exists already; no image is added.
        """
        named = _named(images, len(self))
        known = [name for name in named if name in self]
        if known:
            raise InputError(f"The image {known[0]!r} exists already; every name must be unique.")
        with ProgressBar(progress, "encoding", "images") as bar:
            vectors = _vectors(self.game, named, len(named), bar)
        self._extend((*named,), vectors)
        self._images.update(named)

    def _choice(self, name: str) -> dict[str, Any]:
        return {**super()._choice(name), "caption": self.caption}

    def _players(self, name: str) -> dict[str, Any]:
        return {
            "tokens": self.game.tokens,
            "words": self.game.words,
            "grid": (0, 0),
            "image": self.game.model.display(self._images[name]),
            "caption": f"{name}: {self.caption}",
            "image_encodes": self.image_encodes,
            "text_encodes": self.text_encodes,
        }

    def summary(self) -> str:
        """Return one line on images, caption, players and cost."""
        encodings = f"{self.image_encodes:,}+{self.text_encodes:,} encodings"
        return f"{super().summary()}, “{self.caption}”, {encodings}, {self.game.model.name}"


def explain_retrieval(
    images: Images,
    text: str | Tensor,
    *,
    model: Model | None = None,
    p: float = 0.5,
    budget: int = DEFAULT_MASKS,
    masks: MaskDesign = DEFAULT_DESIGN,
    order: int = 2,
    seed: int = 0,
    words: bool = False,
    ridge: float | None = None,
    check: bool = True,
    progress: bool | None = None,
) -> Retrieval:
    """Explain why a caption finds one image rather than another: which tokens, alone and in pairs, favour it.

    The text masks are encoded once for all images, and an image costs one encoding. It mirrors
    :func:`fixlip_widgets.explain_classes`.

    Args:
        images: Images, as in :func:`fixlip_widgets.explain`, or a mapping from names to images. Without names, they are
            called ``image 1``, ``image 2`` and so on.
        text: A caption, or its token ids.
        model: A model from :func:`load_model`; the packaged demo model by default.
        p: Probability of keeping each token.
        budget: Number of text masks. Captions of up to 12 tokens have no more than the default, so all are encoded, and
            the explanations are exact.
        masks: As in :func:`fixlip_widgets.explain`.
        order: 2; third-order terms combine tokens with patches, and the images have no patches that are players.
        seed: Random seed of the masks.
        words: Whether to mask whole words instead of tokens.
        ridge: Ridge penalty of text–text terms; by default chosen by cross-validation if masks are a sample.
        check: As in :func:`fixlip_widgets.explain`.
        progress: Whether to show a progress bar; by default only for long computations in interactive use.

    Returns:
        The images with their logits and probabilities: softmax over the given images, or sigmoid for models that were
        trained with a sigmoid loss (SigLIP). A single image has a logit, but no softmax probability (NaN).

    Raises:
        InputError: There is no image, one cannot be read, a name is blank or repeated, or another argument is invalid.
        EncodingError: As in :func:`fixlip_widgets.explain`.
    """
    named = _named(images)
    p, count, seed, design = check_p(p), check_masks(budget), check_seed(seed), check_design(masks)
    check_order(order, "Third-order terms combine tokens with patches, and the images have no patches that are players")
    check_fit(ridge, "all", 2)
    game = VisionLanguageGame(model or load_model(), next(iter(named.values())), text, words=words, check=check)
    with ProgressBar(progress, "encoding", "encodings") as bar:
        vectors = _vectors(game, named, len(named) + count, bar)
        pool = Pool(game.n_text, seed=seed, stream=TEXT_STREAM, name="text", design=design)
        held_out = Pool(game.n_text, seed=seed, stream=HELD_OUT_STREAM, name="text")
        shown = len(named)
        encode_masks(game, pool, held_out, p, count, lambda done, total: bar.show(shown + done, shown + total))
    return Retrieval(game, pool, held_out, images=named, vectors=vectors, p=p, ridge=ridge)


def _named(images: Any, start: int = 0) -> dict[str, Any]:
    """Return images by name; without names, they are numbered after the first ``start``."""
    if isinstance(images, Mapping):
        given: dict[str, Any] = dict(images)  # pyright: ignore[reportUnknownArgumentType]
    else:
        given = {f"image {start + number}": image for number, image in enumerate(list_of(images), 1)}
    return dict(zip(check_names(list(given), "image"), given.values(), strict=True))


@plain_settings
def _vectors(game: VisionLanguageGame, images: Mapping[str, Any], total: int, bar: ProgressBar) -> Tensor:
    """Return the (k, d) float64 embeddings of images, of unit norm; they are the first encodings of ``total``."""
    vectors = list[Tensor]()
    for image in images.values():
        pixels = game.model.pixels(image)
        vectors.append(F.normalize(own_embedding(game.model, pixels, "image").double(), dim=0))
        bar.show(len(vectors), total)
    return torch.stack(vectors)
