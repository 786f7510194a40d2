"""Image players of any shape: superpixels, or a user's own label map."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from fixlip_widgets.errors import InputError
from fixlip_widgets.support.open_clip import open_clip

transforms: Any = open_clip.transform
_UNEVEN = 2.0
"""How many times wider than high the grid that numbers superpixels may be; a few are joined where it would be more."""
_TRIES = 6
"""Further runs of SLIC, at most, until as many superpixels come out as are asked for."""
MAX_REGIONS = 1024
"""More players than any encoder's patches here."""
Regions = int | NDArray[np.integer]
"""A number of superpixels, or an (H, W) integer map that says which region each pixel belongs to."""


def region_labels(regions: Any, picture: NDArray[np.uint8], original: tuple[int, int], transform: Any) -> Tensor:
    """(H, W) the player of each pixel that the model sees, numbered from 0; every number occurs.

    Args:
        regions: A number of superpixels, or a label map of the model's pixels or of the picture that was passed.
        picture: (H, W, 3) what the model sees.
        original: (height, width) of the picture that was passed.
        transform: The model's preprocessing, whose resizing and cropping a label map of the original follows.

    Raises:
        InputError: It is neither, has another shape, or too many regions.
    """
    if isinstance(regions, (int, np.integer)) and not isinstance(regions, bool):
        return superpixels(picture, int(regions))
    labels = np.asarray(regions)
    if labels.ndim != 2 or not np.issubdtype(labels.dtype, np.integer):
        raise InputError(
            f"regions has shape {labels.shape} and type {labels.dtype}; pass a number of superpixels, or an (H, W) "
            "array of integers that says which region each pixel belongs to."
        )
    if labels.shape != picture.shape[:2]:
        if labels.shape != tuple(original):
            raise InputError(
                f"regions has shape {labels.shape}; the picture has {tuple(original)}, and the model sees "
                f"{picture.shape[:2]}. Make the label map from one of the two."
            )
        labels = _like_the_picture(labels, transform)
    return _checked(_numbered(labels))


def superpixels(picture: NDArray[np.uint8], count: int) -> Tensor:
    """(H, W) labels of ``count`` superpixels, or of a few fewer.

    Source: SLIC, Achanta et al., "SLIC Superpixels Compared to State-of-the-art Superpixel Methods", PAMI 2012, as
    scikit-image implements it.

    Raises:
        InputError: ``count`` is out of range, or scikit-image is not installed.
    """
    if not 2 <= count <= MAX_REGIONS:
        raise InputError(f"regions is {count}; a number of superpixels is from 2 to {MAX_REGIONS}.")
    try:
        from skimage.segmentation import slic
    except ImportError as error:
        raise InputError(
            "Superpixels need scikit-image: pip install 'fixlip-widgets[superpixels]'. Or pass a label map of your own."
        ) from error

    def segmented(asked: int) -> Tensor:
        return _numbered(np.asarray(slic(picture, n_segments=asked, start_label=0, channel_axis=2)))

    asked, labels = count, segmented(count)
    for _ in range(_TRIES):  # SLIC joins small segments afterwards: there are fewer than were asked for
        if (found := _count(labels)) >= count:
            break
        asked = min(math.ceil(1.1 * asked * count / found), labels.numel())
        labels = segmented(asked)
    while (n := _count(labels)) > count or (n > 2 and _unevenness(grid_of(n)) > _UNEVEN):
        labels = _without_the_smallest(labels)
    return labels


def grid_of(n: int) -> tuple[int, int]:
    """(rows, columns) of a grid that numbers ``n`` regions, as near to a square as ``n`` allows; rows are the fewer."""
    rows = next(rows for rows in range(math.isqrt(n), 0, -1) if n % rows == 0)
    return rows, n // rows


def _unevenness(shape: tuple[int, int]) -> float:
    return shape[1] / shape[0]


def _without_the_smallest(labels: Tensor) -> Tensor:
    """The smallest region joined to the neighbour that it has the longest border with."""
    smallest = int(torch.bincount(labels.flatten()).argmin())
    pairs = torch.cat(
        [
            torch.stack([labels[1:].flatten(), labels[:-1].flatten()]),
            torch.stack([labels[:, 1:].flatten(), labels[:, :-1].flatten()]),
        ],
        dim=1,
    )
    pairs = torch.cat([pairs, pairs.flip(0)], dim=1)
    beside = pairs[1][(pairs[0] == smallest) & (pairs[1] != smallest)]
    return _numbered(torch.where(labels == smallest, torch.bincount(beside).argmax(), labels).numpy())


def _like_the_picture(labels: NDArray[np.integer], transform: Any) -> NDArray[np.integer]:
    """Resized and cropped as the picture is, without mixing labels."""
    names, index = np.unique(labels, return_inverse=True)
    image: Any = Image.fromarray(index.reshape(labels.shape).astype(np.int32))
    nearest = transforms.InterpolationMode.NEAREST
    for step in transform.transforms:
        if isinstance(step, transforms.Resize):
            image = transforms.Resize(step.size, nearest)(image)
        elif isinstance(step, transforms.ResizeKeepRatio):
            image = transforms.ResizeKeepRatio(step.size, longest=step.longest, interpolation=nearest)(image)
        elif isinstance(step, (transforms.CenterCrop, transforms.CenterCropOrPad)):
            image = step(image)
    return names[np.asarray(image)]


def _count(labels: Tensor) -> int:
    return int(labels.max()) + 1


def _checked(labels: Tensor) -> Tensor:
    found = _count(labels)
    if found > MAX_REGIONS:
        raise InputError(f"The label map has {found:,} regions; at most {MAX_REGIONS:,} can be players.")
    return labels


def _numbered(labels: NDArray[np.integer]) -> Tensor:
    _, index = np.unique(labels, return_inverse=True)
    return torch.from_numpy(index.reshape(labels.shape).astype(np.int64))
