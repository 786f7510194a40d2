"""Third-order cross-modal terms of an explanation: image–image–text and image–text–text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fixlip_widgets.errors import InputError

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Triples:
    """Terms ``value · z_i z_j z_k`` of two image players and a token, or an image player and two tokens, in logits.

    Attributes:
        image_image_text: (n_text, n_image, n_image), symmetric in the image players, zero diagonals.
        image_text_text: (n_image, n_text, n_text), symmetric in the tokens, zero diagonals.
        image_image_text_se: Standard errors of ``image_image_text``, same shape.
        image_text_text_se: Standard errors of ``image_text_text``, same shape.
        pairs_se: (n, n) standard errors of the interactions of the second-order surrogate, which are the closest ones
            (:meth:`on_pairs`); NaN if unknown.
    """

    image_image_text: Floats
    image_text_text: Floats
    image_image_text_se: Floats
    image_text_text_se: Floats
    pairs_se: Floats | None = None

    def __post_init__(self) -> None:
        n_text, n_image = self.image_image_text.shape[:2]
        n = n_image + n_text
        if self.pairs_se is None:
            object.__setattr__(self, "pairs_se", np.full((n, n), np.nan))
        shapes = (*((n_text, n_image, n_image), (n_image, n_text, n_text)) * 2, (n, n))
        for name, shape in zip(self.__dataclass_fields__, shapes, strict=True):
            array = np.array(getattr(self, name), dtype=np.float64)
            if array.shape != shape:
                raise InputError(f"{name} has shape {array.shape}; expected {shape}.")
            array.setflags(write=False)
            object.__setattr__(self, name, array)

    def __repr__(self) -> str:
        return f"<Triples of {self.n_image} image players and {self.n_text} text players>"

    def __reduce__(self) -> tuple[type[Triples], tuple[Floats, ...]]:
        """Pickle and copy by the constructor, so that the arrays of a copy are read-only too."""
        return type(self), tuple(getattr(self, name) for name in self.__dataclass_fields__)

    @property
    def n_image(self) -> int:
        """Number of image players."""
        return self.image_text_text.shape[0]

    @property
    def n_text(self) -> int:
        """Number of text players."""
        return self.image_image_text.shape[0]

    def predict(self, masks: Floats) -> Floats:
        """Return the (m,) sums of the terms present in joint masks (m, n), in logits."""
        z, t = masks[:, : self.n_image], masks[:, self.n_image :]
        patches = 0.5 * np.einsum("mi,bij,mj->mb", z, self.image_image_text, z, optimize=True)
        tokens = 0.5 * np.einsum("mb,abc,mc->ma", t, self.image_text_text, t, optimize=True)
        return (patches * t).sum(axis=1) + (tokens * z).sum(axis=1)

    def first_order(self) -> Floats:
        """Return the (n,) sums of every player's terms: times p², their contribution to its weighted Banzhaf value."""
        patches = self.image_image_text.sum(axis=(0, 2)) + 0.5 * self.image_text_text.sum(axis=(1, 2))
        tokens = 0.5 * self.image_image_text.sum(axis=(1, 2)) + self.image_text_text.sum(axis=(0, 2))
        return np.concatenate([patches, tokens])

    def on_pairs(self, p: float) -> tuple[Floats, Floats]:
        """Return the closest (n,) main effects and (n, n) interactions if players are kept with probability ``p``.

        ``z_i z_j z_k`` is approximated by ``p (z_i z_j + z_i z_k + z_j z_k) − p² (z_i + z_j + z_k)``, up to a constant.
        The remainder is the product of the three deviations from p, which is uncorrelated with every polynomial of
        lower degree.
        """
        n_image, n = self.n_image, self.n_image + self.n_text
        pairs = np.zeros((n, n))
        pairs[:n_image, :n_image] = self.image_image_text.sum(axis=0)
        pairs[n_image:, n_image:] = self.image_text_text.sum(axis=0)
        cross = self.image_image_text.sum(axis=2).T + self.image_text_text.sum(axis=2)
        pairs[:n_image, n_image:], pairs[n_image:, :n_image] = cross, cross.T
        return -(p**2) * self.first_order(), p * pairs

    def term(self, players: Sequence[int]) -> float:
        """Return the term of three different players, in logits; 0 unless they are of both modalities."""
        image = [player for player in players if player < self.n_image]
        text = [player - self.n_image for player in players if player >= self.n_image]
        if len(image) == 2:
            return float(self.image_image_text[text[0], image[0], image[1]])
        return float(self.image_text_text[image[0], text[0], text[1]]) if len(image) == 1 else 0.0

    def terms(self) -> tuple[Indices, Floats, Floats]:
        """Return (k, 3) players, (k,) values and (k,) standard errors of all terms."""
        n_image, n_text = self.n_image, self.n_text
        i, j = np.triu_indices(n_image, 1)
        b, c = np.triu_indices(n_text, 1)
        first = np.stack(
            [np.tile(i, n_text), np.tile(j, n_text), np.repeat(np.arange(n_text), len(i)) + n_image], axis=1
        )
        second = np.stack([np.repeat(np.arange(n_image), len(b)), np.tile(b, n_image), np.tile(c, n_image)], axis=1)
        second[:, 1:] += n_image
        values = [self.image_image_text[:, i, j].ravel(), self.image_text_text[:, b, c].ravel()]
        errors = [self.image_image_text_se[:, i, j].ravel(), self.image_text_text_se[:, b, c].ravel()]
        return np.concatenate([first, second]), np.concatenate(values), np.concatenate(errors)
