"""Image players of any shape: superpixels, or the regions of a label map."""

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
_MAX_ASPECT = 2.0
"""Maximum ratio of columns to rows of the grid that numbers superpixels; some are merged to satisfy it."""
_RETRIES = 6
"""Maximum number of further SLIC runs to reach the requested number of superpixels."""
MAX_REGIONS = 1024
"""Maximum number of regions."""
Regions = int | NDArray[np.integer]
"""A number of superpixels, or an (H, W) integer map of the region of each pixel."""


def region_labels(regions: Any, picture: NDArray[np.uint8], original: tuple[int, int], transform: Any) -> Tensor:
    """Return the (H, W) player of each pixel of the model's input, numbered from 0 without gaps.

    Args:
        regions: A number of superpixels, or a label map of the model's input or of the original image.
        picture: (H, W, 3) uint8 model input.
        original: (height, width) of the original image.
        transform: The model's preprocessing; a label map of the original image is resized and cropped in the same way.

    Raises:
        InputError: ``regions`` has an invalid type or shape, or too many regions.
    """
    if isinstance(regions, (int, np.integer)) and not isinstance(regions, bool):
        return superpixels(picture, int(regions))
    labels = np.asarray(regions)
    if labels.ndim != 2 or not np.issubdtype(labels.dtype, np.integer):
        raise InputError(
            f"regions has shape {labels.shape} and type {labels.dtype}; pass a number of superpixels, or an (H, W) "
            "integer array of the region of each pixel."
        )
    if labels.shape != picture.shape[:2]:
        if labels.shape != tuple(original):
            raise InputError(
                f"regions has shape {labels.shape}; a label map must have the shape of the image, {tuple(original)}, "
                f"or of the model's input, {picture.shape[:2]}."
            )
        labels = _resize_like_image(labels, transform)
    renumbered = _renumber(labels)
    if (n := _count(renumbered)) > MAX_REGIONS:
        raise InputError(f"The label map has {n:,} regions; at most {MAX_REGIONS:,} are allowed.")
    return renumbered


def superpixels(picture: NDArray[np.uint8], count: int) -> Tensor:
    """Return (H, W) labels of ``count`` superpixels, or slightly fewer.

    Source: SLIC, Achanta et al., "SLIC Superpixels Compared to State-of-the-art Superpixel Methods", PAMI 2012, as
    implemented in scikit-image.

    Raises:
        InputError: ``count`` is out of range, or scikit-image is not installed.
    """
    if not 2 <= count <= MAX_REGIONS:
        raise InputError(f"regions is {count}; the number of superpixels must be from 2 to {MAX_REGIONS}.")
    try:
        from skimage.segmentation import slic
    except ImportError as error:
        raise InputError(
            "Superpixels need scikit-image: pip install 'fixlip-widgets[superpixels]'. Or pass a label map."
        ) from error

    def segment(n_segments: int) -> Tensor:
        return _renumber(np.asarray(slic(picture, n_segments=n_segments, start_label=0, channel_axis=2)))

    n_segments, labels = count, segment(count)
    for _ in range(_RETRIES):  # SLIC merges small segments, so it returns fewer than requested
        if (n := _count(labels)) >= count:
            break
        n_segments = min(math.ceil(1.1 * n_segments * count / n), labels.numel())
        labels = segment(n_segments)
    while (n := _count(labels)) > count or (n > 2 and _aspect(n) > _MAX_ASPECT):
        labels = _merge_smallest(labels)
    return labels


def grid_of(n: int) -> tuple[int, int]:
    """Return the (rows, columns) of the squarest grid of ``n`` regions, with rows ≤ columns."""
    rows = next(rows for rows in range(math.isqrt(n), 0, -1) if n % rows == 0)
    return rows, n // rows


def _aspect(n: int) -> float:
    rows, columns = grid_of(n)
    return columns / rows


def _merge_smallest(labels: Tensor) -> Tensor:
    """Merge the smallest region into the neighbour with which it shares the longest border."""
    smallest = int(torch.bincount(labels.flatten()).argmin())
    pairs = torch.cat(
        [
            torch.stack([labels[1:].flatten(), labels[:-1].flatten()]),
            torch.stack([labels[:, 1:].flatten(), labels[:, :-1].flatten()]),
        ],
        dim=1,
    )
    pairs = torch.cat([pairs, pairs.flip(0)], dim=1)
    neighbours = pairs[1][(pairs[0] == smallest) & (pairs[1] != smallest)]
    return _renumber(torch.where(labels == smallest, torch.bincount(neighbours).argmax(), labels).numpy())


def _resize_like_image(labels: NDArray[np.integer], transform: Any) -> NDArray[np.integer]:
    """Resize and crop a label map as the image is, without interpolating labels."""
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


def _renumber(labels: NDArray[np.integer]) -> Tensor:
    _, index = np.unique(labels, return_inverse=True)
    return torch.from_numpy(index.reshape(labels.shape).astype(np.int64))
