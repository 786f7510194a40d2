"""The data stage: pairs grouped by image, and each image read, prepared and reduced to small pictures.

It runs beside the model's worker, in processes of its own, and needs of the model only its preprocessing.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import torch
from torch import Tensor

from fixlip_widgets.corpus.cells import checked_caption
from fixlip_widgets.corpus.pairs import Row
from fixlip_widgets.corpus.pictures import thumbnail, webp
from fixlip_widgets.encoders.images import check_preprocessed, denormalise, open_image
from fixlip_widgets.encoders.models import Model
from fixlip_widgets.errors import InputError


@dataclass(frozen=True)
class Pair:
    """A pair to explain.

    Attributes:
        id: Its identifier in the corpus.
        source: Label of its data set.
        number: Its position there, from 0.
        caption: The caption; empty if it is not known yet.
    """

    id: str
    source: str
    number: int
    caption: str = ""

    def columns(self) -> dict[str, Any]:
        """Return the columns of the pair in the corpus."""
        return asdict(self)


@dataclass(frozen=True)
class Task:
    """An image with all captions of it that are to be explained.

    Attributes:
        image: Name of the image.
        pairs: The pairs, in the order of the data set.
        rows: Their rows in the data set.
    """

    image: str
    pairs: list[Pair] = field(default_factory=lambda: [])
    rows: list[Row] = field(default_factory=lambda: [])


@dataclass(frozen=True)
class Prepared:
    """The pairs of a task with their image.

    Attributes:
        image: Name of the image.
        pairs: The pairs, with their captions.
        pixels: (3, H, W) normalised pixels; None if the image cannot be read.
        errors: Why each pair cannot be explained; empty if it can.
        picture: What the model sees, as WebP.
        thumbnail: The whole image, as WebP.
    """

    image: str
    pairs: list[Pair]
    errors: list[str]
    pixels: Tensor | None = None
    picture: bytes | None = None
    thumbnail: bytes | None = None


def tasks_of(pairs: Iterable[tuple[Pair, Row]], done: Container[str]) -> list[Task]:
    """Group the pairs that are not done by their image, in the order of each image's first pair."""
    groups = dict[str, Task]()
    for pair, row in pairs:
        if pair.id not in done:
            group = groups.setdefault(row.image or f"\0{pair.id}", Task(row.image or row.name))
            group.pairs.append(pair)
            group.rows.append(row)
    return list(groups.values())


@dataclass(frozen=True)
class Preparation:
    """What the data stage needs of a model.

    Attributes:
        transform: Function from a PIL image to (3, H, W) normalised pixels.
        size: (height, width) of these.
        mean, std: Mean and standard deviation of the normalisation.
    """

    transform: Callable[[Any], Tensor]
    size: tuple[int, int]
    mean: tuple[float, ...]
    std: tuple[float, ...]

    @classmethod
    def of(cls, model: Model) -> Preparation:
        """Return the preparation of a model."""
        cfg = model.preprocess_cfg
        return cls(model.prepare or model.transform(), model.image_size, tuple(cfg.mean), tuple(cfg.std))

    def __call__(self, task: Task) -> Prepared:
        """Read the pairs of a task, and prepare its image once; what fails is an error of its pair."""
        image: tuple[Tensor, bytes, bytes] | None = None
        pairs, errors = list[Pair](), list[str]()
        for pair, row in zip(task.pairs, task.rows, strict=True):
            caption, error = pair.caption, ""
            try:
                if image is None:
                    read = row.read()
                    caption, image = read.caption, self._prepared(read.image)
                else:
                    caption = checked_caption(row.caption)
            except InputError as problem:
                error = str(problem)
            except Exception as problem:  # decoders of damaged files raise any error
                error = f"The image cannot be read: {type(problem).__name__}: {problem}."
            pairs.append(replace(pair, caption=caption))
            errors.append(error)
        pixels, picture, small = image or (None, None, None)
        return Prepared(task.image, pairs, errors, pixels, picture, small)

    def _prepared(self, image: Any) -> tuple[Tensor, bytes, bytes]:
        """Return normalised pixels, what the model sees, and a thumbnail."""
        if isinstance(image, Tensor):
            pixels = check_preprocessed(image, self.size)
            seen = denormalise(pixels, self.mean, self.std)
            return pixels, webp(seen), thumbnail(seen)
        whole = open_image(image)
        with torch.inference_mode():
            pixels = self.transform(whole)
        return pixels, webp(denormalise(pixels, self.mean, self.std)), thumbnail(whole)
